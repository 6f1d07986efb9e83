"""Removes history that is older than `[retention]` says. Links, handovers and the newest decisions stay."""

from sync.context import Context, Counts
from sync.state import streams, work

_PORTION = 5000
"""Rows removed in one transaction."""


def run(context: Context) -> Counts:
    """Deletes in small portions, so that no other transaction waits long for the file."""
    retention, now = context.config.worker.retention, context.now()
    counts: Counts = {"decisions": 0, "job_runs": 0}
    for name, remove, before in (
        ("decisions", work.remove_decisions, now - retention.decisions),
        ("job_runs", streams.remove_job_runs, now - retention.job_runs),
    ):
        while True:
            with context.store.session() as session:
                removed = remove(session, before, _PORTION)
            counts[name] += removed
            context.progress("housekeeping", counts[name], None)
            if removed < _PORTION:
                break
            context.checkpoint()
    return counts
