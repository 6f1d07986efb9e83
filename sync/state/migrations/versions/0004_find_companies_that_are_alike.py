"""Find companies that may stand for one account"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "company_key",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("company_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", "company_id", name=op.f("pk_company_key")),
    )
    with op.batch_alter_table("company_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_company_key_company_id"), ["company_id"], unique=False)
