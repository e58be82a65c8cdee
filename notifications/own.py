"""One's own case leads out of the board without being followed: whoever wrote it hears of each step that matters to him.

In the browser, by mail and chat at once, after his quiet hours, or as he chose for it among what he follows. A text message costs the city money, so it comes only
with the steps that end his waiting or ask something of him.
"""

from __future__ import annotations

from sqlalchemy import select

from board.clock import now
from board.db import db
from board.events import on
from boards.models.timeline import CaseEvent
from boards.models.watch import AT_ONCE, INBOX, Watch
from notifications import tidings
from notifications.followers import is_carried
from notifications.models.delivery import Purpose, queue
from notifications.reaching import channels_of
from notifications.recipients import may_hear
from people.models import Person

OWN = "own"  # the way, among those by which somebody follows
TEXTED = frozenset(
    {
        "case.asked",
        "case.resolved",
        "case.rectified",
        "case.declined",
        "case.follow_up_asked",
        "thread.release_proposed",
    }
)


@on("*")
def tell_posters(event: CaseEvent) -> None:
    """Promise what leads out of the board, inside the transaction of the step."""
    if event.parameters.get("imported") or not is_carried(event):
        return
    posters = [
        person
        for person, reason in event.audience.persons.values()
        if reason == "poster" and may_hear(person, event, reason)
    ]
    if not posters:
        return
    chosen = _chosen(event, posters)
    case = f"case:{event.thread.public_id}"
    wishes = [
        tidings.Wish(person, chosen.get(person.id, AT_ONCE), (case if person.id in chosen else OWN,))
        for person in posters
        if chosen.get(person.id) != INBOX
    ]
    tidings.tell(event, wishes)
    if event.kind in TEXTED:
        for wish in wishes:
            if wish.how == AT_ONCE:
                _text(wish.person, event)


def _chosen(event: CaseEvent, posters: list[Person]) -> dict[int, str]:
    """How those who follow their own case chose to hear of it, by table id: whoever writes one follows it at first."""
    ids = [person.id for person in posters]
    rows = db.session.execute(
        select(Watch.person_id, Watch.how).where(Watch.thread_id == event.thread_id, Watch.person_id.in_(ids))
    )
    return {key: how for key, how in rows}


def _text(person: Person, event: CaseEvent) -> None:
    if "sms" not in channels_of(person, OWN):
        return
    moment = now()
    due = tidings.due_of(person, AT_ONCE, tidings.rhythms([person.id])[person.id], moment)
    queue(
        person,
        "sms",
        key=f"own:{event.public_id}:{person.public_id}",
        purpose=Purpose.NEWS,
        event=event,
        due_at=due if due > moment else None,
    )
