"""The complete list of small facts that the state remembers, each with a name and a type.

They are kept in the table `remembered`, one text each: JSON, or the plain text of a name or a time. Names and JSON
shapes are those of the first version, so that its state files stay readable; a new field needs a default.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from sqlmodel import Session

from sync.domain.labels import LabelId
from sync.errors import StateError
from sync.log import Event, emit_error
from sync.state import tables

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Document(Generic[_T]):
    """One remembered fact.

    An unreadable one counts as missing, and is logged; one that keeps writes back ends the job instead. A name with
    braces stands for a family, such as one document for each score; `of` selects one.
    """

    name: str
    adapter: TypeAdapter[_T]
    default: Callable[[], _T]
    plain: bool = False
    """Whether the text is the value itself instead of JSON."""
    keeps_back: bool = False
    """Whether it may keep writes back, so that nothing is written while it cannot be read."""

    def read(self, session: Session, of: str = "") -> _T:
        """The value as last stored; the default if there is none. Raises StateError."""
        row = session.get(tables.Remembered, self.name.format(of))
        if row is None or not row.value:
            return self.default()
        try:
            return self.adapter.validate_python(row.value) if self.plain else self.adapter.validate_json(row.value)
        except ValidationError as error:
            if self.keeps_back:
                raise StateError(_DAMAGED.format(row.name)) from None
            emit_error(Event.MEMORY_UNREADABLE, key=row.name, cause=f"{error.error_count()} places are not as expected")
            return self.default()

    def write(self, session: Session, value: _T, of: str = "") -> None:
        """Stores the value; None removes it."""
        session.merge(tables.Remembered(name=self.name.format(of), value=self._text(value)))

    def _text(self, value: _T) -> str:
        if value is None:
            return ""
        if self.plain:
            return value.isoformat() if isinstance(value, datetime) else str(value)
        return to_json(value).decode()


_DAMAGED = (
    "the state file keeps something unreadable under the name {!r}, which may keep writes back: nothing is written; "
    "stop the worker and restore a backup, or run the version that wrote the state file (docs/operations.md)"
)


def _nothing() -> None:
    return None


def _text(name: str) -> Document[str]:
    return Document(name, TypeAdapter(str), str, plain=True)


def _time(name: str) -> Document[datetime | None]:
    return Document(name, TypeAdapter(datetime | None), _nothing, plain=True)


# ---- what was read with which rules

RULES = _text("rules")
"""Fingerprint of the rules by which contacts were last decided."""

RULES_SINCE: Document[list[tuple[datetime, str]]] = Document(
    "rules since", TypeAdapter(list[tuple[datetime, str]]), list
)
"""(since when, fingerprint) of the rules that were in force, the oldest first; at most the last hundred."""

PROPERTIES = _text("properties of {}")
"""By stream: the HubSpot properties that the mirror holds, separated by blanks."""

COMPANY_KEYS = _text("company keys")
"""The rules by which companies that may stand for one account were compared."""

NAME_INDEX = _text("name index")
"""Which words the name index was made of."""

PORTAL_CHECKED = _text("contract checked")
"""Fingerprint of the rules, a blank, and the time when the portal was compared with them while no reading was under
way.
"""

PORTAL_LOOKED_AT = _text("portal looked at")
"""The same, for a comparison in any situation."""

TENANT_CHECKED = _time("tenant checked")
"""When the tenant was compared with the rules."""

LAST_ID = _text("last id of {}")
"""By stream: up to which id an unfinished reading of everything has stored all; empty if none is under way."""

SCORE_CHANGED = _time("score {} changed")
"""By score property: when a value last changed, or was first read."""

SCORE_READ = _time("score {} read")
"""By score: when the last reading of all contacts at or above its threshold began."""

IN_SERVICE = _time("in service since")
"""When a score was first read completely."""

CLOCK = _text("clock")
"""A sentence on what is wrong with the clock; empty if nothing is."""

ROWS_LEFT_OUT: Document[dict[str, datetime]] = Document("rows left out", TypeAdapter(dict[str, datetime]), dict)
"""By kind of row: when HubSpot last sent one without a usable id."""


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """Erasures since whose removal the state file was built anew, and the size of its log after that, in bytes."""

    erasures: frozenset[str] = frozenset()
    log: int = 0


VACUUMED = Document("vacuumed", TypeAdapter(Vacuumed), Vacuumed)
"""Kept while the log of the state file waits to be cut."""

CONSENT_TRAIL = _text("consent trail")
"""Not empty once handovers of versions that kept no consent trail were taken over into it."""

# ---- what the portal and the tenant offer

Names = frozenset[str]
Options = Mapping[str, Names]


@dataclass(frozen=True, slots=True)
class PortalNames:
    """What is known of one kind of object.

    `seen`: named by the rules and in the portal at some time. `lost`: missing now. `returning`: back, but some objects
    have not been read since. `absent`: missing, never seen, and optional, which counts as empty. `options`: by
    property, those that the rules name and the portal had; `lost_options` are missing now.
    """

    seen: Names = frozenset()
    lost: Names = frozenset()
    returning: Names = frozenset()
    absent: Names = frozenset()
    options: Options = field(default_factory=dict)
    lost_options: Options = field(default_factory=dict)


PORTAL = Document("portal {}", TypeAdapter(PortalNames), PortalNames)
"""By stream: its properties and options as the portal last showed them."""

LABELS: Document[dict[str, LabelId]] = Document("labels", TypeAdapter(dict[str, LabelId]), dict)
"""The label bindings: by text in the rules, the label that was first found under it."""

LOST_LABELS: Document[list[tuple[str, int, str]]] = Document(
    "lost labels", TypeAdapter(list[tuple[str, int, str]]), list, keeps_back=True
)
"""(category, type id, text in the rules) of labels that kept contacts back and that the portal no longer has."""


@dataclass(frozen=True, slots=True)
class TenantOffer:
    """Fields as a table (`sync.rule_files.standard_fields`); employees' UUIDs by the hash of their address."""

    fields: dict[str, Any]
    employees: dict[str, str]
    shared: tuple[str, ...] = ()
    valid: tuple[str, ...] = ()


TENANT: Document[TenantOffer | None] = Document("tenant", TypeAdapter(TenantOffer | None), _nothing)
"""What the tenant offered in the last run."""

CREATOR = _text("creator")
"""Which creator C4C notes on our records, as a fingerprint."""


@dataclass(frozen=True, slots=True)
class DailyBudget:
    """Requests of the whole account; `exhausted_until` is set while HubSpot refuses all of them."""

    limit: int | None = None
    left: int | None = None
    resets_at: datetime | None = None
    asked_at: datetime | None = None
    exhausted_until: datetime | None = None

    @property
    def used(self) -> int | None:
        return None if self.limit is None or self.left is None else self.limit - self.left


BUDGET = Document("budget", TypeAdapter(DailyBudget), DailyBudget)
"""Remembered so that another process need not request it, or reach the limit unaware."""


# ---- whose state it is

STATE_FILE = _text("state file")
"""Identity of the file that the worker last wrote; a restored copy has another one, or none."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """HubSpot's portal id and the host name of the tenant; each is None until it is known."""

    portal: str | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class PortalDetails:
    """Where people open the portal (`app-eu1.hubspot.com`), and its time zone; empty if HubSpot did not say."""

    ui_domain: str = ""
    time_zone: str = ""


PORTAL_DETAILS = Document("portal details", TypeAdapter(PortalDetails), PortalDetails)

BELONGS = Document("belongs to", TypeAdapter(Belonging), Belonging, keeps_back=True)


@dataclass(frozen=True, slots=True)
class Renamed:
    """Another host name that the settings name for the tenant; a person approves it by `digest`."""

    digest: str
    tenant: str


RENAMED: Document[Renamed | None] = Document("tenant by another name", TypeAdapter(Renamed | None), _nothing)


# ---- what waits for a person


@dataclass(frozen=True, slots=True)
class Pause:
    """`reason` is a text by a person, without personal data; empty if none was given."""

    since: str
    reason: str = ""


PAUSE: Document[Pause | None] = Document("paused", TypeAdapter(Pause | None), _nothing, keeps_back=True)


@dataclass(frozen=True, slots=True)
class Stopped:
    """`digest` identifies the plan; `contacts` holds the fingerprint of each contact's part in it, `cycle` that of its
    input.
    """

    digest: str
    cycle: str
    text: str
    at: str
    creates: Mapping[str, int] = field(default_factory=dict)
    changes: int = 0
    withdrawn: int = 0
    contacts: Mapping[str, str] = field(default_factory=dict)
    approved_at: str | None = None
    relationship_changes: int = 0


GUARD: Document[Stopped | None] = Document("guard", TypeAdapter(Stopped | None), _nothing, keeps_back=True)


@dataclass(frozen=True, slots=True)
class MassDeletion:
    """`digest` identifies exactly this set of contacts; `at` is when they were last reported missing."""

    digest: str
    text: str
    at: str
    contacts: tuple[str, ...]
    approved_at: str | None = None


DELETIONS: Document[list[MassDeletion]] = Document("disappearance", TypeAdapter(list[MassDeletion]), list)

CONFIRMED_DELETIONS: Document[frozenset[str]] = Document(
    "disappearance confirmed", TypeAdapter(frozenset[str]), frozenset
)
"""Contacts that a person confirmed as deleted and that have not been read since."""


@dataclass(frozen=True, slots=True)
class Twin:
    """Another record with the key of one of ours, with both ObjectIDs."""

    entity: str
    key: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Duplication:
    """`digest` identifies exactly these twins; nothing is written until a person has approved it."""

    digest: str
    text: str
    at: str
    twins: tuple[Twin, ...]
    approved_at: str | None = None


SECOND_WRITER: Document[Duplication | None] = Document(
    "second writer", TypeAdapter(Duplication | None), _nothing, keeps_back=True
)

ACCEPTED_TWINS: Document[frozenset[str]] = Document("accepted twins", TypeAdapter(frozenset[str]), frozenset)
"""ObjectIDs of records with one of our keys that a person accepted."""

LOST_CREATES: Document[dict[str, datetime]] = Document("lost creates", TypeAdapter(dict[str, datetime]), dict)
"""By entity and key: when the answer to a create was lost."""

SECOND_LOOK: Document[list[tuple[str, str, str, datetime]]] = Document(
    "second look", TypeAdapter(list[tuple[str, str, str, datetime]]), list
)
"""(entity, key, ObjectID, created at) of records that are checked again for a twin."""


# ---- what people are notified of

ALERTS_HOLDING: Document[dict[str, str] | None] = Document(
    "alerts holding", TypeAdapter(dict[str, str] | None), _nothing
)
"""By alert: since when its condition holds. None: a version that kept no such list."""

ALERTS: Document[dict[str, str]] = Document("alerts", TypeAdapter(dict[str, str]), dict)
"""By alert whose beginning was delivered and whose end was not: since when it holds."""

MISMATCHES: Document[dict[str, list[str]]] = Document("mismatches", TypeAdapter(dict[str, list[str]]), dict)
"""By system, the mismatches with the rules that its last comparison found."""

LAST_BACKUP = _time("last backup")
"""When the last complete copy was made. A restored state knows only copies made before it."""

DUPLICATES: Document[int] = Document("duplicates found", TypeAdapter(int), int)
"""Keys of ours on several records, as `verify` found last."""
