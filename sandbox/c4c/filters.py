"""`$filter` as C4C understands it: eq, ge, le, startswith, endswith, and; `or` over one property only.

Nothing else: no ne, gt, lt, not, substringof, no functions, no null, nothing across a navigation (C4C OData guide,
known limitations). `*` in a value compared by eq is a wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.c4c.errors import bad_request
from sandbox.c4c.model import Entity, Field
from sandbox.c4c.values import parse_time, stored_decimal, stored_time

Row = dict[str, Any]
Predicate = Callable[[Row], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<prefixed>guid|datetimeoffset|datetime)'(?P<inner>(?:[^']|'')*)'|'(?P<text>(?:[^']|'')*)'"
    r"|(?P<number>-?\d+(?:\.\d+)?[mMdDfFlL]?)(?![\w])|(?P<word>[A-Za-z_][\w/]*)|(?P<sign>[(),]))"
)
_LITERAL_OF = {"Guid": "guid", "DateTimeOffset": "datetimeoffset", "DateTime": "datetime", "String": "text"}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str


@dataclass(frozen=True)
class Node:
    """A tested part of the filter: which properties it names, and the values it needs for a look-up by index."""

    test: Predicate
    names: frozenset[str]
    equals: tuple[str, frozenset[str]] | None = None
    parts: tuple[Node, ...] = ()

    def lookups(self) -> list[tuple[str, frozenset[str]]]:
        if self.equals:
            return [self.equals]
        return [found for part in self.parts for found in part.lookups()]


def tokens(text: str) -> list[Token]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise bad_request(f"Invalid token detected at position {at} of $filter")
        found.append(_token(match))
        at = match.end()
    return found


def _token(match: re.Match[str]) -> Token:
    if match["prefixed"]:
        return Token(match["prefixed"], match["inner"].replace("''", "'"))
    for kind in ("text", "number", "word", "sign"):
        if match[kind] is not None:
            return Token(kind, match[kind].replace("''", "'") if kind == "text" else match[kind])
    raise AssertionError


class Parser:
    def __init__(self, entity: Entity, text: str, case_sensitive: bool) -> None:
        self._entity, self._case_sensitive = entity, case_sensitive
        self._tokens, self._at = tokens(text), 0

    def parse(self) -> Node:
        node = self._or()
        if self._at < len(self._tokens):
            raise bad_request(f"Invalid $filter near '{self._tokens[self._at].text}'")
        return node

    def _or(self) -> Node:
        nodes = [self._and()]
        while self._take("word", "or"):
            nodes.append(self._and())
        if len(nodes) == 1:
            return nodes[0]
        names = frozenset[str]().union(*(node.names for node in nodes))
        if len(names) > 1:
            raise bad_request(f"Operator 'or' is only supported within one property, found {', '.join(sorted(names))}")
        tests = [node.test for node in nodes]
        return Node(lambda row: any(test(row) for test in tests), names, _united(nodes))

    def _and(self) -> Node:
        nodes = [self._term()]
        while self._take("word", "and"):
            nodes.append(self._term())
        if len(nodes) == 1:
            return nodes[0]
        tests = [node.test for node in nodes]
        names = frozenset[str]().union(*(node.names for node in nodes))
        return Node(lambda row: all(test(row) for test in tests), names, parts=tuple(nodes))

    def _term(self) -> Node:
        if self._take("sign", "("):
            node = self._or()
            self._need("sign", ")")
            return node
        name = self._need("word").text
        if self._take("sign", "("):
            return self._function(name)
        field = self._field(name)
        operator = self._need("word").text
        if operator not in ("eq", "ge", "le"):
            raise bad_request(f"Operator '{operator}' is not supported")
        return self._comparison(field, operator, self._literal(field))

    def _function(self, name: str) -> Node:
        if name not in ("startswith", "endswith"):
            raise bad_request(f"Function '{name}' is not supported")
        field = self._field(self._need("word").text)  # the property comes first
        self._need("sign", ",")
        value = self._need("text").text
        self._need("sign", ")")
        if field.type != "String":
            raise bad_request(f"Function '{name}' needs a text property")
        fold, wanted = self._fold, self._fold(value)
        if name == "startswith":
            return Node(lambda row: fold(row.get(field.name)).startswith(wanted), frozenset({field.name}))
        return Node(lambda row: fold(row.get(field.name)).endswith(wanted), frozenset({field.name}))

    def _field(self, name: str) -> Field:
        if "/" in name:
            raise bad_request(f"Filter on navigation property {name} is not supported")
        if name in self._entity.texts:
            raise bad_request(f"Property {name} is not filterable")
        field = self._entity.fields.get(name)
        if field is None:
            raise bad_request(f"Property {name} not found in {self._entity.name}")
        if not field.filterable:
            raise bad_request(f"Property {name} is not filterable")
        return field

    def _literal(self, field: Field) -> Any:
        token = self._next()
        wanted = _LITERAL_OF.get(field.type)
        if wanted and token.kind == wanted:
            return self._typed(field, token)
        if field.type == "Boolean" and token.text in ("true", "false"):
            return token.text == "true"
        if field.type in ("Int32", "Decimal") and token.kind == "number":
            number = token.text.rstrip("mMdDfFlL")
            return int(float(number)) if field.type == "Int32" else stored_decimal(number, field.size)
        raise bad_request(f"Invalid literal for property {field.name} of type Edm.{field.type}")

    def _typed(self, field: Field, token: Token) -> str:
        if not field.type.startswith("DateTime"):
            return token.text
        try:
            return stored_time(parse_time(token.text))
        except ValueError:
            raise bad_request(f"Invalid literal '{token.text}' for property {field.name}") from None

    def _comparison(self, field: Field, operator: str, value: Any) -> Node:
        name, names, missing = field.name, frozenset({field.name}), field.missing
        if operator == "eq" and field.type == "String":
            return self._text_equals(name, value)
        if operator == "eq":
            lookup = (name, frozenset({value.casefold()})) if field.type == "Guid" else None
            return Node(lambda row: _or_missing(row, name, missing) == value, names, lookup)
        key = float if field.type == "Decimal" else (lambda item: item)
        limit = key(value)

        def test(row: Row) -> bool:
            found = _or_missing(row, name, missing)
            if found is None:
                return False
            return bool(key(found) >= limit if operator == "ge" else key(found) <= limit)

        return Node(test, names)

    def _text_equals(self, name: str, value: str) -> Node:
        fold, names = self._fold, frozenset({name})
        if "*" in value:
            pattern = re.compile(".*".join(re.escape(fold(part)) for part in value.split("*")), re.DOTALL)
            return Node(lambda row: pattern.fullmatch(fold(row.get(name))) is not None, names)
        wanted = fold(value)
        lookup = (name, frozenset({value.casefold()})) if value else None
        return Node(lambda row: fold(row.get(name)) == wanted, names, lookup)

    def _fold(self, value: Any) -> str:
        text = str(value or "")
        return text if self._case_sensitive else text.casefold()

    def _next(self) -> Token:
        if self._at >= len(self._tokens):
            raise bad_request("$filter ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, kind: str, text: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == Token(kind, text):
            self._at += 1
            return True
        return False

    def _need(self, kind: str, text: str | None = None) -> Token:
        token = self._next()
        if token.kind != kind or text not in (None, token.text):
            raise bad_request(f"Invalid $filter near '{token.text}'")
        return token


def _or_missing(row: Row, name: str, missing: Any) -> Any:
    value = row.get(name)
    return missing if value is None else value


def _united(nodes: list[Node]) -> tuple[str, frozenset[str]] | None:
    """`A eq 'x' or A eq 'y'` is one look-up of two values; one branch without look-up spoils it."""
    found = [node.equals for node in nodes if node.equals]
    if len(found) < len(nodes):
        return None
    return found[0][0], frozenset[str]().union(*(values for _, values in found))


def parse(entity: Entity, text: str, case_sensitive: bool) -> Node:
    return Parser(entity, text, case_sensitive).parse()
