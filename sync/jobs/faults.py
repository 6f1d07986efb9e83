"""Exceptions that concern one contact: it is parked, everybody else goes on. The same one on many is a bug of ours."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb

from sqlalchemy.exc import OperationalError

from sync import metrics
from sync.domain.codes import Code
from sync.errors import Defect, SyncError
from sync.jobs.context import Context
from sync.lifecycle import Failed
from sync.log import Event, emit
from sync.state import work

MANY = 10
"""Contacts with the same exception from which on it is a bug of ours, and parks nobody."""

_NOBODYS = (SyncError, OperationalError, OSError, MemoryError)
"""What goes wrong around the contacts: a system, the state file, the machine."""


@dataclass
class Faults:
    """What went wrong with single contacts: type and place of the exception by contact, never a value."""

    found: dict[str, str] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)
    """`change_seq` of each contact as it was looked at."""

    @contextmanager
    def concerning(self, contact: str, change_seq: int) -> Iterator[None]:
        """Keeps an exception for this contact, instead of ending the job by it."""
        try:
            yield
        except _NOBODYS:
            raise
        except Exception as error:
            self.found[contact] = f"{type(error).__name__} at {innermost(error)}"
            self.seqs[contact] = change_seq

    def many(self, parked: Mapping[str, int]) -> dict[str, int]:
        """Those that are on so many contacts that none of them is to blame; `parked`: contacts parked by them before.

        By type and place, the number of contacts.
        """
        numbers: dict[str, int] = defaultdict(int, parked)
        for fault in self.found.values():
            numbers[fault] += 1
        return {fault: numbers[fault] for fault in set(self.found.values()) if numbers[fault] >= MANY}


def innermost(error: Exception) -> str:
    """`file:line function` of our own code where it happened; the message may hold values, so it is left out."""
    frames = [frame for frame in extract_tb(error.__traceback__) if "sync" in Path(frame.filename).parts]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name}" if frames else "an unknown place"


def settle(context: Context, faults: Faults) -> int:
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
        told = "; ".join(f"{fault} on {number} contacts" for fault, number in sorted(many.items()))
        raise Defect(f"a bug: {told}; nobody is parked by it, the contacts stay pending. Please report it")
