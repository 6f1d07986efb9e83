"""The pictures of the architecture show what the code imports and calls."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("pictures", PROJECT / "docs/pictures.py")
assert _spec
assert _spec.loader
pictures = sys.modules["pictures"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(pictures)


def test_pictures_are_those_of_the_code() -> None:
    page = pictures.PAGE.read_text(encoding="utf-8")
    assert pictures.drawn(page) == page, "the imports have changed; `make picture` draws docs/architecture.md anew"


def test_a_longer_way_replaces_the_short_cut() -> None:
    assert pictures.without_short_cuts({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {
        "a": {"b"},
        "b": {"c"},
        "c": set(),
    }


def test_a_circle_is_not_drawn() -> None:
    with pytest.raises(SystemExit, match="in a circle: a, b"):
        pictures.without_short_cuts({"a": {"b"}, "b": {"a"}, "c": {"a"}})


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (pictures.Step("mirror", "planner", "plan", ""), "mirror does not import planner"),
        (pictures.Step("handover", "planner", "no_such_call", ""), "planner defines no no_such_call"),
        (pictures.Step("mappers", "planner", "plan", ""), "mappers does not import planner"),
        (pictures.Step("jobs", "state", "restore_from", ""), "state defines no restore_from"),
        (pictures.Step("handover", "mappers", "apply", "", port="planner"), "mappers does not import planner"),
        (pictures.Step("handover", "c4c_client", "masters", "", port="planner"), "handover does not use masters"),
    ],
)
def test_a_step_that_the_code_does_not_take_is_refused(step: object, text: str) -> None:
    assert text in pictures.untrue([step], pictures.arrows(pictures.PACKAGE, pictures.rooms()))


def test_every_room_is_described() -> None:
    text = pictures.PAGE.read_text(encoding="utf-8")
    listed = text.partition("```\ncli/")[2].partition("```")[0]
    assert [room for room in pictures.rooms() if room != "cli" and room not in listed] == []
