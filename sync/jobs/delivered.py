"""What people were told, also while it cannot be stored: then this process remembers it, and stores it later."""

from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from sync.state import streams
from sync.state.store import Store


@dataclass
class Delivered:
    """Alerts that were told (since when) or are over (None) and that the state store does not know yet."""

    unstored: dict[str, str | None] = field(default_factory=dict)

    def overlaid(self, stored: dict[str, str]) -> dict[str, str]:
        """What people were told, by alert since when."""
        known = {**stored, **self.unstored}
        return {name: since for name, since in known.items() if since is not None}

    def note(self, alert: str, since: str | None) -> None:
        self.unstored[alert] = since

    def store(self, store: Store) -> None:
        """Stores what is not stored yet; where that fails it stays for the next time."""
        if not self.unstored:
            return
        try:
            with store.session() as session:
                for alert, since in self.unstored.items():
                    streams.tell(session, alert, since)
        except (SQLAlchemyError, OSError):
            return
        self.unstored.clear()
