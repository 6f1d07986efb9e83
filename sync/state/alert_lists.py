"""Lists of alerts, by name, with their beginning.

While they cannot be stored, this process keeps them and stores them later.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from sync.state.documents import ALERTS, ALERTS_HOLDING
from sync.state.store import Store


def holding(session: Session) -> dict[str, str]:
    """Alerts whose condition holds, and since when.

    In a state of an older version without this list, those that were delivered.
    """
    found = ALERTS_HOLDING.read(session)
    return ALERTS.read(session) if found is None else found


def hold(session: Session, alert: str, since: str | None) -> None:
    """Notes that the condition of the alert holds since then, or (None) no longer."""
    ALERTS_HOLDING.write(session, _changed(holding(session), alert, since))


def _deliver(session: Session, alert: str, since: str | None) -> None:
    """Notes that people were notified that the alert holds since then, or (None) that it has ended."""
    ALERTS.write(session, _changed(ALERTS.read(session), alert, since))


def _changed(known: Mapping[str, str], alert: str, since: str | None) -> dict[str, str]:
    others = {other: at for other, at in known.items() if other != alert}
    return others | ({alert: since} if since else {})


@dataclass
class AlertList:
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
        """The list as this process knows it, for when the state store cannot be read.

        `before`: the list when it was last read.
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


def new_holding() -> AlertList:
    """Alerts whose condition holds, delivered or not."""
    return AlertList(hold)


def new_delivered() -> AlertList:
    """Alerts whose beginning was delivered to the webhook, and whose end was not yet."""
    return AlertList(_deliver)
