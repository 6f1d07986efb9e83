"""Employees and code lists, from the rows that hold them. Pure."""

from collections.abc import Sequence
from datetime import datetime

from sync.c4c import odata
from sync.c4c.entities import collection
from sync.c4c.odata import Query, Row
from sync.domain.values import blank
from sync.errors import Unanswered
from sync.planner.target import Employee

EMPLOYEES = Query(
    collection("Employee"),
    select=(
        "ObjectID",
        "UUID",
        "Email",
        "UserLockedIndicator",
        "EmployeeValidityStartDate",
        "EmployeeValidityEndDate",
    ),
)


def valid(rows: Sequence[Row], now: datetime) -> list[Employee]:
    """The employees who are valid at `now` and not locked."""
    return [Employee(row["UUID"], row["Email"].strip()) for row in rows if _can_own(row, now)]


def _can_own(row: Row, now: datetime) -> bool:
    named = all(isinstance(row.get(name), str) and row[name] for name in ("UUID", "Email"))
    if not named or str(row.get("UserLockedIndicator")).lower() == "true":
        return False
    shown = [row.get(f"EmployeeValidity{which}Date") for which in ("Start", "End")]
    start, end = (odata.read_date(value) for value in shown)
    if any(not blank(value) and read is None for value, read in zip(shown, (start, end), strict=True)):
        return False
    # The end date is a day, and the employee is valid through that day.
    return (start is None or start <= now) and (end is None or end.date() >= now.date())


def codes(names: Sequence[str], found: Sequence[list[Row] | Unanswered]) -> dict[str, dict[str, str]]:
    """Code lists with at least one usable code; any other counts as unreadable, and its codes are not checked."""
    offered = ((name, rows) for name, rows in zip(names, found, strict=True) if isinstance(rows, list))
    return {name: codes for name, rows in offered if (codes := _usable(rows))}


def _usable(rows: list[Row]) -> dict[str, str]:
    """Descriptions by code, without rows whose code is not a text."""
    coded = [row for row in rows if isinstance(row.get("Code"), str) and row["Code"]]
    return {row["Code"]: str(row.get("Description") or "") for row in coded}
