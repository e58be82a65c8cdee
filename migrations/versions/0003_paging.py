"""Paging"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pager_beat",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pager_beat")),
    )
    op.create_table(
        "escalation_policy",
        sa.Column("department_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["person.id"], name=op.f("fk_escalation_policy_changed_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_escalation_policy_department_id_department")
        ),
        sa.PrimaryKeyConstraint("department_id", "urgent", name=op.f("pk_escalation_policy")),
    )
    op.create_table(
        "page",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("cause_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("owed", sa.Boolean(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("reply", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("leg_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_why", sa.String(length=16), nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["acknowledged_by_id"], ["person.id"], name=op.f("fk_page_acknowledged_by_id_person")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_page_case_id_case")),
        sa.ForeignKeyConstraint(["cause_id"], ["case_event.id"], name=op.f("fk_page_cause_id_case_event")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_page_department_id_department")
        ),
        sa.ForeignKeyConstraint(["ended_by_id"], ["person.id"], name=op.f("fk_page_ended_by_id_person")),
        sa.ForeignKeyConstraint(["event_id"], ["case_event.id"], name=op.f("fk_page_event_id_case_event")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page")),
        sa.UniqueConstraint("event_id", "department_id", name=op.f("uq_page_event_id_department_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_page_public_id")),
    )
    with op.batch_alter_table("page", schema=None) as batch_op:
        batch_op.create_index("ix_page_case", ["case_id", "state"], unique=False)
        batch_op.create_index("ix_page_department", ["department_id", "state"], unique=False)
        batch_op.create_index("ix_page_next", ["next_at"], unique=False)

    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("page_id", sa.Integer(), nullable=True),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("topic", sa.String(length=80), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("reference", sa.String(length=200), nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["case_event.id"], name=op.f("fk_delivery_event_id_case_event")
        ),
        sa.ForeignKeyConstraint(["page_id"], ["page.id"], name=op.f("fk_delivery_page_id_page")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_delivery_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("key", name=op.f("uq_delivery_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_delivery_public_id")),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_event_id"), ["event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_page_id"), ["page_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_reference"), ["reference"], unique=False)
        batch_op.create_index(
            "ix_delivery_topic", ["person_id", "channel", "topic", "queued_at"], unique=False
        )
        batch_op.create_index("ix_delivery_waiting", ["failed_at", "sent_at", "queued_at"], unique=False)

    op.create_table(
        "page_alarm",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("page_id", sa.Integer(), nullable=True),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_page_alarm_case_id_case")),
        sa.ForeignKeyConstraint(["page_id"], ["page.id"], name=op.f("fk_page_alarm_page_id_page")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_alarm")),
        sa.UniqueConstraint("key", name=op.f("uq_page_alarm_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_page_alarm_public_id")),
    )
    with op.batch_alter_table("page_alarm", schema=None) as batch_op:
        batch_op.create_index("ix_page_alarm_open", ["cleared_at", "noticed_at"], unique=False)

    op.create_table(
        "page_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=20), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("empty", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["page_id"], ["page.id"], name=op.f("fk_page_step_page_id_page")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_step")),
        sa.UniqueConstraint("page_id", "leg", "step", name=op.f("uq_page_step_page_id_leg_step")),
    )
    op.create_table(
        "telling",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name=op.f("fk_telling_delivery_id_delivery")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["case_event.id"], name=op.f("fk_telling_event_id_case_event")),
        sa.ForeignKeyConstraint(["page_id"], ["page.id"], name=op.f("fk_telling_page_id_page")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_telling_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telling")),
        sa.UniqueConstraint(
            "event_id", "person_id", "channel", name=op.f("uq_telling_event_id_person_id_channel")
        ),
    )
    with op.batch_alter_table("telling", schema=None) as batch_op:
        batch_op.create_index("ix_telling_delivery", ["delivery_id"], unique=False)
        batch_op.create_index("ix_telling_page", ["page_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("telling", schema=None) as batch_op:
        batch_op.drop_index("ix_telling_page")
        batch_op.drop_index("ix_telling_delivery")

    op.drop_table("telling")
    op.drop_table("page_step")
    with op.batch_alter_table("page_alarm", schema=None) as batch_op:
        batch_op.drop_index("ix_page_alarm_open")

    op.drop_table("page_alarm")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_waiting")
        batch_op.drop_index("ix_delivery_topic")
        batch_op.drop_index(batch_op.f("ix_delivery_reference"))
        batch_op.drop_index(batch_op.f("ix_delivery_page_id"))
        batch_op.drop_index(batch_op.f("ix_delivery_event_id"))

    op.drop_table("delivery")
    with op.batch_alter_table("page", schema=None) as batch_op:
        batch_op.drop_index("ix_page_next")
        batch_op.drop_index("ix_page_department")
        batch_op.drop_index("ix_page_case")

    op.drop_table("page")
    op.drop_table("escalation_policy")
    op.drop_table("pager_beat")
