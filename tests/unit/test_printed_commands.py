"""Each command that the product prints for people exists, with these options and arguments."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from sync.cli.commands import cli

PROJECT = Path(__file__).parents[2]
ROOT: Any = typer.main.get_command(cli)
NAME = "hubspot-c4c-sync "
IN_DOCS = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


def texts(source: str) -> Iterator[str]:
    """The strings of a module except docstrings; what is filled in at run time stands as a 1."""
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts | docstrings:
            yield node.value


def commands(text: str) -> Iterator[str]:
    """What a person is to type: in backticks, or after the program's name to the end of the line."""
    quoted = re.findall(r"`([^`\n]+)`", text)
    yield from (one.removeprefix(NAME) for one in quoted if one.removeprefix(NAME).split()[0] in ROOT.commands)
    bare = re.findall(rf"(?<!`){NAME}([^`\n]+)", text)
    yield from (one for one in bare if one.split()[0] in ROOT.commands)


PRINTED = sorted(
    {
        (one, path.relative_to(PROJECT).as_posix())
        for path in (PROJECT / "sync").rglob("*.py")
        for text in texts(path.read_text(encoding="utf-8"))
        for one in commands(text)
    }
)
DOCUMENTED = sorted(
    {
        (one.strip(), path.relative_to(PROJECT).as_posix())
        for path in IN_DOCS
        for one in re.findall(rf"`{NAME}([^`\n]+)`", path.read_text(encoding="utf-8"))
        if not re.search(r"[\[…]|COMMAND", one)
    }
)


def parsed(command: Any, words: list[str]) -> None:
    """Parses without a run. Raises click.UsageError."""
    if words and hasattr(command, "commands"):
        parsed(command.commands[words[0]], words[1:])
    elif not hasattr(command, "commands"):
        command.make_context(command.name, words)


@pytest.mark.parametrize(("text", "place"), PRINTED + DOCUMENTED)
def test_it_can_be_typed(text: str, place: str) -> None:
    parsed(ROOT, shlex.split(text))


def test_commands_are_found() -> None:
    found = {text for text, _ in PRINTED}
    assert {"approve 1", "parked retry 1", "links set 1 1 1 --share", "parked list"} <= found


@pytest.mark.parametrize(("text", "place"), PRINTED)
def test_it_is_printed_with_the_programs_name(text: str, place: str) -> None:
    """What is copied from a message to a shell runs as it is."""
    source = (PROJECT / place).read_text(encoding="utf-8")
    assert not [one for printed in texts(source) for one in re.findall(r"`([^`\n]+)`", printed) if one == text]
