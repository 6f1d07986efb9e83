"""Keep decisions as numbers in the gaps of a form that many share"""

import json

import sqlalchemy as sa
from alembic import op

from sync.state.decisions import form_fingerprint, packed
from sync.state.tables import UtcTime

revision = "0009"
down_revision = "0008"

_PORTION = 5000


def upgrade() -> None:
    op.create_table(
        "decision_form",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_form")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_decision_form_fingerprint")),
    )
    op.create_table(
        "decision_pass",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("decided_at", UtcTime(length=32), nullable=False),
        sa.Column("rules_fingerprint", sa.String(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_pass")),
    )
    op.create_index(op.f("ix_decision_pass_decided_at"), "decision_pass", ["decided_at"], unique=False)
    op.drop_index("ix_decision_time", table_name="decision")
    op.drop_index(op.f("ix_decision_contact_id"), table_name="decision")
    op.rename_table("decision", "decision_before")
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("pass_id", sa.Integer(), nullable=False),
        sa.Column("form_id", sa.Integer(), nullable=False),
        sa.Column("numbers", sa.String(), nullable=False),
        sa.Column("input_fingerprint", sa.String(), nullable=False),
        sa.Column("valid_until", UtcTime(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    _copy()
    op.drop_table("decision_before")
    op.create_index(op.f("ix_decision_contact_id"), "decision", ["contact_id"], unique=False)


def _copy() -> None:
    """Copies every decision, in portions. Each was recorded at a moment of its own, so each has a pass of its own."""
    connection = op.get_bind()
    forms: dict[str, int] = {}
    after = 0
    while rows := connection.execute(_OLD, {"after": after, "limit": _PORTION}).all():
        after = rows[-1].id
        connection.execute(_PASS, [row._asdict() for row in rows])
        connection.execute(_NEW, [{**row._asdict(), **_narrow(row, forms)} for row in rows])


_OLD = sa.text("SELECT * FROM decision_before WHERE id > :after ORDER BY id LIMIT :limit")
_PASS = sa.text(
    "INSERT INTO decision_pass (id, run_id, decided_at, rules_fingerprint, first_id) "
    "VALUES (:id, :run_id, :decided_at, :rules_digest, :id)"
)
_NEW = sa.text(
    "INSERT INTO decision (id, contact_id, pass_id, form_id, numbers, input_fingerprint) "
    "VALUES (:id, :contact_id, :id, :form_id, :numbers, :input_digest)"
)
_FORM = sa.text("INSERT INTO decision_form (id, fingerprint, code, text) VALUES (:id, :fingerprint, :code, :text)")


def _narrow(row: "sa.Row[tuple[object, ...]]", forms: dict[str, int]) -> dict[str, object]:
    """Form and numbers of a row; a form that is new is stored."""
    text, numbers = packed(json.loads(row.body))
    fingerprint = form_fingerprint(row.code, text)
    if fingerprint not in forms:
        forms[fingerprint] = len(forms) + 1
        op.get_bind().execute(
            _FORM, {"id": forms[fingerprint], "fingerprint": fingerprint, "code": row.code, "text": text}
        )
    return {"form_id": forms[fingerprint], "numbers": numbers}
