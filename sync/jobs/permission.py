"""Whether this state may write to SAP Sales Cloud at the moment; reading is never in question."""

from sync.errors import SecondWriter, SyncError
from sync.jobs.context import Context
from sync.state import second_writer


def withheld(context: Context) -> SyncError | None:
    """What keeps us from writing, as the failure to raise; None if nothing does."""
    with context.store.reading() as session:
        found = second_writer.standing(session)
    return SecondWriter(f"{found.text}; {_remedy(found.digest)}") if found else None


def _remedy(digest: str) -> str:
    return (
        "nothing is written until a person decides. Find and stop the other worker (a second replica, an old host, a "
        "test system with this tenant), remove the doubles in SAP Sales Cloud, then let this one go on with "
        f"`hubspot-c4c-sync approve {digest}`"
    )
