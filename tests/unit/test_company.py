"""Which company a lead's account is made of, and what it is called."""

from __future__ import annotations

import pytest
from unit_builders import associated, company, contact, primary

from sync.domain.codes import Code
from sync.domain.views import Association, ContactView, Label
from sync.mappers.company import choose_company, company_name, web_domain

A, B = company("201", name="A GmbH"), company("202", name="B GmbH")
NAMELESS = company("203", name=None, domain="c.example")
NOTHING = company("204", name=" ", domain=None)
BILLING = Label("HUBSPOT_DEFINED", 931, "Billing")
ONE_OF_OURS = Label("USER_DEFINED", 1, "Primary")


@pytest.mark.parametrize(
    ("view", "chosen", "code"),
    [
        pytest.param(contact(associated(A), primary(B)), "202", Code.QUALIFIED, id="the primary one"),
        pytest.param(contact(primary(A)), "201", Code.QUALIFIED, id="primary and only"),
        pytest.param(contact(associated(A)), "201", Code.QUALIFIED, id="the only one without being primary"),
        pytest.param(contact(associated(A, BILLING)), "201", Code.QUALIFIED, id="the only one, with another label"),
        pytest.param(contact(associated(A), associated(B)), None, Code.COMPANY_AMBIGUOUS, id="several, none primary"),
        pytest.param(
            contact(associated(A), associated(B), company="Text AG"),
            None,
            Code.COMPANY_AMBIGUOUS,
            id="several are not settled by a text",
        ),
        pytest.param(
            contact(associated(A, ONE_OF_OURS), associated(B)),
            None,
            Code.COMPANY_AMBIGUOUS,
            id="a label of ours that is called primary is not it",
        ),
        pytest.param(contact(company="Text AG"), None, Code.QUALIFIED, id="only the text"),
        pytest.param(contact(primary(A), company="Text AG"), "201", Code.QUALIFIED, id="the company before the text"),
        pytest.param(contact(), None, Code.NO_COMPANY, id="nothing"),
        pytest.param(contact(company="  "), None, Code.NO_COMPANY, id="a blank text is nothing"),
        pytest.param(contact(primary(NAMELESS)), "203", Code.QUALIFIED, id="no name, but a domain"),
        pytest.param(contact(primary(NOTHING)), None, Code.NO_COMPANY, id="neither name nor domain counts as none"),
        pytest.param(
            contact(primary(NOTHING), associated(A)), "201", Code.QUALIFIED, id="the one that counts is the only one"
        ),
        pytest.param(contact(primary(NOTHING), company="Text AG"), None, Code.QUALIFIED, id="none counts, but a text"),
        pytest.param(
            contact(primary(NOTHING), associated(A), associated(B)),
            None,
            Code.COMPANY_AMBIGUOUS,
            id="a primary that counts as none settles nothing",
        ),
    ],
)
def test_choice(view: ContactView, chosen: str | None, code: Code) -> None:
    found, reason = choose_company(view)
    assert (found.id if found else None, reason.code) == (chosen, code)


def test_the_reason_names_the_company_by_id_only() -> None:
    _, reason = choose_company(contact(primary(A)))
    assert "201" in reason.text
    assert "A GmbH" not in reason.text


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"name": "A GmbH", "domain": "a.example"}, "A GmbH", id="name"),
        pytest.param({"name": None, "domain": "a.example"}, "a.example", id="domain"),
        pytest.param({"name": "", "domain": "a.example"}, "a.example", id="an empty name is none"),
        pytest.param({"name": None}, None, id="neither"),
    ],
)
def test_name(properties: dict[str, str | None], expected: str | None) -> None:
    assert company_name(company(**properties)) == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"domain": "A.example", "website": "https://b.example"}, "a.example", id="the first source"),
        pytest.param({"domain": None, "website": "https://www.b.example/x"}, "b.example", id="the next source"),
        pytest.param({"domain": "none", "website": "b.example"}, "b.example", id="the first that is an address"),
        pytest.param({"domain": None, "website": "n/a"}, None, id="no address at all"),
    ],
)
def test_web_domain(properties: dict[str, str | None], expected: str | None) -> None:
    assert web_domain(company(**properties), ("domain", "website")) == expected


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        pytest.param(Label("HUBSPOT_DEFINED", 1, None), True, id="known by category and type, not by text"),
        pytest.param(Label("HUBSPOT_DEFINED", 279, "Primary"), False, id="another type"),
        pytest.param(Label("USER_DEFINED", 1, "Primary"), False, id="another category"),
    ],
)
def test_primary(label: Label, expected: bool) -> None:
    assert Association(A, frozenset({label})).is_primary is expected
