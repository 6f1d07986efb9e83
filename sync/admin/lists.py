"""Finds contacts by what a person types, and lists contacts and leads. Lists are made while they are read."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Generic, TypeVar

from sqlmodel import Session

from sync.admin import people
from sync.admin.people import Asking, Lead, Person
from sync.domain.lead_status import LeadStatus, lead_status
from sync.domain.numbers import in_order, whole
from sync.faults import Faults
from sync.mirror import listing
from sync.mirror.listing import Choice, LeadRow, Sort
from sync.planner.qualify import qualify

_T = TypeVar("_T")
Id = TypeVar("Id")

_PORTION = 200
"""Contacts loaded at a time."""


class Listing(Generic[_T]):
    """A list that is made while it is read; `total` is the number of all that match, whatever the limit."""

    def __init__(
        self, ids: Iterator[Id], limit: int | None, load: Callable[[list[Id]], Iterable[_T]], count: Callable[[], int]
    ) -> None:
        """`ids` are read up to the limit, `load` makes the rows of some of them, `count` counts all that match."""
        self._rows, self._count = self._made(islice(ids, limit), load), count

    def __iter__(self) -> Iterator[_T]:
        return self._rows

    @cached_property
    def total(self) -> int:
        return self._count()

    def _made(self, ids: Iterator[Id], load: Callable[[list[Id]], Iterable[_T]]) -> Iterator[_T]:
        while portion := list(islice(ids, _PORTION)):
            yield from load(portion)


# ---- find


def find(asking: Asking, text: str, limit: int | None = None, *, by_name: bool = True) -> Listing[Person]:
    """The contacts that a text leads to: by a HubSpot id, a number or ObjectID of SAP Sales Cloud, an e-mail address, a
    web domain, or the beginnings of words of the names of a person or their company. `by_name`: not only by ids and
    numbers.
    """
    ids = find_ids(asking.session, text, by_name=by_name)
    return Listing(iter(ids), limit, lambda portion: people.people(asking, portion, asking.score()), lambda: len(ids))


def find_few(asking: Asking, text: str, limit: int, *, by_name: bool = True) -> tuple[list[Person], bool]:
    """The same, but at most so many, and whether there are more; its cost does not grow with their number."""
    exact = _numbered(asking.session, text)
    named = listing.first_named(asking.session, text, limit + 1) if by_name else []
    ids = list(dict.fromkeys([*exact, *sorted(named, key=in_order)]))
    return people.people(asking, ids[:limit], asking.score()), len(ids) > limit


def _numbered(session: Session, text: str) -> list[str]:
    return listing.numbered(session, text.strip()) if _could_be_id(text.strip()) else []


def find_ids(session: Session, text: str, *, by_name: bool = True) -> list[str]:
    """Their ids, those that the text names exactly first."""
    exact = _numbered(session, text)
    return list(dict.fromkeys([*exact, *listing.named_like(session, text)])) if by_name else exact


def _could_be_id(text: str) -> bool:
    """Ids are numbers, ObjectIDs are 32 hexadecimal digits, and numbers of C4C hold no blank."""
    return whole(text) is not None or (text.isascii() and text.isalnum() and any(c.isdigit() for c in text))


# ---- contacts


@dataclass(frozen=True, slots=True)
class Contacts:
    """Which contacts to list, and how. `alone`: the code is the only reason against the handover.

    `score` names the score whose points are shown and bounded by `low` and `high`.
    """

    score: str | None = None
    code: str | None = None
    alone: bool = False
    low: float | None = None
    high: float | None = None
    since: datetime | None = None
    owner: str | None = None
    parked: bool = False
    sort: Sort = "contact"
    limit: int | None = None


def contacts(asking: Asking, wanted: Contacts) -> Listing[Person]:
    """The contacts, in order."""
    score = asking.score(wanted.score)
    choice = Choice(score.property, wanted.code, wanted.low, wanted.high, wanted.since, wanted.owner, wanted.parked)
    return Listing(
        _chosen(asking, wanted, choice),
        wanted.limit,
        lambda ids: people.people(asking, ids, score),
        lambda: _count(asking, wanted, choice),
    )


def _count(asking: Asking, wanted: Contacts, choice: Choice) -> int:
    """How many there are. Where only the rules can tell, every contact in question is decided."""
    if wanted.code is None:
        return listing.contact_count(asking.session, choice)
    return sum(1 for _ in _chosen(asking, wanted, choice))


def _chosen(asking: Asking, wanted: Contacts, choice: Choice) -> Iterator[str]:
    """Ids of the contacts. The rules are asked only where the recorded code does not answer."""
    rows = listing.contact_ids(asking.session, choice, wanted.sort)
    if wanted.code is None:
        yield from (contact for contact, _ in rows)
        return
    while portion := list(islice(rows, _PORTION)):
        fits = _by_rules(asking, wanted, [i for i, code in portion if wanted.alone or code is None])
        yield from (i for i, code in portion if i in fits or (code == wanted.code and not wanted.alone))


def _by_rules(asking: Asking, wanted: Contacts, contact_ids: Sequence[str]) -> Collection[str]:
    """Those of the contacts to which the rules give the code; with `alone` for no other reason."""
    faults = Faults()
    fits = set()
    for view in faults.views(asking.session, contact_ids).values():
        if people.code_now(view, asking.rules, faults) != wanted.code:
            continue
        codes = {code for decision in qualify(view, asking.rules) for code in decision.codes}
        if not wanted.alone or codes == {wanted.code}:
            fits.add(view.id)
    return fits


# ---- leads


@dataclass(frozen=True, slots=True)
class Leads:
    """Which leads to list: those handed over in a time, with one of these statuses."""

    since: datetime | None = None
    until: datetime | None = None
    statuses: frozenset[LeadStatus] = frozenset(LeadStatus)
    limit: int | None = None


def leads(asking: Asking, wanted: Leads) -> Listing[Lead]:
    """The leads, the newest first."""
    rows = listing.leads(asking.session, wanted.since, wanted.until)
    mapping = asking.rules.mapping.lead
    chosen = (row for row in rows if lead_status(row.observed, mapping) in wanted.statuses)
    return Listing(chosen, wanted.limit, lambda rows: _loaded(asking, rows), lambda: _lead_count(asking, wanted))


def _lead_count(asking: Asking, wanted: Leads) -> int:
    found = listing.outcomes(asking.session, wanted.since, wanted.until)
    mapping = asking.rules.mapping.lead
    return sum(outcome.number for outcome in found if lead_status(outcome.observed, mapping) in wanted.statuses)


def _loaded(asking: Asking, rows: list[LeadRow]) -> list[Lead]:
    views = Faults().views(asking.session, list(dict.fromkeys(row.contact for row in rows)))
    return people.leads(asking, rows, views)
