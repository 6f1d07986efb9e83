"""An exception while one contact is decided on or planned parks that one; the same one on many parks nobody."""

from __future__ import annotations

from typing import Any

import pytest
from c4c_world import World

from sync.errors import Defect
from sync.jobs import handover, push


def break_for(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, contacts: list[str]) -> None:
    """The function fails for these contacts, and repeats their name in its message."""
    real = getattr(module, name)

    def failing(view: Any, *more: Any) -> Any:
        if view.id in contacts:
            raise KeyError(view.get("lastname"))
        return real(view, *more)

    monkeypatch.setattr(module, name, failing)


PLACES = [pytest.param(push, "qualify", id="deciding"), pytest.param(handover, "plan", id="planning")]


@pytest.mark.parametrize(("module", "name"), PLACES)
def test_one_contact_is_parked_with_the_place(
    world: World, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    company = world.control.company()
    odd, *others = [world.control.contact(company, lastname=f"Sommer{n}") for n in range(4)]
    with monkeypatch.context() as broken:
        break_for(broken, module, name, [odd])
        world.sync()
    progress = world.progress(odd)
    assert (progress.status, progress.code) == ("parked", "INTERNAL_ERROR")
    assert "KeyError at " in str(progress.detail)
    assert ".py:" in str(progress.detail)
    assert "Sommer" not in str(progress.detail)
    assert {world.progress(other).status for other in others} == {"done"}
    assert world.cli("parked", "retry", "--code", "INTERNAL_ERROR").returncode == 0
    world.sync()
    assert len(world.control.rows("Lead")) == 4


@pytest.mark.parametrize(("module", "name"), PLACES)
def test_the_same_exception_on_ten_contacts_parks_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    company = world.control.company()
    contacts = [world.control.contact(company, lastname=f"Sommer{n}") for n in range(11)]
    with monkeypatch.context() as broken:
        break_for(broken, module, name, contacts[:10])
        [failure] = world.once("poll", "sweep", "push", until_idle=False).failures
    assert isinstance(failure, Defect)
    assert "10 contacts" in str(failure)
    assert [world.progress(contact).status for contact in contacts] == ["pending"] * 10 + ["done"]
