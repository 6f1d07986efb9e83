"""C4C goes away just when it is asked whether what we created is unique: it is asked again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from c4c_world import World

from sync.c4c_client import C4CPort
from sync.errors import SecondWriter, Unavailable
from sync.jobs.runner import run_jobs


@dataclass
class AwayAfterTheFirstWrite:
    port: C4CPort
    written: bool = False
    asked: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)

    def write(self, groups: Sequence[Sequence[Any]]) -> list[list[Any]]:
        self.written = True
        return self.port.write(groups)

    def query(self, queries: Sequence[Any]) -> list[list[Any]]:
        if self.written and not self.asked:
            self.asked = True
            raise Unavailable("c4c", "no answer in time")
        return self.port.query(queries)


def test_records_whose_uniqueness_was_not_answered_are_asked_for_by_the_next_push(world: World) -> None:
    control = world.control
    control.contact(control.company())
    world.once("poll", "sweep", until_idle=False)
    with world.application() as built:
        away = AwayAfterTheFirstWrite(built.context.c4c)
        assert [type(f) for f in run_jobs(replace(built.context, c4c=away), ["push"]).failures] == [Unavailable]
    assert away.asked
    ours = control.row("CorporateAccount")["ObjectID"]
    control.call("POST", f"/c4c/CorporateAccount/{ours}/copy", {}, by=control.addresses["username"])
    assert [type(failure) for failure in world.once("push").failures] == [SecondWriter]
