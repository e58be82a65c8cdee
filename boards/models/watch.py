"""Following a thread (关注), and saying that it concerns you too (我也遇到)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, db
from board.permissions import require
from people.models import Person

if TYPE_CHECKING:
    from boards.models.thread import Thread


class Watch(Model):
    """One follower of one thread; `affected` when it concerns him too."""

    __tablename__ = "watch"
    __table_args__ = (UniqueConstraint("thread_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    affected: Mapped[bool] = mapped_column(default=False)
    since: Mapped[datetime] = mapped_column(default=now)

    person: Mapped[Person] = relationship()


def watch_of(thread: Thread, person: Person | None) -> Watch | None:
    """How `person` follows `thread`, None when he does not."""
    if person is None:
        return None
    return db.session.scalar(select(Watch).where(Watch.thread_id == thread.id, Watch.person_id == person.id))


def follow(thread: Thread, *, by: Person, affected: bool | None = None) -> Watch:
    """Follow a thread; `affected` also says whether it concerns you too. Saying it twice changes nothing."""
    require(by, "thread.watch", thread)
    watch = watch_of(thread, by)
    if watch is None:
        watch = Watch(thread_id=thread.id, person=by)
        db.session.add(watch)
        thread.followers_count += 1
        thread.version += 1
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
