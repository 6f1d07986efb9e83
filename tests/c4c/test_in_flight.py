"""A create whose answer was lost is looked up before today's rules are asked: linked, with its values known as ours."""

from __future__ import annotations

import pytest
from c4c_world import World
from world.sandbox import BASIS

from sync.domain.link import INTENT
from sync.domain.views import Link
from sync.faults import Faults
from sync.handover import in_flight
from sync.jobs import push
from sync.jobs.runner import run_jobs
from sync.state import tables, work


class Killed(BaseException):
    """The process dies: nothing catches it."""


def lose(world: World, entity: str, *, arrives: bool = True) -> None:
    """The process dies with the create of this entity on its way; `arrives`: C4C has made the record."""
    with world.application() as built:
        write = built.c4c.write

        def dying(groups):  # type: ignore[no-untyped-def]
            last = any(op.method == "POST" and op.path == f"{entity}Collection" for group in groups for op in group)
            if last and not arrives:
                raise Killed
            answers = write(groups)
            if last:
                raise Killed
            return answers

        built.c4c.write = dying  # type: ignore[method-assign]
        with pytest.raises(Killed):
            run_jobs(built.context, ["poll", "sweep", "push"])


@pytest.fixture
def lost(world: World) -> tuple[World, str, str]:
    """(world, contact, company): the lead was created, and nobody heard of it."""
    company = world.control.company("Bakery North")
    contact = world.control.contact(company)
    return world, contact, company


def leads(world: World) -> list[str]:
    return [row["HubSpotID_KUT"] for row in world.control.rows("Lead")]


def test_a_lead_that_nobody_heard_of_is_handed_over_although_the_score_fell(lost: tuple[World, str, str]) -> None:
    world, contact, _ = lost
    lose(world, "Lead")
    assert leads(world) == [f"{contact}:mql:1"]
    world.control.change(contact, lead_score="10")
    world.sync()
    assert world.progress(contact).code == "SCORE_BELOW_THRESHOLD"
    (handover,) = world.table(tables.Handover)
    assert handover.lead_key == f"{contact}:mql:1"
    assert handover.evidence["hs_legal_basis"] == BASIS, "as read when the lead was requested"
    assert handover.crossed_at is not None
    link = next(link for link in world.table(tables.Link) if link.entity == "Lead")
    assert link.object_id == world.control.row("Lead")["ObjectID"]
    assert (link.origin, INTENT in link.observed) == ("created", False)
    world.control.change(contact, hs_email_optout="true")
    world.sync()
    assert [row["Consent"] for row in world.control.rows("ChannelPermission")] == ["2"]


def test_an_opt_out_before_the_next_look_reaches_the_contact_person(lost: tuple[World, str, str]) -> None:
    world, contact, _ = lost
    lose(world, "Lead")
    world.control.change(contact, lead_score="10", hs_email_optout="true", hs_legal_basis="")
    world.sync()
    assert [row["Consent"] for row in world.control.rows("ChannelPermission")] == ["2"]
    assert leads(world) == [f"{contact}:mql:1"]
    assert "everything fits" in world.cli("verify").out


def test_values_of_a_lead_that_nobody_heard_of_are_ours(lost: tuple[World, str, str]) -> None:
    """So the lead follows the contact's new company; what sales changed meanwhile stays."""
    world, contact, company = lost
    lose(world, "Lead")
    control = world.control
    other = control.company("Mill South")
    control.separate(contact, company)
    control.associate(contact, other, "Primary")
    world.sync()
    account = control.row("CorporateAccount", HubSpotID_KUT=other)
    assert control.row("Lead")["AccountPartyUUID"] == account["UUID"]


def test_what_sales_changed_before_the_next_look_stays(lost: tuple[World, str, str]) -> None:
    world, _, _ = lost
    lose(world, "CorporateAccount")
    control = world.control
    control.sales_edit("CorporateAccount", control.row("CorporateAccount")["ObjectID"], Name="Bakery North & Sons")
    world.sync()
    assert control.row("CorporateAccount")["Name"] == "Bakery North & Sons"
    assert len(leads(world)) == 1


@pytest.mark.parametrize("entity", ["CorporateAccount", "Contact", "Lead"])
def test_an_intent_of_what_was_never_created_is_forgotten(lost: tuple[World, str, str], entity: str) -> None:
    world, contact, _ = lost
    lose(world, entity, arrives=False)
    world.control.change(contact, lead_score="10")
    world.sync()
    assert not [link for link in world.table(tables.Link) if not link.object_id]
    assert world.table(tables.Handover) == []
    world.control.change(contact, lead_score="90")
    world.sync()
    assert leads(world) == [f"{contact}:mql:1"]


def test_while_c4c_is_away_only_contacts_in_flight_wait(lost: tuple[World, str, str]) -> None:
    world, contact, company = lost
    lose(world, "Lead")
    control = world.control
    control.change(contact, lead_score="10")
    cold = control.contact(company, lastname="Winter", lead_score="5")
    control.fault("status", times=None)
    assert [type(f).__name__ for f in world.once(until_idle=False).failures] == ["Unavailable"]
    assert world.progress(cold).code == "SCORE_BELOW_THRESHOLD"
    assert world.progress(contact).status == "in_flight"
    control.call("DELETE", "/faults")


def test_a_pair_that_a_person_names_during_the_look_up_of_an_intent_stays(lost: tuple[World, str, str]) -> None:
    world, _, company = lost
    lose(world, "CorporateAccount", arrives=False)
    body = {"Name": "Bakery North", "RoleCode": "CRM000"}
    named = str(world.control.sales_create("CorporateAccount", **body)["ObjectID"])
    with world.application() as built:
        context = built.context
        handover = push._handover(context, Faults())
        answers = built.c4c.answers

        def meanwhile(queries):  # type: ignore[no-untyped-def]
            with context.store.session() as session:
                pair = Link("CorporateAccount", company, named, {}, origin="set")
                work.save_link(session, pair, context.now(), written=False)
            return answers(queries)

        built.c4c.answers = meanwhile  # type: ignore[method-assign]
        in_flight.resolve_intents(context, lambda: handover)
    (link,) = [link for link in world.table(tables.Link) if link.entity == "CorporateAccount"]
    assert (link.object_id, link.origin) == (named, "set")


def test_an_account_that_nobody_heard_of_gets_the_relationships_of_other_contacts(world: World) -> None:
    control = world.control
    main, further = control.company("Bakery North"), control.company("Mill South")
    contact = control.contact(main)
    control.associate(contact, further)
    world.sync()
    control.contact(further, lastname="Herbst")
    lose(world, "CorporateAccount")
    world.sync()
    account = control.row("CorporateAccount", HubSpotID_KUT=further)
    person = control.row("Contact", HubSpotID_KUT=contact)
    related = [(row["ContactID"], row["AccountID"]) for row in control.rows("ContactIsContactPersonFor")]
    assert (person["ContactID"], account["AccountID"]) in related


# ---- during a batch


def test_consent_withdrawn_during_a_batch_becomes_no_lead(world: World) -> None:
    control = world.control
    contact = control.contact(control.company("Bakery North"))
    other = control.contact(control.company("Mill South"), lastname="Herbst")
    world.once("poll", "sweep", until_idle=False)
    with world.application() as built:
        context = built.context
        write, rounds = built.c4c.write, []

        def withdrawing(groups):  # type: ignore[no-untyped-def]
            answers = write(groups)
            if not rounds:
                control.change(contact, hs_legal_basis="Not applicable")
                run_jobs(context, ["poll"])
            rounds.append(groups)
            return answers

        built.c4c.write = withdrawing  # type: ignore[method-assign]
        assert not run_jobs(context, ["push"]).failures
    assert leads(world) == [f"{other}:mql:1"]
    assert world.progress(contact).code == "NO_LEGAL_BASIS"
    assert world.progress(contact).status == "done"


# ---- what a person named


def test_importing_the_exported_pairs_again_changes_nothing(world: World) -> None:
    control = world.control
    contact = control.contact(control.company("Bakery North"))
    world.sync()
    exported = world.cli("links", "export").out
    file = world.directory / "pairs.csv"
    file.write_text(exported)
    before = {(link.entity, link.key): link.model_dump() for link in world.table(tables.Link)}
    assert world.cli("links", "import", str(file)).code == 0
    assert {(link.entity, link.key): link.model_dump() for link in world.table(tables.Link)} == before
    assert len(leads(world)) == 1
    assert contact


def test_a_lead_closed_after_its_pair_was_imported_again_starts_no_second_one(world: World) -> None:
    """The score fell and rose again while the lead was open: that crossing belongs to the lead that was open."""
    control = world.control
    contact = control.contact(control.company("Bakery North"))
    world.sync()
    for score in ("10", "90"):
        control.change(contact, lead_score=score)
        world.sync()
    file = world.directory / "pairs.csv"
    file.write_text(world.cli("links", "export").out)
    assert world.cli("links", "import", str(file)).code == 0
    control.sales_edit("Lead", control.row("Lead")["ObjectID"], UserStatusCode="04")
    world.wake_all()
    world.sync()
    assert leads(world) == [f"{contact}:mql:1"]


def test_a_pair_named_during_a_batch_stays(world: World) -> None:
    control = world.control
    company = control.company("Bakery North")
    control.contact(company)
    old = control.sales_create("CorporateAccount", Name="Kept by sales", RoleCode="CRM000")
    world.once("poll", "sweep", until_idle=False)
    with world.application() as built:
        context = built.context
        write, named = built.c4c.write, []

        def naming(groups):  # type: ignore[no-untyped-def]
            answers = write(groups)
            if not named:
                named.append(world.cli("links", "set", "account", company, old["AccountID"]))
            return answers

        built.c4c.write = naming  # type: ignore[method-assign]
        run_jobs(context, ["push"])
    assert named[0].code == 0, named[0].err
    (pair,) = [link for link in world.table(tables.Link) if link.entity == "CorporateAccount"]
    assert (pair.object_id, pair.origin) == (old["ObjectID"], "set")


# ---- after an older backup was restored


def restored(world: World) -> tuple[str, str]:
    """(contact, company): the lead was handed over, and the state of before came back, which knows another lead."""
    control = world.control
    control.contact(control.company("Long before"), lastname="Herbst")
    world.sync()
    company = control.company("Bakery North")
    contact = control.contact(company)
    world.once("poll", "sweep", until_idle=False)
    state = world.directory / "state.db"
    backup = world.directory / "backup.db"
    assert world.cli("backup", str(backup)).code == 0
    world.sync()
    for file in world.directory.glob("state.db*"):
        file.unlink()
    state.write_bytes(backup.read_bytes())
    state.chmod(0o600)
    return contact, company


def move(world: World, contact: str, company: str) -> str:
    other = world.control.company("Mill South")
    world.control.separate(contact, company)
    world.control.associate(contact, other, "Primary")
    world.sync()
    return str(world.control.row("CorporateAccount", HubSpotID_KUT=other)["UUID"])


def test_a_lead_that_an_older_backup_does_not_know_follows_to_the_new_account(world: World) -> None:
    contact, company = restored(world)
    account = move(world, contact, company)
    assert world.control.row("Lead", HubSpotID_KUT=f"{contact}:mql:1")["AccountPartyUUID"] == account


def test_what_sales_changed_since_an_older_backup_stays(world: World) -> None:
    contact, company = restored(world)
    lead = world.control.row("Lead", HubSpotID_KUT=f"{contact}:mql:1")
    elsewhere = world.control.sales_create("CorporateAccount", Name="Chosen by sales", RoleCode="CRM000")
    world.control.sales_edit("Lead", lead["ObjectID"], AccountPartyUUID=elsewhere["UUID"])
    move(world, contact, company)
    assert world.control.row("Lead", HubSpotID_KUT=f"{contact}:mql:1")["AccountPartyUUID"] == elsewhere["UUID"]
