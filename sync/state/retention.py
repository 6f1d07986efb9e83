"""What goes after its time: old decisions and job runs, and contacts of the mirror that do not matter.

What was handed over, is linked, waits, or was left alone by a person stays, whatever its age.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func
from sqlmodel import Session, col, select

from sync.domain.entities import Entity
from sync.lifecycle import Status
from sync.state import decisions, tables
from sync.state.erasure import purge
from sync.state.pending import among


@dataclass(frozen=True, slots=True)
class Expiry:
    """One kind of row: which ids are older than a moment, and how they are removed."""

    ids: Callable[[datetime], Any]
    remove: Callable[[Session, list[Any]], None]

    def count(self, session: Session, before: datetime) -> int:
        """How many would go."""
        found: int = session.exec(select(func.count()).select_from(self.ids(before).subquery())).one()
        return found

    def take(self, session: Session, before: datetime, limit: int) -> int:
        """Removes as many as `limit` allows; returns how many."""
        ids = list(session.exec(self.ids(before).limit(limit)).all())
        self.remove(session, ids)
        return len(ids)


def _decisions(before: datetime) -> Any:
    """All but the newest on each contact, which explains its present state."""
    newest = select(func.max(tables.Decision.id)).group_by(tables.Decision.contact_id)
    return select(tables.Decision.id).where(decisions.made_before(before), col(tables.Decision.id).not_in(newest))


def _job_runs(before: datetime) -> Any:
    """All but the last success and the last failure of each job."""
    last = select(func.max(tables.JobRun.id)).group_by(tables.JobRun.job, col(tables.JobRun.ok))
    old = col(tables.JobRun.started_at) < before, col(tables.JobRun.id).not_in(last)
    return select(tables.JobRun.id).where(*old)


def _contacts(before: datetime) -> Any:
    """Live contacts below every threshold that nobody has changed in HubSpot since then."""
    crossed = exists().where(col(tables.Crossing.contact_id) == col(tables.Contact.id))
    return _settled().where(~_gone(), ~crossed, col(tables.Contact.modified_at) < before)


def _gone_contacts(before: datetime) -> Any:
    """Contacts that HubSpot archived, deleted or merged away, and that were settled before then."""
    return _settled().where(_gone(), col(tables.Progress.settled_at) < before)


def _settled() -> "Select[Any]":
    """Contacts that are done and have neither lead nor record nor a person's word on them."""
    ours = (
        exists().where(col(tables.Handover.contact_id) == col(tables.Contact.id)),
        exists().where(
            col(tables.Link.hubspot_id) == col(tables.Contact.id), col(tables.Link.entity) != Entity.ACCOUNT
        ),
        exists().where(col(tables.LeftAlone.contact_id) == col(tables.Contact.id)),
        exists().where(col(tables.Reread.contact_id) == col(tables.Contact.id)),
    )
    joined = select(tables.Contact.id).join(tables.Progress, col(tables.Progress.contact_id) == col(tables.Contact.id))
    return joined.where(col(tables.Progress.status) == Status.DONE, *(~one for one in ours))


def _gone() -> ColumnElement[bool]:
    return col(tables.Contact.archived) | col(tables.Contact.erased) | col(tables.Contact.merged_into).is_not(None)


def _remove(table: Any) -> Callable[[Session, list[Any]], None]:
    def removed(session: Session, ids: list[Any]) -> None:
        session.exec(delete(table).where(among(table.id, ids)))

    return removed


def _remove_contacts(session: Session, ids: list[Any]) -> None:
    """Removes what is held of these contacts. An alias stays: it says under which id a merged contact lives on."""
    for table, where in purge.rows_of(ids):
        if table is not tables.Alias:
            session.exec(delete(table).where(where))


EXPIRIES: Mapping[str, Expiry] = {
    "decisions": Expiry(_decisions, decisions.remove),
    "job_runs": Expiry(_job_runs, _remove(tables.JobRun)),
    "contacts": Expiry(_contacts, _remove_contacts),
    "gone": Expiry(_gone_contacts, _remove_contacts),
}
"""By the name of the setting in `[retention]`."""
