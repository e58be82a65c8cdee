"""Complaints: whom they accuse, the two inquiries of each, statements, and what the inspectors drew and looked at"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def at(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def links(own: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_{own}_{name}_{table}"))
        for name, table in columns.items()
    ]


def upgrade() -> None:
    op.create_table(
        "draw",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        at("made_at", nullable=False),
        at("drawn_at"),
        sa.Column("closed", sa.Integer(), nullable=True),
        sa.Column("chosen", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_draw")),
    )
    op.create_table(
        "complaint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("about_id", sa.Integer(), nullable=True),
        at("filed_at", nullable=False),
        *links("complaint", about_id="case", case_id="case"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint")),
        sa.UniqueConstraint("case_id", name=op.f("uq_complaint_case_id")),
    )
    op.create_index(op.f("ix_complaint_about_id"), "complaint", ["about_id"])
    op.create_index("ix_complaint_filed", "complaint", ["filed_at", "reason"])
    op.create_table(
        "accused",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("description_id", sa.Integer(), nullable=True),
        at("named_at", nullable=False),
        sa.Column("named_by_id", sa.Integer(), nullable=True),
        *links(
            "accused",
            case_id="case",
            department_id="department",
            description_id="text",
            named_by_id="person",
            person_id="person",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accused")),
    )
    for column in ("case_id", "department_id", "person_id"):
        op.create_index(op.f(f"ix_accused_{column}"), "accused", [column])
    op.create_table(
        "inquiry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        at("started_at", nullable=False),
        at("accepted_at"),
        sa.Column("accepted_by_id", sa.Integer(), nullable=True),
        at("review_due_at"),
        at("reviewed_at"),
        sa.Column("reviewed_by_id", sa.Integer(), nullable=True),
        at("told_due_at", nullable=False),
        at("told_at"),
        at("due_at", nullable=False),
        at("breached_at"),
        sa.Column("conclusion", sa.String(length=16), nullable=True),
        sa.Column("findings_id", sa.Integer(), nullable=True),
        sa.Column("measures", sa.JSON(), nullable=False),
        at("proposed_at"),
        sa.Column("proposed_by_id", sa.Integer(), nullable=True),
        at("concluded_at"),
        sa.Column("concluded_by_id", sa.Integer(), nullable=True),
        sa.Column("returned_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind IN ('inspectorate', 'discipline')", name=op.f("ck_inquiry_kind")),
        sa.CheckConstraint(
            "conclusion IN ('true', 'partly', 'untrue', 'unverifiable')", name=op.f("ck_inquiry_conclusion")
        ),
        *links(
            "inquiry",
            accepted_by_id="person",
            case_id="case",
            concluded_by_id="person",
            department_id="department",
            findings_id="text",
            proposed_by_id="person",
            returned_id="text",
            reviewed_by_id="person",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inquiry")),
        sa.UniqueConstraint("case_id", "round", "kind", name=op.f("uq_inquiry_case_id_round_kind")),
        sa.UniqueConstraint("public_id", name=op.f("uq_inquiry_public_id")),
    )
    op.create_index("ix_inquiry_department_state", "inquiry", ["department_id", "state", "due_at"])
    op.create_table(
        "statement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("inquiry_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("question_id", sa.Integer(), nullable=False),
        at("asked_at", nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        at("due_at", nullable=False),
        sa.Column("answer_id", sa.Integer(), nullable=True),
        at("answered_at"),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        at("withdrawn_at"),
        *links(
            "statement",
            answer_id="text",
            answered_by_id="person",
            asked_by_id="person",
            case_id="case",
            department_id="department",
            inquiry_id="inquiry",
            person_id="person",
            question_id="text",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement")),
        sa.UniqueConstraint("public_id", name=op.f("uq_statement_public_id")),
    )
    for column in ("case_id", "department_id", "inquiry_id", "person_id"):
        op.create_index(op.f(f"ix_statement_{column}"), "statement", [column])
    op.create_table(
        "look",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=16), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
        at("put_at", nullable=False),
        at("done_at"),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("words_id", sa.Integer(), nullable=True),
        *links("look", case_id="case", done_by_id="person", words_id="text"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look")),
    )
    op.create_index("ix_look_case_queue", "look", ["case_id", "queue"])
    op.create_index("ix_look_queue_done", "look", ["queue", "done_at"])


def downgrade() -> None:
    for table in ("look", "statement", "inquiry", "accused", "complaint", "draw"):
        op.drop_table(table)
