"""What an inspector may do to a public case, and what not to one of whose department he stands near."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from board.db import transaction
from board.permissions import may
from boards.models import Case, Section
from people.models import Department
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
