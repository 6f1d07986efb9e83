"""Values for the pure core: one contact with everything that a decision needs."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, TypeVar

from sync.domain import text
from sync.domain.keys import owner_of

_T = TypeVar("_T")

Properties = Mapping[str, str | None]

ASSOCIATIONS = "associations"
"""Among the unreadable properties of a contact: its associations with companies could not be read."""

_PRIMARY = ("HUBSPOT_DEFINED", 1)
"""(category, typeId) of the primary company seen from the contact (HubSpot associations v4 guide)."""


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """One association type between a contact and a company, seen from the contact.

    Its identity is (category, type_id) per portal; `text` is shown to people and can change."""

    category: str
    type_id: int
    text: str | None = field(default=None, compare=False)

    @property
    def is_primary(self) -> bool:
        return (self.category, self.type_id) == _PRIMARY


@dataclass(frozen=True, slots=True)
class Owner:
    """A HubSpot owner: `id` is what `hubspot_owner_id` holds (not `userId`).

    `unread`: HubSpot's owners have never been read, so only the id is known."""

    id: str
    email: str | None
    archived: bool = False
    unread: bool = False


class Unreadable(Exception):
    """A property's value could not be read, which differs from an empty value.

    Raised instead of returning a value, so that no rule can take "unread" for "empty".
    """

    def __init__(self, space: Literal["contact", "company"], name: str) -> None:
        super().__init__(f"the {space} property `{name}` cannot be read")


class Memo:
    """Caches results computed from one view or company, since planning starts anew after each answer."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[object, tuple[tuple[object, ...], tuple[object, ...], Any]] = {}

    def once(self, name: object, by: tuple[object, ...], rests_on: tuple[object, ...], make: Callable[[], _T]) -> _T:
        """The result of `make`, computed anew only if it depends on other objects or values than before."""
        if known := self._known.get(name):
            before, values, found = known
            if values == rests_on and all(map(operator.is_, before, by)):
                kept: _T = found
                return kept
        made = make()
        self._known[name] = by, rests_on, made
        return made


@dataclass(frozen=True, slots=True)
class Company:
    """A mirrored HubSpot company; `unreadable` as in `ContactView`.

    `peers`: groups of companies that have something in common with this one, itself included. Companies share the
    groups, since many of one batch may have one domain. `kin`: by duplicate of this company, its groups.
    """

    id: str
    properties: Properties
    owner: Owner | None = None
    unreadable: frozenset[str] = frozenset()
    peers: tuple["Peers", ...] = field(default=(), compare=False, repr=False)
    kin: Mapping[str, tuple["Peers", ...]] = field(default_factory=dict, compare=False, repr=False)
    memo: Memo = field(default_factory=Memo, init=False, compare=False, repr=False)

    def get(self, name: str) -> str | None:
        """The value; None if it is empty. Raises Unreadable."""
        if name in self.unreadable:
            raise Unreadable("company", name)
        return clean(self.properties.get(name))


@dataclass(frozen=True, slots=True)
class Peer:
    """A company that may stand for the same account as another one.

    `linked`: it has an account of its own. `shares`: it stands for the account of a duplicate. `covered_by`: its
    duplicates that have an account, which it would share. Sales may have retired such an account meanwhile.
    """

    company: Company
    linked: bool
    shares: bool = False
    covered_by: tuple[str, ...] = ()


ALIKE = "alike "
"""Prefix of index keys that only duplicates of a company have in common (`sync.mappers.identity.keys`)."""


@dataclass(frozen=True, slots=True)
class Peers:
    """Companies with one domain, or (`alike`) with one domain and name, or one name, country and postal code.

    Being alike is transitive: if the first is the second and the second is the third, all three are one."""

    members: tuple[Peer, ...]
    alike: bool


@dataclass(frozen=True, slots=True)
class Association:
    """A company of a contact with all labels of the pair."""

    company: Company
    labels: frozenset[Label]

    @property
    def is_primary(self) -> bool:
        return any(label.is_primary for label in self.labels)


Origin = Literal["created", "adopted", "set", "shared"]
"""The origin of a link: we created the record, found it, a person named it, or it carries the key of another id."""

ORIGINS: Mapping[str, Origin] = {"created": "created", "adopted": "adopted", "set": "set", "shared": "shared"}
"""Origins by their stored names."""


@dataclass(frozen=True, slots=True)
class Link:
    """External key ↔ C4C record, with the values last sent.

    An empty `object_id` is an intent: the record is about to be created, and the result is not known yet. `seen` is
    what the record showed when it was last read: its other ids, its life cycle status, and under `theirs` a digest of
    every field that holds another value than ours.
    """

    entity: str
    key: str
    object_id: str
    sent: Mapping[str, object]
    origin: Origin = "adopted"
    observed: Mapping[str, object] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """The HubSpot id that the key begins with: of an account the company's, of all others the contact's."""
        return owner_of(self.key)

    @property
    def ours(self) -> bool:
        """Whether we created the record, so that we may delete it again."""
        return self.origin == "created"


@dataclass(frozen=True, slots=True)
class Cycle:
    """One handover of a contact for one score: `rearmed`: the score has been below the re-arm level since.

    `evidence`: consent as read at that time, by property.
    """

    score: str
    number: int
    rearmed: bool = False
    evidence: Properties = field(default_factory=dict, compare=False, hash=False)


@dataclass(frozen=True, slots=True)
class ContactView:
    """One contact as the mirror knows it.

    `unreadable` names the properties that HubSpot did not show when the contact was read last, or sent in an unreadable
    form (possibly with `ASSOCIATIONS`). Such a property is not empty: `properties` holds what was read of it before, if
    anything was. `left_alone` is the reason that a person gave for leaving the contact alone for good.
    """

    id: str
    properties: Properties
    associations: tuple[Association, ...] = ()
    owner: Owner | None = None
    archived: bool = False
    merged_into: str | None = None
    erased: bool = False
    cycles: tuple[Cycle, ...] = ()
    change_seq: int = 0
    crossed_at: Mapping[str, datetime] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    left_alone: str | None = None
    duplicates: tuple[str, ...] = ()
    """Other contacts of one of its companies with the same e-mail address that are handed over, or would be."""
    memo: Memo = field(default_factory=Memo, init=False, compare=False, repr=False)

    def get(self, name: str) -> str | None:
        """The value; None if it is empty. Raises Unreadable."""
        if name in self.unreadable:
            raise Unreadable("contact", name)
        return clean(self.properties.get(name))

    def known(self, name: str) -> str | None:
        """The value; None if it is empty or cannot be read."""
        return None if name in self.unreadable else self.get(name)


@lru_cache(2**15)
def clean(value: str | None) -> str | None:
    """The value without surrounding blanks; empty or invisible text counts as missing.

    Values are cleaned when they are read; this also covers values that an earlier release stored.
    """
    return None if value is None else text.clean(value).strip() or None
