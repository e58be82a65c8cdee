"""Acknowledging from the telephone: a link that opens a page with one button.

Opening changes nothing: chat and mail programs open links by themselves. The button acknowledges as the person who was
paged, by the same rule as at the desk; whoever left, moved, or went off duty meanwhile reads why it does nothing.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template

from board.clock import now
from board.db import transaction
from board.errors import BoardError, NotFound
from board.i18n import _, _l
from board.permissions import may
from boards.models import Case
from boards.sentences import short
from notifications.models.acknowledgement_link import AcknowledgementLink
from people.csrf import visitors_too
from people.models import Person

bp = Blueprint("acknowledging", __name__)

GONE = _l("This link is not known here. Please sign in at the duty desk.")


def why_dead(link: AcknowledgementLink) -> str:
    """Why the button would do nothing; empty while it would."""
    case, person = link.case, link.person
    if not link.fresh or not person.active:
        return _("This link is over. Please sign in at the duty desk.")
    if not case.is_open:
        return _("This case needs no answer any more.")
    if not case.can("acknowledge", person):
        return _("A colleague has already confirmed it.")
    if not may(person, "case.acknowledge", case):
        return _("You are not on duty for this case any more, so a colleague has to confirm it.")
    return ""


@bp.get("/a/<token>")
def show(token: str) -> Response:
    """One button, or in a sentence why there is none. Never changes anything."""
    link = AcknowledgementLink.by_token(token)
    if link is None:
        raise NotFound(GONE)
    return _page(link, token)


def _page(link: AcknowledgementLink, token: str, status: int = 200) -> Response:
    done = link.used_at is not None
    dead = "" if done else why_dead(link)
    case = link.case
    html = render_template(
        "notifications/acknowledge.html",
        token=token,
        done=done,
        dead=dead,
        say=short(case) if case.thread.is_public else _("There is a new matter; please sign in to read it"),
        case=case,
    )
    response = make_response(html, status)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@bp.post("/a/<token>")
@visitors_too
def press(token: str) -> Response:
    """Acknowledge; pressed again it says that it is done. 409 with the reason where it does nothing any more."""
    try:
        with transaction():
            found = AcknowledgementLink.by_token(token)
            if found is None:
                raise NotFound(GONE)
            person, case = _locked(found)
            link = AcknowledgementLink.by_token(token, for_change=True)
            assert link is not None
            if link.used_at is None:
                if why_dead(link):
                    raise _Dead
                case.acknowledge(by=person)
                link.used_at = now()
                link.delivery.seen_at = link.delivery.seen_at or now()
                link.delivery.acknowledged_at = link.delivery.acknowledged_at or now()
    except _Dead:
        link = AcknowledgementLink.by_token(token)
        assert link is not None
        return _page(link, token, 409)
    return redirect(f"/a/{token}", 303)  # type: ignore[return-value]


class _Dead(Exception):
    """The link does nothing any more."""


def _locked(link: AcknowledgementLink) -> tuple[Person, Case]:
    """The case, loaded for change as its person may read it."""
    try:
        return link.person, Case.numbered(link.case.number, reader=link.person, for_change=True)
    except BoardError:
        raise _Dead from None
