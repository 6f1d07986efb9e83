"""What a company is called and which company a lead's account is made of."""

from collections.abc import Sequence

from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.rules import LabelRule
from sync.domain.views import Association, Company, ContactView
from sync.mappers.transforms import domain


def company_name(company: Company) -> str | None:
    """The company's name, or its domain where it has none."""
    return company.get("name") or company.get("domain")


def web_domain(company: Company, sources: Sequence[str]) -> str | None:
    """The first source that holds a web address, reduced to its domain."""
    found = (domain(value) for name in sources if (value := company.get(name)))
    return next((value for value in found if value), None)


def labelled(association: Association, text: str) -> bool:
    """Whether the pair carries the label of this text."""
    return any(label.text == text for label in association.labels)


def choose(view: ContactView, labels: Sequence[LabelRule] = ()) -> tuple[Company | None, Reason]:
    """The company of the lead's account and why; with None the reason's code decides.

    A company whose label the rules prefer, then the primary one, then the only one, then the contact's company text
    (QUALIFIED without a company).
    """
    named = [association for association in view.associations if company_name(association.company)]
    for rule in labels:
        if rule.account and (found := [a for a in named if labelled(a, rule.label)]):
            return _by_label(found, rule.label, len(named))
    primary = next((association for association in named if association.is_primary), None)
    if primary:
        return primary.company, _chosen(primary, f"primary of {len(named)}")
    if len(named) == 1:
        return named[0].company, _chosen(named[0], "the only associated company")
    if named:
        return None, Reason(Code.COMPANY_AMBIGUOUS, f"{len(named)} associated companies, none of them primary")
    if view.get("company"):
        return None, Reason(Code.QUALIFIED, "no associated company: the contact's company text goes onto the lead")
    return None, Reason(Code.NO_COMPANY, "no associated company and no company text")


def _by_label(found: Sequence[Association], label: str, among: int) -> tuple[Company | None, Reason]:
    """The only company of the label, or the primary one of several."""
    best = found if len(found) == 1 else [association for association in found if association.is_primary]
    if len(best) == 1:
        return best[0].company, _chosen(best[0], f"label {label!r}, of {among}")
    return None, Reason(Code.COMPANY_AMBIGUOUS, f"{len(found)} companies with label {label!r}, none of them primary")


def _chosen(association: Association, why: str) -> Reason:
    return Reason(Code.QUALIFIED, f"company {association.company.id}: {why}")
