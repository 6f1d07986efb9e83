"""Reads lookups from C4C; a refused one is repeated in halves until the refused value is found.

A tenant may refuse a `$filter` because of one of its values, or answer it with an unusable record; all contacts with a
value in the same filter would then have to wait.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sync.c4c.client import FOR_A_VALUE, C4CPort
from sync.c4c.lookups import FieldQuery
from sync.c4c.odata import Row
from sync.c4c.records import record_of
from sync.errors import Malformed, Refused, Unanswered
from sync.planner.snapshot import Ask, Record

_MANY = 10
"""From this many values with unusable records on, the records are not to blame, and no contact is parked for them."""

_Place = tuple[str, str, str]
"""Entity, field and value of a lookup."""


@dataclass
class Findings:
    """Records by entity (each once, even if two lookups found it), and the values that cannot be looked up."""

    refused: dict[_Place, str] = field(default_factory=dict)
    """By entity, field and value, why it cannot be looked up."""
    unusable: Counter[str] = field(default_factory=Counter)
    """By entity, the values that found an unusable record."""
    _records: dict[str, dict[str, Record]] = field(default_factory=dict)

    def add(self, entity: str, found: Iterable[Row]) -> None:
        self._records.setdefault(entity, {}).update((str(row["ObjectID"]), record_of(entity, row)) for row in found)

    def note(self, query: FieldQuery, why: Unanswered) -> None:
        """Notes that the only value of a lookup has no answer.

        Raises the failure if that happens to very many values.
        """
        self.refused[query.entity, query.field, query.values[0]] = _words(query, why)
        self.unusable[query.entity] += isinstance(why, Malformed)
        if self.unusable[query.entity] >= _MANY:
            raise why

    def by_entity(self) -> dict[str, list[Record]]:
        return {entity: list(records.values()) for entity, records in self._records.items()}

    def __getitem__(self, entity: str) -> list[Record]:
        return list(self._records.get(entity, {}).values())


class Halving:
    """Reads for one tenant, and remembers which forms of lookups it has answered."""

    def __init__(self, c4c: C4CPort) -> None:
        self._c4c = c4c
        self._answered: set[tuple[Ask, str, str]] = set()

    def read(self, queries: Sequence[FieldQuery]) -> Findings:
        """The rows of all lookups.

        Each round repeats the halves of what was refused in the one before. Raises Refused if a lookup is refused for
        any value, even one that no record has; Malformed if the records of very many values are unusable, so that no
        single record is to blame.
        """
        found, waiting = Findings(), list(queries)
        while waiting:
            refused = self._round(waiting, found)
            unproven = {query.form: query.control() for query in refused if query.form not in self._answered}
            self._prove(unproven.values())
            waiting = [half for query in refused if len(query.values) > 1 for half in query.halves()]
        return found

    def _round(self, queries: Sequence[FieldQuery], found: Findings) -> list[FieldQuery]:
        """Reads all of them at once; returns those that were refused."""
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
        """Raises Refused if the values are not at fault."""
        asked = list(controls)
        for query, answer in zip(asked, self._c4c.answers([one.query() for one in asked]), strict=True):
            if not isinstance(answer, list):
                raise answer
            self._answered.add(query.form)


def _words(query: FieldQuery, why: Unanswered) -> str:
    return f"{query.entity}.{query.field} cannot be looked up: {why}"
