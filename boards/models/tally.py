"""Counters kept in the writing transaction, so that no page ever counts rows.

Changes are collected while a verb runs and written in one order just before the commit, like stream entries:
two verbs never wait for each other crosswise. `boards.counting` looks every night whether they are true.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy import String, bindparam, func, literal, select, union_all
from sqlalchemy.orm import Mapped, Session, mapped_column

from board.db import Model, ask, before_commit, db, insert


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
    rows = [
        {"scope": scope, "name": name, "value": by} for (scope, name), by in sorted(changes.items()) if by
    ]
    if rows:
        more = insert(Tally.__table__)
        value = Tally.__table__.c.value + more.excluded.value
        session.execute(
            more.on_conflict_do_update(index_elements=["scope", "name"], set_={"value": value}), rows
        )


_all = select(Tally.scope, Tally.name, Tally.value)
_some = _all.where(Tally.scope.in_(bindparam("scopes", expanding=True)))


def tallies(*scopes: str) -> dict[str, dict[str, int]]:
    """The counters of `scopes`, all of them when none is named."""
    found: dict[str, dict[str, int]] = {scope: {} for scope in scopes}
    for scope, name, value in ask(_some, scopes=scopes) if scopes else ask(_all):
        found.setdefault(scope, {})[name] = value
    return found


Drift = list[tuple[str, str, int, int]]


def drift() -> Drift:
    """Counters that differ from the rows: (scope, name, kept, true).

    Rows and counters are read by one statement: what is committed beside it stands in both, or in neither.
    """
    from boards.models.case import Case
    from boards.models.section import Section
    from boards.models.thread import Thread
    from people.models import Department

    parts = [select(literal("kept"), Tally.scope, Tally.name, Tally.value)]
    for model, prefix, joined in (
        (Section, "section:", Section.id == Thread.section_id),
        (Department, "department:", Department.id == Case.department_id),
    ):
        public = (
            select(literal("true"), literal(prefix) + model.key, Case.status, func.count())
            .select_from(Case)
            .join(Thread, Case.thread_id == Thread.id)
            .join(model, joined)
            .where(Thread.visibility == "public")
        )
        parts.append(public.group_by(model.key, Case.status))
        late = public.with_only_columns(
            literal("true"), literal(prefix) + model.key, literal("overdue"), func.count()
        )
        parts.append(late.where(Case.overdue).group_by(model.key))
    counted: dict[str, dict[tuple[str, str], int]] = {"kept": {}, "true": {}}
    for which, scope, name, number in db.session.execute(union_all(*parts)):
        counted[which][scope, name] = number
    kept, true = counted["kept"], counted["true"]
    return [
        (*key, kept.get(key, 0), true.get(key, 0))
        for key in sorted(kept.keys() | true.keys())
        if kept.get(key, 0) != true.get(key, 0)
    ]


def correct(wrong: Drift) -> None:
    """Set right what drift() found, inside the open transaction: by the difference, so that what was counted since
    then stays counted."""
    for scope, name, kept, true in wrong:
        shift(scope, name, true - kept)


def reconcile() -> Drift:
    """What drift() finds now, set right inside the open transaction."""
    wrong = drift()
    correct(wrong)
    return wrong
