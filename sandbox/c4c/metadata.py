"""`$metadata`: the EDMX document with SAP's annotations, whole or narrowed by `$filter=CorporateAccount,Contact`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from sandbox.c4c import access, codes
from sandbox.c4c.model import Entity, Field

if TYPE_CHECKING:
    from sandbox.c4c.store import C4CStore

_OPEN = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">'
    '<edmx:DataServices m:DataServiceVersion="2.0"'
    ' xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
    '<Schema Namespace="c4codata" xmlns="http://schemas.microsoft.com/ado/2008/09/edm"'
    ' xmlns:sap="http://www.sap.com/Protocols/SAPData" xmlns:c4c="http://www.sap.com/Protocols/C4CData">'
)
_CLOSE = "</Schema></edmx:DataServices></edmx:Edmx>"


def document(store: C4CStore, only: list[str]) -> str:
    entities = _chosen(access.visible(store.settings), only)
    lists = [field.code_list for entity in entities for field in entity.fields.values() if field.code_list]
    types = "".join(map(_entity_type, entities)) + "".join(map(_code_type, lists))
    return f"{_OPEN}{types}{_associations(entities)}{_container(entities, lists)}{_CLOSE}"


def _chosen(entities: list[Entity], only: list[str]) -> list[Entity]:
    """The types named and what depends on them."""
    if not only:
        return entities
    wanted = set(only)
    for entity in entities:
        if entity.name in only:
            wanted.update(nav.to for nav in entity.navs.values())
    return [entity for entity in entities if entity.name in wanted]


def _entity_type(entity: Entity) -> str:
    rows = "".join(_property(field) + _text(field) for field in entity.fields.values())
    navs = "".join(
        f'<NavigationProperty Name="{nav.name}" Relationship="c4codata.{entity.name}_{nav.name}"'
        f' FromRole="{entity.name}" ToRole="{nav.name}"/>'
        for nav in entity.navs.values()
    )
    key = '<Key><PropertyRef Name="ObjectID"/></Key>'
    return f'<EntityType Name="{entity.name}">{key}{rows}{navs}</EntityType>'


def _property(field: Field) -> str:
    parts = [f'<Property Name="{field.name}" Type="Edm.{field.type}" Nullable="{_bool(not field.required)}"']
    if field.length:
        parts.append(f'MaxLength="{field.length}" FixedLength="false"')
    if field.type == "Decimal":
        parts.append(f'Precision="{field.size + 10}" Scale="{field.size}"')
    if field.name == "ETag":
        parts.append('ConcurrencyMode="Fixed"')
    if "d" in field.marks:
        parts.append('sap:display-format="Date"')
    if field.code_list:
        parts.append(f'c4c:value-help="{field.code_list}"')
    if field.context:
        parts.append(f'c4c:context-property="{field.context}"')
    return " ".join([*parts, _flags(field.creatable, field.updatable, field.filterable), _label(field.name)]) + "/>"


def _text(field: Field) -> str:
    if not field.text_name:
        return ""
    return f'<Property Name="{field.text_name}" Type="Edm.String" Nullable="true" {_flags(False, False, False)}/>'


def _flags(creatable: bool, updatable: bool, filterable: bool) -> str:
    return f'sap:creatable="{_bool(creatable)}" sap:updatable="{_bool(updatable)}" sap:filterable="{_bool(filterable)}"'


def _label(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name.removesuffix("_KUT"))
    return f"sap:label={quoteattr(words)}"


def _code_type(set_name: str) -> str:
    _, field = codes.LISTS[set_name]
    names = ["Context", "Code", "Description"] if field.context else ["Code", "Description"]
    rows = "".join(f'<Property Name="{name}" Type="Edm.String" Nullable="false"/>' for name in names)
    key = '<Key><PropertyRef Name="Code"/></Key>'
    return f'<EntityType Name="{set_name.removesuffix("Collection")}">{key}{rows}</EntityType>'


def _associations(entities: list[Entity]) -> str:
    return "".join(
        f'<Association Name="{entity.name}_{nav.name}">'
        f'<End Type="c4codata.{entity.name}" Multiplicity="1" Role="{entity.name}"/>'
        f'<End Type="c4codata.{nav.to}" Multiplicity="{"*" if nav.many else "0..1"}" Role="{nav.name}"/>'
        f"</Association>"
        for entity in entities
        for nav in entity.navs.values()
    )


def _container(entities: list[Entity], lists: list[str]) -> str:
    sets = "".join(
        f'<EntitySet Name="{entity.set_name}" EntityType="c4codata.{entity.name}"'
        f' sap:creatable="{_bool(entity.allows("C"))}" sap:updatable="{_bool(entity.allows("U"))}"'
        f' sap:deletable="{_bool(entity.allows("D"))}"/>'
        for entity in entities
    )
    code_sets = "".join(
        f'<EntitySet Name="{name}" EntityType="c4codata.{name.removesuffix("Collection")}"'
        ' sap:creatable="false" sap:updatable="false" sap:deletable="false"/>'
        for name in lists
    )
    links = "".join(
        f'<AssociationSet Name="{entity.name}_{nav.name}" Association="c4codata.{entity.name}_{nav.name}"'
        f' sap:creatable="{_bool(nav.deep)}"/>'
        for entity in entities
        for nav in entity.navs.values()
    )
    return (
        f'<EntityContainer Name="c4codata" m:IsDefaultEntityContainer="true">{sets}{code_sets}{links}</EntityContainer>'
    )


def _bool(value: bool) -> str:
    return "true" if value else "false"
