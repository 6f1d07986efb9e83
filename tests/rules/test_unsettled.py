"""Rules that undo each other: the writes end, the contact is parked with what does not rest, and nobody else waits."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from rules_world import GOOD, PRIMARY, World, rules
from sqlmodel import select
from world.tenant import Tenant

from sync.c4c.odata import Operation
from sync.domain.rules import FieldMap, Rules
from sync.planner.target import Conflict, WriteResult
from sync.state import tables


@pytest.fixture
def contrary() -> Rules:
    """One field by two entries, as no rule file may have it."""
    found = rules()
    more = FieldMap.model_validate({"target": "JobTitle", "source": "fax", "rule": "hubspot_wins"})
    contact = found.mapping.contact.model_copy(update={"fields": (*found.mapping.contact.fields, more)})
    return found.model_copy(update={"mapping": found.mapping.model_copy(update={"contact": contact})})


class Bounded(Tenant):
    """Ends the test where nothing else ends the writes."""

    def write(self, groups: Sequence[Sequence[Operation]]) -> list[list[WriteResult]]:
        assert len(self.log) < 100
        return super().write(groups)


def world(rules_: Rules, c4c: Tenant) -> World:
    made = World(c4c=c4c)
    made.companies({"7": {"name": "Firma 7"}})
    made.contacts(rules_, {"123": {**GOOD, "jobtitle": "Chair", "fax": "Ottilie"}, "124": GOOD})
    made.associate({i: [("7", PRIMARY)] for i in ("123", "124")})
    return made


def progress(of: World) -> dict[str, tables.Progress]:
    with of.store.reading() as session:
        return {row.contact_id: row for row in session.exec(select(tables.Progress))}


def test_what_never_comes_to_rest_is_parked_and_tells_a_person_what_and_holds_up_nobody(contrary: Rules) -> None:
    made = world(contrary, Bounded())
    made.push(contrary)
    found = progress(made)
    assert (found["123"].status, found["123"].code) == ("parked", "C4C_CONFLICT")
    assert "update Contact 123 (JobTitle)" in str(found["123"].detail)
    assert "Ottilie" not in str(found["123"].detail)
    assert found["124"].status == "done"
    assert sum(entity == "Contact" and action == "update" for action, entity, _ in made.c4c.log) <= 2 * 2


class Contested(Bounded):
    """One change of a contact meets somebody else's, and has no effect; three in a row would end it sooner."""

    met = False

    def write(self, groups: Sequence[Sequence[Operation]]) -> list[list[WriteResult]]:
        changes = [op for group in groups for op in group if op.method == "PATCH" and op.path.startswith("Contact")]
        if changes and not self.met and sum(action == "update" for action, _, _ in self.log) == 2:
            self.met = True
            return [[Conflict()]]
        return super().write(groups)


def test_where_writes_went_wrong_on_the_way_it_is_tried_again(contrary: Rules) -> None:
    made = world(contrary, Contested())
    made.push(contrary)
    found = progress(made)["123"]
    assert (found.code, found.attempts) == ("C4C_CONFLICT", 1)
    assert found.due_at is not None
