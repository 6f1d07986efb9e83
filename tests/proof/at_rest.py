"""What must hold once both sides have come to rest: nobody is lost, nothing is there twice, refusals have arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from proof.evidence import ACCEPTED, CLOSED, KEY, OBSOLETE, Evidence, Finding, Row, has_basis, score_of

SETTLED = ("done", "parked")


def findings(seen: Evidence) -> Iterator[Finding]:
    yield from settled(seen)
    yield from duplicates(seen)
    yield from lost(seen)
    yield from mirrored(seen)
    yield from refusals(seen)
    yield from places(seen)
    yield from scores(seen)


def settled(seen: Evidence) -> Iterator[Finding]:
    """Every living contact ends with a code, and another round would write nothing."""
    if seen.unsettled:
        yield Finding("broken", "it comes to rest", f"{seen.unsettled} contacts, writes or failures are left")
    for contact in seen.hubspot.live():
        if contact["id"] in seen.journal.restored and contact["id"] not in seen.state.mirror:
            continue
        status, code = seen.state.progress.get(contact["id"], ("unknown", ""))
        if status not in SETTLED or not code:
            yield Finding("lost", "every contact ends with a code", f"contact {contact['id']}: {status} {code}")


def duplicates(seen: Evidence) -> Iterator[Finding]:
    """One key, one record; one relationship a pair; one open lead a contact."""
    for (entity, key), number in Counter(_once_each(seen)).items():
        if number > 1:
            yield Finding("duplicate", "one key, one record", f"{entity} {key}: {number}")


def _once_each(seen: Evidence) -> Iterator[tuple[str, str]]:
    """Everything that may be there only once."""
    rows = seen.c4c.rows
    for entity, status in (("CorporateAccount", "LifeCycleStatusCode"), ("Contact", "StatusCode"), ("Lead", "")):
        yield from ((entity, row[KEY]) for row in rows[entity] if row.get(KEY) and row.get(status) != OBSOLETE)
    yield from (("relationship", f"{r['ContactID']} at {r['AccountID']}") for r in rows["ContactIsContactPersonFor"])
    yield from (("permission set", row["BusinessPartnerUUID"]) for row in rows["MarketingPermission"])
    yield from (("channel", f"{row['ParentObjectID']} {row['Channel']}") for row in rows["ChannelPermission"])
    for contact, leads in seen.c4c.leads.items():
        yield from (("open leads of a contact", contact) for lead in leads if _open(lead))


def _open(lead: Row) -> bool:
    return lead["LifeCycleStatusCode"] not in CLOSED


# ---- nobody is lost


def lost(seen: Evidence) -> Iterator[Finding]:
    """Every contact that qualifies has its lead, or is parked for a reason that the truth confirms."""
    ever = {effect.after[KEY].split(":")[0] for effect in seen.journal.ours() if _new_lead(effect.entity, effect.after)}
    for contact in seen.hubspot.live():
        if not qualifies(seen, contact) or seen.hubspot.families[contact["id"]] & ever:
            continue
        status, code = seen.state.progress.get(contact["id"], ("unknown", ""))
        if status == "parked" and justified(seen, contact, code):
            continue
        yield Finding("lost", "every qualified contact has its lead", f"contact {contact['id']}: {status} {code}")


def _new_lead(entity: str, after: Row) -> bool:
    return entity == "Lead" and bool(after.get(KEY))


def qualifies(seen: Evidence, contact: Row) -> bool:
    """By the shipped rules: the score, a legal basis, a last name, and something to name the company by."""
    properties, score = contact["properties"], score_of(contact["properties"])
    named = bool(properties.get("lastname")) and bool(
        properties.get("company") or _named_companies(seen, contact["id"])
    )
    return score is not None and score >= seen.threshold() and has_basis(properties) and named


def _named_companies(seen: Evidence, contact: str) -> list[str]:
    companies = seen.hubspot.companies
    named = ("name", "domain")
    return [i for i in seen.hubspot.companies_of(contact) if any(companies[i]["properties"].get(n) for n in named)]


def justified(seen: Evidence, contact: Row, code: str) -> bool:
    """Whether the truth of both sides bears out the code with which a contact is parked."""
    company = seen.hubspot.company_of(contact["id"])
    match code:
        case "COMPANY_AMBIGUOUS":
            return company is None and len(seen.hubspot.companies_of(contact["id"])) > 1
        case "ACCOUNT_AMBIGUOUS":
            return company is not None and _account_in_doubt(seen, company)
        case "CONTACT_DUPLICATE" | "CONTACT_AMBIGUOUS":
            return _shares_address(seen, contact)
        case "COMPANY_DUPLICATE":
            return company is not None and _shares_domain(seen, company)
    return False


def _account_in_doubt(seen: Evidence, company: str) -> bool:
    """Several accounts fit the company, or its own one is obsolete."""
    family = seen.hubspot.company_families[company]
    rows = seen.c4c.rows["CorporateAccount"]
    own = [row for row in rows if row.get(KEY) in family]
    fitting = [row for row in rows if fits(seen, company, row)]
    return len(fitting) > 1 or any(row["LifeCycleStatusCode"] == OBSOLETE for row in [*own, *fitting])


def fits(seen: Evidence, company: str, account: Row) -> bool:
    """Whether an account is that of the company by web site, or by name and place."""
    known = [seen.hubspot.companies[i]["properties"] for i in seen.hubspot.company_families[company]]
    hosts = {_host(one.get("domain")) for one in known} - {""}
    places = {(one.get("name"), one.get("zip")) for one in known}
    place = (account.get("Name"), account.get("StreetPostalCode"))
    return _host(account.get("WebSite")) in hosts or place in places


def _host(text: str | None) -> str:
    return (text or "").lower().split("://")[-1].split("/")[0].removeprefix("www.")


def _shares_address(seen: Evidence, contact: Row) -> bool:
    address = str(contact["properties"].get("email") or "").casefold()
    others = (row for row in seen.hubspot.contacts.values() if row["id"] != contact["id"])
    mine = seen.hubspot.families[contact["id"]]
    in_hubspot = any(str(row["properties"].get("email") or "").casefold() == address for row in others)
    in_c4c = [row for row in seen.c4c.rows["Contact"] if str(row.get("Email") or "").casefold() == address]
    return bool(address) and (in_hubspot or any(row.get(KEY) not in mine for row in in_c4c))


def _shares_domain(seen: Evidence, company: str) -> bool:
    mine = seen.hubspot.companies[company]["properties"]
    others = (row for row in seen.hubspot.companies.values() if row["id"] != company and seen.hubspot.lives(row))
    return any(row["properties"].get("domain") == mine.get("domain") for row in others)


# ---- the mirror, refusals, accounts and scores


def mirrored(seen: Evidence) -> Iterator[Finding]:
    """What is stored of a living contact is what HubSpot has; a score below the threshold may be an older one."""
    for contact in seen.hubspot.live():
        if contact["id"] in seen.journal.restored and (score_of(contact["properties"]) or 0) < seen.threshold():
            continue
        held = seen.state.mirror.get(contact["id"])
        if held is None:
            yield Finding("lost", "every contact is read", f"contact {contact['id']} is not stored")
            continue
        now = contact["properties"]
        names = {name for name, value in held.items() if (value or "") != now.get(name, "")}
        if (score_of(now) or 0) < seen.threshold() and (score_of(held) or 0) < seen.threshold():
            names -= {"lead_score"}
        if names:
            yield Finding("lost", "every change is read", f"contact {contact['id']}: {sorted(names)} is an older one")


def refusals(seen: Evidence) -> Iterator[Finding]:
    """Whoever opted out and is a contact person of an open or closed lead of ours is refused there too."""
    sets = {row["BusinessPartnerUUID"]: row["ObjectID"] for row in seen.c4c.rows["MarketingPermission"]}
    refused = {
        r["ParentObjectID"] for r in seen.c4c.rows["ChannelPermission"] if (r["Channel"], r["Consent"]) == ("INT", "2")
    }
    for contact in seen.hubspot.live():
        if contact["properties"].get("hs_email_optout") != "true" or _waits(seen, contact["id"]):
            continue
        for lead in seen.c4c.leads.get(contact["id"], []):
            person = seen.c4c.persons.get(lead.get("ContactUUID") or "")
            if person and person.get(KEY) == contact["id"] and sets.get(person["ContactUUID"]) not in refused:
                yield Finding("lost", "refusals arrive", f"contact {contact['id']}: not refused in C4C")


def _waits(seen: Evidence, contact: str) -> bool:
    return seen.state.progress.get(contact, ("", ""))[0] == "parked"


def places(seen: Evidence) -> Iterator[Finding]:
    """An open lead that sales has not accepted is on the account of the contact's company and names the contact."""
    for contact in seen.hubspot.live():
        company = seen.hubspot.company_of(contact["id"])
        if company is None or not qualifies(seen, contact) or _waits(seen, contact["id"]):
            continue
        for lead in seen.c4c.leads.get(contact["id"], []):
            if _open(lead) and lead["LifeCycleStatusCode"] != ACCEPTED:
                yield from _place(seen, contact["id"], company, lead)


def _place(seen: Evidence, contact: str, company: str, lead: Row) -> Iterator[Finding]:
    account = seen.c4c.accounts.get(lead.get("AccountPartyUUID") or "")
    person = seen.c4c.persons.get(lead.get("ContactUUID") or "")
    mine = seen.hubspot.company_families[company]
    if account is None or (account.get(KEY) not in mine and not fits(seen, company, account)):
        of = account.get(KEY) if account else None
        yield Finding("broken", "the right account", f"lead {lead[KEY]}: on the account of {of}, not of {company}")
    if person is None or person.get(KEY) not in seen.hubspot.families[contact]:
        yield Finding("broken", "the right person", f"lead {lead[KEY]}: names another person")


def scores(seen: Evidence) -> Iterator[Finding]:
    """An open lead shows the contact's score."""
    for contact in seen.hubspot.live():
        if not qualifies(seen, contact) or _waits(seen, contact["id"]):
            continue
        for lead in seen.c4c.leads.get(contact["id"], []):
            if _open(lead) and float(lead["HubSpotScore_KUT"]) != score_of(contact["properties"]):
                shown = lead["HubSpotScore_KUT"]
                yield Finding("broken", "a lead shows the score", f"lead {lead[KEY]}: {shown}, HubSpot has another")
