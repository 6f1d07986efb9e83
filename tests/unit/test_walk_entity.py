"""docs/adding-an-entity.md, followed to the letter on a copy of the program."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
HERE = Path(__file__).parent

TRIED = """
from test_plan import ADA
from unit_builders import shipped, tenant_schema
from unit_world import World
from sync.domain.rules import OwnerNote

def world(note):
    rules = shipped()
    return World(rules=rules.model_copy(update={"mapping": rules.mapping.model_copy(update={"owner_note": note})}))

asked = world(OwnerNote(text="Call within a day"))
writes = [(w.entity, w.key) for w in asked.sync(ADA) if w.action == "create"]
assert writes[-2:] == [("Lead", "100:mql:1"), ("LeadTextCollection", "100:mql:1")], writes
assert asked.sync(ADA) == []
asked.links.clear()
asked.sync(ADA)
[note] = asked.all("LeadTextCollection")
assert note.fields["Text"] == "Call within a day"
assert note.fields["ParentObjectID"] == asked.one("Lead").object_id
untouched = world(None)
untouched.sync(ADA)
assert untouched.all("LeadTextCollection") == []
"""


def blocks(language: str) -> list[str]:
    """The page's pieces of code, without their indentation."""
    page = (PROJECT / "docs" / "adding-an-entity.md").read_text(encoding="utf-8")
    return [textwrap.dedent(found) for found in re.findall(rf"^ *```{language}\n(.*?)^ *```$", page, re.M | re.S)]


def insert(path: Path, before: str, code: str, indented: str = "") -> None:
    """Puts the code before the first line that begins with `before`."""
    text = path.read_text(encoding="utf-8")
    head, found, tail = text.partition(f"\n{before}")
    assert found, f"{path.name} has no line that begins with {before!r}"
    path.write_text(f"{head}\n{textwrap.indent(code.strip(), indented)}\n{found}{tail}", encoding="utf-8")


def follow(sync: Path) -> None:
    """The steps of the page."""
    kinds, rule, planned, call = blocks("python")
    _, name, row = re.split(r"# in \w+\n", kinds)
    insert(sync / "domain/entities.py", "\n\n@dataclass", name, "    ")
    insert(sync / "domain/entities.py", "    }\n)", row, " " * 8)
    _, section, place = re.split(r"# (?:before|in) Mapping\n", rule)
    insert(sync / "domain/rules.py", "class Mapping(Rule):", f"{section}\n")
    insert(sync / "domain/rules.py", "    def by_entity(", place, "    ")
    table = sync / "rule_files/standard_fields.json"
    [fields] = blocks("json")
    known = json.loads(table.read_text(encoding="utf-8")) | json.loads(f"{{{fields.strip().rstrip(',')}}}")
    table.write_text(json.dumps(known), encoding="utf-8")
    (sync / "planner/records/owner_notes.py").write_text(planned, encoding="utf-8")
    leads = sync / "planner/records/leads.py"
    insert(leads, "    return _handed_over(decision, key, existing)", call, "    ")
    insert(leads, "from sync.planner.records import ", "from sync.planner.records import owner_notes")


@pytest.mark.long
def test_the_walk_through_a_new_kind_of_record_works(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "sync", tmp_path / "sync", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    follow(tmp_path / "sync")
    path = os.pathsep.join(map(str, (tmp_path, HERE, PROJECT / "tests")))
    ran = subprocess.run(
        [sys.executable, "-c", TRIED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
