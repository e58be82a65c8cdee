"""What waits for the moderators: reports, marked texts, appeals, held threads that are asked again, contacts in replies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from board.clock import now
from board.db import db
from board.errors import NotFound, WrongState
from board.i18n import _, _l
from board.live import append
from board.permissions import may
from boards.models.appeal import Appeal
from boards.models.moderated import QUEUE
from boards.models.moderation_act import ModerationAct
from boards.models.report import Report
from boards.models.review_mark import ReviewMark
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from boards.modqueue import SOURCES, Item, Source, add
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
    append(QUEUE, kind="changed")


def _settle_appeal(appeal: Appeal, by: Person, decision: str) -> None:
    raise WrongState(_l("An appeal is decided in its own form."))


def _mine_acted(person: Person) -> Any:
    # Whoever acted does not decide the appeal against it, and does not find it in his queue.
    return Appeal.act.has(ModerationAct.by_id != person.id)


def _thread_of(text: Text) -> Thread:
    return db.session.scalars(
        select(Thread)
        .join(CaseEvent, CaseEvent.thread_id == Thread.id)
        .where(CaseEvent.public_text_id == text.id)
        .limit(1)
    ).one()


def _contact(text: Any) -> Item:
    return Item("contact", text.public_id, text.created_at + CONTACTS, _thread_of(text), text, text)


def _settle_contact(text: Any, by: Person, decision: str) -> None:
    if decision == "kept":
        text.keep_contacts(by=by)
    append(QUEUE, kind="changed")


add(
    Source(
        name="report",
        label=lambda: _("Reports"),
        model=Report,
        due=Report.due_at,
        open=lambda person: Report.decided_at.is_(None),
        item=lambda row: Item("report", row.public_id, row.due_at, row.thread, row, row.text, (row.kind,)),
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
        item=lambda row: Item("text", row.public_id, row.due_at, row.thread, row, row.text, tuple(row.why)),
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
        item=lambda row: Item(
            "appeal", row.public_id, row.due_at, row.thread, row, row.text, (row.act.kind,)
        ),
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
        item=lambda row: Item(
            "held", row.public_id, row.look_again_at or now(), row, row, row.body, (row.hold_reason or "",)
        ),
        settle=_settle_held,
        thing=lambda row: row,
    )
)
# A reply in which a telephone, a mail or a link waits, where the board keeps those from the public.
_waiting: Any = getattr(Text, "contacts", None)
if _waiting is not None:
    add(
        Source(
            name="contact",
            label=lambda: _("Contacts in replies"),
            model=Text,
            due=Text.created_at,
            within=CONTACTS,
            open=lambda person: _waiting == "waiting",
            item=_contact,
            settle=_settle_contact,
            rule="text.release_contacts",
            thing=lambda row: row,
            thread_id=select(CaseEvent.thread_id)
            .where(CaseEvent.public_text_id == Text.id)
            .limit(1)
            .correlate(Text)
            .scalar_subquery(),
        )
    )
