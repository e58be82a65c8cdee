"""The verbs of a case: who may, from where, what they say and what they need (domain.md §3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from board import clock, jobs
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, WrongState
from board.permissions import may
from boards.models import Case, Outcome, Status
from boards.models.posting import reply
from people.models import Department, Shift
from tests.builders import Cast

pytestmark = pytest.mark.engines("sqlite", "postgres")

Reported = Callable[[], Case]


def does(reported: Reported, cast: Cast, who: str, verb: str, **arguments: Any) -> Case:
    """Let somebody do a verb, in a transaction of its own; the case afterwards."""
    with transaction():
        getattr(reported(), verb)(by=getattr(cast, who), **arguments)
    return reported()


def kinds(case: Case) -> list[str]:
    return [event.kind for event in case.thread.events]


def accepted(reported: Reported, cast: Cast, answer: str = "已收到，两名民警正赶往路口。") -> Case:
    return does(reported, cast, "otto", "accept", answer=answer)


def off_duty(who: str, cast: Cast) -> None:
    with transaction() as session:
        session.execute(db.delete(Shift).where(Shift.person_id == cast.ids[who]))


WHO_MAY = {
    "acknowledge": {"otto", "lena"},
    "answer": {"otto", "lena"},
    "accept": {"otto", "otis", "lena"},
    "decline": {"otto", "otis", "lena"},
    "offer": {"otto", "otis", "lena"},
    "assist": {"otto", "otis", "lena"},
    "instruct": {"lena", "carl"},
    "relay": {"dana"},
    "route": {"dana"},
    "merge": {"dana"},
    "withdraw": {"rita"},
}


@pytest.mark.parametrize(("verb", "who"), WHO_MAY.items())
def test_who_is_offered_a_verb_on_a_new_case(
    cast: Cast, reported: Reported, verb: str, who: set[str]
) -> None:
    case = reported()
    assert {name for name in cast.names() if verb in case.open_verbs(getattr(cast, name))} == who


def test_a_leader_above_reads_instructs_and_decides_but_does_not_do_the_officers_work(
    cast: Cast, reported: Reported
) -> None:
    case = accepted(reported, cast)
    mine = case.open_verbs(cast.carl)
    assert {"instruct", "assign", "extend"} <= mine
    assert not mine & {"claim", "progress", "ask", "resolve", "offer", "assist", "suspend"}


def test_an_officer_who_is_not_on_duty_does_not_acknowledge(cast: Cast, reported: Reported) -> None:
    with pytest.raises(NotAllowed):
        does(reported, cast, "otis", "acknowledge")


def test_acknowledging_is_seen_but_is_no_reply(cast: Cast, reported: Reported) -> None:
    case = does(reported, cast, "otto", "acknowledge")
    assert case.acknowledged_by == cast.otto
    assert case.status == Status.PENDING
    assert case.open_clock("reply") is not None
    assert "acknowledge" not in case.open_verbs(cast.lena), "a colleague has done it"


def test_accepting_starts_resolve_and_no_update_yet(cast: Cast, reported: Reported) -> None:
    case = accepted(reported, cast)
    assert {each.kind for each in case.deadlines if each.is_open} == {"resolve"}


def test_the_update_clock_runs_from_the_moment_somebody_works_on_it(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    case = does(reported, cast, "otis", "claim")
    assert case.status == Status.IN_PROGRESS
    assert case.handler == cast.otis
    assert case.open_clock("update") is not None


def test_a_question_is_answered_in_one_transaction_of_four_steps(cast: Cast, reported: Reported) -> None:
    case = does(
        reported, cast, "otto", "answer", answer="这个路口归我们管，灯今天下午换好。", outcome="explained"
    )
    assert kinds(case)[1:] == ["case.acknowledged", "case.accepted", "case.claimed", "case.resolved"]
    assert (case.status, case.outcome) == (Status.RESOLVED, Outcome.EXPLAINED)


def test_an_answer_is_explained_or_solved_and_nothing_else(cast: Cast, reported: Reported) -> None:
    with pytest.raises(Invalid) as error:
        does(reported, cast, "otto", "answer", answer="今天下午换好。", outcome="planned")
    assert set(error.value.errors) == {"outcome"}
    assert reported().status == Status.PENDING


def test_a_colleagues_case_is_claimed_only_when_he_is_off_duty_and_you_are_on(
    cast: Cast, reported: Reported
) -> None:
    accepted(reported, cast)
    does(reported, cast, "otto", "claim")
    assert "claim" not in reported().open_verbs(cast.otis)
    with pytest.raises(WrongState):
        does(reported, cast, "otis", "claim")
    with transaction() as session:
        session.execute(
            db.update(Shift).where(Shift.person_id == cast.ids["otto"]).values(person_id=cast.ids["otis"])
        )
    assert does(reported, cast, "otis", "claim").handler == cast.otis


def test_while_the_handler_is_on_duty_colleagues_do_not_speak_for_him(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    case = does(reported, cast, "otto", "claim")
    for verb in ("progress", "ask", "suspend", "resolve"):
        assert not may(cast.otis, f"case.{verb}", case)
        assert may(cast.otto, f"case.{verb}", case)
    assert may(cast.otis, "case.note", case)
    db.session.rollback()
    off_duty("otto", cast)
    assert may(cast.otis, "case.progress", reported())


def test_only_somebody_of_the_department_is_assigned(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    with pytest.raises(Invalid):
        does(reported, cast, "lena", "assign", to=cast.hugo)
    assert does(reported, cast, "carl", "assign", to=cast.otis).handler == cast.otis


# --- what stops the reply clock ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "",
        "您好，已收到，正在安排。",
        "您好!已收到  正在安排",
        "您好，已收到，正在安排。您好，已收到，正在安排。",
        "好的",
        "已转相关部门处理",
    ],
)
def test_a_phrase_is_shown_as_accepted_and_is_no_answer(cast: Cast, reported: Reported, words: str) -> None:
    case = accepted(reported, cast, answer=words)
    assert case.status == Status.ACCEPTED
    assert case.open_clock("reply") is not None
    assert case.answered_at is None


def test_words_written_for_the_case_are_an_answer(cast: Cast, reported: Reported) -> None:
    case = accepted(reported, cast)
    assert case.open_clock("reply") is None
    assert case.answered_at == now()


def test_what_the_department_has_just_written_elsewhere_is_no_answer(
    cast: Cast, reported: Reported, thread_posted: Callable[..., str]
) -> None:
    accepted(reported, cast)
    from tests.builders import case_of

    other = thread_posted("vera")
    with transaction():
        case_of(other).accept(by=cast.otis, answer="已收到，两名民警正赶往路口！")
    assert case_of(other).open_clock("reply") is not None


def test_the_posters_words_a_strangers_and_internal_notes_stop_nothing(
    cast: Cast, reported: Reported
) -> None:
    does(reported, cast, "otto", "note", note="已联系厂家，下午三点到场。")
    for who in ("rita", "vera"):
        with transaction():
            reply(reported().thread, "今天早上又差点撞了，请快一点。", by=getattr(cast, who))
    assert reported().open_clock("reply") is not None
    with transaction():
        reply(reported().thread, "两名民警已到路口，先人工指挥。", by=cast.otto)
    assert reported().open_clock("reply") is None


def test_a_question_that_is_a_phrase_is_no_answer_either(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast, answer="")
    case = does(reported, cast, "otto", "ask", question="您好，已收到，正在安排。")
    assert case.status == Status.WAITING_POSTER
    assert case.open_clock("reply") is not None


def test_progress_stops_reply_and_starts_update_anew(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast, answer="")
    does(reported, cast, "otto", "claim")
    clock.advance(timedelta(hours=5))
    case = does(reported, cast, "otto", "progress", note="换下的控制器已送检，新件明早到。")
    assert case.open_clock("reply") is None
    update = case.open_clock("update")
    assert update is not None
    assert update.started_at == now()


# --- relaying, declining, instructing ----------------------------------------------------------------------------


def test_relaying_needs_the_desk_on_duty_a_receipt_and_a_call_and_happens_once(
    cast: Cast, reported: Reported
) -> None:
    with pytest.raises(Invalid):
        does(reported, cast, "dana", "relay", receipt="1", called_back=True)
    with pytest.raises(Invalid):
        does(reported, cast, "dana", "relay", receipt="110-0042", called_back=False)
    case = does(reported, cast, "dana", "relay", receipt="110-0042", called_back=True)
    assert case.status == Status.PENDING
    assert case.thread.events[-1].details == {"receipt": "110-0042"}
    assert "110-0042" not in str(case.thread.events[-1].public_fields())
    with pytest.raises(WrongState):
        does(reported, cast, "dana", "relay", receipt="110-0043", called_back=True)


def test_the_desk_off_duty_does_not_relay(cast: Cast, reported: Reported) -> None:
    off_duty("dana", cast)
    with pytest.raises(NotAllowed):
        does(reported, cast, "dana", "relay", receipt="110-0042", called_back=True)


def test_a_decline_changes_nothing_until_a_leader_agrees(cast: Cast, reported: Reported) -> None:
    case = does(reported, cast, "otto", "decline", reason="不归交警管。", advice="请找物业，电话在小区门口。")
    assert case.status == Status.PENDING
    assert case.thread.events[-1].visibility == "internal"
    approval = case.open_approval("decline")
    assert approval is not None
    with pytest.raises(WrongState):
        does(reported, cast, "otis", "decline", reason="不归交警管。", advice="请找物业。")
    with pytest.raises(NotAllowed):
        does(reported, cast, "otis", "decide", approval_id=approval.public_id, approve=True)
    case = does(reported, cast, "lena", "decide", approval_id=approval.public_id, approve=True)
    assert (case.status, case.outcome) == (Status.CLOSED, Outcome.DECLINED)
    assert case.outcome_details["advice"] == "请找物业，电话在小区门口。"
    assert [each for each in case.deadlines if each.is_open] == []


def test_a_refusal_needs_a_reason_and_leaves_the_case_as_it_was(cast: Cast, reported: Reported) -> None:
    case = does(reported, cast, "otto", "decline", reason="不归交警管。", advice="请找物业。")
    approval = case.approvals[0].public_id
    with pytest.raises(Invalid):
        does(reported, cast, "lena", "decide", approval_id=approval, approve=False)
    case = does(reported, cast, "lena", "decide", approval_id=approval, approve=False, reason="归我们管。")
    assert case.status == Status.PENDING
    assert case.approvals[0].decision == "refused"


def test_accepting_meanwhile_takes_back_the_request_to_decline(cast: Cast, reported: Reported) -> None:
    does(reported, cast, "otto", "decline", reason="不归交警管。", advice="请找物业。")
    case = accepted(reported, cast)
    assert case.open_approval() is None
    assert case.approvals[0].decision == "dropped"


def test_an_instruction_is_internal_unless_it_says_otherwise_and_changes_no_outcome(
    cast: Cast, reported: Reported
) -> None:
    case = does(reported, cast, "carl", "instruct", words="今天下班前办完。", owner=cast.otto)
    assert case.thread.events[-1].visibility == "internal"
    assert case.instructions[0].owner == cast.otto
    with pytest.raises(Invalid):
        does(reported, cast, "lena", "instruct", words="请办。", owner=cast.hugo)
    case = does(reported, cast, "lena", "instruct", words="今天必须修好。", public=True)
    assert case.thread.events[-1].public_text is not None
    assert (case.status, case.outcome) == (Status.PENDING, None)


# --- resolving ----------------------------------------------------------------------------------------------------


def test_resolving_from_accepted_claims_first(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    case = does(reported, cast, "otis", "resolve", answer="控制器已更换，灯已恢复。", outcome="solved")
    assert kinds(case)[-2:] == ["case.claimed", "case.resolved"]
    assert case.handler == cast.otis
    assert {each.kind for each in case.deadlines if each.is_open} == {"rating"}


def test_resolving_waits_for_assisting_departments(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    household = Department.by_key("household-police")
    db.session.rollback()
    case = does(reported, cast, "otto", "assist", department=household, words="请查一下住户。")
    assert "resolve" not in case.open_verbs(cast.otto)
    with pytest.raises(WrongState, match="户政支队"):
        does(reported, cast, "otto", "resolve", answer="控制器已更换，灯已恢复。", outcome="solved")
    task = case.assists[0].public_id
    with pytest.raises(NotAllowed):
        does(reported, cast, "otto", "answer_assist", task_id=task, words="查过了。")
    does(reported, cast, "hugo", "answer_assist", task_id=task, words="住户已核对，三户受影响。")
    assert (
        does(reported, cast, "otto", "resolve", answer="灯已恢复。", outcome="solved").status
        == Status.RESOLVED
    )


def test_a_leader_waives_a_task(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    heating = Department.by_key("heating")
    db.session.rollback()
    case = does(reported, cast, "otto", "assist", department=heating, words="请关阀门。")
    with pytest.raises(NotAllowed):
        does(reported, cast, "otto", "waive_assist", task_id=case.assists[0].public_id)
    case = does(reported, cast, "lena", "waive_assist", task_id=case.assists[0].public_id)
    assert "resolve" in case.open_verbs(cast.otto)


@pytest.mark.parametrize(
    ("outcome", "missing", "details"),
    [
        ("planned", {"date"}, {}),
        ("transferred", {"number", "contact"}, {}),
        ("transferred", {"contact"}, {"number": "GR-118"}),
        ("impossible", {"reason"}, {}),
        ("duplicate", {"outcome"}, {}),
        ("withdrawn", {"outcome"}, {}),
        ("done", {"outcome"}, {}),
    ],
)
def test_each_outcome_says_what_it_must(
    cast: Cast, reported: Reported, outcome: str, missing: set[str], details: dict[str, Any]
) -> None:
    accepted(reported, cast)
    with pytest.raises(Invalid) as error:
        does(reported, cast, "otto", "resolve", answer="说明如下。", outcome=outcome, **details)
    assert set(error.value.errors) == missing


def test_four_eyes_means_two_persons_even_for_a_leader(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    with transaction():
        reported().thread.section.four_eyes = True
    case = does(reported, cast, "lena", "resolve", answer="控制器已更换。", outcome="solved")
    assert case.status == Status.ACCEPTED
    approval = case.approvals[0].public_id
    with pytest.raises(NotAllowed):
        does(reported, cast, "lena", "decide", approval_id=approval, approve=True)
    case = does(reported, cast, "carl", "decide", approval_id=approval, approve=True)
    assert case.status == Status.RESOLVED
    assert case.thread.events[-1].actor == cast.lena


def test_on_the_date_of_a_plan_the_poster_is_asked_and_no_reopens_it(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    date = now() + timedelta(days=20)
    does(reported, cast, "otto", "resolve", answer="列入下月换灯计划。", outcome="planned", date=date)
    assert "follow_up" not in reported().open_verbs(cast.rita)
    db.session.rollback()
    clock.advance(timedelta(days=21))
    jobs.run_due(kinds=("ask-follow-up", "deadline-due"))
    assert "case.follow_up_asked" in kinds(reported())
    case = does(reported, cast, "rita", "follow_up", done=False)
    assert (case.status, case.round, case.outcome) == (Status.ACCEPTED, 2, None)
    with pytest.raises(WrongState):
        does(reported, cast, "rita", "follow_up", done=True)


def test_a_transfer_nobody_called_about_comes_back_to_the_desk(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    does(
        reported,
        cast,
        "otto",
        "resolve",
        answer="已转供热公司。",
        outcome="transferred",
        number="GR-118",
        contact="小区专员",
    )
    clock.advance(timedelta(days=13))
    jobs.run_due(kinds=("ask-follow-up", "deadline-due"))
    assert "case.follow_up_asked" not in kinds(reported()), "ten working days are not over"
    db.session.rollback()
    clock.advance(timedelta(days=2))
    jobs.run_due(kinds=("ask-follow-up", "deadline-due"))
    case = does(reported, cast, "rita", "follow_up", done=False)
    assert case.department.is_desk
    assert case.round == 2


# --- the poster's verbs ---------------------------------------------------------------------------------------------


def test_reminding_comes_after_half_the_time_and_once_a_working_day(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    with pytest.raises(WrongState):
        does(reported, cast, "rita", "nudge")
    clock.advance(timedelta(days=3, hours=13))  # Friday, 23:00 in the city
    does(reported, cast, "rita", "nudge")
    for hours in (1, 14, 23):  # Saturday and Sunday are no working days
        clock.advance(timedelta(hours=hours))
        with pytest.raises(WrongState):
            does(reported, cast, "rita", "nudge")
    clock.advance(timedelta(hours=12))  # Monday
    does(reported, cast, "rita", "nudge")
    clock.advance(timedelta(hours=9))
    with pytest.raises(WrongState):
        does(reported, cast, "rita", "nudge")


def test_a_reminder_goes_to_the_leader(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    clock.advance(timedelta(days=4))
    with transaction():
        told = reported().nudge(by=cast.rita).audience
        assert {person.name for person, _reason in told.persons.values()} == {"李娜"}


def test_withdrawing_closes_and_says_to_nobody_whether_he_was_pressed(cast: Cast, reported: Reported) -> None:
    case = does(reported, cast, "rita", "withdraw", pressed="yes")
    assert (case.status, case.outcome) == (Status.CLOSED, Outcome.WITHDRAWN)
    event = case.thread.events[-1]
    assert "pressed" not in event.public_fields()["parameters"]
    assert case.open_verbs(cast.rita) == {"reopen"}


def test_reopening_begins_a_round_twice_alone_within_thirty_days(cast: Cast, reported: Reported) -> None:
    for round_number in (2, 3):
        if round_number == 2:
            accepted(reported, cast)
        does(reported, cast, "otto", "resolve", answer=f"第 {round_number} 次修好。", outcome="solved")
        case = does(reported, cast, "rita", "reopen", words="还是闪黄灯。")
        assert (case.round, case.status, case.outcome, case.handler) == (
            round_number,
            Status.ACCEPTED,
            None,
            None,
        )
        assert {each.kind for each in case.deadlines if each.is_open} == {"reply", "resolve"}
    does(reported, cast, "otto", "resolve", answer="这次换了整套设备。", outcome="solved")
    with pytest.raises(WrongState):
        does(reported, cast, "rita", "reopen", words="还是不行。")


def test_after_thirty_days_a_new_post_is_the_way(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    does(reported, cast, "otto", "resolve", answer="灯已恢复正常。", outcome="solved")
    clock.advance(timedelta(days=7, hours=1))
    jobs.run_due(kinds=("deadline-due",))
    clock.advance(timedelta(days=29))
    assert "reopen" in reported().open_verbs(cast.rita)
    clock.advance(timedelta(days=2))
    assert "reopen" not in reported().open_verbs(cast.rita)
