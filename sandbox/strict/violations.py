"""A violation of a standard: how a check reports it, and the list that a test reads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

LONGEST_LIST = 1000


class Violated(Exception):
    """A request broke a rule. `source` is where the rule is written; `status` is what the request is answered with."""

    def __init__(self, rule: str, source: str, text: str, status: int = 400, allow: tuple[str, ...] = ()) -> None:
        super().__init__(f"{rule} ({source}): {text}")
        self.rule, self.source, self.text, self.status, self.allow = rule, source, text, status, allow

    def within(self, place: str) -> Violated:
        """The same violation, with the part of the request that it was found in."""
        return Violated(self.rule, self.source, f"{place}: {self.text}", self.status, self.allow)


def collected(*checks: Callable[[], object]) -> list[Violated]:
    """What each of the checks raised: one violation hides none that another check finds."""
    found = []
    for check in checks:
        try:
            check()
        except Violated as violated:
            found.append(violated)
    return found


@dataclass(frozen=True)
class Violation:
    """One recorded violation; `request` is method and path."""

    system: str
    rule: str
    source: str
    text: str
    request: str


class Violations:
    """All violations since the list was cleared; a reset of the world keeps them, so that none is lost unseen."""

    def __init__(self) -> None:
        self._found: deque[Violation] = deque(maxlen=LONGEST_LIST)

    def add(self, system: str, request: str, violated: Violated) -> None:
        self._found.append(Violation(system, violated.rule, violated.source, violated.text, request))

    def clear(self) -> None:
        self._found.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(violation) for violation in self._found]
