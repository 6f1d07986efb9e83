"""Who is who: what a careful clerk would do with the companies and persons of both sides. Written from the rules' texts.

The model knows nothing of the product. It sees the two sides as people wrote them, reads what is meant
(`who_is_who_words`), and says for each contact which answers are right. Where the texts leave two open, both are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, combinations
from typing import Any, NamedTuple

import who_is_who_words as meant

Row = Mapping[str, Any]
OBSOLETE = "4"

# ---- the answers


class Park(NamedTuple):
    """A doubt: a person must decide."""

    code: str


class Adopt(NamedTuple):
    """The record gets our key."""

    object_id: str
    key: str


class Create(NamedTuple):
    """A record is made under this key."""

    key: str


class Use(NamedTuple):
    """The record of this ObjectID is ours already, or is shared; its key stays."""

    object_id: str


Answer = Park | Adopt | Create | Use

# ---- what is known of both sides


@dataclass(frozen=True)
class Traits:
    """What a company or account is recognised by; empty where it is not known."""

    name: str
    domain: str
    country: str
    postal: str

    @property
    def place(self) -> tuple[str, str, str] | None:
        """Name, country and postal code, if all three are known."""
        return (self.name, self.country, self.postal) if self.country and self.postal else None


def of_company(row: Row) -> Traits:
    domain = meant.domain(row.get("domain", ""), row.get("website", ""))
    land = meant.country(row.get("hs_country_region_code", "")) or meant.country(row.get("country", ""))
    return Traits(meant.name(row["name"]), domain, land, meant.postal_code(row.get("zip", "")))


def of_account(row: Row) -> Traits:
    names = (row.get(n) or "" for n in ("Name", "AdditionalName", "AdditionalName2", "AdditionalName3"))
    postal = meant.postal_code(row.get("StreetPostalCode") or "")
    return Traits(
        meant.name(" ".join(names)), meant.domain(row.get("WebSite") or ""), row.get("CountryCode") or "", postal
    )


@dataclass(frozen=True)
class Sides:
    """Both sides before a run. `shares`, `shared_persons`: by HubSpot id the record of another that it shares, as far as we remember."""

    companies: Mapping[str, Row]
    contacts: Mapping[str, Row]
    employer: Mapping[str, str]
    accounts: Sequence[Row]
    persons: Sequence[Row]
    shares: Mapping[str, str] = field(default_factory=dict)
    shared_persons: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def traits(self) -> dict[str, Traits]:
        return {key: of_company(row) for key, row in self.companies.items()}

    @cached_property
    def known(self) -> dict[str, Traits]:
        return {row["ObjectID"]: of_account(row) for row in self.accounts}

    @cached_property
    def free(self) -> list[str]:
        """Accounts that anybody may have: they live, and carry no key."""
        return [r["ObjectID"] for r in self.accounts if not obsolete(r) and not key_of(r)]

    def without(self, object_ids: Collection[str]) -> Sides:
        """The same if these accounts were not there."""
        return replace(self, accounts=[r for r in self.accounts if r["ObjectID"] not in object_ids])

    def holder(self, key: str) -> str | None:
        """The living account that carries the key."""
        return next((r["ObjectID"] for r in self.accounts if key_of(r) == key and not obsolete(r)), None)

    def retired(self, key: str) -> bool:
        """Whether the company's account was closed down or merged away by sales."""
        return any(key_of(r) == key and obsolete(r) for r in self.accounts)

    def living(self, object_id: str) -> bool:
        return any(r["ObjectID"] == object_id and not obsolete(r) for r in self.accounts)


def key_of(row: Row) -> str:
    return row.get("HubSpotID_KUT") or ""


def obsolete(row: Row) -> bool:
    return (row.get("LifeCycleStatusCode") or row.get("StatusCode")) == OBSOLETE


# ---- duplicates and sisters in HubSpot


def same_company(one: Traits, other: Traits) -> bool:
    """Agreement in domain and name, or in name, country and postal code; never by domain alone."""
    by_domain = bool(one.domain) and (one.domain, one.name) == (other.domain, other.name)
    return by_domain or (one.place is not None and one.place == other.place)


def group_of(key: str, sides: Sides) -> tuple[str, ...]:
    """The company and its duplicates, and theirs, in the order of ids."""
    found, new = {key}, {key}
    while new:
        near = (o for o in sides.traits for n in new if same_company(sides.traits[n], sides.traits[o]))
        new = set(near) - found
        found |= new
    return tuple(sorted(found, key=int))


def rivals_of(group: Sequence[str], sides: Sides) -> Iterator[tuple[str, ...]]:
    """Sisters that have no account yet: other companies with a domain of the group. Duplicates are no sisters."""
    domains = {sides.traits[key].domain for key in group} - {""}
    alike = group_of(group[0], sides)
    others = {group_of(key, sides) for key, its in sides.traits.items() if its.domain in domains and key not in alike}
    return (other for other in others if not any(placed(key, sides) for key in other))


def placed(key: str, sides: Sides) -> bool:
    return sides.holder(key) is not None or key in sides.shares


# ---- which account


def account(key: str, sides: Sides) -> set[Answer]:
    """The right answers for the account of a company."""
    if own := sides.holder(key):
        return {Use(own)}
    if shared := sides.shares.get(key):
        # Sales retired what it shared: the successor is a doubt, unless the search finds one.
        return {Use(shared)} if sides.living(shared) else {Park("ACCOUNT_AMBIGUOUS")} | _of_group(key, sides)
    return _of_group(key, sides)


def _of_group(key: str, sides: Sides) -> set[Answer]:
    """By what is known of the company and its duplicates."""
    group = group_of(key, sides)
    held = {own for other in group if (own := sides.holder(other))}
    if retired := next((k for k in (key, group[0]) if sides.retired(k)), None):
        found = _searched(retired, (retired,), sides) | _searched(retired, group, sides)
        return {Park("ACCOUNT_AMBIGUOUS") if isinstance(a, Create) else a for a in found} | _merged_into(
            group, held, sides
        )
    if held:
        return {Use(own) for own in held}
    # What is known of any duplicate counts; that of the first one alone may leave a doubt.
    alone = next((a for one in group if (a := _searched(group[0], (one,), sides)) != {Create(group[0])}), set())
    return _searched(group[0], group, sides) | alone


def account_while_others_take(key: str, due: Iterable[str], sides: Sides) -> set[Answer]:
    """The right answers if another company may be given an account first.

    The account of a domain may also be that of a name and place, and sisters who lose the best one may both fit what
    is left; whoever comes first gets it, and the other goes on searching.
    """
    taken = {a.object_id for other in _others(key, due, sides) for a in account(other, sides) if isinstance(a, Adopt)}
    subsets = chain.from_iterable(combinations(sorted(taken), n) for n in range(len(taken) + 1))
    return set().union(*(account(key, sides.without(some)) for some in subsets))


def _others(key: str, due: Iterable[str], sides: Sides) -> set[str]:
    """Companies with contacts that are due, but no duplicates of this one."""
    group = group_of(key, sides)
    return {company for i in due if (company := sides.employer[i]) not in group}


def _merged_into(group: Sequence[str], held: set[str], sides: Sides) -> set[Answer]:
    """Accounts that may live on for a retired one, if sales merged the two: they fit, and carry the other one's key."""
    mine = [sides.traits[key] for key in group]
    others = (r["ObjectID"] for r in sides.accounts if key_of(r) and not obsolete(r))
    fits = {r: any(_same_domain(m, sides.known[r]) or _same_place(m, sides.known[r]) for m in mine) for r in others}
    fitting = {r for r, found in fits.items() if found}
    return {Use(r) for r in fitting | held}


def _searched(key: str, group: Sequence[str], sides: Sides) -> set[Answer]:
    """A duplicate of a sister may claim what fits it best, or only what fits the sister best: either is right."""
    return _found(key, group, list(rivals_of(group, sides)), sides) | _found(
        key, group, [(one,) for sister in rivals_of(group, sides) for one in sister], sides
    )


def _found(key: str, group: Sequence[str], rivals: Sequence[Sequence[str]], sides: Sides) -> set[Answer]:
    """By the natural keys: what the web domain finds is narrowed by name and place, which else count for themselves.

    What is left over for sisters that claim a better one equally is a doubt.
    """
    by_domain = {r for r in sides.free if any(_same_domain(sides.traits[c], sides.known[r]) for c in group)}
    by_place = {r for r in sides.free if any(_same_place(sides.traits[c], sides.known[r]) for c in group)}
    lost, contested = _claimed(group, by_domain, rivals, sides)
    left = by_domain - lost - contested
    found = (left & by_place or left) if left else by_place - lost - contested
    if contested and all(max(_fit(group, c, sides) for c in contested) > _fit(group, r, sides) for r in found):
        return {Park("ACCOUNT_AMBIGUOUS")}
    if not found:
        return {Create(key)}
    best = _best(group, found, sides)
    return {Adopt(one, key) for one in best} if len(best) == 1 else {Park("ACCOUNT_AMBIGUOUS")}


def _claimed(
    group: Sequence[str], candidates: set[str], rivals: Sequence[Sequence[str]], sides: Sides
) -> tuple[set[str], set[str]]:
    """Candidates that a sister fits better, and those that one fits as well. A sister claims what fits it best."""
    lost, contested = set(), set()
    for sister in rivals:
        theirs = {r for r in sides.free if any(_same_domain(sides.traits[c], sides.known[r]) for c in sister)}
        top = max((_fit(sister, r, sides) for r in theirs), default=None)
        for r in candidates & {r for r in theirs if _fit(sister, r, sides) == top}:
            own = _fit(group, r, sides)
            lost |= {r} if top and top > own else set()
            contested |= {r} if top == own else set()
    return lost, contested - lost


def _fit(group: Iterable[str], record: str, sides: Sides) -> tuple[bool, bool, bool]:
    return max(_fits(sides.traits[key], sides.known[record]) for key in group)


def _fits(one: Traits, other: Traits) -> tuple[bool, bool, bool]:
    """By name, then postal code, then country."""
    postal, land = bool(one.postal) and one.postal == other.postal, bool(one.country) and one.country == other.country
    return one.name == other.name, postal, land


def _best(group: Sequence[str], found: set[str], sides: Sides) -> set[str]:
    """The one that fits best, if it has the name; without the name it is a doubt."""
    top = max(_fit(group, r, sides) for r in found)
    return {r for r in found if _fit(group, r, sides) == top} if top[0] else found


def _same_domain(one: Traits, other: Traits) -> bool:
    return bool(one.domain) and one.domain == other.domain


def _same_place(one: Traits, other: Traits) -> bool:
    return one.place is not None and one.place == other.place


# ---- which contact person


def person(key: str, of: Answer, due: Collection[str], sides: Sides) -> set[Answer]:
    """The right answers for the contact person of a contact whose account is known.

    Two contacts who name one address, one of them among its further ones, may both claim a person: one of them gets it.
    """
    holders = [r for r in sides.persons if key_of(r) == key]
    living = [r["ObjectID"] for r in holders if not obsolete(r)]
    if living:
        return {Use(living[0])}
    if shared := sides.shared_persons.get(key):
        return {Use(shared)}
    found = _by_address(key, [r for r in _persons_of(of, sides) if not key_of(r)], sides)
    if len(found) > 1:
        return {Park("CONTACT_AMBIGUOUS")}
    if found:
        claimed = any(found[0] in _by_address(i, _persons_of(of, sides), sides) for i in due if i != key)
        return {Adopt(found[0], key), *([Create(key)] if claimed else [])}
    if not holders:
        return {Create(key)}
    # Sales retired the person, or merged it into one that carries another key of ours.
    others = [r for r in _persons_of(of, sides) if key_of(r)]
    return {Park("CONTACT_AMBIGUOUS"), *map(Use, _by_address(key, others, sides))}


def _persons_of(account: Answer, sides: Sides) -> list[Row]:
    number = next((r["AccountID"] for r in sides.accounts if r["ObjectID"] == getattr(account, "object_id", "")), None)
    return [r for r in sides.persons if number and r["AccountID"] == number and not obsolete(r)]


def _by_address(key: str, persons: Sequence[Row], sides: Sides) -> list[str]:
    """Those with one of the contact's addresses; its first property counts before its further ones."""
    written = (sides.contacts[key].get(n, "") for n in ("email", "hs_additional_emails"))
    groups = (set(meant.addresses(text)) for text in written)
    found = (
        [r["ObjectID"] for r in persons if wanted & set(meant.addresses(r.get("Email") or ""))] for wanted in groups
    )
    return next(filter(None, found), [])


def doubles(key: str, due: Iterable[str], sides: Sides) -> set[str]:
    """Other contacts of the same company, or of its duplicates, with the same address."""
    group = group_of(sides.employer[key], sides)
    own = _address(key, sides)
    return {i for i in due if i != key and sides.employer[i] in group and own and _address(i, sides) == own}


def _address(key: str, sides: Sides) -> str:
    return next(iter(meant.addresses(sides.contacts[key].get("email", ""))), "")


# ---- everything together


@dataclass(frozen=True)
class Expected:
    """The right answers for one contact: of its account, and per account of its person; `double`: HubSpot has it twice."""

    account: set[Answer]
    person: Mapping[Answer, set[Answer]]
    double: bool = False

    def codes(self) -> set[str]:
        """The codes with which the contact may be parked."""
        answers = chain(self.account, *self.person.values())
        return {a.code for a in answers if isinstance(a, Park)} | ({"CONTACT_DUPLICATE"} if self.double else set())

    def may_go_on(self) -> bool:
        return not self.double and any(not isinstance(p, Park) for found in self.person.values() for p in found)


def expected(sides: Sides, due: Collection[str]) -> dict[str, Expected]:
    """For the contacts that are due: all that are above the threshold."""
    return {key: _expected(key, due, sides) for key in due}


def _expected(key: str, due: Collection[str], sides: Sides) -> Expected:
    answers = account_while_others_take(sides.employer[key], due, sides)
    persons = {a: person(key, a, due, sides) for a in answers if not isinstance(a, Park)}
    known = any(key_of(row) == key for row in sides.persons) or key in sides.shared_persons
    return Expected(answers, persons, not known and bool(doubles(key, due, sides)))
