"""The public list of what moderators did: day, act, reason, section, and what became of appeals.

A day is listed when it is over, and within a day the order is random: neither the hour of an act nor its place tells
which post it was about. A number stands there only where everybody may read the case now. Figures under ten are
`fewer than 10`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, func, or_, select

from board.clock import local, now
from board.db import db
from boards.models.appeal import Appeal
from boards.models.case import Case
from boards.models.moderation_act import ModerationAct
from boards.models.section import Section
from boards.models.thread import Thread
from boards.policy import visible_to

PAGE = 50
SMALL = 10
MONTHS = 12
# What puts something elsewhere or asks the desk is not taking anything from the public.
TAKING = ("hold", "hide", "cover")


@dataclass(frozen=True)
class Entry:
    """One line of the list. `number` is empty where the case is not public; `appeal`: `` | waiting | upheld | overturned."""

    day: str
    public_id: str
    kind: str
    reason: str
    section: str
    section_en: str
    number: str
    undone: bool
    appeal: str


def entries(before: str = "") -> tuple[Sequence[Entry], str]:
    """A page of the list, newest day first, and the cursor of the next one ("" on the last)."""
    query = (
        select(
            ModerationAct.day,
            ModerationAct.public_id,
            ModerationAct.kind,
            ModerationAct.reason,
            Section.name,
            Section.name_en,
            Section.readers,
            Case.number,
            ModerationAct.undone_at,
            _waits().label("waits"),
            _decided().label("decided"),
            visible_to(None).label("open"),
        )
        .join(Thread, ModerationAct.thread_id == Thread.id)
        .join(Section, ModerationAct.section_id == Section.id)
        .outerjoin(Case, Case.thread_id == Thread.id)
        .where(ModerationAct.day < today())
    )
    day, _dot, public_id = before.partition(".")
    if public_id:
        query = query.where(
            or_(ModerationAct.day < day, and_(ModerationAct.day == day, ModerationAct.public_id < public_id))
        )
    order = query.order_by(ModerationAct.day.desc(), ModerationAct.public_id.desc()).limit(PAGE + 1)
    rows = db.session.execute(order).all()
    shown = [_entry(row) for row in rows[:PAGE]]
    more = f"{shown[-1].day}.{shown[-1].public_id}" if len(rows) > PAGE else ""
    return shown, more


def today() -> str:
    """The city's day, which is not over: its acts are listed tomorrow."""
    return f"{local(now()):%Y-%m-%d}"


def _entry(row: Any) -> Entry:
    named = row.readers == "public"
    return Entry(
        day=row.day,
        public_id=row.public_id,
        kind=row.kind,
        reason=row.reason,
        section=row.name if named else "",
        section_en=row.name_en if named else "",
        number=(row.number or "") if row.open else "",
        undone=row.undone_at is not None,
        appeal="waiting" if row.waits else row.decided or "",
    )


def _waits() -> ColumnElement[bool]:
    return exists().where(Appeal.act_id == ModerationAct.id, Appeal.decided_at.is_(None))


def _decided() -> ScalarSelect[str | None]:
    # Of several authors' appeals against one cover the one that gave something back is told: `overturned` comes first.
    return select(func.min(Appeal.decision)).where(Appeal.act_id == ModerationAct.id).scalar_subquery()


def totals() -> list[tuple[str, list[tuple[str, int | None]]]]:
    """For each of the last twelve months: how often something was taken from the public, by reason; None under ten.

    What was taken back within minutes does not count.
    """
    month = func.substr(ModerationAct.day, 1, 7).label("month")
    rows = db.session.execute(
        select(month, ModerationAct.reason, func.count())
        .where(
            ModerationAct.day < today(),
            ModerationAct.kind.in_(TAKING),
            ModerationAct.undone_at.is_(None),
        )
        .group_by(month, ModerationAct.reason)
        .order_by(month.desc(), ModerationAct.reason)
    )
    found: dict[str, list[tuple[str, int | None]]] = {}
    for each, reason, count in rows:
        found.setdefault(each, []).append((reason, count if count >= SMALL else None))
    return list(found.items())[:MONTHS]
