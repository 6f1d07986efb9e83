"""Relationships: contact person for the account of the lead, and for further companies that are in C4C already.

Only relationships that we created are deleted. The main account follows the primary company until sales changes it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.entities import Entity
from sync.domain.keys import Key
from sync.domain.rules import FieldRule
from sync.domain.values import blank, same, wire
from sync.domain.views import Association, Company, Link
from sync.mappers.company import related
from sync.mappers.draft import Draft, DraftField
from sync.planner.records.parties import further_account
from sync.planner.snapshot import Ask, Lookup, Record
from sync.planner.workspace import Party, Problem, Workspace

MAIN = "ReverseMainIndicator"
"""The flag that this account is the contact's main one."""

WORK_PLACE = ("JobTitle", "FunctionCode", "DepartmentCode", "Department", "Email", "Phone", "Mobile", "Fax")
"""Values that C4C stores either on the relationship to the main account or on the person; no document says which."""


def relations(workspace: Workspace, company: Company, account: Party, person: Party) -> None:
    """Relationships to the lead's account and to the accounts of the contact's further companies."""
    if not workspace.offers(Entity.RELATION, "ContactID", "AccountID"):
        return
    rows = _rows(workspace, person)
    workspace.look_for(Entity.RELATION, rows)
    kept = set()
    met: set[str] = set()
    for association in sorted(_related(workspace), key=lambda one: one.company.id != company.id):
        is_main = association.company.id == company.id
        party = account if is_main else further_account(workspace, association.company)
        # Two companies may share one account; the person then gets one relationship to it.
        if party is not None and party.lock not in met:
            met.add(party.lock)
            kept.add(party.record.text("AccountID") if party.record else "")
            _relation(workspace, association, (party, person), rows, is_main)
    _removed(workspace, rows, kept, person)
    _check_number(workspace)


def _related(workspace: Workspace) -> list[Association]:
    """The companies for which the contact becomes a contact person."""
    labels = workspace.rules.qualification.labels
    return [association for association in workspace.view.associations if related(association, labels)]


def _check_number(workspace: Workspace) -> None:
    """Raises Problem if one contact needs so many relationships that the guard would stop all contacts."""
    number = sum(write.entity == Entity.RELATION and write.action != "unchanged" for write in workspace.records)
    if workspace.most_relationships and number > workspace.most_relationships:
        text = (
            f"{number} relationships to accounts would be written; one contact may have {workspace.most_relationships}"
        )
        raise Problem(Code.TOO_MANY_COMPANIES, text)


def lookup(contact_object_id: str) -> Lookup:
    return Lookup(Ask.PARTS_OF, Entity.RELATION, contact_object_id)


def _rows(workspace: Workspace, person: Party) -> tuple[Record, ...]:
    """The person's relationships; none for a person who does not exist yet (C4C creates the main one itself)."""
    return workspace.need(lookup(person.record.object_id)) if person.record else ()


def _relation(
    workspace: Workspace, association: Association, parties: tuple[Party, Party], rows: Sequence[Record], main: bool
) -> None:
    account, person = parties
    if person.record is None and main:
        return
    key = str(Key(Entity.RELATION, person.key, (association.company.id,)))
    link = workspace.links.get((Entity.RELATION, key))
    existing = _row_of(account, rows, link)
    if existing is None and _deleted_by_sales(link, account, person):
        return
    main_wanted = True if main and not _moved_by_sales(workspace, rows) else None
    made = Draft(
        Entity.RELATION,
        key,
        (
            DraftField("ContactID", person.number, FieldRule.CREATE_ONLY, 0),
            DraftField("AccountID", account.number, FieldRule.CREATE_ONLY, 1),
            DraftField(MAIN, main_wanted, FieldRule.C4C_WINS, 2),
            *_label_fields(workspace, association, link),
            *(_work_place(workspace, person) if main_wanted and not (existing and _is_main(existing)) else ()),
        ),
    )
    answers = (lookup(person.record.object_id),) if person.record else ()
    ours = existing is None or (link is None and _came_with_contact(workspace, account, person))
    # The primary company's account becoming the main one is not a change by sales.
    moved = existing is not None and not main and not _is_main(existing) and _primary_is_main(workspace, rows)
    merge_base = {MAIN: False} if moved else {}
    workspace.write(made, existing, {account.lock, person.lock}, answers=answers, ours=ours, merge_base=merge_base)


def _row_of(account: Party, rows: Sequence[Record], link: Link | None) -> Record | None:
    """The relationship to this account; the linked one if C4C has several."""
    if account.record is None:
        return None
    of_account = [row for row in rows if row.text("AccountID") == account.record.text("AccountID")]
    linked = (row for row in of_account if link and row.object_id == link.object_id)
    return next(linked, of_account[0] if of_account else None)


def _deleted_by_sales(link: Link | None, account: Party, person: Party) -> bool:
    """Whether this person's relationship to this account existed and is gone: somebody removed it, so it stays removed.
    After a merge of companies, or if an account had to be created again, the link names the former account.
    """
    if link is None or not link.object_id:
        return False
    return link.sent.get("ContactID") == person.number and link.sent.get("AccountID") == account.number


def _is_main(row: Record) -> bool:
    return row.text(MAIN).lower() == "true"


def _moved_by_sales(workspace: Workspace, rows: Sequence[Record]) -> bool:
    """Whether sales chose another main account than the one that we set. An untouched False counts as blank."""
    sent = {link.object_id: link.sent.get(MAIN) for link in workspace.own_links(Entity.RELATION)}
    return any(sent.get(row.object_id) is True and not _is_main(row) for row in rows)


def _primary_is_main(workspace: Workspace, rows: Sequence[Record]) -> bool:
    """Whether the main account is the one that we set last."""
    mains = {row.object_id for row in rows if _is_main(row)}
    return any(link.object_id in mains and link.sent.get(MAIN) is True for link in workspace.own_links(Entity.RELATION))


def _came_with_contact(workspace: Workspace, account: Party, person: Party) -> bool:
    """Whether C4C created the relationship by itself when we created the contact on this account."""
    link = workspace.link(Entity.CONTACT, person.key)
    if link is None or not link.ours or account.record is None:
        return False
    return same(link.sent.get("AccountUUID"), account.record.text("UUID"))


def _work_place(workspace: Workspace, person: Party) -> Iterator[DraftField]:
    """Our values for the person's work place, sent along with a new main relationship.

    If C4C stores them on the relationship, the person would otherwise lose them; if on the person, the relationship
    shows the same. Values of sales, and fields that labels fill, are left out.
    """
    written = next((w for w in workspace.records if (w.entity, w.key) == (Entity.CONTACT, person.key)), None)
    ours: Mapping[str, Any] = {**written.merge_base, **written.values()} if written else {}
    governed = {name for rule in workspace.rules.qualification.labels for name in rule.fields}
    rules = {name: mapped.rule for mapped in workspace.rules.mapping.contact.fields for name in mapped.target}
    for n, name in enumerate(WORK_PLACE):
        if (
            name in ours
            and name in rules
            and name not in governed
            and workspace.tenant.schema.field(Entity.RELATION, name)
        ):
            rule = FieldRule.FILL_BLANK if rules[name] is FieldRule.CREATE_ONLY else rules[name]
            yield DraftField(name, ours[name], rule, 50 + n)


def _label_fields(workspace: Workspace, association: Association, link: Link | None) -> Iterator[DraftField]:
    """The fields that labels fill. A value of a former label is emptied again, if it is still ours."""
    wanted = _wanted(workspace, association)
    governed = {name for rule in workspace.rules.qualification.labels for name in rule.fields}
    former = {n for n, value in (link.sent if link else {}).items() if n in governed and not blank(value)}
    for n, name in enumerate(sorted(wanted.keys() | former)):
        known = workspace.tenant.schema.field(Entity.RELATION, name)
        if known is None:
            continue
        if name in wanted:
            if known.cuts(wanted[name]):
                text = f"{Entity.RELATION}.{name}: longer than {known.length}, left out"
                workspace.warnings.append(Reason(Code.VALUE_TOO_LONG, text))
                continue
            try:
                yield DraftField(name, wire(wanted[name], known.type), FieldRule.C4C_WINS, 10 + n)
            except ValueError as error:
                workspace.warnings.append(Reason(Code.VALUE_INVALID, f"{Entity.RELATION}.{name}: {error}, left out"))
        elif known.type == "String":
            yield DraftField(name, "", FieldRule.C4C_WINS, 10 + n)


def _wanted(workspace: Workspace, association: Association) -> Mapping[str, str]:
    texts = {label.text for label in association.labels}
    fields: dict[str, str] = {}
    for rule in workspace.rules.qualification.labels:
        if rule.label in texts:
            fields = {**rule.fields, **fields}
    return fields


def _removed(workspace: Workspace, rows: Sequence[Record], kept: set[Any], person: Party) -> None:
    """Deletes the relationships of associations that are gone, or that have a label without relationship, if we created
    them.
    """
    associated = {association.company.id for association in _related(workspace)}
    by_id = {row.object_id: row for row in rows}
    for link in workspace.own_links(Entity.RELATION):
        if Key.parse(link.entity, link.key).parts[0] in associated:
            continue
        row = by_id.get(link.object_id)
        # Not if another of its companies has the same account, nor from its main account.
        if row is None or not link.ours or row.text("AccountID") in kept:
            workspace.obsolete_links.append((Entity.RELATION, link.key))
        elif not _is_main(row):
            locks = workspace.account_locks("AccountID", row.text("AccountID"))
            workspace.delete(Entity.RELATION, link.key, row, {*locks, person.lock})
