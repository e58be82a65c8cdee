"""Filing a complaint: what its form asks beside the words, and what is made of the answers."""

from __future__ import annotations

from typing import Any

from flask import render_template
from markupsafe import Markup
from sqlalchemy import select

from board.db import db
from board.errors import NotFound
from board.i18n import _l
from board.seams import fill, provides
from boards.models import Case, Section, Text
from boards.models.posting import Draft
from complaints import authority
from complaints.accusing import accused_units, is_complaint, takes_complaints
from complaints.models.accused import Accused
from complaints.models.complaint import Complaint
from complaints.models.inquiry import Inquiry
from complaints.words import reasons
from people.models import Department, Person

UNSTATED = "unstated"  # where a section keeps no list of reasons
LONGEST_WHOM = 500


@provides("draft_errors")
def errors(section: Section, draft: Draft) -> dict[str, Any]:
    """What is missing in a complaint: its reason, and whom it is about."""
    if not takes_complaints(section) or not reasons(section):
        return {}
    found: dict[str, Any] = {}
    if draft.about.get("about_reason", "") not in reasons(section):
        found["about_reason"] = _l("Choose what it is about.")
    badge, whom = draft.about.get("about_badge", "").strip(), draft.about.get("about_whom", "").strip()
    if not (draft.departments or badge or whom):
        found["about_whom"] = _l(
            "Say whom it is about: a unit, a badge number, or what you remember of the officer."
        )
    elif len(whom) > LONGEST_WHOM:
        found["about_whom"] = _l("At most %(longest)s characters, please.", longest=LONGEST_WHOM)
    return found


@provides("home_of")
def home_of(section: Section, draft: Draft) -> Department | None:
    """Who leads a complaint: the section's inspectors; the other ones where those are accused themselves."""
    home = section.department
    if not takes_complaints(section) or home is None or home.key not in draft.departments:
        return home
    return _beside(home, {home.key, *draft.departments}) or home


def _beside(home: Department, without: set[str]) -> Department | None:
    return next(
        (each for each in Department.all() if each.kind == "integrity" and each.key not in without), None
    )


@provides("case_opened")
def file(case: Case, draft: Draft, by: Person | None) -> None:
    """Keep reason and accused, and open both tasks, before anybody is told that there is a complaint."""
    if not is_complaint(case):
        return
    about = draft.about
    complaint = Complaint(
        case=case, reason=about.get("about_reason") or UNSTATED, about=_about(about.get("about_case", ""), by)
    )
    db.session.add(complaint)
    for key in draft.departments:
        db.session.add(Accused(case=case, department=Department.by_key(key), named_by=by))
    _name(case, about.get("about_badge", "").strip(), about.get("about_whom", "").strip(), by)
    db.session.flush()
    authority.take_at_once(case)
    Inquiry.start(case, tasks_of(case))
    db.session.flush()


def tasks_of(case: Case) -> dict[str, Department]:
    """Which department has which task: the lead the inspectorate's, the other inspectors that of discipline; the superior
    authority where too few of them are free."""
    if case.department.kind == "authority":
        return {"inspectorate": case.department, "discipline": case.department}
    units = accused_units(case)
    other = _beside(case.department, {case.department.key})
    if other is None or other.id in units:
        other = case.department
    whose = {"inspectorate": case.department, "discipline": other}
    return {kind: authority.for_task(department, case) for kind, department in whose.items()}


def _name(case: Case, badge: str, whom: str, by: Person | None) -> None:
    """The officer by his number; an unknown number is kept as it was written and nobody learns that it is unknown."""
    officer = None
    if badge:
        officer = db.session.scalar(select(Person).where(Person.badge == badge, Person.kind == "staff"))
    words = "\n".join(each for each in ("" if officer is not None else badge, whom) if each)
    if officer is None and not words:
        return
    text = Text.write("accused", words, by=by, field="about_whom") if words else None
    db.session.add(Accused(case=case, person=officer, description=text, named_by=by))


def _about(number: str, by: Person | None) -> Case | None:
    if not number:
        return None
    try:
        return Case.numbered(number, reader=by)
    except NotFound:
        return None


@provides("prefilled_departments")
def prefilled(section: Section, about: str, by: Person | None) -> list[str]:
    """Whom a complaint about the handling of a case is about: the department in charge of it, as a beginning."""
    case = _about(about, by) if takes_complaints(section) else None
    return [case.department.key] if case is not None else []


@fill("compose.questions")
def questions(section: Section, composition: Any, errors: dict[str, Any]) -> Markup:
    """The questions of the complaint form, drawn into the ordinary one."""
    if not takes_complaints(section) or not reasons(section):
        return Markup()
    return Markup(
        render_template(
            "complaints/questions.html",
            reasons=list(reasons(section).items()),
            about=composition.about,
            errors=errors,
        )
    )
