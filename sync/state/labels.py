"""The identity of the association labels that rules name, as found when they were first seen."""

import json

from sqlmodel import Session, col, select

from sync.domain.labels import LabelId, Pins
from sync.state import tables
from sync.state.streams import remember, remembered

_NAME = "labels"


def pins(session: Session) -> dict[str, LabelId]:
    found = json.loads(remembered(session, _NAME) or "{}")
    return {text: (str(category), int(type_id)) for text, (category, type_id) in found.items()}


def save_pins(session: Session, pinned: Pins) -> None:
    remember(session, _NAME, json.dumps(pinned))


def bearers(session: Session, label: LabelId) -> list[str]:
    """Contacts that the mirror knows with this label."""
    of = (col(tables.Association.category) == label[0], col(tables.Association.type_id) == label[1])
    return list(session.exec(select(tables.Association.contact_id).where(*of).distinct()))
