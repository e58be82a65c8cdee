"""One matter, several posters: merging, rating together, and undoing it exactly (domain.md §3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from board import clock, jobs
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, WrongState
from boards.models import Case, Outcome, Status
from boards.models.watch import follow, watch_of
from people.models import Department
from tests.builders import Cast, case_of, posted
from tests.domain.test_case_verbs import accepted, does, kinds

pytestmark = pytest.mark.engines("sqlite", "postgres")

Reported = Callable[[], Case]


@pytest.fixture
def second(cast: Cast, thread_posted: Callable[..., str]) -> Reported:
    """Vera's case about the same light."""
    thread = thread_posted("vera", title="建设街路口的灯坏了", body="请@交警支队看看。")
    return lambda: case_of(thread)


def merged(second: Reported, reported: Reported, cast: Cast) -> Case:
    with transaction():
        second().merge(by=cast.dana, into=reported())
    return second()


def test_only_the_desk_merges_and_the_poster_follows_the_main_case(
    cast: Cast, reported: Reported, second: Reported
) -> None:
    for who in ("otto", "lena", "vera", "rita", "mona"):
        with pytest.raises(NotAllowed), transaction():
            second().merge(by=getattr(cast, who), into=reported())
    case = merged(second, reported, cast)
    assert (case.status, case.outcome) == (Status.CLOSED, Outcome.DUPLICATE)
    assert case.parent is not None
    assert case.parent.number == reported().number
    assert watch_of(reported().thread, cast.vera) is not None
    assert [each for each in case.deadlines if each.is_open] == []
    assert kinds(reported())[-1] == "case.merged_in"


def test_merges_are_one_deep(
    cast: Cast, reported: Reported, second: Reported, thread_posted: Callable[..., str]
) -> None:
    third = thread_posted("vera", title="第三个帖子说同一个灯")
    merged(second, reported, cast)
    with pytest.raises(Invalid), transaction():
        case_of(third).merge(by=cast.dana, into=second())
    with pytest.raises(WrongState), transaction():
        reported().merge(by=cast.dana, into=case_of(third))
    with pytest.raises(Invalid), transaction():
        case_of(third).merge(by=cast.dana, into=case_of(third))


def test_not_the_same_matter_restores_everything_at_once(
    cast: Cast, reported: Reported, second: Reported
) -> None:
    does(second, cast, "otto", "accept", answer="已收到，派人去建设街看看。")
    household = Department.by_key("household-police")
    db.session.rollback()
    does(second, cast, "otto", "assist", department=household, words="请核对住户。")
    does(second, cast, "otto", "suspend", reason="等待鉴定", until=now() + timedelta(days=5))
    followers = reported().thread.followers_count
    before = {each.public_id: (each.due_at, each.stopped_at) for each in second().deadlines}
    merged(second, reported, cast)
    clock.advance(timedelta(hours=5))
    case = does(second, cast, "vera", "unmerge")
    assert (case.status, case.outcome, case.parent, case.closed_at) == (Status.ACCEPTED, None, None, None)
    assert {each.public_id: (each.due_at, each.stopped_at) for each in case.deadlines} == before
    assert [each.state for each in case.assists] == ["open"]
    assert case.open_approval("suspend") is not None
    assert reported().thread.followers_count == followers
    assert watch_of(reported().thread, cast.vera) is None
    assert kinds(reported())[-1] == "case.unmerged_from"


def test_who_followed_before_the_merge_still_follows_after_it_is_undone(
    cast: Cast, reported: Reported, second: Reported
) -> None:
    with transaction():
        follow(reported().thread, by=cast.vera)
    merged(second, reported, cast)
    does(second, cast, "vera", "unmerge")
    assert watch_of(reported().thread, cast.vera) is not None


def test_a_promise_broken_while_it_was_merged_is_noted_when_it_comes_back(
    cast: Cast, reported: Reported, second: Reported
) -> None:
    merged(second, reported, cast)
    clock.advance(timedelta(days=2))
    jobs.run_due(kinds=("deadline-due",))
    assert second().breaches == []
    does(second, cast, "vera", "unmerge")
    jobs.run_due(kinds=("deadline-due",))
    assert {each.kind for each in second().breaches} == {"reply", "accept"}


def test_a_suspension_that_ended_meanwhile_ends_when_the_merge_is_undone(
    cast: Cast, reported: Reported, second: Reported
) -> None:
    does(second, cast, "otto", "accept", answer="已收到，派人去建设街看看。")
    does(second, cast, "lena", "suspend", reason="等待鉴定", until=now() + timedelta(days=2))
    merged(second, reported, cast)
    clock.advance(timedelta(days=3))
    jobs.run_due(kinds=("resume-case",))
    assert does(second, cast, "dana", "unmerge").status == Status.SUSPENDED
    jobs.run_due(kinds=("resume-case",))
    assert second().status == Status.ACCEPTED


def test_after_seven_days_only_the_desk_undoes_it(cast: Cast, reported: Reported, second: Reported) -> None:
    merged(second, reported, cast)
    clock.advance(timedelta(days=7, minutes=1))
    with pytest.raises(WrongState):
        does(second, cast, "vera", "unmerge")
    assert does(second, cast, "dana", "unmerge").status == Status.PENDING
    with pytest.raises(WrongState):
        does(second, cast, "dana", "unmerge")


def test_every_merged_poster_rates_and_each_rating_counts(
    cast: Cast, reported: Reported, second: Reported
) -> None:
    merged(second, reported, cast)
    accepted(reported, cast)
    with transaction():
        told = reported().resolve(by=cast.otto, answer="控制器已更换，灯已恢复。", outcome="solved").audience
        assert {person.id for person, _reason in told.persons.values()} >= {
            cast.ids["rita"],
            cast.ids["vera"],
        }
    does(second, cast, "vera", "rate", solved="no", satisfaction="dissatisfied")
    case = reported()
    assert case.status == Status.RESOLVED, "the main poster has not spoken"
    assert case.rated_solved is None
    case = does(reported, cast, "rita", "rate", solved="yes", satisfaction="satisfied")
    assert case.status == Status.CLOSED
    assert [(each.person_id, each.solved, each.first) for each in case.ratings] == [
        (cast.ids["vera"], "no", True),
        (cast.ids["rita"], "yes", True),
    ]


def test_a_merged_poster_has_the_same_seven_days(cast: Cast, reported: Reported, second: Reported) -> None:
    merged(second, reported, cast)
    accepted(reported, cast)
    does(reported, cast, "otto", "resolve", answer="灯已恢复正常。", outcome="solved")
    does(reported, cast, "rita", "rate", solved="yes", satisfaction="satisfied")
    clock.advance(timedelta(days=6))
    assert "rate" in reported().open_verbs(cast.vera)
    clock.advance(timedelta(days=2))
    assert "rate" not in reported().open_verbs(cast.vera)


def test_when_the_main_poster_withdraws_what_others_asked_for_stands_again(
    cast: Cast, reported: Reported, second: Reported
) -> None:
    merged(second, reported, cast)
    does(reported, cast, "rita", "withdraw")
    assert second().status == Status.PENDING
    assert second().parent is None


def test_a_restricted_case_is_merged_into_none_and_takes_none_in(cast: Cast, reported: Reported) -> None:
    with transaction():
        hidden = posted(cast.vera, restrict=True, body="请帮忙看一下这件事。").public_id
    assert not case_of(hidden).can("merge")
    db.session.rollback()
    with pytest.raises(Invalid), transaction():
        reported().merge(by=cast.dana, into=case_of(hidden))
