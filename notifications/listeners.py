"""What every step of a thread sets off, inside its transaction: inbox rows, hints, and the promise to tell followers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from board import jobs
from board.db import db
from board.events import on
from board.live import append
from boards.models.timeline import CaseEvent
from boards.models.watch import Watch
from boards.policy import department_hears, sees, whispered
from notifications import recipients
from notifications.followers import awaited
from notifications.models import inbox
from notifications.paging.asking import roster
from people.models import Department, Person
from people.models.shift import serving


@on("*")
def tell(event: CaseEvent) -> None:
    """Tell whoever must hear of it; the desks it concerns look again."""
    if event.parameters.get("imported"):
        return  # long over; nobody waits to hear of it
    on_duty: dict[int, list[Person]] = {}
    for department, reason in recipients.told_departments(event):
        quiet = reason in recipients.QUIET
        here, earlier = ([], []) if quiet else roster(department, event.at)
        on_duty[department.id] = [*here, *earlier]
        if whispered(event.thread) and not quiet:
            on_duty[department.id] = recipients.stand_ins(event, department, reason, on_duty[department.id])
            here = on_duty[department.id]
        inbox.deliver_to_department(
            event,
            department,
            reason,
            calls=not quiet and recipients.calls(event, department, reason),
            on_duty=None if quiet else len(here),
        )
    told = recipients.told_persons(event, on_duty)
    inbox.deliver(event, told)
    _tell_desks(event)
    if event.audience.followers and event.is_public and (awaited(event) or _others_follow(event)):
        jobs.put("tell-followers", key=f"followers:{event.public_id}", event=event.public_id)


def _tell_desks(event: CaseEvent) -> None:
    thread, case = event.thread, event.thread.case
    reasons = {each.key: reason for each, reason in event.audience.departments.values()}
    concerned = recipients.concerned(thread, event)
    if whispered(thread):
        _whisper(event, concerned.values())
        return
    for key, department in concerned.items():
        if not department_hears(department, thread):
            # It has lost what it may not name any more: its desk only hears that something left.
            append(f"department:{key}", kind="queue")
            continue
        hint: dict[str, Any] = {
            "kind": event.kind if event.is_public else "changed",
            "case": case.number if case is not None else thread.public_id,
            "version": thread.version,
        }
        if case is not None:
            hint["status"] = str(case.status)
        if key in reasons and event.is_public:
            hint["reason"] = reasons[key]
            hint["calls"] = recipients.calls(event, department, reasons[key])
        if event.parameters.get("urgent"):
            hint["urgent"] = True
        append(f"department:{key}", **hint)


def _whisper(event: CaseEvent, departments: Iterable[Department]) -> None:
    """Who serves there and may read it looks at his desk again; nobody else hears that there was anything."""
    told: set[int] = set()
    for department in departments:
        for person in serving(department):
            if person.id not in told and sees(person, event.thread):
                told.add(person.id)
                append(person.stream, kind="queue")


def _others_follow(event: CaseEvent) -> bool:
    # Whoever is told by name follows, too, and hears outside the board as a follower.
    query = select(Watch.id).where(Watch.thread_id == event.thread_id)
    if event.actor_id is not None:
        query = query.where(Watch.person_id != event.actor_id)
    return db.session.scalar(query.limit(1)) is not None
