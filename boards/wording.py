"""What an officer's words are held against before they go out: too short, used before, or saying only that it was passed on."""

from __future__ import annotations

from datetime import datetime

from board.errors import Invalid
from board.i18n import _, _l
from board.text import normalise
from boards.models import Case
from boards.models.phrase import passes_on

SHORT = 15  # characters under which an answer rarely says who, what and by when


def hold_against(words: str, expected: datetime | None = None, *, field: str = "text") -> None:
    """Invalid when an answer says only that it was passed on and names no date."""
    if expected is None and passes_on(words):
        raise Invalid(
            _l(
                "Say who has it now and by when: choose the date of the next result. This sentence alone cannot be sent."
            ),
            field=field,
        )


def warnings(words: str, case: Case) -> list[str]:
    """What an officer should know before he sends `words` as an answer in `case`; nothing for an empty text."""
    text = normalise(words[:5_000], lines=True)
    if not text:
        return []
    found = []
    if len(text) < SHORT:
        found.append(_("Under %(num)s characters. Say who does what, and by when.", num=SHORT))
    if passes_on(text):
        found.append(_("This says only that it was passed on: it cannot be sent without a date."))
    elif not case._is_answer(text, case.department):
        found.append(
            _(
                "A stock phrase, or words your department used lately: it will be shown, but it does not count as an answer."
            )
        )
    return found
