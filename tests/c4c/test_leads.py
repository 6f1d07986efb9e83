"""The lead: status, note, campaign, and what becomes of it when sales works with it."""

from __future__ import annotations

from c4c_world import World


def test_status_level_origin_and_campaign_come_out_as_configured(world: World) -> None:
    world.replace_rule(
        "qualification", 'language = "en"', 'language = "en"\nstatus = "02"\ncampaign = "C-7"\npriority = "2"'
    )
    contact = world.control.contact(world.control.company())
    world.sync()
    lead = world.control.row("Lead")
    shown = {name: lead[name] for name in ("UserStatusCode", "QualificationLevelCode", "CampaignID", "PriorityCode")}
    assert shown == {
        "UserStatusCode": "02", "QualificationLevelCode": "03", "CampaignID": "C-7", "PriorityCode": "2"
    }  # fmt: skip
    assert world.warnings(contact) == []


def test_a_lead_without_a_level_stays_open(world: World) -> None:
    world.replace_rule("qualification", 'qualification_level = "03"', 'status = "01" #')
    world.control.contact(world.control.company())
    world.sync()
    assert world.control.row("Lead")["UserStatusCode"] == "01"


def test_a_status_that_came_out_otherwise_is_read_back_and_named(world: World) -> None:
    """A qualification level makes any lead Qualified, whatever status was sent (KBA 2419551)."""
    world.replace_rule("qualification", 'language = "en"', 'language = "en"\nstatus = "01"')
    contact = world.control.contact(world.control.company())
    world.sync()
    assert world.control.row("Lead")["UserStatusCode"] == "02"
    assert ["Lead.UserStatusCode" in warning["text"] for warning in world.warnings(contact)] == [True]


def test_the_note_gives_the_reasons_in_the_configured_language_and_is_written_once(world: World) -> None:
    world.replace_rule("qualification", 'language = "en"', 'language = "de"')
    contact = world.control.contact(world.control.company(), hs_email_optout="true")
    world.sync()
    lead = world.control.row("Lead")
    note = lead["Note"].splitlines()
    assert note[0] == f"Vom Marketing übergeben (HubSpot-Kontakt {contact})"
    assert "- Score mql: 82 Punkte, nötig sind 75" in note
    assert "- Hat Marketing-E-Mails abbestellt" in note
    world.control.sales_edit("Lead", lead["ObjectID"], Note="Called on Monday")
    world.control.change(contact, lead_score="90")
    world.sync()
    lead = world.control.row("Lead")
    assert (lead["Note"], lead["HubSpotScore_KUT"]) == ("Called on Monday", "90.000000")


def test_a_new_primary_company_moves_the_open_lead_but_not_an_accepted_one(world: World) -> None:
    control = world.control
    first, second, third = (control.company(name) for name in ("Bakery North", "Mill South", "Ferry West"))
    contact = control.contact(first)
    world.sync()
    control.associate(contact, second, "Primary")
    world.sync()
    lead = control.row("Lead")
    assert lead["AccountPartyName"] == "Mill South"
    control.call("POST", f"/c4c/leads/{lead['ObjectID']}/accept")
    control.associate(contact, third, "Primary")
    world.sync()
    assert control.row("Lead")["AccountPartyName"] == "Mill South"


def test_a_copied_lead_with_our_key_does_not_take_the_place_of_ours(world: World) -> None:
    contact = world.control.contact(world.control.company())
    world.sync()
    ours = world.control.row("Lead")
    world.control.sales_create("Lead", Name="Copy", HubSpotID_KUT=ours["HubSpotID_KUT"])
    world.control.change(contact, lead_score="91")
    world.sync()
    scores = {row["Name"]: row["HubSpotScore_KUT"] for row in world.control.rows("Lead")}
    assert scores[ours["Name"]] == "91.000000"
    assert scores["Copy"] != "91.000000"


def test_a_declined_lead_is_followed_by_a_new_one_only_after_the_score_fell_and_rose_again(world: World) -> None:
    contact = world.control.contact(world.control.company())
    world.sync()
    lead = world.control.row("Lead")
    for action in ("qualify", "decline"):
        world.control.call("POST", f"/c4c/leads/{lead['ObjectID']}/{action}")
    for score in ("90", "70", "85"):
        world.control.change(contact, lead_score=score)
        world.sync()
    assert len(world.control.rows("Lead")) == 1, "never below the level at which it is armed again"
    for score in ("59", "80"):
        world.control.change(contact, lead_score=score)
        world.sync()
    keys = sorted(row["HubSpotID_KUT"] for row in world.control.rows("Lead"))
    assert keys == [f"{contact}:mql:1", f"{contact}:mql:2"]
    assert world.control.counts()["closed_lead_writes"] == 0


def test_a_lead_that_sales_deleted_is_not_created_again(world: World) -> None:
    contact = world.control.contact(world.control.company())
    world.sync()
    world.control.sales_delete("Lead", world.control.row("Lead")["ObjectID"])
    world.control.change(contact, lead_score="90")
    world.sync()
    assert world.control.rows("Lead") == []
    assert world.progress(contact).code == "LEAD_CLOSED"


def test_without_a_company_company_and_person_stand_on_the_lead_as_text(world: World) -> None:
    world.control.contact(company="Bakery by the Sea", jobtitle="Baker")
    world.sync()
    lead = world.control.row("Lead")
    assert (lead["Company"], lead["ContactLastName"], lead["AccountPartyID"]) == ("Bakery by the Sea", "Sommer", "")
    assert world.control.rows("CorporateAccount") == world.control.rows("Contact") == []
