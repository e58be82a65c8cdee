"""Moments as the city file writes them: counted from loading, or from the post they belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from board.errors import Invalid
from board.i18n import _l

_DAY = 24 * 60
_CLOCKED = re.compile(r"([+-])([0-9]{1,3})d ([01][0-9]|2[0-3]):([0-5][0-9])")
_PLAIN = re.compile(r"([+-])(?=[0-9])(?:([0-9]{1,3})d)?(?: ?([0-9]{1,3})h)?(?: ?([0-9]{1,4})m)?")


@dataclass(frozen=True)
class When:
    """A moment relative to another one, its base.

    With `clock` it is that local time of day, `days` days after the base's local date; without, it is
    `minutes` minutes after the base. `days` and `minutes` may be negative.
    """

    days: int = 0
    clock: time | None = None
    minutes: int = 0

    @classmethod
    def parse(cls, text: str) -> When:
        """Read "-3d 09:12", "+1d 18:00", "-95m", "+2h 30m" or "+1d 4h"; raises Invalid."""
        words = " ".join(text.split())
        if found := _CLOCKED.fullmatch(words):
            sign = -1 if found[1] == "-" else 1
            return cls(days=sign * int(found[2]), clock=time(int(found[3]), int(found[4])))
        if found := _PLAIN.fullmatch(words):
            days, hours, minutes = (int(found[group] or 0) for group in (2, 3, 4))
            total = days * _DAY + hours * 60 + minutes
            return cls(minutes=-total if found[1] == "-" else total)
        raise Invalid(_l("“%(text)s” is not a moment", text=text[:60]))

    def __str__(self) -> str:
        """The text that parse() reads as the same moment."""
        if self.clock is not None:
            return f"{self.days:+d}d {self.clock:%H:%M}"
        return f"{self.minutes:+d}m"

    def after(self, base: datetime, zone: ZoneInfo) -> datetime:
        """The moment, aware and in UTC, counted from the aware moment `base` on the clocks of `zone`."""
        if self.clock is None:
            return base.astimezone(UTC) + timedelta(minutes=self.minutes)
        day = base.astimezone(zone).date() + timedelta(days=self.days)
        return datetime.combine(day, self.clock, zone).astimezone(UTC)

    def minute(self, base: int | None = None, *, clocked: bool = True) -> int | None:
        """Minutes after a loading that happens at midnight: the earliest a load can be on its day.

        `base` is that number for the moment this one counts from (None: loading itself). A time of day
        counted from a moment without one (`clocked` False) cannot be said before loading: None.
        """
        start = base or 0
        if self.clock is None:
            return start + self.minutes
        if not clocked:
            return None
        return start // _DAY * _DAY + self.days * _DAY + self.clock.hour * 60 + self.clock.minute
