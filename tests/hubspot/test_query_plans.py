"""How SQLite finds what the jobs ask for: no recurring job reads a table that grows with the portal from end to end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from portal import Portal, Sync
from sqlalchemy import event

Build = Callable[..., Sync]

GROWING = {"contact", "company", "association", "progress", "link", "decision", "company_key", "name_word"}
"""Tables with rows for each contact or company."""


@pytest.fixture
def product(portal: Portal, sync: Build) -> Sync:
    portal.seed(60, 20)
    product = sync(log_level="ERROR")
    product.good("poll", "scores", "sweep", "push")
    return product


def statements(product: Sync, work: Callable[[], object]) -> set[str]:
    """The statements that reach SQLite meanwhile."""
    found: set[str] = set()

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")):
            found.add(statement)

    event.listen(product.store.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(product.store.engine, "before_cursor_execute", note)
    return found


def plan(product: Sync, statement: str) -> list[str]:
    values = ("[]",) * statement.count("?")
    with product.store.engine.execution_options(read_only=True).connect() as connection:
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]


def scanned(product: Sync, statement: str) -> set[str]:
    """The growing tables that the statement reads from end to end without an index that holds all it needs."""
    steps = (re.match(r"SCAN (\w+)\b(?! USING COVERING)", step) for step in plan(product, statement))
    return {step[1] for step in steps if step} & GROWING


def test_idle_jobs_read_no_growing_table_from_end_to_end(portal: Portal, product: Sync) -> None:
    portal.advance(3600)
    product.good("poll", "scores", "sweep", "push")
    portal.advance(60)
    asked = statements(product, lambda: product.good("poll", "scores", "sweep", "push"))
    assert len(asked) > 20
    assert {statement: found for statement in asked if (found := scanned(product, statement))} == {}


def test_a_changed_contact_is_found_by_its_key(portal: Portal, product: Sync) -> None:
    contact = min(product.contacts())
    portal.change("contacts", contact, jobtitle="Head of test")
    portal.advance(300)
    asked = statements(product, lambda: product.good("poll", "push"))
    assert {statement: found for statement in asked if (found := scanned(product, statement))} == {}


def test_ids_are_one_parameter_whatever_their_number(product: Sync) -> None:
    """Otherwise each number of ids is another statement, and is kept."""
    asked = statements(product, lambda: product.good("sweep"))
    assert max(statement.count("?") for statement in asked) < 30


def test_a_scan_would_be_noticed(product: Sync) -> None:
    assert scanned(product, "SELECT * FROM contact WHERE modified_at > ?") == {"contact"}
    assert scanned(product, "SELECT id FROM contact WHERE id = ?") == set()
