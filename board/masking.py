"""Numbers that belong to one person are covered before a text leaves for the public.

Covered are resident identity numbers (GB 11643), mobile numbers, bank cards and number plates, also when they are
written full-width, with spaces, dots or dashes, or with hidden characters in between. Hotlines, case
numbers, dates, times and amounts stay readable.

The order of work makes `mask(mask(x)) == mask(x)` hold: first whatever already has the shape of a covered number is
set aside, then plates are found, then runs of digit groups are read from left to right. A covered number
always has one of those shapes, so a second run sets it aside and finds nothing that the first did not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal

from board.text import Folded, fold

__all__ = ["HOTLINES", "MASK_VERSION", "Finding", "Kind", "Masked", "mask"]

# Goes up whenever `mask` covers more or less than before; stored texts of a lower version are masked again.
MASK_VERSION = 1

# National short numbers that a text must be able to name: police, silent alarm by text message, citizens' line,
# fraud prevention, police complaints, fire, ambulance, traffic accidents, crisis line.
HOTLINES = frozenset({"110", "12110", "12345", "96110", "12389", "119", "120", "122", "12356"})

Kind = Literal["resident_id", "mobile", "bank_card", "plate"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One covered number: what it is, its span in the original text, and what stands there instead."""

    kind: Kind
    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True)
class Masked:
    """The text for the public and what was covered in it, in the order of the text."""

    text: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Hit:
    kind: Kind
    start: int
    end: int
    cover: str


@dataclass(frozen=True, slots=True)
class _Group:
    start: int
    end: int
    digits: str


_PROVINCES = "京津沪滬渝冀豫云雲辽遼黑湘皖鲁魯新苏蘇浙赣贛鄂桂甘晋晉蒙陕陝吉闽閩贵貴粤粵青藏川宁寧琼瓊"
_PLATE_ENDS = "挂掛学學警港澳领領试試超"
_PLATE = re.compile(
    rf"([{_PROVINCES}])[ ·•・.\-]{{0,2}}([a-z])[ ·•・.\-]{{0,2}}"
    # new energy: six places; ordinary: five, the last of which may be a word such as 警 or 学
    rf"([a-z] ?[a-z0-9](?: ?[0-9]){{4}}|[0-9](?: ?[0-9]){{4}} ?[a-z]"
    rf"|[a-z0-9](?: ?[a-z0-9]){{3}} ?[a-z0-9{_PLATE_ENDS}])(?![a-z0-9])"
)

# What `mask` itself writes, as it looks folded. A look-ahead, so that shapes that share characters are all seen.
_COVERED = re.compile(
    r"(?=((?<![0-9])(?:(?:0086|86|0)?[0-9]{3}\*{4}[0-9]{4}|[0-9]{3}\*{13}[0-9][0-9x]|[0-9]{3}\*{10}[0-9]{2}"
    r"|[0-9]{4}\*{4,14}[0-9]{4})(?![0-9])"
    rf"|[{_PROVINCES}][a-z]·\*{{3,4}}[a-z0-9][a-z0-9{_PLATE_ENDS}](?![a-z0-9])))"
)

_GROUPS = re.compile(r"[0-9]+")
_JOINT = re.compile(r"[ ·•・‧._\-‐‑‒–—−]{1,3}")
_MOST_DIGITS = 22
_MOBILE = re.compile(r"(0086|86|0)?(1[3-9][0-9]{9})")
_PLAIN_MOBILE_GROUPS = frozenset(
    {(11,), (3, 8), (8, 3), (3, 4, 4), (7, 4), (4, 7), (3, 3, 5), (3, 5, 3), (4, 4, 3), (4, 3, 4), (5, 6), (6, 5), (5, 3, 3)}
    | {(3, 4, 2, 2), (3, 2, 2, 4), (3, 2, 2, 2, 2), (2, 3, 3, 3), (2, 2, 2, 2, 2, 1), (1, 2, 2, 2, 2, 2), (1,) * 11}
)  # fmt: skip

# First digits of cards in use in China, with their lengths (UnionPay 62; older debit cards; Visa, MasterCard, JCB).
_CARD_STARTS: tuple[tuple[str, frozenset[int]], ...] = (
    ("62", frozenset({16, 17, 18, 19})),
    ("9558", frozenset({16, 19})),
    ("9559", frozenset({16, 19})),
    ("4367", frozenset({16, 19})),
    ("6013", frozenset({16, 19})),
    ("6014", frozenset({17})),
    ("4", frozenset({16})),
    *((start, frozenset({16})) for start in ("51", "52", "53", "54", "55", "352", "353", "354", "355", "356", "357", "358")),
)  # fmt: skip

# The word must lead up to the number within the same clause; a gap holding digits or stars would let one covered
# number change what the next one means.
_GAP = r"[^0-9*，,。；;！!？?\n]{0,10}\Z"
_CARD_WORDS = re.compile(
    r"(?:卡号|卡號|银行卡|銀行卡|账号|帐号|賬號|帳號|账户|帐户|储蓄卡|信用卡|借记卡|card)" + _GAP
)
_ID_WORDS = re.compile(r"(?:身份证|身份證|身分证|身分證|证件号|公民身份|id card|id number)" + _GAP)
_LOOK_BACK = 24
_MONEY_AFTER = re.compile(r" {0,2}(?:元(?![旦宵])|[万亿]元?|块|圆)")
_MONEY_BEFORE = re.compile(r"[¥$€£] ?\Z")

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10x98765432"
# How a mistyped number, known only by the word before it, may be grouped; a right one proves itself.
_ID_GROUPS = frozenset(
    {(18,), (6, 12), (14, 4), (6, 8, 4), (6, 4, 4, 4), (6, 4, 2, 2, 4), (4, 4, 4, 4, 2), (15,), (6, 6, 3)}
)
# Division codes of GB/T 2260; 91 stands first in the numbers of foreigners with permanent residence.
_ID_PROVINCES = frozenset(
    str(code)
    for codes in ((11, 16), (21, 24), (31, 38), (41, 47), (50, 55), (61, 66), (71, 72), (81, 84), (91, 92))
    for code in range(*codes)
)


def mask(text: str, *, allow: Collection[str] = ()) -> Masked:
    """Cover the personal numbers of a text; numbers in `allow` (published ones) and hotlines stay.

    `allow` holds numbers in any writing; only their digits count. Time is linear in the length of the text.
    """
    folded = fold(text)
    allowed = HOTLINES | {"".join(_GROUPS.findall(fold(number).text)) for number in allow}
    hits = _hits(folded.text, allowed)
    findings: list[Finding] = []
    pieces: list[str] = []
    last = 0
    for hit in hits:
        start, end = folded.span(hit.start, hit.end)
        replacement = _rest_before(folded, hit.start) + hit.cover + _rest_after(folded, hit.end)
        findings.append(Finding(hit.kind, start, end, replacement))
        pieces += [text[last:start], replacement]
        last = end
    pieces.append(text[last:])
    return Masked("".join(pieces), tuple(findings))


def _rest_before(folded: Folded, at: int) -> str:
    # One character can fold to several (⒈ is "1."): what the number does not need of it stays.
    first = at
    while first > 0 and folded.starts[first - 1] == folded.starts[at]:
        first -= 1
    return folded.text[first:at]


def _rest_after(folded: Folded, at: int) -> str:
    last = at
    while last < len(folded.text) and folded.starts[last] == folded.starts[at - 1]:
        last += 1
    return folded.text[at:last]


def _hits(text: str, allowed: Collection[str]) -> list[_Hit]:
    taken = _Taken(len(text))
    if "*" in text:
        for shape in _COVERED.finditer(text):
            taken.add(shape.start(1), shape.end(1))
    hits: list[_Hit] = []
    for plate in _PLATE.finditer(text):
        serial = plate[3].replace(" ", "")
        if taken.any(plate.start(), plate.end()) or sum(place.isdigit() for place in serial) < 3:
            continue
        cover = f"{plate[1]}{plate[2].upper()}·{'*' * (len(serial) - 2)}{serial[-2:].upper()}"
        hits.append(_Hit("plate", plate.start(), plate.end(), cover))
        taken.add(plate.start(), plate.end())
    hits += _numbers(text, taken, allowed)
    return sorted(hits, key=lambda hit: hit.start)


class _Taken:
    """Which places of a text are spoken for."""

    def __init__(self, length: int) -> None:
        self._places = bytearray(length)

    def add(self, start: int, end: int) -> None:
        self._places[start:end] = b"\1" * (end - start)

    def any(self, start: int, end: int) -> bool:
        return 1 in self._places[start:end]


def _numbers(text: str, taken: _Taken, allowed: Collection[str]) -> Iterator[_Hit]:
    groups = [
        _Group(found.start(), found.end(), found.group())
        for found in _GROUPS.finditer(text)
        if not taken.any(found.start(), found.end())
    ]
    joined = [
        second.start - first.end <= 3 and _JOINT.fullmatch(text, first.end, second.start) is not None
        for first, second in pairwise(groups)
    ]
    at = 0
    while at < len(groups):
        step = 1
        for run in reversed(_runs(groups, joined, at)):
            digits = "".join(group.digits for group in run)
            if digits in allowed or digits.removeprefix("0086").removeprefix("86") in allowed:
                step = len(run)
                break
            hit = _read(text, run, digits)
            if hit is not None:
                yield hit
                step = len(run)
                break
        at += step


def _runs(groups: list[_Group], joined: list[bool], at: int) -> list[list[_Group]]:
    """The beginnings, shortest first, of the run of joined digit groups at `at` that have a length worth reading."""
    runs: list[list[_Group]] = []
    length = 0
    for index in range(at, min(at + _MOST_DIGITS, len(groups))):
        digits = groups[index].digits
        # A hotline that stands by itself ends a run: 「打 110 12345」 is two numbers.
        if index > at and (not joined[index - 1] or digits in HOTLINES):
            break
        length += len(digits)
        if length > _MOST_DIGITS:
            break
        if length >= 11:
            runs.append(groups[at : index + 1])
        if index == at and digits in HOTLINES:
            break
    return runs


def _read(text: str, run: list[_Group], digits: str) -> _Hit | None:
    start, end = run[0].start, run[-1].end
    sizes = tuple(len(group.digits) for group in run)
    before = text[max(0, start - _LOOK_BACK) : start]
    even = len(sizes) == 1 or min(sizes) >= 2 or set(sizes) == {1}

    if (
        len(digits) == 17
        and even
        and end < len(text)
        and text[end] in "x×хχ"
        and not _alphanumeric(text, end + 1)
    ):
        whole = (*sizes[:-1], sizes[-1] + 1)
        if _resident_id(digits + "x") or (whole in _ID_GROUPS and _ID_WORDS.search(before)):
            return _Hit("resident_id", start, end + 1, f"{digits[:3]}{'*' * 13}{digits[16]}X")
    if (
        len(digits) in (15, 18)
        and even
        and (_resident_id(digits) or (sizes in _ID_GROUPS and _ID_WORDS.search(before)))
    ):
        return _Hit("resident_id", start, end, f"{digits[:3]}{'*' * (len(digits) - 5)}{digits[-2:]}")

    money = _MONEY_AFTER.match(text, end) or _MONEY_BEFORE.search(before)
    if len(digits) >= 15 and _card_groups(sizes) and not money:
        known = any(digits.startswith(first) and len(digits) in lengths for first, lengths in _CARD_STARTS)
        if (known and _luhn(digits)) or _CARD_WORDS.search(before):
            return _Hit("bank_card", start, end, f"{digits[:4]}{'*' * (len(digits) - 8)}{digits[-4:]}")

    mobile = _MOBILE.fullmatch(digits)
    if mobile and not money:
        prefix = mobile[1] or ""
        plain = (sizes[0] - len(prefix), *sizes[1:])
        if plain in _PLAIN_MOBILE_GROUPS:
            number = mobile[2]
            return _Hit("mobile", start, end, f"{prefix}{number[:3]}****{number[7:]}")
    return None


def _alphanumeric(text: str, at: int) -> bool:
    return at < len(text) and text[at].isascii() and text[at].isalnum()


def _card_groups(sizes: tuple[int, ...]) -> bool:
    *front, back = sizes
    return (
        not front
        or set(sizes) == {1}
        or (set(front) == {4} and back <= 4)
        or (len(sizes) == 2 and sizes[0] == 6)
        or (set(front) == {5} and 2 <= back <= 5)
    )


def _resident_id(number: str) -> bool:
    """Whether 18 places (the last may be `x`) or 15 digits can be a resident identity number (GB 11643-1999)."""
    if number[:2] not in _ID_PROVINCES:
        return False
    born = number[6:14] if len(number) == 18 else "19" + number[6:12]
    try:
        day = date(int(born[:4]), int(born[4:6]), int(born[6:]))
    except ValueError:
        return False
    if not 1890 <= day.year <= 2099:
        return False
    if len(number) == 15:
        return True
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number, strict=False))
    return _ID_CHECKS[total % 11] == number[17]


def _luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
