"""An opt-out counts in every spelling of true, and what is neither true nor false is a refusal."""

from __future__ import annotations

import pytest

from sync.domain.alike import truth
from sync.planner.consent import opted_out


@pytest.mark.parametrize(
    "written", ["true", "True", "TRUE", " yes ", "Yes", "1", "on", "ja", "Oui", "Y", "x", "tru\u200be"]
)
def test_true(written: str) -> None:
    assert truth(written) is True
    assert opted_out(written)


@pytest.mark.parametrize("written", ["false", "FALSE", "No", "0", "off", "nein", "non", "n"])
def test_false(written: str) -> None:
    assert truth(written) is False
    assert not opted_out(written)


@pytest.mark.parametrize("written", ["maybe", "2", "unsubscribed", "-", "truefalse"])
def test_neither_is_a_refusal(written: str) -> None:
    assert truth(written) is None
    assert opted_out(written)


def test_an_empty_opt_out_is_none() -> None:
    assert not opted_out(None)
