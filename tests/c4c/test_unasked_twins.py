"""C4C goes away just when it is asked whether what we created is unique: it is asked again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from c4c_world import World

from sync.errors import SecondWriter, Unavailable
from sync.jobs.runner import run_jobs
from sync.planner.target import Crm, Scan


@dataclass
class AwayOnce:
    """SAP Sales Cloud, out of reach when it is first asked which records carry our keys."""

    crm: Crm
    asked: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.crm, name)

    def scan(self, scans: Sequence[Scan], *more: Any) -> Any:
        if scans and not self.asked:
            self.asked = True
            raise Unavailable("c4c", "no answer in time")
        return self.crm.scan(scans, *more)


def test_records_whose_uniqueness_was_not_answered_are_asked_for_by_the_next_push(world: World) -> None:
    control = world.control
    control.contact(control.company())
    world.once("poll", "sweep", until_idle=False)
    with world.application() as built:
        away = AwayOnce(built.context.c4c)
        assert [type(f) for f in run_jobs(replace(built.context, c4c=away), ["push"]).failures] == [Unavailable]
    assert away.asked
    ours = control.row("CorporateAccount")["ObjectID"]
    control.call("POST", f"/c4c/CorporateAccount/{ours}/copy", {}, by=control.announced["username"])
    assert [type(failure) for failure in world.once("push").failures] == [SecondWriter]
