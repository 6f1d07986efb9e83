"""Small builders for the pure core: what a test does not name has an ordinary value."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from sync.config import load
from sync.domain.rules import FieldMap, FieldRule, Qualification, Rules, Score
from sync.domain.schema import Field, Schema
from sync.domain.views import Association, Company, ContactView, Label, Owner
from sync.planner.snapshot import Record
from sync.rule_files.standard_fields import standard

PROJECT = Path(__file__).parents[2]

PRIMARY = Label("HUBSPOT_DEFINED", 1, "Primary")
UNLABELLED = Label("HUBSPOT_DEFINED", 279)
CONSENT = "Freely given consent from contact"


@cache
def shipped() -> Rules:
    """The rules that the project ships."""
    return load(PROJECT / "config").rules


def with_qualification(**changes: Any) -> Rules:
    """The shipped rules with other entries in `qualification.toml`."""
    found = shipped().qualification.model_dump(by_alias=True) | changes
    return shipped().model_copy(update={"qualification": Qualification.model_validate(found)})


def with_fields(section: str, *fields: FieldMap) -> Rules:
    """The shipped rules with further fields of one entity."""
    rules = shipped()
    entity = getattr(rules.mapping, section)
    more = entity.model_copy(update={"fields": (*entity.fields, *fields)})
    return rules.model_copy(update={"mapping": rules.mapping.model_copy(update={section: more})})


def score(**changes: Any) -> Score:
    return Score.model_validate({"name": "mql", "property": "lead_score", "threshold": 75, "rearm_below": 60} | changes)


def field_map(*target: str, rule: str = "hubspot_wins", **rest: Any) -> FieldMap:
    origin = {} if rest.keys() & {"source", "value", "template"} else {"source": "text"}
    return FieldMap.model_validate({"target": target, "rule": FieldRule(rule)} | origin | rest)


def company(number: str = "200", owner: Owner | None = None, **properties: str | None) -> Company:
    return Company(number, {"name": "Muster GmbH"} | properties, owner)


def associated(company: Company, *labels: Label) -> Association:
    return Association(company, frozenset({UNLABELLED, *labels}))


def primary(company: Company, *labels: Label) -> Association:
    return associated(company, PRIMARY, *labels)


def contact(*associations: Association, **changes: Any) -> ContactView:
    """A contact who qualifies as soon as it has a company; keywords that are no field of a view are properties."""
    own = {name: changes.pop(name) for name in ("id", "owner", "archived", "merged_into", "erased") if name in changes}
    own |= {name: changes.pop(name) for name in ("cycles",) if name in changes}
    ordinary = {"lastname": "Muster", "lead_score": "80", "hs_legal_basis": CONSENT}
    return ContactView(**{"id": "100"} | own, properties=ordinary | changes, associations=associations)


def tenant_schema() -> Schema:
    """The shipped field table with the custom fields that the shipped rules name."""
    key = Field("HubSpotID_KUT", "String", 40)
    found = standard().with_custom("CorporateAccount", key).with_custom("Contact", key)
    return found.with_custom("Lead", key, Field("HubSpotScore_KUT", "Decimal"))


def account(object_id: str = "A1", **fields: Any) -> Record:
    own = {"UUID": uuid(object_id), "AccountID": f"1{object_id}", "LifeCycleStatusCode": "2", "Name": "Muster GmbH"}
    return Record("CorporateAccount", object_id, own | fields, f"etag-{object_id}")


def person(object_id: str = "C1", account: str = "1A1", **fields: Any) -> Record:
    own = {"ContactUUID": uuid(object_id), "ContactID": f"2{object_id}", "AccountID": account, "StatusCode": "2"}
    return Record("Contact", object_id, own | {"LastName": "Muster"} | fields, f"etag-{object_id}")


def lead(object_id: str = "L1", key: str = "100:mql:1", status: str = "2", **fields: Any) -> Record:
    own = {"ID": f"3{object_id}", "HubSpotID_KUT": key, "LifeCycleStatusCode": status}
    return Record("Lead", object_id, own | fields, f"etag-{object_id}")


def uuid(name: str) -> str:
    """A UUID as C4C writes it, made of a name."""
    return f"{name.encode().hex().upper():0>8}-0000-1EE2-88BA-37FB8F5F50A9"[-36:]
