"""The query language: words (all of them must occur), "a phrase", -word; filters come beside it.

A query is cut like the texts. A known word must occur as a word; characters that no dictionary word covers are one
unknown word and must stand side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from search.document import Document
from search.segmenter import BINDING, LONGEST_UNIT, cut, fold, number_of, runs, units, words

LONGEST = 200  # characters of a query that are looked at
MOST = 24  # needs of a query; each costs the engine a list of matches

PIECE = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<quoted>[^"]*)"?|(?P<plain>[^\s"]+))')
QUOTES = str.maketrans(dict.fromkeys("“”„‟「」『』«»", '"'))
NUMBER = re.compile(r"(?:编号|no\.?|number)?[\s:#]*(?P<number>20\d{6}[-\u2010-\u2015\u2212]?\d{4,9})")

# Words that carry a question and not its matter: looked for only when nothing else is left.
EMPTY = BINDING | {
    *("请问", "怎么", "怎么办", "怎样", "如何", "我们", "你们"),
    *("the", "a", "an", "of", "to", "in", "is", "how"),
}


@dataclass(frozen=True, slots=True)
class Word:
    """A dictionary word, two characters or more."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """Units that must stand side by side: characters, runs of letters or digits, a case number."""

    units: tuple[str, ...]


Need = Word | Literal


@dataclass(frozen=True, slots=True)
class Filters:
    """What a result must be besides: keys of a section, a department, a status; empty means any."""

    section: str = ""
    department: str = ""
    status: str = ""

    def admit(self, document: Document) -> bool:
        """Whether `document` passes."""
        return (
            (not self.section or self.section == document.section)
            and (not self.department or self.department in document.departments)
            and (not self.status or self.status == document.status)
        )


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. `wanted` must all occur; of each group in `unwanted` not all may occur."""

    text: str = ""
    wanted: tuple[Need, ...] = ()
    unwanted: tuple[tuple[Need, ...], ...] = ()
    shortened: bool = field(default=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Query:
        """Read what somebody typed; there is no wrong input, an unfinished quotation is closed."""
        whole = fold(text.translate(QUOTES)).translate(QUOTES).strip()
        source = whole[:LONGEST]
        wanted: list[Need] = []
        unwanted: list[tuple[Need, ...]] = []
        for match in PIECE.finditer(source):
            quoted = match["quoted"]
            needs = tuple(_side_by_side(quoted) if quoted is not None else _cut(match["plain"]))
            if match["minus"] and needs:
                unwanted.append(needs)
            else:
                wanted.extend(needs)
        return cls(
            text=text.strip(),
            wanted=_without_empty(tuple(dict.fromkeys(wanted)))[:MOST],
            unwanted=tuple(unwanted)[:MOST],
            shortened=len(whole) > LONGEST or len(wanted) > MOST,
        )

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for (words to leave out alone are no question)."""
        return not self.wanted

    @property
    def number(self) -> str:
        """The digits of a case number when the query is one and nothing else, else ''."""
        match = NUMBER.fullmatch(fold(self.text).strip())
        return number_of(match["number"]) if match else ""

    def letter_by_letter(self) -> Query:
        """The same query with every word as side-by-side characters: for when the words find nothing."""
        return replace(
            self,
            wanted=tuple(
                dict.fromkeys(
                    Literal(tuple(need.text)) if isinstance(need, Word) else need
                    for need in (_joined(self.text) or self.wanted)
                )
            )[:MOST],
        )

    def matches(self, document: Document) -> bool:
        """Whether `document` as it stands answers this query: what every engine must agree with."""
        return Haystack(document.texts).meets(self)


class Haystack:
    """Some texts, cut once, that queries can be held against without any index."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self.words = set[str]().union(*map(words, texts))
        self.places: dict[str, set[int]] = {}
        for unit, position in placed(texts):
            self.places.setdefault(unit, set()).add(position)

    def has(self, need: Need) -> bool:
        """Whether one need is met."""
        if isinstance(need, Word):
            return need.text in self.words
        starts = self.places.get(need.units[0], set())
        return any(
            all(start + step in self.places.get(unit, ()) for step, unit in enumerate(need.units))
            for start in starts
        )

    def meets(self, query: Query) -> bool:
        """Whether all wanted needs are met and no unwanted group is."""
        return all(map(self.has, query.wanted)) and not any(
            all(map(self.has, group)) for group in query.unwanted
        )


def placed(texts: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """The units of several texts with positions that keep the end of one apart from the start of the next."""
    start = 0
    for text in texts:
        last = start
        for unit, position in units(text, start):
            yield unit, position
            last = position
        start = last + 3


def telling_words(text: str) -> set[str]:
    """The dictionary words of a text that say what it is about."""
    return words(text) - EMPTY


def _cut(folded: str) -> Iterator[Need]:
    for run in runs(folded):
        if run.kind == "number":
            yield Literal((number_of(run.text),))
        elif run.kind == "word":
            yield Literal((run.text[:LONGEST_UNIT],))
        else:
            yield from _known_and_unknown(run.text)


def _known_and_unknown(han: str) -> Iterator[Need]:
    unknown: list[str] = []
    for piece in cut(han):
        if len(piece) == 1 and piece not in EMPTY:
            unknown.append(piece)
            continue
        if unknown:
            yield Literal(tuple(unknown))
            unknown = []
        yield Word(piece) if len(piece) > 1 else Literal((piece,))
    if unknown:
        yield Literal(tuple(unknown))


def _side_by_side(folded: str) -> Iterator[Literal]:
    """The needs of a quoted phrase: one, or one for each stretch between punctuation."""
    row: list[str] = []
    last = 0
    for run in runs(folded):
        if row and run.start > last and not folded[last : run.start].isspace():
            yield Literal(tuple(row))
            row = []
        last = run.end
        if run.kind == "han":
            row.extend(run.text)
        elif run.kind == "number":
            digits = number_of(run.text)
            row.extend((digits[:8], digits[8:]))
        else:
            row.append(run.text[:LONGEST_UNIT])
    if row:
        yield Literal(tuple(row))


def _joined(text: str) -> tuple[Need, ...]:
    """The wanted part of a query with each run of characters as it was typed, uncut."""
    wanted: list[Need] = []
    for match in PIECE.finditer(fold(text.translate(QUOTES)).translate(QUOTES).strip()[:LONGEST]):
        if match["minus"]:
            continue
        if match["quoted"] is not None:
            wanted.extend(_side_by_side(match["quoted"]))
            continue
        wanted.extend(
            Literal(tuple(run.text)) if run.kind == "han" else next(_cut(run.text))
            for run in runs(match["plain"])
        )
    return tuple(wanted)


def _without_empty(needs: tuple[Need, ...]) -> tuple[Need, ...]:
    telling = tuple(need for need in needs if _text(need) not in EMPTY)
    return telling or needs


def _text(need: Need) -> str:
    return need.text if isinstance(need, Word) else "".join(need.units)
