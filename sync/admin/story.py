"""One contact's story: who it is, what was decided and why, and a time line. From the state alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sync.admin import explain as explaining
from sync.admin import people
from sync.admin.explain import Explained
from sync.admin.people import Asking, Person
from sync.domain.codes import EXPLANATIONS, Code
from sync.domain.entities import Entity
from sync.domain.keys import Key
from sync.mirror import listing
from sync.state import decisions

_Kind = Literal["crossed", "decided", "written", "handed_over"]


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened to the contact, in one sentence without personal data."""

    at: datetime
    kind: _Kind
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """`explained` is the document of `explain --json`; `events` are in the order of time."""

    person: Person
    explained: Explained
    events: tuple[Happened, ...]


def story(asking: Asking, contact_id: str) -> Story | None:
    """The story of the contact; None if the mirror does not hold it."""
    found = people.people(asking, [contact_id], asking.score())
    explained = explaining.explained(asking.session, asking.rules, contact_id)
    if not found or explained is None:
        return None
    [person] = found
    events = (*_crossed(explained), *_decided(asking, contact_id), *_written(asking, contact_id), *_handed_over(person))
    return Story(person, explained, tuple(sorted(events, key=lambda event: event.at)))


def _crossed(explained: Explained) -> Iterator[Happened]:
    known = {(score, at) for score, at in explained["above_threshold_since"].items() if at}
    known |= {(_score(h["lead"]), h["crossed_at"]) for h in explained["handovers"] if h["crossed_at"]}
    for score, at in known:
        yield Happened(datetime.fromisoformat(at), "crossed", f"The score {score} reached its threshold.")


def _score(lead_key: str) -> str:
    return Key.parse(Entity.LEAD, lead_key).lead[0]


def _decided(asking: Asking, contact_id: str) -> Iterator[Happened]:
    before = None
    for at, code, rules in decisions.history(asking.session, contact_id):
        changed = " The rules had changed." if before not in (None, rules) else ""
        yield Happened(at, "decided", f"Decided {code}: {EXPLANATIONS[Code(code)].meaning}{changed}")
        before = rules


def _written(asking: Asking, contact_id: str) -> Iterator[Happened]:
    for entity, key, origin, linked_at, written_at in listing.writes(asking.session, contact_id):
        what = f"{_ONE.get(entity, entity)} {key}"
        if linked_at:
            how = _ORIGINS.get(origin, "found in SAP Sales Cloud and taken over")
            yield Happened(linked_at, "written", f"The {what} was {how}.")
        if written_at and written_at != linked_at:
            yield Happened(written_at, "written", f"The {what} was last updated in SAP Sales Cloud.")


_ONE: dict[str, str] = {
    Entity.CONTACT: "contact person",
    Entity.RELATION: "relationship",
    Entity.LEAD: "lead",
    Entity.PERMISSION: "permission set",
    Entity.CHANNEL: "channel permission",
    Entity.ATTRIBUTES: "attribute list",
    Entity.ATTRIBUTE: "attribute",
}

_ORIGINS = {
    "created": "created in SAP Sales Cloud",
    "set": "named by a person",
    "shared": "found to be the same as that of another HubSpot id",
}


def _handed_over(person: Person) -> Iterator[Happened]:
    for lead in person.leads:
        number = f" {lead.number}" if lead.number else ""
        yield Happened(lead.handed_over_at, "handed_over", f"Sales has the lead{number} ({lead.key}).")
