"""看办到哪一步了: asks only for the number."""

from __future__ import annotations

import re
import unicodedata

from flask import Blueprint, Response, make_response, redirect, render_template, request

from board.errors import NotFound
from board.i18n import _
from board.seams import provided
from boards.models.case import Case, dashed
from boards.models.receipt import DIGITS as RECEIPT
from people import me

bp = Blueprint("lookups", __name__)

DIGITS = re.compile(r"[0-9]{8}-?[0-9]{4,}")
SPACES = re.compile(r"\s+")
PREFIX = re.compile(r"^(编号|No\.?)[:：]?", re.IGNORECASE)
DASHES = re.compile(r"[\u2010-\u2015\u2212\u30fc_]")


@bp.get("/lookup")
def show() -> Response:
    """The form; with a number (the dash optional, full-width digits as well) on to its case, or what to check."""
    typed = request.args.get("number", "")[:60]
    if not typed.strip():
        error = _("Please type the number you were given.") if "number" in request.args else ""
        return _page(typed, error)
    plain = SPACES.sub("", unicodedata.normalize("NFKC", typed))
    plain = DASHES.sub("-", PREFIX.sub("", plain))
    if len(plain) == RECEIPT and plain.isdecimal():
        # A receipt: its digits belong into no address, so they go no further.
        return redirect("/receipt", 303)  # type: ignore[return-value]
    if DIGITS.fullmatch(plain) is None:
        return _page(
            typed,
            _(
                "A number has eight digits, a dash and four or more digits, such as 20261121-0042. The dash may be left out."
            ),
        )
    try:
        found = Case.numbered(plain, reader=me())
    except NotFound:
        if provided("case_stub", dashed(plain)) is not None:
            return redirect(f"/cases/{dashed(plain)}", 303)  # type: ignore[return-value]
        return _page(
            typed,
            _(
                "There is no public case with this number. Please compare each digit. If it is yours and not public, sign in first."
            ),
        )
    return redirect(f"/cases/{found.number}", 303)  # type: ignore[return-value]


def _page(typed: str, error: str) -> Response:
    response = make_response(
        render_template("boards/lookup.html", here="/lookup", typed=typed, error=error), 422 if error else 200
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response
