"""One record of HubSpot in a form that nobody can use: the jobs go on, the others reach SAP, and it is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from portal import Portal, Sync

from sync.domain.views import ASSOCIATIONS
from sync.mirror import loading
from sync.state import tables
from sync.state.documents import MISMATCHES

pytestmark = pytest.mark.long

Build = Callable[..., Sync]


def mql(portal: Portal, company: str, **properties: Any) -> str:
    contact = portal.contact(lead_score="80", **properties)
    portal.associate(contact, company, "Primary")
    return contact


def watermark(product: Sync) -> Any:
    with product.store.reading() as session:
        return session.get(tables.Watermark, "contacts").complete_until  # type: ignore[union-attr]


@pytest.mark.parametrize("odd", ["²5", "", None, [], "x"], ids=repr)
def test_a_contact_without_a_usable_id_is_counted_named_and_passed(portal: Portal, sync: Build, odd: Any) -> None:
    company = portal.company()
    portal.advance(60)
    mql(portal, company)
    other = mql(portal, company, lastname="Zwei")
    portal.fault("rewrite", path="contacts/search", place=["results", 0, "id"], value=odd)
    product = sync()
    jobs = product.good("poll", "push")
    assert set(product.contacts()) == {other}
    assert jobs["poll"]["left_out"] == 1
    assert watermark(product) is not None
    assert [(e["kind"], e["rows"]) for e in product.events("rows_left_out")] == [("contacts", 1)]
    with product.store.reading() as session:
        assert any("contacts" in text for text in MISMATCHES.read(session)["hubspot rows left out"])
    assert len(portal.leads()) == 1
    portal.advance(86_500)
    product.good("poll")
    with product.store.reading() as session:
        assert MISMATCHES.read(session)["hubspot rows left out"] == []


def test_a_property_that_nobody_can_read_is_marked_and_the_row_is_stored(portal: Portal, sync: Build) -> None:
    company = portal.company()
    contact = mql(portal, company)
    product = sync()
    product.good("poll")
    portal.change("contacts", contact, jobtitle="CTO")
    portal.fault("rewrite", path="contacts/search", place=["results", 0, "properties", "lead_score"], value={"a": 1})
    product.good("poll")
    with product.store.reading() as session:
        view = loading.views(session, [contact])[contact]
    assert view.unreadable == {"lead_score"}
    assert (view.properties["lead_score"], view.get("jobtitle")) == ("80", "CTO")
    product.good("poll")
    with product.store.reading() as session:
        assert loading.views(session, [contact])[contact].unreadable == frozenset()


def test_associations_that_nobody_can_read_stay_as_they_were(portal: Portal, sync: Build) -> None:
    company = portal.company()
    contact = mql(portal, company)
    product = sync()
    product.good("poll")
    before = product.labels_of(contact)
    place = ["results", 0, "to", 0, "toObjectId"]
    portal.fault("rewrite", path="associations/.*batch/read", place=place, value="²5")
    portal.change("contacts", contact, jobtitle="CTO")
    product.good("poll")
    with product.store.reading() as session:
        assert loading.views(session, [contact])[contact].unreadable == {ASSOCIATIONS}
    assert product.labels_of(contact) == before
    product.good("poll")
    with product.store.reading() as session:
        assert loading.views(session, [contact])[contact].unreadable == frozenset()


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("companies/search", ["results", 0, "properties", "zip"]),
        ("contacts/search", ["results", 0, "properties", "lastname"]),
        ("owners", ["results", 0, "email"]),
        ("associations/.*batch/read", ["results", 0, "to", 0, "associationTypes", 0, "label"]),
    ],
)
def test_half_a_surrogate_pair_stops_nothing(portal: Portal, sync: Build, path: str, place: list[Any]) -> None:
    portal.call("POST", "/hubspot/owners", {"email": "eva@hub.example", "id": "71000013"})
    contact = mql(portal, portal.company(zip="20457"), hubspot_owner_id="71000013")
    portal.fault("rewrite", path=path, place=place, value="A\ud83d", times=None)
    product = sync()
    product.good("poll", "scores", "sweep", "push")
    assert contact in product.contacts()
    assert len(portal.leads()) == 1


@pytest.mark.parametrize(
    ("path", "place", "value", "field"),
    [
        ("contacts/search", ["total"], 10**30, "total"),
        ("contacts/search", ["results"], {}, "results"),
        ("owners", ["results"], None, "results"),
    ],
)
def test_a_page_that_is_malformed_as_a_whole_fails_the_job_and_the_watermark_stays(
    portal: Portal, sync: Build, path: str, place: list[Any], value: Any, field: str
) -> None:
    mql(portal, portal.company())
    product = sync()
    product.good("poll")
    before = watermark(product)
    portal.advance(120)
    portal.fault("rewrite", path=path, place=place, value=value, times=None)
    failures = product.run("poll").failures + product.run("sweep").failures
    assert [type(failure).__name__ for failure in failures] == ["Malformed"]
    assert field in str(failures[0])
    assert watermark(product) == before if "contacts" in path else watermark(product) > before
