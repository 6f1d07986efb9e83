"""What reading costs: first loads, idle cycles, changes, sweeps, starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bench.figures import Figures, Ratio, Row, middle, scenario, times
from bench.stand import Bench, Stand
from sync import config

FIRST = "poll,scores,sweep"


def floor(contacts: int, companies: int) -> int:
    """The fewest requests that read all: 200 rows in a search, 1,000 contacts in a read of labels, owners twice,
    and the list of labels.
    """
    return -(-contacts // 200) + -(-companies // 200) + -(-contacts // 1000) + 2 + 1


@scenario("first-load", "10,000 contacts and 2,000 companies with labels and owners into an empty state")
def first_load(bench: Bench) -> Iterator[Row]:
    contacts, companies = 10_000, 2_000
    with bench.stand(contacts, companies) as stand:
        mine, plain = [], []
        for number in range(bench.pairs):
            mine.append(stand.worker("jobs", FIRST, state=f"state-{number}.db"))
            plain.append(stand.script("plain", *_properties(stand)))
        yield _loaded("10,000 + 2,000", mine, plain, floor(contacts, companies))
        yield Row("the plain script beside it", middle(plain))


def _properties(stand: Stand) -> tuple[str, str]:
    """The properties that the rules name, of companies and of contacts."""
    rules = config.load(stand.config).rules
    return ",".join(rules.company_properties()), ",".join(rules.contact_properties())


def _loaded(step: str, mine: list[Figures], plain: list[Figures], fewest: int) -> Row:
    found = middle(mine)
    return Row(
        step,
        found,
        (
            times([f.cpu for f in mine], [f.cpu for f in plain], "of the plain script's CPU", 1.0),
            Ratio("of the fewest requests", found.sent / fewest),
            Ratio("of the state written", found.written / found.state),
        ),
        {"start_s": round(found.start, 2)},
    )


def _large(bench: Bench, contacts: int, companies: int, *, plain: bool) -> Iterator[Row]:
    size = f"{contacts:,}"
    with bench.stand(contacts, companies) as stand:
        found = stand.worker("jobs", FIRST)
        ratios = [
            Ratio("of the fewest requests", found.sent / floor(contacts, companies)),
            Ratio("of the state written", found.written / found.state, 4),
            Ratio("kB of state a contact", found.state / contacts / 1000, 1.0),
        ]
        yield Row(f"first load of {size}", found, ratios)
        if plain:
            yield Row("the plain script beside it", stand.script("plain", *_properties(stand)))
        yield from _after(stand, size)


def _after(stand: Stand, size: str) -> Iterator[Row]:
    """Idle cycles, and the daily sweep of all labels."""
    cycle = _idle(stand)
    yield Row(f"an idle cycle at {size}", cycle, (Ratio("requests, of 2", cycle.sent / 2),))
    stand.advance(24 * 3600 + 1)
    stand.worker("jobs", "poll,scores")
    yield Row(f"all labels again at {size}, none changed", stand.worker("jobs", "sweep"))


CYCLES = 20


def _idle(stand: Stand) -> Figures:
    """The mean of several cycles of poll and push, each a minute after the one before."""
    stand.worker("settle")
    stand.advance(600)
    stand.worker("cycles", "poll,push", 1)
    nothing = stand.worker("cycles", "poll,push", 0)
    found = stand.worker("cycles", "poll,push", CYCLES)
    return replace(
        found,
        cpu=(found.cpu - nothing.cpu) / CYCLES,
        wall=(found.wall - nothing.wall) / CYCLES,
        written=(found.written - nothing.written) // CYCLES,
        log=(found.log - nothing.log) // CYCLES,
        log_lines=(found.log_lines - nothing.log_lines) // CYCLES,
        requests={path: number // CYCLES for path, number in found.requests.items() if number >= CYCLES},
    )


@scenario("load-100k", "100,000 contacts and 20,000 companies: first load, idle, sweep", heavy=True)
def load_100k(bench: Bench) -> Iterator[Row]:
    yield from _large(bench, 100_000, 20_000, plain=True)


@scenario("load-1m", "1,000,000 contacts and 200,000 companies: first load, idle, sweep", heavy=True)
def load_1m(bench: Bench) -> Iterator[Row]:
    yield from _large(bench, 1_000_000, 200_000, plain=False)


@scenario("idle", "a cycle without changes, and one with 100 changed contacts, at 10,000 contacts")
def idle(bench: Bench) -> Iterator[Row]:
    with bench.stand(10_000, 2_000) as stand:
        stand.worker("jobs", FIRST)
        cycle = _idle(stand)
        yield Row("an idle cycle", cycle, (Ratio("requests, of 2", cycle.sent / 2),))
        for number in _some_ids(stand, 100):
            stand.control("PATCH", f"/hubspot/contacts/{number}", {"properties": {"jobtitle": "Head of bench"}})
        stand.advance(600)
        yield Row("100 changed", stand.worker("jobs", "poll"))
        stand.advance(24 * 3600 + 1)
        stand.worker("jobs", "poll,scores")
        yield Row("all labels again, none changed", stand.worker("jobs", "sweep"))


HOURS = 24


@scenario("day", "a day in which nothing happens, at 10,000 contacts: jobs and heartbeats at their times", heavy=True)
def day(bench: Bench) -> Iterator[Row]:
    with bench.stand(10_000, 2_000) as stand:
        stand.worker("jobs", FIRST)
        stand.worker("settle")
        before = stand.worker("day", 1)
        stand.advance(3600)
        found = stand.worker("day", HOURS)
        ratios = (
            Ratio("MB written", found.written / 1e6, 40),
            Ratio("kB more state", (found.state - before.state) / 1e3, 200),
        )
        yield Row("a day idle", found, ratios)


@scenario(
    "paced", "10,000 contacts and 2,000 companies with HubSpot's limits on: is the allowed rate of searches used?"
)
def paced(bench: Bench) -> Iterator[Row]:
    with bench.stand(10_000, 2_000, limits=True) as stand:
        found = stand.worker("jobs", "poll")
        searches = sum(number for path, number in found.requests.items() if path.endswith("/search"))
        rate = Ratio("searches a second, of 5 allowed", searches / found.took)
        refused = Ratio("answers of 429", stand.refused(), 0)
        yield Row("first load at five searches a second", found, (rate, refused))


def _some_ids(stand: Stand, number: int) -> list[str]:
    from sync.mirror import mirrored
    from sync.state.store import open_store

    store = open_store(stand.directory / "state.db")
    with store.reading() as session:
        found = mirrored.all_ids(session)[:number]
    store.close()
    return found


@scenario("start", "how long a command takes to start")
def start(bench: Bench) -> Iterator[Row]:
    with bench.stand(500, 120) as stand:
        stand.worker("jobs", FIRST)
        for arguments in (["--help"], ["status"], ["health"]):
            runs = [stand.command(*arguments) for _ in range(bench.pairs)]
            found = middle(runs)
            yield Row(" ".join(arguments), found, (Ratio("s of CPU", found.cpu, 0.25),))
