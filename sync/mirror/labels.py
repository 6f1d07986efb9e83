"""Label bindings: the association type of each label that rules name, as first found in the portal."""

import json
from collections.abc import Mapping

from sqlmodel import Session, col, select

from sync.domain.labels import Bindings, LabelId
from sync.state import tables
from sync.state.streams import remember, remembered

_NAME = "labels"
_LOST = "lost labels"


def bindings(session: Session) -> dict[str, LabelId]:
    found = json.loads(remembered(session, _NAME) or "{}")
    return {text: (str(category), int(type_id)) for text, (category, type_id) in found.items()}


def lost(session: Session) -> dict[LabelId, str]:
    """Labels that kept contacts back and that the portal no longer has, with their text in the rules."""
    found = json.loads(remembered(session, _LOST) or "[]")
    return {(str(category), int(type_id)): str(text) for category, type_id, text in found}


def save_lost(session: Session, labels: Mapping[LabelId, str]) -> None:
    remember(session, _LOST, json.dumps([[*label, text] for label, text in sorted(labels.items())]))


def save_bindings(session: Session, bound: Bindings) -> None:
    remember(session, _NAME, json.dumps(bound))


def bearers(session: Session, label: LabelId) -> list[str]:
    """Contacts with this label in the mirror."""
    of = (col(tables.Association.category) == label[0], col(tables.Association.type_id) == label[1])
    return list(session.exec(select(tables.Association.contact_id).where(*of).distinct()))
