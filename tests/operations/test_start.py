"""What every start of the program stands on: the version of the state file, and nothing imported without need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from running import PROJECT
from sqlalchemy import text

from sync.state import store
from sync.state.tables import Base

START = """
import sys
from pathlib import Path
from sync.cli import main
from sync.state.store import open_store
open_store(Path(sys.argv[1]), create=False).close()
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping")
def test_a_new_state_file_has_the_tables_of_the_program(tmp_path: Path) -> None:
    opened = store.open_store(tmp_path / "state.db")
    with opened.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        made = set(connection.scalars(text("select name from sqlite_master where type = 'index'")))
    assert {index.name for table in Base.metadata.tables.values() for index in table.indexes} <= made
    assert store.versions(opened) == (store.HEAD, store.HEAD)
    opened.close()


def test_a_file_of_the_newest_version_needs_no_migration_and_not_its_library(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store.open_store(path).close()
    command = [sys.executable, "-c", START, str(path)]
    loaded = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split()
    assert "sqlalchemy" in loaded
    assert "alembic" not in loaded


def test_the_list_of_commands_is_that_of_the_program_and_loads_nothing_of_it() -> None:
    """In a narrow and in a wide terminal, since a sentence is cut at the edge."""
    whole = "import sys; sys.argv = ['hubspot-c4c-sync', '--help']; from sync.cli import commands; commands.main()"
    listed = "import sys; sys.argv = ['hubspot-c4c-sync', '--help']; from sync.cli import main\ntry: main()\nfinally: "
    for columns in ("80", "200"):
        variables = {**os.environ, "COLUMNS": columns}
        shown = [
            subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True)
            for program in (whole, f"{listed}print(*sorted(sys.modules), file=sys.stderr)")
        ]
        assert shown[1].stdout == shown[0].stdout, "sync/cli/menu.py lists what `--help` shows"
        assert {"sqlalchemy", "pydantic", "structlog", "requests"}.isdisjoint(shown[1].stderr.split())


def test_a_probe_that_the_worker_answers_loads_the_standard_library_only() -> None:
    program = "import sys; from sync.cli import probe; print(*sorted({n.partition('.')[0] for n in sys.modules}))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert set(found) - {"sync"} <= {*sys.stdlib_module_names, *_AT_START}


_AT_START = {
    name.partition(".")[0]
    for name in subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout.split()
}
"""What the interpreter itself loads in this environment."""
