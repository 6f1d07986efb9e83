"""The commands `find`, `contacts` and `leads`: names and addresses are answers to the person at the terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer

from sync import app
from sync.admin import lists, people
from sync.admin.lists import Contacts, Leads, Listing
from sync.admin.people import Asking, Lead, Person, record_links
from sync.admin.report import portal_zone
from sync.cli import output, spreadsheet, times
from sync.cli import people_documents as documents
from sync.cli.output import Document, Json, at, say, table
from sync.config import Configuration
from sync.context import Context
from sync.domain.codes import EXPLANATIONS, Code
from sync.domain.entities import Entity
from sync.domain.keys import owner_of
from sync.domain.lead_status import LeadStatus
from sync.domain.rules import Rules
from sync.environment import Settings
from sync.errors import ConfigurationError
from sync.mirror import loading
from sync.mirror.listing import Sort
from sync.state.pending import portions
from sync.state.store import Store

_T = TypeVar("_T")

_PORTION = 500
"""Contacts loaded at a time."""

NoNames = Annotated[bool, typer.Option("--no-names", help="Leave out names and e-mail addresses.")]
_Csv = Annotated[bool, typer.Option("--csv", help="CSV (UTF-8) on standard output.")]
_Bom = Annotated[bool, typer.Option("--bom", help="With --csv: begin with the mark that spreadsheets look for.")]
_Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most this many.")]
_Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Since then: 7d, 2026-11-21, or an ISO time.")
]
_SORTS: tuple[Sort, ...] = ("contact", "score", "since", "name")

_CONTACTS_EXAMPLES = """
Just below the threshold:

    hubspot-c4c-sync contacts --min 60 --max 74 --sort score

Wait for nothing but their consent, as CSV for a spreadsheet:

    hubspot-c4c-sync contacts --code NO_LEGAL_BASIS --alone --csv --bom
"""
_LEADS_EXAMPLES = """
Handed over this week, with number and owner:

    hubspot-c4c-sync leads --since 7d

Declined by sales in the last four weeks:

    hubspot-c4c-sync leads --since 4w --status declined
"""
_FIND_EXAMPLES = """
The lead of an e-mail address:

    hubspot-c4c-sync find anna.muster@example.com

Everybody of one company:

    hubspot-c4c-sync find example.com
"""


def register(cli: typer.Typer) -> None:
    """Adds these commands to the command line."""
    cli.command("find", epilog=_FIND_EXAMPLES)(_find)
    cli.command("contacts", epilog=_CONTACTS_EXAMPLES)(_contacts)
    cli.command("leads", epilog=_LEADS_EXAMPLES)(_leads)


@dataclass(frozen=True)
class Opened:
    """What a command asks with: an open transaction of the state file, and the settings."""

    asking: Asking
    settings: Settings
    configuration: Configuration
    now: datetime
    store: Store

    def moment(self, text: str | None, option: str) -> datetime | None:
        """The time that a person typed, in the portal's time zone."""
        return times.moment(text, option, self.now, portal_zone(self.asking.session)) if text is not None else None


@contextmanager
def opened(*, no_names: bool) -> Iterator[Opened]:
    """The state, opened for answers. SYNC_SHOW_NAMES=0 hides names as `--no-names` does."""
    settings, configuration, store = app.unconnected()
    try:
        with store.reading() as session:
            links = record_links(session, configuration.worker.links)
            asking = Asking(session, configuration.rules, links, settings.show_names and not no_names)
            yield Opened(asking, settings, configuration, datetime.now(UTC), store)
    finally:
        store.close()


# ---- find


def _find(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="An id, number, address, domain, or words of a name.")],
    limit: _Limit = 20,
    no_names: NoNames = False,
    json: Json = False,
) -> None:
    """Find contacts by a HubSpot id, a number or ObjectID of SAP Sales Cloud, an e-mail address, a web domain, or the
    beginnings of words of a person's or company's name.
    """
    with opened(no_names=no_names) as found:
        listing, names = lists.find(found.asking, text, limit), found.asking.names
        if json:
            output.stream_json("matches", (documents.match(person, names=names) for person in listing))
            return
        for person in listing:
            _print_person(person)
        _print_total(
            limit, listing.total, "contacts", "nobody is found; a name is found by the beginnings of its words"
        )


def _print_person(person: Person) -> None:
    companies = [c.name or f"company {c.id}" for c in person.companies] or [person.company_text or ""]
    score = f" (score {person.score})" if person.score is not None else ""
    say(", ".join(filter(None, [f"Contact {person.contact}", person.name, *companies])))
    say(f"  {person.code}{score}: {EXPLANATIONS[person.code].meaning}")
    for lead in person.leads:
        owner = f", owner {lead.owner}" if lead.owner else ""
        say(
            f"  Lead {lead.number or lead.key}, {lead.status}, handed over {at(lead.handed_over_at.isoformat())}{owner}"
        )
    for name, url in (("HubSpot", person.hubspot_url), ("SAP Sales Cloud", person.c4c_url)):
        if url:
            say(f"  {name}: {url}")


def _print_total(limit: int | None, total: int, what: str, nothing: str) -> None:
    if not total:
        say(nothing)
    elif limit is not None and limit < total:
        say(f"{limit} of {total} {what}; --limit shows more")
    else:
        say(f"{total} {what.removesuffix('s') if total == 1 else what}")


# ---- contacts


def _contacts(
    code: Annotated[
        str | None,
        typer.Option("--code", metavar="CODE", help="With this reason code.", autocompletion=output.one_of(Code)),
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="With --code: for no other reason.")] = False,
    score: Annotated[str | None, typer.Option("--score", metavar="NAME", help="The score to show and compare.")] = None,
    low: Annotated[float | None, typer.Option("--min", metavar="N", help="A score of at least N.")] = None,
    high: Annotated[float | None, typer.Option("--max", metavar="N", help="A score of at most N.")] = None,
    since: _Since = None,
    owner: Annotated[str | None, typer.Option("--owner", metavar="E-MAIL", help="Of this HubSpot owner.")] = None,
    parked: Annotated[bool, typer.Option("--parked", help="Only those that need a person.")] = False,
    sort: Annotated[str, typer.Option("--sort", metavar="BY", help=f"By {', '.join(_SORTS)}.")] = "contact",
    limit: _Limit = None,
    csv: _Csv = False,
    bom: _Bom = False,
    no_names: NoNames = False,
    json: Json = False,
) -> None:
    """List contacts: who has which score, what was decided and since when, which lead and owner they have."""
    with opened(no_names=no_names) as found:
        _check_forms(csv, bom, json)
        wanted = Contacts(
            score=_score(score, found.asking.rules),
            code=_one_of(code, "--code", tuple(Code)) if code else None,
            alone=_needs(alone, code, "--alone", "--code"),
            low=low,
            high=high,
            since=found.moment(since, "--since"),
            owner=owner,
            parked=parked,
            sort=_sort(sort),
            limit=limit,
        )
        listing = lists.contacts(found.asking, wanted)
        if csv:
            rows = (documents.contact_cells(person) for person in listing)
            spreadsheet.write_rows(documents.CONTACT_COLUMNS, rows, bom=bom)
        elif json:
            _stream("contacts", listing, lambda person: documents.contact(person, names=found.asking.names))
        else:
            table("", _CONTACT_HEAD, (_contact_row(person) for person in listing))
            _print_total(limit, listing.total, "contacts", "no contact fits")


_CONTACT_HEAD = ("contact", "name", "company", "score", "code", "since (UTC)", "lead", "owner")


def _contact_row(person: Person) -> tuple[object, ...]:
    since = f"{person.since:%Y-%m-%d %H:%M}" if person.since else None
    return (
        *(person.contact, person.name, documents.company_names(person), person.score, person.code, since),
        *(documents.newest_lead(person), person.owner),
    )


# ---- leads


def _leads(
    since: _Since = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then.")] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help=f"{', '.join(LeadStatus)}; the option may be repeated.",
            autocompletion=output.one_of(LeadStatus),
        ),
    ] = None,
    limit: _Limit = None,
    csv: _Csv = False,
    bom: _Bom = False,
    no_names: NoNames = False,
    json: Json = False,
) -> None:
    """List the leads that were handed over, the newest first: account, owner, how long it took, what became of them."""
    with opened(no_names=no_names) as found:
        _check_forms(csv, bom, json)
        statuses = [LeadStatus(_one_of(one, "--status", tuple(LeadStatus))) for one in status or LeadStatus]
        wanted = Leads(found.moment(since, "--since"), found.moment(until, "--until"), frozenset(statuses), limit)
        listing = lists.leads(found.asking, wanted)
        if csv:
            spreadsheet.write_rows(documents.LEAD_COLUMNS, (documents.lead_cells(lead) for lead in listing), bom=bom)
        elif json:
            _stream("leads", listing, lambda lead: documents.lead(lead, names=found.asking.names))
        else:
            table("", _LEAD_HEAD, (_lead_row(lead) for lead in listing))
            _print_total(limit, listing.total, "leads", "no lead fits")


_LEAD_HEAD = ("lead", "contact", "name", "account", "company", "owner", "handed over (UTC)", "took", "status")


def _lead_row(lead: Lead) -> tuple[object, ...]:
    account = lead.account
    return (
        *(lead.number or lead.key, lead.contact, lead.name, account.number if account else None),
        *(account.name if account else None, lead.owner, f"{lead.handed_over_at:%Y-%m-%d %H:%M}"),
        *(took(lead.latency_seconds), lead.status),
    )


def took(seconds: int | None) -> str:
    """A duration as people say it: in seconds, minutes, hours or days."""
    if seconds is None:
        return ""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds} s"


# ---- what they share


def named(asking: Asking, rows: Sequence[Document]) -> list[Document]:
    """The rows, each with the name and the company of its `contact`; without them where names are not shown."""
    if not asking.names:
        return list(rows)
    found: dict[str, Person] = {}
    for ids in portions((row["contact"] for row in rows), _PORTION):
        found |= {person.contact: person for person in people.people(asking, ids, asking.score())}
    return [row | _who(found.get(row["contact"])) for row in rows]


def name_companies(context: Context, document: Document) -> None:
    """Adds to the rows of `plan` the company: that of an account's record, else that of the contact."""
    rules = context.config.rules
    with context.store.reading() as session:
        asking = Asking(session, rules)
        owners = [(row, owner_of(row["key"])) for row in document["records"]]
        accounts = loading.companies(session, [owner for row, owner in owners if row["entity"] == Entity.ACCOUNT])
        of_contacts = [(row, owner) for row, owner in owners if row["entity"] != Entity.ACCOUNT]
        of_contacts += [(row, row["contact"]) for kind in ("parked", "withdrawn") for row in document[kind]]
        at = company_names_of(asking, [contact for _, contact in of_contacts])
    for row, company in owners:
        if company in accounts and row["entity"] == Entity.ACCOUNT:
            row["company_name"] = people.name_of(accounts[company], rules)
    for row, contact in of_contacts:
        row["company_name"] = at.get(contact)


def company_names_of(asking: Asking, contact_ids: Sequence[str]) -> dict[str, str | None]:
    """By contact the names of its companies."""
    rows = named(asking, [{"contact": contact} for contact in dict.fromkeys(contact_ids)])
    return {row["contact"]: row.get("company_name") for row in rows}


def _who(person: Person | None) -> Document:
    names = (person.name, documents.company_names(person)) if person else (None, None)
    return dict(zip(("name", "company_name"), names, strict=True))


def _stream(name: str, listing: Listing[_T], form: Callable[[_T], Document]) -> None:
    output.stream_json(name, (form(row) for row in listing), lambda: {"total": listing.total})


def _check_forms(csv: bool, bom: bool, json: bool) -> None:
    if csv and json:
        raise ConfigurationError(["give either --csv or --json"])
    _needs(bom, csv, "--bom", "--csv")


def _needs(given: bool, other: object, option: str, needed: str) -> bool:
    if given and not other:
        raise ConfigurationError([f"{option} goes with {needed}"])
    return given


def _one_of(given: str, option: str, allowed: tuple[str, ...]) -> str:
    if given not in allowed:
        raise ConfigurationError([f"{option}: found {given!r}, allowed: {', '.join(allowed)}"])
    return given


def _sort(given: str) -> Sort:
    _one_of(given, "--sort", _SORTS)
    return next(sort for sort in _SORTS if sort == given)


def _score(name: str | None, rules: Rules) -> str | None:
    return _one_of(name, "--score", tuple(score.name for score in rules.qualification.scores)) if name else None
