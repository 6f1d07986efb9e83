"""One round of a batch: which writes are sent together, to which contacts they belong, and how a contact ends. Pure.

Planning starts anew after each round, so a round holds only what can be written now, each record once."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sync.domain.codes import Code
from sync.domain.entities import Entity
from sync.handover.batch import Batch, decided, stopped
from sync.handover.outcomes import UNKNOWN_ROUNDS
from sync.lifecycle import Done, Failed, Outcome, Postponed
from sync.planner.plan import Write

_MOST_TIMES = 2
"""How often the identical write may succeed in one batch. It is repeated once after somebody reverted it; after that,
something keeps reverting it and we stop.
"""

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
        """The writes that are possible now, each record once. Accounts go before what may depend on them."""
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
        """Those contacts of the write that are still in the batch, each with its `change_seq`."""
        return self.batch.concerned(self.owners[write.entity, write.key])

    def left(self) -> list[Write]:
        """The writes that belong to a contact that is still in the batch."""
        return [write for write in self.writes if self.concerned(write)]

    def lost_in_company(self) -> list[Pair]:
        """Writes whose answers were lost too often together with others: each goes alone from now on.

        A record that breaks every connection must not stop others."""
        failures = self.batch.failures
        return [pair for pair in self.owners if failures[pair] > UNKNOWN_ROUNDS]


def read_stale_again(batch: Batch, writes: Iterable[Write]) -> bool:
    """Has records read again that we changed ourselves, since a PATCH returns no ETag and the next change needs one."""
    stale = [write for write in writes if write.stale]
    for write in stale:
        batch.snapshot.forget(write.entity, write.object_id, ())
    return bool(stale)


def open_again(batch: Batch, writes: Iterable[Write]) -> None:
    """Opens settled contacts again that may need a relationship to an account that was created just now."""
    made = {write.key for write in writes if write.entity == Entity.ACCOUNT} & batch.new_accounts
    complete = [contact for contact, outcome in batch.outcomes.items() if isinstance(outcome, Done)]
    for contact in complete if made else ():
        if any(association.company.id in made for association in batch.views[contact].associations):
            del batch.outcomes[contact]


def settled(batch: Batch, contact: str) -> Outcome | None:
    """The outcome of a contact with nothing left to write, or only writes that keep being reverted; None for others."""
    planned = batch.plans[contact]
    writes = list(planned.ready())
    if not writes:
        return stopped(planned.problem) if planned.problem else decided(planned.decisions)
    # This write succeeded before and was reverted; repeating it would never end.
    return unsettled(batch, contact) if any(batch.repeated[content(w)] >= _MOST_TIMES for w in writes) else None


def unsettled(batch: Batch, contact: str) -> Outcome:
    """The outcome of a contact whose plan still has writes after the last round.

    The same rules would do the same again, so it is parked; only if writes failed on the way is it tried again.
    """
    restless = list(batch.plans[contact].ready())
    names = "; ".join(f"{w.action} {w.entity} {w.key} ({', '.join(sorted(w.values()))})" for w in restless)
    text = f"written again and again without coming to rest: {names}"
    if any(batch.failures[write.entity, write.key] for write in restless):
        unknown = contact in batch.touched
        return Postponed(Code.C4C_CONFLICT, text, blames_record=True, unknown=unknown)
    return Failed(Code.C4C_CONFLICT, text)


def content(write: Write) -> Hashable:
    """The content of a write, without what the record held before."""
    return write.entity, write.key, write.action, repr(sorted(write.body().items()))
