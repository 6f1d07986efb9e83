"""Checks that pydantic cannot make: entries that refer to each other, C4C fields, and sources of values.

Each problem is a sentence with the key, what was found, and what is allowed.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from sync.domain import rules, schema
from sync.domain.conditions import Condition
from sync.domain.entities import TYPES, Entity
from sync.domain.marketing import AttributeRule
from sync.domain.spelling import entry, nearest, shown
from sync.mappers.web import domain
from sync.rule_files import consent, fields, required, sources, standard_fields, values


def qualification(found: rules.Qualification) -> Iterator[str]:
    """Problems of `qualification.toml`."""
    names = [score.name for score in found.scores if score.name]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"scores: {name!r} appears twice; names of scores must differ"
    for n, score in enumerate(found.scores):
        yield from (f"{entry('scores', n, score.name)}.{problem}" for problem in _score(score, found))
    for name, condition in found.filters.items():
        yield from (f"filters.{name}: {problem}" for problem in _condition(condition, found))
    yield from (f"filters: {problem}" for problem in _circles(found))
    yield from (f"consent.{problem}" for problem in consent.problems(found.consent))
    for name, route in found.routes.items():
        yield from (f"routes.{name}.{problem}" for problem in _route(route, found))
    for name, owner in found.owners.items():
        yield from (f"owners.{name}.{problem}" for problem in _owner(owner, found))
    for n, rule in enumerate(found.labels):
        yield from (f"{entry('labels', n, rule.label)}.{problem}" for problem in _label(rule, found))
    yield from (f"segments: {problem}" for problem in _segments(found.segments))


def _score(score: rules.Score, found: rules.Qualification) -> Iterator[str]:
    for used in score.filters:
        yield from _known("filters", used, found.filters)
    yield from _known("route", score.route, found.routes)
    for n, condition in enumerate(score.conditions):
        yield from (f"conditions.{n}: {problem}" for problem in _condition(condition, found))
    for n, choice in enumerate(score.routes):
        yield from (f"routes.{n}.{problem}" for problem in _known("route", choice.route, found.routes))
        yield from (f"routes.{n}.when: {problem}" for problem in _condition(choice.when, found))


_DEFINED = {
    "filters": '[filters."<name>"] with a condition',
    "filter": '[filters."<name>"] with a condition',
    "route": '[routes."<name>"]',
    "owner": '[owners."<name>"] with an `order`',
}
"""How a name of each kind is defined."""


def _known(key: str, name: str, known: Iterable[str]) -> Iterator[str]:
    if name in known:
        return
    hint = nearest(name, known) or f", and none is defined; write {_DEFINED[key.rpartition('.')[2]]}"
    yield f"{key}: found {shown(name)}{hint}"


def _condition(condition: Condition, found: rules.Qualification) -> Iterator[str]:
    for name in sorted(condition.filters()):
        yield from _known("filter", name, found.filters)
    for name in sorted(condition.properties()):
        space = rules.qualified("contact", name).partition(".")[0]
        if space not in ("contact", "company", "derived"):
            yield f"property `{name}`: found {space!r} before the dot, allowed: company, contact, derived"
        else:
            yield from sources.unknown_sources((name,), found)
    for part in condition.parts():
        yield from (f"`{part.property}`: {problem}" for problem in values.never("as", part.transform, _listed(part)))
    segments = {value for part in condition.parts() if part.property == "derived.segment" for value in _listed(part)}
    for name in sorted(segments - set(found.segments.names)):
        yield f"derived.segment: found {name!r}{nearest(name, found.segments.names)}"


def _listed(condition: Condition) -> tuple[str, ...]:
    return (*condition.one_of, *condition.none_of)


def _circles(found: rules.Qualification) -> Iterator[str]:
    """Filters that refer to themselves, directly or through other filters."""
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> Iterator[str]:
        if name in path:
            yield " → ".join((*path[path.index(name) :], name)) + " is a circle; a filter cannot rest on itself"
            return
        if name in done or name not in found.filters:
            return
        for used in sorted(found.filters[name].filters()):
            yield from walk(used, (*path, name))
        done.add(name)

    for name in found.filters:
        yield from walk(name, ())


def _route(route: rules.Route, found: rules.Qualification) -> Iterator[str]:
    if route.owner is not None:
        yield from _known("owner", route.owner, found.owners)
    if not route.lead_name:
        yield "lead_name: must not be empty; leave it out for the usual name"
    yield from (f"lead_name: {problem}" for problem in sources.braces(route.lead_name))
    names = rules.placeholders(route.lead_name)
    yield from (f"lead_name: {problem}" for problem in sources.unknown_sources(names, found))
    yield from (f"lead_name: {{{name}}} is an id, not a text" for name in names if name.startswith(("c4c.", "owner.")))


def _owner(owner: rules.OwnerRule, found: rules.Qualification) -> Iterator[str]:
    yield from values.territories(owner.territories)
    for n, territory in enumerate(owner.territories):
        if territory.segment is not None:
            yield from _known(f"territories.{n}.segment", territory.segment, found.segments.names)


def _label(rule: rules.LabelRule, found: rules.Qualification) -> Iterator[str]:
    if rule.route is not None:
        yield from _known("route", rule.route, found.routes)
    known = standard_fields.standard().entities[Entity.RELATION]
    for target, value in rule.fields.items():
        if target not in known and not target.endswith("_KUT"):
            yield f"fields: `{target}` is not a field of ContactIsContactPersonFor{nearest(target, known)}"
        elif target in known and not known[target].updatable:
            yield f"fields: `{target}` of ContactIsContactPersonFor cannot be set by a label"
        elif target in known and known[target].cuts(value):
            yield f"fields: `{target}` holds {known[target].length} characters, found {shown(value)} with {len(value)}"


def _segments(found: rules.Segments) -> Iterator[str]:
    if len(set(found.names)) < len(found.names):
        yield f"names: found {list(found.names)}; the three names must differ"
    for key in ("revenue", "people"):
        low, high = getattr(found.middle_from, key), getattr(found.top_above, key)
        if low > high:
            yield f"top_above.{key}: found {high:g}, which lies below middle_from.{key} {low:g}"


def mapping(found: rules.Mapping, qualification: rules.Qualification | None) -> Iterator[str]:
    """Problems of `mapping.toml`. Without the other file, references to it are not checked."""
    for entity, entity_map in found.by_entity().items():
        section = TYPES[entity].section or ""
        for n, mapped in enumerate(entity_map.fields):
            where = entry(f"{section}.fields", n, ", ".join(mapped.target))
            yield from (f"{where}: {p}" for p in _targets(entity, mapped))
            yield from (f"{where}: {p}" for p in _out_of_place(section, entity_map.external_key, mapped))
            yield from (f"{where}: {p}" for p in sources.of_field(section, mapped, qualification))
            offered = standard_fields.standard().entities[entity]
            yield from (f"{where}: {p}" for p in fields.field_problems(mapped, offered, qualification))
        yield from (f"{section}.{problem}" for problem in _filled_twice(entity_map.fields))
        unfilled = required.unfilled(entity, entity_map, qualification, standard_fields.standard())
        yield from (f"{section}.fields: `{name}` of {entity} {problem}" for name, problem in unfilled)
    for n, key in enumerate(found.account.natural_keys):
        yield from (f"{entry('account.natural_keys', n, key.kind)}.source: {problem}" for problem in _natural_key(key))
    yield from (f"account.shared_domains: {problem}" for problem in _shared(found.account.shared_domains))
    for status in sorted(found.lead.accepted_status & found.lead.closed_status):
        yield f"lead.accepted_status: found {shown(status)}, which `closed_status` names too; keep it in one of them"
    yield from _attributes(found.attributes)


def _natural_key(key: rules.NaturalKey) -> Iterator[str]:
    """Problems of a natural key: only a web domain may come from several properties."""
    if key.kind == "name_country_postal" and len(key.source) != 3:
        yield f"found {list(key.source)}, allowed: name, country and postal code"
    if key.kind == "tax_number" and len(key.source) != 1:
        yield f"found {list(key.source)}, allowed: one property; a further tax number is a natural key of its own"


def _shared(domains: Iterable[str]) -> Iterator[str]:
    """Shared domains that are not in the spelling in which domains are compared."""
    for written in sorted(domains):
        bare = domain(written)
        if bare != written:
            yield f"found {shown(written)}; " + (f"did you mean `{bare}`?" if bare else "allowed: such as example.com")


def _attributes(found: Sequence[AttributeRule]) -> Iterator[str]:
    """Two entries for one attribute, which would undo each other's values for ever, and values that are too long."""
    held = standard_fields.standard().entities[Entity.ATTRIBUTE]["BusinessAttributeValue"]
    places: dict[tuple[str, str], int] = {}
    for n, rule in enumerate(found):
        where = entry("attributes", n, rule.attribute)
        first = places.setdefault((rule.set, rule.attribute), n)
        if first != n:
            yield (
                f"{where}: {rule.attribute!r} of set {rule.set!r} is filled by attributes.{first} already; "
                "one attribute has one source"
            )
        for value in filter(held.cuts, rule.values.values()):
            yield f"{where}.values: an attribute's value holds {held.length} characters, found one with {len(value)}"


def _out_of_place(section: str, external_key: str, mapped: rules.FieldMap) -> Iterator[str]:
    """Keys of an entry that are not allowed there."""
    if external_key in mapped.target:
        yield f"`{external_key}` is the external key, which the sync fills itself; map to another custom field"
    if section != "lead" and mapped.when != "always":
        yield f"when: found {mapped.when!r}, which tells leads apart; it is allowed in [lead] only"


def _filled_twice(entries: Sequence[rules.FieldMap]) -> Iterator[str]:
    """Two entries for one target, which would undo each other for ever; unless one is for leads with an account and one
    for leads without.
    """
    for n, mapped in enumerate(entries):
        for m, earlier in enumerate(entries[:n]):
            if mapped.when == earlier.when or "always" in (mapped.when, earlier.when):
                for target in sorted(mapped.target):
                    where = entry("fields", n, ", ".join(mapped.target))
                    yield from (f"{where}.target: {problem}" for problem in _taken(target, m, earlier))


def _taken(target: str, number: int, earlier: rules.FieldMap) -> Iterator[str]:
    if target in earlier.target:
        yield f"`{target}` is filled by fields.{number} already; name all sources in one entry"
    for twin in schema.names(target)[1:]:
        if twin in earlier.target:
            yield f"`{target}` is filled by fields.{number} already, as `{twin}`: each gives the other; keep one entry"


def _targets(entity: str, mapped: rules.FieldMap) -> Iterator[str]:
    known = standard_fields.standard().entities[entity]
    for target in mapped.target:
        field = known.get(target)
        if field is None and not target.endswith("_KUT"):
            yield f"`{target}` is not a field of {entity}{nearest(target, known)}"
        elif field is not None and not (field.creatable or field.updatable):
            yield f"`{target}` of {entity} is read-only in SAP Sales Cloud; map to a custom field (…_KUT)"
    for first, second in combinations(sorted(mapped.target), 2):
        if first == second:
            yield f"`{first}` is named twice"
        elif second in schema.names(first):
            yield f"`{first}` and `{second}` give each other; keep one of them"
