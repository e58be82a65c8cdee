"""The inbox: one row for each step and each recipient, a person or a department.

Rows say who is told and why; the sentence is made when it is shown. A person's unread count stands in a row of
its own, changed in the transaction that changes the items, so no page ever counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    CursorResult,
    ForeignKey,
    Index,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId, ask, before_commit, db, insert, random_id
from board.live import append
from notifications.models.delivery import Delivery
from people.models import Department, Person

if TYPE_CHECKING:
    from boards.models.timeline import CaseEvent


class InboxItem(PublicId, Model):
    """One step that one recipient hears of. `calls`: a department owes an acknowledgement for it."""

    __tablename__ = "inbox_item"
    __table_args__ = (
        UniqueConstraint("event_id", "person_id"),
        UniqueConstraint("event_id", "department_id"),
        CheckConstraint("(person_id IS NULL) <> (department_id IS NULL)", name="recipient"),
        Index("ix_inbox_item_person", "person_id", "id"),
        Index("ix_inbox_item_department", "department_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("case_event.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    reasons: Mapped[list[str]] = mapped_column(JSON, default=list)
    calls: Mapped[bool] = mapped_column(default=False)
    on_duty: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]

    event: Mapped[CaseEvent] = relationship()
    person: Mapped[Person | None] = relationship()
    department: Mapped[Department | None] = relationship()


class Unread(Model):
    """How many items a person has not read: absolute, so that a lost hint costs nothing."""

    __tablename__ = "unread"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(default=0)


ITEMS = cast(Table, InboxItem.__table__)
UNREAD = cast(Table, Unread.__table__)
LONGEST_ACT = 12  # steps
_unread = select(UNREAD.c.count).where(UNREAD.c.person_id == bindparam("person"))
CALLED = "called"  # the reason of whoever a call has climbed to


@dataclass(frozen=True)
class Recipient:
    """A person to be told: his table id and public id, and why, most important reason first."""

    id: int
    public_id: str
    reasons: tuple[str, ...]


def unread_of(person: Person) -> int:
    """How many items `person` has not read."""
    return ask(_unread, person=person.id).scalar() or 0


# Of the steps of one act the reader is shown the one that says most to him; kinds not named here say less.
WEIGHT = (
    "case.acknowledged", "case.claimed", "case.assigned", "case.accepted", "case.progressed", "case.asked",
    "case.rectified", "case.declined", "case.resolved", "case.rated", "thread.posted",
)  # fmt: skip


def weight(kind: str) -> int:
    """How much a kind of step says beside the others of its act."""
    return WEIGHT.index(kind) + 1 if kind in WEIGHT else 0


def deliver(event: CaseEvent, recipients: Mapping[int, Recipient]) -> int:
    """Put `event` into the inbox of each person who does not have it yet; how many that were.

    In the open transaction, in a number of statements that does not grow with them. Whoever has another step of
    the same act keeps one item for both. Counts and hints follow just before the commit.
    """
    recipients = _without_twins(event, recipients)
    if not recipients:
        return 0
    session = db.session()
    moment = now()
    rows = session.execute(
        insert(ITEMS).on_conflict_do_nothing().returning(ITEMS.c.person_id, ITEMS.c.public_id),
        [
            {
                "public_id": random_id(),
                "event_id": event.id,
                "person_id": key,
                "reasons": list(recipients[key].reasons),
                "calls": False,
                "created_at": moment,
            }
            for key in sorted(recipients)
        ],
    ).all()
    for person_id, public_id in rows:
        shift(person_id, recipients[person_id].public_id, 1, item=public_id)
    return len(rows)


def _without_twins(event: CaseEvent, recipients: Mapping[int, Recipient]) -> Mapping[int, Recipient]:
    """Those of `recipients` who have no item of this act yet; for the others the step that says more stands."""
    others = _other_steps(event) if recipients else {}
    if not others:
        return recipients
    session = db.session()
    found = session.execute(
        select(ITEMS.c.id, ITEMS.c.person_id, ITEMS.c.event_id).where(
            ITEMS.c.event_id.in_(others), ITEMS.c.person_id.in_(recipients)
        )
    ).all()
    has = {row.person_id for row in found}
    outdone = [row.id for row in found if weight(others[row.event_id]) <= weight(event.kind)]
    already = select(ITEMS.c.person_id).where(ITEMS.c.event_id == event.id, ITEMS.c.person_id.in_(recipients))
    if outdone:
        session.execute(
            update(ITEMS)
            .where(ITEMS.c.id.in_(outdone), ITEMS.c.person_id.not_in(already))
            .values(event_id=event.id)
        )
    return {key: value for key, value in recipients.items() if key not in has}


def _other_steps(event: CaseEvent) -> dict[int, str]:
    """The other steps of the act of `event`, by table id, with their kinds."""
    from boards.models import CaseEvent

    if event.actor_id is None:
        return {}
    if event.act == event.seq == event.thread.events_count:
        return {}  # an act begins with it, and nothing has followed
    session = db.session()
    if session.get_bind().dialect.name != "sqlite":
        # Two workers that tell followers of two steps of one act would not see each other's items.
        session.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(f"inbox:{event.thread_id}", 0)))
        )
    rows = session.execute(
        select(CaseEvent.id, CaseEvent.kind, CaseEvent.seq, CaseEvent.details).where(
            CaseEvent.thread_id == event.thread_id,
            CaseEvent.actor_id == event.actor_id,
            CaseEvent.seq >= event.act,
            CaseEvent.seq < event.act + LONGEST_ACT,
            CaseEvent.id != event.id,
        )
    )
    return {row.id: row.kind for row in rows if row.details.get("act", row.seq) == event.act}


def deliver_to_department(
    event: CaseEvent, department: Department, reason: str, *, calls: bool, on_duty: int | None
) -> None:
    """Put `event` into a department's inbox. `on_duty`: how many were on duty then, None when nobody was looked for."""
    db.session.execute(
        insert(ITEMS).on_conflict_do_nothing(),
        {
            "public_id": random_id(),
            "event_id": event.id,
            "department_id": department.id,
            "reasons": [reason],
            "calls": calls,
            "on_duty": on_duty,
            "created_at": now(),
        },
    )


def shift(person_id: int, public_id: str, by: int, *, item: str | None = None) -> None:
    """Change a person's unread count by `by` when the open transaction ends; `item` is what is new to him."""
    waiting: dict[int, tuple[str, int, list[str]]] = db.session().info.setdefault("unread", {})
    _public_id, before, items = waiting.get(person_id, (public_id, 0, []))
    waiting[person_id] = (public_id, before + by, [*items, item] if item is not None else items)


def call(event_id: int, person: Person) -> None:
    """Put the event that a call tells of into the inbox of a person it has climbed to, when the open transaction ends:
    thousands may be called in the same second."""
    db.session().info.setdefault("inbox_calls", {})[event_id, person.id] = person.public_id


@before_commit
def write_counts(session: Session) -> None:
    """Write what shift() collected, persons in the order of their ids, so that no two verbs deadlock; then tell them.

    Each new item has a hint of its own, with the count of all: an open page counts what is new by them.
    """
    waiting: dict[int, tuple[str, int, list[str]]] = session.info.pop("unread", {})
    if not waiting:
        return
    change = insert(UNREAD)
    rows = session.execute(
        change.on_conflict_do_update(
            index_elements=["person_id"], set_={"count": UNREAD.c.count + change.excluded.count}
        ).returning(UNREAD.c.person_id, UNREAD.c.count),
        [{"person_id": key, "count": waiting[key][1]} for key in sorted(waiting)],
    ).all()
    for person_id, count in rows:
        public_id, _by, items = waiting[person_id]
        for new in [{"item": item} for item in items] or [{}]:
            append(f"person:{public_id}", kind="inbox", unread=count, **new)


@before_commit
def write_calls(session: Session) -> None:
    """Write what call() collected. Whoever has heard of the event by another way keeps the one item."""
    waiting: dict[tuple[int, int], str] = session.info.pop("inbox_calls", {})
    if not waiting:
        return
    moment = now()
    rows = session.execute(
        insert(ITEMS).on_conflict_do_nothing().returning(ITEMS.c.person_id, ITEMS.c.public_id),
        [
            {
                "public_id": random_id(),
                "event_id": event_id,
                "person_id": person_id,
                "reasons": [CALLED],
                "calls": False,
                "created_at": moment,
            }
            for event_id, person_id in sorted(waiting)
        ],
    ).all()
    people = {person_id: public_id for (_event_id, person_id), public_id in waiting.items()}
    for person_id, item in rows:
        shift(person_id, people[person_id], 1, item=item)


# --- reading ------------------------------------------------------------------------------------------------


def item_of(person: Person, public_id: str) -> InboxItem | None:
    """The person's own item with this public id."""
    return db.session.scalar(
        select(InboxItem).where(InboxItem.public_id == public_id, InboxItem.person_id == person.id)
    )


def _read(by: Person, *which: ColumnElement[bool]) -> int:
    moment = now()
    done = cast(
        CursorResult[Any],
        db.session.execute(
            update(InboxItem)
            .where(InboxItem.person_id == by.id, InboxItem.read_at.is_(None), *which)
            .values(read_at=moment, seen_at=func.coalesce(InboxItem.seen_at, moment))
            .execution_options(synchronize_session=False)
        ),
    )
    if done.rowcount:
        shift(by.id, by.public_id, -done.rowcount)
    return done.rowcount


def read_about(thread_id: int, *, by: Person) -> int:
    """Note that `by` has read everything about one thread; how many items that were, so that twice counts once."""
    from boards.models import CaseEvent

    return _read(by, InboxItem.event_id.in_(select(CaseEvent.id).where(CaseEvent.thread_id == thread_id)))


def read_all(*, by: Person) -> int:
    """Note that `by` has read everything; how many items that were."""
    return _read(by)


def forget_about(thread_id: int, *, of: Person) -> None:
    """Take everything about one thread out of a person's inbox, in the open transaction; the count follows."""
    from boards.models import CaseEvent

    read_about(thread_id, by=of)
    steps = select(CaseEvent.id).where(CaseEvent.thread_id == thread_id)
    db.session.execute(
        delete(InboxItem)
        .where(InboxItem.person_id == of.id, InboxItem.event_id.in_(steps))
        .execution_options(synchronize_session=False)
    )


def settle(sources: Sequence[str], before: datetime) -> None:
    """Note that everybody has read what came before that moment of threads of these sources: a history that was
    loaded, not lived."""
    from boards.models import CaseEvent, Thread

    loaded = (
        select(CaseEvent.id).join(Thread, CaseEvent.thread_id == Thread.id).where(Thread.source.in_(sources))
    )
    old = (
        InboxItem.person_id.is_not(None),
        InboxItem.read_at.is_(None),
        InboxItem.created_at < before,
        InboxItem.event_id.in_(loaded),
    )
    counts = db.session.execute(
        select(Person.id, Person.public_id, func.count())
        .join(InboxItem, InboxItem.person_id == Person.id)
        .where(*old)
        .group_by(Person.id, Person.public_id)
    ).all()
    db.session.execute(
        update(InboxItem)
        .where(*old)
        .values(read_at=before, seen_at=func.coalesce(InboxItem.seen_at, before))
        .execution_options(synchronize_session=False)
    )
    for person_id, public_id, count in counts:
        shift(person_id, public_id, -count)
    # What was to be carried then is not carried now.
    db.session.execute(
        update(Delivery)
        .where(Delivery.sent_at.is_(None), Delivery.event_id.in_(loaded), Delivery.queued_at < now())
        .values(dropped_at=now())
        .execution_options(synchronize_session=False)
    )


def note_seen(person: Person, items: list[str]) -> None:
    """Note that the list showed these items (public ids) to `person`."""
    db.session.execute(
        update(InboxItem)
        .where(InboxItem.public_id.in_(items), InboxItem.person_id == person.id, InboxItem.seen_at.is_(None))
        .values(seen_at=now())
        .execution_options(synchronize_session=False)
    )
