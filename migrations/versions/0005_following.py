"""Following"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

HOWS = "how IN ('at_once', 'daily', 'inbox')"


def upgrade() -> None:
    op.create_table(
        "follow",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("target", sa.String(length=300), nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.CheckConstraint(
            "kind IN ('section', 'department', 'place', 'search')", name=op.f("ck_follow_kind")
        ),
        sa.CheckConstraint(HOWS, name=op.f("ck_follow_how")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_follow_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow")),
        sa.UniqueConstraint("kind", "target", "person_id", name=op.f("uq_follow_kind_target_person_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_follow_public_id")),
    )
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follow_person_id"), ["person_id"], unique=False)

    op.create_table(
        "rhythm",
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest_hour", sa.Integer(), nullable=False),
        sa.Column("quiet_from", sa.Integer(), nullable=False),
        sa.Column("quiet_until", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("mails", sa.Boolean(), nullable=False),
        sa.CheckConstraint("digest_hour BETWEEN 0 AND 23", name=op.f("ck_rhythm_digest_hour")),
        sa.CheckConstraint("quiet_from BETWEEN 0 AND 23", name=op.f("ck_rhythm_quiet_from")),
        sa.CheckConstraint("quiet_until BETWEEN 0 AND 23", name=op.f("ck_rhythm_quiet_until")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_rhythm_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_rhythm")),
    )
    op.create_table(
        "tiding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("ways", sa.JSON(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bundle", sa.String(length=16), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("how IN ('at_once', 'daily')", name=op.f("ck_tiding_how")),
        sa.ForeignKeyConstraint(["event_id"], ["case_event.id"], name=op.f("fk_tiding_event_id_case_event")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_tiding_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tiding")),
        sa.UniqueConstraint("event_id", "person_id", name=op.f("uq_tiding_event_id_person_id")),
    )
    with op.batch_alter_table("tiding", schema=None) as batch_op:
        batch_op.create_index("ix_tiding_due", ["bundle", "due_at"], unique=False)
        batch_op.create_index("ix_tiding_person", ["person_id", "bundle", "id"], unique=False)

    # Whoever followed a case pressed a button that spoke of the inbox alone.
    with op.batch_alter_table("watch", schema=None) as batch_op:
        batch_op.add_column(sa.Column("how", sa.String(length=8), nullable=False, server_default="inbox"))
        batch_op.create_check_constraint(batch_op.f("ck_watch_how"), HOWS)
    with op.batch_alter_table("watch", schema=None) as batch_op:
        batch_op.alter_column("how", server_default=None)
    # The poster of a case is told of his own.
    op.execute(
        "UPDATE watch SET how = 'at_once' WHERE person_id = "
        "(SELECT thread.poster_id FROM thread WHERE thread.id = watch.thread_id)"
    )


def downgrade() -> None:
    with op.batch_alter_table("watch", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_watch_how"), type_="check")
        batch_op.drop_column("how")
    with op.batch_alter_table("tiding", schema=None) as batch_op:
        batch_op.drop_index("ix_tiding_person")
        batch_op.drop_index("ix_tiding_due")
    op.drop_table("tiding")
    op.drop_table("rhythm")
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_follow_person_id"))
    op.drop_table("follow")
