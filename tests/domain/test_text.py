"""What is kept of a typed text, how it is shortened, and how matching sees it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board.text import excerpt, fold, is_blank, normalise

HIDDEN = "\u200b\u200c\u200e\u202e\u2066\u2069\ufeff\u00ad\u0000\u0007\x1b"
FAMILY = "👨\u200d👩\u200d👧"
AWKWARD = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(
            "a1 \t\n\r\u3000\u0301\u0316\u0344\u200b\u200d\ufe0f\u20e3\u2028😀❤↔\u0338中\U000e0100\ud800\u1100\u1161"
        ),
    )
)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_characters_nobody_sees_are_dropped(hidden):
    assert normalise(f"青松{hidden}路", lines=True) == "青松路"


def test_line_breaks_of_every_kind_become_one():
    assert normalise("一\r\n二\r三\u2028四\x0b五\x85六", lines=True) == "一\n二\n三\n四\n五\n六"


def test_the_ends_are_trimmed_also_of_ideographic_spaces():
    assert (
        normalise("\t\u3000\u3000王丽：\n\u3000\u3000路灯不亮 \u3000\n\u3000", lines=True)
        == "王丽：\n\u3000\u3000路灯不亮"
    )


def test_a_title_has_no_line_breaks_and_single_spaces():
    assert normalise(" 路灯\n\n不亮 \u3000 三天\t了 ", lines=False) == "路灯 不亮 三天 了"


def test_letters_and_accents_are_composed():
    assert normalise("Cafe\u0301", lines=False) == "Café"


@pytest.mark.parametrize("emoji", [FAMILY, "❤️\u200d🔥", "🏳️\u200d🌈", "👍🏽", "1️⃣", "☎️"])
def test_emoji_stay_whole(emoji):
    assert normalise(f"谢谢{emoji}！", lines=False) == f"谢谢{emoji}！"


def test_joiners_and_selectors_elsewhere_are_dropped():
    assert normalise("1\u200d3\ufe0f8\u200d\ufe0f中\u200d", lines=False) == "138中"


def test_a_variant_of_a_rare_name_keeps_its_selector():
    assert normalise("葛\U000e0100", lines=False) == "葛\U000e0100"


def test_halves_of_characters_that_no_file_can_hold_are_dropped():
    assert normalise("路\ud83d灯\ufffe", lines=False).encode() == "路灯".encode()


def test_a_letter_carries_a_bounded_number_of_marks_in_bounded_time():
    started = time.process_time()
    piled = normalise("a" + "\u0301\u0316" * 50_000, lines=True)
    assert len(piled) <= 10
    assert time.process_time() - started < 2  # unbounded: seven seconds and more


@given(AWKWARD, st.booleans())
def test_cleaning_twice_changes_nothing(text, lines):
    once = normalise(text, lines=lines)
    assert normalise(once, lines=lines) == once
    once.encode()


@given(AWKWARD)
def test_a_clean_line_holds_no_break_and_no_double_space(text):
    line = normalise(text, lines=False)
    assert "\n" not in line
    assert "  " not in line
    assert line == line.strip()


@pytest.mark.parametrize(
    "nothing",
    ["", "  \n\t", "\u3000\u3000", "\u200b\u2060\ufeff", "\u3164", "\u2800\u115f", "\u0301", "\ufe0f"],
)
def test_a_text_nobody_can_see_is_blank(nothing):
    assert is_blank(nothing)


@pytest.mark.parametrize("something", ["路", ".", "0", "😀", " a "])
def test_a_text_somebody_can_see_is_not_blank(something):
    assert not is_blank(something)


def test_an_excerpt_is_one_line_of_the_length_asked_for():
    assert excerpt("路口红绿灯\n一直闪黄灯", 20) == "路口红绿灯 一直闪黄灯"
    assert excerpt("路口红绿灯一直闪黄灯，早高峰很危险", 8) == "路口红绿灯一直…"


def test_an_excerpt_ends_before_punctuation_and_between_words():
    assert excerpt("红绿灯坏了，请派人来看看", 7) == "红绿灯坏了…"
    assert excerpt("the traffic light blinks yellow", 16) == "the traffic…"


def test_an_excerpt_does_not_cut_an_emoji():
    assert excerpt(f"谢谢{FAMILY}大家", 5) == "谢谢…"


def test_an_excerpt_of_nothing_is_refused():
    with pytest.raises(ValueError):
        excerpt("路灯", 0)


@given(AWKWARD, st.integers(1, 40))
def test_an_excerpt_is_never_longer_than_asked(text, length):
    assert len(excerpt(text, length)) <= length


def test_matching_sees_through_width_case_and_hidden_characters():
    assert fold("Ａ\u200b１①Ⅳ  ｂé٣").text == "a11iv  bé3"


def test_a_match_leads_back_to_whole_original_characters():
    text = "电话１\u20e3３️⃣8号"
    folded = fold(text)
    at = folded.text.index("138")
    start, end = folded.span(at, at + 3)
    assert text[start:end] == "１\u20e3３️⃣8"


@given(AWKWARD, AWKWARD)
def test_parts_fold_as_they_do_in_the_whole(left, right):
    assert fold(left + right).text == fold(left).text + fold(right).text


@given(AWKWARD)
def test_folding_twice_changes_nothing(text):
    folded = fold(text)
    assert fold(folded.text).text == folded.text
    assert len(folded.starts) == len(folded.ends) == len(folded.text)
    assert all(0 <= start < end <= len(text) for start, end in zip(folded.starts, folded.ends, strict=True))
