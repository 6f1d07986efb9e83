"""HubSpot, read only: search, batch reads, association labels, owners, properties.

Every call uses the SDK's low-level `call_api` with our own table of paths, because the SDK's own methods only know
paths whose support ends in 2027, have no timeout and drop fields. The SDK's retries are off; ours are in `transport`.
An answer without the promised shape is refused.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any, Literal, Protocol, TypeVar

from urllib3.exceptions import HTTPError

from sync import hubspot_answers as answers
from sync import metrics
from sync.domain.moments import moment
from sync.domain.numbers import whole
from sync.domain.text import parsed
from sync.domain.views import Label, Owner
from sync.errors import BudgetExhausted, Denied, Malformed, Refused, SyncError, Unavailable
from sync.hubspot_answers import MODIFIED, Associations, BatchRead, HubSpotObject, ObjectType, Page, Property
from sync.net import connections, outages
from sync.net.bodies import Oversized
from sync.net.connections import SdkPool, Trust
from sync.net.credentials import Secret, secret
from sync.net.outages import Place
from sync.transport import LONGEST_WAIT, Pacer, Pages, RequestRetry, Requests, Tally, retry_after, with_retry

__all__ = [
    "MODIFIED",
    "Associations",
    "BatchRead",
    "Filter",
    "HubSpotClient",
    "HubSpotObject",
    "HubSpotPort",
    "ObjectType",
    "Page",
    "Property",
]

T = TypeVar("T")
Api = Literal["2026-09", "v3"]

SEARCH_PAGE = 200
SEARCH_BODY = 3_000
"""The most characters of a search body, including the names of properties (HubSpot search guide)."""

BATCH_READ = 100
ASSOCIATION_BATCH = 1000
OWNER_PAGE = 100

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


@dataclass(frozen=True, slots=True)
class Budget:
    """The account's requests of the day, as last reported, less those sent since."""

    limit: int
    left: int
    resets_at: datetime | None = None


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

    def associations(self, contact_ids: Sequence[str]) -> Associations: ...

    def labels(self) -> list[Label]: ...

    def owners(self) -> list[Owner]: ...

    def properties(self, object_type: ObjectType) -> list[Property]: ...

    def usage(self) -> Budget | None: ...

    def portal_id(self) -> str | None: ...

    @property
    def left_out(self) -> Tally: ...

    @property
    def budget(self) -> Budget | None: ...


@dataclass
class HubSpotClient:
    """The real HubSpot.

    `timeout` in seconds; `sleep` is a parameter so that tests need not wait. Safe for several threads; the limits hold
    for all together.
    """

    base_url: str
    token: Secret | str = field(repr=False)
    api: Api = "2026-09"
    search_per_second: float = 4
    burst_per_10s: int = 90
    timeout: float = 60
    parallel: int = 4
    association_batch: int = ASSOCIATION_BATCH
    read_batch: int = BATCH_READ
    retry: RequestRetry = field(default_factory=RequestRetry)
    sleep: Callable[[float], None] = time.sleep
    trust: Trust = field(default_factory=Trust)
    sent: Requests = field(default_factory=Requests)
    left_out: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        # Imported here, so that commands without network start without the SDK's eighty modules.
        import hubspot

        sdk = hubspot.HubSpot(access_token="", host=self.base_url)
        # Kept, since each access through the SDK's attribute would open a new connection pool.
        self._token = secret(self.token)
        self._client = sdk.crm.objects.basic_api.api_client
        self._client.set_default_header("Accept-Encoding", "gzip")
        self._client.set_default_header("Accept-Language", "en")
        # The SDK's own User-Agent, `name; version`, is invalid (RFC 9110 10.1.5).
        self._client.user_agent = _user_agent()
        self._place = Place(self.base_url, "HUBSPOT_BASE_URL")
        session = connections.stateless(self.base_url, connections.adapter(self.base_url, self.trust))
        self._client.rest_client.pool_manager = SdkPool(session, 2 * self.timeout)
        self._search_pacer = Pacer(self.search_per_second, sleep=self.sleep)
        self._pacer = Pacer(self.burst_per_10s / 10, sleep=self.sleep)
        self._lock = threading.Lock()
        self._budget: Budget | None = None
        self._portal: tuple[int, str | None] | None = None

    @property
    def budget(self) -> Budget | None:
        """What is left of the day; None before an answer has reported it, which searches never do."""
        return self._budget

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
        if len(json.dumps(body)) <= SEARCH_BODY:
            return self._search(object_type, body, properties)
        # The names do not fit into one search body: the search finds the rows, reads by id fetch their values.
        page = self._search(object_type, body | {"properties": [MODIFIED[object_type]]})
        read = {o.id: o for o in self.read(object_type, [o.id for o in page.objects], properties).objects}
        objects = tuple(read[o.id] for o in page.objects if o.id in read)
        return replace(page, objects=objects, left_out=page.rows - len(objects))

    def _search(self, object_type: ObjectType, body: Mapping[str, object], wanted: Sequence[str] = ()) -> Page:
        what = f"a search of {object_type}"
        data = self._call("search", "POST", self._path("search", object_type), body)
        total, rows = answers.total(data, what), answers.complete(data, what)
        objects = self._usable(object_type, (answers.hubspot_object(row, object_type, wanted) for row in rows))
        return Page(total, objects, answers.cursor(data, what), len(rows) - len(objects))

    def _usable(self, kind: str, rows: Iterable[T | None]) -> tuple[T, ...]:
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
        data = self._call("batch", "POST", path, body, query)
        rows = (answers.hubspot_object(row, object_type, wanted) for row in answers.results(data, what))
        objects = self._usable(object_type, rows)
        missing = [e for e in answers.errors(data, what) if e.get("category") == "OBJECT_NOT_FOUND"]
        return BatchRead(objects, frozenset(i for error in missing for i in answers.ids(error, "ids") if i in ids))

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
        reading = _Reading()
        waiting: dict[str, str | None] = dict.fromkeys(contact_ids)
        while waiting:
            waiting = self._association_page(waiting, reading)
        return reading.result()

    def _association_page(self, waiting: Mapping[str, str | None], reading: "_Reading") -> dict[str, str | None]:
        """Reads one page of each row; returns the rows with more pages."""
        what = "an association read"
        inputs = [{"id": i} if after is None else {"id": i, "after": after} for i, after in waiting.items()]
        data = self._call("associations", "POST", PATHS[self.api]["associations"], {"inputs": inputs})
        more: dict[str, str | None] = {}
        named = self._usable("associations", (_named(row) for row in answers.results(data, what)))
        for contact, row in named:
            after = reading.take(contact, row)
            if after:
                more[contact] = after
        alone = _without_associations(data, what) & set(waiting)
        reading.end({contact for contact, _ in named}, alone, set(waiting))
        return more

    def labels(self) -> list[Label]:
        """The portal's association labels from contacts to companies."""
        data = self._call("labels", "GET", PATHS[self.api]["labels"])
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
            query = [("limit", str(OWNER_PAGE)), ("archived", str(archived).lower())]
            query += [("after", after)] if after else []
            data = self._call("owners", "GET", PATHS[self.api]["owners"], query=query)
            rows = answers.complete(data, what)
            yield from self._usable("owners", (answers.owner(row, archived) for row in rows))
            after = pages.next(answers.cursor(data, what))
            if after is None:
                return

    def properties(self, object_type: ObjectType) -> list[Property]:
        """The portal's properties with the options of enumerations."""
        data = self._call("properties", "GET", self._path("properties", object_type))
        rows = answers.complete(data, f"the properties of {object_type}")
        return list(self._usable("properties", (answers.property_(row) for row in rows)))

    def usage(self) -> Budget | None:
        """The account's daily requests and when they reset; None if the portal does not report it."""
        try:
            data = self._call("usage", "GET", PATHS[self.api]["usage"])
            rows = answers.complete(data, "the daily usage")
        except (Denied, Malformed, Refused):
            return None
        row = rows[0] if rows and isinstance(rows[0], dict) else {}
        limit, used = whole(row.get("usageLimit")), whole(row.get("currentUsage"))
        if limit is None or used is None:
            return None
        with self._lock:
            self._budget = Budget(limit, max(0, limit - used), moment(row.get("resetsAt")))
            return self._budget

    def portal_id(self) -> str | None:
        """The portal of the token, requested once for each token; None if the token may not read it."""
        version = self._token.refresh()
        if self._portal is None or self._portal[0] != version:
            self._portal = version, self._asked_portal()
        return self._portal[1]

    def _asked_portal(self) -> str | None:
        try:
            data = self._call("details", "GET", PATHS[self.api]["details"])
        except (Denied, Malformed, Refused):
            return None
        number = whole(data.get("portalId"))
        return str(number) if number is not None else None

    # ---- one way out

    def _batches(self, ids: Iterable[str], size: str, read: Callable[[list[str]], T]) -> list[T]:
        """Reads in portions of the named size, several at a time."""
        parts = list(_portions(ids, getattr(self, size)))
        if len(parts) < 2 or self.parallel < 2:
            return [result for part in parts for result in self._halving(part, size, read)]
        with ThreadPoolExecutor(min(self.parallel, len(parts))) as pool:
            # Each with a copy of the context, so that log lines keep their run and job.
            futures = [pool.submit(copy_context().run, self._halving, part, size, read) for part in parts]
            return [result for future in futures for result in future.result()]

    def _halving(self, part: list[str], size: str, read: Callable[[list[str]], T]) -> list[T]:
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

    def _call(
        self, endpoint: str, method: str, path: str, body: object = None, query: list[tuple[str, str]] | None = None
    ) -> dict[str, Any]:
        pacer = self._search_pacer if endpoint == "search" else self._pacer

        def once() -> dict[str, Any]:
            pacer.wait()
            self.sent.count(endpoint)
            try:
                return self._send_again(endpoint, method, path, body, query or [])
            except RateLimited as limited:
                # The pause holds for all threads, since they would meet the same limit.
                pacer.hold(min(limited.wait or 0.0, LONGEST_WAIT))
                raise

        return with_retry(self.retry, once, self.sleep)

    def _send_again(
        self, endpoint: str, method: str, path: str, body: object, query: list[tuple[str, str]]
    ) -> dict[str, Any]:
        """One request; repeated once if the token was refused and its file holds another one by now."""
        used = self._token.refresh()
        try:
            return self._send(endpoint, method, path, body, query)
        except Denied:
            self._token.reread()
            if self._token.version == used:
                raise
        self.sent.count(endpoint)
        return self._send(endpoint, method, path, body, query)

    def _send(
        self, endpoint: str, method: str, path: str, body: object, query: list[tuple[str, str]]
    ) -> dict[str, Any]:
        self._client.configuration.access_token = self._token.value
        try:
            answer = self._client.call_api(
                path,
                method,
                query_params=query,
                body=body,
                header_params={"Accept": "application/json", "Content-Type": "application/json"},
                auth_settings=["oauth2"],
                # The SDK's own parser fails on deep nesting and other encodings; ours names what is wrong.
                _preload_content=False,
                _request_timeout=(min(10.0, self.timeout), self.timeout),
            )
        except _sdk_refusal() as error:
            metrics.answered("hubspot", endpoint, error.status)
            raise _translated(error, endpoint) from None
        except UnicodeDecodeError as error:
            raise _unreadable(error, endpoint) from None
        except Oversized as error:
            raise Malformed("hubspot", f"{endpoint}: {error}") from None
        except (HTTPError, OSError) as error:
            metrics.answered("hubspot", endpoint, None)
            raise outages.explain(error, self._place).error("hubspot", endpoint) from None
        metrics.answered("hubspot", endpoint, answer.status)
        self._note_budget(answer.headers)
        return _json_object(answer.data, endpoint)

    def _note_budget(self, headers: Mapping[str, str]) -> None:
        """Notes what is left of the day, and slows down when the interval's requests run out (others share them)."""
        reported = _budget(headers)
        with self._lock:
            if reported:
                self._budget = replace(reported, resets_at=self._budget.resets_at if self._budget else None)
            elif self._budget:
                # Answers to searches do not report it, but the searches count.
                self._budget = replace(self._budget, left=max(0, self._budget.left - 1))
        pause = _interval_pause(headers)
        if pause:
            self._pacer.hold(pause)


# ---- reading answers


def _json_object(body: bytes, endpoint: str) -> dict[str, Any]:
    try:
        data = parsed(body)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise Malformed("hubspot", f"{endpoint}: the answer is not a JSON object; is a proxy in between?")
    return data


def _named(row: Any) -> tuple[str, Mapping[str, Any]] | None:
    contact = answers.contact_of(row)
    return (contact, row) if contact else None


@dataclass
class _Reading:
    """The associations of a portion of contacts, as far as read."""

    found: dict[str, set[tuple[str, Label]]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    pages: dict[str, Pages] = field(default_factory=dict)

    def take(self, contact: str, row: Mapping[str, Any]) -> str | None:
        """Keeps one page of a contact; returns the cursor of its next page. Raises Malformed if the cursor repeats."""
        what = "a row of an association read"
        companies = answers.companies_of(row)
        try:
            after = answers.cursor(row, what)
        except Malformed:
            companies = after = None
        if companies is None:
            self.unreadable.add(contact)
            return None
        self.found.setdefault(contact, set()).update(companies)
        return self.pages.setdefault(contact, Pages("hubspot", what)).next(after)

    def end(self, named: set[str], alone: set[str], asked: set[str]) -> None:
        """Ends a round: contacts in `alone` have no company, and those without an answer have failed."""
        for contact in alone:
            self.found.setdefault(contact, set())
        self.failed |= asked - named - alone

    def result(self) -> Associations:
        odd = self.failed | self.unreadable
        found = {contact: frozenset(pairs) for contact, pairs in self.found.items() if contact not in odd}
        return Associations(found, frozenset(self.failed), frozenset(self.unreadable - self.failed))


def _without_associations(data: Mapping[str, Any], what: str) -> set[str]:
    """Contacts that have no association, according to HubSpot.

    The sub-category tells; other errors share the category.
    """
    none_found = "crm.associations.NO_ASSOCIATIONS_FOUND"
    unassociated = (e for e in answers.errors(data, what) if e.get("subCategory") == none_found)
    return {i for error in unassociated for i in answers.ids(error, "fromObjectId")}


def _portions(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    distinct = list(dict.fromkeys(ids))
    return (distinct[n : n + size] for n in range(0, len(distinct), size))


# ---- errors


class RateLimited(Unavailable):
    """Status 429: too many requests in one or ten seconds, by us or by others who share the limit."""


def _translated(error: Any, endpoint: str) -> SyncError:
    """Our error for an SDK exception, by status and policy name.

    The message text does not decide, and the body is not shown.
    """
    status = int(error.status or 0)
    match status:
        case 429:
            return _rate_limited(error, endpoint)
        case 401:
            return Denied("hubspot", "the access token was refused (401); check HUBSPOT_ACCESS_TOKEN")
        case 403:
            return Denied("hubspot", f"{endpoint}: the token lacks a scope (403); see the README for the scopes needed")
        case 423:
            return Unavailable("hubspot", f"{endpoint}: locked (423)", wait=2.0)
        case 477:
            return Unavailable(
                "hubspot", f"{endpoint}: data centre migration (477)", wait=_retry_after(error) or 3600.0
            )
        case 0:
            return Malformed("hubspot", f"{endpoint}: the answer could not be read")
        case _ if status >= 500:
            return Unavailable("hubspot", f"{endpoint}: status {status}")
        case _:
            return Refused("hubspot", f"{endpoint}: refused with status {status}{_category(error)}", status)


def _sdk_refusal() -> Any:
    """The SDK's exception for an unsuccessful answer."""
    from hubspot.crm.objects.exceptions import ApiException

    return ApiException


def _user_agent() -> str:
    return f"hubspot-c4c-sync/{version('hubspot-c4c-sync')} hubspot-api-client/{version('hubspot-api-client')}"


def _unreadable(error: UnicodeDecodeError, endpoint: str) -> SyncError:
    """The error for an answer that is not UTF-8, so not HubSpot's. The SDK fails on it before it returns the status."""
    refusal = error.__context__
    metrics.answered("hubspot", endpoint, getattr(refusal, "status", None))
    if isinstance(refusal, _sdk_refusal()):
        refusal.body = None
        return _translated(refusal, endpoint)
    return Malformed("hubspot", f"{endpoint}: the answer is not a JSON object; is a proxy in between?")


def _rate_limited(error: Any, endpoint: str) -> SyncError:
    if _body(error).get("policyName") == "DAILY":
        message = "the daily request limit is used up; it resets at the portal's midnight"
        return BudgetExhausted("hubspot", message, _retry_after(error))
    # Answers to searches have no rate limit headers and often no policy name. Their window is one second, that of
    # others ten.
    default = 1.0 if endpoint == "search" else 10.0
    asked = _retry_after(error)
    wait = default if asked is None else min(max(asked, 1.0), LONGEST_WAIT)
    return RateLimited("hubspot", f"{endpoint}: rate limit (429)", wait=wait)


def _retry_after(error: Any) -> float | None:
    """Seconds. Sources disagree on seconds or milliseconds, so a value of more than a day is taken as milliseconds."""
    seconds = retry_after((error.headers or {}).get("Retry-After"))
    return seconds / 1000 if seconds is not None and seconds > 86_400 else seconds


def _body(error: Any) -> dict[str, Any]:
    try:
        body = parsed(error.body or "{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _category(error: Any) -> str:
    category = _body(error).get("category")
    return f" ({category})" if isinstance(category, str) and category.isupper() else ""


def _budget(headers: Mapping[str, str]) -> Budget | None:
    limit, left = (whole(headers.get(f"X-HubSpot-RateLimit-Daily{end}")) for end in ("", "-Remaining"))
    return None if limit is None or left is None else Budget(limit, left)


RUNNING_OUT = 0.1
"""We slow down when less than this share of an interval's requests is left."""


def _interval_pause(headers: Mapping[str, str]) -> float:
    """Seconds until the next request, so that the interval's remaining requests last; 0 while there are plenty."""
    names = ("Max", "Remaining", "Interval-Milliseconds")
    most, left, interval = (whole(headers.get(f"X-HubSpot-RateLimit-{name}")) for name in names)
    if most is None or left is None or interval is None:
        return 0.0
    return 0.0 if left > RUNNING_OUT * most else interval / 1000 / max(left, 1)
