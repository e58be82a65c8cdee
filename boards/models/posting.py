"""Posting: from what somebody typed to a thread with its case, its clocks and whoever is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import func, select

from board.clock import midnight, now, today
from board.db import db
from board.errors import Invalid
from board.i18n import _l
from board.live import append
from board.permissions import require
from board.seams import provided
from boards.grammar import MAX_DEPARTMENTS
from boards.models.case import Case, public_number, random_number
from boards.models.deadline import calendar
from boards.models.mention import TRUSTED, Calls, Mention, mention_departments, mention_in_post
from boards.models.moderated import QUEUE
from boards.models.section import Section
from boards.models.status import Status, Visibility
from boards.models.text import Text, clean
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from boards.models.watch import follow
from boards.words import URGENT, danger, sensitive
from people.models import Department, Person

STRANGER_MENTIONS = 5  # a day, to the inbox only (domain.md §4)


@dataclass(frozen=True)
class Draft:
    """What a compose form holds. `kind` other than `post` (notice, guide, refutation) is published by staff and
    makes no case. `restrict` is the poster's answer to the proposal to keep it from the public; `about` holds the
    answers to what a section asks beside the words."""

    title: str
    body: str
    identity: str = "hidden"
    place: str = ""
    departments: Sequence[str] = ()
    restrict: bool = False
    origin: Case | None = None
    source: str | None = None
    kind: str = "post"
    about: Mapping[str, str] = field(default_factory=dict)

    def checked(self, section: Section) -> Draft:
        """The same, cleaned. Invalid with every field that is missing or too long, all at once."""
        errors: dict[str, Any] = {}
        cleaned: dict[str, str] = {}
        for name, raw, lines, empty in (
            ("title", self.title, False, _l("Write one sentence saying what it is about.")),
            ("body", self.body, True, _l("Describe what happened, where, and what you would like done.")),
            ("place", self.place, False, None),
        ):
            if name == "place" and not raw.strip():
                cleaned[name] = ""
                continue
            try:
                cleaned[name] = clean(raw, field=name, lines=lines, empty=empty)
            except Invalid as error:
                errors.update(error.errors)
        if self.identity not in section.identities:
            errors["identity"] = _l("Choose whether your nickname is shown.")
        if self.departments:
            known = set(
                db.session.scalars(select(Department.key).where(Department.key.in_(list(self.departments))))
            )
            if any(key not in known for key in self.departments):
                errors["departments"] = _l("Choose departments from the list.")
        if len(set(self.departments)) > MAX_DEPARTMENTS:
            errors["departments"] = _l("Choose at most three departments.")
        errors.update(provided("draft_errors", section, self, default={}))
        if errors:
            raise Invalid(errors=errors)
        return replace(
            self,
            title=cleaned["title"],
            body=cleaned["body"],
            place=cleaned["place"],
            departments=tuple(dict.fromkeys(self.departments)),
        )

    def dangers(self) -> set[str]:
        """The kinds of danger its words speak of."""
        return set(danger(f"{self.title}\n{self.body}"))

    def delicate(self) -> str | None:
        """Why it might better be kept from the public, None when nothing says so."""
        return sensitive(f"{self.title}\n{self.body}")


def post(
    section: Section, draft: Draft, *, by: Person | None, attach: Callable[[Thread], None] | None = None
) -> Thread:
    """Put a thread on the board, in the open transaction: texts, case, clocks, mentions, event.

    Words of present danger in a post to the desk's own section keep it restricted to the desk, which is told at
    once (domain.md §7). By a receipt nobody posts: whoever is signed in is not noted. Raises NotAllowed where this
    person may not post, Invalid for what was typed.
    """
    published = section.staff_posts or draft.kind != "post"
    if draft.identity == "receipt":
        by = None
        require(by, "section.post_by_receipt", section)
    else:
        require(by, "section.publish" if published else "section.post", section)
    draft = draft.checked(section)
    urgent = bool(draft.dangers() & URGENT)
    moment = now()
    title = Text.write("title", draft.title, by=by, field="title", lines=False)
    body = Text.write("body", draft.body, by=by, field="body")
    place = Text.write("place", draft.place, by=by, field="place", lines=False) if draft.place else None
    thread = Thread(
        section=section,
        poster=by,
        identity=draft.identity,
        title_text=title,
        body=body,
        place_text=place,
        title=title.public,
        place=place.public if place else "",
        posted_at=moment,
        moved_at=moment,
        source=draft.source,
        kind="notice" if section.staff_posts and draft.kind == "post" else draft.kind,
        visibility=Visibility.PUBLIC,
        events_count=0,
        version=0,
        case=None,
    )
    calls = Calls.of(title, body, draft.departments)
    home = provided("home_of", section, draft, default=section.department) or Department.desk()
    lead = calls.first or _lead_by_place(section, draft.place) or home
    if urgent and home.is_desk:
        lead, thread.restricted_why = Department.desk(), "danger"
        thread.visibility, thread.restricted_to = Visibility.RESTRICTED, lead
    elif not section.is_public or draft.restrict:
        lead = lead if section.is_public else home
        thread.restricted_why = "section" if not section.is_public else "poster"
        thread.visibility, thread.restricted_to = Visibility.RESTRICTED, lead
    db.session.add(thread)
    db.session.flush()
    if attach is not None:
        attach(thread)
    case = open_case(thread, lead, origin=draft.origin) if section.makes_cases and not published else None
    if case is not None:
        provided("case_opened", case, draft, by)  # before anybody is told
        lead = case.department  # which a part above may have moved to where somebody is free to read it
    audience = thread.audience()
    mention_in_post(thread, calls, audience=audience)
    if case is None:
        thread.record("thread.posted", by=by, public=body, audience=audience)
        return thread
    reason = "danger" if thread.restricted_why == "danger" else ("mentioned" if calls.keys else "lead")
    audience.departments.pop(lead.id, None)
    audience.add_department(lead, reason)
    if by is not None:
        follow(thread, by=by)
    case.record(
        "thread.posted", by=by, role="poster", public=body, audience=audience, lead=lead.key, urgent=urgent
    )
    return thread


def _lead_by_place(section: Section, place: str) -> Department | None:
    """In a section sorted by place, the department that looks after it; the longest name of a place wins."""
    if not place or not section.settings.get("by_place"):
        return None
    found = [(len(name), each) for each in Department.all() for name in each.places or () if name in place]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def open_case(
    thread: Thread, lead: Department, *, origin: Case | None = None, number: str | None = None
) -> Case:
    """Give a thread its case: number, lead department, and the reply and accept clocks."""
    moment = thread.posted_at
    calendar()  # read first: a query would write the case before its clocks, which then change it again
    case = Case(
        thread=thread,
        number=number or (random_number(moment) if thread.is_restricted else public_number(moment)),
        status=Status.PENDING,
        department=lead,
        round=1,
        round_at=moment,
        lead_since=moment,
        origin=origin,
        recorded={},
        returns=0,
        reopened_times=0,
        overdue=False,
        ever_overdue=False,
        at_desk=False,
        suspended_round=0,
        extended_round=0,
        asked_round=0,
        outcome_details={},
        # New, so there is nothing to read of any of these.
        parent=None,
        duplicates=[],
        deadlines=[],
        assists=[],
        handovers=[],
        approvals=[],
        ratings=[],
        instructions=[],
    )
    db.session.add(case)
    case._start("reply", "accept")
    return case


def reply(
    thread: Thread, words: str, *, by: Person, attach: Callable[[Text], None] | None = None
) -> CaseEvent:
    """Say something under a thread. The poster's reply ends a wait; a department's is official and is an answer.

    Mentions by the poster and by officers tell their departments; a stranger's reach the inbox, five a day.
    """
    require(by, "thread.reply", thread)
    case = thread.case
    role = thread.role_of(by)
    official = role in ("officer", "leader")
    text = Text.write("official" if official else "reply", words, by=by, field="body")
    if text.contacts == "waiting" and not thread.is_restricted:
        append(QUEUE, kind="new")
    if attach is not None:
        attach(text)
    if case is not None:
        case.note_breaches()
    audience = case.audience() if case is not None else thread.audience()
    trusted = role in TRUSTED
    limit = MAX_DEPARTMENTS if trusted else max(0, STRANGER_MENTIONS - _mentions_today(by))
    told = mention_departments(thread, text, audience=audience, calls=trusted, limit=limit)
    if case is not None and role == "poster" and case.status == Status.WAITING_POSTER:
        return case._supplemented(text, by=by, audience=audience)
    if not trusted:
        for department in told:
            audience.departments[department.id] = (department, "mentioned_quietly")
    if case is None:
        audience.add_department(thread.section.department, "lead")
    thread.replies_count += 1
    if case is not None and official and case.is_open:
        working = [case.department, *case.assisting()]
        office = next((each for each in working if by.serves(each)), None)
        if office is not None and case._is_answer(text.public, office):
            case._answered()
    recorder = case if case is not None else thread
    return recorder.record("reply.posted", by=by, public=text, audience=audience)


def _mentions_today(person: Person) -> int:
    """How many departments this member's replies to others' threads have told since the day began."""
    return int(
        db.session.scalar(
            select(func.count())
            .select_from(Mention)
            .join(Text, Mention.text_id == Text.id)
            .join(Thread, Mention.thread_id == Thread.id)
            .where(
                Text.author_id == person.id,
                Text.kind == "reply",
                Thread.poster_id != person.id,
                Mention.told,
                Mention.at >= midnight(today()),
            )
        )
        or 0
    )
