"""One suite for the C4C port: in this process, and on the real client against both doors of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from c4c_wire import ask
from c4c_world import Control
from running import PROJECT
from strictly import nothing_violated, strict_sandbox
from world.tenant import Mishap, Tenant

from sync.c4c import odata
from sync.c4c.client import C4CClient, C4CPort
from sync.c4c.odata import Operation, Query, key_path
from sync.c4c_client import C4C, C4CTarget
from sync.config import load
from sync.contracts.tenant import assumed
from sync.errors import Refused
from sync.net.credentials import Password
from sync.planner.compare import Change
from sync.planner.snapshot import Ask, Lookup, Record, Snapshot
from sync.planner.target import (
    By,
    Conflict,
    Doubtful,
    Gone,
    Locked,
    RefusedRequest,
    Rejected,
    Results,
    Scan,
    Scanned,
    Unknown,
    WriteResult,
    Written,
    all_found,
)
from sync.planner.writes import Write
from sync.transport import RequestRetry

RULES = load(PROJECT / "config").rules
NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROLE = "CorporateAccountRoleCodeCollection"
OLD = "W/\"datetimeoffset'2015-02-03T21%3A07%3A03.5328420Z'\""
ACCOUNTS, CONTACTS, LEADS = "CorporateAccountCollection", "ContactCollection", "LeadCollection"


@dataclass
class Subject:
    """A port and what a test may do behind its back."""

    port: C4CPort
    tenant: Tenant | None = None
    control: Control | None = None

    def rows(self, entity: str) -> list[dict[str, Any]]:
        if self.tenant:
            return self.tenant.rows(entity)
        assert self.control
        return self.control.rows(entity)

    def seed(self, entity: str, **fields: Any) -> dict[str, Any]:
        if self.tenant:
            return self.tenant.seed(entity, **fields)
        assert self.control
        return self.control.sales_create(entity, **fields)

    def mishap(self, kind: str, text: str) -> None:
        """The next write that matches goes wrong in this way."""
        if self.tenant:
            self.tenant.mishaps.append(Mishap(kind, text))
        elif self.control:
            action = {"sap_message": "sap_message_error"}.get(kind, kind)
            self.control.fault(action, method="POST" if kind.startswith("cut") else None, body=text)

    @property
    def crm(self) -> C4C:
        return C4C(self.port)

    @property
    def target(self) -> C4CTarget:
        return self.crm.target(RULES, assumed(RULES))

    def scan(self, *scans: Scan) -> list[list[Scanned]]:
        """What each scan finds, in the order of the keys."""
        found = all_found(self.crm.scan(scans, RULES, assumed(RULES)))
        return [sorted(records, key=lambda one: one.key) for records in found]

    def one(self, operation: Operation) -> WriteResult:
        return self.port.write([[operation]])[0][0]

    def find(self, collection: str, name: str, *values: str) -> list[Any]:
        return ask(self.port, [Query(collection, odata.any_of(name, values))])[0]


@pytest.fixture(scope="module")
def control(announcement: dict[str, str]) -> Control:
    return Control(announcement)


@pytest.fixture(scope="module")
def strict() -> Iterator[Control]:
    with strict_sandbox() as started:
        yield Control(started)


ON_PURPOSE = {
    "test_a_refused_query_raises_and_is_never_an_empty_answer[strict-query1]": {"filter-property"},
    "test_a_refused_query_raises_and_is_never_an_empty_answer[strict-query2]": {"filter-or"},
    "test_one_bad_record_drags_no_other_down_and_results_keep_their_places[strict]": {"required", "value-length"},
    "test_a_refusal_tells_nothing_that_was_sent[strict]": {"value-length"},
    "test_each_write_has_its_one_result[strict]": {"value-length"},
}
"""The rules that a test makes the client break, to see what it makes of the refusal; no test may break another one."""


@pytest.fixture(params=["in process", "real", "strict"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """The port three times: without HTTP, on the sandbox, and on the sandbox behind its strict front."""
    if request.param == "in process":
        yield Subject(tenant := Tenant(), tenant=tenant)
        return
    control: Control = request.getfixturevalue("strict" if request.param == "strict" else "control")
    control.call("POST", "/reset")
    control.settings(page_size=2)
    on_purpose = frozenset(ON_PURPOSE.get(request.node.name, ())) if request.param == "strict" else frozenset()
    with nothing_violated(control.announced, on_purpose):
        yield Subject(client(control), control=control)


def client(control: Control) -> C4CClient:
    addresses = control.announced
    return C4CClient(
        addresses["c4c"],
        Password.of(addresses["username"], addresses["password"]),
        retry=RequestRetry(1),
        sleep=lambda _: None,
    )


def account(key: str, **fields: Any) -> Operation:
    body = {"Name": f"Firm {key}", "RoleCode": "BUP002", "HubSpotID_KUT": key, **fields}
    return Operation("POST", ACCOUNTS, {name: value for name, value in body.items() if value is not None})


def created(result: WriteResult) -> Record:
    assert isinstance(result, Written)
    assert result.record is not None
    return result.record


# ---- reads


def test_a_query_finds_every_row_however_many_pages_and_nothing_where_there_is_nothing(subject: Subject) -> None:
    for n in range(5):
        subject.seed("CorporateAccount", Name=f"N{n}", RoleCode="BUP002", HubSpotID_KUT=str(n))
    asked = [Query(ACCOUNTS, select=("ObjectID", "Name")), Query(ACCOUNTS, odata.any_of("HubSpotID_KUT", ["99"]))]
    everything, nothing = ask(subject.port, asked)
    assert sorted(row["Name"] for row in everything) == ["N0", "N1", "N2", "N3", "N4"]
    assert all(odata.etag(row) for row in everything)
    assert nothing == []


@pytest.mark.parametrize("name", ["O'Neil & Söhne", "+49 (30) 1", "50% #1/2?", "Größe=1;x"])
def test_values_with_signs_of_the_grammar_are_found_exactly(subject: Subject, name: str) -> None:
    subject.seed("CorporateAccount", Name=name, RoleCode="BUP002")
    subject.seed("CorporateAccount", Name="Another", RoleCode="BUP002")
    assert [row["Name"] for row in subject.find(ACCOUNTS, "Name", name)] == [name]


def test_an_asterisk_is_a_wildcard_so_that_rows_must_be_compared_by_the_caller(subject: Subject) -> None:
    for name in ("Star*Tec", "StarXTec"):
        subject.seed("CorporateAccount", Name=name, RoleCode="BUP002")
    assert len(subject.find(ACCOUNTS, "Name", "Star*Tec")) == 2


@pytest.mark.parametrize(
    "query",
    [Query("NoSuchCollection"), Query(LEADS, "Note eq 'x'"), Query(ACCOUNTS, "Name eq 'a' or City eq 'b'")],
)
def test_a_refused_query_raises_and_is_never_an_empty_answer(subject: Subject, query: Query) -> None:
    with pytest.raises(Refused):
        ask(subject.port, [Query(ACCOUNTS), query])


# ---- writes


def test_a_created_record_is_shown_with_id_and_etag_and_can_be_changed_with_that_etag(subject: Subject) -> None:
    row = created(subject.one(account("7")))
    assert row.text("HubSpotID_KUT") == "7"
    path = key_path(ACCOUNTS, row.object_id)
    assert subject.one(Operation("PATCH", path, {"City": "Kiel"}, row.version)) == Written()
    assert [r["City"] for r in subject.find(ACCOUNTS, "HubSpotID_KUT", "7")] == ["Kiel"]


def test_a_change_of_an_old_version_is_a_conflict_without_effect(subject: Subject) -> None:
    row = created(subject.one(account("7")))
    path, etag = key_path(ACCOUNTS, row.object_id), row.version
    assert subject.one(Operation("PATCH", path, {"City": "Kiel"}, etag)) == Written()
    assert subject.one(Operation("PATCH", path, {"City": "Bonn"}, etag)) == Conflict()
    assert subject.rows("CorporateAccount")[0]["City"] == "Kiel"


def test_what_is_gone_is_told_from_what_is_refused(subject: Subject) -> None:
    row = created(subject.one(Operation("POST", LEADS, {"Name": "A lead", "HubSpotID_KUT": "1:mql:1"})))
    path = key_path(LEADS, row.object_id)
    assert subject.one(Operation("DELETE", path, {}, row.version)) == Written()
    assert subject.one(Operation("PATCH", path, {"Name": "Again"})) == Gone()
    assert subject.one(Operation("DELETE", path)) == Gone()
    assert isinstance(subject.one(Operation("PATCH", path, {"Name": "x"}, OLD)), Gone)


def test_one_bad_record_drags_no_other_down_and_results_keep_their_places(subject: Subject) -> None:
    groups = [[account("1"), account("2", Name=None)], [account("3", AccountID="1" * 11)], [account("4")]]
    results = subject.port.write(groups)
    # A server refuses the record alone, or, where it reads the request strictly, the request that holds it.
    refused = Rejected | RefusedRequest
    expected = [[Written, refused], [refused], [Written]]
    for group, kinds in zip(results, expected, strict=True):
        assert all(isinstance(result, kind) for result, kind in zip(group, kinds, strict=True)), results
    assert sorted(row["HubSpotID_KUT"] for row in subject.rows("CorporateAccount")) == ["1", "4"]


def test_a_refusal_tells_nothing_that_was_sent(subject: Subject) -> None:
    name = "Confidential Person " * 3
    result = subject.one(account("1", Name=name))
    assert isinstance(result, Rejected | RefusedRequest)
    assert "Confidential" not in result.message


def test_header_and_children_are_created_together(subject: Subject) -> None:
    company = created(subject.one(account("1")))
    person = {"LastName": "Sommer", "AccountUUID": company.text("UUID"), "HubSpotID_KUT": "2"}
    contact = created(subject.one(Operation("POST", CONTACTS, person)))
    channels = [{"Channel": "INT", "Consent": "2"}, {"Channel": "TEL", "Consent": "1"}]
    body = {"BusinessPartnerUUID": contact.text("ContactUUID"), "ChannelPermission": channels}
    header = created(subject.one(Operation("POST", "MarketingPermissionCollection", body)))
    rows = subject.find("ChannelPermissionCollection", "ParentObjectID", header.object_id)
    assert sorted((row["Channel"], row["Consent"]) for row in rows) == [("INT", "2"), ("TEL", "1")]


def test_a_contact_created_on_an_account_is_its_contact_person(subject: Subject) -> None:
    company = created(subject.one(account("1")))
    person = {"LastName": "Sommer", "AccountUUID": company.text("UUID"), "HubSpotID_KUT": "2"}
    contact = created(subject.one(Operation("POST", CONTACTS, person)))
    rows = subject.find("ContactIsContactPersonForCollection", "ParentObjectID", contact.object_id)
    assert [(row["AccountID"], row["ReverseMainIndicator"]) for row in rows] == [(company.text("AccountID"), True)]


def test_a_level_makes_a_lead_qualified(subject: Subject) -> None:
    levelled = {"Name": "A", "QualificationLevelCode": "03", "UserStatusCode": "01"}
    assert created(subject.one(Operation("POST", LEADS, levelled))).text("UserStatusCode") == "02"
    assert created(subject.one(Operation("POST", LEADS, {"Name": "B"}))).text("UserStatusCode") == "01"


@pytest.mark.parametrize(("mishap", "expected"), [("lock", Locked), ("sap_message", Doubtful)])
def test_a_write_that_did_not_happen_says_so(subject: Subject, mishap: str, expected: type[Any]) -> None:
    subject.mishap(mishap, "'1'|\"1\"")
    results = subject.port.write([[account("1")], [account("2")]])
    assert [type(group[0]) for group in results] == [expected, Written]
    assert [row["HubSpotID_KUT"] for row in subject.rows("CorporateAccount")] == ["2"]
    assert isinstance(subject.one(account("1")), Written)


@pytest.mark.parametrize(("mishap", "there"), [("cut_before", 0), ("cut_after", 1)])
def test_a_write_without_an_answer_is_unknown_and_only_the_key_tells(subject: Subject, mishap: str, there: int) -> None:
    # So that the client has its token, and what is cut is the write and not the refusal for want of one.
    assert subject.find(ACCOUNTS, "HubSpotID_KUT", "1") == []
    subject.mishap(mishap, "POST CorporateAccount")
    result = subject.one(account("1"))
    assert isinstance(result, Unknown)
    assert result.outage
    assert len(subject.find(ACCOUNTS, "HubSpotID_KUT", "1")) == there


# ---- what the tenant offers


def test_fields_and_codes_of_the_tenant(subject: Subject) -> None:
    schema = subject.port.metadata(["Contact", "Lead"])
    last_name, note = schema.field("Contact", "LastName"), schema.field("Lead", "Note")
    assert last_name is not None
    assert last_name.length == 40
    assert note is not None
    assert not note.filterable
    assert schema.field("Lead", "HubSpotID_KUT") is not None
    codes = subject.port.codes([ROLE, "NoSuchCodeCollection"])
    assert {"CRM000", "BUP002"} <= set(codes[ROLE])
    assert "NoSuchCodeCollection" not in codes


def test_employees_who_can_own_records(subject: Subject) -> None:
    people = {
        "Able": {}, "Locked": {"UserLockedIndicator": True},
        "Left": {"EmployeeValidityEndDate": "2020-12-31T00:00:00"},
    }  # fmt: skip
    for name, more in people.items():
        subject.seed("Employee", EmployeeID=name, Email=f"{name}@sales.example", **more)
    masters = subject.port.masters([ROLE], NOW)
    assert [employee.email for employee in masters.employees or []] == ["Able@sales.example"]
    assert masters.codes == subject.port.codes([ROLE])


# ---- the ports above the protocol


def creation(key: str, **fields: Any) -> Write:
    """The write that creates the account with this key."""
    values = {"Name": f"Firm {key}", "RoleCode": "BUP002", "HubSpotID_KUT": key, **fields}
    changes = tuple(Change(name, None, value, "key") for name, value in values.items())
    return Write("CorporateAccount", key, "create", changes)


def keys(results: Results) -> list[tuple[str, type[Any]]]:
    return [(write.key, type(result)) for write, result in results]


def test_every_lookup_is_answered_by_what_really_fits_and_by_none_where_nothing_does(subject: Subject) -> None:
    for key, site in (("1", "www.one.example"), ("11", "one.example.org"), ("2", "https://two.example/de")):
        subject.seed("CorporateAccount", Name=f"Firm {key}", RoleCode="BUP002", HubSpotID_KUT=key, WebSite=site)
    wanted = [
        Lookup(Ask.BY_KEY, "CorporateAccount", "1"),
        Lookup(Ask.ACCOUNT_BY_DOMAIN, "CorporateAccount", "one.example"),
        Lookup(Ask.ACCOUNT_BY_DOMAIN, "CorporateAccount", "two.example"),
        Lookup(Ask.BY_KEY, "CorporateAccount", "3"),
    ]
    snapshot = Snapshot()
    subject.target.find(wanted, snapshot)
    answers = [snapshot.ask(lookup) for lookup in wanted]
    assert [[record.text("HubSpotID_KUT") for record in found or ()] for found in answers] == [["1"], ["1"], ["2"], []]
    assert all(record.version for record in snapshot.records.values())


def test_a_scan_finds_records_by_what_names_them(subject: Subject) -> None:
    rows = [
        subject.seed(
            "CorporateAccount", Name=f"Firm {key}", RoleCode="BUP002", **({"HubSpotID_KUT": key} if key else {})
        )
        for key in ("1", "12", "")
    ]
    for key in ("1:mql:1", "1:mql:2", "12:mql:1"):
        subject.seed("Lead", Name="A lead", HubSpotID_KUT=key)
    everybody, by_key, by_id, by_number, leads = subject.scan(
        Scan("CorporateAccount", By.ANY_KEY),
        Scan("CorporateAccount", By.KEY, ("1", "99")),
        Scan("CorporateAccount", By.ID, (rows[2]["ObjectID"],)),
        Scan("CorporateAccount", By.NUMBER, (rows[1]["AccountID"],)),
        Scan("Lead", By.OWNER, ("1",)),
    )
    assert [one.key for one in everybody] == ["1", "12"]
    assert [one.key for one in by_key] == ["1"]
    assert [(one.object_id, one.key) for one in by_id] == [(rows[2]["ObjectID"], "")]
    assert [(one.number, one.key) for one in by_number] == [(rows[1]["AccountID"], "12")]
    assert [one.key for one in leads] == ["1:mql:1", "1:mql:2"]


def test_a_scan_shows_what_was_retired(subject: Subject) -> None:
    obsolete = RULES.mapping.account.obsolete_status
    for key, status in (("1", "2"), ("2", obsolete)):
        subject.seed("CorporateAccount", Name="F", RoleCode="BUP002", HubSpotID_KUT=key, LifeCycleStatusCode=status)
    [found] = subject.scan(Scan("CorporateAccount", By.ANY_KEY))
    assert [(one.key, one.obsolete) for one in found] == [("1", False), ("2", True)]


def test_each_write_has_its_one_result(subject: Subject) -> None:
    writes = [creation("1"), creation("2"), creation("3", AccountID="1" * 11)]
    [results] = list(subject.target.apply(writes))
    assert [key for key, _ in keys(results)] == ["1", "2", "3"]
    assert [isinstance(result, Written) for _, result in results] == [True, True, False]
    shown = {one.object_id for one in subject.scan(Scan("CorporateAccount", By.ANY_KEY))[0]}
    assert shown == {result.record.object_id for _, result in results if isinstance(result, Written) and result.record}


def test_what_goes_alone_follows_the_others_and_a_caller_that_stops_starts_no_further_request(
    subject: Subject,
) -> None:
    portions = subject.target.apply([creation("1"), creation("2"), creation("3")], {("CorporateAccount", "2")})
    assert keys(next(portions)) == [("1", Written), ("3", Written)]
    assert [row["HubSpotID_KUT"] for row in subject.rows("CorporateAccount")] == ["1", "3"]
    assert keys(next(portions)) == [("2", Written)]
    assert list(portions) == []


def test_an_entity_that_may_be_read_is_not_named_as_unreadable(subject: Subject) -> None:
    assert subject.crm.unreadable(["CorporateAccount", "Lead"]) == {}
    [(entity, why)] = subject.crm.unreadable(["Lead", "NoSuch"]).items()
    assert (entity, type(why)) == ("NoSuch", Refused)
