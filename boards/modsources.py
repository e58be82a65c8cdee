"""What waits for the moderators: reports, marked texts, appeals, held threads that are asked again, contacts in replies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from board.errors import NotFound, WrongState
from board.i18n import _, _l
from board.permissions import may
from boards.models.appeal import Appeal
from boards.models.contacts import thread_of
from boards.models.moderation_act import ModerationAct
from boards.models.report import Report
from boards.models.review_mark import ReviewMark
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from boards.modqueue import SOURCES, Source, add
from people.models import Person

CONTACTS = timedelta(days=1)  # within which somebody looks at a contact in a reply


def place_of(event: CaseEvent, person: Person) -> str:
    """Where a moderator finds what a step tells him of: its item of the queue; "" for every other step and reader."""
    name = event.kind.partition(".")[0]
    public_id = event.details.get(name)
    if name not in SOURCES or not isinstance(public_id, str) or not may(person, "moderation.open"):
        return ""
    try:
        return SOURCES[name].find(public_id, person).path
    except NotFound:
        return ""


def _settle_report(report: Report, by: Person, decision: str) -> None:
    report.settle(by=by, decision="dismissed" if decision == "kept" else decision)


def _settle_mark(mark: ReviewMark, by: Person, decision: str) -> None:
    mark.settle(by=by, decision=decision)


def _settle_held(thread: Thread, by: Person, decision: str) -> None:
    if decision == "kept":
        thread.keep_held(by=by)


def _settle_appeal(appeal: Appeal, by: Person, decision: str) -> None:
    raise WrongState(_l("An appeal is decided in its own form."))


def _mine_acted(person: Person) -> Any:
    # Whoever acted does not decide the appeal against it, and does not find it in his queue.
    return Appeal.act.has(ModerationAct.by_id != person.id)


def _settle_contact(text: Text, by: Person, decision: str) -> None:
    if decision == "kept":
        text.keep_contacts(by=by)


add(
    Source(
        name="report",
        label=lambda: _("Reports"),
        model=Report,
        due=Report.due_at,
        open=lambda person: Report.decided_at.is_(None),
        why=lambda row: (row.kind,),
        load=(joinedload(Report.text),),
        settle=_settle_report,
        rule="report.settle",
        thing=lambda row: row,
        thread_id=Report.thread_id,
    )
)
add(
    Source(
        name="text",
        label=lambda: _("Texts to look at"),
        model=ReviewMark,
        due=ReviewMark.due_at,
        open=lambda person: ReviewMark.decided_at.is_(None),
        why=lambda row: row.why,
        load=(joinedload(ReviewMark.text),),
        settle=_settle_mark,
        thread_id=ReviewMark.thread_id,
    )
)
add(
    Source(
        name="appeal",
        label=lambda: _("Appeals"),
        model=Appeal,
        due=Appeal.due_at,
        open=lambda person: Appeal.decided_at.is_(None) & _mine_acted(person),
        why=lambda row: (row.act.kind,),
        load=(joinedload(Appeal.text), joinedload(Appeal.act)),
        settle=_settle_appeal,
        rule="appeal.decide",
        thing=lambda row: row,
        thread_id=Appeal.thread_id,
    )
)
add(
    Source(
        name="held",
        label=lambda: _("Held, to be asked again"),
        model=Thread,
        due=Thread.look_again_at,
        # A week before it is due it need not stand among what is urgent; by due time it comes last anyway.
        open=lambda person: (Thread.visibility == "held") & Thread.look_again_at.is_not(None),
        why=lambda row: (row.hold_reason or "",),
        load=(joinedload(Thread.body),),
        settle=_settle_held,
        thing=lambda row: row,
        thread=lambda row: row,
        text=lambda row: row.body,
    )
)
# A reply in which a telephone, a mail or a link waits, which the board keeps from the public until somebody has looked.
add(
    Source(
        name="contact",
        label=lambda: _("Contacts in replies"),
        model=Text,
        due=Text.created_at,
        within=CONTACTS,
        open=lambda person: Text.contacts == "waiting",
        ever=Text.contacts.is_not(None),
        settle=_settle_contact,
        rule="text.release_contacts",
        thing=lambda row: row,
        thread=thread_of,
        text=lambda row: row,
        thread_id=select(CaseEvent.thread_id)
        .where(CaseEvent.public_text_id == Text.id)
        .limit(1)
        .correlate(Text)
        .scalar_subquery(),
    )
)
