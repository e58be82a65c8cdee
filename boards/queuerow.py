"""A row of the duty desk in words: its clock box, what is told of the case, and the acts one press away."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from board.clock import local, now
from board.i18n import _, is_english, ngettext
from board.jinja import clock_time, day, iso, when
from board.noting import listed
from boards.desk import Desk
from boards.looking import seen_by
from boards.models.status import OPEN, Status
from boards.sentences import tidy

SHORT = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def box(row: Row[Any], desk: Desk) -> dict[str, Any]:
    """The clock box of a row: {word, number, state, percent, at}, as components/queue.html takes it."""
    due = row.next_due_at
    state = desk.promises.state(row.section_id, row.next_due_kind, due, row.overdue)
    if state == "paused":
        return _still(row)
    if state == "over":
        late = now() - due if due is not None and due <= now() else None
        number = length(late) if late is not None else "!"
        return {"word": _("Overdue"), "number": number, "state": "over", "percent": None, "at": None}
    left = due - now()
    shown = {"state": state, "percent": desk.promises.percent_left(row.section_id, row.next_due_kind, due)}
    if left < SHORT:
        seconds = int(left.total_seconds())
        number = f"{seconds // 60}:{seconds % 60:02d}"
        return {**shown, "word": _("left"), "number": number, "at": iso(due)}
    if left < DAY:
        return {**shown, "word": _("left"), "number": length(left), "at": iso(due)}
    return {**shown, "word": day(due), "number": clock_time(due), "at": None}


def _still(row: Row[Any]) -> dict[str, Any]:
    shown = {"state": "paused", "percent": None, "at": None}
    if row.status == Status.RESOLVED and row.resolved_at is not None:
        return {**shown, "word": _("answered"), "number": _short_day(row.resolved_at)}
    word = {
        Status.WAITING_POSTER: _("clock stopped"),
        Status.SUSPENDED: _("suspended"),
    }.get(Status(row.status), _("no clock"))
    return {**shown, "word": word, "number": "–"}


def _short_day(moment: datetime) -> str:
    here = local(moment)
    return clock_time(moment) if here.date() == local(now()).date() else f"{here.month}-{here.day:02d}"


def length(span: timedelta) -> str:
    """A length of time in the few characters a box has room for: `22 分`, `5 小时`, `3 天`."""
    minutes = max(1, int(span.total_seconds() // 60))
    if minutes < 60:
        return str(ngettext("%(num)s min", "%(num)s min", minutes))
    if minutes < 24 * 60:
        return str(ngettext("%(num)s h", "%(num)s h", minutes // 60))
    return str(ngettext("%(num)s d", "%(num)s d", minutes // (24 * 60)))


def unseen(row: Row[Any]) -> bool:
    """Whether somebody here has still to acknowledge it: nobody has, or nothing followed for as long as that holds."""
    return row.status == Status.PENDING and (row.acknowledged_at is None or bool(row.lapsed))


def acts(row: Row[Any], desk: Desk) -> list[dict[str, Any]]:
    """The acts of a row. What a veto forbids is refused when it is pressed: asking for each row would cost queries."""
    url = f"/cases/{row.number}"
    mine = row.department_id == desk.department.id and desk.serves
    found: list[dict[str, Any]] = []
    if row.status == Status.PENDING and mine:
        if unseen(row) and (desk.on_duty or desk.leads):
            found.append(
                {"label": _("Acknowledge"), "url": f"{url}/acknowledgement", "icon": "eye", "key": "S"}
            )
        found.append({"label": _("Accept"), "url": f"{url}/acceptance", "icon": "check", "key": "A"})
    elif row.status in (Status.ACCEPTED, Status.IN_PROGRESS) and mine:
        word = _("Answer now") if row.overdue else _("Answer")
        found.append({"label": word, "url": f"{desk.view.url(case=row.number)}#answer", "get": True})
    unanswered = desk.view.queue == "called" and row.status == Status.PENDING
    if desk.department.is_desk and (desk.view.queue == "routing" or unanswered):
        found.append({"label": _("Send to a department"), "url": _open(row, desk, "route"), "get": True})
    elif mine and row.status in OPEN:
        found.append({"label": _("Hand over"), "url": _open(row, desk, "offer"), "get": True, "key": "T"})
    return found


def _open(row: Row[Any], desk: Desk, form: str) -> str:
    return desk.view.url(case=row.number, form=form) + f"#do-{form}"


def told(row: Row[Any], desk: Desk) -> list[str]:
    """What stands under the title: when, where, who has it; never a word about who posted."""
    words = [when(row.posted_at)]
    if row.place:
        words.append(row.place)
    if row.department_id != desk.department.id:
        words.append(desk.departments[row.department_id].title)
    if row.handler_id == desk.person.id:
        words.append(_("with you"))
    elif row.handler_id is not None:
        name = row.handler_name_en if is_english() and row.handler_name_en else row.handler_name
        words.append(name or _("badge %(badge)s", badge=row.handler_badge))
    elif row.status == Status.PENDING and row.lapsed:
        words.append(_("seen, but nothing followed: called again"))
    elif row.status == Status.PENDING and row.acknowledged_at is not None:
        words.append(_("seen"))
    if row.at_desk:
        words.append(_("refused twice or not answered: the desk decides"))
    return words


def drawn(
    row: Row[Any], desk: Desk, open_number: str = "", after: str = "", watching: str = ""
) -> dict[str, Any]:
    """A row as components/queue.html takes it. `after`: the number of the row below, opened once this one is done;
    `watching`: which colleagues have it open, in words."""
    here = desk.view.url(case=row.number)
    return {
        "id": row.number,
        "url": f"{here}#pane",
        "title": row.title,
        "box": box(row, desk),
        "meta": [tidy(words) for words in told(row, desk)],
        "watching": watching,
        "new": unseen(row) and not row.lapsed and now() - row.posted_at < HOUR,
        "unseen": unseen(row),
        "danger": row.restricted_why == "danger",
        "restricted": row.visibility != "public",
        "told": row.first == 1,
        "supervised": row.supervised,
        "round": row.round,
        "urgent": row.overdue,
        "acts": acts(row, desk),
        "open": row.number == open_number,
        "desk": desk.view.url("").lstrip("?"),
        "next": after,
    }


def drawn_all(desk: Desk, rows: list[Row[Any]], open_number: str = "") -> list[dict[str, Any]]:
    """Every row of a page; each knows which one comes after it."""
    numbers = [row.number for row in rows]
    if any(row.visibility != "public" for row in rows):
        listed(by=desk.person.public_id, page="/desk")
    following = [*numbers[1:], *numbers[:1]]  # after the last one the first
    seen = seen_by({row.number: row.public_id for row in rows}, desk.person)
    return [
        drawn(row, desk, open_number, after, seen.get(row.number, ""))
        for row, after in zip(rows, following, strict=True)
    ]
