"""Accounts: passkeys, recovery codes, invitations, known devices, confirmations, and what their persons are told"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def _foreign(table: str, column: str, other: str = "person") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def _own(table: str) -> list[sa.SchemaItem]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("public_id", name=op.f(f"uq_{table}_public_id")),
    ]


def upgrade() -> None:
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.add_column(sa.Column("confirmed_at", AT, nullable=True))
        batch_op.add_column(sa.Column("method", sa.String(length=12), nullable=False, server_default=""))
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.alter_column("method", existing_type=sa.String(length=12), server_default=None)
    op.create_table(
        "known_device",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("lookup", sa.String(length=64), nullable=False),
        sa.Column("seen_at", AT, nullable=False),
        _foreign("known_device", "person_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_device")),
        sa.UniqueConstraint("person_id", "lookup", name=op.f("uq_known_device_person_id_lookup")),
    )
    op.create_index(op.f("ix_known_device_seen_at"), "known_device", ["seen_at"])
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("used_at", AT, nullable=True),
        _foreign("recovery_code", "person_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("person_id", "code_hash", name=op.f("uq_recovery_code_person_id_code_hash")),
    )
    op.create_table(
        "passkey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.String(length=1400), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("rp_id", sa.String(length=253), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("made_in", sa.String(length=16), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("used_at", AT, nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _foreign("passkey", "person_id"),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
        *_own("passkey"),
    )
    op.create_index(op.f("ix_passkey_person_id"), "passkey", ["person_id"])
    op.create_table(
        "spent_challenge",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_spent_challenge")),
    )
    op.create_index(op.f("ix_spent_challenge_at"), "spent_challenge", ["at"])
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("used_at", AT, nullable=True),
        sa.Column("revoked_at", AT, nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _foreign("invitation", "person_id"),
        _foreign("invitation", "made_by_id"),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
        *_own("invitation"),
    )
    op.create_index(op.f("ix_invitation_person_id"), "invitation", ["person_id"])
    op.create_table(
        "account_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("sign_in", sa.String(length=16), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("read_at", AT, nullable=True),
        sa.Column("denied_at", AT, nullable=True),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _foreign("account_notice", "person_id"),
        *_own("account_notice"),
    )
    op.create_index("ix_account_notice_person", "account_notice", ["person_id", "id"])
    op.create_index(op.f("ix_account_notice_at"), "account_notice", ["at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_account_notice_at"), table_name="account_notice")
    op.drop_index("ix_account_notice_person", table_name="account_notice")
    op.drop_table("account_notice")
    op.drop_index(op.f("ix_invitation_person_id"), table_name="invitation")
    op.drop_table("invitation")
    op.drop_index(op.f("ix_spent_challenge_at"), table_name="spent_challenge")
    op.drop_table("spent_challenge")
    op.drop_index(op.f("ix_passkey_person_id"), table_name="passkey")
    op.drop_table("passkey")
    op.drop_table("recovery_code")
    op.drop_index(op.f("ix_known_device_seen_at"), table_name="known_device")
    op.drop_table("known_device")
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.drop_column("method")
        batch_op.drop_column("confirmed_at")
