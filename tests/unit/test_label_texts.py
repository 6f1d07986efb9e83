"""A rule names a label by its text, as a person would recognise it."""

from __future__ import annotations

import pytest

from sync.domain.labels import resolve_labels
from sync.domain.views import Label


@pytest.mark.parametrize("text", ["Decision maker", "decision  Maker", "DECISION MAKER\u200b"])
def test_a_label_is_found_whatever_its_case_and_blanks(text: str) -> None:
    found = resolve_labels(["Decision maker"], [Label("USER_DEFINED", 28, text)], {})
    assert (found.bindings, found.problems) == ({"Decision maker": ("USER_DEFINED", 28)}, [])


def test_a_label_that_is_only_spelled_otherwise_was_not_renamed() -> None:
    pins = {"Decision maker": ("USER_DEFINED", 28)}
    assert resolve_labels(pins, [Label("USER_DEFINED", 28, "Decision Maker")], pins).problems == []
    assert resolve_labels(pins, [Label("USER_DEFINED", 28, "Buyer")], pins).problems != []
