"""The worker: runs the jobs at their intervals until a signal comes, while it holds the lease."""
