"""A city whose complaints section is open: its reasons, a second inspectors' department, and inspectors who serve."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from board.clock import now
from board.db import db
from boards.models import Case, Section, Thread
from complaints.models import Inquiry
from people.models import Appointment, Department, Person, Shift
from tests.builders import Cast, posted

REASONS = [
    {"key": "not-handled", "name": "接警不处", "name_en": "Taken but nobody acted"},
    {"key": "manner", "name": "态度", "name_en": "Manner"},
]
DISCIPLINE = ("091301", "091302")  # badge numbers of those who serve in discipline inspection
ABOUT = {"about_reason": "not-handled", "about_badge": "021456"}  # Otto's


def open_complaints(cast: Cast) -> None:
    """Open the section, inside the open transaction; Ines and Ida serve in the inspectorate, below Carl's bureau."""
    section = Section.by_key("complaints")
    section.readers, section.closed_text, section.closed_text_en = "inspectorate", "", ""
    section.identities = ["hidden"]
    section.clocks = {"reply": "1 d", "told": "15 d", "resolve": "60 d"}
    section.settings = {**section.settings, "reasons": REASONS}
    bureau, inspectorate = Department.by_key("bureau"), Department.by_key("inspectorate")
    inspectorate.parent = bureau
    for who in (cast.ines, cast.ida):
        who.appointments.append(office(inspectorate, "officer"))
    discipline = Department(
        key="discipline",
        name="纪检监察组",
        name_en="Discipline",
        kind="integrity",
        parent=bureau,
        position=90,
    )
    db.session.add(discipline)
    for badge in DISCIPLINE:
        person = Person(kind="staff", badge=badge)
        person.appointments.append(office(discipline, "officer"))
        db.session.add(person)
    db.session.flush()
    inspector = officer(DISCIPLINE[0])
    db.session.add(
        Shift(department=discipline, person=inspector, starts_at=now(), ends_at=now() + timedelta(days=60))
    )


def office(department: Department, role: str) -> Appointment:
    """An appointment that began a month ago."""
    return Appointment(department=department, role=role, starts_at=now() - timedelta(days=30))


def officer(badge: str) -> Person:
    """A member of staff by his badge number."""
    return db.session.scalars(db.select(Person).where(Person.badge == badge)).one()


def complain(by: Person, **draft: Any) -> Thread:
    """A complaint about Otto, inside the open transaction."""
    draft.setdefault("about", ABOUT)
    draft.setdefault("title", "民警到场看了一眼就走了")
    draft.setdefault("body", "昨晚打了电话，@交警支队 的民警没有处理。")
    return posted(by, section="complaints", **draft)


def tasks(case: Case) -> tuple[Inquiry, Inquiry]:
    """The inspectorate's and discipline's tasks of this round."""
    first, second = Inquiry.of(case)
    return first, second


def conclude(task: Inquiry, one: Person, other: Person, conclusion: str = "partly", words: str = "") -> None:
    """Everything from taking it on to the confirmed conclusion."""
    task.accept(by=one)
    task.review(by=other, agree=True)
    task.propose(
        by=one,
        conclusion=conclusion,
        findings=words or f"调取了执法记录仪，{task.department.name}认为反映的情况部分存在。",
        measures=["apology", "admonished"],
    )
    task.confirm(by=other)
