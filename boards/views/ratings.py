"""The poster rates the answer."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from board.errors import Invalid, NotFound, WrongState
from board.typed import LONGEST
from boards.composition import token_of
from boards.models.case import Case
from boards.views.acting import SAID, myself, on_case
from people import me
from people.signing_in import login_required

bp = Blueprint("ratings", __name__)


@bp.get("/cases/<number>/rating")
@login_required
def new(number: str) -> Response:
    """The form alone, for a link from a message."""
    case = Case.numbered(number, reader=me())
    person = me()
    if person is None or not case.can("rate") or "rate" not in case.open_verbs(person):
        raise NotFound
    return _page(number, {}, 200)


@bp.post("/cases/<number>/rating")
@login_required
def create(number: str) -> Response:
    """Two questions and a few words, public; the form also asks for it to be handled again. Sent twice it is one."""
    form = request.form
    typed = form.get("words", form.get("text", ""))[:LONGEST]

    def rate(case: Case) -> None:
        solved, satisfaction = form.get("solved", ""), form.get("satisfaction", "")
        case.rate(by=myself(), solved=solved, satisfaction=satisfaction, words=typed)

    try:
        return on_case(number, rate, message=SAID["rate"])
    except Invalid as error:
        errors = {("text" if key == "words" else key): text for key, text in error.errors.items()}
        return _page(number, errors, 422)
    except WrongState as error:
        return _page(number, {"": error.message}, 409)


def _page(number: str, errors: dict[str, object], status: int) -> Response:
    case = Case.numbered(number, reader=me())
    form = request.form
    values = {
        "solved": form.get("solved", ""),
        "satisfaction": form.get("satisfaction", ""),
        "text": form.get("words", form.get("text", "")),
    }
    html = render_template(
        "compose/rate.html",
        case=case,
        values=values,
        errors=errors,
        reopens=case.can("reopen"),
        once=token_of(form),
    )
    return make_response(html, status)
