"""Verbs that let the resolve clock stand still: asking the poster, suspending by law; and extending it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from board.clock import now
from board.errors import Invalid, WrongState
from board.i18n import _l
from board.permissions import may, require
from board.spans import Span, WorkingDays
from boards.models.approval import Approval
from boards.models.deadline import Deadline, calendar
from boards.models.moving import Moving
from boards.models.segments import elapsed
from boards.models.status import Status
from boards.models.text import Text, clean
from boards.models.timeline import Audience, CaseEvent
from people.models import Person

SUSPENSION = timedelta(days=30)
EXTENSION = timedelta(days=60)
PAUSES = WorkingDays(5)  # at most, in one round


class Pausing(Moving):
    """Waiting for the poster, for the law, for more time."""

    def ask_approval(self, verb: str, *, by: Person, **arguments: Any) -> CaseEvent:
        """Ask a leader to let something happen; at most one open for each case and verb."""
        case = self._case
        if case.open_approval(verb) is not None:
            raise WrongState(_l("This already waits for the leader's decision."))
        case.approvals.append(Approval(verb=verb, arguments=arguments, round=case.round, asked_by=by))
        audience = Audience(followers=False)
        audience.add_department(case.department, "approval")
        return self.record("approval.asked", by=by, visibility="internal", audience=audience, verb=verb)

    def ask(self, *, by: Person, question: str) -> CaseEvent:
        """Ask the poster one exact question; the resolve clock stands still until he answers, or the time is up.

        The second question of a round needs a leader; the pauses of a round total at most five working days.
        """
        require(by, "case.ask", self)
        self._expect("ask", by)
        words = clean(question, field="question")
        if self._case.asked_round >= self._case.round and not may(by, "case.approve", self):
            return self.ask_approval("ask", by=by, question=words)
        return self._ask(by, words)

    def _bar_ask(self, person: Person | None) -> Any:
        if self._pause_left() <= timedelta(0):
            return _l("The five working days for questions in this round are used up.")
        return self._bar_waiting("ask", person)

    def _ask(self, by: Person, question: str) -> CaseEvent:
        case = self._case
        self._drop_approvals("ask")
        self._claim_for(by)
        text = self._write("official", question, by=by, field="question")
        case.status = Status.WAITING_POSTER
        case.asked_round = case.round
        if self._is_answer(text.public, case.department):
            self._answered()
        self._pause()
        deadline = Deadline.start(case, "poster")
        left = self._pause_left(besides=deadline)
        limit = calendar().add(now(), left)
        if deadline.due_at is not None and limit < deadline.due_at:
            deadline.shorten(limit)
        return self.record("case.asked", by=by, public=text, until=_iso(deadline.due_at))

    def _claim_for(self, by: Person) -> None:
        raise NotImplementedError

    def _pause_left(self, besides: Deadline | None = None) -> timedelta:
        """How much of this round's pauses is left, in working time."""
        case = self._case
        work = calendar()
        used = timedelta(0)
        for each in case.deadlines:
            if each.kind == "poster" and each.round == case.round and each is not besides:
                used += elapsed(each.clock, work, now())
        return work.length(Span(PAUSES), now()) - used

    def supplement(self, *, by: Person, words: str) -> CaseEvent:
        """The poster answers the question: the clock goes on."""
        require(by, "case.supplement", self)
        self._expect("supplement", by)
        text = Text.write("reply", words, by=by, field="body")
        return self._supplemented(text, by=by)

    def _supplemented(self, text: Text, *, by: Person | None, audience: Audience | None = None) -> CaseEvent:
        case = self._case
        case.status = self._working()
        case.thread.replies_count += 1
        self._stop("poster")
        self._resume()
        return self.record("case.supplemented", by=by, role="poster", public=text, audience=audience)

    def wait_ended(self) -> CaseEvent:
        """The poster did not answer in time: work goes on, the case is never closed by itself."""
        clock = self._case.open_clock("poster")
        over = clock.due_at if clock is not None else None
        self._move("supplement", self._working())
        self._stop("poster")
        self._resume(over)
        return self.record("case.wait_ended", by=None)

    def suspend(self, *, by: Person, reason: str, until: datetime | None) -> CaseEvent:
        """Let the case rest for a legal reason until a date; a leader grants it, once a round."""
        require(by, "case.suspend", self)
        self._expect("suspend", by)
        if not reason.strip():
            raise Invalid(_l("Please name the legal reason."), field="reason")
        end = self._date(until, field="until", latest=now() + SUSPENSION)
        if not may(by, "case.approve", self):
            words = clean(reason, field="reason")
            return self.ask_approval("suspend", by=by, reason=words, until=end.isoformat())
        return self._suspend(by, reason, end)

    def _bar_suspend(self, person: Person | None) -> Any:
        if self._case.suspended_round >= self._case.round:
            return _l("It was suspended in this round already.")
        return self._bar_waiting("suspend", person)

    def _suspend(self, by: Person, reason: str, until: datetime) -> CaseEvent:
        case = self._case
        if until <= now():
            raise Invalid(_l("This date is over. Please give a later one."), field="until")
        self._move("suspend", Status.SUSPENDED, by)
        self._drop_approvals("suspend")
        case.suspended_until, case.suspended_round = until, case.round
        text = self._write("official", reason, by=by, field="reason")
        self._pause()
        self._promise_resumption()
        return self.record("case.suspended", by=by, public=text, until=until.isoformat())

    def resume(self, *, by: Person | None) -> CaseEvent:
        """Go on; on the end date it does so by itself (`by` is None)."""
        if by is not None:
            require(by, "case.resume", self)
        self._move("resume", self._working(), by)
        over, self._case.suspended_until = self._case.suspended_until, None
        self._resume(over)
        return self.record("case.resumed", by=by)

    def extend(self, *, by: Person, until: datetime | None, reason: str) -> CaseEvent:
        """Give it a later date, before the old one is over, once a round, with a public reason."""
        require(by, "case.extend", self)
        self._expect("extend", by)
        case = self._case
        clock = case.open_clock("resolve")
        assert clock is not None  # _bar_extend
        if not reason.strip():
            raise Invalid(_l("Please give the public reason."), field="reason")
        end = self._date(until, field="until", latest=(clock.due_at or now()) + EXTENSION)
        if clock.due_at is not None and end <= clock.due_at:
            raise Invalid(_l("The new date must be later than the old one."), field="until")
        text = self._write("official", reason, by=by, field="reason")
        case.extended_round = case.round
        before = clock.due_at
        clock.extend(end)
        return self.record("case.extended", by=by, public=text, until=end.isoformat(), before=_iso(before))

    def _bar_extend(self, person: Person | None) -> Any:
        clock = self._case.open_clock("resolve")
        if clock is None:
            return _l("There is no date to extend before the case is accepted.")
        if self._case.extended_round >= self._case.round:
            return _l("It was extended in this round already.")
        if clock.breached_at is not None or (clock.due_at is not None and clock.due_at <= now()):
            return _l("The date is over already; it can no longer be extended.")
        return None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
