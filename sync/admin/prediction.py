"""Predicts what the next run would write for one contact under given rules, from its links alone,
without the network.
"""

from dataclasses import dataclass

from sync.domain.codes import Code
from sync.domain.decision import Decision, Reason
from sync.domain.rules import Rules
from sync.domain.views import ContactView
from sync.planner import effects
from sync.planner.plan import Links, Tenant, plan
from sync.planner.predicting.dry_run_target import DryRunTarget
from sync.planner.predicting.predicted import Predicted, Predictions
from sync.planner.predicting.remembered_target import Assumptions, remembered
from sync.planner.snapshot import Lookup, Record, Snapshot
from sync.planner.target import Written

_MOST_ROUNDS = 50
"""The most rounds of simulated writes for one contact; the longest chain of records takes about six."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The predicted result for one contact."""

    decisions: tuple[Decision, ...]
    writes: tuple[Predicted, ...] = ()
    problem: Reason | None = None
    warnings: tuple[Reason, ...] = ()


def predict(
    view: ContactView,
    decisions: tuple[Decision, ...],
    links: Links,
    rules: Rules,
    tenant: Tenant,
    assumed: Assumptions,
) -> Prediction:
    """Plans, and simulates the writes, until nothing is left to write."""
    target = remembered(view, links, rules, assumed)
    known, snapshot, predicted = dict(links), _AtOnce(target), Predictions(target.shown)
    problem: Reason | None = Reason(Code.C4C_CONFLICT, f"the plan does not come to rest within {_MOST_ROUNDS} rounds")
    for _ in range(_MOST_ROUNDS):
        planned = plan(view, decisions, known, snapshot, rules, tenant, assumed.most_relationships)
        ready = {(write.entity, write.key): write for write in planned.ready()}
        if not ready:
            problem = planned.problem
            break
        for write, result in (pair for results in target.apply(list(ready.values())) for pair in results):
            assert isinstance(result, Written)
            effects.learn(write, result, known, snapshot, tenant.schema)
            predicted.note(write)
        target.find(snapshot.stale(), snapshot)
    return Prediction(planned.decisions, tuple(predicted.values()), problem, planned.warnings)


class _AtOnce(Snapshot):
    """Answers every lookup at once, which costs nothing here, so that each round plans only once."""

    def __init__(self, target: DryRunTarget) -> None:
        super().__init__()
        self._target = target

    def ask(self, lookup: Lookup) -> tuple[Record, ...] | None:
        if lookup not in self.answers:
            self._target.find([lookup], self)
        return super().ask(lookup)
