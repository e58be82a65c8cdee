"""Who hears of a step: exactly those who must, once, with their reasons; and nobody else."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select
from sqlalchemy import event as sa_event

from board import clock, jobs
from board.db import db, transaction
from board.live import Stream, StreamEntry
from boards.models import CaseEvent, Thread
from boards.models.posting import reply
from boards.models.watch import follow, unfollow
from notifications import followers
from notifications.heard import heard_of
from notifications.models import InboxItem, Unread, inbox, unread_of
from people.models import Department, Person, Shift
from tests.builders import case_of

pytestmark = pytest.mark.engines("sqlite", "postgres")


def inbox_of(person: Person) -> list[str]:
    """The kinds of a person's items, oldest first."""
    return list(
        db.session.scalars(
            select(CaseEvent.kind)
            .join(InboxItem, InboxItem.event_id == CaseEvent.id)
            .where(InboxItem.person_id == person.id)
            .order_by(InboxItem.id)
        )
    )


def department_inbox(key: str) -> list[tuple[str, str]]:
    """(kind, first reason) of a department's items, oldest first."""
    rows = db.session.execute(
        select(CaseEvent.kind, InboxItem.reasons)
        .join(InboxItem, InboxItem.event_id == CaseEvent.id)
        .join(Department, InboxItem.department_id == Department.id)
        .where(Department.key == key)
        .order_by(InboxItem.id)
    )
    return [(kind, reasons[0]) for kind, reasons in rows]


def hints(stream: str) -> list[dict[str, Any]]:
    """Everything a stream has said, oldest first."""
    return list(
        db.session.scalars(
            select(StreamEntry.hint)
            .join(Stream, StreamEntry.stream_id == Stream.id)
            .where(Stream.name == stream)
            .order_by(StreamEntry.seq)
        )
    )


def counted(person: Person) -> int:
    return db.session.scalars(
        select(func.count())
        .select_from(InboxItem)
        .where(InboxItem.person_id == person.id, InboxItem.read_at.is_(None))
    ).one()


def person_of(key: int) -> Person:
    """Somebody by table id, as a row of the session at hand."""
    return db.session.get_one(Person, key)


def members(number: int) -> list[Person]:
    """More members of the public, without names of their own."""
    people = [Person(kind="member", nickname=f"邻居{place}号") for place in range(number)]
    db.session.add_all(people)
    db.session.flush()
    return people


def test_a_mention_reaches_the_department_and_whoever_is_on_duty_there(cast, reported):
    assert inbox_of(cast.otto) == ["thread.posted"]
    assert department_inbox("traffic-police") == [("thread.posted", "mentioned")]
    for name in ("rita", "vera", "otis", "lena", "hugo", "dana", "carl"):
        assert inbox_of(getattr(cast, name)) == [], name


def test_accepting_tells_the_poster_and_nobody_else(cast, reported):
    with transaction():
        reported().accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")

    assert inbox_of(cast.rita) == ["case.accepted"]
    assert inbox_of(cast.vera) == []
    assert inbox_of(cast.otto) == ["thread.posted"]  # never what he did himself


def test_whoever_comes_on_duty_later_is_told_of_what_comes_later(cast, reported):
    with transaction() as session:
        traffic = Department.by_key("traffic-police")
        moment = clock.now()
        session.execute(delete(Shift).where(Shift.person_id == cast.otto.id))
        session.add(
            Shift(department=traffic, person=cast.otis, starts_at=moment, ends_at=moment + timedelta(hours=8))
        )
    with transaction():
        reply(reported().thread, "现在排起了长队。", by=cast.rita)

    assert inbox_of(cast.otis) == ["reply.posted"]
    assert inbox_of(cast.otto) == ["thread.posted"]


def test_somebody_with_two_reasons_has_one_row_with_both(cast, reported):
    with transaction():
        reported().accept(by=cast.otto)
        reported().claim(by=cast.otto)
    with transaction():
        reply(reported().thread, "红绿灯今天还是坏的。", by=cast.rita)

    rows = db.session.scalars(select(InboxItem).where(InboxItem.person_id == cast.otto.id)).all()
    assert [row.reasons for row in rows] == [["duty"], ["handler", "duty"]]


def test_a_strangers_mention_reaches_the_inbox_of_the_department_and_no_pocket(cast, reported):
    with transaction():
        reply(reported().thread, "我也看到了，@户政支队 也来看看", by=cast.vera)

    assert ("reply.posted", "mentioned_quietly") in department_inbox("household-police")
    assert inbox_of(cast.hugo) == []
    row = db.session.scalars(
        select(InboxItem)
        .join(Department, InboxItem.department_id == Department.id)
        .where(Department.key == "household-police")
    ).one()
    assert not row.calls
    assert row.on_duty is None


def test_an_internal_note_never_reaches_the_poster_nor_a_follower(cast, reported):
    with transaction():
        reported().accept(by=cast.otto)
        follow(reported().thread, by=cast.vera)
    with transaction():
        reported().note(by=cast.lena, note="先联系施工队，再联系发帖人。")
    jobs.run_due()

    assert "case.noted" in inbox_of(cast.otto)
    assert "case.noted" not in inbox_of(cast.rita)
    assert "case.noted" not in inbox_of(cast.vera)
    case = reported()
    assert hints(case.thread.stream)[-1]["kind"] == "changed"
    assert hints("department:traffic-police")[-1]["kind"] == "changed"


def test_a_restricted_post_tells_the_desk_and_names_itself_to_nobody_else(cast, thread_posted):
    thread_id = thread_posted(section="110", title="楼下有人在打人", body="快来人，@交警支队 有人拿刀砍人！")

    assert inbox_of(cast.dana) == ["thread.posted"]
    assert inbox_of(cast.otto) == []
    assert hints("department:traffic-police") == []
    (hint,) = hints("department:desk")
    assert hint["urgent"]
    assert hint["reason"] == "danger"
    thread = case_of(thread_id).thread
    assert [each["recheck"] for each in hints(thread.stream)] == [True]


def test_a_department_that_loses_a_restricted_case_hears_only_that_something_left(cast, thread_posted):
    thread_id = thread_posted(
        title="有人跟踪我", body="每天下班都被跟着，@交警支队 请不要公开。", restrict=True
    )
    with transaction():
        case = case_of(thread_id)
        thread = case.thread
        assert case.department.key == "traffic-police"
        thread.restricted_to = Department.by_key("household-police")  # as after a handover
        case.offer(
            by=cast.otto,
            to=Department.by_key("household-police"),
            reason="涉及户籍地址，由户政支队办理更合适。",
        )
    with transaction():
        case = case_of(thread_id)
        handover = case.open_handover()
        assert handover is not None
        case.take(handover.public_id, by=cast.hugo)

    last = hints("department:traffic-police")[-1]
    assert last == {"kind": "queue"}
    assert "case.taken" not in inbox_of(cast.otto)
    assert hints("department:household-police")[-1]["case"] == case.number


def test_a_held_post_tells_its_poster_but_none_of_its_followers(cast, reported):
    with transaction():
        follow(reported().thread, by=cast.vera)
    with transaction():
        reported().thread.hold(by=cast.mona, reason="private_data")
    jobs.run_due()

    assert inbox_of(cast.rita)[-1] == "thread.held"
    assert inbox_of(cast.vera) == []


def test_followers_are_told_by_a_job_and_only_once(cast, reported):
    with transaction():
        follow(reported().thread, by=cast.vera, affected=True)
    with transaction():
        event = reported().accept(by=cast.otto).public_id
    assert inbox_of(cast.vera) == []

    jobs.run_due()
    assert inbox_of(cast.vera) == ["case.accepted"]
    assert inbox_of(cast.rita) == ["case.accepted"]  # a poster follows his own post, and is told once
    before = hints(cast.vera.stream)

    followers.tell_followers(event)  # a worker died before it noted that this was done
    assert inbox_of(cast.vera) == ["case.accepted"]
    assert hints(cast.vera.stream) == before
    assert unread_of(cast.vera) == 1
    (row,) = db.session.scalars(select(InboxItem).where(InboxItem.person_id == cast.vera.id))
    assert row.reasons == ["affected"]


def test_who_follows_later_or_no_longer_is_not_told(cast, reported):
    with transaction():
        follow(reported().thread, by=cast.vera)
    clock.advance(timedelta(minutes=1))
    with transaction():
        reported().accept(by=cast.otto)
    clock.advance(timedelta(minutes=1))
    with transaction():
        unfollow(reported().thread, by=cast.vera)
        follow(reported().thread, by=cast.adam)
    jobs.run_due()

    assert inbox_of(cast.vera) == []
    assert inbox_of(cast.adam) == []


@pytest.mark.parametrize("chunk", [1, 3, 200])
def test_every_follower_is_told_whatever_the_chunk(cast, reported, monkeypatch, chunk):
    monkeypatch.setattr(followers, "CHUNK", chunk)
    monkeypatch.setattr(followers, "BREATH", 0)
    with transaction():
        crowd = [person.id for person in members(7)]
        for key in crowd:
            follow(reported().thread, by=person_of(key))
    with transaction():
        reported().accept(by=cast.otto)
    jobs.run_due()

    told = Counter(db.session.scalars(select(InboxItem.person_id).where(InboxItem.person_id.in_(crowd))))
    assert told == Counter(crowd)
    assert [hints(person_of(key).stream)[-1]["unread"] for key in crowd] == [1] * 7


def test_calls_that_climb_to_somebody_together_are_one_hint_each(cast, thread_posted):
    posts = [case_of(thread_posted()).thread.events[0].id for _each in range(3)]
    began = len(hints(cast.hugo.stream))
    with transaction():
        for event_id in posts:
            inbox.call(event_id, cast.hugo)
    said = hints(cast.hugo.stream)[began:]
    kept = set(db.session.scalars(select(InboxItem.public_id).where(InboxItem.person_id == cast.hugo.id)))
    assert len(said) == 3
    assert {hint["item"] for hint in said} <= kept
    assert [hint["unread"] for hint in said] == [unread_of(cast.hugo)] * 3


class Statements:
    """Counts what is sent to the database."""

    def __enter__(self):
        self.count = 0
        sa_event.listen(db.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_error):
        sa_event.remove(db.engine, "before_cursor_execute", self._note)

    def _note(self, *_args):
        self.count += 1


def test_the_number_of_statements_does_not_grow_with_the_recipients(cast, thread_posted, monkeypatch):
    monkeypatch.setattr(followers, "CHUNK", 2_000)
    verbs, work = [], []
    for crowd in (10, 990):
        thread_id = thread_posted()
        with transaction():
            people = [Person(kind="member", nickname=f"{crowd}-{n}") for n in range(crowd)]
            db.session.add_all(people)
            db.session.flush()
            from boards.models import Watch

            db.session.execute(
                insert(Watch),
                [
                    {
                        "thread_id": case_of(thread_id).thread_id,
                        "person_id": each.id,
                        "affected": False,
                        "since": clock.now(),
                    }
                    for each in people
                ],
            )
        with transaction(), Statements() as seen:
            event = (
                case_of(thread_id)
                .accept(by=cast.otto, answer=f"已安排两名民警，{crowd} 分钟后到。")
                .public_id
            )
            db.session.flush()
        verbs.append(seen.count)
        with Statements() as seen:
            followers.tell_followers(event)
        work.append(seen.count)
        told = db.session.scalar(
            select(func.count())
            .select_from(InboxItem)
            .join(CaseEvent, InboxItem.event_id == CaseEvent.id)
            .where(CaseEvent.public_id == event, InboxItem.person_id.is_not(None))
        )
        assert told == crowd + 1  # and the poster

    assert verbs[0] == verbs[1]
    assert work[0] == work[1]


def test_the_count_is_absolute_and_equals_the_rows(cast, reported):
    with transaction():
        reported().acknowledge(by=cast.otto)
    with transaction():
        case = reported()
        case.accept(by=cast.otto)
        case.claim(by=cast.otto)
        case.resolve(by=cast.otto, answer="信号灯控制板已经换好，现在正常。", outcome="solved")
    assert unread_of(cast.rita) == counted(cast.rita) == 2
    # One act is one item and one hint, with the count as it stands after it.
    assert [hint["unread"] for hint in hints(cast.rita.stream)] == [1, 2]

    with transaction():
        assert inbox.read_all(by=cast.rita) == 2
    with transaction():
        assert inbox.read_all(by=cast.rita) == 0
    assert unread_of(cast.rita) == counted(cast.rita) == 0
    assert [hint["unread"] for hint in hints(cast.rita.stream)] == [1, 2, 0]


def test_one_act_is_one_item_whatever_the_number_of_its_steps(cast, reported):
    """A direct answer acknowledges, accepts, claims and resolves: its poster reads the answer, once."""
    with transaction():
        follow(reported().thread, by=cast.vera)
    with transaction():
        steps = reported().thread.events_count
        reported().answer(by=cast.otto, answer="信号灯今早已经修好，可以正常通行。", outcome="solved")
        assert reported().thread.events_count == steps + 4
    assert inbox_of(cast.rita) == ["case.resolved"]
    assert unread_of(cast.rita) == counted(cast.rita) == 1
    jobs.run_due()
    assert inbox_of(cast.vera) == ["case.resolved"]
    assert unread_of(cast.vera) == counted(cast.vera) == 1

    for event in db.session.scalars(select(CaseEvent.public_id).where(CaseEvent.seq > 1)).all():
        followers.tell_followers(event)  # a worker died before it noted that this was done
    assert inbox_of(cast.vera) == inbox_of(cast.rita) == ["case.resolved"]


def test_two_acts_of_one_person_are_two_items(cast, reported):
    with transaction():
        reported().accept(by=cast.otto)
    with transaction():
        reported().claim(by=cast.otto)
    assert inbox_of(cast.rita) == ["case.accepted", "case.claimed"]


def test_reading_about_a_thread_reads_only_that(cast, reported, thread_posted):
    other = thread_posted(title="另一个路口也坏了")
    with transaction():
        assert inbox.read_about(reported().thread_id, by=cast.otto) == 1
    with transaction():
        assert inbox.read_about(reported().thread_id, by=cast.otto) == 0
    assert unread_of(cast.otto) == counted(cast.otto) == 1
    left = db.session.scalar(
        select(Thread.public_id)
        .join(CaseEvent, CaseEvent.thread_id == Thread.id)
        .join(InboxItem, InboxItem.event_id == CaseEvent.id)
        .where(InboxItem.person_id == cast.otto.id, InboxItem.read_at.is_(None))
    )
    assert left == other


def test_a_verb_that_fails_tells_nobody(cast, reported):
    def accept_while_the_power_goes_out():
        with transaction():
            reported().accept(by=cast.otto)
            raise RuntimeError("the power went out")

    with pytest.raises(RuntimeError):
        accept_while_the_power_goes_out()

    assert inbox_of(cast.rita) == []
    assert unread_of(cast.rita) == 0
    assert hints(cast.rita.stream) == []
    assert db.session.get(Unread, cast.rita.id) is None


def test_the_public_line_names_who_was_told_and_when_it_was_seen(cast, reported):
    told = clock.now()
    (line,) = heard_of(reported())
    assert (line.department.key, line.told_at, line.empty, line.seen_at) == (
        "traffic-police",
        told,
        False,
        None,
    )

    clock.advance(timedelta(minutes=1))
    with transaction():
        reported().acknowledge(by=cast.otto)
    (line,) = heard_of(reported())
    assert line.seen_at == told + timedelta(minutes=1)


def test_an_empty_shift_shows_on_the_public_line(cast, thread_posted):
    thread_id = thread_posted(section="12345", title="暖气不热", body="@供热 家里只有十三度")
    (line,) = heard_of(case_of(thread_id))
    assert (line.department.key, line.empty, line.police) == ("heating", True, False)


def test_the_line_follows_the_case_to_its_new_department(cast, thread_posted):
    thread_id = thread_posted(section="12345", title="身份证过期了怎么办", body="上个月到期，去哪里换？")
    clock.advance(timedelta(minutes=3))
    with transaction():
        case = case_of(thread_id)
        case.route(by=cast.dana, to=Department.by_key("household-police"))
    case = case_of(thread_id)
    assert [line.department.key for line in heard_of(case)] == ["household-police", "desk"]
    assert heard_of(case)[0].told_at == clock.now()
