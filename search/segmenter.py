"""Chinese text as tokens: dictionary words, and units (single characters, and runs of letters or digits).

A text is indexed by both: `words` finds 单车 in 共享单车 and does not find 和服 in 商品和服务; `units` carry positions
and find what no dictionary knows, such as a name, as neighbouring characters. A query is cut once, without the
guessing model (HMM), because a guess depends on the words around it and a query has other neighbours.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import rjieba

HAN = "\u2e80-\u2fdf\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
RUN = re.compile(
    # Hyphen-minus, hyphens and dashes that people type or paste between the halves of a case number.
    r"(?P<number>(?<!\d)20\d{6}[-\u2010-\u2015\u2212]?\d{4,9}(?!\d))"
    rf"|(?P<han>[{HAN}]+)|(?P<word>[^\W_{HAN}]+)"
)
PART = re.compile(r"\d+|\D+")
INVISIBLE = dict.fromkeys((0xAD, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF))
LONGEST_UNIT = 64  # characters; the rest of a longer run of letters or digits is not looked at


def fold(text: str) -> str:
    """The form in which texts are compared: NFKC, case-folded, without invisible characters."""
    return unicodedata.normalize("NFKC", text).translate(INVISIBLE).casefold()


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of folded text of one kind: `number` (a case number), `han` or `word`; offsets are of the fold."""

    kind: str
    text: str
    start: int
    end: int


def runs(folded: str) -> Iterator[Run]:
    """The stretches of a folded text, in order; what stands between them is space or punctuation."""
    for match in RUN.finditer(folded):
        yield Run(match.lastgroup or "word", match.group(), match.start(), match.end())


@cache
def _dictionary() -> rjieba.Jieba:
    return rjieba.Jieba()


def cut(han: str) -> list[str]:
    """A run of Chinese characters as dictionary words and single characters, each character in exactly one."""
    return list(_dictionary().cut(han, False))


# Single characters that bind words and hardly ever belong to one: 和服 does not stand in 商品和服务.
BINDING = frozenset("的了吗呢吧啊么呀嘛我你您是在和与及请")


@lru_cache(maxsize=200_000)
def _is_word(pair: str) -> bool:
    return pair in _dictionary().cut_all(pair)


def words(text: str) -> set[str]:
    """Every dictionary word of two or more characters under which `text` is to be found.

    Two-character words stand inside the words that the segmenter cuts, or reach into a single character that it
    left over (路灯 in 路|灯不亮); longer ones wherever they are, for those hardly ever arise by accident, and a
    query may hold a longer word than the segmenter chose in the text.
    """
    found: set[str] = set()
    for run in runs(fold(text)):
        if run.kind != "han" or len(run.text) < 2:
            continue
        found.update(word for word in _dictionary().cut_for_search(run.text, False) if len(word) > 1)
        found.update(word for word in _dictionary().cut_all(run.text) if len(word) > 2)
        at = 0
        for piece in cut(run.text):
            if len(piece) == 1 and piece not in BINDING:
                pairs = (run.text[max(at - 1, 0) : at + 1], run.text[at : at + 2])
                found.update(pair for pair in pairs if len(pair) == 2 and _is_word(pair))
            at += len(piece)
    return found


def number_of(text: str) -> str:
    """A case number without its dash, whichever dash it was."""
    return "".join(character for character in text if character.isdigit())


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit where it stands: `position` counts units, `start` and `end` are offsets of the folded text."""

    text: str
    position: int
    start: int
    end: int


def units_of(folded: str, position: int = 0) -> Iterator[Unit]:
    """Each unit of a folded text, counted from `position`; punctuation leaves a gap of one, spaces leave none.

    A case number stands as a whole (without dash) and in its two halves; a run such as `a2` also in its parts.
    """
    last = 0
    for run in runs(folded):
        if run.start > last and not folded[last : run.start].isspace():
            position += 1
        last = run.end
        if run.kind == "han":
            for offset, character in enumerate(run.text, run.start):
                yield Unit(character, position, offset, offset + 1)
                position += 1
        elif run.kind == "number":
            digits = number_of(run.text)
            yield Unit(digits, position, run.start, run.end)
            yield Unit(digits[:8], position, run.start, run.start + 8)
            yield Unit(digits[8:], position + 1, run.end - len(digits) + 8, run.end)
            position += 2
        else:
            whole = run.text[:LONGEST_UNIT]
            yield Unit(whole, position, run.start, run.end)
            for part in PART.finditer(whole):
                if part.group() != whole:
                    yield Unit(part.group(), position, run.start + part.start(), run.start + part.end())
            position += 1


def units(text: str, start: int = 0) -> Iterator[tuple[str, int]]:
    """(unit, position) for each unit of a text as it was written, counted from `start`."""
    for unit in units_of(fold(text), start):
        yield unit.text, unit.position
