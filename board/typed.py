"""What somebody typed into the form of this request: its words, told apart from its choices, codes and tokens.

A form that cannot be taken gives them back, so that nobody writes anything twice.
"""

from __future__ import annotations

from flask import g, request
from werkzeug.exceptions import HTTPException

LONGEST = 100_000  # characters of one field that a form gives back; what is longer was no letter
WORDS = (
    "title", "body", "text", "words", "note", "question", "answer", "reason", "advice", "place", "table",
    "findings", "news", "found", "review_words", "confirm_words", "about_whom", "seal_words", "referral_words",
    "reprisal_words", "pressed_words", "pressure_words", "skipped",
)  # fmt: skip


def is_words(name: str, value: str) -> bool:
    """Whether somebody wrote this field by hand: never a password, a code, a token or a number to call."""
    return name in WORDS and bool(value.strip())


def words() -> list[str]:
    """What this request's form says, in the order of its fields; nothing of a form that another site sent."""
    if request.method in ("GET", "HEAD", "OPTIONS") or not g.get("from_here"):
        return []
    try:
        return [value for name, value in request.form.items(multi=True) if is_words(name, value)]
    except (HTTPException, OSError):
        return []  # no form at all, too large, or cut off on its way
