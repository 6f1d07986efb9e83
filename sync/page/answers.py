"""The page's one way to the state: a read-only connection of its own, beside whoever writes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sync.admin.people import Asking, record_links
from sync.config import Configuration
from sync.errors import StateError
from sync.state.store import Store, open_read_only, versions


@dataclass
class State:
    """The state file. It is opened again where another file has taken its place."""

    path: Path
    configuration: Configuration
    names: bool
    certificate: Path | None = None
    """Our certificate for SAP Sales Cloud, whose end is a trouble of its own."""
    _store: Store | None = None
    _opening: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def asking(self) -> Iterator[tuple[Asking, Store]]:
        """One consistent state of the file, to ask it questions. Raises StateError."""
        store = self.opened()
        with store.reading() as session:
            links = record_links(session, self.configuration.worker.links)
            yield Asking(session, self.configuration.rules, links, self.names), store

    def opened(self) -> Store:
        """The open file. Raises StateError if it is missing, or was migrated by another version."""
        with self._opening:
            if self._store is None or self._store.replaced:
                self.close()
                self._store = open_read_only(self.path)
            current, ours = versions(self._store)
            if current != ours:
                raise StateError(f"{self.path}: has state version {current}, the page knows {ours}; start it again")
            return self._store

    def close(self) -> None:
        if self._store:
            self._store.close()
        self._store = None
