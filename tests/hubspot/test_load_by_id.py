"""A reading of everything goes by ascending id: each row once, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from portal import Portal, Sync
from sqlalchemy import distinct, func
from sqlmodel import select

from sync.errors import Unavailable
from sync.hubspot_client import Filter, Page
from sync.reading.windows import BEGINNING
from sync.state import streams, tables
from sync.state.documents import LAST_ID

Build = Callable[..., Sync]


def searches(portal: Portal) -> int:
    return sum(number for path, number in portal.requests().items() if path.endswith("contacts/search"))


@pytest.fixture
def product(portal: Portal, sync: Build) -> Sync:
    portal.seed(900, 20)
    return sync()


def stopped_after(product: Sync, pages: int) -> None:
    """A poll that a signal stops after so many pages of contacts."""
    product.stopping = lambda: len([e for e in product.events("poll_page") if e["kind"] == "contacts"]) >= pages
    product.run("poll")
    product.stopping = lambda: False


@pytest.mark.parametrize("order", ["numeric", "text"])
def test_each_row_is_read_once_in_either_order_of_ids(portal: Portal, product: Sync, order: str) -> None:
    portal.settings(id_sort=order)
    portal.reset_counts()
    product.good("poll")
    assert len(product.contacts()) == 900
    assert searches(portal) == 900 // 200 + 1


def test_a_whole_load_logs_its_pages_and_no_contact_by_itself(product: Sync) -> None:
    found = product.good("poll")
    assert product.events("contact_changed") == []
    pages = product.events("poll_page")
    assert sum(page["changed"] for page in pages if page["kind"] == "contacts") == 900
    assert found["poll"]["associations"] == 900


def test_after_it_a_contact_that_changes_is_logged(portal: Portal, product: Sync) -> None:
    product.good("poll")
    contact = min(product.contacts())
    portal.change("contacts", contact, jobtitle="Head of test")
    portal.advance(300)
    product.good("poll")
    assert [event["contact"] for event in product.events("contact_changed")] == [contact]


def test_a_load_that_was_stopped_goes_on_after_the_last_id_that_it_stored(portal: Portal, product: Sync) -> None:
    stopped_after(product, 2)
    assert len(product.contacts()) == 400
    with product.store.reading() as session:
        # A version that does not know the id reads everything by time instead, and misses nothing.
        assert streams.watermark(session, "contacts").cursor == BEGINNING
        assert LAST_ID.read(session, "contacts") == max(product.contacts(), key=int)
    portal.reset_counts()
    product.good("poll")
    assert len(product.contacts()) == 900
    assert searches(portal) == 3
    with product.store.reading() as session:
        assert LAST_ID.read(session, "contacts") == ""


def test_what_changes_behind_a_stopped_load_is_read_by_the_next_poll(portal: Portal, product: Sync) -> None:
    stopped_after(product, 2)
    behind = min(product.contacts(), key=int)
    portal.change("contacts", behind, jobtitle="Head of test")
    portal.advance(300)
    product.good("poll")
    product.good("poll")
    assert product.contacts()[behind]["jobtitle"] == "Head of test"


def test_reading_anew_begins_at_the_first_id(product: Sync) -> None:
    stopped_after(product, 2)
    with product.store.session() as session:
        streams.read_anew(session, "contacts")
        assert LAST_ID.read(session, "contacts") == ""


def test_names_can_be_searched_once_everything_is_read(product: Sync) -> None:
    """Page by page, words would write all over their index."""

    def named() -> int:
        with product.store.reading() as session:
            of = select(func.count(distinct(tables.NameWord.id))).where(tables.NameWord.kind == "contacts")
            return session.exec(of).one()

    stopped_after(product, 2)
    assert named() == 0
    product.good("poll")
    assert named() > 800


def test_an_order_of_ids_that_cannot_be_trusted_is_reported_and_times_are_read(
    product: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = product.client.search

    def disordered(kind: Any, filters: Sequence[Filter], *more: Any) -> Page:
        page = search(kind, filters, *more)
        return replace(page, objects=page.objects[::-1]) if filters[0].property == "hs_object_id" else page

    monkeypatch.setattr(product.client, "search", disordered)
    product.good("poll")
    assert len(product.contacts()) == 900
    reported = [event["key"] for event in product.events("contract_mismatch") if event["kind"] == "order of ids"]
    assert reported == ["contacts"]


def test_associations_that_fail_meanwhile_do_not_keep_contacts_from_being_stored(
    portal: Portal, sync: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.seed(2_400, 20)
    product = sync(log_level="WARNING")
    read = product.client.associations

    def away(_: Any) -> Any:
        raise Unavailable("hubspot", "associations: 503")

    monkeypatch.setattr(product.client, "associations", away)
    assert [type(failure).__name__ for failure in product.run("poll").failures] == ["Unavailable"]
    assert len(product.contacts()) == 2_400
    monkeypatch.setattr(product.client, "associations", read)
    assert product.good("poll")["poll"]["associations"] == 2_400
