"""The ways from other pages into this part: links that stand where their reader needs them, and nowhere else."""

from __future__ import annotations

from flask import render_template
from markupsafe import Markup
from sqlalchemy import select

from board.db import db
from board.permissions import may
from board.seams import fill
from boards.models import Case, Section
from complaints.accusing import is_complaint, takes_complaints
from complaints.inspecting import Inspection
from complaints.models.statement import Statement
from complaints.models.supervision import SupervisionOrder
from complaints.supervision_words import desk_row, notice
from people import me
from people.models import Department, Person


@fill("desk.links")
def desk_links(_department: Department, person: Person) -> Markup:
    """At the duty desk: to the inspectors' desk."""
    inspects = may(person, "inspection.open")
    return Markup(render_template("complaints/desk_links.html")) if inspects else Markup()


@fill("desk.notices")
def waiting_for_officer() -> Markup:
    """Above the rows of the desk, on a phone without a press: what the inspectors ask this officer, the orders that a
    leader has to read or to answer, and for inspectors what waits with a clock of 24 hours."""
    person = me()
    if person is None:
        return Markup()
    # One small question first: nearly always nothing waits, for anybody.
    statements, demands = db.session.execute(
        select(
            select(Statement.id).where(Statement.answered_at.is_(None)).exists(),
            select(SupervisionOrder.id).where(SupervisionOrder.state == "issued").exists(),
        )
    ).one()
    asked = Statement.waiting_for(person) if statements else []
    orders = SupervisionOrder.waiting_for(person) if demands else []
    reprisals = Inspection(person).count("reprisals") if may(person, "inspection.open") else 0
    if not asked and not orders and not reprisals:
        return Markup()
    return Markup(
        render_template(
            "complaints/desk_notices.html",
            asked=asked,
            reprisals=reprisals,
            orders=[desk_row(each) for each in orders],
            unread=sum(each.read_at is None for each in orders),
        )
    )


@fill("desk.case")
def desk_case(case: Case) -> Markup:
    """In the open case of the duty desk: of a complaint the way to its two tasks, and what the inspectors demand."""
    orders = [
        desk_row(each)
        for each in SupervisionOrder.standing_for(case)
        if each.department_id == case.department_id and each.state == "issued"
    ]
    complaint = is_complaint(case)
    if not complaint and not orders:
        return Markup()
    return Markup(render_template("complaints/to_tasks.html", case=case, complaint=complaint, orders=orders))


@fill("case.notices")
def case_notices(case: Case) -> Markup:
    """On the page of a case: each order that stands over it. Whoever reads the case may read the order."""
    orders = [notice(each) for each in SupervisionOrder.standing_for(case)]
    return Markup(render_template("complaints/notices.html", orders=orders)) if orders else Markup()


@fill("section.private")
def section_private(section: Section) -> Markup:
    """On the page of the complaints section: the way to what is public of them."""
    return Markup(render_template("complaints/to_public.html")) if takes_complaints(section) else Markup()
