"""Lists of alerts, by name, with their beginning. While they cannot be stored, this process keeps them and stores them
later.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from sync.state import streams
from sync.state.store import Store


@dataclass
class Remembered:
    """One list of alerts in the state store, with changes that this process has not stored yet."""

    write: Callable[[Session, str, str | None], None]
    unstored: dict[str, str | None] = field(default_factory=dict)
    """Alerts that joined the list (since when) or left it (None), not stored yet."""
    _noted: dict[str, str | None] = field(default_factory=dict)
    """The same, stored or not, since this process started."""

    def overlaid(self, stored: Mapping[str, str]) -> dict[str, str]:
        """The present list: by alert, since when."""
        return _without_ended({**stored, **self.unstored})

    def here(self, before: Mapping[str, str] | None = None) -> dict[str, str]:
        """The list as this process knows it, for when the state store cannot be read. `before`: the list when it was
        last read.
        """
        return _without_ended({**(before or {}), **self._noted})

    def note(self, alert: str, since: str | None) -> None:
        self.unstored[alert] = self._noted[alert] = since

    def store(self, store: Store) -> None:
        """Stores what is not stored yet; after a failure it is kept for the next time."""
        if not self.unstored:
            return
        try:
            with store.session() as session:
                for alert, since in self.unstored.items():
                    self.write(session, alert, since)
        except (SQLAlchemyError, OSError):
            return
        self.unstored.clear()


def _without_ended(known: Mapping[str, str | None]) -> dict[str, str]:
    return {name: since for name, since in known.items() if since is not None}


def holding() -> Remembered:
    """Alerts whose condition holds, delivered or not."""
    return Remembered(streams.hold)


def delivered() -> Remembered:
    """Alerts whose beginning was delivered to the webhook, and whose end was not yet."""
    return Remembered(streams.deliver)
