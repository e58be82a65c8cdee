"""Following a thread (关注), and saying that it concerns you too (我也遇到)."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Select, String, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, db
from board.errors import Invalid
from board.i18n import _l
from board.permissions import require
from people.models import Person

if TYPE_CHECKING:
    from boards.models.thread import Thread


# How a follower hears: told at once, once a day in one mail, or only when he looks into his inbox.
AT_ONCE, DAILY, INBOX = "at_once", "daily", "inbox"
HOWS = (AT_ONCE, DAILY, INBOX)


class Watch(Model):
    """One follower of one thread; `affected` when it concerns him too."""

    __tablename__ = "watch"
    __table_args__ = (
        UniqueConstraint("thread_id", "person_id"),
        CheckConstraint("how IN ('at_once', 'daily', 'inbox')", name="how"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    affected: Mapped[bool] = mapped_column(default=False)
    how: Mapped[str] = mapped_column(String(8), default=AT_ONCE)
    since: Mapped[datetime] = mapped_column(default=now)

    person: Mapped[Person] = relationship()


def watch_of(thread: Thread, person: Person | None) -> Watch | None:
    """How `person` follows `thread`, None when he does not."""
    if person is None:
        return None
    return db.session.scalar(_own(), {"thread": thread.id, "person": person.id})


@cache
def _own() -> Select[Watch]:
    return select(Watch).where(Watch.thread_id == bindparam("thread"), Watch.person_id == bindparam("person"))


def checked_how(how: str) -> str:
    """`how` when it is one of HOWS; Invalid (field `how`) otherwise."""
    if how not in HOWS:
        raise Invalid(_l("Choose how you would like to hear of it."), field="how")
    return how


def follow(thread: Thread, *, by: Person, affected: bool | None = None, how: str | None = None) -> Watch:
    """Follow a thread; `affected` also says whether it concerns you too. Saying it twice changes nothing."""
    require(by, "thread.watch", thread)
    # Nobody follows yet what is only being posted.
    watch = watch_of(thread, by) if thread.events_count else None
    if watch is None:
        watch = Watch(thread_id=thread.id, person=by)
        db.session.add(watch)
        thread.followers_count += 1
        thread.version += 1
    if how is not None:
        watch.how = checked_how(how)
    if affected is not None and bool(watch.affected) != affected:
        watch.affected = affected
        thread.affected_count += 1 if affected else -1
        thread.version += 1
    return watch


def unfollow(thread: Thread, *, by: Person) -> None:
    """Follow no more."""
    watch = watch_of(thread, by)
    if watch is not None:
        thread.followers_count -= 1
        thread.affected_count -= 1 if watch.affected else 0
        thread.version += 1
        db.session.delete(watch)
