"""Deleting an account, as far as it was told of anything: inbox, what it follows, and every note of a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select

from board.db import transaction
from notifications.models import (
    AccountNotice,
    AcknowledgementLink,
    Delivery,
    Follow,
    InboxItem,
    Rhythm,
    Tiding,
    Unread,
)
from people.own_data import forgets

AT_ONCE = 500


@forgets("notifications")
def forget(person_id: int, wished: Mapping[str, Any]) -> None:
    """Everything of it, some hundred rows at a time."""
    for model in (AcknowledgementLink, Tiding, Delivery, InboxItem, Follow, AccountNotice):
        while _forget_some(model, person_id):
            pass
    with transaction() as session:
        for row in (Rhythm, Unread):
            session.execute(delete(row).where(row.person_id == person_id))


def _forget_some(model: Any, person_id: int) -> bool:
    with transaction() as session:
        ids = session.scalars(select(model.id).where(model.person_id == person_id).limit(AT_ONCE)).all()
        session.execute(delete(model).where(model.id.in_(ids)).execution_options(synchronize_session=False))
        return bool(ids)
