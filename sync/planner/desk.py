"""What the planning of one contact shares: what is known, what was asked, what is to be written so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sync import odata
from sync.domain.codes import Code
from sync.domain.decision import Decision, Reason
from sync.domain.rules import EntityMap, Rules
from sync.domain.views import ContactView, Link, Owner
from sync.mappers.company import company_name
from sync.mappers.draft import Awaited, Draft, DraftField, Lookup, Value, draft
from sync.planner import compare
from sync.planner.compare import Change
from sync.planner.note import note
from sync.planner.resolve import ACCOUNT, CONTACT, LEAD, Ambiguous, Found, Lost, Resolution, Unread
from sync.planner.target import Ask, Question, Record, Target
from sync.planner.writes import Action, Links, Tenant, Write
from sync.schema import Schema


class Problem(Exception):
    """Ends the planning of one contact with the reason that parks it."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.reason = Reason(code, text)


class NotYet(Exception):
    """Planning cannot go on before the questions are answered or the first writes are done."""


@dataclass(frozen=True, slots=True)
class Party:
    """An account or contact person: its record, or the promise of one."""

    entity: str
    key: str
    record: Record | None

    @property
    def uuid(self) -> Value:
        if self.record is None:
            return Awaited(self.entity, self.key)
        return self.record.text("UUID" if self.entity == ACCOUNT else "ContactUUID") or None

    @property
    def number(self) -> Value:
        """The id that people see, `AccountID` or `ContactID`."""
        if self.record is None:
            return Awaited(self.entity, self.key)
        return self.record.text("AccountID" if self.entity == ACCOUNT else "ContactID") or None

    @property
    def lock(self) -> str:
        """The same for everybody who writes to this party."""
        return f"{self.entity} {self.record.object_id if self.record else self.key}"


@dataclass
class Desk:
    """One contact being planned; collects records, questions and warnings on the way."""

    view: ContactView
    links: Links
    target: Target
    rules: Rules
    tenant: Tenant
    records: list[Write] = field(default_factory=list)
    questions: set[Question] = field(default_factory=set)
    warnings: list[Reason] = field(default_factory=list)
    obsolete_links: list[tuple[str, str]] = field(default_factory=list)

    # ---- asking

    def ask(self, question: Question) -> tuple[Record, ...] | None:
        found = self.target.ask(question)
        if found is None:
            self.questions.add(question)
        return found

    def need(self, question: Question) -> tuple[Record, ...]:
        """Raises NotYet where the answer was not read yet."""
        found = self.ask(question)
        if found is None:
            raise NotYet
        return found

    def link(self, entity: str, key: str) -> Link | None:
        """A pair that is known for certain; an intent is none."""
        found = self.links.get((entity, key))
        return found if found and found.object_id else None

    def own_links(self, entity: str) -> list[Link]:
        """The contact's pairs of one entity whose keys begin with the contact's id."""
        stem = f"{self.view.id}:"
        return [link for (e, key), link in sorted(self.links.items()) if e == entity and key.startswith(stem)]

    def offers(self, entity: str, *names: str) -> bool:
        """Whether the tenant has these fields; a service that nobody enabled is closed, the rest goes on."""
        return all(self.tenant.schema.field(entity, name) is not None for name in names)

    def existing(self, resolution: Resolution, what: "Subject") -> Record | None:
        """The record, or None to create one. Raises NotYet, or Problem where a person must decide."""
        match resolution:
            case Unread():
                raise NotYet
            case Ambiguous(ids):
                raise Problem(what.code, f"{what} matches {', '.join(ids)}; {what.settle(ids[0])}")
            case Lost(record):
                text = f"{what} was {record.object_id}, which is obsolete now, and no other fits; {what.settle()}"
                raise Problem(what.code, text)
            case Found(record, release):
                self.release(what, release)
                return record
            case _:
                return None

    def release(self, what: "Subject", records: tuple[Record, ...]) -> None:
        """Obsolete records give their key up before another takes it. Raises NotYet while they have not."""
        for record in records:
            change = Change(what.key_field, what.key, "", "key")
            name = f"{what.key} (on {record.object_id})"
            self.records.append(
                Write(
                    what.entity,
                    name,
                    "update",
                    (change,),
                    record.object_id,
                    record.etag,
                    record.stale,
                    linked=False,
                    locks=frozenset({f"{what.entity} {record.object_id}"}),
                )
            )
        if records:
            raise NotYet

    # ---- drafting

    def draft(self, entity: str, key: str, own: str, lookup: Lookup, kind: str = "always") -> Draft:
        fields = [mapped for mapped in self.map(entity).fields if mapped.when in ("always", kind)]
        made = draft(entity, key, own, fields, lookup, self.tenant.schema)
        self.warnings += made.warnings
        return made

    def map(self, entity: str) -> EntityMap:
        mapping = self.rules.mapping
        maps: Mapping[str, EntityMap] = {ACCOUNT: mapping.account, CONTACT: mapping.contact, LEAD: mapping.lead}
        return maps[entity]

    def lookup(self, decision: Decision | None, account: Party | None, person: Party | None) -> Lookup:
        """Values for a contact person, or with `decision` for the lead of its score."""
        company = decision.company if decision else None

        def find(name: str) -> Value:
            match name.partition("."):
                case ("contact", _, rest):
                    return self.view.get(rest)
                case ("company", _, "name"):
                    return company_name(company) if company else self.view.get("company")
                case ("company", _, rest):
                    return company.get(rest) if company else None
                case ("c4c", _, rest):
                    return self._party_value(rest, account, person)
                case (space, _, rest) if decision:
                    return self._of_score(decision, space, rest)
                case _:
                    return None

        return texts(find)

    def _party_value(self, name: str, account: Party | None, person: Party | None) -> Value:
        match name:
            case "owner_uuid":
                return self.employee(self.view.owner, self.view.get("hubspot_owner_id"))
            case "account_uuid":
                return account.uuid if account else None
            case "contact_uuid":
                return person.uuid if person else None
            case _:
                return None

    def _of_score(self, decision: Decision, space: str, name: str) -> str | None:
        score = self.rules.score(decision.score)
        route = self.rules.qualification.routes[score.route]
        if space == "route":
            value = getattr(route, name, None)
            return value if isinstance(value, str) else None
        match name:
            case "name":
                return score.name
            case "value":
                return self.view.get(score.property)
            case "note":
                return note(self.view, decision, score, self.rules.qualification.consent, route.language)
            case _:
                return None

    def employee(self, owner: Owner | None, owner_id: str | None) -> str | None:
        """The employee's UUID; an owner who is no valid employee leaves the choice to C4C, with a warning."""
        if owner_id is None:
            return None
        uuid = self.tenant.employees.get(owner.email.casefold()) if owner and owner.email else None
        if uuid is None:
            self.warnings.append(Reason(Code.OWNER_UNKNOWN, f"owner {owner_id} is no valid employee"))
        return uuid

    # ---- writing

    def write(self, made: Draft, existing: Record | None, locks: set[str], **more: Any) -> Write:
        """Adds the record to the plan: created, changed where it differs, or unchanged."""
        key_field = self.map(made.entity).external_key if made.entity in KEYED else None
        if existing is None:
            write = _create(made, key_field, self.tenant.schema)
        else:
            write = self._update(made, existing, key_field)
        agreed = {**write.agreed, **more.pop("agreed", {})}
        self.records.append(replace(write, locks=frozenset(locks), agreed=agreed, **more))
        return write

    def child(self, made: Draft) -> Write:
        """A record that goes along in the deep insert of its header."""
        return _create(made, None, self.tenant.schema)

    def account_locks(self, name: str, value: str) -> set[str]:
        """The locks of an account that is known by another of its names."""
        records = self.target.find(ACCOUNT, name, value) if value else ()
        return {f"{ACCOUNT} {record.object_id}" for record in records}

    def delete(self, entity: str, key: str, record: Record, locks: set[str]) -> None:
        self.records.append(
            Write(entity, key, "delete", (), record.object_id, record.etag, record.stale, locks=frozenset(locks))
        )

    def _update(self, made: Draft, existing: Record, key_field: str | None) -> Write:
        link = self.links.get((made.entity, made.key))
        sent = link.sent if link and link.object_id in ("", existing.object_id) else {}
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
            existing.stale,
            ready,
            agreed=_agreed(made, existing),
        )


KEYED = frozenset({ACCOUNT, CONTACT, LEAD})
"""Entities that carry our external key."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a person is told about a record that only a person can choose."""

    entity: str
    key: str
    key_field: str
    code: Code

    def __str__(self) -> str:
        return f"{'company' if self.entity == ACCOUNT else 'contact'} {self.key}"

    def settle(self, object_id: str = "OBJECT_ID") -> str:
        return f"settle it with `hubspot-c4c-sync links set {self.entity} {self.key} {object_id}`"


def texts(lookup: Any) -> Lookup:
    """Mapping works on texts and awaited ids only."""

    def as_text(name: str) -> str | Awaited | None:
        value = lookup(name)
        return value if value is None or isinstance(value, str | Awaited) else str(value)

    return as_text


def constants(entity: str, key: str, fields: Mapping[str, tuple[Value, Any]]) -> Draft:
    """A draft from field name → (value, rule)."""
    made = (DraftField(name, value, rule, n) for n, (name, (value, rule)) in enumerate(fields.items()))
    return Draft(entity, key, tuple(made))


def _create(made: Draft, key_field: str | None, schema: Schema) -> Write:
    changes = compare.for_create(made, schema)
    if key_field:
        changes = (Change(key_field, None, made.key, "key"), *changes)
    return Write(made.entity, made.key, "create", changes, ready=not made.awaits, ours=True)


def _agreed(made: Draft, existing: Record) -> dict[str, Any]:
    """Values on which both sides agree: from now on a change on either side can be told."""
    values = {f.name: f.value for f in made.fields if f.value is not None and not isinstance(f.value, Awaited)}
    shown = existing.fields
    return {name: value for name, value in values.items() if name in shown and odata.same(value, shown[name])}


def by_id(link: Link) -> Question:
    return Question(Ask.BY_ID, link.entity, link.object_id)
