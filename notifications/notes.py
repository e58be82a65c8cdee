"""What a message says when its turn has come: a number, a status word and a deadline (ux-guide §8).

Never a name, never a place, never a word that somebody wrote; of a restricted case not even its number. Made when it
is carried, so that it says what holds then, and says nothing where nobody needs to hear of it any more.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from board.db import db
from board.facts import site
from board.i18n import _, ngettext, speaking
from board.permissions import may
from boards.addresses import step_path
from boards.models import Case, CaseEvent
from boards.models.thread import Thread
from boards.policy import visible_to
from boards.sentences import short, tidy
from notifications import letters
from notifications.following import rhythm_of
from notifications.heard import words_told
from notifications.models import InboxItem
from notifications.models.acknowledgement_link import AcknowledgementLink
from notifications.models.delivery import Delivery, Purpose
from notifications.models.page import Page
from notifications.paging.telling import standing
from notifications.unsubscribing import address as unsubscribe_address
from people.models import Person

HALF_AN_HOUR, A_DAY = 1800, 86400  # seconds
ROOM_LANGUAGE = "zh"  # that of the house: many read along
ANSWERS = frozenset({"case.resolved", "case.rectified", "case.progressed", "case.answered"})


@dataclass(frozen=True)
class Note:
    """One message in the reader's language. `path`: where on this board it leads; `act`: what pressing there does.

    `body`: the whole mail where it is more than `text`. `lasts`: seconds after which it need not arrive any more.
    """

    title: str
    text: str
    path: str
    act: str = ""
    body: str = ""
    unsubscribe: str = ""
    urgent: bool = False
    lasts: int = A_DAY
    language: str = "zh"


def note_of(delivery: Delivery) -> Note | None:
    """What this delivery says now, inside the open transaction; None when nobody needs to hear of it any more."""
    person = delivery.person
    if person is None:
        with speaking(ROOM_LANGUAGE):
            return _room(delivery)
    if not person.active:
        return None
    if letters.is_bundle(delivery):
        letter = letters.letter_of(delivery)
        if letter is None:
            return None
        return Note(
            letter.subject,
            letter.subject,
            "/inbox",
            body=letter.text,
            unsubscribe=letter.unsubscribe,
            language=letter.language,
        )
    language = rhythm_of(person).language
    with speaking(language):
        if delivery.purpose == Purpose.PAGE:
            return _page(delivery, person, language)
        if delivery.event is not None:
            return _news(delivery, person, delivery.event, language)
    return None


def _page(delivery: Delivery, person: Person, language: str) -> Note | None:
    pages = standing(delivery)
    if not pages:
        return None
    urgent = any(page.urgent for page in pages)
    if (count := _cases(pages)) > 1:
        text = str(
            ngettext("%(num)s matter waits for your answer", "%(num)s matters wait for your answer", count)
        )
        return Note(_title(urgent), text, "/desk", urgent=urgent, lasts=HALF_AN_HOUR, language=language)
    page = pages[-1]
    path, act = step_path(page.cause), ""
    if _may_acknowledge(person, page):
        path = f"/a/{AcknowledgementLink.make(delivery, page.case)}"
        act = _("Acknowledge with one tap")
    text = _said(page.case.thread, page.case)
    return Note(_title(urgent), text, path, act=act, urgent=urgent, lasts=HALF_AN_HOUR, language=language)


def _cases(pages: list[Page]) -> int:
    return len({page.case_id for page in pages})


def _room(delivery: Delivery) -> Note | None:
    """What a chat room reads of a call: what a push says, and of a public case which steps were taken."""
    pages = standing(delivery)
    if not pages:
        return None
    urgent, page = any(page.urgent for page in pages), pages[-1]
    if (count := _cases(pages)) > 1:
        path = "/desk"
        text = str(
            ngettext("%(num)s matter waits for an answer", "%(num)s matters wait for an answer", count)
        )
    else:
        public = page.case.thread.is_public
        path, text = step_path(page.cause) if public else "/desk", _said(page.case.thread, page.case)
        if public:
            text = _(", ").join([text, *words_told(delivery, page)])
    return Note(_title(urgent), text, path, urgent=urgent, lasts=HALF_AN_HOUR, language=ROOM_LANGUAGE)


def _may_acknowledge(person: Person, page: Page) -> bool:
    """Whether the link would do anything: it stands only in messages to whoever may acknowledge just now."""
    case = page.case
    return page.owed and case.can("acknowledge", person) and may(person, "case.acknowledge", case)


def _title(urgent: bool) -> str:
    return _("%(site)s: urgent", site=site()["name"]) if urgent else str(site()["name"])


def _said(thread: Thread, case: Case) -> str:
    if not thread.is_public:
        return _("There is a new matter; please sign in to read it")
    return short(case)


def _news(delivery: Delivery, person: Person, event: CaseEvent, language: str) -> Note | None:
    thread = event.thread
    readable = db.session.scalar(select(Thread.id).where(Thread.id == event.thread_id, visible_to(person)))
    if readable is None or (not event.is_public and not person.is_staff):
        return None
    item = db.session.execute(
        select(InboxItem.read_at).where(InboxItem.event_id == event.id, InboxItem.person_id == person.id)
    ).first()
    if item is None or item.read_at is not None:
        return None  # he read it, or another step of the same act says more and is carried instead
    if delivery.channel == "mail" and not rhythm_of(person).mails:
        return None
    return Note(
        str(site()["name"]),
        _what(event, thread),
        step_path(event),
        unsubscribe=unsubscribe_address(person),
        language=language,
    )


def _what(event: CaseEvent, thread: Thread) -> str:
    if not thread.is_public:
        return _("There is news for you; please sign in to read it")
    if thread.case is None:
        return _("There is a new post in what you follow")
    if event.kind == "reply.posted":
        return tidy(_("No. %(number)s has a new reply", number=thread.case.number))
    if event.kind in ANSWERS:
        return tidy(_("No. %(number)s has a new answer", number=thread.case.number))
    return short(thread.case)
