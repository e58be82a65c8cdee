"""What an inspector typed into the form of an order."""

from __future__ import annotations

from datetime import date, datetime

from flask import request

from board.clock import local
from board.errors import Invalid
from board.i18n import _l
from boards.models.deadline import calendar
from complaints.models.supervision import Demand

LONGEST = 20_000


def demand_typed() -> Demand:
    """The fields of the form; Invalid for a date that is none."""

    def word(name: str) -> str:
        return request.form.get(name, "")[:LONGEST]

    return Demand(
        level=word("level"),
        reason=word("reason"),
        demand=word("demand"),
        words=word("words"),
        due=_due(word("due")),
        skipped=word("skipped"),
    )


def _due(typed: str) -> datetime | None:
    """The end of the office hours of the day that was typed; None for an empty field."""
    if not typed.strip():
        return None
    try:
        day = date.fromisoformat(typed.strip()[:10])
        if not 1900 <= day.year < 3000:
            raise ValueError
    except ValueError:
        raise Invalid(_l("Write the date like 2026-11-23."), field="due") from None
    work = calendar()
    return datetime.combine(day, work.hours.closes, tzinfo=work.zone)


def day_of(moment: datetime | None) -> str:
    """A moment as the field of a date takes it."""
    return f"{local(moment):%Y-%m-%d}" if moment is not None else ""
