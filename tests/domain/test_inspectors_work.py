"""What an inspector may do to a public case, and what not to one of whose department he stands near."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from board.audit import AuditEntry
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, WrongState
from board.permissions import may
from boards.models import Case, Section, Thread
from complaints.inspecting import Inspection
from complaints.models import Look
from people.models import Department, Person
from tests.builders import Cast, case_of, posted
from tests.watchers import appoint, inspectors


@pytest.fixture(autouse=True)
def watched(cast: Cast) -> None:
    """The inspectors are at work; Ines left the traffic police, which leads Rita's case, a month ago."""
    with transaction():
        inspectors(cast)
        appoint(cast.ines, Department.by_key("traffic-police"), since=400, until=30)


@pytest.fixture
def sealed(cast: Cast) -> Callable[[], Case]:
    """Rita's post, of which only inspectors may learn who wrote it."""
    with transaction():
        Section.by_key("traffic").identities = ["hidden", "open", "sealed"]
        thread = posted(cast.rita, identity="sealed").public_id
    return lambda: case_of(thread)


def test_who_is_sealed_is_opened_by_no_inspector_who_stands_near_the_department(
    cast: Cast, sealed: Callable[[], Case]
) -> None:
    case = sealed()
    pair = (case.thread.body, case.thread)
    found = {
        who: (may(getattr(cast, who), "poster.contact", case), may(getattr(cast, who), "text.original", pair))
        for who in ("ines", "ida", "otto")
    }
    assert found == {"ines": (False, False), "ida": (True, True), "otto": (False, False)}


# --- going through a queue ----------------------------------------------------------------------------------


def answered(cast: Cast, reported: Callable[[], Case]) -> Case:
    """Rita's case, answered with three characters: it stands among the empty answers."""
    with transaction():
        reported().answer(by=cast.otto, answer="已处理。", outcome="explained")
    return reported()


def looks(who: Person, case: Callable[[], Case], queue: str = "empty") -> None:
    with transaction():
        Inspection(who, queue).look(case(), words="已请该支队补充答复。")


def test_nobody_goes_through_a_case_of_a_department_he_stands_near(
    cast: Cast, reported: Callable[[], Case]
) -> None:
    answered(cast, reported)
    with pytest.raises(NotAllowed):
        looks(cast.ines, reported)
    looks(cast.ida, reported)
    with pytest.raises(WrongState):  # it has left the queue
        looks(cast.ida, reported)


def test_a_case_is_gone_through_in_a_queue_in_which_it_stands(
    cast: Cast, reported: Callable[[], Case]
) -> None:
    answered(cast, reported)
    for queue in ("sample", "reopened", "dissatisfied"):
        with pytest.raises(WrongState):
            looks(cast.ida, reported, queue)
    with pytest.raises(Invalid):
        looks(cast.ida, reported, "overdue")
    assert db.session.scalars(db.select(Look)).all() == []


def test_that_a_case_was_gone_through_stands_in_the_log(cast: Cast, reported: Callable[[], Case]) -> None:
    case = answered(cast, reported)
    looks(cast.ida, reported)
    (entry,) = db.session.scalars(db.select(AuditEntry).where(AuditEntry.act == "inspection.looked"))
    assert (entry.actor, entry.thing) == (cast.ida.public_id, f"case:{case.number}")
    assert entry.details == {"queue": "empty"}


def test_the_queue_of_empty_answers_does_not_walk_through_every_step_of_the_board(
    cast: Cast, reported: Callable[[], Case]
) -> None:
    answered(cast, reported)
    query = db.select(Case.id).join(Thread).where(Inspection(cast.ida).condition("empty"))
    words = str(query.compile(db.engine, compile_kwargs={"literal_binds": True}))
    plan = [row[3] for row in db.session.execute(db.text(f"EXPLAIN QUERY PLAN {words}"))]
    assert [step for step in plan if "SCAN" in step and "case_event" in step] == []
    assert [each.number for each in Inspection(cast.ida, "empty").rows()] == [reported().number]
