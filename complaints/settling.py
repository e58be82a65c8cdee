"""What follows when a conflict of interest may have begun: the case is looked at again, as a job of its own.

Who may read is asked at every moment anyway. This sees to the rest: sockets leave the room, news that came to somebody
before leave his inbox, the inspectors hear that somebody had read it, and a case that nobody may read goes above.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session, object_session

from board import audit, jobs
from board.clock import now
from board.db import before_commit, db, random_id, transaction
from board.events import on
from board.live import append
from board.seams import provided
from boards.models import Case, CaseEvent, Thread
from boards.models.locking import lock
from boards.policy import whispered, whispered_threads
from complaints import authority, conflicts, readings
from complaints.models import Accused, Complaint, Recusal
from complaints.recusing import colleagues
from people.models import Appointment, Department, Person

ALL = "settle-all-conflicts"
ONE = "settle-conflicts"


# --- what may begin one ------------------------------------------------------------------------------------


def _noted(row: Any, name: str) -> set[Any]:
    session = object_session(row)
    assert session is not None
    found: set[Any] = session.info.setdefault(name, set())
    return found


@event.listens_for(Accused, "after_insert")
@event.listens_for(Accused, "after_update")
@event.listens_for(Accused, "after_delete")
@event.listens_for(Recusal, "after_insert")
def named(mapper: Any, connection: Any, row: Accused | Recusal) -> None:
    """Somebody is accused, or has stepped back."""
    _noted(row, "conflict_cases").add(row.case_id)


@event.listens_for(Appointment, "after_insert")
@event.listens_for(Appointment, "after_update")
@event.listens_for(Appointment, "after_delete")
def appointed(mapper: Any, connection: Any, row: Appointment) -> None:
    """Somebody begins or ends an office: whoever is accused beside him, and he himself."""
    if row.department_id is not None:
        _noted(row, "conflict_offices").add((row.person_id, row.starts_at))


@event.listens_for(Department, "after_update")
def moved(mapper: Any, connection: Any, row: Department) -> None:
    """A unit stands elsewhere in the tree, or has another task."""
    attributes = inspect(row).attrs
    if attributes.parent_id.history.has_changes() or attributes.kind.history.has_changes():
        _noted(row, "conflict_offices").add((None, None))


@before_commit
def promise(session: Session) -> None:
    """Promise to look at what may have begun; sockets of the cases themselves are asked at once."""
    cases: set[int] = session.info.pop("conflict_cases", set())
    offices: set[tuple[int | None, datetime | None]] = session.info.pop("conflict_offices", set())
    if cases:
        for thread in session.scalars(
            select(Thread).join(Case, Case.thread_id == Thread.id).where(Case.id.in_(cases))
        ):
            append(thread.stream, kind="changed", version=thread.version, recheck=True)
            look_again(thread)
    if not offices or session.scalar(select(Complaint.id).limit(1)) is None:
        return  # nothing is bound yet
    people = [person_id for person_id, _since in offices if person_id is not None]
    for public_id in session.scalars(select(Person.public_id).where(Person.id.in_(people))):
        append(f"person:{public_id}", kind="offices", recheck="all")
    moment = now()
    for due_at in {max(moment, since or moment) for _person_id, since in offices}:
        jobs.put(ALL, key=f"{ALL}:{random_id()}", due_at=due_at)


@on("case.reopened")
def opened_anew(event: CaseEvent) -> None:
    """What began while the case was over was not looked at: nobody worked on it."""
    if whispered(event.thread):
        look_again(event.thread)


def look_again(thread: Thread) -> None:
    """Promise to look at one case, in the open transaction."""
    jobs.put(ONE, key=f"{ONE}:{thread.public_id}:{random_id()}", thread=thread.public_id)


# --- looking at it --------------------------------------------------------------------------------------------


@jobs.handler(ALL)
def settle_all() -> None:
    """Look at every case that conflicts of interest bind: of one that is over, too, nobody keeps news he may not read."""
    query = (
        select(Thread.public_id)
        .join(Case, Case.thread_id == Thread.id)
        .where(whispered_threads())
        .order_by(Thread.id)
    )
    found = list(db.session.scalars(query))
    db.session.rollback()
    for public_id in found:
        settle_one(public_id)


@jobs.handler(ONE)
def settle_one(thread: str) -> None:
    """Look at one case. Done twice it does nothing the second time."""
    with transaction():
        lock(Thread.public_id == thread)
        found = db.session.scalar(select(Thread).where(Thread.public_id == thread))
        if found is not None and found.case is not None and whispered(found):
            settle(found.case)


def settle(case: Case) -> None:
    """Bring everything about this case into line with who is free now, in the open transaction."""
    thread = case.thread
    append(thread.stream, kind="changed", version=thread.version, recheck=True)
    provided("forget_news", thread)
    if not case.is_open:
        return
    handler = case.handler
    if handler is not None and conflicts.conflicted(handler, case) is not None:
        case.handler = None
        case.record("conflict.handler_left", by=None, visibility="internal", audience=colleagues(case))
    if not authority.free_in_lead(case):
        authority.seal_above(case)
    authority.settle_tasks(case)
    _tell_of_readers(case)


def _tell_of_readers(case: Case) -> None:
    """The inspectors who are free hear that somebody had read it before he had to keep away."""
    stepped_back = set(db.session.scalars(select(Recusal.person_id).where(Recusal.case_id == case.id)))
    before = [
        each
        for each in readings.readers_of(case)
        if each.told_at is None
        and each.person_id not in stepped_back  # he said so himself
        and conflicts.conflicted(each.person, case) is not None
    ]
    audience = colleagues(case)
    if not before or not audience.persons:
        return
    for each in before:
        each.told_at = now()
        audit.note(
            "conflict.read_before",
            by=each.person.public_id,
            thing=case.thread.thing,
            why=conflicts.conflicted(each.person, case),
            last=each.last_at.isoformat(),
        )
    case.record(
        "conflict.read_before",
        by=None,
        visibility="internal",
        audience=audience,
        details={
            "readers": [
                [each.person.badge, each.last_at.isoformat(), conflicts.conflicted(each.person, case)]
                for each in before
            ]
        },
    )
