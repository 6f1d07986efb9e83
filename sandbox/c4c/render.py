"""Rows on the wire: JSON wrapped in `d.results` (single entities too), or Atom XML for whoever did not ask."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from sandbox.c4c import ROOT, access, codes, navigation
from sandbox.c4c.errors import bad_request
from sandbox.c4c.model import ENTITIES, Entity, Nav
from sandbox.c4c.query import Options, Page
from sandbox.c4c.settings import Settings
from sandbox.c4c.values import etag_header, in_atom, in_json

if TYPE_CHECKING:
    from sandbox.c4c.store import C4CStore

Row = dict[str, Any]
JSON = "application/json;charset=utf-8"
ATOM_FEED = "application/atom+xml;type=feed;charset=utf-8"
ATOM_ENTRY = "application/atom+xml;type=entry;charset=utf-8"
XML = "application/xml;charset=utf-8"
_NAMESPACES = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"'
    ' xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"'
)
_SCHEME = "http://schemas.microsoft.com/ado/2007/08/dataservices/scheme"
_RELATED = "http://schemas.microsoft.com/ado/2007/08/dataservices/related/"
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'


@dataclass(frozen=True)
class Look:
    """How this request wants its answer."""

    store: C4CStore
    base: str  # scheme and host
    json: bool
    texts: bool  # `…Text` twins, unless odata-no-codedescs
    selected: tuple[str, ...] = ()
    expanded: tuple[str, ...] = ()

    @classmethod
    def of(cls, store: C4CStore, base: str, json: bool, texts: bool, entity: Entity, options: Options) -> Look:
        selected, expanded = tuple(options.names("$select")), tuple(options.names("$expand"))
        look = cls(store, base, json, texts, selected, expanded)
        look._check(entity)
        return look

    def _check(self, entity: Entity) -> None:
        for path in self.expanded:
            at = entity
            for name in path.split("/"):
                if name not in at.navs:
                    raise bad_request(f"Navigation property {name} not found in {at.name}")
                at = ENTITIES[at.navs[name].to]
        for name in self.selected:
            known = name in entity.fields or name in entity.texts or name.split("/")[0] in entity.navs or name == "*"
            if not known:
                raise bad_request(f"Property {name} not found in {entity.name}")

    def shows(self, name: str) -> bool:
        return not self.selected or name in self.selected or "*" in self.selected

    def expands(self, nav: str) -> bool:
        return any(path.split("/")[0] == nav for path in self.expanded)

    def leads(self, nav: str) -> bool:
        """Is the navigation itself part of the answer?"""
        return not self.selected or any(name.split("/")[0] == nav for name in self.selected) or "*" in self.selected

    def below(self, nav: str) -> Look:
        def inner(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(name.split("/", 1)[1] for name in names if name.startswith(f"{nav}/"))

        return Look(self.store, self.base, self.json, self.texts, inner(self.selected), inner(self.expanded))

    def uri(self, entity: Entity, row: Row) -> str:
        return f"{self.base}{ROOT}/{entity.set_name}('{row['ObjectID']}')"


def page(look: Look, entity: Entity, found: Page, count: bool, next_uri: str | None) -> tuple[str, str]:
    if look.json:
        body: Row = {"results": [entry_json(look, entity, row) for row in found.rows]}
        if count:
            body["__count"] = str(found.count)
        if next_uri:
            body["__next"] = next_uri
        return _json({"d": body}), JSON
    entries = "".join(entry_atom(look, entity, row) for row in found.rows)
    counted = f"<m:count>{found.count}</m:count>" if count else ""
    more = f'<link rel="next" href={quoteattr(next_uri)}/>' if next_uri else ""
    title = f'<title type="text">{entity.set_name}</title>'
    return f"{_HEAD}<feed {_NAMESPACES}>{title}{counted}{entries}{more}</feed>", ATOM_FEED


def single(look: Look, entity: Entity, row: Row) -> tuple[str, str]:
    """One entity sits in `results` too, unlike the OData standard (C4C service ticket guide)."""
    if look.json:
        return _json({"d": {"results": entry_json(look, entity, row)}}), JSON
    return _HEAD + entry_atom(look, entity, row, _NAMESPACES), ATOM_ENTRY


def _fields(look: Look, entity: Entity, row: Row) -> Iterable[tuple[str, Any, str]]:
    """(name, stored value, text) of every field shown, where text is the description of a code."""
    for name, field in entity.fields.items():
        if look.shows(name):
            yield name, row.get(name), ""
        if look.texts and field.text_name and look.shows(field.text_name):
            yield field.text_name, None, codes.described(entity.name, field, row)


def entry_json(look: Look, entity: Entity, row: Row) -> Row:
    meta = {"uri": look.uri(entity, row), "type": f"c4codata.{entity.name}", "etag": etag_header(row["ETag"])}
    shown: Row = {"__metadata": meta}
    for name, value, text in _fields(look, entity, row):
        shown[name] = in_json(entity.fields[name], value) if name in entity.fields else text
    for nav in entity.navs.values():
        if look.expands(nav.name) and look.leads(nav.name):
            shown[nav.name] = _expanded(look, entity, row, nav)
        elif look.leads(nav.name):
            shown[nav.name] = {"__deferred": {"uri": f"{meta['uri']}/{nav.name}"}}
    return _odd(look.store.settings, entity.name, row, shown)


def _odd(settings: Settings, kind: str, row: Row, shown: Row) -> Row:
    """The row with the senseless values that a setting puts into it; only fields that are shown at all."""
    for odd in settings.odd_rows:
        here = odd["entity"] == kind and all(row.get(name) == value for name, value in odd["where"].items())
        if here and odd["field"] in shown:
            shown = {**shown, odd["field"]: odd["value"]}
    return shown


def _json(document: Row) -> str:
    """As JSON; what follows `raw:` in a text is written as it is, for values that no JSON library writes."""
    text = json.dumps(document, ensure_ascii=False)
    return _RAW.sub(lambda found: str(json.loads(f'"{found[1]}"')), text)


_RAW = re.compile(r'"raw:((?:[^"\\]|\\.)*)"')


def _expanded(look: Look, entity: Entity, row: Row, nav: Nav) -> Any:
    target = access.entity(look.store.settings, nav.to)
    found = navigation.neighbours(look.store, entity.name, row, nav)
    entries = [entry_json(look.below(nav.name), target, other) for other in found]
    if nav.many:
        return {"results": entries}
    return entries[0] if entries else None


def entry_atom(look: Look, entity: Entity, row: Row, namespaces: str = "") -> str:
    uri = look.uri(entity, row)
    properties = "".join(_property(entity, *shown) for shown in _fields(look, entity, row))
    links = "".join(_link(look, entity, row, uri, nav) for nav in entity.navs.values() if look.leads(nav.name))
    attributes = f"{namespaces} m:etag={quoteattr(etag_header(row['ETag']))}".strip()
    return (
        f'<entry {attributes}><id>{escape(uri)}</id><title type="text">{entity.name}</title>'
        f'<category term="c4codata.{entity.name}" scheme="{_SCHEME}"/>'
        f'<link href={quoteattr(uri)} rel="edit"/>{links}'
        f'<content type="application/xml"><m:properties>{properties}</m:properties></content></entry>'
    )


def _property(entity: Entity, name: str, value: Any, text: str) -> str:
    shown = in_atom(entity.fields[name], value) if name in entity.fields else text
    return f'<d:{name} m:null="true"/>' if shown is None else f"<d:{name}>{escape(shown)}</d:{name}>"


def _link(look: Look, entity: Entity, row: Row, uri: str, nav: Nav) -> str:
    kind = "feed" if nav.many else "entry"
    address = quoteattr(f"{uri}/{nav.name}")
    link = f'<link href={address} rel="{_RELATED}{nav.name}" type="application/atom+xml;type={kind}"'
    if not look.expands(nav.name):
        return link + "/>"
    target = access.entity(look.store.settings, nav.to)
    found = navigation.neighbours(look.store, entity.name, row, nav)
    inner = "".join(entry_atom(look.below(nav.name), target, other) for other in found)
    return f"{link}><m:inline>{f'<feed>{inner}</feed>' if nav.many else inner}</m:inline></link>"


def code_list(
    rows: list[dict[str, str]], set_name: str, base: str, as_json: bool, settings: Settings
) -> tuple[str, str]:
    uri = f"{base}{ROOT}/{set_name}"
    if as_json:
        metadata = {"uri": uri, "type": f"c4codata.{set_name.removesuffix('Collection')}"}
        kind = set_name.removesuffix("Collection")
        body = {"results": [_odd(settings, kind, row, {"__metadata": metadata, **row}) for row in rows]}
        return _json({"d": body}), JSON
    entries = "".join(
        '<entry><content type="application/xml"><m:properties>'
        + "".join(f"<d:{name}>{escape(value)}</d:{name}>" for name, value in row.items())
        + "</m:properties></content></entry>"
        for row in rows
    )
    return f"{_HEAD}<feed {_NAMESPACES}>{entries}</feed>", ATOM_FEED


def service_document(store: C4CStore, as_json: bool) -> tuple[str, str]:
    names = [entity.set_name for entity in access.visible(store.settings)] + sorted(codes.LISTS)
    if as_json:
        return json.dumps({"d": {"EntitySets": names}}), JSON
    rows = "".join(f'<collection href="{name}"><atom:title>{name}</atom:title></collection>' for name in names)
    spaces = 'xmlns="http://www.w3.org/2007/app" xmlns:atom="http://www.w3.org/2005/Atom"'
    return f"{_HEAD}<service {spaces}><workspace>{rows}</workspace></service>", XML
