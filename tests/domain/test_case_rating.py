"""The poster's word: rating, correcting it, another officer's answer, silence (domain.md §3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from board import clock, jobs
from board.db import db
from board.errors import Invalid, NotAllowed, WrongState
from boards.models import Case, Status
from tests.builders import Cast
from tests.domain.test_case_clocks import run_until
from tests.domain.test_case_verbs import accepted, does, kinds

pytestmark = pytest.mark.engines("sqlite", "postgres")

Reported = Callable[[], Case]
GOOD = {"solved": "yes", "satisfaction": "very_satisfied"}
BAD = {"solved": "no", "satisfaction": "dissatisfied"}


@pytest.fixture
def resolved(cast: Cast, reported: Reported) -> Reported:
    """Rita's case with Otto's final answer."""
    accepted(reported, cast)
    does(reported, cast, "otto", "resolve", answer="控制器已更换，灯已恢复。", outcome="solved")
    return reported


def test_only_the_poster_rates_and_a_good_word_closes_the_case(cast: Cast, resolved: Reported) -> None:
    for who in ("otto", "lena", "vera", "carl", "mona", "ines"):
        with pytest.raises(NotAllowed):
            does(resolved, cast, who, "rate", **GOOD)
    case = does(resolved, cast, "rita", "rate", words="修得很快。", **GOOD)
    assert case.status == Status.CLOSED
    assert (case.rated_solved, case.rated_satisfaction) == ("yes", "very_satisfied")
    text = case.ratings[0].text
    assert text is not None
    assert text.public == "修得很快。"


def test_both_questions_want_an_answer_of_the_list(cast: Cast, resolved: Reported) -> None:
    with pytest.raises(Invalid) as error:
        does(resolved, cast, "rita", "rate", solved="perhaps", satisfaction="")
    assert set(error.value.errors) == {"solved", "satisfaction"}


@pytest.mark.parametrize(
    ("solved", "satisfaction", "mends"),
    [
        ("no", "very_satisfied", True),
        ("yes", "dissatisfied", True),
        ("partly", "very_dissatisfied", True),
        ("partly", "fair", False),
        ("yes", "fair", False),
    ],
)
def test_what_brings_another_officer(
    cast: Cast, resolved: Reported, solved: str, satisfaction: str, mends: bool
) -> None:
    case = does(resolved, cast, "rita", "rate", solved=solved, satisfaction=satisfaction)
    assert (case.status == Status.RESOLVED) == mends
    assert (case.open_clock("rectification") is not None) == mends


def test_another_officer_than_the_handler_mends_it_and_the_poster_rates_again(
    cast: Cast, resolved: Reported
) -> None:
    with pytest.raises(WrongState):
        does(resolved, cast, "otis", "rectify", answer="已重新检查。")
    does(resolved, cast, "rita", "rate", **BAD)
    with pytest.raises(NotAllowed):
        does(resolved, cast, "otto", "rectify", answer="已重新检查。")
    clock.advance(timedelta(days=2))
    case = does(resolved, cast, "otis", "rectify", answer="已回电，换了整套设备，灯正常。")
    assert case.handler == cast.otis
    assert {each.kind for each in case.deadlines if each.is_open} == {"rating"}
    case = does(resolved, cast, "rita", "rate", **GOOD)
    assert case.status == Status.CLOSED
    assert [each.first for each in case.ratings] == [True, False], "the first one counts in figures"


def test_a_second_bad_word_is_left_to_the_inspectors(cast: Cast, resolved: Reported) -> None:
    does(resolved, cast, "rita", "rate", **BAD)
    does(resolved, cast, "otis", "rectify", answer="已回电，换了整套设备。")
    case = does(resolved, cast, "rita", "rate", **BAD)
    assert case.status == Status.CLOSED
    assert case.rated_solved == "no"


def test_when_nobody_mends_it_in_time_the_bad_word_stays(cast: Cast, resolved: Reported) -> None:
    does(resolved, cast, "rita", "rate", **BAD)
    run_until(resolved().deadlines[0].started_at + timedelta(days=20))
    case = resolved()
    assert case.status == Status.CLOSED
    assert case.rated_solved == "no"
    assert "rectification" in {each.kind for each in case.breaches}
    assert "rectify" not in case.open_verbs(cast.otis)
    db.session.rollback()
    case = does(resolved, cast, "rita", "reopen", words="还是没修好。")
    assert case.round == 2
    assert [each.solved for each in case.ratings] == ["no"]


def test_a_rating_is_corrected_within_seven_days_and_both_are_kept(cast: Cast, resolved: Reported) -> None:
    does(resolved, cast, "rita", "rate", **GOOD)
    clock.advance(timedelta(days=6))
    case = does(resolved, cast, "rita", "rate", **BAD)
    assert case.status == Status.RESOLVED, "another officer is owed"
    assert [(each.solved, each.first) for each in case.ratings] == [("yes", True), ("no", False)]
    assert case.thread.events[-1].parameters["corrected"] is True
    clock.advance(timedelta(days=2))
    with pytest.raises(WrongState):
        does(resolved, cast, "rita", "rate", **GOOD)


def test_who_says_the_same_again_has_corrected_nothing(cast: Cast, resolved: Reported) -> None:
    does(resolved, cast, "rita", "rate", words="修得很快。\n谢谢。", **GOOD)
    before = kinds(resolved())
    case = does(resolved, cast, "rita", "rate", words=" 修得很快。\r\n谢谢。 ", **GOOD)
    assert kinds(case) == before, "nobody is told twice"
    assert len(case.ratings) == 1
    case = does(resolved, cast, "rita", "rate", words="修得很快。", **GOOD)
    assert [each.text.public for each in case.ratings if each.text] == ["修得很快。\n谢谢。", "修得很快。"]


def test_the_same_word_about_a_new_answer_is_a_new_rating(cast: Cast, resolved: Reported) -> None:
    does(resolved, cast, "rita", "rate", **BAD)
    does(resolved, cast, "otis", "rectify", answer="已回电，换了整套设备。")
    case = does(resolved, cast, "rita", "rate", **BAD)
    assert [each.answer for each in case.ratings] == [1, 2]


def test_correcting_a_bad_word_to_another_bad_word_starts_nothing_anew(
    cast: Cast, resolved: Reported
) -> None:
    does(resolved, cast, "rita", "rate", **BAD)
    before = [each.id for each in resolved().deadlines]
    case = does(resolved, cast, "rita", "rate", solved="no", satisfaction="very_dissatisfied")
    assert [each.id for each in case.deadlines] == before
    assert case.status == Status.RESOLVED


def test_correcting_a_bad_word_to_a_good_one_closes_it(cast: Cast, resolved: Reported) -> None:
    does(resolved, cast, "rita", "rate", **BAD)
    case = does(resolved, cast, "rita", "rate", **GOOD)
    assert case.status == Status.CLOSED
    assert [each for each in case.deadlines if each.is_open] == []


def test_silence_closes_it_unrated_and_never_as_satisfied(cast: Cast, resolved: Reported) -> None:
    clock.advance(timedelta(days=7, minutes=1))
    assert "rate" not in resolved().open_verbs(cast.rita), "the window is over although the worker is late"
    db.session.rollback()
    jobs.run_due(kinds=("deadline-due",))
    case = resolved()
    assert case.status == Status.CLOSED
    assert (case.rated_solved, case.rated_satisfaction, case.ratings) == (None, None, [])
    assert case.thread.events[-1].parameters == {"rated": False}
    db.session.rollback()
    with pytest.raises(WrongState):
        does(resolved, cast, "rita", "rate", **GOOD)


def test_silence_after_another_officers_answer_is_silence_too(cast: Cast, resolved: Reported) -> None:
    does(resolved, cast, "rita", "rate", **BAD)
    does(resolved, cast, "otis", "rectify", answer="已回电，换了整套设备。")
    clock.advance(timedelta(days=8))
    jobs.run_due(kinds=("deadline-due",))
    case = resolved()
    assert case.status == Status.CLOSED
    assert case.rated_solved is None
    db.session.rollback()
    with pytest.raises(WrongState):
        does(resolved, cast, "rita", "rate", **GOOD)


def test_an_earlier_round_and_its_rating_are_frozen(cast: Cast, resolved: Reported) -> None:
    does(resolved, cast, "rita", "rate", **GOOD)
    case = does(resolved, cast, "rita", "reopen", words="又闪黄灯了。")
    assert case.rated_solved is None
    first = [(each.id, each.round, each.solved) for each in case.ratings]
    db.session.rollback()
    does(resolved, cast, "otto", "resolve", answer="这次换了电源。", outcome="solved")
    case = does(resolved, cast, "rita", "rate", **BAD)
    assert [(each.id, each.round, each.solved) for each in case.ratings][:1] == first
    assert [each.round for each in case.ratings] == [1, 2]
    assert kinds(case).count("case.rated") == 2


@pytest.mark.parametrize("how", ["withdraw", "decline"])
def test_what_was_never_answered_is_not_rated(cast: Cast, reported: Reported, how: str) -> None:
    if how == "withdraw":
        does(reported, cast, "rita", "withdraw")
    else:
        does(reported, cast, "lena", "decline", reason="不归交警管。", advice="请找物业。")
    with pytest.raises(WrongState):
        does(reported, cast, "rita", "rate", **GOOD)
