"""The pages of signing in and of one's own account."""

from flask import Blueprint

bp = Blueprint("people", __name__)

from people.views import account, cast, links, members, staff  # noqa: E402

__all__ = ["account", "bp", "cast", "links", "members", "staff"]
