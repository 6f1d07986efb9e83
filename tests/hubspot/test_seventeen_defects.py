"""Seventeen defects that others shipped, each with its public thread, and the test that ours does not have it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from portal import Portal, Sync, rules
from sqlmodel import select

from sync.domain.rules import Score
from sync.errors import Refused, Unavailable
from sync.hubspot_client import PATHS, HubSpotClient
from sync.state import tables
from sync.transport import RequestRetry

pytestmark = pytest.mark.long

Build = Callable[..., Sync]


def edit_after_the_first_page(product: Sync, edit: Callable[[], None]) -> None:
    """HubSpot is edited once, right after the first page of contacts was read."""
    search = product.client.search
    pending = [edit]

    def editing(object_type: Any, *args: Any, **more: Any) -> Any:
        page = search(object_type, *args, **more)
        if object_type == "contacts" and pending:
            pending.pop()()
        return page

    product.client.search = editing  # type: ignore[method-assign]


def test_row_01_edits_during_the_run_are_not_lost__tap_hubspot_226(portal: Portal, sync: Build) -> None:
    portal.seed(600, 5, bulk=0)
    ids = sorted((row["id"] for row in portal.portal()["contacts"]), key=int)
    product = sync()

    edited = set(ids[::40])

    def edit() -> None:
        for contact in edited:
            portal.change("contacts", contact, jobtitle="Edited")

    edit_after_the_first_page(product, edit)
    product.good("poll")
    assert set(product.contacts()) >= set(ids) - edited, "what moves out of the window takes nobody with it"
    product.good("poll")
    assert {product.contacts()[contact]["jobtitle"] for contact in edited} == {"Edited"}


def test_row_02_rows_that_the_index_shows_late_come_with_the_overlap__airbyte_69203(
    portal: Portal, sync: Build
) -> None:
    product = sync(configuration=rules(index_lag_seconds=0, overlap_minutes=60))
    product.good("poll")
    portal.settings(index_lag_seconds=120)
    contact = portal.contact()
    portal.advance(60)
    product.good("poll")
    portal.advance(120)
    product.good("poll")
    assert contact in product.contacts()


def test_row_03_many_rows_on_one_timestamp_are_no_endless_loop__airbyte_43317(portal: Portal, sync: Build) -> None:
    portal.seed(900, 5, bulk=900)
    product = sync()
    portal.reset_counts()
    product.good("poll")
    assert len(product.contacts()) == 900
    assert portal.requests()["POST /crm/objects/2026-09/contacts/search"] < 12


def test_row_04_more_rows_than_one_query_may_show_are_all_read__airbyte_10700(
    portal: Portal, sync: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request pages by offset, so the cap of 10,000 rows cannot be met, however many rows there are."""
    portal.seed(1500, 5, bulk=700)
    product = sync()
    offsets: list[object] = []
    call = product.client._calls.call

    def watched(endpoint: str, method: str, path: str, body: Any = None, query: Any = None) -> Any:
        offsets.append((body or {}).get("after") if endpoint == "search" else None)
        return call(endpoint, method, path, body, query)

    monkeypatch.setattr(product.client._calls, "call", watched)
    product.good("poll", "scores")
    assert len(product.contacts()) == 1500
    assert set(offsets) == {None}


@pytest.mark.parametrize("size", [399, 400, 401])
def test_row_05_a_short_page_is_not_the_last_one__airbyte_80744(portal: Portal, sync: Build, size: int) -> None:
    """What ends a reading is the missing announcement of more; full last pages and short ones in between do not."""
    portal.seed(size, 5, bulk=size)
    product = sync()
    product.good("poll")
    assert len(product.contacts()) == size


def test_row_06_contacts_are_searched_by_lastmodifieddate__airbyte_85019(portal: Portal, sync: Build) -> None:
    contact = portal.contact()
    product = sync()
    product.good("poll")
    assert contact in product.contacts()


def test_row_07_associations_change_without_the_contact__airbyte_44554(portal: Portal, sync: Build) -> None:
    contact, company = portal.contact(lead_score="80"), portal.company()
    product = sync()
    product.good("poll", "sweep")
    portal.associate(contact, company)
    portal.advance(16 * 60)
    product.good("sweep")
    assert {c for c, _ in product.labels_of(contact)} == {company}


def test_row_08_labels_are_kept_by_type_id_with_every_page__hubspot_api_python_135(portal: Portal, sync: Build) -> None:
    portal.settings(association_page_size=100)
    contact = portal.contact()
    label = portal.label("Buyer")
    companies = [portal.company(name=f"No {n}") for n in range(230)]
    for company in companies:
        portal.associate(contact, company, "Buyer")
    product = sync()
    product.good("poll")
    assert product.labels_of(contact) == {(c, t) for c in companies for t in (279, label)}


def test_row_09_a_lower_cap_on_batches_is_found_out__airbyte_48834(portal: Portal) -> None:
    """Where HubSpot takes fewer inputs than it says, batches are halved until it takes them, once for all."""
    contacts = [portal.contact() for _ in range(8)]
    client = portal.client(association_batch=8, parallel=1)
    # Five inputs and more are refused.
    portal.fault("status", status=400, path="associations", body=r'("id".*){5}', times=None)
    portal.reset_counts()
    assert set(client.associations(contacts).found) == set(contacts)
    assert client.associations(contacts).failed == frozenset()
    (asked,) = portal.requests().values()
    assert asked == 1 + 2 + 2


def test_row_09_what_is_refused_for_another_reason_does_not_shrink_batches(portal: Portal) -> None:
    contacts = [portal.contact() for _ in range(4)]
    client = portal.client(read_batch=4)
    portal.fault("status", status=400, path="batch/read", times=None)
    with pytest.raises(Refused):
        client.read("contacts", contacts, [])
    assert client.read_batch == 4


def test_row_10_archived_rows_are_seen_once_and_restored_ones_again__airbyte_19838(portal: Portal, sync: Build) -> None:
    contact = portal.contact(lead_score="80")
    product = sync()
    product.good("poll", "scores")
    portal.call("POST", f"/hubspot/contacts/{contact}/archive")
    first, second = (product.good("scores")["scores"]["changed"] for _ in range(2))
    assert (first, second, product.row(contact).archived) == (1, 0, True)
    portal.call("POST", f"/hubspot/contacts/{contact}/restore")
    product.good("scores")
    assert not product.row(contact).archived


def test_row_11_a_chain_of_merges_ends_at_the_survivor__dbt_hubspot_168(portal: Portal, sync: Build) -> None:
    one, two, three = (portal.contact(lead_score="80", email=f"{n}@werft.example") for n in "abc")
    product = sync()
    product.good("poll")
    first = portal.call("POST", "/hubspot/contacts/merge", {"primary": one, "other": two})["id"]
    portal.advance(10)
    product.good("poll")
    last = portal.call("POST", "/hubspot/contacts/merge", {"primary": three, "other": first})["id"]
    portal.advance(10)
    product.good("poll")
    assert {product.row(old).merged_into for old in (one, two, three, first)} == {last}
    assert set(product.contacts()) == {last}


def test_row_12_calculated_values_move_no_timestamp__estuary_3515(portal: Portal, sync: Build) -> None:
    portal.settings(score_moves_timestamp=False)
    contact = portal.contact(lead_score="10")
    product = sync()
    product.good("poll")
    portal.advance(7200)
    product.good("poll")
    portal.change("contacts", contact, lead_score="90")
    product.good("poll")
    assert product.contacts()[contact]["lead_score"] == "10"
    product.good("scores")
    assert product.contacts()[contact]["lead_score"] == "90"


def test_row_13_many_long_properties_fit_no_address_and_no_search_body__dlt_404(portal: Portal, sync: Build) -> None:
    names = [f"a_custom_property_with_quite_a_long_name_{n:03}" for n in range(100)]
    for name in names:
        portal.call("POST", "/hubspot/properties/contacts", {"name": name})
    contact = portal.contact(**{names[99]: "the last one"})
    client = portal.client()
    (found,) = client.search("contacts", [], "lastmodifieddate", names).objects
    assert (found.id, found.properties[names[99]]) == (contact, "the last one")


def test_row_14_every_call_has_a_timeout__hubspot_api_python_331(
    portal: Portal, sync: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = portal.contact(lead_score="80")
    portal.associate(contact, portal.company(), "Primary")
    product = sync()
    timeouts: list[object] = []
    call = product.client._calls._client.call_api

    def watched(*args: Any, **more: Any) -> Any:
        timeouts.append(more.get("_request_timeout"))
        return call(*args, **more)

    monkeypatch.setattr(product.client._calls._client, "call_api", watched)
    product.good("poll", "scores", "sweep")
    assert len(timeouts) > 8
    assert set(timeouts) == {(10.0, 60)}


@pytest.mark.parametrize("path", ["search", "batch/read", "owners"])
def test_row_14_a_post_is_tried_again_like_a_get__hubspot_api_python_117(portal: Portal, path: str) -> None:
    contact = portal.contact()
    portal.fault("status", status=429, path=path, times=2)
    client = portal.client()
    calls = {
        "search": lambda: client.search("contacts", [], "lastmodifieddate", []),
        "batch/read": lambda: client.read("contacts", [contact], []),
        "owners": client.owners,
    }
    calls[path]()
    assert portal.fired() == 2


def test_row_14_the_status_of_an_error_survives_urllib3__hubspot_api_python_460(portal: Portal) -> None:
    assert urllib3.__version__ != "2.6.0"
    pinned = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'"urllib3[^"]*!=2\.6\.0', pinned)
    portal.fault("status", status=418, path="owners")
    with pytest.raises(Refused) as raised:
        portal.client().owners()
    assert raised.value.status == 418


def test_row_14_retries_have_an_end(portal: Portal) -> None:
    portal.fault("status", status=503, path="owners", times=None)
    with pytest.raises(Unavailable):
        portal.client(retry=RequestRetry(attempts=3, wait=0.001)).owners()
    assert portal.fired() == 3


def test_row_15_another_process_goes_on_where_the_last_one_stopped__airbyte_60858(portal: Portal, sync: Build) -> None:
    portal.seed(900, 5, bulk=300)
    stopped = sync()
    portal.fault("status", status=500, path="contacts/search", skip=3, times=None)
    assert stopped.run("poll").failures
    had = set(stopped.contacts())
    assert 0 < len(had) < 900
    portal.call("DELETE", "/faults")
    portal.reset_counts()
    resumed = sync()
    resumed.good("poll")
    assert len(resumed.contacts()) == 900
    searches = portal.requests()["POST /crm/objects/2026-09/contacts/search"]
    assert searches <= 5, "no full load from the beginning"


def test_row_16_writes_of_the_system_are_no_changes__airbyte_18991(portal: Portal, sync: Build) -> None:
    contact = portal.contact(lead_score="80")
    product = sync()
    product.good("poll")
    portal.advance(60)
    portal.change("contacts", contact, hs_lead_status="OPEN")
    jobs = product.good("poll")
    assert (jobs["poll"]["contacts"], jobs["poll"]["changed"]) == (1, 0)


def test_row_17_versions_are_one_table_and_both_families_work__hubspot_api_python_495(
    portal: Portal, sync: Build
) -> None:
    assert set(PATHS["2026-09"]) == set(PATHS["v3"])
    source = Path(HubSpotClient.__module__.replace(".", "/") + ".py")
    text = (Path(__file__).parents[2] / source).read_text(encoding="utf-8")
    table = text[text.index("PATHS: ") : text.index("@dataclass")]
    assert text.count("/crm/") == table.count("/crm/"), "no path outside the table"


def test_row_17_another_score_is_one_more_question(portal: Portal, sync: Build) -> None:
    """Rules that name another property read the stream anew and lose nothing that is known."""
    contact = portal.contact(lead_score="10", hubspotscore="80")
    sync().good("poll")
    second = sync(configuration=rules(scores=[Score(name="old", property="hubspotscore", threshold=75)]))
    portal.advance(timedelta(hours=3).total_seconds())
    second.good("poll")
    assert second.contacts()[contact]["hubspotscore"] == "80"
    with second.store.reading() as session:
        assert [row.score for row in session.exec(select(tables.Crossing))] == ["old"]
