"""What every template may call: times in words, the once-token, slots of higher parts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask, request
from jinja2 import Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context

from board import once
from board.clock import local, now
from board.fragments import Fragments
from board.i18n import _, is_english, language, ngettext
from board.permissions import may
from board.seams import slot_html

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def clock_time(moment: datetime) -> str:
    """`14:05` on the city's clocks."""
    return local(moment).strftime("%H:%M")


def day(moment: datetime) -> str:
    """`11月18日`, with the year when it is another one; `18 Nov` in English."""
    here, today = local(moment), local(now())
    if is_english():
        text = f"{here.day} {MONTHS[here.month - 1]}"
        return text if here.year == today.year else f"{text} {here.year}"
    text = f"{here.month}月{here.day}日"
    return text if here.year == today.year else f"{here.year}年{text}"


def month(key: str) -> str:
    """A month by its key `2026-10`: `2026年10月`; `Oct 2026` in English."""
    year, number = (int(part) for part in key.split("-"))
    return f"{MONTHS[number - 1]} {year}" if is_english() else f"{year}年{number}月"


def date_words(given: date | str) -> str:
    """A day with its year, as lists of the past write it: `2026年11月18日`; `18 Nov 2026` in English."""
    here = date.fromisoformat(given) if isinstance(given, str) else given
    if is_english():
        return f"{here.day} {MONTHS[here.month - 1]} {here.year}"
    return f"{here.year}年{here.month}月{here.day}日"


def when(moment: datetime | None) -> str:
    """A moment as people say it: `刚刚`, `14:05`, `昨天 10:05`, `明天 18:00`, `11月18日 09:11`, `2025年3月2日`."""
    if moment is None:
        return ""
    here, today = local(moment), local(now())
    days = (here.date() - today.date()).days
    if timedelta(0) <= now() - moment < timedelta(minutes=1):
        return _("just now")
    if days == 0:
        return clock_time(moment)
    if days == -1:
        return _("yesterday %(time)s", time=clock_time(moment))
    if days == 1:
        return _("tomorrow %(time)s", time=clock_time(moment))
    if here.year != today.year:
        return day(moment)
    return f"{day(moment)} {clock_time(moment)}"


def duration(span: timedelta) -> str:
    """A length of time in one unit, or two where the second matters: `42 分钟`, `6 小时 13 分`, `3 天`."""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 1:
        return _("under a minute")
    if minutes < 60:
        return str(ngettext("%(num)s minute", "%(num)s minutes", minutes))
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        words = ngettext("%(num)s hour", "%(num)s hours", hours)
        return words if not rest else _("%(hours)s h %(minutes)s min", hours=hours, minutes=rest)
    days, hours = divmod(hours, 24)
    words = ngettext("%(num)s day", "%(num)s days", days)
    return words if days > 2 or not hours else _("%(days)s d %(hours)s h", days=days, hours=hours)


def iso(moment: datetime) -> str:
    """For `<time datetime>`: with the city's offset."""
    return local(moment).isoformat(timespec="seconds")


def number(value: int) -> str:
    """`1,284`."""
    return f"{value:,}"


def in_language(thing: Any, field: str = "name") -> str:
    """The reader's language of a name that is stored per language (`name`, `name_en`)."""
    english = getattr(thing, f"{field}_en", None)
    return str(english if is_english() and english else getattr(thing, field))


class HouseTemplate(Template):
    """A template whose macros are imported without looking for globals of the importing one: here all globals are
    the environment's own. The look costs as much as the smaller macros, two dozen times a page."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        return super()._get_default_module()


def init_app(app: Flask) -> None:
    app.jinja_env.template_class = HouseTemplate
    app.jinja_env.filters.update(
        when=when,
        day=day,
        month=month,
        date_words=date_words,
        clock_time=clock_time,
        duration=duration,
        iso=iso,
        number=number,
        named=in_language,
    )

    app.jinja_env.globals.update(
        _=_,
        ngettext=ngettext,
        once_token=once.fresh,
        slot=slot_html,
        may=may,
        now=now,
        reader_language=language,
    )
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.add_extension(Fragments)

    @app.context_processor
    def place() -> dict[str, str]:
        # Where the reader is, for forms that lead back and for the mark of the current page.
        return {"here": request.full_path.rstrip("?") if request else "/"}
