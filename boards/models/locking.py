"""Waiting for a case and its thread before anything of them is read."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from board.db import db, is_sqlite


def lock(condition: Any) -> None:
    """Hold the case and the thread that `condition` names until the transaction() ends, the case first.

    SQLite's transaction() holds everything already. On PostgreSQL the rows are locked by themselves, without
    what is joined to them: whoever waited is given the new row of what he locked but the old rows of what he
    joined, so that a case which moved to another department meanwhile would be joined to nothing and be missing.
    What was read before the wait is forgotten.
    """
    from boards.models.case import Case
    from boards.models.thread import Thread

    if is_sqlite():
        return
    joined = select(Case.id).join(Thread, Case.thread_id == Thread.id).where(condition)
    db.session.execute(joined.with_for_update(of=Case))
    threads = select(Thread.id).outerjoin(Case, Case.thread_id == Thread.id).where(condition)
    db.session.execute(threads.with_for_update(of=Thread))
    db.session.expire_all()
