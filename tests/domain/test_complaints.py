"""Complaints: who reads and hears of them, where they never go, and the two tasks that need two persons each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from board import clock, jobs
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, NotFound, WrongState
from board.seams import may_follow
from boards.models import Case, CaseEvent, Mention, Thread
from boards.models.timeline import replay, verify
from boards.policy import department_sees, sees, visible_to
from complaints import publishing, sampling
from complaints.inspecting import QUEUES, Inspection
from complaints.models import Accused, Complaint, Draw, Inquiry, Look, Statement
from notifications.models import InboxItem
from people.models import Department, Person
from tests.builders import Cast, case_of, posted
from tests.complaining import DISCIPLINE, complain, conclude, office, officer, open_complaints, tasks

READERS = {"rita", "ines", "ida"}


@pytest.fixture
def complained(cast: Cast) -> Callable[[], Case]:
    """Rita's complaint about Otto; call it inside a transaction() to change it."""
    with transaction():
        open_complaints(cast)
    with transaction():
        thread_id = complain(cast.rita, departments=("traffic-police",)).public_id
    return lambda: case_of(thread_id)


def told() -> set[str]:
    """Everybody in whose inbox anything stands: names of persons' badges, keys of departments."""
    rows = db.session.scalars(db.select(InboxItem))
    found = set()
    for row in rows:
        person = db.session.get(Person, row.person_id) if row.person_id else None
        department = db.session.get(Department, row.department_id) if row.department_id else None
        found.add(str(person.badge or person.nickname) if person else str(department and department.key))
    return found


def test_only_the_poster_and_those_who_serve_with_the_inspectors_read_it(
    cast: Cast, complained: Callable[[], Case]
) -> None:
    thread = complained().thread
    people = {name: getattr(cast, name) for name in cast.names()}
    people |= {badge: officer(badge) for badge in DISCIPLINE}

    reading = {name for name, person in people.items() if sees(person, thread)}
    listed = {
        name
        for name, person in people.items()
        if db.session.scalar(db.select(Thread.id).where(Thread.id == thread.id, visible_to(person)))
    }
    following = {name for name, person in people.items() if may_follow(person, thread.stream)}

    assert reading == listed == following == READERS | set(DISCIPLINE)
    assert {each.key for each in Department.all() if department_sees(each, thread)} == {
        "inspectorate",
        "discipline",
    }


def test_nobody_is_told_but_the_inspectors_on_duty_however_long_nobody_answers(
    cast: Cast, complained: Callable[[], Case]
) -> None:
    number = complained().number
    day = number.split("-")[0]
    assert len(number) == len(day) + 10, "its number counts nothing"
    assert [each.told for each in db.session.scalars(db.select(Mention))] == [False]
    assert told() == {"inspectorate", "090001"}

    for _hour in range(5):
        clock.advance(timedelta(days=1))
        for _round in range(3):
            jobs.run_due()

    # The poster hears that a promise was broken; nobody outside the inspectors, whoever leads above them.
    assert told() <= {"inspectorate", "discipline", "090001", "090002", *DISCIPLINE, "青松路居民"}


def test_reason_and_accused_are_kept_before_anybody_is_told(
    cast: Cast, complained: Callable[[], Case]
) -> None:
    case = complained()
    complaint = Complaint.of(case)
    assert complaint is not None
    assert complaint.reason == "not-handled"
    named = [(each.department and each.department.key, each.person_id) for each in Accused.of(case)]
    assert named == [("traffic-police", None), (None, cast.otto.id)]
    first, second = tasks(case)
    assert (first.department.key, second.department.key) == ("inspectorate", "discipline")
    assert first.due_at - first.started_at == timedelta(days=60)
    assert first.told_due_at - first.started_at == timedelta(days=15)


@pytest.mark.parametrize(
    ("about", "missing"),
    [
        ({}, {"about_reason", "about_whom"}),
        ({"about_reason": "weather", "about_whom": "穿制服的"}, {"about_reason"}),
        ({"about_reason": "manner"}, {"about_whom"}),
        ({"about_reason": "manner", "about_whom": "高" * 501}, {"about_whom"}),
    ],
)
def test_a_complaint_says_what_it_is_about_and_whom(
    cast: Cast, about: dict[str, str], missing: set[str]
) -> None:
    with transaction():
        open_complaints(cast)
    with pytest.raises(Invalid) as caught, transaction():
        complain(cast.rita, about=about)
    assert set(caught.value.errors) == missing


def test_an_unknown_badge_number_is_kept_as_written(cast: Cast) -> None:
    with transaction():
        open_complaints(cast)
    with transaction():
        case = complain(cast.rita, about={"about_reason": "manner", "about_badge": "999999"}).case
        assert case is not None
        (accused,) = Accused.of(case)
        assert accused.person_id is None
        assert accused.description is not None
        assert accused.description.original() == "999999"


def test_a_complaint_about_the_inspectorate_goes_to_the_other_inspectors(cast: Cast) -> None:
    with transaction():
        open_complaints(cast)
    with transaction():
        thread = complain(cast.rita, departments=("inspectorate",), about={"about_reason": "manner"})
        assert thread.case is not None
        assert {each.department.key for each in Inquiry.of(thread.case)} == {"discipline"}
        assert not sees(cast.ines, thread)
        assert sees(officer(DISCIPLINE[0]), thread)


def test_it_never_goes_to_another_department_and_no_one_ends_it_alone(
    cast: Cast, complained: Callable[[], Case]
) -> None:
    traffic = lambda: Department.by_key("traffic-police")  # noqa: E731
    for act in (
        lambda case: case.offer(by=cast.ines, to=traffic(), reason="请你们办理这件事。"),
        lambda case: case.assist(by=cast.ines, department=traffic(), words="请协助核实。"),
        lambda case: case.decline(by=cast.ines, reason="不归我们管。", advice="请找别处。"),
        lambda case: case.answer(by=cast.ines, answer="这件事我们核实过了，没有问题。"),
    ):
        with pytest.raises(WrongState), transaction():
            act(complained())
    with transaction():
        complained().accept(by=cast.ines)
    with pytest.raises(WrongState), transaction():
        complained().resolve(by=cast.ines, answer="这件事我们核实过了，没有问题。", outcome="explained")
    for who in ("carl", "lena", "dana"):
        with pytest.raises(NotAllowed), transaction():
            complained().assign(by=getattr(cast, who), to=cast.ida)


def test_nobody_the_complaint_accuses_is_given_it(cast: Cast) -> None:
    with transaction():
        open_complaints(cast)
        lead = cast.carl
        lead.appointments.append(office(Department.by_key("inspectorate"), "leader"))
    with transaction():
        thread = complain(cast.rita, about={"about_reason": "manner", "about_badge": "090002"}).public_id
    with transaction():
        case_of(thread).accept(by=cast.ines)
    with pytest.raises(NotAllowed), transaction():  # who leads her is kept from it himself
        case_of(thread).assign(by=cast.carl, to=cast.ida)
    with pytest.raises(NotAllowed), transaction():
        tasks(case_of(thread))[0].review(by=cast.ida, agree=True)


def test_two_tasks_end_it_each_by_two_persons_and_the_poster_reads_both(
    cast: Cast, complained: Callable[[], Case]
) -> None:
    with transaction():
        tasks(complained())[0].accept(by=cast.ines)
    case = complained()
    assert case.status == "accepted"
    assert tasks(case)[0].state == "accepted"
    assert tasks(case)[1].state == "open", "the two are independent"

    def first() -> Inquiry:
        return tasks(complained())[0]

    finding: dict[str, Any] = {
        "conclusion": "partly",
        "findings": "执法记录仪显示民警停留了两分钟。",
        "measures": ["apology"],
    }
    with pytest.raises(WrongState), transaction():
        first().propose(by=cast.ines, **finding)  # nobody has looked it over yet
    with pytest.raises(NotAllowed), transaction():
        first().review(by=cast.ines, agree=True)
    with pytest.raises(NotAllowed), transaction():
        first().review(by=officer(DISCIPLINE[0]), agree=True)
    with transaction():
        first().review(by=cast.ida, agree=True)
    with transaction():
        first().tell(by=cast.ines, words="我们调取了当晚的执法记录仪，正在核对时间。")
    assert first().told_at is not None
    with transaction():
        first().propose(by=cast.ines, **finding)
    with pytest.raises(NotAllowed), transaction():
        first().confirm(by=cast.ines)
    with transaction():
        first().give_back(by=cast.ida, words="请再核对一次时间。")
    assert first().conclusion is None
    with transaction():
        first().propose(by=cast.ines, **finding)
    with transaction():
        first().confirm(by=cast.ida)
    assert complained().is_open, "the other task is still owed"

    with transaction():
        one, other = officer(DISCIPLINE[0]), officer(DISCIPLINE[1])
        conclude(tasks(complained())[1], one, other, "unverifiable", "没有找到证人，无法查实。")
    case = complained()
    assert case.status == "resolved"
    events = case.thread.events
    told_to_poster = [each for each in events if each.is_public and each.kind == "inquiry.concluded"]
    assert [each.parameters["conclusion"] for each in told_to_poster] == ["partly", "unverifiable"]
    assert all(each.chain for each in verify(events))
    assert replay(events)["status"] == "resolved"
    internal = [each for each in events if each.kind.startswith("inquiry.") and not each.is_public]
    published = str([each.parameters for each in internal])
    assert "partly" not in published, "a proposal is not published with the chain"
    with transaction():
        complained().rate(by=cast.rita, solved="yes", satisfaction="satisfied")
    assert complained().status == "closed"
    with transaction():
        complained().reopen(by=cast.rita, words="又发生了一次。")
    assert [each.state for each in tasks(complained())] == ["open", "open"]
    assert len(list(db.session.scalars(db.select(Inquiry)))) == 4


def test_what_a_task_owes_is_noted_once(cast: Cast, complained: Callable[[], Case]) -> None:
    with transaction():
        tasks(complained())[0].accept(by=cast.ines)

    def overdue() -> list[tuple[str, str]]:
        rows = db.session.scalars(db.select(CaseEvent).where(CaseEvent.kind == "inquiry.overdue"))
        return sorted((each.parameters["task"], each.details["what"]) for each in rows)

    clock.advance(timedelta(days=3))
    jobs.run_due()
    assert overdue() == [("inspectorate", "review")]
    assert tasks(complained())[0].is_late
    clock.advance(timedelta(days=70))
    for _round in range(3):
        jobs.run_due()
    expected = [(kind, what) for kind in ("discipline", "inspectorate") for what in ("due", "told")]
    assert overdue() == sorted([*expected, ("inspectorate", "review")])
    with transaction():
        assert Inspection(cast.ida).counts()["late"] == 1


def test_a_unit_reads_the_question_alone_and_only_its_leader_answers(
    cast: Cast, complained: Callable[[], Case]
) -> None:
    with transaction():
        tasks(complained())[0].accept(by=cast.ines)
    with transaction():
        traffic = Department.by_key("traffic-police")
        task = tasks(complained())[0]
        asked = Statement.ask(
            task, by=cast.ines, department=traffic, question="11 月 16 日晚谁在路口值勤？"
        ).public_id
        his = Statement.ask(
            task, by=cast.ines, department=traffic, question="请说明当晚的经过。", person=cast.otto
        ).public_id
        with pytest.raises(Invalid):
            Statement.ask(task, by=cast.ines, department=traffic, question="请说明。", person=cast.hugo)
    readers = {
        name: {which for which in (asked, his) if _opens(which, getattr(cast, name))} for name in cast.names()
    }
    assert {name: found for name, found in readers.items() if found} == {"lena": {asked}, "otto": {his}}
    with transaction():
        Statement.by_public_id(asked, reader=cast.lena).give(by=cast.lena, words="当晚是二中队值勤。")
    with pytest.raises(WrongState), transaction():
        Statement.by_public_id(asked, reader=cast.lena).give(by=cast.lena, words="再说一次。")
    assert not sees(cast.lena, complained().thread)
    assert "021001" not in told()


def _opens(statement: str, person: Person) -> bool:
    try:
        Statement.by_public_id(statement, reader=person)
    except NotFound:
        return False
    return True


def test_withdrawn_complaints_owe_nothing(cast: Cast, complained: Callable[[], Case]) -> None:
    with transaction():
        complained().withdraw(by=cast.rita)
    assert [each.state for each in tasks(complained())] == ["dropped", "dropped"]
    clock.advance(timedelta(days=90))
    jobs.run_due()
    kinds = {each.kind for each in complained().thread.events}
    assert "inquiry.overdue" not in kinds


# --- the desk's queues ------------------------------------------------------------------------------------


def queues(person: Person) -> dict[str, int]:
    return {name: count for name, count in Inspection(person).counts().items() if count}


def test_a_case_stands_in_the_queue_of_what_is_wrong_with_it(
    cast: Cast, complained: Callable[[], Case], reported: Callable[[], Case]
) -> None:
    assert queues(cast.ines) == {"new": 1}
    with transaction():
        tasks(complained())[0].accept(by=cast.ines)
    assert queues(cast.ines) == {"working": 1}
    assert queues(cast.ida) == {"second": 1, "working": 1}
    assert queues(officer(DISCIPLINE[0])) == {"new": 1}

    with transaction():
        reported().answer(by=cast.otto, answer="已处理。", outcome="explained")
    assert queues(cast.ida)["empty"] == 1
    with transaction():
        reported().rate(by=cast.rita, solved="no", satisfaction="dissatisfied")
    with transaction():
        reported().rectify(by=cast.otis, answer="民警今天再到现场看过，灯已经修好了。")
    assert "dissatisfied" not in queues(cast.ida)
    with transaction():
        reported().rate(by=cast.rita, solved="no", satisfaction="very_dissatisfied")
    assert queues(cast.ida)["dissatisfied"] == 1
    with transaction():
        Inspection(cast.ida, "dissatisfied").look(reported(), words="已与该支队核实。")
    assert "dissatisfied" not in queues(cast.ida)
    with transaction():
        reported().reopen(by=cast.rita, words="灯又坏了。")
    assert queues(cast.ida)["reopened"] == 1
    for name in QUEUES:
        assert len(Inspection(cast.ida, name).rows()) == queues(cast.ida).get(name, 0)


@pytest.mark.parametrize("who", ["otto", "lena", "carl", "dana", "mona", "adam", "rita"])
def test_nobody_else_has_this_desk(cast: Cast, complained: Callable[[], Case], who: str) -> None:
    with pytest.raises(NotAllowed):
        Inspection(getattr(cast, who))


# --- what is published ------------------------------------------------------------------------------------

PEOPLE, KINDS = 30, 3 * 2 * 2


def stub(number: int) -> publishing.Stub:
    """One of few people, in one of few groups."""
    person, group = number % PEOPLE, number // PEOPLE
    months, reasons = ("2026-09", "2026-10"), ("manner", "slow", "inaction")
    return publishing.Stub(
        months[group % 2], reasons[group % 3], ("open", "concluded")[group // 6], f"person {person}"
    )


STUBS = st.lists(st.integers(0, PEOPLE * KINDS - 1), max_size=120).map(lambda found: [*map(stub, found)])


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine a long list takes a moment
@given(STUBS)
def test_no_published_figure_stands_for_fewer_than_ten_people(stubs: list[publishing.Stub]) -> None:
    figures = publishing.merged(stubs)

    for figure in figures:
        of_month = [each for each in stubs if each.month == figure.month]
        shown = {(each.reason, each.state) for each in figures if each.month == figure.month}
        behind = [
            each
            for each in of_month
            if ((each.reason, each.state) == (figure.reason, figure.state))
            or (figure.reason == publishing.MERGED and (each.reason, each.state) not in shown)
        ]
        people = {each.person for each in behind}
        assert (figure.count is None) == (len(people) < publishing.FEWEST)
        assert figure.count in (None, len(behind))
    for month in {each.month for each in stubs}:
        counts = [each.count for each in figures if each.month == month]
        total = sum(1 for each in stubs if each.month == month)
        assert None in counts or sum(each or 0 for each in counts) == total


def test_the_list_moves_with_the_month_and_not_with_a_complaint(
    cast: Cast, complained: Callable[[], Case]
) -> None:
    section = complained().thread.section
    assert publishing.stubs(section) == []
    clock.advance(timedelta(days=20))  # into December
    (stub,) = publishing.stubs(section)
    assert (stub.month, stub.reason, stub.state) == ("2026-11", "not-handled", "open")
    with transaction():
        conclude(tasks(complained())[0], cast.ines, cast.ida)
    with transaction():
        conclude(tasks(complained())[1], officer(DISCIPLINE[0]), officer(DISCIPLINE[1]))
    assert publishing.stubs(section) == [stub], "what is concluded in a month is published after it"
    clock.advance(timedelta(days=31))
    assert [each.state for each in publishing.stubs(section)] == ["concluded"]
    assert [each.count for each in publishing.conclusions(section)] == [None]


@given(st.sets(st.integers(1, 10_000), max_size=200), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_two_in_a_hundred_are_drawn_whatever_the_order(numbers: set[int], seed: str) -> None:
    names = [f"20261101-{each:04d}" for each in numbers]
    drawn = sampling.drawn(seed, names)

    assert drawn == sampling.drawn(seed, reversed(names))
    assert len(drawn) == -(-len(names) // 50)
    rest = set(names) - set(drawn)
    assert all(sampling.mark(seed, a) < sampling.mark(seed, b) for a in drawn for b in rest)


def test_a_month_that_is_over_is_drawn_once_from_what_was_closed_in_it(
    cast: Cast, reported: Callable[[], Case]
) -> None:
    with transaction():
        sampling.promise_draw()
        reported().answer(by=cast.otto, answer="民警已到现场修复信号灯，请放心通行。", outcome="solved")
    with transaction():
        reported().rate(by=cast.rita, solved="yes", satisfaction="satisfied")
    with transaction():
        posted(cast.vera)  # open, so not in the sample
    committed = sampling.commitment(db.session.get_one(Draw, "2026-11").seed)
    sampling.draw_sample("2026-11")
    assert db.session.get_one(Draw, "2026-11").drawn_at is None, "the month is not over"
    clock.advance(timedelta(days=14))
    jobs.run_due()
    sampling.draw_sample("2026-11")

    row = db.session.get_one(Draw, "2026-11")
    assert sampling.commitment(row.seed) == committed
    assert (row.closed, row.chosen) == (1, 1)
    assert [each.case_id for each in db.session.scalars(db.select(Look))] == [reported().id]
    assert db.session.get(Draw, "2026-12") is not None


def test_the_task_of_a_case_is_found_by_nobody_who_may_not_read_it(
    cast: Cast, complained: Callable[[], Case]
) -> None:
    found: dict[str, Any] = {}
    public_id = tasks(complained())[0].public_id
    for name in cast.names():
        try:
            with transaction():
                Inquiry.by_public_id(public_id, reader=getattr(cast, name))
            found[name] = True
        except NotFound:
            found[name] = False
    assert {name for name, seen in found.items() if seen} == READERS
