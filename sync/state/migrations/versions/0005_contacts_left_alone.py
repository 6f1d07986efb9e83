"""Contacts that a person wants left alone for good"""

import sqlalchemy as sa
from alembic import op

from sync.state.tables import UtcTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "left_alone",
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", UtcTime(length=32), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_left_alone")),
    )
