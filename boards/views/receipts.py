"""The dialogue behind a receipt. The digits travel in the body of a form, never in an address; nothing here is kept by a
browser, no cookie is set, and a page that stands open carries a pass for half an hour in the place of the digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, make_response, render_template, request
from werkzeug.exceptions import TooManyRequests

from board import once
from board.db import transaction
from board.errors import BoardError, Invalid, NotFound, WrongState
from board.i18n import _, _l
from board.limits import spend
from board.typed import LONGEST
from board.web import client_address
from boards import casepage, clockface, lines, turns
from boards.composition import token_of
from boards.models.case import Case
from boards.models.receipt import DIGITS, Receipt, digits_of, in_fours
from boards.models.status import Status
from boards.models.thread import Thread
from boards.photos import photos_of
from boards.sentences import chips, say
from boards.views.acting import SAID
from people.csrf import visitors_too

bp = Blueprint("receipt_dialogue", __name__)  # `receipts` are those of text messages

TRIES = "10 per 10 minutes"  # from one address
ALL_TRIES = "120 per minute"  # from everywhere: each one costs a verification
WORDS = "30 per hour"  # in one dialogue

# One answer for a wrong number, one whose time is over, and one that never was.
UNKNOWN = _l(
    "No receipt opens with these digits. Please compare each of them with your note; a receipt also ends three months "
    "after its case was closed."
)


@bp.get("/receipt")
def new() -> Response:
    """One field for sixteen digits."""
    return _form()


@bp.post("/receipt")
@visitors_too
def show() -> Response:
    """The dialogue that these digits open."""
    number = digits_of(request.form.get("number", ""))
    if len(number) != DIGITS:
        return _form(
            {"number": _l("A receipt has 16 digits; this has %(number)s.", number=len(number))}, 422, number
        )
    try:
        spend("receipt", TRIES, client_address())
        spend("receipts", ALL_TRIES, "")
    except TooManyRequests as error:
        response = _form(
            {"": _l("You tried too often in a short time. Please try again a little later.")}, 429
        )
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    receipt = Receipt.numbered(number)
    if receipt is None:
        return _form({"number": UNKNOWN}, 404)
    return _dialogue(receipt)


@bp.post("/receipt/messages")
@visitors_too
def say_more() -> Response:
    """Add something to the open dialogue. Sent twice it is said once."""
    words = _word("body")
    return _act(
        "say", lambda receipt: receipt.say(words), _l("Sent. Come back with the same digits for the answer.")
    )


@bp.post("/receipt/rating")
@visitors_too
def rate() -> Response:
    """Say what you think of the answer, as every poster can."""
    solved, satisfaction, words = _word("solved"), _word("satisfaction"), _word("text")
    return _act(
        "rate",
        lambda receipt: receipt.case.rate(
            by=receipt.holder, solved=solved, satisfaction=satisfaction, words=words
        ),
        SAID["rate"],
    )


@bp.post("/receipt/reopening")
@visitors_too
def reopen() -> Response:
    """It is not solved: the next round begins."""
    words = _word("words")
    return _act("reopen", lambda receipt: receipt.case.reopen(by=receipt.holder, words=words), SAID["reopen"])


@bp.post("/receipt/nudge")
@visitors_too
def nudge() -> Response:
    """Remind the leader, once a working day."""
    return _act("nudge", lambda receipt: receipt.case.nudge(by=receipt.holder), SAID["nudge"])


@bp.post("/receipt/withdrawal")
@visitors_too
def withdraw() -> Response:
    """Take it back; whether somebody asked for that is for the inspectors only."""
    pressed = _word("pressed")
    return _act(
        "withdraw",
        lambda receipt: receipt.case.withdraw(by=receipt.holder, pressed=pressed),
        SAID["withdraw"],
    )


@bp.post("/receipt/follow-up")
@visitors_too
def follow_up() -> Response:
    """Say what became of a plan, or of what was passed outside."""
    done = _word("done") == "yes"
    return _act(
        "follow_up", lambda receipt: receipt.case.follow_up(by=receipt.holder, done=done), SAID["follow_up"]
    )


def _word(name: str) -> str:
    return request.form.get(name, "")[:LONGEST]


def _act(form: str, act: Callable[[Receipt], Any], said: Any) -> Response:
    """Do `act` to the dialogue that the page has open, and answer with it; a form sent twice acts once.

    A pass that is over, forged or of a receipt that is gone gets one answer, whatever was to be done with it.
    """
    entry, token = request.form.get("entry", ""), token_of(request.form)
    try:
        receipt = Receipt.entered(entry)
        spend("receipt-words", WORDS, receipt.public_id)
        with transaction():
            receipt = Receipt.entered(entry, for_change=True)
            if once.used(token) is None:
                act(receipt)
                once.use(token, "/receipt")
        return _dialogue(Receipt.entered(entry), said=said)
    except NotFound:
        return _form(
            {
                "": _l(
                    "Half an hour is over, so the dialogue was closed. Enter your digits again; what you just wrote was not sent."
                )
            },
            409,
        )
    except TooManyRequests as error:
        response = _back(form, Invalid(_l("That was a lot at once. Please try again a little later.")))
        response.status_code = 429
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    except (Invalid, WrongState) as error:
        return _back(form, error)


def _back(form: str, error: BoardError) -> Response:
    """The dialogue once more, with what was typed and what is wrong with it."""
    errors = dict(error.errors) if isinstance(error, Invalid) else {}
    if form == "rate" and "words" in errors:
        errors["text"] = errors.pop("words")  # the verb names its argument, the form its field
    return _dialogue(
        Receipt.entered(request.form.get("entry", "")),
        form=form,
        errors=errors or {"": error.message},
        status=error.status,
    )


# --- the two pages ------------------------------------------------------------------------------------


def _form(errors: dict[str, Any] | None = None, status: int = 200, number: str = "") -> Response:
    return _kept_by_nobody("receipts/enter.html", status, errors=errors or {}, number=number)


def _dialogue(
    receipt: Receipt,
    *,
    said: Any = None,
    form: str = "",
    errors: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    """All of it. `form`: the one that was refused, whose fields stand in the request."""
    thread = receipt.thread
    case = thread.case
    events = casepage.events_of(thread)
    scene = lines.Scene(None, thread.identity, lines.department_names())
    acts = turns.acts(case, receipt.holder) if case is not None else set()
    writable = case is not None and case.status != Status.CLOSED
    return _kept_by_nobody(
        "receipts/dialogue.html",
        status,
        thread=thread,
        case=case,
        entry=receipt.entry(),
        once=once.fresh(),
        status_chips=chips(case) if case is not None else None,
        sentence=say(case) if case is not None else "",
        clock=clockface.face(case) if case is not None else None,
        entries=lines.entries(events, scene),
        photos=_photos(thread),
        asked=case is not None and case.status == Status.WAITING_POSTER,
        writable=writable,
        acts=acts,
        turn=turns.turn(case, receipt.holder, acts) if case is not None else None,
        rated=_rated(case, receipt) if case is not None and "rate" in acts else None,
        said=said,
        form=form,
        typed=request.form if form else {},
        lost=_lost(form, writable, acts),
        errors=errors or {},
    )


def _rated(case: Case, receipt: Receipt) -> dict[str, str] | None:
    """The rating that the newest answer has already, for the form that changes it."""
    given = turns.ratings_of(case, receipt.holder)
    if not given or given[-1].answer < case.answers_given():
        return None
    last = given[-1]
    return {
        "solved": last.solved,
        "satisfaction": last.satisfaction,
        "text": last.text.original() if last.text is not None else "",
    }


def _lost(form: str, writable: bool, acts: set[str]) -> str:
    """Words whose form is not there any more, because the case moved on: they stand on the page to be copied."""
    field = {"say": "body", "rate": "text", "reopen": "words"}.get(form)
    shown = writable if form == "say" else form in acts
    return "" if field is None or shown else _word(field)


def _photos(thread: Thread) -> int:
    # A photo has an address of its own, which would have to carry the digits: they are only counted here.
    return sum(len(files) for files in photos_of([thread.body]).values())


def _kept_by_nobody(template: str, status: int, **values: Any) -> Response:
    response = make_response(render_template(template, here="/receipt", **values), status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def issued(number: str, *, thread: Thread | None) -> Response:
    """The digits of a receipt, this once. `thread`: what was posted, for the device's draft to be forgotten."""
    site = current_app.config["SETTINGS"].public_url or request.host_url
    address = f"{urlsplit(site).netloc}/receipt"
    return _kept_by_nobody(
        "receipts/issued.html", 200, fours=in_fours(number).split(), thread=thread, address=address
    )


def issued_before() -> Response:
    """The same form came again after its digits could be shown: it was posted, and they are gone."""
    error = WrongState(_("This was posted already and its receipt was shown then. It cannot be shown again."))
    return _form({"": error.message}, error.status)
