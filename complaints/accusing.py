"""Whom a complaint accuses, asked of a case: the units that must not get it, and the persons."""

from __future__ import annotations

from boards.models import Case, Section
from complaints.models.accused import Accused


def takes_complaints(section: Section) -> bool:
    """Whether what is posted here is a complaint: only the poster and the inspectors read it."""
    return section.takes_complaints


def is_complaint(case: Case) -> bool:
    """Whether this case is a complaint."""
    return takes_complaints(case.thread.section)


def accused_units(case: Case) -> set[int]:
    """The units it accuses, by table id: those named, and those in which a named officer serves."""
    found: set[int] = set()
    for each in Accused.of(case):
        if each.department_id is not None:
            found.add(each.department_id)
        if each.person is not None:
            found |= {department.id for department in each.person.departments}
    return found
