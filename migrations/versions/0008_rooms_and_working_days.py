"""Rooms: a department's chat robots, and rosters that follow the working calendar"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

DAYS = "days IN ('weekdays', 'working', 'off')"
OWNER = "(person_id IS NULL) <> (department_id IS NULL)"
RECIPIENT = "(person_id IS NULL) <> (room_id IS NULL)"


def upgrade() -> None:
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.alter_column("person_id", existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column("department_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_contact_department_id_department"), "department", ["department_id"], ["id"]
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_contact_department_id_kind_lookup"), ["department_id", "kind", "lookup"]
        )
        batch_op.create_check_constraint(batch_op.f("ck_contact_owner"), OWNER)
    for table in ("delivery", "telling"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("person_id", existing_type=sa.Integer(), nullable=True)
            batch_op.add_column(sa.Column("room_id", sa.Integer(), nullable=True))
            batch_op.create_foreign_key(
                batch_op.f(f"fk_{table}_room_id_contact"), "contact", ["room_id"], ["id"]
            )
            batch_op.create_check_constraint(batch_op.f(f"ck_{table}_recipient"), RECIPIENT)
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_room_id"), ["room_id"], unique=False)
    with op.batch_alter_table("telling", schema=None) as batch_op:
        batch_op.create_unique_constraint(
            batch_op.f("uq_telling_page_id_leg_step_room_id"), ["page_id", "leg", "step", "room_id"]
        )

    # What was planned by weekdays stays so: a leader decides whether it follows the calendar.
    for table in ("rotation", "duty_window"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(
                sa.Column("days", sa.String(length=8), nullable=False, server_default="weekdays")
            )
            batch_op.create_check_constraint(batch_op.f(f"ck_{table}_days"), DAYS)
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("days", server_default=None)


def downgrade() -> None:
    for table in ("duty_window", "rotation"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(batch_op.f(f"ck_{table}_days"), type_="check")
            batch_op.drop_column("days")
    # What went to rooms has no place in the older tables.
    op.execute("DELETE FROM telling WHERE room_id IS NOT NULL")
    op.execute("DELETE FROM delivery WHERE room_id IS NOT NULL")
    op.execute(
        "DELETE FROM vault_item WHERE owner IN "
        "(SELECT 'contact:' || public_id FROM contact WHERE department_id IS NOT NULL)"
    )
    op.execute("DELETE FROM contact WHERE department_id IS NOT NULL")
    with op.batch_alter_table("telling", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_telling_page_id_leg_step_room_id"), type_="unique")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_room_id"))
    for table in ("telling", "delivery"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(batch_op.f(f"ck_{table}_recipient"), type_="check")
            batch_op.drop_constraint(batch_op.f(f"fk_{table}_room_id_contact"), type_="foreignkey")
            batch_op.drop_column("room_id")
            batch_op.alter_column("person_id", existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_contact_owner"), type_="check")
        batch_op.drop_constraint(batch_op.f("uq_contact_department_id_kind_lookup"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_contact_department_id_department"), type_="foreignkey")
        batch_op.drop_column("removed_at")
        batch_op.drop_column("department_id")
        batch_op.alter_column("person_id", existing_type=sa.Integer(), nullable=False)
