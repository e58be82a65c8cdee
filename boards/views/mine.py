"""One's own cases, those that wait for one's word first, and the cases one follows."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy import and_, exists, or_, select

from board.db import db
from boards import cards, turns
from boards.models.case import Case
from boards.models.status import Status
from boards.models.thread import Thread
from boards.models.watch import Watch
from boards.views.acting import myself
from people.models import Person
from people.signing_in import login_required

bp = Blueprint("mine", __name__)

FIRST = 20  # cases that wait for the reader, shown at most


def waiting(person: Person) -> list[dict[str, Any]]:
    """The cases in which it is this person's turn, as rows with `turn`: what to do and where. Newest first."""
    found = db.session.scalars(
        select(Thread)
        .join(Case, Case.thread_id == Thread.id)
        .where(
            Thread.poster_id == person.id,
            or_(
                Case.status == Status.WAITING_POSTER,
                Case.status == Status.RESOLVED,
                Case.outcome.in_(("planned", "transferred")),
                and_(Thread.release_asked, Thread.visibility == "restricted"),
            ),
        )
        .order_by(Thread.moved_at.desc())
        .limit(3 * FIRST)
    ).all()
    turn_of: dict[str, Any] = {}
    for thread in found:
        case = thread.case
        if case is None:
            continue
        turn = turns.turn(case, person, turns.acts(case, person))
        if turn is not None or (thread.release_asked and thread.is_restricted):
            turn_of[thread.public_id] = turn
    keys = [(each.public_id, each.version) for each in found if each.public_id in turn_of][:FIRST]
    return [{**row, "turn": turn_of[row["public_id"]]} for row in cards.rows(keys)]


@bp.get("/mine")
@login_required
def index() -> Response:
    """What I wrote, and what I follow (`?show=followed`)."""
    person = myself()
    followed = request.args.get("show") == "followed"
    before = request.args.get("before")
    if followed:
        watched = exists().where(Watch.thread_id == Thread.id, Watch.person_id == person.id)
        page = cards.page_of(
            watched, Thread.poster_id.is_distinct_from(person.id), reader=person, before=before
        )
    else:
        page = cards.page_of(Thread.poster_id == person.id, reader=person, before=before)
    first = waiting(person) if before is None and not followed else []
    shown = {row["public_id"] for row in first}
    rows = [row for row in cards.rows(page.keys) if row["public_id"] not in shown]
    html = render_template(
        "mine/index.html",
        person=person,
        followed=followed,
        first=first,
        rows=rows,
        older=page.older,
        before=before,
    )
    return make_response(html)


@bp.get("/settings")
def settings() -> Response:
    """How pages look and in which language; for visitors as well."""
    return make_response(render_template("mine/settings.html"))
