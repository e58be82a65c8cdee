"""The hidden once-token of a form: sent twice, it acts once, and the second answer is the first one's.

The row is written in the same transaction as the act, so a token is used exactly when its act happened.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from board import retention
from board.clock import now
from board.db import Model, db, one_at_a_time


class Once(Model):
    """A token that was used, and where its act led."""

    __tablename__ = "once"

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    result: Mapped[str] = mapped_column(String(300))
    used_at: Mapped[datetime] = mapped_column(default=now, index=True)


def fresh() -> str:
    """A new token for a form."""
    return secrets.token_urlsafe(18)


def used(token: str | None) -> str | None:
    """Where the act of `token` led, None when it has not happened. Ask inside the transaction.

    Of two that ask at once the second waits until the first is done, and is led to the same place.
    """
    if not token or len(token) > 64:
        return None
    one_at_a_time(token)
    return db.session.scalar(select(Once.result).where(Once.token == token))


def use(token: str | None, result: str) -> None:
    """Note inside the open transaction that `token`'s act happened; a race of two ends in IntegrityError."""
    if token and len(token) <= 64:
        db.session.add(Once(token=token, result=result))


@retention.removes("once")
def forget_used(before: datetime, dry_run: bool) -> int:
    """Forget the tokens that were used before this moment."""
    return retention.rows_gone("once", Once, Once.used_at < before, dry_run=dry_run)
