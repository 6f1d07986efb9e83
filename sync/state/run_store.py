"""The state store as one run of a job uses it.

Most runs find nothing to do. Such a run costs one small transaction: its row in the history is written together with
what it has completed, and not at its start as that of a run which changes something.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlmodel import Session

from sync.state.store import Store

_Write = Callable[[Session], object]


class RunStore(Store):
    """`begin` records the start of the run and returns the number of its row; called with the first change."""

    def __init__(self, store: Store, begin: Callable[[Session], int]) -> None:
        self.path, self.version = store.path, store.version
        self.engine, self.identity = store.engine, store.identity
        self._begin = begin
        self._at_end: list[_Write] = []
        self.number: int | None = None
        """The row of this run; None as long as it has changed nothing."""

    @contextmanager
    def session(self) -> Iterator[Session]:
        number = self.number
        with super().session() as session:
            before = _changes(session)
            yield session
            session.flush()
            if number is None and _changes(session) != before:
                number = self._begin(session)
        self.number = number

    def at_end(self, write: _Write) -> None:
        self._at_end.append(write)

    def finish(self, record: _Write) -> None:
        """Writes what waits for the end, and the record of the run, in one transaction."""
        with super().session() as session:
            for write in (*self._at_end, record):
                write(session)


def _changes(session: Session) -> int:
    """Rows that were inserted, updated or deleted since the connection was opened (SQLite's `total_changes`)."""
    connection = session.connection().connection.driver_connection
    assert connection is not None
    found: int = connection.total_changes
    return found
