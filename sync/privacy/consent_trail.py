"""Completes the consent trail: when and how each consent came about, from HubSpot's history of the property.

It is read after the handovers, 50 contacts in a request, and no lead waits for it. What HubSpot does not say stays
unknown.
"""

from collections.abc import Iterable, Mapping

from sync.context import Context
from sync.domain.views import clean
from sync.errors import BudgetExhausted, RemoteError
from sync.handover.consent_trail import take_over
from sync.hubspot_client import Histories, Version
from sync.log import Event, emit
from sync.reading import budget
from sync.state import consents, tables
from sync.state.documents import BUDGET
from sync.state.pending import portions

_CONTACTS = 50
"""Contacts in one request."""

_MOST = 1000
"""Events that one push completes, so that a first load with many handovers does not take HubSpot's requests at once."""


def fill_in(context: Context) -> None:
    """Reads the open sources. HubSpot out of reach leaves them open, for the next push; it fails nothing."""
    take_over(context)
    with context.store.reading() as session:
        waiting = consents.open_events(session, _MOST)
        closed_until = BUDGET.read(session).exhausted_until
    if not waiting or (closed_until and context.now() < closed_until):
        return
    names = context.config.rules.qualification.consent.properties()
    try:
        for ids in portions((event.contact_id for event in waiting), _CONTACTS):
            budget.still_spare(context, "sweep")
            found = context.hubspot.history(ids, names)
            _store(context, [event for event in waiting if event.contact_id in ids], found)
            context.checkpoint()
    except BudgetExhausted:
        return
    except RemoteError as error:
        emit(Event.CONSENT_SOURCE_UNREAD, system=error.system, cause=str(error))
        _store(context, waiting[:_CONTACTS], {})


def _store(context: Context, events: Iterable[tables.ConsentEvent], found: Histories) -> None:
    """Stores the sources. An event without an answer is tried again, a few times."""
    with context.store.session() as session:
        for known in events:
            event = session.get(tables.ConsentEvent, known.id)
            if event is None or not event.open:
                continue
            version = _version(event, found.get(event.contact_id, {}))
            event.tries += 1
            event.open = event.contact_id not in found and event.tries < consents.MOST_TRIES
            if version:
                event.source, event.source_at = version.source, version.at


def _version(event: tables.ConsentEvent, found: Mapping[str, tuple[Version, ...]]) -> Version | None:
    """The version that holds the event's value: the newest that is not later than the event, else the oldest."""
    value = _options(event.read_values.get(event.property))
    same = [version for version in found.get(event.property, ()) if _options(version.value) == value]
    then = (version for version in same if event.at and version.at <= event.at)
    return next(then, same[-1] if same else None)


def _options(value: str | None) -> frozenset[str]:
    """The options of a value, whose order says nothing."""
    return frozenset(part for part in ((clean(value) or "").split(";")) if part)
