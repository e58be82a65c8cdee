"""The verbs of a case (domain.md §3), from its first minute to its last answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from board.clock import now
from board.errors import Invalid, NotFound, WrongState
from board.i18n import _, _l
from board.permissions import may, require
from board.seams import provided, vetoed
from boards.models.concluding import Concluding
from boards.models.handing import Handing
from boards.models.instruction import Instruction
from boards.models.pausing import Pausing
from boards.models.status import ANSWERABLE, RESOLVABLE, Outcome, Status
from boards.models.text import clean, masked
from boards.models.timeline import Audience, CaseEvent
from people.models import Person


class Workflow(Handing, Pausing, Concluding):
    """Taking a case on, working on it, answering it."""

    def acknowledge(self, *, by: Person) -> CaseEvent:
        """Say that you have seen it: paging stops, the public reads 已查看. It is not a reply."""
        require(by, "case.acknowledge", self)
        self._expect("acknowledge", by)
        case = self._case
        case.acknowledged_at, case.acknowledged_by = now(), by
        return self.record("case.acknowledged", by=by)

    def _bar_acknowledge(self, person: Person | None) -> Any:
        # Whoever confirmed it has it for a while only; when nothing followed it can be confirmed again.
        if self._case.acknowledged_at is not None and not provided("case.lapsed", self._case, default=False):
            return _l("A colleague has already confirmed it.")
        return None

    def accept(self, *, by: Person, answer: str = "", expected: datetime | None = None) -> CaseEvent:
        """Take the case on for your department; its poster hears of it at once.

        A stock phrase, or words the department used lately, are shown but do not stop the reply clock. `expected`
        promises when the next result will be told.
        """
        require(by, "case.accept", self)
        self._move("accept", Status.ACCEPTED, by)
        case = self._case
        text = self._write("official", answer, by=by) if answer.strip() else None
        real = text is not None and self._is_answer(text.public, case.department)
        if case.acknowledged_at is None:
            case.acknowledged_at, case.acknowledged_by = now(), by
        case.accepted_at = now()
        self._drop_approvals("decline")
        self._stop("accept")
        self._start("resolve")
        if real:
            self._answered()
        when = self._date(expected, field="expected").isoformat() if expected else None
        return self.record("case.accepted", by=by, public=text, answers=real, expected=when)

    def answer(
        self, *, by: Person, answer: str, outcome: str = Outcome.EXPLAINED, **details: Any
    ) -> CaseEvent:
        """Answer a question at once: acknowledge, accept, claim and resolve in one step."""
        require(by, "case.answer", self)
        self._expect("answer", by)
        if outcome not in ANSWERABLE:
            raise Invalid(_l("Choose “solved” or “explained”."), field="outcome")
        if self._case.acknowledged_at is None:
            self.acknowledge(by=by)
        self.accept(by=by)
        return self.resolve(by=by, answer=answer, outcome=outcome, **details)

    def _bar_answer(self, person: Person | None) -> Any:
        return self._bar_resolve(person)

    def assign(self, *, by: Person, to: Person) -> CaseEvent:
        """Give the case to one of the department's officers."""
        from boards.policy import sees

        require(by, "case.assign", self)
        if not to.serves(self._case.department) or not sees(to, self._case.thread):
            raise Invalid(_l("Choose somebody who serves in this department."), field="to")
        self._move("assign", Status.IN_PROGRESS, by)
        return self._handle(to, by=by, kind="case.assigned")

    def claim(self, *, by: Person) -> CaseEvent:
        """Work on it yourself; from a colleague only when he is off duty and you are on."""
        require(by, "case.claim", self)
        self._move("claim", Status.IN_PROGRESS, by)
        return self._handle(by, by=by, kind="case.claimed")

    def _bar_claim(self, person: Person | None) -> Any:
        case = self._case
        handler = case.handler
        if handler is None or case.status == Status.ACCEPTED:
            return None
        if person is not None and handler.id == person.id:
            return _l("You already have it.")
        relieved = person is not None and person.on_duty_for(case.department)
        if handler.serves(case.department) and (handler.on_duty_for(case.department) or not relieved):
            return self._who_was_first() or _l("A colleague is working on it.")
        return None

    def _handle(self, handler: Person, *, by: Person, kind: str) -> CaseEvent:
        case = self._case
        case.handler = handler
        if case.open_clock("update") is None:
            self._start("update")
        audience = self.audience()
        audience.add(handler, reason="handler")
        return self.record(kind, by=by, audience=audience, badge=handler.badge)

    def _claim_for(self, by: Person) -> None:
        """Asking or resolving from `accepted` first claims for whoever does it."""
        if self._case.handler is None or self._case.status == Status.ACCEPTED:
            self._case.status = Status.IN_PROGRESS
            self._handle(by, by=by, kind="case.claimed")

    def progress(self, *, by: Person, note: str, expected: datetime | None = None) -> CaseEvent:
        """Tell the public how far it is; the update clock starts anew."""
        require(by, "case.progress", self)
        self._expect("progress", by)
        case = self._case
        text = self._write("official", note, by=by, field="note")
        real = self._is_answer(text.public, case.thread.office_of(by))
        if real:
            self._answered()
        self._restart_update()
        when = self._date(expected, field="expected").isoformat() if expected else None
        return self.record("case.progressed", by=by, public=text, answers=real, expected=when)

    def note(self, *, by: Person, note: str) -> CaseEvent:
        """Leave a note that only the departments working on it read. It stops no clock."""
        require(by, "case.note", self)
        self._expect("note", by)
        text = self._write("internal", note, by=by, field="note")
        audience = Audience(followers=False)
        audience.add(self._case.handler, reason="handler")
        audience.add_department(self._case.department, "lead")
        return self.record("case.noted", by=by, internal=text, visibility="internal", audience=audience)

    def instruct(
        self,
        *,
        by: Person,
        words: str,
        owner: Person | None = None,
        due: datetime | None = None,
        public: bool = False,
    ) -> CaseEvent:
        """A leader says what is to be done; it is pinned on its owner's desk and changes no outcome."""
        require(by, "case.instruct", self)
        self._expect("instruct", by)
        case = self._case
        if owner is not None and not owner.serves(case.department):
            raise Invalid(_l("Choose somebody who serves in this department."), field="owner")
        text = self._write("official" if public else "internal", words, by=by, field="words")
        instruction = Instruction(
            department=case.department,
            owner=owner,
            by=by,
            text=text,
            is_public=public,
            due_at=self._date(due, field="due") if due else None,
        )
        case.instructions.append(instruction)
        audience = self.audience() if public else Audience(followers=False)
        audience.add(owner or case.handler, reason="instruction")
        audience.add_department(case.department, "lead")
        return self.record(
            "case.instructed",
            by=by,
            public=text if public else None,
            internal=None if public else text,
            visibility="public" if public else "internal",
            audience=audience,
        )

    def relay(self, *, by: Person, receipt: str, called_back: bool) -> CaseEvent:
        """The desk passed it to 110 and called the poster back; pressed once, it cannot be undone."""
        require(by, "case.relay", self)
        self._expect("relay", by)
        case = self._case
        number = receipt.strip()
        if not 4 <= len(number) <= 32:
            raise Invalid(_l("Please give the receipt number of 110."), field="receipt")
        if not called_back:
            raise Invalid(_l("Please call the poster back first."), field="called_back")
        case.relayed_at = now()
        return self.record("case.relayed", by=by, details={"receipt": number})

    def _bar_relay(self, person: Person | None) -> Any:
        return None if self._case.relayed_at is None else _l("It has already been passed to 110.")

    def resolve(
        self,
        *,
        by: Person,
        answer: str,
        outcome: str,
        date: datetime | None = None,
        number: str = "",
        contact: str = "",
        reason: str = "",
    ) -> CaseEvent:
        """Give the final public answer with its outcome; the poster is asked to rate it.

        `planned` needs a date, `transferred` the outside number and contact, `impossible` a reason. Where the
        section asks for four eyes, another person, a leader, decides; until then nothing changes.
        """
        require(by, "case.resolve", self)
        self._expect("resolve", by)
        case = self._case
        if outcome not in RESOLVABLE:
            raise Invalid(_l("Choose what came of it."), field="outcome")
        details = self._outcome_details(outcome, date, number, contact, reason)
        if case.thread.section.four_eyes:
            from boards.models.text import clean

            words = clean(answer, field="answer")
            return self.ask_approval("resolve", by=by, answer=words, outcome=str(outcome), **details)
        return self._resolve(by, answer, outcome, details)

    def _bar_resolve(self, person: Person | None) -> Any:
        case = self._case
        if case.assisting():
            names = _(", ").join(each.title for each in case.assisting())
            return _l("%(names)s still owes an answer: ask for it, or waive the task.", names=names)
        if vetoed("case.conclude", person, case):
            return _l("This ends with the conclusions of the inspectors: nobody concludes it alone.")
        if vetoed("case.resolve", person, case):
            return _l("A supervision order is open: answer it first.")
        if case.open_approval("resolve") is not None:
            return _l("This already waits for the leader's decision.")
        return None

    def _outcome_details(
        self, outcome: str, date: datetime | None, number: str, contact: str, reason: str
    ) -> dict[str, str]:
        if outcome == Outcome.PLANNED:
            latest = now() + timedelta(days=3 * 366)
            return {"date": self._date(date, field="date", latest=latest).isoformat()}
        if outcome == Outcome.TRANSFERRED:
            missing = {
                name: _l("Please write down %(what)s.", what=what)
                for name, value, what in (
                    ("number", number, _l("the outside number")),
                    ("contact", contact, _l("whom the poster can call")),
                )
                if not value.strip()
            }
            if missing:
                raise Invalid(errors=missing)
            return {"number": masked(number.strip()[:60]), "contact": masked(contact.strip()[:120])}
        if outcome == Outcome.IMPOSSIBLE:
            if not reason.strip():
                raise Invalid(_l("Please say why it cannot be done."), field="reason")
            return {"reason": masked(reason.strip()[:500])}
        return {}

    def _resolve(self, by: Person, answer: str, outcome: str, details: dict[str, str]) -> CaseEvent:
        case = self._case
        self._claim_for(by)
        if case.handler is not None and case.handler.id != by.id and not case.thread.section.four_eyes:
            case.handler = by
        text = self._write("official", answer, by=by)
        self._answered()
        self._stop()
        self._drop_pending()
        case.status, case.outcome, case.outcome_details = Status.RESOLVED, str(outcome), details
        case.resolved_at = now()
        case.at_desk = False
        for instruction in case.instructions:
            instruction.done_at = instruction.done_at or now()
        self._start("rating")
        parameters: dict[str, Any] = {"outcome": str(outcome), **details}
        event = self.record("case.resolved", by=by, public=text, **parameters)
        self._promise_follow_up(outcome, details)
        return event

    def decline(self, *, by: Person, reason: str, advice: str) -> CaseEvent:
        """Not for us: say why, and where to go instead. A leader confirms before anything changes."""
        require(by, "case.decline", self)
        self._expect("decline", by)
        missing = {
            field: message
            for field, words, message in (
                ("reason", reason, _l("Please say why the department cannot take it.")),
                ("advice", advice, _l("Please say where the poster can go instead.")),
            )
            if not words.strip()
        }
        if missing:
            raise Invalid(errors=missing)
        clean(f"{reason}\n\n{advice}", field="reason")  # as it will be published: not too long for that
        if not may(by, "case.approve", self):
            return self.ask_approval("decline", by=by, reason=reason.strip(), advice=advice.strip())
        return self._decline(by, reason, advice)

    def _bar_decline(self, person: Person | None) -> Any:
        if vetoed("case.decline", person, self._case):
            return _l("A complaint is looked into: it cannot be declined.")
        if vetoed("case.resolve", person, self._case):
            return _l("A supervision order is open: answer it first.")
        return self._bar_waiting("decline", person)

    def _decline(self, by: Person, reason: str, advice: str) -> CaseEvent:
        case = self._case
        self._move("decline", Status.CLOSED, by)
        case.outcome = Outcome.DECLINED
        case.outcome_details = {"reason": masked(reason), "advice": masked(advice)}
        text = self._write("official", f"{reason.strip()}\n\n{advice.strip()}", by=by, field="reason")
        self._answered()
        self._close()
        return self.record("case.declined", by=by, public=text)

    # --- acts of two people ------------------------------------------------------------------------

    def decide(self, approval_id: str, *, by: Person, approve: bool, reason: str = "") -> CaseEvent:
        """A leader decides what was asked for; agreeing performs it in the same moment."""
        case = self._case
        approval = next((each for each in case.approvals if each.public_id == approval_id), None)
        if approval is None:
            raise NotFound
        require(by, "case.approve", self)
        if not approval.is_open:
            raise WrongState(_l("This was decided already."))
        if approval.asked_by_id == by.id:
            from board.errors import NotAllowed

            raise NotAllowed(_l("Somebody else has to decide what you asked for."))
        arguments = dict(approval.arguments)
        if not approve:
            if not reason.strip():
                raise Invalid(_l("Please say why not."), field="reason")
            approval.end("refused", by=by, reason=reason.strip()[:500])
            audience = Audience(followers=False)
            audience.add(approval.asked_by, reason="approval")
            return self.record(
                "approval.refused",
                by=by,
                visibility="internal",
                audience=audience,
                details={"reason": reason.strip()[:500]},
                verb=approval.verb,
            )
        approval.end("approved", by=by, reason=reason.strip()[:500])
        return self._perform(approval.verb, approval.asked_by, by, arguments)

    def _perform(
        self, verb: str, asked_by: Person, decided_by: Person, arguments: dict[str, Any]
    ) -> CaseEvent:
        if verb == "suspend":
            return self._suspend(decided_by, arguments["reason"], datetime.fromisoformat(arguments["until"]))
        if verb == "decline":
            return self._decline(decided_by, arguments["reason"], arguments["advice"])
        if verb == "resolve":
            self._expect("resolve", asked_by)
            answer, outcome = arguments.pop("answer"), arguments.pop("outcome")
            return self._resolve(asked_by, answer, outcome, arguments)
        if verb == "ask":
            self._expect("ask", decided_by)
            return self._ask(asked_by, arguments["question"])
        raise NotFound
