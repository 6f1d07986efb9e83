"""Random lives from a seed: some casts, what happens to each, when the worker works, and what goes wrong meanwhile.

A life is a list of steps, each one line of text, so that a shorter one can be made by leaving lines out, and any can be
written down and played again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from proof.cast import EVENTS
from proof.troubles import DEATHS, FAULTS, MEANWHILE, TENANT_FAULTS, Trouble

EVENTS_OF_A_HISTORY = 30
PHASES = 7
"""Working phases of a life; what happens to a cast is spread over the pauses before them."""

WEIGHTS = {
    "scored": 6,
    "scored_high": 5,
    "scored_low": 4,
    "person_changed": 4,
    "person_renamed": 2,
    "address_changed": 2,
    "address_reused": 2,
    "basis_withdrawn": 2,
    "basis_given": 3,
    "opted_out": 2,
    "opted_in": 1,
    "contact_created": 2,
    "contacts_merged": 1,
    "contact_archived": 1,
    "contact_restored": 2,
    "contact_erased": 0.4,
    "company_created": 1,
    "relabelled": 2,
    "unlabelled": 1,
    "left_company": 0.5,
    "company_changed": 2,
    "company_renamed": 1,
    "domain_lost": 0.5,
    "companies_merged": 0.6,
    "owner_given": 1,
    "owner_left": 0.3,
    "account_edited": 3,
    "person_edited": 1,
    "lead_edited": 2,
    "lead_accepted": 2,
    "lead_declined": 2,
    "lead_converted": 1,
    "lead_deleted": 0.5,
    "account_made_by_sales": 0.7,
    "account_retired": 0.2,
}
assert WEIGHTS.keys() == EVENTS.keys()

OPERATOR = (
    "reload",
    "resync",
    "retry_parked",
    "back_up",
    "restore",
    "lose_state",
    "clock_ahead",
    "clock_right",
    "restart",
)
"""What happens to the worker between two phases, seldom."""

JOBS = (("poll", "push"), ("poll", "push"), ("poll", "scores", "push"), ("scores", "sweep", "push"), ("push",))


@dataclass(frozen=True)
class Happens:
    """An event of one cast."""

    cast: int
    event: str
    a: int
    b: int

    def __str__(self) -> str:
        return f"{self.cast} {self.event} {self.a} {self.b}"


@dataclass(frozen=True)
class Works:
    """The worker runs these jobs, and meets these troubles. `wait`: seconds that pass before."""

    wait: int
    jobs: tuple[str, ...]
    troubles: tuple[Trouble, ...] = ()

    def __str__(self) -> str:
        return " ".join((f"works {self.wait} {','.join(self.jobs)}", *map(str, self.troubles)))


@dataclass(frozen=True)
class Operates:
    """Something that is done to the worker or its state."""

    what: str

    def __str__(self) -> str:
        return self.what


Step = Happens | Works | Operates
Life = list[Step]

_TROUBLE = re.compile(r"(\w+)@(\d+)(?:\[([^\]]*)\])?")


def step(line: str) -> Step:
    """The step that a line stands for."""
    first, *rest = line.split()
    if first.isdigit():
        return Happens(int(first), rest[0], int(rest[1]), int(rest[2]))
    if first == "works":
        troubles = (Trouble(kind, int(nth), text) for kind, nth, text in _TROUBLE.findall(line))
        return Works(int(rest[0]), tuple(rest[1].split(",")), tuple(troubles))
    return Operates(first)


def life(seed: int, casts: int) -> Life:
    """The life of that seed: each cast has at least 30 events, and in each phase something may go wrong."""
    random = Random(seed)
    steps: Life = []
    for phase in range(PHASES):
        happened = [list(_events(random, cast, phase)) for cast in range(casts)]
        steps += [one for of_cast in happened for one in of_cast]
        if random.random() < 0.35:
            steps.append(Operates(random.choice(OPERATOR)))
        steps.append(_phase(random, casts, sure=phase == 1))
    return steps


def _events(random: Random, cast: int, phase: int) -> Iterator[Happens]:
    if phase == 0:
        yield Happens(cast, "company_created", 0, 0)
        yield Happens(cast, "contact_created", 0, random.randrange(3))
    for _ in range(EVENTS_OF_A_HISTORY // PHASES):
        yield _event(random, cast)


def _event(random: Random, cast: int) -> Happens:
    [name] = random.choices(list(WEIGHTS), list(WEIGHTS.values()))
    return Happens(cast, name, random.randrange(12), random.randrange(60))


def _phase(random: Random, casts: int, *, sure: bool) -> Works:
    """`sure`: something goes wrong for certain, at one of the first calls or commits."""
    wait = random.choice((60, 130, 300, 900, 4000, 90_000))
    if sure:
        return Works(wait, JOBS[0], (Trouble(random.choice((*FAULTS, *DEATHS)), random.randint(1, 2)),))
    number = random.choice((0, 1, 1, 2))
    return Works(wait, random.choice(JOBS), tuple(_trouble(random, casts) for _ in range(number)))


def _trouble(random: Random, casts: int) -> Trouble:
    kinds = random.choice((FAULTS, FAULTS, TENANT_FAULTS, DEATHS, DEATHS, MEANWHILE))
    kind = random.choice(kinds)
    if kind.endswith("_commit"):
        return Trouble(kind, random.randint(1, 25))
    text = str(_event(random, random.randrange(casts))) if kind == "meanwhile" else ""
    return Trouble(kind, random.randint(1, 14), text)
