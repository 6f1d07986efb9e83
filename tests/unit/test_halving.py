"""Refused look-ups are asked again in halves: the refused values are found, in few requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from world.tenant import Tenant

from sync.c4c.halving import Findings, Halving
from sync.c4c.lookups import NOBODYS, FieldQuery
from sync.c4c.odata import Query, Row
from sync.domain.entities import Entity
from sync.errors import Refused
from sync.planner.snapshot import Ask

POSTAL = "StreetPostalCode"


@dataclass
class Choosy(Tenant):
    """A C4C that refuses a filter with one of these texts in it."""

    texts: Sequence[str] = ()
    status: int = 400
    sent: list[list[str]] = field(default_factory=list)

    def answers(self, queries: Sequence[Query]) -> list[list[Row] | Refused]:
        self.sent.append([query.filter for query in queries])
        return [self._refusal() if any(t in q.filter for t in self.texts) else self._answer(q) for q in queries]

    def _refusal(self) -> Refused:
        return Refused("c4c", "a read was refused: SY/530", self.status)


def read(c4c: Choosy, values: Sequence[str]) -> Findings:
    return Halving(c4c).read([FieldQuery(Ask.ACCOUNT_BY_POSTAL, Entity.ACCOUNT, POSTAL, tuple(values))])


def codes(number: int) -> list[str]:
    return [f"{n:05}" for n in range(number)]


@pytest.mark.parametrize("bad", [["'00037'"], ["'00000'", "'00499'"], ["'00123'", "'00124'", "'00300'"]])
def test_refused_values_are_found_and_all_others_are_answered(bad: list[str]) -> None:
    c4c = Choosy(texts=bad)
    for code in codes(500):
        c4c.seed(Entity.ACCOUNT, Name=code, RoleCode="BUP002", StreetPostalCode=code)
    found = read(c4c, codes(500))
    assert set(found.refused) == {(Entity.ACCOUNT, POSTAL, text.strip("'")) for text in bad}
    assert len(found[Entity.ACCOUNT]) == 500 - len(bad)
    assert sum(map(len, c4c.sent)) <= 2 + len(bad) * 2 * 9, "two halves at each of nine levels, and one control"


def test_the_words_name_entity_and_field_and_not_the_value() -> None:
    [words] = read(Choosy(texts=["00007"]), codes(20)).refused.values()
    assert f"{Entity.ACCOUNT}.{POSTAL}" in words
    assert "SY/530" in words
    assert "00007" not in words


def test_a_single_value_that_is_refused_is_at_fault_if_another_value_passes() -> None:
    c4c = Choosy(texts=["00007"])
    assert set(read(c4c, ["00007"]).refused) == {(Entity.ACCOUNT, POSTAL, "00007")}
    assert c4c.sent[1:] == [[f"{POSTAL} eq '{NOBODYS}'"]]


@pytest.mark.parametrize("number", [1, 500])
def test_no_value_is_at_fault_if_the_form_is_refused_as_such(number: int) -> None:
    c4c = Choosy(texts=[POSTAL])
    with pytest.raises(Refused, match="SY/530"):
        read(c4c, codes(number))
    assert len(c4c.sent) == 2, "asked once, and once for a value that nobody has"


def test_a_refusal_that_no_value_can_cause_is_not_halved() -> None:
    c4c = Choosy(texts=["00007"], status=404)
    with pytest.raises(Refused):
        read(c4c, codes(20))
    assert len(c4c.sent) == 1
