"""Clears the records of an erased person in SAP Sales Cloud, as far as its API allows.

Every pass reads first and changes what is left, so it can be cut off and repeated anywhere. What SAP Sales Cloud
refuses is noted for a person, by number; its words are not kept, since they may quote the record.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from sync.context import Context
from sync.contracts import tenant_memory
from sync.domain.entities import KEYED, Entity
from sync.planner.compare import Change
from sync.planner.depersonalise import changes, read_besides, retirement, shows_name
from sync.planner.snapshot import Ask, Lookup, Record, Snapshot, Unanswerable
from sync.planner.target import (
    Aborted,
    By,
    Duplicate,
    Gone,
    Locked,
    RefusedRequest,
    Rejected,
    Scan,
    Target,
    WriteResult,
    Written,
    all_found,
)
from sync.planner.writes import Action, Write
from sync.state.erasure.steps import OPEN, entry_of

Row = dict[str, Any]
Wanted = Callable[[Record], tuple[Change, ...]]

TRIED = "tried"
"""Marks the entry of a record that may have been changed already, although no answer said so."""

_PASSES = 3
"""How often a record is tried at once that a user has open, or that changed meanwhile."""

_DELETED = (Entity.ATTRIBUTE,)
"""Kinds of record that the API deletes; the others are blanked."""

_LOCKED = "a user has the record open; the worker tries again at each push, and so does this command"
_UNSURE = "SAP Sales Cloud gave no usable answer; the worker tries again at each push, and so does this command"


def clear(context: Context, contact_ids: Sequence[str], known: Sequence[Row]) -> list[Row]:
    """The records with what became of each; those with the result `open` are to be tried again.

    Raises RemoteError if SAP Sales Cloud is out of reach.
    """
    clearing = _Clearing(context)
    rows = clearing.with_unlinked([dict(row) for row in known], contact_ids)
    for attempt in range(_PASSES):
        rows = clearing.one_pass(rows)
        if not _any_open(rows):
            break
        context.sleep(context.config.worker.retry.request_wait.total_seconds() * 2**attempt)
    return clearing.read_back(rows)


class _Clearing:
    """The clearing of one person's records for one tenant."""

    def __init__(self, context: Context) -> None:
        self._crm, self._rules = context.c4c, context.config.rules
        with context.store.reading() as session:
            self._schema = tenant_memory.remembered_tenant(session, self._rules)[0].schema
        self._target: Target = self._crm.target(self._rules, self._schema, read_besides(self._rules, self._schema))

    def with_unlinked(self, rows: list[Row], contact_ids: Sequence[str]) -> list[Row]:
        """The records with their numbers, and those besides that carry a key of the contact without a link: of a
        create whose answer was lost.
        """
        scans = [Scan(Entity.CONTACT, By.KEY, tuple(contact_ids)), Scan(Entity.LEAD, By.OWNER, tuple(contact_ids))]
        found = {(one.entity, one.object_id) for part in all_found(self._crm.scan(scans, self._rules)) for one in part}
        rows += [entry_of(*pair) for pair in sorted(found - {(row["entity"], row["object_id"]) for row in rows})]
        ids = {kind: tuple(row["object_id"] for row in rows if row["entity"] == kind) for kind in KEYED}
        asked = [Scan(kind, By.ID, of_kind) for kind, of_kind in ids.items() if of_kind]
        numbers = {
            (one.entity, one.object_id): one.number
            for part in all_found(self._crm.scan(asked, self._rules))
            for one in part
        }
        return [row | {"number": numbers.get((row["entity"], row["object_id"])) or row["number"]} for row in rows]

    def one_pass(self, rows: Sequence[Row]) -> list[Row]:
        """Tries every open record once.

        The person's fields go first, since other records copy the name when they are saved; the person is retired
        last, since C4C may refuse changes below a retired one.
        """
        people = self._try([row for row in rows if row["entity"] == Entity.CONTACT], self._changes)
        others = [row for row in rows if row["entity"] != Entity.CONTACT]
        if _any_open(people):
            return [*others, *people]
        others = self._try(others, self._changes, people)
        if _any_open(others):
            again = ("depersonalised", "nothing to remove")
            return [*others, *(row | {"result": OPEN} if row["result"] in again else row for row in people)]
        left = [row for row in people if row["result"] not in ("kept", "gone")]
        retired = self._try([row | {"result": OPEN} for row in left], self._retires)
        both = [_both(first, second) for first, second in zip(left, retired, strict=True)]
        return [*others, *(row for row in people if row["result"] in ("kept", "gone")), *both]

    def read_back(self, rows: Sequence[Row]) -> list[Row]:
        """The records as they are now: what was changed is certified only if it shows nothing of the person."""
        snapshot = Snapshot()
        self._target.find([_by_id(row) for row in rows if row["result"] == "depersonalised"], snapshot)
        return [self._confirmed(row, snapshot) if row["result"] == "depersonalised" else row for row in rows]

    def _confirmed(self, row: Row, snapshot: Snapshot) -> Row:
        found = _read(snapshot, _by_id(row))
        if not isinstance(found, Record):
            return row
        left = [change.name for change in self._changes(found)]
        left = list(filter(None, (*left, shows_name(found))))
        if not left:
            return row
        text = f"SAP Sales Cloud still shows {', '.join(dict.fromkeys(left))}; {_by_hand(row)}"
        return row | {"result": "refused", "text": text}

    def _changes(self, found: Record) -> tuple[Change, ...]:
        return changes(found, self._rules, self._schema)

    def _retires(self, found: Record) -> tuple[Change, ...]:
        return retirement(found, self._rules)

    def _try(self, rows: Sequence[Row], wanted: Wanted, people: Sequence[Row] = ()) -> list[Row]:
        """Reads the open records, and relationships of the people that no row names, and changes what is `wanted`."""
        snapshot = Snapshot()
        known = Entity.RELATION in self._schema.entities
        relations = [Lookup(Ask.PARTS_OF, Entity.RELATION, row["object_id"]) for row in people if known]
        self._target.find([*(_by_id(row) for row in rows if row["result"] == OPEN), *relations], snapshot)
        more = _unlisted(snapshot, relations, rows)
        return [self._settled(row, snapshot, wanted) if row["result"] == OPEN else row for row in (*rows, *more)]

    def _settled(self, row: Row, snapshot: Snapshot, changes_of: Wanted) -> Row:
        found = _read(snapshot, _by_id(row))
        if isinstance(found, str):
            return row | {"result": "refused", "text": f"{found}; {_by_hand(row)}"}
        if found is None:
            return row | {"result": "gone"}
        if found.entity in _DELETED:
            return self._judged(row, self._send(found, ()), ())
        if found.entity == Entity.ATTRIBUTES:
            return row | {"result": "nothing to remove"}
        wanted = changes_of(found)
        if not wanted:
            return row | {"result": "depersonalised" if row.get(TRIED) else "nothing to remove"}
        result = self._send(found, wanted)
        if _is_refused(result) and not self._is_final(found, result):
            return self._field_by_field(row, wanted)
        return self._judged(row, result, wanted)

    def _is_final(self, found: Record, result: WriteResult) -> bool:
        """Whether no field will be taken either: the lead is closed, or we lack the permission."""
        closed = found.text("LifeCycleStatusCode") in self._rules.mapping.lead.closed_status
        return (found.entity == Entity.LEAD and closed) or (isinstance(result, Rejected) and result.denied)

    def _field_by_field(self, row: Row, wanted: Sequence[Change]) -> Row:
        """Sends each field by itself, so that one that C4C wants to keep does not save the others."""
        refused: list[Change] = []
        for change in wanted:
            snapshot = Snapshot()
            self._target.find([_by_id(row)], snapshot)
            found = _read(snapshot, _by_id(row))
            if not isinstance(found, Record):
                return row
            result = self._send(found, [change])
            if _is_refused(result):
                refused.append(change)
            elif not isinstance(result, Written):
                return self._judged(row, result, [change])
        return self._judged(row, Rejected("") if refused else Written(), refused)

    def _send(self, found: Record, wanted: Sequence[Change]) -> WriteResult:
        action: Action = "delete" if found.entity in _DELETED else "update"
        write = Write(found.entity, found.object_id, action, tuple(wanted), found.object_id, found.version)
        [(_, result)] = [pair for results in self._target.apply([write]) for pair in results]
        if isinstance(result, Aborted):
            raise result.error
        return result

    def _judged(self, row: Row, result: WriteResult, wanted: Sequence[Change]) -> Row:
        if isinstance(result, Written):
            return row | {"result": "deleted" if row["entity"] in _DELETED else "depersonalised"}
        if isinstance(result, Gone):
            return row | {"result": "gone"}
        if _is_refused(result):
            names = ", ".join(change.name for change in wanted) or "its deletion"
            return row | {"result": "refused", "text": f"SAP Sales Cloud refused {names}; {_by_hand(row)}"}
        return row | {"text": _LOCKED if isinstance(result, Locked) else _UNSURE, TRIED: True}


def _any_open(rows: Iterable[Row]) -> bool:
    return any(row["result"] == OPEN for row in rows)


def _both(blanked: Row, retired: Row) -> Row:
    """What became of a person's record in both steps."""
    if retired["result"] == OPEN or blanked["result"] == "nothing to remove":
        return retired
    if blanked["result"] == "refused" == retired["result"]:
        return blanked | {"text": f"{blanked['text']}; {retired['text']}"}
    return retired if retired["result"] == "refused" else blanked


def _by_id(row: Row) -> Lookup:
    return Lookup(Ask.BY_ID, row["entity"], row["object_id"])


def _read(snapshot: Snapshot, lookup: Lookup) -> Record | str | None:
    """The record, None if there is none, or a text if it may not be read."""
    with suppress(Unanswerable):
        return next(iter(snapshot.ask(lookup) or ()), None)
    return "SAP Sales Cloud does not show the record"


def _unlisted(snapshot: Snapshot, lookups: Iterable[Lookup], rows: Sequence[Row]) -> list[Row]:
    """Relationships of the person that no link names, as entries; each can then be found by its id."""
    listed = {row["object_id"] for row in rows}
    found: dict[str, Record] = {}
    for lookup in lookups:
        with suppress(Unanswerable):
            found |= {one.object_id: one for one in snapshot.ask(lookup) or () if one.object_id not in listed}
    for one in found.values():
        snapshot.learn(Lookup(Ask.BY_ID, one.entity, one.object_id), [one])
    return [entry_of(one.entity, one.object_id) for one in found.values()]


def _is_refused(result: WriteResult) -> bool:
    return isinstance(result, Rejected | RefusedRequest | Duplicate)


def _by_hand(row: Row) -> str:
    return f"clear {row['entity']} {row['number'] or row['object_id']} there by hand, then give this command again"
