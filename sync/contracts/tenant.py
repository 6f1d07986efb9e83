"""Reads what the C4C tenant offers, before the first write: fields, codes, employees.

A mismatch leaves out only its own field, and is reported. A missing key field stops the run, since without it records
could be created twice.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.entities import KEYED, TYPES, Entity
from sync.domain.rules import FieldMap, FieldRule, Rules
from sync.domain.schema import Field, Schema
from sync.domain.spelling import shown
from sync.errors import ConfigurationError, Malformed, Refused
from sync.planner.keyed_fields import UUIDS
from sync.planner.plan import TAX_NUMBER, Tenant
from sync.planner.target import Crm, Employee
from sync.rule_files import fields, required
from sync.rule_files.standard_fields import standard

USEFUL = (*(entity for entity in Entity if entity not in KEYED), TAX_NUMBER)
"""Services that the worker can do without."""


@dataclass(frozen=True, slots=True)
class _Mismatch:
    """Something that the rules name and the tenant lacks, or offers differently."""

    entity: str
    field: str
    problem: str
    optional: bool = False
    """Ordinary tenants may lack it: `check` mentions it, and no alert is sent."""

    def __str__(self) -> str:
        return f"{self.entity}.{self.field}: {self.problem}"


def read_tenant(c4c: Crm, rules: Rules, now: datetime) -> tuple[Tenant, list[_Mismatch]]:
    """The tenant as far as the rules need it. Raises ConfigurationError if a key field is missing."""
    offered, mismatches = _offered(c4c, rules)
    problems = [str(m) for m in _missing_keys(rules, offered)]
    if problems:
        raise ConfigurationError(problems)
    mismatches += _missing_fields(rules, offered)
    used = [(e, f, code) for e, f, code in _constants(rules) if (known := offered.field(e, f)) and known.code_list]
    masters = c4c.masters(sorted({_code_list(offered, entity, field) for entity, field, _ in used}), now)
    wrong_codes = list(_wrong_codes(used, masters.codes, offered))
    for wrong in wrong_codes:
        offered = offered.without(wrong.entity, wrong.field)
    if masters.employees is None:
        mismatches.append(_Mismatch("Employee", "*", "the service is not enabled; owners are left to SAP Sales Cloud"))
    warnings = tuple(Reason(Code.CODE_UNKNOWN, f"{wrong.entity}.{wrong.field}: left out") for wrong in wrong_codes)
    employees, shared = _by_address(masters.employees or [])
    valid = frozenset(employee.uuid.upper() for employee in masters.employees or [])
    return Tenant(offered, employees, warnings, shared, valid), mismatches + wrong_codes


def _by_address(employees: list[Employee]) -> tuple[dict[str, str], frozenset[str]]:
    """UUIDs by lower-case address, and the addresses that several employees share: these identify no employee."""
    addresses = Counter(employee.email.casefold() for employee in employees)
    shared = frozenset(address for address, number in addresses.items() if number > 1)
    return {a: e.uuid for e in employees if (a := e.email.casefold()) not in shared}, shared


def assumed(rules: Rules) -> Schema:
    """The shipped field table with the custom fields that the rules name, for when the tenant cannot be reached."""
    found = standard()
    for entity, entity_map in rules.mapping.by_entity().items():
        custom = [
            Field(target, "Decimal" if mapped.transform == "number" else "String")
            for mapped in entity_map.fields
            for target in mapped.target
            if target.endswith("_KUT")
        ]
        found = found.with_custom(entity, Field(entity_map.external_key, "String", 40), *custom)
    return found


def _offered(c4c: Crm, rules: Rules) -> tuple[Schema, list[_Mismatch]]:
    try:
        offered = c4c.fields((*KEYED, *USEFUL))
    except (Refused, Malformed) as error:
        return assumed(rules), [
            _Mismatch("$metadata", "*", f"cannot be read ({error}); the shipped field table is used")
        ]
    closed = [entity for entity in USEFUL if entity not in offered.entities and _wanted(rules, entity)]
    found = standard().merged(offered)
    for entity in (*KEYED, *USEFUL):
        found = found if entity in offered.entities else found.without_entity(entity)
    problem = "the service is not enabled; nothing is read or written there"
    return found, [_Mismatch(entity, "*", problem, optional=entity == TAX_NUMBER) for entity in closed]


def used(rules: Rules) -> list[str]:
    """Every entity that the worker reads or writes under these rules."""
    return [*KEYED, *(entity for entity in USEFUL if _wanted(rules, entity))]


def _wanted(rules: Rules, entity: str) -> bool:
    """Whether the rules use an entity that some tenants do not enable."""
    if entity == TAX_NUMBER:
        return any(key.kind == "tax_number" for key in rules.mapping.account.natural_keys)
    section = TYPES[entity].section
    return section is None or bool(getattr(rules.mapping, section))


def _missing_keys(rules: Rules, offered: Schema) -> Iterator[_Mismatch]:
    for entity, entity_map in rules.mapping.by_entity().items():
        field = offered.field(entity, entity_map.external_key)
        if entity not in offered.entities:
            yield _Mismatch(
                entity,
                "*",
                "is not offered to the technical user; tick its service in the communication arrangement (OData "
                "Services for Business Objects)",
            )
        elif field is None:
            yield _Mismatch(
                entity,
                entity_map.external_key,
                "the external key field does not exist in the tenant; let a key user create it (text, 40) and enable "
                "it for the OData service",
            )
        elif not (field.creatable and field.filterable):
            yield _Mismatch(entity, entity_map.external_key, "the external key field must be creatable and filterable")
        elif 0 < field.length < _longest_key(entity, rules):
            yield _Mismatch(
                entity,
                entity_map.external_key,
                f"the external key field holds {field.length} characters, {_longest_key(entity, rules)} are needed",
            )


_HUBSPOT_ID = 12
"""Digits; HubSpot's object ids have up to twelve."""


def _longest_key(entity: str, rules: Rules) -> int:
    if entity != Entity.LEAD:
        return _HUBSPOT_ID
    return _HUBSPOT_ID + len("::99") + max(len(score.name) for score in rules.qualification.scores)


def _missing_fields(rules: Rules, offered: Schema) -> list[_Mismatch]:
    sections = rules.mapping.by_entity().items()
    mapped = [(entity, target, m.rule) for entity, em in sections for m in em.fields for target in m.target]
    labels = [
        (Entity.RELATION, name, FieldRule.C4C_WINS) for rule in rules.qualification.labels for name in rule.fields
    ]
    checked = [(e, t, _mismatch(offered.field(e, t), rule)) for e, t, rule in mapped + labels if e in offered.entities]
    found = [_Mismatch(entity, target, problem) for entity, target, problem in checked if problem]
    found += [m for entity, name in _asked_by(rules) if (m := _unfilterable(offered, entity, name))]
    return found + list(_too_long(rules, offered)) + list(_unfilled(rules, offered))


def _too_long(rules: Rules, offered: Schema) -> Iterator[_Mismatch]:
    """Values of labels and constants that are longer than this tenant's fields."""
    for name, value in (pair for rule in rules.qualification.labels for pair in rule.fields.items()):
        field = offered.field(Entity.RELATION, name)
        if field and field.cuts(value):
            yield _Mismatch(
                Entity.RELATION, name, f"holds {field.length} characters, a label gives {len(value)}; left out"
            )
    sections = rules.mapping.by_entity().items()
    for entity, mapped in ((entity, mapped) for entity, em in sections for mapped in em.fields):
        known = offered.entities.get(entity, {})
        for length in sorted({len(v) for v in _values(rules, mapped) if fields.cuts(mapped, known, v)}):
            held = sum(known[name].length for name in mapped.target if name in known)
            problem = f"holds {held} characters, a constant of the rules has {length}; shorten the constant"
            yield _Mismatch(entity, mapped.target[0], problem)


def _unfilled(rules: Rules, offered: Schema) -> Iterator[_Mismatch]:
    """Fields that this tenant requires beyond the standard, and that the mapping leaves empty."""
    for entity, entity_map in rules.mapping.by_entity().items():
        for name, problem in required.unfilled(entity, entity_map, rules.qualification, offered):
            yield _Mismatch(entity, name, f"{problem} (mapping.toml)")


def _mismatch(field: Field | None, rule: FieldRule) -> str | None:
    if field is None:
        return "is not offered by the tenant; it is left out"
    if not (field.creatable or field.updatable):
        return "is read-only in the tenant; it is left out"
    if not field.creatable and rule is FieldRule.CREATE_ONLY:
        return "cannot be written when a record is created; with create_only it is never written"
    if not field.updatable and rule is not FieldRule.CREATE_ONLY:
        return "cannot be changed later in the tenant; it is written only when a record is created"
    return None


def _asked_by(rules: Rules) -> Iterator[tuple[str, str]]:
    """Fields that lookups filter by, besides the keys and C4C's own ObjectID."""
    by_kind = {"web_domain": (Entity.ACCOUNT, "WebSite"), "name_country_postal": (Entity.ACCOUNT, "StreetPostalCode")}
    yield from (by_kind[key.kind] for key in rules.mapping.account.natural_keys if key.kind in by_kind)
    yield from ((Entity.CONTACT, "AccountID"), (Entity.RELATION, "AccountID"), (Entity.RELATION, "ParentObjectID"))
    # These tell whether the account or contact of an open lead is obsolete.
    yield from UUIDS.items()


def _unfilterable(offered: Schema, entity: str, name: str) -> _Mismatch | None:
    field = offered.field(entity, name)
    if field is None or field.filterable:
        return None
    return _Mismatch(entity, name, "cannot be searched by in the tenant; records that exist may not be recognised")


def _wrong_codes(
    used: list[tuple[str, str, str]], codes: Mapping[str, Mapping[str, str]], offered: Schema
) -> Iterator[_Mismatch]:
    for entity, field, code in used:
        allowed = codes.get(_code_list(offered, entity, field))
        if allowed and code not in allowed:
            yield _Mismatch(
                entity, field, f"code {shown(code)} is not in {_code_list(offered, entity, field)}: {_some(allowed)}"
            )


def _code_list(offered: Schema, entity: str, field: str) -> str:
    known = offered.field(entity, field)
    return (known.code_list if known else None) or ""


def _some(allowed: Mapping[str, str]) -> str:
    shown = [f"{code} {text}".strip() for code, text in sorted(allowed.items())[:12]]
    return ", ".join(shown) + (", …" if len(allowed) > 12 else "")


def _constants(rules: Rules) -> Iterator[tuple[str, str, str]]:
    """(entity, field, code) of every constant in the rules."""
    for entity, entity_map in rules.mapping.by_entity().items():
        for mapped in entity_map.fields:
            yield from ((entity, mapped.target[0], code) for code in _values(rules, mapped))
    for rule in rules.qualification.labels:
        yield from ((Entity.RELATION, name, code) for name, code in rule.fields.items())
    consent = rules.qualification.consent
    yield from ((Entity.CHANNEL, "Channel", consent.email_channel), (Entity.CHANNEL, "Consent", consent.refused))
    if consent.channels:
        yield from ((Entity.CHANNEL, "Channel", rule.channel) for rule in consent.channels)
        yield (Entity.CHANNEL, "Consent", consent.granted)


def _values(rules: Rules, mapped: FieldMap) -> Iterator[str]:
    yield from mapped.constants()
    for name in mapped.source:
        space, _, rest = name.partition(".")
        if space == "route":
            routes = rules.qualification.routes.values()
            yield from (str(value) for route in routes if (value := getattr(route, rest, None)))
