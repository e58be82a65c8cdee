"""Who may do what on the board: one table, read by verbs, pages, sockets and commands; and what one may see."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, select, true

from board.db import db
from board.permissions import rule
from board.seams import provided, stream, vetoed
from boards.models.appeal import Appeal, wrote
from boards.models.assist import AssistTask
from boards.models.case import Case
from boards.models.contacts import thread_of
from boards.models.handover import Handover
from boards.models.holder import Poster, posted_by
from boards.models.mention import Mention, told_departments
from boards.models.moderation_act import ModerationAct
from boards.models.section import Section
from boards.models.status import Visibility
from boards.models.text import Text
from boards.models.thread import Thread
from people.models import Department, Person
from people.models.department import WATCHING


def readable_departments(person: Person) -> set[int]:
    """The departments whose restricted and held cases `person` may read: those he serves, and those below what he leads."""
    readable = {department.id for department in person.departments}
    for appointment in person.current_appointments():
        if appointment.role == "leader" and appointment.department is not None:
            readable |= {below.id for below in appointment.department.descendants() if not below.is_apart}
    return readable


def visible_to(person: Person | None) -> ColumnElement[bool]:
    """The condition on `Thread` for what `person` may read: the only way to query threads.

    Public ones, his own, those held that he moderates or works on, and those restricted to his departments, but for
    what a part above keeps from him (`barred`): a complaint about himself.
    """
    public = Thread.visibility == Visibility.PUBLIC
    if person is None or not person.active:
        return public
    mine = Thread.poster_id == person.id
    if not person.is_staff:
        return or_(public, mine)
    departments = readable_departments(person)
    working = _working_there(person, departments)
    held = and_(
        Thread.visibility == Visibility.HELD,
        true() if person.has_role("moderator") else working,
    )
    restricted = and_(Thread.visibility == Visibility.RESTRICTED, _among_readers(person, departments))
    barred: ColumnElement[bool] | None = provided("barred", person)
    working_on = or_(held, restricted) if barred is None else and_(or_(held, restricted), ~barred)
    # What has come to an inspector from an ordinary case; the part that keeps it asks for conflicts itself.
    landed: ColumnElement[bool] | None = provided("landed_with", person)
    return or_(public, mine, working_on) if landed is None else or_(public, mine, working_on, landed)


def _among_readers(person: Person, departments: set[int]) -> ColumnElement[bool]:
    # What a section keeps to its department is read by those who serve there; that somebody leads above is no reason.
    if not departments:
        return false()
    serving = {department.id for department in person.departments}
    wide = or_(Thread.restricted_to_id.in_(departments), _working_there(person, departments))
    if serving != departments:
        confined = Thread.restricted_why == "section"
        inside = or_(Thread.restricted_to_id.in_(serving), _working_there(person, serving))
        wide = or_(
            and_(or_(Thread.restricted_why.is_(None), not_(confined)), wide),
            and_(confined, inside) if serving else false(),
        )
    apart = {department.id for department in person.departments if department.kind in WATCHING}
    beside = provided("readers_beside", apart) if apart else None  # nobody else has tasks in a case of others
    return wide if beside is None else or_(wide, beside)


def _working_there(person: Person, departments: set[int]) -> ColumnElement[bool]:
    # Whoever leads the case, assists in it, or must say whether to take it; the desk while it must decide.
    if not departments:
        return false()
    # Asked of each row by itself: gathered for all cases first, one restricted row would cost a walk over them all.
    leading = (
        select(Case.id)
        .where(
            Case.thread_id == Thread.id,
            or_(Case.department_id.in_(departments), Case.at_desk if _at_desk(person) else false()),
        )
        .correlate(Thread)
    )
    assisting = (
        select(AssistTask.id)
        .join(Case, AssistTask.case_id == Case.id)
        .where(
            Case.thread_id == Thread.id,
            AssistTask.department_id.in_(departments),
            AssistTask.state == "open",
        )
        .correlate(Thread)
    )
    offered = (
        select(Handover.id)
        .join(Case, Handover.case_id == Case.id)
        .where(Case.thread_id == Thread.id, Handover.to_id.in_(departments), Handover.state == "offered")
        .correlate(Thread)
    )
    return or_(leading.exists(), assisting.exists(), offered.exists())


def sees(person: Person | None, thread: Thread) -> bool:
    """Whether `person` may read this thread: the same rule as `visible_to`, for one row at hand."""
    if thread.is_public:
        return True
    if person is None or not person.active:
        return False
    if thread.poster_id == person.id:
        return True
    if not person.is_staff or provided("barred_from", person, thread, default=False):
        return False
    serving = {department.id for department in person.departments}
    departments = serving if thread.is_confined else readable_departments(person)
    working = thread.case is not None and _works_on(person, thread.case, departments)
    if thread.visibility == Visibility.HELD:
        among = working or person.has_role("moderator")
    else:
        among = working or thread.restricted_to_id in departments or bool(serving & _beside(thread))
    return among or bool(provided("landed_with_one", person, thread, default=False))


def _beside(thread: Thread) -> set[int]:
    # Departments with a task of their own in it that no column of the case tells: the inquiries of a complaint.
    return set(provided("departments_beside", thread, default=())) if thread.is_restricted else set()


def _works_on(person: Person, case: Case, departments: set[int]) -> bool:
    handover = case.open_handover()
    return (
        case.department_id in departments
        or any(each.id in departments for each in case.assisting())
        or (handover is not None and handover.to_id in departments)
        or (case.at_desk and _at_desk(person))
    )


def department_sees(department: Department, thread: Thread) -> bool:
    """Whether `department` works on this thread: whom its inbox tells, each after he was asked for himself."""
    if thread.is_public or (thread.is_restricted and thread.restricted_to_id == department.id):
        return True
    case = thread.case
    if case is None:
        return False
    handover = case.open_handover()
    return (
        case.department_id == department.id
        or any(each.id == department.id for each in case.assisting())
        or (handover is not None and handover.to_id == department.id)
        or (case.at_desk and department.is_desk)
        or department.id in _beside(thread)
    )


def department_hears(department: Department, thread: Thread) -> bool:
    """Whether everybody who listens at `department` may read this thread: what its live stream may name.

    Of a `whispered` thread no department's stream says anything, not even that there was something.
    """
    return department_sees(department, thread) and not whispered(thread)


def whispered(thread: Thread) -> bool:
    """Whether its steps are told to persons alone, as somebody who serves beside them may be barred from it: what is not
    public in a section that the public does not read, complaints and tips."""
    return not thread.is_public and not thread.section.is_public


def whispered_threads() -> ColumnElement[bool]:
    """The same as a condition on `Thread`."""
    closed = select(Section.id).where(Section.readers != "public")
    return and_(Thread.visibility != Visibility.PUBLIC, Thread.section_id.in_(closed))


def _serves(person: Person | None, department: Department | None) -> bool:
    # Leaders above a department read, instruct and decide there; its officers' work is not theirs.
    return person is not None and person.is_staff and person.serves(department)


def _oversees(person: Person | None, department: Department | None) -> bool:
    return person is not None and person.is_staff and (person.serves(department) or person.leads(department))


def _at_desk(person: Person | None) -> bool:
    return person is not None and any(each.is_desk for each in person.departments)


def _posted(person: Poster | None, case: Case) -> bool:
    return posted_by(case.thread, person)


def _free(verb: str, person: Person | None, thing: Any) -> bool:
    return not vetoed(verb, person, thing)


# --- the case -----------------------------------------------------------------------------------------


@rule("case.acknowledge", "case.answer")
def may_acknowledge(person: Person | None, case: Case) -> bool:
    """Whoever is on duty in the lead department, and its leaders."""
    return (
        person is not None
        and may_accept(person, case)
        and (person.has_role("leader", case.department) or person.on_duty_for(case.department))
    )


@rule("case.accept", "case.decline")
def may_accept(person: Person | None, case: Case) -> bool:
    """The lead department: whoever serves there; a colleague who is not on duty may help."""
    return _serves(person, case.department) and _free("case.accept", person, case)


@rule("case.assign", "case.extend", "case.assist_waive", "case.approve")
def may_lead(person: Person | None, case: Case) -> bool:
    """A leader of the lead department, or of one above it who may read the case."""
    return (
        person is not None
        and person.leads(case.department)
        and sees(person, case.thread)
        and _free("case.assign", person, case)
    )


@rule("case.instruct")
def may_instruct(person: Person | None, case: Case) -> bool:
    """A leader of the department or of any above who may read the case."""
    return person is not None and person.leads(case.department) and sees(person, case.thread)


@rule("case.claim", "case.offer", "case.assist")
def may_claim(person: Person | None, case: Case) -> bool:
    """An officer of the lead department."""
    return _serves(person, case.department) and _free("case.claim", person, case)


@rule("case.progress")
def may_progress(person: Person | None, case: Case) -> bool:
    """The handler, his department where nobody handles it yet or a shift changed, and assisting departments."""
    return _handles(person, case) or any(_serves(person, each) for each in case.assisting())


@rule("case.note")
def may_note(person: Person | None, case: Case) -> bool:
    """Every department that works on it, and the desk."""
    if person is None or not person.is_staff or not person.active:
        return False
    working = {case.department_id, *(each.id for each in case.assisting()), *_beside(case.thread)}
    return any(each.id in working for each in person.departments) or (
        _at_desk(person) and sees(person, case.thread)
    )


@rule("case.ask", "case.suspend", "case.resolve")
def may_handle(person: Person | None, case: Case) -> bool:
    """The handler; before there is one, and when the handler is off duty, an officer of the lead department."""
    return _handles(person, case) and _free("case.resolve_actor", person, case)


def _handles(person: Person | None, case: Case) -> bool:
    if person is None or not _serves(person, case.department):
        return False
    if case.handler is None or case.handler.id == person.id or person.has_role("leader", case.department):
        return True
    return not case.handler.on_duty_for(case.department)


@rule("case.resume")
def may_resume(person: Person | None, case: Case) -> bool:
    """An officer of the lead department."""
    return _serves(person, case.department)


@rule("case.supplement", "case.nudge", "case.withdraw", "case.follow_up", "case.reopen")
def may_as_poster(person: Poster | None, case: Case) -> bool:
    """Its poster; where it was posted by a receipt, whoever holds that."""
    return _posted(person, case)


@rule("case.rate")
def may_rate(person: Poster | None, case: Case) -> bool:
    """Its poster or who holds its receipt, and the posters of the cases merged into it."""
    return _posted(person, case) or (
        person is not None and any(each.id == person.id for each in case.merged_posters())
    )


@rule("case.rectify")
def may_rectify(person: Person | None, case: Case) -> bool:
    """Another officer of the lead department than the one who answered."""
    return (
        person is not None
        and _serves(person, case.department)
        and (case.handler is None or case.handler.id != person.id)
    )


@rule("case.reopen_as_inspector")
def may_reopen_as_inspector(person: Person | None, case: Case) -> bool:
    """Whoever serves with the inspectors and may act on this case."""
    return (
        person is not None
        and person.is_staff
        and any(each.kind in WATCHING for each in person.departments)
        and sees(person, case.thread)
        and _free("case.inspect", person, case)
    )


@rule("case.route", "case.merge")
def may_dispatch(person: Person | None, case: Case) -> bool:
    """An officer of the dispatch desk."""
    return _at_desk(person) and sees(person, case.thread)


@rule("case.relay")
def may_relay(person: Person | None, case: Case) -> bool:
    """Whoever is on duty at the dispatch desk."""
    return (
        person is not None
        and may_dispatch(person, case)
        and any(each.is_desk and person.on_duty_for(each) for each in person.departments)
    )


@rule("case.unmerge")
def may_unmerge(person: Person | None, case: Case) -> bool:
    """The desk, and the poster who says that it is not the same matter."""
    return _posted(person, case) or may_dispatch(person, case)


@rule("case.take")
def may_take(person: Person | None, case: Case) -> bool:
    """The department to which the case is offered."""
    handover = case.open_handover()
    return (
        handover is not None and _serves(person, handover.to_department) and _free("case.take", person, case)
    )


@rule("case.return")
def may_return(person: Person | None, case: Case) -> bool:
    """The department to which the case is offered, or to which the desk has just sent it."""
    handover = case.open_handover() or case.fresh_routing()
    return handover is not None and _serves(person, handover.to_department)


@rule("assist.answer")
def may_answer_assist(person: Person | None, task: AssistTask) -> bool:
    """The department that was asked to help."""
    return _serves(person, task.department)


@rule("case.assist_answer")
def may_answer_some_assist(person: Person | None, case: Case) -> bool:
    """A department with an open task."""
    return any(_serves(person, each) for each in case.assisting())


# --- threads, texts, sections -----------------------------------------------------------------------------


@rule("section.post")
def may_post(person: Person | None, section: Section) -> bool:
    """Members, where a section is open and not the staff's own. An officer's account is not a citizen's."""
    return (
        person is not None
        and person.active
        and not person.is_staff
        and not section.is_closed
        and not section.staff_posts
    )


@rule("section.post_by_receipt")
def may_post_by_receipt(person: Person | None, section: Section) -> bool:
    """Anybody, without an account, where a section offers receipts and the public does not read it."""
    return (
        "receipt" in section.identities
        and not section.is_public
        and not section.is_closed
        and not section.staff_posts
    )


@rule("section.publish")
def may_publish(person: Person | None, section: Section) -> bool:
    """Guides and notices: the section's own department, those below it, and moderators."""
    if person is None or not person.active or section.is_closed:
        return False
    home = section.department
    below = home is not None and any(home in each.ancestors() for each in person.departments)
    return person.is_staff and (_serves(person, home) or below or person.has_role("moderator"))


@rule("thread.reply")
def may_reply(person: Person | None, thread: Thread) -> bool:
    """Whoever is signed in; where the poster wants no replies, only he and the departments."""
    if person is None or not person.active or not sees(person, thread):
        return False
    case = thread.case
    if case is not None and case.parent_id is not None:
        return False  # a duplicate points to the main case
    if person.id == thread.poster_id:
        return True
    if person.is_staff:
        if case is None:
            return bool(person.departments)
        mine = {each.id for each in person.departments}
        offices = {case.department_id, *(each.id for each in case.assisting()), *told_departments(thread)}
        return (
            bool(mine & offices)
            or _serves(person, case.department)
            or _at_desk(person)
            or person.has_role("expert")
        )
    return not thread.replies_closed and thread.is_public


@rule("thread.watch")
def may_watch(person: Person | None, thread: Thread) -> bool:
    """Whoever is signed in and may read it."""
    return person is not None and sees(person, thread)


@rule("thread.edit", "thread.switch_replies", "thread.agree_release", "thread.change_identity")
def may_edit(person: Person | None, thread: Thread) -> bool:
    """Its poster."""
    return person is not None and thread.poster_id == person.id


@rule("thread.propose_release")
def may_propose_release(person: Person | None, thread: Thread) -> bool:
    """The department a thread is restricted to."""
    # What was sealed is given back by whoever sealed it, or by an inspector: not by asking its poster.
    sealed = thread.restricted_why == "sealed"
    return (
        person is not None and thread.is_restricted and not sealed and _serves(person, thread.restricted_to)
    )


@rule("thread.hold", "thread.release", "thread.move", "thread.propose")
def may_hold(person: Person | None, thread: Thread) -> bool:
    """A moderator; never a text about his own department, and never what only a department may read."""
    return (
        person is not None
        and person.has_role("moderator")
        and not thread.is_restricted
        and sees(person, thread)
        and not about_own(person, thread)
    )


def own_departments(person: Person) -> set[int]:
    """The departments about which `person` moderates nothing: those he serves, and those below what he leads."""
    return readable_departments(person)


def about_own(person: Person, thread: Thread) -> bool:
    """Whether a thread is about a department of `person`: its own, one that helps, or one that was named in it."""
    own = own_departments(person)
    if not own:
        return False
    case = thread.case
    if case is None:
        near = {thread.section.department_id}
    else:
        near = {case.department_id, *(each.id for each in case.assisting())}
    return bool(own & {*near, *told_departments(thread)})


def not_about_own(person: Person) -> ColumnElement[bool]:
    """The condition on `Thread` for what `about_own` denies: for queues, so that a page of one is full."""
    own = own_departments(person)
    if not own:
        return true()
    leading = select(Case.id).where(Case.thread_id == Thread.id, Case.department_id.in_(own))
    helping = (
        select(AssistTask.id)
        .join(Case, AssistTask.case_id == Case.id)
        .where(
            Case.thread_id == Thread.id,
            AssistTask.department_id.in_(own),
            AssistTask.state == "open",
        )
    )
    named = select(Mention.id).where(
        Mention.thread_id == Thread.id, Mention.department_id.in_(own), Mention.told
    )
    sections = select(Section.id).where(Section.department_id.in_(own))
    cases = select(Case.id).where(Case.thread_id == Thread.id)
    return and_(
        ~leading.correlate(Thread).exists(),
        ~helping.correlate(Thread).exists(),
        ~named.correlate(Thread).exists(),
        or_(cases.correlate(Thread).exists(), Thread.section_id.not_in(sections)),
    )


@rule("moderation.open")
def may_moderate(person: Person | None, _thing: object = None) -> bool:
    """The moderators' queue: whoever is a moderator now."""
    return person is not None and person.is_staff and person.has_role("moderator")


@rule("words.watch")
def may_watch_words(person: Person | None, _thing: object = None) -> bool:
    """Moderators and administrators keep the watched words."""
    return may_moderate(person) or (person is not None and person.has_role("administrator"))


@rule("appeal.file")
def may_appeal(person: Person | None, act: ModerationAct) -> bool:
    """Whoever wrote what was held, hidden or covered."""
    return person is not None and not person.is_staff and sees(person, act.thread) and wrote(act, person)


@rule("appeal.decide")
def may_decide_appeal(person: Person | None, appeal: Appeal) -> bool:
    """Another moderator than the one who acted; never about his own department."""
    return person is not None and may_hold(person, appeal.thread) and appeal.act.by_id != person.id


@rule("thread.pin")
def may_pin(person: Person | None, thread: Thread) -> bool:
    """A moderator, and the department of a section its staff writes in."""
    if person is None or not thread.is_public:
        return False
    return person.has_role("moderator") or (
        thread.section.staff_posts and _serves(person, thread.section.department)
    )


@rule("text.cover")
def may_cover(person: Person | None, text: Text) -> bool:
    """Its author, always."""
    return person is not None and text.author_id is not None and text.author_id == person.id


@rule("text.release_contacts")
def may_release_contacts(person: Person | None, text: Text) -> bool:
    """A moderator, where he may hold the thread: never about his own department, never in a restricted one."""
    return person is not None and may_hold(person, thread_of(text))


@rule("text.original")
def may_uncover(person: Person | None, pair: tuple[Text, Thread]) -> bool:
    """Its author, and the department responsible for the case while it is; each look is recorded."""
    text, thread = pair
    if person is None or text.author_id == person.id:
        return person is not None
    if shields(thread, text.author_id):
        free = thread.case is None or _free("case.inspect", person, thread.case)
        return person.has_role("inspector") and sees(person, thread) and free
    return _answers_for(person, thread)


def shields(thread: Thread, author_id: int | None) -> bool:
    """Whether these words are the poster's own where only inspectors may learn who he is: a number in them may be his."""
    return thread.identity == "sealed" and author_id == thread.poster_id


@rule("thread.revisions")
def may_read_revisions(person: Person | None, thread: Thread) -> bool:
    """Officers' earlier words are public; a member's are for himself, and for the department while it is responsible."""
    if person is not None and person.id == thread.poster_id:
        return True
    if person is not None and not shields(thread, thread.poster_id) and _answers_for(person, thread):
        return True
    return thread.poster is not None and thread.poster.is_staff and sees(person, thread)


def _answers_for(person: Person, thread: Thread) -> bool:
    case = thread.case
    return case is not None and case.is_open and sees(person, thread) and person.serves(case.department)


@rule("report.file")
def may_report(person: Person | None, thread: Thread) -> bool:
    """Anybody, without an account."""
    return sees(person, thread)


@rule("desk.open")
def may_open_desk(person: Person | None, department: Department | None) -> bool:
    """Whoever serves somewhere; a department's own desk for those who serve it or lead it, the inspectors' for theirs."""
    if person is None or not person.is_staff:
        return False
    if department is None:
        return bool(person.departments)
    return _serves(person, department) if department.is_apart else _oversees(person, department)


@stream("moderation")
def may_hear_queue(person: Person | None, ref: str) -> bool:
    """The moderators' queue, and who of them looks at what."""
    return ref in ("queue", "looking") and may_moderate(person)


# --- live streams -------------------------------------------------------------------------------------------


@stream("case")
def may_follow_case(person: Person | None, ref: str) -> bool:
    """Readers of the thread. Visitors poll; a socket is opened only for whoever is signed in."""
    return db.session.scalar(select(Thread.id).where(Thread.public_id == ref, visible_to(person))) is not None


__all__ = ["readable_departments", "sees", "visible_to"]
