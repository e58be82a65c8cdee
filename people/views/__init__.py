"""The pages of signing in, of one's own account, and of rosters."""

from flask import Blueprint

bp = Blueprint("people", __name__)

from people.views import account, calendars, carried, cast, doctor, links, members, roster_files, rosters, staff  # noqa: E402

__all__ = [
    "account",
    "bp",
    "calendars",
    "carried",
    "cast",
    "doctor",
    "links",
    "members",
    "roster_files",
    "rosters",
    "staff",
]
