"""Find open intents without reading every link"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    open_ = sa.text("object_id = ''")
    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.create_index("ix_link_intent", ["entity"], sqlite_where=open_, postgresql_where=open_)
