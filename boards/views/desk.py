"""The duty desk: queues, rows and the open case; whole, and in the pieces that scripts read again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, g, jsonify, make_response, redirect, render_template, request
from sqlalchemy import select

from board import live
from board.db import db
from board.errors import NotFound
from board.i18n import _
from board.jinja import when
from board.presence import tell
from board.seams import provided, slot_html
from boards.desk import RARE, Desk, Rows, View
from boards.looking import seen_by
from boards.models import Case, Thread
from boards.models.case import dashed
from boards.pane import Pane, Typed
from boards.policy import visible_to
from boards.queuerow import drawn_all, length
from boards.shift_changes import Box, box_of
from boards.toasts import cards_of
from people import me
from people.models import Person
from people.session import login_required

bp = Blueprint("desk", __name__)

NOTHING = Typed()
MOST = 200  # cases asked about at once
TONES = {
    "routing": "wait",
    "called": "over",
    "pending": "wait",
    "soon": "wait",
    "overdue": "over",
    "rectify": "over",
}


@dataclass
class Page:
    """What the templates of the desk read."""

    desk: Desk
    listed: Rows
    pane: Pane | None = None
    typed: Typed = NOTHING
    form: str = ""
    photos: Any = ()
    asked: str = ""
    preview: bool = False
    token: str = ""
    seq: int = 0

    @property
    def view(self) -> View:
        """Which desk and queue is shown."""
        return self.desk.view

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many cases stand in each queue, counted only for pages that show it."""
        return self.desk.counts()

    @cached_property
    def urgent(self) -> int:
        """How many calls of present danger nobody has acknowledged: they are heard until somebody does."""
        return self.desk.urgent_calls()

    @cached_property
    def change(self) -> Box | None:
        """What the desk says of the change of shift."""
        return box_of(self.desk)

    @property
    def open_number(self) -> str:
        """The number of the open case, "" when none is open."""
        return self.pane.case.number if self.pane is not None else ""

    def queues(self) -> list[dict[str, Any]]:
        """The tabs of the queues, as components/queue.html takes them."""
        return [
            {
                "key": name,
                "label": queue_name(name),
                "url": View(department=self.view.department, queue=name).url(),
                "count": count,
                "current": name == self.view.queue,
                "tone": TONES.get(name, "") if count else "",
            }
            for name, count in self.counts.items()
            if count or name not in RARE or name == self.view.queue
        ]

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the open queue."""
        return drawn_all(self.desk, list(self.listed.rows), self.open_number)

    def older_url(self) -> str:
        """Where the next page of the queue is, "" on the last one."""
        return self.view.url(after=self.listed.after) if self.listed.after else ""

    def waiting(self) -> int:
        """The number that stands in the title: what nobody has taken yet."""
        return self.counts.get("pending", self.counts.get("routing", 0))

    def cleared(self) -> str:
        """What a queue without rows says."""
        if self.view.place or self.view.section or self.view.mine:
            return _("No case in this queue matches the filters.")
        due = self.desk.next_due()
        return _("The next one is due %(when)s.", when=when(due)) if due is not None else ""

    def next_number(self) -> str:
        """The case that opens once the open one is done."""
        numbers = [row.number for row in self.listed.rows]
        if self.open_number in numbers:
            place = numbers.index(self.open_number) + 1
            return numbers[place] if place < len(numbers) else (numbers[0] if len(numbers) > 1 else "")
        return numbers[0] if numbers else ""

    def watching(self) -> str:
        """Which colleagues have the open case open, too."""
        if self.pane is None:
            return ""
        return seen_by({"": self.pane.thread.public_id}, self.desk.person).get("", "")

    def hidden(self) -> dict[str, str]:
        """What every form of the desk carries, so that its answer leads back here."""
        return {"desk": self.view.url("").lstrip("?"), "next": self.next_number()}


def queue_name(name: str) -> str:
    """A queue's name on its tab."""
    return {
        "routing": _("To be sent on"),
        "called": _("Nobody has answered"),
        "pending": _("Waiting"),
        "mine": _("With me"),
        "working": _("In progress"),
        "soon": _("Due soon"),
        "overdue": _("Overdue"),
        "waiting": _("Waiting for the poster"),
        "rating": _("Waiting for a rating"),
        "rectify": _("To be put right"),
        "assist": _("Asked to help"),
        "offers": _("Offered to us"),
        "approvals": _("To be decided"),
    }[name]


def read(
    view: View,
    *,
    number: str = "",
    after: str = "",
    typed: Typed = NOTHING,
) -> Page:
    """Everything one page of the desk needs; NotFound for whoever has no desk there, and for an unknown case."""
    desk = Desk.open(me(), view)
    stream = stream_of(number, desk.person)
    live.watching(*([desk.stream, desk.presence] if desk.serves else []), *([stream] if stream else []))
    page = Page(desk=desk, listed=desk.rows(after), typed=typed)
    if number:
        page.pane = Pane.read(number, desk.person)
        page.seq = g.live_cursors.get(stream, 0)
    return page


def stream_of(number: str, reader: Person) -> str:
    """The live stream of a case, "" for none that `reader` may read; its cursor is read before the case is."""
    if not number:
        return ""
    query = select(Thread.public_id).join(Case, Case.thread_id == Thread.id)
    public_id = db.session.scalar(query.where(Case.number == dashed(number), visible_to(reader)))
    return f"case:{public_id}" if public_id else ""


def show(page: Page, status: int = 200) -> Response:
    """The whole desk."""
    html = render_template("desk/desk.html", page=page, **words_of(page))
    response = make_response(html, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def words_of(page: Page) -> dict[str, Any]:
    """What stands around the queue: departments to switch to, sections to narrow by, and the shift."""
    return {
        "choices": page.desk.choices(),
        "sections": page.desk.sections,
        "units": list(page.desk.departments.values()),
        "length": length,
        "badge": slot_html("shell.badge", page.desk.person),
    }


@bp.get("/desk")
@login_required
def open_desk() -> Response:
    """The desk of one's department; `?case=` opens a case, `?form=` one of its forms."""
    person = me()
    assert person is not None
    if not person.departments and person.has_role("moderator"):
        return redirect("/moderation", 303)  # type: ignore[return-value]
    number = request.args.get("case", "")
    view = View.read(request.args)
    try:
        page = read(view, number=number, after=request.args.get("after", ""))
    except NotFound:
        if not number:
            raise
        # The case left this reader's sight since the link was drawn: the queue is still his.
        page = read(view)
        page.asked = dashed(number)
    page.form = request.args.get("form", "")[:20]
    response = show(page)
    _opened(page)
    return response


@bp.get("/desk/rows")
@login_required
def rows() -> Response:
    """Queues and rows again, for a script that was told of something new."""
    page = read(View.read(request.args), after=request.args.get("after", ""))
    open_number = dashed(request.args.get("case", ""))
    drawn = drawn_all(page.desk, list(page.listed.rows), open_number)
    return _piece(render_template("desk/rows.html", page=page, rows=drawn, **words_of(page)))


@bp.get("/desk/case/<number>")
@login_required
def case_pane(number: str) -> Response:
    """The open case again."""
    page = read(View.read(request.args), number=number)
    page.form = request.args.get("form", "")[:20]
    response = _piece(render_template("desk/pane.html", page=page, **words_of(page)))
    _opened(page)
    return response


def _opened(page: Page) -> None:
    # After it was drawn: what is noted here is written in a transaction that forgets what the page had loaded.
    if page.pane is not None:
        thread_id = page.pane.thread.id
        if not page.pane.thread.is_public:
            provided("reading", page.desk.person, page.pane.thread)
        provided("thread_opened", page.desk.person, thread_id)


@bp.get("/desk/presence")
@login_required
def presence() -> Response:
    """Who else has these cases open, in words by number: `?case=` for each that is in sight."""
    desk = Desk.open(me(), View.read(request.args))
    response = jsonify(_seen(request.args.getlist("case"), desk.person))
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.post("/desk/looking")
@login_required
def looking() -> Response:
    """Without a socket: the officer of this browser has this case open (none: he looks away)."""
    desk = Desk.open(me(), View.read(request.args))
    stream = stream_of(request.form.get("case", ""), desk.person)
    # Counted apart from the sockets, and like them forgotten when it is not said again.
    tell(f"page:{provided('sign_in')}", [(stream, desk.person.public_id)] if stream else [], {stream} - {""})
    return make_response("", 204)


def _seen(numbers: list[str], reader: Person) -> dict[str, str]:
    wanted = [dashed(number) for number in numbers[:MOST]]
    found = db.session.execute(
        select(Case.number, Thread.public_id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(Case.number.in_(wanted), visible_to(reader))
    )
    return seen_by({number: public_id for number, public_id in found}, reader)


@bp.get("/desk/toasts")
@login_required
def toasts() -> Response:
    """What pops up for these new cases (`?cases=`, between commas; without: for all that nobody here has seen); 204 when
    none of them is new to this desk. `?more=`: how many beside those it was not asked about."""
    desk = Desk.open(me(), View.read(request.args))
    numbers = [dashed(each) for each in request.args.get("cases", "").split(",") if each]
    more = request.args.get("more", 0, type=int)
    cards = cards_of(desk, desk.calling(numbers[:MOST], MOST), max(0, min(more, 10_000)))
    if not cards:
        return make_response("", 204)
    return _piece(render_template("desk/toasts.html", cards=cards, desk=desk))


@bp.post("/desk/case/<number>/preview")
@login_required
def preview(number: str) -> Response:
    """The sentences citizens would read, and what is to be said against the words; changes nothing."""
    typed = Typed("answer", _values(), {})
    view = View.read(_desk_of(request.form))
    if request.headers.get("X-Fragment"):
        person = me()
        assert person is not None
        pane = Pane.read(number, person)
        sentences, warnings = pane.preview_lines(typed)
        return _piece(render_template("desk/preview.html", sentences=sentences, warnings=warnings))
    page = read(view, number=number, typed=typed)
    page.preview = True
    return show(page)


def _values() -> dict[str, str]:
    return {
        name: value[:20_000] for name, value in request.form.items() if name not in ("csrf_token", "once")
    }


def _desk_of(form: Any) -> dict[str, str]:
    return dict(parse_qsl(form.get("desk", "")[:600]))


def _piece(html: str) -> Response:
    response = make_response(html)
    response.headers["Cache-Control"] = "private, no-store"
    return response
