"""The entities of the c4codataapi service, read from `model.json`.

One field is `[name, Edm type, flags, length or scale, marks, code list, context field]`; flags are creatable,
updatable, filterable (`C-F`), marks are `!` required, `d` a pure date, `t` a `…Text` twin exists. Taken from public
EDMX of c4codataapi (SAP-samples/cloud-extension-ecc-business-process, BrunoBonatti/MW_SAP_FOR_ME).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

MISSING: dict[str, Any] = {"String": "", "Boolean": False, "Int32": 0}  # dates and GUIDs are null


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    flags: str
    size: int = 0
    marks: str = ""
    code_list: str = ""
    context: str = ""

    @property
    def creatable(self) -> bool:
        return self.flags[0] == "C"

    @property
    def updatable(self) -> bool:
        return self.flags[1] == "U"

    @property
    def filterable(self) -> bool:
        return self.flags[2] == "F"

    @property
    def required(self) -> bool:
        return "!" in self.marks

    @property
    def text_name(self) -> str:
        """The read-only twin that holds the code's description, or nothing."""
        return f"{self.name}Text" if "t" in self.marks else ""

    @property
    def length(self) -> int:
        return self.size if self.type == "String" else 0

    @property
    def missing(self) -> Any:
        """What C4C shows where nothing was ever entered."""
        return f"{0:.{self.size}f}" if self.type == "Decimal" else MISSING.get(self.type)


@dataclass(frozen=True)
class Nav:
    name: str
    to: str
    many: bool
    deep: bool


@dataclass(frozen=True)
class Entity:
    name: str
    set_name: str
    flags: str
    fields: dict[str, Field]
    navs: dict[str, Nav]

    @cached_property
    def texts(self) -> dict[str, Field]:
        """`…Text` name -> the coded field it describes."""
        return {field.text_name: field for field in self.fields.values() if field.text_name}

    @cached_property
    def empty(self) -> dict[str, Any]:
        return {name: field.missing for name, field in self.fields.items()}

    def allows(self, flag: str) -> bool:
        return flag in self.flags

    def required(self) -> Iterator[Field]:
        return (field for field in self.fields.values() if field.required and field.creatable)

    def without(self, hidden: Iterable[str]) -> Entity:
        gone = set(hidden)
        fields = {name: field for name, field in self.fields.items() if name not in gone}
        return Entity(self.name, self.set_name, self.flags, fields, self.navs)


def load() -> dict[str, Entity]:
    text = resources.files(__package__).joinpath("model.json").read_text("utf-8")
    return {name: _entity(name, raw) for name, raw in json.loads(text).items()}


def _entity(name: str, raw: dict[str, Any]) -> Entity:
    fields = {row[0]: Field(*row) for row in raw["fields"]}
    navs = {key: Nav(key, to, many == "*", deep == "deep") for key, (to, many, deep) in raw["navs"].items()}
    return Entity(name, raw["set"], raw["flags"], fields, navs)


ENTITIES = load()
BY_SET = {entity.set_name: entity for entity in ENTITIES.values()}
