"""A complaint comes to an end whoever is accused: each task has two free persons, here or above."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from board.db import db, transaction
from boards.models import Case, Thread
from complaints.models import Inquiry
from people.models import Department, Person
from tests.builders import Cast
from tests.complaining import tasks
from tests.watchers import complain, inspectors

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


def first(case: Case) -> Inquiry:
    """The inspectorate's task."""
    return tasks(case)[0]


def test_a_colleague_of_an_accused_inspector_may_take_the_complaint_on(
    cast: Cast, complained: Complained
) -> None:
    case = complained(cast.ines)
    assert first(case()).open_acts(cast.ines) == set()

    with transaction():
        first(case()).accept(by=cast.ida)
    assert (case().status, first(case()).state) == ("accepted", "accepted")
