"""Decisions as they are stored: most differ only in numbers, so a form that many share is kept once.

A decision is a row with a few numbers; the texts between them are its form. What was decided together, by the same
rules in the same run, is a pass. Nothing is lost: the document that was recorded is put together again, without the
rules that made it.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, delete, func, insert, select
from sqlmodel import Session

from sync.domain.codes import Code
from sync.state import tables
from sync.state.pending import among, portions

_MODELS = (tables.Decision, tables.DecisionForm, tables.DecisionPass)
_DECISION, _FORM, _PASS = (tables.Base.metadata.tables[str(model.__tablename__)] for model in _MODELS)
_JOINED = _DECISION.join(_FORM, _FORM.c.id == _DECISION.c.form_id).join(_PASS, _PASS.c.id == _DECISION.c.pass_id)


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision to be stored. `body` is its JSON form, without personal data.

    `valid_until`: when it must be made anew although nothing changed; None if it does not depend on the time.
    """

    code: Code
    body: Mapping[str, Any]
    rules_fingerprint: str
    input_fingerprint: str
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision as it was recorded."""

    decided_at: datetime
    run_id: str
    code: str
    body: Mapping[str, Any]
    rules_fingerprint: str
    input_fingerprint: str


class Newest(NamedTuple):
    """The decision recorded last, as far as it tells whether a new one would be the same."""

    code: str
    form: str
    numbers: str
    rules_fingerprint: str
    input_fingerprint: str
    valid_until: datetime | None

    def holds(self, rules_fingerprint: str, input_fingerprint: str, now: datetime) -> bool:
        """Whether the same rules would decide the same on this input."""
        unchanged = (self.rules_fingerprint, self.input_fingerprint) == (rules_fingerprint, input_fingerprint)
        return unchanged and (self.valid_until is None or now < self.valid_until)


# ---- a document and its form

_NUMBER = re.compile("([0-9A-F]{32}|[0-9]+)")
"""What differs from contact to contact: numbers, ids of HubSpot and ObjectIDs of C4C."""

_GAP = "·"
"""Stands in a form for a number. JSON, as it is written here, has only ASCII characters, so it cannot occur itself."""


def packed(body: Mapping[str, Any]) -> tuple[str, str]:
    """(form, numbers) of a document."""
    parts = _NUMBER.split(json.dumps(body))
    return _GAP.join(parts[::2]), " ".join(parts[1::2])


def unpacked(form: str, numbers: str) -> dict[str, Any]:
    """The document again."""
    between = iter(form.split(_GAP))
    text = next(between) + "".join(f"{number}{after}" for number, after in zip(numbers.split(), between, strict=True))
    document: dict[str, Any] = json.loads(text)
    return document


# ---- reading


def newest(session: Session, contact_ids: Iterable[str]) -> dict[str, Newest]:
    """The last decision on each of these contacts, if there is one."""
    c = _DECISION.c
    found: dict[str, Newest] = {}
    for ids in portions(contact_ids):
        last = select(func.max(c.id)).where(among(c.contact_id, ids)).group_by(c.contact_id)
        columns = (c.contact_id, _FORM.c.code, _FORM.c.text, c.numbers, _PASS.c.rules_fingerprint, c.input_fingerprint)
        of = select(*columns, c.valid_until).select_from(_JOINED).where(c.id.in_(last))
        found |= {row[0]: Newest(*row[1:]) for row in session.execute(of)}
    return found


def at(session: Session, contact_id: str, moment: datetime | None = None) -> StoredDecision | None:
    """The decision that was in force at `moment` (UTC if it names no zone), or the last one."""
    of = _documents().where(_DECISION.c.contact_id == contact_id)
    if moment is not None:
        of = of.where(_PASS.c.decided_at <= (moment if moment.tzinfo else moment.replace(tzinfo=UTC)))
    row = session.execute(of.order_by(_DECISION.c.id.desc()).limit(1)).first()
    return _stored(row) if row else None


def of_contacts(session: Session, contact_ids: Iterable[str]) -> list[StoredDecision]:
    """Every decision on these contacts that is kept, the oldest first."""
    of = _documents().where(among(_DECISION.c.contact_id, contact_ids)).order_by(_DECISION.c.id)
    return [_stored(row) for row in session.execute(of)]


def warned(session: Session, code: str) -> list[str]:
    """Contacts whose last decision holds a warning with that code."""
    last = select(func.max(_DECISION.c.id)).group_by(_DECISION.c.contact_id)
    # Searching the forms first leaves few documents to parse.
    of = _documents(_DECISION.c.contact_id).where(_FORM.c.text.contains(f'"{code}"'), _DECISION.c.id.in_(last))
    rows = [(row[-1], _stored(row[:-1]).body.get("warnings") or ()) for row in session.execute(of)]
    return [contact for contact, warnings in rows if any(warning["code"] == code for warning in warnings)]


def _documents(*more: Any) -> Select[Any]:
    d = _DECISION.c
    columns = (_PASS.c.decided_at, _PASS.c.run_id, _FORM.c.code, _FORM.c.text, d.numbers, _PASS.c.rules_fingerprint)
    return select(*columns, d.input_fingerprint, *more).select_from(_JOINED)


def _stored(row: Sequence[Any]) -> StoredDecision:
    decided_at, run_id, code, form, numbers, rules, given = row
    return StoredDecision(decided_at, run_id, code, unpacked(form, numbers), rules, given)


def last_qualified(session: Session, contact_ids: Sequence[str]) -> set[str]:
    """Those of the contacts whose newest decision was to hand over."""
    return {contact for contact, last in newest(session, contact_ids).items() if last.code == Code.QUALIFIED}


def first_decided(session: Session, contact_id: str) -> datetime | None:
    """The time of the oldest stored decision on the contact."""
    of = select(_PASS.c.decided_at).select_from(_JOINED).where(_DECISION.c.contact_id == contact_id)
    found: datetime | None = session.execute(of.order_by(_DECISION.c.id).limit(1)).scalar()
    return found


def made_before(moment: datetime) -> ColumnElement[bool]:
    """The condition for decisions made before `moment`. Ids grow with time, so it compares those."""
    first = select(func.min(_PASS.c.first_id)).where(_PASS.c.decided_at >= moment).scalar_subquery()
    return _DECISION.c.id < func.coalesce(first, _NEVER)


_NEVER = 2**62
"""More than any id."""


def history(session: Session, contact_id: str) -> list[tuple[datetime, str, str]]:
    """(time, code, fingerprint of the rules) of every decision on the contact that is kept, the oldest first."""
    of = select(_PASS.c.decided_at, _FORM.c.code, _PASS.c.rules_fingerprint).select_from(_JOINED)
    rows = session.execute(of.where(_DECISION.c.contact_id == contact_id).order_by(_DECISION.c.id))
    return [(row[0], row[1], row[2]) for row in rows]


# ---- storing


def append(
    session: Session, made: Mapping[str, DecisionRecord], known: Mapping[str, Newest], run_id: str, now: datetime
) -> set[str]:
    """Stores decisions by contact, without those that equal the one `known` as recorded last.

    Returns the contacts whose decision was stored.
    """
    fresh = {contact: (one, *packed(one.body)) for contact, one in made.items()}
    fresh = {contact: row for contact, row in fresh.items() if not _is_repeated(*row, known.get(contact))}
    if not fresh:
        return set()
    forms = _forms(session, {(str(one.code), form) for one, form, _ in fresh.values()})
    passes = _passes(session, {one.rules_fingerprint for one, _, _ in fresh.values()}, run_id, now)
    rows = [
        {
            "contact_id": contact,
            "pass_id": passes[one.rules_fingerprint],
            "form_id": forms[str(one.code), form],
            "numbers": numbers,
            "input_fingerprint": one.input_fingerprint,
            "valid_until": one.valid_until,
        }
        for contact, (one, form, numbers) in fresh.items()
    ]
    session.execute(insert(_DECISION), rows)
    return set(fresh)


def _is_repeated(one: DecisionRecord, form: str, numbers: str, last: Newest | None) -> bool:
    made = (str(one.code), form, numbers, one.rules_fingerprint, one.input_fingerprint, one.valid_until)
    return last is not None and tuple(last) == made


def _passes(session: Session, rules: Iterable[str], run_id: str, now: datetime) -> dict[str, int]:
    """The id of a new pass by the fingerprint of its rules."""
    first = (session.execute(select(func.max(_DECISION.c.id))).scalar() or 0) + 1
    rows = {one: {"run_id": run_id, "decided_at": now, "rules_fingerprint": one, "first_id": first} for one in rules}
    return {one: _key_of(session.execute(insert(_PASS), row)) for one, row in rows.items()}


def _key_of(inserted: Any) -> int:
    return int(inserted.inserted_primary_key[0])


def _forms(session: Session, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The ids of forms by (code, text); one that is new is stored."""
    texts = {form_fingerprint(code, text): (code, text) for code, text in wanted}
    known: dict[str, int] = {}
    for part in portions(texts):
        of = select(_FORM.c.fingerprint, _FORM.c.id).where(among(_FORM.c.fingerprint, part))
        known |= {row[0]: row[1] for row in session.execute(of)}
    for fingerprint, (code, text) in texts.items():
        if fingerprint not in known:
            known[fingerprint] = _key_of(
                session.execute(insert(_FORM), {"fingerprint": fingerprint, "code": code, "text": text})
            )
    return {form: known[fingerprint] for fingerprint, form in texts.items()}


def form_fingerprint(code: str, text: str) -> str:
    """What a form is found by."""
    return hashlib.sha256(f"{code} {text}".encode()).hexdigest()[:24]


# ---- removing


def remove(session: Session, ids: list[Any]) -> None:
    """Removes decisions, and the forms and passes that no other decision has."""
    if ids:
        session.execute(delete(_DECISION).where(among(_DECISION.c.id, ids)))
        _remove_orphans(session)


def _remove_orphans(session: Session) -> None:
    """Removes forms and passes that no decision has."""
    for table, name in ((_FORM, "form_id"), (_PASS, "pass_id")):
        session.execute(delete(table).where(table.c.id.not_in(select(_DECISION.c[name]))))
