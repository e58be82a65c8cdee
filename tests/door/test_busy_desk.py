"""A department with hundreds of new and open cases: how it is filled, and that its desk stays usable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from werkzeug.test import TestResponse

from board.db import db, transaction
from boards.cityload import LoadError, busy, open_cases
from boards.models import Case, Section, Thread
from boards.models.status import Status
from boards.models.tally import reconcile
from people.models import Shift
from tests.builders import Cast
from tests.door.test_desk import counts, numbers, statements

UNIT = "traffic-police"
PAGES = (
    "/desk",
    "/desk?queue=working",
    "/desk?queue=soon",
    "/desk/rows?queue=mine",
    "/d/traffic-police",
    "/s/traffic",
)


def loaded() -> dict[str, int]:
    """How many of the cases stand where."""
    rows = db.session.execute(
        select(Case.status, func.count())
        .join(Thread, Case.thread_id == Thread.id)
        .where(Thread.source.like("busy:%"))
        .group_by(Case.status)
    )
    return {str(status): number for status, number in rows}


@pytest.mark.parametrize(
    ("new", "working"),
    [(20, 60), pytest.param(200, 1_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])],
    ids=["few", "as promised"],
)
def test_a_department_is_given_its_cases_once_and_its_desk_answers(
    cast: Cast, get_as: Callable[..., TestResponse], new: int, working: int
) -> None:
    def cost() -> list[int]:
        found = []
        for page in PAGES:
            assert get_as("otto", page).status_code == 200
            found.append(statements(lambda page=page: get_as("otto", page)))
        return found

    assert list(busy(UNIT, new=2, working=6)) == list(range(8))
    few = cost()
    assert len(list(busy(UNIT, new=new, working=working))) == new + working - 8
    assert list(busy(UNIT, new=new, working=working)) == []

    stands = loaded()
    assert sum(stands.values()) == open_cases(UNIT) == new + working
    assert stands[Status.PENDING] == new - 6, "the first eight were two new ones and six open ones"
    assert stands[Status.IN_PROGRESS] > working / 3
    with transaction():
        assert reconcile() == []

    assert cost() == few
    page = get_as("otto", "/desk").text
    assert counts(page)["待受理"] == new - 6
    rows = numbers(page)
    assert 10 < len(rows) <= new
    assert get_as("otto", f"/desk?case={rows[0]}").status_code == 200


def test_a_load_that_was_stopped_goes_on_where_it_was(cast: Cast) -> None:
    loading = busy(UNIT, new=3, working=3)
    assert [next(loading), next(loading)] == [0, 1]
    loading.close()
    assert list(busy(UNIT, new=3, working=3)) == [2, 3, 4, 5]
    assert sum(loaded().values()) == 6


def nobody_on_duty() -> None:
    db.session.execute(delete(Shift))


def closed() -> None:
    db.session.execute(update(Section).values(closed_text="暂停发帖"))


@pytest.mark.parametrize(
    ("change", "unit", "says"),
    [
        (None, "nonsense", "nonsense"),
        (nobody_on_duty, UNIT, "没有人值班"),
        (closed, UNIT, "没有开放的板块"),
    ],
)
def test_a_department_that_cannot_be_given_cases_is_told_in_a_sentence(
    cast: Cast, change: Any, unit: str, says: str
) -> None:
    if change is not None:
        with transaction():
            change()
    with pytest.raises(LoadError, match=says):
        list(busy(unit, new=1, working=1))
    assert loaded() == {}
