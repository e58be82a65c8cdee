"""The tasks of a complaint: each stays with its own department, and whoever has to know hears what becomes of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from board import jobs
from board.db import db, transaction
from board.errors import NotFound
from boards.models import Case, CaseEvent
from complaints.models import Statement
from complaints.recusing import step_back
from notifications.models import InboxItem
from people.models import Department, Person
from tests.builders import Cast, case_of
from tests.complaining import DISCIPLINE, conclude, tasks
from tests.watchers import badge, complain, inspectors


@pytest.fixture(autouse=True)
def watched(cast: Cast) -> None:
    """The inspectors are at work."""
    with transaction():
        inspectors(cast)


@pytest.fixture
def complained(cast: Cast) -> Callable[[], Case]:
    """Rita's complaint about Otto; call it inside a transaction() to change it."""
    with transaction():
        thread = complain(cast.rita, cast.otto).public_id
    return lambda: case_of(thread)


def test_after_a_handover_each_takes_on_the_task_of_its_own_department(
    cast: Cast, complained: Callable[[], Case]
) -> None:
    one = badge(DISCIPLINE[0])
    with transaction():
        complained().offer(by=cast.ines, to=Department.by_key("discipline"), reason="这件事请你们牵头核查。")
    with transaction():
        handover = complained().open_handover()
        assert handover is not None
        complained().take(handover.public_id, by=one)
    with transaction():
        complained().accept(by=one, answer="已经收到您的投诉，正在核实。")

    inspectorate, discipline = tasks(complained())
    assert (inspectorate.state, discipline.state) == ("open", "accepted")
    assert discipline.accepted_by == one
    assert "propose" not in discipline.open_acts(one)
    with transaction():
        tasks(complained())[1].review(by=badge(DISCIPLINE[1]), agree=True)
    assert "propose" in tasks(complained())[1].open_acts(one)


# --- what a unit was asked --------------------------------------------------------------------------------


def asked(cast: Cast, case: Callable[[], Case]) -> str:
    """The question of the inspectorate to the traffic police, that waits for Lena's answer."""
    with transaction():
        tasks(case())[0].accept(by=cast.ines)
    with transaction():
        unit = Department.by_key("traffic-police")
        found = Statement.ask(tasks(case())[0], by=cast.ines, department=unit, question="谁在值勤？")
    assert [each.public_id for each in Statement.waiting_for(cast.lena)] == [found.public_id]
    return found.public_id


def nobody_is_asked(cast: Cast, statement: str) -> bool:
    """Whether it has left the desk of whoever was to answer, and cannot be answered any more."""
    with pytest.raises(NotFound), transaction():
        Statement.by_public_id(statement, reader=cast.lena).give(by=cast.lena, words="是二中队。")
    return Statement.waiting_for(cast.lena) == []


def test_a_question_ends_when_the_complaint_is_taken_back(cast: Cast, complained: Callable[[], Case]) -> None:
    question = asked(cast, complained)
    with transaction():
        complained().withdraw(by=cast.rita)
    assert nobody_is_asked(cast, question)


def test_a_question_ends_with_the_conclusion_of_its_task_alone(
    cast: Cast, complained: Callable[[], Case]
) -> None:
    question = asked(cast, complained)
    with transaction():
        conclude(tasks(complained())[1], badge(DISCIPLINE[0]), badge(DISCIPLINE[1]))
    assert Statement.waiting_for(cast.lena), "the other task waits for it still"
    with transaction():
        task = tasks(complained())[0]
        task.review(by=cast.ida, agree=True)
        task.propose(by=cast.ines, conclusion="true", findings="已查清。", measures=["apology"])
        task.confirm(by=cast.ida)
    assert nobody_is_asked(cast, question)


def test_a_question_ends_when_the_task_goes_above(cast: Cast, complained: Callable[[], Case]) -> None:
    question = asked(cast, complained)
    with transaction():
        step_back(complained(), by=badge("090009"), kind="recused", words="我认识他。")
    with transaction():
        step_back(complained(), by=cast.ida, kind="recused", words="我也认识他。")
    jobs.run_due()
    assert tasks(complained())[0].department.key == "superior"
    assert nobody_is_asked(cast, question)


# --- who hears of a task that begins anew -------------------------------------------------------------------


def news(person: Person) -> list[str]:
    """The kinds of the steps of tasks in his inbox."""
    rows = db.select(CaseEvent.kind).join(InboxItem, InboxItem.event_id == CaseEvent.id)
    found = db.session.scalars(rows.where(InboxItem.person_id == person.id).order_by(InboxItem.id))
    return [kind for kind in found if kind.startswith("inquiry.")]


def test_colleagues_hear_that_a_task_is_open_again(cast: Cast, complained: Callable[[], Case]) -> None:
    with transaction():
        tasks(complained())[0].accept(by=cast.ida)
    with transaction():
        step_back(complained(), by=cast.ida, kind="recused", words="我认识他。")
    jobs.run_due()
    jobs.run_due()

    assert tasks(complained())[0].state == "open"
    assert news(cast.ines)[-1:] == ["inquiry.begun_anew"]
    assert news(cast.ida) == []
    (event,) = [each for each in complained().thread.events if each.kind == "inquiry.begun_anew"]
    assert not event.is_public


def test_the_authority_hears_of_a_task_that_comes_to_it(cast: Cast, complained: Callable[[], Case]) -> None:
    for who in ("090009", "090002"):
        with transaction():
            step_back(complained(), by=badge(who), kind="recused", words="我认识他。")
    for _round in range(2):
        jobs.run_due()
    assert news(badge("990001")) == ["inquiry.sent_above"], "once"


def test_it_hears_of_one_that_is_its_own_from_the_beginning(cast: Cast) -> None:
    with transaction():
        complain(cast.rita, cast.ines)
    assert news(badge("990001")) == ["inquiry.sent_above"]
    assert news(cast.ines) == []
