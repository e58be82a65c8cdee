"""The small city with its inspectors: Ines on duty, Ida, their leader 090009, discipline inspection, and the authority above."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from board.clock import now
from board.db import db
from boards.models import Case, Section, Thread
from complaints.models import Accused
from people.models import Appointment, Department, Person, Shift
from tests.builders import Cast, posted
from tests.complaining import officer as badge
from tests.complaining import open_complaints

# badge: (department, role)
MORE_STAFF = {
    "090009": ("inspectorate", "leader"),
    "990001": ("superior", "officer"),  # on duty there
    "990002": ("superior", "officer"),
}


def inspectors(cast: Cast) -> None:
    """Open the complaints section and let everybody be at work, inside the open transaction."""
    if Section.by_key("complaints").readers != "inspectorate":
        open_complaints(cast)
    superior = Department(
        key="superior", name="省厅督察总队", name_en="Provincial Inspectorate", kind="authority", position=99
    )
    db.session.add(superior)
    for number, (key, role) in MORE_STAFF.items():
        person = Person(kind="staff", badge=number)
        db.session.add(person)
        appoint(person, Department.by_key(key), role)
    starts, ends = now() - timedelta(hours=1), now() + timedelta(days=60)
    db.session.add(Shift(department=superior, person=badge("990001"), starts_at=starts, ends_at=ends))
    db.session.flush()


def appoint(
    person: Person, office: Department, role: str = "officer", *, since: int = 30, until: int | None = None
) -> Appointment:
    """An office held since and until so many days ago."""
    ends = None if until is None else now() - timedelta(days=until)
    row = Appointment(department=office, role=role, starts_at=now() - timedelta(days=since), ends_at=ends)
    person.appointments.append(row)
    db.session.flush()
    return row


def complain(
    by: Person, accused: Person | Department | None = None, *, about: Case | None = None, **draft: Any
) -> Thread:
    """A complaint by `by` about an officer or a unit, or about somebody described, in the open transaction."""
    answers = {"about_reason": "manner", "about_case": about.number if about is not None else ""}
    if isinstance(accused, Person):
        answers["about_badge"] = accused.badge or ""
    elif accused is None:
        answers["about_whom"] = "高个子，戴眼镜。"
    else:
        draft["departments"] = [accused.key]
    draft = {"title": "民警态度恶劣", "body": "昨天下午在路口，他推了我一把。", **draft}
    return posted(by, section="complaints", about=answers, **draft)


def accuse(case: Case, who: Person | Department) -> None:
    """Name one more whom the complaint is about."""
    named = {"person": who} if isinstance(who, Person) else {"department": who}
    db.session.add(Accused(case=case, **named))
    db.session.flush()


__all__ = ["accuse", "appoint", "badge", "complain", "inspectors"]
