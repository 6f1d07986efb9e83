"""Label bindings: the association type of each label that rules name, as first found in the portal."""

from collections.abc import Mapping

from sqlmodel import Session, col, select

from sync.domain.labels import Bindings, LabelId
from sync.state import tables
from sync.state.documents import LABELS, LOST_LABELS


def bindings(session: Session) -> dict[str, LabelId]:
    return LABELS.read(session)


def lost(session: Session) -> dict[LabelId, str]:
    """Labels that kept contacts back and that the portal no longer has, with their text in the rules."""
    return {(category, type_id): text for category, type_id, text in LOST_LABELS.read(session)}


def save_lost(session: Session, labels: Mapping[LabelId, str]) -> None:
    LOST_LABELS.write(session, [(*label, text) for label, text in sorted(labels.items())])


def save_bindings(session: Session, bound: Bindings) -> None:
    LABELS.write(session, dict(bound))


def bearers(session: Session, label: LabelId) -> list[str]:
    """Contacts with this label in the mirror."""
    of = (col(tables.Association.category) == label[0], col(tables.Association.type_id) == label[1])
    return list(session.exec(select(tables.Association.contact_id).where(*of).distinct()))
