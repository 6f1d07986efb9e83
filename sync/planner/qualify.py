"""Does this contact become a lead for this score? The chain of rules, each step with its reason."""

import re
from collections.abc import Iterator

from sync.domain.codes import Code
from sync.domain.decision import Decision, Reason
from sync.domain.rules import Condition, Consent, Rules, Score, ScoringFilter, qualified
from sync.domain.scores import Level, level, number
from sync.domain.views import Company, ContactView
from sync.mappers import company as companies


def qualify(view: ContactView, rules: Rules) -> tuple[Decision, ...]:
    """One decision for each configured score."""
    return tuple(_decide(view, score, rules) for score in rules.qualification.scores)


def leading(decisions: tuple[Decision, ...]) -> Decision:
    """The decision that stands for the contact as a whole: a qualified one before all others."""
    return next((decision for decision in decisions if decision.qualified), decisions[0])


def _decide(view: ContactView, score: Score, rules: Rules) -> Decision:
    company, chosen = companies.choose(view)
    reasons = []
    for reason in _steps(view, score, rules, company):
        reasons.append(reason)
        if reason.code is not Code.QUALIFIED:
            return Decision(score.name, reason.code, tuple(reasons))
    reasons.append(chosen)
    return Decision(score.name, chosen.code, tuple(reasons), company)


def _steps(view: ContactView, score: Score, rules: Rules, company: Company | None) -> Iterator[Reason]:
    yield _alive(view)
    yield _score(view, score)
    yield from (_filter(name, rules.qualification.filters[name], view, company) for name in score.filters)
    yield _legal_basis(view, rules.qualification.consent)
    yield _last_name(view)


def _alive(view: ContactView) -> Reason:
    if view.merged_into:
        return Reason(Code.MERGED, f"merged into contact {view.merged_into}")
    if view.erased:
        return Reason(Code.ERASED, "the contact no longer exists in HubSpot")
    if view.archived:
        return Reason(Code.ARCHIVED, "deleted in HubSpot")
    return Reason(Code.QUALIFIED, "the contact is live in HubSpot")


def _score(view: ContactView, score: Score) -> Reason:
    value = view.get(score.property)
    match level(score, view.properties):
        case Level.MISSING:
            return Reason(Code.SCORE_MISSING, f"{score.property} is empty or no number")
        case Level.MET:
            return Reason(Code.QUALIFIED, f"{score.property} is {_shown(score, value)}: met")
        case _:
            return Reason(Code.SCORE_BELOW_THRESHOLD, f"{score.property} is {_shown(score, value)}: not met")


def _shown(score: Score, value: str | None) -> str:
    if score.tiers:
        return f"{value!r} in {sorted(score.tiers)}"
    return f"{number(value):g}, threshold {score.threshold:g}"


def _legal_basis(view: ContactView, consent: Consent) -> Reason:
    values = [part.strip() for part in (view.get(consent.legal_basis_property) or "").split(";")]
    bases = [value for value in values if value and value not in consent.no_basis]
    if not bases:
        return Reason(Code.NO_LEGAL_BASIS, f"{consent.legal_basis_property} names no legal basis")
    return Reason(Code.QUALIFIED, f"legal basis: {'; '.join(bases)}")


def _last_name(view: ContactView) -> Reason:
    if view.get("lastname"):
        return Reason(Code.QUALIFIED, "the last name is known")
    return Reason(Code.MISSING_LAST_NAME, "the last name is empty")


def _filter(name: str, scoring_filter: ScoringFilter, view: ContactView, company: Company | None) -> Reason:
    failed = next((c for c in scoring_filter.all if not _holds(c, _value(c, view, company))), None)
    if failed is None:
        return Reason(Code.QUALIFIED, f"filter {name!r} passed")
    return Reason(Code.FILTERED_OUT, f"filter {name!r}: {failed.property} does not fit")


def _value(condition: Condition, view: ContactView, company: Company | None) -> str | None:
    space, name = qualified("contact", condition.property).split(".", 1)
    if space == "contact":
        return view.get(name)
    return company.get(name) if company else None


def _holds(condition: Condition, value: str | None) -> bool:
    if condition.known is not None and condition.known != (value is not None):
        return False
    if condition.any_of and value not in condition.any_of:
        return False
    if value in condition.none_of:
        return False
    if condition.matches is not None and not re.search(condition.matches, value or ""):
        return False
    return _in_range(condition, value)


def _in_range(condition: Condition, value: str | None) -> bool:
    if condition.at_least is None and condition.at_most is None:
        return True
    found = number(value)
    if found is None:
        return False
    above = condition.at_least is None or found >= condition.at_least
    return above and (condition.at_most is None or found <= condition.at_most)
