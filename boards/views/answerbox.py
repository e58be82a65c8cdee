"""What the answer box brings: public words, which an internal note must never become by a wrong key."""

from __future__ import annotations

from datetime import datetime

from flask import request

from board.errors import Invalid
from board.i18n import _l
from boards import wording
from boards.deskforms import moment


def public_words() -> str:
    """The words to be published; none where only a button was pressed.

    Invalid when the internal tab was open, when the box was sent empty, or when the words only say that the matter
    was passed on and no date is promised.
    """
    given = request.form.get("text", request.form.get("answer"))
    if given is None:
        return ""
    if not given.strip():
        raise Invalid(_l("Please write something here."), field="text")
    if request.form.get("audience") == "internal":
        raise Invalid(
            _l("This is written as an internal note. Choose “Public answer” to publish it."), field="text"
        )
    wording.hold_against(given, next_result())
    return given


def next_result() -> datetime | None:
    """When the next result is promised, None where no date was chosen."""
    return moment(request.form.get("next_result"), "next_result")
