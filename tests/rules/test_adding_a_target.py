"""The target of docs/adding-a-target.md works as it stands on the page."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from rules_world import GOOD, PRIMARY, PROJECT, World, rules

from sync.jobs import push, rules_change


def printing_crm() -> Any:
    """The class as the page defines it."""
    page = (PROJECT / "docs/adding-a-target.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    return found["PrintingCrm"]


def test_a_target_that_only_prints_takes_a_handover(capsys: pytest.CaptureFixture[str]) -> None:
    world, found = World(), rules()
    world.companies({"7": {"name": "Firma 7"}})
    world.contacts(found, {"123": GOOD})
    world.associate({"123": [("7", PRIMARY)]})
    context = replace(world.context(found), c4c=printing_crm()(found))
    rules_change.follow_rules(context)
    counts = push.run(context)
    lines = capsys.readouterr().out.splitlines()
    for record in ("CorporateAccount 7", "Contact 123", "Lead 123:mql:1"):
        assert [line for line in lines if line.startswith(f"create {record} ")]
    assert "'AccountUUID': 'CORPORATEACCOUNT-7'" in next(line for line in lines if line.startswith("create Contact"))
    assert (counts["parked"], counts["qualified"]) == (0, 1)
    assert world.c4c.log == []
