"""Marks in results: they stand on what was looked for, and never let markup through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from search.highlights import WIDTH, excerpt, marked
from search.query import Query


@pytest.mark.parametrize(
    ("typed", "text", "html"),
    [
        ("单车", "共享单车乱停放", "共享<mark>单车</mark>乱停放"),
        ("110报警", "打110报警", "打<mark>110报警</mark>"),
        ("１１０", "打110，再打１１０", "打<mark>110</mark>，再打<mark>１１０</mark>"),
        ("etc", "ETC 扣了两次", "<mark>ETC</mark> 扣了两次"),
        ("20261121-0042", "同 202611210042", "同 <mark>202611210042</mark>"),
        ("202611210042", "同 20261121-0042。", "同 <mark>20261121-0042</mark>。"),
        ("0042", "同 20261121-0042。", "同 20261121-<mark>0042</mark>。"),
        ("欧阳涛", "欧阳涛来过", "<mark>欧阳涛</mark>来过"),
        ("“停车难”", "停车难，停车", "<mark>停车难</mark>，停车"),
        ("b", "<b>&", "&lt;<mark>b</mark>&gt;&amp;"),
        ("script", "<script>alert(1)</script>", None),
        ("路灯 -井盖", "路灯和井盖", "<mark>路灯</mark>和井盖"),
        ("KM", "跑了 ３０ ㎞。", "跑了 ３０ <mark>㎞</mark>。"),
    ],
)
def test_hits_are_marked_in_the_text_as_written(typed, text, html):
    made = marked(text, Query.parse(typed))

    assert html is None or made == Markup(html)
    assert re.sub("</?mark>", "", made) == escape(text)


def test_an_excerpt_shows_the_place_where_most_of_the_query_stands():
    body = "开头说了很多别的。" * 40 + "昨晚人民路的红绿灯坏了，很危险。" + "后来又说了很多。" * 40

    made = excerpt(["只有人民路。", body], Query.parse("人民路 红绿灯"))

    assert made.startswith("…昨晚<mark>人民路</mark>的<mark>红绿灯</mark>坏了")
    assert made.endswith("…")
    assert len(re.sub("<[^>]*>", "", made)) <= WIDTH + 2


def test_a_hit_in_a_reply_is_shown_when_the_post_has_none():
    assert excerpt(["路口等太久", "已请设施科调整配时"], Query.parse("配时")) == Markup(
        "已请设施科调整<mark>配时</mark>"
    )


def test_once_everything_is_shown_nothing_more_is_read():
    def texts():
        yield "人民路的红绿灯坏了，人民路的红绿灯又坏了。"
        raise AssertionError("read on")

    assert excerpt(texts(), Query.parse("人民路 红绿灯")).startswith("<mark>人民路</mark>的")


def test_without_a_hit_the_beginning_is_shown():
    assert excerpt(["路口等太久"], Query.parse("交警支队")) == "路口等太久"
    assert excerpt([], Query.parse("交警支队")) == ""


@given(st.text(max_size=300), st.text(max_size=40))
def test_no_text_and_no_query_breaks_the_markup(text, typed):
    query = Query.parse(typed)

    for made in (marked(text, query), excerpt([text], query)):
        bare = made.replace("<mark>", "").replace("</mark>", "")
        assert "<" not in bare
        assert made.count("<mark>") == made.count("</mark>")
    assert re.sub("</?mark>", "", marked(text, query)) == escape(text)
