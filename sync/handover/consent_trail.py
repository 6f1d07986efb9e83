"""Notes consent as it was read: at each handover, and whenever it changed afterwards."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from sync.context import Context
from sync.domain.rules import Consent, Rules
from sync.domain.views import ContactView
from sync.planner.consent import consents as permissions_of
from sync.planner.consent import legal_bases
from sync.state import consents, tables
from sync.state.consents import Values
from sync.state.handovers import HandoverRecord

HANDOVER, REFUSAL, CONSENT = "handover", "refusal", "consent"
"""Kinds of events. A refusal: a channel was refused, or no legal basis is left; a consent: the opposite."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """Consent at one moment: the legal bases that count, and by channel `granted` or `refused`."""

    bases: tuple[str, ...]
    channels: tuple[tuple[str, str], ...]

    @property
    def refused(self) -> set[str]:
        """What is refused: channels, and `` for a missing legal basis."""
        return {channel for channel, said in self.channels if said == "refused"} | (set() if self.bases else {""})


def note(
    session: Session, views: Iterable[ContactView], handovers: Sequence[HandoverRecord], rules: Rules, now: datetime
) -> None:
    """Adds an event for each new handover, and one for each contact that was handed over whose consent changed."""
    by_id = {view.id: view for view in views}
    consents.add(session, (at_handover(by_id[h.contact_id], h, rules, now) for h in handovers))
    fresh = {h.contact_id for h in handovers}
    known = [view for view in by_id.values() if view.cycles and view.id not in fresh and _is_alive(view)]
    if known:
        then = consents.last_values(session, [view.id for view in known])
        consents.add(session, _changes(known, then, rules, now))


def _is_alive(view: ContactView) -> bool:
    return not (view.archived or view.erased or view.merged_into)


def at_handover(view: ContactView, handover: HandoverRecord, rules: Rules, now: datetime) -> tables.ConsentEvent:
    """The event of a handover, with the evidence that was kept when it was announced."""
    consent = rules.qualification.consent
    evidence = dict(handover.evidence) or {name: view.known(name) for name in consent.properties()}
    by_rules = evidence.pop("rules", rules.fingerprint)
    then = replace(view, properties={**view.properties, **evidence}, unreadable=view.unreadable - evidence.keys())
    found = _event(then, consent, HANDOVER, now)
    found.lead_key, found.property, found.rules = handover.lead_key, consent.legal_basis_property, by_rules
    return found


def _changes(
    views: Iterable[ContactView], then: dict[str, Values], rules: Rules, now: datetime
) -> Iterator[tables.ConsentEvent]:
    consent = rules.qualification.consent
    for view in views:
        before = then.get(view.id) or _first_evidence(view)
        was = _standing(replace(view, properties={**view.properties, **before}, unreadable=frozenset()), consent)
        now_is = _standing(view, consent)
        if was == now_is or view.unreadable.intersection(consent.properties()):
            continue
        kind = REFUSAL if now_is.refused - was.refused else CONSENT
        found = _event(view, consent, kind, now)
        changed = (name for name in reversed(consent.properties()) if before.get(name) != view.known(name))
        found.property, found.rules = next(changed, consent.legal_basis_property), rules.fingerprint
        yield found


def _first_evidence(view: ContactView) -> Values:
    """Consent as read at the last handover, of a version that kept no trail."""
    evidence = view.cycles[-1].evidence
    return {name: value for name, value in evidence.items() if name not in ("rules", "origin")}


def _event(view: ContactView, consent: Consent, kind: str, now: datetime) -> tables.ConsentEvent:
    standing = _standing(view, consent)
    return tables.ConsentEvent(
        contact_id=view.id,
        at=now,
        kind=kind,
        legal_basis="; ".join(standing.bases) or None,
        permissions=dict(standing.channels),
        read_values={name: view.known(name) for name in consent.properties()},
        property=consent.legal_basis_property,
    )


def _standing(view: ContactView, consent: Consent) -> _Standing:
    said = {consent.refused: "refused", consent.granted: "granted"}
    channels = permissions_of(view, consent)
    return _Standing(
        tuple(legal_bases(view.known(consent.legal_basis_property), consent)),
        tuple(sorted((channel, said.get(code, code)) for channel, (code, _) in channels.items())),
    )


def take_over(context: Context) -> None:
    """Takes handovers of versions that kept no trail into it, with the evidence that they kept; once."""
    rules = context.config.rules
    with context.store.reading() as session:
        if consents.were_taken_over(session):
            return
    with context.store.session() as session:
        for row in consents.older_handovers(session):
            view = ContactView(row.contact_id, row.evidence)
            handover = HandoverRecord(
                row.lead_key, row.contact_id, row.score, row.cycle, row.object_id, None, row.evidence
            )
            consents.add(session, [at_handover(view, handover, rules, row.handed_over_at or context.now())])
        consents.taken_over(session)
