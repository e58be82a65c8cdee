"""What lands with the inspectors from ordinary cases: who may read and do it, the jobs behind its clocks, what sets it off."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_, select

from board import jobs
from board.db import db, transaction
from board.events import on
from board.permissions import rule
from board.seams import provides, veto
from boards.models import Case, CaseEvent, Thread
from boards.models.status import Visibility
from boards.policy import sees, whispered, whispered_threads
from complaints import conflicts
from complaints.models.inquiry import lock_case
from complaints.models.pressure_question import PressureQuestion
from complaints.models.referral import Referral, referable
from complaints.models.reprisal import Reprisal
from complaints.models.sealing import WHY, Sealing
from complaints.policy import may_inspect
from people.models import Person

# --- who reads a case that has come to the inspectors ------------------------------------------------------


@provides("landed_with")
def landed_with(person: Person) -> ColumnElement[bool] | None:
    """The condition on `Thread` for what is not public and has come to this inspector; None for everybody else."""
    if not may_inspect(person):
        return None
    return and_(
        Thread.visibility != Visibility.PUBLIC,
        not_(whispered_threads()),
        conflicts.free_to_inspect(person),
        or_(Thread.restricted_why.is_not_distinct_from(WHY), *(_exists(each) for each in _rows())),
    )


def _rows() -> list[Any]:
    return [
        select(Referral.id).join(Case, Referral.case_id == Case.id),
        select(Reprisal.id).join(Case, Reprisal.case_id == Case.id),
        select(PressureQuestion.id)
        .join(Case, PressureQuestion.case_id == Case.id)
        .where(PressureQuestion.answer == "yes"),
    ]


def _exists(rows: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = rows.where(Case.thread_id == Thread.id).correlate(Thread).exists()
    return found


@provides("landed_with_one")
def landed_with_one(person: Person, thread: Thread) -> bool:
    """The same for one thread at hand."""
    if thread.is_public or thread.case is None or whispered(thread) or not may_inspect(person):
        return False
    case = thread.case
    come = (
        thread.restricted_why == WHY or Referral.of(case) or Reprisal.of(case) or PressureQuestion.told(case)
    )
    return bool(come) and conflicts.conflicted(person, case) is None


# --- who may do what ---------------------------------------------------------------------------------------


@veto("case.inspect")
def keeps_inspector_away(person: Person, case: Case) -> bool:
    """Nobody acts as inspector on a case of a unit or an officer that he is tied to."""
    return conflicts.conflicted(person, case) is not None


def may_act(person: Person | None, case: Case) -> bool:
    """An inspector who reads the case and whom nothing ties to it: the condition of every act of this part."""
    return (
        person is not None
        and may_inspect(person)
        and sees(person, case.thread)
        and conflicts.conflicted(person, case) is None
    )


@rule("case.seal")
def may_seal(person: Person | None, case: Case) -> bool:
    """A leader of the department in charge, or of one above it."""
    return (
        person is not None
        and person.is_staff
        and person.leads(case.department)
        and sees(person, case.thread)
        and not whispered(case.thread)
    )


@rule("sealing.decide")
def may_decide_sealing(person: Person | None, sealing: Sealing) -> bool:
    """An inspector outside of the department, and not who asked for it."""
    return person is not None and may_act(person, sealing.case) and person.id != sealing.asked_by_id


@rule("sealing.lift")
def may_lift(person: Person | None, sealing: Sealing) -> bool:
    """A leader of the department that is in charge now, and an inspector who is free."""
    return may_seal(person, sealing.case) or may_act(person, sealing.case)


@rule("referral.file", "reprisal.file")
def may_turn_to_inspectors(person: Person | None, case: Case) -> bool:
    """Its poster, signed in with an account of his own."""
    return person is not None and not person.is_staff and case.thread.poster_id == person.id


@rule("referral.decide", "reprisal.answer", "pressure.note")
def may_answer_it(person: Person | None, row: Referral | Reprisal | PressureQuestion) -> bool:
    """An inspector who is free."""
    return may_act(person, row.case)


@rule("pressure.answer")
def may_say(person: Person | None, question: PressureQuestion) -> bool:
    """Whoever was asked."""
    return person is not None and question.person_id == person.id


def may_refer(person: Person | None, case: Case) -> bool:
    """Whether the poster can put anything of this case to the inspectors now."""
    return may_turn_to_inspectors(person, case) and bool(referable(case, person))


# --- what sets it off --------------------------------------------------------------------------------------


@on("case.rated")
def rated(event: CaseEvent) -> None:
    """A second bad rating goes to the inspectors; whoever changed his rating is asked in private whether he was pressed."""
    case, poster = event.case, event.actor
    if case is None or poster is None or event.parameters.get("imported"):
        return
    if event.parameters.get("corrected"):
        PressureQuestion.ask(case, poster, after="rating", mark=event.seq)
    rating = case.rating_of(poster)
    if rating is not None and rating.is_bad and rating.answer >= 2 and poster.id == case.thread.poster_id:
        Referral.put_by_rating(case, poster=poster)


@on("case.withdrawn")
def withdrawn(event: CaseEvent) -> None:
    """Whoever took his case back is asked in private whether he was pressed, unless he said so on the form."""
    if event.case is None or event.actor is None or event.parameters.get("imported"):
        return
    said = str(event.details.get("pressed", ""))
    PressureQuestion.ask(event.case, event.actor, after="withdrawn", mark=event.seq, answer=said)


@on("case.reopened")
def handled_again(event: CaseEvent) -> None:
    """It is handled again: what was put to the inspectors of the round before is settled."""
    if event.case is not None:
        for each in Referral.waiting(event.case):
            if each.kind != "sealed":
                each.drop()


# --- what time does ------------------------------------------------------------------------------------------


def _at_its_time(model: Any, public_id: str) -> Any:
    """The row, with its case locked; None where it is gone."""
    case_id = db.session.scalar(select(model.case_id).where(model.public_id == public_id))
    if case_id is None:
        return None
    lock_case(case_id)
    found = select(model).where(model.public_id == public_id).execution_options(populate_existing=True)
    return db.session.scalars(found).one()


@jobs.handler("seal-due")
def seal_due(sealing: str) -> None:
    """24 hours are over: what no inspector confirmed is public again."""
    with transaction():
        row = _at_its_time(Sealing, sealing)
        if row is not None:
            row.lapse()


@jobs.handler("referral-due")
def referral_due(referral: str) -> None:
    """The time for an answer is over: the poster and the inspectors hear of it, once."""
    with transaction():
        row = _at_its_time(Referral, referral)
        if row is not None:
            row.note_overdue()


@jobs.handler("reprisal-due")
def reprisal_due(reprisal: str) -> None:
    """24 hours are over and nobody has answered."""
    with transaction():
        row = _at_its_time(Reprisal, reprisal)
        if row is not None:
            row.note_overdue()
