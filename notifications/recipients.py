"""Who must hear of a step: the persons and departments of its audience who may read it, whoever is on duty there
now, and never who did it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from board.db import db
from board.seams import vetoed
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from boards.policy import department_sees, sees
from notifications.models.inbox import Recipient
from people.models import Department, Person
from people.models.shift import serving

# Reaches the department's inbox, and nobody's pocket: a stranger's mention in a reply (domain.md §4).
QUIET = frozenset({"mentioned_quietly"})

# Whoever is on duty in a department that does not lead the case hears of it with its reason: nothing came to him.
BESIDE = frozenset({"assist", "was_lead"})

# The department of an audience with one of these reasons is asked to look; the other reasons only keep it informed.
CALLING = frozenset({"mentioned", "danger", "routed", "offered", "desk", "reopened", "approval", "reminder"})
CALLING_BY_KIND = {
    "thread.posted": frozenset({"lead"}),
    "case.routed": frozenset({"lead"}),
    "case.reopened": frozenset({"lead", "desk"}),
    "case.unmerged": frozenset({"lead"}),
    "case.assist_asked": frozenset({"assist"}),
}


def may_hear(person: Person, event: CaseEvent, reason: str) -> bool:
    """Whether this step may reach this person at all. A part above may deny it: `veto("event.hear")`."""
    thread = event.thread
    if not person.active or person.id == event.actor_id or not sees(person, thread):
        return False
    if not event.is_public and reason == "poster":
        return False
    return not vetoed("event.hear", person, event)


def calls(event: CaseEvent, department: Department, reason: str) -> bool:
    """Whether the department owes an acknowledgement for this step."""
    if event.kind == "case.assist_asked" and event.parameters.get("to") != department.key:
        return False
    return reason in CALLING or reason in CALLING_BY_KIND.get(event.kind, ())


def told_departments(event: CaseEvent) -> Iterator[tuple[Department, str]]:
    """The departments of the audience that may read the thread, each with its reason."""
    for department, reason in event.audience.departments.values():
        if department_sees(department, event.thread):
            yield department, reason


def told_persons(event: CaseEvent, on_duty: dict[int, list[Person]]) -> dict[int, Recipient]:
    """Everybody who is told by name or by duty, by table id, with all their reasons. `on_duty`: by department id."""
    reasons: dict[int, list[str]] = {}
    people: dict[int, Person] = {}
    for person, reason in event.audience.persons.values():
        if may_hear(person, event, reason):
            people[person.id] = person
            reasons.setdefault(person.id, []).append(reason)
    for department, each in on_duty.items():
        reason = event.audience.departments[department][1]
        duty = reason if reason in BESIDE else "duty"
        for person in each:
            if person.id in people or may_hear(person, event, duty):
                people[person.id] = person
                if duty not in reasons.setdefault(person.id, []):
                    reasons[person.id].append(duty)
    return {key: Recipient(key, people[key].public_id, tuple(why)) for key, why in reasons.items()}


def stand_ins(event: CaseEvent, department: Department, reason: str, on_duty: list[Person]) -> list[Person]:
    """Those on duty who may hear of it; where none of them may, whoever else serves there and may."""
    for people in (on_duty, serving(department)):
        found = [person for person in people if may_hear(person, event, reason)]
        if found:
            return found
    return []


def concerned(thread: Thread, event: CaseEvent) -> dict[str, Department]:
    """Every department whose desk may show this case differently now, by key: more than those that are told."""
    found = {each.key: each for each, _reason in event.audience.departments.values()}
    case = thread.case
    if case is None:
        return found
    near = [case.department, *(task.department for task in case.assists)]
    for handover in case.handovers:
        near += [handover.from_department, handover.to_department]
    if case.returns or case.at_desk:
        near.append(Department.desk())
    if case.approvals and not thread.is_confined:
        near += case.department.ancestors()  # leaders above decide, too
    if "department" in event.change and event.seq > 1:
        near += _led_before(event)
    for department in near:
        found.setdefault(department.key, department)
    return found


def _led_before(event: CaseEvent) -> list[Department]:
    earlier = select(CaseEvent.change).where(
        CaseEvent.thread_id == event.thread_id, CaseEvent.seq < event.seq
    )
    keys = {change["department"] for change in db.session.scalars(earlier) if change.get("department")}
    return list(db.session.scalars(select(Department).where(Department.key.in_(keys))))
