"""The only way to HubSpot: pacing, retries, a renewed token, and the number of requests that answers report as left.

Every call goes through the SDK's low-level `call_api`, because the SDK's own methods only know paths whose support ends
in 2027, have no timeout and drop fields. The SDK's retries are off; ours are in `sync.transport`.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any

from urllib3.exceptions import HTTPError

from sync import metrics
from sync.domain.numbers import whole
from sync.domain.text import parsed
from sync.errors import Denied, Malformed
from sync.hubspot.refusals import RateLimited, not_utf8, sdk_refusal, translated
from sync.net import connections, outages
from sync.net.bodies import Oversized
from sync.net.connections import SdkPool, Trust
from sync.net.credentials import Secret
from sync.net.outages import Place
from sync.transport import LONGEST_WAIT, Pacer, RequestRetry, Requests, with_retry


@dataclass(frozen=True, slots=True)
class Budget:
    """The account's requests of the day, as last reported, less those sent since."""

    limit: int
    left: int
    resets_at: datetime | None = None


@dataclass
class Calls:
    """Calls for one account; `timeout` in seconds. Safe for several threads, which share its limits."""

    base_url: str
    token: Secret
    search_per_second: float = 5
    burst_per_10s: int = 90
    timeout: float = 60
    retry: RequestRetry = field(default_factory=RequestRetry)
    sleep: Callable[[float], None] = time.sleep
    trust: Trust = field(default_factory=Trust)
    sent: Requests = field(default_factory=Requests)
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        # Imported here, so that commands without network start without the SDK's eighty modules.
        import hubspot

        sdk = hubspot.HubSpot(access_token="", host=self.base_url)
        # Kept, since each access through the SDK's attribute would open a new connection pool.
        self._client = sdk.crm.objects.basic_api.api_client
        self._client.set_default_header("Accept-Encoding", "gzip")
        self._client.set_default_header("Accept-Language", "en")
        # The SDK's own User-Agent, `name; version`, is invalid (RFC 9110 10.1.5).
        self._client.user_agent = _user_agent()
        self._place = Place(self.base_url, "HUBSPOT_BASE_URL")
        session = connections.stateless(self.base_url, connections.adapter(self.base_url, self.trust))
        self._client.rest_client.pool_manager = SdkPool(session, 2 * self.timeout)
        self._search_pacer = Pacer(self.search_per_second * _EVENNESS, self.monotonic, self.sleep)
        self._pacer = Pacer(self.burst_per_10s / 10, self.monotonic, self.sleep)
        self._lock = threading.Lock()
        self._budget: Budget | None = None
        self.time: datetime | None = None
        """What HubSpot's clock said in its latest answer, if that named a time."""

    @property
    def budget(self) -> Budget | None:
        """What is left of the day; None before an answer has reported it, which searches never do."""
        return self._budget

    def learn(self, budget: Budget) -> Budget:
        """Keeps the numbers that the account's own usage reported."""
        with self._lock:
            self._budget = budget
        return budget

    def call(
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
                pacer.ease()
                raise

        return with_retry(self.retry, once, self.sleep)

    def _send_again(
        self, endpoint: str, method: str, path: str, body: object, query: list[tuple[str, str]]
    ) -> dict[str, Any]:
        """One request; repeated once if the token was refused and its file holds another one by now."""
        used = self.token.refresh()
        try:
            return self._send(endpoint, method, path, body, query)
        except Denied:
            self.token.reread()
            if self.token.version == used:
                raise
        self.sent.count(endpoint)
        return self._send(endpoint, method, path, body, query)

    def _send(
        self, endpoint: str, method: str, path: str, body: object, query: list[tuple[str, str]]
    ) -> dict[str, Any]:
        self._client.configuration.access_token = self.token.value
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
        except sdk_refusal() as error:
            metrics.count_answer("hubspot", endpoint, error.status)
            raise translated(error, endpoint) from None
        except UnicodeDecodeError as error:
            raise not_utf8(error, endpoint) from None
        except Oversized as error:
            raise Malformed("hubspot", f"{endpoint}: {error}") from None
        except (HTTPError, OSError) as error:
            metrics.count_answer("hubspot", endpoint, None)
            raise outages.outage_of(error, self._place).error("hubspot", endpoint) from None
        metrics.count_answer("hubspot", endpoint, answer.status)
        self._note_budget(answer.headers)
        self.time = _date(answer.headers)
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


def _date(headers: Mapping[str, str]) -> datetime | None:
    """The time at which an answer was made (RFC 9110, 6.6.1)."""
    try:
        return parsedate_to_datetime(headers.get("Date") or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _json_object(body: bytes, endpoint: str) -> dict[str, Any]:
    try:
        data = parsed(body)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise Malformed("hubspot", f"{endpoint}: the answer is not a JSON object; is a proxy in between?")
    return data


def _user_agent() -> str:
    return f"hubspot-c4c-sync/{version('hubspot-c4c-sync')} hubspot-api-client/{version('hubspot-api-client')}"


def _budget(headers: Mapping[str, str]) -> Budget | None:
    limit, left = (whole(headers.get(f"X-HubSpot-RateLimit-Daily{end}")) for end in ("", "-Remaining"))
    return None if limit is None or left is None else Budget(limit, left)


_EVENNESS = 0.96
"""Requests arrive less evenly than they start, and HubSpot counts any second: at exactly five a second, now and then a
sixth arrives within one and is refused. With this share of the pace, it may come 40 ms early.
"""

_RUNNING_OUT = 0.1
"""We slow down when less than this share of an interval's requests is left."""


def _interval_pause(headers: Mapping[str, str]) -> float:
    """Seconds until the next request, so that the interval's remaining requests last; 0 while there are plenty.

    Never longer than LONGEST_WAIT: HubSpot's interval has ten seconds, so a longer one comes from something in between.
    """
    names = ("Max", "Remaining", "Interval-Milliseconds")
    most, left, interval = (whole(headers.get(f"X-HubSpot-RateLimit-{name}")) for name in names)
    if most is None or left is None or interval is None:
        return 0.0
    return 0.0 if left > _RUNNING_OUT * most else min(interval / 1000 / max(left, 1), LONGEST_WAIT)
