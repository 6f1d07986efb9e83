"""Marketing attributes of the contact: they are looked up first, and only values that we wrote are
changed or removed.
"""

from collections.abc import Sequence
from typing import Any

from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.entities import Entity
from sync.domain.keys import Key, beginning
from sync.domain.marketing import AttributeRule
from sync.domain.rules import FieldRule
from sync.domain.views import ContactView, Link
from sync.mappers.draft import Draft, DraftValue
from sync.planner.observed import PARTS, observed_fingerprint
from sync.planner.snapshot import Ask, Lookup, Record
from sync.planner.workspace import Party, Workspace, by_id, constants

SET, NAME, VALUE = "BusinessAttributeSetID", "BusinessAttributeID", "BusinessAttributeValue"
_LONGEST = 255
"""Characters of one value (EDMX of c4codataapi), if the tenant's field has no length."""


def _wanted(rule: AttributeRule, view: ContactView) -> tuple[str, ...] | None:
    """The values of one rule; None if HubSpot has no value, or an unreadable one, and nothing is to be removed."""
    if rule.source in view.unreadable:
        return None
    raw = view.get(rule.source)
    if raw is None:
        return () if rule.may_blank else None
    parts = [part.strip() for part in (raw.split(";") if rule.multiple else [raw])]
    return tuple(rule.values.get(part, part) for part in parts if part)


def attributes(workspace: Workspace, person: Party) -> None:
    """Plans the attribute values of the person."""
    rules = workspace.rules.mapping.attributes
    known = workspace.own_links(Entity.ATTRIBUTE)
    values = [(rule, found) for rule in rules if (found := _wanted(rule, workspace.view)) is not None]
    if not any(found for _, found in values) and not known:
        return
    if not workspace.offers(Entity.ATTRIBUTES, "BusinessPartnerID") or not workspace.offers(
        Entity.ATTRIBUTE, SET, NAME, VALUE
    ):
        return
    values = [(rule, _fitting(workspace, rule, found)) for rule, found in values]
    header, answers = _header(workspace, person)
    if header is None:
        _new_header(workspace, person, values, answers)
        return
    items = workspace.need(Lookup(Ask.PARTS_OF, Entity.ATTRIBUTE, header.object_id))
    parts = {PARTS: {item.object_id: _part(item) for item in items}}
    workspace.write(constants(Entity.ATTRIBUTES, person.key, {}), header, {person.lock}, observed=parts)
    workspace.look_for(Entity.ATTRIBUTE, items)
    for rule, found in values:
        of_rule = [item for item in items if (item.text(SET), item.text(NAME)) == (rule.set, rule.attribute)]
        (_several if rule.multiple else _single)(workspace, person, header, rule, found, of_rule)


def _fitting(workspace: Workspace, rule: AttributeRule, values: Sequence[str]) -> tuple[str, ...]:
    """The values as they fit their field, sorted; longer ones are cut, with a warning."""
    known = workspace.tenant.schema.field(Entity.ATTRIBUTE, VALUE)
    longest = (known.length if known else 0) or _LONGEST
    if any(len(value) > longest for value in values):
        text = f"attribute {rule.attribute} of set {rule.set}: longer than {longest}, cut"
        workspace.warnings.append(Reason(Code.VALUE_TOO_LONG, text))
    return tuple(sorted({value[:longest] for value in values}))


def _part(item: Record) -> dict[str, Any]:
    """The attribute of an item, and a fingerprint of its value."""
    return {SET: item.text(SET), NAME: item.text(NAME), VALUE: {"digest": observed_fingerprint(item.fields.get(VALUE))}}


def _holds(item: Record, value: object) -> bool:
    """Whether the item has this value. Of values that sales entered only a fingerprint may be known."""
    return bool(item.fields.get(VALUE) == value)


def _header(workspace: Workspace, person: Party) -> tuple[Record | None, tuple[Lookup, ...]]:
    link = workspace.link(Entity.ATTRIBUTES, person.key)
    if link and (linked := workspace.need(by_id(link))):
        return linked[0], ()
    number = person.number
    if not isinstance(number, str):
        return None, ()
    lookup = Lookup(Ask.ATTRIBUTES_OF, Entity.ATTRIBUTES, number)
    found = sorted(workspace.need(lookup), key=lambda record: record.object_id)
    return (found[0] if found else None), (lookup,)


def _new_header(
    workspace: Workspace,
    person: Party,
    values: Sequence[tuple[AttributeRule, tuple[str, ...]]],
    answers: tuple[Lookup, ...],
) -> None:
    items = [_item(person, rule, value) for rule, found in values for value in found]
    if items:
        owner = constants(Entity.ATTRIBUTES, person.key, {"BusinessPartnerID": (person.number, FieldRule.CREATE_ONLY)})
        workspace.write(
            owner, None, {person.lock}, answers=answers, children=tuple(workspace.child(item) for item in items)
        )


def _item(person: Party, rule: AttributeRule, value: str, header: Record | None = None) -> Draft:
    inside: dict[str, tuple[DraftValue, FieldRule]] = {}
    if header:
        inside = {"ParentObjectID": (header.object_id, FieldRule.CREATE_ONLY)}
    fields: dict[str, tuple[DraftValue, FieldRule]] = {
        SET: (rule.set, FieldRule.CREATE_ONLY),
        NAME: (rule.attribute, FieldRule.CREATE_ONLY),
        VALUE: (value, FieldRule.C4C_WINS),
    }
    return constants(Entity.ATTRIBUTE, _key(person.key, rule, value), {**inside, **fields})


def _key(contact: str, rule: AttributeRule, value: str) -> str:
    parts = (rule.set, rule.attribute, *((value,) if rule.multiple else ()))
    return str(Key(Entity.ATTRIBUTE, contact, parts))


def _put(workspace: Workspace, person: Party, header: Record, made: Draft, existing: Record | None) -> None:
    answers = (Lookup(Ask.PARTS_OF, Entity.ATTRIBUTE, header.object_id),)
    workspace.write(made, existing, {person.lock}, answers=answers)


def _single(
    workspace: Workspace,
    person: Party,
    header: Record,
    rule: AttributeRule,
    values: Sequence[str],
    items: Sequence[Record],
) -> None:
    link = workspace.links.get((Entity.ATTRIBUTE, _key(person.key, rule, "")))
    ours = _row_of(link, items)
    if not values:
        _take_back(workspace, person, [link] if link else [], items)
    elif ours or not items:
        made = _item(person, rule, values[0], header)
        if ours or not _deleted_by_sales(link, values[0]):
            _put(workspace, person, header, made, ours)
    else:
        # A value that sales entered stays. An equal value, or one from a write whose answer was lost, counts as ours.
        same = next((item for item in items if _holds(item, values[0])), None)
        if same:
            _put(workspace, person, header, _item(person, rule, values[0], header), same)


def _several(
    workspace: Workspace,
    person: Party,
    header: Record,
    rule: AttributeRule,
    values: Sequence[str],
    items: Sequence[Record],
) -> None:
    wanted = {_key(person.key, rule, value) for value in values}
    stem = beginning(person.key, rule.set, rule.attribute)
    for value in values:
        existing = next((item for item in items if _holds(item, value)), None)
        link = workspace.links.get((Entity.ATTRIBUTE, _key(person.key, rule, value)))
        if existing or not _deleted_by_sales(link, value):
            _put(workspace, person, header, _item(person, rule, value, header), existing)
    gone = [
        link for link in workspace.own_links(Entity.ATTRIBUTE) if link.key.startswith(stem) and link.key not in wanted
    ]
    _take_back(workspace, person, gone, items)


def _deleted_by_sales(link: Link | None, value: str) -> bool:
    """Whether we wrote exactly this value and it is gone: somebody removed it, so it stays removed."""
    return link is not None and link.object_id != "" and link.sent.get(VALUE) == value


def _take_back(workspace: Workspace, person: Party, links: Sequence[Link], items: Sequence[Record]) -> None:
    for link in links:
        item = _row_of(link, items)
        if item is not None and link.ours and _holds(item, link.sent.get(VALUE)):
            workspace.delete(Entity.ATTRIBUTE, link.key, item, {person.lock})
        else:
            workspace.obsolete_links.append((Entity.ATTRIBUTE, link.key))


def _row_of(link: Link | None, items: Sequence[Record]) -> Record | None:
    """The item of a link; the item of an intent is recognised by the value that was to be written."""
    if link is None:
        return None
    if link.object_id:
        return next((item for item in items if item.object_id == link.object_id), None)
    return next((item for item in items if _holds(item, link.sent.get(VALUE))), None)
