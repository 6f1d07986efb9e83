"""Checks that the technical user may read every entity that the worker uses, by requesting one row of each.

Write access cannot be checked without writing; the services of a communication arrangement grant both together."""

from collections.abc import Iterator

from sync.contracts import tenant
from sync.domain.entities import KEYED, TYPES
from sync.domain.rules import Rules
from sync.errors import Refused, Unanswered
from sync.planner.plan import Tenant
from sync.planner.target import Crm


def findings(c4c: Crm, rules: Rules, found: Tenant) -> Iterator[tuple[str, str]]:
    """(severity, text) for each entity that may not be read.

    Entities that the tenant does not offer are reported elsewhere.
    """
    entities = [e for e in tenant.used(rules) if e in found.schema.entities]
    for entity, why in c4c.unreadable(entities).items():
        yield "error" if entity in KEYED else "warning", _text(entity, why)


def _text(entity: str, why: Unanswered) -> str:
    what = TYPES[entity].people if entity in TYPES else f"records of {entity}"
    if isinstance(why, Refused) and why.status in (401, 403):
        remedy = (
            f"grant the technical user read and write access to {what}: tick the service with {entity} in the "
            "communication arrangement (OData Services for Business Objects); of a business user, assign a role with "
            "that work centre, without access restrictions"
        )
    else:
        remedy = f"look at the OData service of {entity} in the tenant"
    return f"{entity}: one row cannot be read ({why}); {remedy}"
