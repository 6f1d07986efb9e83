"""The chain of migrations and what the program knows of it without reading it."""

from alembic.script import ScriptDirectory

from sync.state import migration, store


def test_the_newest_version_is_that_of_the_last_script() -> None:
    """Otherwise every start migrates, and no worker is ever ready."""
    assert ScriptDirectory.from_config(migration._config()).get_current_head() == store.HEAD
