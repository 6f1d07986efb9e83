"""Each command that the product prints for people exists, with these options and arguments."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer

from sync.cli.commands import cli

PROJECT = Path(__file__).parents[2]
ROOT: Any = typer.main.get_command(cli)
NAME = "hubspot-c4c-sync "
IN_DOCS = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


def texts(source: str) -> Iterator[str]:
    """The strings of a module except docstrings; what is filled in at run time stands as a 1."""
    nodes = list(ast.walk(ast.parse(source)))
    parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts | docstrings:
            yield node.value


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def commands(text: str) -> Iterator[str]:
    """What a person is to type: in backticks, or after the program's name to the end of the line."""
    in_backticks = (one.removeprefix(NAME) for one in quoted(text))
    yield from (one for one in in_backticks if one.split()[0] in ROOT.commands)
    bare = re.findall(rf"(?<!`){NAME}([^`\n]+)", text)
    yield from (one for one in bare if one.split()[0] in ROOT.commands)


@cache
def modules() -> dict[str, list[str]]:
    """The strings of each module of the product that may name a command, read once."""
    sources = {path: path.read_text(encoding="utf-8") for path in (PROJECT / "sync").rglob("*.py")}
    return {
        path.relative_to(PROJECT).as_posix(): list(texts(source))
        for path, source in sources.items()
        if "`" in source or NAME in source
    }


def printed() -> set[tuple[str, str]]:
    """Each command that the product prints, and where."""
    return {(one, place) for place, found in modules().items() for text in found for one in commands(text)}


def documented() -> set[tuple[str, str]]:
    return {
        (one.strip(), path.relative_to(PROJECT).as_posix())
        for path in IN_DOCS
        for one in re.findall(rf"`{NAME}([^`\n]+)`", path.read_text(encoding="utf-8"))
        if not re.search(r"[\[…]|COMMAND", one)
    }


def parsed(command: Any, words: list[str]) -> None:
    """Parses without a run. Raises what the parser raises."""
    if words and hasattr(command, "commands"):
        parsed(command.commands[words[0]], words[1:])
    elif not hasattr(command, "commands"):
        command.make_context(command.name, words)


def refused(text: str) -> str | None:
    """Why nobody can type that; None if one can."""
    try:
        parsed(ROOT, shlex.split(text))
    except Exception as error:
        return repr(error)
    return None


def test_each_can_be_typed() -> None:
    assert not [(*found, problem) for found in sorted(printed() | documented()) if (problem := refused(found[0]))]


def test_what_cannot_be_typed_is_noticed() -> None:
    assert refused("explain") is not None
    assert refused("parked retry 1 --nonsense") is not None
    assert refused("links nonsense") is not None
    assert refused("parked list") is None


def test_commands_are_found() -> None:
    found = {text for text, _ in printed()}
    assert {"approve 1", "parked retry 1", "links set 1 1 1 --share", "parked list"} <= found
    assert len(documented()) > 10


def test_each_is_printed_with_the_programs_name() -> None:
    """What is copied from a message to a shell runs as it is."""
    bare = {(one, place) for place, found in modules().items() for text in found for one in quoted(text)}
    assert not bare & printed()
