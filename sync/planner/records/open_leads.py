"""Keeps the score up to date on an open lead whose contact fell below the threshold.

Pure. Sales sorts by score, so an open lead must show the present one. Nothing else is written below the threshold, and
C4C is not read while the score equals the one that we sent last.
"""

from collections.abc import Iterator

from sync.domain.codes import Code
from sync.domain.decision import Decision
from sync.domain.entities import Entity
from sync.domain.keys import beginning
from sync.domain.link import GONE
from sync.domain.rules import FieldMap, Rules, Score, qualified
from sync.domain.schema import Schema
from sync.domain.views import ContactView, Link
from sync.mappers.draft import Draft, draft
from sync.planner import compare
from sync.planner.consent import stops_updates
from sync.planner.observed import known_fields
from sync.planner.snapshot import Record
from sync.planner.workspace import Workspace, by_id
from sync.planner.writes import Links


def outdated(
    view: ContactView, decisions: tuple[Decision, ...], links: Links, rules: Rules, schema: Schema
) -> Iterator[tuple[Link, Draft]]:
    """Leads that were last read open and show an outdated score, with the values that they should show."""
    if not rules.mapping.lead.score_below_threshold or stops_updates(view, rules.qualification.consent):
        return
    for decision in decisions:
        if _only_too_low(decision):
            for link in _open_links(decision, view, links, rules):
                made = _draft(view, link, rules.score(decision.score), rules, schema)
                if compare.for_update(
                    made, Record(Entity.LEAD, link.object_id, known_fields(link)), compare.MergeBase.of(link), schema
                ):
                    yield link, made


def keep_scores(workspace: Workspace, decisions: tuple[Decision, ...]) -> None:
    """Plans the present score for open leads. A lead that was closed or deleted meanwhile is only remembered."""
    for link, made in tuple(
        outdated(workspace.view, decisions, workspace.links, workspace.rules, workspace.tenant.schema)
    ):
        found = workspace.ask(by_id(link))
        if found is None:
            continue
        record = next(iter(found), None)
        if record is None or record.text("LifeCycleStatusCode") in workspace.rules.mapping.lead.closed_status:
            workspace.remember(link, record)
        else:
            workspace.warnings += made.warnings
            workspace.write(made, record, {f"{Entity.LEAD} {link.key}"}, keyed=False)


def _only_too_low(decision: Decision) -> bool:
    """Whether a low score is the reason not to qualify.

    Without a legal basis nothing is written, however low the score.
    """
    lawful = all(reason.code is not Code.NO_LEGAL_BASIS for reason in decision.reasons)
    return decision.code is Code.SCORE_BELOW_THRESHOLD and lawful


def _open_links(decision: Decision, view: ContactView, links: Links, rules: Rules) -> list[Link]:
    stem = beginning(view.id, decision.score)
    ours = [link for (entity, key), link in sorted(links.items()) if entity == Entity.LEAD and key.startswith(stem)]
    closed = rules.mapping.lead.closed_status
    return [
        link
        for link in ours
        if link.object_id and not link.observed.get(GONE) and link.observed.get("LifeCycleStatusCode") not in closed
    ]


def _draft(view: ContactView, link: Link, score: Score, rules: Rules, schema: Schema) -> Draft:
    fields = _score_fields(rules, score)
    return draft(Entity.LEAD, link.key, "contact", fields, lambda _: view.get(score.property), schema)


def _score_fields(rules: Rules, score: Score) -> list[FieldMap]:
    """Fields of the lead that depend on the score only."""
    names = {"score.value", f"contact.{score.property}"}
    return [m for m in rules.mapping.lead.fields if m.source and {qualified("contact", s) for s in m.source} <= names]
