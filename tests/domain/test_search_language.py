"""What is typed into the search field, and what it finds: no index involved."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.document import Document, order_of
from search.query import LONGEST, MOST, Filters, Literal, Query, Word
from search.segmenter import cut, fold, runs, units, words

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def saying(*texts: str, **more) -> Document:
    title, *rest = texts
    return Document(id="k7m2p9q4rt", title=title, posted_at=NOON, body="\n".join(rest), **more)


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("单车", "小区门口共享单车乱停放"),
        ("身份证", "我的身份证丢了，补办要多久"),
        ("身份证号", "身份证号码登记错了一位"),
        ("份证", "我的身份证丢了"),
        ("110报警", "昨晚打110报警，多久会来人"),
        ("１１０报警", "昨晚打110报警，多久会来人"),
        ("110", "打110报警"),
        ("交警支队", "请@交警支队看一下这个路口"),
        ("交警", "请@交警支队看一下这个路口"),
        ("户政支队", "交给＠户政支队查一下"),
        ("反诈中心", "反诈中心的人打来电话"),
        ("欧阳涛", "民警欧阳涛来过了"),
        ("20261121-0042", "和 20261121-0042 是同一件事"),
        ("202611210042", "和 20261121-0042 是同一件事"),
        ("20261121-0042", "和202611210042是同一件事"),
        ("20261121—0042", "和 20261121-0042 是同一件事"),
        ("0042", "和 20261121-0042 是同一件事"),
        ("20261121", "和 20261121-0042 是同一件事"),
        ("K12路", "等k12路等了一小时"),
        ("12路", "等K12路等了一小时"),
        ("ETC", "ｅｔｃ扣了两次钱"),
        ("traffic police", "The Traffic Police answered within an hour"),
        ("我的身份证丢了怎么办", "身份证昨天丢了，去哪里补"),
        ("红绿灯 人民路", "人民路口的红绿灯坏了"),
        ("“路口停车难”", "学校路口停车难"),
        ("-单车 电动车", "电动车充电难"),
        ("身\u200b份证", "身份证"),
    ],
)
def test_what_people_type_finds_what_they_mean(typed, text):
    assert Query.parse(typed).matches(saying(text))


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("和服", "商品和服务都要明码标价"),
        ("11", "打110报警"),
        ("00", "和 20261121-0042 是同一件事"),
        ("20261121-0043", "和 20261121-0042 是同一件事"),
        ("红绿灯 人民路", "红绿灯坏了"),
        ("“停车路口”", "学校路口停车难"),
        ("“涛来过”", "民警欧阳涛。来过了"),
        ("电动车 -充电", "电动车充电难"),
        ("电动车 -“充电难”", "电动车充电难"),
        ("police", "policeman"),
    ],
)
def test_what_is_not_meant_is_not_found(typed, text):
    assert not Query.parse(typed).matches(saying(text))


def test_a_phrase_does_not_reach_from_one_text_into_the_next():
    apart = saying("路口红", "绿灯坏了")

    assert not Query.parse("“路口红绿灯”").matches(apart)
    assert Query.parse("“绿灯坏”").matches(apart)


def test_replies_the_number_and_the_names_are_found_too():
    case = saying(
        "路口等灯太久",
        number="20261121-0042",
        names=("交警支队", "交管业务"),
        replies=("已请设施科调整配时",),
    )

    for typed in ("配时", "20261121-0042", "交警支队", "交管业务"):
        assert Query.parse(typed).matches(case), typed


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("20261121-0042", "202611210042"),
        (" 202611210042 ", "202611210042"),
        ("编号：20261121-0042", "202611210042"),
        ("编号 20261121－0042", "202611210042"),
        ("No. 20261121-00421", "2026112100421"),
        ("20261121-0042 路灯", ""),
        ("20261121", ""),
        ("编号", ""),
    ],
)
def test_a_case_number_alone_is_recognised(typed, number):
    assert Query.parse(typed).number == number


@pytest.mark.parametrize("typed", ["", "   ", "，。！？", "-", '""', "“”", "-单车", "\u200b\u200b", "()*:^~"])
def test_nothing_to_look_for_is_an_empty_query(typed):
    assert Query.parse(typed).empty


def test_a_word_of_grammar_counts_only_when_nothing_else_is_asked():
    assert Query.parse("我的 车").wanted == (Literal(("车",)),)
    assert Query.parse("的").wanted == (Literal(("的",)),)
    assert Query.parse("“我的车”").wanted == (Literal(("我", "的", "车")),)


def test_a_long_paste_is_shortened_and_says_so():
    query = Query.parse("路口的红绿灯坏了" * 20_000)

    assert query.shortened
    assert len(query.wanted) <= MOST
    assert not Query.parse("路" * LONGEST).shortened


def test_a_phrase_is_cut_as_one_unknown_word_only():
    assert Query.parse("欧阳涛路灯").wanted == (Word("欧阳"), Literal(("涛",)), Word("路灯"))


def test_filters_admit_only_what_carries_their_keys():
    case = saying("路灯坏了", section="12345", departments=("lights", "roads"), status="pending")

    assert Filters().admit(case)
    assert Filters(section="12345", department="roads", status="pending").admit(case)
    assert not Filters(section="traffic").admit(case)
    assert not Filters(department="traffic-police").admit(case)
    assert not Filters(status="closed").admit(case)


def test_newer_threads_stand_higher_and_threads_of_one_moment_apart():
    later = NOON.replace(minute=1)

    assert order_of(later, "a") > order_of(NOON, "b")
    assert order_of(NOON, "a2b3c4d5e6") != order_of(NOON, "a2b3c4d5e7")
    assert order_of(NOON, "a2b3c4d5e6").bit_length() < 64


SENTENCES = st.lists(
    st.sampled_from(
        [
            "共享单车",
            "身份证号码",
            "交警支队",
            "安全隐患",
            "电动自行车",
            "中华人民共和国公安部",
            "商品和服务",
            "欧阳涛",
            "昆河分局",
            "乱停放",
            "路灯",
            "丢了",
            "怎么办",
            "110报警",
            "K12路",
            "20261121-0042",
            "，",
            "。",
            "的",
            "了",
            "A座",
            "ＡＢＣ",
            "ETC",
            "\n",
        ]
    ),
    min_size=1,
    max_size=12,
).map("".join)


@given(SENTENCES, st.data())
def test_every_substring_of_a_word_is_found(text, data):
    pieces = [piece for run in runs(fold(text)) if run.kind == "han" for piece in cut(run.text)]
    if not pieces:
        return
    word = data.draw(st.sampled_from(pieces))
    start = data.draw(st.integers(0, len(word) - 1))
    end = data.draw(st.integers(start + 1, len(word)))

    assert Query.parse(word[start:end]).matches(saying(text))


@given(SENTENCES, st.data())
def test_every_run_of_characters_is_found_letter_by_letter(text, data):
    chinese = [run.text for run in runs(fold(text)) if run.kind == "han"]
    if not chinese:
        return
    run = data.draw(st.sampled_from(chinese))
    start = data.draw(st.integers(0, len(run) - 1))
    end = data.draw(st.integers(start + 1, len(run)))

    assert Query.parse(run[start:end]).letter_by_letter().matches(saying(text))


@given(st.text(max_size=300))
def test_no_input_is_wrong(typed):
    query = Query.parse(typed)

    assert isinstance(query.matches(saying(typed or "路灯")), bool)
    assert Query.parse(query.text) == query


@given(st.text(max_size=200))
def test_units_stand_in_order_and_words_have_two_characters(text):
    positions = [position for _, position in units(text)]

    assert positions == sorted(positions) or any(run.kind == "number" for run in runs(fold(text)))
    assert all(len(word) > 1 for word in words(text))
