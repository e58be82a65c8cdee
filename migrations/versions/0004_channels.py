"""Channels: where persons can be told of something"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def upgrade() -> None:
    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("lookup", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=80), nullable=True),
        sa.Column("proof", sa.String(length=64), nullable=True),
        sa.Column("proof_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proof_tries", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.CheckConstraint("kind IN ('phone', 'mail', 'push', 'chat')", name=op.f("ck_contact_kind")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_contact_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("person_id", "kind", "lookup", name=op.f("uq_contact_person_id_kind_lookup")),
        sa.UniqueConstraint("proof", name=op.f("uq_contact_proof")),
        sa.UniqueConstraint("public_id", name=op.f("uq_contact_public_id")),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_lookup"), ["lookup"], unique=False)
    op.create_table(
        "acknowledgement_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_acknowledgement_link_case_id_case")),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name=op.f("fk_acknowledgement_link_delivery_id_delivery")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_acknowledgement_link_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acknowledgement_link")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_acknowledgement_link_delivery_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_acknowledgement_link_token_hash")),
    )
    with op.batch_alter_table("acknowledgement_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_acknowledgement_link_person_id"), ["person_id"], unique=False)
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("signed_out_at", sa.DateTime(timezone=True), nullable=True))
    _known_phones()


def _known_phones() -> None:
    """Members proved their telephone when they signed in; that of staff was given by their office."""
    moment = sa.DateTime(timezone=True)
    person = sa.table("person", sa.column("id"), sa.column("kind"), sa.column("public_id"))
    vault = sa.table("vault_item", sa.column("owner"), sa.column("field"), sa.column("created_at", moment))
    contact = sa.table(
        "contact",
        *(sa.column(name) for name in ("public_id", "person_id", "kind", "lookup", "label", "proof_tries")),
        sa.column("created_at", moment),
        sa.column("verified_at", moment),
    )
    field = sa.case((person.c.kind == "staff", "duty_phone"), else_="phone")
    rows = op.get_bind().execute(
        sa.select(person.c.id, vault.c.created_at).join(
            vault, sa.and_(vault.c.owner == "person:" + person.c.public_id, vault.c.field == field)
        )
    )
    found = [
        {
            "public_id": "".join(secrets.choice(ALPHABET) for _ in range(10)),
            "person_id": person_id,
            "kind": "phone",
            "lookup": "phone",
            "label": "",
            "proof_tries": 0,
            "created_at": known_at,
            "verified_at": known_at,
        }
        for person_id, known_at in rows
    ]
    if found:
        op.bulk_insert(contact, found)


def downgrade() -> None:
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_column("signed_out_at")
    with op.batch_alter_table("acknowledgement_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_acknowledgement_link_person_id"))
    op.drop_table("acknowledgement_link")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_lookup"))
    op.drop_table("contact")
