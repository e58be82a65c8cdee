"""What lands with the inspectors from ordinary cases: sealing, referrals, reprisals, and whether somebody was pressed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from board import audit, clock, jobs
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, WrongState
from board.live import Stream, StreamEntry
from board.permissions import may
from boards.models import Case, CaseEvent, Thread
from boards.models.timeline import replay, verify
from boards.policy import sees, visible_to
from complaints import publishing
from complaints.conflicts import conflicted
from complaints.hearing import free_inspectors
from complaints.models import PressureQuestion, Referral, Reprisal, Sealing
from complaints.recusing import step_back
from notifications.models import InboxItem
from people.models import Department, Person
from tests.builders import Cast, case_of, posted
from tests.complaining import DISCIPLINE, complain, officer, open_complaints
from tests.watchers import appoint

Made = Callable[[], Case]
WORDS = "案件正在侦办，公开会惊动嫌疑人。"
ANSWER = "民警已到现场，信号灯正在抢修，今天下午恢复。"


@pytest.fixture(autouse=True)
def watched(cast: Cast) -> None:
    """The inspectors are at work: Ines and Ida, and two of discipline inspection."""
    with transaction():
        open_complaints(cast)


@pytest.fixture
def case(cast: Cast) -> Made:
    """Rita's case with the traffic police; Vera follows nothing of it."""
    with transaction():
        public_id = posted(cast.rita).public_id
    return lambda: case_of(public_id)


def seal(case: Case, by: Person, ground: str = "investigation") -> Sealing:
    return Sealing.propose(case, by=by, ground=ground, words=WORDS)


def readable(person: Person | None, case: Case) -> bool:
    """What both forms of the rule say; they must agree."""
    found = db.session.scalar(db.select(Thread.id).where(Thread.id == case.thread_id, visible_to(person)))
    assert (found is not None) == sees(person, case.thread)
    return found is not None


def standing(case: Case) -> Sealing:
    found = Sealing.standing(case)
    assert found is not None
    return found


def kinds(case: Case) -> list[str]:
    return [each.kind for each in case.thread.events]


def told(person: Person, kind: str) -> bool:
    query = db.select(InboxItem.id).join(CaseEvent, InboxItem.event_id == CaseEvent.id)
    return (
        db.session.scalar(query.where(InboxItem.person_id == person.id, CaseEvent.kind == kind)) is not None
    )


def noted(act: str) -> list[audit.AuditEntry]:
    return list(db.session.scalars(db.select(audit.AuditEntry).where(audit.AuditEntry.act == act)))


# --- sealing -------------------------------------------------------------------------------------------


def test_a_leader_seals_at_once_and_the_poster_and_free_inspectors_hear(cast: Cast, case: Made) -> None:
    with transaction():
        seal(case(), cast.lena)

    assert case().thread.is_restricted
    assert [readable(who, case()) for who in (None, cast.vera, cast.hugo, cast.mona)] == [False] * 4
    assert [readable(who, case()) for who in (cast.rita, cast.otto, cast.lena, cast.carl, cast.ines)] == [
        True
    ] * 5
    assert told(cast.rita, "case.sealed")
    assert told(cast.ines, "case.sealed")
    assert not told(cast.vera, "case.sealed")
    assert [each.details["why"] for each in noted("case.sealed")] == ["investigation"]


def test_no_clock_stops_and_the_chain_holds(cast: Cast, case: Made) -> None:
    before = [(each.kind, each.due_at) for each in case().deadlines]
    with transaction():
        seal(case(), cast.lena)

    assert [(each.kind, each.due_at) for each in case().deadlines] == before
    events = case().thread.events
    assert all(each.chain for each in verify(events))
    assert replay(events)["visibility"] == "restricted"


def test_without_an_inspector_it_is_public_again_after_24_hours(cast: Cast, case: Made) -> None:
    with transaction():
        seal(case(), cast.lena)
    clock.advance(timedelta(hours=23, minutes=59))
    jobs.run_due()
    assert case().thread.is_restricted

    clock.advance(timedelta(minutes=1))
    jobs.run_due()

    assert case().thread.is_public
    assert "seal.lapsed" in kinds(case())
    assert [each.actor for each in noted("seal.lapsed")] == [None]
    with pytest.raises(WrongState), transaction():
        seal(case(), cast.lena)


def test_confirmed_it_stays_and_its_job_does_nothing(cast: Cast, case: Made) -> None:
    with transaction():
        sealing = seal(case(), cast.lena)
        public_id = sealing.public_id
    with transaction():
        Sealing.by_public_id(public_id, reader=cast.ines).confirm(by=cast.ines)
    clock.advance(timedelta(days=2))
    jobs.run_due()

    assert case().thread.is_restricted
    assert told(cast.rita, "seal.confirmed")


def test_refused_it_is_public_with_the_inspectors_words(cast: Cast, case: Made) -> None:
    with transaction():
        seal(case(), cast.lena)
    with transaction():
        standing(case()).refuse(by=cast.ines, words="没有说明会惊动谁，依据不成立。")

    assert case().thread.is_public
    assert case().thread.restricted_to is None
    event = case().thread.events[-1]
    assert event.kind == "seal.refused"
    assert event.public_text is not None
    assert readable(None, case())


def test_of_two_inspectors_one_decides(cast: Cast, case: Made) -> None:
    with transaction():
        seal(case(), cast.lena)
    with transaction():
        standing(case()).confirm(by=cast.ines)
    with pytest.raises(WrongState), transaction():
        standing(case()).refuse(by=cast.ida, words="不同意。")

    assert case().thread.is_restricted


@pytest.mark.parametrize("who", ["otto", "hugo", "dana", "mona", "adam", "ines", "rita", "vera"])
def test_only_leaders_of_the_department_seal(cast: Cast, case: Made, who: str) -> None:
    with pytest.raises(NotAllowed), transaction():
        seal(case(), getattr(cast, who))


@pytest.mark.parametrize("who", ["otto", "lena", "carl", "hugo", "mona", "adam", "rita", "vera"])
def test_only_inspectors_decide_on_it(cast: Cast, case: Made, who: str) -> None:
    with transaction():
        seal(case(), cast.lena)
    with pytest.raises(NotAllowed), transaction():
        standing(case()).confirm(by=getattr(cast, who))


def test_an_inspector_tied_to_the_department_neither_reads_nor_decides(cast: Cast, case: Made) -> None:
    with transaction():
        appoint(cast.ines, Department.by_key("traffic-police"), since=300, until=40)
    with transaction():
        seal(case(), cast.lena)

    assert conflicted(cast.ines, case()) == "same_unit"
    assert not readable(cast.ines, case())
    assert not told(cast.ines, "case.sealed")
    assert cast.ines not in free_inspectors(case())
    assert readable(cast.ida, case())
    with pytest.raises(NotAllowed), transaction():
        standing(case()).confirm(by=cast.ines)


def test_a_ground_of_the_list_and_words_are_asked_for(cast: Cast, case: Made) -> None:
    with pytest.raises(Invalid) as none, transaction():
        seal(case(), cast.lena, ground="criticism")
    assert set(none.value.errors) == {"ground"}
    with pytest.raises(Invalid) as empty, transaction():
        Sealing.propose(case(), by=cast.lena, ground="privacy", words="  ")
    assert set(empty.value.errors) == {"words"}
    assert case().thread.is_public


def test_what_is_sealed_goes_with_the_case_to_another_department(cast: Cast, case: Made) -> None:
    with transaction():
        seal(case(), cast.lena)
        case().offer(
            by=cast.otto, to=Department.by_key("household-police"), reason="这是户口的事，请户政支队办理。"
        )
    with transaction():
        case().take(case().handovers[0].public_id, by=cast.hugo)

    assert readable(cast.hugo, case())
    assert not readable(cast.otto, case())


def test_the_department_gives_it_back_itself(cast: Cast, case: Made) -> None:
    with transaction():
        sealing = seal(case(), cast.lena)
        sealing.confirm(by=cast.ines)
    assert not may(cast.otto, "sealing.lift", sealing)
    with transaction():
        standing(case()).lift(by=cast.lena)

    assert case().thread.is_public
    with transaction():
        seal(case(), cast.lena)  # it was right before: it may be asked for again
    assert case().thread.is_restricted


def test_a_complaint_is_never_sealed(cast: Cast) -> None:
    with transaction():
        thread_id = complain(cast.rita).public_id
    with pytest.raises(NotAllowed), transaction():
        seal(case_of(thread_id), cast.carl)


def test_the_monthly_count_of_a_department_shows_no_small_figure(cast: Cast) -> None:
    with transaction():
        for _each in range(3):
            seal(case_of(posted(cast.rita).public_id), cast.lena)
    assert publishing.sealings() == []

    clock.advance(timedelta(days=20))
    assert [(each.reason, each.count) for each in publishing.sealings()] == [("merged", None)]


# --- referrals -----------------------------------------------------------------------------------------


def declined(case: Case, cast: Cast) -> None:
    case.decline(by=cast.lena, reason="不属于本单位职责。", advice="请向市供热公司反映。")


def refer(case: Case, by: Person, kind: str) -> Referral:
    return Referral.file(case, by=by, kind=kind, words="明明是路口的信号灯，就归交警管。")


def open_one(case: Case) -> Referral:
    (found,) = Referral.waiting(case)
    return found


def test_a_declined_case_is_put_to_the_inspectors_who_open_it_again(cast: Cast, case: Made) -> None:
    with transaction():
        declined(case(), cast)
    with transaction():
        refer(case(), cast.rita, "declined")
    assert told(cast.ines, "referral.filed")
    assert case().status == "closed"

    with transaction():
        open_one(case()).decide(by=cast.ines, decision="overturned", words="信号灯归交警支队，应当受理。")

    assert (case().status, case().round) == ("accepted", 2)
    assert kinds(case())[-2:] == ["referral.decided", "case.reopened"]
    assert told(cast.rita, "case.reopened")  # of one act she keeps the step that says most
    assert told(cast.otto, "case.reopened")
    assert Referral.waiting(case()) == []
    assert all(each.chain for each in verify(case().thread.events))


def test_upheld_it_stays_closed_with_public_words_and_is_not_asked_again(cast: Cast, case: Made) -> None:
    with transaction():
        declined(case(), cast)
        refer(case(), cast.rita, "declined")
    with transaction():
        open_one(case()).decide(by=cast.ines, decision="upheld", words="该路段由公路管理局负责。")

    assert case().status == "closed"
    event = case().thread.events[-1]
    assert event.public_text is not None
    assert event.is_public
    with pytest.raises(WrongState), transaction():
        refer(case(), cast.rita, "declined")


def test_the_sealed_is_appealed_and_public_again(cast: Cast, case: Made) -> None:
    with transaction():
        seal(case(), cast.lena).confirm(by=cast.ines)
    with transaction():
        refer(case(), cast.rita, "sealed")
    with transaction():
        open_one(case()).decide(by=cast.ida, decision="overturned", words="没有涉案信息，应当公开。")

    assert case().thread.is_public
    assert kinds(case())[-2:] == ["referral.decided", "seal.overturned"]


def test_a_seal_that_lapses_settles_the_appeal_against_it(cast: Cast, case: Made) -> None:
    with transaction():
        seal(case(), cast.lena)
        refer(case(), cast.rita, "sealed")
    clock.advance(timedelta(hours=24))
    jobs.run_due()

    assert [each.decision for each in Referral.of(case())] == ["dropped"]


def test_after_two_times_again_only_the_inspectors_open_it(cast: Cast, case: Made) -> None:
    with transaction():
        case().accept(by=cast.otto)
        case().resolve(by=cast.otto, answer=ANSWER, outcome="solved")
    with pytest.raises(WrongState), transaction():
        refer(case(), cast.rita, "closed")
    for each in range(2):
        with transaction():
            case().reopen(by=cast.rita, words="又坏了。")
            case().resolve(by=cast.otto, answer=f"{ANSWER}第{each}次修好。", outcome="solved")
    with pytest.raises(WrongState), transaction():
        case().reopen(by=cast.rita, words="又坏了。")

    with transaction():
        refer(case(), cast.rita, "closed")
    with transaction():
        open_one(case()).decide(by=cast.ines, decision="overturned", words="三次都没有修好，重新办理。")

    assert (case().status, case().round) == ("accepted", 4)


def test_the_time_for_an_answer_runs_out_once(cast: Cast, case: Made) -> None:
    with transaction():
        declined(case(), cast)
        row = refer(case(), cast.rita, "declined")
        due = row.due_at
    clock.advance(due - now())
    jobs.run_due()
    with transaction():
        assert open_one(case()).note_overdue() is None

    assert kinds(case()).count("referral.overdue") == 1
    assert told(cast.rita, "referral.overdue")


def twice_bad(case: Made, cast: Cast) -> None:
    with transaction():
        case().accept(by=cast.otto)
        case().resolve(by=cast.otto, answer=ANSWER, outcome="solved")
        case().rate(by=cast.rita, solved="no", satisfaction="dissatisfied")
    with transaction():
        case().rectify(by=cast.lena, answer="已重新安排抢修，昨晚换了整套信号机。")
    assert Referral.of(case()) == []
    with transaction():
        case().rate(by=cast.rita, solved="no", satisfaction="very_dissatisfied")


def test_the_second_bad_rating_goes_to_the_inspectors_by_itself(cast: Cast, case: Made) -> None:
    twice_bad(case, cast)

    assert [(each.kind, each.is_open) for each in Referral.of(case())] == [("dissatisfied", True)]
    assert told(cast.ines, "referral.filed")
    assert told(cast.rita, "referral.filed")
    with transaction():
        open_one(case()).decide(by=cast.ines, decision="overturned", words="两次都没有解决，换人重新办理。")
    assert case().status == "accepted"


def test_whoever_opens_it_himself_leaves_nothing_to_decide(cast: Cast, case: Made) -> None:
    twice_bad(case, cast)
    with transaction():
        case().reopen(by=cast.rita, words="还是坏的。")

    assert [each.decision for each in Referral.of(case())] == ["dropped"]


def test_changing_the_second_rating_puts_it_there_once(cast: Cast, case: Made) -> None:
    twice_bad(case, cast)
    with transaction():
        case().rate(by=cast.rita, solved="no", satisfaction="dissatisfied", words="改一下。")

    assert len(Referral.of(case())) == 1


@pytest.mark.parametrize("who", ["vera", "otto", "lena", "ines"])
def test_only_the_poster_refers_and_only_inspectors_decide(cast: Cast, case: Made, who: str) -> None:
    with transaction():
        declined(case(), cast)
    with pytest.raises(NotAllowed), transaction():
        refer(case(), getattr(cast, who), "declined")
    with transaction():
        refer(case(), cast.rita, "declined")
    if who != "ines":
        with pytest.raises(NotAllowed), transaction():
            open_one(case()).decide(by=getattr(cast, who), decision="upheld", words="不变。")


def test_whoever_stepped_back_decides_nothing(cast: Cast, case: Made) -> None:
    with transaction():
        step_back(case(), by=cast.ines, kind="declared", words="办理人是我的表弟。")
    assert [each.details["why"] for each in noted("conflict.stepped_back")] == ["declared"]
    with transaction():
        declined(case(), cast)
        refer(case(), cast.rita, "declined")
        Reprisal.file(case(), by=cast.rita, words="有人打电话吓我。")

    assert not told(cast.ines, "referral.filed")
    for act in (
        lambda: open_one(case()).decide(by=cast.ines, decision="upheld", words="不变。"),
        lambda: Reprisal.of(case())[0].give(by=cast.ines, words="已查。"),
    ):
        with pytest.raises(NotAllowed), transaction():
            act()


# --- reprisals -----------------------------------------------------------------------------------------


def test_a_reprisal_leaves_no_trace_in_the_case(cast: Cast, case: Made) -> None:
    before = case().thread.version, case().thread.last_hash, len(case().thread.events)
    streams = len(list(db.session.scalars(db.select(StreamEntry.id))))
    inbox = len(list(db.session.scalars(db.select(InboxItem.id))))
    with transaction():
        Reprisal.file(case(), by=cast.rita, words="民警打电话让我别再发帖。")

    assert (case().thread.version, case().thread.last_hash, len(case().thread.events)) == before
    added = db.session.scalars(db.select(StreamEntry).order_by(StreamEntry.id)).all()[streams:]
    hearers = {person.stream for person in free_inspectors(case())}
    names = dict(db.session.execute(db.select(Stream.id, Stream.name)).all())
    assert {names[each.stream_id] for each in added} <= hearers
    assert added
    assert len(list(db.session.scalars(db.select(InboxItem.id)))) == inbox


def test_it_is_answered_in_private_within_24_hours(cast: Cast, case: Made) -> None:
    with transaction():
        row = Reprisal.file(case(), by=cast.rita, words="民警打电话让我别再发帖。")
        assert row.due_at - row.filed_at == timedelta(hours=24)
    with transaction():
        Reprisal.of(case())[0].give(by=cast.ines, words="已约谈该民警。再有人联系您，请直接打督察电话。")
    clock.advance(timedelta(hours=25))
    jobs.run_due()

    (row,) = Reprisal.of(case())
    assert row.breached_at is None
    assert row.answer is not None
    assert [each.actor for each in noted("reprisal.answered")] == [cast.ines.public_id]
    with pytest.raises(WrongState), transaction():
        Reprisal.of(case())[0].give(by=cast.ida, words="也答一次。")


def test_after_24_hours_it_is_overdue_once(cast: Cast, case: Made) -> None:
    with transaction():
        Reprisal.file(case(), by=cast.rita, words="民警打电话让我别再发帖。")
    clock.advance(timedelta(hours=24))
    jobs.run_due()
    with transaction():
        Reprisal.of(case())[0].note_overdue()

    (row,) = Reprisal.of(case())
    assert row.breached_at == row.due_at
    assert len(noted("reprisal.overdue")) == 1


def test_one_report_waits_at_a_time(cast: Cast, case: Made) -> None:
    with transaction():
        Reprisal.file(case(), by=cast.rita, words="民警打电话让我别再发帖。")
    with pytest.raises(WrongState), transaction():
        Reprisal.file(case(), by=cast.rita, words="又打了。")


def test_of_a_complaint_the_accused_inspector_learns_nothing(cast: Cast) -> None:
    with transaction():
        about = {"about_reason": "manner", "about_badge": "090001"}
        thread_id = complain(cast.rita, about=about).public_id
    with transaction():
        Reprisal.file(case_of(thread_id), by=cast.rita, words="督察打电话让我撤诉。")

    found = case_of(thread_id)
    assert cast.ines not in free_inspectors(found)
    assert not may(cast.ines, "reprisal.answer", Reprisal.of(found)[0])
    assert officer(DISCIPLINE[0]) in free_inspectors(found)


def test_what_is_held_or_kept_to_a_department_reaches_the_inspectors_with_the_report(
    cast: Cast, case: Made
) -> None:
    with transaction():
        case().thread.hold(by=cast.mona, reason="private_data")
    assert not readable(cast.ines, case())
    with transaction():
        Reprisal.file(case(), by=cast.rita, words="有人上门找我。")

    assert readable(cast.ines, case())
    assert not readable(cast.hugo, case())


# --- whether he was pressed ----------------------------------------------------------------------------


def test_what_the_withdrawing_form_says_needs_no_second_question(cast: Cast, case: Made) -> None:
    with transaction():
        case().withdraw(by=cast.rita, pressed="yes")

    (row,) = PressureQuestion.told(case())
    assert row.is_open
    assert PressureQuestion.open_for(cast.rita) == []


def test_whoever_said_nothing_is_asked_afterwards(cast: Cast, case: Made) -> None:
    with transaction():
        case().withdraw(by=cast.rita)
    (row,) = PressureQuestion.open_for(cast.rita)
    with transaction():
        row = PressureQuestion.open_for(cast.rita, case())[0]
        row.give(by=cast.rita, answer="yes", words="派出所让我撤的。")
    events = len(case().thread.events)

    assert PressureQuestion.open_for(cast.rita) == []
    with transaction():
        PressureQuestion.told(case())[0].note(by=cast.ines, words="已向派出所了解，转督察立项。")
    (row,) = PressureQuestion.told(case())
    assert not row.is_open
    assert len(case().thread.events) == events


def test_a_changed_rating_is_asked_about_too_and_no_leads_nowhere(cast: Cast, case: Made) -> None:
    with transaction():
        case().accept(by=cast.otto)
        case().resolve(by=cast.otto, answer=ANSWER, outcome="solved")
        case().rate(by=cast.rita, solved="no", satisfaction="dissatisfied")
    assert PressureQuestion.open_for(cast.rita) == []
    with transaction():
        case().rate(by=cast.rita, solved="yes", satisfaction="satisfied")
    with transaction():
        PressureQuestion.open_for(cast.rita)[0].give(by=cast.rita, answer="no")

    assert PressureQuestion.told(case()) == []
    with pytest.raises(WrongState), transaction():
        db.session.scalars(db.select(PressureQuestion)).one().give(by=cast.rita, answer="yes")


def test_nobody_else_answers_for_him(cast: Cast, case: Made) -> None:
    with transaction():
        case().withdraw(by=cast.rita)
    for who in (cast.vera, cast.otto, cast.ines):
        with pytest.raises(NotAllowed), transaction():
            db.session.scalars(db.select(PressureQuestion)).one().give(by=who, answer="no")
