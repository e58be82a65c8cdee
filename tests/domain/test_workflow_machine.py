"""The whole case under a random hand and a held clock: two cases, every verb, everybody, and the invariants."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import text

from board import clock, jobs
from board.clock import local, now
from board.db import db, transaction
from board.errors import BoardError, Invalid, NotAllowed, NotFound, WrongState
from board.permissions import may
from board.workdays import DayName, put_days
from boards.models import (
    Case,
    CaseEvent,
    Deadline,
    Outcome,
    Satisfaction,
    Solved,
    Status,
    StockPhrase,
    Text,
    Thread,
)
from boards.models.deadline import DUTIES, calendar
from boards.models.duty import responsible
from boards.models.posting import reply
from boards.models.segments import allowed, elapsed
from boards.models.status import NEXT
from boards.models.tally import reconcile
from boards.models.timeline import replay, verify
from boards.policy import sees, visible_to
from people.models import Appointment, Department, Person, Shift
from tests import conftest
from tests.builders import Cast, posted
from tests.domain.stateful import begin_anew, on_a_board, play
from tests.towns import Town

STOCK = "您好，已收到，正在安排。"
EVERYBODY = ("rita", "vera", "otto", "otis", "lena", "hugo", "dana", "carl", "ines", "mona", "adam")
OFFICERS = ("otto", "otis", "lena", "hugo", "dana")
DEPARTMENTS = ("traffic-police", "household-police", "heating", "desk", "bureau")
TIME = (
    "deadline-due", "deadline-reminder", "handover-due", "resume-case", "ask-follow-up", "recompute-deadlines",
)  # fmt: skip
PAUSES_FOR = (Status.WAITING_POSTER, Status.SUSPENDED)
# Which clocks may be open in which status (domain.md §3); `update` begins with work and survives a handover.
CLOCKS = {
    Status.PENDING: {"reply", "accept"},
    Status.ACCEPTED: {"reply", "resolve", "update"},
    Status.IN_PROGRESS: {"reply", "resolve", "update"},
    Status.WAITING_POSTER: {"reply", "resolve", "update", "poster"},
    Status.SUSPENDED: {"reply", "resolve", "update"},
    Status.RESOLVED: {"rating", "rectification"},
    Status.CLOSED: set(),
}
STEPS = (
    timedelta(minutes=1), timedelta(minutes=40), timedelta(hours=3), timedelta(hours=26), timedelta(days=4),
    timedelta(days=8), timedelta(days=33),
)  # fmt: skip

people = st.sampled_from(EVERYBODY)
# Mostly somebody who may do it now, where there is one; else anybody, who will be refused.
anyone = st.one_of(st.just("right"), st.just("right"), st.just("right"), people)
which = st.integers(0, 1)
departments = st.sampled_from(DEPARTMENTS)
kinds = st.sampled_from(("real", "real", "stock", "again"))


def tried(verb: str, **strategies: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule that runs when the verb can be done on one of the cases, on that one."""

    def put(function: Callable[..., None]) -> Any:
        @wraps(function)
        def method(self: Board, number: int, **drawn: Any) -> None:
            function(self, number if verb in self.possible[number] else 1 - number, **drawn)

        return precondition(lambda self: any(verb in each for each in self.possible))(
            rule(number=which, **strategies)(method)
        )

    return put


# What each verb needs at least, for trying it at the wrong time.
CALLS: dict[str, Callable[[Case, Person], Any]] = {
    "route": lambda case, by: case.route(by=by, to=Department.by_key("heating")),
    "acknowledge": lambda case, by: case.acknowledge(by=by),
    "accept": lambda case, by: case.accept(by=by, answer="已派人查看路口的信号灯。"),
    "answer": lambda case, by: case.answer(by=by, answer="灯已修好，谢谢提醒。"),
    "assign": lambda case, by: case.assign(by=by, to=by),
    "claim": lambda case, by: case.claim(by=by),
    "progress": lambda case, by: case.progress(by=by, note="换件今天到。"),
    "note": lambda case, by: case.note(by=by, note="联系厂家。"),
    "ask": lambda case, by: case.ask(by=by, question="是哪个方向的灯？"),
    "supplement": lambda case, by: case.supplement(by=by, words="东西方向。"),
    "suspend": lambda case, by: case.suspend(by=by, reason="等待鉴定", until=now() + timedelta(days=9)),
    "resume": lambda case, by: case.resume(by=by),
    "offer": lambda case, by: case.offer(by=by, to=Department.by_key("heating"), reason="管道施工。"),
    "assist": lambda case, by: case.assist(
        by=by, department=Department.by_key("heating"), words="请关阀门。"
    ),
    "instruct": lambda case, by: case.instruct(by=by, words="今天办完。"),
    "relay": lambda case, by: case.relay(by=by, receipt="110-0042", called_back=True),
    "extend": lambda case, by: case.extend(by=by, until=now() + timedelta(days=40), reason="设备在路上。"),
    "decline": lambda case, by: case.decline(by=by, reason="不归交警管。", advice="请找物业。"),
    "resolve": lambda case, by: case.resolve(by=by, answer="灯已修好。", outcome="solved"),
    "rate": lambda case, by: case.rate(by=by, solved="yes", satisfaction="satisfied"),
    "rectify": lambda case, by: case.rectify(by=by, answer="已重新修好并回电。"),
    "reopen": lambda case, by: case.reopen(by=by, words="还是不亮。"),
    "nudge": lambda case, by: case.nudge(by=by),
    "withdraw": lambda case, by: case.withdraw(by=by),
    "follow_up": lambda case, by: case.follow_up(by=by, done=True),
    "unmerge": lambda case, by: case.unmerge(by=by),
}


class Board(RuleBasedStateMachine):
    """Two cases of one city. Each rule lets somebody try a verb; the board may refuse, and then nothing has changed."""

    app: Flask
    town: Town

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = begin_anew(self)
        self.watch = self.stack.enter_context(self.town.watching(folder))
        self.stack.enter_context(clock.freeze(conftest.MOMENT))
        self.stack.enter_context(self.app.app_context())
        self.app.extensions.pop("calendars", None)
        self.cast = Cast(dict(self.town.ids))
        self.count = 0
        self.threads: list[str] = []
        self.possible: list[set[str]] = [set(), set()]
        self.asked = False
        self.answered: dict[tuple[int, int], bool] = {}
        self.breaches: dict[int, datetime] = {}
        self.dues: dict[int, datetime] = {}
        self.ratings: dict[tuple[int, int], tuple[Any, ...]] = {}
        self.first_ratings: dict[tuple[int, int, int | None], int] = {}

    def teardown(self) -> None:
        db.session.remove()
        self.stack.close()

    @initialize()
    def two_posts(self) -> None:
        with transaction():
            for department in Department.all():
                if department.key != "traffic-police":
                    db.session.add(StockPhrase(department=department, title="已收到", words=STOCK))
        for who in ("rita", "vera"):
            with transaction():
                self.threads.append(posted(getattr(self.cast, who)).public_id)

    # --- reading ---------------------------------------------------------------------------------------

    def case(self, number: int) -> Case:
        thread = db.session.scalar(db.select(Thread).where(Thread.public_id == self.threads[number]))
        assert thread is not None
        assert thread.case is not None
        return thread.case

    def someone(self, verb: str, who: str, number: int) -> str:
        """`who`; for "right" somebody who may do this now, in turns, and the poster where nobody may."""
        if who != "right":
            return who
        case = self.case(number)
        self.count += 1
        turn = self.count % len(EVERYBODY)
        for each in EVERYBODY[turn:] + EVERYBODY[:turn]:
            person = getattr(self.cast, each)
            if case.can(verb, person) and may(person, f"case.{verb}", case):
                return each
        return ("rita", "vera")[number]

    def words(self, kind: str) -> Callable[[Person], str]:
        """What somebody would write: words of his own, a stock phrase, or what his department wrote last."""
        self.count += 1
        fresh = f"第 {self.count} 次查看：路口的灯已经换上新的控制器。"
        if kind == "real":
            return lambda by: fresh
        if kind == "stock":
            return lambda by: STOCK
        return self.said_before

    def said_before(self, by: Person) -> str:
        query = (
            db.select(Text.public)
            .join(CaseEvent, CaseEvent.public_text_id == Text.id)
            .where(CaseEvent.department_id.in_([each.id for each in by.departments]), Text.kind == "official")
            .order_by(CaseEvent.id.desc())
        )
        return db.session.scalar(query.limit(1)) or STOCK

    def fingerprint(self) -> Any:
        """Changes whenever anybody commits anything."""
        return self.watch()

    # --- acting ----------------------------------------------------------------------------------------

    def act(
        self, verb: str, who: str, number: int, call: Callable[[Case, Person], Any], *, answers: bool = False
    ) -> bool:
        """Let somebody try; whether it happened. What the buttons say and what the verb does never disagree."""
        who = self.someone(verb, who, number)
        case, person = self.case(number), getattr(self.cast, who)
        shown = verb in case.open_verbs(person)
        was, round_was = case.status, case.round
        db.session.rollback()
        before = self.fingerprint()
        happened, refused = False, False
        try:
            with transaction():
                call(self.case(number), getattr(self.cast, who))
            happened = True
        except (NotAllowed, WrongState):
            refused = True
        except (Invalid, NotFound):
            pass
        if not happened:
            assert self.fingerprint() == before, f"{verb} was refused and changed something"
        if refused:
            assert not shown, f"{who} was shown {verb} on a {was} case and refused"
        if happened:
            assert shown, f"{who} was not shown {verb} on a {was} case and did it"
            assert was in NEXT[verb]
            if answers and self.case(number).round == round_was:
                self.answered[number, round_was] = True
            db.session.rollback()
        return happened

    def dues_now(self) -> dict[int, datetime | None]:
        return {each.id: each.due_at for each in db.session.scalars(db.select(Deadline)) if each.is_open}

    @tried("acknowledge", who=anyone)
    def acknowledge(self, number: int, who: str) -> None:
        self.act("acknowledge", who, number, lambda case, by: case.acknowledge(by=by))

    @tried("accept", who=anyone, kind=st.sampled_from(("real", "real", "stock", "again", "nothing")))
    def accept(self, number: int, who: str, kind: str) -> None:
        words = (lambda by: "") if kind == "nothing" else self.words(kind)
        self.act(
            "accept",
            who,
            number,
            lambda case, by: case.accept(by=by, answer=words(by)),
            answers=kind == "real",
        )

    @tried("answer", who=anyone, outcome=st.sampled_from(("explained", "solved", "planned")))
    def answer(self, number: int, who: str, outcome: str) -> None:
        words = self.words("real")
        self.act(
            "answer", who, number, lambda case, by: case.answer(by=by, answer=words(by), outcome=outcome)
        )

    @tried("assign", who=anyone, to=st.sampled_from(OFFICERS))
    def assign(self, number: int, who: str, to: str) -> None:
        self.act("assign", who, number, lambda case, by: case.assign(by=by, to=getattr(self.cast, to)))

    @tried("claim", who=anyone)
    def claim(self, number: int, who: str) -> None:
        self.act("claim", who, number, lambda case, by: case.claim(by=by))

    @tried("progress", who=anyone, kind=kinds)
    def progress(self, number: int, who: str, kind: str) -> None:
        words = self.words(kind)
        self.act(
            "progress",
            who,
            number,
            lambda case, by: case.progress(by=by, note=words(by)),
            answers=kind == "real",
        )

    @tried("note", who=anyone)
    def note(self, number: int, who: str) -> None:
        words = self.words("real")
        self.act("note", who, number, lambda case, by: case.note(by=by, note=words(by)))

    @tried("ask", who=anyone, kind=kinds)
    def ask(self, number: int, who: str, kind: str) -> None:
        words = self.words(kind)
        happened = self.act("ask", who, number, lambda case, by: case.ask(by=by, question=words(by)))
        if happened and kind == "real" and self.case(number).status == Status.WAITING_POSTER:
            self.answered[number, self.case(number).round] = True

    @tried("supplement", who=anyone)
    def supplement(self, number: int, who: str) -> None:
        words = self.words("real")
        self.act("supplement", who, number, lambda case, by: case.supplement(by=by, words=words(by)))

    @rule(number=which, who=anyone, kind=kinds)
    def reply(self, number: int, who: str, kind: str) -> None:
        if who == "right":
            who = self.someone("supplement" if number else "progress", who, number)
        case, person, words = self.case(number), getattr(self.cast, who), self.words(kind)
        waits = case.status == Status.WAITING_POSTER and case.thread.poster_id == person.id
        working = [case.department, *case.assisting()]
        answers = kind == "real" and any(person.serves(each) for each in working)
        db.session.rollback()
        try:
            with transaction():
                by = getattr(self.cast, who)
                reply(self.case(number).thread, words(by), by=by)
        except BoardError:
            return
        if waits:
            assert self.case(number).status in (Status.IN_PROGRESS, Status.ACCEPTED)
        if answers:
            self.answered[number, self.case(number).round] = True

    @tried("suspend", who=anyone, days=st.sampled_from((2, 20, 29, 31)))
    def suspend(self, number: int, who: str, days: int) -> None:
        until = now() + timedelta(days=days)
        self.act(
            "suspend", who, number, lambda case, by: case.suspend(by=by, reason="等待鉴定结论", until=until)
        )

    @tried("resume", who=anyone)
    def resume(self, number: int, who: str) -> None:
        self.act("resume", who, number, lambda case, by: case.resume(by=by))

    @tried("extend", who=anyone, days=st.sampled_from((1, 10, 30)))
    def extend(self, number: int, who: str, days: int) -> None:
        resolve = self.case(number).open_clock("resolve")
        until = (resolve.due_at if resolve and resolve.due_at else now()) + timedelta(days=days)
        self.act(
            "extend", who, number, lambda case, by: case.extend(by=by, until=until, reason="设备在路上。")
        )

    @tried("offer", who=anyone, to=departments)
    def offer(self, number: int, who: str, to: str) -> None:
        words, before = self.words("real"), self.dues_now()
        self.act(
            "offer",
            who,
            number,
            lambda case, by: case.offer(by=by, to=Department.by_key(to), reason=words(by)),
        )
        assert self.dues_now() == before

    def handover(self, number: int) -> str:
        handover = self.case(number).open_handover() or self.case(number).fresh_routing()
        return handover.public_id if handover is not None else "nosuchone1"

    @tried("take", who=anyone)
    def take(self, number: int, who: str) -> None:
        handover, before, status = self.handover(number), self.dues_now(), self.case(number).status
        if self.act("take", who, number, lambda case, by: case.take(handover, by=by)):
            assert self.case(number).status == status
        assert self.dues_now() == before

    @tried("return", who=anyone)
    def give_back(self, number: int, who: str) -> None:
        handover, words, before = self.handover(number), self.words("real"), self.dues_now()
        self.act("return", who, number, lambda case, by: case.return_(handover, by=by, reason=words(by)))
        assert self.dues_now() == before

    @tried("route", who=anyone, to=departments)
    def route(self, number: int, who: str, to: str) -> None:
        before = self.dues_now()
        self.act("route", who, number, lambda case, by: case.route(by=by, to=Department.by_key(to)))
        assert self.dues_now() == before

    @tried("assist", who=anyone, to=departments)
    def assist(self, number: int, who: str, to: str) -> None:
        words = self.words("real")
        self.act(
            "assist",
            who,
            number,
            lambda case, by: case.assist(by=by, department=Department.by_key(to), words=words(by)),
        )

    def task(self, case: Case, person: Person | None = None) -> str:
        mine = [
            each
            for each in case.assists
            if each.is_open and (person is None or person.serves(each.department))
        ]
        return mine[0].public_id if mine else "nosuchone1"

    @tried("assist_answer", who=anyone)
    def answer_assist(self, number: int, who: str) -> None:
        words = self.words("real")
        self.act(
            "assist_answer",
            who,
            number,
            lambda case, by: case.answer_assist(self.task(case, by), by=by, words=words(by)),
        )

    @tried("assist_waive", who=anyone)
    def waive_assist(self, number: int, who: str) -> None:
        self.act("assist_waive", who, number, lambda case, by: case.waive_assist(self.task(case), by=by))

    @tried("instruct", who=anyone, public=st.booleans())
    def instruct(self, number: int, who: str, public: bool) -> None:
        words, outcome = self.words("real"), self.case(number).outcome
        self.act(
            "instruct", who, number, lambda case, by: case.instruct(by=by, words=words(by), public=public)
        )
        assert self.case(number).outcome == outcome

    @tried("relay", who=anyone)
    def relay(self, number: int, who: str) -> None:
        self.act(
            "relay", who, number, lambda case, by: case.relay(by=by, receipt="110-0042", called_back=True)
        )

    @tried("decline", who=anyone)
    def decline(self, number: int, who: str) -> None:
        self.act(
            "decline",
            who,
            number,
            lambda case, by: case.decline(by=by, reason="不归交警管。", advice="请找物业。"),
        )

    @precondition(lambda self: self.asked)
    @rule(number=which, who=anyone, approve=st.booleans())
    def decide(self, number: int, who: str, approve: bool) -> None:
        number = number if self.case(number).open_approval() is not None else 1 - number
        approval = self.case(number).open_approval()
        assert approval is not None
        approval_id, verb, question = approval.public_id, approval.verb, approval.arguments.get("question")
        if who == "right":
            who = "carl" if approval.asked_by_id == self.town.ids["lena"] else "lena"
        round_was = self.case(number).round
        db.session.rollback()
        before = self.fingerprint()
        try:
            with transaction():
                self.case(number).decide(
                    approval_id, by=getattr(self.cast, who), approve=approve, reason="理由"
                )
        except BoardError:
            assert self.fingerprint() == before
            return
        stopped = self.case(number).clock("reply")
        if approve and verb == "ask" and question != STOCK and stopped is not None and not stopped.is_open:
            self.answered[number, round_was] = True
        with pytest.raises(BoardError), transaction():
            self.case(number).decide(approval_id, by=getattr(self.cast, who), approve=approve, reason="理由")

    @tried(
        "resolve",
        who=anyone,
        outcome=st.sampled_from(("solved", "explained", "planned", "transferred", "impossible")),
    )
    def resolve(self, number: int, who: str, outcome: str) -> None:
        words = self.words("real")
        needed: dict[str, dict[str, Any]] = {
            "planned": {"date": now() + timedelta(days=12)},
            "transferred": {"number": "GR-118", "contact": "市供热公司 小区专员"},
            "impossible": {"reason": "没有权限。"},
        }
        details = needed.get(outcome, {})
        self.act(
            "resolve",
            who,
            number,
            lambda case, by: case.resolve(by=by, answer=words(by), outcome=outcome, **details),
        )

    @tried(
        "rate", who=anyone, solved=st.sampled_from(list(Solved)), content=st.sampled_from(list(Satisfaction))
    )
    def rate(self, number: int, who: str, solved: str, content: str) -> None:
        who, case = self.someone("rate", who, number), self.case(number)
        main = case.parent or case
        given = len(main.ratings)
        person = getattr(self.cast, who)
        before = main.rating_of(person)
        again = (
            before is not None and before.answer == main.answers_given() and before.says(solved, content, "")
        )
        allowed_to = {main.thread.poster_id, *(each.id for each in main.merged_posters())}
        main_id = main.id
        happened = self.act(
            "rate", who, number, lambda case, by: case.rate(by=by, solved=solved, satisfaction=content)
        )
        row = db.session.get(Case, main_id)
        assert row is not None
        assert len(row.ratings) == given + (happened and not again)
        if happened:
            assert person.id in allowed_to
            if person.id == row.thread.poster_id:
                assert (row.rated_solved, row.rated_satisfaction) == (solved, content)

    @tried("rectify", who=anyone)
    def rectify(self, number: int, who: str) -> None:
        who = self.someone("rectify", who, number)
        words, handler = self.words("real"), self.case(number).handler
        handler_id = handler.id if handler else None
        if self.act("rectify", who, number, lambda case, by: case.rectify(by=by, answer=words(by))):
            assert getattr(self.cast, who).id != handler_id

    @tried("reopen", who=anyone)
    def reopen(self, number: int, who: str) -> None:
        words, was = self.words("real"), self.case(number).round
        if self.act("reopen", who, number, lambda case, by: case.reopen(by=by, words=words(by))):
            assert self.case(number).round == was + 1

    @tried("nudge", who=anyone)
    def nudge(self, number: int, who: str) -> None:
        who = self.someone("nudge", who, number)
        if self.act("nudge", who, number, lambda case, by: case.nudge(by=by)):
            with pytest.raises(WrongState), transaction():
                self.case(number).nudge(by=getattr(self.cast, who))

    @tried("withdraw", who=anyone, sure=st.integers(0, 5))
    def withdraw(self, number: int, who: str, sure: int) -> None:
        if sure:
            return
        self.act("withdraw", who, number, lambda case, by: case.withdraw(by=by, pressed="no"))

    @tried("follow_up", who=anyone, done=st.booleans())
    def follow_up(self, number: int, who: str, done: bool) -> None:
        self.act("follow_up", who, number, lambda case, by: case.follow_up(by=by, done=done))

    @tried("merge", who=anyone)
    def merge(self, number: int, who: str) -> None:
        other, before = self.case(1 - number).id, self.dues_now()
        others = {each.id for each in self.case(1 - number).deadlines}
        if self.act(
            "merge", who, number, lambda case, by: case.merge(by=by, into=db.session.get_one(Case, other))
        ):
            after = self.dues_now()
            assert all(after[each] == before[each] for each in others & before.keys())

    @tried("unmerge", who=anyone)
    def unmerge(self, number: int, who: str) -> None:
        self.act("unmerge", who, number, lambda case, by: case.unmerge(by=by))

    @rule(number=which)
    def merge_and_unmerge(self, number: int) -> None:
        other, poster = self.case(1 - number), self.case(number).thread.poster
        into, duplicate = other.id, self.case(number).id
        before = self.everything_but_the_timeline()
        assert poster is not None
        try:
            with transaction():
                self.case(number).merge(by=self.cast.dana, into=db.session.get_one(Case, into))
        except BoardError:
            return
        with transaction():
            db.session.get_one(Case, duplicate).unmerge(by=self.cast.dana)
        after = self.everything_but_the_timeline()
        moved = {
            cell: (before.get(cell), after.get(cell))
            for cell in before.keys() | after.keys()
            if before.get(cell) != after.get(cell)
        }
        assert not moved, moved

    @rule(number=which, release=st.booleans())
    def hold(self, number: int, release: bool) -> None:
        try:
            with transaction():
                thread, mona = self.case(number).thread, self.cast.mona
                thread.release(by=mona) if release else thread.hold(by=mona, reason="private_data")
        except (NotAllowed, WrongState):
            pass

    @rule(number=which, who=people, verb=st.sampled_from(sorted(CALLS)))
    def try_what_is_not_yours_or_not_now(self, number: int, who: str, verb: str) -> None:
        if verb not in self.case(number).open_verbs(getattr(self.cast, who)):
            assert not self.act(verb, who, number, CALLS[verb])

    @rule(number=which, who=people)
    def look(self, number: int, who: str) -> None:
        reader, thread = getattr(self.cast, who), self.case(number).thread
        listed = db.session.scalar(db.select(Thread.id).where(Thread.id == thread.id, visible_to(reader)))
        assert (listed is not None) == sees(reader, thread)

    # --- time and people ---------------------------------------------------------------------------------

    @rule(step=st.sampled_from(STEPS), worker=st.sampled_from((True, True, True, False)))
    def time_passes(self, step: timedelta, worker: bool) -> None:
        end = now() + step
        while worker:
            due = db.session.scalar(
                db.select(db.func.min(jobs.Job.due_at)).where(
                    jobs.Job.done_at.is_(None),
                    jobs.Job.failed_at.is_(None),
                    jobs.Job.due_at <= end,
                    jobs.Job.kind.in_(TIME),
                )
            )
            db.session.rollback()
            if due is None:
                break
            clock.advance(max(due - now(), timedelta(0)))
            jobs.run_due(kinds=TIME)
        clock.advance(max(end - now(), timedelta(0)))
        failed = db.session.scalars(
            db.select(jobs.Job.last_error).where(jobs.Job.last_error.is_not(None))
        ).all()
        assert [each for each in failed if each != "cancelled"] == []
        db.session.rollback()

    @rule()
    def the_worker_catches_up(self) -> None:
        jobs.run_due(kinds=TIME)
        left = db.session.scalars(
            db.select(Deadline).where(Deadline.stopped_at.is_(None), Deadline.due_at <= now())
        ).all()
        assert [each.kind for each in left if each.is_running and each.breached_at is None] == []

    @rule(ahead=st.integers(0, 12))
    def a_holiday_is_declared(self, ahead: int) -> None:
        day: date = local(now()).date() + timedelta(days=ahead)
        with transaction():
            put_days({day: DayName("holiday", "放假", "Holiday")}, source="test")
        jobs.run_due(kinds=("recompute-deadlines",))

    @rule(who=st.sampled_from(("otto", "otis", "hugo", "dana")))
    def the_shift_changes(self, who: str) -> None:
        with transaction():
            person = getattr(self.cast, who)
            mine = db.session.scalars(
                db.select(Shift).where(
                    Shift.person_id == person.id, Shift.ends_at > now(), Shift.starts_at <= now()
                )
            ).all()
            for shift in mine:
                if shift.starts_at < now():
                    shift.ends_at = now()
                else:
                    db.session.delete(shift)
            if not mine:
                for department in person.departments:
                    exists = db.session.scalar(
                        db.select(Shift).where(
                            Shift.person_id == person.id,
                            Shift.department_id == department.id,
                            Shift.starts_at == now(),
                        )
                    )
                    if exists is None:
                        db.session.add(
                            Shift(
                                department=department,
                                person=person,
                                starts_at=now(),
                                ends_at=now() + timedelta(days=90),
                            )
                        )

    @rule(who=st.sampled_from(("otto", "lena")))
    def somebody_leaves_or_comes_back(self, who: str) -> None:
        with transaction():
            for appointment in db.session.scalars(
                db.select(Appointment).where(Appointment.person_id == self.town.ids[who])
            ):
                appointment.ends_at = now() if appointment.ends_at is None else None

    # --- what holds always --------------------------------------------------------------------------------

    def everything_but_the_timeline(self) -> dict[tuple[Any, ...], Any]:
        """Both cases and all they own, cell by cell, without events, versions and moments of editing."""
        skipped = {"version", "version_id", "moved_at", "events_count", "last_hash", "recorded"}
        cells: dict[tuple[Any, ...], Any] = {}
        with db.engine.connect() as connection:
            for table in ("case", "thread", "deadline", "approval", "assist_task", "handover", "rating"):
                for row in connection.execute(text(f'select * from "{table}"')).mappings():
                    cells |= {(table, row["id"], name): row[name] for name in row if name not in skipped}
            for row in connection.execute(text("select * from watch")).mappings():
                cells["watch", row["thread_id"], row["person_id"]] = row["affected"]
            for row in connection.execute(text("select * from tally where value != 0")).mappings():
                cells["tally", row["scope"], row["name"]] = row["value"]
        return cells

    @invariant()
    def every_rule_of_the_case_holds(self) -> None:
        if not self.threads:
            return
        work = calendar()
        cases = [self.case(number) for number in range(len(self.threads))]
        self.possible = [{verb for verb in NEXT if case.can(verb)} for case in cases]
        self.asked = any(case.open_approval() is not None for case in cases)
        for number, case in enumerate(cases):
            self.the_row_is_what_its_events_say(case)
            self.clocks_fit_the_status(case, work)
            self.promises_are_kept_in_mind(case)
            self.only_an_answer_stops_reply(case, number)
            self.answers_and_ratings_stand(case)
            if case.is_open:
                assert case.department is not None
                assert case.outcome is None
                assert case.parent is None
                assert responsible(case), "nobody answers for an open case"
            if case.parent is not None:
                assert case.status == Status.CLOSED
                assert case.outcome == Outcome.DUPLICATE
                assert case.parent.parent is None
            if case.status == Status.IN_PROGRESS:
                assert case.handler is not None
        db.session.rollback()
        with transaction():
            assert reconcile() == []

    def the_row_is_what_its_events_say(self, case: Case) -> None:
        events = list(case.thread.events)
        assert replay(events) == case.tracked()
        findings = verify(events)
        assert all(finding.chain and finding.text in ("none", "open") for finding in findings)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))

    def clocks_fit_the_status(self, case: Case, work: Any) -> None:
        status = Status(case.status)
        running = [each for each in case.deadlines if each.is_open]
        assert all(each.round == case.round for each in running)
        kinds_open = [each.kind for each in running]
        assert len(kinds_open) == len(set(kinds_open))
        assert set(kinds_open) <= CLOCKS[status], f"{kinds_open} in a {status} case"
        assert ("accept" in kinds_open) == (status == Status.PENDING)
        assert ("resolve" in kinds_open) == (case.is_open and status != Status.PENDING)
        assert ("poster" in kinds_open) == (status == Status.WAITING_POSTER)
        if status in (Status.IN_PROGRESS, *PAUSES_FOR) and case.handler is not None:
            assert "update" in kinds_open
        if status == Status.RESOLVED:
            assert len(kinds_open) == 1
        for each in running:
            if each.kind in ("resolve", "update"):
                assert (each.paused_at is not None) == (status in PAUSES_FOR)
            if each.due_at is not None and each.limit_at is None:
                used = elapsed(each.clock, work, each.due_at)
                assert used == allowed(each.clock, work, each.due_at)
        waited = sum(
            (elapsed(each.clock, work, each.stopped_at or now()) for each in case.deadlines
             if each.kind == "poster" and each.round == case.round),
            timedelta(0),
        )  # fmt: skip
        late = any(each.kind == "poster" and each.is_open for each in case.deadlines)
        assert late or waited <= 5 * work.hours.length + timedelta(days=40)

    def promises_are_kept_in_mind(self, case: Case) -> None:
        for each in case.deadlines:
            if each.id in self.breaches:
                assert each.breached_at == self.breaches[each.id], "a breach was rewritten"
            if each.breached_at is not None:
                assert each.kind in (*DUTIES, "poster", "rating")
                self.breaches[each.id] = each.breached_at
            if each.kind != "poster" and each.due_at is not None:
                assert each.due_at >= self.dues.get(each.id, each.due_at), f"{each.kind} became due earlier"
                self.dues[each.id] = each.due_at
        held = {each.id for each in case.deadlines}
        assert not {number for number in self.breaches if number in held} - {
            each.id for each in case.deadlines if each.breached_at is not None
        }

    def only_an_answer_stops_reply(self, case: Case, number: int) -> None:
        reply_clock = case.clock("reply")
        assert reply_clock is not None
        if case.is_open:
            assert (not reply_clock.is_open) == self.answered.get((number, case.round), False)

    def answers_and_ratings_stand(self, case: Case) -> None:
        events = case.thread.events
        if case.status == Status.RESOLVED or case.outcome in (
            "solved",
            "explained",
            "planned",
            "transferred",
            "impossible",
        ):
            final = [
                event
                for event in events
                if event.kind in ("case.resolved", "case.rectified") and event.round == case.round
            ]
            assert final
            assert final[-1].public_text is not None
            assert not case.assisting()
            assert case.open_approval() is None
            assert case.open_handover() is None
        posters = {case.thread.poster_id} | {each.id for each in case.merged_posters()}
        ever = posters | {self.town.ids["rita"], self.town.ids["vera"]}
        assert all(each.person_id in ever for each in case.ratings)
        poster = case.thread.poster
        rating = case.rating_of(poster)
        current = rating if rating is not None and rating.answer == case.answers_given() else None
        assert case.rated_solved == (current.solved if current else None)
        assert case.rated_satisfaction == (current.satisfaction if current else None)
        for round_number in range(1, case.round):
            frozen = tuple(
                (each.id, each.person_id, each.solved, each.satisfaction)
                for each in case.ratings
                if each.round == round_number
            )
            assert self.ratings.setdefault((case.id, round_number), frozen) == frozen
        for each in case.ratings:
            if each.first:
                key = (case.id, each.round, each.person_id)
                assert self.first_ratings.setdefault(key, each.id) == each.id


@pytest.fixture
def machine(tmp_path: Path, town: Town) -> type[Board]:
    on_a_board(Board, tmp_path, town)
    return Board


@pytest.mark.engines("sqlite", "postgres")
def test_whatever_anybody_tries_the_rules_of_the_case_hold(machine: type[Board]) -> None:
    play(machine, examples=15, steps=30)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_rules_hold_for_long_histories_too(machine: type[Board]) -> None:
    play(machine, examples=120, steps=60)
