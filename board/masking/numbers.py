"""Long numbers: runs of digit groups are read from left to right, the longest reading first.

A run is what stands together but for a space, a dot, a dash, a comma. What it is, its digits say (a check digit, how it
begins), or the word before it; how it is grouped tells a number from several that only stand side by side.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from board.masking.findings import Hit, Taken
from board.masking.phones import (
    COMMA_GROUPS,
    LOCAL,
    PHONE_WORDS,
    counts,
    landline,
    mobile,
    number_without_area,
)
from board.masking.view import NUMERALS, View

# National short numbers that a text must be able to name: police, silent alarm by text message, citizens' line,
# fraud prevention, police complaints, fire, ambulance, traffic accidents, crisis line; and lines of the state that
# officers often name: discipline, market, transport, legal aid, social insurance, taxes, environment, smoking.
HOTLINES = frozenset(
    {"110", "12110", "12345", "96110", "12389", "119", "120", "122", "12356"}
    | {
        "12388",
        "12315",
        "12328",
        "12348",
        "12333",
        "12366",
        "12369",
        "12320",
        "12306",
        "12122",
        "95598",
        "114",
    }
)

_GROUPS = re.compile(rf"[0-9]+|[{''.join(NUMERALS)}]+")
_JOINT = re.compile(r"[ ·•・‧._\-‐‑‒–—−~/|]{1,3}|\)[ \-]?|\)\(")
_COMMA = re.compile(r" ?[、，,。] ?")
_NEXT_NUMBER = re.compile(r" ?(?:[、，,/;；或和及]|或者) ?")
_DIGIT = f"[0-9{''.join(NUMERALS)}]"
_CHAIN = re.compile(rf"{_DIGIT}(?:{_DIGIT}|[ ·•・‧._\-‐‑‒–—−~/|()、，,。]{{1,3}}(?={_DIGIT}))*")
_MOST_DIGITS = 22
_FEWEST = 7

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

_CARD_TWO = frozenset(
    {"62", "95", "43", "60", "51", "52", "53", "54", "55", "35"} | {f"4{second}" for second in range(10)}
)

# The word must lead up to the number within the same clause; a gap holding digits or stars would let one covered
# number change what the next one means.
_GAP = r"[^0-9*，,。；;！!？?\n]{0,10}\Z"
_CARD_WORDS = re.compile(
    r"(?:卡号|卡號|银行卡|銀行卡|账号|帐号|賬號|帳號|账户|帐户|储蓄卡|信用卡|借记卡|card)" + _GAP
)
_ID_WORDS = re.compile(r"(?:身份证|身份證|身分證|身分证|证件号|公民身份|id card|id number)" + _GAP)
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
_ID_LAST = re.compile(r"[ .\-]?[x×хχ](?![a-z0-9])")


class _Chain:
    """Digit groups that are joined: their places, all their digits, and what stands between them."""

    __slots__ = ("digits", "ends", "joints", "offsets", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.joints: list[str] = []  # what joins a group to the one before: "" nothing, "close", "comma"
        self.offsets: list[int] = [0]  # where in `digits` each group begins, and where the last one ends
        self.digits = ""


@dataclass(frozen=True, slots=True)
class _Run:
    """Some groups of a chain, read as one number; `before` are the words that lead up to it."""

    start: int
    end: int
    digits: str
    sizes: tuple[int, ...]
    joints: frozenset[str]
    before: str


def allowed(published: Iterable[str]) -> frozenset[str]:
    """Hotlines and published numbers (digits only), those of landlines also as they are dialled within the city."""
    given = {number for number in published if number}
    return HOTLINES | given | {number_without_area(number) for number in given}


def is_day(written: str) -> bool:
    """Whether these characters are nothing but a day as `20261121`."""
    digits = written.replace("-", "").replace(" ", "")
    if len(digits) != 8 or not digits.isdigit() or digits[:2] not in ("19", "20"):
        return False
    return digits[4:6] <= "12" and digits[6:] <= "31"


def find(seen: View, taken: Taken, allow: Collection[str]) -> Iterator[Hit]:
    """Resident numbers, bank cards, mobile and landline numbers, in the order of the text."""
    lengths = frozenset(map(len, allow))
    told_until = -1  # after a telephone number the next one in a list needs no word of its own
    for chain in _chains(seen, taken):
        at = 0
        while at < len(chain.starts):
            step = 1
            start = chain.starts[at]
            listed = told_until >= 0 and _NEXT_NUMBER.fullmatch(seen.words, told_until, start) is not None
            # Only before the first group of a chain can there be a word: between the others there are joints.
            before = seen.words[max(0, start - _LOOK_BACK) : start] if at == 0 else ""
            for last in _readings(chain, at, lengths, listed or bool(before)):
                number = chain.digits[chain.offsets[at] : chain.offsets[last + 1]]
                if number in allow or number.removeprefix("0086").removeprefix("86") in allow:
                    step, told_until = last - at + 1, chain.ends[last]
                    break
                hit = _read(seen, _run(chain, at, last, number, before), allow, listed=listed)
                if hit is not None:
                    yield hit
                    step = last - at + 1
                    told_until = hit.end if hit.kind in ("mobile", "landline") else -1
                    break
            at += step


def _chains(seen: View, taken: Taken) -> Iterator[_Chain]:
    """Every chain that is long enough to hold a number; what is taken ends one."""
    for place in _CHAIN.finditer(seen.words):
        if place.end() - place.start() < _FEWEST:
            continue
        chain = _Chain()
        digits: list[str] = []
        before = -9
        for found in _GROUPS.finditer(seen.words, place.start(), place.end()):
            start, end = found.span()
            if taken.any(start, end):
                before = -9
                continue
            joint = _joint(seen.words, before, start)
            if joint is None and digits:
                chain.digits = "".join(digits)
                yield chain
                chain, digits = _Chain(), []
            chain.starts.append(start)
            chain.ends.append(end)
            chain.joints.append(joint or "")
            chain.offsets.append(chain.offsets[-1] + end - start)
            digits.append(seen.digits[start:end])
            before = end
        if digits:
            chain.digits = "".join(digits)
            yield chain


def _joint(words: str, before: int, start: int) -> str | None:
    if start == before:
        return ""
    if start - before > 3:
        return None
    if _JOINT.fullmatch(words, before, start):
        return "close"
    return "comma" if _COMMA.fullmatch(words, before, start) else None


def _readings(chain: _Chain, at: int, lengths: Collection[int], told: bool) -> list[int]:
    """The last groups, longest reading first, with which a number could end that begins with the group at `at`.

    What its first digits and its length say already decides nearly always, and costs least.
    """
    digits, offset = chain.digits, chain.offsets[at]
    first, two = digits[offset], digits[offset : offset + 2]
    card, resident = two in _CARD_TWO, two in _ID_PROVINCES
    ends: list[int] = []
    for last in range(at, min(at + _MOST_DIGITS, len(chain.starts))):
        total = chain.offsets[last + 1] - offset
        if total > _MOST_DIGITS:
            break
        if total >= _FEWEST and (
            total in lengths
            or (total >= 15 and (told or (card and total <= 19)))
            or (resident and total in (15, 17, 18) and digits[offset + 6 + 2 * (total == 15)] in "012")
            or (total <= 8 and told and first in LOCAL)
            or (total == 11 and first == "1" and two[1] in "3456789")
            or (10 <= total <= 16 and first in "08")
        ):
            ends.append(last)
        # A hotline that stands by itself is no part of a longer number: 「打 110 12345」 is two.
        if last == at and total <= 5 and digits[offset : offset + total] in HOTLINES:
            return [at] if total in lengths else []
    ends.reverse()
    return ends


def _run(chain: _Chain, at: int, last: int, digits: str, before: str) -> _Run:
    sizes: list[int] = []
    joints: set[str] = set()
    for index in range(at, last + 1):
        size = chain.offsets[index + 1] - chain.offsets[index]
        joint = chain.joints[index] if index > at else None
        if joint == "":
            sizes[-1] += size
            continue
        sizes.append(size)
        if joint is not None:
            joints.add(joint)
            if size <= 5 and chain.digits[chain.offsets[index] : chain.offsets[index + 1]] in HOTLINES:
                joints.add("hotline")
    return _Run(chain.starts[at], chain.ends[last], digits, tuple(sizes), frozenset(joints), before)


def _read(seen: View, run: _Run, allow: Collection[str], *, listed: bool) -> Hit | None:
    digits, sizes, start, end, words = run.digits, run.sizes, run.start, run.end, seen.words
    if len(digits) >= 15 and "comma" not in run.joints:
        found = _resident(words, run) or _card(words, run)
        # A card may end in 「… 114」; a number and the hotline behind it have no check digit in common.
        if found is not None and ("hotline" not in run.joints or luhn(digits) or resident_number(digits)):
            return found
    if _money(words, start, end):
        return None
    found = mobile(digits, sizes, start, end)
    if "hotline" in run.joints or "comma" in run.joints:
        # Such a run is a number only when it is grouped as a mobile number is read out.
        return found if sizes in COMMA_GROUPS else None
    if found is not None:
        return found
    told = listed or (len(digits) <= 8 and PHONE_WORDS.search(run.before) is not None)
    told = told and not is_day(digits) and not counts(words, end)
    found = landline(digits, sizes, start, end, plus=words[max(0, start - 1) : start] == "+", told=told)
    if found is None or number_without_area(digits) in allow:
        return None
    return found


def _money(words: str, start: int, end: int) -> bool:
    return (
        _MONEY_AFTER.match(words, end) is not None
        or _MONEY_BEFORE.search(words[max(0, start - 2) : start]) is not None
    )


def _resident(words: str, run: _Run) -> Hit | None:
    digits, sizes, before = run.digits, run.sizes, run.before
    if len(digits) > 18 or not (len(sizes) == 1 or min(sizes) >= 2 or set(sizes) == {1}):
        return None
    if len(digits) == 17:
        last = _ID_LAST.match(words, run.end)
        if last is not None:
            whole = (*sizes[:-1], sizes[-1] + 1)
            if resident_number(digits + "x") or (whole in _ID_GROUPS and _ID_WORDS.search(before)):
                return Hit("resident_id", run.start, last.end(), f"{digits[:3]}{'*' * 13}{digits[16]}X")
    if len(digits) in (15, 18) and (
        resident_number(digits) or (sizes in _ID_GROUPS and _ID_WORDS.search(before))
    ):
        return Hit("resident_id", run.start, run.end, f"{digits[:3]}{'*' * (len(digits) - 5)}{digits[-2:]}")
    return None


def _card(words: str, run: _Run) -> Hit | None:
    digits = run.digits
    if not _card_groups(run.sizes) or _money(words, run.start, run.end):
        return None
    known = any(digits.startswith(first) and len(digits) in lengths for first, lengths in _CARD_STARTS)
    if (known and luhn(digits)) or _CARD_WORDS.search(run.before):
        return Hit("bank_card", run.start, run.end, f"{digits[:4]}{'*' * (len(digits) - 8)}{digits[-4:]}")
    return None


def _card_groups(sizes: tuple[int, ...]) -> bool:
    *front, back = sizes
    return (
        not front
        or set(sizes) == {1}
        or (set(front) == {4} and back <= 4)
        or (len(sizes) == 2 and sizes[0] == 6)
        or (set(front) == {5} and 2 <= back <= 5)
    )


def resident_number(number: str) -> bool:
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


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
