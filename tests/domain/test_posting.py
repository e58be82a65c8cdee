"""From what somebody typed to a thread with its case: who leads, who may read, which clocks run."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotAllowed
from boards.models import Case, Section, Status, Thread, Visibility
from boards.models.posting import Draft, post
from boards.models.tally import tallies
from tests.builders import Cast, posted

pytestmark = pytest.mark.engines("sqlite", "postgres")


def write(cast: Cast, who: str = "rita", section: str = "traffic", **draft: object) -> Thread:
    given: dict[str, object] = {"title": "路口红绿灯一直闪", "body": "早高峰很危险，请看一下。", **draft}
    with transaction():
        thread_id = post(Section.by_key(section), Draft(**given), by=getattr(cast, who)).id  # type: ignore[arg-type]
    return db.session.get_one(Thread, thread_id)


def case_of(thread: Thread) -> Case:
    assert thread.case is not None
    return thread.case


def test_a_post_becomes_a_pending_case_with_two_clocks_and_a_number_of_the_day(cast: Cast) -> None:
    case = case_of(write(cast))
    assert (case.status, case.round, case.department.key) == (Status.PENDING, 1, "traffic-police")
    assert {each.kind for each in case.deadlines} == {"reply", "accept"}
    assert case.number == "20261117-0001"
    assert case_of(write(cast)).number == "20261117-0002"


@pytest.mark.parametrize(
    ("section", "lead"), [("traffic", "traffic-police"), ("12345", "desk"), ("household", "household-police")]
)
def test_without_a_mention_the_sections_department_leads(cast: Cast, section: str, lead: str) -> None:
    assert case_of(write(cast, section=section)).department.key == lead


def test_every_wrong_field_is_named_at_once(cast: Cast) -> None:
    with pytest.raises(Invalid) as error:
        write(cast, title=" \u200b ", body="", identity="sealed", departments=("nowhere",), place="x" * 81)
    assert set(error.value.errors) == {"title", "body", "identity", "departments", "place"}


@pytest.mark.parametrize(("field", "longest"), [("title", 80), ("body", 5_000), ("place", 80)])
def test_a_text_may_be_as_long_as_it_says_and_no_longer(cast: Cast, field: str, longest: int) -> None:
    write(cast, **{field: "路" * longest})
    with pytest.raises(Invalid) as error:
        write(cast, **{field: "路" * (longest + 1)})
    assert set(error.value.errors) == {field}
    with pytest.raises(Invalid):
        write(cast, **{field: "路" * 100_000})


@pytest.mark.parametrize("who", ["otto", "carl", "mona", "adam", "ines"])
def test_an_officers_account_posts_nothing_as_a_citizen(cast: Cast, who: str) -> None:
    with pytest.raises(NotAllowed):
        write(cast, who=who)


def test_a_refused_post_leaves_no_row(cast: Cast) -> None:
    with pytest.raises(Invalid):
        write(cast, title="")
    assert db.session.scalar(db.select(db.func.count(Thread.id))) == 0
    assert tallies() == {}


@pytest.mark.parametrize("body", ["救命，有人持刀砍人！", "我不敢说话，有人在撬我家门，我躲在衣柜里"])
def test_words_of_present_danger_keep_it_at_the_desk(cast: Cast, body: str) -> None:
    thread = write(cast, section="110", body=body)
    assert thread.visibility == Visibility.RESTRICTED
    assert thread.restricted_why == "danger"
    case = case_of(thread)
    assert case.department.is_desk
    assert len(case.number.split("-")[1]) == 9, "its number counts nothing"
    assert tallies("section:110", "department:desk") == {"section:110": {}, "department:desk": {}}


def test_it_becomes_public_when_the_desk_and_the_poster_agree(cast: Cast) -> None:
    thread_id = write(cast, section="110", body="救命，有人持刀砍人！").id
    with pytest.raises(NotAllowed), transaction():
        db.session.get_one(Thread, thread_id).propose_release(by=cast.otto)
    with transaction():
        db.session.get_one(Thread, thread_id).propose_release(by=cast.dana)
    assert db.session.get_one(Thread, thread_id).is_restricted
    with transaction():
        db.session.get_one(Thread, thread_id).agree_release(by=cast.rita)
    thread = db.session.get_one(Thread, thread_id)
    assert thread.is_public
    assert tallies("section:110")["section:110"] == {"pending": 1}


def test_the_poster_may_keep_it_from_the_public(cast: Cast) -> None:
    thread = write(cast, restrict=True)
    assert thread.visibility == Visibility.RESTRICTED
    assert thread.restricted_to is not None
    assert thread.restricted_to.key == "traffic-police"
    assert tallies("section:traffic") == {"section:traffic": {}}


def test_what_is_masked_in_public_is_kept_for_the_department(cast: Cast) -> None:
    thread = write(cast, body="请打我电话 13812345678，早高峰很危险。")
    assert "13812345678" not in thread.body.public
    assert "13812345678" not in thread.body.html
    assert "13812345678" in thread.body.original()


def test_counters_follow_a_case_through_its_life(cast: Cast) -> None:
    thread_id = write(cast).id

    def counted() -> dict[str, int]:
        found = tallies("department:traffic-police")["department:traffic-police"]
        db.session.rollback()
        return {name: number for name, number in found.items() if number}

    assert counted() == {"pending": 1}
    with transaction():
        case_of(db.session.get_one(Thread, thread_id)).accept(by=cast.otto)
    assert counted() == {"accepted": 1}
    with transaction():
        db.session.get_one(Thread, thread_id).hold(by=cast.mona, reason="private_data")
    assert counted() == {}
    with transaction():
        case_of(db.session.get_one(Thread, thread_id)).claim(by=cast.otto)
    with transaction():
        db.session.get_one(Thread, thread_id).release(by=cast.mona)
    assert counted() == {"in_progress": 1}


def test_a_notice_makes_no_case_and_only_its_department_publishes(cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        write(cast, section="notices")
    thread = write(cast, who="mona", section="notices", identity="open")
    assert thread.case is None
    assert thread.kind == "notice"


def test_posted_at_is_the_moment_it_was_posted(cast: Cast) -> None:
    with transaction():
        thread = posted(cast.rita)
        assert thread.posted_at == now()
        assert thread.poster is not None
        assert thread.poster.id == cast.ids["rita"]


def test_what_is_kept_beside_an_answer_is_masked_like_the_answer(cast, reported):
    with transaction():
        reported().accept(by=cast.otto, answer="已收到，正在安排民警去路口。")
    with transaction():
        step = reported().resolve(
            by=cast.otto,
            answer="这件事由供热公司办，请打他们的电话。",
            outcome="transferred",
            number="GR-20261117-8",
            contact="赵师傅 19900008888，值班室 0000-110-0122",
        )
        kept = {**step.parameters, **reported().outcome_details}

    assert "19900008888" not in str(kept)
    assert "0000-110-0122" in kept["contact"]


def test_what_is_only_being_posted_is_written_once_and_names_are_read_only_for_calls(cast: Cast) -> None:
    def asked(body: str) -> list[str]:
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            seen.append(" ".join(statement.replace('"', "").split()))

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            with transaction():
                posted(cast.rita, body=body)
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return seen

    names = "SELECT department.key, department.name, department.short_name, department.aliases"
    quiet, calling = asked("路口的灯坏了三天。"), asked("请@户政支队和@昆河分局看看。")
    assert not any(each.startswith(names) for each in quiet)
    assert sum(each.startswith(names) for each in calling) == 1
    for each in (*quiet, *calling):
        assert not each.startswith(("UPDATE case", "UPDATE text")), each
