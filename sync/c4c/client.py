"""SAP Sales Cloud over its OData v2 service: one `requests` session, reads and writes in `$batch`.

Reads are repeated after transient failures. Writes never are: a write whose answer is lost is *unknown*, never
*failed*, and only a lookup by key shows whether it succeeded (C4C has no idempotency key).
"""

import contextvars
import itertools
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from sync.c4c import multipart, odata
from sync.c4c.entities import entity_of
from sync.c4c.masters import EMPLOYEES, codes, valid
from sync.c4c.metadata import parse_edmx
from sync.c4c.multipart import Part
from sync.c4c.odata import Operation, Query, Row
from sync.c4c.refusals import words
from sync.c4c.refusals.redaction import sent_in
from sync.c4c.results import result
from sync.c4c.session import Identity, Session
from sync.domain.schema import Schema
from sync.errors import Denied, Malformed, Refused, SyncError, Unanswered, Unavailable
from sync.net.connections import Trust
from sync.planner.target import (
    Aborted,
    Masters,
    RefusedRequest,
    Rejected,
    Unknown,
    WriteResult,
)
from sync.transport import Pages, RequestRetry, Requests, with_retry


class C4CPort(Protocol):
    """What can be sent to C4C. Tests have a stand-in without HTTP that keeps the same promises."""

    def answers(self, queries: Sequence[Query]) -> list[list[Row] | Unanswered]: ...

    def write(self, groups: Sequence[Sequence[Operation]]) -> list[list[WriteResult]]: ...

    def metadata(self, entities: Sequence[str]) -> Schema: ...

    def codes(self, code_lists: Sequence[str]) -> dict[str, dict[str, str]]: ...

    def masters(self, code_lists: Sequence[str], now: datetime) -> Masters: ...


@dataclass
class C4CClient:
    """The real C4C. `timeout` in seconds: writes run the tenant's workflows and may take minutes."""

    base_url: str
    identity: Identity
    parallel: int = 4
    batch_operations: int = 50
    timeout: float = 120
    trust: Trust = field(default_factory=Trust)
    retry: RequestRetry = field(default_factory=RequestRetry)
    sleep: Callable[[float], None] = time.sleep
    sent: Requests = field(default_factory=Requests)

    def __post_init__(self) -> None:
        self._session = Session(
            self.base_url,
            self.identity,
            parallel=self.parallel,
            timeout=self.timeout,
            trust=self.trust,
            retry=self.retry,
            sleep=self.sleep,
            sent=self.sent,
        )

    # ---- reads

    def answers(self, queries: Sequence[Query]) -> list[list[Row] | Unanswered]:
        """The rows of each query, all pages, or why it has none: it was refused, or a row cannot be used.

        Raises RemoteError if C4C as a whole gave no usable answer."""
        found: list[list[Row] | Unanswered] = [[] for _ in queries]
        ways = [Pages("c4c", f"a read of {query.collection}") for query in queries]
        waiting: list[tuple[int, Query | str]] = list(enumerate(queries))
        while waiting:
            asked = [waiting[n : n + _READS] for n in range(0, len(waiting), _READS)]
            waiting = []
            for batch, parts in zip(asked, self._in_parallel(self._read_batch, asked), strict=True):
                for (place, _), part in zip(batch, parts, strict=True):
                    rows, next_link = _page(part, queries[place])
                    next_link = ways[place].next(next_link)
                    known = found[place]
                    found[place] = known + rows if isinstance(known, list) and isinstance(rows, list) else rows
                    # Pages that follow join the next batch, so that many long answers do not cost a request each.
                    waiting += [(place, self._session.relative(next_link))] if next_link else []
        return found

    def _read_batch(self, asked: list[tuple[int, Query | str]]) -> list[Part | Refused]:
        """One answer for each query. A request that is refused as a whole is sent again in halves."""
        return self._read_halves(asked, _Met())

    def _read_halves(self, asked: list[tuple[int, Query | str]], met: "_Met") -> list[Part | Refused]:
        try:
            parts = self._read_parts(asked)
        except Refused as error:
            if met.hopeless() or error.status not in FOR_A_VALUE:
                raise
            if len(asked) == 1:
                met.alone.append(error)
                return [error]
            half = len(asked) // 2
            return [*self._read_halves(asked[:half], met), *self._read_halves(asked[half:], met)]
        met.answered = True
        return list(parts)

    def _read_parts(self, asked: list[tuple[int, Query | str]]) -> list[Part]:
        def once() -> list[Part]:
            parts = self._batch([query for _, query in asked])
            for (_, query), part in zip(asked, parts, strict=True):
                if part.status >= 500 or part.status == 429:
                    raise Unavailable("c4c", _not_answered(query, part))
            return parts

        return with_retry(self.retry, once, self.sleep)

    def metadata(self, entities: Sequence[str]) -> Schema:
        """The tenant's `$metadata` for these entities (the whole document has some 3 MB)."""
        response = self._session.get(f"$metadata?$filter={','.join(entities)}", accept="application/xml")
        try:
            return parse_edmx(response.text)
        except ValueError as error:
            raise Malformed("c4c", str(error)) from None

    def codes(self, code_lists: Sequence[str]) -> dict[str, dict[str, str]]:
        """Codes with their descriptions by code list, without lists that are not offered or hold no code."""
        return codes(code_lists, self.answers([Query(name, orderby="") for name in code_lists]))

    def masters(self, code_lists: Sequence[str], now: datetime) -> Masters:
        """Code lists, and the employees who are valid at `now` and not locked, in one go."""
        found = self.answers([EMPLOYEES, *(Query(name, orderby="") for name in code_lists)])
        staff = found[0]
        return Masters(codes(code_lists, found[1:]), valid(staff, now) if isinstance(staff, list) else None)

    # ---- writes

    def write(self, groups: Sequence[Sequence[Operation]]) -> list[list[WriteResult]]:
        """Carries out operations in their order within each group; groups run side by side.

        A group holds what touches one account, so that no two requests write to one account at a time. A write that was
        rejected together with others is tried once more alone. Every failure is a result: refused credentials, or a bug
        in one of the threads, must not lose the results of the other requests.
        """
        lanes = _lanes(groups, self.batch_operations)
        results: dict[_Place, WriteResult] = {}
        met = _Met()
        for answers in self._in_parallel(lambda lane: self._write_lane(lane, met), lanes):
            results |= answers
        in_company = {place for lane in lanes for batch in lane if len(batch) > 1 for place, _ in batch}
        rejected = [p for p, result in results.items() if isinstance(result, Rejected) and p in in_company]
        for place in sorted(rejected)[:_ALONE]:
            [results[place]] = self._write_batch([groups[place[0]][place[1]]], met)
        return [[results[g, n] for n in range(len(group))] for g, group in enumerate(groups)]

    def _write_lane(self, lane: "_Lane", met: "_Met") -> "dict[_Place, WriteResult]":
        results: dict[_Place, WriteResult] = {}
        for batch in lane:
            answers = self._write_batch([operation for _, operation in batch], met)
            results |= {place: answer for (place, _), answer in zip(batch, answers, strict=True)}
        return results

    def _write_batch(self, operations: Sequence[Operation], met: "_Met") -> list[WriteResult]:
        """The results of one request, or of its halves.

        Nothing more is sent once `met` shows that it would fail too.
        """
        if met.ended:
            return [Aborted(met.ended[0]) for _ in operations]
        if met.hopeless():
            # Several single records were refused and nothing was answered: the requests as such are at fault, and
            # halving them all would only multiply them.
            return [RefusedRequest(met.alone[0], alone=False) for _ in operations]
        try:
            parts = self._batch(operations)
            met.answered = True
            return [result(operation, part) for operation, part in zip(operations, parts, strict=True)]
        except Refused as error:
            return self._write_halves(operations, error, met)
        except Exception as error:
            # Sent, but not answered: only the next lookup can tell whether it took effect.
            if isinstance(error, SyncError) and not isinstance(error, Denied):
                return [Unknown(str(error), outage=True) for _ in operations]
            # Refused credentials, or a bug of ours: each further request would end the same, and C4C locks a user after
            # too many refused passwords.
            met.ended.append(error)
            return [Aborted(error) for _ in operations]

    def _write_halves(self, operations: Sequence[Operation], error: Refused, met: "_Met") -> list[WriteResult]:
        """Sends the halves of a request that was refused as a whole, so that one bad record does
        not stop the others.
        """
        if len(operations) == 1:
            met.alone.append(error)
            return [RefusedRequest(error)]
        half = len(operations) // 2
        return [*self._write_batch(operations[:half], met), *self._write_batch(operations[half:], met)]

    # ---- one way out

    def _batch(self, parts: Sequence[Query | str | Operation]) -> list[Part]:
        batch = odata.batch(parts, (uuid.uuid4().hex for _ in itertools.count()))
        headers = {"Content-Type": batch.content_type, "Accept": "multipart/mixed"}
        response = self._session.send("POST", "$batch", batch.body.encode(), headers, partial(sent_in, parts))
        try:
            answers = multipart.read_batch(
                response.headers.get("Content-Type", ""), response.content.decode("utf-8", "surrogatepass")
            )
        except ValueError as error:
            raise Malformed("c4c", f"$batch: {error}") from None
        # An answer belongs to its operation by its place alone. One that is missing would shift all after it.
        if len(answers) != len(parts):
            raise Malformed("c4c", f"$batch: {len(parts)} operations were answered with {len(answers)} parts")
        return answers

    def _in_parallel(self, call: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        if len(items) < 2 or self.parallel < 2:
            return [call(item) for item in items]
        # With a copy of the context, so that each thread logs under the caller's run and job.
        contexts = [contextvars.copy_context() for _ in items]
        with ThreadPoolExecutor(min(self.parallel, len(items))) as pool:
            return list(pool.map(lambda context, item: context.run(call, item), contexts, items))


_READS = 100
"""Queries in one batch. More than writes, since a read costs C4C less."""

_ALONE = 10
"""The most rejected records that one round tries again alone. With more, the records are not at fault."""

_Place = tuple[int, int]
"""The place of an operation: group and position."""

_Lane = list[list[tuple[_Place, Operation]]]
"""A lane: batches that are sent one after the other."""

_SEVERAL = 3
"""So many requests with a single record may be refused while none is answered; then the requests as
such are at fault.
"""

FOR_A_VALUE = (400, 413, 414)
"""Statuses with which a read may be refused for what it holds; any other refusal concerns the whole entity."""


@dataclass
class _Met:
    """What the requests of one call have met so far.

    Its threads share it and only add to it. `ended`: the failure that ends the call. `alone`: refusals of requests with
    a single record. `answered`: whether any request was answered.
    """

    ended: list[Exception] = field(default_factory=list)
    alone: list[Refused] = field(default_factory=list)
    answered: bool = False

    def hopeless(self) -> bool:
        return not self.answered and len(self.alone) >= _SEVERAL


def _lanes(groups: Sequence[Sequence[Operation]], size: int) -> list[_Lane]:
    """Small groups share batches of about `size` records. A larger group gets a lane of its own."""
    lanes: list[_Lane] = []
    shared: list[tuple[_Place, Operation]] = []
    for g, group in enumerate(groups):
        placed = [((g, n), operation) for n, operation in enumerate(group)]
        if _weight(placed) > size:
            lanes.append(_torn(placed, size))
            continue
        if shared and _weight(shared) + _weight(placed) > size:
            lanes.append([shared])
            shared = []
        shared = [*shared, *placed]
    return [*lanes, [shared]] if shared else lanes


def _torn(placed: Sequence[tuple[_Place, Operation]], size: int) -> _Lane:
    lane: _Lane = [[]]
    for one in placed:
        if lane[-1] and _weight(lane[-1]) + _weight([one]) > size:
            lane.append([])
        lane[-1].append(one)
    return lane


def _weight(placed: Sequence[tuple[_Place, Operation]]) -> int:
    """The number of records that an operation writes.

    Children of a deep insert count, so such batches hold fewer headers.
    """
    return sum(1 + sum(len(v) for v in op.body.values() if isinstance(v, list)) for _, op in placed)


# ---- reading answers


def _page(part: Part | Refused, query: Query) -> tuple[list[Row] | Unanswered, str | None]:
    if isinstance(part, Refused):
        return part, None
    if part.status != 200 or words.trouble(part.headers):
        return Refused("c4c", _not_answered(query, part), part.status if part.status >= 300 else 400), None
    try:
        rows, next_link = odata.many(part.json())
    except ValueError as error:
        raise Malformed("c4c", f"{query.collection}: {error}") from None
    if not _by_id(query):
        return [row for row in rows if isinstance(row, dict)], next_link
    flaws = [flaw for row in rows if (flaw := odata.flaw(row))]
    if flaws:
        # If a flawed row were skipped, a record with our key would count as absent and be created again. Only this
        # query fails.
        return Malformed("c4c", f"{query.collection}: {flaws[0]}"), None
    return rows, next_link


def _by_id(query: Query) -> bool:
    """Whether records of the collection are identified by ObjectID; employees are by UUID, code lists by code."""
    return query.orderby == "ObjectID" and query.collection != EMPLOYEES.collection


def _not_answered(query: Query | str, part: Part) -> str:
    """A sentence on what was read and how C4C refused it, in C4C's words."""
    said = words.spoken([*words.in_body(part.body), *words.in_headers(part.headers)], sent_in([query]))
    return f"{_a_read(query)} was refused with status {part.status}" + (f": {said}" if said else "")


def _a_read(query: Query | str) -> str:
    """Entity and fields of a read, for messages."""
    entity = entity_of(query.collection if isinstance(query, Query) else query.partition("?")[0])
    fields = sorted(sent_in([query]).names)
    return f"a read of {entity}" + (f" by {', '.join(fields)}" if fields else "")
