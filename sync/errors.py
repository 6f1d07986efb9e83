"""Failures outside this program, by meaning: adapters translate their library's exceptions into these.

Messages name systems, endpoints, codes and ids. They never hold a person's data, a header or a body.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

System = Literal["hubspot", "c4c"]


class SyncError(Exception):
    """Base of every failure that the command line explains in a sentence instead of a traceback."""

    exit_code = 1
    needs_person = False
    """Whether the failure lasts until a person acts; it is then logged as an error instead of a warning."""
    counts: Mapping[str, Any] = MappingProxyType({})
    """What a job had done before it failed."""


class ConfigurationError(SyncError):
    """Wrong settings or rules. `problems` lists every mistake found, each with place, finding and remedy."""

    exit_code = 2
    needs_person = True

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StateError(SyncError):
    """The state file cannot be used as it is (newer version, not migrated, not ours)."""

    exit_code = 2
    needs_person = True


class AnotherWorld(StateError):
    """The settings name another portal or tenant than the one that the state file belongs to; nothing was read or
    written.
    """


class GuardTripped(SyncError):
    """A cycle would write more than the guard allows; nothing was written."""

    exit_code = 5
    needs_person = True


class Vanished(GuardTripped):
    """HubSpot reports more contacts missing than the limit without confirmation; those contacts stay as they are."""


class SecondWriter(GuardTripped):
    """Another program writes under our keys; nothing is written until a person has decided."""


class LeaseHeld(SyncError):
    """Another process writes at the moment."""

    exit_code = 2


class LeaseLost(SyncError):
    """Another process took over the lease; this one may write nothing more."""

    exit_code = 2


class Interrupted(SyncError):
    """The process was asked to stop; what was done so far is kept."""


class Defect(SyncError):
    """A bug of this program. The message names type and place, never the values at hand."""

    needs_person = True


class RemoteError(SyncError):
    """A remote system refused or was out of reach."""

    exit_code = 3

    def __init__(self, system: System, message: str) -> None:
        super().__init__(f"{SYSTEM_NAMES[system]}: {message}")
        self.system: System = system


class Unavailable(RemoteError):
    """Transient: slow, overloaded, cut off. `wait` is the pause in seconds that the system asked for, if any.

    `again`: another try at once may help. It does not help where a certificate or a proxy's rules are the cause."""

    def __init__(self, system: System, message: str, wait: float | None = None, *, again: bool = True) -> None:
        super().__init__(system, message)
        self.wait = wait
        self.again = again


class Denied(RemoteError):
    """Credentials or permissions are wrong; trying again will not help."""

    needs_person = True


class BudgetExhausted(RemoteError):
    """The daily request budget is used up. `wait` is the pause in seconds until its reset, if the system sent it."""

    def __init__(self, system: System, message: str, wait: float | None = None) -> None:
        super().__init__(system, message)
        self.wait = wait


class BudgetClosed(BudgetExhausted):
    """No request was sent: today's requests are known to be used up, or the rest is reserved for other programs."""


class Malformed(RemoteError):
    """An answer that breaks the API's promises. It must never be read as "there is nothing"."""


class Refused(RemoteError):
    """The system understood the request and declined it (a 4xx status other than those above)."""

    needs_person = True

    def __init__(self, system: System, message: str, status: int = 400) -> None:
        super().__init__(system, message)
        self.status = status


Unanswered = Refused | Malformed
"""Why one query of several failed while the others were answered."""

SYSTEM_NAMES: dict[System, str] = {"hubspot": "HubSpot", "c4c": "SAP Sales Cloud"}
