"""The figures of the report: who came how far, why not, how fast, and what needs a person. From the state alone."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlmodel import Session

from sync.admin.people import Asking
from sync.domain.codes import Code
from sync.domain.lead_status import LeadStatus, lead_status
from sync.domain.moments import iso
from sync.domain.rules import Rules
from sync.jobs.runner import SYSTEM
from sync.mirror import listing
from sync.mirror.listing import Outcome
from sync.state.documents import IN_SERVICE, PORTAL_DETAILS, RULES_SINCE

_GONE = frozenset({Code.ARCHIVED, Code.MERGED, Code.ERASED})
UNSCORED = _GONE | {Code.SCORE_MISSING}
"""Codes of contacts that have no score."""

UNQUALIFIED = UNSCORED | {
    Code.SCORE_BELOW_THRESHOLD,
    Code.NO_LEGAL_BASIS,
    Code.FILTERED_OUT,
    Code.MISSING_LAST_NAME,
    Code.NO_COMPANY,
    Code.COMPANY_AMBIGUOUS,
    Code.PROPERTY_UNREADABLE,
    Code.LEFT_ALONE,
    Code.INTERNAL_ERROR,
}
"""Codes of contacts that do not meet the rules. Every other code says that they do, whatever came of it afterwards."""

_SLOWEST = 5


@dataclass(frozen=True, slots=True)
class Funnel:
    """Contacts by how far they came; from `handed_over` on leads."""

    seen: int = 0
    scored: int = 0
    crossed: int = 0
    qualified: int = 0
    handed_over: int = 0
    accepted: int = 0
    declined: int = 0
    converted: int = 0


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the crossing of a threshold to the lead. `slowest`: contacts with theirs, the slowest first.

    `within` of `number` kept the promise of `[slo]`.
    """

    p50: int
    p95: int
    worst: int
    slowest: tuple[tuple[str, int], ...]
    number: int
    within: int


@dataclass(frozen=True, slots=True)
class Promise:
    """`[slo]`: this share of the handovers within this time."""

    handover: timedelta
    target: float


@dataclass(frozen=True, slots=True)
class Parked:
    """Contacts that are parked with one code."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of the time from `since` to `until`. `reasons`: by code, contacts at its end and at its start."""

    since: datetime
    until: datetime
    zone: tzinfo
    funnel: Funnel
    by_score: dict[str, Funnel]
    by_week: tuple[tuple[datetime, Funnel], ...]
    reasons: dict[Code, tuple[int, int]]
    latency: Latency | None
    promise: Promise
    parked: dict[Code, Parked]
    requests: dict[str, int]
    rules: tuple[tuple[datetime, str], ...]


def portal_zone(session: Session) -> tzinfo:
    """The portal's time zone; UTC where HubSpot did not say it."""
    try:
        return ZoneInfo(PORTAL_DETAILS.read(session).time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def report(asking: Asking, since: datetime, until: datetime, promise: Promise) -> Report:
    """The report on the time from `since` up to `until`."""
    session, zone = asking.session, portal_zone(asking.session)
    timed = listing.timed_handovers(session, since, until)
    return Report(
        since=since,
        until=until,
        zone=zone,
        funnel=full_funnel(asking, since, until),
        by_score=dict(_by_score(asking, since, until)),
        by_week=tuple((start, full_funnel(asking, start, end)) for start, end in weeks(since, until, zone)),
        reasons=_reasons(session, since, until),
        latency=latency(timed, IN_SERVICE.read(session), promise.handover),
        promise=promise,
        parked=parked(session),
        requests=requests_of(session, since, until),
        rules=_rules(session, since, until),
    )


def funnel(asking: Asking, since: datetime, until: datetime) -> Funnel:
    """Who crossed a threshold in that time, and what became of its leads; what costs more is left out."""
    leads = _leads(asking.rules, listing.outcomes(asking.session, since, until))
    return Funnel(0, 0, listing.crossed(asking.session, since, until), 0, *leads)


def full_funnel(asking: Asking, since: datetime, until: datetime) -> Funnel:
    """Who came how far in that time."""
    decided = listing.decided_between(asking.session, since, until, UNSCORED, UNQUALIFIED)
    part = funnel(asking, since, until)
    return replace(part, seen=decided.decided, scored=decided.scored, qualified=decided.qualified)


def funnel_now(asking: Asking, stock: Mapping[str | None, int] | None = None) -> Funnel:
    """The funnel of all contacts as they are now, from indexes alone; its leads are all that were ever handed over.

    `stock`: contacts by code, if they are counted already.
    """
    stock = listing.stock(asking.session) if stock is None else stock
    counted = {code: number for code, number in stock.items() if code is not None}
    return Funnel(
        sum(stock.values()),
        sum(number for code, number in counted.items() if code not in UNSCORED),
        listing.above_threshold(asking.session),
        sum(number for code, number in counted.items() if code not in UNQUALIFIED),
        *_leads(asking.rules, listing.outcomes(asking.session)),
    )


def _by_score(asking: Asking, since: datetime, until: datetime) -> Iterator[tuple[str, Funnel]]:
    """Only what is recorded by score: crossings and leads."""
    found = listing.outcomes(asking.session, since, until)
    for score in asking.rules.qualification.scores:
        crossed = listing.crossed(asking.session, since, until, score.name)
        leads = _leads(asking.rules, [outcome for outcome in found if outcome.score == score.name])
        yield score.name, Funnel(0, 0, crossed, 0, *leads)


def _leads(rules: Rules, outcomes: Iterable[Outcome]) -> tuple[int, int, int, int]:
    """Leads handed over, and of these accepted, declined and converted; a converted one was accepted before."""
    found: Counter[LeadStatus] = Counter()
    for outcome in outcomes:
        found[lead_status(outcome.observed, rules.mapping.lead)] += outcome.number
    accepted = found[LeadStatus.ACCEPTED] + found[LeadStatus.CONVERTED]
    return found.total(), accepted, found[LeadStatus.DECLINED], found[LeadStatus.CONVERTED]


def weeks(since: datetime, until: datetime, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    """The calendar weeks of a time, each with its end; they begin on Monday at midnight in the zone, the first one at
    `since`.
    """
    start = since
    while start < until:
        local = start.astimezone(zone)
        monday = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7 - local.weekday())
        end = min(monday.astimezone(UTC), until)
        yield start, end
        start = end


def monday(moment: datetime, zone: tzinfo) -> str:
    """The date of the Monday on which the moment's week began in the zone."""
    local = moment.astimezone(zone)
    return f"{local - timedelta(days=local.weekday()):%Y-%m-%d}"


def _reasons(session: Session, since: datetime, until: datetime) -> dict[Code, tuple[int, int]]:
    now, before = listing.codes_at(session, until), listing.codes_at(session, since)
    codes = {Code(code) for code in (*now, *before)} - {Code.QUALIFIED}
    counts = {code: (now.get(code, 0), before.get(code, 0)) for code in codes}
    return dict(sorted(counts.items(), key=lambda item: (-item[1][0], item[0])))


def latency(
    timed: Iterable[tuple[str, datetime, datetime]], in_service: datetime | None, promised: timedelta
) -> Latency | None:
    """How long handovers took; None if none can be measured. `timed`: (contact, crossed, handed over).

    A contact that was above the threshold before the first load crossed it at an unknown time.
    """
    taken = [
        (max(0.0, (handed_over - crossed).total_seconds()), contact)
        for contact, crossed, handed_over in timed
        if in_service is not None and crossed >= in_service
    ]
    if not taken:
        return None
    taken.sort(reverse=True)
    seconds = [found for found, _ in reversed(taken)]
    at = _quantile(seconds)
    slowest = tuple((contact, round(found)) for found, contact in taken[:_SLOWEST])
    within = sum(found <= promised.total_seconds() for found in seconds)
    return Latency(at(0.5), at(0.95), round(seconds[-1]), slowest, len(seconds), within)


def _quantile(ordered: Sequence[float]) -> Callable[[float], int]:
    return lambda share: round(ordered[min(len(ordered) - 1, int(len(ordered) * share))])


def parked(session: Session) -> dict[Code, Parked]:
    """What waits for a person now, by code, the most first."""
    found = {Code(code): Parked(*known) for code, known in listing.parked_ages(session).items()}
    return dict(sorted(found.items(), key=lambda item: (-item[1].count, item[0])))


def requests_of(session: Session, since: datetime, until: datetime) -> dict[str, int]:
    """By system, what the jobs of that time sent."""
    found = {"hubspot": 0, "c4c": 0}
    for job, number in listing.requests(session, since, until).items():
        if system := SYSTEM.get(job):
            found[system] += number
    return found


def _rules(session: Session, since: datetime, until: datetime) -> tuple[tuple[datetime, str], ...]:
    """The rules that were in force in that time, the oldest first."""
    known = [(moment, fingerprint) for moment, fingerprint in RULES_SINCE.read(session) if moment < until]
    first = max((n for n, (moment, _) in enumerate(known) if moment <= since), default=0)
    return tuple(known[first:])


def to_json(found: Report, now: datetime) -> dict[str, Any]:
    """The document of `report --json`."""
    latency_ = found.latency
    return {
        "since": iso(found.since),
        "until": iso(found.until),
        "funnel": asdict(found.funnel),
        "by_score": {name: _of_score(funnel) for name, funnel in found.by_score.items()},
        "by_week": [{"week": monday(start, found.zone), **asdict(f)} for start, f in found.by_week],
        "reasons": {str(code): {"now": now_, "before": before} for code, (now_, before) in found.reasons.items()},
        "latency": {
            "p50": latency_.p50 if latency_ else None,
            "p95": latency_.p95 if latency_ else None,
            "worst": latency_.worst if latency_ else None,
            "slowest": [{"contact": c, "seconds": s} for c, s in latency_.slowest] if latency_ else [],
        },
        "slo": _slo(found),
        "parked": {
            str(code): {
                "count": p.count,
                "oldest_seconds": round((now - p.oldest).total_seconds()) if p.oldest else None,
            }
            for code, p in found.parked.items()
        },
        "requests": found.requests,
        "rules": [{"since": iso(moment), "hash": fingerprint} for moment, fingerprint in found.rules],
    }


def _of_score(funnel: Funnel) -> dict[str, int]:
    return {name: number for name, number in asdict(funnel).items() if name not in ("seen", "scored", "qualified")}


def _slo(found: Report) -> dict[str, Any]:
    number, within = (found.latency.number, found.latency.within) if found.latency else (0, 0)
    return {
        "handover_seconds": round(found.promise.handover.total_seconds()),
        "target": found.promise.target,
        "handovers": number,
        "within": within,
        "share": round(within / number, 4) if number else None,
    }
