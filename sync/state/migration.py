"""Migrates the state file: where Alembic finds the scripts, and which file they change."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Engine


class UnknownVersion(Exception):
    """The file has a version that no script leads to."""


def upgrade(engine: Engine, version: str = "head") -> None:
    """Brings the file behind `engine` to that version (the newest by default), or leaves it unchanged.

    Raises UnknownVersion.
    """
    config = _config()
    config.attributes["engine"] = engine
    try:
        command.upgrade(config, version)
    except CommandError as error:
        raise UnknownVersion(str(error)) from None


def leads_on_from(version: str) -> bool:
    """Whether a known script produced this version, so that the later scripts can follow."""
    scripts = ScriptDirectory.from_config(_config())
    return any(script.revision == version for script in scripts.walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
