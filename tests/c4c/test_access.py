"""`check` reads one row of each entity: a missing authorisation is found there, and not by the first lead."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from c4c_world import Control, World

from sync.c4c.odata import Operation
from sync.c4c_client import C4C
from sync.context import Context
from sync.jobs.runner import run_jobs
from sync.planner.target import WriteResult
from sync.state.documents import MISMATCHES


def findings(world: World) -> dict[str, str]:
    answer = world.cli("check", "--json")
    return {finding["text"]: finding["severity"] for finding in json.loads(answer.out)["findings"]}


def test_a_tenant_that_grants_everything_has_no_finding_of_access(world: World) -> None:
    assert not [text for text in findings(world) if "cannot be read" in text]


@pytest.mark.parametrize(
    ("entity", "severity", "grant"),
    [
        ("Lead", "error", "read and write access to leads"),
        ("ContactIsContactPersonFor", "warning", "read and write access to relationships"),
        ("MarketingPermission", "warning", "read and write access to permission sets"),
    ],
)
def test_an_entity_that_answers_403_is_named_with_what_to_grant(
    world: World, entity: str, severity: str, grant: str
) -> None:
    world.control.settings(forbidden=[entity])
    [(text, found)] = [(t, s) for t, s in findings(world).items() if t.startswith(f"{entity}:")]
    assert found == severity
    assert "403" in text
    assert grant in text


class Losing:
    """SAP Sales Cloud as it is, until the first write: then a key user takes a field off the service."""

    def __init__(self, port: Any, control: Control) -> None:
        self._port, self._control = port, control

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def write(self, groups: Sequence[Sequence[Operation]]) -> list[list[WriteResult]]:
        self._control.settings(hidden_fields=["Contact.JobTitle"])
        return list(self._port.write(groups))


def mismatches(context: Context) -> list[str]:
    with context.store.reading() as session:
        return MISMATCHES.read(session)["c4c"]


def test_a_refused_record_has_the_tenant_compared_in_the_same_run(world: World) -> None:
    world.control.contact(world.control.company(), jobtitle="Miller")
    with world.application() as built:
        context = replace(built.context, c4c=C4C(Losing(built.c4c, world.control)))
        assert run_jobs(context, ["poll", "push"]).failures == []
        assert mismatches(context) == ["Contact.JobTitle: is not offered by the tenant; it is left out"]
        assert len(world.control.rows("Lead")) == 1, "the rest goes on"
        world.control.settings(hidden_fields=[])
        later = replace(built.context, now=lambda: built.context.now() + timedelta(minutes=16))
        run_jobs(later, ["push"])
        assert mismatches(context) == [], "it is over without another handover"


def test_a_service_that_only_adds_a_way_to_recognise_alerts_nobody(world: World) -> None:
    world.control.settings(hidden_services=["CorporateAccountTaxNumber"])
    world.control.contact(world.control.company())
    world.sync()
    with world.application() as built:
        assert mismatches(built.context) == []
    assert [t for t in findings(world) if t.startswith("CorporateAccountTaxNumber.*: the service is not enabled")]
