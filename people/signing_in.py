"""Signing in, in one place: what other parts use of sessions, members, staff and links."""

from people.codes import Started, start_code
from people.links import cast, link_for, offer_cast, open_link, play
from people.members import give_free_nickname, join, rename, verify_phone
from people.session import (
    COOKIE,
    ask_to_sign_in,
    current_sign_in,
    login_manager,
    login_required,
    reader,
    sign_in,
    sign_out,
)
from people.staff import check_password, check_second_factor

__all__ = [
    "COOKIE",
    "Started",
    "ask_to_sign_in",
    "cast",
    "check_password",
    "check_second_factor",
    "current_sign_in",
    "give_free_nickname",
    "join",
    "link_for",
    "login_manager",
    "login_required",
    "offer_cast",
    "open_link",
    "play",
    "reader",
    "rename",
    "sign_in",
    "sign_out",
    "start_code",
    "verify_phone",
]
