"""Moves an open lead from an account or contact person that has become obsolete to its successor.

While we remember what we sent, we may change a party that nobody else touched. After a loss of the state we assume that
our record was merged into another, which is likelier than that sales chose an obsolete one.
"""

from dataclasses import replace

from sync.domain import schema
from sync.domain.entities import Entity
from sync.domain.rules import FieldRule
from sync.domain.values import same
from sync.mappers.draft import Draft, DraftField
from sync.planner.keyed_fields import KEYED_FIELDS
from sync.planner.snapshot import Ask, Lookup, Record
from sync.planner.workspace import NotYet, Workspace

PARTIES = {
    name: (entity, uuid)
    for entity, uuid in ((Entity.ACCOUNT, "AccountPartyUUID"), (Entity.CONTACT, "ContactUUID"))
    for name in schema.names(uuid)
}
"""Fields of a lead that name its account or contact, by UUID or by number, each with the entity and the UUID field."""


def following(workspace: Workspace, made: Draft, lead: Record) -> Draft:
    """The draft, allowed to change parties that are obsolete. Raises NotYet until they are read."""
    link = workspace.links.get((made.entity, made.key))
    remembered = link.sent if link and link.object_id in ("", lead.object_id) else {}
    asked = {f.name: _is_merged_away(workspace, f, lead) for f in made.fields if f.name not in remembered}
    if None in asked.values():
        raise NotYet
    if not any(asked.values()):
        return made
    fields = (replace(f, rule=FieldRule.HUBSPOT_WINS) if asked.get(f.name) else f for f in made.fields)
    return replace(made, fields=tuple(fields))


def _is_merged_away(workspace: Workspace, field: DraftField, lead: Record) -> bool | None:
    """Whether the lead names an obsolete record instead of the wanted one; None if not read yet."""
    if field.name not in PARTIES or field.rule is not FieldRule.C4C_WINS or field.value is None:
        return False
    if same(field.value, lead.text(field.name)):
        return False
    entity, uuid = PARTIES[field.name]
    named = lead.text(uuid).upper()
    records = workspace.ask(Lookup(Ask.BY_UUID, entity, named)) if named else ()
    return None if records is None else any(_is_obsolete(workspace, record) for record in records)


def _is_obsolete(workspace: Workspace, record: Record) -> bool:
    mapping = workspace.rules.mapping
    of = mapping.account if record.entity == Entity.ACCOUNT else mapping.contact
    return record.text(KEYED_FIELDS[record.entity].status) == of.obsolete_status
