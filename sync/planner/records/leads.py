"""The lead of a score: which cycle, open or closed, and what it should hold.

C4C derives a lead's status: a qualification level makes it Qualified whatever else is sent (KBA 2419551), and a
converted lead is final (KBA 2330129). So the status is set only once, by the values that the lead is created with.
"""

from dataclasses import replace
from typing import Any

from sync.domain.codes import Code
from sync.domain.decision import Decision, Reason
from sync.domain.entities import Entity
from sync.domain.keys import Key, beginning
from sync.domain.numbers import whole
from sync.domain.rules import FieldMap, FieldRule, placeholders
from sync.domain.views import Link, Unreadable
from sync.mappers.draft import Awaited, Draft, DraftValue, ValueOf, draft
from sync.planner.observed import CROSSING, observe
from sync.planner.records import merged_away, sources
from sync.planner.snapshot import Ask, Lookup, Record
from sync.planner.workspace import NotYet, Party, Workspace, by_id
from sync.planner.writes import Write

_DELETED = Reason(Code.LEAD_CLOSED, "the lead of this cycle no longer exists in SAP Sales Cloud")


def leads(workspace: Workspace, decision: Decision) -> tuple[Record, ...] | None:
    """The leads of all cycles, by key and by link; None if not read yet."""
    found = workspace.ask(_of_all_cycles(workspace, decision))
    for link in _links(workspace, decision):
        linked = workspace.ask(by_id(link))
        found = None if found is None or linked is None else (*found, *linked)
    return found


def lead(workspace: Workspace, decision: Decision, account: Party | None, person: Party | None) -> Decision:
    """Plans the lead of the current cycle; returns the decision with what was found about the lead."""
    found = leads(workspace, decision)
    if found is None:
        raise NotYet
    cycle, existing = _current_cycle(workspace, decision, found)
    if cycle is None:
        _remember_gone(workspace, decision)
        return replace(decision, code=Code.LEAD_CLOSED, reasons=(*decision.reasons, _DELETED))
    if existing is not None and _closed(workspace, existing):
        _remember_closed(workspace, decision, cycle, existing)
        return _left_alone(decision, existing)
    key = _key(workspace, decision, cycle)
    made = _draft(workspace, key, decision, account, person)
    if existing is not None and existing.text("LifeCycleStatusCode") in workspace.rules.mapping.lead.accepted_status:
        made = replace(made, fields=tuple(f for f in made.fields if f.name not in merged_away.PARTIES))
    elif existing is not None:
        made = merged_away.following(workspace, made, existing)
    answers = (_of_all_cycles(workspace, decision),)
    more: dict[str, Any] = {"observed": {CROSSING: _crossing(workspace, decision)}} if existing else {}
    workspace.write(made, existing, _locks(workspace, key, account, person, existing), answers=answers, **more)
    return _handed_over(decision, key, existing)


def _key(workspace: Workspace, decision: Decision, cycle: int) -> str:
    return str(Key.of_lead(workspace.view.id, decision.score, cycle))


def _of_all_cycles(workspace: Workspace, decision: Decision) -> Lookup:
    return Lookup(Ask.LEADS_OF, Entity.LEAD, Key.of_lead(workspace.view.id, decision.score, 1).stem)


def _links(workspace: Workspace, decision: Decision) -> list[Link]:
    stem = beginning(workspace.view.id, decision.score)
    return [link for link in workspace.own_links(Entity.LEAD) if link.object_id and link.key.startswith(stem)]


def _locks(
    workspace: Workspace, key: str, account: Party | None, person: Party | None, existing: Record | None
) -> set[str]:
    """The locks of a lead. Moving it touches the account that it leaves as well."""
    parties = {party.lock for party in (account, person) if party}
    left = workspace.account_locks("UUID", existing.text("AccountPartyUUID")) if existing else set()
    return parties | left | {f"{Entity.LEAD} {key}"}


def _current_cycle(
    workspace: Workspace, decision: Decision, found: tuple[Record, ...]
) -> tuple[int | None, Record | None]:
    """(cycle, its lead). Without a lead, the cycle to create; None if our lead was deleted in C4C."""
    by_cycle = _by_cycle(workspace, decision, found)
    known = [cycle for cycle in workspace.view.cycles if cycle.score == decision.score]
    last = max([0, *by_cycle, *(cycle.number for cycle in known)])
    if last == 0:
        return 1, None
    rearmed = any(cycle.number == last and cycle.rearmed for cycle in known) and _crossed_since(
        workspace, decision, last
    )
    if last in by_cycle and not (rearmed and _closed(workspace, by_cycle[last])):
        return last, by_cycle[last]
    return (last + 1, None) if rearmed else (None, None)


def _crossed_since(workspace: Workspace, decision: Decision, cycle: int) -> bool:
    """Whether the threshold was crossed after the cycle's lead was last read open: only that starts another cycle."""
    link = workspace.link(Entity.LEAD, _key(workspace, decision, cycle))
    last = link.observed.get(CROSSING) if link else None
    return last is None or last != _crossing(workspace, decision)


def _crossing(workspace: Workspace, decision: Decision) -> str | None:
    crossed_at = workspace.view.crossed_at.get(decision.score)
    return crossed_at.isoformat() if crossed_at else None


def _remember_closed(workspace: Workspace, decision: Decision, cycle: int, record: Record) -> None:
    """Remembers a closed lead without changing it, so that its cycle does not start again after a loss of the state."""
    key = _key(workspace, decision, cycle)
    workspace.records.append(
        Write(Entity.LEAD, key, "unchanged", (), record.object_id, record.version, observed=observe(record))
    )


def _remember_gone(workspace: Workspace, decision: Decision) -> None:
    """Remembers that the lead of the last cycle no longer exists in C4C."""
    last = max(_links(workspace, decision), key=lambda link: _number(link.key), default=None)
    if last:
        workspace.remember(last, None)


def _by_cycle(workspace: Workspace, decision: Decision, found: tuple[Record, ...]) -> dict[int, Record]:
    """One lead for each cycle. If somebody copied a lead with its key, ours is the linked one, else the older one."""
    linked = {link.object_id: _number(link.key) for link in _links(workspace, decision)}
    in_order = sorted(found, key=lambda r: (r.object_id in linked, _reversed(r.text("ID"))))
    key_field = workspace.rules.mapping.lead.external_key
    cycles = ((linked.get(r.object_id) or _number(r.text(key_field)), r) for r in in_order)
    return {cycle: record for cycle, record in cycles if cycle}


def _reversed(number: str) -> int:
    return -(whole(number) or 0)


def _number(key: str) -> int:
    """The cycle at the end of a lead's key; 0 without one."""
    found = Key.read(Entity.LEAD, key)
    return found.lead[1] if found else 0


def _closed(workspace: Workspace, record: Record) -> bool:
    return record.text("LifeCycleStatusCode") in workspace.rules.mapping.lead.closed_status


def _draft(workspace: Workspace, key: str, decision: Decision, account: Party | None, person: Party | None) -> Draft:
    value_of = sources.of_lead(workspace, decision, account, person)
    kind = "account" if account else "no_account"
    records = (*(account.values if account else ()), *(person.values if person else ()))
    made = workspace.draft(Entity.LEAD, key, "contact", value_of, kind, (decision,), records)
    name = _name(workspace, key, decision, value_of, records)
    workspace.warnings += name.warnings
    named: Draft = workspace.view.memo.once(
        (Entity.LEAD, key, "named"),
        (made, name),
        (),
        lambda: replace(made, fields=(*(replace(f, group=-1) for f in name.fields), *made.fields)),
    )
    return named


def _name(
    workspace: Workspace, key: str, decision: Decision, value_of: ValueOf, records: tuple[DraftValue, ...]
) -> Draft:
    """A draft of the lead's name alone, by its route's pattern."""
    template = sources.route(workspace, decision).lead_name
    kept = records if any(name.startswith(("c4c.", "owner.")) for name in placeholders(template)) else ()

    def make() -> Draft:
        named = FieldMap(target=("Name",), template=template, rule=FieldRule.CREATE_ONLY)
        return draft(Entity.LEAD, key, "contact", (named,), _as_far_as_known(value_of), workspace.tenant.schema)

    memo, by = workspace.view.memo, (workspace.rules, workspace.tenant)
    found: Draft = memo.once((Entity.LEAD, key, "name"), by, (decision, template, *kept), make)
    return found


def _as_far_as_known(value_of: ValueOf) -> ValueOf:
    """Fills the lead's name with what is known: a lead needs a name, and one with a gap is better than none."""

    def find(name: str) -> str | Awaited | None:
        try:
            return value_of(name)
        except Unreadable:
            return None

    return find


def _left_alone(decision: Decision, record: Record) -> Decision:
    text = f"lead {record.text('ID') or record.object_id} is closed (status {record.text('LifeCycleStatusCode')})"
    return replace(decision, code=Code.LEAD_CLOSED, reasons=(*decision.reasons, Reason(Code.LEAD_CLOSED, text)))


def _handed_over(decision: Decision, key: str, record: Record | None) -> Decision:
    if record is None:
        return decision
    reason = Reason(Code.ALREADY_HANDED_OVER, f"lead {record.text('ID') or record.object_id} ({key}) is open")
    return replace(decision, reasons=(*decision.reasons, reason))
