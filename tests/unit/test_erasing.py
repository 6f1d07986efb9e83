"""Hashes of erased persons, reasons that may be kept, and the file of tombstones."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlmodel import Session

from sync.cli import erasure
from sync.domain.erasing import addresses_in, fingerprint, ids_in, marks, problem_of
from sync.errors import ConfigurationError, Interrupted, StateError
from sync.state.documents import GUARD, Stopped
from sync.state.erasure import purge
from sync.state.erasure.tombstones import Tombstone, Tombstones, erased_before
from sync.state.store import Store, open_store
from sync.worker.signals import StopSignal

KEY = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)
PERSONS = [{"firstname": "Ana-María", "lastname": "O’Neil Grün"}]


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "x" * 201,
        "mail from ana@example.org",
        "called from +49 30 1234567",
        "asked by MARIA",
        "Frau Grun rief an",
        "Neil's letter",
        "for o'neil",
    ],
)
def test_a_reason_with_personal_data_is_refused(reason: str) -> None:
    problem = problem_of(reason, PERSONS)
    assert problem is not None
    assert problem.startswith("--reason")
    assert not reason or reason not in problem


@pytest.mark.parametrize("reason", ["request by letter, case 4711", "Art. 17 GDPR, 2026-11-30", "grunge", "a mar"])
def test_a_reason_without_personal_data_is_kept(reason: str) -> None:
    assert problem_of(reason, PERSONS) is None


def test_a_hash_depends_on_key_kind_and_value() -> None:
    found = {
        fingerprint(key, kind, value)  # type: ignore[arg-type]
        for key in (KEY, KEY[::-1])
        for kind in ("contact", "email")
        for value in ("1", "11")
    }
    assert len(found) == 8


def test_an_address_has_one_hash_however_it_is_spelled() -> None:
    assert marks(KEY, [], ["Ada@Mail.example "]) == marks(KEY, [], ["ada@mail.EXAMPLE"])
    assert marks(KEY, [], ["  "]) == {}


def test_all_ids_and_addresses_of_a_contact_count() -> None:
    properties = {"email": "a@b.example", "hs_additional_emails": "c@b.example;", "hs_merged_object_ids": "7; 8;x"}
    assert ids_in("9", properties) == ["9", "7", "8"]
    assert set(addresses_in(properties, "email")) == {"a@b.example", "c@b.example"}


# ---- the file


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store(tmp_path / "state.db")
    yield found
    found.close()


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    with store.session() as session:
        yield session


@pytest.fixture
def tombstones(tmp_path: Path) -> Tombstones:
    return Tombstones.beside(tmp_path / "state.db", KEY)


def of(contact: str, erasure: str = "first") -> Tombstone:
    return Tombstone(fingerprint(KEY, "contact", contact), "contact", erasure, NOW)


def test_the_table_follows_the_file(session: Session, tombstones: Tombstones, tmp_path: Path) -> None:
    tombstones.add(session, [of("1"), of("2", "second")])
    other = open_store(tmp_path / "other.db")
    with other.session() as fresh:
        assert tombstones.take_in(fresh) == {of("1").digest, of("2").digest}
        assert tombstones.lift(fresh, ["first"], NOW) == 1
    other.close()
    assert tombstones.take_in(session) == set()
    assert set(erased_before(session, [of("1").digest, of("2").digest])) == {of("2").digest}


def test_lifted_and_erased_again(session: Session, tombstones: Tombstones) -> None:
    tombstones.add(session, [of("1")])
    tombstones.lift(session, ["first"], NOW)
    session.flush()
    tombstones.add(session, [of("1", "second")])
    tombstones.take_in(session)
    assert erased_before(session, [of("1").digest])[of("1").digest].erasure == "second"


def test_a_line_that_was_cut_off_is_ignored_and_followed_by_a_new_one(session: Session, tombstones: Tombstones) -> None:
    tombstones.add(session, [of("1"), of("2")])
    whole = tombstones.path.read_bytes()
    tombstones.path.write_bytes(whole[:-20])
    tombstones.add(session, [of("3")])
    fresh = Tombstones(tombstones.path, KEY)
    fresh.verify()
    assert {line[1].digest for line in fresh._lines()} == {of("1").digest, of("3").digest}


def test_a_damaged_line_hides_no_other(session: Session, tombstones: Tombstones) -> None:
    tombstones.add(session, [of("1")])
    with tombstones.path.open("ab") as file:
        file.write(b'"\xff\x00damaged\n')
    tombstones.add(session, [of("2")])
    assert {line[1].digest for line in tombstones._lines()} == {of("1").digest, of("2").digest}


def test_a_file_that_cannot_be_parsed_is_no_bug(session: Session, tombstones: Tombstones) -> None:
    tombstones.add(session, [of("1")])
    tombstones.path.write_bytes(b"0" * 200_000)
    with pytest.raises(StateError, match=r"is damaged .*restore it from a backup"):
        tombstones.take_in(session)


def test_a_lost_file_is_written_again(session: Session, tombstones: Tombstones) -> None:
    tombstones.add(session, [of("1")])
    session.flush()
    tombstones.path.unlink()
    assert tombstones.take_in(session) == set()
    assert [one.digest for _, one in tombstones._lines()] == [of("1").digest]


def test_the_file_holds_hashes_and_is_private(session: Session, tombstones: Tombstones) -> None:
    tombstones.add(session, [of("4711")])
    assert "4711" not in tombstones.path.read_text("ascii").replace(of("4711").digest, "")
    assert tombstones.path.stat().st_mode & 0o777 == 0o600
    assert tombstones.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("key", [None, "another key that is long enough to be one"])
def test_another_key_is_noticed(session: Session, tombstones: Tombstones, key: str | None) -> None:
    tombstones.add(session, [of("1")])
    with pytest.raises(ConfigurationError, match="SYNC_ERASURE_KEY"):
        Tombstones(tombstones.path, key).verify()


def test_a_stopped_plan_forgets_the_person_and_keeps_the_others(session: Session) -> None:
    stopped = Stopped("d", "c", "too many", NOW.isoformat(), contacts={"1": "a", "2": "b"})
    GUARD.write(session, stopped)
    purge.purge(session, ["1"])
    assert GUARD.read(session) == replace(stopped, contacts={"2": "b"})


def test_a_signal_while_the_worker_erases_has_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = StopSignal()
    stop._receive(signal.SIGINT, None)
    asked = SimpleNamespace(ask=lambda *_: "1", outcome=lambda _: ({}, False))
    settings = SimpleNamespace(worker=SimpleNamespace(schedule=SimpleNamespace(push=timedelta(minutes=1))))
    monkeypatch.setattr(erasure, "StopSignal", lambda: SimpleNamespace(install=lambda: stop))
    monkeypatch.setattr(erasure, "_erasures", lambda: nullcontext((asked, settings)))
    with pytest.raises(Interrupted) as raised:
        erasure._done_by_the_worker("1", "asked for it")
    assert raised.value.exit_code == 130
