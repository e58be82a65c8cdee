"""Putting a call on its way: each event, person and channel once, each step and chat room once, and many calls in a
short time as one message.

The first call rings at once. What follows for the same person or room within the window rides in one more delivery at its end,
however much it is: nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from board.clock import now
from board.db import db
from board.live import append
from notifications.models import inbox
from notifications.models.delivery import LIVE, Delivery, Purpose, queue_many
from notifications.models.page import Page, PageState, Telling, note
from notifications.paging.asking import may_be_told, room_may_be_told
from notifications.paging.steps import Step, Who
from notifications.reaching import channels_of_many
from people import contacts
from people.models import Contact, Person

CHAT = "chat"
WINDOW = {True: 15, False: 60}  # seconds, by urgency
SETTLED = timedelta(seconds=5)  # what began inside a window has been committed by then


def tell(page: Page, place: int, step: Step, people: Iterable[Person], moment: datetime) -> None:
    """Tell these people of the page's cause by every channel that reaches them and was not used for it yet."""
    known = _known(page.cause_id)
    people = list(dict.fromkeys(people))
    reached = _channels(people, step)
    news = [
        (person, channel)
        for person in people
        for channel in reached[person.id]
        if (person.id, channel) not in known
    ]
    known.update((person.id, channel) for person, channel in news)
    for (person, channel), delivery in zip(news, _deliveries(page, news, moment), strict=True):
        note(
            Telling,
            page_id=page.id,
            event_id=page.cause_id,
            person_id=person.id,
            room_id=None,
            channel=channel,
            leg=page.leg,
            step=place,
            delivery_id=delivery.id,
            at=moment,
        )
        if channel == LIVE:
            append(person.stream, kind="page", case=page.case.number, urgent=page.urgent)
            # Those on duty had the event itself among their messages.
            if page.leg or step.who != Who.DUTY:
                inbox.call(page.cause_id, person)


def tell_rooms(page: Page, place: int, step: Step, moment: datetime) -> None:
    """Tell the department's chat rooms of a step that was just taken, also of one at which nobody was there."""
    if step.channels and CHAT not in step.channels:
        return
    rooms = _rooms(page)
    if not rooms or not room_may_be_told(page, moment):
        return
    news = [(room, CHAT) for room in rooms]
    for room, delivery in zip(rooms, _deliveries(page, news, moment), strict=True):
        note(
            Telling,
            page_id=page.id,
            event_id=page.cause_id,
            person_id=None,
            room_id=room.id,
            channel=CHAT,
            leg=page.leg,
            step=place,
            delivery_id=delivery.id,
            at=moment,
        )


def _rooms(page: Page) -> list[Contact]:
    kept: dict[int, list[Contact]] = db.session().info.setdefault("rooms", {})
    if page.department_id not in kept:
        kept[page.department_id] = contacts.rooms_of(page.department, counting=True)
    return kept[page.department_id]


def _known(event_id: int) -> set[tuple[int, str]]:
    """Who was told of an event by what, kept true for the transaction."""
    kept: dict[int, set[tuple[int, str]]] = db.session().info.setdefault("tellings", {})
    if event_id not in kept:
        read_tellings([event_id])
    return kept[event_id]


def read_tellings(events: Iterable[int]) -> None:
    """Read at once who was told of several events."""
    events = list(events)
    kept: dict[int, set[tuple[int, str]]] = db.session().info.setdefault("tellings", {})
    kept.update({event: set() for event in events})
    rows = select(Telling.event_id, Telling.person_id, Telling.channel).where(Telling.event_id.in_(events))
    for event, person, channel in db.session.execute(rows):
        if person is not None:
            kept[event].add((person, channel))


def _channels(people: Iterable[Person], step: Step) -> dict[int, list[str]]:
    """Open pages always; of the others those that reach the person and that the step names, if it names any."""
    kept: dict[int, list[str]] = db.session().info.setdefault("channels_of", {})
    missing = [person.id for person in people if person.id not in kept]
    if missing:
        kept.update(channels_of_many(missing, Purpose.PAGE))
    return {
        person.id: [
            LIVE,
            *(
                each
                for each in kept[person.id]
                if each != LIVE and (not step.channels or each in step.channels)
            ),
        ]
        for person in people
    }


def _deliveries(
    page: Page, wanted: Sequence[tuple[Person | Contact, str]], moment: datetime
) -> list[Delivery]:
    """The delivery in which each person or room hears of the call by a channel, in their order: the first of the
    window, or the one at its end."""
    length = WINDOW[page.urgent]
    window = int(moment.timestamp()) // length
    topic = f"{page.department.key}:{'urgent' if page.urgent else 'ordinary'}"
    keyed = {f"page:{topic}:{to.public_id}:{channel}:{window}": (to, channel) for to, channel in wanted}
    kept: dict[str, Delivery] = db.session().info.setdefault("deliveries", {})
    what: dict[str, Any] = {"purpose": Purpose.PAGE, "event": page.cause, "page": page, "topic": topic}
    kept.update(queue_many([(key, *keyed[key]) for key in keyed if key not in kept], **what))
    rest = {f"{key}:rest": key for key in keyed if key not in kept}
    if rest:
        ends = datetime.fromtimestamp((window + 1) * length, UTC) + SETTLED
        last = queue_many([(name, *keyed[key]) for name, key in rest.items()], due_at=ends, **what)
        promised = [name for name in rest if name not in last]
        if promised:
            found = db.session.scalars(select(Delivery).where(Delivery.key.in_(promised)))
            last.update({each.key: each for each in found})
        kept.update({key: last[name] for name, key in rest.items()})
    return [kept[key] for key in keyed]


def standing(delivery: Delivery) -> list[Page]:
    """The pages of a delivery that its person or room must still hear of now, oldest first; [] when it need not be sent.

    Asked when its turn comes: an acknowledged or answered case, and whoever may not read it any more, is left out.
    """
    rows = db.session.scalars(
        select(Page)
        .join(Telling, Telling.page_id == Page.id)
        .where(Telling.delivery_id == delivery.id)
        .order_by(Telling.id)
    )
    pages = list(dict.fromkeys(rows))
    if not pages and delivery.page is not None:  # an alarm: it tells of the page itself
        pages = [delivery.page]
    return [page for page in pages if tells(page) and page.case.is_open and _may_be_told(delivery, page)]


def _may_be_told(delivery: Delivery, page: Page) -> bool:
    if delivery.person is not None:
        return may_be_told(delivery.person, page.cause)
    return room_may_be_told(page, now())


def tells(page: Page) -> bool:
    """Whether its people may still be told: it climbs, or it was told once and that is all it was to do."""
    return page.state == PageState.OPEN or page.ended_why == "told"
