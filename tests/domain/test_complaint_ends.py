"""A complaint comes to an end whoever is accused: each task has two free persons, here or above."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from board import jobs
from board.db import db, transaction
from board.i18n import speaking
from boards.models import Case, CaseEvent, Thread
from boards.models.duty import responsible
from boards.policy import sees, visible_to
from complaints import readings
from complaints.models import Inquiry
from complaints.recusing import step_back
from notifications.models import InboxItem
from people.models import Department, Person
from tests.builders import Cast
from tests.complaining import DISCIPLINE, conclude, tasks
from tests.watchers import appoint, badge, complain, inspectors

Complained = Callable[[Person | Department], Callable[[], Case]]


@pytest.fixture(autouse=True)
def watched(cast: Cast) -> None:
    """The inspectors are at work."""
    with transaction():
        inspectors(cast)


@pytest.fixture
def complained(cast: Cast) -> Complained:
    """Rita complains about them; call what it gives inside a transaction() to change the case."""

    def put(accused: Person | Department) -> Callable[[], Case]:
        with transaction():
            thread = complain(cast.rita, accused).public_id
        return lambda: case_in(thread)

    return put


def case_in(thread: str) -> Case:
    case = db.session.scalars(db.select(Thread).where(Thread.public_id == thread)).one().case
    assert case is not None
    return case


def reads(person: Person, case: Case) -> bool:
    """Whether he may read it; the rule for one row and the rule for lists say the same."""
    listed = db.session.scalar(db.select(Thread.id).where(Thread.id == case.thread_id, visible_to(person)))
    assert (listed is not None) == sees(person, case.thread), person.badge
    return listed is not None


def first(case: Case) -> Inquiry:
    """The inspectorate's task."""
    return tasks(case)[0]


def test_a_colleague_of_an_accused_inspector_may_take_the_complaint_on(
    cast: Cast, complained: Complained
) -> None:
    with transaction():
        appoint(cast.hugo, Department.by_key("inspectorate"))
    case = complained(cast.ines)
    assert first(case()).open_acts(cast.ines) == set()

    with transaction():
        first(case()).accept(by=cast.ida)
    assert (case().status, first(case()).state) == ("accepted", "accepted")


# --- two persons for each task -----------------------------------------------------------------------------


def ends(case: Callable[[], Case]) -> str:
    """Everybody who may do a step of its tasks does it, as long as there is one; how the case stands then."""
    people = list(db.session.scalars(db.select(Person.badge).where(Person.kind == "staff")))
    acts: dict[str, Callable[[Inquiry, Person], object]] = {
        "accept": lambda task, who: task.accept(by=who),
        "review": lambda task, who: task.review(by=who, agree=True),
        "propose": lambda task, who: task.propose(
            by=who, conclusion="partly", findings="调取了执法记录仪。", measures=["apology"]
        ),
        "confirm": lambda task, who: task.confirm(by=who),
    }
    for number in people:
        if "accept" in case().open_verbs(badge(str(number))):
            with transaction():
                case().accept(by=badge(str(number)))
    for place in range(len(tasks(case()))):
        for name, act in acts.items():
            for number in people:
                who, task = badge(str(number)), tasks(case())[place]
                if name in task.open_acts(who):
                    with transaction():
                        act(tasks(case())[place], badge(str(number)))
                    break
    return str(case().status)


@pytest.mark.parametrize(
    "accused", ["ines", "otto", "090009", "091301", "inspectorate", "discipline", "carl"]
)
def test_whoever_is_accused_somebody_is_left_to_conclude_it(
    cast: Cast, complained: Complained, accused: str
) -> None:
    who: Person | Department = (
        Department.by_key(accused)
        if accused in ("inspectorate", "discipline")
        else badge(accused)
        if accused.isdigit()
        else getattr(cast, accused)
    )
    assert ends(complained(who)) == "resolved"


def test_a_task_for_which_one_person_is_left_goes_above_and_the_case_stays(
    cast: Cast, complained: Complained
) -> None:
    case = complained(cast.ines)  # Ida alone is free: their leader stands above the accused
    assert case().department.key == "inspectorate"
    assert [each.department.key for each in tasks(case())] == ["superior", "discipline"]


def test_a_task_goes_above_when_the_last_but_one_steps_back(cast: Cast, complained: Complained) -> None:
    case = complained(cast.otto)
    with transaction():
        first(case()).accept(by=cast.ines)
    with transaction():
        step_back(case(), by=badge("090009"), kind="recused", words="我认识他。")
    jobs.run_due()
    assert (first(case()).department.key, first(case()).state) == ("inspectorate", "accepted")

    with transaction():
        step_back(case(), by=cast.ida, kind="recused", words="我也认识他。")
    jobs.run_due()
    assert (first(case()).department.key, first(case()).state) == ("superior", "open")
    assert case().department.key == "inspectorate", "one of them may still read it"
    assert ends(case) == "resolved"


# --- what the case says at its end -----------------------------------------------------------------------------


def test_findings_of_any_length_end_it_and_its_answer_says_what_each_came_to(
    cast: Cast, complained: Complained
) -> None:
    case = complained(cast.otto)
    long = "经核实，情况部分存在。" + "民警到场后停留了两分钟。" * 400
    assert len(long) > 4_500
    with transaction(), speaking("en"):
        conclude(first(case()), cast.ines, cast.ida, "partly", long)
    one, other = (badge(number) for number in DISCIPLINE)
    with transaction(), speaking("en"):  # what is kept is in the language of the city, whoever confirms
        conclude(tasks(case())[1], one, other, "unverifiable", long)

    assert case().status == "resolved"
    (event,) = [each for each in case().thread.events if each.kind == "case.resolved"]
    assert event.public_text is not None
    assert event.public_text.public == (
        "警务督察支队作出结论：部分属实。处理：向发帖人道歉、批评教育。\n\n"
        "纪检监察组作出结论：无法查实。处理：向发帖人道歉、批评教育。"
    )


# --- the authority reads what it has a task in ------------------------------------------------------------------


def test_the_authority_finds_the_one_task_that_came_to_it(cast: Cast, complained: Complained) -> None:
    case = complained(cast.ines)
    task = first(case()).public_id
    above = badge("990001")

    assert {number: reads(badge(number), case()) for number in ("990001", "990002", "090009")} == {
        "990001": True, "990002": True, "090009": False,
    }  # fmt: skip
    with transaction():
        Inquiry.by_public_id(task, reader=above).accept(by=above)
    assert first(case()).state == "accepted"


def test_what_began_while_it_was_resolved_is_settled_when_it_is_opened_anew(
    cast: Cast, complained: Complained
) -> None:
    case = complained(cast.otto)
    assert ends(case) == "resolved"
    jobs.run_due()
    assert news(cast.ines)
    with transaction():
        readings.note(cast.ines, case().thread)
        appoint(
            cast.otto, Department.by_key("inspectorate"), "leader"
        )  # all who serve there are beside him now
    jobs.run_due()
    assert not news(cast.ines), "who may not read it any more has no news of it either"
    assert case().department.key == "inspectorate"

    with transaction():
        case().reopen(by=cast.rita, words="又发生了一次。")
    jobs.run_due()
    assert case().department.key == "superior"
    assert all(reads(each, case()) for each in responsible(case()))
    assert ends(case) == "resolved"


def news(person: Person) -> list[str]:
    """The kinds of the steps in his inbox."""
    rows = db.select(CaseEvent.kind).join(InboxItem, InboxItem.event_id == CaseEvent.id)
    return list(db.session.scalars(rows.where(InboxItem.person_id == person.id)))
