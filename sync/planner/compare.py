"""Three-way comparison: the wanted values, what C4C holds, and what we sent last."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sync.domain.link import MADE
from sync.domain.rules import FieldRule
from sync.domain.schema import Schema
from sync.domain.values import blank, same
from sync.domain.views import Link
from sync.mappers.draft import Awaited, Draft, DraftField, DraftValue
from sync.planner.observed import observed_fingerprint, unread
from sync.planner.snapshot import Record


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a write: `old` is what C4C holds now, None on a create."""

    name: str
    old: Any
    new: DraftValue
    rule: str

    def to_json(self) -> dict[str, Any]:
        return {"from": self.old, "to": str(self.new) if not _plain(self.new) else self.new, "rule": self.rule}


@dataclass(frozen=True, slots=True)
class MergeBase:
    """The merge base: the values that we sent, and what C4C made of them on saving.

    `made`: field → fingerprint of the value that C4C shows instead of ours, or filled in when we created the record.
    `unread`: fields that have not been read since we wrote them.
    """

    sent: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)
    unread: Container[str] = ()

    @classmethod
    def of(cls, link: Link) -> "MergeBase":
        made = link.observed.get(MADE)
        return cls(link.sent, made if isinstance(made, Mapping) else {}, unread(link))

    def untouched(self, name: str, current: Any) -> bool:
        """Whether the field shows what we sent, or what C4C itself made of it, so that nobody else changed it."""
        if name in self.sent and same(current, self.sent[name]):
            return True
        return name in self.unread or (name in self.made and self.made[name] == observed_fingerprint(current))


def _plain(value: DraftValue) -> bool:
    return value is None or isinstance(value, str | bool | int)


def for_create(draft: Draft, schema: Schema) -> tuple[Change, ...]:
    """The values of the draft that may be sent with a POST."""
    return tuple(
        Change(f.name, None, f.value, str(f.rule))
        for f in draft.fields
        if f.value is not None and _may(f, draft, schema)
    )


def for_update(draft: Draft, record: Record, base: MergeBase, schema: Schema) -> tuple[Change, ...]:
    """The changed fields of an existing record, each by its rule. Empty means: no request."""
    changes: list[Change] = []
    for _, members in groupby(draft.fields, key=lambda f: f.group):
        group = [f for f in _shrunk(members, base.sent) if f.value is not None or f.may_blank]
        if _allowed(group, record, base):
            changes += [_change(f, record) for f in group if _differs(f, record, base)]
    return tuple(c for c in changes if _updatable(draft.entity, c.name, schema))


def _differs(field: DraftField, record: Record, base: MergeBase) -> bool:
    """Whether C4C's value differs from the wanted one, or from what C4C made of that when it was sent.

    The id of a record that does not exist yet differs from every value.
    """
    current = record.fields.get(field.name)
    if isinstance(field.value, Awaited):
        return True
    if same(field.value, current):
        return False
    as_sent = field.name in base.sent and same(field.value, base.sent[field.name])
    return not (as_sent and base.untouched(field.name, current))


def _shrunk(group: Iterable[DraftField], sent: Mapping[str, Any]) -> list[DraftField]:
    """Empties the further fields of a text that became shorter, if we had filled them."""
    members = list(group)
    if members[0].value is None:
        return members
    return [
        DraftField(f.name, "", f.rule, f.group) if f.value is None and not blank(sent.get(f.name)) else f
        for f in members
    ]


def _allowed(group: list[DraftField], record: Record, base: MergeBase) -> bool:
    if not group:
        return False
    match group[0].rule:
        case FieldRule.HUBSPOT_WINS:
            return True
        case FieldRule.C4C_WINS:
            return all(_ours(f.name, record, base) for f in group)
        case FieldRule.FILL_BLANK:
            return all(blank(record.fields.get(f.name)) for f in group)
        case FieldRule.CREATE_ONLY:
            return False


def _ours(name: str, record: Record, base: MergeBase) -> bool:
    """Whether only we and C4C itself wrote the field: it is untouched, or blank (a box never ticked) and we never sent
    it.
    """
    current = record.fields.get(name)
    return base.untouched(name, current) or (name not in base.sent and (blank(current) or current is False))


def _change(field: DraftField, record: Record) -> Change:
    return Change(
        field.name, record.fields.get(field.name), field.value if field.value is not None else "", str(field.rule)
    )


def _may(field: DraftField, draft: Draft, schema: Schema) -> bool:
    known = schema.field(draft.entity, field.name)
    return known is not None and known.creatable


def _updatable(entity: str, name: str, schema: Schema) -> bool:
    known = schema.field(entity, name)
    return known is not None and known.updatable
