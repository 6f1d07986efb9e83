"""Metrics read from the state store instead of the process, so that they survive a restart and a take-over.

While the file cannot be read, the last reading is shown and `sync_state_readable` is 0. Failing scrapes would instead
reset the waiting time (`for:`) of every alert rule.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from sync import metrics
from sync.admin.alerts import Alert, of_kind
from sync.app import App
from sync.config import Slo
from sync.errors import StateError
from sync.jobs.poll import STREAMS
from sync.net import certificates
from sync.state.trouble import space
from sync.worker import readings
from sync.worker.readings import Reading
from sync.worker.vitals import Vitals


class StateGauges(Collector):
    """Gauges that each scrape reads from the state store, in one transaction."""

    def __init__(self, app: App, vitals: Vitals) -> None:
        self._app, self._vitals = app, vitals
        self._last = readings.empty()

    def describe(self) -> Iterable[Metric]:
        """Only the names: nothing is read before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        context = self._app.context
        was_read = self._read()
        yield _build(context.config.rules.fingerprint)
        readable = was_read and self._vitals.state is None
        yield _one("sync_state_readable", "1 while the state file can be read and written.", int(readable))
        yield from _room(context.store.path)
        text = "When the last backup was made; 0 for never."
        yield _one("sync_backup_timestamp_seconds", text, _stamp(self._last.last_backup))
        text = "When the client certificate for SAP Sales Cloud ends; 0 for none."
        yield _one("sync_certificate_expiry_timestamp_seconds", text, _stamp(_expiry(self._app.settings.client_cert)))
        yield from _backlog(self._last, context.now())
        yield from _contacts(self._last)
        yield from _leads(self._last)
        yield from _progress(self._last)
        yield from _limits(self._last)
        yield from _promise(context.config.worker.slo)
        yield from _alerts(*self._lists_of_alerts(was_read))

    def _lists_of_alerts(self, was_read: bool) -> Iterator[Collection[str]]:
        """The alerts that hold and those that were delivered."""
        context, last = self._app.context, self._last
        for known, stored in ((context.holding, last.holding), (context.delivered, last.delivered)):
            yield known.overlaid(stored) if was_read else known.here(stored)

    def _read(self) -> bool:
        context = self._app.context
        try:
            with context.store.reading() as session:
                self._last = readings.read(session, context.now())
        except (SQLAlchemyError, OSError, StateError):
            return False
        return True


def _build(rules: str) -> Metric:
    family = GaugeMetricFamily(
        "sync_build_info", "1; the version, and a hash of the rules in force.", labels=["version", "rules"]
    )
    family.add_metric([version("hubspot-c4c-sync"), rules], 1)
    return family


def _promise(slo: Slo) -> Iterator[Metric]:
    text = "Share of the handovers that [slo] promises within its time."
    yield _one("sync_slo_target_ratio", text, slo.target)
    yield _one("sync_slo_handover_seconds", "How long a handover may take by [slo].", slo.handover.total_seconds())


def _expiry(certificate: Path | None) -> datetime | None:
    """When the certificate ends; None without one, or if it cannot be read, of which `check` names the reason."""
    try:
        return certificates.expiry(certificate) if certificate else None
    except (OSError, ValueError):
        return None


def _room(state: Path) -> Iterator[Metric]:
    try:
        found = space(state)
    except OSError:
        return
    yield _one("sync_state_bytes", "Size of the state file with its journal.", found.used)
    yield _one("sync_state_free_bytes", "Free space on the disk of the state file.", found.free)


def _backlog(known: Reading, now: datetime) -> Iterator[Metric]:
    age = max(0.0, (now - known.oldest_pending).total_seconds()) if known.oldest_pending else 0.0
    yield _one("sync_backlog_contacts", "Contacts that wait.", known.pending)
    yield _one("sync_backlog_due_contacts", "Contacts whose time has come.", known.due)
    yield _one("sync_oldest_pending_age_seconds", "How long the oldest contact has waited; 0 for none.", age)


def _contacts(known: Reading) -> Iterator[Metric]:
    yield _each("sync_parked_contacts", "Contacts that need a person, by code.", "code", known.parked)
    yield _each("sync_decided_contacts", "Settled contacts, by deciding code.", "code", known.decided)


def _leads(known: Reading) -> Iterator[Metric]:
    yield _one("sync_leads", "Leads that we created, ever.", known.handed_over)
    yield _one(
        "sync_leads_adopted", "Leads that existed in SAP Sales Cloud already and were adopted, ever.", known.adopted
    )
    last = known.last_handover
    yield _one("sync_last_lead_timestamp_seconds", "When we last created a lead; 0 for never.", _stamp(last))
    yield _one("sync_links", "Records in SAP Sales Cloud that we know.", known.links)
    text = "External keys that the last verification found on several records of SAP Sales Cloud."
    yield _one("sync_duplicates", text, known.duplicates)


def _progress(known: Reading) -> Iterator[Metric]:
    marks = {stream: _stamp(known.watermarks.get(stream)) for stream in sorted({*STREAMS, *known.watermarks})}
    text = "Up to when a stream was read completely; 0 for never."
    yield _each("sync_watermark_timestamp_seconds", text, "stream", marks)
    good = readings.newest(known.successes, metrics.SUCCESSES)
    bad = readings.newest(known.failures, metrics.FAILURES)
    text = "When the job last ended well; 0 for never."
    yield _each("sync_job_last_success_timestamp_seconds", text, "sync_job", _stamps(good))
    text = "When the job last failed; 0 for never."
    yield _each("sync_job_last_failure_timestamp_seconds", text, "sync_job", _stamps(bad))


def _limits(known: Reading) -> Iterator[Metric]:
    yield _one("sync_hubspot_requests_left", "Requests left today, as HubSpot last reported.", known.budget.left or 0)
    yield _one(
        "sync_hubspot_requests_limit",
        "Requests allowed a day; 0 until HubSpot has reported it.",
        known.budget.limit or 0,
    )
    yield _one("sync_guard_tripped", "1 while the guard holds back a plan or a mass deletion.", int(known.held_back))
    yield _one("sync_writes_paused", "1 while a person has paused writes.", int(known.paused))
    text = "1 while a second writer (another program that writes under our keys) waits for a person."
    yield _one("sync_second_writer", text, int(known.second_writer))


def _alerts(holding: Collection[str], delivered: Collection[str]) -> Iterator[Metric]:
    active = {str(alert): float(bool(of_kind(alert, holding))) for alert in Alert}
    yield _each("sync_alert_active", "1 while the alert holds, delivered or not.", "alert", active)
    known = {str(alert): float(_is_delivered(of_kind(alert, holding), of_kind(alert, delivered))) for alert in Alert}
    text = (
        "1 once everything that holds of the alert was delivered; differs from sync_alert_active while a message waits."
    )
    yield _each("sync_alert_delivered", text, "alert", known)


def _is_delivered(holding: Collection[str], delivered: Collection[str]) -> bool:
    return holding == delivered if holding else bool(delivered)


def _stamp(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _stamps(moments: Mapping[str, datetime | None]) -> dict[str, float]:
    return {name: _stamp(moment) for name, moment in moments.items()}


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _each(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for of, value in values.items():
        family.add_metric([str(of)], value)
    return family
