"""One-time codes by text message: issued under caps, kept hashed, tried at most five times.

The answer to "send me a code" never depends on who has the number, and the code lies readable only in the
vault, from the promise to send it until it is sent. In a demo city it stays there until it is used, so that the
sign-in page can show it: nobody gets a real message there.
"""

from __future__ import annotations

import hmac
import logging
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import ColumnElement, func, or_, select

from board import jobs, retention
from board.clock import now
from board.db import db, one_at_a_time, transaction
from board.errors import Invalid, WrongState
from board.facts import site
from board.i18n import _, _l, language, speaking
from board.jinja import clock_time, when
from board.transports import sms
from people import vault
from people.models.attempt import Attempt
from people.models.code import LASTS, OneTimeCode
from people.models.known_device import KnownDevice
from people.models.link import SignInLink
from people.models.passkey import SpentChallenge
from people.models.sign_in import SignIn

log = logging.getLogger(__name__)

RESEND = timedelta(seconds=60)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PER_PHONE_HOUR, PER_PHONE_DAY, PER_ADDRESS_HOUR = 5, 10, 20
PER_SITE_DAY = 5000  # the city pays for each message; CODES_PER_DAY in the configuration changes it

OWNER = "code:"  # how the vault calls a code: this and its public id
MOBILE = re.compile(r"1[3-9][0-9]{9}")


@dataclass(frozen=True)
class Started:
    """A code is on its way. `shown` is the code itself, in a demo city only."""

    phone: str
    expires_at: datetime
    resend_at: datetime
    shown: str | None = None


def normalise_phone(raw: str | None) -> str:
    """A mobile number as eleven ASCII digits, from full-width digits, spaces, dashes and +86; Invalid otherwise."""
    kept = unicodedata.normalize("NFKC", raw or "")[:60]
    digits = "".join(each for each in kept if each not in " \t-–—.·()\u200b\u202c\u202d\u2060")
    digits = re.sub(r"^(\+86|0086|86(?=1[3-9][0-9]{9}$))", "", digits)
    if not MOBILE.fullmatch(digits):
        raise Invalid(_l("Enter your mobile number: 11 digits, beginning with 1"), field="phone")
    return digits


def normalise_code(raw: str | None) -> str:
    """A code as typed or pasted, reduced to its digits."""
    kept = unicodedata.normalize("NFKC", raw or "")[:200]
    return "".join(re.findall(r"[0-9]", kept))


def can_send() -> bool:
    """Whether this installation can tell anybody a code: by a gateway, or on the screen of a demo city."""
    settings = current_app.config["SETTINGS"]
    return bool(settings.sms_url or settings.demo)


def start_code(phone: str, address: str) -> Started:
    """Promise a code to `phone`; within a minute of the last one that one stands. Opens its own transaction.

    Invalid for something that is no mobile number or when a cap is reached; WrongState without a gateway.
    """
    if not can_send():
        raise WrongState(_l("This board cannot send text messages yet, so nobody can sign in by phone."))
    phone = normalise_phone(phone)
    moment = now()
    phone_lookup = vault.keyed_hash("code phone", phone)
    address_lookup = vault.keyed_hash("code address", address)
    with transaction() as session:
        one_at_a_time("codes")  # or two requests could both find one place left
        row = _newest(phone_lookup)
        if row is None or not row.usable or moment >= row.created_at + RESEND:
            _check_caps(phone_lookup, address_lookup)
            code = f"{secrets.randbelow(1_000_000):06d}"
            salt = secrets.token_hex(16)
            row = OneTimeCode(
                phone_lookup=phone_lookup,
                address_lookup=address_lookup,
                salt=salt,
                code_hash=_hash(salt, code),
                created_at=moment,
                expires_at=moment + LASTS,
            )
            session.add(row)
            session.flush()
            vault.put(_owner(row), "phone", phone)
            vault.put(_owner(row), "code", code)
            jobs.put("send-code", key=f"send-code:{row.public_id}", code=row.public_id, language=language())
            promise_forgetting()
        shown = vault.get(_owner(row), "code") if current_app.config["SETTINGS"].demo else None
        return Started(phone, row.expires_at, row.created_at + RESEND, shown)


def confirm(phone: str, code: str) -> bool:
    """Try `code` for `phone` (normalised) inside the open transaction; a right one is used up, a wrong one counts."""
    row = _newest(vault.keyed_hash("code phone", phone), for_change=True)
    salt, expected = (row.salt, row.code_hash) if row is not None else ("", "0" * 64)
    fits = hmac.compare_digest(_hash(salt, normalise_code(code)), expected)
    if row is None or not row.usable:
        return False
    row.tries += 1
    if not fits:
        return False
    row.used_at = now()
    vault.erase(_owner(row))
    return True


def _newest(phone_lookup: str, *, for_change: bool = False) -> OneTimeCode | None:
    query = (
        select(OneTimeCode)
        .where(OneTimeCode.phone_lookup == phone_lookup)
        .order_by(OneTimeCode.created_at.desc(), OneTimeCode.id.desc())
        .limit(1)
    )
    return db.session.scalar(query.with_for_update() if for_change else query)


def _owner(row: OneTimeCode) -> str:
    return OWNER + row.public_id


def _hash(salt: str, code: str) -> str:
    return vault.keyed_hash("code", f"{salt}:{code}")


def _check_caps(phone_lookup: str, address_lookup: str) -> None:
    by_phone = OneTimeCode.phone_lookup == phone_lookup
    by_address = OneTimeCode.address_lookup == address_lookup
    for condition, limit, window in (
        (by_phone, PER_PHONE_HOUR, HOUR),
        (by_phone, PER_PHONE_DAY, DAY),
        (by_address, PER_ADDRESS_HOUR, HOUR),
    ):
        free_at = _free_at(condition, limit, window)
        if free_at is not None:
            raise Invalid(
                _l("Too many codes were asked for. Please try again after %(when)s.", when=when(free_at)),
                field="phone",
            )
    per_day = int(current_app.config.get("CODES_PER_DAY", PER_SITE_DAY))
    issued = db.session.scalar(select(func.count(OneTimeCode.id)).where(OneTimeCode.created_at > now() - DAY))
    if (issued or 0) >= per_day:
        log.error("the day's %d codes are used up", per_day)
        raise Invalid(
            _l("No more codes can be sent today. In danger call 110; otherwise call 12345."), field="phone"
        )


def _free_at(condition: ColumnElement[bool], limit: int, window: timedelta) -> datetime | None:
    """When the next code may be sent, None when now: the moment the limit-th last one leaves the window."""
    query = (
        select(OneTimeCode.created_at)
        .where(condition, OneTimeCode.created_at > now() - window)
        .order_by(OneTimeCode.created_at.desc())
        .offset(limit - 1)
        .limit(1)
    )
    oldest = db.session.scalar(query)
    return None if oldest is None else oldest + window


@jobs.handler("send-code")
def send_code(code: str, language: str = "zh") -> None:
    """Carry one code to its phone, then destroy what could be read of it. Done twice, it sends once."""
    row = db.session.scalar(select(OneTimeCode).where(OneTimeCode.public_id == code))
    if row is None:
        return
    phone, digits = vault.get(_owner(row), "phone"), vault.get(_owner(row), "code")
    if row.sent_at is None and row.usable and phone and digits:
        with speaking(language):
            words = _(
                "[%(site)s] Your code is %(code)s, valid until %(time)s. Officers never ask for it.",
                site=site()["name"],
                code=digits,
                time=clock_time(row.expires_at),
            )
        db.session.rollback()  # nothing is held while the gateway takes its time
        try:
            sms.driver().send(sms.Sms(to=phone, text=words, reference=code))
        except sms.SmsError as error:
            if not error.final:
                raise
            log.error("code %s was refused for good: %s", code, error)
    with transaction() as session:
        kept = session.scalar(select(OneTimeCode).where(OneTimeCode.public_id == code))
        if kept is None:
            return
        kept.sent_at = kept.sent_at or now()
        vault.erase(_owner(kept), "phone")
        if not current_app.config["SETTINGS"].demo:
            vault.erase(_owner(kept), "code")


def promise_forgetting() -> None:
    """Inside the open transaction: promise that tonight old codes, tries and sign-ins are forgotten."""
    tomorrow = now() + DAY
    jobs.put("forget-sign-in-traces", key=f"forget-sign-in-traces:{tomorrow:%Y-%m-%d}", due_at=tomorrow)


@jobs.handler("forget-sign-in-traces")
def forget_traces() -> None:
    """Forget the codes, tries, links and sign-ins whose time is over."""
    for name in ("codes", "attempts", "links", "challenges", "devices", "sign_ins"):
        retention.apply(name)


@retention.removes("codes")
def forget_codes(before: datetime, dry_run: bool) -> int:
    """Codes that were asked for before this moment, with what the vault still holds of them."""

    def unseal(ids: Sequence[int]) -> None:
        vault.erase_all(select(OWNER + OneTimeCode.public_id).where(OneTimeCode.id.in_(ids)))

    over = OneTimeCode.created_at < before
    return retention.rows_gone("codes", OneTimeCode, over, dry_run=dry_run, beside=unseal)


@retention.removes("attempts")
def forget_attempts(before: datetime, dry_run: bool) -> int:
    """Tries from before this moment."""
    return retention.rows_gone("attempts", Attempt, Attempt.at < before, dry_run=dry_run)


@retention.removes("links")
def forget_sign_in_links(before: datetime, dry_run: bool) -> int:
    """Links that ended before this moment."""
    return retention.rows_gone("links", SignInLink, SignInLink.expires_at < before, dry_run=dry_run)


@retention.removes("challenges")
def forget_challenges(before: datetime, dry_run: bool) -> int:
    """Challenges that were answered before this moment."""
    over = SpentChallenge.at < before
    return retention.rows_gone("challenges", SpentChallenge, over, dry_run=dry_run, key=SpentChallenge.hash)


@retention.removes("devices")
def forget_devices(before: datetime, dry_run: bool) -> int:
    """Devices on which nobody has signed in since this moment."""
    return retention.rows_gone("devices", KnownDevice, KnownDevice.seen_at < before, dry_run=dry_run)


@retention.removes("sign_ins")
def forget_sign_ins(before: datetime, dry_run: bool) -> int:
    """Sign-ins that ended, or were ended, before this moment."""
    over = or_(SignIn.expires_at < before, SignIn.revoked_at < before)
    return retention.rows_gone("sign_ins", SignIn, over, dry_run=dry_run)
