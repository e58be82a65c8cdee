"""Following on both engines: two workers at once tell and bundle each once, and nobody gets a hundred and first follow."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import func, select

from board import clock
from board.db import db, transaction
from board.errors import Invalid
from boards.models import CaseEvent
from boards.models.watch import HOWS, follow
from notifications import followers, following, letters, tidings
from notifications.models import Delivery, Follow, InboxItem, Tiding
from notifications.targets import target
from people import contacts
from people.models import Person
from tests.builders import Cast, posted
from tests.domain.conftest import at_once

CROWD = 30


def crowd_that_follows() -> list[int]:
    """Members with a proven mail address, each following `traffic` in one of the three ways; their table ids."""
    with transaction():
        people = [Person(kind="member", nickname=f"邻居{n}") for n in range(CROWD)]
        db.session.add_all(people)
        db.session.flush()
        for place, person in enumerate(people):
            contacts.verify(contacts.add(person, "mail", f"{person.public_id}@home.example"))
            following.begin(target("section", "traffic"), by=person, how=HOWS[place % 3])
            following.begin(target("place", "青松路"), by=person, how="inbox")
        return [person.id for person in people]


def deliveries(purpose: str) -> dict[int, int]:
    rows = db.session.execute(
        select(Delivery.person_id, func.count())
        .where(Delivery.purpose == purpose)
        .group_by(Delivery.person_id)
    )
    return {key: count for key, count in rows if key is not None}


def test_two_workers_that_tell_and_bundle_at_once_do_each_once(city: tuple[Flask, Cast], monkeypatch) -> None:
    application, cast = city
    for part in (followers, tidings):
        monkeypatch.setattr(part, "CHUNK", 7)
    ids = crowd_that_follows()
    with transaction():
        thread = posted(cast.rita)
        follow(thread, by=cast.vera)
    event = db.session.scalars(select(CaseEvent.public_id).where(CaseEvent.kind == "thread.posted")).one()
    db.session.rollback()

    results = at_once(application, *[lambda: followers.tell_followers(event)] * 3)
    assert [each for each in results if isinstance(each, Exception)] == []
    told = db.session.execute(
        select(InboxItem.person_id, func.count())
        .where(InboxItem.person_id.in_(ids))
        .group_by(InboxItem.person_id)
    ).all()
    assert sorted(tuple(row) for row in told) == [(key, 1) for key in sorted(ids)]
    assert deliveries("news") == {key: 1 for place, key in enumerate(ids) if HOWS[place % 3] == "at_once"}

    db.session.rollback()
    clock.advance(timedelta(days=1))
    with transaction():
        from board.jobs import Job

        db.session.query(Job).delete()
    results = at_once(application, *[tidings.carry_tidings] * 3)
    assert [each for each in results if isinstance(each, Exception)] == []
    daily = {key: 1 for place, key in enumerate(ids) if HOWS[place % 3] == "daily"}
    assert deliveries("digest") == daily
    for delivery in db.session.scalars(select(Delivery).where(Delivery.purpose == "digest")):
        letter = letters.letter_of(delivery)
        assert letter is not None
        assert "/cases/" in letter.text


def test_a_hundred_follows_are_enough_when_two_are_begun_at_once(city: tuple[Flask, Cast]) -> None:
    application, cast = city
    key = cast.vera.id
    with transaction():
        for number in range(99):
            following.begin(target("place", f"第{number}号大街"), by=cast.vera)

    def one_more(word: str) -> None:
        with transaction():
            following.begin(target("place", word), by=db.session.get_one(Person, key))

    results = at_once(
        application, *[lambda word=word: one_more(word) for word in ("青松路", "建设街", "昆河桥")]
    )
    assert [type(each) for each in results if each is not None] == [Invalid, Invalid]
    assert db.session.scalar(select(func.count()).select_from(Follow)) == 100


def test_the_same_follow_begun_twice_at_once_is_one(city: tuple[Flask, Cast]) -> None:
    application, cast = city
    key = cast.vera.id

    def begin() -> None:
        with transaction():
            following.begin(target("section", "traffic"), by=db.session.get_one(Person, key))

    results = at_once(application, begin, begin, begin)
    assert results == [None, None, None]
    assert db.session.scalar(select(func.count()).select_from(Follow)) == 1


def test_changed_hours_and_a_place_count_on_both_engines(city: tuple[Flask, Cast]) -> None:
    _application, cast = city
    crowd_that_follows()
    with transaction():
        posted(cast.rita, place="青松路 5 号")
    event = db.session.scalars(select(CaseEvent.public_id).where(CaseEvent.kind == "thread.posted")).one()
    db.session.rollback()
    followers.tell_followers(event)
    assert target("place", "青松路").weekly() == 1
    with transaction():
        waiting = db.session.scalars(select(Tiding).where(Tiding.bundle.is_(None))).all()
        person = db.session.get_one(Person, waiting[0].person_id)
        rhythm = following.rhythm_of(person, make=True)
        rhythm.digest_hour = 20
        tidings.move(person, rhythm)
        assert clock.local(waiting[0].due_at).hour == 20
