"""What told somebody of a case is seen when he opens it, on both engines: not before it left, not by others, once."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from board import clock
from board.clock import now
from board.db import db, transaction
from boards.models import Case
from notifications.models import Delivery, InboxItem, queue
from people.models import Person
from people.signing_in import link_for
from tests.builders import Cast, case_of, posted
from tests.conftest import ORIGIN

pytestmark = pytest.mark.engines("sqlite", "postgres")

City = tuple[Flask, Cast]
MINUTE = timedelta(minutes=1)


def signed_in(app: Flask, person: Person) -> FlaskClient:
    with transaction() as session:
        token = link_for(session.get_one(Person, person.id))
    client = app.test_client()
    contextvars.Context().run(client.post, f"/sign-in/link/{token}", headers=ORIGIN)
    return client


def opens(client: FlaskClient, path: str) -> int:
    return contextvars.Context().run(client.get, path).status_code


@pytest.fixture
def called(city: City) -> Callable[[], Case]:
    """Rita's case, to which those on duty are called."""
    with transaction():
        thread = posted(city[1].rita).public_id
    return lambda: case_of(thread)


def text_message(person: Person, case: Case, *, key: str = "told", sent: bool = True) -> str:
    """One more message about the first step of a case; its public id."""
    with transaction() as session:
        row = queue(
            session.get_one(Person, person.id), "sms", key=key, purpose="page", event=case.thread.events[0]
        )
        assert row is not None
        row.sent_at = now() if sent else None
        return row.public_id


def seen(public_id: str) -> datetime | None:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(db.select(Delivery).where(Delivery.public_id == public_id)).one().seen_at


def calls_of(person: Person) -> list[Delivery]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(db.select(Delivery).where(Delivery.person_id == person.id)))


@pytest.mark.parametrize("place", ["/cases/{}", "/desk?case={}", "/desk/case/{}"])
def test_opening_the_case_notes_once_that_the_message_was_seen(
    city: City, called: Callable[[], Case], place: str
) -> None:
    app, cast = city
    message, number = text_message(cast.otto, called()), called().number
    otto = signed_in(app, cast.otto)
    clock.advance(MINUTE)
    first = now()
    assert opens(otto, place.format(number)) == 200
    assert seen(message) == first
    clock.advance(MINUTE)
    assert opens(otto, place.format(number)) == 200
    assert seen(message) == first


def test_a_call_on_an_open_page_is_seen_only_when_the_case_is_opened(
    city: City, called: Callable[[], Case]
) -> None:
    app, cast = city
    otto = signed_in(app, cast.otto)
    clock.advance(MINUTE)
    assert opens(otto, "/desk") == 200
    assert [each.seen_at for each in calls_of(cast.otto)] == [None]
    assert opens(otto, f"/desk?case={called().number}") == 200
    assert [each.seen_at for each in calls_of(cast.otto)] == [now()]
    assert called().acknowledged_at is None


def test_a_call_that_rides_with_another_is_seen_with_its_own_case(
    city: City, called: Callable[[], Case]
) -> None:
    app, cast = city
    with transaction():
        posted(cast.rita, title="第二个路口")
    with transaction():
        third = posted(cast.rita, title="第三个路口").public_id
    first, rest = calls_of(cast.otto)
    assert opens(signed_in(app, cast.otto), f"/cases/{case_of(third).number}") == 200
    assert seen(rest.public_id) == now()
    assert seen(first.public_id) is None


def test_opening_the_message_in_the_inbox_notes_it(city: City, called: Callable[[], Case]) -> None:
    app, cast = city
    message = text_message(cast.rita, called())
    with transaction():
        called().accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
    item = db.session.scalars(db.select(InboxItem.public_id).where(InboxItem.person_id == cast.rita.id)).one()
    rita = signed_in(app, cast.rita)
    clock.advance(MINUTE)
    assert opens(rita, "/inbox") == 200
    assert seen(message) is None
    assert opens(rita, f"/inbox/{item}") == 303
    assert seen(message) == now()


def test_what_has_not_left_was_seen_by_nobody(city: City, called: Callable[[], Case]) -> None:
    app, cast = city
    waiting = text_message(cast.otto, called(), key="waiting", sent=False)
    lost = text_message(cast.otto, called(), key="lost")
    with transaction() as session:
        session.scalars(db.select(Delivery).where(Delivery.public_id == lost)).one().failed_at = now()
    assert opens(signed_in(app, cast.otto), f"/cases/{called().number}") == 200
    assert (seen(waiting), seen(lost)) == (None, None)


def test_others_who_open_the_case_have_not_seen_his_message(city: City, called: Callable[[], Case]) -> None:
    app, cast = city
    message, number = text_message(cast.otto, called()), called().number
    for somebody in (cast.lena, cast.otis, cast.vera):
        assert opens(signed_in(app, somebody), f"/cases/{number}") == 200
    assert opens(app.test_client(), f"/cases/{number}") == 200
    assert seen(message) is None


def test_whoever_acknowledges_has_seen_what_reached_him(city: City, called: Callable[[], Case]) -> None:
    _app, cast = city
    clock.advance(MINUTE)
    with transaction():
        called().acknowledge(by=cast.otto)
    assert [(each.seen_at, each.acknowledged_at) for each in calls_of(cast.otto)] == [(now(), now())]


@pytest.fixture
def statements(city: City) -> Iterator[list[str]]:
    """What the database was given."""
    given: list[str] = []

    def note(_connection, _cursor, statement, *_more):
        given.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield given
    event.remove(db.engine, "before_cursor_execute", note)


def test_it_costs_visitors_and_members_nothing_and_officers_one_statement(
    city: City, called: Callable[[], Case], statements: list[str]
) -> None:
    app, cast = city
    for place in range(20):
        text_message(cast.otto, called(), key=f"told {place}")
    number = called().number
    visitor, rita, otto = app.test_client(), signed_in(app, cast.rita), signed_in(app, cast.otto)

    def asked(client: FlaskClient, path: str) -> list[str]:
        statements.clear()
        opens(client, path)
        return [each.split()[0] for each in statements if "delivery" in each]

    assert asked(visitor, f"/cases/{number}") == []
    assert asked(rita, f"/cases/{number}") == []
    assert asked(otto, f"/cases/{number}") == ["SELECT", "UPDATE"]
    assert asked(otto, f"/cases/{number}") == ["SELECT"]
    assert asked(otto, f"/desk?case={number}") == ["SELECT", "SELECT"], (
        "the pane also shows what chat groups were told"
    )
    assert asked(otto, "/desk") == []
