"""What happens to an account reaches its person: a line among his messages, and for staff a mail and a push as well.

The line says what, when and on what kind of browser; the mail and the push say only that something happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from sqlalchemy import ColumnElement, CursorResult, select, update

from board import retention
from board.clock import now
from board.db import db, transaction
from board.errors import NotFound
from board.events import on
from board.facts import site
from board.i18n import _, ngettext, speaking
from notifications.following import rhythm_of
from notifications.models import inbox
from notifications.models.account_notice import AccountNotice
from notifications.models.delivery import Delivery, Purpose, queue_many
from notifications.notes import Note
from notifications.reaching import channels_of
from people import myself, staff
from people.models import Person
from people.news import AccountNews
from people.session import current_sign_in, login_required

bp = Blueprint("accounts", __name__)

CARRIED_BY = ("push", "mail")


def _device(notice: AccountNotice) -> str:
    return notice.details.get("device") or _("Unknown device")


LINES: dict[str, Callable[[AccountNotice], str]] = {
    "account.signed_in": lambda it: _(
        "A sign-in on a device we did not know: %(device)s", device=_device(it)
    ),
    "account.recovery_code_used": lambda it: ngettext(
        "A recovery code opened your second step; %(num)d is left",
        "A recovery code opened your second step; %(num)d are left",
        int(it.details.get("left", 0)),
    ),
    "account.recovery_codes_made": lambda it: _("New recovery codes were made; the old ones are void"),
    "account.second_factor_changed": lambda it: _("Your authenticator app was changed"),
    "account.passkey_added": lambda it: _("A passkey was added"),
    "account.passkey_removed": lambda it: _("A passkey was removed"),
    "account.export_ready": lambda it: _("The copy of your data is ready; you can fetch it now"),
    "account.deletion_waits": lambda it: _(
        "Your account is not deleted yet: a matter of yours is still open"
    ),
}
# What is no act of anybody who may be somebody else leads to its page instead of asking whether it was oneself.
PLACES = {"account.export_ready": "people.own_data", "account.deletion_waits": "people.deletion"}


def line(notice: AccountNotice) -> str:
    """The notice in one sentence, in the reader's language."""
    return LINES[notice.kind](notice)


@on("account.*")
def tell(news: AccountNews) -> None:
    """Put it among the person's messages and promise what leaves the board, inside the open transaction."""
    person = news.person
    details = dict(news.parameters)
    if news.sign_in is not None:
        details["device"] = news.sign_in.device
    notice = AccountNotice(
        person=person,
        kind=news.kind,
        sign_in=news.sign_in.public_id if news.sign_in is not None else None,
        details=details,
        at=now(),
    )
    db.session.add(notice)
    db.session.flush()
    inbox.shift(person.id, person.public_id, 1, item=notice.public_id)
    if person.is_staff:
        channels = [each for each in channels_of(person, Purpose.ACCOUNT) if each in CARRIED_BY]
        wanted = [(f"account:{notice.public_id}:{each}", person, each) for each in channels]
        queue_many(wanted, purpose=Purpose.ACCOUNT, topic=f"account:{notice.public_id}")


@retention.removes("notices")
def forget(before: datetime, dry_run: bool) -> int:
    """Notices from before this moment; what nobody read of them is no longer counted."""

    def no_longer_unread(ids: Sequence[int]) -> None:
        unread = AccountNotice.id.in_(ids), AccountNotice.read_at.is_(None)
        for notice in db.session.scalars(select(AccountNotice).where(*unread)):
            inbox.shift(notice.person_id, notice.person.public_id, -1)

    over = AccountNotice.at < before
    return retention.rows_gone("notices", AccountNotice, over, dry_run=dry_run, beside=no_longer_unread)


def note_of(delivery: Delivery) -> Note | None:
    """What a mail or a push says of it, inside the open transaction; None once its person has read it."""
    person = delivery.person
    if person is None or not person.active:
        return None
    notice = AccountNotice.own(person, (delivery.topic or "").removeprefix("account:"))
    if notice is None or notice.read_at is not None:
        return None
    language = rhythm_of(person).language
    with speaking(language):
        return Note(
            str(site()["name"]),
            SAID.get(notice.kind, SAID["account.second_factor_changed"])(),
            f"/inbox/account/{notice.public_id}",
            act=_("See whether it was you"),
            language=language,
        )


# What leaves the board: never a device, never a number.
SAID: dict[str, Callable[[], str]] = {
    "account.signed_in": lambda: _("Somebody signed in to your account on a device we did not know"),
    "account.recovery_code_used": lambda: _("Somebody used a recovery code of your account"),
    "account.second_factor_changed": lambda: _("Something about signing in to your account was changed"),
}


# --- reading -----------------------------------------------------------------------------------------------------


def _read(by: Person, *which: ColumnElement[bool]) -> None:
    done = db.session.execute(
        update(AccountNotice)
        .where(AccountNotice.person_id == by.id, AccountNotice.read_at.is_(None), *which)
        .values(read_at=now())
    )
    assert isinstance(done, CursorResult)
    if done.rowcount:
        inbox.shift(by.id, by.public_id, -done.rowcount)


def read_all(*, by: Person) -> None:
    """The person has read all of them, inside the open transaction."""
    _read(by)


@bp.get("/inbox/account/<public_id>")
@login_required
def show(public_id: str) -> str | Response:
    """What happened, when and where; and what to do when it was not I."""
    with transaction():
        person = myself()
        notice = AccountNotice.own(person, public_id)
        if notice is None:
            raise NotFound
        _read(person, AccountNotice.id == notice.id)
    if notice.kind in PLACES:
        return redirect(url_for(PLACES[notice.kind]), 303)  # type: ignore[return-value]
    return render_template(
        "notifications/account_notice.html", notice=notice, line=line(notice), device=_device(notice)
    )


@bp.post("/inbox/account/<public_id>/denial")
@login_required
def deny(public_id: str) -> Response:
    """It was not I: that sign-in ends, and what was added in it; then a new password."""
    with transaction():
        person, here = myself(), current_sign_in()
        notice = AccountNotice.own(person, public_id, for_change=True)
        if notice is None or here is None:
            raise NotFound
        _read(person, AccountNotice.id == notice.id)
        notice.denied_at = notice.denied_at or now()
        if notice.sign_in is not None:
            staff.deny(person, notice.sign_in, here=here)
    if person.is_staff:
        flash(_("That sign-in is ended. Now change your password, and make new recovery codes."), "warn")
    else:
        flash(_("That sign-in is ended. See below whether you know the other devices."), "warn")
    return redirect(url_for("people.account") + ("#password" if person.is_staff else "#devices"), 303)  # type: ignore[return-value]
