"""Everything that is held about one person, with where each value came from and where it was sent (Art. 15 GDPR)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, select

from sync.admin.consent_report import event_shown
from sync.domain.entities import Entity
from sync.domain.moments import iso
from sync.domain.rules import FieldMap, Rules, field_sources, qualified
from sync.planner.keyed_fields import NUMBERS
from sync.state import belonging, consents, decisions, tables, work
from sync.state.decisions import StoredDecision
from sync.state.erasure import purge
from sync.state.pending import among
from sync.state.store import Store

_Document = dict[str, Any]


def everything(store: Store, rules: Rules, contact_id: str) -> _Document | None:
    """The whole of it as one document; None if nothing is held. An id that was merged away stands for its survivor."""
    with store.reading() as session:
        ids = list(dict.fromkeys([*purge.all_ids_of(session, contact_id), contact_id]))
        if not purge.is_known(session, ids):
            return None
        links = purge.pairs_of(session, ids)
        tenant = belonging.known(session).tenant or "the tenant"
        return {
            "contact": contact_id,
            "ids": ids,
            "hubspot": {
                "contacts": [_mirrored(row) for row in _rows(session, tables.Contact, tables.Contact.id, ids)],
                "companies": _companies(session, ids),
                "words": sorted(
                    row.word
                    for row in _rows(session, tables.NameWord, tables.NameWord.id, ids)
                    if row.kind == "contacts"
                ),
            },
            "work": _work(session, ids),
            "decisions": [_decision(one) for one in decisions.of_contacts(session, ids)],
            "handovers": [_handover(row) for i in ids for row in work.handovers_of(session, i)],
            "consent": [event_shown(event) for event in consents.of_contacts(session, ids)],
            "links": [_link(row) for row in links],
            "sent": [entry for row in links for entry in _sent(row, rules, tenant)],
        }


def _rows(session: Session, table: Any, column: Any, ids: Sequence[str]) -> Sequence[Any]:
    return session.exec(select(table).where(among(col(column), ids))).all()


def _mirrored(row: tables.Contact) -> _Document:
    """What the mirror holds, each value with the property of HubSpot that it came from."""
    return {
        "id": row.id,
        "properties": {
            name: {"value": value, "from": f"HubSpot contact {row.id}, property {name}"}
            for name, value in sorted(row.properties.items())
            if value is not None
        },
        "changed_in_hubspot_at": iso(row.modified_at),
        "archived": row.archived,
        "deleted": row.erased,
        "merged_into": row.merged_into,
    }


def _companies(session: Session, ids: Sequence[str]) -> list[_Document]:
    """The associations, which HubSpot holds; not what the mirror knows of the companies themselves."""
    rows = _rows(session, tables.Association, tables.Association.contact_id, ids)
    found = ((r.contact_id, r.company_id, r.label) for r in rows)
    return [
        {"contact": contact, "company": company, "label": label, "from": "HubSpot, associations of the contact"}
        for contact, company, label in sorted(found, key=lambda row: (row[0], row[1], row[2] or ""))
    ]


def _work(session: Session, ids: Sequence[str]) -> _Document:
    """What this program noted of its own work on the person."""
    crossings = _rows(session, tables.Crossing, tables.Crossing.contact_id, ids)
    return {
        "progress": [
            {"contact": r.contact_id, "status": r.status, "code": r.code, "detail": r.detail, "due_at": iso(r.due_at)}
            for r in _rows(session, tables.Progress, tables.Progress.contact_id, ids)
        ],
        "above_threshold_since": {f"{r.contact_id} {r.score}": iso(r.crossed_at) for r in crossings},
        "left_alone": [
            {"contact": r.contact_id, "reason": r.reason, "since": iso(r.since)}
            for r in _rows(session, tables.LeftAlone, tables.LeftAlone.contact_id, ids)
        ],
        "to_be_read_again": [r.contact_id for r in _rows(session, tables.Reread, tables.Reread.contact_id, ids)],
    }


def _decision(row: StoredDecision) -> _Document:
    return {
        "at": iso(row.decided_at),
        "code": row.code,
        "from": f"decided here, by the rules {row.rules_fingerprint}, on HubSpot's values {row.input_fingerprint}",
        "run": row.run_id,
        **row.body,
    }


def _handover(row: tables.Handover) -> _Document:
    return {
        "lead": row.lead_key,
        "object_id": row.object_id,
        "at": iso(row.handed_over_at),
        "crossed_at": iso(row.crossed_at),
        "evidence": row.evidence,
        "from": "noted here when the lead existed; `evidence`: HubSpot's values at that moment",
    }


def _link(row: tables.Link) -> _Document:
    return {
        "entity": row.entity,
        "key": row.key,
        "object_id": row.object_id or None,
        "number": row.observed.get(NUMBERS[row.entity]) if row.entity in NUMBERS else None,
        "origin": row.origin,
        "since": iso(row.linked_at),
        "observed": row.observed,
        "from": "SAP Sales Cloud, as this program last read the record",
    }


def _sent(row: tables.Link, rules: Rules, tenant: str) -> Iterator[_Document]:
    """Each value that was sent, with where it came from by the rules in force."""
    sources = _sources(row.entity, rules)
    for name, value in sorted(row.sent.items()):
        yield {
            "entity": row.entity,
            "object_id": row.object_id or None,
            "field": name,
            "value": value,
            "from": sources.get(name, "set by this program"),
            "to": f"SAP Sales Cloud, {tenant}",
            "last_written": iso(row.written_at),
        }


def _sources(entity: str, rules: Rules) -> Mapping[str, str]:
    """By field of SAP Sales Cloud, where the rules take its value from."""
    section = rules.mapping.by_entity().get(entity)
    fields: Iterable[FieldMap] = section.fields if section else ()
    found = {target: _origin(field) for field in fields for target in field.target}
    if section:
        found[section.external_key] = "HubSpot's id of the contact" if entity != Entity.ACCOUNT else "HubSpot"
    return found


def _origin(field: FieldMap) -> str:
    if field.value is not None:
        return "a constant of the rules"
    named = " or ".join(qualified("contact", source) for source in field_sources(field))
    return f"HubSpot, {named}" if named else "the rules"
