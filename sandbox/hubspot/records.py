"""One CRM record and how it looks on the wire."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.hubspot import moments
from sandbox.hubspot.schema import ALWAYS, DEFAULT


@dataclass(slots=True)
class Record:
    """A contact or a company; `properties` is replaced on every write, never changed in place."""

    kind: str
    id: str
    properties: dict[str, str]
    created_ms: int
    updated_ms: int
    archived_ms: int | None = None
    merged_into: str | None = None
    erased: bool = False
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        return self.archived_ms is None and self.present

    @property
    def present(self) -> bool:
        """Live or archived: neither merged away nor erased."""
        return self.merged_into is None and not self.erased

    def as_json(self, requested: Iterable[str] | None, known: Iterable[str]) -> dict[str, Any]:
        """The record with the requested properties only; unknown names are ignored, missing values are null."""
        wanted = set(requested) & set(known) if requested else set(DEFAULT[self.kind])
        names = sorted(wanted | set(ALWAYS[self.kind]))
        body: dict[str, Any] = {
            "id": self.id,
            "properties": {name: self.properties.get(name) for name in names},
            "createdAt": moments.iso(self.created_ms),
            "updatedAt": moments.iso(self.updated_ms),
            "archived": self.archived_ms is not None,
        }
        if self.archived_ms is not None:
            body["archivedAt"] = moments.iso(self.archived_ms)
        return body

    def history_of(self, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """Every value a property had, newest first."""
        return {name: self._versions(name) for name in names if name in self.properties or name in self.history}

    def _versions(self, name: str) -> list[dict[str, Any]]:
        if name in self.history:
            return self.history[name]
        return [version(self.properties[name], self.created_ms, "IMPORT")]

    def truth(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "properties": dict(self.properties),
            "archived": self.archived_ms is not None,
            "merged_into": self.merged_into,
            "erased": self.erased,
        }


def version(value: str, at_ms: int, source: str, source_id: str | None = None) -> dict[str, Any]:
    named = source_id or _SOURCE_IDS.get(source)
    return {"value": value, "timestamp": moments.iso(at_ms), "sourceType": source, "sourceId": named,
            "sourceLabel": None, "updatedByUserId": None}  # fmt: skip


_SOURCE_IDS = {"CRM_UI": "userId:101", "IMPORT": "4711001"}
"""What HubSpot names as the source where nothing else is said."""
