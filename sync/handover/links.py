"""Links that a person names: reads them, checks them against C4C, and stores those that C4C confirms."""

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TextIO

from sqlmodel import Session, col, select

from sync.context import Context
from sync.domain.entities import KEYED, TYPES, Entity
from sync.domain.keys import Key, form
from sync.domain.link import Named, Observed, after
from sync.domain.numbers import identifier
from sync.domain.rules import Rules
from sync.domain.views import Link, Origin
from sync.errors import ConfigurationError
from sync.mirror import association_rows, mirrored, peers
from sync.planner.keyed_fields import NUMBERS
from sync.planner.target import By, Crm, Scan, Scanned, all_found
from sync.state import tables, work
from sync.state.handovers import HandoverRecord
from sync.state.pending import mark_pending, portions
from sync.state.store import Store

_HEADER = ("entity", "key", "object_id")
NAMES = {TYPES[e].section: e for e in KEYED} | {e.lower(): e for e in KEYED} | {"company": Entity.ACCOUNT}
"""What people may call a kind of record, in small letters."""
_OBJECT_ID = re.compile(r"[0-9A-Fa-f]{32}")


@dataclass(frozen=True, slots=True)
class _Pair:
    """One line of input. `object_id` as given: an ObjectID, or the number that people see."""

    line: int
    entity: str
    key: str
    object_id: str

    @property
    def numbered(self) -> bool:
        return _OBJECT_ID.fullmatch(self.object_id) is None


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import: number of confirmed pairs, how many of them are new, and refused pairs with the reason.
    `unread`: confirmed pairs whose HubSpot id has not been read yet.
    """

    kept: int
    new: int
    refused: tuple[str, ...]
    unread: tuple[str, ...] = ()


# ---- reading and writing CSV


def read_csv(file: TextIO, rules: Rules) -> list[_Pair]:
    """The pairs of a CSV file. Raises ConfigurationError with every line that cannot be one."""
    reader = csv.DictReader(file, skipinitialspace=True)
    try:
        return _pairs(reader, rules)
    except csv.Error as error:
        raise ConfigurationError([f"line {reader.line_num + 1}: is not CSV ({error})"]) from None


def _pairs(reader: "csv.DictReader[str]", rules: Rules) -> list[_Pair]:
    columns = {name.strip().lower() for name in reader.fieldnames or ()}
    if not {"entity", "object_id"} <= columns or not columns & {"key", "hubspot_id"}:
        found = ",".join(reader.fieldnames or ()) or "nothing"
        raise ConfigurationError(
            [f"line 1: found the header {found!r}, allowed: {','.join(_HEADER)} (hubspot_id may stand for key)"]
        )
    problems: list[str] = []
    pairs = [pair for n, row in enumerate(reader, 2) if (pair := _pair(n, row, rules, problems))]
    if problems:
        raise ConfigurationError(problems)
    return pairs


def _pair(line: int, row: Mapping[str, str | None], rules: Rules, problems: list[str]) -> _Pair | None:
    values = {
        str(name).strip().lower(): (value or "").strip() for name, value in row.items() if not isinstance(value, list)
    }
    if not any(values.values()):
        return None
    try:
        return pair(
            values["entity"], values.get("key") or values.get("hubspot_id", ""), values["object_id"], rules, line
        )
    except ValueError as error:
        problems.append(f"line {line}: {error}")
        return None


def pair(entity: str, key: str, object_id: str, rules: Rules, line: int = 0) -> _Pair:
    """One pair from texts. Raises ValueError naming what is wrong."""
    if entity.lower() not in NAMES:
        raise ValueError(f"entity: found {entity!r}, allowed: {', '.join(NUMBERS)}")
    name = NAMES[entity.lower()]
    if not object_id:
        raise ValueError("object_id is empty; give the ObjectID, or the number that SAP Sales Cloud shows")
    given = object_id.upper() if _OBJECT_ID.fullmatch(object_id) else object_id
    return _Pair(line, name, _key(name, key, rules), given)


def _key(entity: str, key: str, rules: Rules) -> str:
    """The external key. If there is only one score, a lead may be named by its contact."""
    scores = [score.name for score in rules.qualification.scores]
    if entity == Entity.LEAD and identifier(key) and len(scores) == 1:
        return str(Key.of_lead(key, scores[0], 1))
    if entity == Entity.LEAD:
        if not _is_of_lead(key, scores):
            raise ValueError(f"key: found {key!r}, allowed: CONTACT_ID:SCORE:CYCLE with a score of {', '.join(scores)}")
    elif (found := Key.read(entity, key)) is None or not identifier(found.owner):
        allowed = form(entity) if TYPES[entity].parts else "the HubSpot id, digits only"
        raise ValueError(f"key: found {key!r}, allowed: {allowed}")
    return key


def _is_of_lead(text: str, scores: Sequence[str]) -> bool:
    key = Key.read(Entity.LEAD, text)
    if key is None or not identifier(key.owner):
        return False
    score, cycle = key.lead
    return score in scores and cycle > 0 and text == str(Key.of_lead(key.owner, score, cycle))


def pair_rows(store: Store, entities: Sequence[str] = ()) -> list[tables.Link]:
    """Known pairs in the order of entity and key, without intents."""
    of = select(tables.Link).where(tables.Link.object_id != "").order_by(tables.Link.entity, tables.Link.key)
    with store.reading() as session:
        return [row for row in session.exec(of) if not entities or row.entity in entities]


def write_csv(file: TextIO, links: Iterable[tables.Link]) -> int:
    """Writes the pairs that can be imported again; returns how many."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_HEADER)
    number = 0
    for link in links:
        writer.writerow((link.entity, link.key, link.object_id))
        number += 1
    return number


# ---- confirming


def keep_pair(context: Context, pairs: Sequence[_Pair], *, share: bool = False) -> Imported:
    """Stores the pairs that C4C confirms, and has their contacts looked at again.

    Raises RemoteError. `share` also allows a record with the key of another HubSpot id. Pairs that are shared already
    stay shared.
    """
    rules = context.config.rules
    with context.store.reading() as session:
        shared = {(p.entity, p.key) for p in pairs if share} | _shared(session)
    found = _Found(context.c4c, rules, pairs, shared)
    checked = [(pair, found.check(pair)) for pair in pairs]
    refused = [f"{_where(pair)}: {problem}" for pair, problem in checked if isinstance(problem, str)]
    confirmed = [link for _, link in checked if isinstance(link, Link)]
    with context.store.session() as session:
        taken = _taken(session, [link for link in confirmed if link.origin != "shared"])
        # A pair that a person has just named: the record gets the key only with the next run.
        confirmed = [_shared_if(link, taken, shared) for link in confirmed]
        own = [link for link in confirmed if link.origin != "shared"]
        twice = _named_twice(own)
        believed = [link for link in confirmed if link not in own or _record(link) not in taken.keys() | twice.keys()]
        refused += [_claimed(link, taken[_record(link)]) for link in own if _record(link) in taken]
        refused += [
            _contested(link, twice[_record(link)]) for link in own if _record(link) in twice.keys() - taken.keys()
        ]
        named = ((x.entity, x.key, Named(x.object_id, x.origin == "shared")) for x in believed)
        new = sum(_happened(session, *one, context.now()) for one in named)
        _wake(session, believed, context.now())
        unread = _unread(session, believed)
    return Imported(len(believed), new, tuple(refused), unread)


def _unread(session: Session, links: Sequence[Link]) -> tuple[str, ...]:
    """The pairs whose company or contact is not in the mirror: the id is wrong, or has not been read yet."""
    companies = mirrored.properties_of(
        session, "companies", [link.key for link in links if link.entity == Entity.ACCOUNT]
    )
    contacts = mirrored.properties_of(
        session, "contacts", [link.owner for link in links if link.entity != Entity.ACCOUNT]
    )
    held = {True: companies, False: contacts}
    return tuple(f"{x.entity} {x.key}" for x in links if x.owner not in held[x.entity == Entity.ACCOUNT])


def _shared(session: Session) -> set[tuple[str, str]]:
    of = select(tables.Link.entity, tables.Link.key).where(tables.Link.origin == "shared")
    return {(entity, key) for entity, key in session.exec(of)}


def adopt(session: Session, entity: str, key: str, object_id: str, now: datetime) -> bool:
    """Keeps a pair whose record carries our key already.

    False if another record is known under it, or if a person made it the text of no key: C4C may hold anything there.
    """
    if Key.read(entity, key) is None:
        return False
    known = session.get(tables.Link, (entity, key))
    return not (known and known.object_id) and _happened(session, entity, key, Observed(object_id), now)


def _happened(session: Session, entity: str, key: str, event: Named | Observed, now: datetime) -> bool:
    """A lead shows that its contact was handed over, which decides whether a refusal goes over."""
    known = session.get(tables.Link, (entity, key))
    link = after(entity, key, work.as_link(known) if known else None, event)
    if link.entity == Entity.LEAD:
        work.record_handover(session, HandoverRecord.of(link.key, link.object_id), now)
    return work.save_link(session, link, now, written=False)


def _record(link: Link) -> tuple[str, str]:
    return link.entity, link.object_id


def _shared_if(link: Link, taken: Collection[tuple[str, str]], shared: Collection[tuple[str, str]]) -> Link:
    """Shared where another pair has the record and a person says that both ids stand for it; never a lead."""
    requested = (link.entity, link.key) in shared and link.entity != Entity.LEAD
    return replace(link, origin="shared") if requested and _record(link) in taken else link


def _taken(session: Session, links: Sequence[Link]) -> dict[tuple[str, str], str]:
    """(entity, ObjectID) → the other key that the record belongs to already."""
    wanted = {(link.entity, link.object_id): link.key for link in links}
    found = {}
    for ids in portions(link.object_id for link in links):
        for row in session.exec(select(tables.Link).where(col(tables.Link.object_id).in_(ids))):
            if row.origin != "shared" and wanted.get((row.entity, row.object_id), row.key) != row.key:
                found[row.entity, row.object_id] = row.key
    return found


def _named_twice(links: Sequence[Link]) -> dict[tuple[str, str], str]:
    """(entity, ObjectID) → the first of several keys that want the same record; none of them gets it."""
    first: dict[tuple[str, str], str] = {}
    twice = {}
    for link in links:
        other = first.setdefault((link.entity, link.object_id), link.key)
        if other != link.key:
            twice[link.entity, link.object_id] = f"{other} and {link.key}"
    return twice


def _claimed(link: Link, other: str) -> str:
    return (
        f"{link.entity} {link.key}: {link.object_id} is claimed by {other}; one record has one key. Correct the id, or "
        f"drop the wrong pair with `hubspot-c4c-sync links forget {link.entity} {other}`{_or_share(link)}"
    )


def _contested(link: Link, others: str) -> str:
    return (
        f"{link.entity} {link.key}: {link.object_id} is claimed by {others}; one record has one key. Leave one of the "
        f"lines{_or_share(link, 'first keep the other one, then ')}"
    )


def _or_share(link: Link, first: str = "") -> str:
    """The remedy by sharing, for records other than leads, which cannot be shared."""
    if link.entity == Entity.LEAD:
        return ""
    command = f"hubspot-c4c-sync links set {link.entity} {link.key} {link.object_id} --share"
    return f". If both ids stand for this record, {first}run `{command}`"


def _wake(session: Session, links: Sequence[Link], now: datetime) -> None:
    """Marks the contacts of the pairs pending, so that parked ones go on."""
    contacts = {link.owner for link in links if link.entity != Entity.ACCOUNT}
    named = [link.key for link in links if link.entity == Entity.ACCOUNT]
    # Sister companies may be waiting for the same account.
    companies = {*named, *peers.peers_of(session, named)}
    for ids in portions(companies):
        contacts |= set(association_rows.contacts_of(session, ids))
    for ids in portions(sorted(contacts)):
        known = session.exec(select(tables.Contact.id).where(col(tables.Contact.id).in_(ids))).all()
        mark_pending(session, known, now)


def forget(store: Store, entity: str, key: str) -> bool:
    """Drops a pair; the record is looked up again when it is needed. False if it was not known."""
    with store.session() as session:
        return work.drop_link(session, entity, key)


def _where(pair: _Pair) -> str:
    return f"line {pair.line}" if pair.line else f"{pair.entity} {pair.key}"


class _Found:
    """The C4C records with the ids and keys of these pairs, read in few batches."""

    def __init__(self, c4c: Crm, rules: Rules, pairs: Sequence[_Pair], shared: Collection[tuple[str, str]]) -> None:
        self._shared = shared
        self._uses = Counter((p.entity, p.key) for p in pairs)
        found = [one for records in all_found(c4c.scan(list(_scans(pairs)), rules)) for one in records]
        self._by_id = {(one.entity, one.object_id): one for one in found}
        self._by_number = {(one.entity, one.number): one for one in found}

    def check(self, pair: _Pair) -> Link | str:
        """The pair if C4C confirms it, else why not."""
        known = self._by_number if pair.numbered else self._by_id
        record = known.get((pair.entity, pair.object_id))
        if record is None:
            return f"SAP Sales Cloud has no {pair.entity} {pair.object_id}; correct the id"
        origin: Origin = "shared" if record.key not in ("", pair.key) else "set"
        return self._problem(pair, record) or Link(pair.entity, pair.key, record.object_id, {}, origin=origin)

    def _problem(self, pair: _Pair, record: Scanned) -> str | None:
        if self._uses[pair.entity, pair.key] > 1:
            return f"{pair.entity} {pair.key} appears in several lines; keep one"
        if record.obsolete:
            return f"{pair.entity} {pair.object_id} is obsolete; name the record that lives on"
        carried = record.key
        if carried in ("", pair.key) or ((pair.entity, pair.key) in self._shared and pair.entity != Entity.LEAD):
            return None
        problem = f"{pair.entity} {pair.object_id} carries the key {carried} already; it is never given another one"
        if pair.entity == Entity.LEAD:
            return problem
        command = f"hubspot-c4c-sync links set {pair.entity} {pair.key} {pair.object_id} --share"
        return f"{problem}. If {carried} and {pair.key} both stand for this record, run `{command}`"


def _scans(pairs: Sequence[_Pair]) -> Iterator[Scan]:
    """The scans: records by the ids as given, and records that carry the keys already."""
    for entity in dict.fromkeys(pair.entity for pair in pairs):
        mine = [pair for pair in pairs if pair.entity == entity]
        yield Scan(entity, By.ID, tuple(sorted({pair.object_id for pair in mine if not pair.numbered})))
        yield Scan(entity, By.NUMBER, tuple(sorted({pair.object_id for pair in mine if pair.numbered})))
        yield Scan(entity, By.KEY, tuple(sorted({pair.key for pair in mine})))
