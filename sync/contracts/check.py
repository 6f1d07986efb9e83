"""Compares the rules with the portal and the tenant, and names every mismatch. Changes nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sync.config import FILES, Configuration
from sync.context import Context
from sync.contracts import access, dates, freshness, property_check, score_types
from sync.contracts.tenant import assumed, read_tenant
from sync.domain.labels import Bindings, resolve_labels
from sync.domain.rules import Rules
from sync.domain.schema import Schema
from sync.domain.spelling import entry, nearest, shown
from sync.domain.views import Label
from sync.errors import SYSTEM_NAMES, ConfigurationError, RemoteError, System
from sync.hubspot_client import HubSpotPort, Property
from sync.mirror import labels as label_bindings
from sync.net import certificates
from sync.planner.records.owners import why_not
from sync.planner.writes import Tenant

_T = TypeVar("_T")
_Finding = dict[str, str]

_LEAD_STATUS = "LeadLifeCycleStatusCodeCollection"


def files(configuration: Configuration, directory: Path) -> dict[str, Any]:
    """What the rule files ask for. They were read and are consistent at this point."""
    rules = configuration.rules
    return {
        "findings": [*unread_scores(directory), *_score_values(rules, assumed(rules))],
        "facts": [f"{directory}: rules {rules.fingerprint} are consistent", *_asked(rules)],
    }


def online(
    context: Context, directory: Path, certificate: Path | None = None
) -> tuple[dict[str, Any], list[RemoteError]]:
    """Compares both systems with the rules of the directory; returns the findings, and the failures that kept a system
    from being read. `certificate`: our own, if there is one. An unreachable system is a finding, and the other one is
    still compared.
    """
    rules, asking = context.config.rules, _Asking()
    findings = [*unread_scores(directory), *_certificate(certificate, context.now())]
    findings += asking.get(lambda: [*hubspot(context.hubspot, rules), *_labels(context)], "hubspot") or []
    findings += _frozen(context)
    tenant, of_tenant = asking.get(lambda: _tenant(context), "c4c") or (None, [])
    findings += of_tenant
    if tenant:
        findings += asking.get(lambda: _of_both(context, tenant), "hubspot") or []
    facts = [f"rules {rules.fingerprint}", *_asked(rules)]
    facts += asking.get(lambda: list(_lead_status(context)), "c4c") or []
    failures = list(asking.failures.values())
    return {"findings": [*map(_unanswered, failures), *findings], "facts": facts}, failures


class _Asking:
    """Sends requests to the systems.

    After a failure a system gets no more requests, since they would fail the same way.
    """

    def __init__(self) -> None:
        self.failures: dict[System, RemoteError] = {}

    def get(self, ask: Callable[[], _T], system: System) -> _T | None:
        """The answer; None if this request, or an earlier one to the same system, failed."""
        if system in self.failures:
            return None
        try:
            return ask()
        except RemoteError as failure:
            self.failures[failure.system] = failure
            return None


def _unanswered(failure: RemoteError) -> _Finding:
    name = SYSTEM_NAMES[failure.system]
    return _finding("error", name, str(failure).removeprefix(f"{name}: "))


def _certificate(path: Path | None, now: datetime) -> Iterator[_Finding]:
    """A finding if our certificate ends soon or has ended.

    That its files fit was checked when the settings were read.
    """
    validity = certificates.of_file(path) if path else None
    problem = validity.problem(now) if validity else None
    if validity and problem:
        severity = "warning" if validity.not_before <= now <= validity.not_after else "error"
        yield _finding(severity, certificates.CERT, f"the certificate {problem}")


def _asked(rules: Rules) -> list[str]:
    return [
        f"contact properties asked of HubSpot: {', '.join(rules.contact_properties())}",
        f"company properties asked of HubSpot: {', '.join(rules.company_properties())}",
    ]


def hubspot(hubspot: HubSpotPort, rules: Rules) -> Iterator[_Finding]:
    """The portal's properties, their types and options, compared with what the rules expect."""
    contacts = {p.name: p for p in hubspot.properties("contacts")}
    companies = {p.name: p for p in hubspot.properties("companies")}
    yield from property_check.unknown_properties(rules, contacts, companies)
    yield from portal_mismatches(rules, contacts.values(), companies.values())


def portal_mismatches(rules: Rules, contacts: Iterable[Property], companies: Iterable[Property]) -> Iterator[_Finding]:
    """Properties of the portal whose options or types differ from what the rules expect."""
    of_contacts, of_companies = ({p.name: p for p in found} for found in (contacts, companies))
    yield from property_check.unknown_options(rules, of_contacts, of_companies)
    yield from _types(rules, of_contacts)


def _labels(context: Context) -> Iterator[_Finding]:
    """Labels by the ids that they were bound to; binds none itself."""
    with context.store.reading() as session:
        bound = label_bindings.bindings(session)
    yield from labels_that_do_not_fit(context.config.rules, context.hubspot.labels(), bound)


def labels_that_do_not_fit(rules: Rules, labels: Sequence[Label], bound: Bindings) -> Iterator[_Finding]:
    """Labels that the portal lacks or has renamed.

    An error if contacts that the label keeps back would be handed over.
    """
    entries = rules.qualification.labels
    found = resolve_labels([rule.label for rule in entries], labels, bound)
    texts = [label.text for label in labels if label.text]
    there = {(label.category, label.type_id) for label in labels}
    for text, problem in found.problems:
        lost = found.bindings.get(text) not in there
        for n, rule in ((n, rule) for n, rule in enumerate(entries) if rule.label == text):
            severity = "error" if lost and rule.keeps_back else "warning"
            where = f"qualification.toml: {entry('labels', n, text)}"
            yield _finding(severity, where, f"{shown(text)} {problem}{nearest(text, texts) if lost else ''}")


def unread_scores(directory: Path) -> Iterator[_Finding]:
    """Files in the directory that look like rule files but are not read: probably a misspelt name,
    or a forgotten copy.
    """
    for path in sorted(directory.glob("*.toml")):
        if path.name not in FILES:
            text = f"this file is not read{nearest(path.name, FILES)}"
            yield _finding("warning", str(path), text)


def _score_values(rules: Rules, schema: Schema) -> Iterator[_Finding]:
    """Fields of the lead that could never hold the score, given the type of the score's property."""
    fields = rules.mapping.lead.fields
    for n, text in score_types.unfit(rules, schema):
        yield _finding("error", f"mapping.toml: {entry('lead.fields', n, ', '.join(fields[n].target))}", text)


def _times_of_day(context: Context, schema: Schema) -> Iterator[_Finding]:
    found = dates.without_zone(context.config.rules, schema, context.hubspot.properties)
    yield from (_finding("warning", f"mapping.toml: {where}", text) for where, text in found)


def _types(rules: Rules, contacts: dict[str, Property]) -> Iterator[_Finding]:
    for n, score in enumerate(rules.qualification.scores):
        where = f"qualification.toml: {entry('scores', n, score.name)}"
        for measure in (score, *score.combined):
            yield from (
                _finding("warning", where, problem) for problem in score_types.score_mismatches(measure, contacts)
            )
    severity, problem = score_types.optout(contacts.get(rules.qualification.consent.optout_property))
    if problem:
        yield _finding(severity, "qualification.toml: consent.optout_property", problem)


def _frozen(context: Context) -> Iterator[_Finding]:
    with context.store.reading() as session:
        scores = freshness.frozen(session, context.config, context.now())
    names = [score.name for score in context.config.rules.qualification.scores]
    for score in scores:
        where = entry("scores", names.index(score["score"]), score["score"])
        yield _finding("warning", f"qualification.toml: {where}", freshness.frozen_sentence(score))


def _tenant(context: Context) -> tuple[Tenant | None, list[_Finding]]:
    """The tenant and its mismatches; None if it lacks what every handover needs."""
    rules = context.config.rules
    try:
        tenant, mismatches = read_tenant(context.c4c, rules, context.now())
    except ConfigurationError as error:
        return None, [_finding("error", SYSTEM_NAMES["c4c"], problem) for problem in error.problems]
    findings = [_finding("warning", SYSTEM_NAMES["c4c"], str(mismatch)) for mismatch in mismatches]
    may_not = access.findings(context.c4c, rules, tenant)
    findings += [_finding(severity, SYSTEM_NAMES["c4c"], text) for severity, text in may_not]
    return tenant, [*findings, *_score_values(rules, tenant.schema), *_owner_rules(rules, tenant)]


def _of_both(context: Context, tenant: Tenant) -> list[_Finding]:
    """Checks that need both systems: types of date properties, and owners that are employees."""
    return [*_times_of_day(context, tenant.schema), *_owners(context, tenant)]


def _owners(context: Context, tenant: Tenant) -> Iterator[_Finding]:
    owners = [o for o in context.hubspot.owners() if not o.archived]
    shared = [o.id for o in owners if o.email and o.email.casefold() in tenant.shared]
    unknown = [o.id for o in owners if not o.email or o.email.casefold() not in tenant.employees]
    unknown = [owner for owner in unknown if owner not in shared]
    if unknown:
        text = f"{len(unknown)} of {len(owners)} HubSpot owners are not valid employees: {', '.join(unknown)}"
        yield _finding("warning", "owners", text)
    if shared:
        text = f"{len(shared)} of {len(owners)} HubSpot owners each have an e-mail address that several valid employees"
        yield _finding("warning", "owners", f"{text} share, so that none is chosen: {', '.join(shared)}")


def _owner_rules(rules: Rules, tenant: Tenant) -> Iterator[_Finding]:
    """Members and territories whose address belongs to no valid employee.

    The finding names the entry, not the address.
    """
    for name, rule in rules.qualification.owners.items():
        members = [(f"round_robin.{n}", address) for n, address in enumerate(rule.round_robin)]
        members += [(f"territories.{n}.owner", row.owner) for n, row in enumerate(rule.territories)]
        for key, address in members:
            if address.casefold() not in tenant.employees:
                where = f"qualification.toml: owners.{name}.{key}"
                yield _finding("warning", where, why_not(address, tenant.shared))


def _lead_status(context: Context) -> Iterator[str]:
    codes = context.c4c.codes([_LEAD_STATUS]).get(_LEAD_STATUS, {})
    lead = context.config.rules.mapping.lead
    for code, text in sorted(codes.items()):
        closed, accepted = code in lead.closed_status, code in lead.accepted_status
        yield f"lead status {code} {text}{' (closed)' if closed else ''}{' (accepted)' if accepted else ''}"


def _finding(severity: str, where: str, text: str) -> _Finding:
    return {"severity": severity, "where": where, "text": text}
