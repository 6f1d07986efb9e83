"""One scenario for each alert rule: what makes it fire, what comes near and does not, and what clears it.

`python tests/operations/alert_scenarios.py` writes the table of docs/operations.md from it; a test compares both.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import alert_causes as it
from alert_stage import RULES, Action, Step
from running import PROJECT


@dataclass(frozen=True)
class Near:
    """What must not make the alert fire."""

    text: str
    steps: Sequence[Step]


@dataclass(frozen=True)
class Scenario:
    """`webhook`: the alert that the webhook hears of at the same time. `also`: rules that fire for the same cause."""

    rule: str
    cause: str
    steps: Sequence[Step]
    cure: str
    repair: Action
    near: Near
    webhook: str = ""
    also: frozenset[str] = frozenset()
    stays: frozenset[str] = frozenset()
    """Those of them that hold on after the repair."""
    labels: dict[str, str] = field(default_factory=dict)
    """Labels of the alert besides `namespace` and `job`."""
    every: int = 1
    """Minutes between two scrapes."""
    before: Action | None = None


QUIET = (Step(60, it.well),)
"""A quiet hour: nothing changes in HubSpot, all jobs end well."""

SCENARIOS = (
    Scenario(
        "SyncPollStale",
        "HubSpot answers no poll for 20 minutes",
        [Step(20, it.fails("poll", "Unavailable")), Step(10, it.fails("poll", "Unavailable"))],
        "a poll ends well",
        it.well,
        webhook="poll_stale",
        near=Near("a first load of two hours whose pages come in", [Step(10, it.first_load)] * 12),
    ),
    Scenario(
        "SyncNobodyAtWork",
        "holder and standby are gone, while a worker in another namespace works",
        [Step(15, it.gone)],
        "a worker starts",
        it.back,
        near=Near("the standby takes over after 4 minutes", [Step(5, it.stands_by), Step(15, it.takes_over)]),
    ),
    Scenario(
        "SyncState",
        "pages of the state file are overwritten",
        [Step(15, it.damages)],
        "the file is restored",
        it.restores,
        webhook="state",
        near=Near("another program has it open for writing", [Step(20, it.locks), Step(10, it.unlocks)]),
    ),
    Scenario(
        "SyncStateExposed",
        "the state file gets mode 0644",
        [Step(15, it.mode(0o644))],
        "mode 0600",
        it.mode(0o600),
        webhook="state",
        near=Near("mode 0660, as Kubernetes gives it", [Step(20, it.mode(0o660))]),
    ),
    Scenario(
        "SyncHandoversLate",
        "a contact waits for more than an hour",
        [Step(20, it.waits(61))],
        "it is settled",
        it.settles,
        webhook="handovers_late",
        near=Near("a contact waits for 50 minutes", [Step(20, it.waits(30)), Step(10, it.settles)]),
    ),
    Scenario(
        "SyncGuardTripped",
        "the guard stops a plan",
        [Step(10, it.stops)],
        "the plan is approved and carried out",
        it.approves,
        webhook="guard",
        near=Near("a plan that is approved and not carried out yet", [Step(20, it.approves_only)]),
    ),
    Scenario(
        "SyncSecondWriter",
        "a second record with our key, made by our own user, that the state cannot explain",
        [Step(10, it.twins)],
        "a person approves",
        it.lets_write,
        webhook="second_writer",
        near=Near("a copy that sales made", [Step(20, it.copy_of_sales)]),
    ),
    Scenario(
        "SyncDenied",
        "SAP Sales Cloud refuses the password",
        [Step(10, it.fails("push", "Denied", "SAP Sales Cloud: refused (401)"))],
        "a push ends well",
        it.well,
        webhook="denied",
        near=Near("a push without an answer", [Step(10, it.fails("push", "Unavailable")), Step(10, it.well)]),
    ),
    Scenario(
        "SyncAlertsUndelivered",
        "the webhook takes nothing for 15 minutes while an alert begins",
        [Step(30, it.undelivered)],
        "the webhook takes it",
        it.delivered,
        near=Near("without an alert there is nothing to deliver", [Step(30, it.away)]),
        also=frozenset({"SyncContract"}),
        stays=frozenset({"SyncContract"}),
    ),
    Scenario(
        "SyncC4CAway",
        "SAP Sales Cloud answers no push for 31 minutes",
        [Step(35, it.fails("push", "Unavailable")), Step(10, it.fails("push", "Unavailable"))],
        "a push ends well",
        it.well,
        webhook="c4c_away",
        near=Near("20 minutes", [Step(20, it.fails("push", "Unavailable")), Step(20, it.well)]),
    ),
    Scenario(
        "SyncBudget",
        "9 % of HubSpot's daily requests are left",
        [Step(10, it.left(90))],
        "a new day",
        it.left(1000),
        webhook="budget",
        near=Near("a quarter is left", [Step(20, it.left(250))]),
    ),
    Scenario(
        "SyncContract",
        "a field that the rules name is gone",
        [Step(10, it.mismatch("Lead.GroupCode: gone"))],
        "it is there again",
        it.mismatch(),
        webhook="contract",
        near=Near("it is there again before the next look", [Step(20, it.mismatch_settled)]),
    ),
    Scenario(
        "SyncScoreFrozen",
        "no value of the score has changed for 31 days",
        [Step(10, it.frozen(31))],
        "a value changes",
        it.well,
        webhook="score_frozen",
        near=Near("3 days", [Step(20, it.frozen(3))]),
    ),
    Scenario(
        "SyncClock",
        "HubSpot was read up to a time 10 minutes ahead of the clock",
        [Step(10, it.shown_ahead(10))],
        "the clock is right at the next poll",
        it.shown_ahead(0),
        webhook="clock",
        near=Near("4 minutes", [Step(20, it.shown_ahead(4))]),
    ),
    Scenario(
        "SyncNoLeads",
        "no lead for 24 hours, as `alerts.no_leads` is set",
        [Step(24 * 60 + 30, it.well), Step(60, it.well)],
        "a lead is created",
        it.creates_lead,
        webhook="no_leads",
        near=Near("no lead for 20 hours", [Step(20 * 60, it.well)]),
        every=30,
        before=it.creates_lead,
    ),
    Scenario(
        "SyncParked",
        "25 contacts are parked",
        [Step(20, it.parks(25))],
        "they are settled",
        it.unparks,
        webhook="parked",
        near=Near("24", [Step(30, it.parks(24))]),
    ),
    Scenario(
        "SyncJobFails",
        "the sweep fails for more than an hour",
        [Step(15, it.fails("sweep", "Malformed"))] * 5,
        "the sweep ends well",
        it.well,
        webhook="job_failing",
        near=Near(
            "it fails once and ends well a quarter of an hour later",
            [Step(15, it.fails("sweep", "Malformed")), Step(70, it.well)],
        ),
        labels={"sync_job": "sweep"},
    ),
    Scenario(
        "SyncLatency",
        "30 leads take two hours",
        [Step(45, it.hands_over(30, 120))],
        "a thousand leads take a minute",
        it.hands_over(1000, 1),
        near=Near(
            "19 leads take two hours; a hundred of the first load do, among a thousand others",
            [Step(30, it.hands_over(19, 120)), Step(60, it.first_load_hands_over)],
        ),
        also=frozenset({"SyncPromiseMissed"}),
        labels={"instance": "a:9090"},
    ),
    Scenario(
        "SyncPromiseMissed",
        "30 of 60 leads take twenty minutes, ten are promised",
        [Step(30, it.keeps_and_misses(30, 30))],
        "no lead is late for an hour",
        it.keeps_and_misses(10, 0),
        near=Near(
            "15 of 60 leads do, a quarter",
            [Step(30, it.keeps_and_misses(45, 15))],
        ),
    ),
    Scenario(
        "SyncDiskFills",
        "150 MB are left on the disk",
        [Step(20, it.room(150e6))],
        "room is made",
        it.room(5e9),
        near=Near("300 MB are left", [Step(30, it.room(300e6))]),
    ),
    Scenario(
        "SyncBackupOld",
        "no backup for two days, after there was one",
        [Step(24 * 60, it.creates_lead)] * 2 + [Step(60, it.creates_lead)],
        "a backup is made",
        it.backs_up,
        near=Near("no backup for 40 hours", [Step(40 * 60, it.creates_lead)]),
        every=30,
        before=it.backs_up,
    ),
    Scenario(
        "SyncCertificateExpires",
        "the client certificate ends in 13 days",
        [Step(20, it.certificate(13))],
        "a new one is put in its place",
        it.certificate(365),
        near=Near("it ends in 20 days", [Step(30, it.certificate(20))]),
    ),
)


def table() -> str:
    """The table of docs/operations.md."""
    rows = ["| rule | webhook | fires | never falsely: in a quiet hour, nor | clears |", "|---|---|---|---|---|"]
    for one in SCENARIOS:
        webhook = f"`{one.webhook}`" if one.webhook else "–"
        severity = RULES[one.rule]["labels"]["severity"]
        rows.append(f"| `{one.rule}` ({severity}) | {webhook} | {one.cause} | {one.near.text} | {one.cure} |")
    return "\n".join(rows) + "\n"


PAGE = PROJECT / "docs/operations.md"
BEGIN, END = "<!-- made by tests/operations/alert_scenarios.py -->\n", "<!-- end -->\n"


def main() -> None:
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}{table()}{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
