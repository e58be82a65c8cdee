"""The ways from other pages into this part: links that stand where their reader needs them, and nowhere else."""

from __future__ import annotations

from flask import render_template
from markupsafe import Markup

from board.permissions import may
from board.seams import fill
from boards.models import Case, Section
from complaints.accusing import is_complaint, takes_complaints
from complaints.models.statement import Statement
from people import me
from people.models import Department, Person


@fill("desk.links")
def desk_links(_department: Department, person: Person) -> Markup:
    """At the duty desk: to the inspectors' desk."""
    inspects = may(person, "inspection.open")
    return Markup(render_template("complaints/desk_links.html")) if inspects else Markup()


@fill("desk.notices")
def asked_for_statement() -> Markup:
    """Above the rows of the desk: the questions of the inspectors that wait for this officer, on a phone without a press."""
    person = me()
    asked = Statement.waiting_for(person) if person is not None else []
    return Markup(render_template("complaints/asked.html", asked=asked)) if asked else Markup()


@fill("desk.case")
def desk_case(case: Case) -> Markup:
    """In the open complaint of the duty desk: the way to its two tasks."""
    return Markup(render_template("complaints/to_tasks.html", case=case)) if is_complaint(case) else Markup()


@fill("section.private")
def section_private(section: Section) -> Markup:
    """On the page of the complaints section: the way to what is public of them."""
    return Markup(render_template("complaints/to_public.html")) if takes_complaints(section) else Markup()
