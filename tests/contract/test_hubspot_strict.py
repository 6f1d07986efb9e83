"""Every call of the HubSpot client against the strict front, in both families of paths: no schema is broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from strictly import nothing_violated, strict_sandbox
from test_hubspot_wire import CALLS, Call
from world.sandbox import Sandbox

from sync.hubspot_client import Api, Filter, HubSpotClient

MORE: dict[str, Call] = {
    "count": lambda hubspot: hubspot.count("contacts", [Filter("lead_score", "GTE", "75")]),
    "companies": lambda hubspot: hubspot.count("companies", [Filter("hs_lastmodifieddate", "GT", "1795000000000")]),
    "in": lambda hubspot: hubspot.count("contacts", [Filter("engagement_tier", "IN", values=("A1", "B1"))]),
    "nothing": lambda hubspot: hubspot.count("contacts", [Filter("lead_score", "HAS_PROPERTY")]),
    "archived": lambda hubspot: hubspot.read("companies", ["7"], ["name"], archived=True),
    "many": lambda hubspot: hubspot.read("contacts", [str(n) for n in range(1, 250)], ["email"]),
    "very many": lambda hubspot: hubspot.associations([str(n) for n in range(1, 2500)]),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[dict[str, str]]:
    with strict_sandbox() as started:
        control = Sandbox(started)
        control.post("/seed", {"contacts": 40, "companies": 10})
        control.patch("/hubspot/settings", {"rate_limits": False})
        yield started


@pytest.mark.parametrize("api", ["2026-09", "v3"])
@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in {**CALLS, **MORE}.items()])
def test_a_call_breaks_no_rule(call: Call, api: Api, sandbox: dict[str, str]) -> None:
    hubspot = HubSpotClient(sandbox["hubspot"], sandbox["token"], api=api, sleep=lambda _: None)
    with nothing_violated(sandbox):
        answer: Any = call(hubspot)
    assert answer is not None
