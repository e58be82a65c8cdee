"""Calls under a random hand and a held clock: two cases live the same life, one with a pager that is always in time,
one with a pager that comes late, twice or not at all. Whenever the late one has looked, nobody can tell them apart."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
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
from sqlalchemy import func, select

from board import clock
from board.clock import advance, now
from board.db import db, transaction
from boards.models import Case, Thread
from boards.models.posting import reply
from notifications.models import Delivery, Page, PageState, PageStep, Telling
from notifications.paging import auditing, pager
from notifications.paging.listening import open_pages
from people.models import Appointment, Department, Person, Shift
from tests import conftest
from tests.builders import Cast, posted
from tests.domain.stateful import begin_anew, on_a_board, play
from tests.towns import Town

PUNCTUAL, LATE = 0, 1
WAITS = (
    timedelta(seconds=1),
    timedelta(minutes=4),
    timedelta(minutes=20),
    timedelta(hours=3),
    timedelta(days=2),
)
HOURS = st.integers(-6, 30)


class Pagers(RuleBasedStateMachine):
    """Each act is done to both cases in the same moment."""

    app: Flask
    town: Town

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        begin_anew(self)
        self.stack.enter_context(clock.freeze(conftest.MOMENT))
        self.stack.enter_context(self.app.app_context())
        self.cast = Cast(dict(self.town.ids))
        self.threads: list[str] = []
        self.held: list[tuple[int, datetime, datetime]] = []  # page, from, until: nobody is told in between
        self.fresh = False

    def teardown(self) -> None:
        db.session.remove()
        self.stack.close()

    @initialize(
        start=st.integers(0, 23),
        shifts=st.lists(
            st.tuples(st.sampled_from(("otto", "otis", "lena")), HOURS, st.integers(1, 26)), max_size=4
        ),
        urgent=st.booleans(),
        section=st.sampled_from(("traffic", "household", "12345")),
    )
    def two_calls(self, start: int, shifts: list[tuple[str, int, int]], urgent: bool, section: str) -> None:
        advance(timedelta(hours=start))
        with transaction():
            traffic = Department.by_key("traffic-police")
            db.session.execute(db.delete(Shift).where(Shift.department_id == traffic.id))
            for who, begins, length in dict.fromkeys(shifts):
                starts_at = now() + timedelta(hours=begins)
                known = db.session.scalar(
                    select(Shift.id).where(
                        Shift.person_id == self.town.ids[who],
                        Shift.department_id == traffic.id,
                        Shift.starts_at == starts_at,
                    )
                )
                if known is None:
                    db.session.add(
                        Shift(
                            department=traffic,
                            person=getattr(self.cast, who),
                            starts_at=starts_at,
                            ends_at=starts_at + timedelta(hours=length),
                        )
                    )
                    db.session.flush()
        danger = {"section": "110", "title": "有人要打人", "body": "有人拿刀要杀人，快来人"}
        with transaction():
            for _twin in range(2):
                draft = danger if urgent else {"section": section}
                self.threads.append(posted(self.cast.rita, **draft).public_id)

    # --- time ---------------------------------------------------------------------------------------------

    def case(self, twin: int) -> Case:
        case = db.session.scalar(
            select(Case)
            .join(Thread, Case.thread_id == Thread.id)
            .where(Thread.public_id == self.threads[twin])
        )
        assert case is not None
        return case

    def look(self, twin: int) -> None:
        with transaction():
            for page in open_pages(self.case(twin)):
                if page.next_at is not None and page.next_at <= now():
                    pager.look(page)

    @rule(span=st.sampled_from(WAITS), times=st.integers(1, 3))
    def time_passes(self, span: timedelta, times: int) -> None:
        """The punctual pager looks at the very moments at which something is due."""
        until = now() + span * times
        while True:
            due = db.session.scalar(
                select(func.min(Page.next_at)).where(
                    Page.case_id == self.case(PUNCTUAL).id, Page.next_at <= until
                )
            )
            db.session.rollback()
            if due is None:
                break
            if due > now():
                advance(due - now())
            self.look(PUNCTUAL)
        advance(until - now())
        self.fresh = False

    @rule(times=st.integers(1, 2))
    def the_late_pager_looks(self, times: int) -> None:
        for _turn in range(times):
            self.look(LATE)
        self.fresh = True

    def catch_up(self) -> None:
        self.look(LATE)
        self.fresh = True

    # --- what people do -----------------------------------------------------------------------------------

    def both(self, act: Callable[[Case], Any]) -> None:
        """Do it to both, or to neither."""
        with transaction():
            for twin in (PUNCTUAL, LATE):
                act(self.case(twin))

    def pending(self) -> bool:
        return bool(self.threads) and self.case(PUNCTUAL).status == "pending"

    @precondition(lambda self: self.pending())
    @rule(who=st.sampled_from(("otto", "otis", "lena", "hugo", "dana")))
    def acknowledge(self, who: str) -> None:
        if self.lapsed():
            self.catch_up()
        person = getattr(self.cast, who)
        if "acknowledge" not in self.case(PUNCTUAL).open_verbs(person):
            return
        self.both(lambda case: case.acknowledge(by=getattr(self.cast, who)))
        for page in db.session.scalars(select(Page).where(Page.state == PageState.ACKNOWLEDGED)):
            assert page.lease_until is not None
            self.held.append((page.id, now(), page.lease_until))

    def lapsed(self) -> bool:
        # Whether it can be confirmed again depends on what the pager did: the late one must have looked for that.
        return self.case(PUNCTUAL).acknowledged_at is not None

    @precondition(lambda self: self.pending())
    @rule(who=st.sampled_from(("otto", "lena", "hugo", "dana")))
    def accept(self, who: str) -> None:
        person = getattr(self.cast, who)
        if "accept" in self.case(PUNCTUAL).open_verbs(person):
            self.both(lambda case: case.accept(by=getattr(self.cast, who)))

    @precondition(lambda self: self.pending())
    @rule()
    def an_officer_answers_below(self) -> None:
        lead = self.case(PUNCTUAL).department.key
        who = {"traffic-police": "otto", "household-police": "hugo"}.get(lead, "dana")
        # In words of their own: what a department has said before is no answer.
        self.both(
            lambda case: reply(
                case.thread, f"诉求 {case.number}：下午派人到路口查看。", by=getattr(self.cast, who)
            )
        )

    @precondition(lambda self: self.pending())
    @rule(to=st.sampled_from(("traffic-police", "household-police", "heating")))
    def route(self, to: str) -> None:
        if self.case(PUNCTUAL).department.key != to and not self.case(PUNCTUAL).thread.is_restricted:
            self.both(lambda case: case.route(by=self.cast.dana, to=Department.by_key(to)))

    @precondition(lambda self: self.pending())
    @rule()
    def withdraw(self) -> None:
        if "withdraw" in self.case(PUNCTUAL).open_verbs(self.cast.rita):
            self.both(lambda case: case.withdraw(by=self.cast.rita))

    @rule()
    def a_shift_ends_early(self) -> None:
        with transaction():
            running = select(Shift).where(Shift.starts_at < now(), Shift.ends_at > now()).order_by(Shift.id)
            shift = db.session.scalars(running).first()
            if shift is not None:
                shift.ends_at = now()

    @rule()
    def the_leader_leaves(self) -> None:
        with transaction():
            office = db.session.scalars(
                select(Appointment).where(
                    Appointment.person_id == self.cast.lena.id, Appointment.ends_at.is_(None)
                )
            ).first()
            if office is not None:
                office.ends_at = now()

    # --- what always holds --------------------------------------------------------------------------------

    def standing(self, twin: int) -> list[Any]:
        """The calls of a case as anybody could tell them apart."""
        found = []
        for page in db.session.scalars(
            select(Page).where(Page.case_id == self.case(twin).id).order_by(Page.id)
        ):
            steps = db.session.scalars(
                select(PageStep).where(PageStep.page_id == page.id).order_by(PageStep.id)
            ).all()
            found.append(
                (
                    (
                        page.department.key,
                        page.owed,
                        page.urgent,
                        page.state,
                        page.leg,
                        page.first,
                        page.step,
                    ),
                    (page.leg_at, page.lease_until, page.next_at, page.ended_why, page.acknowledged_at),
                    [(each.leg, each.step, each.who, each.due_at, each.empty) for each in steps],
                )
            )
        return found

    @precondition(lambda self: self.fresh and bool(self.threads))
    @invariant()
    def both_stand_alike(self) -> None:
        assert self.standing(LATE) == self.standing(PUNCTUAL)

    @precondition(lambda self: bool(self.threads))
    @invariant()
    def nobody_is_told_without_need_or_twice(self) -> None:
        seen = set()
        desk = Department.desk()
        for telling, page in db.session.execute(select(Telling, Page).join(Page, Telling.page_id == Page.id)):
            key = (telling.event_id, telling.person_id, telling.channel)
            assert key not in seen
            seen.add(key)
            assert page.ended_at is None or telling.at <= page.ended_at
            for held, since, until in self.held:
                assert held != page.id or not since < telling.at < until
            assert telling.person is not None
            offices = [
                each.department
                for each in telling.person.appointments
                if each.department is not None and each.holds(telling.at - timedelta(days=3))
            ]
            near = [page.department, *page.department.ancestors(), desk]
            assert any(each in near for each in offices)

    @precondition(lambda self: bool(self.threads))
    @invariant()
    def a_call_is_with_somebody_or_on_its_way_or_at_the_desk(self) -> None:
        for page in db.session.scalars(select(Page).where(Page.owed, Page.state != PageState.ENDED)):
            assert pager.over(page) is None
            if page.next_at is not None:
                continue
            told = db.session.scalars(
                select(PageStep.told).where(
                    PageStep.page_id == page.id, PageStep.who == "desk", PageStep.told_at.is_not(None)
                )
            ).all()
            late = db.session.scalar(
                select(func.count()).where(PageStep.page_id == page.id, PageStep.told_at.is_(None))
            )
            assert all(told)
            assert told or late
        for page in db.session.scalars(select(Page).where(Page.state == PageState.ENDED)):
            assert page.next_at is None

    @precondition(lambda self: bool(self.threads) and self.fresh)
    @invariant()
    def the_auditor_has_nothing_to_say(self) -> None:
        # The punctual pager left nothing; the late one has just looked.
        assert auditing.audit() == []

    @precondition(lambda self: bool(self.threads))
    @invariant()
    def every_telling_rides_in_a_delivery_of_its_person(self) -> None:
        rows = db.session.execute(
            select(Telling.person_id, Telling.channel, Delivery.person_id, Delivery.channel).join(
                Delivery, Telling.delivery_id == Delivery.id
            )
        )
        assert all((a, b) == (c, d) for a, b, c, d in rows)
        persons = select(func.count()).select_from(Telling).join(Person, Telling.person_id == Person.id)
        assert db.session.scalar(persons.where(Person.kind != "staff")) == 0


@pytest.fixture
def machine(tmp_path: Path, town: Town) -> type[Pagers]:
    on_a_board(Pagers, tmp_path, town)
    return Pagers


@pytest.mark.engines("sqlite", "postgres")
def test_a_pager_that_comes_late_twice_or_not_at_all_ends_where_a_punctual_one_does(
    machine: type[Pagers],
) -> None:
    play(machine, examples=15, steps=15)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_it_does_so_over_long_histories_too(machine: type[Pagers]) -> None:
    play(machine, examples=150, steps=40)
