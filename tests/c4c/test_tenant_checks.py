"""Checks at start-up: one mismatch closes its field and is named; only a key stops everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from world.tenant import Tenant

from sync import config
from sync.c4c_client import C4C
from sync.contracts.tenant import read_tenant
from sync.domain.codes import Code
from sync.domain.rules import LabelRule, Rules
from sync.domain.schema import Field, Schema
from sync.errors import ConfigurationError

NOW = datetime(2026, 11, 21, tzinfo=UTC)
RULES = config.load(Path(__file__).parents[2] / "config").rules


def tenant(field: tuple[str, str] | None = None, rules: Rules = RULES, **marks: Any) -> tuple[Any, list[str], Tenant]:
    """What the start-up check makes of a tenant in which one field is different; no marks: it does not exist."""
    there = Tenant()
    if field:
        entity, name = field
        fields = dict(there.schema.entities[entity])
        known = fields.pop(name)
        if marks:
            fields[name] = replace(known, **marks)
        there.schema = Schema({**there.schema.entities, entity: fields})
    found, mismatches = read_tenant(C4C(there), rules, NOW)
    return found, [str(mismatch) for mismatch in mismatches], there


def test_a_tenant_as_the_rules_expect_it_has_no_mismatch() -> None:
    assert tenant()[1] == []


@pytest.mark.parametrize("entity", ["CorporateAccount", "Contact", "Lead"])
@pytest.mark.parametrize(
    ("marks", "word"),
    [({}, "does not exist"), ({"filterable": False}, "filterable"), ({"creatable": False}, "creatable")],
)
def test_without_its_key_nothing_is_written(entity: str, marks: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{entity}.HubSpotID_KUT.*{word}"):
        tenant((entity, "HubSpotID_KUT"), **marks)


def test_a_key_field_that_is_too_short_for_our_keys_stops_too() -> None:
    with pytest.raises(ConfigurationError, match="holds 12 characters, 19 are needed"):
        tenant(("Lead", "HubSpotID_KUT"), length=12)
    assert tenant(("Contact", "HubSpotID_KUT"), length=12)[1] == []


@pytest.mark.parametrize(
    ("field", "marks", "word"),
    [
        (("Lead", "HubSpotScore_KUT"), {}, "not offered"),
        (("Contact", "JobTitle"), {"updatable": False}, "cannot be changed later"),
        (("Lead", "Note"), {"creatable": False}, "cannot be written when a record is created"),
        (("Contact", "JobTitle"), {"updatable": False, "creatable": False}, "read-only"),
        (("CorporateAccount", "WebSite"), {"filterable": False}, "cannot be searched by"),
        (("CorporateAccount", "UUID"), {"filterable": False}, "cannot be searched by"),
        (("Contact", "ContactUUID"), {"filterable": False}, "cannot be searched by"),
    ],
)
def test_a_field_that_does_not_fit_is_named_and_the_rest_goes_on(
    field: tuple[str, str], marks: dict[str, Any], word: str
) -> None:
    _, mismatches, _ = tenant(field, **marks)
    assert len(mismatches) == 1
    assert mismatches[0].startswith(".".join(field))
    assert word in mismatches[0]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (("Lead", "ExpectedRevenueAmount"), '`target = "ExpectedRevenueAmount"` to lead.fields'),
        (("Lead", "GroupCode"), "found no value for it in route default"),
        (("Lead", "ContactEMail"), "leads with an account do not get it"),
        (("Contact", "MiddleName"), "no entry fills it first"),
    ],
)
def test_a_field_that_the_tenant_requires_and_nothing_fills_is_named(field: tuple[str, str], said: str) -> None:
    _, [mismatch], _ = tenant(field, required=True)
    assert mismatch.startswith(f"{'.'.join(field)}: is required of every new record")
    assert said in mismatch


@pytest.mark.parametrize(
    "field",
    [
        pytest.param(("CorporateAccount", "Name"), id="by an entry"),
        pytest.param(("Contact", "AccountID"), id="by its twin AccountUUID"),
        pytest.param(("Lead", "Name"), id="by the route's lead_name"),
        pytest.param(("Lead", "HubSpotID_KUT"), id="by the sync: the external key"),
        pytest.param(("Lead", "OriginTypeCode"), id="by every route"),
    ],
)
def test_a_required_field_that_is_filled_is_no_mismatch(field: tuple[str, str]) -> None:
    assert tenant(field, required=True)[1] == []


def test_what_a_label_gives_and_the_tenants_field_does_not_hold_is_named() -> None:
    label = LabelRule.model_validate({"label": "Billing", "fields": {"DepartmentCode": "Z001"}})
    qualification = RULES.qualification.model_copy(update={"labels": (label,)})
    field, rules = (
        ("ContactIsContactPersonFor", "DepartmentCode"),
        RULES.model_copy(update={"qualification": qualification}),
    )
    assert tenant(rules=rules)[1] == []
    assert tenant(field, rules, length=3)[1] == [
        "ContactIsContactPersonFor.DepartmentCode: holds 3 characters, a label gives 4; left out"
    ]


def test_a_constant_that_the_tenants_field_does_not_hold_is_named() -> None:
    """The standard table holds all of it: only this tenant has a shorter field."""
    assert tenant(("CorporateAccount", "RoleCode"), length=4)[1] == [
        "CorporateAccount.RoleCode: holds 4 characters, a constant of the rules has 6; shorten the constant"
    ]


def test_an_unknown_code_closes_its_field_and_becomes_a_warning_on_every_handover() -> None:
    there = Tenant({"LeadOriginTypeCodeCollection": {"001": "Trade fair"}})
    found, [mismatch] = read_tenant(C4C(there), RULES, NOW)
    assert "'002'" in str(mismatch)
    assert "001 Trade fair" in str(mismatch)
    assert found.schema.field("Lead", "OriginTypeCode") is None
    assert [(warning.code, warning.text) for warning in found.warnings] == [
        (Code.CODE_UNKNOWN, "Lead.OriginTypeCode: left out")
    ]


def test_an_address_that_two_employees_share_names_nobody() -> None:
    there = Tenant()
    there.hire("A@x.example", "a@X.example", "B@x.example")
    found, _ = read_tenant(C4C(there), RULES, NOW)
    assert found.employees == {"b@x.example": there.rows("Employee")[2]["UUID"]}
    assert found.shared == {"a@x.example"}


def test_custom_fields_come_from_the_tenant() -> None:
    found, _, _ = tenant()
    assert found.schema.field("Lead", "HubSpotID_KUT") == Field("HubSpotID_KUT", "String", 40)
