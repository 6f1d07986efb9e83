"""The state that all steps of planning one contact share: what is known, what was requested, and the writes so far."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.entities import TYPES, Entity
from sync.domain.keys import beginning
from sync.domain.link import GONE
from sync.domain.rules import Rules
from sync.domain.schema import Schema
from sync.domain.values import same
from sync.domain.views import ContactView, Link, Memo
from sync.mappers.draft import Awaited, Draft, DraftField, DraftValue, Pieces, ValueOf, draft
from sync.planner import compare
from sync.planner.compare import Change
from sync.planner.keyed_fields import KEYED_FIELDS
from sync.planner.observed import ADOPTED_BY, observe, unread
from sync.planner.provenance import untouched
from sync.planner.resolve import Ambiguous, Contested, Found, Lost, Resolution, Unasked, Unread
from sync.planner.snapshot import Ask, Lookup, Record, Snapshot, Unanswerable
from sync.planner.writes import Action, Links, Tenant, Write


class Problem(Exception):
    """Ends the planning of one contact with the reason that parks it. `Unanswerable` does the same."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.reason = Reason(code, text)


class NotYet(Exception):
    """Planning cannot go on before lookups are answered or earlier writes are done."""


@dataclass(frozen=True, slots=True)
class Party:
    """An account or contact person: its record, or the one that will be created."""

    entity: str
    key: str
    record: Record | None

    @property
    def uuid(self) -> DraftValue:
        if self.record is None:
            return Awaited(self.entity, self.key)
        return self.record.text(KEYED_FIELDS[self.entity].uuid) or None

    @property
    def number(self) -> DraftValue:
        """The number that people see, `AccountID` or `ContactID`."""
        if self.record is None:
            return Awaited(self.entity, self.key)
        return self.record.text(KEYED_FIELDS[self.entity].number) or None

    @property
    def values(self) -> tuple[DraftValue, ...]:
        """The values that drafts of other records take from this one."""
        return self.uuid, self.record.text("OwnerUUID") if self.record else None

    @property
    def lock(self) -> str:
        """A name for the lock on this party, equal for all writes that touch it."""
        return f"{self.entity} {self.record.object_id if self.record else self.key}"


@dataclass
class Workspace:
    """The planning of one contact; collects writes, lookups and warnings."""

    view: ContactView
    links: Links
    snapshot: Snapshot
    rules: Rules
    tenant: Tenant
    most_relationships: int = 0
    records: list[Write] = field(default_factory=list)
    lookups: set[Lookup] = field(default_factory=set)
    warnings: list[Reason] = field(default_factory=list)
    obsolete_links: list[tuple[str, str]] = field(default_factory=list)
    found_by: dict[tuple[str, str], str] = field(default_factory=dict)

    # ---- asking

    def ask(self, lookup: Lookup) -> tuple[Record, ...] | None:
        found = self.snapshot.ask(lookup)
        if found is None:
            self.lookups.add(lookup)
        return found

    def prefetch(self, lookup: Lookup) -> None:
        """Requests what may be needed later. If C4C refuses it, that matters only when the answer is needed."""
        with suppress(Unanswerable):
            self.ask(lookup)

    def need(self, lookup: Lookup) -> tuple[Record, ...]:
        """The records that answer the lookup. Raises NotYet if it was not read yet."""
        found = self.ask(lookup)
        if found is None:
            raise NotYet
        return found

    def link(self, entity: str, key: str) -> Link | None:
        """The link, unless it is only an intent."""
        found = self.links.get((entity, key))
        return found if found and found.object_id else None

    def own_links(self, entity: str) -> list[Link]:
        """The contact's links of one entity, whose keys begin with the contact's id."""
        stem = beginning(self.view.id)
        return [link for (e, key), link in sorted(self.links.items()) if e == entity and key.startswith(stem)]

    def offers(self, entity: str, *names: str) -> bool:
        """Whether the tenant has these fields. A service that is not enabled is skipped, and the rest goes on."""
        return all(self.tenant.schema.field(entity, name) is not None for name in names)

    def existing(self, resolution: Resolution, what: "Subject") -> Record | None:
        """The record, or None to create one. Raises NotYet; Problem if a person must decide."""
        match resolution:
            case Unread():
                raise NotYet
            case Ambiguous(ids):
                raise Problem(what.code, f"{what} matches {', '.join(ids)}; {what.settle()}")
            case Unasked(why):
                raise Problem(Code.C4C_REJECTED, f"{what}: {why}; nothing is created while one key cannot be looked up")
            case Lost(record):
                link = self.link(what.entity, what.key)
                if link and link.object_id == record.object_id:
                    self.remember(link, record)
                text = (
                    f"{what} was {record.object_id}, which is obsolete now, and no other fits; {what.settle()}{_SHARED}"
                )
                raise Problem(what.code, text)
            case Contested(record, others):
                companies = f"{what} and {', '.join(others)}"
                raise Problem(what.code, f"{companies} fit {record.object_id} equally; {what.settle(record.object_id)}")
            case Found(record, release, by):
                self.release(what, release)
                self.found_by[what.entity, what.key] = by
                return record
            case _:
                return None

    def release(self, what: "Subject", records: tuple[Record, ...]) -> None:
        """Plans that obsolete records give their key up before another record gets it.

        Raises NotYet until that is done.
        """
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
                    record.version,
                    record.stale,
                    linked=False,
                    locks=frozenset({f"{what.entity} {record.object_id}"}),
                )
            )
        if records:
            raise NotYet

    # ---- drafting

    def draft(
        self,
        entity: str,
        key: str,
        own: str,
        value_of: ValueOf,
        kind: str = "always",
        rests_on: tuple[object, ...] = (),
        records: tuple[object, ...] = (),
        memo: Memo | None = None,
    ) -> Draft:
        """The draft by the rules' mapping.

        `rests_on`: what the sources depend on besides view, rules and tenant; `records`: the values of C4C records
        among it. `memo`: where the draft is remembered, the view's own if not given.
        """
        memo, by = memo or self.view.memo, (self.rules, self.tenant)

        def make() -> tuple[Draft, list[Reason]]:
            section = self.rules.mapping.by_entity()[entity]
            fields = [mapped for mapped in section.fields if mapped.when in ("always", kind)]
            kept: Pieces = memo.once((entity, key, "pieces"), by, (kind, *rests_on), dict)
            before, self.warnings = self.warnings, []
            try:
                made = draft(entity, key, own, fields, value_of, self.tenant.schema, kept)
                return made, [*self.warnings, *made.warnings]
            finally:
                self.warnings = before

        made, warnings = memo.once((entity, key), by, (kind, *rests_on, *records), make)
        self.warnings += warnings
        if made.refused:
            raise Problem(made.refused.code, f"{made.refused.text}; the rules refuse the contact until it fits")
        return made

    # ---- writing

    def write(
        self,
        made: Draft,
        existing: Record | None,
        locks: set[str],
        *,
        keyed: bool = True,
        memo: Memo | None = None,
        **more: Any,
    ) -> Write:
        """Adds the record to the plan: to create, to change where it differs, or unchanged. `keyed`: with our key.

        Planning starts anew after each answer, and mostly compares what it has compared before: `memo` remembers it.
        """
        name, by = (made.entity, made.key), self.found_by.get((made.entity, made.key), "")
        rests_on = (made, existing, self.links.get(name), frozenset(locks), keyed, by, more)
        write: Write = (memo or self.view.memo).once(
            ("write", *name),
            (self.rules, self.tenant),
            rests_on,
            lambda: self._compared(made, existing, frozenset(locks), keyed, by, dict(more)),
        )
        self.records.append(write)
        return write

    def _compared(
        self, made: Draft, existing: Record | None, locks: frozenset[str], keyed: bool, by: str, more: dict[str, Any]
    ) -> Write:
        key_field = self.rules.mapping.key_fields().get(made.entity) if keyed else None
        if existing is None:
            write = _create(made, key_field, self.tenant.schema)
        else:
            write = self._update(made, existing, key_field)
        more |= {"adopted_by": by, "observed": {**more.get("observed", {}), ADOPTED_BY: by}} if by else {}
        merge_base = {**write.merge_base, **more.pop("merge_base", {})}
        observed = {**write.observed, **more.pop("observed", {})}
        return replace(write, locks=locks, merge_base=merge_base, observed=observed, **more)

    def child(self, made: Draft) -> Write:
        """A record that is created in the deep insert of its header."""
        return _create(made, None, self.tenant.schema)

    def account_locks(self, name: str, value: str) -> set[str]:
        """The locks of an account that is identified by another of its ids."""
        records = self.snapshot.find(Entity.ACCOUNT, name, value) if value else ()
        return {f"{Entity.ACCOUNT} {record.object_id}" for record in records}

    def delete(self, entity: str, key: str, record: Record, locks: set[str]) -> None:
        self.records.append(
            Write(entity, key, "delete", (), record.object_id, record.version, record.stale, locks=frozenset(locks))
        )

    def look_for(self, entity: str, rows: Iterable[Record]) -> None:
        """Marks links of the contact as obsolete that have no record among all existing ones."""
        there = {row.object_id for row in rows}
        for link in self.own_links(entity):
            if link.object_id and link.object_id not in there:
                self.remember(link, None)

    def remember(self, link: Link, record: Record | None) -> None:
        """Keeps an observation of a record that is not written now, or that it no longer exists."""
        observed = {GONE: True} if record is None else observe(record, link.sent, self.tenant.schema, unread(link))
        self.records.append(Write(link.entity, link.key, "unchanged", object_id=link.object_id, observed=observed))

    def share(self, link_key: tuple[str, str], record: Record) -> None:
        """Keeps the link of a HubSpot id to a record that carries the key of another one."""
        entity, key = link_key
        known = self.links.get(link_key)
        observed = observe(record, known.sent if known else {}, self.tenant.schema)
        self.records.append(Write(entity, key, "unchanged", object_id=record.object_id, observed=observed, shared=True))

    def _ours(self, record: Record, key_field: str | None, key: str) -> Mapping[str, Any]:
        """Values of our record whose link was lost, as far as they are certainly ours."""
        keyed = key_field is not None and record.text(key_field) == key
        return record.fields if keyed and untouched(record, self.tenant.ourselves) else {}

    def _update(self, made: Draft, existing: Record, key_field: str | None) -> Write:
        link = self.links.get((made.entity, made.key))
        of_it = link is not None and _is_of(link, existing, key_field)
        base = (
            compare.MergeBase.of(link)
            if link and of_it
            else compare.MergeBase(self._ours(existing, key_field, made.key))
        )
        changes = compare.for_update(made, existing, base, self.tenant.schema)
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
            existing.version,
            existing.stale,
            ready,
            merge_base=(merge_base := _merge_base(made, existing)),
            observed=observe(existing, {**base.sent, **merge_base}, self.tenant.schema, base.unread),
        )


_SHARED = ", and with `--share` if that record carries the key of another HubSpot id, as after a merge"


@dataclass(frozen=True, slots=True)
class Subject:
    """The wording of messages about a record that a person must choose."""

    entity: str
    key: str
    key_field: str
    code: Code

    def __str__(self) -> str:
        return f"{TYPES[self.entity].owner} {self.key}"

    def settle(self, object_id: str = "OBJECT_ID") -> str:
        return f"settle it with `hubspot-c4c-sync links set {self.entity} {self.key} {object_id}`"


def constants(entity: str, key: str, fields: Mapping[str, tuple[DraftValue, Any]]) -> Draft:
    """A draft from field name → (value, rule)."""
    made = (DraftField(name, value, rule, n) for n, (name, (value, rule)) in enumerate(fields.items()))
    return Draft(entity, key, tuple(made))


def _create(made: Draft, key_field: str | None, schema: Schema) -> Write:
    changes = compare.for_create(made, schema)
    if key_field:
        changes = (Change(key_field, None, made.key, "key"), *changes)
    return Write(made.entity, made.key, "create", changes, ready=not made.awaits, ours=True)


def _merge_base(made: Draft, existing: Record) -> dict[str, Any]:
    """The values that are equal on both sides, so that a later change on either side can be recognised."""
    values = {f.name: f.value for f in made.fields if f.value is not None and not isinstance(f.value, Awaited)}
    shown = existing.fields
    return {name: value for name, value in values.items() if name in shown and same(value, shown[name])}


def _is_of(link: Link, record: Record, key_field: str | None) -> bool:
    """Whether the link is about this record. An intent is about the record that carries its key."""
    if not link.object_id:
        return key_field is None or record.text(key_field) == link.key
    return link.object_id == record.object_id


def by_id(link: Link) -> Lookup:
    return Lookup(Ask.BY_ID, link.entity, link.object_id)
