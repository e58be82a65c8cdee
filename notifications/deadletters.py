"""What could not be carried, for administrators: what kind, by which channel, when, and why. Never words or addresses."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, flash, render_template
from markupsafe import Markup
from sqlalchemy import and_, or_, select

from board import jobs
from board.clock import now
from board.db import db, transaction
from board.errors import NotFound, WrongState
from board.i18n import _, _l
from board.permissions import may, rule
from board.seams import fill
from board.web import see_other
from boards.models import CaseEvent, Thread
from boards.policy import whispered_threads
from notifications.models.delivery import Delivery
from people import me
from people.models import Person, Role
from people.session import login_required

bp = Blueprint("deliveries", __name__)

PAGE = 100
STUCK = timedelta(hours=3)  # longer than every try together


@rule("delivery.administer")
def may_administer(person: Person | None, delivery: Delivery | None = None) -> bool:
    """Administrators see what could not be carried, and send it again."""
    return person is not None and person.has_role(Role.ADMINISTRATOR)


def _administrator() -> None:
    if not may(me(), "delivery.administer"):
        raise NotFound


def dead() -> list[Delivery]:
    """What was given up and what has been waiting for too long, newest first."""
    waiting = and_(
        Delivery.sent_at.is_(None),
        Delivery.failed_at.is_(None),
        Delivery.dropped_at.is_(None),
        Delivery.queued_at < now() - STUCK,
    )
    # That a complaint told somebody, and when, is not for administrators either.
    whispers = (
        select(CaseEvent.id)
        .join(Thread, CaseEvent.thread_id == Thread.id)
        .where(CaseEvent.id == Delivery.event_id, whispered_threads())
    )
    query = select(Delivery).where(
        or_(Delivery.failed_at.is_not(None), waiting), ~whispers.correlate(Delivery).exists()
    )
    return list(db.session.scalars(query.order_by(Delivery.id.desc()).limit(PAGE)))


@fill("mine.links")
def link(person: Person) -> Markup:
    """The way to the list, for administrators."""
    if not may(person, "delivery.administer"):
        return Markup()
    return Markup('<a href="/admin/deliveries">{}</a>').format(_("Messages that did not arrive"))


@bp.get("/admin/deliveries")
@login_required
def index() -> str:
    """The list; 404 for everybody else."""
    _administrator()
    names = {
        "page": _("Call"),
        "news": _("News"),
        "digest": _("Digest"),
        "check": _("Test"),
        "live": _("Open page"),
        "push": _("Browser"),
        "mail": _("Mail"),
        "chat": _("Chat"),
        "sms": _("Text message"),
    }
    return render_template("notifications/deliveries.html", rows=dead(), names=names)


@bp.post("/admin/deliveries/<public_id>/resending")
@login_required
def resend(public_id: str) -> Response:
    """Try it once more from the beginning; what nobody needs to hear of any more is dropped then."""
    _administrator()
    with transaction():
        delivery = db.session.scalar(
            select(Delivery).where(Delivery.public_id == public_id).with_for_update(of=Delivery)
        )
        if delivery is None:
            raise NotFound
        if delivery.sent_at is not None and delivery.failed_at is None:
            raise WrongState(_l("It has been sent meanwhile."))
        delivery.sent_at = delivery.failed_at = delivery.dropped_at = None
        delivery.attempts = 0
        moment = now()
        jobs.put(
            "carry",
            key=f"carry:{delivery.public_id}:{moment:%Y%m%d%H%M%S%f}",
            delivery=delivery.public_id,
        )
    flash(_("It will be tried again at once."))
    return see_other("deliveries.index")
