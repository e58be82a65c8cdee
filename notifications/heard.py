"""The public line of a case: which departments were told, when, when somebody there saw it, and how the call climbed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import render_template
from markupsafe import Markup
from sqlalchemy import and_, select

from board.db import db
from board.i18n import _
from board.seams import fill
from boards.models import Case, CaseEvent
from notifications.models import Delivery, InboxItem, Page, PageStep, Telling
from notifications.paging.steps import Who
from people.models import Department


@dataclass(frozen=True)
class Rung:
    """One step that its call climbed: who was told, or that nobody was there."""

    at: datetime
    who: str
    empty: bool

    @property
    def words(self) -> str:
        """`已通知负责人`, `值班空缺`: never who it was."""
        if self.who == "seen":
            return _("seen")
        return (_nobody() if self.empty else _told())[Who(self.who)]


def _told() -> dict[Who, str]:
    return {
        Who.DUTY: _("those on duty told"),
        Who.NEXT_ON_ROSTER: _("the next shift told"),
        Who.LEADER: _("the person in charge told"),
        Who.LEADERS_ABOVE: _("those in charge above told"),
        Who.DESK: _("the command centre told"),
    }


def _nobody() -> dict[Who, str]:
    return {
        Who.DUTY: _("nobody on duty"),
        Who.NEXT_ON_ROSTER: _("no next shift"),
        Who.LEADER: _("nobody in charge there"),
        Who.LEADERS_ABOVE: _("nobody in charge above"),
        Who.DESK: _("nobody at the command centre"),
    }


@dataclass(frozen=True)
class Heard:
    """One department that was called: when, whether anybody was on duty there then, when it was acknowledged, and
    the steps its call climbed."""

    department: Department
    told_at: datetime
    empty: bool
    seen_at: datetime | None = None
    rungs: Sequence[Rung] = ()

    @property
    def course(self) -> list[Rung]:
        """What came after the first call, in its order: who was told, and when it was seen."""
        seen = [Rung(self.seen_at, "seen", False)] if self.seen_at is not None else []
        return sorted([*self.rungs, *seen], key=lambda each: each.at)

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
    told = [*([lead] if lead is not None else []), *others]
    climbed = _climbed(case) if told else {}
    return [replace(each, rungs=_after(each, climbed.get(each.department.id, []))) for each in told]


def _climbed(case: Case) -> dict[int, list[Rung]]:
    """The steps of this round's public calls that were taken, by department."""
    rows = db.session.execute(
        select(Page.department_id, PageStep.told_at, PageStep.who, PageStep.told)
        .join(PageStep, PageStep.page_id == Page.id)
        .join(CaseEvent, Page.event_id == CaseEvent.id)
        .where(
            Page.case_id == case.id,
            Page.round == case.round,
            PageStep.told_at.is_not(None),
            CaseEvent.visibility == "public",
        )
        .order_by(PageStep.id)
    )
    found: dict[int, list[Rung]] = {}
    for department, at, who, told in rows:
        if at is not None:
            found.setdefault(department, []).append(Rung(at, who, not told))
    return found


def _after(heard: Heard, rungs: Sequence[Rung]) -> list[Rung]:
    # That those on duty were told, or that nobody was, is what the line begins with.
    return [
        each
        for each in rungs
        if each.at >= heard.told_at and (each.who != Who.DUTY or each.at > heard.told_at)
    ]


def words_told(delivery: Delivery, page: Page) -> list[str]:
    """The steps of this call that ride in a delivery, in their order: `值班空缺`, `已通知负责人`."""
    rows = db.session.execute(
        select(PageStep.due_at, PageStep.who, PageStep.told)
        .join(
            Telling,
            and_(
                Telling.page_id == PageStep.page_id,
                Telling.leg == PageStep.leg,
                Telling.step == PageStep.step,
            ),
        )
        .where(Telling.delivery_id == delivery.id, Telling.page_id == page.id)
        .order_by(PageStep.id)
    )
    return [Rung(at, who, not told).words for at, who, told in rows]


@fill("case.heard")
def heard_line(case: Case) -> Markup:
    """`已通知交警支队值班民警 21:04 · 已查看 21:05`, equal for all readers; nothing where nobody was called."""
    told = heard_of(case)
    return Markup(render_template("notifications/heard.html", told=told)) if told else Markup()
