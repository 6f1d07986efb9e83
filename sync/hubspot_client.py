"""HubSpot, read only: search, batch reads, association labels, owners, properties.

Here is what is asked, by which paths, and how it is paged. How a call is made, and what answers and refusals mean, is
in `sync/hubspot/`. An answer without the promised shape is refused.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Protocol, TypeVar

from sync.domain.moments import moment
from sync.domain.numbers import whole
from sync.domain.views import Label, Owner
from sync.errors import Denied, Malformed, Refused
from sync.hubspot import answers
from sync.hubspot.answers import (
    MODIFIED,
    Associations,
    BatchRead,
    Histories,
    HubSpotObject,
    ObjectType,
    Page,
    Portal,
    Property,
    Version,
    read_portal,
)
from sync.hubspot.associations import AssociationReading, contact_row, without_associations
from sync.hubspot.calls import Budget, Calls
from sync.net.connections import Trust
from sync.net.credentials import Secret, secret
from sync.transport import Pages, RequestRetry, Requests, Tally

__all__ = [
    "MODIFIED",
    "Associations",
    "BatchRead",
    "Budget",
    "Filter",
    "Histories",
    "HubSpotClient",
    "HubSpotObject",
    "HubSpotPort",
    "ObjectType",
    "Page",
    "Property",
    "Version",
]

_T = TypeVar("_T")
Api = Literal["2026-09", "v3"]

SEARCH_PAGE = 200
_SEARCH_BODY = 3_000
"""The most characters of a search body, including the names of properties (HubSpot search guide)."""

BATCH_READ = 100
HISTORY_BATCH = 50
HISTORY = "history"
"""The endpoint under which reads of histories are counted."""

ASSOCIATION_BATCH = 1000
_OWNER_PAGE = 100

PATHS: dict[Api, dict[str, str]] = {
    "2026-09": {
        "search": "/crm/objects/2026-09/{type}/search",
        "batch": "/crm/objects/2026-09/{type}/batch/read",
        "associations": "/crm/associations/2026-09/contacts/companies/batch/read",
        "labels": "/crm/associations/2026-09/contacts/companies/labels",
        "owners": "/crm/owners/2026-09",
        "properties": "/crm/properties/2026-09/{type}",
        # The account's own usage has no dated path (HubSpot usage guidelines).
        "usage": "/account-info/v3/api-usage/daily/private-apps",
        "details": "/account-info/v3/details",
    },
    "v3": {
        "search": "/crm/v3/objects/{type}/search",
        "batch": "/crm/v3/objects/{type}/batch/read",
        "associations": "/crm/v4/associations/contacts/companies/batch/read",
        "labels": "/crm/v4/associations/contacts/companies/labels",
        "owners": "/crm/v3/owners/",
        "properties": "/crm/v3/properties/{type}",
        "usage": "/account-info/v3/api-usage/daily/private-apps",
        "details": "/account-info/v3/details",
    },
}


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition of a search."""

    property: str
    operator: str
    value: str | None = None
    high: str | None = None
    values: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        named = {"value": self.value, "highValue": self.high, "values": list(self.values) or None}
        given = {name: value for name, value in named.items() if value is not None}
        return {"propertyName": self.property, "operator": self.operator, **given}


class HubSpotPort(Protocol):
    """The port to HubSpot: what the jobs need."""

    def search(
        self,
        object_type: ObjectType,
        filters: Sequence[Filter],
        sort: str,
        properties: Sequence[str],
        after: str | None = None,
    ) -> Page: ...

    def count(self, object_type: ObjectType, filters: Sequence[Filter]) -> int: ...

    def read(
        self, object_type: ObjectType, ids: Sequence[str], properties: Sequence[str], *, archived: bool = False
    ) -> BatchRead: ...

    def history(self, contact_ids: Sequence[str], properties: Sequence[str]) -> Histories: ...

    def associations(self, contact_ids: Sequence[str]) -> Associations: ...

    def labels(self) -> list[Label]: ...

    def owners(self) -> list[Owner]: ...

    def properties(self, object_type: ObjectType) -> list[Property]: ...

    def usage(self) -> Budget | None: ...

    def portal(self) -> Portal | None: ...

    @property
    def left_out(self) -> Tally: ...

    @property
    def budget(self) -> Budget | None: ...

    @property
    def time(self) -> datetime | None: ...


@dataclass
class HubSpotClient:
    """The real HubSpot.

    `timeout` in seconds; `sleep` and `monotonic` are parameters so that tests need not wait. Safe for several threads;
    the limits hold for all together.
    """

    base_url: str
    token: Secret | str = field(repr=False)
    api: Api = "2026-09"
    search_per_second: float = 5
    burst_per_10s: int = 90
    timeout: float = 60
    parallel: int = 4
    association_batch: int = ASSOCIATION_BATCH
    read_batch: int = BATCH_READ
    history_batch: int = HISTORY_BATCH
    retry: RequestRetry = field(default_factory=RequestRetry)
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    trust: Trust = field(default_factory=Trust)
    sent: Requests = field(default_factory=Requests)
    left_out: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self._token = secret(self.token)
        self._calls = Calls(
            self.base_url,
            self._token,
            self.search_per_second,
            self.burst_per_10s,
            self.timeout,
            self.retry,
            self.sleep,
            self.trust,
            self.sent,
            self.monotonic,
        )
        self._lock = threading.Lock()
        self._portal: tuple[int, Portal | None] | None = None

    @property
    def budget(self) -> Budget | None:
        """What is left of the day; None before an answer has reported it, which searches never do."""
        return self._calls.budget

    @property
    def time(self) -> datetime | None:
        """What HubSpot's clock said in its latest answer, in UTC; None if that named no time."""
        return self._calls.time

    # ---- reads

    def search(
        self,
        object_type: ObjectType,
        filters: Sequence[Filter],
        sort: str,
        properties: Sequence[str],
        after: str | None = None,
    ) -> Page:
        """One page (up to 200) of a search, ascending by `sort`.

        `after` is an offset, and rows that change meanwhile shift others past it: callers go on from the last value
        instead where possible.
        """
        body: dict[str, object] = {
            "filterGroups": [{"filters": [f.to_json() for f in filters]}],
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": sorted({*properties, MODIFIED[object_type]}),
            "limit": SEARCH_PAGE,
            **({"after": after} if after else {}),
        }
        if len(json.dumps(body)) <= _SEARCH_BODY:
            return self._search(object_type, body, properties)
        # The names do not fit into one search body: the search finds the rows, reads by id fetch their values.
        page = self._search(object_type, body | {"properties": [MODIFIED[object_type]]})
        read = {o.id: o for o in self.read(object_type, [o.id for o in page.objects], properties).objects}
        objects = tuple(read[o.id] for o in page.objects if o.id in read)
        return replace(page, objects=objects, left_out=page.rows - len(objects))

    def _search(self, object_type: ObjectType, body: Mapping[str, object], wanted: Sequence[str] = ()) -> Page:
        what = f"a search of {object_type}"
        data = self._calls.call("search", "POST", self._path("search", object_type), body)
        total, rows = answers.total(data, what), answers.complete(data, what)
        objects = self._usable(object_type, (answers.hubspot_object(row, object_type, wanted) for row in rows))
        return Page(total, objects, answers.cursor(data, what), len(rows) - len(objects))

    def _usable(self, kind: str, rows: Iterable[_T | None]) -> tuple[_T, ...]:
        """The usable rows. The others are counted, reported by an alert, and skipped."""
        found = list(rows)
        usable = tuple(row for row in found if row is not None)
        self.left_out.count(kind, len(found) - len(usable))
        return usable

    def count(self, object_type: ObjectType, filters: Sequence[Filter]) -> int:
        """How many objects fulfil the filters, according to HubSpot's index."""
        groups = [{"filters": [f.to_json() for f in filters]}] if filters else []
        return self._search(object_type, {"filterGroups": groups, "limit": 1}).total

    def read(
        self, object_type: ObjectType, ids: Sequence[str], properties: Sequence[str], *, archived: bool = False
    ) -> BatchRead:
        """Objects by id, in batches of 100.

        For the id of a merged object HubSpot returns the survivor, with the survivor's id.
        """

        def batch(part: list[str]) -> BatchRead:
            return self._read(object_type, part, properties, archived)

        found = self._batches(ids, "read_batch", batch)
        objects = tuple(found_object for part in found for found_object in part.objects)
        return BatchRead(objects, frozenset(i for part in found for i in part.missing))

    def _read(self, object_type: ObjectType, ids: list[str], properties: Sequence[str], archived: bool) -> BatchRead:
        path = self._path("batch", object_type)
        wanted = sorted({*properties, MODIFIED[object_type], "hs_merged_object_ids"})
        # HubSpot's schema of a batch read requires all three.
        body = {"inputs": [{"id": i} for i in ids], "properties": wanted, "propertiesWithHistory": []}
        query = [("archived", "true")] if archived else []
        what = f"a batch read of {object_type}"
        data = self._calls.call("batch", "POST", path, body, query)
        rows = (answers.hubspot_object(row, object_type, wanted) for row in answers.results(data, what))
        objects = self._usable(object_type, rows)
        missing = [e for e in answers.errors(data, what) if e.get("category") == "OBJECT_NOT_FOUND"]
        return BatchRead(objects, frozenset(i for error in missing for i in answers.ids(error, "ids") if i in ids))

    def history(self, contact_ids: Sequence[str], properties: Sequence[str]) -> Histories:
        """The former and present values of contact properties, by contact; missing contacts are left out.

        50 contacts in one request, which is HubSpot's limit with histories. Counted under `history`, apart from what
        leads cost.
        """
        parts = self._batches(contact_ids, "history_batch", lambda part: self._history(part, properties))
        return {contact: versions for part in parts for contact, versions in part.items()}

    def _history(self, ids: list[str], properties: Sequence[str]) -> dict[str, Mapping[str, tuple[Version, ...]]]:
        what = "a batch read of histories"
        body = {
            "inputs": [{"id": i} for i in ids],
            "properties": [MODIFIED["contacts"]],
            "propertiesWithHistory": list(properties),
        }
        data = self._calls.call(HISTORY, "POST", self._path("batch", "contacts"), body)
        return dict(self._usable("contacts", (answers.history(row) for row in answers.results(data, what))))

    def associations(self, contact_ids: Sequence[str]) -> Associations:
        """All companies of these contacts with all labels, from all pages.

        Only the explicit answer NO_ASSOCIATIONS_FOUND means "none"; a contact without an answer is `failed`.
        """
        parts = self._batches(contact_ids, "association_batch", self._associations)
        return Associations(
            {contact: labels for part in parts for contact, labels in part.found.items()},
            frozenset(contact for part in parts for contact in part.failed),
            frozenset(contact for part in parts for contact in part.unreadable),
        )

    def _associations(self, contact_ids: list[str]) -> Associations:
        reading = AssociationReading()
        waiting: dict[str, str | None] = dict.fromkeys(contact_ids)
        while waiting:
            waiting = self._association_page(waiting, reading)
        return reading.result()

    def _association_page(
        self, waiting: Mapping[str, str | None], reading: AssociationReading
    ) -> dict[str, str | None]:
        """Reads one page of each row; returns the rows with more pages."""
        what = "an association read"
        inputs = [{"id": i} if after is None else {"id": i, "after": after} for i, after in waiting.items()]
        data = self._calls.call("associations", "POST", PATHS[self.api]["associations"], {"inputs": inputs})
        more: dict[str, str | None] = {}
        rows = self._usable("associations", (contact_row(row) for row in answers.results(data, what)))
        for contact, row in rows:
            after = reading.take(contact, row)
            if after:
                more[contact] = after
        alone = without_associations(data, what) & set(waiting)
        reading.end({contact for contact, _ in rows}, alone, set(waiting))
        return more

    def labels(self) -> list[Label]:
        """The portal's association labels from contacts to companies."""
        data = self._calls.call("labels", "GET", PATHS[self.api]["labels"])
        rows = answers.complete(data, "the list of labels")
        return list(self._usable("labels", (answers.label(row) for row in rows)))

    def owners(self) -> list[Owner]:
        """Owners, including deactivated ones, whose ids records keep."""
        return [owner for archived in (False, True) for owner in self._owners(archived)]

    def _owners(self, archived: bool) -> Iterator[Owner]:
        what = "the list of owners"
        pages = Pages("hubspot", what)
        after: str | None = None
        while True:
            query = [("limit", str(_OWNER_PAGE)), ("archived", str(archived).lower())]
            query += [("after", after)] if after else []
            data = self._calls.call("owners", "GET", PATHS[self.api]["owners"], query=query)
            rows = answers.complete(data, what)
            yield from self._usable("owners", (answers.owner(row, archived) for row in rows))
            after = pages.next(answers.cursor(data, what))
            if after is None:
                return

    def properties(self, object_type: ObjectType) -> list[Property]:
        """The portal's properties with the options of enumerations."""
        data = self._calls.call("properties", "GET", self._path("properties", object_type))
        rows = answers.complete(data, f"the properties of {object_type}")
        return list(self._usable("properties", (answers.property_(row) for row in rows)))

    def usage(self) -> Budget | None:
        """The account's daily requests and when they reset; None if the portal does not report it."""
        try:
            data = self._calls.call("usage", "GET", PATHS[self.api]["usage"])
            rows = answers.complete(data, "the daily usage")
        except (Denied, Malformed, Refused):
            return None
        row = rows[0] if rows and isinstance(rows[0], dict) else {}
        limit, used = whole(row.get("usageLimit")), whole(row.get("currentUsage"))
        if limit is None or used is None:
            return None
        return self._calls.learn(Budget(limit, max(0, limit - used), moment(row.get("resetsAt"))))

    def portal(self) -> Portal | None:
        """The portal of the token, requested once for each token; None if the token may not read it."""
        version = self._token.refresh()
        if self._portal is None or self._portal[0] != version:
            self._portal = version, self._asked_portal()
        return self._portal[1]

    def _asked_portal(self) -> Portal | None:
        try:
            return read_portal(self._calls.call("details", "GET", PATHS[self.api]["details"]))
        except (Denied, Malformed, Refused):
            return None

    # ---- one way out

    def _batches(self, ids: Iterable[str], size: str, read: Callable[[list[str]], _T]) -> list[_T]:
        """Reads in portions of the named size, several at a time."""
        distinct, most = list(dict.fromkeys(ids)), getattr(self, size)
        parts = [distinct[n : n + most] for n in range(0, len(distinct), most)]
        if len(parts) < 2 or self.parallel < 2:
            return [result for part in parts for result in self._halving(part, size, read)]
        with ThreadPoolExecutor(min(self.parallel, len(parts))) as pool:
            # Each with a copy of the context, so that log lines keep their run and job.
            futures = [pool.submit(copy_context().run, self._halving, part, size, read) for part in parts]
            return [result for future in futures for result in future.result()]

    def _halving(self, part: list[str], size: str, read: Callable[[list[str]], _T]) -> list[_T]:
        """Reads a portion, or its halves if HubSpot refuses that many (its limits have changed
        before, airbyte#48834).
        """
        try:
            return [read(part)]
        except Refused as refused:
            if refused.status != 400 or len(part) == 1:
                raise
        half = (len(part) + 1) // 2
        results = [*self._halving(part[:half], size, read), *self._halving(part[half:], size, read)]
        with self._lock:
            setattr(self, size, min(half, getattr(self, size)))
        return results

    def _path(self, name: str, object_type: ObjectType) -> str:
        return PATHS[self.api][name].format(type=object_type)
