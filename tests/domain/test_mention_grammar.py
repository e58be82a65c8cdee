"""Who is called by `@`, in a language without spaces."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board.markup import plain_links
from board.text import fold
from boards.grammar import MAX_DEPARTMENTS, Mention, NameBook, Unknown, departments, find_mentions, has_sign

NAMES = [
    ("traffic", "交警支队"), ("traffic", "交警"), ("traffic", "交警大队"), ("traffic", "Traffic Police"), ("kunhe", "昆河分局"),
    ("kunhe-traffic", "交警支队昆河大队"), ("household", "户政支队"), ("household", "户政"), ("pine", "青松派出所"), ("steel", "钢铁大街派出所"),
    ("hr", "HR"), ("desk", "指挥中心"),
]  # fmt: skip
BOOK = NameBook(NAMES)


def called(text, book=BOOK):
    return [
        (one.department, text[one.start : one.end])
        for one in find_mentions(text, book)
        if isinstance(one, Mention)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("请@交警大队处理", [("traffic", "@交警大队")]),
        ("@交警支队，@昆河分局", [("traffic", "@交警支队"), ("kunhe", "@昆河分局")]),
        ("交给＠户政查一下", [("household", "＠户政")]),
        ("请@交警支队看一下", [("traffic", "@交警支队")]),
        ("@交警支队昆河大队来", [("kunhe-traffic", "@交警支队昆河大队")]),
        ("@交警支队昆河", [("traffic", "@交警支队")]),
        ("@户政@户政支队@户政", [("household", "@户政"), ("household", "@户政支队"), ("household", "@户政")]),
        ("@TRAFFIC police!", [("traffic", "@TRAFFIC police")]),
        ("@ｔｒａｆｆｉｃ　ｐｏｌｉｃｅ", [("traffic", "@ｔｒａｆｆｉｃ　ｐｏｌｉｃｅ")]),
        ("@交\u200b警\u200b支队好", [("traffic", "@交\u200b警\u200b支队")]),
        ("等了三天……@交警支队", [("traffic", "@交警支队")]),
        ("（@交警）", [("traffic", "@交警")]),
        ("@@交警", [("traffic", "@交警")]),
        ("①@交警", [("traffic", "@交警")]),
    ],
)
def test_the_longest_name_after_the_sign_is_called(text, expected):
    assert called(text) == expected


@pytest.mark.parametrize("before", ["a", "Z", "7", ".", "_", "-", "a\u200b"])
def test_an_address_is_not_a_call(before):
    assert find_mentions(f"{before}@交警支队", BOOK) == []


@pytest.mark.parametrize(
    "text",
    [
        "> @交警支队 的话",
        "＞@交警支队",
        "  > @交警支队",
        "`@交警支队`",
        "```\n@交警支队\n```",
        "https://a.cn/@交警支队",
        "https://a.cn/x?@交警",
    ],
)
def test_nobody_is_called_from_quotes_code_or_links(text):
    found = find_mentions(text, BOOK)
    assert found == []


def test_a_call_after_a_quote_counts():
    assert called("> @昆河分局 说过\n@交警支队 请看") == [("traffic", "@交警支队")]


def test_a_latin_name_does_not_end_inside_a_word():
    assert called("@HR好") == [("hr", "@HR")]
    assert called("@hrabc") == []


def test_an_unknown_name_is_answered_with_suggestions():
    text = "请@交管支队处理一下"
    (unknown,) = find_mentions(text, BOOK)
    assert isinstance(unknown, Unknown)
    assert text[unknown.start : unknown.end] == "@交管支队"
    assert unknown.name == "交管支队"
    assert unknown.suggestions[0].department == "traffic"
    assert len(unknown.suggestions) <= 3
    assert len({one.department for one in unknown.suggestions}) == len(unknown.suggestions)


@pytest.mark.parametrize(
    ("typed", "meant"), [("@青松派出", "pine"), ("@钢铁街派出所来人", "steel"), ("@指辉中心", "desk")]
)
def test_the_nearest_name_is_suggested_first(typed, meant):
    (unknown,) = find_mentions(typed, BOOK)
    assert isinstance(unknown, Unknown)
    assert unknown.suggestions[0].department == meant


def test_a_friends_name_gets_no_suggestion():
    (unknown,) = find_mentions("谢谢@山楂树 的提醒", BOOK)
    assert isinstance(unknown, Unknown)
    assert (unknown.name, unknown.suggestions) == ("山楂树", ())


@pytest.mark.parametrize("text", ["@", "＠ ", "@，", "@\n交警", "a @ b", "@@@"])
def test_a_lone_sign_is_nothing(text):
    assert find_mentions(text, BOOK) == []


def test_whatever_folds_to_the_sign_is_one():
    signs = {character for character in map(chr, range(0x110000)) if "@" in fold(character).text}
    assert {character for character in signs if has_sign(character)} == signs == {"@", "＠", "﹫"}
    assert called("请﹫交警 看看") == [("traffic", "﹫交警")]


def test_each_department_counts_once_and_the_first_leads():
    found = find_mentions("@户政 @交警 @户政支队 @没有 @昆河分局 @指挥中心", BOOK)
    assert departments(found) == ("household", "traffic", "kunhe", "desk")
    assert MAX_DEPARTMENTS == 3


def test_of_two_departments_with_one_name_the_first_has_it():
    assert called("@交警", NameBook([("a", "交警"), ("b", "交警"), ("b", " ")])) == [("a", "@交警")]


LETTERS = "交警支队户政hR@＠ \u200b`>\n.，ａ1"


def slowly(text: str, names: list[tuple[str, str]]) -> list[tuple[int, str]]:
    """The grammar again, by trying every name everywhere: folded start of each call and its department."""
    folded = fold(text)
    closed = {place for span in plain_links(text) for place in range(span.start, span.end)}
    found = []
    at = 0
    while at < len(folded.text):
        origin = folded.starts[at]
        typed = text[:origin].replace("\u200b", "")
        step = 1
        if (
            folded.text[at] == "@"
            and origin not in closed
            and not (typed and typed[-1].isascii() and (typed[-1].isalnum() or typed[-1] in "._-"))
        ):
            fitting = []
            for department, name in names:
                end = at + 1 + len(fold(name).text)
                joined = folded.text[end - 1 : end + 1]
                if folded.text[at + 1 : end] == fold(name).text and not (
                    len(joined) == 2 and joined.isascii() and joined.isalnum()
                ):
                    fitting.append((end, department))
            if fitting:
                longest = max(end for end, _ in fitting)
                found.append((origin, next(department for end, department in fitting if end == longest)))
                step = longest - at
        at += step
    return found


@given(
    st.text(alphabet=LETTERS, max_size=40),
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.text(alphabet="交警支队户政hR1", min_size=1, max_size=4)),
        max_size=8,
    ),
)
def test_the_longest_match_is_what_a_slow_search_finds(text, names):
    found = [
        (one.start, one.department)
        for one in find_mentions(text, NameBook(names))
        if isinstance(one, Mention)
    ]
    assert found == slowly(text, names)


@given(st.one_of(st.text(), st.text(alphabet=LETTERS)))
def test_no_text_breaks_it_and_every_span_is_in_the_text(text):
    last = 0
    for one in find_mentions(text, BOOK):
        assert last <= one.start < one.end <= len(text)
        assert fold(text[one.start : one.end]).text.startswith("@")
        assert one.name
        last = one.end


@pytest.mark.parametrize("piece", ["@", "@交警", "@第二派出所 ", "> @x\n", "@交", "`@"])
def test_a_large_paste_takes_little_time(piece):
    book = NameBook([(str(number), f"第{number}派出所") for number in range(300)])
    started = time.process_time()
    find_mentions((piece * 100_000)[:100_000], book)
    assert time.process_time() - started < 5
