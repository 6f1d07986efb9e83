"""The sandbox, and a fresh, empty world a test."""

from pathlib import Path

import pytest
from c4c_world import Control, World


@pytest.fixture(scope="session")
def control(announcement: dict[str, str]) -> Control:
    return Control(announcement)


@pytest.fixture
def world(control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    control.call("POST", "/reset")
    control.call("PATCH", "/hubspot/settings", {"rate_limits": False})
    control.sales_create("Employee", EmployeeID="E1", BusinessPartnerID="8000000001", Email="Someone@Sales.example")
    return World(control, tmp_path, monkeypatch)
