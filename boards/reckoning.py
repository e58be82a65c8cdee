"""The arithmetic of a deadline in words: what `segments.arithmetic` counts, one sentence a step."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from board.clock import local
from board.i18n import _, is_english, ngettext
from board.jinja import MONTHS, duration
from boards.models.deadline import Deadline, calendar
from boards.models.segments import Line, arithmetic
from boards.sentences import tidy


def kind_words(kind: str) -> str:
    """What a clock measures."""
    return {
        "reply": _("First answer"),
        "accept": _("Decision to take it on"),
        "resolve": _("Result"),
        "update": _("News of progress"),
        "poster": _("Answer of the poster"),
        "rating": _("Rating"),
        "rectification": _("Putting it right"),
    }.get(kind, kind)


def full(moment: datetime) -> str:
    """A moment with its date and time, whatever today is: `2026年11月28日 07:52`."""
    here = local(moment)
    if is_english():
        return f"{here.day} {MONTHS[here.month - 1]} {here.year} {here:%H:%M}"
    return f"{here.year}年{here.month}月{here.day}日 {here:%H:%M}"


def _date(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}" if is_english() else f"{day.month}月{day.day}日"


def _name(pair: tuple[str, str]) -> str:
    return pair[1] if is_english() and pair[1] else pair[0]


def _hours(opens: Any, closes: Any) -> str:
    def words(value: Any) -> str:
        return f"{value:%H:%M}" if isinstance(value, time) else str(value)

    return f"{words(opens)}–{words(closes)}"


def sentence(line: Line) -> str:
    """One step of the arithmetic as a sentence."""

    def get(name: str) -> Any:
        return line.params.get(name)

    if line.kind == "started":
        return _("Counting began %(when)s.", when=full(get("at")))
    if line.kind == "promised":
        span = get("span").words()
        if get("measure") == "working":
            return _(
                "Promised: %(span)s, counted in working hours (%(hours)s).",
                span=span,
                hours=_hours(get("opens"), get("closes")),
            )
        if get("by_night"):
            return _(
                "Promised: %(span)s; it began at night, so %(length)s.",
                span=span,
                length=duration(get("length")),
            )
        return _("Promised: %(span)s, day and night.", span=span)
    if line.kind == "opens":
        return _("It came outside working hours; counting begins %(when)s.", when=full(get("at")))
    if line.kind == "skipped":
        first, last = get("first"), get("last")
        days = _date(first) if first == last else f"{_date(first)}–{_date(last)}"
        names = _(", ").join(_name(pair) for pair in get("names"))
        if names:
            return _("%(days)s did not count: %(names)s.", days=days, names=names)
        return _("%(days)s did not count: weekend.", days=days)
    if line.kind == "worked":
        return _("%(day)s counted: %(name)s.", day=_date(get("day")), name=_name(get("name")))
    if line.kind == "paused":
        if get("end") is None:
            return _("The clock has stood since %(when)s.", when=full(get("start")))
        return _("The clock stood from %(start)s to %(end)s.", start=full(get("start")), end=full(get("end")))
    if line.kind == "extended":
        if get("until") is not None:
            return _(
                "Extended to %(until)s, granted %(when)s.", until=full(get("until")), when=full(get("at"))
            )
        return _("Extended by %(span)s, granted %(when)s.", span=get("span").words(), when=full(get("at")))
    if line.kind == "provisional":
        return _(
            "The working days of %(year)s are not published yet; when they are, this date is counted again.",
            year=get("year"),
        )
    if line.kind == "stopped":
        if get("due") is not None:
            return _("It stopped %(when)s; it was due %(due)s.", when=full(get("at")), due=full(get("due")))
        return _("It stopped %(when)s.", when=full(get("at")))
    if line.kind == "stands":
        left = max(get("left"), timedelta(0))
        hours = int(left.total_seconds() // 3600)
        return _(
            "When it goes on, %(left)s are left.",
            left=ngettext("%(num)s hour", "%(num)s hours", hours) if hours else duration(left),
        )
    return _("So it is due %(when)s.", when=full(get("at")))


def explain(deadline: Deadline) -> list[str]:
    """Every step of a deadline's arithmetic as sentences, oldest first, in the reader's language."""
    return [tidy(sentence(line)) for line in arithmetic(deadline.clock, calendar())]
