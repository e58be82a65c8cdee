"""What a city says about itself: its name, its host, its numbers. Loaded from the city's file, kept in one table."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask
from sqlalchemy import JSON, String, select
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Mapped, mapped_column

from board.db import Model, db, writing
from board.errors import database_away
from board.i18n import is_english


class Fact(Model):
    """One fact, e.g. `name` = {"zh": "云川市", "en": "Yunchuan"}."""

    __tablename__ = "fact"

    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


DEFAULTS: dict[str, Any] = {
    "name": {"zh": "24小时警局", "en": "Station 24"},
    "short_name": {"zh": "24小时警局", "en": "Station 24"},
    "host": {"zh": "", "en": ""},
    "supervised_by": {"zh": "", "en": ""},
    "emergency_sms": "",
    "phone": "12345",
    "logo": "",
}

_kept: dict[str, Any] | None = None
_read_at = 0.0
FRESH = 10.0  # seconds; another process may have loaded a city


def facts() -> dict[str, Any]:
    """All facts, defaults included."""
    global _kept, _read_at
    if (_kept is None or time.monotonic() - _read_at > FRESH) and not database_away():
        try:
            rows = {key: value for key, value in db.session.execute(select(Fact.key, Fact.value))}
        except (OperationalError, ProgrammingError):
            if writing():
                raise  # half a verb must not be kept without the other half
            db.session.rollback()
            return _kept or DEFAULTS  # an empty database must still be able to say that it is empty
        _kept, _read_at = {**DEFAULTS, **rows}, time.monotonic()
    return _kept or DEFAULTS


def put(values: dict[str, Any]) -> None:
    """Set facts inside the open transaction."""
    for key, value in values.items():
        db.session.merge(Fact(key=key, value=value))
    forget()


def forget() -> None:
    """Read the facts again at the next question."""
    global _kept
    _kept = None


def site() -> dict[str, Any]:
    """The facts in the reader's language, as templates use them; `as_of` is another number once they were read again."""
    side = "en" if is_english() else "zh"
    known = facts()
    return {
        "as_of": _read_at,
        **{
            key: (value.get(side) or value.get("zh", ""))
            if isinstance(value, dict) and "zh" in value
            else value
            for key, value in known.items()
        },
    }


def init_app(app: Flask) -> None:
    app.context_processor(lambda: {"site": site()})
