"""What people ask about erasures: what one would remove, whether a contact was erased, and what is left to do."""

import getpass
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from sync.admin.explain import Explained
from sync.domain.codes import EXPLANATIONS, Code
from sync.domain.entities import Entity
from sync.domain.erasing import problem_of
from sync.domain.moments import iso
from sync.domain.rules import Rules
from sync.domain.text import clean
from sync.errors import ConfigurationError
from sync.log import Event, emit
from sync.mirror import refetch_queue
from sync.privacy import certificates
from sync.privacy.certificates import Certificate
from sync.state import tables
from sync.state.erasure import purge, scrub, steps
from sync.state.erasure.steps import Order
from sync.state.erasure.tombstones import Tombstones, erased_before
from sync.state.store import Store


@dataclass(frozen=True)
class Erasures:
    """The erasures of one state file."""

    store: Store
    marks: Tombstones
    rules: Rules | None = None

    # ---- before

    def preview(self, contact_id: str) -> dict[str, Any]:
        """What an erasure would remove; writes nothing. Raises ConfigurationError for an unknown contact."""
        contact_hash = self.marks.of_contact(contact_id)
        with self.store.reading() as session:
            ids = purge.all_ids_of(session, contact_id)
            if not purge.is_known(session, [contact_id, *ids]):
                raise _unknown(contact_id, erased=bool(erased_before(session, [contact_hash])))
            rows = steps.to_clear(session, [contact_id, *ids])
            states = {row.object_id: row.observed for row in purge.pairs_of(session, [contact_id, *ids])}
            removed = purge.counts(session, [contact_id, *ids])
        shown = [self._shown(row, states.get(row["object_id"], {})) for row in rows]
        return {
            "contact": contact_id,
            "contact_hash": contact_hash,
            "removed": removed,
            "c4c": sorted(shown, key=lambda row: row["result"] != "open lead"),
            "to_do": [{"text": f"{name}: a copy from before"} for name in scrub.older_copies(self.store.path)],
        }

    def _shown(self, row: dict[str, Any], observed: Any) -> dict[str, Any]:
        """A record with what would become of it; of a lead that sales is at work on, that it is open."""
        result = "kept" if row["result"] == "kept" else "would be cleared"
        if row["entity"] == Entity.LEAD and self.rules and result != "kept":
            closed = observed.get("LifeCycleStatusCode") in self.rules.mapping.lead.closed_status
            result = "closed lead" if closed else "open lead"
        return {name: row[name] for name in ("entity", "object_id", "number")} | {"result": result}

    # ---- asking for it

    def check_reason(self, contact_id: str, reason: str) -> None:
        """Raises ConfigurationError for a reason that cannot be kept."""
        with self.store.reading() as session:
            self._reason(session, contact_id, reason)

    def previewed(self, contact_id: str, reason: str) -> dict[str, Any] | None:
        """What would go, for the person who is asked; None if the erasure was recorded before.

        Raises ConfigurationError like `ask`.
        """
        with self.store.reading() as session:
            self._reason(session, contact_id, reason)
            if self._former(session, contact_id) or erased_before(session, [self.marks.of_contact(contact_id)]):
                return None
        return self.preview(contact_id)

    def ask(self, contact_id: str, reason: str, now: datetime) -> str | Certificate:
        """Records the erasure, and returns its id; or the certificate if nothing is left to do.

        Raises ConfigurationError for an unknown contact, or a reason that cannot be kept.
        """
        with self.store.session() as session:
            order = Order(contact_id, by(), self._reason(session, contact_id, reason))
            if former := self._former(session, contact_id):
                if former.stage != "done":
                    return former.id
                left = certificates.certificate(former, self.store.path)
                return steps.again(session, former, order, now).id if former.to_do else left
            ids = [contact_id, *purge.all_ids_of(session, contact_id)]
            if not purge.is_known(session, ids):
                return self._from_file(session, contact_id)
            return steps.begin(session, self.marks, order, now).id

    def _reason(self, session: Session, contact_id: str, reason: str) -> str:
        said = " ".join(clean(reason).split())
        ids = [contact_id, *purge.all_ids_of(session, contact_id)]
        persons = [properties for _, properties in purge.mirrored_of(session, ids)]
        if problem := problem_of(said, persons):
            raise ConfigurationError([problem])
        return said

    def _former(self, session: Session, contact_id: str) -> tables.Erasure | None:
        """The last erasure of this contact that is in force or under way."""
        digest = self.marks.of_contact(contact_id)
        mark = erased_before(session, [digest]).get(digest)
        newest = steps.last_of(session, digest)
        if newest and newest.stage != "done":
            return newest
        if mark is None:
            return None
        return newest or session.get(tables.Erasure, mark.erasure)

    def _from_file(self, session: Session, contact_id: str) -> Certificate:
        """The certificate of an erasure that the state no longer knows. Raises ConfigurationError if there is none."""
        digest = self.marks.of_contact(contact_id)
        mark = erased_before(session, [digest]).get(digest)
        if mark is None:
            raise _unknown(contact_id, erased=False)
        try:
            found: Certificate = json.loads(certificates.path_of(mark.erasure, self.store.path).read_text("utf-8"))
        except (OSError, ValueError):
            raise _unknown(contact_id, erased=True) from None
        return found

    def outcome(self, erasure_id: str) -> tuple[Certificate, bool]:
        """(what was done and what is left, whether the erasure is complete)."""
        with self.store.reading() as session:
            found = session.get_one(tables.Erasure, erasure_id)
        done = found.stage == "done"
        return certificates.certificate(found, self.store.path, searched=done or bool(found.records)), done

    # ---- afterwards

    def lift(self, contact_id: str, reason: str, now: datetime) -> int:
        """Lets an erased person be stored again, who consented anew; returns the number of tombstones taken back.

        The contact is read from HubSpot again. Raises ConfigurationError if the contact was not erased.
        """
        digest = self.marks.of_contact(contact_id)
        with self.store.session() as session:
            self._reason(session, contact_id, reason)
            mark = erased_before(session, [digest]).get(digest)
            if mark is None:
                raise ConfigurationError([f"contact {contact_id} was not erased: there is nothing to lift"])
            lifted = self.marks.lift(session, [mark.erasure], now)
            refetch_queue.enqueue(session, [contact_id])
        emit(Event.ERASURE_LIFTED, contact=contact_id)
        return lifted

    def explain(self, contact_id: str) -> Explained | None:
        """Why an erased contact is missing; None if it was not erased."""
        if not self.marks.key:
            return None
        digest = self.marks.of_contact(contact_id)
        with self.store.reading() as session:
            mark = erased_before(session, [digest]).get(digest)
        return _explained(contact_id, mark, self.rules) if mark else None


def by() -> str:
    """Who asks: the user of the operating system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _unknown(contact_id: str, *, erased: bool) -> ConfigurationError:
    if erased:
        return ConfigurationError([f"contact {contact_id} was erased already, and nothing is held about it"])
    return ConfigurationError(
        [f"contact {contact_id}: nothing is held about it; take the id from HubSpot's record URL"]
    )


def _explained(contact_id: str, mark: tables.Tombstone, rules: Rules | None) -> Explained:
    explained = EXPLANATIONS[Code.ERASED]
    return {
        "contact": contact_id,
        "code": str(Code.ERASED),
        "codes": [str(Code.ERASED)],
        "meaning": explained.meaning,
        "remedy": explained.remedy,
        "remedies": {str(Code.ERASED): explained.remedy},
        "scores": [],
        "warnings": [],
        "status": "done",
        "detail": f"erased at {iso(mark.erased_at)}; a tombstone keeps the person from being stored again",
        "attempts": 0,
        "next_try": None,
        "companies": [],
        "links": [],
        "handovers": [],
        "above_threshold_since": {},
        "outdated": False,
        "rules": rules.fingerprint if rules else None,
        "input": None,
    }


def under_way(session: Session) -> dict[str, Any]:
    """For `status`: erasures that are under way, and records that a person has to clear in C4C, with numbers."""
    rows: Sequence[tables.Erasure] = session.exec(select(tables.Erasure).order_by(tables.Erasure.id)).all()
    newest = {row.contact_hash: row for row in rows}
    left = [entry for row in newest.values() if row.stage == "done" for entry in row.to_do]
    return {"open": sum(row.stage != "done" for row in newest.values()), "to_do": left}
