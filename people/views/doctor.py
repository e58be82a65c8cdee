"""The administrator's page: what is wrong here, looked at from the server, and the live path from his own browser."""

from __future__ import annotations

import secrets
import time

from flask import Response, jsonify, render_template
from markupsafe import Markup

from board import doctor, live
from board.db import db, transaction
from board.errors import NotFound
from board.i18n import _
from board.permissions import may
from board.seams import fill
from people import me
from people.models import Person
from people.session import login_required
from people.views import bp


def _administrator() -> Person:
    person = me()
    if person is None or not may(person, "board.examine", None):
        raise NotFound
    return person


@bp.get("/admin/doctor")
@login_required
def examination() -> str:
    """Everything that can be looked at without another process; the rest the browser tries by itself."""
    person = _administrator()
    live.watching(person.stream)
    findings = doctor.examine()
    return render_template(
        "admin/doctor.html",
        findings=findings,
        wrong=sum(not each.well for each in findings),
        stream=person.stream,
        here="/admin/doctor",
    )


@bp.post("/admin/doctor/hint")
@login_required
def test_hint() -> Response:
    """Write a hint into the asker's own stream; the answer says by what he will know it, and where it stands."""
    person = _administrator()
    stream, nonce = person.stream, secrets.token_hex(8)
    began = time.monotonic()
    with transaction():
        live.append(stream, kind="check", nonce=nonce)
    written = round((time.monotonic() - began) * 1000)
    seq = live.cursors([stream])[stream]
    db.session.rollback()
    return jsonify(nonce=nonce, stream=stream, before=seq - 1, written=written)


@fill("mine.links")
def doctor_link(person: Person) -> Markup | str:
    """The way there from an administrator's own page."""
    if not may(person, "board.examine", None):
        return ""
    return Markup('<a href="/admin/doctor">{}</a>').format(_("Is everything well?"))
