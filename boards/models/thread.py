"""A thread: what somebody posted, and everything that was said under it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit
from board.clock import now
from board.commitments import GENESIS
from board.db import Model, PublicId, db
from board.errors import Invalid, NotFound, WrongState
from board.events import publish
from board.i18n import _l
from board.live import append
from board.noting import opened
from board.permissions import require
from boards.models import timeline
from boards.models.locking import lock
from boards.models.moderated import HOLD_REASONS, Moderated
from boards.models.section import Section
from boards.models.status import Visibility
from boards.models.text import Text, clean
from boards.models.timeline import Audience, CaseEvent
from people.models import Department, Person

if TYPE_CHECKING:
    from boards.models.case import Case

EDITABLE = timedelta(minutes=10)


class Thread(Moderated, PublicId, Model):
    """One thread. Its `version` changes with every step, so that pages can be kept until then."""

    __tablename__ = "thread"
    __table_args__ = (
        Index("ix_thread_section_moved", "section_id", "visibility", "moved_at", "id"),
        Index("ix_thread_section_posted", "section_id", "visibility", "posted_at", "id"),
        # Not by visibility first: almost every thread is public, and a planner without statistics would rather
        # walk all of those than look up the few ids that a query names.
        Index("ix_thread_moved", "moved_at", "id", "visibility"),
        Index(
            "ix_thread_pinned",
            "section_id",
            "visibility",
            "pinned_at",
            sqlite_where=sql("pinned_at IS NOT NULL"),
            postgresql_where=sql("pinned_at IS NOT NULL"),
        ),
        Index(
            "ix_thread_held",
            "look_again_at",
            "public_id",
            sqlite_where=sql("look_again_at IS NOT NULL"),
            postgresql_where=sql("look_again_at IS NOT NULL"),
        ),
        Index("ix_thread_poster", "poster_id", "posted_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    section_id: Mapped[int] = mapped_column(ForeignKey("section.id"))
    poster_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    identity: Mapped[str] = mapped_column(String(12), default="hidden")
    title_id: Mapped[int] = mapped_column(ForeignKey("text.id"))
    body_id: Mapped[int] = mapped_column(ForeignKey("text.id"))
    place_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))
    title: Mapped[str] = mapped_column(String(200))
    place: Mapped[str] = mapped_column(String(200), default="")
    visibility: Mapped[str] = mapped_column(String(12), default=Visibility.PUBLIC)
    restricted_to_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    restricted_why: Mapped[str | None] = mapped_column(String(20))
    release_asked: Mapped[bool] = mapped_column(default=False)
    hold_reason: Mapped[str | None] = mapped_column(String(20))
    look_again_at: Mapped[datetime | None]  # when a moderator asks again whether it must stay held
    posted_at: Mapped[datetime] = mapped_column(default=now)
    moved_at: Mapped[datetime] = mapped_column(default=now)
    edited_at: Mapped[datetime | None]
    pinned_at: Mapped[datetime | None]
    replies_closed: Mapped[bool] = mapped_column(default=False)
    replies_count: Mapped[int] = mapped_column(default=0)
    followers_count: Mapped[int] = mapped_column(default=0)
    affected_count: Mapped[int] = mapped_column(default=0)
    views_count: Mapped[int] = mapped_column(default=0)
    events_count: Mapped[int] = mapped_column(default=0)
    last_hash: Mapped[str] = mapped_column(String(64), default=GENESIS)
    version: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(12), default="post")
    source: Mapped[str | None] = mapped_column(String(60), unique=True)

    section: Mapped[Section] = relationship(lazy="joined")
    poster: Mapped[Person | None] = relationship()
    title_text: Mapped[Text] = relationship(foreign_keys=[title_id])
    body: Mapped[Text] = relationship(foreign_keys=[body_id])
    place_text: Mapped[Text | None] = relationship(foreign_keys=[place_id])
    restricted_to: Mapped[Department | None] = relationship()
    case: Mapped[Case | None] = relationship(back_populates="thread", uselist=False)
    events: Mapped[list[CaseEvent]] = relationship(
        foreign_keys=[CaseEvent.thread_id], order_by=CaseEvent.seq, viewonly=True
    )

    def __repr__(self) -> str:
        return f"<Thread {self.public_id}>"

    @property
    def stream(self) -> str:
        """The live stream of this thread and its case."""
        return f"case:{self.public_id}"

    @property
    def thing(self) -> str:
        """What the audit log calls it: its case where it has one."""
        return f"case:{self.case.number}" if self.case is not None else f"thread:{self.public_id}"

    def open_for(self, person: Person | None) -> None:
        """A page is about to show it to `person`: what is closed and read by staff goes into the audit log."""
        if person is not None and person.is_staff and not self.is_public and self.poster_id != person.id:
            opened("case.read", by=person.public_id, thing=self.thing)

    @property
    def is_public(self) -> bool:
        """Whether everybody may read it."""
        return self.visibility == Visibility.PUBLIC

    @property
    def is_restricted(self) -> bool:
        """Whether only its parties may know of it."""
        return self.visibility == Visibility.RESTRICTED

    @property
    def is_confined(self) -> bool:
        """Whether its section keeps it to those who serve in its department: no leader above reads it."""
        return self.is_restricted and self.restricted_why == "section"

    def editable_by(self, person: Person | None) -> bool:
        """Whether its poster may still change his words."""
        return person is not None and self.poster_id == person.id and now() < self.posted_at + EDITABLE

    def changed_texts(self) -> list[Text]:
        """Title and post, each where it was changed and what stood before is kept; not what is hidden."""
        return [text for text in (self.title_text, self.body) if text.hidden_at is None and text.revisions]

    @classmethod
    def by_public_id(cls, public_id: str, *, reader: Person | None, for_change: bool = False) -> Thread:
        """The thread, for this reader; NotFound for what is missing and for what he may not read."""
        from boards.policy import visible_to

        if for_change:
            lock(cls.public_id == public_id)
        thread = db.session.scalar(select(cls).where(cls.public_id == public_id, visible_to(reader)))
        if thread is None:
            raise NotFound
        thread.open_for(reader)
        return thread

    # --- telling -------------------------------------------------------------------------------

    def audience(self) -> Audience:
        """Who hears of every step: the poster and the handler."""
        audience = Audience()
        audience.add(self.poster, reason="poster")
        if self.case is not None:
            audience.add(self.case.handler, reason="handler")
            for poster in self.case.merged_posters():
                audience.add(poster, reason="poster")
        return audience

    def record(
        self,
        kind: str,
        *,
        by: Person | None,
        role: str | None = None,
        public: Text | None = None,
        internal: Text | None = None,
        visibility: str = "public",
        audience: Audience | None = None,
        change: dict[str, Any] | None = None,
        details: dict[str, Any] | None = None,
        moves: bool = True,
        office: Department | None = None,
        **parameters: Any,
    ) -> CaseEvent:
        """Write one step: chain it, count it, tell the live pages and the listeners. Inside transaction()."""
        case = self.case
        # The steps that one person takes in one transaction are one act: the later ones name the first.
        acts: dict[tuple[int, int], int] = db.session().info.setdefault("acts", {})
        act = acts.setdefault((self.id, by.id), self.events_count + 1) if by is not None else None
        if act is not None and act <= self.events_count:
            details = {**(details or {}), "act": act}
        event = timeline.next_event(
            self,
            kind=kind,
            case=case,
            round=case.round if case is not None else 1,
            actor=by,
            actor_role=role or self.role_of(by),
            department=office or self.office_of(by, role),
            public_text=public,
            internal_text=internal,
            visibility=visibility,
            parameters=parameters,
            change=change or {},
            details=details or {},
        )
        event.seal(self.last_hash)
        self.events_count, self.last_hash = event.seq, event.hash
        self.version += 1
        if moves and visibility == "public":
            self.moved_at = event.at
        db.session.add(event)
        db.session.flush()
        event.audience = audience or self.audience()
        if by is not None:
            event.audience.persons.pop(by.id, None)
        hint: dict[str, Any] = {
            "kind": kind if visibility == "public" else "changed",
            "version": self.version,
        }
        if not self.is_public or "visibility" in event.change:
            hint["recheck"] = True  # who may read it may just have changed
        append(self.stream, **hint)
        if by is not None and by.is_staff and not audit.noted(by.public_id, kind):
            # Some verbs have noted it themselves, with the reason that was given.
            office = event.department
            audit.note(
                kind,
                by=by.public_id,
                thing=self.thing,
                step=event.seq,
                role=event.actor_role,
                office=office.key if office is not None else None,
            )
        publish(event)
        return event

    def role_of(self, person: Person | None) -> str:
        """As what `person` acts here: poster, leader, officer, dispatcher, moderator, expert or member."""
        if person is None:
            return "system"
        if person.id == self.poster_id:
            return "poster"
        if not person.is_staff:
            return "member"
        case = self.case
        offices = [case.department, *case.assisting()] if case is not None else [self.section.department]
        for department in offices:
            if department is not None and person.serves(department):
                leads = person.has_role("leader", department)
                return "leader" if leads else "officer"
        if any(each.is_desk for each in person.departments):
            return "dispatcher"
        if case is not None and person.leads(case.department):
            return "leader"
        for name in ("inspector", "moderator", "expert", "administrator"):
            if person.has_role(name):
                return name
        return "officer" if person.departments else "member"

    def office_of(self, person: Person | None, role: str | None = None) -> Department | None:
        """The department for which `person` acts here at this moment; None for members and for the board itself."""
        if person is None or not person.is_staff or role in ("poster", "system"):
            return None
        case = self.case
        mine = person.departments
        if case is not None:
            for department in (case.department, *case.assisting()):
                if department in mine:
                    return department
        if self.section.department in mine:
            return self.section.department
        return mine[0] if mine else None

    # --- acts of moderators and of the poster ----------------------------------------------------

    def _show_as(self, visibility: Visibility) -> None:
        if self.case is not None:
            self.case.untally()
        self.visibility = visibility
        if self.case is not None:
            self.case.tally()
            # The thread's own event carries this change.
            self.case.recorded = {**self.case.recorded, "visibility": str(visibility)}

    def propose_release(self, *, by: Person) -> CaseEvent:
        """The desk has nothing against showing this; it becomes public when its poster agrees."""
        require(by, "thread.propose_release", self)
        if not self.is_restricted or self.release_asked:
            raise WrongState
        self.release_asked = True
        return self.record("thread.release_proposed", by=by, moves=False)

    def agree_release(self, *, by: Person) -> CaseEvent:
        """The poster agrees that everybody may read what the desk has released."""
        require(by, "thread.agree_release", self)
        if not self.is_restricted or not self.release_asked or not self.section.is_public:
            raise WrongState
        self._show_as(Visibility.PUBLIC)
        self.restricted_to, self.restricted_why = None, None
        return self.record("thread.opened", by=by, change={"visibility": "public"})

    def edit(self, *, by: Person, title: str, body: str) -> CaseEvent | None:
        """Change your own words within ten minutes; what stood before is kept. None when they are as they were."""
        require(by, "thread.edit", self)
        if not self.editable_by(by):
            raise WrongState(_l("Ten minutes are over. Please add what is missing as a reply."))
        from boards.models.mention import Calls, mention_in_post

        new_title = clean(title, field="title", lines=False)
        new_body = clean(body, field="body")
        written = ((self.title_text, new_title), (self.body, new_body))
        changes = [(text, words) for text, words in written if text.original() != words]
        if not changes:
            return None
        for text, words in changes:
            if text.covers:  # the covers lie over words that would no longer be there
                raise WrongState(_l("You blacked out words of it, so it can no longer be changed."))
            text.keep_revision()
            text.put(words)
            text.edited_at = now()
        self.title, self.edited_at = self.title_text.public, now()
        audience = self.audience()
        mention_in_post(self, Calls.of(self.title_text, self.body), audience=audience)
        return self.record("thread.edited", by=by, public=self.body, audience=audience)

    def cover(self, *, by: Person, text: Text, spans: Iterable[tuple[int, int]]) -> CaseEvent:
        """Black out words of your own text, at any time and for good."""
        require(by, "text.cover", text)
        wanted = [span for span in spans if 0 <= span[0] < span[1]]
        if not wanted:
            raise Invalid(_l("Mark the words you want to cover."), field="words")
        self.black_out(text, wanted)
        return self.record("text.covered", by=by, moves=False)

    def black_out(self, text: Text, spans: Iterable[tuple[int, int]]) -> None:
        """Cover spans of one of this thread's texts; whoever calls it has asked whether it may be, and records it."""
        text.cover(spans)
        self._follow(text)
        self._forget(text)

    def masked_anew(self, text: Text) -> None:
        """One of its texts reads otherwise in public: what was copied of it follows, pages and chain forget the old."""
        self._follow(text)
        self.version += 1
        self._forget(text)

    def _follow(self, text: Text) -> None:
        """One of its texts was covered, uncovered or masked: what was copied of it, and its chips, are as it reads now."""
        from boards.models.mention import redraw

        if text.id == self.title_id:
            self.title = text.public
        if text.id == self.place_id:
            self.place = text.public
        redraw(text)

    def forget_earlier(self, text: Text, words: Iterable[str]) -> int:
        """Leave out what stood in one of this thread's texts before, where it held `words`; how many versions."""
        gone = text.forget_earlier(words)
        if gone:
            self._forget(text)
        return gone

    def _forget(self, text: Text) -> None:
        for event in db.session.scalars(select(CaseEvent).where(CaseEvent.public_text_id == text.id)):
            event.forget_text()

    def switch_replies(self, *, by: Person, closed: bool) -> CaseEvent:
        """The poster lets other members reply, or not."""
        require(by, "thread.switch_replies", self)
        if self.replies_closed == closed:
            raise WrongState
        self.replies_closed = closed
        return self.record("thread.replies_closed" if closed else "thread.replies_opened", by=by, moves=False)

    def change_identity(self, *, by: Person, level: str) -> CaseEvent:
        """The poster is known to fewer from now on, on every page at once, or to more: only he says so."""
        require(by, "thread.change_identity", self)
        from boards.models.identity import levels_for

        if level not in levels_for(self):
            raise Invalid(_l("Choose who may know that it is yours."), field="identity")
        if level == self.identity:
            raise WrongState(_l("It stands like that already."))
        self.identity = level
        # Which level it was is nobody's business: the step says only that he chose anew.
        return self.record(
            "thread.identity_changed",
            by=by,
            visibility="internal",
            audience=Audience(followers=False),
            moves=False,
        )

    def pin(self, *, by: Person, pinned: bool) -> CaseEvent:
        """Keep a thread at the top of its section, or let it go."""
        require(by, "thread.pin", self)
        if bool(self.pinned_at) == pinned:
            raise WrongState
        self.pinned_at = now() if pinned else None
        return self.record("thread.pinned" if pinned else "thread.unpinned", by=by, moves=False)


__all__ = ["EDITABLE", "HOLD_REASONS", "Thread"]
