"""An exception that concerns one contact, wherever it occurs, parks that one; the same one on many parks nobody."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest
from c4c_world import World

from sync.c4c import reader
from sync.domain.entities import Entity
from sync.errors import Defect
from sync.handover import evidence, handover, in_flight, journal, linking, recording
from sync.jobs import push
from sync.mirror import loading
from sync.planner import effects

Contacts = Collection[str]
Concerns = Callable[..., bool]
"""Whether a call with these arguments is about one of the contacts, which come first."""


def about_view(contacts: Contacts, view: Any, *_: Any) -> bool:
    return view.id in contacts


def about_question(contacts: Contacts, question: Any, *_: Any) -> bool:
    return question.entity in (Entity.CONTACT, Entity.LEAD) and str(question.value).partition(":")[0] in contacts


def about_write(contacts: Contacts, write: Any, *_: Any) -> bool:
    return write.entity in (Entity.CONTACT, Entity.LEAD) and write.key.partition(":")[0] in contacts


PLACES = [
    pytest.param(loading, "_views", lambda contacts, _, ids: bool(set(contacts) & set(ids)), id="viewing"),
    pytest.param(push, "qualify", about_view, id="deciding"),
    pytest.param(journal, "qualify", about_view, id="deciding again"),
    pytest.param(handover, "plan", about_view, id="planning"),
    pytest.param(reader, "answered", about_question, id="reading"),
    pytest.param(handover, "settled", lambda contacts, _, contact: contact in contacts, id="settling"),
    pytest.param(evidence, "evidence_of", about_view, id="announcing"),
    pytest.param(effects, "wrote", about_write, id="learning"),
    pytest.param(effects, "_see", about_write, id="seeing"),
    pytest.param(linking, "_save", lambda contacts, _, one, *__: about_write(contacts, one.write), id="keeping"),
    pytest.param(recording, "decision_record", about_view, id="recording"),
]


SOME = {"planning", "keeping", "recording"}
"""Before, in the middle of and after the writes: `make test`. All others: `make test-long`."""

SORTED = [
    place if place.id in SOME else pytest.param(*place.values, id=place.id, marks=pytest.mark.long) for place in PLACES
]


def break_for(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, concerns: Concerns, contacts: Contacts) -> None:
    """The function fails for these contacts, and repeats a person's name in its message."""
    real = getattr(module, name)

    def failing(*arguments: Any) -> Any:
        if concerns(contacts, *arguments):
            raise KeyError("Sommer")
        return real(*arguments)

    monkeypatch.setattr(module, name, failing)


def crowd(world: World, number: int) -> list[str]:
    """Contacts of one company."""
    company = world.control.company()
    return [world.control.contact(company, lastname=f"Sommer{n}") for n in range(number)]


@pytest.mark.parametrize(("module", "name", "concerns"), PLACES)
def test_one_contact_is_parked_with_the_place(
    world: World, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, concerns: Concerns
) -> None:
    odd, *others = crowd(world, 4)
    with monkeypatch.context() as broken:
        break_for(broken, module, name, concerns, [odd])
        world.sync()
    progress = world.progress(odd)
    assert (progress.status, progress.code) == ("parked", "INTERNAL_ERROR")
    assert "KeyError at " in str(progress.detail)
    assert ".py:" in str(progress.detail)
    assert "Sommer" not in str(progress.detail)
    assert {world.progress(other).status for other in others} == {"done"}
    assert world.cli("parked", "retry", "--code", "INTERNAL_ERROR").code == 0
    world.sync()
    assert world.progress(odd).status == "done"
    assert len(world.control.rows("Lead")) == len(world.control.rows("Contact")) == 4
    assert len(world.control.rows("CorporateAccount")) == 1


@pytest.mark.parametrize(("module", "name", "concerns"), SORTED)
def test_the_same_exception_on_ten_contacts_parks_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, concerns: Concerns
) -> None:
    contacts = crowd(world, 11)
    with monkeypatch.context() as broken:
        break_for(broken, module, name, concerns, contacts[:10])
        [failure] = world.once("poll", "sweep", "push", until_idle=False).failures
    assert isinstance(failure, Defect)
    assert "10 contacts" in str(failure)
    assert {world.progress(contact).status for contact in contacts[:10]} <= {"pending", "in_flight"}
    assert world.progress(contacts[10]).status == "done"


@pytest.mark.parametrize("name", ["_oldest", "_lookup"])
def test_a_lost_answer_that_cannot_be_settled_parks_its_contact(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    odd, *others = crowd(world, 4)
    world.control.fault("cut_after", path="batch", body="POST LeadCollection", times=1)
    world.control.fault("cut_before", path="batch", body="GET LeadCollection", skip=1, times=None)
    world.once("poll", "sweep", "push", until_idle=False)
    world.control.call("DELETE", "/faults")
    assert world.progress(odd).status == "in_flight"
    with monkeypatch.context() as broken:
        break_for(broken, in_flight, name, about_write, [odd])
        world.sync()
    assert (world.progress(odd).status, world.progress(odd).code) == ("parked", "INTERNAL_ERROR")
    assert {world.progress(other).status for other in others} == {"done"}
    assert world.cli("parked", "retry", "--code", "INTERNAL_ERROR").code == 0
    world.sync()
    assert len(world.control.rows("Lead")) == 4
