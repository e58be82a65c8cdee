"""Nobody may look like the police, and nobody's number stands in a name."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board.errors import Invalid
from people.nicknames import check, propose

DEPARTMENTS = [
    "交警支队",
    "交警",
    "昆河分局",
    "供热公司",
    "供热",
    "指挥中心",
    "110",
    "hr",
    "Traffic Police",
    "市政設施中心",
]


@pytest.mark.parametrize(
    "name",
    [
        "青松路居民",
        "山楂树",
        "Rita",
        "Chris",
        "Badminton",
        "机器猫",
        "云中君",
        "a110b",
        "老张 2026",
        "早起的人123456",
        "热心大姐❤️",
        "O'Neil",
        "王丽",
    ],
)
def test_an_ordinary_name_is_taken(name):
    check(name, DEPARTMENTS)


@pytest.mark.parametrize(
    "name",
    [
        "王警官", "警 察", "警\u200b察", "警.察", "警員老李", "敬言察", "儆察", "公安", "公 安", "公\u2060安", "官方", "官\u3000方号", "客服01", "客 服",
        "官網", "管理員", "police", "POLICE", "ｐｏｌｉｃｅ", "p o l i c e", "рolice", "ρolice", "p0lice", "pol1ce", "poIice", "pоliсе", "pólíce", "Po|ice",
        "ⓟⓞⓛⓘⓒⓔ", "𝓹𝓸𝓵𝓲𝓬𝓮", "official", "0fficia1", "jing cha", "GongAn",
    ],
)  # fmt: skip
def test_a_name_that_looks_like_the_police_is_refused(name):
    with pytest.raises(Invalid) as refusal:
        check(name, DEPARTMENTS)
    assert list(refusal.value.errors) == ["nickname"]


@pytest.mark.parametrize(
    "name",
    [
        "昆河分局",
        "昆河分局小王",
        "昆 河 分 局",
        "供熱公司",
        "供热小张",
        "110",
        "hr",
        "HR",
        "traffic-police fan",
        "Trаffic Police",
        "市政设施中心",
        "指揮中心".replace("揮", "挥"),
    ],
)
def test_a_name_that_holds_a_departments_name_is_refused(name):
    with pytest.raises(Invalid):
        check(name, DEPARTMENTS)


@pytest.mark.parametrize(
    "name",
    ["", " ", "a", "树", "\u200b\u200b\u200b", "\u3164\u3164\u3164", "🎄🎄🎄", "——", "x" * 21, "a\u200b"],
)
def test_a_name_that_is_too_short_too_long_or_invisible_is_refused(name):
    with pytest.raises(Invalid):
        check(name, DEPARTMENTS)


@pytest.mark.parametrize(
    "name", ["19900002207", "张 199-0000-2207", "一九九零零零零", "qq1234567", "１２３４５６７", "12 34 56 7"]
)
def test_a_name_with_a_number_of_seven_digits_is_refused(name):
    with pytest.raises(Invalid):
        check(name, DEPARTMENTS)


@pytest.mark.parametrize("name", ["www.abc.com", "看abc.cn", "abc点com", "http://x", "abc . top", "李家.cn"])
def test_a_name_with_a_link_is_refused(name):
    with pytest.raises(Invalid):
        check(name, DEPARTMENTS)


def test_without_departments_the_other_rules_still_hold():
    check("昆河分局的邻居".replace("分局", ""), [])
    with pytest.raises(Invalid):
        check("警察", [])


def test_every_proposal_may_be_used():
    names = {propose() for _ in range(500)}
    for name in names:
        check(name, DEPARTMENTS)
        check(f"{name}1234", DEPARTMENTS)  # as it is made when the name is taken
    assert len(names) > 400


@given(st.text(max_size=30))
def test_any_name_is_taken_or_refused_as_invalid(name):
    with contextlib.suppress(Invalid):
        check(name, DEPARTMENTS)
