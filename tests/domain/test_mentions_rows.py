"""Mentions as they are kept and told: who hears, once, and who never does (domain.md §4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from board import clock, events
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, WrongState
from boards.models import CaseEvent, Mention, Section, Thread
from boards.models.posting import Draft, post, reply
from tests.builders import Cast, posted

pytestmark = pytest.mark.engines("sqlite", "postgres")

Told = dict[str, str]


def told(event: CaseEvent | None) -> Told:
    assert event is not None, "nothing happened"
    return {department.key: reason for department, reason in event.audience.departments.values()}


published: list[Told] = []


@pytest.fixture(autouse=True)
def listener() -> Iterator[None]:
    """Keep whom each event tells, at the moment in which it happens."""

    def hear(happened: CaseEvent) -> None:
        published.append(told(happened))

    published.clear()
    events.on("*")(hear)
    yield
    events._listeners["*"].remove(hear)


def rows(thread_id: int) -> dict[str, bool]:
    found = db.session.scalars(db.select(Mention).where(Mention.thread_id == thread_id).order_by(Mention.id))
    return {mention.department.key: mention.told for mention in found}


def write(cast: Cast, body: str, title: str = "路口的红绿灯一直闪", **draft: object) -> tuple[int, Told]:
    with transaction():
        thread = post(Section.by_key("traffic"), Draft(title=title, body=body, **draft), by=cast.rita)  # type: ignore[arg-type]
        return thread.id, published[-1]


def case_lead(thread_id: int) -> str:
    case = db.session.get_one(Thread, thread_id).case
    assert case is not None
    return case.department.key


def test_the_first_leads_the_others_are_told_and_the_fourth_is_not(cast: Cast) -> None:
    thread, heard = write(cast, "@户政支队 @昆河分局 @市供热公司 @宣传科 都来看看。")
    assert case_lead(thread) == "household-police"
    assert heard == {"household-police": "mentioned", "kunhe": "mentioned", "heating": "mentioned"}
    assert rows(thread) == dict.fromkeys(("household-police", "kunhe", "heating"), True)


def test_title_and_body_have_three_between_them(cast: Cast) -> None:
    thread, heard = write(cast, "@户政支队 @昆河分局 也请看。", title="请@交警支队和@市供热公司看路口")
    assert case_lead(thread) == "traffic-police"
    assert set(heard) == {"traffic-police", "heating", "household-police"}
    assert rows(thread) == {
        "traffic-police": True, "heating": True, "household-police": True, "kunhe": False,
    }  # fmt: skip


def test_departments_picked_beside_the_text_come_first_and_may_answer(cast: Cast) -> None:
    thread, heard = write(cast, "路口的灯一直闪。", departments=("traffic-police", "household-police"))
    assert heard == {"traffic-police": "mentioned", "household-police": "mentioned"}
    assert rows(thread) == {"traffic-police": True, "household-police": True}
    with transaction():
        reply(db.session.get_one(Thread, thread), "户政这边也收到了。", by=cast.hugo)
    case = db.session.get_one(Thread, thread).case
    assert case is not None
    assert case.open_clock("reply") is not None, "nothing waits for those who were only told"


def test_a_department_nobody_named_does_not_answer(cast: Cast) -> None:
    thread, _heard = write(cast, "路口的灯一直闪。")
    with pytest.raises(NotAllowed), transaction():
        reply(db.session.get_one(Thread, thread), "户政这边也收到了。", by=cast.hugo)


def test_more_than_three_picked_are_refused(cast: Cast) -> None:
    with pytest.raises(Invalid) as error:
        write(cast, "路口的灯。", departments=("traffic-police", "household-police", "heating", "kunhe"))
    assert set(error.value.errors) == {"departments"}


def test_an_unknown_name_is_a_chip_and_the_section_still_hears(cast: Cast) -> None:
    thread, heard = write(cast, "请@交通委员会看一下。")
    assert case_lead(thread) == "traffic-police"
    assert heard == {"traffic-police": "lead"}
    assert rows(thread) == {}
    assert "mention--unknown" in db.session.get_one(Thread, thread).body.html


def test_a_mention_is_kept_with_its_place_and_its_name_at_the_time(cast: Cast) -> None:
    body = "早高峰很危险，请@交警大队处理。"
    thread, _heard = write(cast, body)
    mention = db.session.scalars(db.select(Mention).where(Mention.thread_id == thread)).one()
    assert body[mention.offset : mention.offset + mention.length].lstrip("@") == "交警大队"
    assert mention.name.lstrip("@") == "交警大队"
    assert mention.department.key == "traffic-police"


def test_in_a_restricted_post_a_mention_tells_nobody(cast: Cast) -> None:
    thread, heard = write(cast, "@户政支队 @昆河分局 请看。", restrict=True)
    assert set(heard) == {"household-police"}, "whom it is restricted to, and nobody else"
    assert not any(rows(thread).values())


def test_an_edit_tells_whoever_is_new_once_and_untells_nobody(cast: Cast) -> None:
    thread, _heard = write(cast, "请@交警支队看一下。")
    with transaction():
        row = db.session.get_one(Thread, thread)
        heard = told(row.edit(by=cast.rita, title="路口的红绿灯一直闪", body="请@户政支队看一下。"))
    assert heard.get("household-police") == "mentioned"
    assert rows(thread) == {"traffic-police": True, "household-police": True}
    with transaction():
        row = db.session.get_one(Thread, thread)
        heard = told(
            row.edit(by=cast.rita, title="路口的红绿灯一直闪", body="请@户政支队和@交警支队看一下！")
        )
    assert "mentioned" not in heard.values()
    assert case_lead(thread) == "traffic-police"


def test_edits_do_not_add_a_fourth(cast: Cast) -> None:
    thread, _heard = write(cast, "@交警支队 @户政支队 @昆河分局 请看。")
    with transaction():
        row = db.session.get_one(Thread, thread)
        row.edit(by=cast.rita, title="路口的红绿灯一直闪", body="@市供热公司 请看。")
    assert rows(thread)["heating"] is False


def test_a_post_with_blacked_out_words_is_edited_no_more(cast: Cast) -> None:
    thread, _heard = write(cast, "我是王丽，早高峰很危险。")
    with transaction():
        row = db.session.get_one(Thread, thread)
        row.cover(by=cast.rita, text=row.body, spans=[(2, 4)])
    body = "早高峰，我是王丽，很危险。"
    with pytest.raises(WrongState), transaction():
        db.session.get_one(Thread, thread).edit(by=cast.rita, title="路口的红绿灯一直闪", body=body)
    assert "王丽" not in db.session.get_one(Thread, thread).body.public


def say(cast: Cast, who: str, thread: int, words: str) -> Told:
    with transaction():
        return told(reply(db.session.get_one(Thread, thread), words, by=getattr(cast, who)))


@pytest.mark.parametrize("who", ["rita", "otto"])
def test_the_poster_and_officers_page_whom_they_name(cast: Cast, who: str) -> None:
    thread, _heard = write(cast, "请@交警支队看一下。")
    assert say(cast, who, thread, "也请@户政支队看看，路口两边都有住户。")["household-police"] == "mentioned"
    assert "household-police" not in say(cast, who, thread, "再请@户政支队看一次，谢谢。")


def test_a_stranger_reaches_the_inbox_only_five_times_a_day(cast: Cast) -> None:
    threads = [write(cast, "请@交警支队看一下。")[0] for _ in range(4)]
    heard = [say(cast, "vera", thread, "我也看到了，@户政支队 @昆河分局 请看。") for thread in threads]
    quiet = [{key for key, reason in each.items() if reason == "mentioned_quietly"} for each in heard]
    assert quiet == [{"household-police", "kunhe"}] * 2 + [{"household-police"}, set()]
    assert all("mentioned" not in each.values() for each in heard)
    clock.advance(timedelta(days=1))
    assert "mentioned_quietly" in say(cast, "vera", threads[3], "@户政支队 还在闪。").values()


@pytest.mark.parametrize("who", ["rita", "otto"])
def test_whom_a_stranger_named_first_is_still_called_by_the_poster_and_by_officers(
    cast: Cast, who: str
) -> None:
    thread, _heard = write(cast, "请@交警支队看一下。")
    assert say(cast, "vera", thread, "@户政支队 也来看看吧。")["household-police"] == "mentioned_quietly"

    assert say(cast, who, thread, "是的，也请@户政支队看看。")["household-police"] == "mentioned"
    assert "household-police" not in say(cast, who, thread, "再请@户政支队看一次，谢谢。")
    assert "household-police" not in say(cast, "vera", thread, "@户政支队 还在吗？")


def test_naming_a_department_under_ones_own_post_costs_nothing(cast: Cast) -> None:
    with transaction():
        mine = posted(cast.vera).id
    for words in ("@户政支队 请看。", "@昆河分局 请看。", "@市供热公司 请看。", "@宣传科 请看。"):
        say(cast, "vera", mine, words)
    thread, _heard = write(cast, "请@交警支队看一下。")
    assert say(cast, "vera", thread, "@昆河分局 请看。")["kunhe"] == "mentioned_quietly"
