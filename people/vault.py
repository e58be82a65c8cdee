"""The vault: what identifies a person, encrypted, found only through a keyed hash.

An owner is a text such as `person:<public id>` or `text:<public id>`; a field is a word such as `phone`.
Keys come from BOARD_VAULT_KEYS, the newest first: new items use the first, all of them open old ones.
What every list shows beside a row (a nickname) may lie sealed in that row: then it costs no statement to find it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app
from sqlalchemy import LargeBinary, Select, String, UniqueConstraint, delete, func, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

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


@lru_cache(maxsize=4)
def _fernet_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key.encode()) for key in keys])


def _fernet() -> MultiFernet:
    return _fernet_of(_keys())


@lru_cache(maxsize=4)
def _name_of(key: str) -> str:
    return hashlib.sha256(b"vault key " + key.encode()).hexdigest()[:16]


def key_id() -> str:
    """The name of the key that new items are sealed with: a hash of it, which tells nothing about it."""
    return _name_of(_keys()[0])


# --- what lies sealed in its own row ------------------------------------------------------------------

_columns: list[InstrumentedAttribute[str | None]] = []


def keeps(column: InstrumentedAttribute[str | None]) -> None:
    """Note that this column holds what seal() gave, so that a change of keys reaches it."""
    if not any(each is column for each in _columns):
        _columns.append(column)


def seal(value: str) -> str:
    """`value` as a column of its own row may hold it: the name of the key, and what only that key opens."""
    return f"{key_id()}:{_fernet().encrypt(value.encode()).decode()}"


def unseal(sealed: str) -> str:
    """What was sealed; VaultError when its key is gone. Costs about 30 µs."""
    name, _colon, cipher = sealed.partition(":")
    try:
        return _fernet().decrypt(cipher).decode()
    except InvalidToken:
        raise VaultError(f"no key in BOARD_VAULT_KEYS opens this; it was sealed with key {name}") from None


def _old(column: InstrumentedAttribute[str | None]) -> Any:
    return column.is_not(None) & ~column.startswith(f"{key_id()}:", autoescape=True)


def keyed_hash(purpose: str, value: str) -> str:
    """HMAC-SHA256 of `value` under the lookup key, 64 hex digits; equal values of different purposes differ."""
    key: str = current_app.config["SETTINGS"].lookup_key
    return hmac.new(key.encode(), f"{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()


def signature(purpose: str, value: str) -> str:
    """What stands behind `value` in an address that only this board can have made, 32 hex digits."""
    return keyed_hash(purpose, value)[:32]


def signed(purpose: str, value: str, given: str) -> bool:
    """Whether this board has signed `value` for this purpose with what was `given`."""
    return hmac.compare_digest(given.encode(), signature(purpose, value).encode())


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


def erase_all(owners: Select[Any]) -> None:
    """Destroy everything of many owners in one statement, inside the open transaction."""
    db.session.execute(delete(VaultItem).where(VaultItem.owner.in_(owners)))


def stale() -> int:
    """How many items are not sealed with the newest key."""
    items = select(func.count(VaultItem.id)).where(VaultItem.key_id != key_id())
    columns = [select(func.count(each)).where(_old(each)) for each in _columns]
    return sum(db.session.scalar(query) or 0 for query in (items, *columns))


def rotate(batch: int = 200) -> Iterator[int]:
    """Seal everything anew with the newest key, one transaction a batch; yields how many each took.

    May be stopped and started again at any time. VaultError names the first item that no key opens.
    """
    for column in _columns:
        yield from _rotate_column(column, batch)
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


def _rotate_column(column: InstrumentedAttribute[str | None], batch: int) -> Iterator[int]:
    model: Any = column.class_
    last = 0
    while True:
        with transaction() as session:
            query = select(model).where(model.id > last, _old(column)).order_by(model.id).limit(batch)
            rows = session.scalars(query.with_for_update()).all()
            for row in rows:
                cipher = getattr(row, column.key).partition(":")[2]
                try:
                    fresh = _fernet().rotate(cipher.encode()).decode()
                except InvalidToken:
                    raise VaultError(
                        f"no key in BOARD_VAULT_KEYS opens {column.key} of {row!r}; "
                        f"add the key {getattr(row, column.key).partition(':')[0]}"
                    ) from None
                setattr(row, column.key, f"{key_id()}:{fresh}")
                last = row.id
        if not rows:
            return
        yield len(rows)
