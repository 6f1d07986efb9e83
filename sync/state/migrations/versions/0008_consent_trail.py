"""The consent trail: consent at each handover, and each change of it since"""

import sqlalchemy as sa
from alembic import op

from sync.state.tables import UtcTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "consent_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("lead_key", sa.String(), nullable=True),
        sa.Column("legal_basis", sa.String(), nullable=True),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("read_values", sa.JSON(), nullable=False),
        sa.Column("property", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("source_at", UtcTime(length=32), nullable=True),
        sa.Column("rules", sa.String(), nullable=True),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_event")),
    )
    for column in ("contact_id", "at", "open"):
        op.create_index(op.f(f"ix_consent_event_{column}"), "consent_event", [column])
