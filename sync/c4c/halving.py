"""Reads look-ups from C4C; one that is refused is asked again in halves until the refused value is known.

A tenant may refuse a `$filter` for one of its values, or answer it with a record that nobody can use; everybody whose
value is in the same filter would wait for it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sync.c4c.client import FOR_A_VALUE, C4CPort
from sync.c4c.lookups import FieldQuery
from sync.c4c.odata import Row
from sync.c4c.records import record
from sync.errors import Malformed, Refused, Unanswered
from sync.planner.snapshot import Ask, Record

MANY = 10
"""Values with an unusable record from which on no record is to blame, and nobody is parked by it."""

Place = tuple[str, str, str]
"""Entity, field and value of a look-up."""


@dataclass
class Findings:
    """Records by entity, one that two look-ups found counting once, and the values that cannot be looked up."""

    refused: dict[Place, str] = field(default_factory=dict)
    """Why a value cannot be looked up, with entity and field."""
    unusable: Counter[str] = field(default_factory=Counter)
    """Values by entity that found a record that nobody can use."""
    _records: dict[str, dict[str, Record]] = field(default_factory=dict)

    def add(self, entity: str, found: Iterable[Row]) -> None:
        self._records.setdefault(entity, {}).update((str(row["ObjectID"]), record(entity, row)) for row in found)

    def note(self, query: FieldQuery, why: Unanswered) -> None:
        """The only value of the look-up has no answer. Raises it where that is so for very many."""
        self.refused[query.entity, query.field, query.values[0]] = _words(query, why)
        self.unusable[query.entity] += isinstance(why, Malformed)
        if self.unusable[query.entity] >= MANY:
            raise why

    def by_entity(self) -> dict[str, list[Record]]:
        return {entity: list(records.values()) for entity, records in self._records.items()}

    def __getitem__(self, entity: str) -> list[Record]:
        return list(self._records.get(entity, {}).values())


class Halving:
    """Reads for one tenant; remembers which forms of look-ups it has answered."""

    def __init__(self, c4c: C4CPort) -> None:
        self._c4c = c4c
        self._answered: set[tuple[Ask, str, str]] = set()

    def read(self, queries: Sequence[FieldQuery]) -> Findings:
        """The rows of all look-ups; each round asks the halves of what was refused in the one before.

        Raises Refused where a look-up is refused whatever its value is: with a value that nobody has, too; Malformed
        where the records of so many values cannot be used that no record is to blame.
        """
        found, waiting = Findings(), list(queries)
        while waiting:
            refused = self._round(waiting, found)
            unproven = {query.form: query.control() for query in refused if query.form not in self._answered}
            self._prove(unproven.values())
            waiting = [half for query in refused if len(query.values) > 1 for half in query.halves()]
        return found

    def _round(self, queries: Sequence[FieldQuery], found: Findings) -> list[FieldQuery]:
        """Asks for all of them at once; returns those that were refused."""
        refused = []
        for query, answer in zip(queries, self._c4c.answers([one.query() for one in queries]), strict=True):
            if isinstance(answer, list):
                self._answered.add(query.form)
                found.add(query.entity, answer)
                continue
            if isinstance(answer, Refused) and answer.status not in FOR_A_VALUE:
                raise answer
            refused.append(query)
            if isinstance(answer, Malformed):
                self._answered.add(query.form)
            if len(query.values) == 1:
                found.note(query, answer)
        return refused

    def _prove(self, controls: Iterable[FieldQuery]) -> None:
        """Raises Refused where not the values are at fault."""
        asked = list(controls)
        for query, answer in zip(asked, self._c4c.answers([one.query() for one in asked]), strict=True):
            if not isinstance(answer, list):
                raise answer
            self._answered.add(query.form)


def _words(query: FieldQuery, why: Unanswered) -> str:
    return f"{query.entity}.{query.field} cannot be looked up: {why}"
