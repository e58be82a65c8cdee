"""Waiting, suspending, extending, breaking a promise: what the clocks of a case do (domain.md §3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from board import clock, jobs
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, WrongState
from board.workdays import DayName, put_days
from boards.models import Case, Deadline, Status
from boards.models.posting import reply
from people.models import Department
from tests.builders import Cast
from tests.domain.test_case_verbs import accepted, does, kinds

pytestmark = pytest.mark.engines("sqlite", "postgres")

Reported = Callable[[], Case]
TIME = ("deadline-due", "deadline-reminder", "handover-due", "resume-case", "recompute-deadlines")


def due(reported: Reported, kind: str) -> datetime | None:
    found = reported().clock(kind)
    assert found is not None
    moment = found.due_at
    db.session.rollback()
    return moment


def run_until(moment: datetime) -> None:
    """Let time pass up to `moment`, each job at its own minute."""
    while True:
        at = db.session.scalar(
            db.select(db.func.min(jobs.Job.due_at)).where(
                jobs.Job.done_at.is_(None), jobs.Job.due_at <= moment, jobs.Job.kind.in_(TIME)
            )
        )
        db.session.rollback()
        if at is None:
            break
        clock.advance(max(at - now(), timedelta(0)))
        jobs.run_due(kinds=TIME)
    clock.advance(max(moment - now(), timedelta(0)))


def test_a_question_lets_resolve_stand_still_and_any_reply_of_the_poster_ends_the_wait(
    cast: Cast, reported: Reported
) -> None:
    accepted(reported, cast)
    before = due(reported, "resolve")
    assert before is not None
    does(reported, cast, "otto", "ask", question="是东西方向还是南北方向的灯？")
    assert due(reported, "resolve") is None
    clock.advance(timedelta(hours=30))
    with transaction():
        reply(reported().thread, "东西方向。", by=cast.rita)
    case = reported()
    assert case.status == Status.IN_PROGRESS
    assert kinds(case)[-1] == "case.supplemented"
    assert due(reported, "resolve") == before + timedelta(hours=30)


def test_a_strangers_reply_does_not_end_the_wait(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    does(reported, cast, "otto", "ask", question="是哪个方向的灯？")
    with transaction():
        reply(reported().thread, "我也看到了。", by=cast.vera)
    assert reported().status == Status.WAITING_POSTER


def test_when_the_wait_runs_out_work_goes_on_and_nothing_is_closed(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    does(reported, cast, "otto", "ask", question="是哪个方向的灯？")
    run_until(now() + timedelta(days=8))
    case = reported()
    assert case.status == Status.IN_PROGRESS
    assert "case.wait_ended" in kinds(case)


def test_a_wait_that_nobody_ended_in_time_ends_when_it_was_promised_to(
    cast: Cast, reported: Reported
) -> None:
    accepted(reported, cast)
    before = due(reported, "resolve")
    does(reported, cast, "otto", "ask", question="是哪个方向的灯？")
    asked, ends = now(), due(reported, "poster")
    assert before is not None
    assert ends is not None
    clock.advance(timedelta(days=12))
    jobs.run_due(kinds=TIME)  # the worker was away for days
    assert due(reported, "resolve") == before + (ends - asked)


def test_the_second_question_of_a_round_is_the_leaders_to_allow(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    does(reported, cast, "otto", "ask", question="是哪个方向的灯？")
    does(reported, cast, "rita", "supplement", words="东西方向。")
    case = does(reported, cast, "otto", "ask", question="是几号灯杆？")
    assert case.status == Status.IN_PROGRESS
    case = does(reported, cast, "lena", "decide", approval_id=case.approvals[0].public_id, approve=True)
    assert case.status == Status.WAITING_POSTER


def test_the_waits_of_a_round_are_five_working_days_in_all(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    does(reported, cast, "otto", "ask", question="是哪个方向的灯？")
    clock.advance(timedelta(days=3))  # Tuesday to Friday
    does(reported, cast, "rita", "supplement", words="东西方向。")
    does(reported, cast, "lena", "ask", question="是几号灯杆？")
    # Two of the five are left: Friday 10:00 to Tuesday 10:00 in the city.
    assert due(reported, "poster") == datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
    run_until(now() + timedelta(days=5))
    assert reported().status == Status.IN_PROGRESS
    assert "ask" not in reported().open_verbs(cast.lena)
    db.session.rollback()
    with pytest.raises(WrongState):
        does(reported, cast, "lena", "ask", question="还有一个问题？")


def test_asking_directly_takes_back_the_request_to_ask(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    does(reported, cast, "otto", "ask", question="是哪个方向的灯？")
    does(reported, cast, "rita", "supplement", words="东西方向。")
    does(reported, cast, "otto", "ask", question="是几号灯杆？")
    case = does(reported, cast, "lena", "ask", question="灯杆上写的几号？")
    assert case.status == Status.WAITING_POSTER
    assert [each.decision for each in case.approvals] == ["dropped"]


def test_suspending_needs_a_leader_a_reason_and_an_end_within_thirty_days(
    cast: Cast, reported: Reported
) -> None:
    accepted(reported, cast)
    until = now() + timedelta(days=10)
    with pytest.raises(Invalid):
        does(reported, cast, "otto", "suspend", reason=" ", until=until)
    for wrong in (None, now() - timedelta(days=1), now() + timedelta(days=31)):
        with pytest.raises(Invalid):
            does(reported, cast, "otto", "suspend", reason="等待鉴定", until=wrong)
    before = due(reported, "resolve")
    case = does(reported, cast, "otto", "suspend", reason="等待鉴定", until=until)
    assert case.status == Status.ACCEPTED
    case = does(reported, cast, "lena", "decide", approval_id=case.approvals[0].public_id, approve=True)
    assert case.status == Status.SUSPENDED
    assert before is not None
    run_until(until + timedelta(minutes=1))
    case = reported()
    assert case.status == Status.ACCEPTED, "it goes on by itself"
    assert due(reported, "resolve") == before + timedelta(days=10)
    assert "suspend" not in reported().open_verbs(cast.lena), "once a round"
    db.session.rollback()
    with pytest.raises(WrongState):
        does(reported, cast, "lena", "suspend", reason="等待鉴定", until=now() + timedelta(days=3))


def test_a_suspension_can_be_ended_early(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    before = due(reported, "resolve")
    assert before is not None
    does(reported, cast, "lena", "suspend", reason="等待鉴定", until=now() + timedelta(days=10))
    clock.advance(timedelta(days=2))
    does(reported, cast, "otto", "resume")
    assert due(reported, "resolve") == before + timedelta(days=2)
    run_until(now() + timedelta(days=9))
    assert kinds(reported()).count("case.resumed") == 1


def test_an_extension_comes_before_the_date_once_a_round_from_a_leader(
    cast: Cast, reported: Reported
) -> None:
    with pytest.raises(WrongState):
        does(reported, cast, "lena", "extend", until=now() + timedelta(days=9), reason="设备在路上。")
    accepted(reported, cast)
    with pytest.raises(NotAllowed):
        does(reported, cast, "otto", "extend", until=now() + timedelta(days=9), reason="设备在路上。")
    with pytest.raises(Invalid):
        does(reported, cast, "lena", "extend", until=now() + timedelta(days=6), reason="比原来还早。")
    with pytest.raises(Invalid):
        does(reported, cast, "lena", "extend", until=now() + timedelta(days=9), reason=" ")
    until = now() + timedelta(days=9)
    does(reported, cast, "lena", "extend", until=until, reason="设备在路上。")
    assert due(reported, "resolve") == until
    assert "extend" not in reported().open_verbs(cast.lena)


def test_a_date_that_is_over_is_not_extended(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    clock.advance(timedelta(days=7))
    with pytest.raises(WrongState):
        does(reported, cast, "lena", "extend", until=now() + timedelta(days=9), reason="设备在路上。")


# --- breaches ------------------------------------------------------------------------------------------------


def test_a_broken_promise_is_told_to_the_leader_and_never_erased(cast: Cast, reported: Reported) -> None:
    run_until(now() + timedelta(hours=1))
    case = reported()
    event = next(event for event in case.thread.events if event.kind == "case.overdue")
    assert event.parameters["clock"] == "reply"
    assert event.parameters["held"] == [["traffic-police", "1800"]]
    assert case.overdue
    accepted(reported, cast)
    case = reported()
    assert not case.overdue
    assert case.ever_overdue
    assert [each.kind for each in case.breaches] == ["reply"]


def test_a_breach_is_noted_although_the_worker_was_away(cast: Cast, reported: Reported) -> None:
    clock.advance(timedelta(hours=2))
    case = accepted(reported, cast)
    assert kinds(case) == ["thread.posted", "case.overdue", "case.accepted"]
    jobs.run_due(kinds=TIME)
    assert kinds(reported()).count("case.overdue") == 1


def test_a_breach_names_each_department_with_the_time_it_held_the_case(
    cast: Cast, reported: Reported
) -> None:
    accepted(reported, cast)
    household = Department.by_key("household-police")
    db.session.rollback()
    clock.advance(timedelta(days=1))
    case = does(reported, cast, "otto", "offer", to=household, reason="是户口的事。")
    handover = case.open_handover()
    assert handover is not None
    does(reported, cast, "hugo", "take", handover_id=handover.public_id)
    run_until(now() + timedelta(days=8))
    held = [event.parameters["held"] for event in reported().thread.events if event.kind == "case.overdue"]
    assert held[-1] == [["traffic-police", str(86_400)], ["household-police", str(6 * 86_400)]]


def test_reminders_come_at_half_and_at_four_fifths_of_the_time(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    does(reported, cast, "otto", "claim")
    start = now()
    run_until(start + timedelta(days=7) - timedelta(hours=1))
    reminded = [event for event in reported().thread.events if event.kind == "case.reminded"]
    about = [event for event in reminded if event.parameters["clock"] == "resolve"]
    assert [event.parameters["percent"] for event in about] == [50, 80]
    assert [event.at - start for event in about] == [timedelta(days=3.5), timedelta(days=5.6)]
    assert all(event.visibility == "internal" for event in about)


# --- the calendar --------------------------------------------------------------------------------------------


def test_a_new_holiday_moves_running_promises_later_and_says_so(
    cast: Cast, reported: Reported, thread_posted: Callable[..., str]
) -> None:
    before = due(reported, "accept")  # one working day
    assert before is not None
    with transaction():
        put_days({date(2026, 11, 18): DayName("holiday", "放假", "Holiday")}, source="test")
    jobs.run_due(kinds=("recompute-deadlines",))
    assert due(reported, "accept") == before + timedelta(days=1)
    assert "case.recomputed" in kinds(reported())


def test_the_recomputation_of_the_calendar_is_told_once(cast: Cast, reported: Reported) -> None:
    with transaction():
        put_days({date(2026, 11, 18): DayName("holiday", "放假", "Holiday")}, source="test")
    jobs.run_due(kinds=("recompute-deadlines",))
    with transaction():
        jobs.put("recompute-deadlines", key="again")
    jobs.run_due(kinds=("recompute-deadlines",))
    assert kinds(reported()).count("case.recomputed") == 1


def test_a_case_at_rest_has_no_clock(cast: Cast, reported: Reported) -> None:
    does(reported, cast, "rita", "withdraw")
    run_until(now() + timedelta(days=60))
    assert all(each.stopped_at is not None for each in db.session.scalars(db.select(Deadline)))
    assert kinds(reported())[-1] == "case.withdrawn"
