"""Makes the plan for one contact: what C4C should hold, compared with what it holds. Pure.

Order: account → contact person → relationships → lead → permissions → attributes. A record that needs the id of one
that does not exist yet is planned as waiting; after that one was written, planning starts anew and the rest follows.
"""

from contextlib import suppress
from dataclasses import replace

from sync.domain.codes import Code
from sync.domain.decision import Decision, Reason
from sync.domain.entities import Entity
from sync.domain.rules import Rules
from sync.domain.schema import Schema
from sync.domain.views import ContactView, Unreadable
from sync.planner.consent import consents, refused_since, stops_updates
from sync.planner.records import attributes, open_leads, parties, permissions, relations
from sync.planner.records import leads as leads_of
from sync.planner.resolve import natural_lookups
from sync.planner.snapshot import Ask, Lookup, Snapshot, Unanswerable
from sync.planner.workspace import NotYet, Party, Problem, Workspace, by_id
from sync.planner.writes import TAX_NUMBER, Links, Plan, Tenant, Write

__all__ = [
    "TAX_NUMBER",
    "Links",
    "Plan",
    "Tenant",
    "Write",
    "plan",
]


def plan(
    view: ContactView,
    decisions: tuple[Decision, ...],
    links: Links,
    snapshot: Snapshot,
    rules: Rules,
    tenant: Tenant,
    most_relationships: int = 0,
) -> Plan:
    """What to write for one contact, or what to look up first.

    `decisions`: those of `qualify` on exactly this view. A contact that would have more than `most_relationships`
    relationships written is parked; 0 switches that off.
    """
    if not concerns(view, decisions, links, rules, tenant.schema):
        return Plan(view.id, decisions)
    workspace = Workspace(view, links, snapshot, rules, tenant, most_relationships, warnings=[*tenant.warnings])
    problem: Reason | None = None
    decided = decisions
    try:
        decided = _carried_over(workspace, decisions)
    except NotYet:
        pass
    except (Problem, Unanswerable) as stop:
        problem = stop.reason
        _refuse_all_the_same(workspace)
    except Unreadable as unread:
        problem = Reason(Code.PROPERTY_UNREADABLE, str(unread))
        _refuse_all_the_same(workspace)
    warnings, forgotten = tuple(dict.fromkeys(workspace.warnings)), tuple(dict.fromkeys(workspace.obsolete_links))
    records = {(w.entity, w.key): w for w in workspace.records if (w.entity, w.key) not in forgotten}
    return Plan(view.id, decided, tuple(records.values()), frozenset(workspace.lookups), problem, warnings, forgotten)


def concerns(view: ContactView, decisions: tuple[Decision, ...], links: Links, rules: Rules, schema: Schema) -> bool:
    """Whether something may have to be written: the contact qualifies, refuses after its handover, or its open lead
    shows another score.

    `links`: the contact's own at least; `schema`: what the tenant offers, as far as it is known.
    """
    if any(d.qualified for d in decisions) or refused_since(view, rules.qualification.consent):
        return True
    return any(True for _ in open_leads.outdated(view, decisions, links, rules, schema))


def _carried_over(workspace: Workspace, decisions: tuple[Decision, ...]) -> tuple[Decision, ...]:
    """The final decisions, when all records are planned. Raises NotYet, or Problem."""
    qualified = any(decision.qualified for decision in decisions)
    if qualified and not stops_updates(workspace.view, workspace.rules.qualification.consent):
        _prefetch(workspace, decisions)
        open_leads.keep_scores(workspace, decisions)
        return tuple(_handover(workspace, d) if d.qualified else d for d in decisions)
    open_leads.keep_scores(workspace, decisions)
    if refused_since(workspace.view, workspace.rules.qualification.consent):
        _refusal(workspace)
    return tuple(_stopped(d) if d.qualified else d for d in decisions)


def _handover(workspace: Workspace, decision: Decision) -> Decision:
    if decision.company is None:
        return leads_of.lead(workspace, decision, None, None)
    parties.refuse_double(workspace)
    account = parties.account_of(workspace, decision.company)
    person = parties.person(workspace, account, decision.company)
    permissions.prefetch(workspace, person)
    relations.relations(workspace, decision.company, account, person)
    decided = leads_of.lead(workspace, decision, account, person)
    permissions.permissions(workspace, person)
    attributes.attributes(workspace, person)
    return decided


def _refusal(workspace: Workspace) -> None:
    """Plans only the refusal, for the active contact person, after a contact that was handed over refused."""
    person = _known_person(workspace)
    if person is not None:
        permissions.permissions(workspace, person, only_refusals=True)
    else:
        workspace.warnings.append(_NOBODY_TO_TELL)


def _known_person(workspace: Workspace) -> Party | None:
    """The active contact person.

    For a contact that is left alone, an unclear one counts as none, so that it does not wait for a person.
    """
    try:
        return parties.known_person(workspace)
    except Problem:
        if workspace.view.left_alone is None:
            raise
        return None


def _refuse_all_the_same(workspace: Workspace) -> None:
    """The contact is parked, so nothing is written, except an opt-out, which must reach C4C anyway.

    Observations of records that are ours already are kept. Records that would be adopted or shared only now are not
    ours yet, since the company may still be corrected or replaced.
    """
    workspace.records[:] = [
        replace(w, action="unchanged", changes=()) for w in workspace.records if _is_ours(workspace, w)
    ]
    for link in workspace.own_links(Entity.LEAD):
        if read := workspace.snapshot.records.get((Entity.LEAD, link.object_id)):
            workspace.remember(link, read)
    if refused_since(workspace.view, workspace.rules.qualification.consent):
        with suppress(NotYet, Problem, Unanswerable, Unreadable):
            _refusal(workspace)


def _is_ours(workspace: Workspace, write: Write) -> bool:
    """Whether the record is the one that is linked under this key."""
    link = workspace.link(write.entity, write.key)
    return link is not None and link.object_id == write.object_id


def _stopped(decision: Decision) -> Decision:
    return replace(decision, code=Code.ALREADY_HANDED_OVER, reasons=(*decision.reasons, _WITHDRAWN))


_NOBODY_TO_TELL = Reason(
    Code.ALREADY_HANDED_OVER,
    "handed over and refuses: SAP Sales Cloud has no living contact person that could keep it; tell the lead's owner",
)
_WITHDRAWN = Reason(Code.ALREADY_HANDED_OVER, "consent was withdrawn: the refusal is carried over, updates stop")


def _prefetch(workspace: Workspace, decisions: tuple[Decision, ...]) -> None:
    """Requests in the first round everything that does not depend on other answers, so that few rounds are needed."""
    qualified = [decision for decision in decisions if decision.qualified]
    for decision in qualified:
        leads_of.leads(workspace, decision)
    if any(decision.company for decision in qualified):
        _known(workspace, Entity.CONTACT, workspace.view.id)
        _known_parts(workspace)
        for association in workspace.view.associations:
            if not _known(workspace, Entity.ACCOUNT, association.company.id):
                for lookup in natural_lookups(association.company, parties.account_rules(workspace)):
                    workspace.prefetch(lookup)


def _known(workspace: Workspace, entity: str, key: str) -> bool:
    link = workspace.link(entity, key)
    workspace.prefetch(by_id(link) if link else Lookup(Ask.BY_KEY, entity, key))
    return link is not None


def _known_parts(workspace: Workspace) -> None:
    """Requests the relationships, permissions and attributes of a contact person that we know."""
    contact_id = workspace.view.id
    if link := workspace.link(Entity.CONTACT, contact_id):
        workspace.prefetch(relations.lookup(link.object_id))
    wanted = consents(workspace.view, workspace.rules.qualification.consent)
    if wanted and (link := workspace.link(Entity.PERMISSION, contact_id)):
        workspace.prefetch(by_id(link))
        workspace.prefetch(Lookup(Ask.PARTS_OF, Entity.CHANNEL, link.object_id))
    if link := workspace.link(Entity.ATTRIBUTES, contact_id):
        workspace.prefetch(by_id(link))
        workspace.prefetch(Lookup(Ask.PARTS_OF, Entity.ATTRIBUTE, link.object_id))
