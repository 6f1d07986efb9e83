"""The worker: runs the jobs at their intervals until a signal comes, while it holds the lease."""

from sync.worker.loop import Worker
from sync.worker.signals import StopSignal

__all__ = ["StopSignal", "Worker"]
