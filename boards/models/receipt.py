"""A receipt: sixteen digits that open one dialogue, for whoever posted without an account.

The row knows neither the digits nor who has them: it is found by their keyed hash and proven by Argon2id. Whatever is
asked with a number costs one verification, also where there is no such receipt or its time is over, so that neither
the answer nor its pace tells which of these it was (domain.md §6).
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken
from flask import current_app
from sqlalchemy import ColumnElement, ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import retention
from board.clock import now
from board.db import Model, PublicId, db
from board.errors import NotFound, WrongState
from board.i18n import _l
from board.once import Once
from board.text import fold
from boards.models.case import Case
from boards.models.holder import Holder
from boards.models.locking import lock
from boards.models.status import Status
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from people import vault

DIGITS = 16
KEPT = timedelta(days=retention.LINES["receipts"].days)  # after its case was closed
PASS = timedelta(minutes=30)  # for which an opened dialogue stays open without the digits
AGAIN = timedelta(minutes=10)  # in which the same form, sent twice, is shown the same digits


def digits_of(typed: str) -> str:
    """The digits of what somebody typed or pasted: full-width or not, with spaces, dashes and whatever else between."""
    return "".join(each for each in fold(typed[:200]).text if each.isascii() and each.isdigit())


def in_fours(number: str) -> str:
    """`1234 5678 9012 3456`."""
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


@lru_cache(maxsize=4)
def _hasher(passes: int, mebibytes: int) -> PasswordHasher:
    return PasswordHasher(time_cost=passes, memory_cost=mebibytes * 1024, parallelism=1)


@lru_cache(maxsize=4)
def _nobody(passes: int, mebibytes: int) -> str:
    return _hasher(passes, mebibytes).hash("no receipt has this number")


def verify(verifier: str | None, number: str) -> bool:
    """Whether `verifier` is that of `number`. Without one it takes as long and is False."""
    cost: tuple[int, int] = current_app.config["SETTINGS"].receipt_cost
    try:
        _hasher(*cost).verify(verifier or _nobody(*cost), number)
    except (VerificationError, InvalidHashError):
        return False
    return verifier is not None


@dataclass(frozen=True)
class Fresh:
    """A number that nobody has yet, and what is kept of it. Drawn before the transaction, because it takes its time."""

    number: str
    lookup: str
    verifier: str

    @classmethod
    def draw(cls) -> Fresh:
        """Sixteen digits from the system's source of chance."""
        number = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        cost: tuple[int, int] = current_app.config["SETTINGS"].receipt_cost
        return cls(number, vault.keyed_hash("receipt", number), _hasher(*cost).hash(number))


class Receipt(PublicId, Model):
    """What stands in the place of an account. There is no time in it and no number, and no two of them share anything."""

    __tablename__ = "receipt"

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"), unique=True)
    lookup: Mapped[str] = mapped_column(String(64), unique=True)
    verifier: Mapped[str] = mapped_column(String(200))

    thread: Mapped[Thread] = relationship()

    def __repr__(self) -> str:
        return "<Receipt>"

    @classmethod
    def hang(cls, fresh: Fresh, thread: Thread) -> Receipt:
        """Give the thread the receipt that was drawn, inside the open transaction."""
        receipt = cls(thread=thread, lookup=fresh.lookup, verifier=fresh.verifier)
        db.session.add(receipt)
        return receipt

    @classmethod
    def numbered(cls, number: str) -> Receipt | None:
        """The receipt with these digits; None for a wrong one, one that is over and one that never was, after the
        same work. Ends the read transaction: Argon2 takes its time, and nothing is held meanwhile."""
        lookup = vault.keyed_hash("receipt", number)
        verifier = db.session.scalar(select(cls.verifier).where(cls.lookup == lookup, ~_over()))
        db.session.rollback()
        if not verify(verifier, number):
            return None
        return db.session.scalar(select(cls).where(cls.lookup == lookup))

    # --- the dialogue that is open -----------------------------------------------------------------------

    def entry(self) -> str:
        """What a page of the open dialogue carries in the place of the digits: good for half an hour, and only here."""
        until = int((now() + PASS).timestamp())
        return f"{self.public_id}.{until}.{vault.signature('receipt entry', f'{self.public_id}.{until}')}"

    @classmethod
    def entered(cls, entry: str, *, for_change: bool = False) -> Receipt:
        """The receipt whose dialogue a page has open; NotFound when its half hour, or the receipt's time, is over."""
        public_id, _dot, rest = entry[:120].partition(".")
        until, _dot, signature = rest.partition(".")
        known = vault.signed("receipt entry", f"{public_id}.{until}", signature)
        if not known or not until.isdigit() or now().timestamp() >= int(until):
            raise NotFound
        if for_change:
            lock(Thread.id == select(cls.thread_id).where(cls.public_id == public_id).scalar_subquery())
        receipt = db.session.scalar(select(cls).where(cls.public_id == public_id, ~_over()))
        if receipt is None:
            raise NotFound
        return receipt

    @property
    def case(self) -> Case:
        """The case whose dialogue it is; WrongState where there is none to act on."""
        if self.thread.case is None:
            raise WrongState
        return self.thread.case

    @property
    def holder(self) -> Holder:
        """Who acts for the poster while this dialogue is open."""
        return Holder(self.thread_id)

    def say(self, words: str) -> CaseEvent:
        """Add something, or answer what was asked, which lets the clock go on. Nobody's name stands behind it."""
        thread = self.thread
        case = thread.case
        if case is None or case.status == Status.CLOSED:
            raise WrongState(_l("This is closed; nobody would read what you add. Please write anew."))
        text = Text.write("reply", words, by=None, field="body")
        case.note_breaches()
        audience = case.audience()
        if case.status == Status.WAITING_POSTER:
            return case._supplemented(text, by=None, audience=audience)
        thread.replies_count += 1
        return case.record("reply.posted", by=None, role="poster", public=text, audience=audience)


def _over() -> ColumnElement[bool]:
    """The condition on a receipt whose time has passed: three months after its case was closed."""
    closed = select(Case.id).where(
        Case.thread_id == Receipt.thread_id,
        Case.status == Status.CLOSED,
        Case.closed_at <= now() - KEPT,
    )
    return closed.correlate(Receipt).exists()


@retention.removes("receipts")
def forget_over(before: datetime, dry_run: bool) -> int:
    """The receipts whose case was closed before this moment: from then on they never were."""
    closed = select(Case.id).where(
        Case.thread_id == Receipt.thread_id, Case.status == Status.CLOSED, Case.closed_at <= before
    )
    return retention.rows_gone("receipts", Receipt, closed.correlate(Receipt).exists(), dry_run=dry_run)


def sweep() -> int:
    """Forget the receipts whose time is over; how many."""
    return retention.apply("receipts")


# --- the same form twice ----------------------------------------------------------------------------------
#
# A browser shows the answer to the second press of a button, and the digits are shown once. So that nobody loses them by
# pressing twice, they lie for some minutes under a key of this form and of the server: the row holds neither it nor them.


def _form_key(token: str) -> tuple[str, Fernet]:
    row = vault.keyed_hash("receipt form", token)
    key = bytes.fromhex(vault.keyed_hash("receipt form key", token))
    return row, Fernet(base64.urlsafe_b64encode(key))


def keep_for_form(token: str, number: str) -> None:
    """Note inside the open transaction which digits this form was given; a race of two ends in IntegrityError."""
    row, fernet = _form_key(token)
    sealed = fernet.encrypt_at_time(number.encode(), int(now().timestamp())).decode()
    db.session.add(Once(token=row, result=f"receipt:{sealed}"))


def given_to_form(token: str) -> str | None:
    """The digits that this form was given; "" when that is too long ago to show them again, None when it was given none."""
    row, fernet = _form_key(token)
    kept = db.session.scalar(select(Once.result).where(Once.token == row))
    if kept is None:
        return None
    try:
        sealed = kept.removeprefix("receipt:").encode()
        return fernet.decrypt_at_time(sealed, int(AGAIN.total_seconds()), int(now().timestamp())).decode()
    except InvalidToken:
        return ""
