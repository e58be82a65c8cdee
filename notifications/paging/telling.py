"""Putting a call on its way: each event, person and channel once, and many calls in a short time as one message.

The first call rings at once. What follows for the same person within the window rides in one more delivery at its end,
however much it is: nothing is dropped, and `calls_in` counts them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from board.db import db
from board.live import append
from notifications.models.delivery import LIVE, Delivery, Purpose, queue
from notifications.models.page import Page, PageState, Telling, note
from notifications.paging.asking import may_be_told
from notifications.paging.steps import Step
from notifications.reaching import channels_of
from people.models import Person

WINDOW = {True: 15, False: 60}  # seconds, by urgency
SETTLED = timedelta(seconds=5)  # what began inside a window has been committed by then


def tell(page: Page, place: int, step: Step, people: Iterable[Person], moment: datetime) -> None:
    """Tell these people of the page's cause by every channel that reaches them and was not used for it yet."""
    known = _known(page.cause_id)
    for person in people:
        for channel in _channels(person, step):
            if (person.id, channel) in known:
                continue
            known.add((person.id, channel))
            delivery = _delivery(page, person, channel, moment)
            note(
                Telling,
                page_id=page.id,
                event_id=page.cause_id,
                person_id=person.id,
                channel=channel,
                leg=page.leg,
                step=place,
                delivery_id=delivery.id,
                at=moment,
            )
            if channel == LIVE:
                append(person.stream, kind="page", case=page.case.number, urgent=page.urgent)


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
        kept[event].add((person, channel))


def _channels(person: Person, step: Step) -> list[str]:
    """Open pages always; of the others those that reach the person and that the step names, if it names any."""
    kept: dict[int, list[str]] = db.session().info.setdefault("channels_of", {})
    if person.id not in kept:
        kept[person.id] = channels_of(person, Purpose.PAGE)
    others = [each for each in kept[person.id] if each != LIVE]
    return [LIVE, *(each for each in others if not step.channels or each in step.channels)]


def _delivery(page: Page, person: Person, channel: str, moment: datetime) -> Delivery:
    length = WINDOW[page.urgent]
    window = int(moment.timestamp()) // length
    topic = f"{page.department.key}:{'urgent' if page.urgent else 'ordinary'}"
    key = f"page:{topic}:{person.public_id}:{channel}:{window}"
    kept: dict[str, Delivery] = db.session().info.setdefault("deliveries", {})
    if key not in kept:
        what = {"purpose": Purpose.PAGE, "event": page.cause, "page": page, "topic": topic}
        ends = datetime.fromtimestamp((window + 1) * length, UTC) + SETTLED
        rest = f"{key}:rest"
        kept[key] = (
            queue(person, channel, key=key, **what)  # type: ignore[arg-type]
            or queue(person, channel, key=rest, due_at=ends, **what)  # type: ignore[arg-type]
            or db.session.scalars(select(Delivery).where(Delivery.key == rest)).one()
        )
    return kept[key]


def calls_in(delivery: Delivery) -> int:
    """How many calls ride in a delivery."""
    query = select(func.count()).select_from(Telling).where(Telling.delivery_id == delivery.id)
    return db.session.scalar(query) or 0


def standing(delivery: Delivery) -> list[Page]:
    """The pages of a delivery that its person must still hear of now, oldest first; [] when it need not be sent.

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
    return [page for page in pages if _stands(page) and may_be_told(delivery.person, page.cause)]


def _stands(page: Page) -> bool:
    if page.state == PageState.OPEN:
        return page.case.is_open
    return page.ended_why == "told" and page.case.is_open
