"""Settings from the environment, rules from `config/*.toml`; all errors at once, each saying what to do."""

import hashlib
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sync.domain import rules
from sync.domain.numbers import whole
from sync.domain.rules import Rules
from sync.domain.spelling import closest
from sync.errors import ConfigurationError
from sync.log import redact
from sync.rule_files import checks, messages, readable

HUBSPOT = "https://api.hubapi.com"


@dataclass(frozen=True, slots=True)
class HubSpotAccess:
    base_url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class C4CAccess:
    """Where and as whom; either user and password, or a client certificate with its key."""

    base_url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    client_cert: str | None = None
    client_key: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What varies by deployment. Secrets never appear in a representation of it."""

    state: Path
    config: Path
    log_format: Literal["json", "console"]
    log_level: str
    metrics_port: int | None
    metrics_host: str = "127.0.0.1"
    alert_webhook: str | None = field(default=None, repr=False)


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
        raise ValueError("is no usable duration") from None


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than 0")
    return value


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("must not be negative")
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Interval = Annotated[Duration, AfterValidator(_positive)]


class Schedule(Section):
    """One interval per job."""

    poll: Interval = timedelta(seconds=60)
    scores: Interval = timedelta(minutes=5)
    sweep: Interval = timedelta(minutes=15)
    push: Interval = timedelta(seconds=60)
    full_sweep: Interval = timedelta(hours=24)
    housekeeping: Interval = timedelta(hours=24)
    jitter: Annotated[Duration, AfterValidator(_not_negative)] = timedelta(seconds=2)
    stop_within: Interval = timedelta(seconds=25)
    takeover_after: Interval = timedelta(seconds=60)
    stuck_after: Interval = timedelta(hours=1)


class HubSpotSettings(Section):
    api: Literal["2026-09", "v3"] = "2026-09"
    search_per_second: float = Field(default=4, gt=0, le=5)
    burst_per_10s: int = Field(default=90, gt=0, le=250)
    daily_reserve: int = Field(default=50_000, ge=0)
    index_lag_seconds: int = Field(default=120, ge=0, le=3600)
    overlap_minutes: int = Field(default=60, ge=0, le=24 * 60)
    timeout_seconds: float = Field(default=60, gt=0)
    parallel: int = Field(default=4, ge=1, le=10)
    association_batch: int = Field(default=1000, ge=1, le=1000)
    read_batch: int = Field(default=100, ge=1, le=100)
    frozen_score_days: int = Field(default=14, ge=0)


class C4CSettings(Section):
    parallel: int = Field(default=4, ge=1, le=6)
    batch_operations: int = Field(default=50, ge=1, le=100)
    timeout_seconds: float = Field(default=120, gt=0)
    settle_seconds: float = Field(default=5, ge=0, le=600)


class Guard(Section):
    """What one cycle may do before a person looks; 0 switches a limit off."""

    max_creates: int = Field(default=1000, ge=0)
    max_changed_share: float = Field(default=0.5, ge=0, le=1)
    changes_from: int = Field(default=500, ge=0)
    max_relationships: int = Field(default=200, ge=0)
    """Relationships that one contact may have written at once; more park that contact, and stop nobody else."""


class Retention(Section):
    """How long history is kept. The newest decision on a contact is kept as long as the contact."""

    decisions: Interval = timedelta(days=365)
    job_runs: Interval = timedelta(days=30)


class Alerts(Section):
    """When the webhook of SYNC_ALERT_WEBHOOK is told. 0 of parked, budget_share or failures switches that alert off."""

    format: Literal["generic", "slack"] = "generic"
    poll_age: Interval = timedelta(minutes=15)
    parked: int = Field(default=25, ge=0)
    budget_share: float = Field(default=0.1, ge=0, le=1)
    failures: int = Field(default=5, ge=0)
    c4c_away: Interval = timedelta(minutes=30)
    handovers_late: Interval = timedelta(hours=1)


class Retry(Section):
    attempts: int = Field(default=8, ge=1)
    first: Duration = timedelta(seconds=30)
    longest: Duration = timedelta(hours=1)
    request_attempts: int = Field(default=5, ge=1, le=20)
    request_wait: Duration = timedelta(seconds=1)


class WorkerConfig(Section):
    """`worker.toml`."""

    schedule: Schedule = Schedule()
    hubspot: HubSpotSettings = HubSpotSettings()
    c4c: C4CSettings = C4CSettings()
    guard: Guard = Guard()
    retry: Retry = Retry()
    retention: Retention = Retention()
    alerts: Alerts = Alerts()


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything from `config/`."""

    worker: WorkerConfig
    rules: Rules


# ---- environment


class Environment:
    """Reads settings and collects what is wrong with them, so that all is said at once."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self.variables = os.environ if variables is None else variables
        self.problems: list[str] = []

    def get(self, name: str) -> str | None:
        """The value of `name`, or the content of the file that `name_FILE` names. Empty counts as missing."""
        path = self.variables.get(f"{name}_FILE", "").strip()
        if not path:
            return self.variables.get(name, "").strip() or None
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError) as error:
            # Somebody may have set it to the secret itself.
            what = path if Path(path).is_absolute() else "the file that it names"
            self.problems.append(f"{name}_FILE: cannot read {what} ({type(error).__name__}); check path and rights")
            return None

    def need(self, name: str, what: str) -> str:
        before = len(self.problems)
        value = self.get(name)
        if value is None and len(self.problems) == before:
            self.problems.append(f"{name} is missing: set it, or {name}_FILE to a file that holds it ({what})")
        return value or ""

    def secret(self, name: str, what: str) -> str:
        """A credential that fits into one header; never shown."""
        value = self.need(name, what)
        if any(not character.isprintable() or ord(character) > 255 for character in value):
            self.problems.append(f"{name}: holds a line break or a character that no header can carry; store it anew")
            return ""
        return value

    def file(self, name: str) -> str | None:
        """The path of a file that can be read."""
        value = self.get(name)
        if value and not (Path(value).is_file() and os.access(value, os.R_OK)):
            self.problems.append(f"{name}: names no file that can be read; check path and rights")
        return value

    def url(self, name: str, value: str) -> str:
        """A base URL; plain http is for loopback only, since it would carry credentials in the open.

        What was found is not shown: it may hold credentials, or be a token in the wrong place.
        """
        try:
            parts = urlsplit(value)
            # Looked at here, since it raises only when it is asked for.
            _ = parts.port
        except ValueError:
            parts = urlsplit("")
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            self.problems.append(f"{name}: is no web address; write it as https://host")
        elif parts.username or parts.password:
            self.problems.append(
                f"{name}: holds a user name or password, which would be seen; write it as https://host"
            )
        elif parts.scheme == "http" and not _loopback(parts.hostname or ""):
            self.problems.append(f"{name}: http:// is accepted for loopback addresses only; use https://")
        return value.rstrip("/")

    def root(self, name: str, value: str, address: Callable[[str], str]) -> str:
        """The root of a system: scheme and host. `address` turns the host found into the one that programs use.

        People paste what the browser shows, or the address of the OData service; the answer is the form to type.
        """
        before = len(self.problems)
        found = self.url(name, value)
        if not found or len(self.problems) > before:
            return found
        parts = urlsplit(found)
        # Not the netloc: it may hold credentials.
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        meant = f"{parts.scheme}://{address(host)}{f':{parts.port}' if parts.port else ''}"
        if parts.path.strip("/") or parts.query or parts.fragment or address(host) != host:
            self.problems.append(f"{name}: is the address of a page or of a service; type the root only: {meant}")
        return meant

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.get(name) or default
        if value not in allowed:
            self.problems.append(f"{name}: found {value!r}, allowed: {', '.join(allowed)}")
            return default
        return value

    def settle(self) -> None:
        """Raises ConfigurationError if anything was wrong."""
        if self.problems:
            raise ConfigurationError(self.problems)


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def settings(env: Environment) -> Settings:
    """The settings that need no remote system."""
    port = env.get("SYNC_METRICS_PORT")
    if port is not None and not 0 < (whole(port) or 0) < 65536:
        env.problems.append(f"SYNC_METRICS_PORT: found {port!r}, allowed: a port number, or unset for none")
        port = None
    webhook = env.get("SYNC_ALERT_WEBHOOK")
    host = env.choice("SYNC_METRICS_HOST", "127.0.0.1", ("127.0.0.1", "0.0.0.0", "::1", "::"))
    return Settings(
        state=Path(env.get("SYNC_STATE") or "state.db"),
        config=Path(env.get("SYNC_CONFIG") or "config"),
        log_format="json" if env.choice("SYNC_LOG_FORMAT", "json", ("json", "console")) == "json" else "console",
        log_level=env.choice("SYNC_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        metrics_port=int(port) if port else None,
        metrics_host=host,
        alert_webhook=env.url("SYNC_ALERT_WEBHOOK", webhook) if webhook else None,
    )


def _hubspot_api(host: str) -> str:
    """People see app.hubspot.com or app-eu1.hubspot.com; programs of any region use one host."""
    return urlsplit(HUBSPOT).netloc if re.fullmatch(r"(app|www|api)(-\w+)?\.hubspot\.com", host) else host


def _c4c_root(host: str) -> str:
    """The host of a tenant with `-sso` is for people who log on by single sign-on (SAP's OData guide)."""
    return re.sub(r"-sso(\.crm\.ondemand\.com)$", r"\1", host)


def hubspot_access(env: Environment) -> HubSpotAccess:
    url = env.root("HUBSPOT_BASE_URL", env.get("HUBSPOT_BASE_URL") or HUBSPOT, _hubspot_api)
    return HubSpotAccess(url, env.secret("HUBSPOT_ACCESS_TOKEN", "a HubSpot service key or private app token"))


def c4c_access(env: Environment) -> C4CAccess:
    given = env.need("C4C_BASE_URL", "the tenant's root, https://my000000.crm.ondemand.com")
    url = env.root("C4C_BASE_URL", given, _c4c_root)
    cert, key = env.file("C4C_CLIENT_CERT"), env.file("C4C_CLIENT_KEY")
    if cert or key:
        for name, value in (("C4C_CLIENT_CERT", cert), ("C4C_CLIENT_KEY", key)):
            if value is None:
                env.problems.append(f"{name} is missing: a client certificate needs both certificate and key")
        return C4CAccess(url, client_cert=cert, client_key=key)
    username = env.secret("C4C_USERNAME", "the technical user of the communication arrangement")
    return C4CAccess(url, username, env.secret("C4C_PASSWORD", "the technical user's password"))


# ---- rule files


FILES = ("worker.toml", "qualification.toml", "mapping.toml")


def load(directory: Path) -> Configuration:
    """The three files of `directory`. Raises ConfigurationError with every problem found in all of them."""
    problems: list[str] = []
    worker_toml, qualification_toml, mapping_toml = (directory / name for name in FILES)
    worker = _read(worker_toml, WorkerConfig, problems)
    qualification = _read(qualification_toml, rules.Qualification, problems)
    mapping = _read(mapping_toml, rules.Mapping, problems)
    problems += _across(directory, qualification, mapping)
    if problems or worker.model is None or qualification.model is None or mapping.model is None:
        raise ConfigurationError(problems)
    digest = _digest(qualification.model, mapping.model)
    found = Rules(qualification=qualification.model, mapping=mapping.model, digest=digest)
    return Configuration(worker.model, found)


Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _File(Generic[Model]):
    """What was read of a file: all of it, or what is readable beside the places that are broken."""

    model: Model | None = None
    broken: tuple[str, ...] = ()


def _across(directory: Path, qualification: _File[rules.Qualification], mapping: _File[rules.Mapping]) -> list[str]:
    """What is wrong between entries, of one file and of both."""
    broken = (*qualification.broken, *mapping.broken)
    problems: list[str] = []
    if qualification.model:
        found = readable.untold(checks.qualification(qualification.model), broken)
        problems += _in(directory / "qualification.toml", found)
    if mapping.model:
        found = readable.untold(checks.mapping(mapping.model, qualification.model), broken)
        problems += _in(directory / "mapping.toml", found)
    return problems


def _in(path: Path, problems: Iterable[str]) -> list[str]:
    """Problems of a file. An address that found its way into one, as a name or a key, is taken out."""
    return [f"{path}: {redact(problem)}" for problem in problems]


def _digest(*models: BaseModel) -> str:
    text = "\n".join(repr(_stable(model.model_dump())) for model in models)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _stable(value: Any) -> Any:
    """The same for the same rules in every process: sets have no order, lists keep theirs."""
    if isinstance(value, dict):
        return sorted((str(key), _stable(inner)) for key, inner in value.items())
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    return [_stable(inner) for inner in value] if isinstance(value, list | tuple) else str(value)


def _read(path: Path, model: type[Model], problems: list[str]) -> _File[Model]:
    data = _toml(path, problems)
    if data is None:
        return _File()
    try:
        return _File(model.model_validate(data))
    except ValidationError as error:
        return _in_part(path, model, data, error.errors(), problems)
    except RecursionError:
        problems.append(f"{path}: {TOO_DEEP}")
        return _File()


def _in_part(path: Path, model: type[Model], data: Any, errors: list[Any], problems: list[str]) -> _File[Model]:
    """Names what is wrong with the form, also what unknown keys hide, and reads the rest."""
    unknown = [error for error in errors if error["type"] == "extra_forbidden"]
    copy, guessed = readable.meant(data, unknown, model)
    found = _telling(_errors(model, copy))
    telling = [e for e in found if not any(e["loc"][: len(place)] == place for place in guessed)]
    problems += _in(path, (messages.explain(error, model, data) for error in unknown))
    problems += _in(path, (messages.explain(error, model, copy) for error in telling))
    places = {tuple(part for part in error["loc"] if part != "[key]") for error in found}
    broken = tuple(messages.place(place, copy) for place in places)
    return _File(readable.parts(model, copy) if found else model.model_validate(copy), broken)


def _errors(model: type[BaseModel], data: Any) -> list[Any]:
    try:
        model.model_validate(data)
    except ValidationError as error:
        return error.errors()
    return []


TOO_DEEP = "is nested too deeply; name the inner conditions as filters"


def _toml(path: Path, problems: list[str]) -> dict[str, Any] | None:
    """What stands in the file, which may begin with the mark that editors on Windows put there."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        problems.append(f"{path}: cannot be read ({error.strerror}){_remedy(error, path)}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{path}: is no TOML file: {error}")
    except RecursionError:
        problems.append(f"{path}: {TOO_DEEP}")
    except ValueError:
        # Thousands of digits.
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


def _telling(errors: list[Any]) -> list[Any]:
    """Without those that only say that a list is short because its entries are wrong."""
    places = [error["loc"] for error in errors]
    return [e for e in errors if e["type"] != "too_short" or not any(_inside(place, e["loc"]) for place in places)]


def _inside(place: tuple[Any, ...], outer: tuple[Any, ...]) -> bool:
    return len(place) > len(outer) and place[: len(outer)] == outer
