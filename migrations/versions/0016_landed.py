"""What lands with the inspectors: sealings, referrals, reprisals, questions about pressure"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def _foreign(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def _own(table: str) -> list[sa.SchemaItem]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("public_id", name=op.f(f"uq_{table}_public_id")),
    ]


def upgrade() -> None:
    op.create_table(
        "sealing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("ground", sa.String(length=16), nullable=False),
        sa.Column("words_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", AT, nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("decided_at", AT, nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'confirmed', 'refused', 'lapsed', 'lifted', 'overturned')",
            name=op.f("ck_sealing_state"),
        ),
        _foreign("sealing", "case_id", "case"),
        _foreign("sealing", "department_id", "department"),
        _foreign("sealing", "words_id", "text"),
        _foreign("sealing", "asked_by_id", "person"),
        _foreign("sealing", "decided_by_id", "person"),
        *_own("sealing"),
    )
    op.create_index(op.f("ix_sealing_case_id"), "sealing", ["case_id"])
    op.create_index("ix_sealing_asked", "sealing", ["asked_at"])
    op.create_index(
        "ix_sealing_standing",
        "sealing",
        ["case_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "referral",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("text_id", sa.Integer(), nullable=True),
        sa.Column("filed_at", AT, nullable=False),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("breached_at", AT, nullable=True),
        sa.Column("decided_at", AT, nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decision", sa.String(length=12), nullable=True),
        sa.Column("answer_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.CheckConstraint(
            "kind IN ('declined', 'sealed', 'closed', 'dissatisfied')", name=op.f("ck_referral_kind")
        ),
        sa.CheckConstraint(
            "decision IN ('upheld', 'overturned', 'dropped')", name=op.f("ck_referral_decision")
        ),
        sa.UniqueConstraint("case_id", "kind", "round", name=op.f("uq_referral_case_id_kind_round")),
        _foreign("referral", "case_id", "case"),
        _foreign("referral", "by_id", "person"),
        _foreign("referral", "text_id", "text"),
        _foreign("referral", "decided_by_id", "person"),
        _foreign("referral", "answer_id", "text"),
        *_own("referral"),
    )
    op.create_index("ix_referral_open", "referral", ["decided_at", "due_at"])
    op.create_table(
        "reprisal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("text_id", sa.Integer(), nullable=False),
        sa.Column("filed_at", AT, nullable=False),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("breached_at", AT, nullable=True),
        sa.Column("answered_at", AT, nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("answer_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _foreign("reprisal", "case_id", "case"),
        _foreign("reprisal", "by_id", "person"),
        _foreign("reprisal", "text_id", "text"),
        _foreign("reprisal", "answered_by_id", "person"),
        _foreign("reprisal", "answer_id", "text"),
        *_own("reprisal"),
    )
    op.create_index(op.f("ix_reprisal_case_id"), "reprisal", ["case_id"])
    op.create_index("ix_reprisal_open", "reprisal", ["answered_at", "due_at"])
    op.create_table(
        "pressure_question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("after", sa.String(length=12), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
        sa.Column("asked_at", AT, nullable=False),
        sa.Column("answer", sa.String(length=3), nullable=True),
        sa.Column("answered_at", AT, nullable=True),
        sa.Column("words_id", sa.Integer(), nullable=True),
        sa.Column("noted_at", AT, nullable=True),
        sa.Column("noted_by_id", sa.Integer(), nullable=True),
        sa.Column("found_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.CheckConstraint("after IN ('withdrawn', 'rating')", name=op.f("ck_pressure_question_after")),
        sa.CheckConstraint("answer IN ('yes', 'no')", name=op.f("ck_pressure_question_answer")),
        sa.UniqueConstraint(
            "case_id",
            "person_id",
            "after",
            "mark",
            name=op.f("uq_pressure_question_case_id_person_id_after_mark"),
        ),
        _foreign("pressure_question", "case_id", "case"),
        _foreign("pressure_question", "person_id", "person"),
        _foreign("pressure_question", "words_id", "text"),
        _foreign("pressure_question", "noted_by_id", "person"),
        _foreign("pressure_question", "found_id", "text"),
        *_own("pressure_question"),
    )
    op.create_index("ix_pressure_question_person", "pressure_question", ["person_id", "answered_at"])
    op.create_index("ix_pressure_question_answer", "pressure_question", ["answer", "noted_at"])


def downgrade() -> None:
    op.drop_index("ix_pressure_question_answer", table_name="pressure_question")
    op.drop_index("ix_pressure_question_person", table_name="pressure_question")
    op.drop_table("pressure_question")
    op.drop_index("ix_reprisal_open", table_name="reprisal")
    op.drop_index(op.f("ix_reprisal_case_id"), table_name="reprisal")
    op.drop_table("reprisal")
    op.drop_index("ix_referral_open", table_name="referral")
    op.drop_table("referral")
    op.drop_index("ix_sealing_standing", table_name="sealing")
    op.drop_index("ix_sealing_asked", table_name="sealing")
    op.drop_index(op.f("ix_sealing_case_id"), table_name="sealing")
    op.drop_table("sealing")
