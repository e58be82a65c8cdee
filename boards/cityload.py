"""Hang a city on the wall: its departments, sections, people and shifts, then its sample threads, act by act.

Sample threads are replayed through the real verbs with the clock set back, so that what they show is what the
board really does; between two acts the jobs of time run that would have run then. Loading again adds what is
missing and changes what the file says differently; it never touches what people did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import func, inspect, select

from board import clock, facts, jobs
from board.clock import now
from board.db import db, transaction
from board.errors import BoardError, NotFound
from board.files import StoredFile, keep
from board.i18n import _, speaking
from board.images import Picture, rebuild
from board.seams import provided
from boards import reviewing, scenes
from boards.cityduty import add_rotations, hand_over
from boards.cityfile.entries import ON_DUTY, CityFile, DepartmentEntry, SectionEntry, Step, ThreadEntry
from boards.cityfile.playbook import Act, playbook
from boards.cityfile.roster import roster
from boards.models import AssistTask, Case, CaseEvent, Section, StockPhrase, Thread
from boards.models.posting import Draft, post, reply
from boards.models.status import OPEN, Status
from boards.models.text import Text
from boards.models.watch import follow
from boards.photos import OF_TEXT
from people import contacts, vault
from people.links import offer_cast
from people.members import join
from people.models import Appointment, Department, Person, Shift

TIME_JOBS = ("deadline-due", "deadline-reminder", "handover-due", "resume-case", "ask-follow-up")
SOURCE = "city:"
BUSY = "busy:"
LOADED = (SOURCE, BUSY)  # how the sources of threads begin that were loaded, not lived
LIVED = timedelta(days=60)  # how long the members of a loaded city have been there
STORY = "story"  # the fact that says how far a load has come
FILLING = "filling"  # the fact that says since when a department is being given cases


class LoadError(Exception):
    """What cannot be loaded: a step that the board's own rules refuse, a department that cannot be given cases."""


@dataclass
class Loaded:
    """What a load did, for the report."""

    departments: int = 0
    sections: int = 0
    people: int = 0
    shifts: int = 0
    threads: int = 0
    steps: int = 0
    people_ids: dict[str, int] = field(default_factory=dict)


def load(city: CityFile, *, at: datetime | None = None) -> tuple[Loaded, list[Act]]:
    """Everything but the threads, in one transaction; the acts still to be played, oldest first."""
    moment = at or now()
    done = Loaded()
    with transaction():
        _facts(city)
        _departments(city, done)
        _sections(city, done)
        _people(city, done)
        _appointments(city, done)
        _offer_cast(city, done)
        _shifts(city, moment, done)
    _seed_calendar(moment)
    return done, _left(city) or _fresh(city, moment)


def unfinished() -> dict[str, Any] | None:
    """What a load left that was stopped in the middle: when it began, its threads, its acts, and how many are done."""
    story: dict[str, Any] | None = facts.facts().get(STORY)
    return story


def _left(city: CityFile) -> list[Act]:
    """The acts that a load left; none where there was no such load, or the file tells another story since."""
    story = unfinished()
    if story is None:
        return []
    begun = datetime.fromisoformat(story["at"])
    acts = [act for act in playbook(city, begun) if act.thread.key in story["threads"]]
    return acts[story["played"] :] if len(acts) == story["acts"] else []


def _fresh(city: CityFile, moment: datetime) -> list[Act]:
    kept = set(db.session.scalars(select(Thread.source).where(Thread.source.like(f"{SOURCE}%"))))
    acts = [act for act in playbook(city, moment) if SOURCE + act.thread.key not in kept]
    threads = list(dict.fromkeys(act.thread.key for act in acts))
    story = {"at": moment.isoformat(), "threads": threads, "acts": len(acts), "played": 0}
    with transaction():
        facts.put({STORY: story if acts else None})
    return acts


def play(acts: list[Act], done: Loaded) -> Iterator[Act]:
    """Play the acts in their order, each in a transaction of its own; yields after each. May be stopped and run again."""
    story = unfinished()
    for act in acts:
        run_time(until=act.at)
        pictures = _pictures(act)
        try:
            with clock.freeze(act.at), transaction():
                _play(act, done, pictures)
                if story is not None:
                    story = {**story, "played": story["played"] + 1}
                    facts.put({STORY: story})
        except (BoardError, LookupError, StopIteration) as error:
            verb = act.step.verb if act.step is not None else "post"
            who = act.by or "the board"
            raise LoadError(
                f"{act.thread.key}, {verb} by {who} at {act.at:%Y-%m-%d %H:%M}: {type(error).__name__} {error}"
            ) from error
        yield act
    run_time(until=now())
    if story is None:
        return
    with transaction():
        facts.put({STORY: None})
        # Nobody lived these weeks: what was older than a day then was read, as it would have been.
        told = [SOURCE + key for key in story["threads"]]
        _settle(told, datetime.fromisoformat(story["at"]) - timedelta(days=1))


def _settle(sources: list[str], before: datetime) -> None:
    provided("settle_news", sources, before)
    reviewing.settle(sources, before)


def run_time(until: datetime) -> None:
    """Run the jobs of time that fall due up to `until`, each at its own moment."""
    while True:
        row = db.session.execute(
            select(jobs.Job.due_at, jobs.Job.lease_until)
            .where(
                jobs.Job.done_at.is_(None),
                jobs.Job.failed_at.is_(None),
                jobs.Job.due_at <= until,
                jobs.Job.kind.in_(TIME_JOBS),
            )
            .order_by(jobs.Job.due_at)
            .limit(1)
        ).first()
        db.session.rollback()
        if row is None:
            return
        # A load that was killed while it ran this job still holds it for a minute of that time.
        free = (
            row.due_at if row.lease_until is None else max(row.due_at, row.lease_until + timedelta(seconds=1))
        )
        with clock.freeze(free):
            jobs.run_due(kinds=TIME_JOBS)


# --- the city's rows --------------------------------------------------------------------------------------


def _facts(city: CityFile) -> None:
    said = city.city
    facts.put(
        {
            "name": {"zh": said.site_name, "en": said.site_name_en},
            "short_name": {"zh": said.short_name, "en": said.short_name_en},
            "city": {"zh": said.name, "en": said.name_en},
            "host": {"zh": said.host, "en": said.host_en},
            "supervised_by": {"zh": said.supervised_by, "en": said.supervised_by_en},
            "area_code": said.area_code,
            "phone": said.help_phone,
            "emergency_sms": said.emergency_sms,
            "hotlines": list(said.hotlines),
        }
    )


def _departments(city: CityFile, done: Loaded) -> None:
    known = {department.key: department for department in Department.all()}
    for position, entry in enumerate(city.department):
        department = known.get(entry.key)
        if department is None:
            department = known[entry.key] = Department(key=entry.key)
            db.session.add(department)
            done.departments += 1
        department.name, department.name_en = entry.name, entry.name_en
        department.short_name, department.aliases = entry.short_name, list(entry.aliases)
        department.kind, department.is_desk = entry.kind, entry.is_desk
        department.duty_phone = entry.duty_phone
        department.places = list(entry.places)
        department.area, department.area_en = entry.area, entry.area_en
        department.position = position
    if any(_renamed(department) for department in known.values()):
        provided("reindex")  # threads are found by the names of their departments
    db.session.flush()
    for entry in city.department:
        known[entry.key].parent = known[entry.parent] if entry.parent else None
        _phrases(entry, known[entry.key])


def _renamed(department: Department) -> bool:
    names = ("name", "name_en", "short_name", "aliases")
    state = inspect(department)
    return state.persistent and any(state.attrs[name].history.has_changes() for name in names)


def _phrases(entry: DepartmentEntry, department: Department) -> None:
    kept = {
        phrase.title
        for phrase in db.session.scalars(
            select(StockPhrase).where(StockPhrase.department_id == department.id)
        )
    }
    for position, stock in enumerate(entry.stock):
        if stock.title not in kept:
            db.session.add(
                StockPhrase(department=department, title=stock.title, words=stock.text, position=position)
            )


def _clocks(city: CityFile, entry: SectionEntry) -> dict[str, str]:
    kinds = ("reply", "accept", "update", "resolve", "told", "poster", "take", "rating", "rectification")
    found = {kind: getattr(entry.clocks, kind) or getattr(city.clocks, kind) for kind in kinds}
    return {kind: str(span) for kind, span in found.items() if span is not None}


def _sections(city: CityFile, done: Loaded) -> None:
    known = {section.key: section for section in Section.all()}
    departments = {department.key: department for department in Department.all()}
    for position, entry in enumerate(city.section):
        section = known.get(entry.key)
        if section is None:
            section = Section(key=entry.key)
            db.session.add(section)
            done.sections += 1
        for name in ("name", "examples", "promise", "guide"):
            setattr(section, name, getattr(entry, name).strip())
            setattr(section, f"{name}_en", getattr(entry, f"{name}_en").strip())
        section.position, section.icon, section.readers = position, entry.icon, entry.readers
        section.department = departments[entry.default_department]
        section.identities = list(dict.fromkeys((entry.default_identity, *entry.identities)))
        section.clocks = _clocks(city, entry)
        section.makes_cases = entry.post != "staff"
        section.staff_posts = entry.post == "staff"
        section.four_eyes = entry.four_eyes
        section.counts_views = entry.count_reads
        section.shows_countdown = entry.call_card != "alarm"
        section.closed_text = entry.closed_until.strip()
        section.closed_text_en = entry.closed_until_en.strip()
        section.settings = {
            "call_card": entry.call_card,
            "place": entry.place,
            "by_place": entry.by_place,
            "experts": entry.experts,
            "replies": entry.replies,
            "template": entry.template.strip(),
            "template_en": entry.template_en.strip(),
            "reasons": [
                {"key": each.key, "name": each.name, "name_en": each.name_en} for each in entry.reasons
            ],
        }
    db.session.flush()


def _people(city: CityFile, done: Loaded) -> None:
    cast = {entry.key: entry for entry in city.person}
    badges = {
        who for department in city.department for _role, who in department.staff.roles() if who not in cast
    }
    badges |= {act for thread in city.thread for act in _badges(thread)}
    for key, entry in cast.items():
        if entry.badge:
            person = _staff(entry.badge, done)
            person.name, person.name_en = entry.name, entry.name_en
        else:
            person = _member(entry.nickname, entry.phone, done)
        done.people_ids[key] = person.id
    for badge in sorted(badges):
        person = _staff(badge, done)
        done.people_ids[badge] = person.id
        if current_app.config["SETTINGS"].demo:  # nowhere else may a number be made up
            _phone(person, f"199 0000 {badge[-4:].zfill(4)}")
    for nickname, phone in city.citizens.items():
        done.people_ids[nickname] = _member(nickname, phone, done).id


def _badges(thread: ThreadEntry) -> set[str]:
    return {who for who in (thread.by, *(step.by for step in thread.steps)) if who.isdigit()}


def _staff(badge: str, done: Loaded) -> Person:
    person = db.session.scalar(select(Person).where(Person.badge == badge))
    if person is None:
        person = Person(kind="staff", badge=badge)
        db.session.add(person)
        db.session.flush()
        done.people += 1
    return person


def _phone(person: Person, phone: str) -> None:
    digits = "".join(character for character in phone if character.isdigit())
    vault.put(person.owner, "duty_phone", digits)
    contacts.known_phone(person)


def _member(nickname: str, phone: str, done: Loaded) -> Person:
    person = db.session.scalar(select(Person).where(Person.nicknamed(nickname)))
    if person is None:
        done.people += 1
        digits = "".join(character for character in phone if character.isdigit())
        if digits:
            person = join(digits, nickname)
        else:
            person = Person(kind="member", nickname=nickname)
            db.session.add(person)
        person.created_at = now() - LIVED  # nobody of them is new here
        db.session.flush()
    return person


def _appointments(city: CityFile, done: Loaded) -> None:
    departments = {department.key: department for department in Department.all()}
    rows = db.session.execute(
        select(Appointment.person_id, Appointment.department_id, Appointment.role).where(
            Appointment.ends_at.is_(None)
        )
    )
    kept = {(person_id, office, role) for person_id, office, role in rows}
    start = now() - timedelta(days=400)
    for entry in city.department:
        department = departments[entry.key]
        for role, who in entry.staff.roles():
            person_id = done.people_ids[who]
            # An administrator's and a moderator's office is the whole board's.
            office = None if role in ("administrator", "moderator") else department.id
            if (person_id, office, role) not in kept:
                kept.add((person_id, office, role))
                db.session.add(
                    Appointment(person_id=person_id, department_id=office, role=role, starts_at=start)
                )


def _offer_cast(city: CityFile, done: Loaded) -> None:
    """Let the sign-in page of a demo city offer the people of the file, each with what he is."""
    db.session.flush()
    db.session.expire_all()
    offered = []
    for entry in city.person:
        person = db.session.get_one(Person, done.people_ids[entry.key])
        if entry.badge:
            _phone(person, entry.phone)
        about = {}
        for side in ("zh", "en"):
            with speaking(side):
                about[side] = _about(person)
        name = {"zh": entry.name, "en": entry.name_en}
        offered.append({"person": person.public_id, "name": name, "about": about})
    offer_cast(offered)


def _about(person: Person) -> str:
    if not person.is_staff:
        return _("member of the public")
    words = {
        "officer": _("duty officer"),
        "leader": _("leader"),
        "inspector": _("inspector"),
        "moderator": _("moderator"),
        "expert": _("expert"),
        "administrator": _("administrator"),
    }
    offices = [
        f"{each.department.title} {words[each.role]}" if each.department else words[each.role]
        for each in person.current_appointments()
    ]
    return " · ".join(offices)


def _shifts(city: CityFile, moment: datetime, done: Loaded) -> None:
    """Publish shifts, in each department from where the published ones end."""
    rows = db.session.execute(
        select(Department.key, func.max(Shift.ends_at))
        .join(Shift, Shift.department_id == Department.id)
        .group_by(Department.key)
    )
    ends = {key: last for key, last in rows}
    ids = {key: office for key, office in db.session.execute(select(Department.key, Department.id))}
    shifts = roster(city, moment)
    fresh = [shift for shift in shifts if shift.department not in ends]
    for shift in shifts:
        if ends.get(shift.department) is not None and shift.starts_at < ends[shift.department]:
            continue
        for who in shift.people:
            db.session.add(
                Shift(
                    department_id=ids[shift.department],
                    person_id=done.people_ids[who],
                    starts_at=shift.starts_at,
                    ends_at=shift.ends_at,
                )
            )
            done.shifts += 1
    add_rotations(city, fresh, moment, ids, done.people_ids)
    hand_over(fresh, moment, ids, done.people_ids)


def _seed_calendar(moment: datetime) -> None:
    from board.workdays import CalendarDay, seed_from_holidays

    years = [moment.year - 1, moment.year, moment.year + 1, moment.year + 2]
    if db.session.scalar(select(CalendarDay).limit(1)) is None:
        db.session.rollback()
        with transaction():
            seed_from_holidays(years)
    db.session.rollback()


# --- the sample threads -----------------------------------------------------------------------------------


def _person(done: Loaded, who: str) -> Person:
    person = db.session.get(Person, done.people_ids[who]) if who in done.people_ids else None
    if person is None:
        person = db.session.scalar(select(Person).where(Person.nicknamed(who)))
    if person is None:
        raise LookupError(who)
    return person


def _thread(key: str) -> Thread:
    query = select(Thread).where(Thread.source == SOURCE + key)
    thread = db.session.scalar(query)
    if thread is None:
        raise LookupError(key)
    return thread


Pictures = list[tuple[Picture, str]]


def _pictures(act: Act) -> Pictures:
    """The act's scenes, drawn and stored: writing files is no work for a transaction."""
    names = act.thread.photos if act.step is None else act.step.photos
    drawn = [rebuild(scenes.draw(name), name=name) for name in names]
    return [(picture, keep(picture)) for picture in drawn]


def _hang(pictures: Pictures, text: Text) -> None:
    for place, (picture, key) in enumerate(pictures):
        StoredFile.add(picture, key, owner_kind=OF_TEXT, owner_ref=text.public_id, position=place)


def _play(act: Act, done: Loaded, pictures: Pictures) -> None:
    if act.step is None:
        _post(act, done, pictures)
        done.threads += 1
        return
    thread = _thread(act.thread.key)
    actor = _actor(act, thread, done)
    owner = _person(done, act.step.to) if act.step.verb in ("assign", "instruct") and act.step.to else None
    if owner is not None:
        event = STEPS_WITH_OWNER[act.step.verb](thread, actor, act.step, act.until, owner)
    else:
        event = STEPS[act.step.verb](thread, actor, act.step, act.until)
    if pictures and event.public_text is not None:
        _hang(pictures, event.public_text)
    done.steps += 1


def _actor(act: Act, thread: Thread, done: Loaded) -> Person | None:
    if act.by == ON_DUTY and act.step is not None:
        office = Department.desk() if act.step.verb == "relay" else _case(thread).department
        return office.on_duty()[0]
    return _person(done, act.by) if act.by else None


def _post(act: Act, done: Loaded, pictures: Pictures) -> None:
    entry = act.thread
    section = Section.by_key(entry.section)
    by = _person(done, act.by)
    identity = entry.identity or ("open" if section.staff_posts else section.default_identity)
    draft = Draft(
        title=entry.title,
        body=entry.body.strip(),
        identity=identity if identity in section.identities else section.default_identity,
        place=entry.place,
        departments=entry.about_units,
        restrict=entry.restricted,
        source=SOURCE + entry.key,
        kind=entry.kind,
        about={"about_reason": entry.about_reason, "about_whom": entry.about_whom},
    )
    thread = post(section, draft, by=by, attach=lambda new: _hang(pictures, new.body))
    thread.views_count = entry.reads
    if entry.pinned:
        thread.pinned_at = act.at


def _case(thread: Thread) -> Case:
    assert thread.case is not None
    return thread.case


def _approval(case: Case) -> str:
    approval = case.open_approval()
    if approval is None:
        raise LookupError(f"{case.number}: nothing to decide")
    return approval.public_id


def _task(case: Case, by: Person) -> AssistTask:
    return next(
        each
        for each in case.assists
        if each.is_open and (by.serves(each.department) or by.leads(each.department))
    )


def _handover(case: Case) -> str:
    handover = case.open_handover()
    if handover is None:
        raise LookupError(f"{case.number}: nothing was offered")
    return handover.public_id


Play = Callable[[Thread, Any, Step, datetime | None], Any]


def _silence(thread: Thread, by: Any, step: Step, until: datetime | None) -> None:
    # The rating window ends by itself when time runs on; here it only has to have ended.
    case = _case(thread)
    if case.status == Status.RESOLVED:
        case.rating_ended()


def _resolve(thread: Thread, by: Person, step: Step, until: datetime | None) -> CaseEvent:
    outcome = str(step.outcome)
    details: dict[str, Any] = {"date": until} if outcome == "planned" else {}
    if outcome == "transferred":
        details = {"number": step.number, "contact": step.contact}
    if outcome == "impossible":
        details = {"reason": step.text.strip().splitlines()[0][:200]}
    return _case(thread).resolve(by=by, answer=step.text, outcome=outcome, **details)


def _instruct(
    thread: Thread, by: Any, step: Step, until: datetime | None, owner: Person | None = None
) -> None:
    _case(thread).instruct(by=by, words=step.text, owner=owner, due=until, public=not step.internal)


def _release(thread: Thread, by: Person, step: Step, until: datetime | None) -> None:
    if thread.is_restricted:
        thread.propose_release(by=by)
    else:
        thread.release(by=by)


STEPS: dict[str, Play] = {
    "route": lambda t, by, s, u: _case(t).route(by=by, to=Department.by_key(s.to), note=s.text),
    "acknowledge": lambda t, by, s, u: _case(t).acknowledge(by=by),
    "accept": lambda t, by, s, u: _case(t).accept(by=by, answer=s.text),
    "answer": lambda t, by, s, u: _case(t).answer(by=by, answer=s.text, outcome=str(s.outcome)),
    "claim": lambda t, by, s, u: _case(t).claim(by=by),
    "progress": lambda t, by, s, u: _case(t).progress(by=by, note=s.text, expected=u),
    "note": lambda t, by, s, u: _case(t).note(by=by, note=s.text),
    "ask": lambda t, by, s, u: _case(t).ask(by=by, question=s.text),
    "supplement": lambda t, by, s, u: _case(t).supplement(by=by, words=s.text),
    "suspend": lambda t, by, s, u: _case(t).suspend(
        by=by, reason=f"{s.legal}：{s.text}" if s.legal else s.text, until=u
    ),
    "resume": lambda t, by, s, u: _case(t).resume(by=by),
    "offer": lambda t, by, s, u: _case(t).offer(by=by, to=Department.by_key(s.to), reason=s.text),
    "take": lambda t, by, s, u: _case(t).take(_handover(_case(t)), by=by),
    "return": lambda t, by, s, u: _case(t).return_(_handover(_case(t)), by=by, reason=s.text),
    "assist": lambda t, by, s, u: _case(t).assist(by=by, department=Department.by_key(s.to), words=s.text),
    "assist_answer": lambda t, by, s, u: _case(t).answer_assist(
        _task(_case(t), by).public_id, by=by, words=s.text
    ),
    "instruct": _instruct,
    "relay": lambda t, by, s, u: _case(t).relay(by=by, receipt=s.number, called_back=True),
    "extend": lambda t, by, s, u: _case(t).extend(by=by, until=u, reason=s.text),
    "decline": lambda t, by, s, u: _case(t).decline(by=by, reason=s.text, advice=s.instead),
    "decide": lambda t, by, s, u: _case(t).decide(
        _approval(_case(t)), by=by, approve=bool(s.approve), reason=s.text
    ),
    "merge": lambda t, by, s, u: _case(t).merge(by=by, into=_case(_thread(s.into))),
    "unmerge": lambda t, by, s, u: _case(t).unmerge(by=by),
    "resolve": _resolve,
    "rate": lambda t, by, s, u: _case(t).rate(
        by=by, solved=str(s.solved), satisfaction=str(s.satisfaction), words=s.text
    ),
    "silence": _silence,
    "rectify": lambda t, by, s, u: _case(t).rectify(by=by, answer=s.text),
    "reopen": lambda t, by, s, u: _case(t).reopen(by=by, words=s.text),
    "nudge": lambda t, by, s, u: _case(t).nudge(by=by),
    "withdraw": lambda t, by, s, u: _case(t).withdraw(by=by),
    "watch": lambda t, by, s, u: follow(t, by=by),
    "affected": lambda t, by, s, u: follow(t, by=by, affected=True),
    "reply": lambda t, by, s, u: reply(t, s.text, by=by),
    "hold": lambda t, by, s, u: t.hold(by=by, reason=str(s.reason)),
    "release": _release,
    "pin": lambda t, by, s, u: t.pin(by=by, pinned=True),
}


STEPS_WITH_OWNER: dict[str, Callable[[Thread, Any, Step, datetime | None, Person], Any]] = {
    "assign": lambda t, by, s, u, owner: _case(t).assign(by=by, to=owner),
    "instruct": _instruct,
}


# --- a busy department ------------------------------------------------------------------------------------

ROADS = ("青松路", "建设街", "钢铁大街", "昆河路", "红旗路", "滨河大道", "学府街", "东岭路", "湖滨路", "老街")
MATTERS = (
    ("红绿灯不亮", "从昨晚开始不亮，早上车和人抢着走。"),
    ("路口标线磨没了", "晚上下雨完全看不清车道，差点撞上。"),
    ("违停占了公交站", "公交车只能停在路中间，老人下车很危险。"),
    ("行人绿灯太短", "老人走到一半就变红灯了。"),
    ("夜里有人飙车", "连着三晚，十二点以后声音特别大。"),
    ("标志牌被树挡住", "外地司机看不见限速牌。"),
    ("掉头口能不能开", "现在要多绕两公里。"),
    ("电动车逆行很多", "早晚高峰最多，请管一管。"),
)


def busy(department_key: str, *, new: int = 200, working: int = 1_000) -> Generator[int]:
    """Give a department `new` cases nobody has accepted and `working` open ones; yields after each.

    They are history like the sample threads: nobody is called for them. May be stopped and run again; LoadError when
    the department cannot be given cases.
    """
    ids = _hands(department_key)
    kept = set(db.session.scalars(select(Thread.source).where(Thread.source.like(f"{BUSY}%"))))
    stopped = facts.facts().get(FILLING) is not None
    db.session.rollback()
    wanted = {f"{BUSY}{department_key}:{place}": place for place in range(new + working)}
    missing = [source for source in wanted if source not in kept]
    if not missing and not stopped:
        return
    moment = now()
    with transaction():
        facts.put({FILLING: moment.isoformat()})
    for source in missing:
        place = wanted[source]
        yield _busy_case(ids, source, place, accepted=place >= new, moment=moment)
    run_time(until=now())
    with transaction():
        facts.put({FILLING: None})
        told = [*missing, *sorted(filter(None, kept))] if stopped else missing
        _settle(told, moment - timedelta(days=1))


Hands = tuple[str, int, int]  # the section's key, the officer's id, the member's id


def _hands(department_key: str) -> Hands:
    try:
        department = Department.by_key(department_key)
    except NotFound:
        raise LoadError(_("There is no department with the key %(key)s.", key=department_key)) from None
    section = db.session.scalar(
        select(Section)
        .where(Section.department_id == department.id, Section.makes_cases, Section.closed_text == "")
        .order_by(Section.position)
        .limit(1)
    )
    if section is None:
        raise LoadError(
            _(
                "No open section sends its posts to %(department)s; choose another.",
                department=department.title,
            )
        )
    officers = department.on_duty()
    if not officers:
        raise LoadError(_("Nobody is on duty at %(department)s now.", department=department.title))
    member = db.session.scalar(select(Person).where(Person.kind == "member").order_by(Person.id).limit(1))
    if member is None:
        raise LoadError(_("The city has no members who could have posted."))
    return section.key, officers[0].id, member.id


def _busy_case(ids: Hands, source: str, place: int, *, accepted: bool, moment: datetime) -> int:
    section_key, officer_id, member_id = ids
    seed = int(hashlib.sha256(source.encode()).hexdigest(), 16)
    title, body = MATTERS[seed % len(MATTERS)]
    road, other = ROADS[seed // 8 % len(ROADS)], ROADS[seed // 80 % len(ROADS)]
    age = timedelta(minutes=seed // 800 % (6 * 1440 if accepted else 100))
    with clock.freeze(moment - age), transaction() as session:
        member = session.get(Person, member_id)
        assert member is not None
        draft = Draft(
            title=f"{road}与{other}路口：{title}",
            body=f"{body}（第 {place + 1} 件）",
            place=road,
            source=source,
        )
        post(Section.by_key(section_key), draft, by=member)
    if accepted:
        with clock.freeze(moment - age * 0.9), transaction() as session:
            officer = session.get(Person, officer_id)
            assert officer is not None
            found = db.session.scalar(
                select(Case).join(Thread, Case.thread_id == Thread.id).where(Thread.source == source)
            )
            assert found is not None
            found.accept(by=officer, answer=f"已收到，{road}的情况今天派人去看，第 {place + 1} 号记录。")
            if place % 2:
                found.claim(by=officer)
    return place


def open_cases(department_key: str) -> int:
    """How many open cases a department leads now."""
    department = Department.by_key(department_key)
    return int(
        db.session.scalar(
            select(func.count())
            .select_from(Case)
            .where(Case.department_id == department.id, Case.status.in_(OPEN))
        )
        or 0
    )


__all__ = ["Loaded", "busy", "load", "open_cases", "play", "run_time"]
