"""The plan for one contact: what C4C should hold, compared with what it holds. Pure.

Order: account → contact person → relationships → lead → e-mail permission. A record whose ids depend on one that does
not exist yet is shown as waiting; after that one was written, the plan is made again and the rest follows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sync import odata
from sync.domain.codes import Code
from sync.domain.decision import Decision, Reason
from sync.domain.rules import EntityMap, FieldMap, FieldRule, Route, Rules
from sync.domain.views import Association, Company, ContactView, Link, Owner
from sync.mappers.company import company_name
from sync.mappers.draft import Awaited, Draft, DraftField, Lookup, Value, draft
from sync.planner import compare, resolve
from sync.planner.compare import Change
from sync.planner.facts import Facts
from sync.planner.owners import owner_uuid
from sync.planner.qualify import qualify, withdrawn
from sync.planner.resolve import ACCOUNT, CONTACT, LEAD, Ambiguous, Found, Resolution, Unread
from sync.planner.seen import CROSSING, seen
from sync.planner.target import Ask, Question, Record, Target
from sync.schema import Schema

RELATION = "ContactIsContactPersonFor"
PERMISSION = "MarketingPermission"
CHANNEL = "ChannelPermission"

Links = Mapping[tuple[str, str], Link]
Action = Literal["create", "update", "unchanged"]


@dataclass(frozen=True, slots=True)
class Tenant:
    """What the C4C tenant offers: fields, and valid employees' UUIDs by lower-case e-mail address."""

    schema: Schema
    employees: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Write:
    """One record of a plan. `answers` are the questions that the record answers once it is created.

    `lock` names the account that the write touches: C4C refuses two at a time on one account (KBA 3577788).
    """

    entity: str
    key: str
    action: Action
    changes: tuple[Change, ...] = ()
    object_id: str | None = None
    etag: str | None = None
    ready: bool = True
    lock: str = ""
    answers: tuple[Question, ...] = ()
    agreed: Mapping[str, Any] = field(default_factory=dict)
    seen: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        return {change.name: change.new for change in self.changes}


@dataclass(frozen=True, slots=True)
class Plan:
    """`questions` left open mean: read them and plan again. `problem` parks the contact."""

    contact_id: str
    decisions: tuple[Decision, ...]
    records: tuple[Write, ...] = ()
    questions: frozenset[Question] = frozenset()
    problem: Reason | None = None
    warnings: tuple[Reason, ...] = ()

    def ready(self) -> Iterator[Write]:
        return (w for w in self.records if w.ready and w.action != "unchanged")


def plan(view: ContactView, links: Links, target: Target, rules: Rules, tenant: Tenant) -> Plan:
    """What to write for one contact, or what to ask first."""
    decisions = qualify(view, rules)
    if not any(decision.qualified for decision in decisions):
        return Plan(view.id, decisions)
    return _Planning(view, links, target, rules, tenant).run(decisions)


class _Problem(Exception):
    """Ends the planning of one contact with the reason that parks it."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.reason = Reason(code, text)


class _NotYet(Exception):
    """Planning cannot go on before the questions are answered."""


class _Planning:
    """One run over one contact; collects records, questions and warnings on the way."""

    def __init__(self, view: ContactView, links: Links, target: Target, rules: Rules, tenant: Tenant) -> None:
        self.view, self.links, self.target, self.rules, self.tenant = view, links, target, rules, tenant
        self.records: list[Write] = []
        self.questions: set[Question] = set()
        self.warnings: list[Reason] = []

    def run(self, decisions: tuple[Decision, ...]) -> Plan:
        problem: Reason | None = None
        try:
            decided = tuple(self._handover(d) if d.qualified else d for d in self._prefetched(decisions))
        except _NotYet:
            decided = decisions
        except _Problem as stop:
            decided, problem = decisions, stop.reason
        warnings = tuple(dict.fromkeys(self.warnings))
        records = tuple({(w.entity, w.key): w for w in self.records}.values())
        return Plan(self.view.id, decided, records, frozenset(self.questions), problem, warnings)

    def _prefetched(self, decisions: tuple[Decision, ...]) -> tuple[Decision, ...]:
        """Asks what does not depend on other answers in the first round, so that rounds stay few."""
        for decision in decisions:
            if decision.qualified:
                self._leads(decision)
                if decision.company:
                    self._known(ACCOUNT, decision.company.id)
                    self._known(CONTACT, self.view.id)
        for association in self.view.associations:
            if any(d.qualified and d.company for d in decisions):
                self._known(ACCOUNT, association.company.id)
        return decisions

    def _known(self, entity: str, key: str) -> None:
        link = self.links.get((entity, key))
        self._ask(Question(Ask.BY_ID, entity, link.object_id) if link else Question(Ask.BY_KEY, entity, key))

    def _ask(self, question: Question) -> tuple[Record, ...] | None:
        found = self.target.ask(question)
        if found is None:
            self.questions.add(question)
        return found

    def _need(self, question: Question) -> tuple[Record, ...]:
        found = self._ask(question)
        if found is None:
            raise _NotYet
        return found

    def _handover(self, decision: Decision) -> Decision:
        if withdrawn(self.view, self.rules.qualification.consent):
            return self._refusal(decision)
        account = person = None
        if decision.company:
            account = self._account(decision.company)
            person = self._person(account)
            self._relations(decision.company, account, person)
        decided = self._lead(decision, account, person)
        if person:
            self._permission(person)
        return decided

    def _refusal(self, decision: Decision) -> Decision:
        """Consent was withdrawn after the handover: the refusal is carried over and nothing else."""
        link = self.links.get((CONTACT, self.view.id))
        ask = Question(Ask.BY_ID, CONTACT, link.object_id) if link else Question(Ask.BY_KEY, CONTACT, self.view.id)
        for record in self._need(ask)[:1]:
            self._permission(Party.of(CONTACT, self.view.id, record))
        return replace(decision, code=Code.ALREADY_HANDED_OVER, reasons=(*decision.reasons, _WITHDRAWN))

    # ---- account

    def _account(self, company: Company) -> "Party":
        found = resolve.account(company, self.links.get((ACCOUNT, company.id)), self.rules.mapping.account, self._ask)
        existing = self._existing(found, Code.ACCOUNT_AMBIGUOUS, f"company {company.id} matches accounts")
        made = self._draft(ACCOUNT, company.id, "company", self._account_lookup(company))
        self._write(made, existing, self.rules.mapping.account, _account_answers(company), lock=company.id)
        return Party.of(ACCOUNT, company.id, existing)

    def _existing(self, resolution: Resolution, code: Code, what: str) -> Record | None:
        match resolution:
            case Unread():
                raise _NotYet
            case Ambiguous(ids):
                raise _Problem(code, f"{what} {', '.join(ids)}")
            case Found(record):
                return record
            case _:
                return None

    def _account_lookup(self, company: Company) -> Lookup:
        def lookup(name: str) -> Value:
            if name == "company.name":
                return company_name(company)
            if name == "c4c.owner_uuid":
                return self._employee(company.owner, company.get("hubspot_owner_id"))
            space, _, rest = name.partition(".")
            if space == "owner":
                return self._dealt(rest, company.id, company)
            facts = Facts(self.view, company, self.rules)
            return facts.get(name) if space in ("company", "derived") else None

        return _texts(lookup)

    def _employee(self, owner: Owner | None, owner_id: str | None) -> str | None:
        """The employee's UUID; an owner who is no valid employee leaves the choice to C4C, with a warning."""
        if owner_id is None:
            return None
        uuid = self.tenant.employees.get(owner.email.casefold()) if owner and owner.email else None
        if uuid is None:
            self.warnings.append(Reason(Code.OWNER_UNKNOWN, f"owner {owner_id} is no valid employee"))
        return uuid

    def _dealt(self, rule: str, key: str, company: Company | None) -> str | None:
        """The employee's UUID by an owner rule; whoever was named and is no valid employee is reported."""
        facts = Facts(self.view, company, self.rules)
        dealt = owner_uuid(self.rules.qualification.owners[rule], key, facts, self.tenant.employees)
        self.warnings += [Reason(Code.OWNER_UNKNOWN, f"{who} is no valid employee") for who in dealt.unknown]
        return dealt.uuid

    # ---- contact person

    def _person(self, account: "Party") -> "Party":
        rules = self.rules.mapping.contact
        account_id = account.record.text("AccountID") if account.record else None
        found = resolve.contact(self.view, account_id, self.links.get((CONTACT, self.view.id)), rules, self._ask)
        what = f"contact {self.view.id} matches contacts"
        existing = self._existing(found, Code.CONTACT_AMBIGUOUS, what)
        made = self._draft(CONTACT, self.view.id, "contact", self._contact_lookup(None, None, account, None))
        self._write(made, existing, rules, (Question(Ask.BY_KEY, CONTACT, self.view.id),), lock=account.key)
        return Party.of(CONTACT, self.view.id, existing)

    def _contact_lookup(
        self, decision: Decision | None, company: Company | None, account: "Party | None", person: "Party | None"
    ) -> Lookup:
        def lookup(name: str) -> Value:
            match name.partition("."):
                case ("contact", _, rest):
                    return self.view.get(rest)
                case ("company", _, rest):
                    return self._of_company(company, rest)
                case ("c4c", _, "owner_uuid") if decision and (rule := self._route(decision).owner):
                    return self._dealt(rule, self.view.id, company)
                case ("c4c", _, rest):
                    return self._c4c(rest, account, person)
                case (space, _, rest):
                    return self._by_rules(decision, company, space, rest)

        return _texts(lookup)

    def _of_company(self, company: Company | None, name: str) -> str | None:
        """A property of the lead's company; without one the contact's text stands in for the name."""
        if company is None:
            return self.view.get("company") if name == "name" else None
        return company_name(company) if name == "name" else company.get(name)

    def _by_rules(self, decision: Decision | None, company: Company | None, space: str, name: str) -> str | None:
        """What the rules themselves say: owner rules, derived facts, and the score and route of a lead."""
        match space:
            case "owner":
                return self._dealt(name, self.view.id, company)
            case "derived":
                return Facts(self.view, company, self.rules).get(f"derived.{name}")
            case _:
                return self._of_score(decision, space, name) if decision else None

    def _c4c(self, name: str, account: "Party | None", person: "Party | None") -> Value:
        match name:
            case "owner_uuid":
                return self._employee(self.view.owner, self.view.get("hubspot_owner_id"))
            case "account_uuid":
                return account.uuid if account else None
            case "contact_uuid":
                return person.uuid if person else None
            case _:
                return None

    def _route(self, decision: Decision) -> Route:
        return self.rules.qualification.routes[decision.route]

    def _of_score(self, decision: Decision, space: str, name: str) -> str | None:
        score = self.rules.score(decision.score)
        own = {
            "score.name": score.name,
            "score.value": self.view.get(score.property),
            "route.name": decision.route,
        }
        if space == "route" and name != "name":
            return getattr(self._route(decision), name, None)
        return own.get(f"{space}.{name}")

    # ---- relationships

    def _relations(self, company: Company, account: "Party", person: "Party") -> None:
        """The contact person of the lead's account, and of further companies that are in C4C already."""
        known = self._relation_rows(person)
        for association in self.view.associations:
            party = account if association.company.id == company.id else self._further(association)
            if party is not None:
                self._relation(association, party, person, known, main=party is account)

    def _relation_rows(self, person: "Party") -> tuple[Record, ...] | None:
        """Rows of an existing person; None for one that is yet to be created (C4C then makes the main one itself)."""
        if person.record is None:
            return None
        return self._need(Question(Ask.RELATIONS_OF, RELATION, person.record.text("ContactID")))

    def _further(self, association: Association) -> "Party | None":
        company = association.company
        found = resolve.account(company, self.links.get((ACCOUNT, company.id)), self.rules.mapping.account, self._ask)
        if isinstance(found, Unread):
            raise _NotYet
        return Party.of(ACCOUNT, company.id, found.record) if isinstance(found, Found) else None

    def _relation(
        self, association: Association, account: "Party", person: "Party", known: tuple[Record, ...] | None, main: bool
    ) -> None:
        if person.record is None and main:
            return
        key = f"{person.key}:{association.company.id}"
        account_id = account.record.text("AccountID") if account.record else None
        existing = next((row for row in known or () if row.text("AccountID") == account_id), None)
        person_id = person.record.text("ContactID") if person.record else None
        made = Draft(
            RELATION,
            key,
            (
                DraftField("ContactID", person_id or Awaited(CONTACT, person.key), FieldRule.CREATE_ONLY, 0),
                DraftField("AccountID", account_id or Awaited(ACCOUNT, account.key), FieldRule.CREATE_ONLY, 1),
                DraftField("ReverseMainIndicator", main or None, FieldRule.C4C_WINS, 2),
                *self._label_fields(association),
            ),
        )
        answers = (Question(Ask.RELATIONS_OF, RELATION, person_id),) if person_id else ()
        self._write(made, existing, None, answers, lock=account.key)

    def _label_fields(self, association: Association) -> Iterator[DraftField]:
        texts = {label.text for label in association.labels}
        fields: dict[str, str] = {}
        for rule in self.rules.qualification.labels:
            if rule.label in texts:
                fields = {**rule.fields, **fields}
        for n, (name, value) in enumerate(sorted(fields.items())):
            known = self.tenant.schema.field(RELATION, name)
            if known is not None:
                yield DraftField(name, odata.wire(value, known.type), FieldRule.C4C_WINS, 10 + n)

    # ---- lead

    def _leads(self, decision: Decision) -> tuple[Record, ...] | None:
        found = self._ask(Question(Ask.LEADS_OF, LEAD, self._lead_stem(decision)))
        for link in self._lead_links(decision):
            linked = self._ask(Question(Ask.BY_ID, LEAD, link.object_id))
            found = None if found is None or linked is None else (*found, *linked)
        return found

    def _lead_stem(self, decision: Decision) -> str:
        return f"{self.view.id}:{decision.score}"

    def _lead_links(self, decision: Decision) -> list[Link]:
        stem = f"{self._lead_stem(decision)}:"
        return [link for (entity, key), link in self.links.items() if entity == LEAD and key.startswith(stem)]

    def _lead(self, decision: Decision, account: "Party | None", person: "Party | None") -> Decision:
        found = self._leads(decision)
        if found is None:
            raise _NotYet
        cycle, existing = self._current_cycle(decision, found)
        if existing is not None and self._closed(existing):
            self._remember_closed(decision, cycle, existing)
            return _closed(decision, existing)
        if cycle is None:
            self._remember_gone(decision)
            return replace(decision, code=Code.LEAD_CLOSED, reasons=(*decision.reasons, _DELETED))
        key = f"{self._lead_stem(decision)}:{cycle}"
        made = self._lead_draft(key, decision, account, person)
        if existing is not None and existing.text("LifeCycleStatusCode") in self.rules.mapping.lead.accepted_status:
            made = replace(made, fields=tuple(f for f in made.fields if f.name not in _PARTIES))
        answers = (Question(Ask.LEADS_OF, LEAD, self._lead_stem(decision)),)
        self._write(made, existing, self.rules.mapping.lead, answers, lock=account.key if account else key)
        if existing is not None:
            crossing = {CROSSING: self._crossing(decision)}
            self.records[-1] = replace(self.records[-1], seen={**self.records[-1].seen, **crossing})
        return _handed_over(decision, key, existing)

    def _current_cycle(self, decision: Decision, found: tuple[Record, ...]) -> tuple[int | None, Record | None]:
        """(cycle, its lead); without a lead the cycle to create, or None where our lead is gone from C4C."""
        leads = {self._cycle_of(record): record for record in found if self._cycle_of(record)}
        known = [cycle for cycle in self.view.cycles if cycle.score == decision.score]
        last = max([0, *leads, *(cycle.number for cycle in known)])
        if last == 0:
            return 1, None
        rearmed = any(cycle.number == last and cycle.rearmed for cycle in known) and self._crossed_since(decision, last)
        if last in leads and not (rearmed and self._closed(leads[last])):
            return last, leads[last]
        return (last + 1, None) if rearmed else (None, None)

    def _crossed_since(self, decision: Decision, cycle: int) -> bool:
        """Whether the threshold was crossed since the cycle's lead was last seen open: only that starts another one."""
        link = self.links.get((LEAD, f"{self._lead_stem(decision)}:{cycle}"))
        last = link.seen.get(CROSSING) if link else None
        return last is None or last != self._crossing(decision)

    def _crossing(self, decision: Decision) -> str | None:
        crossed_at = self.view.crossed_at.get(decision.score)
        return crossed_at.isoformat() if crossed_at else None

    def _cycle_of(self, record: Record) -> int:
        number = record.text(self.rules.mapping.lead.external_key).rpartition(":")[2]
        return int(number) if number.isdigit() else 0

    def _remember_closed(self, decision: Decision, cycle: int | None, lead: Record) -> None:
        """A closed lead is kept in mind, untouched: after the state was lost, its cycle must not start again."""
        key = f"{self._lead_stem(decision)}:{cycle}"
        self.records.append(Write(LEAD, key, "unchanged", (), lead.object_id, lead.etag, seen=seen(lead)))

    def _remember_gone(self, decision: Decision) -> None:
        """The lead of the last cycle is not in C4C any more."""
        links = sorted(self._lead_links(decision), key=lambda link: int(link.key.rpartition(":")[2]))
        for link in links[-1:]:
            self.records.append(Write(LEAD, link.key, "unchanged", (), link.object_id, seen={"gone": True}))

    def _closed(self, lead: Record) -> bool:
        return lead.text("LifeCycleStatusCode") in self.rules.mapping.lead.closed_status

    def _lead_draft(self, key: str, decision: Decision, account: "Party | None", person: "Party | None") -> Draft:
        lookup = self._contact_lookup(decision, decision.company, account, person)
        made = self._draft(LEAD, key, "contact", lookup, "account" if account else "no_account")
        template = self._route(decision).lead_name
        named = FieldMap(target=("Name",), template=template, rule=FieldRule.CREATE_ONLY)
        name = draft(LEAD, key, "contact", (named,), lookup, self.tenant.schema)
        self.warnings += name.warnings
        fields = (*(replace(f, group=-1) for f in name.fields), *made.fields)
        return replace(made, fields=fields)

    # ---- e-mail permission

    def _permission(self, person: "Party") -> None:
        """An opt-out becomes a refused e-mail channel. Nothing is ever blanked (an omitted consent resets it)."""
        consent = self.rules.qualification.consent
        if self.view.get(consent.optout_property) != "true":
            return
        holder = self._permission_set(person)
        key = f"{person.key}:{consent.email_channel}"
        rows = self._need(Question(Ask.CHANNELS_OF, CHANNEL, holder.object_id)) if holder else ()
        existing = next((row for row in rows if row.text("Channel") == consent.email_channel), None)
        made = Draft(
            CHANNEL,
            key,
            (
                DraftField("ParentObjectID", _id_of(holder, PERMISSION, person.key), FieldRule.CREATE_ONLY, 0),
                DraftField("Channel", consent.email_channel, FieldRule.CREATE_ONLY, 1),
                DraftField("Consent", consent.refused, FieldRule.HUBSPOT_WINS, 2),
            ),
        )
        answers = (Question(Ask.CHANNELS_OF, CHANNEL, holder.object_id),) if holder else ()
        self._write(made, existing, None, answers, lock=person.key)

    def _permission_set(self, person: "Party") -> Record | None:
        sets: tuple[Record, ...] = ()
        answers: tuple[Question, ...] = ()
        if isinstance(person.uuid, str):
            answers = (Question(Ask.PERMISSIONS_OF, PERMISSION, person.uuid),)
            sets = self._need(answers[0])
        if not sets:
            owner = DraftField("BusinessPartnerUUID", person.uuid, FieldRule.CREATE_ONLY, 0)
            self._write(Draft(PERMISSION, person.key, (owner,)), None, None, answers, lock=person.key)
        return sets[0] if sets else None

    # ---- common

    def _draft(self, entity: str, key: str, own: str, lookup: Lookup, kind: str = "always") -> Draft:
        maps = {ACCOUNT: self.rules.mapping.account, CONTACT: self.rules.mapping.contact, LEAD: self.rules.mapping.lead}
        fields = [mapped for mapped in maps[entity].fields if mapped.when in ("always", kind)]
        made = draft(entity, key, own, fields, lookup, self.tenant.schema)
        self.warnings += made.warnings
        if made.refused:
            raise _Problem(made.refused.code, f"{made.refused.text}; the rules refuse the contact until it fits")
        return made

    def _write(
        self, made: Draft, existing: Record | None, rules: EntityMap | None, answers: tuple[Question, ...], lock: str
    ) -> None:
        key_field = rules.external_key if rules else None
        write = (
            _create(made, key_field, self.tenant.schema)
            if existing is None
            else self._update(made, existing, key_field)
        )
        self.records.append(replace(write, lock=lock, answers=answers))

    def _update(self, made: Draft, existing: Record, key_field: str | None) -> Write:
        link = self.links.get((made.entity, made.key))
        sent = link.sent if link and link.object_id == existing.object_id else {}
        changes = compare.for_update(made, existing, sent, self.tenant.schema)
        if key_field and existing.text(key_field) != made.key:
            changes = (Change(key_field, existing.fields.get(key_field), made.key, "key"), *changes)
        ready = not any(isinstance(change.new, Awaited) for change in changes)
        action: Action = "update" if changes else "unchanged"
        return Write(
            made.entity,
            made.key,
            action,
            changes,
            existing.object_id,
            existing.etag,
            ready,
            agreed=_agreed(made, existing),
            seen=seen(existing, {**sent, **_agreed(made, existing)}, self.tenant.schema),
        )


@dataclass(frozen=True, slots=True)
class Party:
    """An account or contact person: its record, or the promise of one."""

    entity: str
    key: str
    record: Record | None

    @staticmethod
    def of(entity: str, key: str, record: Record | None) -> "Party":
        return Party(entity, key, record)

    @property
    def uuid(self) -> Value:
        if self.record is None:
            return Awaited(self.entity, self.key)
        return self.record.text("UUID" if self.entity == ACCOUNT else "ContactUUID") or None


_PARTIES = frozenset({"AccountPartyUUID", "AccountPartyID", "ContactUUID", "ContactID"})
_WITHDRAWN = Reason(Code.ALREADY_HANDED_OVER, "consent was withdrawn: the refusal is carried over, updates stop")
_DELETED = Reason(Code.LEAD_CLOSED, "the lead of this cycle no longer exists in SAP Sales Cloud")


def _closed(decision: Decision, lead: Record) -> Decision:
    text = f"lead {lead.text('ID') or lead.object_id} is closed (status {lead.text('LifeCycleStatusCode')})"
    return replace(decision, code=Code.LEAD_CLOSED, reasons=(*decision.reasons, Reason(Code.LEAD_CLOSED, text)))


def _handed_over(decision: Decision, key: str, lead: Record | None) -> Decision:
    if lead is None:
        return decision
    reason = Reason(Code.ALREADY_HANDED_OVER, f"lead {lead.text('ID') or lead.object_id} ({key}) is open")
    return replace(decision, reasons=(*decision.reasons, reason))


def _create(made: Draft, key_field: str | None, schema: Schema) -> Write:
    changes = compare.for_create(made, schema)
    if key_field:
        changes = (Change(key_field, None, made.key, "key"), *changes)
    return Write(made.entity, made.key, "create", changes, ready=not made.awaits)


def _agreed(made: Draft, existing: Record) -> dict[str, Any]:
    """Values on which both sides agree: from now on a change on either side can be told."""
    values = {f.name: f.value for f in made.fields if f.value is not None and not isinstance(f.value, Awaited)}
    return {name: value for name, value in values.items() if odata.same(value, existing.fields.get(name))}


def _account_answers(company: Company) -> tuple[Question, ...]:
    return (Question(Ask.BY_KEY, ACCOUNT, company.id),)


def _id_of(record: Record | None, entity: str, key: str) -> Value:
    return record.object_id if record else Awaited(entity, key)


def _texts(lookup: "Any") -> Lookup:
    """Mapping works on texts and awaited ids only."""

    def texts(name: str) -> str | Awaited | None:
        value = lookup(name)
        return value if value is None or isinstance(value, str | Awaited) else str(value)

    return texts
