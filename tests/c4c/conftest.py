"""One sandbox process for all modules, and a fresh, empty world a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from c4c_world import Control, World, sandbox_process


@pytest.fixture(scope="session")
def control() -> Iterator[Control]:
    with sandbox_process() as started:
        yield started


@pytest.fixture
def world(control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    control.call("POST", "/reset")
    control.call("PATCH", "/hubspot/settings", {"rate_limits": False})
    control.sales_create("Employee", EmployeeID="E1", BusinessPartnerID="8000000001", Email="Someone@Sales.example")
    return World(control, tmp_path, monkeypatch)
