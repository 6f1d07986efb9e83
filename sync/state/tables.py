"""Tables of the state store. They are a cache with memory; the truth is in C4C's external keys.

Times are stored as UTC ISO texts, so that they sort as texts on every database. Every constraint has a name (`NAMING`),
because SQLite migrations rebuild tables and refer to constraints by name.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, Dialect, Index, Integer, MetaData, String, TypeDecorator, text
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcTime(TypeDecorator[datetime]):
    """A moment as `2026-11-21T17:00:00.000000+00:00`."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return value.astimezone(UTC).isoformat(timespec="microseconds") if value else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return datetime.fromisoformat(value) if value else None


class Base(SQLModel):
    # Rows are made by us and never validated, so pydantic need not build its schemas: half of this module's start.
    model_config = {"defer_build": True}
    metadata = MetaData(naming_convention=NAMING)


def _json() -> Any:
    return Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


def _names() -> Any:
    return Field(default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]"))


def _time(*, index: bool = False, nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(UtcTime, nullable=nullable, index=index))


class Contact(Base, table=True):
    """Mirror of a HubSpot contact: only the properties that rules name.

    `unreadable` names the properties that could not be read the last time (`associations` for the associations).
    `properties` keeps their former values: unreadable is neither empty nor changed.
    """

    id: str = Field(primary_key=True)
    properties: dict[str, str | None] = _json()
    unreadable: list[str] = _names()
    modified_at: datetime | None = _time()
    archived: bool = False
    erased: bool = False
    merged_into: str | None = None
    missing_since: datetime | None = _time()
    associations_stale: bool = Field(default=True, index=True)
    associations_read_at: datetime | None = _time()


class Company(Base, table=True):
    """Mirror of a HubSpot company; `unreadable` as in `Contact`."""

    id: str = Field(primary_key=True)
    properties: dict[str, str | None] = _json()
    unreadable: list[str] = _names()
    modified_at: datetime | None = _time()


class CompanyKey(Base, table=True):
    """An index key of a company (`sync.mappers.identity.keys`): companies with a key in common are peers."""

    key: str = Field(primary_key=True)
    company_id: str = Field(primary_key=True, index=True)

    __tablename__ = "company_key"


class NameWord(Base, table=True):
    """A word by which a contact or company (`kind`: `contacts`, `companies`) is found (`sync.mirror.name_index`)."""

    word: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    id: str = Field(primary_key=True, index=True)

    __tablename__ = "name_word"
    __table_args__ = {"sqlite_with_rowid": False}


class Association(Base, table=True):
    """One label of a contact–company pair; identity is (category, type id)."""

    contact_id: str = Field(primary_key=True)
    company_id: str = Field(primary_key=True, index=True)
    category: str = Field(primary_key=True)
    type_id: int = Field(primary_key=True)
    label: str | None = None


class Owner(Base, table=True):
    """HubSpot owners, active and archived."""

    id: str = Field(primary_key=True)
    email: str | None = None
    archived: bool = False


class Alias(Base, table=True):
    """A HubSpot id that was merged into another one → the surviving id."""

    entity: str = Field(primary_key=True)
    old_id: str = Field(primary_key=True)
    new_id: str = Field(index=True)


_INTENT = text("object_id = ''")
"""The condition for intents: announced records whose creation is not confirmed. There are few, and each push looks for
them.
"""


RECORD_NUMBER = (
    "CASE WHEN json_valid(seen) THEN CASE entity WHEN 'Lead' THEN json_extract(seen, '$.ID') "
    "WHEN 'Contact' THEN json_extract(seen, '$.ContactID') "
    "WHEN 'CorporateAccount' THEN json_extract(seen, '$.AccountID') END END"
)
"""The number that people call a linked record by. An index holds it, so that a typed number is found at once.

What Python writes as JSON (NaN) may be none for SQLite, and an index that fails would refuse the row.
"""


class Link(Base, table=True):
    """External key ↔ C4C record, with the values last sent; `hubspot_id` is what the key begins with.

    `observed` holds what the record showed when it was last read (see `sync.planner.observed`)."""

    entity: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    hubspot_id: str = Field(index=True)
    object_id: str
    origin: str = "adopted"
    sent: dict[str, Any] = _json()
    observed: dict[str, Any] = Field(default_factory=dict, sa_column=Column("seen", JSON, nullable=False))
    linked_at: datetime | None = _time()
    written_at: datetime | None = _time()

    # Only the migration names the same index for PostgreSQL: here it would make each start load that dialect.
    __table_args__ = (
        Index("ix_link_intent", "entity", sqlite_where=_INTENT),
        Index("ix_link_object_id", "object_id"),
        Index("ix_link_number", text(RECORD_NUMBER)),
    )


class Progress(Base, table=True):
    """The state of one contact's work; `change_seq` grows whenever its mirror really changed."""

    contact_id: str = Field(primary_key=True)
    status: str
    change_seq: int = 0
    attempts: int = 0
    waits: int = 0
    due_at: datetime | None = _time()
    pending_since: datetime | None = _time()
    started_at: datetime | None = _time()
    settled_at: datetime | None = _time()
    code: str | None = Field(default=None, index=True)
    detail: str | None = None

    __table_args__ = (Index("ix_progress_status_due_at", "status", "due_at"),)


class Crossing(Base, table=True):
    """When a contact crossed a score's threshold, and whether it fell below the re-arm level after a handover."""

    contact_id: str = Field(primary_key=True)
    score: str = Field(primary_key=True)
    crossed_at: datetime | None = _time()

    __table_args__ = (Index("ix_crossing_time", "crossed_at"),)


class Decision(Base, table=True):
    """Append-only: what was decided on a contact, on which input (see `sync.state.decisions`).

    `numbers` fill the gaps of the form; `valid_until` is None if the decision does not depend on the time.
    """

    id: int | None = Field(default=None, primary_key=True)
    contact_id: str = Field(index=True)
    pass_id: int
    form_id: int
    numbers: str
    input_fingerprint: str
    valid_until: datetime | None = _time()


class DecisionForm(Base, table=True):
    """The texts of a decision with gaps for its numbers: few forms serve all contacts."""

    id: int | None = Field(default=None, primary_key=True)
    fingerprint: str = Field(unique=True)
    code: str
    text: str

    __tablename__ = "decision_form"


class DecisionPass(Base, table=True):
    """What decisions that were recorded together have in common: time, run, rules. `first_id`: the first of them."""

    id: int | None = Field(default=None, primary_key=True)
    run_id: str
    decided_at: datetime | None = _time(index=True, nullable=False)
    rules_fingerprint: str
    first_id: int

    __tablename__ = "decision_pass"


class Handover(Base, table=True):
    """A lead that exists in C4C, with the consent as read at that moment."""

    lead_key: str = Field(primary_key=True)
    contact_id: str = Field(index=True)
    score: str
    cycle: int
    object_id: str
    handed_over_at: datetime | None = _time(nullable=False)
    crossed_at: datetime | None = _time()
    rearmed: bool = False
    evidence: dict[str, Any] = _json()

    __table_args__ = (Index("ix_handover_time", "handed_over_at"),)


class ConsentEvent(Base, table=True):
    """What consent was when a lead was handed over, and each change of it since (`kind`).

    `read_values`: the consent properties as read then. `property`: the one whose history in HubSpot says when and how
    the value came about: `source` and `source_at`, once it was read. `tries`: how often reading it failed.
    """

    id: int | None = Field(default=None, primary_key=True)
    contact_id: str = Field(index=True)
    at: datetime | None = _time(nullable=False, index=True)
    kind: str
    lead_key: str | None = None
    legal_basis: str | None = None
    permissions: dict[str, str] = _json()
    read_values: dict[str, str | None] = _json()
    property: str
    source: str | None = None
    source_at: datetime | None = _time()
    rules: str | None = None
    open: bool = Field(default=True, index=True)
    tries: int = 0

    __tablename__ = "consent_event"


class LeftAlone(Base, table=True):
    """A contact that a person wants left alone for good, whatever changes. `reason` holds no personal data."""

    contact_id: str = Field(primary_key=True)
    reason: str
    since: datetime | None = _time(nullable=False)

    __tablename__ = "left_alone"


class Watermark(Base, table=True):
    """How far a stream was polled completely; `cursor` and `until` describe a window that is being read."""

    stream: str = Field(primary_key=True)
    complete_until: datetime | None = _time()
    cursor: datetime | None = _time()
    until: datetime | None = _time()


class Remembered(Base, table=True):
    """Small facts of earlier runs, such as the fingerprint of the rules."""

    name: str = Field(primary_key=True)
    value: str


class JobRun(Base, table=True):
    """One run of one job."""

    id: int | None = Field(default=None, primary_key=True)
    run_id: str
    job: str = Field(index=True)
    started_at: datetime | None = _time(nullable=False)
    finished_at: datetime | None = _time()
    ok: bool | None = None
    kind: str | None = None
    error: str | None = None
    counts: dict[str, Any] = _json()

    __tablename__ = "job_run"


class Lease(Base, table=True):
    """Who may write. `term` grows with each new holder, `beat` with each sign of life."""

    name: str = Field(primary_key=True)
    holder: str
    kind: str
    term: int = 0
    heartbeat: int = Field(default=0, sa_column=Column("beat", Integer, nullable=False))
    acquired_at: datetime | None = _time(nullable=False)
    heartbeat_at: datetime | None = Field(default=None, sa_column=Column("beat_at", UtcTime, nullable=False))


class Reread(Base, table=True):
    """An entry of the refetch queue: a contact that a person wants read from HubSpot again."""

    contact_id: str = Field(primary_key=True)


class Tombstone(Base, table=True):
    """Keyed hash of an id or e-mail address of an erased person, so that the person is not stored again.

    A cache of `erased/tombstones.csv`. `erasure` is the id that the hashes of one erasure have in common.
    """

    digest: str = Field(primary_key=True)
    erased_at: datetime | None = _time(nullable=False)
    kind: str = Field(default="contact", sa_column=Column(String, nullable=False, server_default="contact"))
    erasure: str = Field(default="", sa_column=Column(String, nullable=False, server_default="", index=True))


class Erasure(Base, table=True):
    """One erasure and how far it has come; it holds no personal data but, until it is complete, HubSpot ids.

    `stage`: `begun`, `purged` (the person is gone from the tables), `scrubbed` (and from free pages and WAL) or `done`.
    `records`: the records in C4C with what became of each. `contact_hash`: the tombstone of the contact's id.
    """

    id: str = Field(primary_key=True)
    contact_hash: str = Field(index=True)
    asked_at: datetime | None = _time(nullable=False)
    asked_by: str
    reason: str
    stage: str = Field(index=True)
    contact_ids: list[str] = _names()
    removed: dict[str, int] = _json()
    records: list[dict[str, Any]] = _names()
    to_do: list[dict[str, Any]] = _names()
    finished_at: datetime | None = _time()
