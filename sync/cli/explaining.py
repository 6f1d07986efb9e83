"""The command `explain`: the whole decision on one contact, found by whatever a person has at hand."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer

from sync import app
from sync.admin import explain as explaining
from sync.admin import lists, people
from sync.admin.erasure import Erasures
from sync.admin.explain import Explained
from sync.admin.people import Person
from sync.cli import admin, output
from sync.cli.explained import print_explain
from sync.cli.output import Json
from sync.cli.people import NoNames, Opened, opened
from sync.domain.numbers import identifier
from sync.errors import ConfigurationError
from sync.mirror import selection
from sync.state.store import Store, open_store

_NAMED = 10
"""Ids that a message lists."""


def explain(
    text: Annotated[
        str, typer.Argument(metavar="CONTACT", help="A HubSpot id, or any text that leads to one contact.")
    ],
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="As decided at this time (ISO, UTC).")] = None,
    no_names: NoNames = False,
    json: Json = False,
) -> None:
    """Explain the whole decision on one contact: scores, consent, company, links, last write, next try."""
    found = _then(text, admin.parse_moment(at, "--at")) if at else _now(text, no_names=no_names)
    output.show_json(found) if json else print_explain(found)


def _now(text: str, *, no_names: bool) -> Explained:
    with opened(no_names=no_names) as found:
        contact, asking = _named(found.store, text), found.asking
        if contact and (document := explaining.explained(asking.session, asking.rules, contact)):
            return document | _who(found, document, contact)
        erasures = Erasures(found.store, app.tombstones(found.settings), asking.rules)
        if erased := erasures.explain(text):
            return erased
        raise unknown(text)


def _who(found: Opened, document: Explained, contact: str) -> Explained:
    """Name, owner and links of the contact; without names, those of its companies are left out as well."""
    asking = found.asking
    person = next(iter(people.people(asking, [contact], asking.score())), None)
    links = _links(person) if person else {}
    if asking.names:
        return links | ({"name": person.name, "owner": person.owner} if person else {})
    nameless = [{name: value for name, value in c.items() if name != "name"} for c in document["companies"]]
    return links | {"companies": nameless}


def _links(person: Person) -> Explained:
    urls = {"hubspot_url": person.hubspot_url, "c4c_url": person.c4c_url}
    return {name: url for name, url in urls.items() if url}


def _then(text: str, moment: datetime) -> Explained:
    """Past decisions come from the record alone: today's rule files are not read."""
    if moment > datetime.now(UTC):
        raise ConfigurationError([f"--at: found {moment:%Y-%m-%d %H:%M} UTC, allowed: a time in the past"])
    with closing(open_store(app.load_settings().state, create=False)) as store:
        contact = _named(store, text) or text
        if not identifier(contact):
            raise unknown(text)
        found = explaining.explain_at(store, contact, moment)
        known = explaining.oldest_decision(store, contact)
    if found is None:
        since = f"the first is of {known:%Y-%m-%d %H:%M:%S} UTC" if known else "none was ever made"
        raise ConfigurationError([f"no decision on contact {contact} is recorded for that time: {since}"])
    return found


def _named(store: Store, text: str) -> str | None:
    """The id of the one contact that the text means, None if it means nobody; a known id means that contact alone.

    Raises ConfigurationError for several. A message never repeats the text, which may be somebody's name.
    """
    with store.reading() as session:
        if selection.known_contacts(session, [text]):
            return text
        ids = lists.find_ids(session, text)
    if len(ids) > 1:
        shown = ", ".join(ids[:_NAMED]) + (", …" if len(ids) > _NAMED else "")
        raise ConfigurationError(
            [f"{len(ids)} contacts fit: {shown}; name one by its id (`hubspot-c4c-sync find TEXT` shows who they are)"]
        )
    return ids[0] if ids else None


def unknown(contact_id: str) -> ConfigurationError:
    """The mistake of naming a contact that the mirror does not hold."""
    if not identifier(contact_id):
        return ConfigurationError(
            [
                "no contact fits; allowed: a HubSpot id, as in the record's URL, a number or ObjectID of SAP Sales "
                "Cloud, an e-mail address, a web domain, or the beginnings of words of a name"
            ]
        )
    return ConfigurationError(
        [
            f"contact {contact_id} is not in the mirror; take the id from HubSpot's record URL, and read it with "
            f"`hubspot-c4c-sync resync --contact {contact_id} --refetch`"
        ]
    )
