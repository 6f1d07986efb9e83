"""Marketing permissions by channel: they are looked up before they are written, refusals go before consents, and none
is blanked. C4C resets a channel to "undefined" if its consent is left out, and some tenants create the permission set
by themselves.
"""

from sync.domain.entities import Entity
from sync.domain.keys import Key
from sync.domain.rules import FieldRule
from sync.mappers.draft import Draft, DraftValue
from sync.planner.consent import consents, doubts, refusals
from sync.planner.observed import PARTS
from sync.planner.snapshot import Ask, Lookup, Record
from sync.planner.workspace import Party, Workspace, by_id, constants
from sync.planner.writes import Write

_UNDEFINED = "3"
"""The code of a channel without a decision, which counts as blank."""


def permissions(workspace: Workspace, person: Party, *, only_refusals: bool = False) -> None:
    """Plans the channels that HubSpot knows something about; others stay unchanged."""
    consent = workspace.rules.qualification.consent
    workspace.warnings += doubts(workspace.view, consent)
    wanted = (refusals if only_refusals else consents)(workspace.view, consent)
    if not wanted or not _are_offered(workspace):
        return
    holder, answers = _permission_set(workspace, person)
    if holder is None:
        owner = constants(Entity.PERMISSION, person.key, {"BusinessPartnerUUID": (person.uuid, FieldRule.CREATE_ONLY)})
        children = tuple(_new(workspace, person, channel, code) for channel, (code, _) in sorted(wanted.items()))
        workspace.write(owner, None, {person.lock}, answers=answers, children=children)
        return
    rows = workspace.need(Lookup(Ask.PARTS_OF, Entity.CHANNEL, holder.object_id))
    channels = {PARTS: {row.object_id: {name: row.text(name) for name in ("Channel", "Consent")} for row in rows}}
    workspace.write(constants(Entity.PERMISSION, person.key, {}), holder, {person.lock}, observed=channels)
    workspace.look_for(Entity.CHANNEL, rows)
    for channel, (code, rule) in sorted(wanted.items()):
        _channel(workspace, person, holder, rows, (channel, code, rule))


def prefetch(workspace: Workspace, person: Party) -> None:
    """Requests the permission set that a new person may have got, together with the person's relationships."""
    known = workspace.link(Entity.PERMISSION, person.key)
    if known or not isinstance(person.uuid, str) or not _are_offered(workspace):
        return
    if consents(workspace.view, workspace.rules.qualification.consent):
        workspace.prefetch(_of_person(person.uuid))


def _are_offered(workspace: Workspace) -> bool:
    return workspace.offers(Entity.PERMISSION, "BusinessPartnerUUID") and workspace.offers(
        Entity.CHANNEL, "Channel", "Consent"
    )


def _of_person(uuid: str) -> Lookup:
    return Lookup(Ask.PERMISSIONS_OF, Entity.PERMISSION, uuid)


def _permission_set(workspace: Workspace, person: Party) -> tuple[Record | None, tuple[Lookup, ...]]:
    link = workspace.link(Entity.PERMISSION, person.key)
    if link and (linked := workspace.need(by_id(link))):
        return linked[0], ()
    if not isinstance(person.uuid, str):
        return None, ()
    lookup = _of_person(person.uuid)
    found = sorted(workspace.need(lookup), key=lambda record: record.object_id)
    return (found[0] if found else None), (lookup,)


def _new(workspace: Workspace, person: Party, channel: str, code: str) -> Write:
    """A channel inside the deep insert of its permission set."""
    fields: dict[str, tuple[DraftValue, FieldRule]] = {
        "Channel": (channel, FieldRule.CREATE_ONLY),
        "Consent": (code, FieldRule.CREATE_ONLY),
    }
    return workspace.child(constants(Entity.CHANNEL, _key(person, channel), fields))


def _key(person: Party, channel: str) -> str:
    return str(Key(Entity.CHANNEL, person.key, (channel,)))


def _channel(
    workspace: Workspace, person: Party, holder: Record, rows: tuple[Record, ...], wanted: tuple[str, str, FieldRule]
) -> None:
    channel, code, rule = wanted
    existing = next((row for row in rows if row.text("Channel") == channel), None)
    if existing and existing.text("Consent") in ("", _UNDEFINED):
        rule = FieldRule.HUBSPOT_WINS
    made: Draft = constants(
        Entity.CHANNEL,
        _key(person, channel),
        {
            "ParentObjectID": (holder.object_id, FieldRule.CREATE_ONLY),
            "Channel": (channel, FieldRule.CREATE_ONLY),
            "Consent": (code, rule),
        },
    )
    workspace.write(made, existing, {person.lock}, answers=(Lookup(Ask.PARTS_OF, Entity.CHANNEL, holder.object_id),))
