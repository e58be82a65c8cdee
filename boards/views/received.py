"""What its poster sees after posting: the number, what happens next and by when. It has its own address."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template

from board.clock import now
from board.errors import NotFound
from board.i18n import _
from board.jinja import duration
from boards.addresses import case_path
from boards.coach import kind_words
from boards.models.case import Case
from boards.models.thread import EDITABLE
from boards.sentences import by_when
from boards.words import danger
from people import me
from people.signing_in import login_required

bp = Blueprint("received", __name__)


def next_steps(case: Case) -> list[dict[str, str]]:
    """What happens next, each with its time where the section promises one."""
    unit, section = case.department.title, case.thread.section
    clock = case.open_clock("reply")
    if not section.shows_countdown:
        first = {"strong": "", "text": _("%(unit)s has been told and looks at it.", unit=unit)}
    elif clock is not None and clock.due_at is not None and clock.due_at > now():
        left = duration(clock.due_at - now())
        first = {
            "strong": by_when(clock.due_at),
            "text": _(
                "(%(left)s from now): whoever is on duty at %(unit)s answers you.", left=left, unit=unit
            ),
        }
    else:
        first = {"strong": "", "text": _("Whoever is on duty at %(unit)s answers you.", unit=unit)}
    second = {
        "strong": _("Within %(time)s of being accepted:", time=section.span("resolve").words()),
        "text": _("you get the result, or the reason why it cannot be done."),
    }
    third = {
        "strong": _("When there is a result:"),
        "text": _("please rate it. If you are not content, another officer puts it right."),
    }
    return [first, second, third]


@bp.get("/received/<number>")
@login_required
def show(number: str) -> Response:
    """For its poster only; for everybody else there is no such page."""
    person = me()
    case = Case.numbered(number, reader=person)
    thread = case.thread
    if person is None or thread.poster_id != person.id:
        raise NotFound
    texts = [text for text in (thread.title_text, thread.body, thread.place_text) if text is not None]
    told = f"{thread.title_text.original()}\n{thread.body.original()}"
    values: dict[str, Any] = {
        "case": case,
        "thread": thread,
        "path": case_path(case),
        "steps": next_steps(case) if case.is_open else [],
        "dangers": sorted(danger(told)) if case.is_open else [],
        "masked": kind_words(sorted({kind for text in texts for kind in text.masked})),
        "editable": thread.editable_by(person),
        "edit_until": thread.posted_at + EDITABLE,
    }
    return make_response(render_template("compose/received.html", **values))
