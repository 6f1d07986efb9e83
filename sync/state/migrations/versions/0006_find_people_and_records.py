"""Find people by the beginning of a word, records by number and ObjectID, and decisions by time"""

import sqlalchemy as sa
from alembic import op

from sync.state.tables import RECORD_NUMBER

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "name_word",
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("word", "kind", "id", name=op.f("pk_name_word")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_name_word_id"), "name_word", ["id"], unique=False)
    op.create_index("ix_link_object_id", "link", ["object_id"], unique=False)
    op.create_index("ix_link_number", "link", [sa.text(RECORD_NUMBER)], unique=False)
    op.create_index("ix_decision_time", "decision", ["decided_at", "contact_id", "code"], unique=False)
    op.create_index("ix_handover_time", "handover", ["handed_over_at"], unique=False)
    op.create_index("ix_crossing_time", "crossing", ["crossed_at"], unique=False)
