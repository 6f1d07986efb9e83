"""Ten things that a naive HubSpot poller gets wrong, and that this one gets right. One test or more a point.

Each fails when the care is taken away. The number in a test's name is the point's.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from portal import Portal, Sync, rules
from sqlmodel import select

from sync.domain.rules import LabelRule, Score
from sync.errors import BudgetExhausted, Denied, Malformed, Unavailable, Vanished
from sync.hubspot_client import PATHS, HubSpotClient
from sync.reading import windows
from sync.state import tables
from sync.transport import RequestRetry

Build = Callable[..., Sync]


@pytest.fixture(params=["2026-09", "v3"])
def api(request: pytest.FixtureRequest) -> dict[str, str]:
    """Both families of paths."""
    return {"api": str(request.param)}


# ---- 1. One last-modified cursor does not see everything


@pytest.mark.parametrize("touch", [True, False])
def test_01_a_score_that_moves_no_timestamp_is_seen_by_the_score_query(
    portal: Portal, sync: Build, api: dict[str, str], touch: bool
) -> None:
    contact = portal.contact(lead_score="10")
    product = sync(options=api)
    product.good("poll", "scores")
    portal.advance(7200)
    portal.change("contacts", contact, touch=touch, lead_score="80")
    product.good("scores")
    assert product.contacts()[contact]["lead_score"] == "80"


def test_01_a_score_that_falls_without_a_timestamp_is_seen_too(portal: Portal, sync: Build) -> None:
    contact = portal.contact(lead_score="80")
    product = sync()
    product.good("poll", "scores")
    portal.advance(7200)
    product.good("poll")
    portal.change("contacts", contact, touch=False, lead_score="20")
    product.good("poll")
    assert product.contacts()[contact]["lead_score"] == "80"
    product.good("scores")
    assert product.contacts()[contact]["lead_score"] == "20"


def test_01_a_label_that_moves_no_timestamp_is_seen_by_the_sweep(
    portal: Portal, sync: Build, api: dict[str, str]
) -> None:
    contact, company, label = portal.contact(lead_score="80"), portal.company(), portal.label("Buyer")
    portal.associate(contact, company)
    product = sync(options=api)
    product.good("poll", "sweep")
    portal.advance(7200)
    portal.associate(contact, company, "Buyer")
    product.good("poll")
    assert (company, label) not in product.labels_of(contact)
    product.good("sweep")
    assert (company, label) in product.labels_of(contact)


def test_01_an_archived_contact_is_seen_although_search_only_hides_it(portal: Portal, sync: Build) -> None:
    contact = portal.contact(lead_score="80")
    product = sync()
    product.good("poll", "scores")
    portal.call("POST", f"/hubspot/contacts/{contact}/archive")
    product.good("scores")
    assert product.row(contact).archived


def test_01_a_contact_below_the_threshold_that_was_archived_is_seen_by_the_full_sweep(
    portal: Portal, sync: Build
) -> None:
    contact = portal.contact(lead_score="5")
    product = sync()
    product.good("poll", "sweep")
    portal.call("POST", f"/hubspot/contacts/{contact}/archive")
    portal.advance(25 * 3600)
    product.good("sweep")
    assert product.row(contact).archived


# ---- 2. The watermark is neither what was seen nor now


def test_02_what_the_index_shows_late_is_not_lost(portal: Portal, sync: Build) -> None:
    portal.settings(index_lag_seconds=90)
    product = sync(configuration=rules(index_lag_seconds=120, overlap_minutes=0))
    contact = portal.contact()
    for seconds in (0, 60, 120):
        portal.advance(seconds)
        product.good("poll")
    assert contact in product.contacts()


def test_02_the_watermark_waits_until_everything_is_stored(portal: Portal, sync: Build) -> None:
    for n in range(5):
        portal.contact(lastname=f"No {n}")
    product = sync()
    portal.fault("status", path="contacts/search", status=500, times=None)
    assert product.run("poll").failures
    with product.store.reading() as session:
        marks = {row.stream: row.complete_until for row in session.exec(select(tables.Watermark))}
    assert marks.get("contacts") is None
    portal.call("DELETE", "/faults")
    product.good("poll")
    assert len(product.contacts()) == 5


def test_02_the_overlap_brings_what_the_index_showed_later_than_the_lag(portal: Portal, sync: Build) -> None:
    product = sync(configuration=rules(index_lag_seconds=10, overlap_minutes=60))
    product.good("poll")
    portal.settings(index_lag_seconds=600)
    contact = portal.contact()
    portal.advance(300)
    product.good("poll")
    assert contact not in product.contacts()
    portal.advance(400)
    product.good("poll")
    assert contact in product.contacts()


# ---- 3. More than 10,000 rows, or equal timestamps


def test_03_rows_that_share_one_millisecond_are_drained_by_id(portal: Portal, sync: Build) -> None:
    portal.seed(1300, 10, bulk=1100)
    portal.reset_counts()
    product = sync()
    product.good("poll")
    assert set(product.contacts()) == {row["id"] for row in portal.portal()["contacts"]}
    searches = portal.requests()["POST /crm/objects/2026-09/contacts/search"]
    assert searches <= 15, "no endless loop, and no row more often than needed"


def test_03_a_row_that_shows_a_later_moment_than_it_was_found_at_skips_nothing(portal: Portal, sync: Build) -> None:
    """The index still holds old moments while the rows already show the bulk edit: going on from there loses rows."""
    portal.seed(900, 10, bulk=0)
    ids = [
        row["id"] for row in sorted(portal.portal()["contacts"], key=lambda r: str(r["properties"]["lastmodifieddate"]))
    ]
    portal.settings(index_lag_seconds=3000)
    for contact in ids[150:200]:
        portal.change("contacts", contact, jobtitle="Edited")
    portal.advance(600)
    product = sync(configuration=rules(index_lag_seconds=10))
    product.good("poll")
    assert set(product.contacts()) == set(ids)


def test_03_order_by_id_as_numbers_or_as_texts_is_both_read_completely(portal: Portal, sync: Build) -> None:
    portal.seed(700, 10, bulk=650)
    portal.settings(id_sort="string")
    product = sync()
    product.good("poll")
    assert len(product.contacts()) == 700


def test_03_ids_without_any_order_stop_the_window_instead_of_losing_rows(portal: Portal, sync: Build) -> None:
    portal.seed(700, 10, bulk=650)
    portal.settings(index_shuffle=True)
    product = sync()
    (failure,) = product.run("poll").failures
    assert isinstance(failure, Malformed)
    with product.store.reading() as session:
        assert session.get(tables.Watermark, "contacts").complete_until is None  # type: ignore[union-attr]
    portal.settings(index_shuffle=False)
    product.good("poll")
    assert len(product.contacts()) == 700


# ---- 4. Ids are not eternal


def test_04_a_merge_moves_handover_and_link_to_the_new_id(portal: Portal, sync: Build) -> None:
    company = portal.company()
    first, second = (portal.contact(lead_score="80", email=f"{n}@werft.example") for n in ("a", "b"))
    portal.associate(first, company, "Primary")
    product = sync()
    product.good()
    assert len(portal.leads()) == 1
    survivor = portal.call("POST", "/hubspot/contacts/merge", {"primary": first, "other": second})["id"]
    assert survivor not in (first, second)
    portal.advance(60)
    product.good()
    assert product.row(first).merged_into == survivor
    assert len(portal.leads()) == 1, "the new id is not handed over a second time"


# ---- 5. Absence is not deletion


@pytest.mark.parametrize("action", ["html", "empty"])
@pytest.mark.parametrize("path", ["search", "batch/read", "owners"])
def test_05_an_answer_without_results_is_no_empty_portal(portal: Portal, sync: Build, action: str, path: str) -> None:
    contact = portal.contact(lead_score="80")
    portal.associate(contact, portal.company(), "Primary")
    product = sync()
    product.good("poll", "scores", "sweep")
    before = product.contacts(), product.labels_of(contact)
    portal.fault(action, path=path, times=None)
    assert any(isinstance(f, Malformed) for f in product.run("poll").failures + product.run("sweep").failures)
    assert (product.contacts(), product.labels_of(contact)) == before


def test_05_a_contact_that_is_gone_is_believed_at_the_second_time(portal: Portal, sync: Build) -> None:
    contact = portal.contact(lead_score="80")
    product = sync()
    product.good("poll", "scores")
    portal.call("POST", f"/hubspot/contacts/{contact}/erase")
    product.good("scores")
    assert not product.row(contact).erased
    product.good("scores")
    assert product.row(contact).erased


def test_05_many_contacts_gone_at_once_are_not_believed(portal: Portal, sync: Build) -> None:
    contacts = [portal.contact(lead_score="80") for _ in range(15)]
    product = sync()
    product.good("poll", "scores")
    for contact in contacts:
        portal.call("POST", f"/hubspot/contacts/{contact}/erase")
    for _ in range(3):
        assert isinstance(product.run("scores").failures[0], Vanished)
    assert set(product.contacts()) == set(contacts)


# ---- 6. Associations: every page, by id, and "none" only where HubSpot says so


def test_06_all_pages_of_a_contact_with_many_companies_are_read(
    portal: Portal, sync: Build, api: dict[str, str]
) -> None:
    portal.settings(association_page_size=3)
    contact = portal.contact()
    companies = {portal.company(name=f"No {n}") for n in range(10)}
    for company in companies:
        portal.associate(contact, company)
    product = sync(options=api)
    product.good("poll")
    assert {company for company, _ in product.labels_of(contact)} == companies


def test_06_a_row_that_is_not_answered_for_keeps_what_is_known(portal: Portal, sync: Build) -> None:
    contact, company = portal.contact(lead_score="80"), portal.company()
    portal.associate(contact, company, "Primary")
    product = sync()
    product.good("poll", "sweep")
    unknown = {"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"fromObjectId": [contact]}}
    for errors in ([], [unknown]):
        body = {"status": "COMPLETE", "results": [], "errors": errors}
        portal.fault("status", status=200, path="associations", body_out=json.dumps(body))
        portal.advance(3600)
        product.good("sweep")
        assert {c for c, _ in product.labels_of(contact)} == {company}


def test_06_no_association_is_believed_where_hubspot_says_so(portal: Portal, sync: Build, api: dict[str, str]) -> None:
    contact, company = portal.contact(lead_score="80"), portal.company()
    portal.associate(contact, company, "Primary")
    product = sync(options=api)
    product.good("poll", "sweep")
    portal.call("DELETE", "/hubspot/associations", {"contact_id": contact, "company_id": company})
    product.good("sweep")
    assert product.labels_of(contact) == set()


def test_06_a_renamed_label_keeps_its_rule_and_is_named(portal: Portal, sync: Build) -> None:
    contact, company, label = portal.contact(lead_score="80"), portal.company(), portal.label("Buyer")
    portal.associate(contact, company, "Primary", "Buyer")
    product = sync(configuration=rules(labels=[LabelRule(label="Buyer", fields={"FunctionCode": "0001"})]))
    product.good()
    portal.call("PATCH", f"/hubspot/labels/{label}", {"label": "Purchaser"})
    impostor = portal.label("Buyer")
    other = portal.contact(lead_score="80", email="other@werft.example")
    portal.call(
        "PUT", "/hubspot/associations", {"contact_id": other, "company_id": company, "labels": ["Primary", impostor]}
    )
    portal.advance(60)
    product.forget_log()
    product.good()
    (event,) = product.events("contract_mismatch")
    assert (event["kind"], event["key"]) == ("association label", "Buyer")
    assert "Purchaser" in event["cause"]
    functions = {row["ContactID"]: row.get("FunctionCode") for row in portal.rows("ContactIsContactPersonFor")}
    assert sorted(functions.values(), key=str) in ([None, "0001"], ["", "0001"]), "the rule means the id, not the name"


def test_06_a_vanished_label_is_named(portal: Portal, sync: Build) -> None:
    label = portal.label("Buyer")
    product = sync(configuration=rules(labels=[LabelRule(label="Buyer", fields={"FunctionCode": "0001"})]))
    product.good("sweep")
    assert product.events("contract_mismatch") == []
    portal.call("DELETE", f"/hubspot/labels/{label}")
    product.good("sweep")
    (event,) = product.events("contract_mismatch")
    assert event["key"] == "Buyer"
    assert "vanished" in event["cause"]


# ---- 7. Scores: frozen ones, labels, and nothing is not 0


def test_07_a_score_of_which_nothing_changes_is_reported(portal: Portal, sync: Build) -> None:
    contact = portal.contact(lead_score="10")
    product = sync(configuration=rules(frozen_score_days=14))
    product.good("poll")
    portal.advance(13 * 86400)
    product.good("poll")
    assert product.events("contract_mismatch") == []
    portal.advance(2 * 86400)
    product.good("poll")
    assert product.events("contract_mismatch")[-1]["kind"] == "frozen score"
    portal.change("contacts", contact, lead_score="11")
    product.good("poll")
    product.forget_log()
    portal.advance(86400 + 60)
    product.good("poll")
    assert product.events("contract_mismatch") == []


def test_07_the_legacy_score_is_reported_at_once(portal: Portal, sync: Build) -> None:
    score = Score(name="mql", property="hubspotscore", threshold=75)
    product = sync(configuration=rules(scores=[score]))
    product.good("poll")
    assert "hubspotscore" in product.events("contract_mismatch")[0]["cause"]


def test_07_tier_labels_are_a_set_and_null_is_not_zero(portal: Portal, sync: Build) -> None:
    portal.call(
        "POST",
        "/hubspot/properties/contacts",
        {"name": "fit_tier", "type": "enumeration", "fieldType": "select", "options": ["A1", "B1", "C1"]},
    )
    tiers = Score(name="fit", property="fit_tier", tiers=frozenset({"A1", "B1"}))
    low = Score(name="low", property="lead_score", threshold=0)
    good, other, nothing = portal.contact(fit_tier="B1"), portal.contact(fit_tier="C1"), portal.contact()
    product = sync(configuration=rules(scores=[tiers, low]))
    product.good("poll", "scores")
    with product.store.reading() as session:
        crossed = {(row.contact_id, row.score) for row in session.exec(select(tables.Crossing))}
    assert crossed == {(good, "fit")}, f"{other} has another tier, {nothing} has no score at all"


# ---- 8. The SDK's retries and timeouts


def test_08_a_search_is_tried_again_after_429_5xx_and_cut_lines(portal: Portal) -> None:
    portal.contact()
    for fault in ({"action": "status", "status": 429}, {"action": "status", "status": 503}, {"action": "cut_before"}):
        portal.fault(**fault, path="search")
    page = portal.client().search("contacts", [], "lastmodifieddate", ["lastname"])
    assert (page.total, portal.fired()) == (1, 3)


def test_08_an_answer_that_does_not_come_ends_by_our_timeout(portal: Portal) -> None:
    portal.fault("slow", path="search", seconds=5, times=1)
    with pytest.raises(Unavailable):
        portal.client(timeout=0.2, retry=RequestRetry(attempts=1)).search("contacts", [], "lastmodifieddate", [])


# ---- 9. Wrong cursor property, wrong value domain


def test_09_both_object_types_are_found_by_their_own_timestamp(
    portal: Portal, sync: Build, api: dict[str, str]
) -> None:
    contact, company = portal.contact(), portal.company()
    portal.advance(5)
    product = sync(options=api)
    jobs = product.good("poll")
    assert (jobs["poll"]["contacts"], jobs["poll"]["companies"]) == (1, 1), "hs_lastmodifieddate finds no contact"
    assert contact in product.contacts(), company


def test_09_a_first_load_does_not_start_at_epoch_0(portal: Portal) -> None:
    with pytest.raises(Unavailable):
        portal.client().count("contacts", [windows.Filter("lastmodifieddate", "GTE", "0")])
    assert windows.BEGINNING.timestamp() >= 1


def test_09_owners_are_known_by_id_not_by_user_id_the_archived_included(
    portal: Portal, sync: Build, api: dict[str, str]
) -> None:
    body = {"email": "a@hub.example", "id": "71000013", "userId": 42}
    portal.call("POST", "/hubspot/owners", body)
    portal.call("POST", "/hubspot/owners", {"email": "b@hub.example", "id": "71000026", "archived": True})
    found = {owner.id: (owner.email, owner.archived) for owner in portal.client(**api).owners()}
    assert found == {"71000013": ("a@hub.example", False), "71000026": ("b@hub.example", True)}


def test_09_options_that_the_portal_does_not_have_are_named_at_start(portal: Portal, sync: Build) -> None:
    tiers = Score(name="fit", property="hs_legal_basis", tiers=frozenset({"Legitimate interest - prospect/lead"}))
    number = Score(name="text", property="jobtitle", threshold=5)
    missing = Score(name="gone", property="no_such_score", threshold=5)
    product = sync(configuration=rules(scores=[tiers, number, missing]))
    product.run("poll")
    causes = " | ".join(event["cause"] for event in product.events("contract_mismatch"))
    assert "is not an option of hs_legal_basis" in causes, "a hyphen is no en dash"
    assert "jobtitle is of type string" in causes
    assert "`no_such_score` is not a property of contacts: the score" in causes


# ---- 10. Limits are shared, and differ by policy


def test_10_a_used_up_day_stops_everything_until_its_reset(portal: Portal, sync: Build) -> None:
    portal.contact(lead_score="80")
    product = sync()
    product.good("poll")
    portal.settings(rate_limits=True, daily_limit=1)
    (failure,) = product.run("poll", "push").failures
    assert isinstance(failure, BudgetExhausted)
    portal.reset_counts()
    portal.advance(600)
    product.restart()
    assert len(product.run("poll", "scores", "sweep").failures) == 3
    assert portal.requests() == {}, "nothing is asked before the reset"
    portal.settings(rate_limits=False, daily_limit=625_000)
    portal.advance(86_400)
    product.good("poll", "scores", "sweep")


def test_10_a_data_centre_migration_ends_the_job_instead_of_blocking_it(portal: Portal, sync: Build) -> None:
    waits: list[float] = []
    product = sync(options={"sleep": waits.append})
    portal.fault("status", status=477, headers={"Retry-After": "86400"}, path="search", times=None)
    assert isinstance(product.run("poll").failures[0], Unavailable)
    assert portal.fired() == 1
    assert sum(waits) < 60


def test_10_partial_success_is_told_by_the_payload_in_both_families(portal: Portal, api: dict[str, str]) -> None:
    known = portal.contact()
    found = portal.client(**api).read("contacts", [known, "999"], ["lastname"])
    assert ([o.id for o in found.objects], found.missing) == ([known], {"999"})


def test_10_a_refused_token_is_denied_and_names_no_secret(portal: Portal) -> None:
    with pytest.raises(Denied) as raised:
        HubSpotClient(portal.announced["hubspot"], "wrong").owners()
    assert "wrong" not in str(raised.value)


def test_10_every_path_stands_in_the_table_of_its_family(portal: Portal, sync: Build, api: dict[str, str]) -> None:
    contact = portal.contact(lead_score="80")
    portal.associate(contact, portal.company(), "Primary")
    portal.label("Buyer")
    portal.reset_counts()
    label_rules = [LabelRule(label="Buyer", fields={"FunctionCode": "0001"})]
    sync(options=api, configuration=rules(labels=label_rules)).good("poll", "scores", "sweep")
    called = {line.split(" ", 1)[1].rstrip("/") for line in portal.requests()}
    table = {p.format(type=t).rstrip("/") for p in PATHS[api["api"]].values() for t in ("contacts", "companies")}
    assert called <= table
    assert not any("/v4/" in path or "/crm/v3/" in path for path in called) or api["api"] == "v3"
