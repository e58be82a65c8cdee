"""The vault: what identifies a person, encrypted, found only through a keyed hash.

An owner is a text such as `person:<public id>` or `text:<public id>`; a field is a word such as `phone`.
Keys come from BOARD_VAULT_KEYS, the newest first: new items use the first, all of them open old ones.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app
from sqlalchemy import LargeBinary, String, UniqueConstraint, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from board.clock import now
from board.db import Model, db, transaction


class VaultError(RuntimeError):
    """An item that none of the configured keys opens."""


class VaultItem(Model):
    """One secret value. `lookup` is set only for what may be found by its value, and then it is unique."""

    __tablename__ = "vault_item"
    __table_args__ = (UniqueConstraint("owner", "field"), UniqueConstraint("field", "lookup"))

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(80))
    field: Mapped[str] = mapped_column(String(40))
    cipher: Mapped[bytes] = mapped_column(LargeBinary)
    lookup: Mapped[str | None] = mapped_column(String(64))
    key_id: Mapped[str] = mapped_column(String(16), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


def _keys() -> tuple[str, ...]:
    keys: tuple[str, ...] = current_app.config["SETTINGS"].vault_keys
    return keys


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key.encode()) for key in _keys()])


def key_id() -> str:
    """The name of the key that new items are sealed with: a hash of it, which tells nothing about it."""
    return hashlib.sha256(b"vault key " + _keys()[0].encode()).hexdigest()[:16]


def keyed_hash(purpose: str, value: str) -> str:
    """HMAC-SHA256 of `value` under the lookup key, 64 hex digits; equal values of different purposes differ."""
    key: str = current_app.config["SETTINGS"].lookup_key
    return hmac.new(key.encode(), f"{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()


def _item(owner: str, field: str) -> VaultItem | None:
    return db.session.scalar(select(VaultItem).where(VaultItem.owner == owner, VaultItem.field == field))


def put(owner: str, field: str, value: str, *, findable: bool = False) -> None:
    """Seal `value` inside the open transaction, over what was there; `findable` lets lookup() find it by value.

    Two owners with one findable value end in IntegrityError.
    """
    item = _item(owner, field)
    if item is None:
        item = VaultItem(owner=owner, field=field)
        db.session.add(item)
    item.cipher = _fernet().encrypt(value.encode())
    item.lookup = keyed_hash(field, value) if findable else None
    item.key_id = key_id()


def get(owner: str, field: str) -> str | None:
    """The value, None when there is none; VaultError when its key is gone."""
    item = _item(owner, field)
    if item is None:
        return None
    try:
        return _fernet().decrypt(item.cipher).decode()
    except InvalidToken:
        raise VaultError(
            f"no key in BOARD_VAULT_KEYS opens {field} of {owner}; it was sealed with key {item.key_id}"
        ) from None


def lookup(field: str, value: str) -> str | None:
    """The owner of this value, None when nobody has it."""
    return db.session.scalar(
        select(VaultItem.owner).where(VaultItem.field == field, VaultItem.lookup == keyed_hash(field, value))
    )


def erase(owner: str, field: str | None = None) -> int:
    """Destroy one field of `owner`, or all of them, inside the open transaction; how many."""
    query = delete(VaultItem).where(VaultItem.owner == owner)
    if field is not None:
        query = query.where(VaultItem.field == field)
    result = db.session.execute(query)
    return int(result.rowcount)  # type: ignore[attr-defined]


def stale() -> int:
    """How many items are not sealed with the newest key."""
    return db.session.scalar(select(func.count(VaultItem.id)).where(VaultItem.key_id != key_id())) or 0


def rotate(batch: int = 200) -> Iterator[int]:
    """Seal everything anew with the newest key, one transaction a batch; yields how many each took.

    May be stopped and started again at any time. VaultError names the first item that no key opens.
    """
    while True:
        with transaction() as session:
            query = select(VaultItem).where(VaultItem.key_id != key_id()).order_by(VaultItem.id).limit(batch)
            items = session.scalars(query.with_for_update()).all()
            for item in items:
                try:
                    item.cipher = _fernet().rotate(item.cipher)
                except InvalidToken:
                    raise VaultError(
                        f"no key in BOARD_VAULT_KEYS opens {item.field} of {item.owner}; add the key {item.key_id}"
                    ) from None
                item.key_id = key_id()
        if not items:
            return
        yield len(items)
