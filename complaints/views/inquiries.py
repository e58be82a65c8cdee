"""The acts of a task: taking it on, the second look, news, a question to a unit, the conclusion and its confirmation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy import select

from board.db import db
from board.errors import Invalid, NotFound, WrongState, wants_json
from board.i18n import _l
from boards.views.acting import myself, once_only
from complaints.models.inquiry import Inquiry
from complaints.models.statement import Statement
from complaints.views.inspection import Typed, show
from people.models import Department, Person
from people.session import login_required

bp = Blueprint("inquiries", __name__)

LONGEST = 20_000


def _word(name: str) -> str:
    return request.form.get(name, "")[:LONGEST]


def _act(public_id: str, form: str, act: Callable[[Inquiry, Person], Any], said: Any) -> Response:
    """Do `act` in one transaction; what was typed is given back with what is wrong. Sent twice it acts once."""
    number = ""

    def once_done() -> str:
        nonlocal number
        person = myself()
        task = Inquiry.by_public_id(public_id, reader=person)
        number = task.case.number
        act(task, person)
        return f"/inspection?case={number}"

    try:
        return once_only(once_done, said)
    except (Invalid, WrongState) as error:
        if wants_json() or not number:
            raise
        return show(number, typed=Typed(public_id, form, error), status=error.status)


@bp.post("/inquiries/<public_id>/acceptance")
@login_required
def accept(public_id: str) -> Response:
    """Take the task on."""
    return _act(
        public_id,
        "accept",
        lambda task, person: task.accept(by=person),
        _l("Taken on. A second inspector looks it over within one working day."),
    )


@bp.post("/inquiries/<public_id>/review")
@login_required
def review(public_id: str) -> Response:
    """The second look at who took it on: `agree` yes or no, with words where it is no."""

    def act(task: Inquiry, person: Person) -> None:
        if _word("agree") not in ("yes", "no"):
            raise Invalid(_l("Please choose one."), field="agree")
        task.review(by=person, agree=_word("agree") == "yes", words=_word("review_words"))

    return _act(public_id, "review", act, _l("Noted."))


@bp.post("/inquiries/<public_id>/news")
@login_required
def tell(public_id: str) -> Response:
    """Tell the poster how far it is."""
    return _act(
        public_id,
        "tell",
        lambda task, person: task.tell(by=person, words=_word("news")),
        _l("The poster was told."),
    )


@bp.post("/inquiries/<public_id>/statements")
@login_required
def ask(public_id: str) -> Response:
    """Ask a unit, or one officer of it by his badge number, for a statement."""

    def act(task: Inquiry, person: Person) -> None:
        try:
            unit = Department.by_key(_word("unit")[:60])
        except NotFound:
            raise Invalid(_l("Choose the unit."), field="unit") from None
        Statement.ask(
            task, by=person, department=unit, question=_word("question"), person=_officer(_word("badge"))
        )

    return _act(public_id, "ask", act, _l("Asked. Whoever answers reads the question alone."))


def _officer(badge: str) -> Person | None:
    if not badge.strip():
        return None
    found: Person | None = db.session.scalar(
        select(Person).where(Person.badge == badge.strip()[:20], Person.kind == "staff", Person.active)
    )
    if found is None:
        raise Invalid(_l("Nobody has this badge number."), field="badge")
    return found


@bp.post("/inquiries/<public_id>/proposal")
@login_required
def propose(public_id: str) -> Response:
    """Say what was found and what follows."""
    return _act(
        public_id,
        "propose",
        lambda task, person: task.propose(
            by=person,
            conclusion=_word("conclusion"),
            findings=_word("findings"),
            measures=request.form.getlist("measures")[:20],
        ),
        _l("Proposed. A second inspector decides."),
    )


@bp.post("/inquiries/<public_id>/confirmation")
@login_required
def confirm(public_id: str) -> Response:
    """The second inspector confirms the conclusion, or gives it back with words."""

    def act(task: Inquiry, person: Person) -> None:
        if _word("agree") not in ("yes", "no"):
            raise Invalid(_l("Please choose one."), field="agree")
        if _word("agree") == "yes":
            task.confirm(by=person)
        else:
            task.give_back(by=person, words=_word("confirm_words"))

    return _act(public_id, "confirm", act, _l("Noted."))
