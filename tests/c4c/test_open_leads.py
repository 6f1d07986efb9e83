"""The score on an open lead below the threshold: today's, and nothing besides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from c4c_world import World

from sync.state.pending import mark_pending

pytestmark = pytest.mark.long


def handed_over(world: World) -> str:
    contact = world.control.contact(world.control.company())
    world.sync()
    return contact


def lead(world: World) -> dict[str, Any]:
    return world.control.row("Lead")


def asked(world: World) -> int:
    """Requests to C4C since the counts were reset."""
    return int(world.control.counts()["total"])


def look_again(world: World, contact: str) -> None:
    with world.application() as built, built.context.store.session() as session:
        mark_pending(session, [contact], built.context.now())
    world.sync()


def test_an_open_lead_shows_todays_score_below_the_threshold_and_nothing_else_changes(world: World) -> None:
    contact = handed_over(world)
    before = world.control.tables("CorporateAccount", "Contact", "ContactIsContactPersonFor", "Lead")
    world.control.change(contact, lead_score="12", jobtitle="Chair", lastname="Winter")
    world.sync()
    after = world.control.tables("CorporateAccount", "Contact", "ContactIsContactPersonFor", "Lead")
    assert lead(world)["HubSpotScore_KUT"] == "12.000000"
    changed = {name for name, value in after["Lead"][0].items() if value != before["Lead"][0][name]}
    assert {name for name in changed if "Change" not in name and name != "ETag"} == {"HubSpotScore_KUT"}
    assert {**after, "Lead": []} == {**before, "Lead": []}
    assert json.loads(world.cli("explain", contact, "--json").out)["code"] == "SCORE_BELOW_THRESHOLD"


def test_a_refusal_goes_over_with_the_fallen_score(world: World) -> None:
    contact = handed_over(world)
    world.control.change(contact, lead_score="12", hs_email_optout="true")
    world.sync()
    assert lead(world)["HubSpotScore_KUT"] == "12.000000"
    assert [row["Consent"] for row in world.control.rows("ChannelPermission")] == ["2"]


def test_c4c_is_not_asked_about_a_score_that_it_has(world: World) -> None:
    contact = handed_over(world)
    world.control.change(contact, lead_score="12")
    world.sync()
    world.control.reset_counts()
    world.control.change(contact, jobtitle="Chair")
    world.sync()
    assert asked(world) == 0


def test_a_closed_lead_keeps_its_score_and_is_asked_for_once(world: World) -> None:
    contact = handed_over(world)
    world.control.sales_edit("Lead", lead(world)["ObjectID"], LifeCycleStatusCode="4")
    world.control.change(contact, lead_score="12")
    world.sync()
    assert lead(world)["HubSpotScore_KUT"] == "82.000000"
    world.control.reset_counts()
    look_again(world, contact)
    assert asked(world) == 0


def test_without_a_legal_basis_the_score_is_not_written(world: World) -> None:
    contact = handed_over(world)
    world.control.change(contact, lead_score="12", hs_legal_basis="Not applicable")
    world.sync()
    assert lead(world)["HubSpotScore_KUT"] == "82.000000"


def test_the_setting_leaves_the_lead_as_it_was(world: World) -> None:
    world.replace_rule("mapping", "[lead]\n", "[lead]\nscore_below_threshold = false\n")
    contact = handed_over(world)
    world.control.change(contact, lead_score="12")
    world.sync()
    assert lead(world)["HubSpotScore_KUT"] == "82.000000"


def test_plan_and_simulate_show_the_score_that_the_push_writes(world: World) -> None:
    contact = handed_over(world)
    world.control.change(contact, lead_score="12")
    world.once("poll", "sweep", until_idle=False)
    planned = json.loads(world.cli("plan", "--json").out)
    assert [(r["action"], r["entity"], list(r["fields"])) for r in planned["records"]] == [
        ("update", "Lead", ["HubSpotScore_KUT"])
    ]
    other = world.directory / "other"
    other.mkdir()
    for path in (world.directory / "config").iterdir():
        (other / path.name).write_text(path.read_text().replace("threshold = 75", "threshold = 74"))
    simulated = json.loads(world.cli("simulate", "--config", str(other), "--json").out)
    assert simulated["updates"] == {"Lead": 1}
