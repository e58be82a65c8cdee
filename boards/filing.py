"""Filing a report about a text, and reminding the moderators of it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from board import jobs
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid
from board.i18n import _l
from board.live import append
from board.permissions import require
from board.text import normalise
from boards.models.moderated import QUEUE
from boards.models.report import KINDS, Report, answered_within
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import Audience, CaseEvent
from boards.policy import about_own
from people import vault
from people.models import Appointment, Person


def reminded(report: Report) -> tuple[timedelta, ...]:
    """How long after a report the moderators hear of it again, while nobody has decided: half its time, and shortly before."""
    whole = report.due_at - report.at
    return whole / 2, whole * 11 / 12


def file_report(thread: Thread, *, kind: str, words: str, contact: str, by: Person | None) -> Report:
    """Keep a report and tell the moderators, inside the open transaction.

    Who reports is not part of the timeline; how to reach him lies in the vault. Invalid names the field.
    """
    require(by, "report.file", thread)
    if kind not in KINDS:
        raise Invalid(_l("Please choose what is wrong with it."), field="kind")
    if len(words) > 1_000:
        raise Invalid(_l("At most 1,000 characters, please."), field="words")
    text = Text.write("report", words, by=by, field="words")
    report = Report(
        thread=thread, kind=kind, text=text, by=by, at=now(), due_at=now() + answered_within(kind)
    )
    db.session.add(report)
    db.session.flush()
    reach = normalise(contact, lines=False)
    if reach:
        vault.put(f"report:{report.public_id}", "contact", reach)
    _tell(thread, "report.filed", report)
    append(QUEUE, kind="new")
    for place, after in enumerate(reminded(report)):
        jobs.put(
            "report-reminder",
            key=f"report-reminder:{report.public_id}:{place}",
            due_at=report.at + after,
            report=report.public_id,
        )
    return report


def _tell(thread: Thread, kind: str, report: Report) -> CaseEvent:
    audience = Audience(followers=False)
    audience.add(*moderators(thread), reason="report")
    return thread.record(
        kind,
        by=None,
        visibility="internal",
        audience=audience,
        details={"report": report.public_id, "kind": report.kind},
        moves=False,
    )


def moderators(thread: Thread) -> list[Person]:
    """Who may decide about a text here: moderators now in office, but for those about whose own department it is."""
    rows = db.session.scalars(select(Appointment).where(Appointment.role == "moderator"))
    people = {row.person_id: row.person for row in rows if row.holds() and row.person.active}
    return [person for person in people.values() if not about_own(person, thread)]


@jobs.handler("report-reminder")
def remind(report: str) -> None:
    """Nobody has decided yet: tell the moderators again."""
    with transaction():
        row = db.session.scalar(select(Report).where(Report.public_id == report))
        if row is None or row.decided_at is not None:
            return
        # A worker that died after the commit runs this again: each reminder is told once.
        query = select(CaseEvent.details).where(
            CaseEvent.thread_id == row.thread_id, CaseEvent.kind == "report.reminded"
        )
        told = sum(details.get("report") == report for details in db.session.scalars(query))
        if told < sum(now() >= row.at + after for after in reminded(row)):
            _tell(row.thread, "report.reminded", row)
