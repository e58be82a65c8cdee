"""Conflicts of interest: who may neither read a complaint nor hear of it, and who may not act on a case as inspector.

Asked of the database at the moment of asking, never stored: whoever is named, moved or appointed is bound from then on.
It costs one small statement a transaction (the tree of units) beside the condition itself, which only restricted rows meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, literal, or_, select, true
from sqlalchemy import case as sql_case

from board.clock import now
from board.db import db, writing
from board.seams import provides, veto
from boards.models import AssistTask, Case, CaseEvent, Holder, Report, Thread
from boards.policy import sees, whispered, whispered_threads
from complaints.models import Accused, Complaint, FormerParent, Inquiry, Recusal
from complaints.ties import Office, Tie, Tree, ties, units, window
from people.models import Appointment, Department, Person

# As whom somebody handles a case: an inspector who looked into it handled it, too.
HANDLING = ("officer", "leader", "dispatcher", "inspector")

# The reasons, the plainest first; complaints.words says them.
REASONS = (
    "accused", "sealed", "superior", "subordinate", "same_unit", "handled", "declared", "recused",
)  # fmt: skip


def conflicted(person: Person, case: Case) -> str | None:
    """Why `person` must keep away from `case`, None when he is free.

    Of any case but a complaint or tip: from acting on it as inspector; the accused there are the department that leads it and its handler.
    """
    reason: str | None = _asked_once(("conflict", person.id, case.id), lambda: _reason(person, case))
    return reason


def tied_units(person: Person) -> frozenset[int]:
    """The units, by table id, that `person` must not inspect as a whole: his own, those above, and those below what he
    leads, now or in the last 24 months."""
    found: frozenset[int] = _asked_once(
        ("units", person.id),
        lambda: frozenset().union(*units(_offices(person), _tree(), now()).values()),
    )
    return found


def kept_from_inspecting(person: Person) -> ColumnElement[bool]:
    """The condition on `Thread` for cases on which `person` must not act as inspector: what `conflicted` asks of one."""
    return or_(
        and_(whispered_threads(), or_(*_against(person).values())),
        and_(~whispered_threads(), or_(*_inspecting(person).values())),
    )


def free(people: Iterable[Person], case: Case) -> list[Person]:
    """Those of `people` whom nothing keeps away from the case, in their order."""
    return [person for person in people if conflicted(person, case) is None]


def free_of_conflict(person: Person) -> ColumnElement[bool]:
    """The condition on `Thread` for what no conflict of interest keeps `person` from reading."""
    return ~barred(person)


@provides("barred")
def barred(person: Person) -> ColumnElement[bool]:
    """The condition on `Thread` for what `person` may not read although his office would let him."""
    others = or_(Thread.poster_id.is_(None), Thread.poster_id != person.id)
    condition: ColumnElement[bool] = _asked_once(
        ("barred", person.id), lambda: and_(whispered_threads(), others, or_(*_against(person).values()))
    )
    return condition


@provides("barred_from")
def barred_from(person: Person, thread: Thread) -> bool:
    """The same for one thread at hand."""
    if not whispered(thread) or thread.poster_id == person.id or thread.case is None:
        return False
    return conflicted(person, thread.case) is not None


def free_to_inspect(person: Person) -> ColumnElement[bool]:
    """The condition on `Thread` for what nothing keeps `person` from doing as inspector: `conflicted` is None."""
    condition: ColumnElement[bool] = _asked_once(
        ("free", person.id),
        lambda: or_(
            and_(whispered_threads(), ~or_(*_against(person).values())),
            and_(~whispered_threads(), ~or_(*_inspecting(person).values())),
        ),
    )
    return condition


# --- what it binds -------------------------------------------------------------------------------------------


@veto("*")
def keeps_away(person: Person | Holder | None, thing: Any) -> bool:
    """Whoever may not read a case because of a conflict of interest may do nothing to it or to what belongs to it. What a
    unit is asked about itself (a statement) it may answer."""
    if person is None or isinstance(person, Holder):
        return False  # whoever holds a receipt holds no office; the rules give him his own thread alone
    if isinstance(thing, Inquiry):
        return conflicted(person, thing.case) is not None
    thread = thread_of(thing)
    return thread is not None and barred_from(person, thread)


@veto("case.inspect")
def keeps_from_inspecting(person: Person, case: Case) -> bool:
    """He does nothing to it as inspector, public or not."""
    return conflicted(person, case) is not None


@veto("event.hear")
def keeps_from_hearing(person: Person, event: CaseEvent) -> bool:
    """He hears of none of its steps."""
    return barred_from(person, event.thread)


@veto("case.responsible")
def keeps_from_answering(person: Person, case: Case) -> bool:
    """Nobody answers for a complaint who may not read it, but for the superior authority, to which it is on its way."""
    if not whispered(case.thread):
        return False
    return conflicted(person, case) is not None or not (sees(person, case.thread) or _above(person))


def thread_of(thing: Any) -> Thread | None:
    """The thread that a rule is asked about; None where it is about something else."""
    if isinstance(thing, tuple):
        return next((each for each in thing if isinstance(each, Thread)), None)
    if isinstance(thing, Thread):
        return thing
    if isinstance(thing, Case):
        return thing.thread
    if isinstance(thing, AssistTask):
        return thing.case.thread
    if isinstance(thing, (CaseEvent, Report)):
        return thing.thread
    return None


# --- the reasons ---------------------------------------------------------------------------------------------


def _reason(person: Person, case: Case) -> str | None:
    against = _against(person) if whispered(case.thread) else _inspecting(person)
    reason = sql_case(*((against[why], literal(why)) for why in REASONS if why in against), else_=None)
    return db.session.scalar(select(reason).select_from(Thread).where(Thread.id == case.thread_id))


def _against(person: Person) -> dict[str, ColumnElement[bool]]:
    """Each reason as a condition on `Thread`, by who is accused there."""
    related = _related(person, Accused.person_id, Accused.department_id, Accused)

    def accusing(condition: ColumnElement[bool]) -> ColumnElement[bool]:
        named = select(Accused.id).join(Case, Accused.case_id == Case.id)
        return named.where(Case.thread_id == Thread.id, condition).correlate(Thread).exists()

    against = {why: accusing(condition) for why, condition in related.items()}
    handled = (
        select(CaseEvent.id)
        .join(Complaint, Complaint.about_id == CaseEvent.case_id)
        .join(Case, Complaint.case_id == Case.id)
        .where(
            Case.thread_id == Thread.id,
            CaseEvent.actor_id == person.id,
            CaseEvent.actor_role.in_(HANDLING),
        )
    )
    against["handled"] = handled.correlate(Thread).exists()
    if not _above(person):
        sealed = select(Department.id).where(Department.kind == "authority")
        against["sealed"] = and_(Thread.restricted_to_id.is_not(None), Thread.restricted_to_id.in_(sealed))
    return against | _stepped_back(person)


def _inspecting(person: Person) -> dict[str, ColumnElement[bool]]:
    """Each reason not to act as inspector on a public case."""
    related = _related(person, Case.handler_id, Case.department_id, Case)

    def leading(condition: ColumnElement[bool]) -> ColumnElement[bool]:
        return select(Case.id).where(Case.thread_id == Thread.id, condition).correlate(Thread).exists()

    against = {why: leading(condition) for why, condition in related.items()}
    handled = select(CaseEvent.id).where(
        CaseEvent.thread_id == Thread.id,
        CaseEvent.actor_id == person.id,
        CaseEvent.actor_role.in_(tuple(role for role in HANDLING if role != "inspector")),
    )
    against["handled"] = handled.correlate(Thread).exists()
    return against | _stepped_back(person)


def _stepped_back(person: Person) -> dict[str, ColumnElement[bool]]:
    def said(kind: str) -> ColumnElement[bool]:
        rows = select(Recusal.id).join(Case, Recusal.case_id == Case.id)
        mine = rows.where(Case.thread_id == Thread.id, Recusal.person_id == person.id, Recusal.kind == kind)
        return mine.correlate(Thread).exists()

    return {"declared": said("declared"), "recused": said("recused")}


def _related(person: Person, accused: Any, unit: Any, row: Any) -> dict[str, ColumnElement[bool]]:
    """What `person` is to the officer `accused` and the unit `unit`, columns of `row`, as conditions on them."""
    moment, tree = now(), _tree()
    offices = _offices(person)
    own_units = units(offices, tree, moment)
    found: dict[str, ColumnElement[bool]] = {"accused": accused == person.id}
    for why in ("superior", "subordinate", "same_unit"):
        wanted = [tie for tie in ties(offices, tree, moment) if tie.why == why]
        reasons = [_holds(accused, row, wanted, moment)] if wanted else []
        if own_units[why]:
            reasons.append(unit.in_(sorted(own_units[why])))
        found[why] = or_(*reasons) if reasons else false()
    return found


def _holds(accused: Any, row: Any, wanted: Iterable[Tie], moment: datetime) -> ColumnElement[bool]:
    """The accused holds or held one of the offices that tie: `Tie.holds` as a condition."""

    def one(tie: Tie) -> ColumnElement[bool]:
        return and_(
            Appointment.department_id.in_(sorted(tie.departments)),
            Appointment.role == "leader" if tie.leaders else true(),
            Appointment.starts_at < tie.until if tie.until is not None else true(),
            or_(Appointment.ends_at.is_(None), Appointment.ends_at > tie.since),
        )

    office = select(Appointment.id).where(
        Appointment.person_id == accused,
        Appointment.starts_at <= moment,
        or_(Appointment.ends_at.is_(None), Appointment.ends_at > window(moment)),
        or_(*(one(tie) for tie in wanted)),
    )
    return office.correlate(row).exists()


def _above(person: Person) -> bool:
    return any(each.kind == "authority" for each in person.departments)


def _offices(person: Person) -> list[Office]:
    return [
        Office(each.department_id, each.role, each.starts_at, each.ends_at)
        for each in person.appointments
        if each.department_id is not None
    ]


def _tree() -> Tree:
    tree: Tree = _asked_once(("tree",), _read_tree)
    return tree


def _read_tree() -> Tree:
    today = select(Department.id, Department.parent_id, Department.kind)
    moved = select(FormerParent.department_id, FormerParent.parent_id, literal("")).where(
        FormerParent.until > window(now())
    )
    above: dict[int, set[int]] = {}
    integrity: set[int] = set()
    for department, parent, kind in db.session.execute(today.union_all(moved)):
        if parent is not None:
            above.setdefault(department, set()).add(parent)
        if kind == "integrity":
            integrity.add(department)
    return Tree(above, integrity)


def _asked_once(key: tuple[Any, ...], ask: Callable[[], Any]) -> Any:
    """What `ask` gives, asked once while one reading transaction lasts: what it sees stands still. While rows are
    being changed it is asked each time."""
    if writing():
        return ask()
    session = db.session()
    session.connection()  # it has begun
    transaction, answers = session.info.get("conflicts", (None, {}))
    if transaction is not session.get_transaction():
        answers = {}
        session.info["conflicts"] = session.get_transaction(), answers
    if key not in answers:
        answers[key] = ask()
    return answers[key]


__all__ = [
    "REASONS",
    "barred",
    "barred_from",
    "conflicted",
    "free",
    "free_of_conflict",
    "thread_of",
    "tied_units",
]
