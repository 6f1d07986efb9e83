"""Request bodies by HubSpot's published schemas, strictly: no other members, no other types, nothing null.

Caps are those of the search guide and the changelog (hubspot.md 2.5, 3, 4.1): the schemas name none. The schema
of a search marks every member as required and the guide leaves all but the filters out, so here they may be left out.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Operator = Literal[
    "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN",
]  # fmt: skip
_OPERANDS = {
    "BETWEEN": {"value", "highValue"},
    "IN": {"values"},
    "NOT_IN": {"values"},
    "HAS_PROPERTY": set[str](),
    "NOT_HAS_PROPERTY": set[str](),
}
_MOST_FILTERS, _MOST_RESULTS, _MOST_WITH_HISTORY = 18, 10_000, 50

Name = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_.]*$")]
Number = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]*)$")]


class Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Filter(Body):
    propertyName: Name  # noqa: N815 - HubSpot's spelling
    operator: Operator
    value: str = ""
    highValue: str = ""  # noqa: N815
    values: Annotated[list[str], Field(min_length=1)] = []

    @model_validator(mode="after")
    def _operands(self) -> Self:
        given = self.model_fields_set - {"propertyName", "operator"}
        wanted = _OPERANDS.get(self.operator, {"value"})
        if given != wanted:
            raise ValueError(f"{self.operator} takes {sorted(wanted)}, not {sorted(given)}")
        return self


class FilterGroup(Body):
    filters: Annotated[list[Filter], Field(min_length=1, max_length=6)]


class Sort(Body):
    propertyName: Name  # noqa: N815
    direction: Literal["ASCENDING", "DESCENDING"]


class Search(Body):
    filterGroups: Annotated[list[FilterGroup], Field(max_length=5)]  # noqa: N815
    properties: list[Name] = []
    limit: Annotated[int, Field(ge=1, le=200)] = 10
    sorts: Annotated[list[Sort | Name], Field(max_length=1)] = []
    after: Number = "0"
    query: Annotated[str, Field(max_length=3000)] = ""

    @model_validator(mode="after")
    def _totals(self) -> Self:
        if sum(len(group.filters) for group in self.filterGroups) > _MOST_FILTERS:
            raise ValueError(f"more than {_MOST_FILTERS} filters")
        if int(self.after) + self.limit > _MOST_RESULTS:
            raise ValueError(f"after and limit go beyond {_MOST_RESULTS} results")
        return self


class RecordId(Body):
    id: Annotated[str, Field(min_length=1)]


class BatchRead(Body):
    inputs: Annotated[list[RecordId], Field(min_length=1, max_length=100)]
    properties: list[Name]
    propertiesWithHistory: list[Name]  # noqa: N815
    idProperty: Name = "hs_object_id"  # noqa: N815

    @model_validator(mode="after")
    def _inputs(self) -> Self:
        ids = [one.id for one in self.inputs]
        if self.propertiesWithHistory and len(ids) > _MOST_WITH_HISTORY:
            raise ValueError(f"more than {_MOST_WITH_HISTORY} inputs with property histories")
        _check_ids(ids, numbers="idProperty" not in self.model_fields_set)
        return self


class RecordCursor(Body):
    id: Number
    after: Annotated[str, Field(min_length=1)] = ""


class AssociationsRead(Body):
    inputs: Annotated[list[RecordCursor], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _inputs(self) -> Self:
        _check_ids([one.id for one in self.inputs], numbers=True)
        return self


def _check_ids(ids: list[str], numbers: bool) -> None:
    if len(set(ids)) < len(ids):
        raise ValueError("an id is given twice")
    if numbers and not all(one.isascii() and one.isdigit() for one in ids):
        raise ValueError("an id is no number")


def explained(errors: list[Any]) -> str:
    """Pydantic's errors in one line: place and message, without the values."""
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in errors)
