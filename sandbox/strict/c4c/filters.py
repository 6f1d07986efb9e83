"""`$filter` as C4C documents it, by recursive descent: one blank between words, a typed literal for each property.

Operators eq, ge, le, and; `or` over one property only; startswith and endswith with the property first. Nothing else
is part of the language (C4C OData guide, known limitations).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sandbox.c4c.model import Entity, Field
from sandbox.strict.c4c.literals import ORDERED, TEXT, literal_end
from sandbox.strict.violations import Violated

_GUIDE = "OData v2 URI conventions 4.5, c4c.md 3.4"
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_/]*")
Names = frozenset[str]


def check_filter(entity: Entity, text: str) -> None:
    filter_ = Filter(entity, text)
    filter_.expression()
    if filter_.at < len(text):
        raise filter_.unexpected("the end")


class Filter:
    """The reader's place in the text; each rule of the grammar returns the properties that it named."""

    def __init__(self, entity: Entity, text: str) -> None:
        self.entity, self.text, self.at = entity, text, 0

    def expression(self) -> Names:
        return self._several(self._conjunction, " or ")

    def _conjunction(self) -> Names:
        return self._several(self._term, " and ")

    def _several(self, rule: Callable[[], Names], joint: str) -> Names:
        names, several = rule(), False
        while self._take(joint):
            names, several = names | rule(), True
        if several and joint == " or " and len(names) > 1:
            raise Violated("filter-or", _GUIDE, f"or joins several properties: {', '.join(sorted(names))}")
        return names

    def _term(self) -> Names:
        if self._take("("):
            names = self.expression()
            self._need(")")
            return names
        word = self._word()
        if self._take("("):
            return self._function(word)
        field = self._property(word)
        self._comparison(field)
        return frozenset({field.name})

    def _function(self, name: str) -> Names:
        if name not in ("startswith", "endswith"):
            raise Violated("filter-function", _GUIDE, f"there is no function {name}")
        field = self._property(self._word())
        if field.type != "String":
            raise Violated("filter-function", _GUIDE, f"{name} needs a text, {field.name} is Edm.{field.type}")
        self._need(",")
        self._take(" ")
        match = TEXT.match(self.text, self.at)
        if not match:
            raise self.unexpected("a text in quotes")
        self.at = match.end()
        self._need(")")
        return frozenset({field.name})

    def _comparison(self, field: Field) -> None:
        self._need(" ")
        operator = self._word()
        if operator not in ("eq", "ge", "le"):
            raise Violated("filter-operator", _GUIDE, f"there is no operator {operator}")
        if operator != "eq" and field.type not in ORDERED:
            raise Violated("filter-operator", _GUIDE, f"{field.name} of Edm.{field.type} has no order")
        self._need(" ")
        self.at = literal_end(self.text, self.at, field)

    def _property(self, name: str) -> Field:
        field = self.entity.fields.get(name)
        if field is None:
            raise Violated("filter-property", _GUIDE, f"{self.entity.name} has no property {name}")
        if not field.filterable:
            raise Violated("filter-property", _GUIDE, f"{name} is not filterable")
        return field

    def _word(self) -> str:
        match = _WORD.match(self.text, self.at)
        if not match:
            raise self.unexpected("a name")
        self.at = match.end()
        return match[0]

    def _take(self, text: str) -> bool:
        if not self.text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def _need(self, text: str) -> None:
        if not self._take(text):
            raise self.unexpected(repr(text))

    def unexpected(self, wanted: str) -> Violated:
        near = self.text[self.at : self.at + 24]
        return Violated("filter-grammar", _GUIDE, f"{near!r} at {self.at} where {wanted} belongs")
