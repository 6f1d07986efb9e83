"""The decision chain: who becomes a lead, and every reason why not."""

from __future__ import annotations

from typing import Any

import pytest
from unit_builders import CONSENT, associated, company, contact, primary, shipped, with_qualification

from sync.domain.codes import Code
from sync.domain.decision import Decision, Reason
from sync.domain.rules import Rules
from sync.domain.views import ContactView
from sync.planner.qualify import leading, qualify

COMPANY = primary(company())
GOOD = contact(COMPANY)


def decide(view: ContactView, rules: Rules | None = None) -> Decision:
    [decision] = qualify(view, rules or shipped())
    return decision


def deciding(decision: Decision) -> Reason:
    """The reason that decided: the first against, or the last step of all."""
    return next((reason for reason in decision.reasons if reason.code is not Code.QUALIFIED), decision.reasons[-1])


@pytest.mark.parametrize(
    ("view", "code"),
    [
        pytest.param(GOOD, Code.QUALIFIED, id="all rules are met"),
        pytest.param(contact(COMPANY, lead_score="75.0"), Code.QUALIFIED, id="exactly the threshold"),
        pytest.param(contact(COMPANY, lead_score="74.99"), Code.SCORE_BELOW_THRESHOLD, id="just below"),
        pytest.param(contact(COMPANY, lead_score="0"), Code.SCORE_BELOW_THRESHOLD, id="0 is a score"),
        pytest.param(contact(COMPANY, lead_score=None), Code.SCORE_MISSING, id="null is not 0"),
        pytest.param(contact(COMPANY, lead_score=""), Code.SCORE_MISSING, id="empty is not 0"),
        pytest.param(contact(COMPANY, lead_score="high"), Code.SCORE_MISSING, id="no number"),
        pytest.param(contact(COMPANY, merged_into="101"), Code.MERGED, id="merged away"),
        pytest.param(contact(COMPANY, archived=True), Code.ARCHIVED, id="deleted"),
        pytest.param(contact(COMPANY, erased=True), Code.ERASED, id="gone"),
        pytest.param(contact(COMPANY, archived=True, merged_into="101"), Code.MERGED, id="merged says more"),
        pytest.param(contact(COMPANY, lastname=None), Code.MISSING_LAST_NAME, id="no last name"),
        pytest.param(contact(COMPANY, lastname="  "), Code.MISSING_LAST_NAME, id="a blank last name"),
        pytest.param(contact(), Code.NO_COMPANY, id="no company"),
        pytest.param(contact(primary(company(name=None))), Code.NO_COMPANY, id="a company that counts as none"),
        pytest.param(contact(company="Text AG"), Code.QUALIFIED, id="the company as text"),
        pytest.param(
            contact(associated(company("201")), associated(company("202"))), Code.COMPANY_AMBIGUOUS, id="several"
        ),
        pytest.param(contact(COMPANY, hs_email_optout="true"), Code.QUALIFIED, id="an opt-out does not block"),
    ],
)
def test_code(view: ContactView, code: Code) -> None:
    decision = decide(view)
    assert (decision.score, decision.code) == ("mql", code)
    assert deciding(decision).code is code
    assert decision.qualified is (code is Code.QUALIFIED)


@pytest.mark.parametrize(
    ("basis", "code"),
    [
        pytest.param(CONSENT, Code.QUALIFIED, id="consent"),
        pytest.param("Legitimate interest – prospect/lead", Code.QUALIFIED, id="legitimate interest, with an en dash"),
        pytest.param(f"Not applicable;{CONSENT}", Code.QUALIFIED, id="one of several values is enough"),
        pytest.param(f"{CONSENT}; Not applicable", Code.QUALIFIED, id="in any order"),
        pytest.param("Not applicable", Code.NO_LEGAL_BASIS, id="not applicable is none"),
        pytest.param(" Not applicable ; Not applicable", Code.NO_LEGAL_BASIS, id="not even twice"),
        pytest.param(";", Code.NO_LEGAL_BASIS, id="only the separator"),
        pytest.param("", Code.NO_LEGAL_BASIS, id="empty"),
        pytest.param(None, Code.NO_LEGAL_BASIS, id="null"),
    ],
)
def test_legal_basis(basis: str | None, code: Code) -> None:
    assert decide(contact(COMPANY, hs_legal_basis=basis)).code is code


def test_the_consent_that_allowed_the_handover_stands_in_the_reasons() -> None:
    assert any(CONSENT in reason.text for reason in decide(GOOD).reasons)


# ---- scoring filters


def filtered(**condition: Any) -> Rules:
    """The shipped rules with one filter of one condition on the score."""
    score = shipped().qualification.scores[0].model_dump(by_alias=True) | {"filters": ("fit",)}
    return with_qualification(scores=[score], filters={"fit": {"all": [condition]}})


@pytest.mark.parametrize(
    ("condition", "value", "passes"),
    [
        pytest.param({"known": True}, "x", True, id="known"),
        pytest.param({"known": True}, " ", False, id="blank is not known"),
        pytest.param({"in": ["it"]}, "IT", True, id="letters in any case"),
        pytest.param({"in": ["IT"]}, "HR;IT", True, id="one of several checked options"),
        pytest.param({"not_in": ["IT"]}, "HR;IT", False, id="one of several is excluded"),
        pytest.param({"in": ["A;B"]}, "A;B", True, id="a value with a semicolon"),
        pytest.param({"between": [10, 20]}, "20", True, id="between, exactly"),
        pytest.param({"between": [10, 20]}, "20.5", False, id="above"),
        pytest.param({"between": [10, 20]}, None, False, id="nothing is not between"),
        pytest.param({"in": ["DE"], "as": "country"}, "Deutschland", True, id="after a transform"),
        pytest.param({"known": True, "as": "country"}, "Atlantis", False, id="what a transform cannot read is unknown"),
        pytest.param({"known": False}, None, True, id="unknown"),
        pytest.param({"known": False}, "x", False, id="known though it must not be"),
        pytest.param({"in": ["IT", "HR"]}, "HR", True, id="one of"),
        pytest.param({"in": ["IT", "HR"]}, "Sales", False, id="none of them"),
        pytest.param({"in": ["IT"]}, None, False, id="nothing is not one of"),
        pytest.param({"not_in": ["IT"]}, "HR", True, id="not excluded"),
        pytest.param({"not_in": ["IT"]}, "IT", False, id="excluded"),
        pytest.param({"not_in": ["IT"]}, None, True, id="nothing is not excluded"),
        pytest.param({"at_least": 100}, "100", True, id="at least, exactly"),
        pytest.param({"at_least": 100}, "99.9", False, id="too few"),
        pytest.param({"at_least": 100}, None, False, id="nothing is not enough"),
        pytest.param({"at_least": 0}, None, False, id="nothing is not 0"),
        pytest.param({"at_most": 100}, "100", True, id="at most, exactly"),
        pytest.param({"at_most": 100}, "101", False, id="too many"),
        pytest.param({"at_most": 100}, None, False, id="nothing is not few"),
        pytest.param({"at_least": 10, "at_most": 20}, "15", True, id="between"),
        pytest.param({"at_least": 10, "at_most": 20}, "21", False, id="above the range"),
        pytest.param({"at_least": 10}, "many", False, id="no number"),
        pytest.param({"matches": "^C.O$"}, "CEO", True, id="matches"),
        pytest.param({"matches": "^C.O$"}, "Clerk", False, id="does not match"),
        pytest.param({"matches": "^C.O$"}, None, False, id="nothing does not match"),
        pytest.param({"in": ["IT", "HR"], "not_in": ["HR"]}, "HR", False, id="all tests of a condition count"),
    ],
)
@pytest.mark.parametrize("of_company", [False, True], ids=["contact", "company"])
def test_condition(condition: dict[str, Any], value: str | None, passes: bool, of_company: bool) -> None:
    name = "company.fit" if of_company else "fit"
    view = contact(primary(company(fit=value)), fit="IT") if of_company else contact(COMPANY, fit=value)
    decision = decide(view, filtered(property=name, **condition))
    assert decision.code is (Code.QUALIFIED if passes else Code.FILTERED_OUT)


def test_the_reason_names_the_filter_and_no_value() -> None:
    reason = deciding(decide(contact(COMPANY, jobtitle="Clerk"), filtered(property="jobtitle", **{"in": ["CEO"]})))
    assert "'fit'" in reason.text
    assert "jobtitle" in reason.text
    assert "Clerk" not in reason.text


def test_all_conditions_of_a_filter_and_all_filters_of_a_score_count() -> None:
    score = shipped().qualification.scores[0].model_dump(by_alias=True) | {"filters": ("one", "two")}
    filters = {
        "one": {"all": [{"property": "a", "known": True}, {"property": "b", "known": True}]},
        "two": {"all": [{"property": "c", "known": True}]},
    }
    rules = with_qualification(scores=[score], filters=filters)
    found = {
        have: decide(contact(COMPANY, **dict.fromkeys(have, "x")), rules).code for have in ("abc", "ab", "bc", "ac", "")
    }
    assert [have for have, code in found.items() if code is Code.QUALIFIED] == ["abc"]


def test_a_filter_that_no_score_uses_excludes_nobody() -> None:
    rules = with_qualification(filters={"fit": {"all": [{"property": "a", "known": True}]}})
    assert decide(GOOD, rules).qualified


def test_a_company_condition_without_a_company_sees_nothing() -> None:
    rules = filtered(property="company.industry", known=True)
    assert decide(contact(company="Text AG"), rules).code is Code.FILTERED_OUT


# ---- reasons


def failing_everything() -> ContactView:
    return contact(lead_score="1", hs_legal_basis=None, lastname=None, archived=True)


@pytest.mark.parametrize(
    ("view", "code"),
    [
        pytest.param(failing_everything(), Code.ARCHIVED, id="first whether it is live"),
        pytest.param(contact(lead_score="1", hs_legal_basis=None), Code.SCORE_BELOW_THRESHOLD, id="then the score"),
        pytest.param(contact(hs_legal_basis=None, lastname=None), Code.FILTERED_OUT, id="then the filters"),
        pytest.param(contact(fit="x", hs_legal_basis=None, lastname=None), Code.NO_LEGAL_BASIS, id="then the basis"),
        pytest.param(contact(fit="x", lastname=None), Code.MISSING_LAST_NAME, id="then the name"),
        pytest.param(contact(fit="x"), Code.NO_COMPANY, id="then the company"),
    ],
)
def test_what_decides_when_several_things_are_wrong(view: ContactView, code: Code) -> None:
    assert decide(view, filtered(property="fit", known=True)).code is code


def test_reasons_of_a_handover_stand_in_the_order_of_the_chain() -> None:
    decision = decide(contact(COMPANY, fit="x"), filtered(property="fit", known=True))
    texts = [reason.text for reason in decision.reasons]
    words = ["live", "lead_score", "filter 'fit'", "legal basis", "last name", "company 200"]
    assert [word in text for word, text in zip(words, texts, strict=True)] == [True] * len(words)
    assert decision.company is COMPANY.company


def test_every_reason_that_applies_is_named() -> None:
    decision = decide(contact(lead_score="1", hs_legal_basis=None, lastname=None))
    applying = {"SCORE_BELOW_THRESHOLD", "NO_LEGAL_BASIS", "MISSING_LAST_NAME", "NO_COMPANY"}
    assert applying <= set(decision.codes)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(contact(COMPANY, lead_score="1"), id="below the threshold"),
        pytest.param(contact(), id="without company"),
        pytest.param(contact(COMPANY, archived=True), id="deleted"),
    ],
)
def test_who_is_not_qualified_is_nowhere_called_qualified(view: ContactView) -> None:
    assert "QUALIFIED" not in decide(view).codes


def test_the_deciding_code_comes_first() -> None:
    assert decide(contact()).codes[0] == "NO_COMPANY"
    assert decide(GOOD).codes == ("QUALIFIED",)


# ---- several scores


TWO = with_qualification(
    scores=[
        {"name": "mql", "property": "lead_score", "threshold": 75},
        {"name": "fit", "property": "fit_tier", "tiers": ["A1"]},
    ]
)


@pytest.mark.parametrize(
    ("properties", "codes"),
    [
        pytest.param({"fit_tier": "A1"}, (Code.QUALIFIED, Code.QUALIFIED), id="both"),
        pytest.param({"fit_tier": "B1"}, (Code.QUALIFIED, Code.SCORE_BELOW_THRESHOLD), id="only the first"),
        pytest.param({"lead_score": "1", "fit_tier": "A1"}, (Code.SCORE_BELOW_THRESHOLD, Code.QUALIFIED), id="second"),
        pytest.param({"lead_score": None}, (Code.SCORE_MISSING, Code.SCORE_MISSING), id="none"),
    ],
)
def test_each_score_is_decided_by_itself(properties: dict[str, str], codes: tuple[Code, ...]) -> None:
    decisions = qualify(contact(COMPANY, **properties), TWO)
    assert tuple(decision.code for decision in decisions) == codes
    expected = Code.QUALIFIED if Code.QUALIFIED in codes else codes[0]
    assert leading(decisions).code is expected


AMBIGUOUS, BELOW = Code.COMPANY_AMBIGUOUS, Code.SCORE_BELOW_THRESHOLD


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((BELOW, AMBIGUOUS), AMBIGUOUS),
        ((BELOW, Code.LEAD_CLOSED), Code.LEAD_CLOSED),
        ((Code.LEAD_CLOSED, AMBIGUOUS), AMBIGUOUS),
        ((BELOW, Code.ALREADY_HANDED_OVER, Code.SCORE_MISSING), Code.ALREADY_HANDED_OVER),
        ((BELOW, AMBIGUOUS, Code.LEAD_CLOSED, Code.QUALIFIED), Code.QUALIFIED),
    ],
)
def test_the_order_of_the_scores_hides_nobody_who_needs_a_person(codes: tuple[Code, ...], expected: Code) -> None:
    for order in (codes, codes[::-1]):
        decisions = tuple(Decision(str(n), code, ()) for n, code in enumerate(order))
        assert leading(decisions).code is expected
