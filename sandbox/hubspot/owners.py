"""Owners: the id on records is the owner's `id`, never the `userId` (HubSpot owners guide)."""

from dataclasses import dataclass
from typing import Any

from sandbox.hubspot import moments


@dataclass
class Owner:
    """A user who owns records; a deactivated one shows only with archived=true and keeps its records."""

    id: str
    email: str
    first_name: str
    last_name: str
    user_id: int
    stamp_ms: int
    archived: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id, "email": self.email, "type": "PERSON",
            "firstName": self.first_name, "lastName": self.last_name,
            "userId": None if self.archived else self.user_id, "userIdIncludingInactive": self.user_id,
            "createdAt": moments.iso(self.stamp_ms), "updatedAt": moments.iso(self.stamp_ms),
            "archived": self.archived, "teams": [],
        }  # fmt: skip
