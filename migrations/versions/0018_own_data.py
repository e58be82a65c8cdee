"""One's own data: copies, deletions, consents, notices; what was erased, and how much was removed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def _person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f(f"fk_{table}_person_id_person"))


def _own(table: str) -> list[sa.SchemaItem]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("public_id", name=op.f(f"uq_{table}_public_id")),
    ]


def upgrade() -> None:
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("erased_at", AT, nullable=True))
    with op.batch_alter_table("text", schema=None) as batch_op:
        batch_op.add_column(sa.Column("erased_at", AT, nullable=True))
    op.create_table(
        "export",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("asked_at", AT, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("ready_at", AT, nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("fetched_at", AT, nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _person("export"),
        *_own("export"),
    )
    op.create_index(op.f("ix_export_person_id"), "export", ["person_id"])
    op.create_index(op.f("ix_export_asked_at"), "export", ["asked_at"])
    op.create_table(
        "deletion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", AT, nullable=False),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("pressed", sa.String(length=3), nullable=True),
        sa.Column("undone_at", AT, nullable=True),
        sa.Column("begun_at", AT, nullable=True),
        sa.Column("done_at", AT, nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _person("deletion"),
        *_own("deletion"),
    )
    op.create_index(op.f("ix_deletion_person_id"), "deletion", ["person_id"])
    op.create_table(
        "consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=10), nullable=False),
        sa.Column("place", sa.String(length=8), nullable=False),
        sa.Column("at", AT, nullable=False),
        _person("consent"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sa.UniqueConstraint("person_id", "version", name=op.f("uq_consent_person_id_version")),
    )
    op.create_table(
        "retention_count",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("month", "kind", name=op.f("pk_retention_count")),
    )


def downgrade() -> None:
    op.drop_table("retention_count")
    op.drop_table("consent")
    op.drop_index(op.f("ix_deletion_person_id"), table_name="deletion")
    op.drop_table("deletion")
    op.drop_index(op.f("ix_export_asked_at"), table_name="export")
    op.drop_index(op.f("ix_export_person_id"), table_name="export")
    op.drop_table("export")
    with op.batch_alter_table("text", schema=None) as batch_op:
        batch_op.drop_column("erased_at")
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_column("erased_at")
