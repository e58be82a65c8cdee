"""What this package itself writes where digits stay readable: it is set aside before anything is looked for.

Covers of all other kinds are stars or words alone, in which nothing can be found.
"""

from __future__ import annotations

import re

from board.masking.findings import Taken
from board.masking.plates import ENDS, PROVINCES
from board.masking.view import View

# A look-ahead, so that shapes that share characters are all seen.
_COVERED = re.compile(
    r"(?=((?<![0-9])(?:(?:0086|86|0)?[0-9]{3}\*{4}[0-9]{4}|[0-9]{3}\*{13}[0-9][0-9x]|[0-9]{3}\*{10}[0-9]{2}"
    r"|[0-9]{4}\*{4,14}[0-9]{4})(?![0-9])"
    rf"|[{PROVINCES}][a-z]·\*{{3,4}}[a-z0-9][a-z0-9{ENDS}](?![a-z0-9])))"
)


_STARS = re.compile(r"\*{3,}")
_BEFORE = 8  # digits or letters that a cover may begin with


def set_aside(seen: View, taken: Taken) -> None:
    """Speak for every covered number that still shows some of its digits."""
    for stars in _STARS.finditer(seen.words) if "***" in seen.words else ():
        at = max(0, stars.start() - _BEFORE)
        for shape in _COVERED.finditer(seen.words, at, stars.end() + _BEFORE):
            if shape.start(1) >= stars.start():
                break
            taken.add(shape.start(1), shape.end(1))
