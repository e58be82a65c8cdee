"""Shifts in somebody's own calendar: a month to take along, and a private address that telephones read."""

from __future__ import annotations

from flask import Response, current_app, flash, make_response, render_template, request, url_for

from board import limits
from board.clock import midnight
from board.db import transaction
from board.errors import NotFound
from board.i18n import _, speaking
from board.web import client_address, see_other
from people import me
from people.calendars import feed, month_calendar
from people.models import CalendarFeed, Person
from people.rosterpage import next_month, read_month
from people.session import login_required
from people.views import bp
from people.views.rosters import readable

ICS = "text/calendar; charset=utf-8"


def _ics(body: bytes, name: str) -> Response:
    response = make_response(body)
    response.headers["Content-Type"] = ICS
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.ics"'
    return response


@bp.get("/d/<key>/roster.ics")
@login_required
def roster_calendar(key: str) -> Response:
    """A month of the roster for a calendar."""
    department = readable(key)
    first = read_month(request.args.get("month", ""))
    body = month_calendar(department, midnight(first), midnight(next_month(first)))
    return _ics(body, f"{key}-{first:%Y-%m}")


def _officer() -> Person:
    person = me()
    if person is None or not person.departments:
        raise NotFound
    return person


def _page(address: str = "") -> str:
    return render_template(
        "people/roster/calendar.html", here="/me/calendar", address=address, feed=CalendarFeed.of(_officer())
    )


@bp.get("/me/calendar")
@login_required
def own_calendar() -> str:
    """Whether one's shifts have a private address, and how to get one."""
    _officer()
    return _page()


@bp.post("/me/calendar")
@login_required
def renew_calendar() -> str:
    """A new address, shown this once on the page that answers; the one before is dead."""
    with transaction():
        token = CalendarFeed.renew(_officer())
    base = current_app.config["SETTINGS"].public_url or request.host_url.rstrip("/")
    return _page(base + url_for("people.calendar_feed", token=token))


@bp.post("/me/calendar/revocation")
@login_required
def revoke_calendar() -> Response:
    """End the address."""
    with transaction():
        CalendarFeed.revoke(_officer())
    flash(_("The address is dead. Calendars that read it get nothing more."), "ok")
    return see_other("people.own_calendar")


@bp.get("/calendar/<token>.ics")
def calendar_feed(token: str) -> Response:
    """The shifts of whoever this secret belongs to; 404 for every other one. It opens nothing else."""
    limits.spend("calendar", "120 per minute", client_address())
    person = CalendarFeed.reader(token)
    if person is None:
        raise NotFound
    with speaking("zh"):
        body = feed(person)
    return _ics(body, "shifts")
