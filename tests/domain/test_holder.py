"""Whoever holds a receipt stands in the poster's place for one thread, and nowhere else."""

from __future__ import annotations

import pytest
from flask import Flask

from board.db import db, transaction
from board.permissions import RULES, may
from boards.models import Case, Holder, Section
from boards.models.posting import Draft, post
from boards.models.receipt import Fresh, Receipt
from boards.policy import sees
from boards.turns import POSTERS, acts
from tests.builders import Cast, case_of, posted
from tests.complaining import open_complaints

OF_A_POSTER = {"case.supplement", "case.nudge", "case.withdraw", "case.follow_up", "case.reopen", "case.rate"}


@pytest.fixture
def held(app: Flask, cast: Cast) -> tuple[str, Holder]:
    """A complaint by a receipt, and who holds that."""
    app.config["SETTINGS"].__dict__["receipt_cost"] = (1, 8)
    with transaction():
        open_complaints(cast)
        Section.by_key("complaints").identities = ["sealed", "receipt"]
    fresh = Fresh.draw()
    with transaction():
        about = {"about_reason": "manner", "about_badge": "021456"}
        draft = Draft(title="没有登记", body="民警到了就走。", identity="receipt", about=about)
        thread = post(Section.by_key("complaints"), draft, by=None)
        Receipt.hang(fresh, thread)
        thread_id = thread.public_id
    found = Receipt.numbered(fresh.number)
    assert found is not None
    return thread_id, found.holder


def test_every_rule_about_a_case_denies_but_those_of_its_poster(held: tuple[str, Holder]) -> None:
    thread_id, holder = held
    case = case_of(thread_id)
    allowed = {name for name in RULES if name.startswith("case.") and may(holder, name, case)}
    assert allowed == OF_A_POSTER | {"case.unmerge"}
    assert not any(may(holder, name, case.thread) for name in RULES if name.startswith("thread."))
    assert not sees(holder, case.thread)  # type: ignore[arg-type]
    assert acts(case, holder) == {"withdraw"} <= set(POSTERS)


def test_it_is_nobody_in_the_threads_of_others(cast: Cast, held: tuple[str, Holder]) -> None:
    thread_id, holder = held
    with transaction():
        other = posted(cast.rita).public_id
        complaint = Draft(title="另一件", body="也没有登记。", identity="receipt", about={
            "about_reason": "manner", "about_badge": "021456",
        })  # fmt: skip
        twin = post(Section.by_key("complaints"), complaint, by=None).public_id
    for public_id in (other, twin):
        case = case_of(public_id)
        assert {name for name in RULES if name.startswith("case.") and may(holder, name, case)} == set()
        assert acts(case, holder) == set()
    # The receipt is of no use where the thread has an account after all.
    with transaction():
        db.session.get(Case, case_of(thread_id).id).thread.poster_id = cast.rita.id  # type: ignore[union-attr]
    assert acts(case_of(thread_id), holder) == set()
