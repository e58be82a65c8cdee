"""Supervision: orders with their numbers and cases, and reviews of units"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def at(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def link(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def foreign(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    # Nobody is under an order yet; from then on each case says so itself.
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("supervised", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.alter_column("supervised", existing_type=sa.Boolean(), server_default=None)
    op.create_table(
        "supervision_number",
        sa.Column("level", sa.String(length=12), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("level", "year", name=op.f("pk_supervision_number")),
    )
    op.create_table(
        "supervision_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(length=12), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("serial", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("slot", sa.String(length=80), nullable=True),
        link("department_id", nullable=False),
        link("office_id"),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("demand", sa.String(length=12), nullable=False),
        link("words_id"),
        link("skipped_id"),
        link("previous_id"),
        at("drafted_at", nullable=False),
        at("issued_at"),
        link("issued_by_id"),
        at("due_at"),
        at("overdue_at"),
        at("read_at"),
        link("read_by_id"),
        link("answer_id"),
        at("answered_at"),
        link("answered_by_id"),
        at("decided_at"),
        link("decided_by_id"),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        foreign("supervision_order", "department_id", "department"),
        foreign("supervision_order", "office_id", "department"),
        foreign("supervision_order", "words_id", "text"),
        foreign("supervision_order", "skipped_id", "text"),
        foreign("supervision_order", "previous_id", "supervision_order"),
        foreign("supervision_order", "issued_by_id", "person"),
        foreign("supervision_order", "read_by_id", "person"),
        foreign("supervision_order", "answer_id", "text"),
        foreign("supervision_order", "answered_by_id", "person"),
        foreign("supervision_order", "decided_by_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_order")),
        sa.UniqueConstraint("level", "year", "serial", name=op.f("uq_supervision_order_level_year_serial")),
        sa.UniqueConstraint("previous_id", name=op.f("uq_supervision_order_previous_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_supervision_order_public_id")),
        sa.UniqueConstraint("slot", name=op.f("uq_supervision_order_slot")),
    )
    op.create_index("ix_supervision_order_issued", "supervision_order", ["issued_at", "id"])
    op.create_index("ix_supervision_order_department", "supervision_order", ["department_id", "state"])
    op.create_table(
        "ordered_case",
        sa.Column("id", sa.Integer(), nullable=False),
        link("order_id", nullable=False),
        link("case_id", nullable=False),
        foreign("ordered_case", "order_id", "supervision_order"),
        foreign("ordered_case", "case_id", "case"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ordered_case")),
        sa.UniqueConstraint("order_id", "case_id", name=op.f("uq_ordered_case_order_id_case_id")),
    )
    op.create_index(op.f("ix_ordered_case_case_id"), "ordered_case", ["case_id"])
    op.create_table(
        "unit_review",
        sa.Column("id", sa.Integer(), nullable=False),
        link("department_id", nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        at("opened_at", nullable=False),
        at("closed_at"),
        link("closed_by_id"),
        link("found_id"),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.CheckConstraint("why IN ('unanswered', 'dissatisfied')", name=op.f("ck_unit_review_why")),
        foreign("unit_review", "department_id", "department"),
        foreign("unit_review", "closed_by_id", "person"),
        foreign("unit_review", "found_id", "text"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_review")),
        sa.UniqueConstraint("public_id", name=op.f("uq_unit_review_public_id")),
    )
    op.create_index("ix_unit_review_slot", "unit_review", ["department_id", "why", "month"], unique=True)
    op.create_index("ix_unit_review_open", "unit_review", ["closed_at", "opened_at"])


def downgrade() -> None:
    op.drop_table("unit_review")
    op.drop_table("ordered_case")
    op.drop_table("supervision_order")
    op.drop_table("supervision_number")
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_column("supervised")
