"""Composition root: builds the objects that work together from the settings."""

import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from sync import config, environment
from sync.admin.alerts import STEPS, Alert
from sync.c4c.client import C4CClient
from sync.c4c_client import C4C
from sync.config import Configuration
from sync.context import Context, ShowProgress, Stop, nobody, silent, utc_now
from sync.contracts import belongs
from sync.environment import C4CAccess, Environment, HubSpotAccess, Settings
from sync.errors import ConfigurationError, StateError
from sync.hubspot_client import HISTORY, HISTORY_BATCH, HubSpotClient
from sync.net.connections import Trust
from sync.notify import Notice, Webhook
from sync.state.erasure.tombstones import Tombstones
from sync.state.store import Store, open_store
from sync.transport import RequestRetry


@dataclass(frozen=True)
class App:
    """Both clients and everything that they need."""

    settings: Settings
    context: Context
    hubspot: HubSpotClient
    c4c: C4CClient
    clock: "Clock"

    def requests(self) -> dict[str, int]:
        """Requests sent so far, by system; those for the consent trail apart, since they are no cost of a lead."""
        histories = self.hubspot.sent.by_endpoint[HISTORY]
        return {
            "hubspot": self.hubspot.sent.total - histories,
            "c4c": self.c4c.sent.total,
            "hubspot_history": histories,
        }

    def with_run_id(self) -> Context:
        """The same with the context of a new run."""
        return replace(self.context, run_id=_new_run_id())

    def close(self) -> None:
        self.context.store.close()


def _new_run_id() -> str:
    """A new id for a run in logs and state; ids sort by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"


def load_settings(env: Environment | None = None) -> Settings:
    """The settings that need no remote system. Raises ConfigurationError."""
    env = env or Environment()
    found = environment.settings(env)
    env.settle()
    return found


@dataclass(frozen=True)
class Clock:
    """The source of the time, and how to wait."""

    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic


Prepare = Callable[[Settings, Configuration], object]
"""Called once all settings are known to be valid, before the state file is opened."""


def as_it_is(found: Settings, configuration: Configuration) -> None:
    """Does nothing to the state file."""


def build(
    progress: ShowProgress = silent,
    stopping: Stop = lambda: False,
    clock: Clock | None = None,
    env: Environment | None = None,
    prepare: Prepare = as_it_is,
    retry: RequestRetry | None = None,
) -> App:
    """Everything from the environment; `retry`: of single requests, instead of what worker.toml says.

    Raises ConfigurationError with every problem found, StateError."""
    env, clock = env or Environment(), clock or Clock()
    found = environment.settings(env)
    hubspot, c4c = environment.hubspot_access(env), environment.c4c_access(env)
    configuration = _load(env, found)
    marks = _tombstones(found, configuration)
    for secret in (hubspot.token, c4c.identity, found.alert_webhook, found.erasure_key):
        if secret:
            secret.conceal()
    prepare(found, configuration)
    tenant = belongs.tenant_host(c4c.base_url)
    hubspot_client = _hubspot(hubspot, found.trust, configuration, clock, retry)
    c4c_client = _c4c(c4c, found.trust, configuration, clock, retry)
    context = Context(
        store=_opened(found, tenant),
        tenant=tenant,
        hubspot=hubspot_client,
        c4c=C4C(c4c_client),
        config=configuration,
        run_id=_new_run_id(),
        now=clock.now,
        sleep=clock.sleep,
        progress=progress,
        stopping=stopping,
        notify=_webhook(found, configuration.worker.alerts.format) or nobody,
        tombstones=marks,
    )
    return App(found, context, hubspot_client, c4c_client, clock)


def tombstones(found: Settings) -> Tombstones:
    """The tombstones beside the state file, with the key if it is set."""
    return Tombstones.beside(found.state, found.erasure_key.value if found.erasure_key else None)


def _tombstones(found: Settings, configuration: Configuration) -> Tombstones:
    """Who was erased. Raises ConfigurationError if the key is missing or another one although it is needed."""
    marks = tombstones(found)
    if configuration.worker.erasure.follow:
        marks.demand_key()
    marks.verify()
    return marks


def _opened(found: Settings, tenant: str) -> Store:
    """Opens the state file. Raises StateError; AnotherWorld if its records are in another tenant."""
    store = open_store(found.state)
    try:
        belongs.same_tenant(store, tenant)
    except BaseException:
        store.close()
        raise
    return store


def tell_unusable(error: StateError, env: Environment | None = None) -> None:
    """Notifies people that the worker cannot start because of its state file.

    No other alert can be known without it.
    """
    found = load_settings(env)
    try:
        form = config.load(found.config).worker.alerts.format
    except ConfigurationError:
        form = "generic"
    webhook = _webhook(found, form)
    if webhook:
        now = utc_now().isoformat()
        webhook(Notice("state", "firing", str(error), now, socket.gethostname(), STEPS[Alert.STATE]))


def rules(*, addresses: bool = False) -> tuple[Settings, Configuration]:
    """Settings and rules alone; with `addresses` also where both systems are, if set. Raises ConfigurationError."""
    env = Environment()
    found = environment.settings(env)
    if addresses:
        environment.system_addresses(env)
    return found, _load(env, found)


def state_only() -> tuple[Settings, Configuration | None, Store]:
    """The state file, for reports that must also work while a rule file is broken."""
    found = load_settings()
    try:
        configuration = config.load(found.config)
    except ConfigurationError:
        configuration = None
    return found, configuration, open_store(found.state, create=False)


def unconnected() -> tuple[Settings, Configuration, Store]:
    """The objects for commands that need no remote system. Raises ConfigurationError, StateError."""
    found, configuration = rules()
    return found, configuration, open_store(found.state, create=False)


def _load(env: Environment, found: Settings) -> Configuration:
    """Loads rules and settings, and raises the problems of both together."""
    try:
        configuration = config.load(found.config)
    except ConfigurationError as error:
        raise ConfigurationError([*env.problems, *error.problems]) from None
    env.settle()
    return configuration


def _webhook(found: Settings, form: Literal["generic", "slack"]) -> Webhook | None:
    return Webhook(found.alert_webhook, form, found.trust) if found.alert_webhook else None


def _hubspot(
    access: HubSpotAccess, trust: Trust, configuration: Configuration, clock: Clock, retry: RequestRetry | None
) -> HubSpotClient:
    options = configuration.worker.hubspot
    return HubSpotClient(
        access.base_url,
        access.token,
        api=options.api,
        search_per_second=options.search_per_second,
        burst_per_10s=options.burst_per_10s,
        timeout=options.timeout_seconds,
        trust=trust,
        parallel=options.parallel,
        association_batch=options.association_batch,
        read_batch=options.read_batch,
        history_batch=min(options.read_batch, HISTORY_BATCH),
        retry=retry or _retry(configuration),
        sleep=clock.sleep,
        monotonic=clock.monotonic,
    )


def _c4c(
    access: C4CAccess, trust: Trust, configuration: Configuration, clock: Clock, retry: RequestRetry | None
) -> C4CClient:
    options = configuration.worker.c4c
    return C4CClient(
        access.base_url,
        access.identity,
        parallel=options.parallel,
        batch_operations=options.batch_operations,
        timeout=options.timeout_seconds,
        trust=trust,
        retry=retry or _retry(configuration),
        sleep=clock.sleep,
    )


def _retry(configuration: Configuration) -> RequestRetry:
    retry = configuration.worker.retry
    return RequestRetry(retry.request_attempts, retry.request_wait.total_seconds())
