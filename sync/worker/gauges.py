"""Metrics that the state store knows better than the process: they survive a restart, and a take-over."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlmodel import Session

from sync.app import App
from sync.domain.codes import Code
from sync.jobs.alerts import Alert, active_kinds
from sync.jobs.poll import STREAMS
from sync.state import budget, disappearance, guarding, streams, work


class StateGauges(Collector):
    """Read from the state store at every scrape, on one snapshot."""

    def __init__(self, app: App) -> None:
        self._app = app

    def describe(self) -> Iterable[Metric]:
        """Names only; nothing is read before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        context = self._app.context
        with context.store.reading() as session:
            yield from _backlog(session, context.now())
            yield from _contacts(session)
            yield from _progress(session)
            yield from _limits(session)


def _backlog(session: Session, now: datetime) -> Iterator[Metric]:
    oldest = work.oldest_pending(session)
    yield _one("sync_backlog_contacts", "Contacts that wait.", work.pending_count(session))
    yield _one("sync_backlog_due_contacts", "Contacts whose time has come.", work.due_count(session, now))
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    yield _one("sync_oldest_pending_age_seconds", "How long the oldest contact has waited; 0 for none.", age)


def _contacts(session: Session) -> Iterator[Metric]:
    for name, text, counts in (
        ("sync_parked_contacts", "Contacts that need a person, by code.", work.parked_counts(session)),
        ("sync_decided_contacts", "Contacts that need nothing, by deciding code.", work.done_counts(session)),
    ):
        family = GaugeMetricFamily(name, text, labels=["code"])
        for code in Code:
            family.add_metric([str(code)], counts.get(str(code), 0))
        yield family
    yield _one("sync_leads", "Leads handed over, all told.", work.handover_count(session))
    yield _one("sync_links", "Records in SAP Sales Cloud that we know.", work.link_count(session))


def _progress(session: Session) -> Iterator[Metric]:
    marks = streams.watermarks(session)
    family = GaugeMetricFamily(
        "sync_watermark_timestamp_seconds", "Up to when a stream was read completely; 0 for never.", labels=["stream"]
    )
    for stream in sorted({*STREAMS, *marks}):
        until = marks.get(stream)
        family.add_metric([stream], until.timestamp() if until else 0)
    yield family


def _limits(session: Session) -> Iterator[Metric]:
    known = budget.load(session)
    yield _one("sync_hubspot_requests_left", "Requests left today, as HubSpot last said.", known.left or 0)
    yield _one("sync_hubspot_requests_limit", "Requests allowed a day; 0 until HubSpot said.", known.limit or 0)
    stopped = guarding.tripped(session) is not None or bool(disappearance.standing(session))
    yield _one("sync_guard_tripped", "1 while the guard holds a plan or a disappearance back.", int(stopped))
    on = active_kinds(session)
    family = GaugeMetricFamily("sync_alert_active", "1 while the alert holds.", labels=["alert"])
    for alert in Alert:
        family.add_metric([str(alert)], int(alert in on))
    yield family


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
