"""Marketing permissions by channel: looked up before they are written, refused before granted, never blanked.

C4C resets a channel whose consent is left out to "undefined", and some tenants make the permission set by themselves.
"""

from sync.domain.rules import FieldRule
from sync.mappers.draft import Draft, Value
from sync.planner.consent import consents, doubts, refusals
from sync.planner.desk import Desk, Party, by_id, constants
from sync.planner.seen import PARTS
from sync.planner.target import Ask, Question, Record
from sync.planner.writes import CHANNEL, PERMISSION, Write

UNDEFINED = "3"
"""A channel without a decision counts as blank."""


def permissions(desk: Desk, person: Party, *, only_refusals: bool = False) -> None:
    """Plans the channels that HubSpot knows something about; whoever nothing is known of stays as they are."""
    consent = desk.rules.qualification.consent
    desk.warnings += doubts(desk.view, consent)
    wanted = (refusals if only_refusals else consents)(desk.view, consent)
    if (
        not wanted
        or not desk.offers(PERMISSION, "BusinessPartnerUUID")
        or not desk.offers(CHANNEL, "Channel", "Consent")
    ):
        return
    holder, answers = _permission_set(desk, person)
    if holder is None:
        owner = constants(PERMISSION, person.key, {"BusinessPartnerUUID": (person.uuid, FieldRule.CREATE_ONLY)})
        children = tuple(_new(desk, person, channel, code) for channel, (code, _) in sorted(wanted.items()))
        desk.write(owner, None, {person.lock}, answers=answers, children=children)
        return
    rows = desk.need(Question(Ask.CHANNELS_OF, CHANNEL, holder.object_id))
    told = {PARTS: {row.object_id: {name: row.text(name) for name in ("Channel", "Consent")} for row in rows}}
    desk.write(constants(PERMISSION, person.key, {}), holder, {person.lock}, seen=told)
    desk.look_for(CHANNEL, rows)
    for channel, (code, rule) in sorted(wanted.items()):
        _channel(desk, person, holder, rows, (channel, code, rule))


def _permission_set(desk: Desk, person: Party) -> tuple[Record | None, tuple[Question, ...]]:
    link = desk.link(PERMISSION, person.key)
    if link and (linked := desk.need(by_id(link))):
        return linked[0], ()
    if not isinstance(person.uuid, str):
        return None, ()
    question = Question(Ask.PERMISSIONS_OF, PERMISSION, person.uuid)
    found = sorted(desk.need(question), key=lambda record: record.object_id)
    return (found[0] if found else None), (question,)


def _new(desk: Desk, person: Party, channel: str, code: str) -> Write:
    """A channel inside the deep insert of its permission set."""
    fields: dict[str, tuple[Value, FieldRule]] = {
        "Channel": (channel, FieldRule.CREATE_ONLY),
        "Consent": (code, FieldRule.CREATE_ONLY),
    }
    return desk.child(constants(CHANNEL, f"{person.key}:{channel}", fields))


def _channel(
    desk: Desk, person: Party, holder: Record, rows: tuple[Record, ...], wanted: tuple[str, str, FieldRule]
) -> None:
    channel, code, rule = wanted
    existing = next((row for row in rows if row.text("Channel") == channel), None)
    if existing and existing.text("Consent") in ("", UNDEFINED):
        rule = FieldRule.HUBSPOT_WINS
    made: Draft = constants(
        CHANNEL,
        f"{person.key}:{channel}",
        {
            "ParentObjectID": (holder.object_id, FieldRule.CREATE_ONLY),
            "Channel": (channel, FieldRule.CREATE_ONLY),
            "Consent": (code, rule),
        },
    )
    desk.write(made, existing, {person.lock}, answers=(Question(Ask.CHANNELS_OF, CHANNEL, holder.object_id),))
