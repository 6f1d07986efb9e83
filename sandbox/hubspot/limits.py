"""HubSpot's rate limits: real sliding windows on the sandbox clock (HubSpot usage guidelines)."""

from collections import deque
from collections.abc import Mapping
from typing import Protocol

from sandbox.hubspot.errors import HubSpotError
from sandbox.hubspot.settings import Settings

_DAY_MS = 86_400_000


class Clock(Protocol):
    def ms(self) -> int: ...


class Window:
    """Calls within the last `span_ms`."""

    def __init__(self, span_ms: int) -> None:
        self.span_ms = span_ms
        self._calls: deque[int] = deque()

    def used(self, now: int) -> int:
        while self._calls and self._calls[0] <= now - self.span_ms:
            self._calls.popleft()
        return len(self._calls)

    def take(self, now: int) -> None:
        self._calls.append(now)

    def wait_ms(self, now: int) -> int:
        return max(1, self._calls[0] + self.span_ms - now) if self._calls else 1


class Limits:
    """Search has 5 a second per account, everything else 190 in 10 seconds per app, all share the day."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self.clock = clock
        self.settings = settings
        self.today = 0
        self.used_today = 0
        self._search = Window(1_000)
        self._burst = Window(10_000)

    def take(self, *, search: bool) -> Mapping[str, str]:
        """Count one call, or refuse it; returns the headers that its answer carries."""
        now = self.clock.ms()
        self._new_day(now)
        window = self._search if search else self._burst
        allowed = self.settings.search_per_second if search else self.settings.burst_per_10s
        if self.settings.rate_limits:
            self._check_day(now)
            if window.used(now) >= allowed:
                raise self._refusal(search, window.wait_ms(now))
        window.take(now)
        self.used_today += 1
        # Search answers carry no rate limit headers at all (HubSpot usage guidelines).
        return {} if search else self._headers(now)

    def _new_day(self, now: int) -> None:
        if now // _DAY_MS != self.today:
            self.today, self.used_today = now // _DAY_MS, 0

    def _check_day(self, now: int) -> None:
        if self.used_today >= self.settings.daily_limit:
            wait = _DAY_MS - now % _DAY_MS
            raise self._too_many("You have reached your daily limit.", "DAILY", wait, self._headers(now))

    def _refusal(self, search: bool, wait_ms: int) -> HubSpotError:
        if search:
            # A recorded search 429 has neither policyName nor errorType (grouparoo's nock recordings).
            message = "You have reached your secondly limit."
            return HubSpotError(429, message, "RATE_LIMITS", headers=self._wait(wait_ms))
        message = "You have reached your ten_secondly_rolling limit."
        return self._too_many(message, "TEN_SECONDLY_ROLLING", wait_ms, self._headers(self.clock.ms()))

    def _too_many(self, message: str, policy: str, wait_ms: int, headers: dict[str, str]) -> HubSpotError:
        return HubSpotError(
            429, message, None, headers=headers | self._wait(wait_ms), errorType="RATE_LIMIT", policyName=policy,
            groupName="publicapi:private-apps:api-calls-10-secondly:1", requestId="0" * 32,
        )  # fmt: skip

    def _wait(self, wait_ms: int) -> dict[str, str]:
        """Retry-After is not always there, and sources disagree on its unit (Airbyte's contributor notes)."""
        if self.settings.retry_after is False:
            return {}
        if self.settings.retry_after == "ms":
            return {"Retry-After": str(wait_ms)}
        return {"Retry-After": str(-(-wait_ms // 1000))}

    def _headers(self, now: int) -> dict[str, str]:
        left = self.settings.burst_per_10s - self._burst.used(now)
        return {
            "X-HubSpot-RateLimit-Daily": str(self.settings.daily_limit),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, self.settings.daily_limit - self.used_today)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": str(self.settings.burst_per_10s),
            "X-HubSpot-RateLimit-Remaining": str(max(0, left)),
        }
