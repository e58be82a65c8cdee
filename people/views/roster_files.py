"""Turns from a file: first what would become of each row, then, after one more press, for good."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request

from board.db import transaction
from board.errors import Invalid
from board.i18n import _, ngettext
from people import me
from people.roster_import import LARGEST, Taken, read, take
from people.session import login_required
from people.views import bp
from people.views.rosters import editable

SHOWN = 200


def _page(
    key: str,
    *,
    text: str = "",
    results: list[Taken] | None = None,
    errors: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    department = editable(key)
    found = results or []
    html = render_template(
        "people/roster/import.html",
        here=f"/d/{key}/roster",
        unit=department,
        text=text,
        looked=results is not None,
        good=sum(each.state == "in" for each in found),
        there=sum(each.state == "there" for each in found),
        refused=[each for each in found if each.state == "refused"][:SHOWN],
        refused_count=sum(each.state == "refused" for each in found),
        errors=errors or {},
    )
    response = make_response(html, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _given() -> str:
    """The table: the file where one was chosen, else what stands in the field."""
    file = request.files.get("file")
    raw = file.read(LARGEST + 1) if file is not None and file.filename else b""
    if len(raw) > LARGEST:
        raise Invalid(_("The file is larger than 1 MB. Bring it in in parts."), field="file")
    if raw:
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            return raw.decode("gb18030", "replace")
    text = request.form.get("table", "")[: LARGEST + 1]
    if not text.strip():
        raise Invalid(_("Choose a file, or paste the table."), field="file")
    return text


@bp.get("/d/<key>/roster/import")
@login_required
def roster_file(key: str) -> Response:
    """A form for a file of turns."""
    return _page(key)


@bp.post("/d/<key>/roster/import")
@login_required
def take_roster_file(key: str) -> Response:
    """Say what would become of each row; with `sure` note those that fit."""
    editable(key)
    text = ""
    try:
        text = _given()
        rows = read(text)
        if not request.form.get("sure"):
            return _page(key, text=text, results=take(rows, by=me(), write=False))
        with transaction():
            editable(key)
            done = take(rows, by=me(), write=True)
    except Invalid as error:
        return _page(key, text=text[:LARGEST], errors=error.errors or {"file": error.message}, status=422)
    count = sum(each.state == "in" for each in done)
    said = ngettext(
        "%(num)s turn is noted. It holds once you publish.",
        "%(num)s turns are noted. They hold once you publish.",
        count,
    )
    flash(said, "ok")
    return redirect(f"/d/{key}/roster", 303)  # type: ignore[return-value]
