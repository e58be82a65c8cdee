"""Supervision: the ladder of orders, their numbers, what they bar, their time, the week's draft, and who must keep away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask

from board import clock, jobs
from board.audit import AuditEntry
from board.clock import local, now
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, NotFound, WrongState
from board.i18n import speaking
from board.permissions import may
from boards.models import Case, CaseEvent
from boards.models.deadline import Deadline, calendar
from boards.models.timeline import verify
from complaints import supervision_words, weekly
from complaints.models import Inquiry, SupervisionOrder, UnitReview
from complaints.models.supervision import LEVELS, Demand, default_due, next_level
from complaints.supervising import issuable
from notifications.models import InboxItem
from people.models import Department, Person
from tests.builders import Cast, posted
from tests.complaining import DISCIPLINE, complain, office, officer, open_complaints
from tests.domain.conftest import at_once

ORDER = Demand(words="请逐件公开答复，写明办结日期。")
ANSWER = "经查，信号机控制板损坏，已于今日更换，三件均已恢复。"
DONE: dict[str, Any] = {"answer": "信号灯控制板已经换好，现在正常。", "outcome": "solved"}


@pytest.fixture
def opened(cast: Cast) -> Cast:
    """The cast in a city whose inspectors serve."""
    with transaction():
        open_complaints(cast)
    return cast


def posts(cast: Cast, count: int = 1, **draft: Any) -> list[str]:
    """New cases of Rita's with the traffic police, accepted by Otto; their numbers."""
    numbers = []
    for place in range(count):
        with transaction():
            draft.setdefault("title", f"路口的灯坏了 {place}")
            thread = posted(cast.rita, **draft)
            assert thread.case is not None
            numbers.append(thread.case.number)
    for place, number in enumerate(numbers):
        with transaction():
            found(number).accept(by=cast.otto, answer=f"已收到第 {place} 件，民警正赶往现场。")
    return numbers


def found(number: str) -> Case:
    case = db.session.scalar(db.select(Case).where(Case.number == number))
    assert case is not None
    return case


def issue(cast: Cast, numbers: list[str], said: Demand = ORDER, who: str = "ines") -> str:
    """Issue an order over these cases; its number."""
    with transaction():
        by = getattr(cast, who)
        order = SupervisionOrder.begin(numbers, by=by)
        order.issue(by=by, said=said, numbers=numbers)
        return order.number


def climbed(order: SupervisionOrder, by: Person, said: Demand) -> str:
    """The number of the order of the next level."""
    return order.climb(by=by, said=said).number


def changed(cast: Cast, who: str, number: str, act: Callable[[SupervisionOrder, Person], Any]) -> Any:
    """Do something to an order as its pages do."""
    with transaction():
        by = getattr(cast, who)
        return act(SupervisionOrder.numbered(number, reader=by, for_change=True), by)


def serve(person: Person, role: str) -> None:
    """Appoint somebody to the traffic police."""
    person.appointments.append(office(Department.by_key("traffic-police"), role))


def the_order(number: str, reader: Person | None = None) -> SupervisionOrder:
    return SupervisionOrder.numbered(number, reader=reader)


def kinds(number: str) -> list[str]:
    rows = db.session.scalars(
        db.select(CaseEvent.kind).where(CaseEvent.case_id == found(number).id).order_by(CaseEvent.seq)
    )
    return [kind for kind in rows if kind.startswith("supervision.")]


def told(who: Person, kind: str) -> int:
    rows = db.session.scalars(db.select(InboxItem).where(InboxItem.person_id == who.id))
    return sum(each.event.kind == kind for each in rows)


# --- issuing ----------------------------------------------------------------------------------------------------


def test_one_order_covers_many_cases_and_its_leader_hears_of_it_once(opened: Cast) -> None:
    numbers = posts(opened, 3)
    number = issue(opened, numbers)

    assert number == "order-2026-1"
    order = the_order(number)
    assert [case.number for case in order.visible_cases(None)] == numbers
    assert order.due_at is not None
    assert local(order.due_at).time() == calendar().hours.closes
    assert (local(order.due_at).date() - local(now()).date()).days == 3
    for each in numbers:
        assert kinds(each) == ["supervision.issued"]
        assert found(each).supervised
        assert all(finding.chain for finding in verify(found(each).thread.events))
    assert told(opened.lena, "supervision.issued") == 1
    assert told(opened.rita, "supervision.issued") == 3, "each is about a case of hers"
    assert told(opened.vera, "supervision.issued") == 0
    with speaking("zh"):
        assert supervision_words.number_word(number) == "督办〔2026〕1号"
        assert "警务督察支队" in supervision_words.sentence(order)
    notes = db.session.scalars(db.select(AuditEntry.act).where(AuditEntry.thing == order.thing))
    assert list(notes) == ["supervision.drafted", "supervision.issued"]


def test_numbers_run_by_year_and_kind(opened: Cast) -> None:
    first, second, third = posts(opened, 3)
    assert issue(opened, [first]) == "order-2026-1"
    assert issue(opened, [second], Demand("reminder", words="请尽快答复。")) == "reminder-2026-1"
    assert issue(opened, [third]) == "order-2026-2"
    clock.advance(timedelta(days=60))
    (fourth,) = posts(opened)
    assert issue(opened, [fourth]) == "order-2027-1"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (Demand(words=" "), "words"),
        (Demand("scold", words="请答复。"), "level"),
        (Demand("interview", words="请答复。"), "skipped"),
        (Demand("circular", words="请答复。", skipped="  "), "skipped"),
        (Demand(words="请答复。", reason="mood"), "reason"),
        (Demand(words="请答复。", reason="unfulfilled"), "reason"),
        (Demand(words="请答复。", demand="sing"), "demand"),
        (Demand(words="请答复。", due=datetime.fromisoformat("2026-11-17T01:00:00+00:00")), "due"),
        (Demand(words="请答复。", due=datetime.fromisoformat("2027-11-17T01:00:00+00:00")), "due"),
    ],
)
def test_what_an_order_must_say(opened: Cast, said: Demand, field: str) -> None:
    numbers = posts(opened)
    with pytest.raises(Invalid) as caught:
        issue(opened, numbers, said)
    assert set(caught.value.errors) == {field}
    assert kinds(numbers[0]) == []
    assert not found(numbers[0]).supervised
    assert issue(opened, numbers) == "order-2026-1", "what was refused used up no number"


def test_a_higher_rung_needs_a_reason_that_everybody_reads(opened: Cast) -> None:
    numbers = posts(opened)
    number = issue(
        opened, numbers, Demand("interview", words="请说明情况。", skipped="同类问题三个月内第四次。")
    )
    assert number == "interview-2026-1"
    order = the_order(number)
    assert order.skipped is not None
    assert "第四次" in order.skipped.public


def test_an_order_is_for_one_unit_and_a_case_stands_under_one_order_at_a_time(opened: Cast) -> None:
    (first,) = posts(opened)
    with transaction():
        other = posted(opened.rita, section="household", body="请问怎么迁户口？").case
        assert other is not None
        second = other.number
    for numbers in ([first, second], [], [" "]):
        with pytest.raises(Invalid) as caught:
            issue(opened, numbers)
        assert "cases" in caught.value.errors
    with pytest.raises(NotFound):
        issue(opened, [first, "20261117-9999"])
    issue(opened, [first])
    with pytest.raises(Invalid):
        issue(opened, [first])


def test_private_words_in_an_order_are_masked(opened: Cast) -> None:
    number = issue(opened, posts(opened), Demand(words="请联系 11010519491231002X 的发帖人。"))
    words = the_order(number).words
    assert words is not None
    assert "11010519491231002X" not in words.public
    changed(
        opened, "lena", number, lambda order, by: order.answer(by=by, words="已联系 11010519491231002X。")
    )
    answer = the_order(number).answer_text
    assert answer is not None
    assert "11010519491231002X" not in answer.public


# --- what it bars -----------------------------------------------------------------------------------------------


def test_a_case_is_not_concluded_until_the_order_is_answered_in_writing(opened: Cast) -> None:
    (number,) = posts(opened)
    with transaction():
        found(number).claim(by=opened.otto)
    order = issue(opened, [number])

    with speaking("zh"), pytest.raises(WrongState) as caught, transaction():
        found(number).resolve(by=opened.otto, **DONE)
    assert "督办" in str(caught.value)
    assert "resolve" not in found(number).open_verbs(opened.otto)
    assert "progress" in found(number).open_verbs(opened.otto), "the work goes on"
    changed(opened, "lena", order, lambda each, by: each.acknowledge(by=by))
    assert "resolve" not in found(number).open_verbs(opened.otto), "having read it is no answer"

    changed(opened, "lena", order, lambda each, by: each.answer(by=by, words=ANSWER))
    with transaction():
        found(number).resolve(by=opened.otto, **DONE)
    assert found(number).status == "resolved"
    assert the_order(order).state == "answered", "the inspectors still decide"


def test_nobody_slips_out_by_declining_or_by_answering_at_once(opened: Cast) -> None:
    with transaction():
        case = posted(opened.rita).case
        assert case is not None
        number = case.number
    issue(opened, [number])
    for act in (
        lambda case: case.answer(by=opened.otto, answer=DONE["answer"]),
        lambda case: case.decline(by=opened.lena, reason="不归交警管。", advice="请找物业。"),
        lambda case: case.decline(by=opened.otto, reason="不归交警管。", advice="请找物业。"),
    ):
        with pytest.raises(WrongState), transaction():
            act(found(number))
    assert found(number).status == "pending"


def test_an_order_binds_the_unit_and_not_whoever_gets_the_case_after_it(opened: Cast) -> None:
    (number,) = posts(opened)
    order = issue(opened, [number])
    with transaction():
        found(number).offer(by=opened.otto, to=Department.by_key("household-police"), reason="是户政的事。")
    with transaction():
        found(number).take(found(number).handovers[-1].public_id, by=opened.hugo)
    with transaction():
        found(number).resolve(by=opened.hugo, **DONE)
    assert found(number).status == "resolved"
    assert the_order(order).state == "issued", "the first unit still owes its answer"
    assert may(opened.lena, "supervision.answer", the_order(order))
    assert not may(opened.hugo, "supervision.answer", the_order(order))


# --- the unit ---------------------------------------------------------------------------------------------------


def test_the_first_leader_who_says_that_he_read_it_stands(opened: Cast) -> None:
    (number,) = posts(opened)
    order = issue(opened, [number])
    assert the_order(order).read_at is None
    changed(opened, "lena", order, lambda each, by: each.acknowledge(by=by))
    assert the_order(order).read_by_id == opened.lena.id
    with pytest.raises(WrongState):
        changed(opened, "lena", order, lambda each, by: each.acknowledge(by=by))
    assert kinds(number) == ["supervision.issued", "supervision.read"]
    assert told(opened.ines, "supervision.read") == 0


@pytest.mark.parametrize(
    "who", ["otto", "otis", "hugo", "carl", "dana", "mona", "adam", "ines", "rita", "vera"]
)
def test_nobody_but_the_leader_of_the_unit_answers(opened: Cast, who: str) -> None:
    order = issue(opened, posts(opened))
    for act in (
        lambda each, by: each.acknowledge(by=by),
        lambda each, by: each.answer(by=by, words=ANSWER),
    ):
        with pytest.raises(NotAllowed):
            changed(opened, who, order, act)
    assert SupervisionOrder.waiting_for(getattr(opened, who)) == []
    assert [each.number for each in SupervisionOrder.waiting_for(opened.lena)] == [order]


def test_where_nobody_leads_a_unit_the_one_above_answers(opened: Cast) -> None:
    with transaction():
        case = posted(opened.rita, section="household", body="请问怎么迁户口？").case
        assert case is not None
        number = case.number
    order = issue(opened, [number])
    assert told(opened.carl, "supervision.issued") == 1
    assert [each.number for each in SupervisionOrder.waiting_for(opened.carl)] == [order]
    changed(opened, "carl", order, lambda each, by: each.answer(by=by, words="户政支队已电话答复。"))
    assert the_order(order).state == "answered"


def test_a_unit_in_which_nobody_could_answer_gets_no_order(opened: Cast) -> None:
    with transaction():
        case = posted(opened.rita, section="12345", body="暖气不热，请@供热处理。").case
        assert case is not None
        assert case.department.key == "heating"
        number = case.number
    with pytest.raises(Invalid):
        issue(opened, [number])


# --- the ladder -------------------------------------------------------------------------------------------------


def test_the_ladder_is_climbed_rung_by_rung_over_the_same_cases(opened: Cast) -> None:
    numbers = posts(opened, 2)
    order = issue(opened, numbers, Demand("reminder", words="请尽快答复。"))
    seen = [order]
    for level in (*LEVELS[1:], "circular"):
        clock.advance(timedelta(days=10))
        assert next_level(order.split("-")[0]) == level
        said = Demand(level, words="请落实。")
        upper = changed(opened, "ida", order, partial(climbed, said=said))
        assert the_order(order).state == "unfulfilled"
        assert the_order(upper).previous is not None
        assert [case.number for case in the_order(upper).covered] == numbers
        order = upper
        seen.append(order)
    assert [each.rpartition("-")[0] for each in seen] == [f"{level}-2026" for level in LEVELS] + [
        "circular-2027"
    ]
    assert all(found(number).supervised for number in numbers)
    changed(opened, "lena", order, lambda each, by: each.answer(by=by, words=ANSWER))
    changed(opened, "ines", order, lambda each, by: each.fulfil(by=by))
    assert the_order(order).state == "fulfilled"
    assert not any(found(number).supervised for number in numbers)


def test_a_rung_is_left_out_only_with_a_reason_and_none_is_climbed_down(opened: Cast) -> None:
    order = issue(opened, posts(opened))
    changed(opened, "lena", order, lambda each, by: each.answer(by=by, words=ANSWER))
    for said, field in (
        (Demand("interview", words="请落实。"), "skipped"),
        (Demand("order", words="请落实。"), "level"),
        (Demand("reminder", words="请落实。", skipped="因为"), "level"),
        (Demand("second", words=""), "words"),
    ):
        with pytest.raises(Invalid) as caught:
            changed(opened, "ines", order, partial(climbed, said=said))
        assert set(caught.value.errors) == {field}
        assert the_order(order).state == "answered"
    said = Demand("interview", words="请落实。", skipped="答复与事实不符。")
    assert (
        changed(opened, "ines", order, lambda each, by: each.climb(by=by, said=said).number)
        == "interview-2026-1"
    )


def test_nothing_is_decided_while_the_unit_still_has_time(opened: Cast) -> None:
    order = issue(opened, posts(opened))
    with pytest.raises(WrongState):
        changed(
            opened, "ines", order, lambda each, by: each.climb(by=by, said=Demand("second", words="请落实。"))
        )
    with pytest.raises(WrongState):
        changed(opened, "ines", order, lambda each, by: each.fulfil(by=by))
    changed(opened, "lena", order, lambda each, by: each.answer(by=by, words=ANSWER))
    changed(opened, "ines", order, lambda each, by: each.fulfil(by=by))
    for act in (
        lambda each, by: each.fulfil(by=by),
        lambda each, by: each.climb(by=by, said=Demand("second", words="请落实。")),
    ):
        with pytest.raises(WrongState):
            changed(opened, "ida", order, act)
    with pytest.raises(WrongState):
        changed(opened, "lena", order, lambda each, by: each.answer(by=by, words=ANSWER))


# --- its time ---------------------------------------------------------------------------------------------------


def test_when_the_time_is_over_leader_and_inspectors_hear_of_it_once_and_it_stays(opened: Cast) -> None:
    numbers = posts(opened, 2)
    order = issue(opened, numbers)
    clock.advance(timedelta(days=2))
    jobs.run_due()
    assert the_order(order).overdue_at is None
    clock.advance(timedelta(days=3))
    for _round in range(3):
        jobs.run_due()
    late = the_order(order)
    assert late.overdue_at == late.due_at
    for number in numbers:
        assert kinds(number).count("supervision.overdue") == 1
    assert told(opened.lena, "supervision.overdue") == 1
    assert told(opened.ines, "supervision.overdue") == 1
    changed(opened, "lena", order, lambda each, by: each.answer(by=by, words=ANSWER))
    changed(opened, "ines", order, lambda each, by: each.fulfil(by=by))
    assert the_order(order).overdue_at is not None, "a breach is never erased"


def test_an_answer_before_its_time_leaves_nothing_to_say_when_the_time_comes(opened: Cast) -> None:
    (number,) = posts(opened)
    order = issue(opened, [number])
    changed(opened, "lena", order, lambda each, by: each.answer(by=by, words=ANSWER))
    clock.advance(timedelta(days=9))
    jobs.run_due()
    assert the_order(order).overdue_at is None
    assert "supervision.overdue" not in kinds(number)
    assert told(opened.ines, "supervision.answered") == 1


def test_a_late_answer_is_a_breach_though_no_worker_ran(opened: Cast) -> None:
    (number,) = posts(opened)
    order = issue(opened, [number])
    clock.advance(timedelta(days=9))
    changed(opened, "lena", order, lambda each, by: each.answer(by=by, words=ANSWER))
    assert the_order(order).overdue_at == the_order(order).due_at
    assert kinds(number) == ["supervision.issued", "supervision.overdue", "supervision.answered"]
    jobs.run_due()
    assert kinds(number).count("supervision.overdue") == 1


def test_the_time_that_a_level_gives_is_counted_in_working_days(opened: Cast) -> None:
    clock.advance(timedelta(days=3))  # a Friday
    assert local(now()).isoweekday() == 5
    with transaction():
        assert local(default_due("order")).isoweekday() == 3
        assert local(default_due("reminder")).isoweekday() == 1


# --- who must keep away -----------------------------------------------------------------------------------------


def test_whoever_is_tied_to_the_unit_or_handled_the_case_neither_issues_nor_decides(opened: Cast) -> None:
    numbers = posts(opened)
    with transaction():
        serve(opened.ida, "officer")
    with pytest.raises(NotAllowed):
        issue(opened, numbers, who="ida")
    order = issue(opened, numbers)
    changed(opened, "lena", order, lambda each, by: each.answer(by=by, words=ANSWER))
    with pytest.raises(NotAllowed):
        changed(opened, "ida", order, lambda each, by: each.fulfil(by=by))
    with transaction():
        case = found(numbers[0])
        from complaints.recusing import step_back

        step_back(case, by=opened.ines, kind="declared", words="邻居。")
    with pytest.raises(NotAllowed):
        changed(opened, "ines", order, lambda each, by: each.fulfil(by=by))
    assert may(officer(DISCIPLINE[0]), "supervision.issue", the_order(order))


def test_a_draft_is_read_by_inspectors_who_are_free_alone(opened: Cast) -> None:
    numbers = posts(opened)
    with transaction():
        serve(opened.ida, "leader")
    with transaction():
        public_id = SupervisionOrder.begin(numbers, by=opened.ines).public_id
    assert SupervisionOrder.draft(public_id, reader=opened.ines).is_draft
    for who in ("ida", "otto", "lena", "carl", "dana", "mona", "adam", "rita", "vera"):
        with pytest.raises(NotFound):
            SupervisionOrder.draft(public_id, reader=getattr(opened, who))
    assert not found(numbers[0]).supervised
    assert kinds(numbers[0]) == []


@pytest.mark.parametrize("who", ["otto", "lena", "carl", "dana", "mona", "adam", "hugo", "rita", "vera"])
def test_nobody_but_inspectors_issues(opened: Cast, who: str) -> None:
    numbers = posts(opened)
    with pytest.raises(NotAllowed):
        issue(opened, numbers, who=who)


def complained(opened: Cast) -> tuple[str, str]:
    """A complaint about Otto, and the order over it that discipline issued to the inspectorate."""
    with transaction():
        thread = complain(opened.rita, departments=("traffic-police",))
        assert thread.case is not None
        number = thread.case.number
    with transaction():
        by = officer(DISCIPLINE[0])
        order = SupervisionOrder.begin([number], by=by, reason="complaint")
        order.issue(by=by, said=Demand(reason="complaint", words="请抓紧核查。"), numbers=[number])
        return number, order.number


def test_an_order_over_a_complaint_is_there_for_those_alone_who_may_read_it(opened: Cast) -> None:
    _number, order = complained(opened)

    assert len(order.rpartition("-")[2]) == 9, "its number counts nothing"
    readers = set()
    for who in (*opened.names(), None):
        person = getattr(opened, who) if who else None
        try:
            the_order(order, person)
        except NotFound:
            continue
        readers.add(who)
    assert readers == {"rita", "ines", "ida"}
    assert told(opened.otto, "supervision.issued") == told(opened.lena, "supervision.issued") == 0
    assert told(opened.carl, "supervision.issued") == 0, "he leads above the accused"
    assert told(opened.ines, "supervision.issued") == 1
    assert {each.badge for each in the_order(order, opened.ines).answerers()} == {"090001", "090002"}
    (public,) = posts(opened)
    assert issue(opened, [public]) == "order-2026-1", "no gap tells of it"
    assert not may(opened.ines, "supervision.issue", the_order(order, opened.ines)), "not over her own unit"
    task = db.session.scalars(db.select(Inquiry)).first()
    assert task is not None


def test_of_a_mixed_order_everybody_reads_the_cases_he_may_read(opened: Cast) -> None:
    first, second = posts(opened, 2)
    order = issue(opened, [first, second])
    with transaction():
        found(second).thread.hold(by=opened.mona, reason="private_data")
    assert [case.number for case in the_order(order).visible_cases(None)] == [first]
    assert [case.number for case in the_order(order).visible_cases(opened.lena)] == [first, second]
    with transaction():
        found(first).thread.hold(by=opened.mona, reason="private_data")
    with pytest.raises(NotFound):
        the_order(order)
    assert the_order(order, opened.lena).number == order


# --- what the board drafts --------------------------------------------------------------------------------------


def drafts() -> list[SupervisionOrder]:
    return list(
        db.session.scalars(
            db.select(SupervisionOrder).where(SupervisionOrder.state == "draft").order_by(SupervisionOrder.id)
        )
    )


def round_of_the_morning() -> None:
    with transaction():
        weekly.promise_round()
    clock.advance(timedelta(days=1))
    for _round in range(3):
        jobs.run_due()


def breached(number: str) -> datetime:
    found_at = db.session.scalar(
        db.select(db.func.min(Deadline.breached_at)).where(Deadline.case_id == found(number).id)
    )
    assert found_at is not None
    return found_at


def test_five_working_days_after_a_breach_a_case_joins_its_units_draft_of_the_week(opened: Cast) -> None:
    with transaction():
        first = posted(opened.rita, title="一号路口的灯坏了").case
        assert first is not None
        one = first.number
    for _day in range(5):
        round_of_the_morning()
    assert breached(one) is not None
    assert drafts() == [], "the weekend does not count"
    for _day in range(3):
        round_of_the_morning()
    assert [[case.number for case in each.covered] for each in drafts()] == [[one]]
    with transaction():
        second = posted(opened.vera, title="二号路口的灯坏了").case
        assert second is not None
        two = second.number
    assert calendar().add(breached(one), weekly.LONG_OVERDUE) <= now()
    (draft,) = drafts()
    assert (draft.department.key, draft.reason, draft.number) == ("traffic-police", "overdue", "")
    assert kinds(one) == [], "nobody but the inspectors knows of a draft"
    for _day in range(10):
        round_of_the_morning()
    listed = [{case.number for case in each.covered} for each in drafts()]
    assert sorted(map(sorted, listed)) == [[one], [two]], "the second came in another week"


def test_one_draft_a_unit_and_week_which_is_changed_and_issued(opened: Cast) -> None:
    with transaction():
        numbers = [
            case.number
            for place in range(3)
            if (case := posted(opened.rita, title=f"{place} 号路口的灯坏了").case) is not None
        ]
        other = posted(opened.vera, section="household", title="户口怎么迁", body="请问怎么迁户口？").case
        assert other is not None
    for _day in range(12):
        round_of_the_morning()
    by_unit = {each.department.key: {case.number for case in each.covered} for each in drafts()}
    assert by_unit == {"traffic-police": set(numbers), "household-police": {other.number}}
    draft = next(each for each in drafts() if each.department.key == "traffic-police").public_id
    with transaction():
        order = SupervisionOrder.draft(draft, reader=opened.ines, for_change=True)
        order.keep(by=opened.ines, said=Demand("order", words="请逐件答复。"), numbers=numbers[:2])
    with transaction():
        order = SupervisionOrder.draft(draft, reader=opened.ida, for_change=True)
        order.issue(by=opened.ida, said=ORDER, numbers=numbers[:2])
    assert [found(number).supervised for number in numbers] == [True, True, False]
    with pytest.raises(WrongState), transaction():
        SupervisionOrder.draft(draft, reader=opened.ines, for_change=True).issue(
            by=opened.ines, said=ORDER, numbers=numbers
        )
    before = len(drafts())
    with transaction():
        for case in weekly.long_overdue():
            weekly.draft_for(case)
    assert len(drafts()) == before, "this week's was issued: what was left out waits for the next"


def test_what_was_discarded_comes_back_next_week_and_not_this_one(opened: Cast) -> None:
    with transaction():
        posted(opened.rita)
    for _day in range(12):
        round_of_the_morning()
    (draft,) = drafts()
    with transaction():
        SupervisionOrder.draft(draft.public_id, reader=opened.ines, for_change=True).discard(by=opened.ines)
    with transaction():
        for case in weekly.long_overdue():
            weekly.draft_for(case)
    assert drafts() == []
    for _day in range(8):
        round_of_the_morning()
    assert len(drafts()) == 1


def test_urgent_matters_complaints_and_what_displeased_twice_have_drafts_of_their_own(opened: Cast) -> None:
    with transaction():
        urgent = posted(
            opened.vera, section="traffic", title="有人持刀砍人", body="他要杀我，救命，请@交警支队"
        ).case
        assert urgent is not None
        urgent_number = urgent.number
        thread = urgent.thread
        thread._show_as("public")  # type: ignore[arg-type]
        thread.restricted_to = thread.restricted_why = None
        thread.record("thread.opened", by=None, change={"visibility": "public"})
    with transaction():
        complaint = complain(opened.rita, departments=("traffic-police",)).case
        assert complaint is not None
        complaint_number = complaint.number
    (unhappy,) = posts(opened, title="路口的灯又坏了")
    with transaction():
        found(unhappy).resolve(by=opened.otto, **DONE)
    with transaction():
        found(unhappy).rate(by=opened.rita, solved="no", satisfaction="dissatisfied")
    with transaction():
        found(unhappy).rectify(by=opened.lena, answer="已再次到现场检查，更换了灯头。")
    with transaction():
        found(unhappy).rate(by=opened.rita, solved="no", satisfaction="dissatisfied")
    for _day in range(12):
        round_of_the_morning()
    assert {(each.reason, *(case.number for case in each.covered)) for each in drafts()} == {
        ("urgent", urgent_number),
        ("complaint", complaint_number),
        ("dissatisfied", unhappy),
    }
    readable = {each.reason for each in drafts() if may(opened.ines, "supervision.issue", each)}
    assert readable == {"urgent", "dissatisfied"}, "not the one over her own unit"
    with transaction():
        serve(opened.ida, "officer")
    for person in (opened.ines, opened.ida, opened.otto, *(officer(badge) for badge in DISCIPLINE)):
        listed = db.session.scalars(db.select(SupervisionOrder).where(issuable(person)))
        assert set(listed) == {each for each in drafts() if may(person, "supervision.issue", each)}


# --- reviews of units -------------------------------------------------------------------------------------------


def test_late_first_answers_open_one_review_of_the_unit(opened: Cast) -> None:
    for place in range(3):
        with transaction():
            posted(opened.rita, title=f"{place} 号路口的灯坏了")
    round_of_the_morning()
    round_of_the_morning()
    (review,) = db.session.scalars(db.select(UnitReview))
    assert (review.department.key, review.why, review.counted) == ("traffic-police", "unanswered", 3)
    assert UnitReview.waiting_for(opened.ines) == [review]
    columns = {column.name for column in UnitReview.__table__.columns}
    assert not {name for name in columns if "person" in name or "handler" in name or "officer" in name}
    with transaction():
        serve(opened.ida, "officer")
    assert UnitReview.waiting_for(opened.ida) == []
    public_id = review.public_id
    with pytest.raises(NotFound):
        UnitReview.by_public_id(public_id, reader=opened.ida)
    with transaction():
        UnitReview.by_public_id(public_id, reader=opened.ines).close(
            by=opened.ines, words="值班安排有空档，已要求补齐。"
        )
    with pytest.raises(WrongState), transaction():
        UnitReview.by_public_id(public_id, reader=opened.ines).close(by=opened.ines, words="再看一次。")
    round_of_the_morning()
    assert UnitReview.waiting_for(opened.ines) == [], "once a month"


def test_two_are_not_often(opened: Cast) -> None:
    for place in range(2):
        with transaction():
            posted(opened.rita, title=f"{place} 号路口的灯坏了")
    round_of_the_morning()
    assert list(db.session.scalars(db.select(UnitReview))) == []


# --- two at once ------------------------------------------------------------------------------------------------


def test_orders_issued_at_once_get_numbers_without_a_gap(city: tuple[Flask, Cast]) -> None:
    application, cast = city
    with transaction():
        open_complaints(cast)
    numbers = posts(cast, 6)

    def give(number: str, who: str, words: str) -> Callable[[], str]:
        return lambda: issue(cast, [number], Demand(words=words), who)

    results = at_once(
        application,
        *(
            give(number, ("ines", "ida")[place % 2], "请答复。" if place != 3 else " ")
            for place, number in enumerate(numbers)
        ),
    )
    refused = [each for each in results if isinstance(each, Invalid)]
    issued = sorted(each for each in results if isinstance(each, str))
    assert len(refused) == 1
    assert issued == [f"order-2026-{serial}" for serial in range(1, 6)]


def test_two_inspectors_decide_at_once_and_one_of_them_wins(city: tuple[Flask, Cast]) -> None:
    application, cast = city
    with transaction():
        open_complaints(cast)
    numbers = posts(cast, 2)
    order = issue(cast, numbers)
    changed(cast, "lena", order, lambda each, by: each.answer(by=by, words=ANSWER))
    db.session.rollback()
    results = at_once(
        application,
        lambda: changed(cast, "ines", order, lambda each, by: len(each.fulfil(by=by))),
        lambda: changed(
            cast,
            "ida",
            order,
            lambda each, by: each.climb(by=by, said=Demand("second", words="请落实。")).number,
        ),
    )
    assert sum(isinstance(each, WrongState) for each in results) == 1, results
    won = next(each for each in results if not isinstance(each, Exception))
    assert the_order(order).state == ("fulfilled" if won == 2 else "unfulfilled")
    assert [found(number).supervised for number in numbers] == [won != 2] * 2


def test_a_draft_issued_by_two_at_once_is_issued_once(city: tuple[Flask, Cast]) -> None:
    application, cast = city
    with transaction():
        open_complaints(cast)
    numbers = posts(cast)
    with transaction():
        draft = SupervisionOrder.begin(numbers, by=cast.ines).public_id

    def send(who: str) -> str:
        with transaction():
            by = getattr(cast, who)
            order = SupervisionOrder.draft(draft, reader=by, for_change=True)
            order.issue(by=by, said=ORDER, numbers=numbers)
            return order.number

    results = at_once(application, lambda: send("ines"), lambda: send("ida"))
    assert sum(isinstance(each, WrongState) for each in results) == 1, results
    assert "order-2026-1" in results
    assert kinds(numbers[0]) == ["supervision.issued"]


def test_two_orders_over_one_case_at_once_are_one(city: tuple[Flask, Cast]) -> None:
    application, cast = city
    with transaction():
        open_complaints(cast)
    first, second, third = posts(cast, 3)
    results = at_once(
        application,
        lambda: issue(cast, [first, second], who="ines"),
        lambda: issue(cast, [third, second], who="ida"),
    )
    assert sum(isinstance(each, Invalid) for each in results) == 1, results
    assert "order-2026-1" in results


def test_the_leader_reads_on_two_telephones_at_once_and_it_is_noted_once(city: tuple[Flask, Cast]) -> None:
    application, cast = city
    with transaction():
        open_complaints(cast)
    (number,) = posts(cast)
    order = issue(cast, [number])

    def press() -> int:
        return changed(cast, "lena", order, lambda each, by: len(each.acknowledge(by=by)))

    results = at_once(application, press, press)
    assert sum(isinstance(each, WrongState) for each in results) == 1, results
    assert kinds(number).count("supervision.read") == 1
