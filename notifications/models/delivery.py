"""Deliveries: one row for each time that one person, or one chat room, is to be reached by one channel, with every
moment of its way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, and_, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import jobs, retention
from board.clock import now
from board.db import Model, PublicId, db, insert, writing
from people.models import Contact, Person

if TYPE_CHECKING:
    from boards.models.timeline import CaseEvent
    from notifications.models.page import Page


LIVE = "live"


class Purpose(StrEnum):
    """What somebody is reached for."""

    PAGE = "page"
    NEWS = "news"
    DIGEST = "digest"
    CHECK = "check"
    ACCOUNT = "account"


class Delivery(PublicId, Model):
    """One message to one person by one channel, or to one `room` of a department. `key` is unique: the same promise is never made twice.

    `seen_at`: its person opened what it tells of. `dropped_at`: when its turn came, nobody needed to hear of it any
    more. `topic` groups what would otherwise ring again and again.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint("(person_id IS NULL) <> (room_id IS NULL)", name="recipient"),
        Index("ix_delivery_topic", "person_id", "channel", "topic", "queued_at"),
        Index("ix_delivery_waiting", "failed_at", "sent_at", "queued_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    room_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("case_event.id"), index=True)
    page_id: Mapped[int | None] = mapped_column(ForeignKey("page.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(12))
    topic: Mapped[str | None] = mapped_column(String(80))
    queued_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(500))

    person: Mapped[Person | None] = relationship()
    room: Mapped[Contact | None] = relationship()
    event: Mapped[CaseEvent | None] = relationship()
    page: Mapped[Page | None] = relationship()

    @property
    def is_waiting(self) -> bool:
        """Whether it has still to be carried."""
        return self.sent_at is None and self.failed_at is None and self.dropped_at is None

    @classmethod
    def by_public_id(cls, public_id: str) -> Delivery | None:
        """The delivery, if there is one."""
        return db.session.scalar(select(cls).where(cls.public_id == public_id))


def queue(
    to: Person | Contact,
    channel: str,
    *,
    key: str,
    purpose: str,
    event: CaseEvent | None = None,
    page: Page | None = None,
    topic: str | None = None,
    due_at: datetime | None = None,
) -> Delivery | None:
    """Promise, inside the open transaction, to reach a person or a room by `channel`; the row, None when it was promised before.

    The job `carry` does it, from `due_at` on (default at once). Open pages need no carrying: their channel is the
    stream entry that the caller writes beside the row, so it is sent with the commit.
    """
    wanted = [(key, to, channel)]
    return queue_many(wanted, purpose=purpose, event=event, page=page, topic=topic, due_at=due_at).get(key)


def queue_many(
    wanted: Sequence[tuple[str, Person | Contact, str]],
    *,
    purpose: str,
    event: CaseEvent | None = None,
    page: Page | None = None,
    topic: str | None = None,
    due_at: datetime | None = None,
) -> dict[str, Delivery]:
    """The same for several (key, person or room, channel), in one statement; by key those not promised before."""
    if not writing():
        raise RuntimeError("a delivery is queued inside transaction()")
    if not wanted:
        return {}
    moment = now()
    rows = [
        {
            "key": key,
            "person_id": to.id if isinstance(to, Person) else None,
            "room_id": to.id if isinstance(to, Contact) else None,
            "channel": channel,
            "event_id": event.id if event is not None else None,
            "page_id": page.id if page is not None else None,
            "purpose": Purpose(purpose).value,
            "topic": topic,
            "queued_at": moment,
            "sent_at": moment if channel == LIVE else None,
        }
        for key, to, channel in wanted
    ]
    order = insert(Delivery).on_conflict_do_nothing(index_elements=["key"]).returning(Delivery)
    made = {each.key: each for each in db.session.scalars(order, rows)}
    for each in made.values():
        if each.channel != LIVE:
            jobs.put("carry", key=f"carry:{each.public_id}", due_at=due_at, delivery=each.public_id)
    return made


@retention.removes("deliveries")
def forget_old(before: datetime, dry_run: bool) -> int:
    """Notes of news that came or were given up before this moment; those of calls stand on their cases and stay."""
    over = and_(
        Delivery.purpose != Purpose.PAGE,
        Delivery.page_id.is_(None),
        Delivery.person_id.is_not(None),
        Delivery.queued_at < before,
        or_(Delivery.sent_at.is_not(None), Delivery.failed_at.is_not(None), Delivery.dropped_at.is_not(None)),
    )
    return retention.rows_gone("deliveries", Delivery, over, dry_run=dry_run)
