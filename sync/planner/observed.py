"""What was observed of a record when it was read or created, stored with its link.

It allows a plan without the network: the ids that other records refer to, a lead's status, and which fields hold
foreign values. Those values themselves stay in SAP Sales Cloud; a short fingerprint of each tells equal from different.
"""

import hashlib
from collections.abc import Container, Mapping
from typing import Any

from sync.domain.link import GONE, MADE, UNREAD
from sync.domain.schema import Schema
from sync.domain.values import blank, canonical, same
from sync.domain.views import Link
from sync.planner.snapshot import Record

_IDENTITY = (
    "UUID",
    "AccountID",
    "ContactUUID",
    "ContactID",
    "ID",
    "OwnerUUID",
    "LifeCycleStatusCode",
    "StatusCode",
    "Consent",
)
"""Ids of a record, the owner of an account, and codes that decide how a record is treated."""

_FLAGS = ("ReverseMainIndicator",)
"""Flags that matter for decisions, stored as `"true"` and `"false"`."""

ADOPTED_BY = "by"
"""The natural key by which an adopted record was recognised, in words."""

PARTS = "parts"
"""Of a header: its parts by ObjectID, including those of sales."""

CROSSING = "crossing"
"""The time of the last crossing when the lead was last read open."""


def observe(
    record: Record,
    ours: Mapping[str, Any] | None = None,
    schema: Schema | None = None,
    unread: Container[str] = (),
) -> dict[str, Any]:
    """The identity of the record and, given the values that are `ours`, fingerprints of its foreign values (else None).
    `unread`: fields that are read for the first time since our write, so they show what C4C made of our values, or
    filled in by itself.
    """
    identity = {name: record.fields[name] for name in _IDENTITY if not blank(record.fields.get(name))}
    identity |= {name: str(value).lower() for name in _FLAGS if isinstance(value := record.fields.get(name), bool)}
    identity |= {GONE: False}
    if schema is None or ours is None:
        return identity
    updatable = schema.updatable(record.entity)
    foreign: dict[str, str | None] = {}
    made: dict[str, str | None] = {}
    for name, value in record.fields.items():
        shown, is_fresh = name in updatable, name in unread
        if not shown and not (is_fresh and name in ours):
            continue
        other = None if same(value, ours.get(name)) else observed_fingerprint(value)
        if shown:
            # An empty fingerprint is that of a blank value.
            foreign[name] = other if other and isinstance(value, _PLAIN) else None
        if is_fresh:
            made[name] = other
    return identity | {"theirs": foreign, MADE: made}


_PLAIN = (str, int, float, bool)
"""Types of values that may be foreign; others are structures of their own."""


class _Everything(Container[str]):
    """A container that contains every name."""

    def __contains__(self, name: object) -> bool:
        return True


EVERYTHING = _Everything()


def unread(link: Link | None) -> Container[str]:
    """Fields that have not been read since we wrote them; after a create whose answer was lost, also every field that
    C4C filled in.
    """
    if link and not link.object_id:
        return EVERYTHING
    names = link.observed.get(UNREAD) if link else None
    return frozenset(names) if isinstance(names, list) else frozenset()


def observed_fingerprint(value: Any) -> str:
    """A short hash of a value, equal for values that mean the same (`"82"` and `"82.0"`, UUIDs in any case, blank and
    null).
    """
    if isinstance(value, Foreign):
        return value.fingerprint
    if blank(value):
        return ""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:12]


def known_fields(link: Link) -> dict[str, Any]:
    """The record behind a link as known without the network: values that we sent, and foreign values that were
    observed.
    """
    foreign = link.observed.get("theirs")
    foreign = {n: Foreign(str(d)) for n, d in foreign.items()} if isinstance(foreign, Mapping) else {}
    identity = {name: link.observed[name] for name in _IDENTITY if name in link.observed}
    flags = {name: link.observed[name] == "true" for name in _FLAGS if name in link.observed}
    return {**link.sent, **foreign, **identity, **flags}


class Foreign:
    """A foreign value of which we know only the fingerprint, so it can only be tested for equality."""

    def __init__(self, fingerprint_: str) -> None:
        self.fingerprint = fingerprint_

    def __eq__(self, other: object) -> bool:
        return self.fingerprint == observed_fingerprint(other)

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __str__(self) -> str:
        return "(a value of SAP Sales Cloud's own)"
