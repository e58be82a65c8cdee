"""A text as matching sees it, and the way back.

`words` is the text folded (board.text.fold): compatibility forms and full-width characters made plain, hidden ones left
out. `digits` is the same with every Chinese digit written as 0–9, place for place. Folding one character after the
other in Python costs more than all the matching; so each character is folded once and looked up afterwards.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from board.masking.findings import Hit
from board.text import fold

# 两 and 幺 are how digits are read out; the others how they are written, also against forgery.
NUMERALS = {
    each: digit
    for digit, written in enumerate(
        ("〇零", "一壹幺弌", "二贰貳两兩弍", "三叁參叄弎", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
    )
    for each in written
}


class _Folds(dict[int, str]):
    """What each character folds to, worked out once a character; `uneven` are those that do not fold to just one."""

    def __init__(self) -> None:
        super().__init__()
        self.uneven: set[str] = set()
        self.marks: set[str] = set()

    def __missing__(self, code: int) -> str:
        character = chr(code)
        equal = fold(character).text
        if len(equal) != 1:
            self.uneven.add(character)
            if unicodedata.category(character) in ("Mn", "Me"):
                self.marks.add(character)
        self[code] = equal
        return equal


class _Digits(dict[int, int]):
    """Every Chinese digit as 0–9; all others as they are."""

    def __missing__(self, code: int) -> int:
        digit = NUMERALS.get(chr(code))
        self[code] = code if digit is None else ord(str(digit))
        return self[code]


_FOLDS, _DIGITS = _Folds(), _Digits()
_DIGIT = re.compile("[0-9]")
_ALL_DIGITS = frozenset("0123456789") | NUMERALS.keys()


@dataclass(frozen=True, slots=True)
class View:
    """`words` and `digits` have the same length; `starts` and `ends` bound the original character behind each place."""

    words: str
    digits: str
    starts: Sequence[int]
    ends: Sequence[int]
    letters: frozenset[str]

    @property
    def has_digits(self) -> bool:
        """Whether there is any digit in it."""
        return not (_ALL_DIGITS.isdisjoint(self.letters))

    def has(self, words: Iterable[str]) -> bool:
        """Whether one of these words stands in it: asked before what costs more."""
        return any(word[0] in self.letters and word in self.words for word in words)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text behind these places; whole characters, accents included."""
        return self.starts[start], self.ends[end - 1]

    def whole(self, hit: Hit) -> str:
        """A hit's cover with what its first and last character need not give: one can fold to several (⒈ is "1.")."""
        first, last = hit.start, hit.end
        while first > 0 and self.starts[first - 1] == self.starts[hit.start]:
            first -= 1
        while last < len(self.words) and self.starts[last] == self.starts[hit.end - 1]:
            last += 1
        return self.words[first : hit.start] + hit.cover + self.words[hit.end : last]


def view(text: str) -> View:
    """A text as matching sees it. Linear, and for most texts three table look-ups a character."""
    words = text.translate(_FOLDS)
    starts: Sequence[int] = range(len(text))
    ends: Sequence[int] = range(1, len(text) + 1)
    if not _FOLDS.uneven.isdisjoint(text):
        if _FOLDS.marks.isdisjoint(text):
            lengths = [len(_FOLDS[ord(each)]) for each in text]
            starts = list(chain.from_iterable(map(repeat, starts, lengths)))
            ends = list(chain.from_iterable(map(repeat, ends, lengths)))
        else:  # an accent goes with its letter
            folded = fold(text)
            words, starts, ends = folded.text, folded.starts, folded.ends
    return View(words, words.translate(_DIGITS), starts, ends, frozenset(words))


def digits_of(number: str) -> str:
    """Only the digits of a number, in whatever writing it came."""
    return "".join(_DIGIT.findall(view(number).digits))
