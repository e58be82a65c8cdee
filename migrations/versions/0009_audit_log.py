"""The audit log: a chain of rows that the database refuses to change, and its daily roots"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# What each table refuses.
STAYS = {
    "audit_entry": ("update", "delete"),
    "audit_root": ("update", "delete"),
    "audit_reason": ("update",),
}


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.String(length=60), nullable=False),
        sa.Column("actor", sa.String(length=16), nullable=True),
        sa.Column("thing", sa.String(length=80), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("reason_commitment", sa.String(length=64), nullable=True),
        sa.Column("nonce", sa.String(length=32), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_thing_act", "audit_entry", ["thing", "act", "number"])
    op.create_index("ix_audit_entry_at_act", "audit_entry", ["at", "act"])
    op.create_table(
        "audit_reason",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["audit_entry.number"], name=op.f("fk_audit_reason_number_audit_entry")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_reason")),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_root",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_audit_root")),
    )
    for table, acts in STAYS.items():
        if op.get_bind().dialect.name == "sqlite":
            for act in acts:
                op.execute(
                    f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is only added to'); END"
                )
            continue
        op.execute(
            f"CREATE FUNCTION {table}_stays() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} is only added to'; END $$"
        )
        for act, each in (*((act, "ROW") for act in acts), ("truncate", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION {table}_stays()"
            )


def downgrade() -> None:
    for table in ("audit_root", "audit_head", "audit_reason", "audit_entry"):
        op.drop_table(table)
        if table in STAYS and op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_stays()")
