"""One-time links by which somebody who was paged acknowledges from his telephone, without signing in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import jobs, retention
from board.clock import midnight, now, today
from board.db import Model, db
from people import vault
from people.models import Person
from people.models.sign_in import hashed

if TYPE_CHECKING:
    from boards.models import Case
    from notifications.models.delivery import Delivery

LASTS = timedelta(minutes=30)
KEPT = timedelta(
    days=retention.LINES["acknowledgements"].days
)  # after its end: whoever presses it late reads that it is over
LENGTH = 26  # characters of 5 bits: 130 bits, short enough for a text message
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


class AcknowledgementLink(Model):
    """A link for one person and one case, good for half an hour. The row holds only its token's hash."""

    __tablename__ = "acknowledgement_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    delivery: Mapped[Delivery] = relationship()
    person: Mapped[Person] = relationship()
    case: Mapped[Case] = relationship()

    @property
    def fresh(self) -> bool:
        """Whether its half hour still runs, and nobody has signed its owner out since it was made."""
        out = self.person.signed_out_at
        return now() < self.expires_at and (out is None or out < self.created_at)

    @classmethod
    def make(cls, delivery: Delivery, case: Case) -> str:
        """The token of this delivery's link, inside the open transaction.

        It is worked out with the board's own key, so a message that is sent a second time holds the same link, though
        nothing that is stored could give the token back.
        """
        token = _token(delivery.public_id)
        found = db.session.scalar(select(cls).where(cls.delivery_id == delivery.id))
        if found is None:
            db.session.add(
                cls(
                    token_hash=hashed(token),
                    delivery=delivery,
                    person=delivery.person,
                    case=case,
                    created_at=now(),
                    expires_at=now() + LASTS,
                )
            )
            db.session.flush()
            _promise_forgetting()
        return token

    @classmethod
    def by_token(cls, token: str, *, for_change: bool = False) -> AcknowledgementLink | None:
        """The link with this token, fresh or not; None when there never was one."""
        query = select(cls).where(cls.token_hash == hashed(token[:60]))
        return db.session.scalar(query.with_for_update(of=cls) if for_change else query)


def _promise_forgetting() -> None:
    # One job for all of a day's links: by then the last of them is over and was kept for a day.
    day = today()
    over = midnight(day + timedelta(days=1)) + LASTS + KEPT
    jobs.put("forget-links", key=f"forget-links:{day:%Y-%m-%d}", due_at=over)


@jobs.handler("forget-links")
def forget_links() -> None:
    """Delete the links whose half hour has been over for a day, pressed or not."""
    retention.apply("acknowledgements")


@retention.removes("acknowledgements")
def forget_old(before: datetime, dry_run: bool) -> int:
    """Links that ended before this moment."""
    over = AcknowledgementLink.expires_at < before
    return retention.rows_gone("acknowledgements", AcknowledgementLink, over, dry_run=dry_run)


def _token(delivery: str) -> str:
    number = int(vault.keyed_hash("acknowledgement link", delivery), 16)
    letters = []
    for _place in range(LENGTH):
        number, rest = divmod(number, 32)
        letters.append(LETTERS[rest])
    return "".join(letters)
