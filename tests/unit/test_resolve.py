"""Which C4C record is meant: adopted where there is exactly one, never guessed, never created twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from unit_builders import account, company, contact, person, shipped

from sync.domain.views import Company, ContactView, Link
from sync.planner import resolve
from sync.planner.resolve import Absent, Ambiguous, Found, Lost, Resolution, Rival, Unread
from sync.planner.snapshot import Ask, Lookup, Record

ACCOUNT_RULES, CONTACT_RULES = shipped().mapping.account, shipped().mapping.contact

Answers = dict[tuple[Ask, str], tuple[Record, ...]]
Asker = Callable[[Lookup], tuple[Record, ...] | None]


def knowing(answers: Answers) -> Asker:
    """Answers by kind and value; everything else has no rows."""
    return lambda lookup: answers.get((lookup.kind, lookup.value), ())


def shown(found: Resolution) -> object:
    """The id of the record found, the ids of several, or what else it is."""
    match found:
        case Found(record):
            return record.object_id
        case Ambiguous(ids):
            return set(ids)
        case _:
            return type(found)


# ---- accounts


ACME = company(domain="acme.example", tax_number="DE1", name="Muster GmbH", country="Germany", zip="50667")
KEY, ID = (Ask.BY_KEY, "200"), (Ask.BY_ID, "A1")
TAX, WEB, POST = (
    (Ask.ACCOUNT_BY_TAX, "DE1"),
    (Ask.ACCOUNT_BY_DOMAIN, "acme.example"),
    (Ask.ACCOUNT_BY_POSTAL, "DE 50667"),
)


def web(object_id: str, site: str = "https://www.Acme.example/de", **fields: str) -> Record:
    return account(object_id, WebSite=site, **fields)


def post(object_id: str, **fields: str) -> Record:
    return account(object_id, **({"CountryCode": "DE", "StreetPostalCode": "50667"} | fields))


LINK = Link("CorporateAccount", "200", "A1", {})
CHOSEN = Link("CorporateAccount", "200", "A1", {}, origin="set")


def ours(object_id: str, **fields: str) -> Record:
    """An account that carries our key."""
    return account(object_id, HubSpotID_KUT="200", **fields)


def obsolete(object_id: str, **fields: str) -> Record:
    return account(object_id, LifeCycleStatusCode="4", **fields)


@pytest.mark.parametrize(
    ("link", "answers", "expected"),
    [
        pytest.param(None, {}, Absent, id="nowhere"),
        pytest.param(LINK, {ID: (ours("A1"),)}, "A1", id="by link"),
        pytest.param(LINK, {ID: (account("A1"),)}, "A1", id="by link, its key was wiped out"),
        pytest.param(LINK, {ID: (account("A1"),), TAX: (account("A2"),)}, "A1", id="link before natural keys"),
        pytest.param(LINK, {ID: (account("A1"),), KEY: (ours("A2"),)}, "A2", id="C4C's own key before our memory"),
        pytest.param(CHOSEN, {ID: (account("A1"),), KEY: (ours("A2"),)}, "A1", id="a person's word before C4C's key"),
        pytest.param(LINK, {ID: (), KEY: (ours("A2"),)}, "A2", id="the linked record is gone: by key"),
        pytest.param(
            LINK, {ID: (obsolete("A1"),), KEY: (ours("A2"),)}, "A2", id="the linked record is obsolete: by key"
        ),
        pytest.param(LINK, {ID: (obsolete("A1"),), TAX: (account("A2"),)}, "A2", id="or by natural key"),
        pytest.param(LINK, {ID: (obsolete("A1"),)}, Lost, id="obsolete and nothing else: no second one is created"),
        pytest.param(LINK, {ID: ()}, Absent, id="the linked record is gone and nothing else"),
        pytest.param(None, {KEY: (ours("A1"),)}, "A1", id="by key"),
        pytest.param(None, {KEY: (account("A1", HubSpotID_KUT="2001"),)}, Absent, id="a key is compared exactly"),
        pytest.param(
            None,
            {KEY: (ours("A1", LifeCycleStatusCode="4"),), TAX: (account("A2"),)},
            "A2",
            id="key of an obsolete one",
        ),
        pytest.param(None, {KEY: (ours("A1", LifeCycleStatusCode="4"),)}, Lost, id="only an obsolete one has the key"),
        pytest.param(None, {KEY: (ours("A1"), ours("A2"))}, {"A1", "A2"}, id="the key twice"),
        pytest.param(
            None, {KEY: (ours("A1", LifeCycleStatusCode="4"), ours("A2"))}, "A2", id="the key twice, one obsolete"
        ),
        pytest.param(None, {TAX: (account("A1"),)}, "A1", id="by tax number"),
        pytest.param(None, {WEB: (web("A1"),)}, "A1", id="by domain, whatever its spelling"),
        pytest.param(None, {POST: (post("A1"),)}, "A1", id="by name, country and postal code"),
        pytest.param(None, {POST: (post("A1", Name="Other GmbH"),)}, Absent, id="another name at the same place"),
        pytest.param(None, {POST: (post("A1", CountryCode="AT"),)}, Absent, id="the same in another country"),
        pytest.param(
            None,
            {TAX: (account("A1"),), WEB: (web("A2"),), POST: (post("A3"),)},
            "A1",
            id="tax number before all others",
        ),
        pytest.param(None, {WEB: (web("A2"),), POST: (post("A3"),)}, "A2", id="domain before the address"),
        pytest.param(None, {TAX: (account("A1"), account("A2"))}, {"A1", "A2"}, id="two with the tax number"),
        pytest.param(None, {WEB: (web("A1"), web("A2"))}, {"A1", "A2"}, id="two with the domain"),
        pytest.param(
            None,
            {TAX: (account("A1"), account("A2")), WEB: (web("A1"),)},
            {"A1", "A2"},
            id="the next key does not decide for the one before",
        ),
        pytest.param(None, {TAX: (account("A1", HubSpotID_KUT="999"),)}, Absent, id="another company's record"),
        pytest.param(
            None,
            {TAX: (account("A1", HubSpotID_KUT="999"),), WEB: (web("A2"),)},
            "A2",
            id="another company's record does not hide a free one",
        ),
        pytest.param(
            None, {WEB: (web("A1", HubSpotID_KUT="999"), web("A2"))}, "A2", id="one of two belongs to another company"
        ),
        pytest.param(None, {TAX: (account("A1", LifeCycleStatusCode="4"),)}, Absent, id="obsolete is no candidate"),
    ],
)
def test_account(link: Link | None, answers: Answers, expected: object) -> None:
    assert shown(resolve.account(ACME, link, ACCOUNT_RULES, knowing(answers))) == expected


@pytest.mark.parametrize(
    ("names", "found"),
    [
        pytest.param({"Name": "Muster GmbH"}, True, id="the same"),
        pytest.param({"Name": "Muster", "AdditionalName": "GmbH"}, True, id="spread over two fields"),
        pytest.param({"Name": "Muster  GmbH "}, True, id="blanks do not count"),
        pytest.param({"Name": "MUSTER  G.m.b.H."}, True, id="the same at a glance"),
        pytest.param({"Name": "Muster AG"}, False, id="another legal form"),
        pytest.param({"Name": "Muster"}, False, id="only the beginning"),
    ],
)
def test_name_of_an_account(names: dict[str, str], found: bool) -> None:
    answers = {POST: (post("A1", **names),)}
    assert shown(resolve.account(ACME, None, ACCOUNT_RULES, knowing(answers))) == ("A1" if found else Absent)


@pytest.mark.parametrize(
    ("properties", "asked"),
    [
        pytest.param(
            dict(ACME.properties), {Ask.ACCOUNT_BY_TAX, Ask.ACCOUNT_BY_DOMAIN, Ask.ACCOUNT_BY_POSTAL}, id="all"
        ),
        pytest.param({"name": "A", "country": "Germany", "zip": "1"}, {Ask.ACCOUNT_BY_POSTAL}, id="only the address"),
        pytest.param({"name": "A", "zip": "1"}, set(), id="an address without country is no key"),
        pytest.param({"name": "A", "country": "Atlantis", "zip": "1"}, set(), id="a country that is none"),
        pytest.param({"name": "A", "domain": "none"}, set(), id="a domain that is none"),
        pytest.param(
            {"name": "A", "website": "https://www.a.example"}, {Ask.ACCOUNT_BY_DOMAIN}, id="from the web site"
        ),
        pytest.param({"name": "A"}, set(), id="a name alone is no key"),
    ],
)
def test_only_complete_natural_keys_are_asked_for(properties: dict[str, str], asked: set[Ask]) -> None:
    lookups: list[Lookup] = []

    def ask(lookup: Lookup) -> tuple[Record, ...]:
        lookups.append(lookup)
        return ()

    assert isinstance(resolve.account(Company("200", properties), None, ACCOUNT_RULES, ask), Absent)
    assert {lookup.kind for lookup in lookups} - {Ask.BY_KEY} == asked


@pytest.mark.parametrize(
    ("link", "unread"),
    [
        pytest.param(LINK, Ask.BY_ID, id="the linked record"),
        pytest.param(None, Ask.BY_KEY, id="the key"),
        pytest.param(None, Ask.ACCOUNT_BY_TAX, id="the tax number"),
        pytest.param(None, Ask.ACCOUNT_BY_DOMAIN, id="the domain"),
        pytest.param(None, Ask.ACCOUNT_BY_POSTAL, id="the address"),
    ],
)
def test_an_answer_that_was_not_read_is_never_absence(link: Link | None, unread: Ask) -> None:
    def ask(lookup: Lookup) -> tuple[Record, ...] | None:
        return None if lookup.kind is unread else ()

    assert isinstance(resolve.account(ACME, link, ACCOUNT_RULES, ask), Unread)


def test_all_natural_keys_are_asked_in_one_round() -> None:
    asked: set[Ask] = set()

    def ask(lookup: Lookup) -> tuple[Record, ...] | None:
        asked.add(lookup.kind)
        return () if lookup.kind is Ask.BY_KEY else None

    resolve.account(ACME, None, ACCOUNT_RULES, ask)
    assert asked == {Ask.BY_KEY, Ask.ACCOUNT_BY_TAX, Ask.ACCOUNT_BY_DOMAIN, Ask.ACCOUNT_BY_POSTAL}


@pytest.mark.parametrize(
    ("link", "answers", "released"),
    [
        pytest.param(
            None,
            {KEY: (ours("A1", LifeCycleStatusCode="4"), ours("A2"))},
            {"A1"},
            id="an obsolete one gives the key up",
        ),
        pytest.param(
            LINK,
            {
                ID: (obsolete("A1", HubSpotID_KUT="200"),),
                KEY: (ours("A1", LifeCycleStatusCode="4"),),
                TAX: (account("A2"),),
            },
            {"A1"},
            id="before another is adopted",
        ),
        pytest.param(CHOSEN, {ID: (account("A1"),), KEY: (ours("A2"),)}, {"A2"}, id="before the chosen one takes it"),
        pytest.param(None, {KEY: (ours("A1"),)}, set(), id="nobody else holds it"),
    ],
)
def test_no_key_is_ever_there_twice(link: Link | None, answers: Answers, released: set[str]) -> None:
    found = resolve.account(ACME, link, ACCOUNT_RULES, knowing(answers))
    assert isinstance(found, Found)
    assert {record.object_id for record in found.release} == released


# ---- contacts


PERSON_KEY, PERSON_ID, OF_ACCOUNT = (Ask.BY_KEY, "100"), (Ask.BY_ID, "C1"), (Ask.CONTACTS_OF, "1A1")
PERSON_LINK = Link("Contact", "100", "C1", {})
MAILED = contact(email="A.Muster@acme.example")


def known(object_id: str, **fields: str) -> Record:
    """A person who carries our key."""
    return person(object_id, HubSpotID_KUT="100", **fields)


@pytest.mark.parametrize(
    ("view", "link", "answers", "expected"),
    [
        pytest.param(MAILED, None, {}, Absent, id="nowhere"),
        pytest.param(MAILED, PERSON_LINK, {PERSON_ID: (known("C1"),)}, "C1", id="by link"),
        pytest.param(MAILED, None, {PERSON_KEY: (known("C1", AccountID="9"),)}, "C1", id="by key, in whatever account"),
        pytest.param(MAILED, None, {PERSON_KEY: (known("C1"), known("C2"))}, {"C1", "C2"}, id="the key twice"),
        pytest.param(
            MAILED,
            PERSON_LINK,
            {PERSON_ID: (known("C1", StatusCode="4"),), PERSON_KEY: (known("C2"),)},
            "C2",
            id="the linked person is obsolete",
        ),
        pytest.param(
            MAILED, PERSON_LINK, {PERSON_ID: (person("C1", StatusCode="4"),)}, Lost, id="obsolete, nobody else"
        ),
        pytest.param(
            MAILED, None, {OF_ACCOUNT: (person("C1", Email="a.muster@ACME.example "),)}, "C1", id="e-mail in any case"
        ),
        pytest.param(MAILED, None, {OF_ACCOUNT: (person("C1", Email="b@acme.example"),)}, Absent, id="another e-mail"),
        pytest.param(MAILED, None, {OF_ACCOUNT: (person("C1"),)}, Absent, id="no e-mail there"),
        pytest.param(contact(), None, {OF_ACCOUNT: (person("C1", Email=""),)}, Absent, id="no e-mail on either side"),
        pytest.param(
            MAILED,
            None,
            {OF_ACCOUNT: (person("C1", Email="a.muster@acme.example"), person("C2", Email="A.MUSTER@acme.example"))},
            {"C1", "C2"},
            id="two with the e-mail",
        ),
        pytest.param(
            MAILED,
            None,
            {OF_ACCOUNT: (person("C1", Email="a.muster@acme.example", HubSpotID_KUT="999"),)},
            Absent,
            id="another contact's person",
        ),
        pytest.param(
            MAILED,
            None,
            {OF_ACCOUNT: (person("C1", Email="a.muster@acme.example", StatusCode="4"),)},
            Absent,
            id="obsolete",
        ),
    ],
)
def test_contact(view: ContactView, link: Link | None, answers: Answers, expected: object) -> None:
    assert shown(resolve.contact(view, "1A1", link, CONTACT_RULES, knowing(answers))) == expected


def test_in_an_account_that_does_not_exist_there_is_nobody_to_look_for() -> None:
    answers = {(Ask.CONTACTS_OF, ""): (person("C1", Email="a.muster@acme.example"),)}
    assert shown(resolve.contact(MAILED, None, None, CONTACT_RULES, knowing(answers))) is Absent


@pytest.mark.parametrize(
    ("link", "unread"),
    [
        pytest.param(PERSON_LINK, Ask.BY_ID, id="the linked record"),
        pytest.param(None, Ask.BY_KEY, id="the key"),
        pytest.param(None, Ask.CONTACTS_OF, id="the persons of the account"),
    ],
)
def test_a_person_that_was_not_read_is_never_absent(link: Link | None, unread: Ask) -> None:
    def ask(lookup: Lookup) -> tuple[Record, ...] | None:
        return None if lookup.kind is unread else ()

    assert isinstance(resolve.contact(MAILED, "1A1", link, CONTACT_RULES, ask), Unread)


def test_all_sisters_are_asked_for_in_one_round() -> None:
    """Of a domain with hundreds of sister companies one question a round would mean hundreds of rounds."""
    rivals = [Rival(Company(str(n), {"name": f"Branch {n}", "domain": "acme.example"})) for n in range(300, 310)]
    asked: list[Lookup] = []

    def ask(lookup: Lookup) -> tuple[Record, ...] | None:
        asked.append(lookup)
        return None if lookup.value.startswith("30") else {WEB: (web("A1"),)}.get((lookup.kind, lookup.value), ())

    branch = company(domain="acme.example", name="Branch 200")
    assert resolve.account(branch, None, ACCOUNT_RULES, ask, rivals) == Unread()
    assert {rival.company.id for rival in rivals} <= {lookup.value for lookup in asked}
