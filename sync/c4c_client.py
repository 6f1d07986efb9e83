"""SAP Sales Cloud over its OData v2 service: one `requests` session, reads and writes in `$batch`.

Reads are repeated after transient failures. Writes never are: a write whose answer is lost is *unknown*, never
*failed*, and only a look-up by key tells what became of it (C4C has no idempotency key).
"""

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import requests
from requests.adapters import HTTPAdapter

from sync import metrics, odata
from sync.errors import Denied, Malformed, Refused, SyncError, Unavailable
from sync.odata import Operation, Part, Query, Row
from sync.schema import Schema, collection, parse_edmx
from sync.transport import RequestRetry, Requests, with_retry

SERVICE = "/sap/c4c/odata/v1/c4codataapi/"
"""The trailing slash matters: without it the service redirects, and a redirected POST loses its body."""


@dataclass(frozen=True, slots=True)
class Written:
    """The write took effect; `row` is the created record, None for a change."""

    row: Row | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A business or payload error: nothing was written. `message` is free of the values that were sent."""

    message: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody changed the record since it was read (412)."""


@dataclass(frozen=True, slots=True)
class Locked:
    """Somebody has the record open."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No believable answer: the write may have happened. `outage` tells a failing system from a failing record."""

    cause: str
    outage: bool


WriteResult = Written | Rejected | Conflict | Locked | Unknown


@dataclass(frozen=True, slots=True)
class Employee:
    """An employee who can own records: `uuid` as C4C writes it."""

    uuid: str
    email: str


class C4CPort(Protocol):
    """What the jobs need of C4C."""

    def query(self, queries: Sequence[Query]) -> list[list[Row]]: ...

    def write(self, groups: Sequence[Sequence[Operation]]) -> list[list[WriteResult]]: ...

    def employees(self, now: datetime) -> list[Employee]: ...

    def metadata(self, entities: Sequence[str]) -> Schema: ...

    def codes(self, code_lists: Sequence[str]) -> dict[str, dict[str, str]]: ...


@dataclass
class C4CClient:
    """The real C4C. `timeout` in seconds: writes run the tenant's workflows and may take minutes."""

    base_url: str
    username: str | None = None
    password: str | None = None
    cert: tuple[str, str] | None = None
    parallel: int = 4
    batch_operations: int = 50
    timeout: float = 120
    retry: RequestRetry = field(default_factory=RequestRetry)
    sleep: Callable[[float], None] = time.sleep
    sent: Requests = field(default_factory=Requests)

    def __post_init__(self) -> None:
        self._root = self.base_url.rstrip("/") + SERVICE
        self._session = requests.Session()
        self._session.trust_env = True
        if self.cert:
            self._session.cert = self.cert
        elif self.username is not None:
            self._session.auth = (self.username, self.password or "")
        # No `…CodeText`s: nothing is decided by text. Accept must be said, the default is Atom XML.
        self._session.headers.update({"Accept": "application/json", "odata-no-codedescs": "true"})
        self._session.mount(self._root, HTTPAdapter(pool_maxsize=self.parallel))
        self._token: str | None = None
        self._token_lock = threading.Lock()

    # ---- reads

    def query(self, queries: Sequence[Query]) -> list[list[Row]]:
        """The rows of each query, all pages. Raises RemoteError; a refused query is never an empty answer."""
        rows: list[list[Row]] = [[] for _ in queries]
        waiting: list[tuple[int, Query | str]] = list(enumerate(queries))
        while waiting:
            requests_ = [waiting[n : n + self.batch_operations] for n in range(0, len(waiting), self.batch_operations)]
            waiting = []
            for asked, parts in zip(requests_, self._in_parallel(self._read_batch, requests_), strict=True):
                for (index, _), part in zip(asked, parts, strict=True):
                    found, next_link = _list(part)
                    rows[index] += found
                    waiting += [(index, self._relative(next_link))] if next_link else []
        return rows

    def _read_batch(self, asked: list[tuple[int, Query | str]]) -> list[Part]:
        def once() -> list[Part]:
            parts = self._batch([query for _, query in asked])
            for part in parts:
                if part.status >= 500:
                    raise Unavailable("c4c", f"a read in a batch was answered with status {part.status}")
            return parts

        return with_retry(self.retry, once, self.sleep)

    def employees(self, now: datetime) -> list[Employee]:
        """Employees who are valid at `now` and not locked."""
        wanted = ("UUID", "Email", "UserLockedIndicator", "EmployeeValidityStartDate", "EmployeeValidityEndDate")
        [rows] = self.query([Query(collection("Employee"), select=("ObjectID", *wanted))])
        return [Employee(row["UUID"], row["Email"].strip()) for row in rows if _can_own(row, now)]

    def metadata(self, entities: Sequence[str]) -> Schema:
        """The tenant's `$metadata` for these entities (the whole document has some 3 MB)."""
        response = self._get(f"$metadata?$filter={','.join(entities)}", accept="application/xml")
        try:
            return parse_edmx(response.text)
        except ValueError as error:
            raise Malformed("c4c", str(error)) from None

    def codes(self, code_lists: Sequence[str]) -> dict[str, dict[str, str]]:
        """Codes with their descriptions by code list; a list that the tenant does not offer is left out."""
        if not code_lists:
            return {}
        queries: list[tuple[int, Query | str]] = [(n, Query(name, orderby="")) for n, name in enumerate(code_lists)]
        parts = [part for n in range(0, len(queries), 50) for part in self._read_batch(queries[n : n + 50])]
        offered = ((name, _list(part)[0]) for name, part in zip(code_lists, parts, strict=True) if part.status == 200)
        return {name: {str(r.get("Code", "")): str(r.get("Description", "")) for r in rows} for name, rows in offered}

    def _get(self, path: str, accept: str = "application/json") -> requests.Response:
        def once() -> requests.Response:
            return self._send("GET", path, headers={"Accept": accept})

        return with_retry(self.retry, once, self.sleep)

    # ---- writes

    def write(self, groups: Sequence[Sequence[Operation]]) -> list[list[WriteResult]]:
        """Carries out operations in their order within each group; groups run side by side.

        A group holds what touches one account, so that no two requests write to one account at a time. Raises Denied
        if the credentials were refused; every other failure is a result.
        """
        batches = _packed(groups, self.batch_operations)
        results: dict[tuple[int, int], WriteResult] = {}
        for batch, answers in zip(batches, self._in_parallel(self._write_batch, batches), strict=True):
            results |= {place: answer for (place, _), answer in zip(batch, answers, strict=True)}
        return [[results[g, n] for n in range(len(group))] for g, group in enumerate(groups)]

    def _write_batch(self, batch: "list[Placed]") -> list[WriteResult]:
        operations = [operation for _, operation in batch]
        try:
            parts = self._batch(operations)
        except Denied:
            raise
        except SyncError as error:
            refused = isinstance(error, Refused)
            return [Rejected(str(error)) if refused else Unknown(str(error), outage=True) for _ in operations]
        return [_result(operation, part) for operation, part in zip(operations, parts, strict=True)]

    # ---- one way out

    def _batch(self, parts: Sequence[Query | str | Operation]) -> list[Part]:
        boundary = f"batch_{uuid.uuid4().hex}"
        body = odata.batch_body(parts, boundary).encode()
        content_type = f"multipart/mixed; boundary={boundary}"
        response = self._send("POST", "$batch", body, {"Content-Type": content_type, "Accept": "multipart/mixed"})
        try:
            answers = odata.read_batch(response.headers.get("Content-Type", ""), response.content.decode("utf-8"))
        except ValueError as error:
            raise Malformed("c4c", f"$batch: {error}") from None
        if len(answers) != len(parts):
            raise Malformed("c4c", f"$batch: {len(parts)} operations were answered with {len(answers)} parts")
        return answers

    def _send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """One request; a refused CSRF token is fetched anew once, since the refusal had no effect."""
        used = self._token
        response = self._once(method, path, body, headers)
        if response.status_code == 403 and _wants_token(response):
            self._fetch_token(used)
            response = self._once(method, path, body, headers)
        _raise_for(response, f"{method} {path.split('?')[0]}")
        return response

    def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None) -> requests.Response:
        endpoint = f"{method} {path.split('?')[0]}"
        self.sent.count(endpoint)
        token = {"x-csrf-token": self._token} if self._token and method != "GET" else {}
        try:
            response = self._session.request(
                method,
                self._root + path,
                data=body,
                headers={**(headers or {}), **token},
                timeout=(min(10.0, self.timeout), self.timeout),
                allow_redirects=False,
            )
            metrics.answered("c4c", endpoint, response.status_code)
            return response
        except requests.RequestException as error:
            metrics.answered("c4c", endpoint, None)
            raise Unavailable("c4c", f"{endpoint}: no answer ({type(error).__name__})") from None

    def _fetch_token(self, refused: str | None) -> None:
        """Fetches a token with its cookies into the session's one jar (KBA 3048103: all cookies count)."""
        with self._token_lock:
            if self._token != refused:
                return
            self._session.cookies.clear()
            response = self._once("GET", "", None, {"x-csrf-token": "fetch"})
            _raise_for(response, "GET (service root)")
            self._token = response.headers.get("x-csrf-token")

    def _relative(self, link: str) -> str:
        return link.removeprefix(self._root) if link.startswith(self._root) else link.rpartition("/c4codataapi/")[2]

    def _in_parallel(self, call: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        if len(items) < 2 or self.parallel < 2:
            return [call(item) for item in items]
        with ThreadPoolExecutor(min(self.parallel, len(items))) as pool:
            return list(pool.map(call, items))


Placed = tuple[tuple[int, int], Operation]
"""An operation with its place: group and position."""


def _packed(groups: Sequence[Sequence[Operation]], size: int) -> list[list[Placed]]:
    """Groups packed into batches of about `size`; a group is never torn apart."""
    batches: list[list[Placed]] = []
    for g, group in enumerate(groups):
        placed = [((g, n), operation) for n, operation in enumerate(group)]
        if not batches or len(batches[-1]) + len(placed) > size:
            batches.append([])
        batches[-1] += placed
    return [batch for batch in batches if batch]


# ---- reading answers


def _list(part: Part) -> tuple[list[Row], str | None]:
    if part.status != 200:
        code, message = odata.error_text(part.body)
        raise Refused("c4c", f"a read was refused with status {part.status}: {safe_text(code, message)}", part.status)
    _refuse_sap_message(part.headers, "a read")
    try:
        return odata.many(part.json())
    except ValueError:
        raise Malformed("c4c", "a read was answered with something that is no list") from None


def _refuse_sap_message(headers: Mapping[str, str], what: str) -> None:
    trouble = odata.sap_message(headers)
    if trouble:
        raise Refused("c4c", f"{what}: {safe_text(*trouble)}")


def _result(operation: Operation, part: Part) -> WriteResult:
    trouble = odata.sap_message(part.headers) if part.status < 300 else odata.error_text(part.body)
    if part.status < 300 and trouble is None:
        return _written(operation, part)
    code, message = trouble or ("", "")
    if part.status == 412:
        return Conflict()
    if re.search(r"locked by", message, re.IGNORECASE):
        return Locked()
    if part.status >= 500:
        return Unknown(f"status {part.status}", outage=False)
    return Rejected(safe_text(code, message or f"status {part.status}", operation.body.values()))


def _written(operation: Operation, part: Part) -> WriteResult:
    if operation.method != "POST":
        return Written()
    try:
        row = odata.one(part.json())
    except ValueError:
        return Unknown("the created record was not shown", outage=False)
    return Written(row) if row.get("ObjectID") else Unknown("the created record has no ObjectID", outage=False)


def safe_text(code: str, message: str, sent: Iterable[object] = ()) -> str:
    """An error text without the values that were sent, quotations, e-mail addresses or long numbers; 200 characters."""
    for value in sorted((str(v) for v in sent if len(str(v)) > 2), key=len, reverse=True):
        message = message.replace(value, "…")
    message = re.sub(r"'[^']*'|\"[^\"]*\"|«[^»]*»", "…", message)
    message = re.sub(r"\S+@\S+|\+?\d[\d ()/-]{5,}\d", "…", message)
    return f"{code}: {message}".strip(": ")[:200]


def _wants_token(response: requests.Response) -> bool:
    required = response.headers.get("x-csrf-token", "").lower() == "required"
    return required or "csrf token validation failed" in response.text.lower()


def _raise_for(response: requests.Response, endpoint: str) -> None:
    status = response.status_code
    if status < 300:
        trouble = odata.sap_message(response.headers)
        if trouble:
            raise Refused("c4c", f"{endpoint}: {safe_text(*trouble)}", status)
        return
    if status == 401:
        raise Denied(
            "c4c", "the credentials were refused (401); check C4C_USERNAME and C4C_PASSWORD or the certificate"
        )
    if status == 403:
        raise Denied("c4c", f"{endpoint}: forbidden (403); check the services ticked in the communication arrangement")
    if status >= 500 or status == 429:
        raise Unavailable("c4c", f"{endpoint}: status {status}", _wait(response))
    if status < 400:
        raise Malformed("c4c", f"{endpoint}: redirected ({status}); check that C4C_BASE_URL is the tenant's root")
    code, message = odata.error_text(response.text)
    raise Refused("c4c", f"{endpoint}: status {status}: {safe_text(code, message)}", status)


def _wait(response: requests.Response) -> float | None:
    asked = response.headers.get("Retry-After", "")
    return float(asked) if asked.isdigit() else None


def _can_own(row: Row, now: datetime) -> bool:
    if not row.get("UUID") or not row.get("Email") or str(row.get("UserLockedIndicator")).lower() == "true":
        return False
    start, end = (odata.read_date(row.get(f"EmployeeValidity{which}Date")) for which in ("Start", "End"))
    # The end date is a day, and the employee is valid through that day.
    return (start is None or start <= now) and (end is None or end.date() >= now.date())
