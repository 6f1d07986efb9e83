"""What `check` says of scores whose values no field holds, and of an opt-out that cannot say yes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit_builders import shipped, tenant_schema, with_qualification

from sync.config import load
from sync.contracts import check, score_types
from sync.domain.rules import FieldMap, Rules
from sync.domain.schema import Field
from sync.hubspot_client import Property

TIERS = {"name": "mql", "property": "engagement_tier", "tiers": ["A1", "A2"]}
POINTS = {"name": "mql", "property": "lead_score", "threshold": 75}


def mapped(rules: Rules, **changes: object) -> Rules:
    """The rules with another entry for the lead's score."""
    lead = rules.mapping.lead
    first = FieldMap.model_validate(lead.fields[0].model_dump(exclude_unset=True) | changes)
    changed = lead.model_copy(update={"fields": (first, *lead.fields[1:])})
    return rules.model_copy(update={"mapping": rules.mapping.model_copy(update={"lead": changed})})


def test_the_shipped_mapping_fits_the_shipped_score() -> None:
    assert list(score_types.unfit(shipped(), tenant_schema())) == []


def test_tiers_do_not_fit_the_shipped_mapping() -> None:
    """Every lead would get VALUE_INVALID."""
    [(place, text)] = score_types.unfit(with_qualification(scores=[TIERS]), tenant_schema())
    assert place == 0
    assert text.startswith("cannot hold the tiers of score mql (A1, A2): every lead would miss it with VALUE_INVALID")
    assert 'with `transform = "text"`' in text


def test_of_two_scores_the_one_that_does_not_fit_is_named() -> None:
    found = score_types.unfit(with_qualification(scores=[{**POINTS, "name": "points"}, TIERS]), tenant_schema())
    assert ["tiers of score mql" in text for _, text in found] == [True]


def test_a_remedy_that_is_followed_is_one() -> None:
    rules = with_qualification(scores=[TIERS])
    text = tenant_schema().without("Lead", "HubSpotScore_KUT").with_custom("Lead", Field("HubSpotScore_KUT", "String"))
    assert list(score_types.unfit(mapped(rules, transform="text"), text)) == []
    assert list(score_types.unfit(mapped(rules, transform="text"), tenant_schema())), "text in a number field"
    assert list(score_types.unfit(mapped(rules, transform="text", table={"A1": "1", "A2": "2"}), tenant_schema())) == []


def test_check_says_it_without_any_system(pytestconfig: pytest.Config) -> None:
    directory = pytestconfig.rootpath / "config"
    configuration = replace(load(directory), rules=with_qualification(scores=[TIERS]))
    [finding] = check.files(configuration, directory)["findings"]
    assert (finding["severity"], finding["where"]) == ("error", "mapping.toml: lead.fields.0 (HubSpotScore_KUT)")


@pytest.mark.parametrize(
    ("known", "severity"),
    [
        (Property("out", "bool", ("true", "false")), ""),
        (Property("out", "enumeration", ("true", "false")), ""),
        (Property("out", "enumeration", ("Yes", "No")), ""),
        (Property("out", "enumeration", ("no", "0")), "error"),
        (Property("out", "enumeration", ("no", "unsubscribed")), "warning"),
        (Property("out", "number"), "warning"),
        (Property("out", "datetime"), "warning"),
        (Property("out", "string"), "warning"),
        (None, ""),
    ],
)
def test_an_optout_with_values_that_do_not_mean_what_they_say_is_named(known: Property | None, severity: str) -> None:
    found, problem = score_types.optout(known)
    assert (found, bool(problem)) == (severity, bool(severity))
