"""Handles exceptions that concern one contact: it is parked, and the others go on.

The same exception on many contacts is a bug.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, InterfaceError, ProgrammingError
from sqlmodel import Session

from sync import metrics
from sync.context import Context
from sync.domain.codes import Code
from sync.domain.numbers import in_order
from sync.domain.views import ContactView
from sync.errors import Defect, SyncError
from sync.lifecycle import Failed
from sync.log import Event, emit
from sync.mirror import loading
from sync.state import work

_MANY = 10
"""From this many contacts on, the same exception counts as a bug, and none of them is parked."""

Item = TypeVar("Item")

_Concerned = Mapping[str, int]
"""Contacts, with the `change_seq` that each had when it was loaded."""


_Load = Callable[[Session, Sequence[str]], dict[str, ContactView]]


@dataclass
class Faults:
    """Collects exceptions by contact: type and place of each, never a value."""

    found: dict[str, str] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)
    """`change_seq` of each contact when it was loaded."""

    @contextmanager
    def concerning(self, contacts: _Concerned) -> Iterator[None]:
        """Notes an exception for these contacts instead of letting it end the job."""
        try:
            yield
        except Exception as error:
            if _concerns_nobody(error):
                raise
            self.found |= dict.fromkeys(contacts, f"{type(error).__name__} at {_innermost(error)}")
            self.seqs |= contacts

    def each(
        self, items: Sequence[Item], act: Callable[[Sequence[Item]], object], owners: Callable[[Item], _Concerned]
    ) -> None:
        """Calls `act` on all items at once; after an exception on each half, and so on down to the items at fault.

        `act` must handle all of its items or none. `owners`: the contacts that an item belongs to.
        """
        if len(items) < 2:
            with self.concerning(owners(items[0]) if items else {}):
                act(items)
            return
        try:
            act(items)
        except Exception as error:
            if _concerns_nobody(error):
                raise
            half = len(items) // 2
            self.each(items[:half], act, owners)
            self.each(items[half:], act, owners)

    def views(
        self, session: Session, contact_ids: Sequence[str], load: _Load = loading.views
    ) -> dict[str, ContactView]:
        """The views of these contacts, without those that cannot be built."""
        found: dict[str, ContactView] = {}
        seqs = work.change_seqs(session, contact_ids)
        self.each(contact_ids, lambda ids: found.update(load(session, ids)), lambda contact: {contact: seqs[contact]})
        return found

    def many(self, parked: Mapping[str, int]) -> dict[str, int]:
        """The exceptions on so many contacts that the program must be at fault.

        `parked`: contacts that they have parked before.

        By type and place, the number of contacts.
        """
        numbers: dict[str, int] = defaultdict(int, parked)
        for fault in self.found.values():
            numbers[fault] += 1
        return {fault: numbers[fault] for fault in set(self.found.values()) if numbers[fault] >= _MANY}

    def listed(self) -> list[dict[str, str]]:
        """Contact, code and text of each. Raises Defect where the same exception concerns many."""
        raise_many(self.many({}))
        code = str(Code.INTERNAL_ERROR)
        return [{"contact": i, "code": code, "text": self.found[i]} for i in sorted(self.found, key=in_order)]


def _concerns_nobody(error: Exception) -> bool:
    """Whether the failure is not about contacts, but about a system, the state file or the machine."""
    if isinstance(error, IntegrityError | DataError | InterfaceError | ProgrammingError):
        # SQLite refuses a value itself, such as a text with half a surrogate pair; that does concern the contact.
        return False
    return isinstance(error, SyncError | DatabaseError | OSError | MemoryError)


def _innermost(error: Exception) -> str:
    """The place in our own code as `file:line function`. The message is left out, since it may hold values."""
    frames = [frame for frame in extract_tb(error.__traceback__) if "sync" in Path(frame.filename).parts]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name}" if frames else "an unknown place"


def settle_faults(context: Context, faults: Faults) -> int:
    """Parks the contacts that an exception concerns; returns how many.

    Raises Defect where the same exception concerns many: those stay pending.
    """
    if not faults.found:
        return 0
    with context.store.session() as session:
        many = faults.many(work.parked_details(session, Code.INTERNAL_ERROR))
        blamed = {contact: fault for contact, fault in faults.found.items() if fault not in many}
        for contact, fault in blamed.items():
            outcome = Failed(Code.INTERNAL_ERROR, fault)
            work.finish(session, contact, faults.seqs[contact], outcome, context.retry_policy, context.now())
    for contact, fault in blamed.items():
        metrics.DECISIONS.labels(str(Code.INTERNAL_ERROR)).inc()
        emit(Event.CONTACT_PARKED, contact=contact, code=str(Code.INTERNAL_ERROR), cause=fault)
    raise_many(many)
    return len(blamed)


def raise_many(many: Mapping[str, int]) -> None:
    """Raises Defect if there are any."""
    if many:
        summary = "; ".join(f"{fault} on {number} contacts" for fault, number in sorted(many.items()))
        raise Defect(f"a bug: {summary}; no contact is parked for it, they stay pending. Please report it")
