"""Whose case it is: routing, offering, taking, returning, and who answers for it meanwhile (domain.md §3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from board import clock, jobs
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, WrongState
from boards.models import Case, Status, Thread
from boards.models.duty import responsible
from boards.policy import sees
from people.models import Appointment, Department, Shift
from tests.builders import Cast, posted
from tests.domain.test_case_verbs import accepted, does, kinds

pytestmark = pytest.mark.engines("sqlite", "postgres")

Reported = Callable[[], Case]


def department(key: str) -> Department:
    return Department.by_key(key)


def offered(reported: Reported, cast: Cast, to: str = "household-police", by: str = "otto") -> str:
    with transaction():
        reported().offer(by=getattr(cast, by), to=department(to), reason="这是户口的事。")
    handover = reported().open_handover()
    assert handover is not None
    found = handover.public_id
    db.session.rollback()
    return found


def route(reported: Reported, cast: Cast, to: str) -> Case:
    with transaction():
        reported().route(by=cast.dana, to=department(to))
    return reported()


def dues(reported: Reported) -> dict[str, datetime | None]:
    found = {each.kind: each.due_at for each in reported().deadlines if each.is_open}
    db.session.rollback()
    return found


def test_until_somebody_takes_it_the_old_lead_stays_responsible_and_no_clock_moves(
    cast: Cast, reported: Reported
) -> None:
    accepted(reported, cast)
    before = dues(reported)
    handover = offered(reported, cast)
    assert reported().department.key == "traffic-police"
    assert cast.otto in responsible(reported())
    clock.advance(timedelta(hours=1))
    case = does(reported, cast, "hugo", "take", handover_id=handover)
    assert case.department.key == "household-police"
    assert case.status == Status.ACCEPTED
    assert case.handler is None
    assert dues(reported) == before


def test_taking_a_case_somebody_works_on_goes_on_in_the_takers_hands(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    does(reported, cast, "otto", "claim")
    case = does(reported, cast, "hugo", "take", handover_id=offered(reported, cast))
    assert case.status == Status.IN_PROGRESS
    assert case.handler == cast.hugo


def test_only_the_department_it_is_offered_to_takes_it(cast: Cast, reported: Reported) -> None:
    handover = offered(reported, cast)
    for who in ("otto", "lena", "dana", "carl", "rita"):
        with pytest.raises(NotAllowed):
            does(reported, cast, who, "take", handover_id=handover)


def test_a_take_with_hardly_any_time_left_is_marked(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    clock.advance(timedelta(days=6))
    handover = offered(reported, cast)
    case = does(reported, cast, "hugo", "take", handover_id=handover)
    assert case.handovers[0].late
    assert case.thread.events[-1].parameters["late"] is True


def test_one_offer_at_a_time_and_not_to_oneself(cast: Cast, reported: Reported) -> None:
    with pytest.raises(Invalid):
        offered(reported, cast, to="traffic-police")
    offered(reported, cast)
    with pytest.raises(WrongState):
        offered(reported, cast, to="heating")


def test_the_second_return_goes_to_the_desk_whose_word_binds(cast: Cast, reported: Reported) -> None:
    for _ in range(2):
        does(reported, cast, "hugo", "return_", handover_id=offered(reported, cast), reason="是信号灯。")
    case = reported()
    assert case.at_desk
    assert case.department.key == "traffic-police", (
        "the old lead stays responsible until the desk has decided"
    )
    db.session.rollback()
    case = route(reported, cast, "traffic-police")
    assert not case.at_desk
    db.session.rollback()
    with pytest.raises(WrongState):
        offered(reported, cast)
    assert "offer" not in reported().open_verbs(cast.otto)


def test_an_offer_nobody_answers_goes_to_the_desk(cast: Cast, reported: Reported) -> None:
    offered(reported, cast)
    clock.advance(timedelta(hours=2, minutes=1))
    jobs.run_due(kinds=("handover-due",))
    case = reported()
    assert case.at_desk
    assert case.handovers[0].state == "expired"
    assert kinds(case)[-1] == "case.handover_expired"


def test_the_desk_decides_even_while_the_poster_is_asked(cast: Cast, reported: Reported) -> None:
    accepted(reported, cast)
    does(reported, cast, "otto", "ask", question="是哪个方向的灯？")
    offered(reported, cast)
    clock.advance(timedelta(hours=3))
    jobs.run_due(kinds=("handover-due",))
    case = route(reported, cast, "household-police")
    assert (case.status, case.department.key) == (Status.WAITING_POSTER, "household-police")
    case = does(reported, cast, "rita", "supplement", words="东西方向。")
    assert case.status == Status.ACCEPTED, "nobody works on it yet"


def test_only_the_desk_routes_and_only_what_has_no_owner(cast: Cast, reported: Reported) -> None:
    for who in ("otto", "lena", "carl", "hugo", "mona"):
        with pytest.raises(NotAllowed):
            does(reported, cast, who, "route", to=department("household-police"))
    accepted(reported, cast)
    with pytest.raises(WrongState):
        does(reported, cast, "dana", "route", to=department("household-police"))


def test_what_the_desk_sends_may_come_back_once_within_two_hours(cast: Cast, reported: Reported) -> None:
    case = route(reported, cast, "household-police")
    routing = case.fresh_routing()
    assert routing is not None
    assert "return" in case.open_verbs(cast.hugo)
    assert "return" not in case.open_verbs(cast.otto)
    assert "offer" not in case.open_verbs(cast.hugo), "it binds"
    handover = routing.public_id
    db.session.rollback()
    clock.advance(timedelta(minutes=119))
    case = does(reported, cast, "hugo", "return_", handover_id=handover, reason="是信号灯。")
    assert case.department.is_desk
    assert case.at_desk
    db.session.rollback()
    case = route(reported, cast, "household-police")
    assert case.fresh_routing() is None, "once"
    assert "return" not in case.open_verbs(cast.hugo)


def test_after_two_hours_what_the_desk_sent_stays(cast: Cast, reported: Reported) -> None:
    case = route(reported, cast, "household-police")
    routing = case.fresh_routing()
    assert routing is not None
    handover = routing.public_id
    db.session.rollback()
    clock.advance(timedelta(hours=2))
    with pytest.raises(WrongState):
        does(reported, cast, "hugo", "return_", handover_id=handover, reason="是信号灯。")


def test_what_the_old_department_had_asked_for_is_not_decided_by_the_new_one(
    cast: Cast, reported: Reported
) -> None:
    does(reported, cast, "otto", "decline", reason="不归交警管。", advice="请找物业。")
    case = does(reported, cast, "hugo", "take", handover_id=offered(reported, cast))
    assert case.open_approval() is None


def test_a_restricted_case_is_read_by_whoever_must_work_on_it_and_by_nobody_else(cast: Cast) -> None:
    with transaction():
        thread = posted(cast.rita, title="家里老人走失", body="请帮忙找一下。", restrict=True)
        assert thread.case is not None
        thread.case.offer(by=cast.otto, to=department("household-police"), reason="查户籍。")
        thread_id, handover = thread.id, thread.case.handovers[0].public_id

    def readers() -> set[str]:
        row = db.session.get_one(Thread, thread_id)
        found = {name for name in cast.names() if sees(getattr(cast, name), row)}
        db.session.rollback()
        return found

    assert readers() == {"rita", "otto", "otis", "lena", "carl", "hugo"}
    with transaction():
        case = db.session.get_one(Thread, thread_id).case
        assert case is not None
        case.take(handover, by=cast.hugo)
    assert readers() == {"rita", "hugo", "carl"}, "the department that gave it away reads no further"


# --- who answers for it at this minute --------------------------------------------------------------------------


def leaves(who: str, cast: Cast) -> None:
    with transaction() as session:
        session.execute(
            db.update(Appointment).where(Appointment.person_id == cast.ids[who]).values(ends_at=now())
        )


def goes_home(who: str, cast: Cast) -> None:
    with transaction() as session:
        session.execute(db.delete(Shift).where(Shift.person_id == cast.ids[who]))


def names(reported: Reported) -> list[str | None]:
    found = [person.name for person in responsible(reported())]
    db.session.rollback()
    return found


def test_somebody_always_answers_for_an_open_case(cast: Cast, reported: Reported) -> None:
    assert names(reported) == ["欧阳涛"], "whoever is on duty"
    accepted(reported, cast)
    does(reported, cast, "otis", "claim")
    assert names(reported) == ["赵强"], "the handler"
    leaves("otis", cast)
    assert names(reported) == ["欧阳涛"], "the handler has left"
    goes_home("otto", cast)
    assert names(reported) == ["李娜"], "the leader"
    leaves("lena", cast)
    assert names(reported) == ["高诚"], "the leader above"
    leaves("carl", cast)
    assert names(reported) == ["邓丹"], "the desk on duty"
    goes_home("dana", cast)
    assert names(reported) == ["邓丹"], "the desk, on duty or not"
    leaves("dana", cast)
    assert names(reported) == ["欧阳涛"], "whoever serves there at all"


def test_nobody_answers_for_a_closed_case(cast: Cast, reported: Reported) -> None:
    does(reported, cast, "rita", "withdraw")
    assert names(reported) == []
