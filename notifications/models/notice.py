"""What the board itself tells one person about his own account: beside the inbox, which knows steps of cases alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select, update
from sqlalchemy.orm import Mapped, mapped_column

from board import retention
from board.clock import now
from board.db import Model, PublicId, db, insert, random_id, transaction
from board.seams import provides
from notifications.models.inbox import shift
from people.models import Person

SHOWN = 5  # at once; the newest


class Notice(PublicId, Model):
    """One message: its kind, made a sentence when it is shown, and the page it leads to. `key`: told once."""

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_person", "person_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(24))
    key: Mapped[str] = mapped_column(String(80), unique=True)
    place: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
    read_at: Mapped[datetime | None]

    @classmethod
    def of(cls, person: Person) -> list[Notice]:
        """The newest ones, newest first."""
        query = select(cls).where(cls.person_id == person.id).order_by(cls.id.desc()).limit(SHOWN)
        return list(db.session.scalars(query))

    @classmethod
    def own(cls, person: Person, public_id: str) -> Notice | None:
        """The person's own notice; None when there is none."""
        return db.session.scalar(select(cls).where(cls.public_id == public_id, cls.person_id == person.id))


@provides("tell_person")
def tell(person: Person, kind: str, key: str, place: str) -> None:
    """Tell `person` of something about his account, inside the open transaction; the same `key` is told once."""
    row = {"public_id": random_id(), "person_id": person.id, "kind": kind, "key": key, "place": place}
    order = insert(Notice).values(**row, created_at=now()).on_conflict_do_nothing(index_elements=["key"])
    new: str | None = db.session.scalar(order.returning(Notice.public_id))
    if new is not None:
        shift(person.id, person.public_id, 1, item=new)


def read(person: Person, notice: Notice | None = None) -> None:
    """Note that `person` has read one notice, or all of them; the count follows."""
    which = [Notice.person_id == person.id, Notice.read_at.is_(None)]
    if notice is not None:
        which.append(Notice.id == notice.id)
    done = db.session.execute(
        update(Notice).where(*which).values(read_at=now()).execution_options(synchronize_session=False)
    )
    count: int = done.rowcount  # type: ignore[attr-defined]
    if count:
        shift(person.id, person.public_id, -count)


@retention.removes("notices")
def forget_old(before: datetime, dry_run: bool) -> int:
    """Notices from before this moment; what nobody has read by then is not counted as unread any more."""
    over = Notice.created_at < before
    if not dry_run:
        _no_longer_unread(before)
    return retention.rows_gone("notices", Notice, over, dry_run=dry_run)


def _no_longer_unread(before: datetime) -> None:
    with transaction() as session:
        rows = session.execute(
            select(Notice.id, Person.id, Person.public_id)
            .join(Person, Notice.person_id == Person.id)
            .where(Notice.created_at < before, Notice.read_at.is_(None))
        ).all()
        for _notice, person_id, public_id in rows:
            shift(person_id, public_id, -1)
        session.execute(
            update(Notice)
            .where(Notice.id.in_([row[0] for row in rows]))
            .values(read_at=now())
            .execution_options(synchronize_session=False)
        )
