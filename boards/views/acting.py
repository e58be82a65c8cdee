"""How a citizen's act is answered: done (303, with a message), or given back with what was typed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request

from board import once
from board.db import transaction
from board.errors import BoardError, Invalid, NotAllowed, WrongState, wants_json
from board.i18n import _l
from boards.addresses import case_path
from boards.models.case import Case
from people import me
from people.models import Person


@dataclass(frozen=True)
class Words:
    """The page on which an act's one text is written again: where it goes, what it is called, what it is about."""

    action: str
    heading: Any
    label: Any
    button: Any
    back: str
    name: str = "body"
    hidden: dict[str, str] = field(default_factory=dict)
    typed: str = ""
    photos: Any = None

    def page(
        self, *, error: BoardError | None = None, errors: dict[str, Any] | None = None, status: int = 200
    ) -> Response:
        """The form, with what was typed; with an error's message and status when there is one."""
        found = dict(errors or {})
        if isinstance(error, Invalid):
            # A verb names its own argument; here there is one field for it.
            found.update(
                {
                    (self.name if key in ("body", "words", "answer") else key): text
                    for key, text in error.errors.items()
                }
                or {self.name: error.message}
            )
        elif error is not None:
            found[""] = error.message
        html = render_template("compose/words.html", it=self, errors=found)
        return make_response(html, error.status if error is not None else status)


def myself() -> Person:
    """Whoever acts: a signed-in reader. NotAllowed when nobody is."""
    person = me()
    if person is None:
        raise NotAllowed(_l("Please sign in first."))
    return person


def done(target: str, message: Any = None) -> Response:
    """303 to where the act can be seen; a script gets an empty answer with that address."""
    if wants_json():
        response = make_response("", 204)
        response.headers["Location"] = target
        return response
    if message is not None:
        flash(str(message), "ok")
    return redirect(target, 303)  # type: ignore[return-value]


def sent(response: Response, draft: str) -> Response:
    """Tell the browser that a draft kept on the device was received: a cookie that the script takes away."""
    response.set_cookie(
        "draft_sent", draft, max_age=300, samesite="Lax", secure=request.is_secure, httponly=False
    )
    return response


def once_only(act: Callable[[], str], message: Any = None) -> Response:
    """Do `act` in one transaction and answer with where it can be seen, which it gives, and `message`.

    A form sent twice acts once: its second copy is answered like the first.
    """
    key = _sent()
    with transaction():
        target = once.used(key)
        if target is None:
            target = act()
            once.use(key, target)
    return done(target, message)


def _sent() -> str | None:
    """The form's once-token together with all that was sent: whoever goes back, writes something else and sends it
    again has not repeated himself. None for a form without a token."""
    token = request.form.get("once", "")
    if not token:
        return None
    fields = sorted(pair for pair in request.form.items(multi=True) if pair[0] != "csrf_token")
    return hashlib.sha256(repr((request.path, fields)).encode()).hexdigest()


def on_case(
    number: str, verb: Callable[[Case], Any], *, message: Any = None, words: Words | None = None
) -> Response:
    """Do `verb` to a case, loaded for change in one transaction; sent twice it acts once. With `words` a refusal gives
    the text back."""

    def act() -> str:
        case = Case.numbered(number, reader=me(), for_change=True)
        target = case_path(case)
        verb(case)
        return target

    try:
        return once_only(act, message)
    except (Invalid, WrongState, NotAllowed) as error:
        if words is None or wants_json():
            raise
        return words.page(error=error)


SAID = {
    "reply": _l("Your reply is posted."),
    "supplement": _l("Thank you. The department was told, and the clock goes on."),
    "rate": _l("Thank you. Your rating is noted."),
    "reopen": _l("It is open again; the department was told."),
    "nudge": _l("The department's leader was reminded."),
    "withdraw": _l("It is withdrawn."),
    "watch": _l("You follow it now. Every step comes to “My cases”."),
    "unwatch": _l("You follow it no more."),
    "affected": _l("Noted: it concerns you too. Every step comes to “My cases”."),
    "unmerge": _l("It is a case of its own again."),
    "follow_up": _l("Thank you, that helps."),
    "edit": _l("Your post stands as you wrote it."),
    "cover": _l("Covered for good."),
    "release": _l("Everybody can read it now."),
    "replies_closed": _l("Other members cannot reply any more."),
    "replies_opened": _l("Other members can reply again."),
}
