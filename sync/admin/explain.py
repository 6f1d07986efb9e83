"""Explains one contact's whole decision from the mirror and the records, without the network."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlmodel import Session

from sync.domain.codes import EXPLANATIONS, Code
from sync.domain.decision import Decision
from sync.domain.entities import Entity
from sync.domain.moments import iso
from sync.domain.rules import Rules
from sync.domain.views import Company, ContactView, Unreadable
from sync.faults import Faults
from sync.handover.recording import input_fingerprint
from sync.lifecycle import Status
from sync.mappers.company import company_name
from sync.mirror import loading, selection
from sync.planner.keyed_fields import NUMBERS
from sync.planner.observed import ADOPTED_BY
from sync.planner.qualify import leading, qualify
from sync.state import decisions as recorded
from sync.state import tables, work
from sync.state.decisions import StoredDecision
from sync.state.store import Store

Explained = dict[str, Any]


def explain(store: Store, rules: Rules, contact_id: str) -> Explained | None:
    """What holds now for the contact; None if the mirror does not know it.

    Where an exception occurs, the code is INTERNAL_ERROR, with the place of the exception and nothing else."""
    with store.reading() as session:
        return explained(session, rules, contact_id)


def explained(session: Session, rules: Rules, contact_id: str) -> Explained | None:
    """The same in an open transaction."""
    faults = Faults()
    if not selection.known_contacts(session, [contact_id]):
        return None
    with faults.concerning({contact_id: 0}):
        return _explained(session, loading.views(session, [contact_id])[contact_id], rules)
    return _failed(session, contact_id, faults.found[contact_id], rules)


def _explained(session: Session, view: ContactView, rules: Rules) -> Explained:
    progress = work.progress_of(session, view.id)
    decisions = qualify(view, rules)
    last = recorded.at(session, view.id)
    outdated = last is not None and (last.rules_fingerprint, last.input_fingerprint) != (
        rules.fingerprint,
        input_fingerprint(view),
    )
    code = leading(decisions).code if outdated else _deciding(decisions, progress)
    codes = _codes(code, decisions, last, _waiting_for(progress), bool(view.cycles))
    return {
        "contact": view.id,
        "code": str(code),
        "codes": codes,
        "meaning": EXPLANATIONS[code].meaning,
        "remedy": EXPLANATIONS[code].remedy,
        "remedies": _remedies(codes),
        "scores": [decision.to_json() for decision in decisions],
        "warnings": (last.body.get("warnings") if last else None) or [],
        **_progress(progress),
        **_records(session, view, rules),
        "outdated": outdated,
        "rules": rules.fingerprint,
        "input": input_fingerprint(view),
    }


def _failed(session: Session, contact_id: str, fault: str, rules: Rules) -> Explained:
    """The same keys for a contact on which this program fails, filled with what is known."""
    code = Code.INTERNAL_ERROR
    return {
        "contact": contact_id,
        "code": str(code),
        "codes": [str(code)],
        "meaning": EXPLANATIONS[code].meaning,
        "remedy": EXPLANATIONS[code].remedy,
        "remedies": _remedies([str(code)]),
        "scores": [],
        "warnings": [],
        **_progress(work.progress_of(session, contact_id)),
        "detail": fault,
        "companies": [],
        "links": [],
        "handovers": [],
        "above_threshold_since": {},
        "outdated": False,
        "rules": rules.fingerprint,
        "input": None,
    }


def explain_at(store: Store, contact_id: str, at: datetime) -> Explained | None:
    """The decision that was in force at `at`, as recorded then; None if there was none."""
    with store.reading() as session:
        found = recorded.at(session, contact_id, at)
        if found is None:
            return None
        code = Code(found.code)
        reasons = [reason["code"] for score in found.body["scores"] for reason in score["reasons"]]
        warnings = [warning["code"] for warning in found.body["warnings"]]
        codes = list(dict.fromkeys([found.code, *(c for c in reasons if c != Code.QUALIFIED), *warnings]))
        return {
            "contact": contact_id,
            "code": found.code,
            "codes": codes,
            "meaning": EXPLANATIONS[code].meaning,
            "remedy": EXPLANATIONS[code].remedy,
            "remedies": _remedies(codes),
            **found.body,
            "decided_at": iso(found.decided_at),
            "run_id": found.run_id,
            "rules": found.rules_fingerprint,
            "input": found.input_fingerprint,
        }


def oldest_decision(store: Store, contact_id: str) -> datetime | None:
    """When the contact was decided on for the first time, as far as it is kept."""
    with store.reading() as session:
        return recorded.first_decided(session, contact_id)


_WAITING = (Status.PENDING, Status.IN_FLIGHT)


def _deciding(decisions: tuple[Decision, ...], progress: tables.Progress | None) -> Code:
    """The code that counts: what was found while writing goes before what the rules alone decide."""
    if progress and progress.code and progress.status in (Status.PARKED, Status.DONE):
        return Code(progress.code)
    return leading(decisions).code


def _codes(
    code: Code, decisions: tuple[Decision, ...], last: StoredDecision | None, waiting: list[str], handed_over: bool
) -> list[str]:
    found = [str(code), *waiting, *(c for decision in decisions for c in decision.codes)]
    found += [warning["code"] for warning in (last.body.get("warnings") if last else None) or []]
    found += [str(Code.ALREADY_HANDED_OVER)] if handed_over else []
    # One score may qualify while another one decides; QUALIFIED then must not appear as a second code.
    return list(dict.fromkeys(c for c in found if c != Code.QUALIFIED or code is Code.QUALIFIED))


def _waiting_for(progress: tables.Progress | None) -> list[str]:
    """The code of the last attempt, if another attempt will follow."""
    return [progress.code] if progress and progress.code and progress.status in _WAITING else []


def _remedies(codes: list[str]) -> dict[str, str]:
    """What a person does about each of the codes."""
    return {code: EXPLANATIONS[Code(code)].remedy for code in codes}


def _progress(progress: tables.Progress | None) -> dict[str, Any]:
    if progress is None:
        return {"status": str(Status.PENDING), "detail": None, "attempts": 0, "next_try": None}
    waiting = progress.status in _WAITING
    return {
        "status": progress.status,
        "detail": progress.detail,
        "attempts": progress.attempts,
        "next_try": iso(progress.due_at) if waiting else None,
    }


def _state(link: tables.Link, rules: Rules) -> str | None:
    """The state of a lead when it was last read."""
    if link.entity != Entity.LEAD:
        return None
    lead, status = rules.mapping.lead, link.observed.get("LifeCycleStatusCode")
    if link.observed.get("gone"):
        return "gone"
    if status in lead.closed_status:
        return "closed"
    return "accepted by sales" if status in lead.accepted_status else "open"


def _name(company: Company, rules: Rules) -> str | None:
    with suppress(Unreadable):
        return company_name(company, rules.mapping.account.shared_domains)
    return None


def _records(session: Session, view: ContactView, rules: Rules) -> dict[str, Any]:
    companies = [a.company.id for a in view.associations]
    links = work.link_rows(session, [view.id], companies)
    return {
        "companies": [
            {
                "id": a.company.id,
                "name": _name(a.company, rules),
                "primary": a.is_primary,
                "labels": sorted(x.text for x in a.labels if x.text),
            }
            for a in view.associations
        ],
        "links": [
            {
                "entity": r.entity,
                "key": r.key,
                "object_id": r.object_id,
                "number": r.observed.get(NUMBERS[r.entity]) if r.entity in NUMBERS else None,
                "state": _state(r, rules),
                "origin": r.origin,
                "adopted_by": r.observed.get(ADOPTED_BY),
                "last_written": iso(r.written_at),
            }
            for r in links
        ],
        "handovers": [
            {
                "lead": h.lead_key,
                "object_id": h.object_id,
                "at": iso(h.handed_over_at),
                "crossed_at": iso(h.crossed_at),
            }
            for h in work.handovers_of(session, view.id)
        ],
        "above_threshold_since": {score: iso(at) for score, at in view.crossed_at.items()},
    }
