"""The target of `docs/adding-a-target.md` is what the ports ask for, and does what the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sync.config import load
from sync.contracts.tenant import assumed
from sync.domain.entities import Entity
from sync.planner.compare import Change
from sync.planner.snapshot import Ask, Lookup, Snapshot
from sync.planner.target import Written
from sync.planner.writes import Write

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/adding-a-target.md").read_text(encoding="utf-8")
RULES = load(PROJECT / "config").rules
[TEXT] = [block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if block.startswith('"""')]


@pytest.fixture
def page() -> ModuleType:
    module = sys.modules["printing_target"] = ModuleType("printing_target")
    exec(compile(TEXT, "docs/adding-a-target.md", "exec"), module.__dict__)
    return module


def test_it_prints_each_write_and_finds_it_afterwards(page: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    crm = page.Printing(assumed(RULES))
    target = crm.target(RULES, crm.fields(()))
    lookup = Lookup(Ask.BY_KEY, Entity.ACCOUNT, "17")
    before, after = Snapshot(), Snapshot()
    target.find([lookup], before)
    write = Write(Entity.ACCOUNT, "17", "create", (Change("Name", None, "Muster GmbH", "create_only"),))
    [[(_, result)]] = target.apply([write])
    target.find([lookup], after)
    assert before.ask(lookup) == ()
    assert isinstance(result, Written)
    assert [record.text("Name") for record in after.ask(lookup) or ()] == ["Muster GmbH"]
    assert capsys.readouterr().out == 'create CorporateAccount 17 {"Name": "Muster GmbH"}\n'
