"""The tasks of a complaint: each stays with its own department, and whoever has to know hears what becomes of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from board.db import transaction
from boards.models import Case
from people.models import Department
from tests.builders import Cast, case_of
from tests.complaining import DISCIPLINE, tasks
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
