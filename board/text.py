"""Text as people type it: made clean before it is stored, shortened for lists, folded for matching.

Three pure functions and one view. `normalise` decides what is kept of what was typed; everything that matches
words or numbers (masking, mentions, nicknames) works on `fold`, which sees through full-width letters, hidden
characters and stacked accents, and can say where in the original each match stands.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Folded", "excerpt", "fold", "is_blank", "normalise"]

# Unicode's Stream-Safe Text Format allows 30 marks on one letter; no living language needs more than 6. Without
# a bound a paste of 100,000 accents costs normalize() seven seconds, because it sorts them by insertion.
MOST_MARKS = 8

_EMOJI = "\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
_IDEOGRAPH = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_STRAY_SELECTOR = re.compile(
    f"(?<![{_EMOJI}\u00a9\u00ae\u203c\u2049\u2122\u2139\u3030\u303d\u3297\u3299])(?<![0-9#*](?=\ufe0f\u20e3))[\ufe0e\ufe0f]"
    f"|(?<![{_IDEOGRAPH}])[\ufe00-\ufe0d\U000e0100-\U000e01ef]"
)
_STRAY_JOINER = re.compile(f"(?<![{_EMOJI}\ufe0f])\u200d|\u200d(?![{_EMOJI}])")
# Letters that print nothing: they make a blank text look written.
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")


class _Kept(dict[int, str | None]):
    """What becomes of each character, worked out once a character."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        kept: str | None = character
        category = unicodedata.category(character)
        if character == "\t":
            kept = " "
        elif character not in "\n\u200d" and (
            category in ("Cc", "Cf", "Cs") or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
        ):
            kept = None
        self[code] = kept
        return kept


_KEPT = _Kept()


def normalise(text: str, *, lines: bool) -> str:
    """What is kept of a typed text: composed (NFC), without control, direction and zero-width characters.

    The joiner survives inside emoji, where leaving it out would change the picture. Line breaks of every kind become
    `\\n`; the ends are trimmed, U+3000 included. With `lines=False` all white space becomes single spaces,
    otherwise only the ends of lines are trimmed. Applying it twice changes nothing.
    """
    text = _BREAKS.sub("\n", text).translate(_KEPT)
    text = _STRAY_JOINER.sub("", _STRAY_SELECTOR.sub("", text))
    text = _bound_marks(unicodedata.normalize("NFC", _bound_marks(text)))
    if not lines:
        return " ".join(text.split())
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def _bound_marks(text: str) -> str:
    marks = {character for character in set(text) if unicodedata.combining(character)}
    if not marks:
        return text
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if character in marks else 0
        if run <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def is_blank(text: str) -> bool:
    """Whether nothing in the text can be seen: white space, hidden characters and lone accents only."""
    return all(
        character in _INVISIBLE_LETTERS
        or unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc", "Zs", "Cn")
        for character in normalise(text, lines=False)
    )


def excerpt(text: str, length: int) -> str:
    """The beginning of a text in one line of at most `length` characters, the closing … among them.

    Never cuts through an emoji or an accented letter, and not through a Latin word where a space is near.
    Raises ValueError for a length under 1.
    """
    if length < 1:
        raise ValueError("an excerpt has at least one character")
    line = normalise(text, lines=False)
    if len(line) <= length:
        return line
    cut = length - 1
    while cut > 0 and (_continues(line[cut]) or line[cut - 1] == "\u200d"):
        cut -= 1
    if cut > 0 and _in_word(line[cut]) and _in_word(line[cut - 1]):
        space = line.rfind(" ", max(0, cut - 20), cut)
        if space > 0:
            cut = space
    return line[:cut].rstrip(" ,.;:、，。；：") + "…"


def _continues(character: str) -> bool:
    return (
        character == "\u200d"
        or unicodedata.category(character) in ("Mn", "Me")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def _in_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


@dataclass(frozen=True, slots=True)
class Folded:
    """A text made equal for matching, with the way back.

    `text` is NFKC and case-folded character by character, without marks and hidden characters; `starts[i]` and `ends[i]`
    bound the original characters that `text[i]` came from.
    """

    text: str
    starts: list[int]
    ends: list[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text behind `text[start:end]`; whole characters, accents included."""
        if start >= end:
            at = self.starts[start] if start < len(self.starts) else (self.ends[-1] if self.ends else 0)
            return at, at
        return self.starts[start], self.ends[end - 1]


def fold(text: str) -> Folded:
    """The text as matching sees it. Folding works on single characters, so parts fold as they do in the whole."""
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for index, character in enumerate(text):
        equal = _fold_character(character)
        if equal:
            folded.append(equal)
            starts.extend([index] * len(equal))
            ends.extend([index + 1] * len(equal))
        elif ends and ends[-1] == index and unicodedata.category(character) in ("Mn", "Me"):
            # The accent goes with its letter, also when one character folded to several.
            letter = starts[-1]
            at = len(ends) - 1
            while at >= 0 and starts[at] == letter:
                ends[at] = index + 1
                at -= 1
    return Folded("".join(folded), starts, ends)


@lru_cache(maxsize=1 << 16)
def _fold_character(character: str) -> str:
    if character in "\n\r\u2028\u2029\x85\x0b\x0c":
        return "\n"
    if character.isspace():
        return " "
    if character in _INVISIBLE_LETTERS:
        return ""
    equal = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())
    kept: list[str] = []
    for part in equal:
        if part.isdecimal():
            kept.append(str(unicodedata.decimal(part)))
        elif (
            unicodedata.category(part) not in ("Mn", "Me", "Cf", "Cc", "Cs")
            and part not in _INVISIBLE_LETTERS
        ):
            kept.append(part)
    return "".join(kept)
