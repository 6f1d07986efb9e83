"""The list of remembered facts: each is read as earlier versions wrote it, and a damaged one counts as never kept."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sync.errors import StateError
from sync.log import configure
from sync.state import alert_lists, documents, tables
from sync.state.documents import (
    Belonging,
    DailyBudget,
    Document,
    Duplication,
    MassDeletion,
    Pause,
    PortalDetails,
    PortalNames,
    Renamed,
    Stopped,
    TenantOffer,
    Twin,
    Vacuumed,
)
from sync.state.store import Store, open_store

AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
ISO = "2026-11-21T12:30:00+00:00"

STORED: list[tuple[Document[Any], str, str, Any]] = [
    (documents.RULES, "rules", "0123456789abcdef", "0123456789abcdef"),
    (documents.PROPERTIES, "properties of contacts", "email lastname", "email lastname"),
    (documents.RULES_SINCE, "rules since", f'[["{ISO}", "0123456789abcdef"]]', [(AT, "0123456789abcdef")]),
    (documents.NAME_INDEX, "name index", "1", "1"),
    (
        documents.VACUUMED,
        "vacuumed",
        '{"erasures": ["20261201T030000.000000Z"], "log": 4096}',
        Vacuumed(frozenset({"20261201T030000.000000Z"}), 4096),
    ),
    (documents.CONSENT_TRAIL, "consent trail", "1", "1"),
    (
        documents.PORTAL_DETAILS,
        "portal details",
        '{"ui_domain": "app-eu1.hubspot.com", "time_zone": "Europe/Berlin"}',
        PortalDetails("app-eu1.hubspot.com", "Europe/Berlin"),
    ),
    (documents.COMPANY_KEYS, "company keys", "((NaturalKey(),), [])", "((NaturalKey(),), [])"),
    (documents.PORTAL_CHECKED, "contract checked", f"0123456789abcdef {ISO}", f"0123456789abcdef {ISO}"),
    (documents.PORTAL_LOOKED_AT, "portal looked at", "", ""),
    (documents.TENANT_CHECKED, "tenant checked", ISO, AT),
    (documents.SCORE_CHANGED, "score lead_score changed", ISO, AT),
    (documents.SCORE_READ, "score mql read", ISO, AT),
    (documents.IN_SERVICE, "in service since", ISO, AT),
    (documents.LAST_ID, "last id of contacts", "1001", "1001"),
    (documents.CLOCK, "clock", "the clock is behind", "the clock is behind"),
    (documents.ROWS_LEFT_OUT, "rows left out", f'{{"contacts": "{ISO}"}}', {"contacts": AT}),
    (
        documents.PORTAL,
        "portal contacts",
        '{"absent": [], "lost": ["x"], "lost_options": {"y": ["c"]}, "options": {"y": ["a", "b"]}, "returning": [],'
        ' "seen": ["x", "y"]}',
        PortalNames(
            seen=frozenset("xy"),
            lost=frozenset("x"),
            options={"y": frozenset("ab")},
            lost_options={"y": frozenset("c")},
        ),
    ),
    (documents.PORTAL, "portal companies", '{"seen": ["x"]}', PortalNames(seen=frozenset("x"))),
    (documents.LABELS, "labels", '{"Buyer": ["USER_DEFINED", 20]}', {"Buyer": ("USER_DEFINED", 20)}),
    (documents.LOST_LABELS, "lost labels", '[["USER_DEFINED", 20, "Buyer"]]', [("USER_DEFINED", 20, "Buyer")]),
    (
        documents.TENANT,
        "tenant",
        '{"employees": {"ab12": "U-1"}, "fields": {"Lead": {"Name": ["String", 80]}}, "shared": ["ab12"],'
        ' "valid": ["U-1"]}',
        TenantOffer({"Lead": {"Name": ["String", 80]}}, {"ab12": "U-1"}, ("ab12",), ("U-1",)),
    ),
    (documents.TENANT, "tenant", '{"employees": {}, "fields": {}}', TenantOffer({}, {})),
    (documents.CREATOR, "creator", "ab12", "ab12"),
    (
        documents.BUDGET,
        "budget",
        f'{{"limit": 250000, "left": 1000, "resets_at": "{ISO}"}}',
        DailyBudget(250_000, 1000, resets_at=AT),
    ),
    (documents.BUDGET, "budget", '{"limit": null, "left": null}', DailyBudget()),
    (documents.STATE_FILE, "state file", "2049 1234 5678", "2049 1234 5678"),
    (documents.BELONGS, "belongs to", '{"portal": "1", "tenant": null}', Belonging("1")),
    (
        documents.RENAMED,
        "tenant by another name",
        '{"digest": "ab12", "tenant": "my.crm.ondemand.com"}',
        Renamed("ab12", "my.crm.ondemand.com"),
    ),
    (documents.RENAMED, "tenant by another name", "", None),
    (documents.PAUSE, "paused", f'{{"since": "{ISO}", "reason": "audit"}}', Pause(ISO, "audit")),
    (documents.PAUSE, "paused", "", None),
    (
        documents.GUARD,
        "guard",
        f'{{"digest": "d", "cycle": "c", "text": "too many", "at": "{ISO}", "creates": {{"Lead": 3}}, "changes": 1,'
        ' "withdrawn": 0, "contacts": {"1": "e"}, "approved_at": null}',
        Stopped("d", "c", "too many", ISO, {"Lead": 3}, 1, 0, {"1": "e"}),
    ),
    (
        documents.DELETIONS,
        "disappearance",
        f'[{{"digest": "d", "text": "t", "at": "{ISO}", "contacts": ["1", "2"], "approved_at": null}}]',
        [MassDeletion("d", "t", ISO, ("1", "2"))],
    ),
    (documents.CONFIRMED_DELETIONS, "disappearance confirmed", '["1", "2"]', frozenset("12")),
    (
        documents.SECOND_WRITER,
        "second writer",
        f'{{"digest": "d", "text": "t", "at": "{ISO}", "twins": [{{"entity": "Lead", "key": "1:mql:1", "ours": "A",'
        ' "theirs": "B"}], "approved_at": null}',
        Duplication("d", "t", ISO, (Twin("Lead", "1:mql:1", "A", "B"),)),
    ),
    (documents.ACCEPTED_TWINS, "accepted twins", '["B"]', frozenset("B")),
    (documents.LOST_CREATES, "lost creates", f'{{"Lead 1:mql:1": "{ISO}"}}', {"Lead 1:mql:1": AT}),
    (documents.SECOND_LOOK, "second look", f'[["Lead", "1:mql:1", "A", "{ISO}"]]', [("Lead", "1:mql:1", "A", AT)]),
    (documents.ALERTS_HOLDING, "alerts holding", f'{{"parked": "{ISO}"}}', {"parked": ISO}),
    (documents.ALERTS, "alerts", "{}", {}),
    (documents.MISMATCHES, "mismatches", '{"c4c": ["Lead.X is not known"]}', {"c4c": ["Lead.X is not known"]}),
    (documents.LAST_BACKUP, "last backup", ISO, AT),
    (documents.DUPLICATES, "duplicates found", "3", 3),
]


def of(document: Document[Any], name: str) -> str:
    """Which one of its family has that name."""
    before, _, after = document.name.partition("{}")
    return name.removeprefix(before).removesuffix(after) if "{}" in document.name else ""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "state.db")
    yield opened
    opened.close()


def keep(store: Store, name: str, text: str) -> None:
    with store.session() as session:
        session.merge(tables.Remembered(name=name, value=text))


def test_every_fact_is_read_as_earlier_versions_wrote_it_and_as_it_is_written_now(store: Store) -> None:
    for document, name, text, expected in STORED:
        keep(store, name, text)
        with store.session() as session:
            assert document.read(session, of(document, name)) == expected, name
            document.write(session, expected, of(document, name))
        with store.reading() as session:
            assert document.read(session, of(document, name)) == expected, name


def test_what_is_not_kept_has_its_default(store: Store) -> None:
    with store.reading() as session:
        for document, name, _, _ in STORED:
            assert document.read(session, of(document, name)) == document.default()


def test_the_list_is_whole_and_no_two_facts_have_one_name() -> None:
    listed = {name for name, value in vars(documents).items() if isinstance(value, Document)}
    tried = {name for name in listed if any(getattr(documents, name) is document for document, *_ in STORED)}
    assert listed == tried
    assert len({getattr(documents, name).name for name in listed}) == len(listed)


DAMAGED = [
    (documents.BUDGET, '"x"'),
    (documents.LAST_BACKUP, "soon"),
    (documents.SECOND_LOOK, '[["Lead"]]'),
]


@pytest.mark.parametrize(("document", "text"), DAMAGED, ids=[document.name for document, _ in DAMAGED])
def test_what_cannot_be_read_counts_as_never_kept_and_is_logged(
    store: Store, document: Document[Any], text: str
) -> None:
    keep(store, document.name, text)
    stream = io.StringIO()
    configure(stream=stream)
    with store.reading() as session:
        assert document.read(session) == document.default()
    [line] = map(json.loads, stream.getvalue().splitlines())
    assert (line["event"], line["level"], line["key"]) == ("memory_unreadable", "error", document.name)


KEEPS_BACK = [
    (documents.GUARD, "{"),
    (documents.PAUSE, '{"reason": 3}'),
    (documents.SECOND_WRITER, "[]"),
    (documents.BELONGS, "1"),
    (documents.LOST_LABELS, "{}"),
]


@pytest.mark.parametrize(("document", "text"), KEEPS_BACK, ids=[document.name for document, _ in KEEPS_BACK])
def test_what_may_keep_writes_back_and_cannot_be_read_ends_the_job(
    store: Store, document: Document[Any], text: str
) -> None:
    """Going on as if there were no such fact could write what a person held back."""
    keep(store, document.name, text)
    with store.reading() as session, pytest.raises(StateError, match=f"{document.name}.*restore a backup"):
        document.read(session)


def test_a_state_without_a_list_of_holding_alerts_knew_those_that_it_delivered(store: Store) -> None:
    keep(store, "alerts", f'{{"parked": "{ISO}"}}')
    with store.session() as session:
        assert alert_lists.holding(session) == {"parked": ISO}
        alert_lists.hold(session, "parked", None)
        assert alert_lists.holding(session) == {}
