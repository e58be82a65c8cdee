"""How an officer's act is answered: done, and the desk shows what comes next; or the desk again with what was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from flask import Response, flash, make_response, redirect, request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from board import once
from board.db import transaction
from board.errors import BoardError, Invalid, NotAllowed, NotFound, WrongState, wants_json
from board.i18n import _, _l
from board.typed import LONGEST
from boards.addresses import case_path
from boards.desk import Desk, View
from boards.models import Case, CaseEvent
from boards.models.case import dashed
from boards.pane import BOXED, WORDS, Typed
from boards.photos import Pending
from boards.views.desk import read, show
from people import me
from people.models import Person

Act = Callable[[Case, Person], CaseEvent | None]

HANDLED = ("progress", "ask", "suspend", "resolve")  # what the handler does while he is on duty
TEXTS = ("answer", "note", "body")  # a verb names its own argument; the answer box has one field for it


def take_step(number: str, verb: str, act: Act, said: Any, *, photos: bool = False) -> Response:
    """Do `act` to a case, loaded for change in one transaction, and go on at the desk.

    303 with the message `said` (%(number)s is the case); 422 and 409 draw the desk again with what was typed, which
    is never lost, and so does 403 for whoever wrote something before a colleague took the case. Sent twice it acts
    once. `photos`: what was uploaded hangs on the words the act wrote.
    """
    token = request.form.get("once", "")[:64]
    done = once.used(token)
    if done is not None:
        return redirect(done, 303)  # type: ignore[return-value]
    pending = _photos(token) if photos else None
    try:
        if pending is not None and pending.error:
            raise Invalid(pending.error, field="files")
        with transaction():
            officer = me()
            assert officer is not None
            case = Case.numbered(number, reader=officer, for_change=True)
            event = act(case, officer)
            if pending is not None and pending.ids:
                _hang(pending, event)
            if event is not None and event.kind == "approval.asked":
                said = _l("Asked; it waits for the leader's decision")
            kept, back = case.number, case_path(case)
            once.use(token, View.read(_desk()).url(case=kept))
    except (Invalid, WrongState) as error:
        if wants_json():
            raise
        return _again(number, verb, error, pending)
    except NotAllowed as error:
        if wants_json() or not _wrote():
            raise
        try:
            return _again(number, verb, _who_has_it(number, verb, error), pending)
        except NotFound:
            raise error from None  # he has no desk
    except (StaleDataError, IntegrityError):
        done = once.used(token)
        if done is not None:
            return redirect(done, 303)  # type: ignore[return-value]
        return _again(number, verb, WrongState(), pending)
    if wants_json():
        response = make_response("", 204)
        response.headers["Location"] = back
        return response
    return onward(kept, said, back)


def _photos(token: str) -> Pending | None:
    files = [file for file in request.files.getlist("files") if file.filename]
    kept = request.form.getlist("files_kept")
    return Pending.of(token, kept, files) if files or kept else None


def _hang(pending: Pending, event: CaseEvent | None) -> None:
    text = (event.public_text or event.internal_text) if event is not None else None
    if text is None:
        raise Invalid(_l("Write a few words with the photos."), field="text")
    pending.hang_on(text)


def _wrote() -> bool:
    return any(request.form.get(name, "").strip() for name in WORDS)


def _who_has_it(number: str, verb: str, error: NotAllowed) -> NotAllowed:
    """The same refusal, with who has the case now where that is why; NotFound for who may not read the case."""
    officer = me()
    case = Case.numbered(number, reader=officer)
    if officer is None or error.message is not NotAllowed.default:
        return error
    if not officer.serves(case.department):
        who = case.department.title
    elif verb in HANDLED and case.handler is not None and case.handler.id != officer.id:
        who = case.handler.duty_name
    else:
        return error
    return NotAllowed(
        _l("%(who)s has this case now. What you wrote was not sent; please look again.", who=who)
    )


def _desk() -> dict[str, str]:
    return dict(parse_qsl(request.form.get("desk", "")[:600]))


def _again(number: str, verb: str, error: BoardError, photos: Pending | None) -> Response:
    errors: dict[str, Any] = dict(getattr(error, "errors", None) or {})
    if verb in BOXED:
        errors = {("text" if name in TEXTS else name): message for name, message in errors.items()}
    values = {name: value for name, value in request.form.items() if name not in ("csrf_token", "once")}
    if any(len(value) > LONGEST for value in values.values()):
        raise error  # no letter any more: the plain page of the refusal gives it back whole
    message = "" if errors else error.message
    typed = Typed(verb, values, errors, message)
    view = View.read(_desk())
    try:
        page = read(view, number=number, typed=typed)
    except NotFound:
        page = read(View(), number=number, typed=typed)
    page.form, page.token = verb, request.form.get("once", "")[:64]
    page.photos = photos.shown() if photos is not None else ()
    return show(page, error.status)


def onward(number: str, said: Any, back: str = "/desk") -> Response:
    """303 to the desk with the message `said`; `back` for whoever has no desk."""
    flash(_("%(done)s (%(number)s)", done=str(said), number=number), "ok")
    return redirect(_next(number, back), 303)  # type: ignore[return-value]


def _next(number: str, back: str) -> str:
    """The same case while it stands in the queue it was opened from, else the one below it."""
    view = View.read(_desk())
    try:
        desk = Desk.open(me(), view)
    except NotFound:
        return back
    if not view.queue:
        return view.url(case=number)
    if desk.row(number) is not None:
        return desk.view.url(case=number)
    following = dashed(request.form.get("next", ""))
    return desk.view.url(case=following) if following and following != number else desk.view.url()
