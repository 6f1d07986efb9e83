"""Labels and options that the portal no longer has: a contact that one kept back stays kept back. Pure."""

from collections.abc import Mapping, Set

from sync.domain.labels import Bindings, LabelId
from sync.domain.views import Label, Properties

LabelSet = frozenset[tuple[str, Label]]
"""(company id, label) of one contact."""


def options(value: str | None) -> frozenset[str]:
    """The options of a value that may hold several."""
    return frozenset(part.strip() for part in (value or "").split(";") if part.strip())


def went(before: Properties, now: Properties, watched: Mapping[str, Set[str]]) -> bool:
    """Whether a property is empty that was filled before, or has lost one of its watched options."""
    if any(value and name in now and not now[name] for name, value in before.items()):
        return True
    return any((options(before.get(name)) - options(now.get(name))) & of for name, of in watched.items())


def kept(before: LabelSet, now: LabelSet, lost: Mapping[LabelId, str], bindings: Bindings) -> LabelSet:
    """Removed labels that kept contacts back, of pairs that still exist and do not carry a successor of the label."""
    companies = {company for company, _ in now}
    return frozenset(
        (company, label)
        for company, label in before
        if company in companies
        and (text := lost.get(_id(label))) is not None
        and not any(c == company and _id(x) == bindings.get(text) for c, x in now)
    )


def lost_labels(before: LabelSet, now: LabelSet) -> set[LabelId]:
    """Labels that pairs have lost although the pairs still exist."""
    companies = {company for company, _ in now}
    return {_id(label) for company, label in before - now if company in companies}


def _id(label: Label) -> LabelId:
    return label.category, label.type_id
