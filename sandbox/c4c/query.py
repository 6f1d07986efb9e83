"""Query options: parsed from the URL, and carried out over the rows of one entity."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_plus

from sandbox.c4c import filters
from sandbox.c4c.errors import bad_request
from sandbox.c4c.model import Entity, Field

if TYPE_CHECKING:
    from sandbox.c4c.store import C4CStore

Row = dict[str, Any]
ENTRY_OPTIONS = frozenset({"$select", "$expand", "$format", "sap-language"})
LIST_OPTIONS = ENTRY_OPTIONS | {"$filter", "$orderby", "$top", "$skip", "$skiptoken", "$inlinecount"}


@dataclass
class Options:
    raw: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, query: str) -> Options:
        """`+` is a space, as in any query string: an unencoded phone number finds nothing (KBA 2745638)."""
        raw: dict[str, str] = {}
        for part in query.split("&"):
            if part:
                name, _, value = part.partition("=")
                raw[unquote_plus(name)] = unquote_plus(value)
        return cls(raw)

    def only(self, allowed: frozenset[str]) -> None:
        for name in self.raw:
            if name not in allowed:
                raise bad_request(f"Query option '{name}' is not supported")

    def number(self, name: str) -> int | None:
        if name not in self.raw:
            return None
        if not self.raw[name].isdigit():
            raise bad_request(f"Invalid value for {name}")
        return int(self.raw[name])

    def names(self, name: str) -> list[str]:
        return [part.strip() for part in self.raw.get(name, "").split(",") if part.strip()]

    def with_token(self, token: int) -> str:
        pairs = {**self.raw, "$skiptoken": str(token)}
        return "&".join(f"{quote(name, safe='$')}={quote(value, safe='')}" for name, value in pairs.items())


@dataclass
class Page:
    rows: list[Row]
    count: int
    next_query: str | None


def select(store: C4CStore, entity: Entity, options: Options, base: Iterable[Row] | None) -> list[Row]:
    """All rows that pass `$filter`; `base` are the children of one header, or None for the whole collection."""
    text = options.raw.get("$filter")
    if text is None:
        return list(store.all(entity.name) if base is None else base)
    if any(value in text for value in store.settings.refused_in_filters):
        # SuccessFactors KBA 3462180 and 2819492 describe the kind: one literal makes the whole filter invalid.
        raise bad_request("Invalid value in the filter condition", "/IWBEP/CM_MGW_RT/022")
    node = filters.parse(entity, text, store.settings.eq_case_sensitive)
    rows = base if base is not None else _candidates(store, entity, node)
    return [row for row in rows if node.test(row)]


def _candidates(store: C4CStore, entity: Entity, node: filters.Node) -> Iterable[Row]:
    lookups = node.lookups()
    if not lookups:
        return store.all(entity.name)
    name, values = min(lookups, key=lambda lookup: len(lookup[1]))
    return [row for value in sorted(values) for row in store.find(entity.name, name, value)]


def run(store: C4CStore, entity: Entity, options: Options, base: Iterable[Row] | None = None) -> Page:
    options.only(LIST_OPTIONS)
    rows = _ordered(entity, options, _shuffled(store, options, select(store, entity, options, base)))
    count = len(rows)
    rows = rows[options.number("$skip") or 0 :]
    top = options.number("$top")
    if top is not None:
        rows = rows[:top]
    start = max((options.number("$skiptoken") or 1) - 1, 0)  # `$skiptoken=1001` begins the second page
    size = _page_size(store, options, top)
    more = start + size < len(rows)
    return Page(rows[start : start + size], count, options.with_token(start + size + 1) if more else None)


def _page_size(store: C4CStore, options: Options, top: int | None) -> int:
    """1,000 rows a page, 100 with $expand; $top above 1,000 is used by SAP's own mass query, so it holds."""
    if "$expand" in options.raw:
        return store.settings.expand_page_size
    return max(store.settings.page_size, top or 0)


def _shuffled(store: C4CStore, options: Options, rows: list[Row]) -> list[Row]:
    """No order is promised without $orderby: pages taken by $skip come from a new order every time."""
    store.list_reads += 1
    seed = zlib.crc32(options.raw.get("$filter", "").encode())
    if options.number("$skip"):
        seed += store.list_reads
    rows = sorted(rows, key=lambda row: str(row["ObjectID"])) if len(rows) > 1 else rows
    random.Random(seed).shuffle(rows)
    return rows


def _ordered(entity: Entity, options: Options, rows: list[Row]) -> list[Row]:
    for part in reversed(options.names("$orderby")):
        name, _, direction = part.partition(" ")
        if name not in entity.fields or direction.strip() not in ("", "asc", "desc"):
            raise bad_request(f"Invalid $orderby '{part}'")
        rows.sort(key=_sort_key(entity.fields[name]), reverse=direction.strip() == "desc")
    return rows


def _sort_key(column: Field) -> Callable[[Row], Any]:
    missing, number = column.missing or "", column.type in ("Decimal", "Int32")

    def key(row: Row) -> Any:
        value = row.get(column.name)
        value = missing if value is None else value
        return float(value) if number else value

    return key
