"""Ways to reach somebody in members' replies wait for a moderator"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WAITING = sa.text("contacts = 'waiting'")
SPOKEN = sa.text("public_text_id IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("text", schema=None) as batch_op:
        batch_op.add_column(sa.Column("contacts", sa.String(length=10), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_text_contacts"),
            ["contacts"],
            unique=False,
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        )
    with op.batch_alter_table("case_event", schema=None) as batch_op:
        batch_op.create_index(
            "ix_case_event_public_text",
            ["public_text_id"],
            unique=False,
            sqlite_where=SPOKEN,
            postgresql_where=SPOKEN,
        )


def downgrade() -> None:
    with op.batch_alter_table("case_event", schema=None) as batch_op:
        batch_op.drop_index("ix_case_event_public_text", sqlite_where=SPOKEN, postgresql_where=SPOKEN)
    with op.batch_alter_table("text", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_text_contacts"), sqlite_where=WAITING, postgresql_where=WAITING)
        batch_op.drop_column("contacts")
