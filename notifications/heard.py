"""The public line of a case: which departments were told, when, and when somebody there saw it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import render_template
from markupsafe import Markup
from sqlalchemy import select

from board.db import db
from board.seams import fill
from boards.models import Case, CaseEvent
from notifications.models import InboxItem
from people.models import Department


@dataclass(frozen=True)
class Heard:
    """One department that was called: when, whether anybody was on duty there then, and when it was acknowledged."""

    department: Department
    told_at: datetime
    empty: bool
    seen_at: datetime | None = None

    @property
    def police(self) -> bool:
        """Whether those on duty there are police officers."""
        return self.department.kind != "city"


def heard_of(case: Case) -> list[Heard]:
    """The departments called in this round, the lead first, then in the order in which they were told."""
    rows = db.session.execute(
        select(InboxItem.on_duty, InboxItem.created_at, Department)
        .join(CaseEvent, InboxItem.event_id == CaseEvent.id)
        .join(Department, InboxItem.department_id == Department.id)
        .where(
            CaseEvent.thread_id == case.thread_id,
            CaseEvent.visibility == "public",
            CaseEvent.round == case.round,
            InboxItem.calls,
        )
        .order_by(InboxItem.id)
    )
    first: dict[int, Heard] = {}
    lead: Heard | None = None
    for on_duty, told_at, department in rows:
        if department.id == case.department_id and told_at >= case.lead_since and lead is None:
            lead = Heard(department, told_at, not on_duty, case.acknowledged_at)
        first.setdefault(department.id, Heard(department, told_at, not on_duty))
    if lead is None and case.department_id in first:
        # It took the case after it had been called: the call before the take is the one that counts.
        called = first[case.department_id]
        lead = Heard(called.department, called.told_at, called.empty, case.acknowledged_at)
    others = [each for key, each in first.items() if key != case.department_id]
    return [*([lead] if lead is not None else []), *others]


@fill("case.heard")
def heard_line(case: Case) -> Markup:
    """`已通知交警支队值班民警 21:04 · 已查看 21:05`, equal for all readers; nothing where nobody was called."""
    told = heard_of(case)
    return Markup(render_template("notifications/heard.html", told=told)) if told else Markup()
