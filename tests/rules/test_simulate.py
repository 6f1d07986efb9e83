"""`simulate` against the run that follows it: random rule changes over random mirrors, write by write."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rules_world import BASIS, PRIMARY, PROJECT, World, rules
from sqlmodel import select

from sync.domain.rules import Rules
from sync.domain.views import Label, Owner
from sync.jobs import tenant_memory
from sync.jobs.simulate import simulate
from sync.jobs.tenant import read_tenant
from sync.planner.qualify import qualify
from sync.state import mirror, tables

SHIPPED = (PROJECT / "config" / "mapping.toml").read_text(encoding="utf-8")
DECIDES, ADVISES = Label("USER_DEFINED", 28, "Decision maker"), Label("USER_DEFINED", 30, "Hauptsitz")
OWNERS = {"1": Owner("1", "Anna@x.example"), "2": Owner("2", "gone@x.example")}

Writes = dict[tuple[str, str], tuple[str, dict[str, Any]]]
"""(entity, key) → (action, fields)."""


# ---- random rules

SECOND = '[[scores]]\nname = "upsell"\nproperty = "tier"\ntiers = ["A"]\n{extra}'
EXTRAS = {
    "plain": "",
    "filtered": 'filters = ["DACH"]\n',
    "combined": 'and = [{ property = "fit", threshold = 50 }]\n',
    "routed": 'routes = [{ when = { filter = "DACH" }, route = "special" }]\n',
}
BLOCKS = {
    "filter": '[filters.DACH]\nproperty = "company.country"\nas = "country"\nin = ["DE"]\n',
    "routes": '[routes.default]\n[routes.special]\nlead_name = "{company.name}!"\norigin = "010"\nowner = "team"\n',
    "owners": '[owners.team]\norder = ["company_owner", "round_robin"]\nround_robin = ["anna@x.example", "bo@x.example"]\n',
}
CONSENT = (
    "",
    "stop_updates_when_withdrawn = true\n",
    f'allowed_basis = ["{BASIS}"]\n',
    f'confirmation_for = ["{BASIS}"]\n',
)
LABELS = (
    "",
    '[[labels]]\nlabel = "Decision maker"\nfields = { FunctionCode = "0001", VIPReasonCode = "1" }\n',
    '[[labels]]\nlabel = "Hauptsitz"\naccount = true\n',
    '[[labels]]\nlabel = "Decision maker"\nfields = { FunctionCode = "0002" }\nroute = "special"\n',
    '[[labels]]\nlabel = "Hauptsitz"\nblocks = "any"\n',
)


@st.composite
def qualifications(draw: st.DrawFn) -> str:
    threshold = draw(st.sampled_from([60, 75, 90]))
    first = f'[[scores]]\nname = "mql"\nproperty = "lead_score"\nthreshold = {threshold}\nrearm_below = 55\n'
    first += EXTRAS[draw(st.sampled_from(sorted(EXTRAS)))]
    second = SECOND.format(extra=EXTRAS[draw(st.sampled_from(sorted(EXTRAS)))]) if draw(st.booleans()) else ""
    return (
        first
        + second
        + "".join(BLOCKS.values())
        + f"[consent]\n{draw(st.sampled_from(CONSENT))}"
        + draw(st.sampled_from(LABELS))
    )


CHANGES = (
    ('source = "jobtitle", rule = "hubspot_wins"', 'source = "jobtitle", transform = "upper", rule = "hubspot_wins"'),
    ('source = "jobtitle", rule = "hubspot_wins"', 'template = "{jobtitle} ({company.name})", rule = "hubspot_wins"'),
    ('{ target = "Email", source = "email"', '{ target = "Department", source = "department", default = "Einkauf", rule = "fill_blank" },\n    { target = "Email", source = "email"'),
    ('source = "phone", transform = "phone", rule = "c4c_wins"', 'source = "phone", transform = "phone_e164", country = "DE", misfit = "reject", rule = "c4c_wins"'),
    ('source = "address", rule = "c4c_wins"', 'source = "address", transform = "street", rule = "hubspot_wins"'),
    ('{ target = "City"', '{ target = "HouseNumber", source = "address", transform = "house_number", rule = "c4c_wins" },\n    { target = "City"'),
    ('{ target = "OwnerUUID", source = "c4c.owner_uuid"', '{ target = "OwnerUUID", source = "owner.team"'),
    ('source = "route.origin", rule = "create_only"', 'source = "route.origin", rule = "c4c_wins"'),
    ('{ target = "RoleCode", value = "BUP002", rule = "create_only" }', '{ target = "RoleCode", value = "CRM000", rule = "hubspot_wins" }'),
)  # fmt: skip


@st.composite
def rule_sets(draw: st.DrawFn) -> Rules:
    mapping = SHIPPED
    for before, after in draw(st.lists(st.sampled_from(CHANGES), max_size=3, unique=True)):
        mapping = mapping.replace(before, after)
    return rules(draw(qualifications()), mapping)


# ---- random mirrors

TEXTS = {
    "lead_score": ["80", "95", "75", "62", "74", "10"],
    "fit": ["80", "80", "20"],
    "tier": ["A", "B"],
    "hs_legal_basis": [*[BASIS] * 6, "Performance of a contract", "Not applicable"],
    "hs_emailconfirmationstatus": ["Confirmed", "Confirmed", ""],
    "hs_email_optout": ["", "", "true", "false"],
    "lastname": [*["Muster"] * 8, "", "Freifrau von und zu Hohenlohe-Langenburg und Weikersheim"],
    "jobtitle": ["CEO", "", "Stellvertretende Leiterin der zentralen Abteilung für Einkauf und Beschaffung"],
    "email": ["a@x.example", "", "none"],
    "phone": ["040 1234567", "call me", ""],
    "company": ["", "Textfirma"],
    "hubspot_owner_id": ["", "1", "2"],
    "department": ["", "Vertrieb"],
}
PLACES = {
    "name": ["Firma", "", "Gesellschaft mit einem sehr langen Namen für Anlagen und Maschinenbau mbH & Co. KG"],
    "domain": ["", "firma{}.example"],
    "country": ["Deutschland", "Deutschland", "Dänemark", ""],
    "phone": ["040 1234567", "040 1234567", "12", ""],
    "address": ["Hauptstr. 12a", "Am Markt", ""],
    "city": ["Hamburg", ""],
    "hubspot_owner_id": ["", "1"],
}


def records(offers: dict[str, list[str]]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({name: st.sampled_from(values) for name, values in offers.items()})


LINKS = st.lists(
    st.tuples(st.sampled_from(["1", "2", "3"]), st.lists(st.sampled_from([DECIDES, ADVISES]), max_size=1)),
    min_size=1,
    max_size=2,
    unique_by=lambda pair: pair[0],
)


@st.composite
def mirrors(draw: st.DrawFn) -> World:
    """A world with three companies and five contacts, of which nothing is pushed yet."""
    world = World()
    world.c4c.hire("anna@x.example", "bo@x.example")
    with world.store.session() as session:
        mirror.save_owners(session, list(OWNERS.values()), world.now)
    places = draw(st.lists(records(PLACES), min_size=3, max_size=3))
    world.companies({str(n): _named(str(n), row) for n, row in enumerate(places, 1)})
    people = draw(st.lists(records(TEXTS), min_size=5, max_size=5))
    contacts = {str(100 + n): {k: v for k, v in row.items() if v} for n, row in enumerate(people)}
    world.contacts(rules(), contacts)
    for contact in contacts:
        held = draw(LINKS) if draw(st.integers(0, 9)) else []
        labels = [(company, label) for company, found in held for label in [Label("HUBSPOT_DEFINED", 279), *found]]
        labels += [(held[0][0], PRIMARY)] if held and draw(st.integers(0, 9)) else []
        world.associate({contact: labels})
    world.c4c.store.settings.creates_permission_set = False
    return world


def _named(company: str, row: dict[str, str]) -> dict[str, str]:
    found = {k: v.format(company) for k, v in row.items() if v}
    return found | ({"name": f"{found['name']} {company}"} if "name" in found else {})


# ---- what happened, in the words of the prediction


def link_keys(world: World) -> dict[tuple[str, str], str]:
    """(entity, ObjectID) → key."""
    with world.store.reading() as session:
        return {(row.entity, row.object_id): row.key for row in session.exec(select(tables.Link))}


def real_writes(world: World, log: list[tuple[str, str, dict[str, Any]]], before: dict[tuple[str, str], str]) -> Writes:
    links = {**before, **link_keys(world)}
    new = _ids_of_new_records(world, log, links)
    found: Writes = {}
    for action, entity, body in log:
        key = links[entity, body["ObjectID"]]
        fields = {name: new.get(str(value), value) for name, value in body.items() if name != "ObjectID"}
        first = found.get((entity, key))
        found[entity, key] = (first[0], {**first[1], **fields}) if first else (action, fields)
    return found


def _ids_of_new_records(world: World, log: list[Any], links: dict[tuple[str, str], str]) -> dict[str, str]:
    names = {"CorporateAccount": ("UUID", "AccountID"), "Contact": ("ContactUUID", "ContactID")}
    found = {}
    for action, entity, body in log:
        if action == "create":
            row = world.c4c.store.get(entity, body["ObjectID"])
            assert row is not None
            shown = f"(of the new {entity} {links[entity, body['ObjectID']]})"
            found |= {str(row[name]): shown for name in (*names.get(entity, ()), "ObjectID")}
    return found


def predicted_writes(world: World, now: Rules, then: Rules, portion: int) -> tuple[Writes, list[str], list[str]]:
    outcome = simulate(world.store, now, then, portion=portion)
    try:
        rows = list(outcome.spool.changed())
        moves = [list(outcome.spool.moved(direction)) for direction in ("entering", "leaving")]
    finally:
        outcome.close()
    writes = {(r["entity"], r["key"]): (r["action"], {n: f["to"] for n, f in r["fields"].items()}) for r in rows}
    return writes, *moves


def settle(world: World, now: Rules, closed: list[int]) -> None:
    """A first run, then sales closes leads and edits accounts, then everything is looked at once more."""
    context = world.context(now)
    with world.store.session() as session:
        tenant_memory.remember(session, read_tenant(context.c4c, now, world.now)[0])
    world.push(now)
    leads = world.leads()
    for n in closed:
        if leads:
            world.c4c.store.update("Lead", leads[n % len(leads)]["ObjectID"], LifeCycleStatusCode="34"[n % 2])
    for account in world.c4c.store.rows("CorporateAccount")[:1]:
        world.c4c.store.change("CorporateAccount", account["ObjectID"], {"City": "Kiel", "Phone": "+49 431 1"})
    with world.store.session() as session:
        mirror.mark_pending(session, mirror.all_ids(session), world.now)
    world.push(now)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(mirrors(), rule_sets(), rule_sets(), st.lists(st.integers(0, 9), max_size=2), st.sampled_from([2, 500]))
def test_simulate_predicts_the_writes_of_the_next_run(
    world: World, now: Rules, then: Rules, closed: list[int], portion: int
) -> None:
    settle(world, now, closed)
    before = qualifying(world, now)
    expected, entering, leaving = predicted_writes(world, now, then, portion)
    world.c4c.log.clear()
    known = link_keys(world)
    world.push(then)
    assert real_writes(world, world.c4c.log, known) == expected
    after = qualifying(world, then)
    assert (set(entering), set(leaving)) == (after - before, before - after)
    world.store.close()


def qualifying(world: World, of: Rules) -> set[str]:
    """Contacts that meet the rules, whatever became of their leads."""
    with world.store.reading() as session:
        views = mirror.views(session, mirror.all_ids(session))
    return {contact for contact, view in views.items() if any(d.qualified for d in qualify(view, of))}
