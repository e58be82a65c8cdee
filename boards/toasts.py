"""What pops up at a desk: a card for each case that calls, or one for many, so that a flood of them covers nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from board.clock import now
from board.i18n import _, ngettext
from board.noting import listed
from board.seams import provided
from boards.desk import Desk
from boards.models import Case
from boards.queuerow import length

FEW = 3  # as many have a card each


@dataclass(frozen=True)
class Card:
    """A card as components/toast.html takes it."""

    title: str
    text: str
    open_url: str
    cases: str
    acknowledge_url: str = ""


def cards_of(desk: Desk, calling: Sequence[tuple[Case, str]], more: int = 0) -> list[Card]:
    """The cards for what `Desk.calling` found, and `more` beside it: one each, or, of very many, one a queue."""
    if any(not case.thread.is_public for case, _why in calling):
        listed(by=desk.person.public_id, page="/desk")
    if len(calling) <= FEW and not more:
        return [_single(desk, case, why) for case, why in calling]
    by_queue: dict[str, list[Case]] = {}
    for case, why in calling:
        by_queue.setdefault(why, []).append(case)
    cards = []
    for why, cases in by_queue.items():
        several = len(cases) > 1 or more
        cards.append(_many(desk, cases, why, len(cases) + more) if several else _single(desk, cases[0], why))
        more = 0  # counted once
    return cards


def _single(desk: Desk, case: Case, why: str) -> Card:
    unit = case.department.title if why == "told" else desk.department.title
    title, text = _("New case for %(unit)s", unit=unit), case.thread.title
    if why != "offers" and case.acknowledged_at is not None and provided("case.lapsed", case, default=False):
        title = _("Seen, but nothing followed: %(unit)s", unit=unit)
    left = case.next_due_at - now() if case.next_due_at is not None else None
    if left is not None and left.total_seconds() > 0:
        text = _("%(title)s (%(time)s left)", title=text, time=length(left))
    own = "acknowledge" in case.open_verbs(desk.person)
    return Card(
        title=title,
        text=text,
        open_url=desk.view.url(case=case.number) + "#pane",
        cases=case.number,
        acknowledge_url=f"/cases/{case.number}/acknowledgement" if own else "",
    )


def _many(desk: Desk, cases: Sequence[Case], why: str, number: int) -> Card:
    if why in ("pending", "routing"):
        unit = desk.department.title
        title = ngettext("%(num)s new case for %(unit)s", "%(num)s new cases for %(unit)s", number, unit=unit)
    else:
        title = ngettext("%(num)s case calls for you", "%(num)s cases call for you", number)
    return Card(
        title=title,
        text=_("Due first: %(title)s", title=cases[0].thread.title),
        # What came to him from other desks stands among his messages.
        open_url="/inbox" if why == "told" else f"/desk?department={desk.department.key}&queue={why}",
        cases=" ".join(each.number for each in cases),
    )
