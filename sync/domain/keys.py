"""External keys: what one is made of, and its text. The one place where a key is put together or taken apart."""

from dataclasses import dataclass
from typing import Self

from sync.domain.entities import TYPES, Entity
from sync.domain.numbers import whole

_BETWEEN = ":"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A record under the HubSpot id that it belongs to: `101:mql:2` is the second lead of contact 101 for score mql.

    `owner` is the id of the contact, of an account the id of the company. `parts` are those that `TYPES` names for the
    entity. `str(key)` is the text in links, in CSV files and in C4C.
    """

    entity: Entity
    owner: str
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return _BETWEEN.join((self.owner, *self.parts))

    @classmethod
    def parse(cls, entity: str, text: str) -> Self:
        """The key with this text. The last part may contain a colon itself.

        Raises ValueError where parts are missing, or a lead's cycle is not a whole number from 1.
        """
        kind = TYPES[entity]
        owner, *parts = text.split(_BETWEEN, len(kind.parts) + len(kind.optional))
        if not all((owner, *parts)) or len(parts) < len(kind.parts):
            raise ValueError(f"a key of {entity} is {form(entity)}")
        key = cls(Entity(entity), owner, tuple(parts))
        if key.entity is Entity.LEAD and not whole(key.parts[1]):
            raise ValueError("the cycle at the end of a lead's key is a whole number from 1")
        return key

    @classmethod
    def read(cls, entity: str, text: str) -> Self | None:
        """The key with this text, or None where it is the text of none: C4C may hold anything in the field."""
        try:
            return cls.parse(entity, text)
        except ValueError:
            return None

    @classmethod
    def of_lead(cls, contact: str, score: str, cycle: int) -> Self:
        return cls(Entity.LEAD, contact, (score, str(cycle)))

    @property
    def lead(self) -> tuple[str, int]:
        """(score, cycle) of a lead's key."""
        score, cycle = self.parts
        return score, int(cycle)

    @property
    def stem(self) -> str:
        """The text without its last part, which the keys of all cycles of a lead have in common: `101:mql`."""
        return _BETWEEN.join((self.owner, *self.parts[:-1]))


def form(entity: str) -> str:
    """How a key of this kind is made up, for people: `ID:SCORE:CYCLE`."""
    return _BETWEEN.join(("ID", *(part.upper() for part in TYPES[entity].parts)))


def owner_of(text: str) -> str:
    """The HubSpot id with which a key's text begins."""
    return text.partition(_BETWEEN)[0]


def moved(text: str, new_owner: str) -> str:
    """The key's text under another HubSpot id."""
    return f"{new_owner}{text.removeprefix(owner_of(text))}"


def beginning(*parts: str) -> str:
    """What the texts of all keys begin with that have these parts and further ones."""
    return "".join(f"{part}{_BETWEEN}" for part in parts)


def ending(part: str) -> str:
    """What the texts of all keys end with that have this last part."""
    return f"{_BETWEEN}{part}"
