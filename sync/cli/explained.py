"""The decision on one contact, as text for people."""

from collections.abc import Iterator

from sync.cli.output import Document, at, say
from sync.domain.codes import EXPLANATIONS, Code


def print_explain(document: Document) -> None:
    """What was decided, why, with which companies and records, and what happens next."""
    for line in lines(document):
        say(line)


def lines(document: Document) -> Iterator[str]:
    """The lines of the explanation."""
    name = f", {document['name']}" if document.get("name") else ""
    yield f"Contact {document['contact']}{name}: {document['code']}"
    yield f"  {document['meaning']}"
    if document["remedy"] != EXPLANATIONS[Code.QUALIFIED].remedy:
        yield f"  What to do: {document['remedy']}"
    for score in document["scores"]:
        yield from _score(score)
    yield from _warnings(document)
    if document.get("outdated"):
        yield "  Rules or data changed since the last push: this is the decision as of now; the next push acts on it"
    yield from _then(document) if "decided_at" in document else _now(document)
    for system, url in (("HubSpot", document.get("hubspot_url")), ("SAP Sales Cloud", document.get("c4c_url"))):
        if url:
            yield f"  {system}: {url}"
    yield f"  Rules {document['rules']}, input {document['input'] or 'unknown'}"


def _warnings(document: Document) -> Iterator[str]:
    """Each warning; below the last one of each code, what to do about it."""
    warnings = document["warnings"]
    for code in dict.fromkeys(warning["code"] for warning in warnings):
        for text in (warning["text"] for warning in warnings if warning["code"] == code):
            yield f"  Warning {code}: {text}"
        if code != document["code"]:
            yield f"    What to do: {EXPLANATIONS[Code(code)].remedy}"


def _score(score: Document) -> Iterator[str]:
    qualifies = score["code"] == Code.QUALIFIED
    yield f"  Score {score['score']}: " + (f"qualifies, route {score['route']}" if qualifies else score["code"])
    for reason in score["reasons"]:
        held = reason["code"] in (Code.QUALIFIED, Code.ALREADY_HANDED_OVER)
        yield f"    {'yes' if held else 'no '}  {reason['text']}"


def _then(document: Document) -> Iterator[str]:
    when = at(document["decided_at"])
    yield f"  Decided at {when} in run {document['run_id']}, by the rules and the data of that time"


def _now(document: Document) -> Iterator[str]:
    companies = document["companies"]
    for n, company in enumerate(companies, 1):
        labels = ", ".join(company["labels"]) or "none"
        name = f' "{company["name"]}"' if company.get("name") else ""
        primary = ", primary" if company["primary"] else ""
        yield f"  Company {n} of {len(companies)}:{name} ({company['id']}){primary}; labels: {labels}"
    for link in document["links"]:
        yield f"  {_link(link)}"
    for handover in document["handovers"]:
        crossed = at(handover["crossed_at"], "an unknown time")
        yield f"  Handed over as lead {handover['lead']} at {at(handover['at'])}, crossed the threshold at {crossed}"
    yield f"  Status {document['status']}; next try {at(document['next_try'])}; attempts {document['attempts']}"
    if document["detail"]:
        yield f"  Detail: {document['detail']}"


def _link(link: Document) -> str:
    never = _NEVER.get(link["origin"], "adopted, never written")
    written = f"last written {at(link['last_written'])}" if link["last_written"] else never
    by = f", found by {link['adopted_by']}" if link.get("adopted_by") else ""
    number = f" {link['number']}" if link["number"] else ""
    state = f" {link['state']}," if link["state"] else ""
    return f"{link['entity']}{number} ({link['key']} → {link['object_id']}){state} {written}{by}"


_NEVER = {
    "created": "created together with its header",
    "shared": "shared with another HubSpot id",
    "set": "named by a person",
}
