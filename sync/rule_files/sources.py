"""Checks the sources of fields: that they exist, and can have a value in their section.

Each problem is a sentence with what was found and what is allowed.
"""

import re
from collections.abc import Iterable, Iterator

from sync.domain import rules
from sync.domain.spelling import nearest, shown

_EVERYWHERE = ("company", "derived", "owner", "c4c.owner_uuid")
_ALLOWED = {
    "account": _EVERYWHERE,
    "contact": (*_EVERYWHERE, "contact", "c4c.account_uuid"),
    "lead": (*_EVERYWHERE, "contact", "score", "route", "c4c.account_uuid", "c4c.contact_uuid"),
    "lead without an account": ("company.name", "contact", "score", "route", "owner", "c4c.owner_uuid"),
}
"""Spaces, or single sources, that are allowed in each section. Several contacts share an account, so no source of a
contact is allowed there.
"""


def braces(text: str) -> Iterator[str]:
    """A brace without its partner: the text after it would be written literally."""
    if {"{", "}"} & {*re.sub(rules.PLACEHOLDER, "", text)}:
        yield f"found {shown(text)}, which has a brace without its partner; write sources as {{company.name}}"


def unknown_sources(names: Iterable[str], qualification: rules.Qualification | None) -> Iterator[str]:
    """Sources whose space, or whose value in a space, does not exist."""
    for name in names:
        space, dot, rest = name.partition(".")
        if not dot:
            yield from ["source: found an empty name in braces, allowed: a property"] if not space.strip() else ()
        elif space not in rules.SPACES or not rest:
            allowed = ", ".join(sorted(rules.SPACES))
            yield f"source `{name}`: found {shown(space)} before the dot, allowed: {allowed}"
        elif space in rules.FIXED and rest not in rules.FIXED[space]:
            yield f"source `{name}`: found {shown(rest)} after the dot{nearest(rest, sorted(rules.FIXED[space]))}"
        elif space == "owner" and qualification and rest not in qualification.owners:
            yield f"source `{name}`: found {shown(rest)}{nearest(rest, qualification.owners) or ', and no owner rules'}"


def of_field(section: str, mapped: rules.FieldMap, qualification: rules.Qualification | None) -> Iterator[str]:
    """Problems of the sources of one field of a section of the mapping."""
    names = rules.field_sources(mapped)
    yield from unknown_sources(names, qualification)
    place = "lead without an account" if section == "lead" and mapped.when == "no_account" else section
    own = "company" if section == "account" else "contact"
    for name in names:
        full = rules.qualified(own, name)
        space, _, rest = full.partition(".")
        known = rest in rules.FIXED[space] if space in rules.FIXED else space in rules.SPACES
        if known and not {space, full} & {*_ALLOWED[place]}:
            where = "a lead without an account" if place != section else f"[{section}]"
            allowed = ", ".join(sorted(_ALLOWED[place]))
            yield f"source `{name}`: found {full!r}, which never has a value in {where}; allowed there: {allowed}"
        if section == "account":
            yield from _shared(name, qualification)


def _shared(name: str, qualification: rules.Qualification | None) -> Iterator[str]:
    """Steps of an owner rule that are not allowed for an account: several contacts share it, so a contact's owner
    cannot decide, nor can the account's own owner.
    """
    space, _, rest = name.partition(".")
    owner = qualification.owners.get(rest) if space == "owner" and qualification else None
    for step in ("contact_owner", "account_owner"):
        if owner and step in owner.order:
            allowed = "company_owner, territory, round_robin"
            yield f"source `{name}`: found {step} in its order, allowed for an account: {allowed}"
