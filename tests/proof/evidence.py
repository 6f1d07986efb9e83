"""What the checker is given: the truth of both sides, the journal, log and state file; no code of the product."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from proof.journal import Journal

Row = Mapping[str, Any]

KEY = "HubSpotID_KUT"
OBSOLETE = "4"
CLOSED = ("4", "6")
ACCEPTED = "3"
PRIMARY = 1
NO_BASIS = frozenset({"", "Not applicable"})
REARM = 60.0
ENTITIES = (
    "CorporateAccount",
    "Contact",
    "ContactIsContactPersonFor",
    "Lead",
    "MarketingPermission",
    "ChannelPermission",
)


@dataclass(frozen=True)
class Finding:
    """A promise that was broken: `lost`, `duplicate`, `unlawful`, `leak` or `broken` (any other)."""

    kind: str
    promise: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.promise}: {self.text}"


def has_basis(properties: Row) -> bool:
    """Whether a legal basis is recorded that allows the handover."""
    return any(one.strip() not in NO_BASIS for one in str(properties.get("hs_legal_basis") or "").split(";"))


def score_of(properties: Row) -> float | None:
    """The score; None if there is none."""
    text = str(properties.get("lead_score") or "")
    return float(text) if text else None


class HubSpot:
    """The truth of the portal."""

    def __init__(self, truth: Mapping[str, Sequence[Row]]) -> None:
        self.contacts = {row["id"]: row for row in truth["contacts"]}
        self.companies = {row["id"]: row for row in truth["companies"]}
        self.owners = {row["id"]: row for row in truth["owners"]}
        self._pairs: dict[str, list[tuple[str, set[int]]]] = {}
        for row in truth["associations"]:
            types = {int(one["typeId"]) for one in row["types"]}
            self._pairs.setdefault(row["contact_id"], []).append((row["company_id"], types))

    @staticmethod
    def lives(row: Row) -> bool:
        return not (row["archived"] or row["merged_into"] or row["erased"])

    def live(self) -> Iterable[Row]:
        return (row for row in self.contacts.values() if self.lives(row))

    def companies_of(self, contact: str) -> dict[str, set[int]]:
        return {
            company: types for company, types in self._pairs.get(contact, []) if self.lives(self.companies[company])
        }

    def company_of(self, contact: str) -> str | None:
        """The company whose account the lead belongs to: the primary one, or the only one."""
        companies = self.companies_of(contact)
        primary = [company for company, types in companies.items() if PRIMARY in types]
        return primary[0] if primary else next(iter(companies)) if len(companies) == 1 else None

    def merged_into(self, contact: str) -> set[str]:
        """The contact's own id and those that were merged into it, which was when it came into being."""
        found = {contact}
        while more := {i for i, row in self.contacts.items() if row["merged_into"] in found} - found:
            found |= more
        return found

    @cached_property
    def families(self) -> dict[str, set[str]]:
        """By living contact: its own id and every id that was merged into it."""
        return _families(self.contacts)

    @cached_property
    def company_families(self) -> dict[str, set[str]]:
        return _families(self.companies)


def _families(rows: Mapping[str, Row]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for id_ in rows:
        survivor = id_
        while rows[survivor]["merged_into"]:
            survivor = rows[survivor]["merged_into"]
        found.setdefault(survivor, set()).add(id_)
    return found


class C4C:
    """The truth of the tenant."""

    def __init__(self, truth: Mapping[str, Sequence[Row]]) -> None:
        self.rows = truth
        self.accounts = {row["UUID"]: row for row in truth["CorporateAccount"]}
        self.persons = {row["ContactUUID"]: row for row in truth["Contact"]}

    @cached_property
    def leads(self) -> dict[str, list[Row]]:
        """Leads that carry a key of ours, by the contact's id in it."""
        found: dict[str, list[Row]] = {}
        for row in self.rows["Lead"]:
            if row.get(KEY):
                found.setdefault(row[KEY].split(":")[0], []).append(row)
        return found


@dataclass(frozen=True)
class State:
    """What the state file holds, read by SQL."""

    mirror: Mapping[str, Mapping[str, str | None]]
    progress: Mapping[str, tuple[str, str]]
    texts: Sequence[str]

    @classmethod
    def of(cls, path: Path) -> State:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            ask = connection.execute
            return cls(
                {i: json.loads(text) for i, text in ask("SELECT id, properties FROM contact")},
                {i: (status, code) for i, status, code in ask("SELECT contact_id, status, code FROM progress")},
                [
                    *(text for (text,) in ask("SELECT detail FROM progress WHERE detail IS NOT NULL")),
                    *(text for (text,) in ask("SELECT error FROM job_run WHERE error IS NOT NULL")),
                ],
            )


def watermark(path: Path, stream: str) -> str | None:
    """Until when a stream was read completely, as ISO text."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        row = connection.execute("SELECT complete_until FROM watermark WHERE stream = ?", (stream,)).fetchone()
    return row[0] if row else None


@dataclass(frozen=True)
class Evidence:
    """`mapping`: by entity and field, which side wins it.

    `unsettled`: contacts without an end, writes and failures of the last round."""

    hubspot: HubSpot
    c4c: C4C
    state: State
    journal: Journal
    log: str
    unsettled: int
    mapping: Mapping[str, Mapping[str, str]]

    def threshold(self, at: int | None = None) -> float:
        """The threshold in force at that moment, or now."""
        return next(limit for since, limit in reversed(self.journal.rules) if at is None or since <= at)
