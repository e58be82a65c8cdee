"""Paging: whoever is called, one after the other, until somebody answers for the case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from board import jobs
from board.clock import advance, local, now
from board.db import db, transaction
from boards.models import Case
from notifications.models import Delivery, Page, PageStep, Telling
from notifications.paging import auditing, ticking
from people.models import Appointment, Department, Person, Shift
from tests.builders import Cast, posted

pytestmark = pytest.mark.engines("sqlite", "postgres")

MINUTES = timedelta(minutes=1)


def page_of(case: Case) -> Page:
    """The newest page of a case."""
    page = db.session.scalars(select(Page).where(Page.case_id == case.id).order_by(Page.id.desc())).first()
    assert page is not None
    return page


def told_of(case: Case) -> list[str]:
    """Who was told of a case, each once, in their order, by their badges."""
    rows = db.session.scalars(
        select(Person.badge)
        .join(Telling, Telling.person_id == Person.id)
        .join(Page, Telling.page_id == Page.id)
        .where(Page.case_id == case.id)
        .order_by(Telling.id)
    )
    return list(dict.fromkeys(badge or "" for badge in rows))


def steps_taken(case: Case) -> list[tuple[str, str, bool]]:
    """(who, the city's time at which it was due, whether nobody was there) of every step, in order."""
    rows = db.session.scalars(
        select(PageStep)
        .join(Page, PageStep.page_id == Page.id)
        .where(Page.case_id == case.id)
        .order_by(PageStep.id)
    )
    return [(row.who, f"{local(row.due_at):%H:%M}", row.empty) for row in rows]


def wait(span: timedelta) -> None:
    """Let time pass, and the pager look when it is over."""
    advance(span)
    ticking.drain()
    db.session.rollback()


def relieve(person: Person, department: str, at: datetime, hours: int = 24) -> None:
    """Give `person` a shift that begins at `at`."""
    with transaction():
        db.session.add(
            Shift(
                department=Department.by_key(department),
                person=db.session.get(Person, person.id),
                starts_at=at,
                ends_at=at + timedelta(hours=hours),
            )
        )


def test_a_mention_tells_whoever_is_on_duty_at_once_and_nobody_else(cast: Cast, reported: Callable[[], Case]):
    case = reported()
    assert told_of(case) == [cast.otto.badge]
    assert page_of(case).state == "open"
    assert steps_taken(case) == [("duty", "10:00", False)]


def test_an_ordinary_call_climbs_at_a_quarter_a_half_and_four_fifths_of_the_reply_time(
    cast: Cast, reported: Callable[[], Case]
):
    relieve(cast.otis, "traffic-police", now() + timedelta(hours=8))
    case = reported()
    told = [told_of(case)]
    for _turn in range(30):
        wait(MINUTES)
        if told_of(case) != told[-1]:
            told.append(told_of(case))
    otto, otis, lena, dana = (each.badge for each in (cast.otto, cast.otis, cast.lena, cast.dana))
    assert told == [[otto], [otto, otis], [otto, otis, lena], [otto, otis, lena, dana]]
    assert steps_taken(case) == [
        ("duty", "10:00", False),
        ("next_on_roster", "10:07", False),
        ("leader", "10:15", False),
        ("desk", "10:24", False),
    ]


def test_an_urgent_call_tells_the_desk_at_once_and_climbs_after_two_five_and_ten_minutes(cast: Cast):
    with transaction():
        thread = posted(
            cast.rita, section="110", title="有人要打人", body="有人拿刀要杀人，快来人，@指挥中心"
        )
        case_id = thread.case.id if thread.case else 0
    case = db.session.get(Case, case_id)
    assert case is not None
    assert page_of(case).urgent
    assert told_of(case) == [cast.dana.badge]
    for _turn in range(11):
        wait(MINUTES)
    assert steps_taken(case) == [
        ("duty", "10:00", False),
        ("desk", "10:00", False),
        ("next_on_roster", "10:02", True),
        ("leader", "10:02", True),
        ("leaders_above", "10:02", False),
    ]


def test_an_acknowledgement_stops_the_calls_for_the_time_of_a_lease(cast: Cast, reported: Callable[[], Case]):
    with transaction():
        reported().acknowledge(by=cast.otto)
    page = page_of(reported())
    assert (page.state, page.acknowledged_by) == ("acknowledged", cast.otto)
    assert page.lease_until is not None
    assert (
        f"{local(page.lease_until):%m-%d %H:%M}" == "11-17 14:30"
    )  # half a working day, over the noon break or not
    for _turn in range(4):
        wait(60 * MINUTES)
    assert told_of(reported()) == [cast.otto.badge]


def test_when_nothing_follows_an_acknowledgement_the_call_climbs_again(
    cast: Cast, reported: Callable[[], Case]
):
    with transaction():
        reported().acknowledge(by=cast.otto)
    lease = page_of(reported()).lease_until
    assert lease is not None
    wait(lease - now())
    page = page_of(reported())
    assert (page.state, page.leg) == ("open", 1)
    assert told_of(reported()) == [cast.otto.badge, cast.lena.badge]
    assert reported().can("acknowledge", cast.lena)
    with transaction():
        reported().acknowledge(by=cast.lena)
    assert page_of(reported()).state == "acknowledged"
    assert not reported().can("acknowledge", cast.otto)


@pytest.mark.parametrize("verb", ["accept", "answer", "withdraw", "route", "reply"])
def test_what_answers_for_the_case_ends_the_call(cast: Cast, reported: Callable[[], Case], verb: str):
    from boards.models.posting import reply

    with transaction():
        case = reported()
        if verb == "accept":
            case.accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
        elif verb == "answer":
            case.answer(by=cast.otto, answer="这个路口的信号灯已于今早修好。")
        elif verb == "withdraw":
            case.withdraw(by=cast.rita)
        elif verb == "reply":
            reply(case.thread, "这个路口的信号灯我们今天下午去修。", by=cast.otto)
        else:
            case.route(by=cast.dana, to=Department.by_key("household-police"))
    first = db.session.scalars(select(Page).order_by(Page.id)).first()
    assert first is not None
    assert first.state == "ended"
    assert first.ended_why == {"withdraw": "closed", "route": "moved", "reply": "answered"}.get(
        verb, "accepted"
    )
    advance(timedelta(days=2))
    ticking.drain()
    told = told_of(reported())
    assert cast.lena.badge not in told
    assert (cast.hugo.badge in told) == (verb == "route")


def test_the_desk_is_called_to_what_is_sent_back_to_it(cast: Cast, reported: Callable[[], Case]):
    with transaction():
        reported().route(by=cast.dana, to=Department.by_key("household-police"))
    with transaction():
        routed = reported().fresh_routing()
        assert routed is not None
        reported().return_(routed.public_id, by=cast.hugo, reason="这不是户政的事。")
    page = page_of(reported())
    assert (page.department.key, page.state, page.owed) == ("desk", "open", True)
    assert told_of(reported())[-1] == cast.dana.badge


def test_a_question_at_night_wakes_nobody(cast: Cast):
    advance(timedelta(hours=12))  # 22:00
    with transaction():
        case_id = posted(cast.rita, section="household", body="身份证快到期了，去哪里换？").case.id  # type: ignore[union-attr]
    case = db.session.get(Case, case_id)
    assert case is not None
    assert told_of(case) == []
    page = page_of(case)
    assert page.next_at is not None
    assert f"{local(page.next_at):%d %H:%M}" == "18 08:30"
    wait(page.next_at - now())
    assert told_of(case) == [cast.hugo.badge]


def test_a_pager_that_was_away_for_three_hours_ends_where_it_would_have_been(
    cast: Cast, reported: Callable[[], Case]
):
    case = reported()
    wait(timedelta(hours=3))
    assert told_of(case) == [each.badge for each in (cast.otto, cast.lena, cast.dana)]
    assert [(who, at) for who, at, _empty in steps_taken(case)] == [
        ("duty", "10:00"),
        ("next_on_roster", "10:07"),
        ("leader", "10:07"),
        ("desk", "10:24"),
    ]
    ticking.drain()
    ticking.sweep()
    assert db.session.scalar(db.select(db.func.count()).select_from(Telling)) == 3


def test_what_was_answered_while_the_pager_was_away_tells_nobody_afterwards(
    cast: Cast, reported: Callable[[], Case]
):
    advance(timedelta(minutes=20))
    with transaction():
        reported().acknowledge(by=cast.otto)
    ticking.drain()
    assert told_of(reported()) == [cast.otto.badge]
    assert page_of(reported()).step == 3  # what was due is known, so that it climbs on from there


def test_who_is_dismissed_meanwhile_is_not_told(cast: Cast, reported: Callable[[], Case]):
    case = reported()
    with transaction():
        cast.lena.active = False
        db.session.add(
            Appointment(
                person=cast.otis,
                department=Department.by_key("traffic-police"),
                role="leader",
                starts_at=now() - timedelta(days=1),
            )
        )
    wait(16 * MINUTES)
    assert told_of(case) == [cast.otto.badge, cast.otis.badge]


def test_the_desk_is_never_empty(cast: Cast, reported: Callable[[], Case]):
    with transaction():
        desk = Department.desk()
        for shift in db.session.scalars(select(Shift).where(Shift.department_id == desk.id)):
            shift.ends_at = now() - timedelta(minutes=10)
    case = reported()
    wait(30 * MINUTES)
    assert told_of(case)[-1] == cast.dana.badge


def test_a_case_kept_from_the_public_calls_only_those_who_may_read_it(cast: Cast):
    with transaction():
        case_id = posted(cast.rita, restrict=True).case.id  # type: ignore[union-attr]
    case = db.session.get(Case, case_id)
    assert case is not None
    assert told_of(case) == [cast.otto.badge]
    wait(30 * MINUTES)
    assert cast.dana.badge not in told_of(case)
    assert cast.lena.badge in told_of(case)


@pytest.mark.slow
def test_two_hundred_mentions_in_a_minute_ring_twice_and_none_is_dropped(cast: Cast):
    for place in range(200):
        with transaction():
            posted(cast.rita, title=f"第 {place} 个路口的灯坏了")
        advance(timedelta(milliseconds=250))
    deliveries = db.session.scalars(select(Delivery).where(Delivery.person_id == cast.otto.id)).all()
    assert len(deliveries) == 2
    tellings = db.session.scalars(select(Telling).where(Telling.person_id == cast.otto.id)).all()
    assert len({each.event_id for each in tellings}) == 200


def test_the_jobs_do_the_looking(app: Flask, cast: Cast, reported: Callable[[], Case]):
    case = reported()
    advance(timedelta(minutes=8))
    jobs.run_due()
    assert len(steps_taken(case)) == 3


def test_the_auditor_finds_a_case_that_nobody_was_called_to(cast: Cast, reported: Callable[[], Case]):
    with transaction():
        page = page_of(reported())
        db.session.execute(db.delete(Telling))
        db.session.execute(db.delete(PageStep))
        db.session.execute(db.delete(Delivery))
        db.session.delete(page)
    assert auditing.audit() == []  # somebody may be just about to do it
    advance(timedelta(minutes=3))
    assert auditing.audit() == ["no_page"]
    assert auditing.audit() == []
    assert told_of(reported()) == [cast.otto.badge]
    (alarm,) = auditing.open_alarms()
    assert (alarm.kind, alarm.case) == ("no_page", reported())
    desk = db.session.scalars(select(Delivery.person_id).where(Delivery.key.startswith("alarm:"))).all()
    assert desk == [cast.dana.id]
    with transaction():
        reported().accept(by=cast.otto)
    auditing.audit()
    assert auditing.open_alarms() == []


def test_the_auditor_finds_a_reopened_case_that_nobody_was_called_to(
    cast: Cast, reported: Callable[[], Case]
):
    with transaction():
        reported().accept(by=cast.otto)
        reported().resolve(by=cast.otto, answer="信号灯已修好。", outcome="solved")
    advance(timedelta(hours=1))
    with transaction():
        reported().reopen(by=cast.rita, words="今天早上又在闪。")
    advance(3 * MINUTES)
    assert auditing.audit() == []
    with transaction() as session:
        page = page_of(reported())
        session.execute(db.delete(Telling).where(Telling.page_id == page.id))
        session.execute(db.delete(PageStep).where(PageStep.page_id == page.id))
        session.execute(db.delete(Delivery).where(Delivery.page_id == page.id))
        session.delete(page)
    assert auditing.audit() == ["no_page"]
    assert page_of(reported()).event.kind == "case.reopened"
    assert auditing.audit() == []


def test_the_auditor_finds_a_step_that_nobody_took_and_takes_it(cast: Cast, reported: Callable[[], Case]):
    case = reported()
    advance(timedelta(minutes=12))
    assert auditing.audit() == ["late_step"]
    assert told_of(case) == [cast.otto.badge, cast.lena.badge]
    assert auditing.audit() == []


def test_the_auditor_finds_a_step_without_its_telling(cast: Cast, reported: Callable[[], Case]):
    reported()
    with transaction():
        db.session.execute(db.delete(Telling))
    advance(timedelta(minutes=3))
    assert auditing.audit() == ["untold"]
    assert told_of(reported()) == [cast.otto.badge]


def test_an_audit_of_calls_that_were_told_finds_nothing(cast: Cast, reported: Callable[[], Case]):
    reported()
    for _turn in range(20):
        wait(2 * MINUTES)
        assert auditing.audit() == []


def test_the_pager_shows_that_it_lives_and_everybody_sees_when_it_does_not(
    cast: Cast, reported: Callable[[], Case]
):
    assert ticking.health() == "ok"
    reported()
    advance(timedelta(minutes=10))
    assert ticking.health() == "nobody is called"
    with transaction():
        ticking.keep_sweeping()
    assert ticking.health() == "nobody is called"  # it lives, but has not looked yet
    advance(timedelta(seconds=30))
    jobs.run_due()
    assert ticking.health() == "ok"
    advance(timedelta(seconds=91))
    assert ticking.health() == "nobody is called"
