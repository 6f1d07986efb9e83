"""Questions become few queries; only rows that really answer are believed."""

from __future__ import annotations

from typing import Any

import pytest
from unit_builders import field_map, tenant_schema, with_fields

from sync.c4c.lookups import queries, selects
from sync.c4c.odata import Query
from sync.c4c.records import record_of
from sync.planner.matching import answered, index
from sync.planner.snapshot import Ask, Lookup, Record

KEYS = {"CorporateAccount": "HubSpotID_KUT", "Contact": "HubSpotID_KUT", "Lead": "HubSpotID_KUT"}


def asked(*lookups: Lookup) -> list[Query]:
    return [one.query() for one in queries(lookups, KEYS, {"CorporateAccount": ("ObjectID", "Name")})]


@pytest.mark.parametrize(
    ("lookup", "collection", "filter_"),
    [
        pytest.param(
            Lookup(Ask.BY_ID, "CorporateAccount", "A1"), "CorporateAccountCollection", "ObjectID eq 'A1'", id="by id"
        ),
        pytest.param(Lookup(Ask.BY_KEY, "Contact", "100"), "ContactCollection", "HubSpotID_KUT eq '100'", id="by key"),
        pytest.param(
            Lookup(Ask.LEADS_OF, "Lead", "100:mql"),
            "LeadCollection",
            "HubSpotID_KUT eq '100:mql:1' or HubSpotID_KUT eq '100:mql:*'",
            id="leads of all cycles, the first by its exact key",
        ),
        pytest.param(
            Lookup(Ask.BY_UUID, "Contact", "AB"), "ContactCollection", "ContactUUID eq guid'AB'", id="by UUID"
        ),
        pytest.param(
            Lookup(Ask.ACCOUNT_BY_TAX, "CorporateAccount", "DE1"),
            "CorporateAccountTaxNumberCollection",
            "TaxID eq 'DE1' or TaxID eq 'DE 1' or TaxID eq 'DE-1'",
            id="by tax number",
        ),
        pytest.param(
            Lookup(Ask.ACCOUNT_BY_POSTAL, "CorporateAccount", "DE 50667"),
            "CorporateAccountCollection",
            "StreetPostalCode eq '50667' or StreetPostalCode eq '*50667*'",
            id="by postal code",
        ),
        pytest.param(
            Lookup(Ask.PARTS_OF, "ContactIsContactPersonFor", "C1"),
            "ContactIsContactPersonForCollection",
            "ParentObjectID eq 'C1'",
            id="relationships",
        ),
        pytest.param(
            Lookup(Ask.PERMISSIONS_OF, "MarketingPermission", "ab"),
            "MarketingPermissionCollection",
            "BusinessPartnerUUID eq guid'AB'",
            id="permission sets",
        ),
        pytest.param(
            Lookup(Ask.PARTS_OF, "ChannelPermission", "P1"),
            "ChannelPermissionCollection",
            "ParentObjectID eq 'P1'",
            id="channels",
        ),
    ],
)
def test_query(lookup: Lookup, collection: str, filter_: str) -> None:
    [query] = asked(lookup)
    assert (query.collection, query.filter) == (collection, filter_)


def test_many_questions_of_a_kind_are_one_query() -> None:
    found = asked(*(Lookup(Ask.BY_KEY, "Contact", str(n)) for n in range(50)))
    assert len(found) == 1
    assert found[0].filter.count(" or ") == 49


def test_one_filter_never_mixes_properties() -> None:
    found = asked(Lookup(Ask.BY_KEY, "Contact", "1"), Lookup(Ask.BY_ID, "Contact", "C1"))
    assert sorted(query.filter for query in found) == ["HubSpotID_KUT eq '1'", "ObjectID eq 'C1'"]


@pytest.mark.parametrize(
    "site",
    ["acme.example", "www.acme.example", "http://acme.example", "https://www.acme.example"],
)
def test_usual_spellings_of_a_web_site_are_asked_for_exactly(site: str) -> None:
    [query] = asked(Lookup(Ask.ACCOUNT_BY_DOMAIN, "CorporateAccount", "acme.example"))
    assert f"WebSite eq '{site}'" in query.filter


@pytest.mark.parametrize("site", ["ACME.example", "ACME.EXAMPLE", "Acme.example", "acme.example"])
def test_a_web_site_is_asked_for_in_capitals_too(site: str) -> None:
    """C4C may compare case-sensitively, and the wildcard finds what is around it."""
    [query] = asked(Lookup(Ask.ACCOUNT_BY_DOMAIN, "CorporateAccount", "acme.example"))
    assert f"*{site}*" in query.filter


KEY, LEADS = Lookup(Ask.BY_KEY, "Contact", "100"), Lookup(Ask.LEADS_OF, "Lead", "100:mql")
WEB = Lookup(Ask.ACCOUNT_BY_DOMAIN, "CorporateAccount", "acme.example")
PERMISSION = Lookup(Ask.PERMISSIONS_OF, "MarketingPermission", "AB")


@pytest.mark.parametrize(
    ("lookup", "row", "counts"),
    [
        pytest.param(KEY, {"HubSpotID_KUT": "100"}, True, id="key"),
        pytest.param(KEY, {"HubSpotID_KUT": "1001"}, False, id="another key"),
        pytest.param(KEY, {}, False, id="no key"),
        pytest.param(LEADS, {"HubSpotID_KUT": "100:mql:1"}, True, id="first cycle"),
        pytest.param(LEADS, {"HubSpotID_KUT": "100:mql:12"}, True, id="twelfth cycle"),
        pytest.param(LEADS, {"HubSpotID_KUT": "100:mql2:1"}, False, id="another score"),
        pytest.param(LEADS, {"HubSpotID_KUT": "100:mql:x"}, False, id="no cycle"),
        pytest.param(LEADS, {"HubSpotID_KUT": "1100:mql:1"}, False, id="another contact"),
        pytest.param(WEB, {"WebSite": "HTTPS://www.Acme.example/de?x"}, True, id="free spelling of a web site"),
        pytest.param(WEB, {"WebSite": "shop.acme.example"}, False, id="found by the wildcard only"),
        pytest.param(WEB, {"WebSite": None}, False, id="no web site"),
        pytest.param(PERMISSION, {"BusinessPartnerUUID": "ab"}, True, id="UUIDs in any case"),
        pytest.param(Lookup(Ask.BY_UUID, "CorporateAccount", "ab"), {"UUID": "AB"}, True, id="of accounts, too"),
        pytest.param(Lookup(Ask.BY_ID, "Contact", "C*"), {"ObjectID": "C1"}, False, id="an asterisk is no wildcard"),
        pytest.param(
            Lookup(Ask.ACCOUNT_BY_POSTAL, "CorporateAccount", "DE 1*"),
            {"StreetPostalCode": "12345", "CountryCode": "DE"},
            False,
            id="nor in a postal code",
        ),
        *(
            pytest.param(
                Lookup(Ask.ACCOUNT_BY_POSTAL, "CorporateAccount", f"{land} {ours}"),
                {"StreetPostalCode": theirs, "CountryCode": country},
                fits,
                id=f"postal code {ours} of {land}, {theirs} of {country}",
            )
            for land, ours, theirs, country, fits in (
                ("DE", "20095", "D-20095", "DE", True),
                ("DE", "D 20095", "20095", "DE", True),
                ("DE", "1067", "01067", "DE", True),
                ("GB", "SW1A 1AA", "sw1a1aa", "GB", True),
                ("DE", "20095", "20095", "AT", False),
                ("DE", "20095", "120095", "DE", False),
            )
        ),
        pytest.param(Lookup(Ask.PARTS_OF, "ChannelPermission", "P1"), {"ParentObjectID": "P1"}, True, id="channel"),
    ],
)
def test_rows_are_compared_exactly(lookup: Lookup, row: dict[str, Any], counts: bool) -> None:
    answers = index([lookup], {lookup.entity: [Record(lookup.entity, "o", {"ObjectID": "o"} | row)]}, KEYS)
    assert [found.object_id for found in answered(lookup, answers)] == (["o"] if counts else [])


def test_a_row_becomes_a_record_with_its_etag() -> None:
    row = {"__metadata": {"etag": "W/1"}, "ObjectID": "o", "Name": "A"}
    found = record_of("Contact", row)
    assert (found.entity, found.object_id, found.version) == ("Contact", "o", "W/1")
    assert dict(found.fields) == {"ObjectID": "o", "Name": "A"}


def test_one_entry_in_the_rules_adds_a_field_to_what_is_read() -> None:
    rules = with_fields("account", field_map("District", "Missing_KUT", source="state"))
    wanted = selects(rules, tenant_schema())["CorporateAccount"]
    assert {"ObjectID", "HubSpotID_KUT", "UUID", "AccountID", "LifeCycleStatusCode", "District"} <= set(wanted)
    assert "Missing_KUT" not in wanted


def test_a_leads_note_is_long_and_never_read() -> None:
    wanted = selects(with_fields("account"), tenant_schema())["Lead"]
    assert {"HubSpotScore_KUT", "OriginTypeCode", "LifeCycleStatusCode"} <= set(wanted)
    assert "Note" not in wanted
