"""Look-ups of two steps: a row of the first step leads only where it really belongs."""

from __future__ import annotations

from unit_builders import shipped, tenant_schema
from world.tenant import Tenant

from sync.c4c.reader import Reader
from sync.planner.snapshot import Ask, Lookup, Snapshot


def found(c4c: Tenant, *lookups: Lookup) -> list[set[str]]:
    """The last names, or else the names, that answer each question when all are asked at once."""
    snapshot = Snapshot()
    Reader(c4c, shipped(), tenant_schema()).find(lookups, snapshot)
    answers = [snapshot.ask(lookup) for lookup in lookups]
    assert None not in answers
    return [{record.text("LastName") or record.text("Name") for record in answer or ()} for answer in answers]


def by_tax(number: str) -> Lookup:
    return Lookup(Ask.ACCOUNT_BY_TAX, "CorporateAccount", number)


def of(account: str) -> Lookup:
    return Lookup(Ask.CONTACTS_OF, "Contact", account)


def test_an_asterisk_in_a_tax_number_finds_no_stranger() -> None:
    c4c = Tenant()
    for name, number in (("Muster", "DE1"), ("Stranger", "DE12"), ("Starred", "DE1*")):
        account = c4c.seed("CorporateAccount", Name=name, RoleCode="BUP002")
        c4c.seed("CorporateAccountTaxNumber", ParentObjectID=account["ObjectID"], TaxID=number)
    assert found(c4c, by_tax("DE1"), by_tax("DE1*"), by_tax("*")) == [{"Muster"}, {"Starred"}, set()]


def test_a_tax_number_is_the_same_however_it_is_set_in_groups() -> None:
    c4c = Tenant()
    for name, number in (("Muster", "DE 123 456 789"), ("Swiss", "CHE-123.456.789"), ("Stranger", "DE123456780")):
        account = c4c.seed("CorporateAccount", Name=name, RoleCode="BUP002")
        c4c.seed("CorporateAccountTaxNumber", ParentObjectID=account["ObjectID"], TaxID=number)
    assert found(c4c, by_tax("de123456789"), by_tax("CHE123456789")) == [{"Muster"}, {"Swiss"}]


def test_persons_asked_for_together_stay_with_their_accounts() -> None:
    c4c = Tenant()
    here, there = (c4c.seed("CorporateAccount", Name=name, RoleCode="BUP002") for name in ("Here", "There"))
    for name, account in (("A", here), ("B", there)):
        c4c.seed("Contact", LastName=name, AccountUUID=account["UUID"])
    assert found(c4c, of(here["AccountID"]), of(there["AccountID"])) == [{"A"}, {"B"}]


def test_a_person_is_found_in_every_account_that_it_is_related_to_and_in_no_other() -> None:
    c4c = Tenant()
    main, further, other = (c4c.seed("CorporateAccount", Name=name, RoleCode="BUP002") for name in "MFO")
    person = c4c.seed("Contact", LastName="A", AccountUUID=main["UUID"])
    c4c.seed("ContactIsContactPersonFor", ContactID=person["ContactID"], AccountID=further["AccountID"])
    assert found(c4c, *(of(account["AccountID"]) for account in (main, further, other))) == [{"A"}, {"A"}, set()]
