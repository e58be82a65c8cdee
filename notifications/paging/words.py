"""The sentences about calls that climb, in the reader's language: a policy's preview, a case's climb, the alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from board.clock import now
from board.db import db
from board.i18n import _, ngettext
from board.jinja import when
from boards.models import Section
from boards.models.deadline import calendar
from notifications.models.page import Page, PageAlarm, PageState
from notifications.paging import asking
from notifications.paging.climbing import share
from notifications.paging.steps import Step, Who
from people.models import Department

CHANNEL_ORDER = ("push", "mail", "chat", "sms")


def who_words(who: Who) -> str:
    """Whom a step means."""
    return {
        Who.DUTY: _("those on duty"),
        Who.NEXT_ON_ROSTER: _("the next shift"),
        Who.LEADER: _("the department's person in charge"),
        Who.LEADERS_ABOVE: _("the person in charge above it"),
        Who.DESK: _("the command centre"),
    }[who]


def channel_words(channel: str) -> str:
    """A channel's name."""
    return {
        "push": _("notification on the phone"),
        "mail": _("mail"),
        "chat": _("chat group"),
        "sms": _("text message"),
    }.get(channel, channel)


@dataclass(frozen=True)
class Line:
    """One line of a preview: when, who, by what, and how many that would be now."""

    when: str
    who: str
    by: str
    there: str
    empty: bool


def preview(department: Department, steps: Sequence[Step], *, urgent: bool) -> list[Line]:
    """Who is told when, were somebody to call the department now."""
    moment = now()
    return [_line(department, step, moment, urgent=urgent) for step in steps]


def _line(department: Department, step: Step, moment: datetime, *, urgent: bool) -> Line:
    people = asking.named(department, step.who, moment)
    there = (
        ngettext("now %(num)s person", "now %(num)s people", len(people))
        if people
        else _("nobody now: the next step is taken at once")
    )
    by = _(", ").join(channel_words(each) for each in CHANNEL_ORDER if each in step.channels)
    return Line(after_words(step, urgent=urgent), who_words(step.who), by, there, not people)


def after_words(step: Step, *, urgent: bool) -> str:
    """When a step is taken."""
    if step.after == 0:
        return _("Right away") if urgent else _("At once, in the hours that the promise counts")
    if urgent:
        return str(ngettext("After %(num)s minute", "After %(num)s minutes", step.after))
    return _("After %(num)s%% of the time for the first answer", num=step.after)


def examples(department: Department, steps: Sequence[Step]) -> list[str]:
    """What the shares come to in the sections that lead to this department: `交管业务（30 分钟）：10:07、10:15、10:24`."""
    sections = [each for each in Section.all() if each.department_id == department.id and each.makes_cases]
    moment, found = now(), []
    for section in sections[:4]:
        span = section.span("reply")
        times = [when(share(span, calendar(), moment, step.after)) for step in steps if step.after]
        if times:
            found.append(
                _(
                    "%(section)s (first answer within %(span)s): called now, the later steps come %(times)s.",
                    section=section.title,
                    span=span.words(),
                    times=_(", ").join(times),
                )
            )
    return found


def climbed(page: Page) -> str:
    """For the desk: how far the call of a case has climbed, and what comes next."""
    if page.state == PageState.ACKNOWLEDGED and page.lease_until is not None:
        name = page.acknowledged_by.duty_name if page.acknowledged_by is not None else ""
        return _(
            "%(who)s has confirmed it. If it is not accepted by %(until)s, the next ones are called.",
            who=name,
            until=when(page.lease_until),
        )
    steps = [Step.of(row) for row in page.steps]
    told = _("Step %(num)s of %(all)s", num=page.step, all=len(steps))
    if page.step >= len(steps) or page.next_at is None:
        return _("%(told)s: everybody was called; it waits to be confirmed.", told=told)
    return _(
        "%(told)s. Next: %(who)s, %(when)s.",
        told=told,
        who=who_words(steps[page.step].who),
        when=when(page.next_at),
    )


def alarm_words(alarm: PageAlarm) -> str:
    """What the auditor found."""
    return {
        "no_page": _("Nobody had been called; it was done now."),
        "late_step": _("A step was not taken in time; it was done now."),
        "untold": _("A step was taken, but nobody heard of it; they were told now."),
        "not_carried": _("A message could not be delivered."),
    }[alarm.kind]


def standing_page(case_id: int) -> Page | None:
    """The call of a case that stands, None when there is none."""
    return db.session.scalars(
        select(Page)
        .where(Page.case_id == case_id, Page.state != PageState.ENDED, Page.owed)
        .order_by(Page.id.desc())
    ).first()
