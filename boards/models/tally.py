"""Counters kept in the writing transaction, so that no page ever counts rows.

Changes are collected while a verb runs and written in one order just before the commit, like stream entries:
two verbs never wait for each other crosswise. A nightly reconciliation reports drift.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy import String, func, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from board.db import Model, before_commit, db


class Tally(Model):
    """How many cases of `scope` (`section:traffic`, `department:traffic-police`) are `name`."""

    __tablename__ = "tally"

    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


def shift(scope: str, name: str, by: int) -> None:
    """Add `by` to a counter at the end of the open transaction."""
    changes: Counter[tuple[str, str]] = db.session().info.setdefault("tallies", Counter())
    changes[scope, name] += by


@before_commit
def write_tallies(session: Session) -> None:
    """Write what shift() collected, in the order of the keys."""
    changes: Counter[tuple[str, str]] = session.info.get("tallies", Counter())
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else pg_insert
    for (scope, name), by in sorted(changes.items()):
        if by:
            session.execute(
                insert(Tally)
                .values(scope=scope, name=name, value=by)
                .on_conflict_do_update(index_elements=["scope", "name"], set_={"value": Tally.value + by})
            )


def tallies(*scopes: str) -> dict[str, dict[str, int]]:
    """The counters of `scopes`, all of them when none is named."""
    query = select(Tally.scope, Tally.name, Tally.value)
    if scopes:
        query = query.where(Tally.scope.in_(scopes))
    found: dict[str, dict[str, int]] = {scope: {} for scope in scopes}
    for scope, name, value in db.session.execute(query):
        found.setdefault(scope, {})[name] = value
    return found


def reconcile() -> list[tuple[str, str, int, int]]:
    """Counters that differ from the rows: (scope, name, kept, true), and set right. Inside transaction()."""
    from boards.models.case import Case
    from boards.models.section import Section
    from boards.models.thread import Thread
    from people.models import Department

    true: dict[tuple[str, str], int] = {}
    for key_column, prefix, joined in (
        (Section.key, "section", Section.id == Thread.section_id),
        (Department.key, "department", Department.id == Case.department_id),
    ):
        model = Section if prefix == "section" else Department
        rows = db.session.execute(
            select(key_column, Case.status, Case.overdue, func.count())
            .select_from(Case)
            .join(Thread, Case.thread_id == Thread.id)
            .join(model, joined)
            .where(Thread.visibility == "public")
            .group_by(key_column, Case.status, Case.overdue)
        )
        for key, status, overdue, number in rows:
            true[f"{prefix}:{key}", str(status)] = true.get((f"{prefix}:{key}", str(status)), 0) + number
            if overdue:
                true[f"{prefix}:{key}", "overdue"] = true.get((f"{prefix}:{key}", "overdue"), 0) + number
    kept = {(row.scope, row.name): row.value for row in db.session.scalars(select(Tally))}
    drift = [
        (scope, name, kept.get((scope, name), 0), true.get((scope, name), 0))
        for scope, name in sorted(set(kept) | set(true))
        if kept.get((scope, name), 0) != true.get((scope, name), 0)
    ]
    for scope, name, was, is_now in drift:
        shift(scope, name, is_now - was)
    return drift
