"""An HTTP request as the checks see it."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.strict.violations import Violated

Headers = tuple[tuple[str, str], ...]
"""Names in lower case, in the order of arrival."""

LIST_FIELDS = frozenset({"accept", "accept-encoding", "accept-language", "cache-control", "connection", "if-match"})
"""Fields whose value is a list, so that several lines are one list (RFC 9110 5.3)."""


@dataclass(frozen=True)
class Message:
    """`target` is what the request line holds: a path with its query for a request, a relative reference in a batch."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The field's value, or None without such a field; several lines are joined only where the field is a list."""
        values = [value for key, value in self.headers if key == name]
        if len(values) > 1 and name not in LIST_FIELDS:
            raise Violated("header-twice", "RFC 9110 5.3", f"{name} stands on {len(values)} lines")
        return ", ".join(values) if values else None
