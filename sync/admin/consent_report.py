"""The consent trail as people and audits read it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sync.domain.moments import iso
from sync.state import consents, tables
from sync.state.erasure import purge
from sync.state.store import Store

COLUMNS = ("contact", "at", "kind", "legal_basis", "source", "source_at", "permissions", "rules")


def trail_of(store: Store, contact_id: str) -> dict[str, Any]:
    """The events of one contact, the oldest first; an id that was merged away stands for its survivor."""
    with store.reading() as session:
        ids = [*purge.all_ids_of(session, contact_id), contact_id]
        return {
            "contact": contact_id,
            "events": [event_shown(event) for event in consents.of_contacts(session, ids)],
        }


def event_shown(event: tables.ConsentEvent) -> dict[str, Any]:
    """One event. `source` and `source_at` are those of the legal basis, at a refusal of what was refused."""
    return {
        "at": iso(event.at),
        "kind": event.kind,
        "legal_basis": event.legal_basis,
        "source": event.source,
        "source_at": iso(event.source_at),
        "permissions": event.permissions,
        "rules": event.rules,
    }


def table_rows(store: Store, since: datetime) -> Iterator[tuple[str, ...]]:
    """The events of all contacts since then, as rows of a CSV file; absent values are empty."""
    with store.reading() as session:
        for event in consents.since(session, since):
            found = {"contact": event.contact_id, **event_shown(event), "permissions": _text(event.permissions)}
            yield tuple(str(found[name] or "") for name in COLUMNS)


def documents(store: Store, since: datetime) -> Iterator[dict[str, Any]]:
    """The same as documents."""
    with store.reading() as session:
        for event in consents.since(session, since):
            yield {"contact": event.contact_id, **event_shown(event)}


def _text(permissions: dict[str, str]) -> str:
    return "; ".join(f"{channel} {said}" for channel, said in sorted(permissions.items()))
