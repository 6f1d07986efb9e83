"""What contributors use says what it does: the targets of make, the hooks before a commit, the workflow."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[0].split())
HOOKS = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
WORKFLOW = PROJECT / ".github/workflows/ci.yml"


def test_make_help_explains_every_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60).stdout
    explained = dict(re.findall(r"^  make ([a-z-]+) +(\S.*)$", shown, re.MULTILINE))
    assert set(explained) == TARGETS
    assert {name for name, text in explained.items() if len(text.split()) < 3} == set()


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", "docs/image.md", "docs/sandbox.md"])
def test_targets_that_a_page_names_exist(page: str) -> None:
    text = (PROJECT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make(?: [A-Z]+=\S+)* ([a-z-]+)", text, re.MULTILINE))
    assert named <= TARGETS


def test_hooks_are_our_own_tools() -> None:
    """A hook from elsewhere would have a version of its own, which nobody compares with the lock file."""
    assert {repo["repo"] for repo in HOOKS} == {"local"}
    for hook in HOOKS[0]["hooks"]:
        command, target = hook["entry"].split()[:2]
        assert target in TARGETS if command == "make" else (PROJECT / command).exists(), hook["entry"]
        assert re.compile(hook.get("files", ""))


def test_workflow_is_what_github_takes_and_calls_the_same_checks() -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    command = [str(tool), "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
    [job] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"].values()
    assert job["steps"][-1]["run"] == ".ci/run"
    assert job["timeout-minutes"] > minutes_of(PROJECT / ".ci/run")


def minutes_of(script: Path) -> int:
    """The sum of the time limits in `.ci/run`."""
    return sum(int(found) for found in re.findall(r"^within (\d+) ", script.read_text(encoding="utf-8"), re.MULTILINE))


def test_workflow_may_only_read() -> None:
    workflow: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
