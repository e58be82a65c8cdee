"""Ratings by a receipt have nobody behind them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("rating", schema=None) as batch_op:
        batch_op.alter_column("person_id", existing_type=sa.Integer(), nullable=True)


def downgrade() -> None:
    # What was rated by a receipt cannot stand in the older table; the timeline of its case goes on saying it.
    op.execute("DELETE FROM rating WHERE person_id IS NULL")
    with op.batch_alter_table("rating", schema=None) as batch_op:
        batch_op.alter_column("person_id", existing_type=sa.Integer(), nullable=False)
