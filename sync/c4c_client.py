"""SAP Sales Cloud as the target of the sync: implements the ports of `planner/target.py` by `$batch` requests."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync.c4c.client import C4CPort
from sync.c4c.entities import collection
from sync.c4c.odata import Query
from sync.c4c.operations import grouped, operation, set_apart
from sync.c4c.reader import Reader
from sync.c4c.scanning import scan_queries, scanned
from sync.domain.rules import Rules
from sync.domain.schema import Schema
from sync.errors import Unanswered
from sync.planner.snapshot import Lookup, Snapshot
from sync.planner.target import Masters, Results, Scan, Scanned
from sync.planner.writes import Write


@dataclass(frozen=True)
class C4C:
    """The `Crm` on top of a client."""

    client: C4CPort

    def target(self, rules: Rules, schema: Schema, besides: Mapping[str, Sequence[str]] | None = None) -> "C4CTarget":
        """Reads and writes by these rules, as far as the tenant has the fields of `schema`.

        `besides`: by entity, fields that are read besides those of the rules.
        """
        return C4CTarget(self.client, Reader(self.client, rules, schema, besides or {}))

    def scan(
        self, scans: Sequence[Scan], rules: Rules, schema: Schema | None = None
    ) -> list[list[Scanned] | Unanswered]:
        """The records of each scan, or why it has none. All are read at once."""
        asked = [(n, query) for n, scan in enumerate(scans) for query in scan_queries(scan, rules, schema)]
        answers = self.client.answers([query for _, query in asked]) if asked else []
        found: list[list[Scanned] | Unanswered] = [[] for _ in scans]
        for (n, _), answer in zip(asked, answers, strict=True):
            known = found[n]
            if not isinstance(answer, list):
                found[n] = answer
            elif isinstance(known, list):
                known += [scanned(scans[n], row, rules) for row in answer]
        return found

    def fields(self, entities: Sequence[str]) -> Schema:
        """The fields of these entities as `$metadata` names them."""
        return self.client.metadata(entities)

    def codes(self, code_lists: Sequence[str]) -> dict[str, dict[str, str]]:
        """Codes with their descriptions by code list."""
        return self.client.codes(code_lists)

    def masters(self, code_lists: Sequence[str], now: datetime) -> Masters:
        """Code lists and valid employees."""
        return self.client.masters(code_lists, now)

    def unreadable(self, entities: Sequence[str]) -> dict[str, Unanswered]:
        """By entity, why it may not be read; tests it by requesting one row of each."""
        answers = self.client.answers([Query(collection(entity), select=("ObjectID",), top=1) for entity in entities])
        return {e: answer for e, answer in zip(entities, answers, strict=True) if not isinstance(answer, list)}


@dataclass(frozen=True)
class C4CTarget:
    """The `Target` on top of a client. Its reader remembers which forms of lookups C4C has answered."""

    client: C4CPort
    reader: Reader

    def find(self, lookups: Iterable[Lookup], snapshot: Snapshot) -> None:
        """Adds the answer to every lookup to `snapshot`."""
        self.reader.find(lookups, snapshot)

    def apply(self, writes: Sequence[Write], alone: Container[tuple[str, str]] = ()) -> Iterator[Results]:
        """First all writes that may share requests, then each write that must go alone, together with its group."""
        for groups in set_apart(grouped(writes), alone):
            answers = self.client.write([[operation(write) for write in group] for group in groups])
            yield [
                (write, result)
                for group, results in zip(groups, answers, strict=True)
                for write, result in zip(group, results, strict=True)
            ]
