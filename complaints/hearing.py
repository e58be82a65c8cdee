"""Which inspectors hear of what lands with them, each by name: who serves there and whom nothing ties to the case."""

from __future__ import annotations

from sqlalchemy import select

from board.db import db
from board.live import append
from boards.models import Case
from complaints import authority, conflicts
from people.models import Department, Person


def free_inspectors(case: Case) -> list[Person]:
    """Who of the inspectors may act on this case; where nobody may, who of the superior authority may."""
    offices = db.session.scalars(
        select(Department).where(Department.kind == "integrity").order_by(Department.position)
    )
    serving = dict.fromkeys(person for office in offices for person in authority.working(office))
    found = conflicts.free([each for each in serving if each.departments], case)
    above = authority.authority()
    if not found and above is not None:
        found = conflicts.free(authority.working(above), case)
    return found


def call(case: Case) -> None:
    """Their open desks look again. Only their own streams say so: that of the case would tell its readers."""
    for person in free_inspectors(case):
        append(person.stream, kind="queue")
