"""An older state file: only `run`, `once` and `migrate` change it, alone, and after a copy that leads back."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from night_stage import Product, webhook
from world.program import Ran
from world.sandbox import Sandbox

from sync.errors import StateError
from sync.state import migration
from sync.state.lease import Lease
from sync.state.store import HEAD, Store, open_store, open_unmigrated

pytestmark = pytest.mark.long

Command = Callable[..., Ran]

OLD = "0004"


def older(path: Path, version: str = OLD) -> None:
    """A state file as an earlier version of the program left it."""
    path.touch(0o600)
    store = Store(path, version)
    migration.upgrade(store.engine, version)
    with store.session() as session:
        session.connection().exec_driver_sql("INSERT INTO remembered (name, value) VALUES ('kept', 'yes')")
    store.close()


def version_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        [found] = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found)


@pytest.fixture
def old(product: Product) -> Product:
    older(product.state)
    return product


@pytest.mark.parametrize(
    "arguments",
    [
        "status",
        "runs",
        "explain 1",
        "plan",
        "check",
        "verify",
        "approve",
        "parked list",
        "parked retry --all",
        "resync --everything --yes",
        "links list",
        "links set Contact 1 A",
    ],
)
def test_other_commands_leave_an_older_file_alone_and_say_what_to_do(
    old: Product, command: Command, arguments: str
) -> None:
    ran = command(*arguments.split())
    assert ran.code == 2
    assert f"has state version {OLD} of an older program, this one needs {HEAD}" in ran.err
    assert "hubspot-c4c-sync migrate" in ran.err
    assert version_of(old.state) == OLD
    assert list(old.home.glob("state.db.before-*")) == []


def test_a_backup_before_the_upgrade_is_of_the_older_version(old: Product, command: Command) -> None:
    assert command("backup", str(old.home / "mine.db")).code == 0
    assert (version_of(old.home / "mine.db"), version_of(old.state)) == (OLD, OLD)


@pytest.mark.parametrize("arguments", ["migrate", "once"])
def test_an_upgrade_keeps_a_copy_that_leads_back(old: Product, command: Command, arguments: str) -> None:
    ran = command(arguments)
    assert ran.code == 0, ran.err
    copy = old.home / f"state.db.before-{HEAD}"
    assert (version_of(old.state), version_of(copy)) == (HEAD, OLD)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert old.query("SELECT value FROM remembered WHERE name = 'kept'") == [("yes",)]
    if arguments == "migrate":
        assert f"brought from version {OLD} to {HEAD}" in ran.out
        assert f"is at version {HEAD}" in command("migrate").out


def test_an_older_copy_gives_way_to_the_newer_one(old: Product, command: Command) -> None:
    """As after a way back and a second upgrade: only what was there last leads back again."""
    copy = old.home / f"state.db.before-{HEAD}"
    copy.write_text("from the first upgrade")
    assert command("migrate").code == 0
    assert version_of(copy) == OLD


def test_without_a_copy_nothing_is_migrated(old: Product, command: Command) -> None:
    (old.home / f"state.db.before-{HEAD}").mkdir()
    ran = command("migrate")
    assert ran.code == 2
    assert "without this copy nothing is migrated" in ran.err
    assert version_of(old.state) == OLD


def test_a_migration_that_fails_half_way_changes_nothing(product: Product, command: Command) -> None:
    """The last script makes a table that is there already; those before it would have succeeded."""
    older(product.state, "0003")
    with closing(sqlite3.connect(product.state)) as connection:
        connection.execute("CREATE TABLE left_alone (contact_id TEXT)")
        connection.commit()
    ran = command("migrate")
    assert ran.code == 2
    assert "nothing was migrated, the file is as it was" in ran.err
    assert version_of(product.state) == "0003"
    assert product.query("SELECT name FROM sqlite_master WHERE name LIKE 'ix_company%'") == []


def test_nobody_migrates_under_a_worker_that_is_at_work(old: Product, command: Command, sandbox: Sandbox) -> None:
    store = open_unmigrated(old.state)
    older_worker = Lease(store, "worker", 60, lambda: datetime.now(UTC), holder="host-1:7")
    assert older_worker.acquire()
    for arguments in ("migrate", "once"):
        refused = command(arguments)
        assert refused.code == 2
        assert f"the worker host-1:7 is at work on this state file, which has version {OLD}" in refused.err
    with old.started("run") as waiting:
        assert waiting.until("worker_standby")["holder"] == "host-1:7"
        assert version_of(old.state) == OLD
        older_worker.heartbeat()
        older_worker.release()
        store.close()
        assert waiting.until("state_migrated")["version"] == HEAD
        waiting.until("lease_acquired")
    assert version_of(old.home / f"state.db.before-{HEAD}") == OLD


def newer(path: Path) -> None:
    """What a newer version does when it migrates."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE of_the_future (id INTEGER)")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


def test_an_older_worker_that_meets_a_newer_file_ends_with_2(product: Product, sandbox: Sandbox) -> None:
    sandbox.contact(sandbox.company("acme"))
    product.configure(poll="1s", push="1s", schedule='takeover_after = "4s"')
    with webhook() as (url, received):
        product.extra["SYNC_ALERT_WEBHOOK"] = url
        with product.started("run") as running:
            running.until("lead_handed_over")
            with product.started("run") as standby:
                standby.until("worker_standby")
                newer(product.state)
                runs = product.query("SELECT count(*), max(finished_at) FROM job_run")
                assert (running.ended(), standby.ended()) == (2, 2)
                for process in (running, standby):
                    assert "was brought to state version 9999 while this program" in process.errors()
        assert {notice["alert"] for notice in received} == {"state"}
    assert product.query("SELECT count(*), max(finished_at) FROM job_run") == runs, "it wrote nothing more"


def test_a_writing_transaction_looks_whose_tables_it_writes(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = open_store(path)
    newer(path)
    with pytest.raises(StateError, match="9999"), store.session():
        raise AssertionError("a transaction began")
    store.close()
