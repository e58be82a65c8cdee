"""Moderation: acts with their reasons, appeals, marks for the queue, watched words"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
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
    with op.batch_alter_table("thread", schema=None) as batch_op:
        batch_op.add_column(sa.Column("look_again_at", AT, nullable=True))
        batch_op.create_index(
            "ix_thread_held",
            ["look_again_at", "public_id"],
            sqlite_where=sa.text("look_again_at IS NOT NULL"),
            postgresql_where=sa.text("look_again_at IS NOT NULL"),
        )
    # What is held already is asked again at once.
    op.execute("UPDATE thread SET look_again_at = moved_at WHERE visibility = 'held'")
    op.create_table(
        "moderation_act",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("section_id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("undone_at", AT, nullable=True),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _foreign("moderation_act", "section_id", "section"),
        _foreign("moderation_act", "thread_id", "thread"),
        _foreign("moderation_act", "event_id", "case_event"),
        _foreign("moderation_act", "by_id", "person"),
        _foreign("moderation_act", "undone_by_id", "person"),
        *_own("moderation_act"),
    )
    op.create_index("ix_moderation_act_day", "moderation_act", ["day", "public_id"])
    op.create_index("ix_moderation_act_thread", "moderation_act", ["thread_id", "id"])
    op.create_table(
        "appeal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("act_id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("text_id", sa.Integer(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("decided_at", AT, nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decision", sa.String(length=10), nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _foreign("appeal", "act_id", "moderation_act"),
        _foreign("appeal", "thread_id", "thread"),
        _foreign("appeal", "by_id", "person"),
        _foreign("appeal", "text_id", "text"),
        _foreign("appeal", "decided_by_id", "person"),
        sa.UniqueConstraint("act_id", name=op.f("uq_appeal_act_id")),
        *_own("appeal"),
    )
    op.create_index("ix_appeal_open", "appeal", ["decided_at", "due_at"])
    op.create_table(
        "review_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("text_id", sa.Integer(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("decided_at", AT, nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decision", sa.String(length=10), nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _foreign("review_mark", "thread_id", "thread"),
        _foreign("review_mark", "text_id", "text"),
        _foreign("review_mark", "decided_by_id", "person"),
        sa.UniqueConstraint("text_id", name=op.f("uq_review_mark_text_id")),
        *_own("review_mark"),
    )
    op.create_index("ix_review_mark_open", "review_mark", ["decided_at", "due_at"])
    op.create_index(op.f("ix_review_mark_thread_id"), "review_mark", ["thread_id"])
    op.create_table(
        "text_print",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text_id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("print", sa.Integer(), nullable=False),
        sa.Column("at", AT, nullable=False),
        _foreign("text_print", "text_id", "text"),
        _foreign("text_print", "thread_id", "thread"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_print")),
    )
    op.create_index("ix_text_print_print", "text_print", ["print", "at"])
    op.create_index(op.f("ix_text_print_at"), "text_print", ["at"])
    op.create_index(op.f("ix_text_print_text_id"), "text_print", ["text_id"])
    op.create_table(
        "watched_word",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(length=40), nullable=False),
        sa.Column("folded", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _foreign("watched_word", "by_id", "person"),
        _foreign("watched_word", "ended_by_id", "person"),
        *_own("watched_word"),
    )


def downgrade() -> None:
    op.drop_table("watched_word")
    op.drop_index(op.f("ix_text_print_text_id"), table_name="text_print")
    op.drop_index(op.f("ix_text_print_at"), table_name="text_print")
    op.drop_index("ix_text_print_print", table_name="text_print")
    op.drop_table("text_print")
    op.drop_index(op.f("ix_review_mark_thread_id"), table_name="review_mark")
    op.drop_index("ix_review_mark_open", table_name="review_mark")
    op.drop_table("review_mark")
    op.drop_index("ix_appeal_open", table_name="appeal")
    op.drop_table("appeal")
    op.drop_index("ix_moderation_act_thread", table_name="moderation_act")
    op.drop_index("ix_moderation_act_day", table_name="moderation_act")
    op.drop_table("moderation_act")
    with op.batch_alter_table("thread", schema=None) as batch_op:
        batch_op.drop_index("ix_thread_held")
        batch_op.drop_column("look_again_at")
