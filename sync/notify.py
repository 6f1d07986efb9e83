"""Notifies people by webhook: with a generic JSON document, or with the text that Slack and
compatible services expect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import requests
from urllib3.exceptions import HTTPError

from sync import metrics
from sync.errors import ConfigurationError
from sync.log import Event, emit
from sync.net import connections, outages
from sync.net.connections import Trust
from sync.net.credentials import Secret
from sync.net.outages import Place

_TIMEOUT = 10.0
"""Seconds; the worker's loop waits for it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One change of state of one alert. `text` holds no personal data; `step` is what to do next, if anything."""

    alert: str
    state: Literal["firing", "resolved"]
    text: str
    since: str
    host: str
    step: str = ""
    subject: str = ""
    """Tells alerts of one kind apart, if several can hold at a time."""

    @property
    def runbook(self) -> str:
        return f"docs/oncall.md#{self.alert.replace('_', '-')}"

    def generic(self) -> dict[str, Any]:
        return {
            "service": "hubspot-c4c-sync",
            "alert": self.alert,
            "subject": self.subject,
            "state": self.state,
            "text": self.text,
            "step": self.step,
            "since": self.since,
            "host": self.host,
            "runbook": self.runbook,
        }

    def slack(self) -> dict[str, Any]:
        """One message; the next step and the runbook on lines of their own, to be read on a telephone."""
        mark = "🔴" if self.state == "firing" else "🟢"
        head = f"{mark} hubspot-c4c-sync on {self.host}: {self.alert} {self.state}: {self.text}"
        todo = [f"Next: {self.step}"] if self.step else []
        return {"text": "\n".join([head, *todo, f"Runbook: {self.runbook}"])}


class Notify(Protocol):
    """Delivers a notice; False if it must be tried again."""

    def __call__(self, notice: Notice) -> bool: ...


@dataclass(frozen=True)
class Webhook:
    """`url` is a secret: whoever knows it can write into the channel."""

    url: Secret
    format: Literal["generic", "slack"] = "generic"
    trust: Trust = field(default_factory=Trust)

    def __call__(self, notice: Notice) -> bool:
        delivered = self._post(notice.slack() if self.format == "slack" else notice.generic())
        metrics.ALERTS_SENT.labels("delivered" if delivered else "failed").inc()
        return delivered

    def _post(self, body: Mapping[str, Any]) -> bool:
        url = self.url.value
        place = Place(url, "SYNC_ALERT_WEBHOOK")
        try:
            session = connections.stateless(url, connections.adapter(url, self.trust, size=1))
            # The answer's body is of no use and may be endless, so it is not read.
            with session.post(url, json=body, timeout=_TIMEOUT, allow_redirects=False, stream=True) as answer:
                failure = None if answer.status_code < 300 else f"{place.host}: status {answer.status_code}"
        except (requests.RequestException, HTTPError) as error:
            # requests passes some of urllib3's errors on, such as that of a host name that cannot be encoded.
            failure = outages.outage_of(error, place).text
        except ConfigurationError as error:
            failure = str(error)
        if failure:
            emit(Event.WEBHOOK_FAILED, cause=failure)
        return failure is None
