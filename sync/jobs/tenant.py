"""What the C4C tenant offers, read before the first write: fields, codes, employees.

One mismatch closes that field, by name, and not the whole run; a missing key field stops it, since without it nothing
can be written only once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sync.c4c_client import C4CPort
from sync.domain.rules import EntityMap, FieldMap, Rules
from sync.errors import ConfigurationError, Malformed, Refused
from sync.planner.plan import CHANNEL, PERMISSION, RELATION, Tenant
from sync.planner.resolve import ACCOUNT, CONTACT, LEAD
from sync.schema import Field, Schema, standard

WRITTEN = (ACCOUNT, CONTACT, RELATION, LEAD, PERMISSION, CHANNEL)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something that the rules name and the tenant does not have, or not so."""

    entity: str
    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.entity}.{self.field}: {self.problem}"


def read_tenant(c4c: C4CPort, rules: Rules, now: datetime) -> tuple[Tenant, list[Mismatch]]:
    """The tenant as far as the rules need it. Raises ConfigurationError if a key field is missing."""
    offered, mismatches = _offered(c4c, rules)
    problems = [str(m) for m in _missing_keys(rules, offered)]
    if problems:
        raise ConfigurationError(problems)
    mismatches += _missing_fields(rules, offered)
    wrong_codes = list(_wrong_codes(c4c, rules, offered))
    for wrong in wrong_codes:
        offered = offered.without(wrong.entity, wrong.field)
    employees = {e.email.casefold(): e.uuid for e in c4c.employees(now)}
    return Tenant(offered, employees), mismatches + wrong_codes


def maps(rules: Rules) -> dict[str, EntityMap]:
    return {ACCOUNT: rules.mapping.account, CONTACT: rules.mapping.contact, LEAD: rules.mapping.lead}


def assumed(rules: Rules) -> Schema:
    """The shipped table with the custom fields that the rules name, where the tenant cannot be asked."""
    found = standard()
    for entity, entity_map in maps(rules).items():
        custom = [
            Field(target, "Decimal" if mapped.transform == "number" else "String")
            for mapped in entity_map.fields
            for target in mapped.target
            if target.endswith("_KUT")
        ]
        found = found.with_custom(entity, Field(entity_map.external_key, "String", 40), *custom)
    return found


def _offered(c4c: C4CPort, rules: Rules) -> tuple[Schema, list[Mismatch]]:
    try:
        offered = c4c.metadata(WRITTEN)
    except (Refused, Malformed) as error:
        return assumed(rules), [
            Mismatch("$metadata", "*", f"cannot be read ({error}); the shipped field table is used")
        ]
    return standard().merged(offered), []


def _missing_keys(rules: Rules, offered: Schema) -> Iterator[Mismatch]:
    for entity, entity_map in maps(rules).items():
        field = offered.field(entity, entity_map.external_key)
        if field is None:
            yield Mismatch(
                entity,
                entity_map.external_key,
                "the external key field does not exist in the tenant; let a key user create it (text, 40) and enable "
                "it for the OData service",
            )
        elif not (field.creatable and field.filterable):
            yield Mismatch(entity, entity_map.external_key, "the external key field must be creatable and filterable")


def _missing_fields(rules: Rules, offered: Schema) -> list[Mismatch]:
    return [
        Mismatch(entity, target, "is not offered by the tenant; it is left out")
        for entity, entity_map in maps(rules).items()
        for mapped in entity_map.fields
        for target in mapped.target
        if offered.field(entity, target) is None
    ]


def _wrong_codes(c4c: C4CPort, rules: Rules, offered: Schema) -> Iterator[Mismatch]:
    used = [(e, f, code) for e, f, code in _constants(rules) if (known := offered.field(e, f)) and known.code_list]
    lists = sorted({_code_list(offered, entity, field) for entity, field, _ in used})
    codes = c4c.codes(lists)
    for entity, field, code in used:
        allowed = codes.get(_code_list(offered, entity, field))
        if allowed and code not in allowed:
            yield Mismatch(
                entity, field, f"code {code!r} is not in {_code_list(offered, entity, field)}: {_some(allowed)}"
            )


def _code_list(offered: Schema, entity: str, field: str) -> str:
    known = offered.field(entity, field)
    return (known.code_list if known else None) or ""


def _some(allowed: dict[str, str]) -> str:
    shown = [f"{code} {text}".strip() for code, text in sorted(allowed.items())[:12]]
    return ", ".join(shown) + (", …" if len(allowed) > 12 else "")


def _constants(rules: Rules) -> Iterator[tuple[str, str, str]]:
    """(entity, field, code) of every constant in the rules."""
    for entity, entity_map in maps(rules).items():
        for mapped in entity_map.fields:
            yield from ((entity, mapped.target[0], code) for code in _values(rules, mapped))
    for rule in rules.qualification.labels:
        yield from ((RELATION, name, code) for name, code in rule.fields.items())
    consent = rules.qualification.consent
    yield from ((CHANNEL, "Channel", consent.email_channel), (CHANNEL, "Consent", consent.refused))


def _values(rules: Rules, mapped: FieldMap) -> Iterator[str]:
    yield from mapped.constants()
    for name in mapped.source:
        space, _, rest = name.partition(".")
        if space == "route":
            routes = rules.qualification.routes.values()
            yield from (str(value) for route in routes if (value := getattr(route, rest, None)))
