"""Two worlds that live a random story: one in this process on the sandbox's store, one over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import c4c_world
import who_is_who_model as model
from rules_world import GOOD, PRIMARY, World, new_store, rules
from sqlalchemy import delete
from sqlmodel import select
from who_is_who_story import (
    Account,
    Change,
    CompanyChanges,
    Contact,
    ContactChanges,
    SalesEdits,
    SalesRetires,
    StateLost,
    Story,
    Texts,
)
from world.tenant import Tenant

from sync.mirror import mirrored
from sync.state import tables
from sync.state.pending import mark_pending
from sync.state.store import Store

Row = dict[str, Any]
SHARED_BY_US = {"RoleCode": "CRM000"}


class Place(Protocol):
    """What a story needs of a world."""

    def company(self, number: str, properties: Texts) -> str: ...
    def contact(self, number: int, company: str, properties: Texts) -> str: ...
    def change_company(self, key: str, properties: Texts) -> None: ...
    def change_contact(self, key: str, properties: Texts) -> None: ...
    def create(self, entity: str, fields: Mapping[str, Any]) -> Row: ...
    def edit(self, entity: str, object_id: str, fields: Mapping[str, Any]) -> None: ...
    def rows(self, entity: str) -> list[Row]: ...
    def lose_state(self) -> None: ...
    def run(self) -> None: ...
    def progress(self) -> dict[str, tuple[str, str]]: ...


# ---- in this process


@cache
def _store() -> Store:
    return new_store()


def emptied() -> Store:
    """One state store for all stories: making one, and compiling every statement for it, takes longer than a story."""
    with _store().session() as session:
        for table in reversed(tables.Base.metadata.sorted_tables):
            session.execute(delete(table))
    return _store()


@dataclass
class InProcess:
    """C4C is the sandbox's store. HubSpot's side reaches the mirror at the next run, as by a poll."""

    world: World = field(default_factory=lambda: World(emptied(), Tenant()))
    companies: dict[str, Texts] = field(default_factory=dict)
    contacts: dict[str, Texts] = field(default_factory=dict)
    employer: dict[str, str] = field(default_factory=dict)

    def company(self, number: str, properties: Texts) -> str:
        self.companies[number] = properties
        return number

    def contact(self, number: int, company: str, properties: Texts) -> str:
        key = str(1000 + number)
        self.employer[key] = company
        self.contacts[key] = {**GOOD, "lastname": f"Sommer{number}", **properties}
        return key

    def change_company(self, key: str, properties: Texts) -> None:
        self.companies[key] = {**self.companies[key], **properties}

    def change_contact(self, key: str, properties: Texts) -> None:
        self.contacts[key] = {**self.contacts[key], **properties}

    def create(self, entity: str, fields: Mapping[str, Any]) -> Row:
        return self.world.c4c.store.create(entity, dict(fields))

    def edit(self, entity: str, object_id: str, fields: Mapping[str, Any]) -> None:
        self.world.c4c.store.change(entity, object_id, dict(fields))

    def rows(self, entity: str) -> list[Row]:
        return self.world.c4c.store.rows(entity)

    def lose_state(self) -> None:
        emptied()

    def run(self) -> None:
        self.world.companies(self.companies)
        self.world.contacts(rules(), self.contacts)
        self.world.associate({key: [(company, PRIMARY)] for key, company in self.employer.items()})
        with self.world.store.session() as session:
            mark_pending(session, mirrored.all_ids(session), self.world.now)
        self.world.push(rules())

    def progress(self) -> dict[str, tuple[str, str]]:
        with self.world.store.reading() as session:
            return {r.contact_id: (r.status, r.code or "") for r in session.exec(select(tables.Progress))}


# ---- over HTTP


@dataclass
class OverHttp:
    """The product reads and writes both stand-ins as it would the real systems."""

    world: c4c_world.World

    def company(self, number: str, properties: Texts) -> str:
        return str(self.world.control.call("POST", "/hubspot/companies", {"properties": properties})["id"])

    def contact(self, number: int, company: str, properties: Texts) -> str:
        return self.world.control.contact(company, lastname=f"Sommer{number}", **{"email": "", **properties})

    def change_company(self, key: str, properties: Texts) -> None:
        self.world.control.call("PATCH", f"/hubspot/companies/{key}", {"properties": properties})

    def change_contact(self, key: str, properties: Texts) -> None:
        self.world.control.change(key, **properties)

    def create(self, entity: str, fields: Mapping[str, Any]) -> Row:
        return self.world.control.sales_create(entity, **fields)

    def edit(self, entity: str, object_id: str, fields: Mapping[str, Any]) -> None:
        self.world.control.sales_edit(entity, object_id, **fields)

    def rows(self, entity: str) -> list[Row]:
        return self.world.control.rows(entity)

    def lose_state(self) -> None:
        for file in self.world.directory.glob("state.db*"):
            file.unlink()

    def run(self) -> None:
        self.world.wake_all()
        self.world.sync()

    def progress(self) -> dict[str, tuple[str, str]]:
        return {r.contact_id: (r.status, r.code or "") for r in self.world.table(tables.Progress)}


# ---- what happens in either


@dataclass
class Life:
    """A story as it happens. Keeps HubSpot's side as it was written, and which company shares which account."""

    place: Place
    companies: dict[str, Texts] = field(default_factory=dict)
    contacts: dict[str, Texts] = field(default_factory=dict)
    employer: dict[str, str] = field(default_factory=dict)
    shares: dict[str, str] = field(default_factory=dict)
    shared_persons: dict[str, str] = field(default_factory=dict)
    state_lost: bool = False
    parked: dict[str, str] = field(default_factory=dict)
    """By contact the code with which the last run left it parked."""

    def begin(self, story: Story) -> None:
        for number, properties in zip(story.ids, story.companies, strict=True):
            self.companies[self.place.company(number, properties)] = properties
        for change in (*story.accounts, *story.contacts):
            self.happen(change)

    def happen(self, change: Change) -> None:
        """One change on either side. Numbers beyond what there is count from the beginning again."""
        match change:
            case Contact(number, properties):
                company = list(self.companies)[number]
                key = self.place.contact(len(self.contacts), company, properties)
                self.contacts[key], self.employer[key] = properties, company
            case Account():
                self._account(change)
            case CompanyChanges(number, properties):
                key = list(self.companies)[number]
                self.companies[key] = {**self.companies[key], **properties}
                self.place.change_company(key, properties)
            case ContactChanges(number, properties):
                key = list(self.contacts)[number % len(self.contacts)]
                self.contacts[key] = {**self.contacts[key], **properties}
                self.place.change_contact(key, properties)
            case SalesEdits(number, fields):
                self._edit("CorporateAccount", number, lambda row: not row["HubSpotID_KUT"], fields)
            case SalesRetires(entity, number):
                status = "LifeCycleStatusCode" if entity == "CorporateAccount" else "StatusCode"
                self._edit(entity, number, lambda row: not model.obsolete(row), {status: model.OBSOLETE})
            case StateLost():
                self.shares.clear()
                self.shared_persons.clear()
                self.state_lost = True
                self.place.lose_state()

    def _account(self, made: Account) -> None:
        row = self.place.create("CorporateAccount", {**SHARED_BY_US, **made.fields, **self._key(made.key)})
        for one in made.persons:
            person = self.place.create("Contact", {"AccountID": row["AccountID"], **one.fields, **self._key(one.key)})
            if one.obsolete:
                self.place.edit("Contact", person["ObjectID"], {"StatusCode": model.OBSOLETE})
        if made.obsolete:
            self.place.edit("CorporateAccount", row["ObjectID"], {"LifeCycleStatusCode": model.OBSOLETE})

    def _key(self, key: str) -> Texts:
        """A key that nobody of this portal has."""
        count = len(self.place.rows("CorporateAccount")) + len(self.place.rows("Contact"))
        return {"HubSpotID_KUT": f"99000{count}"} if key else {}

    def _edit(self, entity: str, number: int, which: Callable[[Row], bool], fields: Texts) -> None:
        rows = [row for row in self.place.rows(entity) if which(row)]
        if rows:
            self.place.edit(entity, rows[number % len(rows)]["ObjectID"], fields)

    def sides(self) -> model.Sides:
        accounts, persons = self.place.rows("CorporateAccount"), self.place.rows("Contact")
        return model.Sides(
            self.companies,
            self.contacts,
            self.employer,
            accounts,
            persons,
            dict(self.shares),
            dict(self.shared_persons),
        )
