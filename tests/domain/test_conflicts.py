"""Conflicts of interest: whom a complaint is kept from, who is told in his place, and that somebody is always left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from board import jobs
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, WrongState
from board.live import Stream, StreamEntry
from boards.models import Case, CaseEvent, Thread
from boards.models.duty import responsible
from boards.models.posting import reply
from boards.policy import sees, visible_to
from complaints import readings
from complaints.conflicts import conflicted
from complaints.models import Inquiry
from complaints.recusing import said, step_back
from complaints.ties import window
from notifications.models import Delivery, InboxItem, Telling, unread_of
from people import vault
from people.models import Appointment, Department, Person
from tests.builders import Cast
from tests.conftest import MOMENT
from tests.watchers import accuse, appoint, badge, complain, inspectors

Complained = Callable[..., Callable[[], Case]]


@pytest.fixture(autouse=True)
def watched(cast: Cast) -> None:
    """The inspectors are at work."""
    with transaction():
        inspectors(cast)


@pytest.fixture
def complained(cast: Cast) -> Complained:
    """Rita complains about these people and units; call what it gives inside a transaction() to change the case."""

    def put(accused: str = "", about: Callable[[], Case] | None = None) -> Callable[[], Case]:
        with transaction():
            thread = complain(
                cast.rita, one(accused) if accused else None, about=about() if about else None
            ).public_id
        return lambda: case_in(thread)

    def one(name: str) -> Person | Department:
        if name in cast.ids:
            return getattr(cast, name)
        return badge(name) if name.isdigit() else Department.by_key(name)

    return put


def case_in(thread: str) -> Case:
    case = db.session.scalars(db.select(Thread).where(Thread.public_id == thread)).one().case
    assert case is not None
    return case


def reads(person: Person, case: Case) -> bool:
    """Whether he may read it; the rule for one row and the rule for lists say the same."""
    listed = db.session.scalar(db.select(Thread.id).where(Thread.id == case.thread_id, visible_to(person)))
    assert (listed is not None) == sees(person, case.thread)
    return listed is not None


def told(person: Person) -> list[str]:
    """The kinds of the steps in his inbox, oldest first; the count beside them is true."""
    kinds = list(
        db.session.scalars(
            db.select(CaseEvent.kind)
            .join(InboxItem, InboxItem.event_id == CaseEvent.id)
            .where(InboxItem.person_id == person.id)
            .order_by(InboxItem.id)
        )
    )
    assert unread_of(person) == len(kinds)
    return kinds


def hints(*streams: str) -> list[object]:
    """All that these streams have said."""
    rows = db.select(StreamEntry.hint).join(Stream, StreamEntry.stream_id == Stream.id)
    return list(db.session.scalars(rows.where(Stream.name.in_(streams))))


# --- who must keep away --------------------------------------------------------------------------------------


@pytest.mark.engines("sqlite", "postgres")
def test_whoever_stands_near_the_accused_keeps_away_and_says_why(cast: Cast, complained: Complained) -> None:
    with transaction():
        for who in (
            "otto",
            "lena",
            "otis",
            "hugo",
            "carl",
        ):  # whoever they are, they serve among the inspectors now
            appoint(getattr(cast, who), Department.by_key("inspectorate"), since=1)
    case = complained("otto")()

    found = {
        who: conflicted(getattr(cast, who), case) for who in ("otto", "lena", "otis", "carl", "hugo", "ines")
    }

    assert found == {
        "otto": "accused", "lena": "superior", "otis": "same_unit", "carl": "superior", "hugo": None, "ines": None,
    }  # fmt: skip
    assert [who for who in found if reads(getattr(cast, who), case)] == ["hugo", "ines"]
    assert conflicted(cast.otto, complained("lena")()) == "subordinate"


def test_what_ended_in_the_last_two_years_still_ties_and_what_ended_before_does_not(
    cast: Cast, complained: Complained
) -> None:
    with transaction():
        traffic = Department.by_key("traffic-police")
        appoint(cast.otto, traffic, since=1500)
        appoint(cast.ines, traffic, "leader", since=1400, until=735)
        appoint(cast.ida, traffic, "officer", since=1400, until=725)

    case = complained("otto")()

    assert (conflicted(cast.ines, case), conflicted(cast.ida, case)) == (None, "same_unit")


def test_a_unit_that_was_moved_keeps_those_who_led_it_away(cast: Cast, complained: Complained) -> None:
    with transaction():
        appoint(cast.ines, Department.by_key("household-police"), "leader", since=300)
        Department.by_key("traffic-police").parent = Department.by_key("household-police")
    with transaction():
        Department.by_key("traffic-police").parent = Department.by_key("bureau")

    assert conflicted(cast.ines, complained("otto")()) == "superior"


def test_whoever_handled_the_matter_does_not_look_into_it(
    cast: Cast, complained: Complained, reported: Callable[[], Case]
) -> None:
    with transaction():
        reported().accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
    with transaction():
        for each in cast.otto.appointments:
            each.starts_at = now() - timedelta(days=2000)
            each.ends_at = now() - timedelta(days=1000)
        appoint(cast.otto, Department.by_key("inspectorate"), since=5)

    assert conflicted(cast.otto, complained("hugo", about=reported)()) == "handled"
    assert conflicted(cast.otto, complained("hugo")()) is None


def test_a_public_case_stays_public_and_only_acting_on_it_as_inspector_is_barred(
    cast: Cast, reported: Callable[[], Case]
) -> None:
    with transaction():
        appoint(cast.ines, Department.by_key("traffic-police"), since=200, until=100)

    assert conflicted(cast.ines, reported()) == "same_unit"
    assert conflicted(cast.ida, reported()) is None
    assert all(reads(getattr(cast, who), reported()) for who in ("ines", "otto", "vera"))
    assert "accept" in reported().open_verbs(cast.otto), "its department handles it as ever"


def test_an_accused_inspector_goes_to_the_others_and_hears_nothing(
    cast: Cast, complained: Complained
) -> None:
    quiet = ("department:inspectorate", "presence:inspectorate", cast.ines.stream, badge("090009").stream)
    before = hints(*quiet)

    case = complained("ines")
    with transaction():
        reply(case().thread, "他还威胁我，@督察 请快一点。", by=cast.rita)
    jobs.run_due()

    assert {who: reads(getattr(cast, who), case()) for who in ("ines", "ida")} == {"ines": False, "ida": True}
    assert not reads(badge("090009"), case()), "who leads her is her superior"
    assert told(cast.ida) == ["thread.posted", "reply.posted"], (
        "nobody free is on duty, so a colleague is told"
    )
    assert (told(cast.ines), told(badge("090009"))) == ([], [])
    assert hints(*quiet) == before
    barred = [cast.ines.id, badge("090009").id]
    for table in (Telling, Delivery):
        assert list(db.session.scalars(db.select(table.id).where(table.person_id.in_(barred)))) == []


def test_nothing_can_be_done_by_whom_it_is_kept_from(cast: Cast, complained: Complained) -> None:
    case = complained("ines")
    for verb, words in (("accept", {}), ("claim", {}), ("note", {"note": "看一下"})):
        with pytest.raises(NotAllowed), transaction():
            getattr(case(), verb)(by=cast.ines, **words)
    assert case().open_verbs(cast.ines) == set()
    with transaction():
        case().accept(by=cast.ida, answer="已经收到您的投诉，正在核实。")


def test_a_leader_gives_it_to_nobody_who_is_barred(cast: Cast, complained: Complained) -> None:
    case = complained("otto")
    with transaction():
        appoint(cast.ines, Department.by_key("traffic-police"), since=100, until=20)
        case().accept(by=cast.ida, answer="已经收到您的投诉，正在核实。")

    with pytest.raises(Invalid), transaction():
        case().assign(by=badge("090009"), to=cast.ines)
    with transaction():
        case().assign(by=badge("090009"), to=cast.ida)


# --- the authority above --------------------------------------------------------------------------------------


@pytest.mark.parametrize("accused", ["090009", "carl"])
def test_a_complaint_about_whoever_is_above_the_inspectors_goes_above_them_all(
    cast: Cast, complained: Complained, accused: str
) -> None:
    quiet = ("department:inspectorate", cast.ines.stream, badge("090009").stream)
    before = hints(*quiet)
    case = complained(accused)
    jobs.run_due()

    assert case().department.key == "superior"
    assert {each.department.key for each in Inquiry.of(case())} == {"superior"}, "both tasks"
    assert [each.badge for each in responsible(case())] == ["990001"]
    staff = db.session.scalars(db.select(Person).where(Person.kind == "staff")).all()
    assert [each.badge for each in staff if reads(each, case())] == ["990001", "990002"]
    assert told(badge("990001")) == ["thread.posted"], "at once, and nobody here was told before"
    assert hints(*quiet) == before
    assert case().thread.events[0].parameters["lead"] == "superior"
    for person in (cast.ines, cast.ida, badge("090009"), cast.carl):
        assert told(person) == []


# --- stepping back ----------------------------------------------------------------------------------------------


@pytest.mark.engines("sqlite", "postgres")
def test_whoever_steps_back_is_out_and_the_words_lie_in_the_vault(cast: Cast, complained: Complained) -> None:
    case = complained("otto")
    with transaction():
        readings.note(cast.ida, case().thread)
        step_back(case(), by=cast.ida, kind="declared", words="被投诉人是我表哥。")
    jobs.run_due()

    assert conflicted(cast.ida, case()) == "declared"
    assert not reads(cast.ida, case())
    assert told(cast.ines)[-1] == "conflict.stepped_back", "and not that she had read it: she said so herself"
    assert told(cast.ida) == []
    assert [each.words for each in said(case())] == ["被投诉人是我表哥。"]
    event = case().thread.events[-1]
    assert "表哥" not in str([event.parameters, event.details, event.change, event.internal_text])
    assert db.session.scalar(
        db.select(db.func.count(vault.VaultItem.id)).where(vault.VaultItem.field == "words")
    )
    with pytest.raises(NotAllowed), transaction():
        step_back(case(), by=cast.ida, kind="recused", words="再来一次。")


def test_when_the_last_one_steps_back_it_goes_above_and_there_nobody_else_may(
    cast: Cast, complained: Complained
) -> None:
    case = complained("ines")
    with transaction():
        step_back(case(), by=cast.ida, kind="recused", words="我和她是多年的朋友。")
    assert [each.badge for each in responsible(case())] == ["990001"], "from that moment"
    jobs.run_due()
    assert case().department.key == "superior"
    assert told(badge("990001")) == ["inquiry.sent_above", "conflict.sealed_above"]
    assert told(cast.rita)[-1] == "conflict.sealed_above"

    with transaction():
        step_back(case(), by=badge("990001"), kind="recused", words="我认识她。")
    with pytest.raises(WrongState), transaction():
        step_back(case(), by=badge("990002"), kind="recused", words="我也认识她。")
    assert [each.badge for each in responsible(case())] == ["990002"]


# --- whoever had read it before -----------------------------------------------------------------------------------


@pytest.mark.engines("sqlite", "postgres")
def test_the_inspectors_hear_that_somebody_had_read_it_before_and_his_own_news_are_gone(
    cast: Cast, complained: Complained
) -> None:
    case = complained("otto")
    assert told(cast.ines) == ["thread.posted"]
    with transaction():
        readings.note(cast.ines, case().thread)

    with transaction():
        accuse(case(), cast.ines)
    assert not reads(cast.ines, case()), "at once"
    jobs.run_due()
    jobs.run_due()

    assert told(cast.ines) == []
    assert told(cast.ida) == ["conflict.read_before"], "once"
    [event] = [each for each in case().thread.events if each.kind == "conflict.read_before"]
    assert event.details["readers"] == [[cast.ines.badge, MOMENT.isoformat(), "accused"]]
    assert not event.is_public


def test_a_new_office_is_looked_at_and_takes_the_case_from_its_handler(
    cast: Cast, complained: Complained
) -> None:
    case = complained("otto")
    with transaction():
        case().accept(by=cast.ines, answer="已经收到您的投诉，正在核实。")
        case().claim(by=cast.ines)
        readings.note(cast.ines, case().thread)
    with transaction():
        appoint(cast.otto, Department.by_key("kunhe"), since=300)
        appoint(cast.ines, Department.by_key("kunhe"), since=90, until=30)
    jobs.run_due()

    assert case().handler is None
    assert told(cast.ida)[-3:] == ["conflict.handler_left", "inquiry.begun_anew", "conflict.read_before"]
    assert told(cast.ines) == []


# --- properties ------------------------------------------------------------------------------------------------------

# Offices begin and end at these days, counted from now and from the edge of the window.
EDGES = tuple(sorted([window(MOMENT) + timedelta(days=days) for days in (-200, 0, 100, 300)]))
EDGES += tuple(MOMENT + timedelta(days=days) for days in (-10, 0, 10))
UNITS = ("bureau", "traffic-police", "household-police", "inspectorate", "kunhe")


@st.composite
def offices(draw: st.DrawFn) -> tuple[str, str, datetime, datetime | None]:
    since = draw(st.sampled_from(EDGES[:-1]))
    later = [each for each in EDGES if each > since]
    until = draw(st.sampled_from([None, *later]))
    return draw(st.sampled_from(UNITS)), draw(st.sampled_from(["officer", "leader"])), since, until


lives = st.lists(offices(), min_size=1, max_size=3)
trees = st.fixed_dictionaries(
    {each: st.sampled_from([None, *UNITS[:at]]) for at, each in enumerate(UNITS) if at}
)


def tied(
    own: list[tuple[str, str, datetime, datetime | None]],
    other: list[tuple[str, str, datetime, datetime | None]],
    tree: dict[str, str | None],
) -> bool:
    """Day by day: was there a moment in the window at which both held offices that tie?"""

    def above(unit: str) -> set[str]:
        up: set[str] = set()
        step = tree.get(unit)
        while step is not None:
            up.add(step)
            step = tree.get(step)
        return up

    inside = [each for each in EDGES if window(MOMENT) <= each <= MOMENT]
    moments = [*(first + (last - first) / 2 for first, last in pairwise(inside)), MOMENT]
    for moment in moments:
        for mine, my_role, since, until in own:
            for his, his_role, began, ended in other:
                if not (since <= moment and (until is None or moment < until)):
                    continue
                if not (began <= moment and (ended is None or moment < ended)):
                    continue
                leads, led = my_role == "leader", his_role == "leader"
                if mine == his and (mine != "inspectorate" or leads or led):
                    return True
                if (led and his in above(mine)) or (leads and mine in above(his)):
                    return True
    return False


class Undone(Exception):
    """Ends a transaction without a trace."""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(own=lives, other=lives, tree=trees)
def test_the_rule_is_what_day_by_day_looking_finds(
    cast: Cast,
    complained: Complained,
    own: list[tuple[str, str, datetime, datetime | None]],
    other: list[tuple[str, str, datetime, datetime | None]],
    tree: dict[str, str | None],
) -> None:
    thread = db.session.scalar(db.select(Thread.public_id).order_by(Thread.id))
    case = (lambda: case_in(thread)) if thread else complained()

    def found() -> None:
        with transaction():
            units = {each: Department.by_key(each) for each in UNITS}
            for key, parent in tree.items():
                units[key].parent = units[parent] if parent else None
            db.session.execute(db.text("DELETE FROM former_parent"))
            people = []
            for number, life in (("770001", own), ("770002", other)):
                person = Person(kind="staff", badge=number)
                db.session.add(person)
                for key, role, since, until in life:
                    person.appointments.append(
                        Appointment(department=units[key], role=role, starts_at=since, ends_at=until)
                    )
                people.append(person)
            db.session.flush()
            db.session.execute(db.text("DELETE FROM former_parent"))
            accuse(case(), people[1])
            assert (conflicted(people[0], case()) is not None) == tied(own, other, tree)
            raise Undone

    with pytest.raises(Undone):
        found()


ACTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("accuse"), st.sampled_from(["otto", "ines", "ida", "090009", "inspectorate", "carl"])
        ),
        st.tuples(st.just("recuse"), st.sampled_from(["ines", "ida", "090009", "990001", "990002"])),
        st.tuples(st.just("appoint"), st.sampled_from(["ines", "ida", "otto", "hugo"])),
        st.tuples(st.just("dismiss"), st.sampled_from(["ines", "ida", "090009"])),
        st.tuples(st.just("read"), st.sampled_from(["ines", "ida", "090009"])),
        st.tuples(st.just("reply"), st.just("rita")),
        st.tuples(st.just("work"), st.just("worker")),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.sampled_from(["otto", "ines", "090009"]), acts=ACTS)
def test_nobody_with_a_conflict_is_ever_told_and_somebody_always_answers(
    cast: Cast, complained: Complained, first: str, acts: list[tuple[str, str]]
) -> None:
    def who(name: str) -> Person:
        return getattr(cast, name) if name in cast.ids else badge(name)

    offices = list(db.session.scalars(db.select(Appointment.id)))
    known = db.session.scalar(db.select(db.func.max(InboxItem.id))) or 0
    case = complained(first)
    for act, name in [("work", ""), *acts, ("work", "")]:
        if act == "accuse":
            with transaction():
                accuse(case(), Department.by_key(name) if name == "inspectorate" else who(name))
        elif act == "recuse":
            try:
                with transaction():
                    step_back(case(), by=who(name), kind="recused", words="我认识他。")
            except (NotAllowed, WrongState):
                pass
        elif act == "appoint":
            with transaction():
                appoint(who(name), Department.by_key("traffic-police"), since=60, until=20)
        elif act == "dismiss":
            with transaction():
                for each in who(name).appointments:
                    each.ends_at = each.ends_at or now()
        elif act == "read":
            with transaction():
                readings.note(who(name), case().thread)
        elif act == "reply":
            with transaction():
                reply(case().thread, "请问办得怎么样了？", by=cast.rita)
        else:
            jobs.run_due()
        rows = db.session.scalars(
            db.select(InboxItem).where(InboxItem.id > known, InboxItem.person_id.is_not(None))
        )
        fresh = list(rows)
        known = max([known, *(each.id for each in fresh)])
        for each in fresh:
            assert each.person is not None
            assert each.person.id == cast.ids["rita"] or conflicted(each.person, case()) is None, (act, name)
        answering = responsible(case())
        assert answering, (act, name)
        assert [each.badge for each in answering if conflicted(each, case())] == []
    with transaction():
        for each in db.session.scalars(db.select(Appointment).where(Appointment.id.not_in(offices))).all():
            db.session.delete(each)
        for each in db.session.scalars(db.select(Appointment)):
            each.ends_at = None
        case().status = "closed"  # the next example has one of its own
