"""Reminding the moderators of an appeal, in a job: half-way to its promise, and when that is over."""

from __future__ import annotations

from sqlalchemy import select

from board import jobs
from board.db import db, transaction
from boards.models.appeal import Appeal


@jobs.handler("appeal-reminder")
def remind(appeal: str) -> None:
    """Nobody has decided yet: whoever may hears of it again."""
    with transaction():
        row = db.session.scalar(select(Appeal).where(Appeal.public_id == appeal))
        if row is not None:
            row.remind()
