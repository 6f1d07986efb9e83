"""Remembers which of the properties and options that the rules name the portal no longer has."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from sqlmodel import Session

from sync.state.streams import remember, remembered

Names = frozenset[str]
Options = Mapping[str, Names]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one kind of object.

    `seen`: named by the rules and in the portal at some time. `lost`: missing now. `returning`: back, but some objects
    have not been read since. `absent`: missing, never seen, and optional, which counts as empty. `options`: by
    property, those that the rules name and the portal had; `lost_options` are missing now.
    """

    seen: Names = frozenset()
    lost: Names = frozenset()
    returning: Names = frozenset()
    absent: Names = frozenset()
    options: Options = field(default_factory=dict)
    lost_options: Options = field(default_factory=dict)


def load(session: Session, stream: str) -> Known:
    """What the last comparison with the portal found; empty before the first."""
    found = json.loads(remembered(session, _name(stream)) or "{}")
    sets = {name: frozenset(found.get(name, ())) for name in ("seen", "lost", "returning", "absent")}
    return Known(**sets, options=_sets(found.get("options")), lost_options=_sets(found.get("lost_options")))


def save(session: Session, stream: str, known: Known) -> None:
    remember(session, _name(stream), json.dumps(asdict(known), default=sorted, sort_keys=True))


def unreadable(session: Session, stream: str) -> Names:
    """Properties whose values in the mirror may be outdated and must not be used."""
    known = load(session, stream)
    return known.lost | known.returning


def returned(session: Session, stream: str, names: Names) -> bool:
    """Notes that everything was read since these properties are back. Returns whether any had waited for that."""
    known = load(session, stream)
    if not known.returning & names:
        return False
    save(session, stream, replace(known, returning=known.returning - names))
    return True


def _sets(found: Mapping[str, list[str]] | None) -> Options:
    return {name: frozenset(values) for name, values in (found or {}).items()}


def _name(stream: str) -> str:
    return f"portal {stream}"
