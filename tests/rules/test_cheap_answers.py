"""Answers stay cheap with a large portal: no statement reads a table row by row, and a list needs no more memory than a
part of it.
"""

from __future__ import annotations

import gc
import re
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from people_world import RULES, asking, crowd
from rules_world import GOOD, NOW, World
from sqlalchemy import event

from sync.admin import lists, report
from sync.admin.lists import Contacts, Leads
from sync.admin.people import Asking
from sync.admin.story import story
from sync.state.documents import NAME_INDEX


@pytest.fixture(scope="module")
def world() -> World:
    made = crowd()
    made.push(RULES)
    with made.store.session() as session:
        NAME_INDEX.write(session, "1")
    return made


@contextmanager
def statements(world: World) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are executed meanwhile, with their parameters."""
    executed: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        executed.append((statement, parameters))

    event.listen(world.store.engine, "before_cursor_execute", note)
    yield executed
    event.remove(world.store.engine, "before_cursor_execute", note)


def scans(world: World, found: list[tuple[str, Any]]) -> list[str]:
    """Steps of SQLite's plans that read a whole table of the portal's size, without an index that holds all it needs."""
    with world.store.engine.execution_options(read_only=True).connect() as connection:
        steps = [
            step[3]
            for statement, parameters in found
            if statement.startswith("SELECT")
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    large = re.compile(r"SCAN (contact|company|association|link|progress|decision|handover|crossing|name_word)\b")
    return [step for step in steps if large.match(step) and "COVERING INDEX" not in step]


WEEK = (NOW - timedelta(days=7), NOW + timedelta(days=1))
ANSWERS: dict[str, Callable[[Asking], object]] = {
    "find a name": lambda a: list(lists.find(a, "anna müller", 20)),
    "find an address": lambda a: list(lists.find(a, "bob@acme.example", 20)),
    "find a number": lambda a: list(lists.find(a, "2001", 20)),
    "find an ObjectID": lambda a: list(lists.find(a, "00163EDFEA37B2968D5B14BBA563E068", 20)),
    "parked": lambda a: report.parked(a.session),
    "leads": lambda a: list(lists.leads(a, Leads(since=WEEK[0], limit=50))),
    "a story": lambda a: story(a, "101"),
    "a funnel": lambda a: report.full_funnel(a, *WEEK),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_no_answer_reads_a_whole_table(world: World, name: str) -> None:
    with asking(world) as asked, statements(world) as found:
        assert ANSWERS[name](asked) is not None
    assert scans(world, found) == []


def test_a_whole_table_is_noticed(world: World) -> None:
    with asking(world) as asked, statements(world) as found:
        list(lists.contacts(asked, Contacts(low=60)))
    assert scans(world, found), "a score is inside the properties"


@pytest.mark.long
def test_a_long_list_needs_no_more_memory_than_a_short_one() -> None:
    made = crowd()
    made.contacts(RULES, {str(n): {**GOOD, "lastname": f"Name {n}"} for n in range(10_000, 16_000)})

    def held(rows: Iterator[object], number: int) -> int:
        for _ in islice(rows, number):
            pass
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    with asking(made) as asked:
        # What is loaded and compiled once is not what a longer list holds.
        assert sum(1 for _ in lists.contacts(asked, Contacts())) >= 6000
        rows = iter(lists.contacts(asked, Contacts()))
        tracemalloc.start()
        short, long = held(rows, 1500), held(rows, 4000)
        tracemalloc.stop()
    assert long - short < 100_000, "some 25 bytes for each further contact would be more"
