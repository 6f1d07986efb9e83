"""What happens while a batch is under way: a change that arrives before its end is not lost with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from c4c_world import World

from sync.c4c.client import C4CPort
from sync.c4c_client import C4C
from sync.domain.decision import Decision
from sync.handover.outcomes import LOCK_ROUNDS
from sync.jobs import push
from sync.jobs.runner import run_jobs


@dataclass
class Busy:
    """C4C, and `meanwhile` happens just after the n-th request that writes to `collection`.

    A lead's is the last one of its batch; a change that arrives earlier is noticed before the next round of writes.
    """

    port: C4CPort
    meanwhile: Callable[[], None]
    at: int = 1
    collection: str = "LeadCollection"
    met: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)

    def write(self, groups: Sequence[Sequence[Any]]) -> list[list[Any]]:
        results = self.port.write(groups)
        if any(operation.path == self.collection for group in groups for operation in group):
            self.met += 1
            if self.met == self.at:
                self.meanwhile()
        return results


def changed(world: World, contact: str, **properties: str) -> Callable[[], None]:
    """The contact changes in HubSpot and another lane polls it."""

    def happen() -> None:
        world.control.change(contact, **properties)
        world.once("poll", until_idle=False)

    return happen


@pytest.mark.parametrize("locked", [False, True], ids=["and all goes well", "and its lead is locked"])
def test_a_change_that_arrives_while_a_contact_is_written_is_written_next(world: World, locked: bool) -> None:
    contact = world.control.contact(world.control.company(), jobtitle="Baker")
    world.once("poll", "sweep", until_idle=False)
    if locked:
        world.control.fault("lock", body="POST LeadCollection", times=LOCK_ROUNDS + 1)
    with world.application() as built:
        meanwhile = changed(world, contact, jobtitle="Miller")
        busy = Busy(built.c4c, meanwhile, at=LOCK_ROUNDS + 1 if locked else 1)
        run_jobs(replace(built.context, c4c=C4C(busy)), ["push"])
    assert busy.met == busy.at
    assert world.control.row("Contact", HubSpotID_KUT=contact)["JobTitle"] == "Baker"
    assert world.progress(contact).status == "pending"
    world.once("push", until_idle=False)
    assert world.control.row("Contact", HubSpotID_KUT=contact)["JobTitle"] == "Miller"
    assert len(world.control.rows("Lead")) == 1
    assert world.progress(contact).status == "done"


@pytest.mark.parametrize(
    "change",
    [{"hs_legal_basis": "Not applicable"}, {"lead_score": "10"}],
    ids=["no legal basis", "below the threshold"],
)
def test_what_takes_a_handover_back_during_a_batch_counts_before_its_next_round(
    world: World, change: dict[str, str]
) -> None:
    """The account is written; before the contact person and the lead are, the contact no longer qualifies."""
    gone, stays = (world.control.contact(world.control.company(name), lastname=name) for name in ("North", "South"))
    world.once("poll", "sweep", until_idle=False)
    with world.application() as built:
        meanwhile = changed(world, gone, **change)
        busy = Busy(built.c4c, meanwhile, collection="CorporateAccountCollection")
        run_jobs(replace(built.context, c4c=C4C(busy)), ["push"])
    assert busy.met > 0
    world.once("push")
    assert [row["HubSpotID_KUT"] for row in world.control.rows("Lead")] == [f"{stays}:mql:1"]
    assert [row["HubSpotID_KUT"] for row in world.control.rows("Contact")] == [stays]


def test_a_change_that_arrives_while_a_contact_is_refused_is_decided_on_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody below the threshold is settled in a batch without a request to C4C; the score rises just then."""
    contact = world.control.contact(world.control.company(), lead_score="10")
    world.once("poll", "sweep", until_idle=False)
    meanwhile, qualify = [changed(world, contact, lead_score="82")], push.qualify

    def busy(*given: Any) -> tuple[Decision, ...]:
        decisions = qualify(*given)
        while meanwhile:
            meanwhile.pop()()
        return decisions

    monkeypatch.setattr(push, "qualify", busy)
    world.once("push", until_idle=False)
    assert world.progress(contact).status == "pending"
    world.once("push", until_idle=False)
    assert world.control.row("Lead", HubSpotID_KUT=f"{contact}:mql:1")
