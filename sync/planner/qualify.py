"""Decides whether a contact becomes a lead for a score: the chain of rules, each step with its reason."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from sync.domain.alike import among
from sync.domain.codes import Code
from sync.domain.conditions import Condition
from sync.domain.decision import Decision, Reason
from sync.domain.rules import Consent, LabelRule, Measure, Rules, Score
from sync.domain.scores import Level, level, score_number
from sync.domain.views import ASSOCIATIONS, Company, ContactView, Unreadable
from sync.mappers import company as companies
from sync.planner import conditions
from sync.planner.consent import legal_bases, refusals, refused_since, stops_updates
from sync.planner.facts import Facts


def qualify(view: ContactView, rules: Rules) -> tuple[Decision, ...]:
    """One decision for each configured score.

    Called once for each loaded view; the decisions then travel with it. Planning starts anew after each answer of C4C
    and must use the same decisions each time. A view that is loaded later gets new decisions.
    """
    company, chosen = _chosen(view, rules)
    facts = Facts(view, company, rules)
    return tuple(_decide(facts, score, chosen) for score in rules.qualification.scores)


def _chosen(view: ContactView, rules: Rules) -> tuple[Company | None, Reason]:
    if ASSOCIATIONS in view.unreadable:
        return None, Reason(Code.PROPERTY_UNREADABLE, "the associations with companies cannot be read")
    try:
        return companies.choose_company(view, rules.qualification.labels, rules.mapping.account.shared_domains)
    except Unreadable as unread:
        return None, _unread(unread)


NEEDS_A_PERSON = frozenset({Code.COMPANY_AMBIGUOUS})
"""Codes that park a contact: it would qualify, but a person must settle something first."""

_ENDED = frozenset({Code.LEAD_CLOSED, Code.ALREADY_HANDED_OVER})


def leading(decisions: tuple[Decision, ...]) -> Decision:
    """The decision that counts for the contact as a whole, whatever the order of the scores in the file: first a
    qualified one, then one that waits for a person, then one that waits for a property, then one whose lead existed
    already.
    """
    return min(decisions, key=_rank)


def _rank(decision: Decision) -> int:
    if decision.qualified:
        return 0
    ranks = (NEEDS_A_PERSON, {Code.PROPERTY_UNREADABLE}, _ENDED)
    return next((rank for rank, codes in enumerate(ranks, 1) if decision.code in codes), len(ranks) + 1)


def _decide(facts: Facts, score: Score, chosen: Reason) -> Decision:
    """The first reason against decides.

    The others are listed too, so that one look shows everything that needs to be done.
    """
    alive = _alive(facts.view)
    if alive.code is not Code.QUALIFIED:
        return Decision(score.name, alive.code, (alive,))
    if facts.view.left_alone:
        reason = Reason(Code.LEFT_ALONE, f"left alone on purpose: {facts.view.left_alone}")
        return Decision(score.name, Code.LEFT_ALONE, (alive, reason))
    reasons = [alive, *_steps(facts, score), chosen, *_unused_domains(facts)]
    against = next((reason for reason in reasons if reason.code is not Code.QUALIFIED), None)
    if against:
        return Decision(score.name, against.code, tuple(reasons))
    try:
        route = _route_of(score, facts)
    except Unreadable as unread:
        return Decision(score.name, Code.PROPERTY_UNREADABLE, (*reasons, _unread(unread)))
    if route != score.route:
        reasons.append(Reason(Code.QUALIFIED, f"route {route!r}"))
    return Decision(score.name, Code.QUALIFIED, tuple(reasons), facts.company, route)


def _steps(facts: Facts, score: Score) -> Iterator[Reason]:
    view, found = facts.view, facts.rules.qualification
    yield from (_read(_measure, view, measure) for measure in (score, *score.combined))
    yield from _blocked(facts, found.labels)
    yield from (_read(_condition, f"conditions.{n}", c, facts) for n, c in enumerate(score.conditions))
    yield from (_read(_condition, f"filter {name!r}", found.filters[name], facts) for name in score.filters)
    yield _read(_legal_basis, view, found.consent)
    yield from _unknown_refusals(view, found.consent)
    if refused_since(view, found.consent):
        channels = ", ".join(sorted(refusals(view, found.consent)))
        yield Reason(
            Code.QUALIFIED, f"consent: refuses {channels}; a known contact person gets the refusal in any case"
        )
        if stops_updates(view, found.consent):
            yield Reason(Code.QUALIFIED, "consent: was withdrawn, so all other updates stop")
    yield _read(_last_name, view)


def _read(step: Callable[..., Reason], *arguments: object) -> Reason:
    """The step's outcome, or the reason that it depends on a property that cannot be read."""
    try:
        return step(*arguments)
    except Unreadable as unread:
        return _unread(unread)


def _unread(unread: Unreadable) -> Reason:
    return Reason(Code.PROPERTY_UNREADABLE, str(unread))


def _unknown_refusals(view: ContactView, consent: Consent) -> Iterator[Reason]:
    """Reasons for channels whose refusal cannot be read: the contact is not handed over until it is known."""
    names = (consent.optout_property, *(rule.property for rule in consent.channels))
    yield from (_unread(Unreadable("contact", name)) for name in dict.fromkeys(names) if name in view.unreadable)


def _alive(view: ContactView) -> Reason:
    if view.merged_into:
        return Reason(Code.MERGED, f"merged into contact {view.merged_into}")
    if view.erased:
        return Reason(Code.ERASED, "the contact no longer exists in HubSpot")
    if view.archived:
        return Reason(Code.ARCHIVED, "deleted in HubSpot")
    return Reason(Code.QUALIFIED, "the contact is live in HubSpot")


def _measure(view: ContactView, measure: Measure) -> Reason:
    value = view.get(measure.property)
    match level(measure, view.properties):
        case Level.MISSING:
            return Reason(Code.SCORE_MISSING, f"{measure.property} is empty or not a number; empty is not 0")
        case Level.MET:
            return Reason(Code.QUALIFIED, f"{_shown(measure, value, met=True)}{_since(view, measure)}")
        case _:
            return Reason(Code.SCORE_BELOW_THRESHOLD, _shown(measure, value, met=False))


def _shown(measure: Measure, value: str | None, *, met: bool) -> str:
    if measure.tiers:
        return f"{measure.property} {value!r} is {'one' if met else 'none'} of {', '.join(sorted(measure.tiers))}"
    return f"{measure.property} {score_number(value):g} {'≥' if met else '<'} {measure.threshold:g}"


def _since(view: ContactView, measure: Measure) -> str:
    crossed_at = view.crossed_at.get(measure.name) if isinstance(measure, Score) else None
    return f" since {crossed_at:%Y-%m-%d %H:%M} UTC" if crossed_at else ""


def _unused_domains(facts: Facts) -> Iterator[Reason]:
    """A note for each company's domain by which no account is looked up; none where a domain cannot be read."""
    rules = facts.rules.mapping.account
    sources = [source for key in rules.natural_keys if key.kind == "web_domain" for source in key.source]
    for company in (association.company for association in facts.view.associations):
        with suppress(Unreadable):
            for host in companies.unused_domains(company, sources, rules.shared_domains):
                text = f"company {company.id}: domain {host} is shared by many; not used to find its account"
                yield Reason(Code.QUALIFIED, text)


def _blocked(facts: Facts, labels: tuple[LabelRule, ...]) -> Iterator[Reason]:
    """Labels that keep a contact from being handed over, each with its outcome."""
    for rule in labels:
        if rule.blocks is None:
            continue
        carriers = [a.company for a in facts.view.associations if companies.labelled(a, rule.label)]
        hit = [c for c in carriers if rule.blocks == "any" or _same(c, facts.company)]
        if hit:
            yield Reason(Code.FILTERED_OUT, f"label {rule.label!r} of company {hit[0].id} blocks the handover")
        else:
            yield Reason(Code.QUALIFIED, f"no company with label {rule.label!r} in the way")


def _same(one: Company, other: Company | None) -> bool:
    return other is not None and one.id == other.id


def _condition(name: str, condition: Condition, facts: Facts) -> Reason:
    found = conditions.shortfall(condition, facts)
    if found is None:
        return Reason(Code.QUALIFIED, f"{name} passed")
    return Reason(Code.FILTERED_OUT, f"{name}: {found}")


def _legal_basis(view: ContactView, consent: Consent) -> Reason:
    given = view.get(consent.legal_basis_property)
    bases = legal_bases(given, consent)
    if not bases:
        allowed = " that the rules allow" if consent.allowed_basis and (given or "").strip("; ") else ""
        return Reason(Code.NO_LEGAL_BASIS, f"{consent.legal_basis_property} names no legal basis{allowed}")
    confirmed = among(view.get(consent.confirmation_property), consent.confirmed)
    sure = [basis for basis in bases if confirmed or basis not in consent.confirmation_for]
    if not sure:
        missing = f"{consent.confirmation_property} is not confirmed"
        return Reason(Code.NO_LEGAL_BASIS, f"legal basis {'; '.join(bases)} needs a double opt-in: {missing}")
    return Reason(Code.QUALIFIED, f"legal basis: {'; '.join(sure)}")


def _last_name(view: ContactView) -> Reason:
    if view.get("lastname"):
        return Reason(Code.QUALIFIED, "the last name is known")
    return Reason(Code.MISSING_LAST_NAME, "the last name is empty")


def _route_of(score: Score, facts: Facts) -> str:
    """The lead's route: that of a label on its company, else the first of the score's routes whose condition holds,
    else the score's own.
    """
    for rule in facts.rules.qualification.labels:
        if rule.route and any(
            companies.labelled(a, rule.label) for a in facts.view.associations if _same(a.company, facts.company)
        ):
            return rule.route
    return next((choice.route for choice in score.routes if conditions.holds(choice.when, facts)), score.route)
