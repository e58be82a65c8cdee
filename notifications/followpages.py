"""The pages of a follower: what he follows, how he hears of each, when; and the link at the end of a mail."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from board.db import db, transaction
from board.errors import BoardError, Invalid, NotFound, wants_json
from board.i18n import LANGUAGES, _, _l
from board.seams import fill, provided
from board.web import see_other
from boards.addresses import thread_path
from boards.models import Thread, Watch
from boards.models.watch import AT_ONCE, DAILY, HOWS, INBOX
from boards.policy import visible_to
from notifications import following, tidings, unsubscribing
from notifications.models.follow import KINDS, Follow
from notifications.reaching import channels_of
from notifications.targets import LONGEST_PLACE, SHORTEST_PLACE, Target, target, targets_of
from people import myself
from people.csrf import visitors_too
from people.models import Person
from people.session import login_required

bp = Blueprint("follows", __name__)

MOST_CASES = 50  # followed cases that the page lists; all of them stand under /mine


@dataclass(frozen=True)
class Row:
    """One line of the list: what is followed, where it stands, how it is heard of, and the forms' addresses."""

    words: str
    address: str
    how: str
    change: str
    removal: str
    fields: dict[str, str]


def how_words() -> list[tuple[str, str]]:
    """The three ways of hearing, for a select."""
    return [(AT_ONCE, _("At once")), (DAILY, _("Once a day")), (INBOX, _("Only in my messages"))]


def how_choices() -> list[tuple[str, str, str]]:
    """The same with what each means."""
    return [
        (AT_ONCE, _("At once"), _("By every way you have set up, outside your quiet hours.")),
        (DAILY, _("Once a day"), _("One mail at your hour, and none when there is nothing.")),
        (INBOX, _("Only in my messages"), _("You read it here when you look.")),
    ]


def _rows(person: Person) -> list[Row]:
    follows = db.session.scalars(
        select(Follow).where(Follow.person_id == person.id).order_by(Follow.kind, Follow.id)
    ).all()
    targets = targets_of(follows)
    rows = []
    for follow in sorted(follows, key=lambda each: KINDS.index(each.kind)):
        found = targets.get(follow.id)
        here = url_for("follows.change", public_id=follow.public_id)
        rows.append(
            Row(
                found.words if found else _("Something that is gone by now"),
                found.address if found else "",
                follow.how,
                here,
                f"{here}/removal",
                {},
            )
        )
    return rows


def _cases(person: Person) -> tuple[list[Row], int]:
    """The cases and threads followed, latest first, and how many there are in all."""
    mine = (Watch.person_id == person.id, visible_to(person))
    query = select(Watch, Thread).join(Thread, Watch.thread_id == Thread.id).where(*mine)
    count = db.session.scalar(
        select(func.count()).select_from(Watch).join(Thread, Watch.thread_id == Thread.id).where(*mine)
    )
    rows = []
    newest = query.order_by(Thread.moved_at.desc(), Thread.id.desc()).limit(MOST_CASES)
    for watch, thread in db.session.execute(newest.options(joinedload(Thread.case))):
        here = thread_path(thread)
        back = urlencode({"undo": f"case:{thread.public_id}", "how": watch.how})
        rows.append(
            Row(
                thread.title,
                here,
                watch.how,
                f"{here}/watch",
                f"{here}/watch",
                {"follow": "0", "next": f"{url_for('follows.index')}?{back}"},
            )
        )
    return rows, count or 0


@dataclass(frozen=True)
class Undo:
    """What was just ended, and the form that begins it again."""

    words: str
    action: str
    fields: dict[str, str]


def _undo(person: Person) -> Undo | None:
    kind, _colon, key = request.args.get("undo", "").partition(":")
    how = request.args.get("how", "")
    if how not in HOWS:
        return None
    if kind == "case":
        thread = db.session.scalar(select(Thread).where(Thread.public_id == key, visible_to(person)))
        if thread is None:
            return None
        fields = {"how": how, "next": url_for("follows.index")}
        return Undo(thread.title, f"{thread_path(thread)}/watch", fields)
    try:
        found = target(kind, key)
    except BoardError:
        return None
    if following.follow_of(person, found.kind, found.key) is not None:
        return None
    return Undo(found.words, url_for("follows.create"), {"kind": kind, "target": found.key, "how": how})


@bp.get("/follows")
@login_required
def index() -> str:
    """What I follow, how I hear of each, and when."""
    person = myself()
    cases, count = _cases(person)
    return render_template(
        "follows/index.html",
        rows=_rows(person),
        cases=cases,
        more_cases=count > len(cases),
        undo=_undo(person),
        hows=how_words(),
        person=person,
        rhythm=following.rhythm_of(person),
        hours=[(str(hour), f"{hour:02d}:00") for hour in range(24)],
        has_mail="mail" in channels_of(person, "digest"),
        place_lengths=(SHORTEST_PLACE, LONGEST_PLACE),
        here="/follows",
    )


def _confirm(kind: str, key: str, *, how: str = DAILY, error: Invalid | None = None) -> Response:
    found: Target | None = None
    if error is None or kind == "search":
        try:
            found = target(kind, key) if key or kind != "place" else None
        except Invalid as refused:
            error = refused
    person = myself()
    follow = following.follow_of(person, found.kind, found.key) if found else None
    html = render_template(
        "follows/new.html",
        kind=kind,
        typed=key,
        found=found,
        weekly=found.weekly() if found else None,
        follow=follow,
        how=follow.how if follow else how,
        choices=how_choices(),
        has_mail="mail" in channels_of(person, "digest"),
        error=str(error.errors.get("target") or error.errors.get("how") or error.message) if error else "",
        place_lengths=(SHORTEST_PLACE, LONGEST_PLACE),
    )
    return make_response(html, 200 if error is None else error.status)


@bp.get("/follows/new")
@login_required
def new() -> Response:
    """Before following: how much comes of it, and how one would like to hear."""
    kind, key = request.args.get("kind", ""), request.args.get("target", "")
    if kind not in KINDS:
        raise NotFound
    return _confirm(kind, key)


@bp.post("/follows")
@login_required
def create() -> Response:
    """Follow it; 422 with the page again where that cannot be."""
    kind, key = request.form.get("kind", ""), request.form.get("target", "")
    how = request.form.get("how", "")
    try:
        with transaction():
            found = target(kind, key)
            following.begin(found, by=myself(), how=how)
            words = found.words
    except Invalid as error:
        if wants_json():
            raise
        return _confirm(kind, key, how=how if how in HOWS else DAILY, error=error)
    flash(_("You follow it now: %(what)s", what=words), "ok")
    return see_other("follows.index")


@bp.post("/follows/<public_id>")
@login_required
def change(public_id: str) -> Response:
    """Hear of it in another way."""
    with transaction():
        following.change(following.own(myself(), public_id), request.form.get("how", ""))
    flash(_("Changed."), "ok")
    return see_other("follows.index")


@bp.post("/follows/<public_id>/removal")
@login_required
def remove(public_id: str) -> Response:
    """Follow it no more; the list offers to take that back."""
    with transaction():
        follow = following.own(myself(), public_id)
        way, how = follow.way, follow.how
        following.end(follow)
    return see_other("follows.index", undo=way, how=how)


def _hour(name: str) -> int:
    raw = request.form.get(name, "")
    if not raw.isascii() or not raw.isdigit() or len(raw) > 2 or int(raw) > 23:
        raise Invalid(_l("Choose an hour from the list."), field=name)
    return int(raw)


@bp.post("/settings/following")
@login_required
def settle() -> Response:
    """The hour of the daily mail, the quiet hours, the language, and whether mails come at all."""
    with transaction():
        person = myself()
        rhythm = following.rhythm_of(person, make=True)
        rhythm.digest_hour = _hour("digest_hour")
        if not person.is_staff:
            quiet = request.form.get("quiet") == "1"
            rhythm.quiet_from = _hour("quiet_from") if quiet else 0
            rhythm.quiet_until = _hour("quiet_until") if quiet else 0
        if request.form.get("language") in LANGUAGES:
            rhythm.language = request.form["language"]
        rhythm.mails = request.form.get("mails") == "1"
        tidings.move(person, rhythm)
    flash(_("Saved."), "ok")
    return redirect(url_for("follows.index") + "#when", 303)  # type: ignore[return-value]


@bp.get("/unsubscribe/<token>")
def unsubscribe(token: str) -> Response:
    """A page with one button: programs that look into links change nothing."""
    person = unsubscribing.person_of(token)
    return _farewell(token, following.rhythm_of(person).mails)


@bp.post("/unsubscribe/<token>", endpoint="stop")
@visitors_too
def stop(token: str) -> Response:
    """No more mails about what is followed, or with `again=1` as before. Mail programs press it for their readers."""
    again = request.form.get("again") == "1"
    with transaction():
        following.switch_mails(unsubscribing.person_of(token), on=again)
    return _farewell(token, again)


def _farewell(token: str, mails: bool) -> Response:
    return make_response(render_template("follows/unsubscribe.html", token=token, mails=mails))


# --- where others' pages lead here ----------------------------------------------------------------------------


@fill("follow")
def follow_link(kind: str, key: str, person: Person | None) -> Markup:
    """The way to follow what a page is about, equal for all visitors; whoever follows it reads so."""
    if kind == "search":
        read = provided("search.saved", [key], default={}).get(key)
        if read is None:
            return Markup()
        key = read[0]
    follow = following.follow_of(person, kind, key)
    return Markup(render_template("follows/link.html", kind=kind, key=key, follow=follow))


@fill("settings.reach")
def settings_link(person: Person | None) -> Markup:
    """What the settings page says of following."""
    if person is None:
        return Markup()
    return Markup(render_template("follows/settings.html"))


@fill("mine.links")
def mine_link(person: Person) -> Markup:
    """The way to what one follows from one's own page."""
    return Markup('<a href="{}">{}</a>').format("/follows", _("How I hear of it"))
