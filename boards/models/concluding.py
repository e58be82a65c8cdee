"""Verbs after the answer: rating, rectifying, reopening, withdrawing, nudging; and what time does by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from board import jobs
from board.clock import now
from board.errors import Invalid, WrongState
from board.i18n import _l
from board.permissions import require
from board.spans import WorkingDays
from boards.models.deadline import calendar
from boards.models.holder import Holder, Poster, account, posted_by
from boards.models.moving import Moving, leaders
from boards.models.rating import Rating
from boards.models.segments import allowed, elapsed
from boards.models.status import NEXT, Outcome, Satisfaction, Solved, Status
from boards.models.text import Text
from boards.models.timeline import Audience, CaseEvent
from people.models import Department, Person

REOPEN = timedelta(days=30)
REOPEN_ALONE = 2
CORRECTION = timedelta(days=7)
CALLED_AFTER = WorkingDays(10)


class Concluding(Moving):
    """From the answer to the archive, and back."""

    def rate(self, *, by: Poster, solved: str, satisfaction: str, words: str = "") -> CaseEvent | None:
        """The poster says what he thinks of it; not solved, or not content, brings another officer.

        May be corrected within seven days; every version is kept and the first one counts in figures. None when it
        says what it said before: nothing is corrected, and nobody is told.
        """
        require(by, "case.rate", self)
        case = self._case
        main = case.parent if case.parent is not None else case
        main._expect("rate", by)
        missing = {}
        if solved not in tuple(Solved):
            missing["solved"] = _l("Please say whether the problem is solved.")
        if satisfaction not in tuple(Satisfaction):
            missing["satisfaction"] = _l("Please choose how content you are.")
        if missing:
            raise Invalid(errors=missing)
        answer = main.answers_given()
        before = main.rating_of(by)
        fresh = before is None or before.answer < answer
        if before is not None and not fresh and before.says(solved, satisfaction, words):
            return None
        text = Text.write("reply", words, by=account(by), field="words") if words.strip() else None
        rating = Rating(
            round=main.round,
            answer=answer,
            person=account(by),
            solved=solved,
            satisfaction=satisfaction,
            text=text,
            at=now(),
            first=before is None,
        )
        main.ratings.append(rating)
        if posted_by(main.thread, by):
            main._rated(rating, before=None if fresh else before)
        return main.record(
            "case.rated",
            by=account(by),
            role="poster",
            public=text,
            solved=solved,
            satisfaction=satisfaction,
            corrected=before is not None and not fresh,
        )

    def _bar_rate(self, person: Poster | None) -> Any:
        case = self._case
        if case.parent is not None:
            if isinstance(person, Holder):
                return _l("There is no answer to rate.")  # a receipt opens its own case and no other
            return (
                case.parent._bar_rate(person)
                if case.parent.status in NEXT["rate"]
                else _l("There is no answer to rate.")
            )
        if case.outcome in (Outcome.DUPLICATE, Outcome.WITHDRAWN, Outcome.DECLINED, None):
            return _l("There is no answer to rate.")
        before = case.rating_of(person)
        if before is not None and before.answer == case.answers_given():
            first = next(
                each
                for each in case.ratings
                if (each.round, each.answer, each.person_id)
                == (before.round, before.answer, before.person_id)
            )
            over = now() > first.at + CORRECTION
            return _l("A rating can be changed for seven days only.") if over else None
        window = case.clock("rating")
        mine = posted_by(case.thread, person)
        if (mine and case.status == Status.CLOSED) or (
            window is not None and window.due_at is not None and window.due_at <= now()
        ):
            return _l("The seven days for rating are over. You can still ask for it to be done again.")
        return None

    def answers_given(self) -> int:
        """How many final answers this round has had: one, and one more for each rectification."""
        case = self._case
        return sum(1 for each in case.deadlines if each.kind == "rating" and each.round == case.round)

    def _rated(self, rating: Rating, *, before: Rating | None) -> None:
        """Take the poster's word into the row; `before` is the rating that this one corrects."""
        case = self._case
        case.rated_solved, case.rated_satisfaction = rating.solved, rating.satisfaction
        bad = rating.is_bad
        if case.status == Status.RESOLVED:
            if bad and rating.answer == 1:
                self._stop("rating")
                if case.open_clock("rectification") is None:
                    self._start("rectification")
            else:
                # A second bad rating is the inspectors' matter: `complaints.landing` listens to case.rated.
                self._stop("rating", "rectification")
                case.status = Status.CLOSED
                self._close()
        elif bad and rating.answer == 1 and before is not None and not before.is_bad:
            # Corrected to bad after it was closed: another officer is owed.
            case.status, case.closed_at = Status.RESOLVED, None
            self._start("rectification")

    def rectify(self, *, by: Person, answer: str) -> CaseEvent:
        """Another officer calls back, mends it and answers anew; the poster rates again."""
        require(by, "case.rectify", self)
        self._expect("rectify", by)
        case = self._case
        text = self._write("official", answer, by=by)
        case.handler = by
        case.resolved_at = now()
        case.rated_solved = case.rated_satisfaction = None
        self._stop("rectification")
        self._start("rating")
        audience = self.audience()
        return self.record("case.rectified", by=by, public=text, audience=audience)

    def _bar_rectify(self, person: Person | None) -> Any:
        if self._case.open_clock("rectification") is None:
            return _l("Nobody asked for it to be mended.")
        return None

    def rating_ended(self) -> CaseEvent:
        """Nobody rated in time: archived as 未评价, never as satisfied or solved."""
        case = self._case
        if case.status != Status.RESOLVED:
            raise WrongState
        self.note_breaches()
        case.status = Status.CLOSED
        rated = case.rated_solved is not None
        self._close()
        return self.record("case.rating_ended", by=None, rated=rated)

    def reopen(self, *, by: Poster, words: str) -> CaseEvent:
        """It is not solved: the next round begins, what was before is frozen. Within 30 days, twice."""
        require(by, "case.reopen", self)
        self._expect("reopen", by)
        case = self._case
        text = Text.write("reply", words, by=account(by), field="words")
        case.reopened_times += 1
        return self._reopen(account(by), text, role="poster")

    def reopen_as_inspector(self, *, by: Person) -> CaseEvent:
        """An inspector has it handled again, however often and whenever; he has said why in a step of his own."""
        require(by, "case.reopen_as_inspector", self)
        case = self._case
        if case.status not in NEXT["reopen"] or case.outcome == Outcome.DUPLICATE:
            raise WrongState(_l("It is not closed, or it was merged into another one."))
        self.note_breaches()
        return self._reopen(by, None, role="inspector", after="inspector")

    def _bar_reopen(self, person: Person | None) -> Any:
        case = self._case
        if case.outcome == Outcome.DUPLICATE:
            return _l("It was merged: say that it is not the same matter instead.")
        ended = case.closed_at or case.resolved_at or now()
        if now() > ended + REOPEN:
            return _l("Thirty days are over. Please post again; we link it to this case.")
        if case.reopened_times >= REOPEN_ALONE:
            return _l("It was reopened twice already. An inspector can open it again.")
        return None

    def _reopen(
        self, by: Person | None, text: Text | None, *, role: str | None, **parameters: Any
    ) -> CaseEvent:
        case = self._case
        self._stop()
        self._drop_pending()
        case.round += 1
        case.round_at = now()
        case.status, case.outcome, case.outcome_details = Status.ACCEPTED, None, {}
        case.handler = None
        case.resolved_at = case.closed_at = case.answered_at = None
        case.acknowledged_at, case.acknowledged_by = None, None
        case.accepted_at = now()
        case.rated_solved = case.rated_satisfaction = None
        self._start("reply", "resolve")
        audience = self.audience()
        audience.add_department(case.department, "reopened")
        return self.record("case.reopened", by=by, role=role, public=text, audience=audience, **parameters)

    def nudge(self, *, by: Poster) -> CaseEvent:
        """Remind the leader: once a working day, after half the time is used."""
        require(by, "case.nudge", self)
        self._expect("nudge", by)
        case = self._case
        case.nudged_at = now()
        audience = Audience(followers=False)
        audience.add_department(case.department, "nudge")
        for leader in leaders(case.department):
            audience.add(leader, reason="nudge")
        return self.record("case.nudged", by=account(by), role="poster", audience=audience)

    def _bar_nudge(self, person: Person | None) -> Any:
        case, work = self._case, calendar()
        clock = case.open_clock("resolve") or case.open_clock("accept") or case.open_clock("reply")
        if clock is not None and clock.state() != "over":
            used, whole = elapsed(clock.clock, work, now()), allowed(clock.clock, work, now())
            if used * 2 < whole:
                return _l("Half of the promised time is not over yet.")
        if case.nudged_at is not None:
            # Not twice between the beginning of one working day and the beginning of the next.
            day = work.local_date(case.nudged_at) + timedelta(days=1)
            while not work.is_workday(day) and day <= work.local_date(now()):
                day += timedelta(days=1)
            if work.local_date(now()) < day:
                return _l("You reminded them already; once a working day.")
        return None

    def withdraw(self, *, by: Poster, pressed: str = "") -> CaseEvent:
        """The poster takes his case back. Whether he was asked to is for the inspectors only."""
        require(by, "case.withdraw", self)
        self._move("withdraw", Status.CLOSED, by)
        case = self._case
        case.outcome = Outcome.WITHDRAWN
        self._close()
        for duplicate in list(case.duplicates):
            duplicate._unmerge(None)  # what others asked for was not withdrawn
        details = {"pressed": pressed} if pressed in ("yes", "no") else {}
        return self.record("case.withdrawn", by=account(by), role="poster", details=details)

    # --- promises kept later -------------------------------------------------------------------------

    def _unmerge(self, by: Person | None) -> CaseEvent:
        raise NotImplementedError

    def _promise_follow_up(self, outcome: str, details: dict[str, str]) -> None:
        case = self._case
        due: datetime | None = None
        if outcome == Outcome.PLANNED:
            due = datetime.fromisoformat(details["date"])
        elif outcome == Outcome.TRANSFERRED:
            due = calendar().add(now(), CALLED_AFTER)
        if due is not None:
            key = f"ask-follow-up:{case.number}:{case.round}"
            jobs.put("ask-follow-up", key=key, due_at=due, number=case.number, round=case.round)

    def ask_follow_up(self) -> CaseEvent | None:
        """The date of a plan has come, or ten working days since a transfer: ask the poster what became of it."""
        case = self._case
        if case.outcome not in (Outcome.PLANNED, Outcome.TRANSFERRED) or case.outcome_details.get("asked"):
            return None
        case.outcome_details = {**case.outcome_details, "asked": now().isoformat()}
        return self.record("case.follow_up_asked", by=None, outcome=case.outcome)

    def follow_up(self, *, by: Poster, done: bool) -> CaseEvent:
        """The poster answers: done, or not; if not it opens again, a transferred one at the desk."""
        require(by, "case.follow_up", self)
        self._expect("follow_up", by)
        case = self._case
        case.outcome_details = {**case.outcome_details, "answered": "yes" if done else "no"}
        if done:
            return self.record("case.follow_up_answered", by=account(by), role="poster", done=True)
        transferred = case.outcome == Outcome.TRANSFERRED
        if transferred:
            case.department = Department.desk()
            case.department_id = case.department.id
            case.lead_since = now()
        return self._reopen(
            account(by), None, role="poster", after="transferred" if transferred else "planned"
        )

    def _bar_follow_up(self, person: Person | None) -> Any:
        details = self._case.outcome_details
        if details.get("asked") and not details.get("answered"):
            return None
        return _l("Nobody asked yet what became of it.")
