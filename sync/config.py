"""Loads the rule files, `config/*.toml`, and names their mistakes, each with a remedy.

All mistakes of form in all files are named at once. What entries of a file say of each other is checked once its form
is right.
"""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sync.domain import rules
from sync.domain.rules import Rules
from sync.domain.spelling import closest
from sync.errors import ConfigurationError
from sync.log import redact
from sync.net.addresses import loopback
from sync.rule_files import checks, messages


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(value: object) -> object:
    """`"60s"`, `"15m"`, `"24h"` or a number of seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _seconds(value)
    if not isinstance(value, str):
        raise ValueError('write a duration such as "90s", "15m" or "24h"')
    for unit in sorted(_UNITS, key=len, reverse=True):
        if value.endswith(unit) and value[: -len(unit)].strip().replace(".", "", 1).isdecimal():
            return _seconds(float(value[: -len(unit)]) * _UNITS[unit])
    raise ValueError('write a duration such as "90s", "15m" or "24h"')


def _seconds(number: float) -> timedelta:
    try:
        return timedelta(seconds=number)
    except (OverflowError, ValueError):
        raise ValueError("is not a usable duration") from None


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than 0")
    return value


_LONGEST_DAYS = 36_500
"""A longer duration before or after now may be a time that no calendar has."""


def _credible(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("must not be negative")
    if value > timedelta(days=_LONGEST_DAYS):
        raise ValueError(f"must be at most {_LONGEST_DAYS}d")
    return value


def _address(value: str) -> str:
    """The root of a web site; plain http for loopback only, since the links carry ids."""
    parts = urlsplit(value)
    safe = parts.scheme == "https" or (parts.scheme == "http" and loopback(parts.hostname or ""))
    if (value and not (safe and parts.hostname)) or parts.username or parts.query or parts.fragment:
        raise ValueError("write the root of the web site, such as https://app-eu1.hubspot.com")
    return value.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]
Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_credible)]
Interval = Annotated[Duration, AfterValidator(_positive)]


class Schedule(Section):
    """One interval per job."""

    poll: Interval = timedelta(seconds=60)
    scores: Interval = timedelta(minutes=5)
    sweep: Interval = timedelta(minutes=15)
    push: Interval = timedelta(seconds=60)
    full_sweep: Interval = timedelta(hours=24)
    housekeeping: Interval = timedelta(hours=24)
    jitter: Duration = timedelta(seconds=2)
    stop_within: Interval = timedelta(seconds=25)
    takeover_after: Interval = timedelta(seconds=60)
    stuck_after: Interval = timedelta(hours=1)


class HubSpotSettings(Section):
    api: Literal["2026-09", "v3"] = "2026-09"
    search_per_second: float = Field(default=5, gt=0, le=5)
    burst_per_10s: int = Field(default=90, gt=0, le=250)
    daily_reserve: int = Field(default=50_000, ge=0, le=1_000_000_000)
    index_lag_seconds: int = Field(default=120, ge=0, le=3600)
    overlap_minutes: int = Field(default=60, ge=0, le=24 * 60)
    timeout_seconds: float = Field(default=60, gt=0, le=3600)
    parallel: int = Field(default=4, ge=1, le=10)
    association_batch: int = Field(default=1000, ge=1, le=1000)
    read_batch: int = Field(default=100, ge=1, le=100)
    frozen_score_days: int = Field(default=14, ge=0, le=_LONGEST_DAYS)


class C4CSettings(Section):
    parallel: int = Field(default=4, ge=1, le=6)
    batch_operations: int = Field(default=50, ge=1, le=100)
    timeout_seconds: float = Field(default=120, gt=0, le=3600)
    settle_seconds: float = Field(default=5, ge=0, le=600)


class Guard(Section):
    """What one cycle may do without a person's approval; 0 switches a limit off."""

    max_creates: int = Field(default=1000, ge=0)
    max_changed_share: float = Field(default=0.5, ge=0, le=1)
    changes_from: int = Field(default=500, ge=0)
    max_relationships: int = Field(default=200, ge=0)
    """Relationships that may be written for one contact at once. With more, that contact is parked and the others go
    on.
    """


class Retention(Section):
    """How long history is kept. The newest decision on a contact is kept as long as the contact.

    `contacts`: of the mirror, below every threshold and unchanged in HubSpot for so long; `gone`: archived, deleted or
    merged away there. Those with a lead or a record in C4C stay. `copies`: of the state file, from before an upgrade.
    """

    decisions: Interval = timedelta(days=365)
    job_runs: Interval = timedelta(days=30)
    contacts: Interval = timedelta(days=730)
    gone: Interval = timedelta(days=90)
    copies: Interval = timedelta(days=90)


class Alerts(Section):
    """When the webhook of SYNC_ALERT_WEBHOOK is notified.

    0 of parked, budget_share, failures or no_leads switches that alert off.
    """

    format: Literal["generic", "slack"] = "generic"
    poll_age: Interval = timedelta(minutes=15)
    parked: int = Field(default=25, ge=0)
    budget_share: float = Field(default=0.1, ge=0, le=1)
    failures: int = Field(default=5, ge=0)
    c4c_away: Interval = timedelta(minutes=30)
    handovers_late: Interval = timedelta(hours=1)
    no_leads: Duration = timedelta(0)


class Retry(Section):
    attempts: int = Field(default=8, ge=1)
    first: Duration = timedelta(seconds=30)
    longest: Duration = timedelta(hours=1)
    request_attempts: int = Field(default=5, ge=1, le=20)
    request_wait: Duration = timedelta(seconds=1)


class Slo(Section):
    """The promise to sales: `target` of the contacts that cross the threshold have their lead within `handover`."""

    handover: Interval = timedelta(minutes=10)
    target: float = Field(default=0.95, gt=0, lt=1)


class Links(Section):
    """Where people open records.

    Empty addresses: HubSpot's own for the portal, and that of the tenant. The types are C4C's object types; a kind of
    record without one gets no link.
    """

    hubspot: Address = ""
    c4c: Address = ""
    account_type: str = "COD_ACCOUNT_TT"
    contact_type: str = "COD_CONTACT_TT"
    lead_type: str = ""


class Erasing(Section):
    """`[erasure]`. `follow`: a contact that HubSpot deleted for good (not archived: gone from both lists) is erased
    here and in C4C too, without a person's command.
    """

    follow: bool = False


class WorkerConfig(Section):
    """`worker.toml`."""

    schedule: Schedule = Schedule()
    hubspot: HubSpotSettings = HubSpotSettings()
    c4c: C4CSettings = C4CSettings()
    guard: Guard = Guard()
    retry: Retry = Retry()
    retention: Retention = Retention()
    alerts: Alerts = Alerts()
    slo: Slo = Slo()
    links: Links = Links()
    erasure: Erasing = Erasing()


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything from `config/`."""

    worker: WorkerConfig
    rules: Rules


# ---- rule files


FILES = ("worker.toml", "qualification.toml", "mapping.toml")


def load(directory: Path) -> Configuration:
    """The three files of `directory`. Raises ConfigurationError with every problem found in all of them."""
    problems: list[str] = []
    worker_toml, qualification_toml, mapping_toml = (directory / name for name in FILES)
    worker = _read(worker_toml, WorkerConfig, problems)
    qualification = _read(qualification_toml, rules.Qualification, problems)
    mapping = _read(mapping_toml, rules.Mapping, problems)
    if qualification:
        problems += _in(qualification_toml, checks.qualification(qualification))
    if mapping:
        problems += _in(mapping_toml, checks.mapping(mapping, qualification))
    if problems or worker is None or qualification is None or mapping is None:
        raise ConfigurationError(problems)
    found = Rules(qualification=qualification, mapping=mapping, fingerprint=_fingerprint(qualification, mapping))
    return Configuration(worker, found)


_Model = TypeVar("_Model", bound=BaseModel)


def _in(path: Path, problems: Iterable[str]) -> list[str]:
    """The problems of a file. An e-mail address in a name or key is removed from the text."""
    return [f"{path}: {redact(problem)}" for problem in problems]


def _fingerprint(*models: BaseModel) -> str:
    text = "\n".join(repr(_stable(model.model_dump())) for model in models)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _stable(value: Any) -> Any:
    """A form that is equal for equal rules in every process: sets are sorted, lists keep their order."""
    if isinstance(value, dict):
        return sorted((str(key), _stable(inner)) for key, inner in value.items())
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    return [_stable(inner) for inner in value] if isinstance(value, list | tuple) else str(value)


def _read(path: Path, model: type[_Model], problems: list[str]) -> _Model | None:
    """The file as a value; None once what is wrong with its form is added to the problems."""
    data = _toml(path, problems)
    try:
        return None if data is None else model.model_validate(data)
    except ValidationError as error:
        problems += _in(path, messages.sentences_of(error.errors(), model, data))
    except RecursionError:
        problems.append(f"{path}: {_TOO_DEEP}")
    return None


_TOO_DEEP = "is nested too deeply; name the inner conditions as filters"


def _toml(path: Path, problems: list[str]) -> dict[str, Any] | None:
    """The content of a file, which may begin with the byte order mark of Windows editors."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        problems.append(f"{path}: cannot be read ({error.strerror}){_remedy(error, path)}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{path}: not a TOML file: {error}")
    except RecursionError:
        problems.append(f"{path}: {_TOO_DEEP}")
    except ValueError:
        # Python refuses to convert numbers with thousands of digits.
        problems.append(f"{path}: holds a number that is too long to read; write a shorter one")
    return None


def _remedy(error: OSError, path: Path) -> str:
    match error:
        case PermissionError():
            return ": give this user the right to read it"
        case IsADirectoryError():
            return ": a directory stands in its place; put the file there"
        case _:
            there = {other.name for other in path.parent.glob("*.toml")} - {*FILES}
            meant = closest(path.name, sorted(there))
            rename = f"; rename `{meant}` if it is meant, or" if meant else ";"
            return f"{rename} set SYNC_CONFIG to the directory of the rule files"
