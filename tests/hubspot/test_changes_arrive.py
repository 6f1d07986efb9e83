"""Changes that move no timestamp of the contact: each is in C4C within one sweep interval, and in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from portal import Portal, Sync, rules
from sqlalchemy import delete

from sync.domain.rules import LabelRule
from sync.errors import Unavailable
from sync.state import tables

Build = Callable[..., Sync]

SWEEP = 15 * 60
BUYER = [LabelRule(label="Buyer", fields={"FunctionCode": "0001"})]


@pytest.fixture
def product(portal: Portal, sync: Build) -> Sync:
    portal.label("Buyer")
    return sync(configuration=rules(labels=BUYER))


def later(portal: Portal, product: Sync) -> None:
    """One sweep interval later, long after what was handed over was last polled."""
    product.forget_log()
    portal.advance(SWEEP)
    product.good()


def causes(product: Sync, contact: str) -> list[str]:
    return [event["cause"] for event in product.events("contact_changed") if event["contact"] == contact]


def handed_over(portal: Portal, product: Sync, *labels: str, score: str = "80") -> tuple[str, str]:
    """A contact with its company, handed over three hours ago if its score allows it."""
    company = portal.company(name="Werft GmbH", domain="werft.example")
    contact = portal.contact(lead_score=score, email="a@werft.example")
    portal.associate(contact, company, *labels)
    product.good()
    portal.advance(3 * 3600)
    product.good()
    return contact, company


def test_a_label_that_changes_arrives_and_is_named(portal: Portal, product: Sync) -> None:
    contact, company = handed_over(portal, product, "Primary")
    portal.associate(contact, company, "Primary", "Buyer")
    later(portal, product)
    assert causes(product, contact) == ["association labels"]
    (relationship,) = portal.rows("ContactIsContactPersonFor")
    assert relationship["FunctionCode"] == "0001"


def test_a_score_that_changes_without_a_timestamp_arrives_and_is_named(portal: Portal, product: Sync) -> None:
    contact, _ = handed_over(portal, product, "Primary", score="10")
    assert portal.leads() == []
    portal.change("contacts", contact, touch=False, lead_score="76")
    later(portal, product)
    (event,) = product.events("contact_changed")
    assert (event["contact"], event["cause"], event["score"]) == (contact, "score query", "mql")
    assert len(portal.leads()) == 1


def test_a_company_that_changes_arrives_and_is_named(portal: Portal, product: Sync) -> None:
    contact, company = handed_over(portal, product, "Primary")
    portal.change("companies", company, city="Kiel")
    later(portal, product)
    (event,) = product.events("contact_changed")
    assert (event["contact"], event["cause"], event["company"]) == (contact, "company", company)
    (account,) = [row for row in portal.rows("CorporateAccount") if row.get("HubSpotID_KUT") == company]
    assert account["City"] == "Kiel"


def test_another_primary_company_arrives_and_is_named(portal: Portal, product: Sync) -> None:
    contact, _ = handed_over(portal, product, "Primary")
    other = portal.company(name="Reederei AG", domain="reederei.example")
    portal.associate(contact, other, "Primary")
    later(portal, product)
    assert "primary company" in causes(product, contact)
    (account,) = [row for row in portal.rows("CorporateAccount") if row.get("HubSpotID_KUT") == other]
    (lead,) = portal.leads()
    assert lead["AccountPartyUUID"].replace("-", "").lower() == account["UUID"].replace("-", "").lower()


def test_an_owner_whose_address_changes_makes_contacts_pending(portal: Portal, product: Sync) -> None:
    portal.call("POST", "/hubspot/owners", {"email": "old@hub.example", "id": "71000013"})
    contact = portal.contact(hubspot_owner_id="71000013")
    product.good("poll", "sweep", "push")
    portal.call("PATCH", "/hubspot/owners/71000013", {"email": "new@hub.example"})
    product.good("sweep")
    jobs = product.good("push")
    assert jobs["push"]["not_qualified"] == 1, contact


def test_only_properties_that_rules_name_are_asked_for_and_kept(
    portal: Portal, product: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact, company = portal.contact(lead_score="80", city="Kiel"), portal.company(industry="CHEMICALS")
    portal.associate(contact, company, "Primary")
    asked: set[str] = set()
    call = product.client._calls.call

    def watched(endpoint: str, method: str, path: str, body: object = None, query: object = None) -> object:
        asked.update(body.get("properties", ()) if isinstance(body, dict) else ())
        return call(endpoint, method, path, body, query)  # type: ignore[arg-type]

    monkeypatch.setattr(product.client._calls, "call", watched)
    product.good("poll", "scores", "sweep")
    named = {*product.configuration.rules.contact_properties(), *product.configuration.rules.company_properties()}
    assert asked - named == {"lastmodifieddate", "hs_lastmodifieddate"}
    assert set(product.contacts()[contact]) == set(product.configuration.rules.contact_properties())
    assert "industry" not in product.companies()[company]


def test_after_a_day_everybody_is_swept_and_an_interrupted_sweep_goes_on(portal: Portal, sync: Build) -> None:
    portal.seed(2300, 20, bulk=0)
    product = sync(log_level="WARNING")
    product.good("poll", "sweep")
    portal.advance(25 * 3600)
    portal.fault("status", status=500, path="associations", skip=1, times=None)
    assert product.run("sweep").failures
    portal.call("DELETE", "/faults")
    portal.reset_counts()
    assert product.good("sweep")["sweep"]["contacts"] == 1300
    assert product.good("sweep")["sweep"]["contacts"] < 1300, "the next one looks at those that matter"


@pytest.mark.parametrize(
    ("fault", "failed"),
    [
        ({"action": "status", "status": 503}, [Unavailable]),
        ({"action": "rewrite", "place": ["results"], "value": []}, []),
    ],
    ids=["refused", "answered without it"],
)
def test_nobody_is_handed_over_by_a_company_that_was_never_read(
    portal: Portal, product: Sync, fault: dict[str, Any], failed: list[type[Exception]]
) -> None:
    """The score query finds a contact before the poll finds its company, whose index lags."""
    company = portal.company(name="Werft GmbH")
    portal.advance(3 * 3600)
    product.good("poll")
    with product.store.session() as session:
        for table in (tables.NameWord, tables.CompanyKey, tables.Company):
            session.exec(delete(table))
    contact = portal.contact(lead_score="80", company="Text AG")
    portal.associate(contact, company, "Primary")
    portal.fault(**fault, path="objects/2026-09/companies/batch/read", times=None)
    failures = product.run("scores").failures
    assert [type(failure) for failure in failures] == failed
    product.good("push")
    assert portal.leads() == []
    portal.call("DELETE", "/faults")
    product.good("scores", "push")
    [lead] = portal.leads()
    assert (lead["AccountPartyName"], lead["Company"]) == ("Werft GmbH", "")
