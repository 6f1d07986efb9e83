"""The kinds of records of a CRM: field types, lengths, and which fields may be written or filtered. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclasses_field


@dataclass(frozen=True, slots=True)
class Field:
    """One property; `length` 0 means no limit. `code_list` names the collection of its allowed codes."""

    name: str
    type: str
    length: int = 0
    creatable: bool = True
    updatable: bool = True
    filterable: bool = True
    required: bool = False
    code_list: str | None = None
    context: str | None = None

    def cuts(self, text: str) -> bool:
        """Whether the text is longer than the field."""
        return self.type == "String" and 0 < self.length < len(text)


Fields = Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Schema:
    """Entities by name (`CorporateAccount`, `Lead`, …)."""

    entities: Mapping[str, Fields]
    _updatable: dict[str, frozenset[str]] = dataclasses_field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def updatable(self, entity: str) -> frozenset[str]:
        """The names of the fields of an entity that may be changed."""
        if entity not in self._updatable:
            fields = self.entities.get(entity, {})
            self._updatable[entity] = frozenset(name for name, known in fields.items() if known.updatable)
        return self._updatable[entity]

    def field(self, entity: str, name: str) -> Field | None:
        return self.entities.get(entity, {}).get(name)

    def with_custom(self, entity: str, *fields: Field) -> "Schema":
        """The same with custom fields added where they are not known yet."""
        known = self.entities.get(entity, {})
        return replace(self, entities={**self.entities, entity: {**{f.name: f for f in fields}, **known}})

    def without(self, entity: str, name: str) -> "Schema":
        """The same without one field, so that nothing is written to it."""
        left = {n: f for n, f in self.entities.get(entity, {}).items() if n != name}
        return replace(self, entities={**self.entities, entity: left})

    def without_entity(self, entity: str) -> "Schema":
        """The same without a service that the tenant has not enabled."""
        return replace(self, entities={name: fields for name, fields in self.entities.items() if name != entity})

    def merged(self, tenant: "Schema") -> "Schema":
        """The tenant's fields, with code lists from here where the tenant's metadata name none."""
        entities = dict(self.entities)
        for name, fields in tenant.entities.items():
            entities[name] = {n: _with_code_list(f, self.field(name, n)) for n, f in fields.items()}
        return Schema(entities)


def _with_code_list(field: Field, known: Field | None) -> Field:
    if known is None or field.code_list:
        return field
    return replace(field, code_list=known.code_list, context=known.context)


def names(field: str) -> tuple[str, ...]:
    """The field and the twin that C4C derives from it: `OwnerUUID` gives `OwnerID` and the other way round."""
    if field.endswith("UUID"):
        return field, f"{field.removesuffix('UUID')}ID"
    return (field, f"{field.removesuffix('ID')}UUID") if field.endswith("ID") else (field,)
