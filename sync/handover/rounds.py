"""One round of a batch: which writes go out together, whose they are, and how a contact ends. Pure.

A plan is made again after each round, so a round holds only what can be written now, each record once.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sync.domain.codes import Code
from sync.domain.entities import Entity
from sync.handover.batch import Batch, decided, stopped
from sync.handover.outcomes import UNKNOWN_ROUNDS
from sync.lifecycle import Done, Failed, Outcome, Postponed
from sync.planner.plan import Write

MOST_TIMES = 2
"""Times that the very same write may take effect in one batch: once more after sales undid it, and then it is a war."""

Pair = tuple[str, str]
"""Entity and key of a record."""


@dataclass(frozen=True, slots=True)
class Round:
    """Writes of one batch, and the contacts that each belongs to: several share an account."""

    batch: Batch
    writes: tuple[Write, ...]
    owners: Mapping[Pair, Sequence[str]]

    @classmethod
    def of(cls, batch: Batch, writes: Iterable[Write]) -> "Round":
        chosen = tuple(writes)
        owners: dict[Pair, list[str]] = {(write.entity, write.key): [] for write in chosen}
        for contact in batch.open():
            for write in batch.plans[contact].records:
                if (write.entity, write.key) in owners:
                    owners[write.entity, write.key].append(contact)
        return cls(batch, chosen, owners)

    @classmethod
    def next(cls, batch: Batch) -> "Round":
        """What can be written now, each record once. Accounts go before what may depend on them."""
        chosen: dict[Pair, Write] = {}
        taken: set[str] = set()
        for contact in batch.open():
            for write in batch.plans[contact].ready():
                if (write.entity, write.key) in chosen or write.object_id in taken:
                    continue
                chosen[write.entity, write.key] = write
                taken |= {write.object_id} if write.object_id else set()
        return cls.of(batch, chosen.values())

    def concerned(self, write: Write) -> dict[str, int]:
        """The contacts that the write belongs to, as far as they are still in the batch, each with its `change_seq`."""
        return self.batch.concerned(self.owners[write.entity, write.key])

    def left(self) -> list[Write]:
        """The writes that belong to a contact that is still in the batch."""
        return [write for write in self.writes if self.concerned(write)]

    def lost_in_company(self) -> list[Pair]:
        """Writes whose answers were lost too often together with others: each goes alone from now on.

        A record that breaks every connection must not stop others."""
        failures = self.batch.failures
        return [pair for pair in self.owners if failures[pair] > UNKNOWN_ROUNDS]


def reread(batch: Batch, writes: Iterable[Write]) -> bool:
    """Has records read again that we changed ourselves: a PATCH returns no ETag, and none is ever made up."""
    stale = [write for write in writes if write.stale]
    for write in stale:
        batch.snapshot.forget(write.entity, write.object_id, ())
    return bool(stale)


def reopen(batch: Batch, writes: Iterable[Write]) -> None:
    """Contacts that seemed complete may want a relationship to an account that was only made now."""
    made = {write.key for write in writes if write.entity == Entity.ACCOUNT} & batch.new_accounts
    complete = [contact for contact, outcome in batch.outcomes.items() if isinstance(outcome, Done)]
    for contact in complete if made else ():
        if any(association.company.id in made for association in batch.views[contact].associations):
            del batch.outcomes[contact]


def settled(batch: Batch, contact: str) -> Outcome | None:
    """How a contact ends whose plan has nothing left to write, or nothing that is worth it; None for any other."""
    planned = batch.plans[contact]
    writes = list(planned.ready())
    if not writes:
        return stopped(planned.problem) if planned.problem else decided(planned.decisions)
    # Something is to be written that was written before, and undone: it would be for ever.
    return unsettled(batch, contact) if any(batch.repeated[content(w)] >= MOST_TIMES for w in writes) else None


def unsettled(batch: Batch, contact: str) -> Outcome:
    """How a contact ends whose plan did not come to rest: the same rules would give the same once more.

    Only where writes went wrong on the way is it tried again.
    """
    restless = list(batch.plans[contact].ready())
    names = "; ".join(f"{w.action} {w.entity} {w.key} ({', '.join(sorted(w.values()))})" for w in restless)
    text = f"written again and again without coming to rest: {names}"
    if any(batch.failures[write.entity, write.key] for write in restless):
        unknown = contact in batch.touched
        return Postponed(Code.C4C_CONFLICT, text, blames_record=True, unknown=unknown)
    return Failed(Code.C4C_CONFLICT, text)


def content(write: Write) -> Hashable:
    """What a write is and says, whatever the record held before."""
    return write.entity, write.key, write.action, repr(sorted(write.body().items()))
