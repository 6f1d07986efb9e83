"""Names a company, and chooses the company that becomes a lead's account."""

from collections.abc import Collection, Sequence

from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.rules import LabelRule
from sync.domain.views import Association, Company, ContactView
from sync.mappers.web import domain, is_shared


def company_name(company: Company, shared: Collection[str] = ()) -> str | None:
    """The company's name, or its domain where it has none.

    A domain that strangers share (`gmail.com`) names no company, even where HubSpot has made a name of it. `shared`:
    such domains that the rules add.
    """
    name, host = company.get("name"), domain(company.get("domain") or "")
    usable = host and not is_shared(host, shared)
    return name if name and (usable or name.lower() != host) else host if usable else None


def web_domain(company: Company, sources: Sequence[str], shared: Collection[str] = ()) -> str | None:
    """The first domain of the sources that belongs to one company only."""
    return next((host for host in _domains(company, sources) if not is_shared(host, shared)), None)


def unused_domains(company: Company, sources: Sequence[str], shared: Collection[str] = ()) -> tuple[str, ...]:
    """Those domains of the sources that strangers share, by which no account is looked up."""
    return tuple(dict.fromkeys(host for host in _domains(company, sources) if is_shared(host, shared)))


def _domains(company: Company, sources: Sequence[str]) -> list[str]:
    return [host for name in sources if (value := company.get(name)) and (host := domain(value))]


def labelled(association: Association, text: str) -> bool:
    """Whether the pair carries the label of this text."""
    return any(label.text == text for label in association.labels)


def related(association: Association, labels: Sequence[LabelRule]) -> bool:
    """Whether the labels of the pair allow the contact to be a contact person of the company."""
    return not any(labelled(association, rule.label) for rule in labels if not rule.relationship)


def choose_company(
    view: ContactView, labels: Sequence[LabelRule] = (), shared: Collection[str] = ()
) -> tuple[Company | None, Reason]:
    """The company of the lead's account, and the reason; if it is None, the reason's code decides.

    A company whose label the rules prefer, then the primary one, then the only one, then the contact's company text
    (QUALIFIED without a company).
    """
    named = [a for a in view.associations if company_name(a.company, shared) and related(a, labels)]
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
