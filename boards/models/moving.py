"""What every verb of a case is made of: require → move → change → record, and what follows a clock."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import select

from board import jobs
from board.clock import local, now
from board.db import db
from board.errors import Invalid, WrongState
from board.i18n import _l
from board.permissions import may
from boards.models.deadline import DUTIES, Deadline
from boards.models.holder import Poster
from boards.models.phrase import core, is_stock, passes_on
from boards.models.status import NEXT, Status
from boards.models.text import Text
from boards.models.timeline import Audience, CaseEvent
from people.models import Appointment, Department, Person

if TYPE_CHECKING:
    from boards.models.case import Case

RECENT_ANSWERS = 20
SHORT_ANSWER = 4


class Moving:
    """The machinery below the verbs."""

    def can(self, verb: str, person: Poster | None = None) -> bool:
        """Can it be done now? `person` matters where a time or a colleague's work is counted for each one."""
        return self._case.status in NEXT[verb] and self._bar(verb, person) is None

    def open_verbs(self, person: Person | None) -> set[str]:
        """The verbs `person` may do and that can be done now: what decides which buttons a page shows."""
        return {verb for verb in NEXT if self.can(verb, person) and may(person, f"case.{verb}", self)}

    def _bar(self, verb: str, person: Poster | None) -> Any:
        """Why a verb that the status allows cannot be done now, as a sentence; None when it can."""
        bar = getattr(self, f"_bar_{verb}", None)
        return bar(person) if bar is not None else None

    @property
    def _case(self) -> Case:
        return cast("Case", self)

    def _expect(self, verb: str, by: Poster | None = None) -> None:
        """WrongState when the verb cannot be done now; where the status forbids it, it says who was first.

        Promises that were broken before this moment are noted first, so that no verb passes over a breach.
        """
        if self._case.status not in NEXT[verb]:
            raise WrongState(self._who_was_first())
        bar = self._bar(verb, by)
        if bar is not None:
            raise WrongState(bar)
        self.note_breaches()

    def note_breaches(self) -> None:
        """Record each running duty whose time is over and that nobody has noted yet."""
        case = self._case
        for deadline in list(case.deadlines):
            if deadline.kind in DUTIES and deadline.is_running and deadline.note_breach():
                self._overdue(deadline)

    def _overdue(self, deadline: Deadline) -> CaseEvent:
        case = self._case
        audience = self.audience()
        for leader in leaders(case.department):
            audience.add(leader, reason="breach")  # a leader above who may not read it hears nothing
        return self.record(
            "case.overdue",
            by=None,
            audience=audience,
            clock=deadline.kind,
            department=case.department.key,
            due=deadline.due_at.isoformat() if deadline.due_at else None,
            held=self._held(),
        )

    def _held(self) -> list[list[str]]:
        """Each department that held the case, with the seconds it did: a breach names them all."""
        case = self._case
        spans: list[list[str]] = []
        key, since = None, case.thread.posted_at
        moves = db.session.execute(
            select(CaseEvent.at, CaseEvent.change).where(CaseEvent.case_id == case.id).order_by(CaseEvent.seq)
        )
        for at, change in moves:
            new = change.get("department")
            if new and new != key:
                if key:
                    spans.append([key, str(int((at - since).total_seconds()))])
                key, since = new, at
        if key:
            spans.append([key, str(int((now() - since).total_seconds()))])
        return spans

    def _who_was_first(self) -> Any:
        case = self._case
        last = db.session.scalars(
            select(CaseEvent)
            .where(
                CaseEvent.case_id == case.id,
                CaseEvent.visibility == "public",
                CaseEvent.actor_id.is_not(None),
            )
            .order_by(CaseEvent.seq.desc())
            .limit(1)
        ).first()
        if last is None or last.actor is None:
            return None
        who = last.department.title if last.department else last.actor.display_name
        return _l(
            "%(who)s was first: at %(time)s the case moved on. What you wrote was not sent; please look again.",
            who=who,
            time=_clock_time(last.at),
        )

    def _move(self, verb: str, status: Status, by: Poster | None = None) -> None:
        self._expect(verb, by)
        self._case.status = status

    def record(
        self,
        kind: str,
        *,
        by: Person | None,
        public: Text | None = None,
        internal: Text | None = None,
        visibility: str = "public",
        audience: Audience | None = None,
        details: dict[str, Any] | None = None,
        role: str | None = None,
        office: Department | None = None,
        **parameters: Any,
    ) -> CaseEvent:
        """Write the step with everything that changed, and keep counters and the nearest deadline true."""
        case = self._case
        before = case.recorded
        was_overdue = case.overdue
        case.refresh_due()
        self._retally(before, was_overdue)
        return case.thread.record(
            kind,
            by=by,
            role=role,
            office=office,
            public=public,
            internal=internal,
            visibility=visibility,
            audience=audience or self.audience(),
            details=details,
            change=case.changes(),
            **parameters,
        )

    def audience(self) -> Audience:
        """Poster, merged posters, handler; who leads the case hears through its department's stream."""
        case = self._case
        audience = case.thread.audience()
        audience.add_department(case.department, "lead")
        for department in case.assisting():
            audience.add_department(department, "assist")
        return audience

    def _retally(self, before: dict[str, Any], was_overdue: bool) -> None:
        from boards.models import tally

        case = self._case
        if case.thread.visibility != "public":
            return
        old_status, old_department = before.get("status"), before.get("department")
        section = f"section:{case.thread.section.key}"
        if before and before.get("visibility") == "public":
            for scope in (section, f"department:{old_department}"):
                tally.shift(scope, str(old_status), -1)
                if was_overdue:
                    tally.shift(scope, "overdue", -1)
        if not before or before.get("visibility") == "public":
            for scope in (section, f"department:{case.department.key}"):
                tally.shift(scope, str(case.status), 1)
                if case.overdue:
                    tally.shift(scope, "overdue", 1)

    # --- clocks ------------------------------------------------------------------------------------

    def _start(self, *kinds: str) -> None:
        for kind in kinds:
            Deadline.start(self._case, kind)

    def _stop(self, *kinds: str) -> None:
        for deadline in self._case.deadlines:
            if deadline.is_open and (not kinds or deadline.kind in kinds):
                deadline.stop()

    def _pause(self) -> None:
        for kind in ("resolve", "update"):
            clock = self._case.open_clock(kind)
            if clock is not None:
                clock.pause()

    def _resume(self, at: datetime | None = None) -> None:
        for kind in ("resolve", "update"):
            clock = self._case.open_clock(kind)
            if clock is not None:
                clock.resume(at)

    def _promise_resumption(self) -> None:
        case = self._case
        jobs.put(
            "resume-case",
            key=f"resume-case:{case.number}:{case.round}:{now():%Y%m%d%H%M%S}",
            due_at=case.suspended_until,
            number=case.number,
            round=case.round,
        )

    def _working(self) -> Status:
        """Where work goes on: with a named handler, or waiting for one."""
        return Status.IN_PROGRESS if self._case.handler is not None else Status.ACCEPTED

    def _restart_update(self) -> None:
        self._stop("update")
        self._start("update")

    def _close(self) -> None:
        """No clock runs in a closed case, and nothing in it waits for anybody."""
        case = self._case
        self._stop()
        self._drop_pending()
        case.closed_at = now()
        case.at_desk = False

    def _drop_pending(self) -> None:
        case = self._case
        handover = case.open_handover()
        if handover is not None:
            handover.end("dropped")
        self._drop_approvals()
        for task in case.assists:
            if task.is_open:
                task.end("dropped")

    def _drop_approvals(self, *verbs: str) -> None:
        # What a leader was asked for has happened otherwise, or can no longer happen.
        for approval in self._case.approvals:
            if approval.is_open and (not verbs or approval.verb in verbs):
                approval.end("dropped", by=None)

    def _bar_waiting(self, verb: str, person: Person | None) -> Any:
        # A leader may do at once what the officer must ask for; for the officer one request is enough.
        if self._case.open_approval(verb) is None or may(person, "case.approve", self):
            return None
        return _l("This already waits for the leader's decision.")

    # --- texts -------------------------------------------------------------------------------------

    def _write(self, kind: str, words: str, *, by: Person, field: str = "answer") -> Text:
        from boards.models.mention import mention_departments

        text = Text.write(kind, words, by=by, field=field)
        mention_departments(self._case.thread, text, audience=Audience(), pages=False)
        return text

    def _is_answer(self, words: str, department: Department | None) -> bool:
        """Whether `words` were written for this case: no stock phrase, nothing used in the last 20 replies.

        `department` is the one that writes.
        """
        if department is None or len(core(words)) < SHORT_ANSWER or passes_on(words):
            return False
        if is_stock(words, department):
            return False
        recent = db.session.scalars(
            select(Text.public)
            .join(CaseEvent, CaseEvent.public_text_id == Text.id)
            .where(
                CaseEvent.department_id == department.id,
                CaseEvent.visibility == "public",
                Text.kind == "official",
            )
            .order_by(CaseEvent.id.desc())
            .limit(RECENT_ANSWERS)
        )
        mine = core(words)
        return all(core(each) != mine for each in recent)

    def _answered(self) -> None:
        """Somebody wrote a real answer: the reply clock stops."""
        case = self._case
        self._stop("reply")
        if case.answered_at is None:
            case.answered_at = now()

    def _date(self, moment: datetime | None, *, field: str, latest: datetime | None = None) -> datetime:
        """A moment to come; Invalid when it is missing, past, or later than `latest`."""
        if moment is None:
            raise Invalid(_l("Please give a date."), field=field)
        if moment <= now():
            raise Invalid(_l("This date is over. Please give a later one."), field=field)
        if latest is not None and moment > latest:
            raise Invalid(_l("This date is too far away."), field=field)
        return moment


def leaders(department: Department) -> list[Person]:
    """Who leads a department now; where nobody does, who leads the one above it."""
    for each in (department, *department.ancestors()):
        rows = db.session.scalars(
            select(Appointment).where(Appointment.department_id == each.id, Appointment.role == "leader")
        )
        found = [row.person for row in rows if row.holds() and row.person.active]
        if found:
            return found
    return []


def _clock_time(moment: datetime) -> str:
    return f"{local(moment):%H:%M}"
