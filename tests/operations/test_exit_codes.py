"""Every exit code that docs/commands.md lists is brought about, and no other: a row for each command and code."""

import re
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from night_stage import Product
from running import PROJECT, TIMEOUT
from world.program import Ran
from world.sandbox import Sandbox

from sync.cli import demo
from sync.state.lease import Lease
from sync.state.store import open_store
from sync.worker.signals import StopSignal

pytestmark = pytest.mark.long

Command = Callable[..., Ran]


@dataclass(frozen=True)
class Row:
    """A command line and the code it ends with; {names} are filled in by the scene."""

    command: str
    code: int
    rest: str = ""


AT_EASE = [
    Row("once", 0),
    Row("resync", 0, "--everything --dry-run"),
    Row("plan", 0),
    Row("simulate", 0, "--config {config}"),
    Row("explain", 0, "{contact}"),
    Row("find", 0, "{contact}"),
    Row("contacts", 0),
    Row("leads", 0),
    Row("report", 0),
    Row("consent", 0, "{contact}"),
    Row("export", 0, "{contact}"),
    Row("parked list", 0),
    Row("parked retry", 0, "--all"),
    Row("parked drop", 0, "--all"),
    Row("links list", 0),
    Row("links export", 0, "{home}/pairs.csv"),
    Row("links import", 0, "{home}/pairs.csv"),
    Row("links set", 0, "contact {contact} {object_id}"),
    Row("links forget", 0, "contact {contact}"),
    Row("verify", 4),
    Row("verify", 4, "--json"),
    Row("once", 0),
    Row("verify", 0),
    Row("approve", 0),
    Row("runs", 0),
    Row("pause", 0, "--reason rebuilt"),
    Row("resume", 0),
    Row("status", 0),
    Row("health", 0),
    Row("check", 0),
    Row("migrate", 0),
    Row("backup", 0, "{home}/copy.db"),
    Row("parked leave", 0, "{contact} --reason retired"),
    Row("parked leave", 2, "{contact}"),
    Row("once", 2, "no-such-job"),
    Row("resync", 2),
    Row("plan", 2, "--contact"),
    Row("simulate", 2, "--config {home}/nowhere"),
    Row("explain", 2, "1"),
    Row("find", 2, "--no-such-option"),
    Row("contacts", 2, "--code NOPE"),
    Row("leads", 2, "--no-such-option"),
    Row("report", 2, "--since never"),
    Row("consent", 2, "abc"),
    Row("export", 2, "abc"),
    Row("parked list", 2, "--code NOPE"),
    Row("parked show", 2, "1"),
    Row("parked retry", 2),
    Row("parked drop", 2, "1"),
    Row("links list", 2, "--entity"),
    Row("links export", 2, "{home}/no/where.csv"),
    Row("links import", 2, "{home}/no-such.csv"),
    Row("links set", 2, "contact {contact} 00163E00000000000000000000000000"),
    Row("links forget", 2, "contact 1"),
    Row("verify", 2, "--no-such-option"),
    Row("approve", 2, "000000000000"),
    Row("runs", 2, "--limit 0"),
    Row("pause", 2, "--no-such-option"),
    Row("resume", 2, "--no-such-option"),
    Row("status", 2, "--no-such-option"),
    Row("health", 2, "--no-such-option"),
    Row("check", 2, "--no-such-option"),
    Row("migrate", 2, "--no-such-option"),
    Row("backup", 2, "{home}/copy.db"),
    Row("demo", 2, "--dir {home}/state.db"),
    Row("run", 2, "--no-such-option"),
]
"""One contact is handed over; each row stands on the rows before it."""

NEW = [Row("health", 1)]
C4C_AWAY = [
    Row("once", 3, "push"),
    Row("plan", 3),
    Row("verify", 3),
    Row("check", 3),
    Row("links import", 3, "{home}/pairs.csv"),
    Row("links set", 3, "contact {contact} {object_id}"),
]
HUBSPOT_REFUSES = [Row("resync", 3, "--contact {contact} --refetch")]
PARKED = [Row("once", 4), Row("parked show", 0, "{contact}")]
TOO_MUCH = [Row("once", 5)]
SIGNALS = [Row("run", 143), Row("run", 130), Row("once", 143), Row("once", 130)]
DEMO = [Row("demo", 0), Row("demo", 1)]
WHILE_WAITING = [
    Row("migrate", 130), Row("migrate", 143), Row("resync", 130), Row("resync", 143), Row("resync", 5),
]  # fmt: skip
"""How waiting for the state file ends: `unit/test_keeper.py`, and `test_second_writer.py` for 5."""

ROWS = [*AT_EASE, *NEW, *C4C_AWAY, *HUBSPOT_REFUSES, *PARKED, *TOO_MUCH, *SIGNALS, *DEMO, *WHILE_WAITING]


def documented() -> set[tuple[str, int]]:
    text = (PROJECT / "docs/commands.md").read_text(encoding="utf-8")
    paragraphs = re.findall(r"^### `([^`]+)`\n\n(.*?)(?=\n### |\Z)", text, re.DOTALL | re.MULTILINE)
    lists = {name: re.findall(r"Exit\s+codes:\s+([\d,\s]+)\.", body) for name, body in paragraphs}
    return {(name, int(code)) for name, found in lists.items() for one in found for code in one.split(",")}


def test_the_table_and_the_page_list_the_same() -> None:
    assert {(row.command, row.code) for row in ROWS} == documented()


def ended_otherwise(command: Command, rows: Iterable[Row], **names: object) -> Iterator[str]:
    for row in rows:
        ran = command(*row.command.split(), *row.rest.format(**names).split())
        if ran.code != row.code or (row.code in (2, 3, 5) and not ran.err):
            yield f"{row}: {ran.code} {ran.err}"


@pytest.fixture
def company(sandbox: Sandbox) -> str:
    return sandbox.company("acme")


@pytest.fixture
def names(sandbox: Sandbox, company: str, command: Command, product: Product) -> dict[str, object]:
    """One contact is handed over."""
    contact = sandbox.contact(company)
    assert command("once", "--until-idle").code == 0
    [row] = sandbox.rows("Contact")
    return {"contact": contact, "object_id": row["ObjectID"], "home": product.home, "config": product.home / "config"}


def test_at_ease(command: Command, names: dict[str, object]) -> None:
    assert list(ended_otherwise(command, AT_EASE, **names)) == []


def test_before_the_first_job(command: Command) -> None:
    assert list(ended_otherwise(command, NEW)) == []


def test_a_system_is_away(command: Command, names: dict[str, object], sandbox: Sandbox) -> None:
    assert command("links", "export", f"{names['home']}/pairs.csv").code == 0
    assert command("resync", "--everything", "--yes").code == 0
    sandbox.fault("c4c", "status", status=503, times=None)
    assert list(ended_otherwise(command, C4C_AWAY, **names)) == []
    sandbox.fault("hubspot", "status", status=401, times=None)
    assert list(ended_otherwise(command, HUBSPOT_REFUSES, **names)) == []


def test_somebody_is_parked(command: Command, sandbox: Sandbox, company: str) -> None:
    contact = sandbox.contact(company)
    for one in (company, sandbox.company("other")):
        sandbox.call("PUT", "/hubspot/associations", {"contact_id": contact, "company_id": one, "labels": []})
    assert list(ended_otherwise(command, PARKED, contact=contact)) == []


def test_the_guard_stops(command: Command, product: Product, sandbox: Sandbox, company: str) -> None:
    product.configure(more="[guard]\nmax_creates = 2")
    sandbox.contact(company)
    assert list(ended_otherwise(command, TOO_MUCH)) == []


def test_signals(product: Product, sandbox: Sandbox, company: str) -> None:
    with product.started("run") as worker, product.started("run") as second:
        for process, number, code in ((worker, signal.SIGTERM, 143), (second, signal.SIGINT, 130)):
            process.until("worker_started")
            process.process.send_signal(number)
            assert process.ended() == code
    sandbox.contact(company)
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        slow = sandbox.fault("c4c", "slow", body="POST", seconds=TIMEOUT)
        with product.started("once") as once:
            sandbox.until_fired(slow)
            once.process.send_signal(number)
            sandbox.heal()
            assert once.ended() == code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_another_command_is_at_work(
    product: Product, command: Command, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    def received(stop: StopSignal) -> StopSignal:
        stop._receive(number, None)
        return stop

    store = open_store(product.state)
    other = Lease(store, "command", 60, lambda: datetime.now(UTC), holder="other:1")
    assert other.acquire()
    monkeypatch.setattr(StopSignal, "install", received)
    ended = command("once")
    store.close()
    assert ended.code == code
    assert "another command" in ended.err


@pytest.mark.parametrize(("contacts", "row"), [(1, DEMO[0]), (40, DEMO[1])], ids=["nothing to do", "something is left"])
def test_the_demo(command: Command, product: Product, monkeypatch: pytest.MonkeyPatch, contacts: int, row: Row) -> None:
    """Only its last run, the one that must write nothing, without those that see to that.

    It keeps its files beside the state file: in a container the working directory cannot be written to.
    """
    for name in ("_first_run", "_let_things_happen", "_second_run", "_look_further"):
        monkeypatch.setattr(demo.Demo, name, lambda *_: None)
    monkeypatch.setattr(demo, "CONTACTS", contacts)
    monkeypatch.setattr(demo, "COMPANIES", 10)
    assert list(ended_otherwise(command, [row])) == []
    assert (product.home / ".demo" / "state.db").exists()
