"""Appeals: one of each author against an act, as one act may cover the words of several"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("uq_appeal_act_id"), type_="unique")
        batch_op.create_unique_constraint(op.f("uq_appeal_act_id_by_id"), ["act_id", "by_id"])


def downgrade() -> None:
    # Where several authors have appealed against one act, the first of them stays.
    op.execute("DELETE FROM appeal WHERE id NOT IN (SELECT min(id) FROM appeal GROUP BY act_id)")
    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("uq_appeal_act_id_by_id"), type_="unique")
        batch_op.create_unique_constraint(op.f("uq_appeal_act_id"), ["act_id"])
