"""Whether this state may write to SAP Sales Cloud at the moment. Reading is always allowed."""

from sync.context import Context
from sync.errors import SecondWriter
from sync.state import pausing, second_writer


def may_write(context: Context) -> bool:
    """Whether the next write may be sent: there is no second writer, and no person has paused writes."""
    with context.store.reading() as session:
        return second_writer.finding_in_force(session) is None and pausing.paused(session) is None


def pause_in_force(context: Context) -> bool:
    """Whether a person has paused writes. Pending contacts then keep waiting and lose no attempt."""
    with context.store.reading() as session:
        return pausing.paused(session) is not None


def demand(context: Context) -> None:
    """Raises SecondWriter while a second writer waits for a person's decision."""
    with context.store.reading() as session:
        found = second_writer.finding_in_force(session)
    if found:
        raise SecondWriter(f"{found.text}; {_remedy(found.digest)}")


def _remedy(digest: str) -> str:
    return (
        "nothing is written until a person decides. Find and stop the other worker (a second replica, an old host, a "
        "test system with this tenant), remove the doubles in SAP Sales Cloud, then let this one go on with "
        f"`hubspot-c4c-sync approve {digest}`"
    )
