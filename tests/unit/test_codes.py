"""The closed list of reason codes: complete, and each explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sync.cli.codes import page
from sync.domain.codes import EXPLANATIONS, RETIRED, Code

PROMISED = re.findall(
    r"\w+",
    """
QUALIFIED SCORE_MISSING SCORE_BELOW_THRESHOLD NO_LEGAL_BASIS FILTERED_OUT ARCHIVED MERGED ERASED MISSING_LAST_NAME
NO_COMPANY COMPANY_AMBIGUOUS ACCOUNT_AMBIGUOUS CONTACT_AMBIGUOUS LEAD_CLOSED ALREADY_HANDED_OVER OWNER_UNKNOWN
VALUE_TOO_LONG VALUE_INVALID CODE_UNKNOWN C4C_REJECTED C4C_LOCKED C4C_CONFLICT C4C_UNAVAILABLE C4C_DENIED
HUBSPOT_UNAVAILABLE HUBSPOT_DENIED HUBSPOT_BUDGET GUARD_TRIPPED TOO_MANY_COMPANIES INTERNAL_ERROR PROPERTY_UNREADABLE
LEFT_ALONE
COMPANY_DUPLICATE CONTACT_DUPLICATE
""",
)


def test_the_list_is_the_promised_one() -> None:
    assert sorted(map(str, Code)) == sorted(PROMISED)


@pytest.mark.parametrize("code", list(Code))
def test_each_code_has_meaning_and_remedy(code: Code) -> None:
    explanation = EXPLANATIONS[code]
    for sentence in (explanation.meaning, explanation.remedy):
        assert len(sentence) > 10
        assert sentence.endswith(".")


def test_meanings_tell_codes_apart() -> None:
    assert len({explanation.meaning for explanation in EXPLANATIONS.values()}) == len(Code)


SYNC = Path(__file__).parents[2] / "sync"


def test_nothing_emits_a_retired_code_and_something_each_other_one() -> None:
    modules = [path for path in SYNC.rglob("*.py") if path != SYNC / "domain/codes.py"]
    named = set(re.findall(r"\w+", " ".join(path.read_text(encoding="utf-8") for path in modules)))
    assert {code for code in Code if code.name not in named} == RETIRED


def test_retired_codes_are_listed_as_such() -> None:
    current, _, retired = page().partition("## Retired")
    assert {code for code in Code if f"| `{code}` |" in retired} == RETIRED
    assert {code for code in Code if f"| `{code}` |" in current} == set(Code) - RETIRED
