"""Erasures with their steps, and tombstones by erasure"""

import sqlalchemy as sa
from alembic import op

from sync.state.tables import UtcTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("tombstone", sa.Column("kind", sa.String(), server_default="contact", nullable=False))
    op.add_column("tombstone", sa.Column("erasure", sa.String(), server_default="", nullable=False))
    op.create_index(op.f("ix_tombstone_erasure"), "tombstone", ["erasure"])
    op.create_table(
        "erasure",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("contact_hash", sa.String(), nullable=False),
        sa.Column("asked_at", UtcTime(length=32), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("contact_ids", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("removed", sa.JSON(), nullable=False),
        sa.Column("records", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("to_do", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("finished_at", UtcTime(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_index(op.f("ix_erasure_contact_hash"), "erasure", ["contact_hash"])
    op.create_index(op.f("ix_erasure_stage"), "erasure", ["stage"])
