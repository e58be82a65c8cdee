"""What time does to cases: jobs that look again when a clock is due, and act only if it still stands so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from board import jobs
from board.clock import now
from board.db import db, transaction
from board.seams import standing_promise
from boards.models import Case, CaseEvent, Deadline, Handover, receipt
from boards.models.deadline import DUTIES
from boards.models.locking import lock
from boards.models.status import Status
from boards.models.timeline import Audience


def _case_of(case_id: int) -> Case | None:
    lock(Case.id == case_id)
    return db.session.get(Case, case_id)


@standing_promise
def promise_sweep() -> None:
    """Today's look for receipts whose time is over, inside the open transaction."""
    jobs.put("sweep-receipts", key=f"sweep-receipts:{now():%Y-%m-%d}")


@jobs.handler("sweep-receipts", single=True)
def sweep_receipts() -> None:
    """Forget them, and look again tomorrow."""
    receipt.sweep()
    tomorrow = now() + timedelta(days=1)
    with transaction():
        jobs.put("sweep-receipts", key=f"sweep-receipts:{tomorrow:%Y-%m-%d}", due_at=tomorrow)


@jobs.handler("deadline-due")
def deadline_due(deadline: str) -> None:
    """A clock ran out: a breach for a department's duty, the next step for a wait."""
    with transaction():
        row = Deadline.by_public_id(deadline)
        case = _case_of(row.case_id) if row is not None else None
        if row is None or case is None or not row.is_running or row.due_at is None or row.due_at > now():
            return  # stopped, paused or moved since the promise was made
        if row.kind in DUTIES:
            case.note_breaches()
            if row.kind == "rectification" and case.status == Status.RESOLVED:
                case.rating_ended()
        elif row.kind == "poster" and case.status == Status.WAITING_POSTER:
            case.wait_ended()
        elif row.kind == "rating" and case.status == Status.RESOLVED:
            case.rating_ended()


@jobs.handler("deadline-reminder")
def deadline_reminder(deadline: str, percent: int) -> None:
    """Half, or four fifths, of a promise are used: the handler hears of it, or else who is on duty."""
    with transaction():
        row = Deadline.by_public_id(deadline)
        case = _case_of(row.case_id) if row is not None else None
        if row is None or case is None or not row.is_running or row.breached_at is not None:
            return
        # A worker that died after the commit runs this again: what was told for this date is not told twice.
        told = {"deadline": deadline, "percent": percent, "due": row.due_at and row.due_at.isoformat()}
        if told in _details(case, "case.reminded"):
            return
        audience = Audience(followers=False)
        audience.add(case.handler, reason="handler")
        if case.handler is None:
            audience.add_department(case.department, "reminder")
        case.record(
            "case.reminded",
            by=None,
            visibility="internal",
            audience=audience,
            details=told,
            clock=row.kind,
            percent=percent,
        )


def _details(case: Case, kind: str) -> list[dict[str, Any]]:
    query = select(CaseEvent.details).where(CaseEvent.thread_id == case.thread_id, CaseEvent.kind == kind)
    return list(db.session.scalars(query))


@jobs.handler("handover-due")
def handover_due(handover: str) -> None:
    """Nobody took or returned an offered case in time: the desk decides."""
    with transaction():
        row = db.session.scalar(select(Handover).where(Handover.public_id == handover))
        case = _case_of(row.case_id) if row is not None else None
        if row is not None and case is not None and row.is_open and row.due_at <= now() and case.is_open:
            case.handover_expired(handover)


@jobs.handler("resume-case")
def resume_case(number: str, round: int) -> None:
    """The end of a suspension has come."""
    with transaction():
        case = _numbered(number)
        if case is None or case.status != Status.SUSPENDED or case.round != round:
            return
        if case.suspended_until is not None and case.suspended_until <= now():
            case.resume(by=None)


@jobs.handler("ask-follow-up")
def ask_follow_up(number: str, round: int) -> None:
    """The date of a plan, or ten working days after a transfer, has come."""
    with transaction():
        case = _numbered(number)
        if case is not None and case.round == round and case.status in (Status.RESOLVED, Status.CLOSED):
            case.ask_follow_up()


def _numbered(number: str) -> Case | None:
    found = db.session.scalar(select(Case.id).where(Case.number == number))
    return _case_of(found) if found is not None else None


@jobs.handler("recompute-deadlines")
def recompute_deadlines(**_ids: str) -> None:
    """The calendar changed: running deadlines are asked again, and a case whose date moved says so."""
    last = 0
    while True:
        with transaction():
            rows = db.session.scalars(
                select(Deadline)
                .where(Deadline.id > last, Deadline.stopped_at.is_(None))
                .order_by(Deadline.id)
                .limit(100)
            ).all()
            if not rows:
                return
            last = rows[-1].id
            for row in rows:
                lock(Case.id == row.case_id)
                before = row.due_at
                if row.is_running and row.recompute():
                    case = db.session.get(Case, row.case_id)
                    if case is not None:
                        case.record(
                            "case.recomputed",
                            by=None,
                            audience=Audience(followers=False),
                            clock=row.kind,
                            before=before.isoformat() if before else None,
                            until=row.due_at.isoformat() if row.due_at else None,
                        )
