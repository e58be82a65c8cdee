"""Supervision orders in words, in the reader's language: their numbers, rungs, reasons and demands."""

from __future__ import annotations

from typing import Any

from board.clock import local
from board.i18n import _
from board.jinja import when
from boards.sentences import at_moment, by_when, tidy
from complaints.models.supervision import NUMBER, SupervisionOrder


def level_word(level: str) -> str:
    """催办, 督办单, 二次督办, 约谈通知书, 通报."""
    return {
        "reminder": _("Reminder"),
        "order": _("Supervision order"),
        "second": _("Second supervision order"),
        "interview": _("Notice of interview"),
        "circular": _("Circular"),
    }[level]


def number_word(number: str) -> str:
    """督办〔2026〕12号, from the number as addresses have it."""
    parts = NUMBER.fullmatch(number)
    if parts is None:
        return ""
    level, year, serial = parts.groups()
    said = {"year": year, "n": serial}
    return {
        "reminder": lambda: _("Reminder %(n)s of %(year)s", **said),
        "order": lambda: _("Supervision order %(n)s of %(year)s", **said),
        "second": lambda: _("Second supervision order %(n)s of %(year)s", **said),
        "interview": lambda: _("Notice of interview %(n)s of %(year)s", **said),
        "circular": lambda: _("Circular %(n)s of %(year)s", **said),
    }[level]()


def reason_word(reason: str) -> str:
    """Why an order was issued."""
    return {
        "overdue": _("The promised time is long over"),
        "unanswered": _("The first answer is late"),
        "dissatisfied": _("The poster was not content twice"),
        "passed": _("The matter was passed around"),
        "empty": _("The answer says nothing"),
        "urgent": _("An urgent matter"),
        "complaint": _("A complaint about the police"),
        "unfulfilled": _("The order before it was not fulfilled"),
    }[reason]


def demand_word(demand: str) -> str:
    """What the unit has to do."""
    return {
        "answer": _("answer in time"),
        "redo": _("have somebody else handle it anew"),
        "explain": _("explain why"),
    }[demand]


def state_word(order: SupervisionOrder) -> str:
    """Where an order stands, as everybody reads it."""
    if order.is_late or (order.state == "issued" and order.overdue_at is not None):
        return _("Overdue, no answer yet")
    if order.state == "issued":
        return _("Read by the unit, waits for its answer") if order.read_at else _("Waits for the unit")
    return {
        "draft": _("Draft"),
        "discarded": _("Discarded"),
        "answered": _("Answered, the inspectors look at it"),
        "fulfilled": _("Fulfilled"),
        "unfulfilled": _("Not fulfilled"),
    }[order.state]


def tone(order: SupervisionOrder) -> str:
    """The colour of the chip that shows its state."""
    if order.is_late or order.state == "unfulfilled":
        return "overdue"
    return {"issued": "supervised", "answered": "resolved", "fulfilled": "confirmed"}.get(
        order.state, "closed"
    )


def sentence(order: SupervisionOrder) -> str:
    """督察 {时间} 督办，要求{单位}{时限}前{动作}。"""
    office = order.office.title if order.office is not None else ""
    said = {"office": office, "unit": order.department.title, "demand": demand_word(order.demand)}
    if order.issued_at is None or order.due_at is None:
        return ""
    return tidy(
        _(
            "%(office)s demanded %(at)s that %(unit)s %(demand)s %(by)s.",
            at=at_moment(order.issued_at),
            by=by_when(order.due_at),
            **said,
        )
    )


def notice(order: SupervisionOrder) -> dict[str, str]:
    """An order as the page of a case names it."""
    return {
        "url": f"/supervision/{order.number}",
        "title": number_word(order.number),
        "say": sentence(order),
        "state": state_word(order),
        "tone": tone(order),
    }


def desk_row(order: SupervisionOrder) -> dict[str, Any]:
    """An order as the desk of the unit names it."""
    return {
        **notice(order),
        "unread": order.read_at is None,
        "due": when(order.due_at),
        "late": order.is_late,
        "demand": demand_word(order.demand),
    }


def suggestion(reason: str) -> str:
    """Words for a draft that an inspector may leave as they are."""
    return {
        "overdue": _(
            "The cases below are past their promised time. Answer each of them in public, and say by when it is done."
        ),
        "unanswered": _("Nobody has answered the cases below yet. Answer each of them in public."),
        "dissatisfied": _(
            "The poster was not content with two answers. Have somebody else look at it, call back, and answer anew."
        ),
        "passed": _("The matter was passed around. Say in public who is in charge of it, and handle it."),
        "empty": _(
            "The answer does not say what was done. Answer anew: what was found, what was done, what comes next."
        ),
        "urgent": _("This is urgent. Handle it at once and answer in public."),
        "complaint": _("This complaint is past its time. Go on with it, and tell its poster how far it is."),
        "unfulfilled": _(
            "What the order before this one demanded was not done. Do it by the time below, and answer in public."
        ),
    }[reason]


def issued_day(order: SupervisionOrder) -> str:
    """二〇二六 is not written out: `2026年11月17日`, `17 November 2026`; for paper."""
    moment = local(order.issued_at) if order.issued_at is not None else None
    return (
        _("%(year)s-%(month)s-%(day)s", year=moment.year, month=moment.month, day=moment.day)
        if moment
        else ""
    )
