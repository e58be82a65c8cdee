"""Passports (since 2012: E and eight places) and travel permits; most are known only by the word before them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from board.masking.findings import Hit
from board.masking.numbers import is_day
from board.masking.view import View

_COVER = "*********"
# I and O are left out of the second place, so that nobody takes them for digits.
_PASSPORT = re.compile(r"e(?<![a-z0-9].)(?:[0-9]{8}|[a-hj-np-z][0-9]{7})(?![a-z0-9])")
_WORDS = (
    "护照", "護照", "通行证", "通行證", "回乡证", "返乡证", "台胞证", "居留证", "居留许可", "军官证", "士兵证", "旅行证", "海员证", "永居证", "签证", "passport",
)  # fmt: skip
_AFTER_WORD = re.compile(
    rf"(?:{'|'.join(_WORDS)})"
    r"[^0-9a-z*，,。；;!?\n]{0,8}(?:no\.? ?|number ?)?([a-z]{0,2}(?:[ \-]?[0-9]){6,10}[a-z]?)(?![a-z0-9])"
)
# Identity cards of Hong Kong carry their check digit in brackets.
_BRACKETED = re.compile(r"(?<![a-z0-9])[a-z]{1,2}[0-9]{6} ?\([0-9a]\)")


def find(seen: View) -> Iterator[Hit]:
    """Every number of a passport or permit."""
    if seen.has(_WORDS):
        for found in _AFTER_WORD.finditer(seen.digits):
            if not is_day(found[1]):
                yield Hit("passport", found.start(1), found.end(1), _COVER)
    for found in _PASSPORT.finditer(seen.digits):
        if not is_day(found[0][1:]):
            yield Hit("passport", found.start(), found.end(), _COVER)
    if "(" in seen.words:
        for found in _BRACKETED.finditer(seen.digits):
            yield Hit("passport", found.start(), found.end(), _COVER)
