"""One's own case leads out of the board without being followed: whoever wrote it hears of each step that matters to him.

In the browser, by mail and chat at once, after his quiet hours. A text message costs the city money, so it comes only
with the steps that end his waiting or ask something of him.
"""

from __future__ import annotations

from board.clock import now
from board.events import on
from boards.models.timeline import CaseEvent
from boards.models.watch import AT_ONCE
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
    tidings.tell(event, [tidings.Wish(person, AT_ONCE, (OWN,)) for person in posters])
    if event.kind in TEXTED:
        for person in posters:
            _text(person, event)


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
