"""The monthly list of complaints says how each stood when the month began, also of those that were taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from board import clock
from board.db import transaction
from boards.models import Case
from complaints import publishing
from complaints.words import published_state_word
from tests.builders import Cast, case_of
from tests.complaining import complain, open_complaints


@pytest.fixture
def complained(cast: Cast) -> Callable[[], Case]:
    """Rita's complaint about Otto; call it inside a transaction() to change it."""
    with transaction():
        open_complaints(cast)
    with transaction():
        thread_id = complain(cast.rita).public_id
    return lambda: case_of(thread_id)


def states(case: Callable[[], Case]) -> list[str]:
    return [each.state for each in publishing.stubs(case().thread.section)]


def test_a_complaint_that_was_taken_back_is_not_looked_into_for_ever(
    cast: Cast, complained: Callable[[], Case]
) -> None:
    clock.advance(timedelta(days=20))  # into December
    with transaction():
        complained().withdraw(by=cast.rita)
    assert states(complained) == ["open"], "what happens in a month is published after it"
    clock.advance(timedelta(days=31))
    assert states(complained) == ["withdrawn"]
    assert published_state_word("withdrawn") == "发帖人撤回"


def test_one_that_is_opened_again_moves_in_the_list_after_the_month_only(
    cast: Cast, complained: Callable[[], Case]
) -> None:
    with transaction():
        complained().withdraw(by=cast.rita)
    clock.advance(timedelta(days=20))
    assert states(complained) == ["withdrawn"]
    with transaction():
        complained().reopen(by=cast.rita, words="还是请你们查清楚。")
    assert states(complained) == ["withdrawn"]
    clock.advance(timedelta(days=31))
    assert states(complained) == ["open"]
