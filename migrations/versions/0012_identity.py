"""Identity: nicknames sealed, openings of an identity, receipts"""

from __future__ import annotations

import hashlib
import hmac
import logging
import unicodedata
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from cryptography.fernet import Fernet, MultiFernet
from flask import current_app

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

log = logging.getLogger("alembic.runtime.migration")
BATCH = 2000

# Written out here, so that what happened to old rows does not change with the program.
person = sa.table(
    "person",
    sa.column("id", sa.Integer),
    sa.column("public_id", sa.String),
    sa.column("nickname", sa.String),
    sa.column("nickname_key", sa.String),
    sa.column("nickname_sealed", sa.String),
    sa.column("nickname_lookup", sa.String),
)


def upgrade() -> None:
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("nickname_sealed", sa.String(length=400), nullable=True))
        batch_op.add_column(sa.Column("nickname_lookup", sa.String(length=64), nullable=True))
    with _Overwritten():
        _seal_nicknames()
        with op.batch_alter_table("person", schema=None) as batch_op:
            batch_op.drop_constraint(batch_op.f("uq_person_nickname_key"), type_="unique")
            batch_op.drop_column("nickname_key")
            batch_op.drop_column("nickname")
            batch_op.create_unique_constraint(batch_op.f("uq_person_nickname_lookup"), ["nickname_lookup"])

    op.create_table(
        "identity_opening",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_identity_opening_by_id_person")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_identity_opening_case_id_case")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_identity_opening_department_id_department")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_opening")),
    )
    with op.batch_alter_table("identity_opening", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identity_opening_case_id"), ["case_id"], unique=False)
    op.create_table(
        "receipt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("lookup", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=200), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_receipt_thread_id_thread")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("lookup", name=op.f("uq_receipt_lookup")),
        sa.UniqueConstraint("public_id", name=op.f("uq_receipt_public_id")),
        sa.UniqueConstraint("thread_id", name=op.f("uq_receipt_thread_id")),
    )


def downgrade() -> None:
    op.drop_table("receipt")
    with op.batch_alter_table("identity_opening", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identity_opening_case_id"))
    op.drop_table("identity_opening")
    # `thread.identity` keeps what it says: the older program shows nobody but an open poster by his nickname.
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("nickname", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("nickname_key", sa.String(length=40), nullable=True))
    _open_nicknames()
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_person_nickname_lookup"), type_="unique")
        batch_op.drop_column("nickname_lookup")
        batch_op.drop_column("nickname_sealed")
        batch_op.create_unique_constraint(batch_op.f("uq_person_nickname_key"), ["nickname_key"])


class _Overwritten:
    """While it lasts, SQLite fills with zeros what it gives up: no nickname stays in a free page of the file."""

    def __enter__(self) -> None:
        self.connection = op.get_bind()
        self.sqlite = self.connection.dialect.name == "sqlite"
        if self.sqlite:
            self.before = self.connection.exec_driver_sql("PRAGMA secure_delete").scalar()
            self.connection.exec_driver_sql("PRAGMA secure_delete=ON").close()

    def __exit__(self, *_error: Any) -> None:
        if self.sqlite:
            self.connection.exec_driver_sql(f"PRAGMA secure_delete={int(self.before or 0)}").close()


def _batches(column: sa.ColumnClause[str], *wanted: sa.ColumnClause[Any]) -> Iterator[list[Any]]:
    """Every person with something in `column`, some thousand at a time, and how far it is into the log."""
    connection, last, done = op.get_bind(), 0, 0
    everybody = connection.scalar(sa.select(sa.func.count()).select_from(person).where(column.is_not(None)))
    while True:
        query = sa.select(person.c.id, *wanted).where(column.is_not(None), person.c.id > last)
        rows = list(connection.execute(query.order_by(person.c.id).limit(BATCH)))
        if not rows:
            return
        yield rows
        last, done = rows[-1][0], done + len(rows)
        log.info("nicknames: %d of %d", done, everybody)


def _fernet() -> tuple[str, MultiFernet]:
    keys: tuple[str, ...] = current_app.config["SETTINGS"].vault_keys
    name = hashlib.sha256(b"vault key " + keys[0].encode()).hexdigest()[:16]
    return name, MultiFernet([Fernet(key.encode()) for key in keys])


def _seal_nicknames() -> None:
    name, fernet = _fernet()
    secret: str = current_app.config["SETTINGS"].lookup_key
    change = (
        sa.update(person)
        .where(person.c.id == sa.bindparam("who"))
        .values(
            nickname=None,
            nickname_key=None,
            nickname_sealed=sa.bindparam("sealed"),
            nickname_lookup=sa.bindparam("lookup"),
        )
    )
    for rows in _batches(person.c.nickname, person.c.nickname):
        values = []
        for who, nickname in rows:
            key = _key(nickname)
            values.append(
                {
                    "who": who,
                    "sealed": f"{name}:{fernet.encrypt(nickname.encode()).decode()}",
                    "lookup": hmac.new(
                        secret.encode(), f"nickname\0{key}".encode(), hashlib.sha256
                    ).hexdigest(),
                }
            )
        op.get_bind().execute(change, values)


def _open_nicknames() -> None:
    _name, fernet = _fernet()
    change = (
        sa.update(person)
        .where(person.c.id == sa.bindparam("who"))
        .values(nickname=sa.bindparam("plain"), nickname_key=sa.bindparam("key"))
    )
    for rows in _batches(person.c.nickname_sealed, person.c.nickname_sealed):
        values = []
        for who, sealed in rows:
            plain = fernet.decrypt(sealed.partition(":")[2].encode()).decode()
            values.append({"who": who, "plain": plain, "key": _key(plain)})
        op.get_bind().execute(change, values)


def _key(nickname: str) -> str:
    return "".join(unicodedata.normalize("NFKC", nickname).casefold().split())
