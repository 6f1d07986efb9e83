"""The decision on one contact and one score, with all its reasons."""

from dataclasses import dataclass
from typing import Any

from sync.domain.codes import Code
from sync.domain.views import Company


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of a decision: a code, and a text without personal data on what it rests on."""

    code: Code
    text: str

    def to_json(self) -> dict[str, str]:
        return {"code": str(self.code), "text": self.text}


@dataclass(frozen=True, slots=True)
class Decision:
    """`code` is the result; `reasons` holds every reason that applied, in the order of the checks.

    `company` is the company of the lead's account; without one a qualified lead carries texts only. `route` is how the
    lead looks, if there is one.
    """

    score: str
    code: Code
    reasons: tuple[Reason, ...]
    company: Company | None = None
    route: str = "default"

    @property
    def qualified(self) -> bool:
        return self.code is Code.QUALIFIED

    def to_json(self) -> dict[str, Any]:
        """The decision as it is stored and shown."""
        return {
            "score": self.score,
            "code": str(self.code),
            "company": self.company.id if self.company else None,
            "route": self.route,
            "reasons": [reason.to_json() for reason in self.reasons],
        }

    @property
    def codes(self) -> tuple[str, ...]:
        """The deciding code and all others that applied. A step that was passed adds none."""
        applied = (reason.code for reason in self.reasons if reason.code is not Code.QUALIFIED)
        return tuple(dict.fromkeys(str(code) for code in (self.code, *applied)))
