"""Random rules and random mirrors for what is foreseen: `simulate` and `plan` against the run that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from rules_world import BASIS, GOOD, PRIMARY, PROJECT, World, rules

from sync.domain.rules import Rules
from sync.domain.views import Label, Owner
from sync.jobs import push
from sync.mirror import loading, mirrored

SHIPPED = (PROJECT / "config" / "mapping.toml").read_text(encoding="utf-8")
DECIDES, ADVISES = Label("USER_DEFINED", 28, "Decision maker"), Label("USER_DEFINED", 30, "Hauptsitz")
OWNERS = {"1": Owner("1", "Anna@x.example"), "2": Owner("2", "gone@x.example")}

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
CHANNEL = 'channels = [{{ channel = "TEL", property = "{}", granted = ["yes"], refused = ["no"] }}]\n'
CONSENT = (
    "",
    "stop_updates_when_withdrawn = true\n",
    f'allowed_basis = ["{BASIS}"]\n',
    f'confirmation_for = ["{BASIS}"]\n',
    CHANNEL.format("phone_consent"),
    CHANNEL.format("other_consent") + "stop_updates_when_withdrawn = true\n",
)
LABELS = (
    "",
    '[[labels]]\nlabel = "Decision maker"\nfields = { FunctionCode = "0001", VIPReasonCode = "1" }\n',
    '[[labels]]\nlabel = "Hauptsitz"\naccount = true\n',
    '[[labels]]\nlabel = "Decision maker"\nfields = { FunctionCode = "0002" }\nroute = "special"\n',
    '[[labels]]\nlabel = "Hauptsitz"\nblocks = "any"\n',
    '[[labels]]\nlabel = "Decision maker"\nrelationship = false\n',
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


ATTRIBUTE = '[[attributes]]\nset = "MARKETING"\nattribute = "{}"\nsource = "interest"\nmultiple = {}\nmay_blank = {}\n'
ATTRIBUTES = (
    "",
    ATTRIBUTE.format("INTEREST", "true", "true"),
    ATTRIBUTE.format("INTEREST", "true", "false") + 'values = { "Antriebe" = "ANT" }\n',
    ATTRIBUTE.format("INTEREST", "false", "true"),
    ATTRIBUTE.format("TOPIC", "true", "true"),
)


@st.composite
def rule_sets(draw: st.DrawFn) -> Rules:
    mapping = SHIPPED
    for before, after in draw(st.lists(st.sampled_from(CHANGES), max_size=3, unique=True)):
        assert before in SHIPPED
        mapping = mapping.replace(before, after)
    mapping += draw(st.sampled_from(ATTRIBUTES))
    return rules(draw(qualifications()), mapping)


# ---- random mirrors

TEXTS = {
    "lead_score": ["80", "95", "95", "75", "62", "74", "10"],
    "fit": ["80", "80", "80", "20"],
    "tier": ["A", "B"],
    "hs_legal_basis": [*[BASIS] * 6, "Performance of a contract", "Not applicable"],
    "hs_emailconfirmationstatus": ["Confirmed", "Confirmed", ""],
    "hs_email_optout": ["", "", "true", "false"],
    "lastname": [*["Muster"] * 8, "", "Freifrau von und zu Hohenlohe-Langenburg und Weikersheim"],
    "jobtitle": [
        "CEO",
        "",
        "Head  of Sales",
        "Stellvertretende Leiterin der zentralen Abteilung für Einkauf und Beschaffung",
    ],
    "email": ["a@x.example", "B@X.example", "", "none"],
    "phone": ["040 1234567", "040/765-4321", "call me", ""],
    "company": ["", "Textfirma"],
    "hubspot_owner_id": ["", "1", "2"],
    "department": ["", "Vertrieb"],
    "phone_consent": ["", "yes", "no"],
    "other_consent": ["", "no"],
    "interest": ["", "Antriebe", "Hydraulik; Antriebe"],
}
PLACES = {
    "name": ["Firma", "", "Gesellschaft mit einem sehr langen Namen für Anlagen und Maschinenbau mbH & Co. KG"],
    "domain": ["", "firma{}.example"],
    "country": ["Deutschland", "Deutschland", "Dänemark", ""],
    "phone": ["040 1234567", "(040) 765-4321", "12", ""],
    "address": ["Hauptstr. 12a", "Am Markt", ""],
    "city": ["Hamburg", ""],
    "hubspot_owner_id": ["", "1"],
}


NAMED = ("100", "101", "102", "103", "104")
CONTACTS = st.sampled_from(NAMED)


def records(offers: dict[str, list[str]]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({name: st.sampled_from(values) for name, values in offers.items()})


LINKS = st.lists(
    st.tuples(st.sampled_from(["1", "2", "3"]), st.lists(st.sampled_from([DECIDES, ADVISES]), max_size=1)),
    min_size=1,
    max_size=2,
    unique_by=lambda pair: pair[0],
)


@st.composite
def held_companies(draw: st.DrawFn) -> list[tuple[str, Label]]:
    """The companies of one contact with their labels; one in ten has none, or no primary one."""
    held = draw(LINKS) if draw(st.integers(0, 9)) else []
    labels = [(company, label) for company, found in held for label in [Label("HUBSPOT_DEFINED", 279), *found]]
    return labels + ([(held[0][0], PRIMARY)] if held and draw(st.integers(0, 9)) else [])


@st.composite
def mirrors(draw: st.DrawFn) -> World:
    """A world with three companies and five contacts, of which nothing is pushed yet."""
    world = World()
    world.c4c.hire("anna@x.example", "bo@x.example")
    with world.store.session() as session:
        mirrored.save_owners(session, list(OWNERS.values()), world.now)
    places = draw(st.lists(records(PLACES), min_size=3, max_size=3))
    world.companies({str(n): _named(str(n), row) for n, row in enumerate(places, 1)})
    people = draw(st.lists(records(TEXTS), min_size=5, max_size=5))
    if draw(st.booleans()):
        _make_known_that_the_tenant_makes_permission_sets(world)
    contacts = {i: {k: v for k, v in row.items() if v} for i, row in zip(NAMED, people, strict=True)}
    world.contacts(rules(), contacts)
    for contact in contacts:
        world.associate({contact: draw(held_companies())})
    return world


def _make_known_that_the_tenant_makes_permission_sets(world: World) -> None:
    """It can be foreseen only after it was seen: one contact more, handed over with a refusal."""
    world.c4c.store.settings.creates_permission_set = True
    world.companies({"9": {"name": "Neun"}})
    world.contacts(rules(), {"99": {**GOOD, "hs_email_optout": "true"}})
    world.associate({"99": [("9", PRIMARY)]})
    push.run(world.context(rules()))


def _named(company: str, row: dict[str, str]) -> dict[str, str]:
    found = {k: v.format(company) for k, v in row.items() if v}
    return found | ({"name": f"{found['name']} {company}"} if "name" in found else {})


# ---- what happens between two runs

Undo = Callable[[], None]


@dataclass(frozen=True)
class Change:
    """Something that changes; `by`, called with the world, returns how it is taken back if no run has read it."""

    text: str
    by: Callable[[World, Rules], Undo] = field(repr=False)

    def __call__(self, world: World, rules: Rules) -> Undo:
        return self.by(world, rules)


@st.composite
def changes(draw: st.DrawFn) -> list[Change]:
    """Changes in HubSpot: of properties, of the companies of a contact, of a company, and contacts that are deleted."""
    return draw(st.lists(st.one_of(properties(), associations(), places(), archived()), max_size=3))


@st.composite
def properties(draw: st.DrawFn) -> Change:
    contact = draw(CONTACTS)
    name = draw(st.sampled_from(sorted(TEXTS)))
    value = draw(st.sampled_from(TEXTS[name]))

    def change(world: World, rules: Rules) -> Undo:
        with world.store.reading() as session:
            known = dict(loading.views(session, [contact])[contact].properties)
        others = {n: v for n, v in known.items() if n != name}
        world.contacts(rules, {contact: {**others, name: value} if value else others})
        return nothing

    return Change(f"contact {contact} {name}={value}", change)


@st.composite
def associations(draw: st.DrawFn) -> Change:
    contact, held = draw(CONTACTS), draw(held_companies())

    def change(world: World, _: Rules) -> Undo:
        world.associate({contact: held})
        return nothing

    return Change(f"contact {contact} at {held}", change)


@st.composite
def places(draw: st.DrawFn) -> Change:
    company, row = draw(st.sampled_from(["1", "2", "3"])), draw(records(PLACES))

    def change(world: World, _: Rules) -> Undo:
        world.companies({company: _named(company, row)})
        return nothing

    return Change(f"company {company}: {row}", change)


@st.composite
def archived(draw: st.DrawFn) -> Change:
    contact = draw(CONTACTS)

    def change(world: World, rules: Rules) -> Undo:
        with world.store.session() as session:
            known = loading.views(session, [contact])[contact].properties
            gone = mirrored.Fetched(contact, dict(known), world.now, archived=True)
            mirrored.save_contacts(session, [gone], rules.qualification.scores, world.now)
        return nothing

    return Change(f"contact {contact} archived", change)


EDITS: dict[str, list[dict[str, Any]]] = {
    "CorporateAccount": [
        {"City": "Kiel", "Phone": "+49 431 1"},
        {"OwnerUUID": None},
        {"City": None},
        {"LifeCycleStatusCode": "4"},
    ],
    "Contact": [
        {"JobTitle": "Chefin"},
        {"Phone": "+49 431 2"},
        {"Department": "Lager"},
        {"LastName": "Umgetauft"},
        {"StatusCode": "4"},
    ],
    "ContactIsContactPersonFor": [{"FunctionCode": "0009"}, {"VIPReasonCode": "2"}],
    "Lead": [
        {"Name": "Von uns benannt"},
        {"LifeCycleStatusCode": "3"},
        {"LifeCycleStatusCode": "4"},
        {"OriginTypeCode": "003"},
        {"HubSpotScore_KUT": "3"},
    ],
    "ChannelPermission": [{"Consent": "1"}, {"Consent": "2"}, {"Consent": "3"}],
    "BusinessAttributeAssignmentItem": [{"BusinessAttributeValue": "ANT"}, {"BusinessAttributeValue": "Pumpen"}],
}
DELETED = ("ContactIsContactPersonFor", "ChannelPermission", "BusinessAttributeAssignmentItem")
INTEREST = {"BusinessAttributeSetID": "MARKETING", "BusinessAttributeID": "INTEREST"}
TOPIC = {"BusinessAttributeSetID": "MARKETING", "BusinessAttributeID": "TOPIC"}
ADDED: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "ChannelPermission": (
        "MarketingPermission",
        [{"Channel": "TEL", "Consent": "1"}, {"Channel": "INT", "Consent": "1"}],
    ),
    "BusinessAttributeAssignmentItem": (
        "BusinessAttributeAssignment",
        [{**INTEREST, "BusinessAttributeValue": "Pumpen"}, {**TOPIC, "BusinessAttributeValue": "Antriebe"}],
    ),
}


@st.composite
def edits(draw: st.DrawFn) -> list[Change]:
    """What sales does: changes records, deletes some and adds parts."""
    return draw(st.lists(st.one_of(edited(), deleted(), added()), max_size=3))


@st.composite
def edited(draw: st.DrawFn) -> Change:
    entity, n = draw(st.sampled_from(sorted(EDITS))), draw(st.integers(0, 9))
    values = draw(st.sampled_from(EDITS[entity]))

    def change(world: World, _: Rules) -> Undo:
        row = nth(world, entity, n)
        if row is None:
            return nothing
        object_id, before, store = row["ObjectID"], {name: row.get(name) for name in values}, world.c4c.store
        store.change(entity, object_id, values)
        return unless(
            lambda: world.c4c.looked_for(entity, row) or store.get(entity, object_id) is None,
            lambda: store.change(entity, object_id, before),
        )

    return Change(f"{entity} {n}: {values}", change)


@st.composite
def deleted(draw: st.DrawFn) -> Change:
    entity, n = draw(st.sampled_from(DELETED)), draw(st.integers(0, 9))

    def change(world: World, _: Rules) -> Undo:
        row = nth(world, entity, n)
        if row is None or row.get("MainIndicator"):
            return nothing
        world.c4c.store.delete(entity, row["ObjectID"])
        return unless(
            lambda: world.c4c.looked_for(entity, row),
            lambda: world.c4c.store.save(entity, row, "SALES"),
        )

    return Change(f"{entity} {n} deleted", change)


@st.composite
def added(draw: st.DrawFn) -> Change:
    entity, n = draw(st.sampled_from(sorted(ADDED))), draw(st.integers(0, 9))
    header, offers = ADDED[entity]
    values = draw(st.sampled_from(offers))

    def change(world: World, _: Rules) -> Undo:
        row = nth(world, header, n)
        if row is None:
            return nothing
        store = world.c4c.store
        made = store.create(entity, {**values, "ParentObjectID": row["ObjectID"]})["ObjectID"]
        return unless(
            lambda: made in world.c4c.read or store.get(entity, made) is None, lambda: store.delete(entity, made)
        )

    return Change(f"{entity} added to {n}: {values}", change)


@st.composite
def strangers(draw: st.DrawFn) -> Change:
    """An account of sales that is, or resembles, one of our companies."""
    company, name = draw(st.sampled_from(["1", "2", "3"])), draw(st.sampled_from(["Firma", "Niederlassung"]))

    def change(world: World, _: Rules) -> Undo:
        fields = {"Name": f"{name} {company}", "WebSite": f"www.firma{company}.example", "RoleCode": "BUP002"}
        world.c4c.store.create("CorporateAccount", fields)
        return nothing

    return Change(f"account {name} {company}", change)


def nth(world: World, entity: str, n: int) -> dict[str, Any] | None:
    rows = world.c4c.store.rows(entity)
    return rows[n % len(rows)] if rows else None


def unless(noticed: Callable[[], bool], take_back: Callable[[], object]) -> Undo:
    """What sales did and no run has read since cannot be foreseen by anybody."""
    return lambda: None if noticed() else nothing(take_back())


def nothing(_: object = None) -> None:
    pass
