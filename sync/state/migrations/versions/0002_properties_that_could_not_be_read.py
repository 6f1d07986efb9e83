"""Properties that HubSpot sent in a form nobody can read, by contact and company"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for table in ("contact", "company"):
        op.add_column(table, sa.Column("unreadable", sa.JSON(), nullable=False, server_default="[]"))
