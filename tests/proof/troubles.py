"""What can go wrong at one remote call or one commit, by name."""

from __future__ import annotations

from dataclasses import dataclass


class Died(BaseException):
    """The process is killed here. No `except Exception` of the product survives it, as none survives SIGKILL."""


FAULTS = (
    "refused",
    "reset",
    "slow",
    "slow_after",
    "cut_before",
    "cut_after",
    "truncated",
    "nonsense",
    "nonsense_after",
    "429",
    "500",
    "503",
)
"""Faults of any call. Those that end in `_after`, and `truncated`, strike when the call has had its effect."""

TENANT_FAULTS = ("lock", "sap_message", "token_expired")
"""Faults that only SAP Sales Cloud has: two strike one write inside a `$batch`, one the next token."""

DEATHS = ("die_before_call", "die_after_call", "die_before_commit", "die_after_commit")

MEANWHILE = ("meanwhile", "taken_over")
"""Something that others do while the call is under way: sales or marketing, or a second worker that takes over."""


@dataclass(frozen=True)
class Trouble:
    """`kind` strikes the `nth` call of a working phase, or its `nth` commit; 1 is the first.

    `event`: what happens meanwhile, as the text of a step."""

    kind: str
    nth: int
    event: str = ""

    @property
    def at_commit(self) -> bool:
        return self.kind.endswith("_commit")

    def __str__(self) -> str:
        return f"{self.kind}@{self.nth}" + (f"[{self.event}]" if self.event else "")
