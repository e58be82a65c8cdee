"""Two hands at the same moment: one wins, the other is told who was first, and nothing is lost or told twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm.exc import StaleDataError

from board import once
from board.clock import local, now
from board.db import db, transaction
from board.errors import WrongState
from board.i18n import speaking
from boards.models import Case, CaseEvent, Thread
from boards.models.posting import reply
from boards.models.tally import reconcile
from boards.models.timeline import verify
from complaints.models import Reprisal, Sealing
from people.models import Department
from tests.builders import Cast, posted
from tests.complaining import open_complaints
from tests.domain.conftest import at_once

City = tuple[Flask, Cast]


def reported(cast: Cast, who: str = "rita") -> str:
    with transaction():
        thread = posted(getattr(cast, who))
        assert thread.case is not None
        return thread.case.number


def as_(cast: Cast, who: str, number: str, verb: Callable[[Case, Any], Any]) -> Callable[[], Any]:
    """What a view does: load the case for change inside the transaction, act."""

    def act() -> Any:
        with transaction():
            by = getattr(cast, who)
            return verb(Case.numbered(number, reader=by, for_change=True), by).kind

    return act


def kinds_of(number: str) -> list[str]:
    return list(
        db.session.scalars(
            db.select(CaseEvent.kind).join(Case, CaseEvent.case_id == Case.id).where(Case.number == number)
        )
    )


def test_two_officers_accept_at_once_and_the_second_reads_who_was_first(city: City) -> None:
    application, cast = city
    number = reported(cast)
    results = at_once(
        application,
        *(
            as_(cast, who, number, lambda case, by: case.accept(by=by, answer=f"{by.badge} 马上去路口查看。"))
            for who in ("otto", "otis")
        ),
    )
    losers = [each for each in results if isinstance(each, WrongState)]
    assert sorted(map(str, (each for each in results if not isinstance(each, Exception)))) == [
        "case.accepted"
    ]
    assert len(losers) == 1
    with speaking("zh"):
        assert "交警支队" in str(losers[0])
        assert f"{local(now()):%H:%M}" in str(losers[0])
    assert kinds_of(number).count("case.accepted") == 1
    case = db.session.scalar(db.select(Case).where(Case.number == number))
    assert case is not None
    assert [each.kind for each in case.deadlines].count("resolve") == 1
    assert all(finding.chain for finding in verify(case.thread.events))
    db.session.rollback()
    with transaction():
        assert reconcile() == []


def test_two_inspectors_decide_at_once_and_one_is_told_that_it_is_done(city: City) -> None:
    application, cast = city
    with transaction():
        open_complaints(cast)
    number = reported(cast)
    with transaction():
        case = db.session.scalars(db.select(Case).where(Case.number == number)).one()
        sealing = Sealing.propose(case, by=cast.lena, ground="privacy", words="写有第三人的病情。").public_id
        report = Reprisal.file(case, by=cast.rita, words="有人打电话吓我。").public_id

    def decide(who: str, agree: bool) -> Callable[[], Any]:
        def act() -> Any:
            with transaction():
                by = getattr(cast, who)
                row = Sealing.by_public_id(sealing, reader=by)
                row.confirm(by=by) if agree else row.refuse(by=by, words="依据不成立。")
                return row.state

        return act

    def answer(who: str) -> Callable[[], Any]:
        def act() -> None:
            with transaction():
                by = getattr(cast, who)
                Reprisal.by_public_id(report, reader=by).give(by=by, words=f"{who} 已约谈。")

        return act

    decided = at_once(application, decide("ines", True), decide("ida", False))
    assert sorted(type(each).__name__ for each in decided) == ["WrongState", "str"]
    steps = kinds_of(number)
    assert steps.count("seal.confirmed") + steps.count("seal.refused") == 1
    answered = at_once(application, answer("ines"), answer("ida"))
    assert sorted(type(each).__name__ for each in answered) == ["NoneType", "WrongState"]
    case = db.session.scalars(db.select(Case).where(Case.number == number)).one()
    assert all(finding.chain for finding in verify(case.thread.events))


def test_four_threads_of_fifty_counts_lose_none(city: City) -> None:
    application, cast = city
    with transaction():
        thread_id = posted(cast.rita).public_id

    def count() -> None:
        for _ in range(50):
            with transaction():
                Thread.by_public_id(thread_id, reader=None, for_change=True).views_count += 1

    assert at_once(application, *[count] * 4) == [None] * 4
    assert Thread.by_public_id(thread_id, reader=None).views_count == 200


def test_posts_of_the_same_second_get_different_numbers_without_a_gap(city: City) -> None:
    application, cast = city

    def post(who: str) -> str:
        with transaction():
            thread = posted(getattr(cast, who))
            assert thread.case is not None
            return thread.case.number

    numbers = at_once(application, *[lambda who=who: post(who) for who in ("rita", "vera") * 4])
    day = f"{local(now()):%Y%m%d}"
    assert sorted(numbers) == [f"{day}-{place:04d}" for place in range(1, 9)]
    with transaction():
        assert reconcile() == []


def test_a_form_sent_twice_at_once_acts_once_and_both_are_led_to_the_same_place(city: City) -> None:
    application, cast = city
    token = once.fresh()

    def send() -> str:
        with transaction():
            before = once.used(token)
            if before is not None:
                return before
            url = f"/t/{posted(cast.rita).public_id}"
            once.use(token, url)
            return url

    first, second = at_once(application, send, send)
    assert first == second
    assert db.session.scalar(db.select(db.func.count(Thread.id))) == 1


def test_a_request_decided_by_two_leaders_at_once_is_performed_once(city: City) -> None:
    application, cast = city
    number = reported(cast)
    as_(
        cast, "otto", number, lambda case, by: case.decline(by=by, reason="不归交警管。", advice="请找物业。")
    )()
    approval = Case.numbered(number, reader=None).approvals[0].public_id
    db.session.rollback()
    results = at_once(
        application,
        as_(cast, "lena", number, lambda case, by: case.decide(approval, by=by, approve=True)),
        as_(
            cast,
            "carl",
            number,
            lambda case, by: case.decide(approval, by=by, approve=False, reason="再看看。"),
        ),
    )
    assert sum(isinstance(each, WrongState) for each in results) == 1
    assert sum(isinstance(each, str) for each in results) == 1
    assert len([kind for kind in kinds_of(number) if kind in ("case.declined", "approval.refused")]) == 1


def test_a_handover_taken_and_returned_at_once_is_one_of_the_two(city: City) -> None:
    application, cast = city
    number = reported(cast)
    as_(
        cast, "otto", number,
        lambda case, by: case.offer(by=by, to=Department.by_key("household-police"), reason="是户口的事。"),
    )()  # fmt: skip
    offered = Case.numbered(number, reader=None).handovers[0].public_id
    db.session.rollback()
    results = at_once(
        application,
        as_(cast, "hugo", number, lambda case, by: case.take(offered, by=by)),
        as_(cast, "hugo", number, lambda case, by: case.return_(offered, by=by, reason="是信号灯。")),
    )
    assert sum(isinstance(each, WrongState) for each in results) == 1
    case = Case.numbered(number, reader=None)
    taken = "case.taken" in results
    assert case.department.key == ("household-police" if taken else "traffic-police")
    assert case.handovers[0].state == ("taken" if taken else "returned")


def test_replies_at_once_make_one_chain(city: City) -> None:
    application, cast = city
    with transaction():
        thread_id = posted(cast.rita).public_id

    def say(who: str) -> None:
        for place in range(5):
            with transaction():
                by = getattr(cast, who)
                thread = Thread.by_public_id(thread_id, reader=by, for_change=True)
                reply(thread, f"{who} 说的第 {place + 1} 句话。", by=by)

    assert at_once(application, lambda: say("rita"), lambda: say("vera"), lambda: say("otto")) == [None] * 3
    thread = Thread.by_public_id(thread_id, reader=None)
    assert thread.replies_count == 15
    assert [event.seq for event in thread.events] == list(range(1, 17))
    assert all(finding.chain for finding in verify(thread.events))


def test_a_case_changed_behind_a_stale_row_is_refused(city: City) -> None:
    _application, cast = city
    number = reported(cast)

    def overtaken(case: Case, by: Any) -> Any:
        rows = Case.__table__
        db.session.execute(db.update(rows).where(rows.c.id == case.id).values(version_id=case.version_id + 1))
        return case.acknowledge(by=by)

    with pytest.raises(StaleDataError):
        as_(cast, "otto", number, overtaken)()
    assert "case.acknowledged" not in kinds_of(number)


def test_whoever_waited_for_a_case_that_moved_meanwhile_finds_it_where_it_is(city: City) -> None:
    """A case that goes to another department while somebody waits for it is not missing for whoever waited."""
    application, cast = city
    number = reported(cast)
    held, let_go = threading.Event(), threading.Event()

    def move() -> None:
        with transaction():
            case = Case.numbered(number, reader=cast.dana, for_change=True)
            held.set()
            case.route(by=cast.dana, to=Department.by_key("household-police"))
            db.session.flush()
            let_go.wait(0.3)

    def look() -> str:
        held.wait(10)
        with transaction():
            return Case.numbered(number, reader=cast.otto, for_change=True).department.key

    assert at_once(application, move, look) == [None, "household-police"]
