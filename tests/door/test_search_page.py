"""The search page at the door: what visitors and officers get, and what bad input gets."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta

import pytest
from sqlalchemy import event

from board import jobs
from board.clock import advance
from board.db import db, transaction
from boards.models import Case, Section, Thread
from search.upkeep import KIND
from tests.builders import Cast, posted

TITLE = "青松路与建设街路口红绿灯一直闪黄灯"


@pytest.fixture
def light(reported) -> Case:
    """Rita's case about the traffic light, in the index."""
    jobs.run_due(kinds=(KIND,))
    return reported()


def titles(answer) -> list[str]:
    """The titles of the results, marks taken off."""
    html = answer.get_data(as_text=True)
    return [
        re.sub("<[^>]*>", "", each)
        for each in re.findall(r'class="case-card__title"><a href="[^"]*">(.*?)</a>', html, re.DOTALL)
    ]


def test_a_visitor_finds_a_case_with_its_words_marked(light, get_as):
    answer = get_as(None, "/search?q=红绿灯")

    html = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert titles(answer) == [TITLE]
    assert f'href="/cases/{light.number}"' in html
    assert "路口<mark>红绿灯</mark>一直闪" in html
    assert "找到 1 条" in html
    assert '<meta name="robots" content="noindex">' in html


def test_the_place_where_it_was_found_is_shown(light, get_as):
    html = get_as(None, "/search?q=早高峰").get_data(as_text=True)

    assert "<mark>早高峰</mark>很危险" in html


@pytest.mark.parametrize(
    "typed", ["20261117-0001", "202611170001", "编号 20261117-0001", "２０２６１１１７－０００１"]
)
def test_a_number_leads_straight_to_its_case(light, get_as, typed):
    answer = get_as(None, "/search", query_string={"q": typed})

    assert answer.status_code == 302
    assert answer.location == f"/cases/{light.number}"


def hold(case: Case, cast: Cast) -> None:
    """Mona takes the thread from the public."""
    with transaction():
        db.session.get_one(Thread, case.thread_id).hold(by=cast.mona, reason="danger")


def test_a_number_nobody_may_read_looks_like_one_that_does_not_exist(cast, light, get_as):
    hold(light, cast)

    held = get_as(None, "/search?q=20261117-0001")
    missing = get_as(None, "/search?q=20261117-0002")

    assert held.status_code == missing.status_code == 200
    pages = [re.sub(r"20261117-000\d", "…", answer.get_data(as_text=True)) for answer in (held, missing)]
    assert pages[0] == pages[1]
    assert "没有找到这个编号的公开诉求" in pages[0]


def test_results_page_backwards_in_time(cast, get_as):
    for number in range(45):
        advance(timedelta(minutes=1))
        with transaction():
            posted(
                cast.rita if number % 2 else cast.vera, title=f"路灯坏了，第 {number} 号杆", body="请看一下。"
            )
    jobs.run_due(kinds=(KIND,))

    seen: list[str] = []
    path = "/search?q=路灯&section=traffic"
    pages = 0
    while path:
        answer = get_as(None, path)
        seen += titles(answer)
        pages += 1
        older = re.search(r'href="(/search[^"]*before=[^"]*)"', answer.get_data(as_text=True))
        path = older.group(1).replace("&amp;", "&") if older else ""

    assert pages == 3
    assert seen == [f"路灯坏了，第 {number} 号杆" for number in reversed(range(45))]


def test_filters_are_kept_in_the_form_and_narrow_the_results(light, get_as):
    narrowed = get_as(None, "/search?q=黄灯&section=household").get_data(as_text=True)

    assert '<option value="household" selected>' in narrowed
    assert "<details open>" in narrowed
    assert "这一部分里没有这些词" in narrowed
    assert 'href="/search?q=%E9%BB%84%E7%81%AF"' in narrowed


def test_closed_sections_are_no_filter(light, get_as):
    html = get_as(None, "/search").get_data(as_text=True)

    assert 'value="traffic"' in html
    assert 'value="complaints"' not in html
    assert not Section.by_key("complaints").is_public


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/search", "想找什么"),
        ("/search?q=", "想找什么"),
        ("/search?q=%E3%80%82", "请写一个要找的词"),
        ("/search?q=-路灯", "请写一个要找的词"),
        ("/search?q=出入境", "还没有人写过这件事"),
        ("/search?q=黄灯&before=1", "没有更早的了"),
        ("/search?q=黄灯&before=x&section=nowhere&status=gone&department=%00", "找到 1 条"),
        ("/search?q=黄灯&before=99999999999999999999", "找到 1 条"),
        ("/search?q=口红", "下面是含有这些字的帖子"),
    ],
)
def test_every_search_gets_an_answer(light, get_as, path, words):
    answer = get_as(None, path)

    assert answer.status_code == 200
    assert words in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "typed",
    [
        "'\"><script>alert(1)</script>",
        "黄灯" * 5000,
        "\x00\x1b",
        "%s %(num)s {x}",
        "\u202e黄灯",
        '"' * 300,
        "黄灯 " * 60,
    ],
)
def test_nothing_typed_breaks_the_page(light, get_as, typed):
    answer = get_as(None, "/search", query_string={"q": typed})

    assert answer.status_code == 200
    assert "<script>alert" not in answer.get_data(as_text=True)


def test_what_was_written_cannot_become_markup(cast, get_as):
    with transaction():
        posted(cast.rita, title="<img src=x> 路灯", body="<script>alert(1)</script> 路灯不亮")
    jobs.run_due(kinds=(KIND,))

    html = get_as(None, "/search?q=路灯 script").get_data(as_text=True)

    assert "&lt;img src=x&gt; <mark>路灯</mark>" in html
    assert "&lt;<mark>script</mark>&gt;" in html
    assert "<img src=x>" not in html


def test_a_held_thread_is_gone_at_once_for_everybody(cast, light, get_as):
    hold(light, cast)

    for who in (None, "vera", "otto"):
        assert titles(get_as(who, "/search?q=黄灯")) == []


def test_without_an_index_the_page_says_so_and_numbers_still_lead_to_cases(app, light, get_as):
    shutil.rmtree(app.config["SETTINGS"].data / "index")

    broken = get_as(None, "/search?q=黄灯")

    assert broken.status_code == 503
    assert "搜索正在整理" in broken.get_data(as_text=True)
    assert 'value="黄灯"' in broken.get_data(as_text=True)
    assert get_as(None, f"/search?q={light.number}").status_code == 302
    assert get_as(None, "/search").status_code == 200


def test_the_page_speaks_english(light, client_of, get_as):
    client_of(None).set_cookie("prefs", "auto.m.0.en")
    html = get_as(None, "/search?q=黄灯&status=pending").get_data(as_text=True)

    assert '<html lang="en"' in html
    assert "1 result · newest first" in html
    assert '<option value="traffic-police">Traffic Police</option>' in html
    assert "<h1>Search</h1>" in html


def test_the_number_of_queries_does_not_grow_with_the_results(cast, get_as):
    get_as(None, "/search")  # reads what is kept for all pages
    counts = []
    for more in (2, 18):
        for number in range(more):
            with transaction():
                posted(cast.rita, title=f"路灯坏了 {number}", body="请看一下。")
        jobs.run_due(kinds=(KIND,))
        statements: list[str] = []

        def count(connection, cursor, statement, *rest):
            statements.append(statement)  # noqa: B023

        event.listen(db.engine, "before_cursor_execute", count)
        get_as(None, "/search?q=路灯")
        event.remove(db.engine, "before_cursor_execute", count)
        counts.append(len(statements))

    assert counts[0] == counts[1]
