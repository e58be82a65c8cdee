"""Following: everybody hears once, in the quickest of his ways, at his hour; and posting costs the same for all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event as sa_event
from sqlalchemy import func, insert, select

from board import clock, jobs, seams
from board.db import db, transaction
from board.errors import Invalid, NotFound
from boards.models import CaseEvent
from boards.models.posting import reply
from boards.models.watch import AT_ONCE, DAILY, INBOX
from boards.models.watch import follow as watch
from notifications import followers, following, letters, tidings, unsubscribing
from notifications.hours import next_hour
from notifications.models import Delivery, Follow, InboxItem, Tiding
from notifications.models.follow import DIGEST_HOUR
from notifications.targets import target
from people import contacts
from people.models import Department, Person
from tests.builders import case_of, posted

pytestmark = pytest.mark.engines("sqlite", "postgres")

WORK = ("tell-followers", "carry-tidings")


def reach(person: Person, *kinds: str) -> None:
    """Let `person` be reached by these kinds of contacts."""
    for kind in kinds or ("mail",):
        contacts.verify(contacts.add(person, kind, f"{person.public_id}@{kind}.example"))


def begin(person: Person, kind: str, key: str, how: str = DAILY) -> Follow:
    return following.begin(target(kind, key), by=person, how=how)


def heard(person: Person) -> list[tuple[str, list[str]]]:
    """(kind, reasons) of everything in a person's inbox, oldest first."""
    rows = db.session.execute(
        select(CaseEvent.kind, InboxItem.reasons)
        .join(InboxItem, InboxItem.event_id == CaseEvent.id)
        .where(InboxItem.person_id == person.id)
        .order_by(InboxItem.id)
    )
    return [(kind, reasons) for kind, reasons in rows]


def sent(person: Person) -> list[tuple[str, str]]:
    """(purpose, channel) of everything promised to a person, oldest first."""
    rows = db.session.execute(
        select(Delivery.purpose, Delivery.channel)
        .where(Delivery.person_id == person.id)
        .order_by(Delivery.id)
    )
    return [(purpose, channel) for purpose, channel in rows]


def digest_of(person: Person) -> letters.Letter | None:
    """What the last bundle for a person says now."""
    last = db.session.scalars(
        select(Delivery)
        .where(Delivery.person_id == person.id, Delivery.purpose == "digest")
        .order_by(Delivery.id.desc())
    ).first()
    assert last is not None
    return letters.letter_of(last)


@pytest.mark.parametrize(
    ("kind", "key"),
    [("section", "traffic"), ("department", "traffic-police"), ("place", "青松路"), ("search", "q=红绿灯")],
)
def test_a_new_post_comes_to_whoever_follows_what_it_belongs_to(cast, thread_posted, kind, key):
    with transaction():
        begin(cast.vera, kind, key)
    thread_posted()
    thread_posted(section="household", title="身份证过期怎么办", body="去哪里换？请@户政支队看一下。")

    jobs.run_due(kinds=WORK)

    assert heard(cast.vera) == [("thread.posted", [kind])]


def test_who_follows_in_four_ways_hears_once_in_the_quickest_of_them(cast, thread_posted):
    with transaction():
        reach(cast.vera)
        begin(cast.vera, "section", "traffic", DAILY)
        begin(cast.vera, "department", "traffic-police", AT_ONCE)
        begin(cast.vera, "place", "青松路", INBOX)
        begin(cast.vera, "search", "q=红绿灯", DAILY)
    thread_posted()

    jobs.run_due(kinds=WORK)
    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=WORK)

    assert [(kind, set(reasons)) for kind, reasons in heard(cast.vera)] == [
        ("thread.posted", {"section", "department", "place", "search"})
    ]
    assert sent(cast.vera) == [("news", "mail")]


def test_nobody_hears_of_what_he_did_himself(cast, thread_posted):
    with transaction():
        reach(cast.rita)
        begin(cast.rita, "section", "traffic", AT_ONCE)
    thread_posted()

    jobs.run_due(kinds=WORK)

    assert heard(cast.rita) == []
    assert sent(cast.rita) == []


def test_what_happened_before_he_followed_is_not_told(cast, thread_posted):
    thread_posted()
    clock.advance(timedelta(seconds=1))
    with transaction():
        begin(cast.vera, "section", "traffic")

    jobs.run_due(kinds=WORK)

    assert heard(cast.vera) == []


def test_a_result_comes_to_whoever_follows_the_section_and_single_steps_do_not(cast, reported):
    clock.advance(timedelta(minutes=1))
    with transaction():
        begin(cast.vera, "section", "traffic")
    with transaction():
        case = reported()
        case.accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
        case.claim(by=cast.otto)
    with transaction():
        reported().resolve(by=cast.otto, answer="信号灯控制板已经换好，现在正常。", outcome="solved")

    jobs.run_due(kinds=WORK)

    assert heard(cast.vera) == [("case.resolved", ["section"])]


def test_nobody_hears_of_a_restricted_or_a_held_post_until_everybody_may_read_it(cast, thread_posted):
    with transaction():
        begin(cast.vera, "section", "110")
        begin(cast.vera, "section", "traffic")
        begin(cast.vera, "place", "青松路")
        begin(cast.vera, "search", "q=持刀")
    thread_posted(section="110", title="有人持刀砍人", body="他要杀我，救命", place="青松路 5 号")
    held = thread_posted()
    with transaction():
        case_of(held).thread.hold(by=cast.mona, reason="advert")
    jobs.run_due(kinds=WORK)
    assert heard(cast.vera) == []

    with transaction():
        case_of(held).thread.release(by=cast.mona)
    jobs.run_due(kinds=WORK)
    assert [kind for kind, _reasons in heard(cast.vera)] == ["thread.posted"]


def test_a_post_that_was_told_is_not_told_again_when_it_is_released(cast, thread_posted):
    with transaction():
        begin(cast.vera, "section", "traffic")
    thread = thread_posted()
    jobs.run_due(kinds=WORK)
    for act in ("hold", "release"):
        with transaction():
            getattr(case_of(thread).thread, act)(
                by=cast.mona, **({"reason": "advert"} if act == "hold" else {})
            )
        jobs.run_due(kinds=WORK)

    assert [kind for kind, _reasons in heard(cast.vera)] == ["thread.posted"]


def test_a_case_that_is_routed_comes_to_whoever_follows_its_new_department(cast, thread_posted):
    with transaction():
        begin(cast.vera, "department", "household-police")
        begin(cast.lena, "section", "12345")
    thread = thread_posted(section="12345", title="身份证过期了怎么办", body="上个月到期，去哪里换？")
    jobs.run_due(kinds=WORK)
    assert heard(cast.vera) == []
    with transaction():
        case_of(thread).route(by=cast.dana, to=Department.by_key("household-police"))
    jobs.run_due(kinds=WORK)

    assert heard(cast.vera) == [("thread.posted", ["department"])]
    assert heard(cast.lena) == [("thread.posted", ["section"])]


def test_a_part_above_may_deny_that_somebody_hears(cast, thread_posted, monkeypatch):
    monkeypatch.setitem(
        seams._vetoes, "event.hear", [lambda person, event: person.nickname == "爱散步的银杏"]
    )
    with transaction():
        reach(cast.vera)
        begin(cast.vera, "section", "traffic", AT_ONCE)
    thread_posted()

    jobs.run_due(kinds=WORK)

    assert heard(cast.vera) == []
    assert sent(cast.vera) == []


# --- cases: the quickest way of the poster and of followers ------------------------------------------------


def test_the_poster_is_told_outside_the_board_at_once_of_what_matters(cast, reported):
    with transaction():
        reach(cast.rita, "mail", "push")
    with transaction():
        case = reported()
        case.acknowledge(by=cast.otto)
        case.accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
    jobs.run_due(kinds=WORK)

    assert sorted(sent(cast.rita)) == [("news", "mail"), ("news", "push")]


@pytest.mark.parametrize(
    ("how", "at_once", "next_day"),
    [
        (AT_ONCE, [("news", "mail"), ("news", "mail")], 2),
        (DAILY, [], 1),
        (INBOX, [], 0),
    ],
)
def test_the_poster_hears_of_her_own_case_in_the_way_she_chose(cast, reported, how, at_once, next_day):
    with transaction():
        reach(cast.rita)
        watch(reported().thread, by=cast.rita, how=how)
    with transaction():
        reported().accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
    with transaction():
        reported().claim(by=cast.otto)
        reported().resolve(by=cast.otto, answer="信号灯控制板已经换好，现在正常。", outcome="solved")
    jobs.run_due(kinds=WORK)
    assert sent(cast.rita) == at_once

    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=WORK)
    assert len(sent(cast.rita)) == next_day
    assert [kind for kind, _reasons in heard(cast.rita)].count("case.resolved") == 1


def test_a_follower_of_a_case_hears_in_the_way_he_chose(cast, reported):
    with transaction():
        for person in (cast.vera, cast.lena, cast.hugo):
            reach(person)
        watch(reported().thread, by=cast.vera, how=AT_ONCE)
        watch(reported().thread, by=cast.lena, how=DAILY)
        watch(reported().thread, by=cast.hugo, how=INBOX)
    with transaction():
        reported().accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
    jobs.run_due(kinds=WORK)
    assert [sent(person) for person in (cast.vera, cast.lena, cast.hugo)] == [[("news", "mail")], [], []]

    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=WORK)
    assert [sent(person) for person in (cast.vera, cast.lena, cast.hugo)] == [
        [("news", "mail")],
        [("digest", "mail")],
        [],
    ]
    for person in (cast.vera, cast.lena, cast.hugo):
        assert ("case.accepted", ["follower"]) in heard(person)


def test_a_strangers_reply_rings_no_telephone(cast, reported):
    with transaction():
        reach(cast.rita)
    with transaction():
        reply(reported().thread, "我家门口也是。", by=cast.vera)
    jobs.run_due(kinds=WORK)
    assert sent(cast.rita) == []

    with transaction():
        reply(reported().thread, "请走另一条路。", by=cast.otto)
    jobs.run_due(kinds=WORK)
    assert sent(cast.rita) == [("news", "mail")]


# --- the daily mail ----------------------------------------------------------------------------------------


def test_the_daily_mail_is_one_grouped_by_case_and_without_a_word_of_what_was_written(cast, thread_posted):
    with transaction():
        reach(cast.vera)
        begin(cast.vera, "section", "traffic")
    first = thread_posted()
    second = thread_posted(title="隔壁路口的标线看不清", body="夜里尤其危险。")
    with transaction():
        case_of(first).answer(by=cast.otto, answer="这里的信号灯夜里闪黄灯，白天恢复。", outcome="explained")
    jobs.run_due(kinds=WORK)
    assert sent(cast.vera) == []

    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=WORK)
    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=WORK)

    assert sent(cast.vera) == [("digest", "mail")]
    letter = digest_of(cast.vera)
    assert letter is not None
    for thread in (first, second):
        case = case_of(thread)
        assert letter.text.count(f"/cases/{case.number}#") == 1
        assert letter.text.count(case.thread.title) == 0
    for private in ("红绿灯", "标线", "青松路", "闪黄灯", "居民", "交警支队"):
        assert private not in letter.text + letter.subject
    assert letter.unsubscribe in letter.text


def test_nothing_is_sent_when_there_is_nothing(cast, app):
    with transaction():
        reach(cast.vera)
        begin(cast.vera, "section", "traffic")
    clock.advance(timedelta(days=3))
    jobs.run_due()

    assert sent(cast.vera) == []


def test_a_letter_leaves_out_what_was_hidden_read_or_followed_no_more_meanwhile(cast, thread_posted):
    with transaction():
        reach(cast.vera)
        begin(cast.vera, "section", "traffic")
        other = begin(cast.vera, "section", "household").public_id
    kept = thread_posted()
    held, seen = thread_posted(title="第二个路口"), thread_posted(title="第三个路口")
    left = thread_posted(section="household", title="身份证过期怎么办", body="去哪里换？")
    jobs.run_due(kinds=WORK)
    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=WORK)
    with transaction():
        case_of(held).thread.hold(by=cast.mona, reason="advert")
        from notifications.models import inbox

        inbox.read_about(case_of(seen).thread_id, by=cast.vera)
        following.end(following.own(cast.vera, other))

    letter = digest_of(cast.vera)
    assert letter is not None
    assert case_of(kept).number in letter.text
    for thread in (held, seen, left):
        assert case_of(thread).number not in letter.text

    with transaction():
        inbox.read_all(by=cast.vera)
    assert digest_of(cast.vera) is None


def test_a_letter_is_in_the_language_of_its_reader(cast, thread_posted):
    with transaction():
        reach(cast.vera)
        begin(cast.vera, "section", "traffic")
        following.rhythm_of(cast.vera, make=True).language = "en"
    thread_posted()
    jobs.run_due(kinds=WORK)
    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=WORK)

    letter = digest_of(cast.vera)
    assert letter is not None
    assert "Waiting" in letter.text
    assert letter.language == "en"
    assert not any("\u4e00" <= character <= "\u9fff" for character in letter.text)


def test_a_worker_that_was_down_for_two_days_sends_one_mail_and_not_three(cast, thread_posted):
    with transaction():
        reach(cast.vera)
        begin(cast.vera, "section", "traffic")
    numbers = []
    for day in range(3):
        numbers.append(case_of(thread_posted(title=f"第 {day} 天的路口")).number)
        if day == 0:
            jobs.run_due(kinds=WORK)  # and then nobody works for two days
        clock.advance(timedelta(days=1))
    jobs.run_due(kinds=WORK)
    clock.advance(timedelta(minutes=1))
    jobs.run_due(kinds=WORK)
    assert sent(cast.vera) == [("digest", "mail")]
    letter = digest_of(cast.vera)
    assert letter is not None
    assert all(number in letter.text for number in numbers)

    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=WORK)
    assert sent(cast.vera) == [("digest", "mail")]


def test_what_was_carried_long_ago_is_forgotten_and_nothing_else(cast, thread_posted):
    with transaction():
        reach(cast.vera)
        begin(cast.vera, "section", "traffic")
    for days in (0, 29, 1, 1):
        clock.advance(timedelta(days=days))
        thread_posted(title=f"{days} 天以后的路口")
        jobs.run_due(kinds=WORK)
    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=WORK)

    ages = [(clock.now() - row).days for row in db.session.scalars(select(Tiding.created_at))]
    assert ages == [3, 2, 1]


# --- quiet hours -------------------------------------------------------------------------------------------


def test_news_of_the_night_wait_for_the_morning_and_come_as_one(cast, reported):
    with transaction():
        reach(cast.rita, "mail", "push")
    clock.advance(timedelta(hours=13))  # 23:00 in the city
    with transaction():
        reported().accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
    clock.advance(timedelta(hours=2))
    with transaction():
        reply(reported().thread, "请走另一条路。", by=cast.otto)
    jobs.run_due(kinds=WORK)
    assert sent(cast.rita) == []

    clock.advance(timedelta(hours=5, minutes=59))
    jobs.run_due(kinds=WORK)
    assert sent(cast.rita) == []
    clock.advance(timedelta(minutes=1))
    jobs.run_due(kinds=WORK)
    assert sorted(sent(cast.rita)) == [("digest", "mail"), ("digest", "push")]
    letter = digest_of(cast.rita)
    assert letter is not None
    assert letter.text.count(reported().number) == 2  # its line and its address


def test_staff_have_no_quiet_hours(cast, thread_posted):
    with transaction():
        reach(cast.hugo)
        begin(cast.hugo, "section", "traffic", AT_ONCE)
    clock.advance(timedelta(hours=13))
    thread_posted()
    jobs.run_due(kinds=WORK)

    assert sent(cast.hugo) == [("news", "mail")]


def test_new_hours_hold_for_what_waits_already(cast, thread_posted):
    with transaction():
        reach(cast.vera)
        begin(cast.vera, "section", "traffic")
    thread_posted()
    jobs.run_due(kinds=WORK)
    with transaction():
        rhythm = following.rhythm_of(cast.vera, make=True)
        rhythm.digest_hour = 18
        tidings.move(cast.vera, rhythm)
    clock.advance(timedelta(hours=7, minutes=59))
    jobs.run_due(kinds=WORK)
    assert sent(cast.vera) == []
    clock.advance(timedelta(minutes=1))
    jobs.run_due(kinds=WORK)
    assert sent(cast.vera) == [("digest", "mail")]


def test_whoever_ends_his_quiet_hours_hears_at_once_though_somebody_else_did_just_before(cast, thread_posted):
    ids = crowd_follows(2)
    clock.advance(timedelta(hours=13))  # 23:00 in the city
    thread_posted()
    jobs.run_due(kinds=WORK)
    for key in ids:
        clock.advance(timedelta(seconds=1))
        with transaction() as session:
            person = session.get_one(Person, key)
            assert sent(person) == []
            rhythm = following.rhythm_of(person, make=True)
            rhythm.quiet_from = rhythm.quiet_until = 0
            tidings.move(person, rhythm)
        jobs.run_due(kinds=WORK)
        assert sent(db.session.get_one(Person, key)) == [("digest", "mail")]


# --- whoever stops ----------------------------------------------------------------------------------------


def test_who_stopped_the_mails_gets_none_not_even_what_waits(cast, thread_posted):
    with transaction():
        reach(cast.vera, "mail", "push")
        begin(cast.vera, "section", "traffic", AT_ONCE)
        begin(cast.vera, "place", "青松路")
        begin(cast.rita, "place", "青松路")
    thread_posted()
    clock.advance(timedelta(days=1))
    with transaction():
        following.switch_mails(unsubscribing.person_of(unsubscribing.token_of(cast.vera)), on=False)
    jobs.run_due(kinds=WORK)

    assert sent(cast.vera) == [("news", "push")]


def test_a_token_of_somebody_elses_making_stops_nothing(cast, app):
    token = unsubscribing.token_of(cast.vera)
    other = cast.rita.public_id + token[token.index("-") :]
    for wrong in (other, token[:-1], "", "-", cast.vera.public_id, token + "0", "张三-李四"):
        with pytest.raises(NotFound):
            unsubscribing.person_of(wrong)


# --- limits and what may be followed -------------------------------------------------------------------------


def test_a_hundred_follows_are_enough_and_saying_one_twice_is_one(cast, app):
    with transaction():
        for number in range(100):
            begin(cast.vera, "place", f"第{number}号大街")
        begin(cast.vera, "place", "第0号大街", AT_ONCE)
        with pytest.raises(Invalid, match="100"):
            begin(cast.vera, "place", "青松路")
    follows = db.session.scalars(select(Follow).where(Follow.person_id == cast.vera.id)).all()
    assert len(follows) == 100
    assert [each.how for each in follows if each.target == "第0号大街"] == [AT_ONCE]


@pytest.mark.parametrize(
    ("kind", "key", "error"),
    [
        ("section", "nothing", NotFound),
        ("section", "complaints", NotFound),
        ("department", "nothing", NotFound),
        ("place", "路", Invalid),
        ("place", " \u200b ", Invalid),
        ("place", "很长" * 21, Invalid),
        ("search", "q=", Invalid),
        ("search", "section=traffic", Invalid),
        ("search", "q=灯&section=nothing", Invalid),
        ("search", "q=" + "长" * 300, Invalid),
        ("person", "rita", NotFound),
    ],
)
def test_what_cannot_be_followed_is_refused(app, kind, key, error):
    with pytest.raises(error):
        target(kind, key)


def test_a_search_is_the_same_in_other_spaces_and_states(app):
    wanted = target("search", "q=路口+标线&section=traffic").key
    assert target("search", "section=traffic&q=路口%20%20标线&status=closed&before=5").key == wanted
    assert target("place", "Ｈｉｇｈ Street").key == target("place", "high street").key == "highstreet"


def test_an_unknown_how_is_refused(cast, app):
    with transaction(), pytest.raises(Invalid):
        begin(cast.vera, "section", "traffic", "by_pigeon")


def test_the_estimate_counts_what_everybody_could_read_lately(cast, thread_posted):
    for number in range(5):
        thread_posted(title=f"青松路第 {number} 个路口")
    thread_posted(section="110", title="有人持刀砍人", body="他要杀我，救命", place="青松路")
    assert target("section", "traffic").weekly() == 2
    assert target("department", "traffic-police").weekly() == 2
    assert target("place", "青松路").weekly() == 2
    assert target("section", "110").weekly() == 0
    clock.advance(timedelta(weeks=5))
    assert target("section", "traffic").weekly() == 0


def test_a_place_with_a_wildcard_is_only_itself(cast, thread_posted):
    with transaction():
        begin(cast.vera, "place", "%%")
        begin(cast.vera, "place", "__")
    thread_posted()
    jobs.run_due(kinds=WORK)
    assert heard(cast.vera) == []
    assert target("place", "%%").weekly() == 0


# --- faults ----------------------------------------------------------------------------------------------------


class PowerCut(BaseException):
    """The worker is gone between two statements."""


@contextmanager
def power_cut_at(statement: str, number: int) -> Iterator[None]:
    """Let the worker die before the `number`th statement of this kind."""
    seen = 0

    def note(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        nonlocal seen
        if sql.lstrip().upper().startswith(statement):
            seen += 1
            if seen == number:
                raise PowerCut

    sa_event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        sa_event.remove(db.engine, "before_cursor_execute", note)


def crowd_follows(number: int, how: str = AT_ONCE) -> list[int]:
    """So many more members who follow `traffic` and can be reached by mail; their table ids."""
    with transaction():
        people = [Person(kind="member", nickname=f"{how}{n}") for n in range(number)]
        db.session.add_all(people)
        db.session.flush()
        for person in people:
            reach(person)
            begin(person, "section", "traffic", how)
        return [person.id for person in people]


def told_and_sent() -> tuple[int, int]:
    return (
        db.session.scalar(select(func.count()).where(InboxItem.person_id.is_not(None))) or 0,
        db.session.scalar(select(func.count()).select_from(Delivery)) or 0,
    )


@pytest.mark.parametrize("number", [1, 2, 5, 9, 13, 20, 28])
def test_a_worker_killed_between_the_chunks_tells_everybody_once(cast, thread_posted, monkeypatch, number):
    monkeypatch.setattr(followers, "CHUNK", 2)
    ids = crowd_follows(5)
    thread = thread_posted()
    before = told_and_sent()
    event = db.session.scalars(select(CaseEvent.public_id).where(CaseEvent.kind == "thread.posted")).one()
    with power_cut_at("INSERT", number):
        try:
            followers.tell_followers(event)
        except PowerCut:
            pass
    db.session.rollback()
    clock.advance(timedelta(hours=14))  # and it is night when the next one takes over
    followers.tell_followers(event)
    followers.tell_followers(event)
    assert case_of(thread).status == "pending"

    assert told_and_sent()[0] == before[0] + 5
    clock.advance(timedelta(hours=8))
    jobs.run_due(kinds=WORK)
    clock.advance(timedelta(minutes=1))
    jobs.run_due(kinds=WORK)
    for key in ids:
        assert len(sent(db.session.get_one(Person, key))) == 1


def test_an_hour_that_is_about_to_strike_is_promised_once_for_everybody(cast, thread_posted):
    crowd_follows(5, DAILY)
    hour = next_hour(DIGEST_HOUR, clock.now())
    clock.advance(hour - clock.now() - timedelta(minutes=2))
    thread_posted()
    jobs.run_due(kinds=("tell-followers",))
    waiting = (
        select(func.count())
        .select_from(jobs.Job)
        .where(jobs.Job.kind == "carry-tidings", jobs.Job.due_at == hour)
    )
    assert db.session.scalar(waiting) == 1


@pytest.mark.parametrize("number", [1, 2, 3, 5, 7, 10])
def test_a_worker_killed_while_it_bundles_loses_and_doubles_no_mail(cast, thread_posted, monkeypatch, number):
    monkeypatch.setattr(tidings, "CHUNK", 2)
    ids = crowd_follows(5, DAILY)
    thread_posted()
    jobs.run_due(kinds=WORK)
    clock.advance(timedelta(days=1))
    with power_cut_at("UPDATE TIDING", number):
        try:
            tidings.carry_tidings()
        except PowerCut:
            pass
    db.session.rollback()
    tidings.carry_tidings()
    tidings.carry_tidings()

    for key in ids:
        assert sent(db.session.get_one(Person, key)) == [("digest", "mail")]
    assert db.session.scalar(select(func.count()).where(Tiding.bundle.is_(None))) == 0


# --- speed -----------------------------------------------------------------------------------------------------


class Work:
    """Counts statements and written rows while it is open."""

    def __enter__(self) -> Work:
        self.statements, self.rows = 0, 0
        sa_event.listen(db.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        sa_event.remove(db.engine, "before_cursor_execute", self._note)

    def _note(
        self, _connection: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        self.statements += 1
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE")):
            self.rows += len(parameters) if many else 1


def test_posting_costs_the_same_with_ten_and_with_ten_thousand_followers(cast, app):
    with transaction():
        posted(cast.rita)  # the first of its day counts more
    costs = []
    for name, number in (("few", 10), ("many", 10_000)):
        with transaction():
            start = (db.session.scalar(select(func.max(Person.id))) or 0) + 1
            people = [
                {"id": start + n, "kind": "member", "nickname_lookup": f"{name}{n}"} for n in range(number)
            ]
            db.session.execute(insert(Person), people)
            for kind, key in (("section", "traffic"), ("place", "青松路")):
                db.session.execute(
                    insert(Follow),
                    [
                        {"person_id": each["id"], "kind": kind, "target": key, "how": AT_ONCE}
                        for each in people
                    ],
                )
        clock.advance(timedelta(minutes=10))  # so that no call of the department is joined to the one before
        with Work() as work, transaction():
            posted(cast.rita, title=f"青松路口的灯又坏了 {name}")
        costs.append((work.statements, work.rows))

    assert costs[0] == costs[1]
    assert costs[0][1] < 100
