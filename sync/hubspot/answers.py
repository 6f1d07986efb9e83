"""Turns HubSpot's answers into values.

Pure. An answer whose frame breaks the API's promise is Malformed, with endpoint and field. Single rows do not stop the
others: a row without a usable id is left out and counted, and an unreadable value is marked.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import available_timezones

from sync.domain.moments import moment
from sync.domain.numbers import identifier, whole
from sync.domain.text import holds_contact_data
from sync.domain.views import Label, Owner
from sync.errors import Malformed

ObjectType = Literal["contacts", "companies"]

MODIFIED: dict[ObjectType, str] = {"contacts": "lastmodifieddate", "companies": "hs_lastmodifieddate"}
"""The property to search and sort by; `hs_lastmodifieddate` on contacts finds nothing (airbyte#85019)."""


@dataclass(frozen=True, slots=True)
class HubSpotObject:
    """A contact or company as read.

    `id` is the surviving id after a merge, whichever id was requested. `unreadable` names properties whose value is not
    a text, number or boolean.
    """

    id: str
    properties: Mapping[str, str | None]
    modified_at: datetime | None
    archived: bool = False
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search; `total` counts the whole result, `left_out` the rows that are not among the objects."""

    total: int
    objects: tuple[HubSpotObject, ...]
    after: str | None = None
    left_out: int = 0

    @property
    def rows(self) -> int:
        """Number of rows of the page, including those left out."""
        return len(self.objects) + self.left_out


@dataclass(frozen=True, slots=True)
class BatchRead:
    """Objects found, and the ids that HubSpot reports as missing."""

    objects: tuple[HubSpotObject, ...]
    missing: frozenset[str]


@dataclass(frozen=True, slots=True)
class Version:
    """A value that a property had from `at` on. `source`: how it came about (`FORM`), and HubSpot's id of that."""

    value: str | None
    at: datetime
    source: str


Histories = Mapping[str, Mapping[str, tuple[Version, ...]]]
"""By object id and property, the values that it had, the newest first."""


@dataclass(frozen=True, slots=True)
class Associations:
    """Labels by contact id and company id.

    `failed`: contacts without an answer; `unreadable`: contacts with an unreadable one. The associations of both are
    unknown, not empty.
    """

    found: Mapping[str, frozenset[tuple[str, Label]]]
    failed: frozenset[str]
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Property:
    """A property of the portal's schema; `options` are the values of an enumeration."""

    name: str
    type: str
    options: tuple[str, ...] = ()


# ---- the frame of an answer


def results(data: Mapping[str, Any], what: str) -> list[Any]:
    """The rows of an answer. Without a list it is an error, since an empty one would look like a mass deletion."""
    rows = data.get("results")
    if not isinstance(rows, list):
        raise Malformed("hubspot", f"{what} was answered without a list of `results`")
    if rows and not any(isinstance(row, dict) for row in rows):
        raise Malformed("hubspot", f"{what} was answered with `results` that are not objects")
    return rows


def complete(data: Mapping[str, Any], what: str) -> list[Any]:
    """The rows of a call without partial success: errors besides them mean that rows are missing."""
    if errors(data, what):
        raise Malformed("hubspot", f"{what} was answered in part only")
    return results(data, what)


def errors(data: Mapping[str, Any], what: str) -> list[Mapping[str, Any]]:
    """The error entries. Only the payload shows a partial failure (status 207 in v3/v4, 200 in 2026-09)."""
    found = data.get("errors") or []
    if not isinstance(found, list):
        raise Malformed("hubspot", f"{what} was answered with `errors` that are not a list")
    return [error for error in found if isinstance(error, dict)]


def cursor(data: Mapping[str, Any], what: str) -> str | None:
    """The cursor of the next page, None on the last one."""
    paging = _part(data, "paging", what)
    after = _part(paging, "next", what).get("after")
    if after is None:
        return None
    if not isinstance(after, str | int) or isinstance(after, bool) or after == "":
        raise Malformed("hubspot", f"{what} was answered with a `paging.next.after` that is not a cursor")
    return str(after)


def _part(data: Mapping[str, Any], name: str, what: str) -> Mapping[str, Any]:
    part = data.get(name)
    if part is not None and not isinstance(part, dict):
        raise Malformed("hubspot", f"{what} was answered with a `{name}` that is not an object")
    return part or {}


def total(data: Mapping[str, Any], what: str) -> int:
    """How many objects a search finds in all."""
    found = whole(data.get("total")) if isinstance(data.get("total"), int) else None
    if found is None:
        raise Malformed("hubspot", f"{what} was answered without a `total` that is a number of objects")
    return found


def ids(error: Mapping[str, Any], name: str) -> set[str]:
    """The ids that an error entry names."""
    context = error.get("context")
    named = context.get(name) if isinstance(context, dict) else None
    return {found for i in (named if isinstance(named, list) else ()) if (found := identifier(i))}


# ---- rows; None for one that cannot be used


def hubspot_object(row: Any, object_type: ObjectType, wanted: Sequence[str]) -> HubSpotObject | None:
    """A contact or company. If the row has no properties, all of `wanted` count as unreadable.

    None without a usable id.
    """
    found = identifier(row.get("id")) if isinstance(row, dict) else None
    if found is None:
        return None
    given = row.get("properties")
    properties = given if isinstance(given, dict) else {}
    texts = {name: _text(value) for name, value in properties.items() if _readable(value)}
    unreadable = (set(properties) if isinstance(given, dict) else set(wanted)) - set(texts)
    modified = moment(texts.get(MODIFIED[object_type])) or moment(row.get("updatedAt"))
    return HubSpotObject(found, texts, modified, row.get("archived") in (True, "true"), frozenset(unreadable))


def history(row: Any) -> tuple[str, dict[str, tuple[Version, ...]]] | None:
    """(object id, versions by property) of a row; None without a usable id. A version without a time is left out."""
    found = identifier(row.get("id")) if isinstance(row, dict) else None
    if found is None:
        return None
    given = row.get("propertiesWithHistory")
    versions = given.items() if isinstance(given, dict) else ()
    return found, {name: tuple(_versions(of)) for name, of in versions if isinstance(of, list)}


def _versions(rows: list[Any]) -> Iterator[Version]:
    usable = [row for row in rows if isinstance(row, dict) and _readable(row.get("value"))]
    found = [Version(_text(row["value"]), at, _source(row)) for row in usable if (at := moment(row.get("timestamp")))]
    return iter(sorted(found, key=lambda version: version.at, reverse=True))


def _source(row: Mapping[str, Any]) -> str:
    """The kind of source with HubSpot's id of it. An id that is an address, or no plain number but a phone number, is
    left out.
    """
    kind, named = (str(row.get(name) or "").strip() for name in ("sourceType", "sourceId"))
    shown = named if identifier(named) or not holds_contact_data(named) else ""
    return " ".join(filter(None, (kind or "UNKNOWN", shown)))


def _readable(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _text(value: Any) -> str | None:
    """A value as text, as HubSpot itself shows it; booleans are `true` and `false` there."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def owner(row: Any, archived: bool) -> Owner | None:
    """An owner. None without a usable id, or if the address is not a text; what was known of the owner then stays."""
    found = identifier(row.get("id")) if isinstance(row, dict) else None
    if found is None or not isinstance(row.get("email"), str | None):
        return None
    return Owner(found, row.get("email"), archived)


def label(row: Any) -> Label | None:
    """An association type; None without category and type id. A text in another form counts as none."""
    type_id = whole(row.get("typeId")) if isinstance(row, dict) else None
    if type_id is None or not isinstance(row.get("category"), str):
        return None
    text = row.get("label")
    return Label(row["category"], type_id, text if isinstance(text, str) else None)


def property_(row: Any) -> Property | None:
    """A property of the schema; None without a name. Options in another form are ignored."""
    name = row.get("name") if isinstance(row, dict) else None
    if not name or not isinstance(name, str):
        return None
    kind, options = row.get("type"), row.get("options")
    values = (o.get("value") for o in (options if isinstance(options, list) else ()) if isinstance(o, dict))
    return Property(name, kind if isinstance(kind, str) else "", tuple(v for v in values if isinstance(v, str)))


def contact_of(row: Any) -> str | None:
    """The contact that a row of associations belongs to; None without a usable id."""
    given = row.get("from") if isinstance(row, dict) else None
    return identifier(given.get("id")) if isinstance(given, dict) else None


def companies_of(row: Mapping[str, Any]) -> set[tuple[str, Label]] | None:
    """(company id, label) of a row; None if a part cannot be read, since with half of its labels a contact might pass a
    block.
    """
    found = list(_pairs(row))
    return None if None in found else {pair for pair in found if pair is not None}


def _pairs(row: Mapping[str, Any]) -> Iterator[tuple[str, Label] | None]:
    companies = row.get("to")
    if not isinstance(companies, list):
        yield None
        return
    for company in companies:
        company_id = identifier(company.get("toObjectId")) if isinstance(company, dict) else None
        kinds = company.get("associationTypes") if company_id else None
        if company_id is None or not isinstance(kinds, list):
            yield None
            return
        for kind in kinds:
            found = label(kind)
            yield (company_id, found) if found else None


@dataclass(frozen=True, slots=True)
class Portal:
    """Who the portal is: its id, where people open it, and its time zone. Empty: HubSpot did not say."""

    id: str
    ui_domain: str = ""
    time_zone: str = ""


_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.hubspot\.com")
"""Links lead there, so nothing else is believed."""


def read_portal(data: Mapping[str, Any]) -> Portal | None:
    """The portal of an account information answer (HubSpot account information guide); None without an id."""
    number = whole(data.get("portalId"))
    if number is None:
        return None
    domain, zone = data.get("uiDomain"), data.get("timeZone")
    host = domain if isinstance(domain, str) and _DOMAIN.fullmatch(domain) else ""
    return Portal(str(number), host, zone if isinstance(zone, str) and zone in available_timezones() else "")
