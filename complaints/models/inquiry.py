"""An inquiry: one of the two independent tasks that every complaint opens, with a clock and a conclusion of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import jobs
from board.clock import now
from board.db import Model, PublicId, db, random_id
from board.errors import Invalid, NotFound, WrongState
from board.i18n import DEFAULT, _, _l, speaking
from board.permissions import may, require
from board.spans import Span, WorkingDays
from boards.models import Case, CaseEvent, Outcome, Text
from boards.models.deadline import calendar
from boards.models.locking import lock
from boards.models.status import WORKING, Status
from boards.models.timeline import Audience
from complaints.words import conclusion_word, measure_words
from people.models import Department, Person

KINDS = ("inspectorate", "discipline")
CONCLUSIONS = ("true", "partly", "untrue", "unverifiable")
MEASURES = ("apology", "redone", "admonished", "disciplined", "referred", "rules", "none")
REVIEW = Span(WorkingDays(1))
TOLD, CONCLUDED = "15 d", "60 d"  # where the section sets none (domain.md §7)

# Which act follows which state.
ACTS: dict[str, tuple[str, ...]] = {
    "accept": ("open",),
    "review": ("accepted",),
    "tell": ("accepted", "reviewed", "proposed"),
    "ask": ("accepted", "reviewed"),
    "propose": ("reviewed",),
    "confirm": ("proposed",),
}


class Inquiry(PublicId, Model):
    """One task of one round. Nothing of it depends on the other one; each needs two persons twice."""

    __tablename__ = "inquiry"
    __table_args__ = (
        UniqueConstraint("case_id", "round", "kind"),
        CheckConstraint("kind IN ('inspectorate', 'discipline')", name="kind"),
        CheckConstraint("conclusion IN ('true', 'partly', 'untrue', 'unverifiable')", name="conclusion"),
        Index("ix_inquiry_department_state", "department_id", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    round: Mapped[int] = mapped_column(default=1)
    kind: Mapped[str] = mapped_column(String(16))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    state: Mapped[str] = mapped_column(String(12), default="open")
    started_at: Mapped[datetime] = mapped_column(default=now)
    # Accepted by one, looked over by another within a working day.
    accepted_at: Mapped[datetime | None]
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    review_due_at: Mapped[datetime | None]
    reviewed_at: Mapped[datetime | None]
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    # The poster is told how far it is, and then what was found.
    told_due_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    due_at: Mapped[datetime]
    breached_at: Mapped[datetime | None]
    # Proposed by one, confirmed by another.
    conclusion: Mapped[str | None] = mapped_column(String(16))
    findings_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))
    measures: Mapped[list[str]] = mapped_column(JSON, default=list)
    proposed_at: Mapped[datetime | None]
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    concluded_at: Mapped[datetime | None]
    concluded_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    returned_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))

    case: Mapped[Case] = relationship()
    department: Mapped[Department] = relationship()
    accepted_by: Mapped[Person | None] = relationship(foreign_keys=[accepted_by_id])
    reviewed_by: Mapped[Person | None] = relationship(foreign_keys=[reviewed_by_id])
    proposed_by: Mapped[Person | None] = relationship(foreign_keys=[proposed_by_id])
    concluded_by: Mapped[Person | None] = relationship(foreign_keys=[concluded_by_id])
    findings: Mapped[Text | None] = relationship(foreign_keys=[findings_id])
    returned: Mapped[Text | None] = relationship(foreign_keys=[returned_id])

    # --- finding -----------------------------------------------------------------------------------

    @classmethod
    def of(cls, case: Case, round: int | None = None) -> list[Inquiry]:
        """The tasks of a round (default: this one), the inspectorate's first."""
        wanted = case.round if round is None else round
        return list(
            db.session.scalars(
                select(cls).where(cls.case_id == case.id, cls.round == wanted).order_by(cls.id)
            )
        )

    @classmethod
    def by_public_id(cls, public_id: str, *, reader: Person | None) -> Inquiry:
        """The task, read for change with its case; NotFound for whoever may not read the complaint."""
        case_id = db.session.scalar(select(cls.case_id).where(cls.public_id == public_id))
        if case_id is None:
            raise NotFound
        number = db.session.scalar(select(Case.number).where(Case.id == case_id))
        Case.numbered(str(number), reader=reader, for_change=True)
        return db.session.scalars(select(cls).where(cls.public_id == public_id)).one()

    @classmethod
    def start(cls, case: Case, departments: dict[str, Department]) -> list[Inquiry]:
        """Open both tasks of the case's round: news within 15 days, a conclusion within 60."""
        clocks, begun = case.thread.section.clocks, now()
        told = calendar().end(Span.parse(clocks.get("told") or TOLD), begun)
        due = calendar().end(Span.parse(clocks.get("resolve") or CONCLUDED), begun)
        tasks = [
            cls(
                case=case,
                public_id=random_id(),
                round=case.round,
                kind=kind,
                department=departments[kind],
                state="open",
                started_at=begun,
                told_due_at=told,
                due_at=due,
                measures=[],
            )
            for kind in KINDS
        ]
        db.session.add_all(tasks)
        for task in tasks:
            task._promise("told", told)
            task._promise("due", due)
        return tasks

    # --- questions ---------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether it still has to be concluded."""
        return self.state not in ("concluded", "dropped")

    @property
    def is_late(self) -> bool:
        """Whether something promised is over: the conclusion, the news, or the second look."""
        moment = now()
        return self.is_open and (
            self.due_at <= moment
            or (self.told_at is None and self.told_due_at <= moment)
            or (self.state == "accepted" and self.review_due_at is not None and self.review_due_at <= moment)
        )

    def can(self, act: str) -> bool:
        """Can it be done now?"""
        if self.state not in ACTS[act] or self.round != self.case.round:
            return False
        if act == "accept":
            return self.case.is_open
        return self.case.status in WORKING or (act in ("review", "ask") and self.case.is_open)

    def open_acts(self, person: Person | None) -> set[str]:
        """What `person` may do and can be done now: which forms a page shows."""
        return {act for act in ACTS if self.can(act) and may(person, f"inquiry.{act}", self)}

    def _expect(self, act: str) -> None:
        if not self.can(act):
            raise WrongState(_l("A colleague was first: this step is done. Please look again."))

    # --- acts --------------------------------------------------------------------------------------

    def accept(self, *, by: Person) -> CaseEvent:
        """Take the task on. Somebody else looks this over within one working day."""
        require(by, "inquiry.accept", self)
        self._expect("accept")
        case = self.case
        if case.status == Status.PENDING and by.serves(case.department):
            # The complaint itself is taken on with it; the listener of that step brings us back to `taken`.
            case.accept(by=by)
            if self.state == "accepted":
                return self._last()
        return self.taken(by=by)

    def taken(self, *, by: Person) -> CaseEvent:
        """Note who took it on, and until when another one has to look it over."""
        self.state, self.accepted_at, self.accepted_by = "accepted", now(), by
        self.reviewed_at = self.reviewed_by = None
        self.review_due_at = calendar().end(REVIEW, now())
        self._promise("review", self.review_due_at)
        return self._note("inquiry.accepted", by)

    def review(self, *, by: Person, agree: bool, words: str = "") -> CaseEvent:
        """A second inspector looks the acceptance over: rightly taken on, or to be taken on anew."""
        require(by, "inquiry.review", self)
        self._expect("review")
        if not agree:
            text = self._text("internal", words, by, "words")
            self.state, self.accepted_at, self.accepted_by = "open", None, None
            self.review_due_at = None
            return self._note("inquiry.sent_back", by, text)
        self.state, self.reviewed_at, self.reviewed_by = "reviewed", now(), by
        return self._note("inquiry.reviewed", by)

    def tell(self, *, by: Person, words: str) -> CaseEvent:
        """Tell the poster how far it is."""
        require(by, "inquiry.tell", self)
        self._expect("tell")
        case = self.case
        text = self._text("official", words, by, "words")
        if case._is_answer(text.public, self.department):
            case._answered()
            self.told_at = self.told_at or now()
        if case.open_clock("update") is not None:
            case._restart_update()
        return self._say("inquiry.told", by, text)

    def propose(
        self, *, by: Person, conclusion: str, findings: str, measures: list[str] | tuple[str, ...] = ()
    ) -> CaseEvent:
        """Say what was found and what follows; it holds once a second inspector confirms it."""
        require(by, "inquiry.propose", self)
        self._expect("propose")
        errors: dict[str, Any] = {}
        if conclusion not in CONCLUSIONS:
            errors["conclusion"] = _l("Choose a conclusion.")
        chosen = [each for each in MEASURES if each in measures]
        if not chosen or len(chosen) != len(set(measures)) or ("none" in chosen and len(chosen) > 1):
            errors["measures"] = _l("Choose what follows from it, or that nothing does.")
        if not findings.strip():
            errors["findings"] = _l("Say what was found, as the poster will read it.")
        if errors:
            raise Invalid(errors=errors)
        self.findings = self._text("official", findings, by, "findings")
        self.state, self.conclusion, self.measures = "proposed", conclusion, chosen
        self.proposed_at, self.proposed_by = now(), by
        return self._note("inquiry.proposed", by, conclusion=conclusion)

    def give_back(self, *, by: Person, words: str) -> CaseEvent:
        """The second inspector does not confirm it, and says why; the first one goes on."""
        require(by, "inquiry.confirm", self)
        self._expect("confirm")
        text = self._text("internal", words, by, "words")
        self.state, self.conclusion, self.measures, self.findings = "reviewed", None, [], None
        self.proposed_at = self.proposed_by = None
        self.returned = text
        return self._note("inquiry.given_back", by, text)

    def confirm(self, *, by: Person) -> CaseEvent:
        """The second inspector confirms it: the poster reads it at once. With the last one the case is concluded."""
        require(by, "inquiry.confirm", self)
        self._expect("confirm")
        self.state, self.concluded_at, self.concluded_by = "concluded", now(), by
        self._ask_no_more()
        self.told_at = self.told_at or now()
        assert self.findings is not None  # propose
        event = self._say(
            "inquiry.concluded", by, self.findings, conclusion=self.conclusion, measures=list(self.measures)
        )
        tasks = Inquiry.of(self.case)
        if all(not each.is_open for each in tasks):
            self.case._resolve(by, _together(tasks), Outcome.EXPLAINED, {})
        return event

    def drop(self) -> None:
        """The case ended otherwise: the poster took it back."""
        if self.is_open:
            self.state = "dropped"
            self._ask_no_more()

    def begin_anew(self, department: Department) -> None:
        """Whoever worked on it may not any more: another one takes it on, in this department. Its clocks go on.

        Its department hears of it, unless the whole case goes there and nobody had begun: then the step of the case says it.
        """
        moved, begun = department.id != self.department_id, self.state != "open"
        if moved:
            self._ask_no_more()  # whoever has it now asks for himself
        self.department, self.state = department, "open"
        self.accepted_at = self.accepted_by = self.review_due_at = self.reviewed_at = self.reviewed_by = None
        self.conclusion, self.measures, self.findings = None, [], None
        self.proposed_at = self.proposed_by = None
        if begun or (moved and department.id != self.case.department_id):
            self._note("inquiry.sent_above" if moved else "inquiry.begun_anew", None)

    def tell_above(self) -> CaseEvent:
        """Those above hear that the task is theirs, as too few of the department whose it was may work on it."""
        return self._note("inquiry.sent_above", None)

    def note_overdue(self, what: str) -> CaseEvent | None:
        """A promise of this task is over: `told`, `review` or `due`. Its department hears of it, once."""
        due = {"told": self.told_due_at, "review": self.review_due_at, "due": self.due_at}[what]
        kept = {"told": self.told_at is not None, "review": self.state != "accepted", "due": False}[what]
        if not self.is_open or kept or due is None or due > now() or self.round != self.case.round:
            return None
        if what != "review":
            self.breached_at = self.breached_at or due
        return self._note("inquiry.overdue", None, what=what)

    # --- below the acts ----------------------------------------------------------------------------

    def _promise(self, what: str, at: datetime) -> None:
        key = f"inquiry-due:{self.public_id}:{what}:{at:%Y%m%d%H%M%S}"
        jobs.put("inquiry-due", key=key, due_at=at, inquiry=self.public_id, what=what)

    def _ask_no_more(self) -> None:
        from complaints.models.statement import Statement

        for each in Statement.of(self):
            each.withdraw()

    def _text(self, kind: str, words: str, by: Person, field: str) -> Text:
        return Text.write(kind, words, by=by, field=field)

    def _note(self, kind: str, by: Person | None, text: Text | None = None, **details: Any) -> CaseEvent:
        # Details are not published with the chain, which the poster may read.
        audience = Audience(followers=False)
        audience.add_department(self.department, "inquiry")
        return self.case.record(
            kind,
            by=by,
            role="officer" if by is not None else "system",
            office=self.department,
            internal=text,
            visibility="internal",
            audience=audience,
            details=details,
            task=self.kind,
        )

    def _say(self, kind: str, by: Person, text: Text, **parameters: Any) -> CaseEvent:
        return self.case.record(
            kind, by=by, role="officer", office=self.department, public=text, task=self.kind, **parameters
        )

    def _last(self) -> CaseEvent:
        return db.session.scalars(
            select(CaseEvent).where(CaseEvent.case_id == self.case_id).order_by(CaseEvent.seq.desc()).limit(1)
        ).one()


def lock_case(case_id: int) -> None:
    """Wait for the case before anything of its tasks is read."""
    lock(Case.id == case_id)


def _together(tasks: list[Inquiry]) -> str:
    """What the case's own answer says: one sentence for each task, in the language of the city. What was found stands in
    the steps that concluded them, however long it is."""
    with speaking(DEFAULT):
        return "\n\n".join(
            _(
                "%(unit)s comes to the conclusion: %(conclusion)s. What follows: %(measures)s.",
                unit=each.department.name,
                conclusion=conclusion_word(each.conclusion),
                measures=measure_words(each.measures),
            )
            for each in tasks
            if each.conclusion is not None
        )
