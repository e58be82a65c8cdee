"""Verbs that move a case between departments: routing, handing over, assisting, merging."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from board import jobs
from board.clock import now
from board.db import db
from board.errors import Invalid, NotFound, WrongState
from board.i18n import _l
from board.permissions import require
from board.seams import vetoed
from boards.models.assist import AssistTask
from boards.models.deadline import calendar
from boards.models.handover import Handover
from boards.models.moving import Moving
from boards.models.segments import allowed, remaining
from boards.models.status import Outcome, Status
from boards.models.text import Text
from boards.models.timeline import Audience, CaseEvent
from boards.models.watch import follow, unfollow, watch_of
from people.models import Department, Person

if TYPE_CHECKING:
    from boards.models.case import Case

ROUTE_BACK = timedelta(hours=2)
UNMERGE = timedelta(days=7)
LATE_SHARE = 5  # a take with under a fifth of the time left is not scored against the taker


class Handing(Moving):
    """Whose case it is."""

    def _lead(self, department: Department) -> None:
        case = self._case
        self._drop_approvals()
        if case.thread.is_restricted and case.thread.restricted_why in ("poster", "sealed"):
            case.thread.restricted_to = department  # for whoever handles it, and nobody else
        case.department = department
        case.department_id = department.id
        case.lead_since = now()
        case.handler = None
        case.at_desk = False
        case.acknowledged_at = case.acknowledged_by = None

    def route(self, *, by: Person, to: Department, note: str = "") -> CaseEvent:
        """The desk sends the case where it belongs; this binds. A fresh one may come back once within two hours."""
        require(by, "case.route", self)
        case = self._case
        self._expect("route", by)
        if to.id == case.department_id and not case.at_desk:
            raise Invalid(_l("It is there already."), field="to")
        if vetoed("case.route", to, case):
            raise WrongState(_l("It cannot go to this department."))
        before = case.department
        handover = case.open_handover()
        if handover is not None:
            handover.end("decided")
        text = self._write("official", note, by=by, field="note") if note.strip() else None
        if case.status == Status.IN_PROGRESS:
            case.status = Status.ACCEPTED  # until somebody there works on it
        self._lead(to)
        case.routed_at, case.bound_round = now(), case.round
        case.handovers.append(
            Handover(
                from_department=before,
                to_department=to,
                offered_by=by,
                offered_at=now(),
                due_at=now() + ROUTE_BACK,
                state="routed",
            )
        )
        audience = self.audience()
        audience.add_department(before, "was_lead")
        audience.add_department(to, "routed")
        return self.record("case.routed", by=by, public=text, audience=audience, to=to.key, before=before.key)

    def _bar_route(self, person: Person | None) -> Any:
        if self._case.status != Status.PENDING and not self._case.at_desk:
            return _l("It has an owner; only a refused handover comes back to the desk.")
        return None

    def offer(self, *, by: Person, to: Department, reason: str) -> CaseEvent:
        """Offer the case to another department; until it is taken yours stays responsible, and no clock changes."""
        require(by, "case.offer", self)
        self._expect("offer", by)
        case = self._case
        if to.id == case.department_id:
            raise Invalid(_l("It is there already."), field="to")
        if vetoed("case.offer", to, case):
            raise WrongState(_l("It cannot go to this department."))
        text = self._write("official", reason, by=by, field="reason")
        due = calendar().end(case.thread.section.span("take"), now())
        handover = Handover(
            from_department=case.department, to_department=to, offered_by=by, offered_at=now(), due_at=due
        )
        case.handovers.append(handover)
        db.session.flush()
        jobs.put(
            "handover-due", key=f"handover-due:{handover.public_id}", due_at=due, handover=handover.public_id
        )
        audience = self.audience()
        audience.add_department(to, "offered")
        return self.record(
            "case.offered", by=by, public=text, audience=audience, to=to.key, until=due.isoformat()
        )

    def _bar_offer(self, person: Person | None) -> Any:
        case = self._case
        if case.open_handover() is not None or case.at_desk:
            return _l("A handover already waits for an answer.")
        if case.bound_round == case.round:
            return _l("The command centre has decided that it is yours.")
        return None

    def _handover(self, handover_id: str) -> Handover:
        handover = next((each for each in self._case.handovers if each.public_id == handover_id), None)
        if handover is None:
            raise NotFound
        if not handover.is_open and handover is not self._case.fresh_routing():
            raise WrongState(_l("This handover was settled already."))
        return handover

    def take(self, handover_id: str, *, by: Person) -> CaseEvent:
        """Take what was offered: your department leads from now on, with the clocks as they stand."""
        handover = self._handover(handover_id)
        require(by, "case.take", self)
        self._expect("take", by)
        case = self._case
        clock = case.open_clock("resolve") or case.open_clock("accept")
        if clock is not None:
            left, whole = remaining(clock.clock, calendar(), now()), allowed(clock.clock, calendar(), now())
            handover.late = left * LATE_SHARE < whole
        handover.end("taken")
        before, was_handled = case.department, case.handler is not None
        self._lead(handover.to_department)
        if was_handled:
            case.handler = by  # work goes on, in the hands of whoever took it
        audience = self.audience()
        audience.add_department(before, "was_lead")
        return self.record(
            "case.taken",
            by=by,
            audience=audience,
            to=handover.to_department.key,
            before=before.key,
            late=handover.late,
        )

    def _bar_take(self, person: Person | None) -> Any:
        return None if self._case.open_handover() is not None else _l("This handover was settled already.")

    def return_(self, handover_id: str, *, by: Person, reason: str) -> CaseEvent:
        """Not ours: give it back with a reason. The second time the desk decides.

        What the desk itself sent goes back to the desk, once, within two hours.
        """
        handover = self._handover(handover_id)
        require(by, "case.return", self)
        self._expect("return", by)
        text = self._write("official", reason, by=by, field="reason")
        if handover.state == "routed":
            return self._sent_back(handover, by=by, text=text)
        handover.end("returned")
        return self._came_back("case.returned", handover, by=by, text=text)

    def _bar_return(self, person: Person | None) -> Any:
        if self._case.open_handover() is not None or self._case.fresh_routing() is not None:
            return None
        return _l("This handover was settled already.")

    def _sent_back(self, handover: Handover, *, by: Person, text: Text) -> CaseEvent:
        case = self._case
        handover.end("sent_back")
        before, desk = case.department, Department.desk()
        self._lead(desk)
        case.at_desk = True
        audience = self.audience()
        audience.departments.pop(desk.id, None)
        audience.add_department(desk, "desk")  # it is called; a lead who keeps what he offered is not
        return self.record(
            "case.returned", by=by, public=text, audience=audience, to=desk.key, before=before.key, desk=True
        )

    def handover_expired(self, handover_id: str) -> CaseEvent:
        """Nobody answered the offer in time: the desk decides, the old lead stays responsible until then."""
        handover = self._handover(handover_id)
        self._expect("return")
        handover.end("expired")
        return self._came_back("case.handover_expired", handover, by=None, text=None)

    def _came_back(self, kind: str, handover: Handover, *, by: Person | None, text: Text | None) -> CaseEvent:
        case = self._case
        case.returns += 1
        audience = self.audience()
        if case.returns >= 2 or kind == "case.handover_expired":
            case.at_desk = True
            audience.add_department(Department.desk(), "desk")
        return self.record(
            kind,
            by=by,
            public=text,
            audience=audience,
            to=case.department.key,
            before=handover.to_department.key,
            desk=case.at_desk,
        )

    # --- assisting -----------------------------------------------------------------------------------

    def assist(self, *, by: Person, department: Department, words: str) -> CaseEvent:
        """Ask another department to help; yours stays in charge, and resolving waits for the answer."""
        require(by, "case.assist", self)
        self._expect("assist", by)
        case = self._case
        if department.id == case.department_id or any(each.id == department.id for each in case.assisting()):
            raise Invalid(_l("It is working on it already."), field="department")
        if vetoed("case.assist", department, case):
            raise WrongState(_l("It cannot go to this department."))
        text = self._write("official", words, by=by, field="words")
        task = AssistTask(department=department, asked_by=by)
        case.assists.append(task)
        audience = self.audience()
        audience.add_department(department, "assist")
        return self.record("case.assist_asked", by=by, public=text, audience=audience, to=department.key)

    def _task(self, task_id: str) -> AssistTask:
        task = next((each for each in self._case.assists if each.public_id == task_id), None)
        if task is None:
            raise NotFound
        if not task.is_open:
            raise WrongState(_l("This task was settled already."))
        return task

    def answer_assist(self, task_id: str, *, by: Person, words: str) -> CaseEvent:
        """The assisting department says what it did."""
        task = self._task(task_id)
        require(by, "assist.answer", task)
        self._expect("assist_answer", by)
        text = self._write("official", words, by=by, field="words")
        audience = self.audience()
        task.end("answered")
        return self.record(
            "case.assist_answered", by=by, public=text, audience=audience, department=task.department.key
        )

    def waive_assist(self, task_id: str, *, by: Person) -> CaseEvent:
        """A leader lets a task go unanswered."""
        task = self._task(task_id)
        require(by, "case.assist_waive", self)
        self._expect("assist_waive", by)
        audience = self.audience()
        task.end("waived")
        return self.record("case.assist_waived", by=by, audience=audience, department=task.department.key)

    def _bar_assist_answer(self, person: Person | None) -> Any:
        return None if self._case.assisting() else _l("This task was settled already.")

    _bar_assist_waive = _bar_assist_answer

    # --- merging -------------------------------------------------------------------------------------

    def merge(self, *, by: Person, into: Case) -> CaseEvent:
        """The same matter at the same place is already being worked on: its poster follows the main case."""
        require(by, "case.merge", self)
        self._expect("merge", by)
        case = self._case
        if into.id == case.id:
            raise Invalid(_l("A case cannot be merged into itself."), field="into")
        if into.parent_id is not None or not into.is_open:
            raise Invalid(_l("Choose an open case that is not a duplicate itself."), field="into")
        if not into.thread.is_public or not case.thread.is_public:  # the main case names it for everybody
            raise Invalid(_l("Only public cases can be merged."), field="into")
        poster = case.thread.poster
        follows = poster is not None and watch_of(into.thread, poster) is None
        case.merge_snapshot = {
            "status": str(case.status),
            "outcome": case.outcome,
            "clocks": [each.public_id for each in case.deadlines if each.is_open],
            "assists": [each.public_id for each in case.assists if each.is_open],
            "approvals": [each.public_id for each in case.approvals if each.is_open],
            "handovers": [each.public_id for each in case.handovers if each.is_open],
            "at_desk": case.at_desk,
            "follows": follows,
        }
        case.status, case.outcome, case.parent, case.merged_at = Status.CLOSED, Outcome.DUPLICATE, into, now()
        self._close()
        if poster is not None and follows:
            follow(into.thread, by=poster)
        event = self.record("case.merged", by=by, into=into.number)
        into.record("case.merged_in", by=by, number=case.number, audience=Audience(followers=False))
        return event

    def unmerge(self, *, by: Person) -> CaseEvent:
        """Not the same matter: everything stands again as it stood, its clocks as if they had run on."""
        require(by, "case.unmerge", self)
        self._expect("unmerge", by)
        return self._unmerge(by)

    def _bar_merge(self, person: Person | None) -> Any:
        if self._case.duplicates:
            return _l("Other cases were merged into this one; merge those first.")
        return None if self._case.thread.is_public else _l("Only public cases can be merged.")

    def _bar_unmerge(self, person: Person | None) -> Any:
        case = self._case
        if case.merge_snapshot is None or case.merged_at is None:
            return _l("This case was not merged.")
        late = now() > case.merged_at + UNMERGE
        if late and person is not None and person.id == case.thread.poster_id:
            return _l("Seven days are over. Please write to the desk in a new post.")
        return None

    def _unmerge(self, by: Person | None) -> CaseEvent:
        case = self._case
        snapshot, parent, poster = case.merge_snapshot, case.parent, case.thread.poster
        assert snapshot is not None  # _bar_unmerge
        assert parent is not None
        case.status, case.outcome, case.parent = Status(snapshot["status"]), snapshot["outcome"], None
        case.merge_snapshot, case.merged_at, case.closed_at = None, None, None
        case.at_desk = snapshot["at_desk"]
        for deadline in case.deadlines:
            if deadline.public_id in snapshot["clocks"]:
                deadline.revive()
        for task in case.assists:
            if task.public_id in snapshot["assists"]:
                task.state, task.ended_at = "open", None
        for approval in case.approvals:
            if approval.public_id in snapshot["approvals"]:
                approval.decision = approval.decided_at = approval.decided_by = approval.reason = None
        for handover in case.handovers:
            if handover.public_id in snapshot["handovers"]:
                handover.state, handover.ended_at = "offered", None
                jobs.put(
                    "handover-due",
                    key=f"handover-due:{handover.public_id}:{now():%Y%m%d%H%M%S}",
                    due_at=handover.due_at,
                    handover=handover.public_id,
                )
        if case.status == Status.SUSPENDED:
            self._promise_resumption()
        if snapshot.get("follows") and poster is not None:
            unfollow(parent.thread, by=poster)
        event = self.record("case.unmerged", by=by, before=parent.number)
        parent.record("case.unmerged_from", by=by, number=case.number, audience=Audience(followers=False))
        return event
