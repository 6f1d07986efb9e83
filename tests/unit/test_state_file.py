"""The state file: whatever its path is called, it is this file that is used and copied, and no other program's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sync.errors import StateError
from sync.state import documents, trouble
from sync.state.backup import backup
from sync.state.store import open_store


@pytest.mark.parametrize("name", ["a#b", "a?mode=memory", "50%25", "100%"])
def test_characters_that_mean_something_in_a_url_are_only_characters_in_a_path(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir()
    state, copy = home / "state.db", home / "copy.db"
    store = open_store(state)
    with store.session() as session:
        documents.RULES.write(session, "0123456789abcdef")
    store.close()
    assert not trouble.damaged(state)
    assert backup(state, copy) > 4096
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT value FROM remembered").fetchall() == [("0123456789abcdef",)]
    assert [found.name for found in tmp_path.iterdir()] == [name], "no other file was made"


def test_reading_only_creates_no_file(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        trouble.connect_read_only(tmp_path / "missing.db")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["", ".", "/", ".."])
def test_a_directory_is_no_target_of_a_backup(tmp_path: Path, target: str) -> None:
    open_store(tmp_path / "state.db").close()
    with pytest.raises(StateError, match="exists already; name a new file"):
        backup(tmp_path / "state.db", Path(target))


@pytest.mark.parametrize(("table", "ours"), [("invoice", False), ("_litestream_seq", True)])
def test_a_database_of_another_program_gets_no_tables(tmp_path: Path, table: str, ours: bool) -> None:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE {table} (id)")
    if ours:
        open_store(path).close()
    else:
        with pytest.raises(StateError, match="another program; set SYNC_STATE to another path"):
            open_store(path)
    with closing(sqlite3.connect(path)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert (names == {table}) is not ours
