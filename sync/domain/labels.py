"""Binds the label texts of rules to association types: by text the first time, by id from then on.

Texts are for people and may be renamed; identity is (category, type id) per direction and portal (HubSpot associations
v4 guide). Ids differ between portals, so rules name labels by text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sync.domain.alike import among
from sync.domain.views import Label

LabelId = tuple[str, int]
Bindings = Mapping[str, LabelId]
"""Label bindings: text in the rules → identity of the label."""


@dataclass
class _Resolution:
    """The bindings to keep, the new ones, and the problems (text in the rules, what is wrong)."""

    bindings: dict[str, LabelId] = field(default_factory=dict)
    new: dict[str, LabelId] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)


def resolve_labels(wanted: Iterable[str], labels: Sequence[Label], bound: Bindings) -> _Resolution:
    """Keeps known bindings, binds labels that were found, and names those that were renamed,
    removed or never existed.
    """
    found = _Resolution()
    known = {_id(label): label for label in labels}
    for text in dict.fromkeys(wanted):
        binding = bound.get(text)
        if binding in known:
            found.bindings[text] = binding
            if not among(known[binding].text, (text,)):
                found.problems.append((text, f"is named {known[binding].text!r} now; the rule still means that label"))
        else:
            _search(text, labels, binding, found)
    return found


def _search(text: str, labels: Sequence[Label], binding: LabelId | None, found: _Resolution) -> None:
    ids = [_id(label) for label in labels if among(label.text, (text,))]
    if binding is not None:
        found.bindings[text] = binding
        found.problems.append((text, "has vanished" + ("; another label of that name is taken now" if ids else "")))
    if len(ids) == 1:
        found.bindings[text] = found.new[text] = ids[0]
    elif ids:
        found.problems.append((text, f"is the name of {len(ids)} labels; rename all but one in HubSpot"))
    elif binding is None:
        found.problems.append((text, "is not an association label of the portal"))


def with_rule_text(label: Label, bindings: Bindings, lost: Mapping[LabelId, str]) -> Label:
    """The label with the text that rules know it by.

    Another label that now has this text gets its ids added to the text. `lost`: removed labels that still count, with
    their text.
    """
    texts = {**{binding: text for text, binding in bindings.items()}, **lost}
    if text := texts.get(_id(label)):
        return Label(label.category, label.type_id, text)
    if label.text in bindings:
        return Label(label.category, label.type_id, f"{label.text} ({label.category} {label.type_id})")
    return label


def _id(label: Label) -> LabelId:
    return label.category, label.type_id
