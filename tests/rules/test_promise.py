"""The promise of `[slo]`: how many handovers kept it, as a metric and in `status`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from people_world import PEOPLE, RULES, crowd
from rules_world import World

from sync import metrics
from sync.admin import status as statuses
from sync.cli import output, reports
from sync.config import Configuration, Slo, WorkerConfig
from sync.mirror import mirrored


def counted() -> dict[str, float]:
    names = ("kept", "missed")
    return {n: metrics.REGISTRY.get_sample_value("sync_slo_handovers_total", {"result": n}) or 0 for n in names}


@pytest.fixture
def world() -> World:
    """Two leads after five minutes, one after an hour; ten minutes are promised."""
    made = crowd()
    made.now += timedelta(minutes=5)
    made.push(RULES)
    with made.store.session() as session:
        row = mirrored.Fetched("103", {**PEOPLE["103"], "lead_score": "80"}, made.now)
        mirrored.save_contacts(session, [row], RULES.qualification.scores, made.now)
    made.now += timedelta(hours=1)
    made.push(RULES)
    return made


def status(world: World, slo: Slo) -> dict[str, object]:
    found: dict[str, object] = statuses.status(world.store, world.now, Configuration(WorkerConfig(slo=slo), RULES))
    return found


def test_each_handover_keeps_or_misses_the_promise() -> None:
    before, made = counted(), crowd()
    made.now += timedelta(minutes=5)
    made.push(RULES)
    after = counted()
    assert after == {"kept": before["kept"] + 2, "missed": before["missed"]}


def test_a_late_handover_is_counted_as_missed(world: World) -> None:
    before = counted()
    metrics.count_handover(world.now - timedelta(minutes=11), "later", world.now, timedelta(minutes=10))
    metrics.count_handover(world.now - timedelta(minutes=10), "later", world.now, timedelta(minutes=10))
    metrics.count_handover(world.now - timedelta(days=9), "first", world.now, timedelta(minutes=10))
    metrics.count_handover(None, "later", world.now, timedelta(minutes=10))
    assert counted() == {"kept": before["kept"] + 1, "missed": before["missed"] + 1}


def test_the_status_says_how_the_promise_is_kept(world: World) -> None:
    assert status(world, Slo())["slo"] == {
        "handover_seconds": 600,
        "target": 0.95,
        "handovers": 3,
        "within": 2,
        "share": 0.6667,
    }
    assert statuses.status(world.store, world.now)["slo"] is None, "without rule files no promise is known"


@pytest.mark.parametrize(
    ("slo", "sentence"),
    [
        (Slo(), "promise MISSED: 66.7% of the last 3 handovers within 10 min, promised 95%"),
        (Slo(target=0.5), "promise kept: 66.7% of the last 3 handovers within 10 min, promised 50%"),
        (
            Slo.model_validate({"handover": "2h"}),
            "promise kept: 100.0% of the last 3 handovers within 120 min, promised 95%",
        ),
    ],
)
def test_people_read_it_in_a_line(
    world: World, slo: Slo, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "out", output.console())
    reports.print_status({**status(world, slo), "foreseen": {}, "certificate": None, "retention": {}})
    assert sentence in capsys.readouterr().out
