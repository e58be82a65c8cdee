"""Telephone numbers: mobile ones begin with 1, landlines with the code of their area or stand after a word that says so."""

from __future__ import annotations

import re

from board.masking.findings import Hit

_MOBILE = re.compile(r"(0086|86|0)?(1[3-9][0-9]{9})")
_PLAIN_MOBILE_GROUPS = frozenset(
    {(11,), (3, 8), (8, 3), (3, 4, 4), (7, 4), (4, 7), (3, 3, 5), (3, 5, 3), (4, 4, 3), (4, 3, 4), (5, 6), (6, 5), (5, 3, 3)}
    | {(3, 4, 2, 2), (3, 2, 2, 4), (3, 2, 2, 2, 2), (2, 3, 3, 3), (2, 2, 2, 2, 2, 1), (1, 2, 2, 2, 2, 2), (1,) * 11}
)  # fmt: skip
# With commas, and around what could be a hotline, only as such a number is read out; 13,800,138,000 is an amount.
COMMA_GROUPS = frozenset(
    {(3, 4, 4), (3, 8), (7, 4), (4, 4, 3), (3, 3, 5), (3, 2, 2, 2, 2), (3, 4, 2, 2), (1,) * 11}
)

LOCAL = "2345678"
_AREA = re.compile(r"(?:0086|86)?0?(10|2[0-9]|[3-9][0-9]{2})([2-8][0-9]{6,7})")
_LOCAL_GROUPS = frozenset(
    {(7,), (8,), (3, 4), (4, 3), (4, 4), (3, 5), (2, 2, 3), (2, 3, 3), (2, 2, 2, 2), (1,) * 7, (1,) * 8}
)
PHONE_WORDS = re.compile(
    r"(?:电话|電話|座机|座機|固话|固定电话|联系方式|联系|拨打|致电|来电|热线|传真|tel|phone|call|fax|☎|📞)"
    r"[^0-9*，,。；;！!？?\n]{0,8}\Z"
)
# 「来电 3000-5000 次」 counts calls.
_COUNT_AFTER = re.compile(r" ?(?:次|人|个|名|户|万|元|块|平|米|年|月|多|余|%|条|份|件)")
_COVER = "********"


def mobile(digits: str, sizes: tuple[int, ...], start: int, end: int) -> Hit | None:
    """A mobile number: its first three and last four digits stay, so that its owner knows which is meant."""
    found = _MOBILE.fullmatch(digits)
    if found is None:
        return None
    prefix = found[1] or ""
    if (sizes[0] - len(prefix), *sizes[1:]) not in _PLAIN_MOBILE_GROUPS:
        return None
    number = found[2]
    return Hit("mobile", start, end, f"{prefix}{number[:3]}****{number[7:]}")


def counts(words: str, end: int) -> bool:
    """Whether what ends there is a count of something."""
    return _COUNT_AFTER.match(words, end) is not None


def landline(
    digits: str, sizes: tuple[int, ...], start: int, end: int, *, plus: bool, told: bool
) -> Hit | None:
    """A landline number, with its area's code or, where it was `told` that a telephone follows, without.

    `plus` says that a + stands before it: then the country's code may lead.
    """
    if told and 7 <= len(digits) <= 8 and sizes in _LOCAL_GROUPS:
        return Hit("landline", start, end, _COVER)
    found = _AREA.fullmatch(digits)
    if found is None:
        return None
    head = found.start(2)
    prefix = digits[: found.start(1)]
    if not prefix.endswith("0") and not (plus and prefix == "86") and not prefix.startswith("0086"):
        return None
    rest: list[int] = list(sizes)
    while rest and head > 0:
        if rest[0] > head:
            rest[0] -= head
            break
        head -= rest.pop(0)
    if tuple(rest) not in _LOCAL_GROUPS:
        return None
    return Hit("landline", start, end, _COVER)


def number_without_area(digits: str) -> str:
    """A landline number as it is dialled within its city; any other number as it is."""
    found = _AREA.fullmatch(digits)
    return found[2] if found is not None and digits.startswith(("0", "86")) else digits
