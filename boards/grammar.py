"""Mentions: which departments a text calls with `@`, found without spaces around their names.

The grammar: `@` or `＠`, not after an ASCII letter, digit, `.`, `_` or `-`, then the longest of all known names, short names and
aliases (equal under NFKC and case folding). Nothing is called from quotes, code or links. A name that is not known
is answered with suggestions; the text still reaches its section's department.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from board.markup import plain_links
from board.text import Folded, fold

__all__ = [
    "MAX_DEPARTMENTS",
    "Mention",
    "NameBook",
    "Suggestion",
    "Unknown",
    "departments",
    "find_mentions",
    "has_sign",
]

# The first department of a post leads, the others are told; more would leave nobody in charge.
MAX_DEPARTMENTS = 3

_SIGNS = ("@", "＠", "﹫")  # all that fold to one
_LONGEST_UNKNOWN = 12
_MOST_SUGGESTIONS = 3
# Comparing with every name is the only slow step; a text that is full of unknown names gets no help after these.
_MOST_COMPARED = 10
_ALIKE = 0.5
_NAME_CHARACTERS = re.compile(r"[\w·\-]+")


@dataclass(frozen=True, slots=True)
class Mention:
    """A department that is called: `text[start:end]` is the call with its `@`, `name` the name as written."""

    start: int
    end: int
    department: str
    name: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A department that an unknown name may have meant, by the name that is nearest."""

    department: str
    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A call that leads nowhere: its span with the `@`, the name as far as it can be told, the best guesses first."""

    start: int
    end: int
    name: str
    suggestions: tuple[Suggestion, ...]


class _Node:
    __slots__ = ("department", "next")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.department: str | None = None


class NameBook:
    """All names by which departments can be called.

    Takes `(department key, name)` pairs, any number for one department. Where two departments share a name, the
    pair that comes first has it; blank names are left out.
    """

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        self._root = _Node()
        self._names: list[tuple[str, str, str]] = []
        for department, name in names:
            folded = fold(name).text.strip()
            if not folded:
                continue
            node = self._root
            for character in folded:
                node = node.next.setdefault(character, _Node())
            if node.department is None:
                node.department = department
                self._names.append((department, name, folded))

    def longest(self, text: str, at: int) -> tuple[str, int] | None:
        """The department whose longest name stands at `at` in a folded text, and where that name ends.

        A name that ends in an ASCII letter or digit must end there in the text too: `@hr` is not in `@hrabc`.
        """
        node = self._root
        best: tuple[str, int] | None = None
        for index in range(at, len(text)):
            following = node.next.get(text[index])
            if following is None:
                break
            node = following
            if node.department is not None and not (_plain(text, index) and _plain(text, index + 1)):
                best = node.department, index + 1
        return best

    def nearest(self, written: str) -> tuple[list[Suggestion], int]:
        """Up to three departments whose names are like the beginning of a folded text, and how much of it the best takes."""
        rated: list[tuple[float, int, int, str, str]] = []
        letters = set(written)
        for order, (department, name, folded) in enumerate(self._names):
            if letters.isdisjoint(folded):
                continue
            matcher = SequenceMatcher(None, "", folded, autojunk=False)
            for length in sorted({len(folded) - 1, len(folded), len(folded) + 1, len(written)}):
                if 0 < length <= len(written):
                    matcher.set_seq1(written[:length])
                    rated.append((-matcher.ratio(), order, length, department, name))
        suggestions: list[Suggestion] = []
        taken = 0
        for worth, _, length, department, name in sorted(rated):
            if -worth < _ALIKE or len(suggestions) == _MOST_SUGGESTIONS:
                break
            if all(department != other.department for other in suggestions):
                taken = taken or length
                suggestions.append(Suggestion(department, name))
        return suggestions, taken


def _plain(text: str, at: int) -> bool:
    return at < len(text) and text[at].isascii() and text[at].isalnum()


def has_sign(text: str) -> bool:
    """Whether there is an `@` at all: most texts call nobody, and need no names to be looked through."""
    return any(sign in text for sign in _SIGNS)


def find_mentions(text: str, names: NameBook) -> list[Mention | Unknown]:
    """Every call in the text, in order; spans are those of `text`. A lone `@` is not a call."""
    if not has_sign(text):
        return []
    folded = fold(text)
    closed = plain_links(text)
    at_closed = 0
    found: list[Mention | Unknown] = []
    guesses: dict[str, tuple[list[Suggestion], int]] = {}
    at = folded.text.find("@")
    while at >= 0:
        origin = folded.starts[at]
        while at_closed < len(closed) and closed[at_closed].end <= origin:
            at_closed += 1
        inside = at_closed < len(closed) and closed[at_closed].start <= origin
        after = at + 1
        if not inside and not _follows_word(text, origin):
            known = names.longest(folded.text, after)
            if known is not None:
                department, after = known
                start, end = folded.span(at, after)
                found.append(Mention(start, end, department, _written(text, folded, at, end)))
            else:
                unknown = _unknown(text, folded, at, names, guesses)
                if unknown is not None:
                    found.append(unknown)
        at = folded.text.find("@", after)
    return found


def _written(text: str, folded: Folded, at: int, end: int) -> str:
    return text[folded.ends[at] : end]


def _follows_word(text: str, origin: int) -> bool:
    """Whether the call is part of an e-mail address or the like. Looks at what was typed: folded, the Chinese … is dots."""
    before = origin - 1
    while before >= 0 and unicodedata.category(text[before]) in ("Cf", "Mn", "Me"):
        before -= 1
    return before >= 0 and text[before].isascii() and (text[before].isalnum() or text[before] in "._-")


def _unknown(
    text: str, folded: Folded, at: int, names: NameBook, guesses: dict[str, tuple[list[Suggestion], int]]
) -> Unknown | None:
    run = _NAME_CHARACTERS.match(folded.text, at + 1, at + 1 + _LONGEST_UNKNOWN)
    if run is None:
        return None
    written = run.group()
    if written not in guesses and len(guesses) < _MOST_COMPARED:
        guesses[written] = names.nearest(written)
    suggestions, taken = guesses.get(written, ([], 0))
    start, end = folded.span(at, at + 1 + (taken or len(written)))
    return Unknown(start, end, _written(text, folded, at, end), tuple(suggestions))


def departments(found: Iterable[Mention | Unknown]) -> tuple[str, ...]:
    """The keys of the departments that are called, each once, the leading one first; may be more than MAX_DEPARTMENTS."""
    return tuple(dict.fromkeys(one.department for one in found if isinstance(one, Mention)))
