"""What a moderator does to a thread: take it or a reply from the public, cover words, give back, move, propose to the desk.

Each act has a reason of a closed list, which is public; criticism of a unit, an officer or the government is none. No
act touches a case: its clocks run on, and what would change it is only proposed to the dispatch desk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from board import audit
from board.clock import local, now
from board.db import db
from board.errors import Invalid, WrongState
from board.files import StoredFile
from board.i18n import _l
from board.live import append
from board.permissions import require
from boards.models.status import Visibility
from boards.models.text import Text, without
from boards.models.timeline import Audience, CaseEvent
from people.models import Department, Person

if TYPE_CHECKING:
    from boards.models.case import Case
    from boards.models.section import Section
    from boards.models.thread import Thread

# Why a moderator may hold a thread or cover a text: nothing else is a reason (domain.md §9).
HOLD_REASONS = ("private_data", "danger", "unlawful", "advert", "duplicate_flood")
QUEUE = "moderation:queue"  # the live stream of the moderators' queue
LOOK_AGAIN = timedelta(days=7)  # what is held is asked again whether it must stay so


class Moderated:
    """The moderators' verbs of a thread."""

    @property
    def _thread(self) -> Thread:
        return cast("Thread", self)

    def hold(self, *, by: Person, reason: str) -> CaseEvent:
        """Take the thread from the public for a reason of the closed list; no clock stops, the poster is told."""
        thread = self._thread
        require(by, "thread.hold", thread)
        expect_reason(reason)
        if not thread.is_public:
            raise WrongState(self._first() or _l("This thread is not public just now."))
        event = self.take_back(by=by, reason=reason)
        return self._log("hold", by=by, reason=reason, event=event)

    def take_back(self, *, by: Person, reason: str) -> CaseEvent:
        """The change and the step of holding; whoever calls it has asked whether it may be, and keeps the act."""
        thread = self._thread
        thread._show_as(Visibility.HELD)
        thread.hold_reason, thread.look_again_at = reason, now() + LOOK_AGAIN
        return thread.record(
            "thread.held", by=by, role="moderator", reason=reason, change={"visibility": "held"}
        )

    def release(self, *, by: Person) -> CaseEvent:
        """Give a held thread back to the public."""
        thread = self._thread
        require(by, "thread.release", thread)
        if thread.visibility != Visibility.HELD:
            raise WrongState(self._first() or _l("This thread is not held."))
        reason = thread.hold_reason or "private_data"
        return self._log("release", by=by, reason=reason, event=self.give_back(by=by))

    def give_back(self, *, by: Person) -> CaseEvent:
        """The change and the step of giving a held thread back."""
        thread = self._thread
        thread._show_as(Visibility.PUBLIC)
        thread.hold_reason, thread.look_again_at = None, None
        return thread.record("thread.released", by=by, role="moderator", change={"visibility": "public"})

    def keep_held(self, *, by: Person) -> None:
        """The reason still stands: it stays held, and is asked again later."""
        thread = self._thread
        require(by, "thread.release", thread)
        if thread.visibility != Visibility.HELD:
            raise WrongState(self._first() or _l("This thread is not held."))
        thread.look_again_at = now() + 2 * LOOK_AGAIN
        append(QUEUE, kind="changed")
        audit.note(
            "moderation.kept", by=by.public_id, thing=f"thread:{thread.public_id}", why=thread.hold_reason
        )

    def hide(self, *, by: Person, text: Text, reason: str) -> CaseEvent:
        """Take one resident's reply from the public; the matter and everything else stay. Its author is told."""
        thread = self._thread
        require(by, "thread.hold", thread)
        expect_reason(reason)
        self._expect_reply(text)
        if text.hidden_at is not None:
            raise WrongState(self._first() or _l("A colleague has already hidden this reply."))
        event = self.conceal(by=by, text=text, reason=reason)
        return self._log("hide", by=by, reason=reason, event=event, texts=[[text.public_id, []]])

    def conceal(self, *, by: Person, text: Text, reason: str) -> CaseEvent:
        """The change and the step of hiding a reply. Its commitment stays, so that the chain can vouch for it again."""
        text.hidden_at, text.hidden_reason = now(), reason
        return self._thread.record(
            "text.hidden", by=by, role="moderator", audience=self._told(text), moves=False, reason=reason,
            text=text.public_id,
        )  # fmt: skip

    def show(self, *, by: Person, text: Text) -> CaseEvent:
        """Give a hidden reply back to the public."""
        require(by, "thread.release", self._thread)
        if text.hidden_at is None:
            raise WrongState(self._first() or _l("This reply is not hidden."))
        reason = text.hidden_reason or "private_data"
        event = self.reveal(by=by, text=text)
        return self._log("show", by=by, reason=reason, event=event, texts=[[text.public_id, []]])

    def reveal(self, *, by: Person, text: Text) -> CaseEvent:
        """The change and the step of showing a hidden reply again."""
        text.hidden_at, text.hidden_reason = None, None
        return self._thread.record(
            "text.shown", by=by, role="moderator", audience=self._told(text), moves=False, text=text.public_id
        )

    def mask(self, *, by: Person, words: Sequence[str], photos: Sequence[str] = (), reason: str) -> CaseEvent:
        """Cover words wherever they stand in the thread, and take away photos; the matter stays.

        `words` are characters as they stand in public; `photos` public ids. Invalid when neither stands there.
        """
        from boards.models.report import texts_of

        thread = self._thread
        require(by, "thread.hold", thread)
        expect_reason(reason)
        wanted = [each.strip() for each in words if each.strip()]
        texts, touched, found = texts_of(thread), [], 0
        audience = Audience(followers=False)
        for text in texts:
            spans = places(text.original(), wanted)
            if spans:
                found += len(spans)
                touched.append([text.public_id, without(spans, text.covers)])
                self._tell(audience, text)
                thread.black_out(text, spans)
            else:
                found += thread.forget_earlier(
                    text, wanted
                )  # changed since, but still to be read as it stood before
        if wanted and not found:
            raise Invalid(
                _l("These words do not stand there. Write them exactly as they are shown."), field="words"
            )
        for files in StoredFile.of_many("text", [text.public_id for text in texts]).values():
            for file in files:
                if file.public_id in photos:
                    found += 1
                    file.remove()
        if not found:
            raise Invalid(_l("Write down the words to cover, or choose a photo."), field="words")
        event = thread.record(
            "text.covered", by=by, role="moderator", moves=False, audience=audience, places=found, reason=reason,
            texts=[public_id for public_id, _covers in touched],
        )  # fmt: skip
        return self._log("cover", by=by, reason=reason, event=event, texts=touched)

    def uncover(self, *, by: Person, texts: Iterable[tuple[Text, list[list[int]]]]) -> CaseEvent:
        """Take away the covers that one act put over these texts, each given with the spans it covered."""
        shown = []
        audience = Audience(followers=False)
        for text, spans in texts:
            text.uncover(spans)
            self._thread._follow(text)
            shown.append(text.public_id)
            self._tell(audience, text)
        return self._thread.record(
            "text.restored", by=by, role="moderator", moves=False, audience=audience, texts=shown
        )

    def move_to(self, *, by: Person, section: Section) -> CaseEvent:
        """Put a thread that is no case into another section. A case has clocks and a department: see propose_move."""
        thread = self._thread
        require(by, "thread.move", thread)
        if thread.case is not None:
            raise WrongState(
                _l("This is a case: only the dispatch desk can move it. Propose it to the desk.")
            )
        self._expect_section(section)
        before = thread.section.key
        event = self.put_into(section, by=by)
        return self._log("move", by=by, reason="wrong_section", event=event, before={"section": before})

    def put_into(self, section: Section, *, by: Person) -> CaseEvent:
        """The change and the step of moving."""
        thread = self._thread
        before, thread.section = thread.section.key, section
        return thread.record("thread.moved", by=by, role="moderator", before=before, to=section.key)

    def propose_move(self, *, by: Person, section: Section) -> CaseEvent:
        """Ask the dispatch desk to send a case to the department of another section; nothing changes until it does."""
        require(by, "thread.propose", self._thread)
        self._expect_case()
        self._expect_section(section)
        event = self._propose("thread.move_proposed", by=by, to=section.key)
        return self._log("propose_move", by=by, reason="wrong_section", event=event)

    def propose_merge(self, *, by: Person, into: Case) -> CaseEvent:
        """Ask the dispatch desk to look whether two cases are one matter; merging is the desk's own step."""
        require(by, "thread.propose", self._thread)
        self._expect_case()
        if into.thread is self._thread:
            raise Invalid(_l("This is the case itself. Give the number of the other one."), field="into")
        if not into.thread.is_public:
            raise Invalid(_l("Only a public case can be named here."), field="into")
        event = self._propose("thread.merge_proposed", by=by, into=into.number)
        return self._log("propose_merge", by=by, reason="duplicate", event=event)

    def release_contacts(self, *, by: Person, text: Any) -> CaseEvent:
        """Let everybody read how to reach somebody in a reply; what says who somebody is stays covered."""
        event: CaseEvent = text.release_contacts(by=by)
        return self._log("release_contacts", by=by, reason="private_data", event=event)

    def _propose(self, kind: str, *, by: Person, **said: Any) -> CaseEvent:
        audience = Audience(followers=False)
        audience.add_department(Department.desk(), "proposal")
        return self._thread.record(
            kind, by=by, role="moderator", visibility="internal", audience=audience, moves=False, **said
        )

    def _expect_case(self) -> None:
        case = self._thread.case
        if case is None or not case.is_open:
            raise WrongState(_l("Only an open case can be proposed to the desk."))

    def _expect_section(self, section: Section) -> None:
        if section is self._thread.section or not section.is_public or section.is_closed:
            raise Invalid(_l("Choose another section that is open to everybody."), field="section")

    def _expect_reply(self, text: Text) -> None:
        from boards.models.report import texts_of

        thread = self._thread
        own = {thread.title_id, thread.body_id, thread.place_id}
        if text.id in own or text.kind != "reply" or all(each.id != text.id for each in texts_of(thread)):
            raise Invalid(_l("Only a resident's reply can be hidden by itself."), field="text")

    def _told(self, text: Text) -> Audience:
        audience = Audience(followers=False)
        self._tell(audience, text)
        return audience

    def _tell(self, audience: Audience, text: Text) -> None:
        # Whoever wrote it hears of it; the words of staff are their department's, which reads the timeline.
        if text.author is not None and not text.author.is_staff:
            audience.add(
                text.author, reason="poster" if text.author_id == self._thread.poster_id else "author"
            )

    def _first(self) -> Any:
        """Says that a colleague was first, when one acted here; None when nobody did."""
        from boards.models.moderation_act import ModerationAct

        last = ModerationAct.last_on(self._thread)
        if last is None:
            return None
        return _l(
            "A colleague was first: it was decided at %(time)s. Nothing of yours was done; please look again.",
            time=f"{local(last.undone_at or last.at):%H:%M}",
        )

    def _log(
        self,
        kind: str,
        *,
        by: Person,
        reason: str,
        event: CaseEvent,
        texts: Sequence[Any] = (),
        before: dict[str, Any] | None = None,
    ) -> CaseEvent:
        from boards.models.moderation_act import ModerationAct

        act = ModerationAct.of(
            self._thread, kind, by=by, reason=reason, event=event, texts=list(texts), before=before or {}
        )
        db.session.add(act)
        db.session.flush()
        append(QUEUE, kind="changed")
        audit.note(
            f"moderation.{kind}", by=by.public_id, thing=f"thread:{self._thread.public_id}", why=reason
        )
        return event


def expect_reason(reason: str) -> None:
    """Invalid for what is not on the closed list."""
    if reason not in HOLD_REASONS:
        raise Invalid(_l("Choose one of the reasons on the list."), field="reason")


def places(original: str, wanted: Sequence[str]) -> list[tuple[int, int]]:
    """Where each of `wanted` stands in `original`."""
    spans = []
    for words in wanted:
        at = original.find(words)
        while at >= 0:
            spans.append((at, at + len(words)))
            at = original.find(words, at + len(words))
    return spans
