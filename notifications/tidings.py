"""News that leave the board: at once, when the quiet hours are over, or once a day in one mail.

Each (step, person) is one row, written when it is told, so that a job that runs twice, late, or after its worker
was killed carries nothing a second time. What waits is taken into a bundle in one transaction together with the
promise to carry it; what the bundle says is read again when it is carried (letters.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Table, and_, delete, select, update

from board import jobs, retention
from board.clock import now
from board.db import db, insert, random_id, transaction
from boards.models.timeline import CaseEvent
from boards.models.watch import DAILY
from notifications.following import usual
from notifications.hours import next_hour, quiet_until
from notifications.models.delivery import Purpose, queue
from notifications.models.follow import Rhythm, Tiding
from notifications.reaching import channels_of_many
from people.models import Person

CHUNK = 200
BREATH = 0.005  # seconds between two chunks, in which whoever waits to write gets his turn
SOON = timedelta(minutes=5)  # longer than any transaction stays open
STANDSTILL = timedelta(minutes=1)  # for which news lie untold before anybody waits for them
TIDINGS = cast(Table, Tiding.__table__)


@dataclass(frozen=True)
class Wish:
    """That one person hears of a step outside the board: how, and by which of his ways."""

    person: Person
    how: str
    ways: tuple[str, ...]


def rhythms(person_ids: Iterable[int]) -> dict[int, Rhythm]:
    """The hours of each of these persons, by table id; one query for all."""
    wanted = list(person_ids)
    rows = db.session.scalars(select(Rhythm).where(Rhythm.person_id.in_(wanted)))
    found = {row.person_id: row for row in rows}
    return {key: found.get(key) or usual(key) for key in wanted}


def due_of(person: Person, how: str, rhythm: Rhythm, at: datetime) -> datetime:
    """When news that come to `person` at `at` may be carried: `at` itself, or the end of the wait.

    Staff have no quiet hours: what they are told at night they asked for.
    """
    if how == DAILY:
        return next_hour(rhythm.digest_hour, at)
    quiet = None if person.is_staff else quiet_until(rhythm.quiet_from, rhythm.quiet_until, at)
    return quiet or at


def tell(event: CaseEvent, wishes: Iterable[Wish]) -> None:
    """Carry `event` to each of these persons in his way and at his hour; to nobody twice. In the open transaction."""
    asked = {wish.person.id: wish for wish in wishes}
    ways = _ways_out(asked, Purpose.NEWS)
    asked = {key: wish for key, wish in asked.items() if ways[key]}
    if not asked:
        return
    moment, hours = now(), rhythms(asked)
    due = {key: due_of(wish.person, wish.how, hours[key], moment) for key, wish in asked.items()}
    later: set[datetime] = set()
    for key in _kept(event, asked, due, moment):
        if due[key] <= moment:
            who = asked[key].person
            _carry(who, ways[key], hours[key], Purpose.NEWS, f"news:{event.public_id}:{who.public_id}", event)
        else:
            later.add(due[key])
    for hour in sorted(later):
        promise(hour)


def _ways_out(person_ids: Iterable[int], purpose: Purpose) -> dict[int, list[str]]:
    """The channels that lead out of the board, by person (table id): open pages hear of every inbox item anyway."""
    found = channels_of_many(person_ids, purpose)
    return {key: [name for name in names if name != "live"] for key, names in found.items()}


def _kept(
    event: CaseEvent, asked: Mapping[int, Wish], due: Mapping[int, datetime], moment: datetime
) -> list[int]:
    """Write a row for each who has none yet about this step; for whom that was."""
    rows = [
        {
            "event_id": event.id,
            "person_id": key,
            "how": asked[key].how,
            "ways": list(asked[key].ways),
            "due_at": due[key],
            "bundle": random_id() if due[key] <= moment else None,
            "created_at": moment,
        }
        for key in sorted(asked)
    ]
    made = insert(TIDINGS).on_conflict_do_nothing().returning(TIDINGS.c.person_id)
    return sorted(db.session.scalars(made, rows))


def _carry(
    person: Person,
    channels: Iterable[str],
    rhythm: Rhythm,
    purpose: Purpose,
    key: str,
    event: CaseEvent | None = None,
) -> None:
    for channel in channels:
        if channel != "mail" or rhythm.mails:
            queue(person, channel, key=f"{key}:{channel}", purpose=purpose, event=event)


def promise(due_at: datetime) -> None:
    """Promise to look at what waits when `due_at` has come: one job for everybody with that hour.

    The job of an hour that is about to strike may have run before this is committed, so then it is a job of its own.
    """
    key = f"tidings:{due_at:%Y%m%dT%H%M%z}"
    if due_at <= now() + SOON:
        key = f"{key}:{random_id()}"
    jobs.put("carry-tidings", key=key, due_at=due_at)


@jobs.handler("carry-tidings")
def carry_tidings() -> None:
    """Bundle what waits for each person whose hour has come. Late or twice, nobody gets two of one.

    After a standstill it lets the news of those days be told first: they belong into the same mail.
    """
    if _behind():
        raise jobs.Later(5.0)
    last = 0
    while True:
        with transaction():
            due = (
                select(Tiding.person_id)
                .where(Tiding.bundle.is_(None), Tiding.due_at <= now(), Tiding.person_id > last)
                .group_by(Tiding.person_id)
                .order_by(Tiding.person_id)
                .limit(CHUNK)
            )
            ids = list(db.session.scalars(due))
            if not ids:
                break
            hours, ways = rhythms(ids), _ways_out(ids, Purpose.DIGEST)
            people = {each.id: each for each in db.session.scalars(select(Person).where(Person.id.in_(ids)))}
            for key, how in _due(ids):
                _bundle(people[key], how, hours[key], ways[key])
            last = ids[-1]
        time.sleep(BREATH)
    retention.apply("tidings")


def _behind() -> bool:
    untold = select(jobs.Job.id).where(
        jobs.Job.kind == "tell-followers",
        jobs.Job.done_at.is_(None),
        jobs.Job.failed_at.is_(None),
        jobs.Job.due_at < now() - STANDSTILL,
    )
    found = db.session.scalar(untold.limit(1))
    db.session.rollback()
    return found is not None


def _due(person_ids: list[int]) -> list[tuple[int, str]]:
    """Whose news of which kind are due now, in the order of the persons."""
    waiting = (Tiding.bundle.is_(None), Tiding.due_at <= now(), Tiding.person_id.in_(person_ids))
    rows = db.session.execute(select(Tiding.person_id, Tiding.how).where(*waiting).distinct())
    return sorted((key, how) for key, how in rows)


def _bundle(person: Person, how: str, rhythm: Rhythm, channels: list[str]) -> None:
    """Everything of one kind that waits for one person, as one: also what would be due tomorrow, as something is now."""
    mark = random_id()
    waiting = (Tiding.person_id == person.id, Tiding.how == how, Tiding.bundle.is_(None))
    taken = update(Tiding).where(*waiting).values(bundle=mark)
    result = db.session.execute(taken.execution_options(synchronize_session=False))
    if not cast(CursorResult[Any], result).rowcount or not person.active:
        return  # another worker was faster
    if how == DAILY:
        channels = [name for name in channels if name == "mail"]
    _carry(person, channels, rhythm, Purpose.DIGEST, f"digest:{mark}")


def move(person: Person, rhythm: Rhythm) -> None:
    """His hours changed: what waits for `person` waits for the new ones."""
    waiting = select(Tiding).where(Tiding.person_id == person.id, Tiding.bundle.is_(None))
    moment = now()
    for tiding in db.session.scalars(waiting):
        tiding.due_at = due_of(person, tiding.how, rhythm, moment)
        promise(tiding.due_at)


@retention.removes("tidings")
def forget_old(before: datetime, dry_run: bool) -> int:
    """Rows that were carried and are older: written in the order of their ids, so the oldest stand in front, and no
    look at all the others is needed."""
    over = and_(Tiding.bundle.is_not(None), Tiding.created_at < before)
    if dry_run:
        return retention.rows_gone("tidings", Tiding, over, dry_run=True)
    removed = 0
    while True:
        with transaction():
            front = select(Tiding.id, Tiding.created_at, Tiding.bundle).order_by(Tiding.id).limit(1000)
            rows = db.session.execute(front).all()
            old = [row.id for row in rows if row.bundle is not None and row.created_at < before]
            if old:
                db.session.execute(delete(Tiding).where(Tiding.id.in_(old)))
                retention.noted("tidings", len(old))
        removed += len(old)
        if len(old) < 1000:
            return removed
        time.sleep(BREATH)
