"""Lengths of time as promises are written: "10 min", "2 h", "3 d", "1 wd", "30 min; night 2 h"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from unicodedata import normalize

from board.errors import Invalid
from board.i18n import _, _l, ngettext

Kind = Literal["wall", "working", "duty"]

LONGEST_DAYS = 3650
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_PART = re.compile(r"([0-9]{1,7}) ?(min|h|d|wd)")
_NIGHT = re.compile(r"(?P<day>[^;]*); ?night ?(?P<night>[^;]*)")


@dataclass(frozen=True, order=True)
class WorkingDays:
    """A number of working days; how long one is, the working calendar knows."""

    count: int


@dataclass(frozen=True)
class Span:
    """How long something may take.

    `amount` is a timedelta of wall time or a number of working days. With `night`, a timedelta too, `amount`
    holds for what begins in duty hours and `night` for what begins outside them.
    """

    amount: timedelta | WorkingDays
    night: timedelta | None = None

    def __post_init__(self) -> None:
        days = self.amount.count if isinstance(self.amount, WorkingDays) else self.amount / timedelta(days=1)
        lengths = [days] if self.night is None else [days, self.night / timedelta(days=1)]
        if not all(0 < length <= LONGEST_DAYS for length in lengths):
            raise Invalid(_l("A length of time must be more than nothing and at most ten years"))
        if any(isinstance(part, timedelta) and part % _UNITS["min"] for part in (self.amount, self.night)):
            raise ValueError("a length of time is counted in whole minutes")
        if self.night is not None and isinstance(self.amount, WorkingDays):
            raise Invalid(
                _l("Working days have no night: write minutes, hours or days, such as “30 min; night 2 h”")
            )

    @property
    def kind(self) -> Kind:
        """What it is counted in: wall time, working time, or wall time that depends on the hour it begins."""
        if self.night is not None:
            return "duty"
        return "working" if isinstance(self.amount, WorkingDays) else "wall"

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read "10 min", "2 h", "3 d" (24 hours each), "1 wd" (working days) or "30 min; night 2 h".

        Raises Invalid, with what may be written instead.
        """
        words = " ".join(normalize("NFKC", text[:60]).split())
        pair = _NIGHT.fullmatch(words)
        if pair is None:
            return cls(_amount(words, text))
        day, night = _amount(pair["day"].strip(), text), _amount(pair["night"].strip(), text)
        if isinstance(night, WorkingDays):
            raise Invalid(
                _l("Working days have no night: write minutes, hours or days, such as “30 min; night 2 h”")
            )
        return cls(day, night)

    def __str__(self) -> str:
        """The shortest text that parse() reads as the same length."""
        day = _text(self.amount)
        return day if self.night is None else f"{day}; night {_text(self.night)}"

    def words(self) -> str:
        """In the reader's language, such as "10 minutes", "1 working day", "30 minutes (at night 2 hours)"."""
        day = _words(self.amount)
        if self.night is None:
            return day
        return str(_("%(day)s (at night %(night)s)", day=day, night=_words(self.night)))


def _amount(words: str, whole: str) -> timedelta | WorkingDays:
    found = _PART.fullmatch(words)
    if found is None:
        raise Invalid(
            _l(
                "“%(text)s” is not a length of time; write a whole number and min, h, d or wd, "
                "such as “10 min”, “2 h”, “3 d”, “1 wd” or “30 min; night 2 h”",
                text=whole[:60],
            )
        )
    count, unit = int(found[1]), found[2]
    return WorkingDays(count) if unit == "wd" else count * _UNITS[unit]


def _split(amount: timedelta | WorkingDays) -> tuple[int, str]:
    if isinstance(amount, WorkingDays):
        return amount.count, "wd"
    for unit in ("d", "h"):
        count, rest = divmod(amount, _UNITS[unit])
        if not rest:
            return count, unit
    return amount // _UNITS["min"], "min"


def _text(amount: timedelta | WorkingDays) -> str:
    count, unit = _split(amount)
    return f"{count} {unit}"


def _words(amount: timedelta | WorkingDays) -> str:
    count, unit = _split(amount)
    if unit == "wd":
        return str(ngettext("%(num)d working day", "%(num)d working days", count))
    if unit == "d":
        return str(ngettext("%(num)d day", "%(num)d days", count))
    if unit == "h":
        return str(ngettext("%(num)d hour", "%(num)d hours", count))
    return str(ngettext("%(num)d minute", "%(num)d minutes", count))
