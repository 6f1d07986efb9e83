"""The defects that `make prove-defects` builds in: each still has the function that it breaks."""

from __future__ import annotations

import importlib
from functools import reduce
from typing import Any

import pytest
from proof.defects import DEFECTS, built_in


def test_there_are_more_than_thirty() -> None:
    assert len(DEFECTS) > 30


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_built_in_and_taken_out_again(name: str) -> None:
    right = _at(DEFECTS[name][0])
    with built_in(name):
        assert _at(DEFECTS[name][0]) is not right
    assert _at(DEFECTS[name][0]) is right


def _at(place: str) -> Any:
    module, _, path = place.partition(":")
    return reduce(getattr, path.split("."), importlib.import_module(module))
