"""The auditor: whoever should have been called is found by the case itself, whatever was lost of it, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, event, select, update

from board.clock import advance, now
from board.db import db, transaction
from boards.models import Case
from boards.models.posting import reply
from notifications.models import Delivery, InboxItem, Page, PageStep, Telling
from notifications.paging import auditing, ticking
from people import contacts
from people.models import Department, Person
from tests.builders import Cast, case_of, posted

pytestmark = pytest.mark.engines("sqlite", "postgres")
MINUTES = timedelta(minutes=1)
BESIDE = "早高峰很危险，请@交警支队看一下，@户政支队也请看看。"


def report(cast: Cast, **given: str) -> Callable[[], Case]:
    with transaction():
        thread = posted(cast.rita, **given).public_id
    return lambda: case_of(thread)


def pages_of(key: str) -> list[Page]:
    db.session.rollback()
    query = select(Page).join(Department, Page.department_id == Department.id).where(Department.key == key)
    return list(db.session.scalars(query.order_by(Page.id)))


def lose(key: str, *, inbox: bool = False) -> None:
    """As if nobody had ever called this department."""
    with transaction() as session:
        pages = (
            select(Page.id).join(Department, Page.department_id == Department.id).where(Department.key == key)
        )
        found = list(session.scalars(pages))
        assert found
        for table in (Telling, PageStep, Delivery):
            session.execute(delete(table).where(table.page_id.in_(found)))
        session.execute(delete(Page).where(Page.id.in_(found)))
        if inbox:
            session.execute(delete(InboxItem))


def told_by(key: str) -> list[str]:
    """The badges of whoever the calls of a department told."""
    ids = [page.id for page in pages_of(key)]
    query = select(Person.badge).join(Telling, Telling.person_id == Person.id).where(Telling.page_id.in_(ids))
    return sorted(badge or "" for badge in db.session.scalars(query))


def finds(*kinds: str) -> None:
    """The auditor finds these, once."""
    assert auditing.audit() == list(kinds)
    assert auditing.audit() == []


def test_a_department_named_beside_the_lead_is_called_when_nobody_did(app: Flask, cast: Cast) -> None:
    report(cast, body=BESIDE)
    assert told_by("household-police") == [cast.hugo.badge]
    lose("household-police", inbox=True)
    finds()  # somebody may be just about to do it
    advance(3 * MINUTES)
    finds("no_page")
    assert told_by("household-police") == [cast.hugo.badge]
    assert [alarm.page for alarm in auditing.open_alarms()] == pages_of("household-police")
    advance(3 * MINUTES)
    finds()
    assert auditing.open_alarms() == [], "it was told once, and was"


def test_a_case_without_an_inbox_row_and_without_a_page_is_found(app: Flask, cast: Cast) -> None:
    report(cast)
    lose("traffic-police", inbox=True)
    advance(3 * MINUTES)
    finds("no_page")
    assert told_by("traffic-police") == [cast.otto.badge]
    called = db.session.scalars(select(Department.key).join(InboxItem).where(InboxItem.calls)).all()
    assert called == ["traffic-police"]


@pytest.mark.parametrize("how", ["assist", "offer"])
def test_whoever_was_asked_to_help_or_to_take_it_is_called_when_nobody_did(
    app: Flask, cast: Cast, how: str
) -> None:
    case = report(cast, body=BESIDE)
    with transaction():
        to = Department.by_key("household-police")
        if how == "assist":
            case().accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
            case().assist(by=cast.otto, department=to, words="请查这辆车的登记人。")
        else:
            case().offer(by=cast.otto, to=to, reason="登记的事归户政。")
    first, second = pages_of("household-police")
    with transaction() as session:
        for table in (Telling, PageStep, Delivery):
            session.execute(delete(table).where(table.page_id == second.id))
        session.execute(delete(Page).where(Page.id == second.id))
        session.execute(update(Page).where(Page.id == first.id).values(ended_at=now() - 1 * MINUTES))
    advance(3 * MINUTES)
    finds("no_page")
    assert pages_of("household-police")[-1].event.kind in ("case.assist_asked", "case.offered")


def test_who_took_it_on_and_does_nothing_has_it_for_the_time_of_a_lease_though_the_page_was_lost(
    app: Flask,
    cast: Cast,
) -> None:
    case = report(cast)
    with transaction():
        case().offer(by=cast.otto, to=Department.by_key("household-police"), reason="登记的事归户政。")
    with transaction():
        handover = case().open_handover()
        assert handover is not None
        case().take(handover.public_id, by=cast.hugo)
    lose("household-police")
    advance(3 * MINUTES)
    finds("no_page")
    (page,) = pages_of("household-police")
    assert (page.state, page.acknowledged_by) == ("acknowledged", cast.hugo)


def test_a_strangers_mention_calls_nobody_afterwards_either(app: Flask, cast: Cast) -> None:
    case = report(cast)
    with transaction():
        reply(case().thread, "@户政支队 也来看看吧。", by=cast.vera)
    advance(3 * MINUTES)
    finds()
    assert pages_of("household-police") == []


def test_the_posters_mention_in_a_reply_calls_and_is_missed(app: Flask, cast: Cast) -> None:
    case = report(cast)
    with transaction():
        reply(case().thread, "@户政支队 也来看看吧。", by=cast.rita)
    lose("household-police")
    advance(3 * MINUTES)
    finds("no_page")
    assert pages_of("household-police")[0].event.kind == "reply.posted"


def test_the_posters_mention_after_a_strangers_calls_and_is_missed(app: Flask, cast: Cast) -> None:
    case = report(cast)
    with transaction():
        reply(case().thread, "@户政支队 也来看看吧。", by=cast.vera)
    with transaction():
        reply(case().thread, "是的，请@户政支队 看看。", by=cast.rita)
    advance(3 * MINUTES)
    finds()
    lose("household-police")
    advance(3 * MINUTES)
    finds("no_page")
    (page,) = pages_of("household-police")
    assert page.event.actor_role == "poster"


def test_a_telling_that_a_department_beside_the_lead_lacks_is_made_good(app: Flask, cast: Cast) -> None:
    report(cast, body=BESIDE)
    with transaction() as session:
        session.execute(delete(Telling).where(Telling.person_id == cast.hugo.id))
    advance(3 * MINUTES)
    finds("untold")
    assert told_by("household-police") == [cast.hugo.badge]


@pytest.mark.parametrize("who", ["otto", "hugo"])
@pytest.mark.parametrize("how", ["given up", "left lying"])
def test_a_message_that_nobody_carried_is_an_alarm_until_it_has_left(
    app: Flask, cast: Cast, who: str, how: str
) -> None:
    with transaction():
        contacts.verify(contacts.add(getattr(cast, who), "mail", f"{who}@police.example"))
    report(cast, body=BESIDE)
    messages = (Delivery.channel == "mail", Delivery.person_id == cast.ids[who])
    if how == "given up":
        with transaction() as session:
            session.execute(update(Delivery).where(*messages).values(failed_at=now()))
        advance(3 * MINUTES)
    else:
        finds()
        advance(6 * MINUTES)
    finds("not_carried")
    assert [alarm.kind for alarm in auditing.open_alarms()] == ["not_carried"]
    desk = db.session.scalars(select(Delivery.person_id).where(Delivery.key.startswith("alarm:"))).all()
    assert desk == [cast.dana.id]
    if who == "otto":
        return  # his department's call climbs until somebody answers, and the alarm stands as long
    advance(20 * MINUTES)
    ticking.drain()
    finds()
    assert auditing.open_alarms(), "nobody answers for it"
    with transaction() as session:
        session.execute(update(Delivery).where(*messages).values(failed_at=None, sent_at=now()))
    finds()
    assert auditing.open_alarms() == []


def test_an_acknowledgement_whose_lease_ran_out_hours_ago_is_found_and_the_next_are_called(
    app: Flask,
    cast: Cast,
) -> None:
    case = report(cast)
    with transaction():
        case().acknowledge(by=cast.otto)
    (page,) = pages_of("traffic-police")
    assert page.lease_until is not None
    advance(page.lease_until - now() + MINUTES)
    finds()
    advance(timedelta(hours=3))
    finds("late_step")
    (page,) = pages_of("traffic-police")
    assert (page.state, page.leg) == ("open", 1)
    assert cast.lena.badge in told_by("traffic-police")


def test_a_page_that_is_put_off_again_and_again_is_found(app: Flask, cast: Cast) -> None:
    advance(timedelta(hours=12))  # 22:00: nobody is woken, so no step was taken yet
    report(cast, section="household", body="身份证快到期了，去哪里换？")
    (page,) = pages_of("household-police")
    assert page.next_at is not None
    advance(page.next_at - now() + 10 * MINUTES)
    with transaction() as session:
        session.execute(update(Page).values(next_at=now() + MINUTES / 2))
    finds("late_step")
    assert told_by("household-police") == [cast.hugo.badge]


def test_an_audit_asks_the_same_however_many_calls_were_told(app: Flask, cast: Cast) -> None:

    def asked(more: int) -> int:
        for _each in range(more):
            report(cast, body=BESIDE)
        advance(3 * MINUTES)
        ticking.drain()
        statements: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            statements.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        finds()
        event.remove(db.engine, "before_cursor_execute", note)
        return len(statements)

    one = asked(1)
    assert asked(7) == one
