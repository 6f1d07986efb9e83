"""The lease of a command that writes: taken at its start, kept alive while it runs, given back at its end."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy.exc import SQLAlchemyError

from sync import app
from sync.app import App
from sync.context import ShowProgress
from sync.errors import Interrupted, LeaseHeld, LeaseLost, StateError
from sync.state import lease as leases
from sync.state.lease import Kind, Lease
from sync.worker.signals import StopSignal

LOOK_AGAIN = 0.2
"""Seconds between two tries while another command holds the lease."""


@contextmanager
def working(
    progress: ShowProgress,
    kind: Kind = "command",
    prepare: Callable[[StopSignal], app.Prepare] = lambda _: app.as_it_is,
) -> Iterator[tuple[App, StopSignal]]:
    """The application, with the lease held. `prepare` runs before the state file is opened.

    Waits for another command to end. Raises LeaseHeld at once if a worker holds the lease, since a worker does not end
    by itself.
    """
    stop = StopSignal().install()
    application = app.build(progress, stop, app.Clock(sleep=stop.sleep), prepare=prepare(stop))
    schedule = application.context.config.worker.schedule
    stop.within = schedule.stop_within.total_seconds()
    clock = application.clock
    patience = schedule.takeover_after.total_seconds()
    lease = Lease(application.context.store, kind, patience, clock.now, clock.monotonic)
    try:
        _take(lease, stop)
        with beating(lease, patience / 4):
            context = replace(application.context, fence=lease.fence, stopping=lambda: stop() or not lease.held)
            yield replace(application, context=context), stop
    except Interrupted as interrupted:
        interrupted.exit_code = stop.exit_code or interrupted.exit_code
        raise
    finally:
        lease.release()
        application.close()


def _take(lease: Lease, stop: StopSignal) -> None:
    while not lease.acquire():
        with lease.store.reading() as session:
            found = leases.current_holder(session)
        if found and found.kind == "worker":
            raise LeaseHeld(
                f"the worker {found.holder} is at work since {found.since:%Y-%m-%d %H:%M:%S} UTC and does this by "
                "itself; use `hubspot-c4c-sync resync` to have contacts looked at again, or stop the worker first"
            )
        if stop.wait(LOOK_AGAIN):
            raise stop.interrupted("stopped by a signal while another command was at work; nothing was done")


@contextmanager
def beating(lease: Lease, every: float) -> Iterator[None]:
    """Sends heartbeats from a thread, however long the command's own work takes."""
    over = threading.Event()
    thread = threading.Thread(target=_heartbeat, args=(lease, every, over.wait), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _heartbeat(lease: Lease, every: float, wait: Callable[[float], bool]) -> None:
    while not wait(every):
        try:
            lease.heartbeat()
        except (LeaseLost, StateError):
            # The command's own next write meets the same and ends it with a sentence.
            return
        except (SQLAlchemyError, OSError):
            continue
