"""Compares what the portal has of what the rules name with what it had before. Pure."""

from collections.abc import Iterable, Mapping

from sync.domain.rules import MERGED_PROPERTY, OWNER_PROPERTY, Rules
from sync.hubspot_client import ObjectType, Property
from sync.rule_files import keeping_back, uses
from sync.rule_files.uses import Use
from sync.state.documents import Names, Options, PortalNames

_SPACE: Mapping[ObjectType, str] = {"contacts": "contact", "companies": "company"}


def _named(rules: Rules, stream: ObjectType) -> Names:
    """The properties that decisions and records need, without the ids of owners and merged records, which every portal
    has.
    """
    names = rules.contact_properties() if stream == "contacts" else rules.company_properties()
    return frozenset(names) - {OWNER_PROPERTY, MERGED_PROPERTY}


def compared(
    known: PortalNames, rules: Rules, stream: ObjectType, offered: Iterable[Property], *, settles: bool
) -> PortalNames:
    """What is known after a comparison.

    `settles`: properties that are back may now count as returning, since everything is read again next.
    """
    there = {found.name: found for found in offered}
    wanted = _named(rules, stream)
    missing = wanted - there.keys()
    absent = (missing & optional(rules, stream)) - known.seen
    before = (known.lost | known.absent) & wanted
    back = before - missing
    returning = (known.returning | back if settles else known.returning) & (wanted - missing)
    lost = (missing - absent) | (frozenset() if settles else back & known.lost)
    options = _options(known, rules, stream, there)
    left = {name: had - frozenset(there[name].options) for name, had in options.items() if name in there}
    return PortalNames(
        seen=(known.seen | (wanted & there.keys())) & wanted,
        lost=lost,
        returning=returning,
        absent=absent | (frozenset() if settles else back & known.absent),
        options=options,
        lost_options={name: gone for name, gone in left.items() if gone},
    )


_NEEDED = frozenset({"lastname", "company", "name", "domain"})
"""Properties that every record needs, whatever the rules name."""


def optional(rules: Rules, stream: ObjectType) -> Names:
    """Properties that a portal may lack from the start.

    They only help to recognise accounts, as other keys do too, or no rule names them and they are read only where they
    exist.
    """
    of_stream = [use for use in uses.uses(rules) if use.space == _SPACE[stream]]
    needed = {use.property for use in of_stream if not _is_key(use)} | _NEEDED
    return _named(rules, stream) - needed


def _is_key(use: Use) -> bool:
    return use.key.startswith("account.natural_keys")


def _options(known: PortalNames, rules: Rules, stream: ObjectType, there: Mapping[str, Property]) -> Options:
    """By property, the options that keep contacts back, now or before, in the portal's spelling."""
    wanted: dict[str, set[str]] = {}
    for space, name, value in keeping_back.values(rules.qualification):
        if space == _SPACE[stream]:
            wanted.setdefault(name, set()).add(value.casefold())
    found = {name: frozenset(there[name].options) if name in there else frozenset() for name in wanted}
    had = {name: known.options.get(name, frozenset()) | options for name, options in found.items()}
    return {name: frozenset(o for o in options if o.casefold() in wanted[name]) for name, options in had.items()}


def mismatches(known: PortalNames, rules: Rules, stream: ObjectType) -> list[dict[str, str]]:
    """One mismatch for each property that cannot be read, with its consequence."""
    space = _SPACE[stream]
    missing = "`{}` is not a property of {}: {}"
    return [
        {"kind": f"{space} property", "key": n, "cause": missing.format(n, stream, consequence(rules, space, n))}
        for n in sorted(known.lost)
    ]


def consequence(rules: Rules, space: str, name: str) -> str:
    """What stops while the property cannot be read, for the gravest of its uses."""
    found = [_follows(rules, use) for use in uses.uses(rules) if (use.space, use.property) == (space, name)]
    return min(found, default=(9, "contacts that need it wait"))[1]


_FOLLOWS = (
    ("consent.legal_basis", "the legal basis `{p}` cannot be read: no new lead flows"),
    ("consent.confirmation", "the double opt-in `{p}` cannot be read: no new lead flows"),
    ("consent", "refusals in `{p}` cannot be read: no new lead flows"),
    ("filters", "contacts that {key} decides on wait"),
    ("owners", "no owner is chosen by {key}"),
    ("routes", "the names of new leads lack it"),
    ("segments", "contacts whose segment counts wait"),
    ("account.natural_keys", "no new account is created for a company that only `{p}` might recognise"),
    ("contact.email_source", "no new contact person is created"),
    ("", "what SAP Sales Cloud holds in its fields stays as it is"),
)


def _follows(rules: Rules, use: Use) -> tuple[int, str]:
    if use.key.startswith("scores"):
        if use.vital:
            return 0, f"the score `{use.property}` cannot be read: no lead {_of_score(rules, use)}flows"
        return 3, f"contacts that {use.key} decides on wait"
    rank, text = next((n, text) for n, (start, text) in enumerate(_FOLLOWS, 1) if use.key.startswith(start))
    return rank, text.format(p=use.property, key=use.key)


def _of_score(rules: Rules, use: Use) -> str:
    scores = rules.qualification.scores
    names = [s.name for s in scores if use.property in {m.property for m in (s, *s.combined)}]
    return "" if len(names) == len(scores) else f"of {', '.join(names)} "
