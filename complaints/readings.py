"""Who opened a complaint or a tip: noted when the page is drawn, so that it is known when a conflict of interest begins."""

from __future__ import annotations

from datetime import datetime

from board.audit import AuditEntry
from board.clock import now
from board.db import db, insert, transaction, writing
from board.seams import provides
from boards.models import Case, Thread
from boards.policy import whispered
from complaints.models import Reading
from people.models import Person


@provides("reading")
def note(person: Person, thread: Thread) -> None:
    """Note that this member of staff has a restricted case before him. In a transaction() of its own unless one is open,
    so a page calls it when it has been drawn."""
    case = thread.case
    if not person.is_staff or case is None or not whispered(thread):
        return
    person_id, case_id = person.id, case.id
    if writing():
        _write(person_id, case_id)
        return
    with transaction():
        _write(person_id, case_id)


def _write(person_id: int, case_id: int) -> None:
    moment = now()
    row = insert(Reading).values(person_id=person_id, case_id=case_id, first_at=moment, last_at=moment)
    db.session.execute(
        row.on_conflict_do_update(index_elements=["case_id", "person_id"], set_={"last_at": moment})
    )


def readers_of(case: Case) -> list[Reading]:
    """Who of the staff has opened it, by whichever way, in the order in which they first did; in the open transaction.

    A page notes here to the minute who had it before him; the audit log has every other way as well (a verification, a
    file, an earlier version), once an hour. What it alone knows is taken over from there.
    """
    known = {each.person_id: each for each in _rows(case)}
    for person_id, first, last in _logged(case):
        row = known.get(person_id)
        if row is None:
            db.session.add(Reading(case=case, person_id=person_id, first_at=first, last_at=last))
        elif row.last_at < last:
            row.last_at = last
    db.session.flush()
    return _rows(case)


def _rows(case: Case) -> list[Reading]:
    return list(
        db.session.scalars(
            db.select(Reading).where(Reading.case_id == case.id).order_by(Reading.first_at, Reading.id)
        )
    )


def _logged(case: Case) -> list[tuple[int, datetime, datetime]]:
    rows = db.session.execute(
        db.select(Person.id, db.func.min(AuditEntry.at), db.func.max(AuditEntry.at))
        .join(Person, Person.public_id == AuditEntry.actor)
        .where(AuditEntry.thing == case.thread.thing, AuditEntry.act == "case.read")
        .group_by(Person.id)
        .order_by(db.func.min(AuditEntry.number))
    )
    return [(person_id, first, last) for person_id, first, last in rows]
