"""A case's clock as people read it: one of five states, and words that are true until `fresh_until`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from board.clock import local, midnight, now
from board.i18n import _
from board.jinja import duration, iso
from boards.models.deadline import Deadline
from boards.models.status import Status
from boards.sentences import by_when, late_clock, tidy, time_used

if TYPE_CHECKING:
    from boards.models.case import Case

# Which promise the public waits for, by status; the first that runs is shown.
WAITED_FOR: dict[str, tuple[str, ...]] = {
    Status.PENDING: ("reply", "accept"),
    Status.ACCEPTED: ("reply", "resolve"),
    Status.IN_PROGRESS: ("resolve",),
    Status.WAITING_POSTER: ("resolve",),
    Status.SUSPENDED: ("resolve",),
    Status.RESOLVED: ("rectification",),
    Status.CLOSED: (),
}
NEAR = timedelta(hours=1)


def waited_for(case: Case) -> Deadline | None:
    """The clock the public waits for now."""
    for kind in WAITED_FOR[Status(case.status)]:
        clock = case.open_clock(kind)
        if clock is not None:
            return clock
    return None


def face(case: Case) -> dict[str, Any] | None:
    """What components/clock.html draws: {state, text, at, soon_at}; None where a section shows no countdown."""
    if not case.thread.section.shows_countdown:
        return None
    late = late_clock(case)
    if late is not None:
        since = late.breached_at or late.due_at or now()
        return _face("over", _("%(span)s over", span=duration(now() - since)), iso(since))
    clock = waited_for(case)
    if clock is None:
        used = time_used(case)
        if used is None or case.outcome in ("duplicate", "withdrawn", "declined"):
            return None
        minutes = int(used.total_seconds() // 60)
        return _face("done", _("took %(span)s", span=duration(used)), f"PT{minutes}M")
    if not clock.is_running or clock.due_at is None:
        return _face("paused", _("clock stopped"), None)
    left = clock.due_at - now()
    soon_at = clock.share_moment(75)
    state = "soon" if soon_at is None or soon_at <= now() or left < timedelta(minutes=15) else "normal"
    words = _("%(span)s left", span=duration(left)) if left < NEAR else by_when(clock.due_at)
    return _face(state, words, iso(clock.due_at), iso(soon_at) if soon_at is not None else None)


def _face(state: str, text: str, at: str | None, soon_at: str | None = None) -> dict[str, Any]:
    return {"state": state, "text": tidy(text), "at": at, "soon_at": soon_at}


def next_midnight() -> datetime:
    """When the next day begins in the city, and 今天 becomes 昨天."""
    return midnight((local(now()) + timedelta(days=1)).date())


def fresh_until(case: Case) -> datetime:
    """Until when the words of its sentence and clock stay true: the next minute of a near clock, a due date, midnight."""
    moment = now()
    turns = [next_midnight()]
    for each in case.deadlines:
        if each.round != case.round or not each.is_open or each.due_at is None:
            continue
        left = each.due_at - moment
        if left > NEAR:
            turns.append(each.due_at - NEAR)
        elif left > -NEAR:
            turns.append(moment + timedelta(minutes=1))
        else:
            turns.append(moment + NEAR)
    if moment - case.thread.moved_at < timedelta(minutes=1):
        turns.append(case.thread.moved_at + timedelta(minutes=1))  # 刚刚
    return min(turns)
