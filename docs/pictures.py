"""Draws the pictures of docs/architecture.md from the code: the rooms, the inside of the planner, one contact's way.

`make picture` writes them between their markers. A test compares the page with what this makes, so an arrow that the
code lost, or a call that it no longer makes, cannot stay in a picture.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import grimp

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs/architecture.md"
PACKAGE = "sync"
PLANNER = f"{PACKAGE}.planner"

Arrows = dict[str, set[str]]
"""Room → rooms that it imports."""

LOOSE = ("app", "config", "context", "c4c_client", "hubspot_client")
"""Modules beside the rooms that are drawn too. The others (errors, log, metrics, …) serve nearly every room."""

STRAIGHT_WAY = ("hubspot_client", "reading", "mirror", "planner", "handover", "c4c_client")
"""What one contact passes through; drawn in bold."""


@dataclass(frozen=True)
class Step:
    """`caller` uses `call`, which is defined in `room`: both are rooms. `what`: said beside the arrow.

    `port`: the room of the port through which the caller knows it; empty where the caller imports the room itself.
    """

    caller: str
    room: str
    call: str
    what: str
    port: str = ""


WAY = (
    Step("jobs", "reading", "read_window", "contacts that changed since the watermark"),
    Step("reading", "hubspot_client", "search", "pages, by time of change"),
    Step("reading", "mirror", "save_contacts", "what the rules name"),
    Step("mirror", "state", "mark_pending", "only contacts that really changed"),
    Step("jobs", "state", "due", "pending contacts whose time has come"),
    Step("jobs", "planner", "qualify", "who is handed over, and why not"),
    Step("jobs", "handover", "carry_over", "batches of contacts that qualify"),
    Step("handover", "mirror", "views", "each contact as the rules see it"),
    Step("handover", "planner", "plan", "what to look up, what to write"),
    Step("planner", "mappers", "draft", "HubSpot's values as C4C's fields"),
    Step("handover", "c4c_client", "find", "lookups of the whole batch", port="planner"),
    Step("handover", "state", "mark_in_flight", "the intent, in a commit of its own"),
    Step("handover", "c4c_client", "apply", "creates and updates", port="planner"),
    Step("handover", "state", "save_link", "the pairs of ids, then plan again"),
    Step("handover", "state", "finish", "decision, handover and progress, in one commit"),
)


FROM_LEFT = ("hubspot_client", "reading", "mirror", "jobs", "state", "handover", "planner", "mappers", "c4c_client")
"""The rooms of the way, side by side."""


# ---- who imports whom


def arrows(package: str, drawn: Iterable[str] = ()) -> Arrows:
    """The imports between the parts of a package; `drawn` limits the parts to these, everything if empty."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    parts = {child.rpartition(".")[2] for child in graph.find_children(package)} - {"__main__"}
    parts &= set(drawn) or parts
    found: Arrows = {part: set() for part in parts}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            importer, other = part_of(module, package), part_of(imported, package)
            if importer in parts and other in parts and importer != other:
                found[importer].add(other)
    return found


def part_of(module: str, package: str) -> str:
    """`records` for `sync.planner.records.leads` in `sync.planner`; empty for what is not in the package."""
    return module.removeprefix(f"{package}.").partition(".")[0] if module.startswith(f"{package}.") else ""


def rooms() -> list[str]:
    """The folders of the product, and the loose modules that are drawn."""
    folders = [path.parent.name for path in (PROJECT / PACKAGE).glob("*/__init__.py")]
    return sorted([*folders, *LOOSE])


def reachable(start: str, arrows: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(arrows[start])
    while waiting:
        part = waiting.pop()
        if part not in found:
            found.add(part)
            waiting += arrows[part]
    return found


def without_short_cuts(found: Arrows) -> Arrows:
    """Leaves out arrows that a longer way implies. Raises SystemExit where parts import each other in a circle."""
    beyond = {part: reachable(part, found) for part in found}
    if circle := sorted(part for part in found if part in beyond[part]):
        sys.exit(f"these import each other in a circle: {', '.join(circle)}")
    return {part: {b for b in others if not any(b in beyond[a] for a in others)} for part, others in found.items()}


def levels(found: Arrows) -> list[list[str]]:
    """The parts from the top down: each one above everything that it imports."""
    above: dict[str, int] = {}
    for part in sorted(found, key=lambda p: len(reachable(p, found))):
        above[part] = 1 + max((above[other] for other in found[part]), default=-1)
    rows: dict[int, list[str]] = defaultdict(list)
    for part, height in above.items():
        rows[height].append(part)
    return [sorted(rows[height]) for height in sorted(rows, reverse=True)]


# ---- what is called


def names_used(caller: str, room: str) -> set[str]:
    """Every name that `caller` uses in modules that import `room` or the context, which holds the ports."""
    users = [tree for tree in trees(caller) if rooms_imported(tree) & {room, "context"}]
    nodes = [node for tree in users for node in ast.walk(tree)]
    return {n.id for n in nodes if isinstance(n, ast.Name)} | {n.attr for n in nodes if isinstance(n, ast.Attribute)}


def names_defined(room: str) -> set[str]:
    """Every function and method that a room defines."""
    return {node.name for tree in trees(room) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def rooms_imported(tree: ast.Module) -> set[str]:
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    modules = {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
    return {part_of(module, PACKAGE) for module in modules}


def trees(room: str) -> list[ast.Module]:
    place = PROJECT / PACKAGE / room
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    return [ast.parse(file.read_text(encoding="utf-8")) for file in files]


def untrue(steps: Iterable[Step], found: Arrows) -> list[str]:
    """What the code does not do of the way that is to be drawn."""
    wrong = []
    for step in steps:
        if not {step.caller, step.room} <= set(FROM_LEFT):
            wrong.append(f"FROM_LEFT lacks {step.caller} or {step.room}")
        elif (known := step.port or step.room) not in found.get(step.caller, ()):
            wrong.append(f"{step.caller} does not import {known}")
        elif step.port and step.port not in found.get(step.room, ()):
            wrong.append(f"{step.room} does not import {step.port}")
        elif step.call not in names_defined(step.room):
            wrong.append(f"{step.room} defines no {step.call}")
        elif step.port and step.call not in names_defined(step.port):
            wrong.append(f"{step.port} declares no {step.call}")
        elif step.call not in names_used(step.caller, known):
            wrong.append(f"{step.caller} does not use {step.call}")
    return wrong


# ---- drawing


def flowchart(found: Arrows, bold: Iterable[str] = ()) -> str:
    """A Mermaid flowchart, importers above what they import."""
    short = without_short_cuts(found)
    parts = [part for row in levels(found) for part in row]
    lines = ["flowchart TD", *(f"    {part}" for part in parts)]
    lines += [f"    {part} --> {other}" for part in parts for other in sorted(short[part])]
    on_the_way = [part for part in bold if part in found]
    if on_the_way:
        lines += ["    classDef way stroke-width:4px", f"    class {','.join(on_the_way)} way"]
    return "\n".join(lines)


def sequence(steps: Iterable[Step]) -> str:
    """A Mermaid sequence diagram: a step a line, in the order of time."""
    calls = [f"    {s.caller}->>{s.room}: {s.call}: {s.what}" for s in steps]
    return "\n".join(["sequenceDiagram", "    autonumber", *(f"    participant {room}" for room in FROM_LEFT), *calls])


def pictures() -> dict[str, str]:
    """Each picture by the name in its markers. Raises SystemExit where the way does not match the code."""
    between = arrows(PACKAGE, rooms())
    if wrong := untrue(WAY, between):
        sys.exit("WAY in docs/pictures.py does not match the code:\n" + "\n".join(wrong))
    return {
        "rooms": flowchart(between, STRAIGHT_WAY),
        "planner": flowchart(arrows(PLANNER)),
        "way": sequence(WAY),
    }


def drawn(page: str) -> str:
    """The page with its pictures as the code is now."""
    for name, picture in pictures().items():
        start, end = f"<!-- picture: {name} -->", "<!-- end of picture -->"
        block = f"{start}\n```mermaid\n{picture}\n```\n{end}"
        before, found, rest = page.partition(start)
        if not found or end not in rest:
            sys.exit(f"docs/architecture.md needs the markers {start} and {end}")
        page = before + block + rest.partition(end)[2]
    return page


if __name__ == "__main__":
    if sys.argv[1:] == ["--show"]:
        print("\n\n".join(pictures().values()))
    else:
        PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
