"""The pages of signing in, of one's own account, and of rosters."""

from flask import Blueprint

bp = Blueprint("people", __name__)

from people.views import (  # noqa: E402
    account,
    calendars,
    carried,
    cast,
    confirmations,
    doctor,
    invitations,
    links,
    members,
    own_data,
    passkeys,
    roster_files,
    rosters,
    second_factors,
    staff,
)

__all__ = [
    "account",
    "bp",
    "calendars",
    "carried",
    "cast",
    "confirmations",
    "doctor",
    "invitations",
    "links",
    "members",
    "own_data",
    "passkeys",
    "roster_files",
    "rosters",
    "second_factors",
    "staff",
]
