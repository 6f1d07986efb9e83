"""Finds the C4C record for a HubSpot id: by link, by external key, by natural key; or none, so that it must be created.
An existing record is adopted instead of creating a second one. Obsolete records, and records with another external key,
are not candidates. An obsolete record of ours gives its key up before another record gets it, so that no key exists
twice.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sync.domain.alike import postal_code, same_name, spellings, tax_number
from sync.domain.entities import Entity
from sync.domain.rules import ADDITIONAL_EMAILS, AccountMap, ContactMap, NaturalKey
from sync.domain.views import Company, ContactView, Link, Unreadable
from sync.mappers.company import web_domain
from sync.mappers.identity import Traits, fit, merged_ids, peers, traits
from sync.mappers.places import country_of
from sync.mappers.transforms import emails
from sync.planner.keyed_fields import KEYED_FIELDS
from sync.planner.snapshot import Ask, Lookup, Record, Unanswerable

_Asker = Callable[[Lookup], tuple[Record, ...] | None]


class NotRead(Exception):
    """A lookup has no answer yet; it has been requested."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another company that may claim an account; `precedence` decides between duplicates that fit equally.

    `accounts`: ids of the companies whose account it has or would share; while one of these is active, it claims no
    other.
    """

    company: Company
    precedence: int = 0
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Exactly one record; those in `release` hold its key and must give it up first.

    `by`: the natural key by which a record without our key was recognised, in words; empty if our key or link found it.
    """

    record: Record
    release: tuple[Record, ...] = ()
    by: str = ""
    shared: bool = False
    """It carries the key of another HubSpot id: sales merged two of our records, and this one remains for both."""


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no record; create one."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several records; a person must say which."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _OfKin:
    """The only matching record carries the key of another HubSpot id; it may be the successor of one that became
    obsolete.
    """

    record: Record
    by: str


@dataclass(frozen=True, slots=True)
class Contested:
    """The record matches other HubSpot companies equally well; a person must say whose it is."""

    record: Record
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """The record became obsolete (merged into another, closed down), and its successor is unknown."""

    record: Record


@dataclass(frozen=True, slots=True)
class Unread:
    """The answers are not read yet; the lookups have been requested."""


@dataclass(frozen=True, slots=True)
class Unasked:
    """No answered lookup found a record, but C4C refused one of the lookups, so nothing may be created."""

    why: str


Resolution = Found | Absent | Ambiguous | _OfKin | Contested | Lost | Unread | Unasked


@dataclass(frozen=True, slots=True)
class Keyed:
    """The record to find: entity and external key, the field of the key, and what marks an obsolete record."""

    entity: str
    key: str
    key_field: str
    status_field: str
    obsolete_status: str
    former: tuple[str, ...] = ()
    """HubSpot ids that were merged into this one; a record may still carry one of them."""
    kin: frozenset[str] = frozenset()
    """Other HubSpot ids that may stand for the same record: after a merge in C4C their record
    remains for this one too.
    """

    def lives(self, record: Record) -> bool:
        return record.text(self.status_field) != self.obsolete_status

    def live(self, records: Iterable[Record]) -> list[Record]:
        return [record for record in records if self.lives(record)]

    def holds_key(self, record: Record) -> bool:
        return record.text(self.key_field) == self.key


def account(
    company: Company,
    link: Link | None,
    rules: AccountMap,
    ask: _Asker,
    rivals: Sequence[Rival] = (),
    alike: Sequence[tuple[Company, Sequence[Rival]]] = (),
) -> Resolution:
    """The account of a HubSpot company. Raises Unreadable if a natural key that could find it cannot be read.

    `rivals`: other companies that may claim the same account. `alike`: its duplicates, each with its own rivals; they
    count if the company's own properties find nothing.
    """
    kin = frozenset(peer.company.id for peer in peers(company))
    wanted = replace(account_key(company.id, rules), former=merged_ids(company.properties), kin=kin)

    def natural() -> Resolution:
        own = _natural_account(company, rules, wanted, ask, rivals)
        if not alike or not isinstance(own, Absent | _OfKin):
            return own
        others = (_natural_account(other, rules, wanted, ask, its) for other, its in alike)
        return next((found for found in others if not isinstance(found, Absent | _OfKin)), own)

    return _resolve(wanted, link, ask, natural)


def account_key(company_id: str, rules: AccountMap) -> Keyed:
    return _keyed(Entity.ACCOUNT, company_id, rules)


def contact_key(contact_id: str, rules: ContactMap) -> Keyed:
    return _keyed(Entity.CONTACT, contact_id, rules)


def _keyed(entity: Entity, key: str, rules: AccountMap | ContactMap) -> Keyed:
    return Keyed(entity, key, rules.external_key, KEYED_FIELDS[entity].status, rules.obsolete_status)


def _by_own_key(wanted: Keyed) -> Lookup:
    return Lookup(Ask.BY_KEY, wanted.entity, wanted.key)


def holder(wanted: Keyed, ask: _Asker) -> Record | None:
    """The active record that carries the key. Raises NotRead if the lookup has no answer yet."""
    records = ask(_by_own_key(wanted))
    if records is None:
        raise NotRead
    return next((record for record in wanted.live(records) if wanted.holds_key(record)), None)


def contact(view: ContactView, account_id: str | None, link: Link | None, rules: ContactMap, ask: _Asker) -> Resolution:
    """The contact person; `account_id` is the AccountID to look within, None for an account yet to be created."""
    kin = frozenset(view.duplicates)
    wanted = replace(contact_key(view.id, rules), former=merged_ids(view.properties), kin=kin)

    def by_address() -> Resolution:
        values = (view.get(rules.email_source), view.known(ADDITIONAL_EMAILS))
        groups = [{address.casefold() for address in emails(value or "")} for value in values]
        return _natural_contact(groups, account_id, wanted, ask)

    return _resolve(wanted, link, ask, by_address)


def _resolve(wanted: Keyed, link: Link | None, ask: _Asker, natural: Callable[[], Resolution]) -> Resolution:
    refused: list[str] = []
    linked = _tried(Lookup(Ask.BY_ID, wanted.entity, link.object_id), ask, refused) if link else ()
    if linked is None:
        return Unread()
    known = next(iter(linked), None)
    if known and wanted.lives(known) and wanted.holds_key(known):
        return Found(known)
    by_person = link is not None and link.origin == "set"
    if refused and by_person:
        return Unasked(refused[0])
    found = _by_key(wanted, known, by_person, ask, natural)
    return Unasked(refused[0]) if refused and isinstance(found, Absent) else found


def _by_key(
    wanted: Keyed, linked: Record | None, by_person: bool, ask: _Asker, natural: Callable[[], Resolution]
) -> Resolution:
    refused: list[str] = []
    keyed = _tried(_by_own_key(wanted), ask, refused)
    if refused:
        # The holder of our key is unknown, so the key must not be given to another record.
        return Unasked(refused[0])
    if keyed is None:
        return Unread()
    holders = [record for record in keyed if wanted.holds_key(record)]
    if linked is None or not wanted.lives(linked):
        former = _former_holders(wanted, ask)
        if former is None:
            return Unread()
        if former and not wanted.live(holders):
            return Found(former[0], tuple(holders))
    return _choose(wanted, linked, holders, by_person, natural)


def _former_holders(wanted: Keyed, ask: _Asker) -> list[Record] | None:
    """Active records with the key of an id that HubSpot merged into this one, by that id; None if not read yet."""
    answers = [(old, ask(Lookup(Ask.BY_KEY, wanted.entity, old))) for old in wanted.former]
    if any(records is None for _, records in answers):
        return None
    return [r for old, found in answers for r in wanted.live(found or ()) if r.text(wanted.key_field) == old]


def _tried(lookup: Lookup, ask: _Asker, refused: list[str]) -> tuple[Record, ...] | None:
    """The answer. If C4C refuses the lookup, it is empty and `refused` gets an entry."""
    try:
        return ask(lookup)
    except Unanswerable as refusal:
        refused.append(refusal.reason.text)
        return ()


def _choose(
    wanted: Keyed, linked: Record | None, holders: Sequence[Record], by_person: bool, natural: Callable[[], Resolution]
) -> Resolution:
    """The record by key, link or natural key.

    The key in C4C counts more than our link; a person's choice counts more than both.
    """
    living = wanted.live(holders)
    dead = tuple(record for record in holders if not wanted.lives(record))
    if linked and wanted.lives(linked) and (by_person or not living):
        return Found(linked, tuple(record for record in holders if record.object_id != linked.object_id))
    if living:
        return _releasing(_only(living), dead)
    gone = next(iter(dead), linked)
    found = natural()
    if gone and isinstance(found, _OfKin):
        return Found(found.record, by=found.by, shared=True)
    if isinstance(found, Absent | _OfKin):
        return Lost(gone) if gone else Absent()
    return _releasing(found, dead)


def _releasing(found: Resolution, dead: tuple[Record, ...]) -> Resolution:
    return replace(found, release=dead) if isinstance(found, Found) else found


def _natural_contact(groups: Sequence[set[str]], account_id: str | None, wanted: Keyed, ask: _Asker) -> Resolution:
    """The person with one of the addresses. Addresses of an earlier group take precedence over later ones."""
    if not account_id or not any(groups):
        return Absent()
    refused: list[str] = []
    persons = _tried(Lookup(Ask.CONTACTS_OF, Entity.CONTACT, account_id), ask, refused)
    if refused:
        return Unasked(refused[0])
    if persons is None:
        return Unread()
    living = wanted.live(persons)
    known = [(person, {address.casefold() for address in emails(person.text("Email"))}) for person in living]
    found = [[person for person, own in known if own & addresses] for addresses in groups]
    free = (_unclaimed(group, wanted.key_field) for group in found)
    by = "e-mail address"
    return _or_of_kin(_only(next(filter(None, free), []), by), [r for group in found for r in group], by, wanted)


def _or_of_kin(found: Resolution, fitting: Iterable[Record], by: str, wanted: Keyed) -> Resolution:
    """What was found; if nothing, the only matching record that carries the key of a related HubSpot id.

    A record with any other key belongs to a stranger, however well it matches.
    """
    records = {record.object_id: record for record in fitting}
    only = next(iter(records.values()), None)
    if isinstance(found, Absent) and only and len(records) == 1 and only.text(wanted.key_field) in wanted.kin:
        return _OfKin(only, by)
    return found


def _natural_account(
    company: Company, rules: AccountMap, wanted: Keyed, ask: _Asker, rivals: Sequence[Rival]
) -> Resolution:
    # All keys are looked up at once: another filter costs nothing, another round costs a request.
    refused: list[str] = []
    asked = ((key, _lookup(key, company, rules)) for key in rules.natural_keys)
    answers = [(key, _tried(lookup, ask, refused)) for key, lookup in asked if lookup]
    if any(records is None for _, records in answers):
        return Unread()
    fitting = [(key.kind, list(filter(_matcher(key, company), wanted.live(records or ())))) for key, records in answers]
    try:
        found, by, contested = _narrowed(company, fitting, rivals, rules, ask)
    except NotRead:
        return Unread()
    if contested and _fits_better(company, contested.record, found, rules):
        return contested
    if refused and not found:
        return Unasked(refused[0])
    kind, claimed = next((one for one in fitting if one[1]), ("", []))
    return _or_of_kin(_only(_best(company, found, rules), by), claimed, _KEYS.get(kind, ""), wanted)


def _fits_better(company: Company, record: Record, found: Sequence[Record], rules: AccountMap) -> bool:
    """Whether a record matches the company better than each record found. What is left over for two sisters that claim
    the same better one belongs to neither of them for sure.
    """
    mine = traits(company, rules)
    return all(fit(mine, _traits(record)) > fit(mine, _traits(other)) for other in found)


def _narrowed(
    company: Company,
    fitting: Sequence[tuple[str, list[Record]]],
    rivals: Sequence[Rival],
    rules: AccountMap,
    ask: _Asker,
) -> tuple[list[Record], str, Contested | None]:
    """(candidates, the natural key that found them, a record that others claim equally).

    A later key narrows what an earlier one found, and counts by itself only if the earlier ones found nothing.
    """
    found: list[Record] = []
    by, contested = "", None
    for kind, records in fitting:
        free = _unclaimed(records, rules.external_key)
        if kind != "tax_number" and free:
            free, tie = _uncontested(company, free, rivals, rules, ask)
            contested = contested or tie
        if found:
            found = [record for record in found if record in free] or found
        else:
            found, by = free, _KEYS[kind]
    return found, by, contested


_KEYS = {"tax_number": "tax number", "web_domain": "web domain", "name_country_postal": "name, country and postal code"}


def _uncontested(
    company: Company, candidates: Sequence[Record], rivals: Sequence[Rival], rules: AccountMap, ask: _Asker
) -> tuple[list[Record], Contested | None]:
    """The candidates that match this company better than any rival, and one that matches both equally, if any."""
    mine = traits(company, rules)
    claims = [(rival, *_claimed(rival, candidates, rules)) for rival in rivals]
    fits = [(record, (*fit(mine, _traits(record)), 0)) for record in candidates]
    above = [[(rival, best) for rival, its, best in claims if record in its and best >= own] for record, own in fits]
    for rival in (rival for claimants in above for rival, _ in claimants):
        # All lookups go into one round, since a domain may have hundreds of sister companies.
        for company_id in {rival.company.id, *rival.accounts}:
            ask(_by_own_key(account_key(company_id, rules)))
    left: list[Record] = []
    contested: Contested | None = None
    for (record, own), claimants in zip(fits, above, strict=True):
        waiting = [(rival, best) for rival, best in claimants if not _placed(rival, rules, ask)]
        if not waiting:
            left.append(record)
        elif all(best == own for _, best in waiting):
            contested = Contested(record, tuple(rival.company.id for rival, _ in waiting))
    return left, contested


def _claimed(rival: Rival, candidates: Sequence[Record], rules: AccountMap) -> tuple[list[Record], tuple[int, ...]]:
    """The candidates that match a rival best, and how well."""
    its = traits(rival.company, rules)
    fits = [((*fit(its, _traits(r)), rival.precedence), r) for r in candidates]
    best = max(found for found, _ in fits)
    return [record for found, record in fits if found == best], best


def _placed(rival: Rival, rules: AccountMap, ask: _Asker) -> bool:
    """Whether the rival has an active account, also one that only C4C knows, as after a loss of the state."""
    if holder(account_key(rival.company.id, rules), ask) is not None:
        return True
    return any(not _is_retired(account_key(company_id, rules), ask) for company_id in rival.accounts)


def _is_retired(wanted: Keyed, ask: _Asker) -> bool:
    """Whether every record that carries the key is obsolete, and there is one. Raises NotRead."""
    records = ask(_by_own_key(wanted))
    if records is None:
        raise NotRead
    holders = [record for record in records if wanted.holds_key(record)]
    return bool(holders) and not wanted.live(holders)


def _best(company: Company, candidates: Sequence[Record], rules: AccountMap) -> list[Record]:
    """Of several candidates with the company's name the one that matches best; all candidates if none has the name."""
    mine = traits(company, rules)
    fits = [(fit(mine, _traits(record)), record) for record in candidates]
    best = max((found for found, _ in fits), default=(False,))
    return [record for found, record in fits if found == best] if best[0] else list(candidates)


def _traits(record: Record) -> Traits:
    country_code = record.text("CountryCode")
    return Traits("", _name(record), country_code, postal_code(record.text("StreetPostalCode"), country_code or None))


def natural_lookups(company: Company, rules: AccountMap) -> list[Lookup]:
    """The lookups that `account` makes for a company without link and key, as far as its properties can be read."""
    return [lookup for key in rules.natural_keys if (lookup := _readable_lookup(key, company, rules))]


def _readable_lookup(key: NaturalKey, company: Company, rules: AccountMap) -> Lookup | None:
    with suppress(Unreadable):
        return _lookup(key, company, rules)
    return None


def _lookup(key: NaturalKey, company: Company, rules: AccountMap) -> Lookup | None:
    match key.kind:
        case "tax_number":
            value = company.get(key.source[0])
            return Lookup(Ask.ACCOUNT_BY_TAX, Entity.ACCOUNT, value) if value and tax_number(value) else None
        case "web_domain":
            value = web_domain(company, key.source, rules.shared_domains)
            return Lookup(Ask.ACCOUNT_BY_DOMAIN, Entity.ACCOUNT, value) if value else None
        case "name_country_postal":
            name, country_code, postal = _postal(company, key.source)
            complete = spellings(name) and country_code and postal_code(postal, country_code)
            return Lookup(Ask.ACCOUNT_BY_POSTAL, Entity.ACCOUNT, f"{country_code} {postal}") if complete else None


def _matcher(key: NaturalKey, company: Company) -> Callable[[Record], bool]:
    """The comparison that the lookup itself has not made: answers match the lookup already
    (`sync.planner.matching`).
    """
    if key.kind != "name_country_postal":
        return lambda _: True
    name, country_code, _ = _postal(company, key.source)
    return lambda record: record.text("CountryCode") == country_code and same_name(_name(record), name)


def _postal(company: Company, source: Sequence[str]) -> tuple[str, str, str]:
    """(name, ISO code of the country, postal code), empty if missing."""
    name, country_code, postal = source
    return company.get(name) or "", country_of(company.get, country_code) or "", company.get(postal) or ""


def _name(record: Record) -> str:
    names = (record.text(field) for field in ("Name", "AdditionalName", "AdditionalName2", "AdditionalName3"))
    return " ".join(names)


def _unclaimed(records: Iterable[Record], key_field: str) -> list[Record]:
    return [record for record in records if not record.text(key_field)]


def _only(records: Sequence[Record], by: str = "") -> Resolution:
    if not records:
        return Absent()
    return Found(records[0], by=by) if len(records) == 1 else Ambiguous(tuple(sorted(r.object_id for r in records)))
