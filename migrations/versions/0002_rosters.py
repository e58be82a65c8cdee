"""Rosters: rotations, changes by hand, what is promised, publishing, the change of shift, private calendars"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_calendar_feed_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("person_id", name=op.f("uq_calendar_feed_person_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feed_token_hash")),
    )
    op.create_table(
        "duty_override",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("instead_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=12), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.CheckConstraint(
            "(kind = 'replace') = (instead_id IS NOT NULL)", name=op.f("ck_duty_override_instead")
        ),
        sa.CheckConstraint("kind IN ('add', 'remove', 'replace')", name=op.f("ck_duty_override_kind")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_duty_override_order")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["person.id"], name=op.f("fk_duty_override_created_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_duty_override_department_id_department")
        ),
        sa.ForeignKeyConstraint(
            ["instead_id"], ["person.id"], name=op.f("fk_duty_override_instead_id_person")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_duty_override_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_override")),
        sa.UniqueConstraint("public_id", name=op.f("uq_duty_override_public_id")),
    )
    with op.batch_alter_table("duty_override", schema=None) as batch_op:
        batch_op.create_index("ix_duty_override_department_ends", ["department_id", "ends_at"], unique=False)

    op.create_table(
        "duty_window",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("weekdays", sa.String(length=7), nullable=False),
        sa.Column("starts", sa.Time(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_duty_window_minutes")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_duty_window_department_id_department")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_window")),
    )
    with op.batch_alter_table("duty_window", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_duty_window_department_id"), ["department_id"], unique=False)

    op.create_table(
        "roster_publication",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("published_by_id", sa.Integer(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_roster_publication_department_id_department")
        ),
        sa.ForeignKeyConstraint(
            ["published_by_id"], ["person.id"], name=op.f("fk_roster_publication_published_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_publication")),
        sa.UniqueConstraint("public_id", name=op.f("uq_roster_publication_public_id")),
    )
    with op.batch_alter_table("roster_publication", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_roster_publication_department_id"), ["department_id"], unique=False
        )

    op.create_table(
        "rotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("starts", sa.Time(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("days_each", sa.Integer(), nullable=False),
        sa.Column("weekdays", sa.String(length=7), nullable=False),
        sa.Column("season_from", sa.String(length=5), nullable=True),
        sa.Column("season_to", sa.String(length=5), nullable=True),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.CheckConstraint("days_each > 0", name=op.f("ck_rotation_days_each")),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_rotation_minutes")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_rotation_department_id_department")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotation")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rotation_public_id")),
    )
    with op.batch_alter_table("rotation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rotation_department_id"), ["department_id"], unique=False)

    op.create_table(
        "handover_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("changes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shift_id", sa.Integer(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("cases", sa.JSON(), nullable=False),
        sa.Column("written_by_id", sa.Integer(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_over_by_id", sa.Integer(), nullable=True),
        sa.Column("taken_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_handover_note_department_id_department")
        ),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_handover_note_shift_id_shift")),
        sa.ForeignKeyConstraint(
            ["taken_over_by_id"], ["person.id"], name=op.f("fk_handover_note_taken_over_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["written_by_id"], ["person.id"], name=op.f("fk_handover_note_written_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_note")),
        sa.UniqueConstraint("public_id", name=op.f("uq_handover_note_public_id")),
    )
    with op.batch_alter_table("handover_note", schema=None) as batch_op:
        batch_op.create_index("uq_handover_note_change", ["department_id", "changes_at"], unique=True)

    op.create_table(
        "rotation_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rotation_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_rotation_member_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["rotation_id"], ["rotation.id"], name=op.f("fk_rotation_member_rotation_id_rotation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotation_member")),
    )
    with op.batch_alter_table("rotation_member", schema=None) as batch_op:
        batch_op.create_index("uq_rotation_member", ["rotation_id", "person_id"], unique=True)


def downgrade() -> None:
    with op.batch_alter_table("rotation_member", schema=None) as batch_op:
        batch_op.drop_index("uq_rotation_member")

    op.drop_table("rotation_member")
    with op.batch_alter_table("handover_note", schema=None) as batch_op:
        batch_op.drop_index("uq_handover_note_change")

    op.drop_table("handover_note")
    with op.batch_alter_table("rotation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rotation_department_id"))

    op.drop_table("rotation")
    with op.batch_alter_table("roster_publication", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_roster_publication_department_id"))

    op.drop_table("roster_publication")
    with op.batch_alter_table("duty_window", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_duty_window_department_id"))

    op.drop_table("duty_window")
    with op.batch_alter_table("duty_override", schema=None) as batch_op:
        batch_op.drop_index("ix_duty_override_department_ends")

    op.drop_table("duty_override")
    op.drop_table("calendar_feed")
