"""Moderation: acts with a public reason, their undoing and appeals; what is looked at and why; the chain that holds."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select

from board import clock, jobs
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, WrongState
from board.live import Stream
from board.permissions import may
from boards import appealing, modlog, modqueue
from boards.filing import file_report, moderators
from boards.models import (
    Appeal,
    Case,
    CaseEvent,
    ModerationAct,
    Report,
    ReviewMark,
    Section,
    Text,
    Thread,
    WatchedWord,
)
from boards.models.appeal import appealable
from boards.models.mention import Mention
from boards.models.posting import reply
from boards.models.text import merged, without
from boards.models.timeline import verify
from boards.modsources import place_of
from boards.repeats import prints
from notifications.models import InboxItem
from notifications.sentences import sentence
from people.models import Appointment, Department, Person
from tests.builders import posted

COPY = "本店专业疏通下水道，随叫随到，价格公道，老客户八折优惠，欢迎来电咨询预约上门服务。"


def staff(name: str, role: str, department: str | None = None) -> Person:
    """One more member of staff, inside the open transaction."""
    person = Person(kind="staff", badge=f"0809{len(name):02}")
    office = Department.by_key(department) if department else None
    person.appointments.append(Appointment(department=office, role=role, starts_at=now() - timedelta(days=1)))
    db.session.add(person)
    db.session.flush()
    return person


@pytest.fixture
def world(cast):
    """Rita's case with Vera's reply, and a second moderator beside Mona; ids, as each transaction reads anew."""

    found = SimpleNamespace()
    with transaction():
        thread = posted(cast.rita)
        reply(thread, "加微信领优惠券，张小明推荐。", by=cast.vera)
        found.thread_id, found.public_id = thread.id, thread.public_id
        found.second_id = staff("second", "moderator").id
    return found


def thread_of(world) -> Thread:
    return db.session.get_one(Thread, world.thread_id)


def reply_of(world) -> Text:
    return db.session.scalars(select(Text).where(Text.kind == "reply")).one()


def second(world) -> Person:
    return db.session.get_one(Person, world.second_id)


def last_act(world) -> ModerationAct:
    found = ModerationAct.last_on(thread_of(world))
    assert found is not None
    return found


def whole(world) -> list[str]:
    """What verification says of each step's words; the chain itself must hold."""
    findings = verify(thread_of(world).events)
    assert all(finding.chain for finding in findings)
    return [finding.text for finding in findings if finding.text != "none"]


# --- acts -------------------------------------------------------------------------------------------------


def test_hiding_a_reply_leaves_the_chain_whole_and_says_when_and_why(cast, world):
    before = whole(world)
    with transaction():
        thread_of(world).hide(by=cast.mona, text=reply_of(world), reason="advert")
    event = thread_of(world).events[-1]
    assert (event.kind, event.actor_role, event.parameters["reason"]) == (
        "text.hidden",
        "moderator",
        "advert",
    )
    assert reply_of(world).hidden_at == now()
    assert whole(world) == before
    assert thread_of(world).is_public

    with transaction():
        last_act(world).undo(by=cast.mona)
    assert reply_of(world).hidden_at is None
    assert whole(world) == before


@pytest.mark.parametrize("reason", ["", "criticism", "wrong_section", "PRIVATE_DATA", "police_image"])
def test_no_act_has_a_reason_that_is_not_on_the_list(cast, world, reason):
    for act in (
        lambda thread: thread.hold(by=cast.mona, reason=reason),
        lambda thread: thread.hide(by=cast.mona, text=reply_of(world), reason=reason),
        lambda thread: thread.mask(by=cast.mona, words=["张小明"], reason=reason),
    ):
        with pytest.raises(Invalid), transaction():
            act(thread_of(world))
    assert ModerationAct.last_on(thread_of(world)) is None


def test_only_residents_replies_are_hidden_by_themselves(cast, world):
    with transaction():
        reply(thread_of(world), "您好，民警已经到场，信号灯今天修好。", by=cast.otto)
    official = db.session.scalars(select(Text).where(Text.kind == "official")).one()
    for text in (official, thread_of(world).body, thread_of(world).title_text):
        with pytest.raises(Invalid), transaction():
            thread_of(world).hide(by=cast.mona, text=db.session.merge(text, load=True), reason="advert")


@pytest.mark.parametrize("near", ["lead", "leader above", "helping", "mentioned"])
def test_nobody_moderates_a_text_about_his_own_department(cast, world, near):
    with transaction():
        mona = cast.mona
        key, role = {
            "lead": ("traffic-police", "officer"), "leader above": ("bureau", "leader"),
            "helping": ("heating", "officer"), "mentioned": ("household-police", "officer"),
        }[near]  # fmt: skip
        mona.appointments.append(
            Appointment(department=Department.by_key(key), role=role, starts_at=now() - timedelta(days=1))
        )
        thread = thread_of(world)
        case = thread.case
        assert case is not None
        if near == "helping":
            case.accept(by=cast.otto, answer="已收到，民警正赶往路口。")
            case.claim(by=cast.otto)
            case.assist(by=cast.otto, department=Department.by_key("heating"), words="请查一下管线。")
        if near == "mentioned":
            reply(thread, "@户政 请也看一下。", by=cast.rita)
        report = file_report(thread, kind="advert", words="广告", contact="", by=None).public_id
    with transaction():
        mona = cast.mona
        for rule in ("thread.hold", "thread.release", "thread.move", "thread.propose"):
            assert not may(mona, rule, thread_of(world)), rule
        assert [each.id for each in moderators(thread_of(world))] == [second(world).id], (
            "nor is he told of it"
        )
        assert modqueue.listed(mona).items == []
        assert modqueue.counts(mona)["report"] == 0
        row = db.session.scalars(select(Report).where(Report.public_id == report)).one()
        with pytest.raises(NotAllowed):
            row.settle(by=mona, decision="dismissed")
        assert [each.id for each in modqueue.listed(second(world)).items] == [report]
        told = [each.badge for each in moderators(thread_of(world))]
        assert told == [second(world).badge]


def test_of_two_moderators_one_wins_and_the_other_is_told(cast, world):
    with transaction():
        thread_of(world).hold(by=cast.mona, reason="advert")
    with pytest.raises(WrongState, match="10:00"), transaction():
        thread_of(world).hold(by=second(world), reason="danger")
    assert thread_of(world).hold_reason == "advert"
    assert len(db.session.scalars(select(ModerationAct)).all()) == 1


def test_an_act_is_undone_within_ten_minutes_and_not_after_another_one(cast, world):
    with transaction():
        thread_of(world).hold(by=cast.mona, reason="advert")
    clock.advance(timedelta(minutes=9))
    with transaction():
        last_act(world).undo(by=cast.mona)
    assert thread_of(world).is_public
    with pytest.raises(WrongState), transaction():
        last_act(world).undo(by=cast.mona)

    with transaction():
        thread_of(world).hold(by=cast.mona, reason="advert")
    held = last_act(world).public_id
    with transaction():
        thread_of(world).release(by=second(world))
    with pytest.raises(WrongState), transaction():
        ModerationAct.by_public_id(held).undo(by=cast.mona)
    clock.advance(timedelta(minutes=10))
    with pytest.raises(WrongState), transaction():
        last_act(world).undo(by=second(world))
    assert thread_of(world).is_public


def test_covered_words_cannot_be_shown_again_by_a_press(cast, world):
    with transaction():
        thread_of(world).mask(by=cast.mona, words=["张小明"], reason="private_data")
    assert "张小明" not in reply_of(world).public
    with pytest.raises(WrongState), transaction():
        last_act(world).undo(by=cast.mona)


def test_a_case_is_never_moved_only_proposed_and_its_clocks_run_on(cast, world):
    case = thread_of(world).case
    assert case is not None
    before = [(each.kind, each.due_at) for each in case.deadlines]
    with pytest.raises(WrongState), transaction():
        thread_of(world).move_to(by=cast.mona, section=Section.by_key("household"))
    with transaction():
        thread_of(world).propose_move(by=cast.mona, section=Section.by_key("household"))
    thread = thread_of(world)
    assert thread.section.key == "traffic"
    assert thread.case is not None
    assert thread.case.department.key == "traffic-police"
    assert [(each.kind, each.due_at) for each in thread.case.deadlines] == before
    assert (thread.events[-1].kind, thread.events[-1].visibility) == ("thread.move_proposed", "internal")


def test_a_thread_without_a_case_moves_and_back(cast, world):
    with transaction():
        from boards.models.posting import Draft, post

        notice = post(
            Section.by_key("notices"),
            Draft(title="办证时间", body="元旦不办证。", identity="open"),
            by=cast.mona,
        )
        notice.move_to(by=cast.mona, section=Section.by_key("household"))
        act = ModerationAct.last_on(notice)
        assert act is not None
        assert notice.section.key == "household"
        act.undo(by=cast.mona)
        assert notice.section.key == "notices"
        for key in ("complaints", "notices"):
            with pytest.raises(Invalid):
                notice.move_to(by=cast.mona, section=Section.by_key(key))


def test_calls_of_departments_stay_links_when_words_beside_them_are_covered_or_shown(cast, world):
    with transaction():
        event = reply(thread_of(world), "张小明说 @交警支队 会来，@户政 也会。", by=cast.rita)
        assert event.public_text is not None
        said = event.public_text.id
    links = ('href="/d/traffic-police"', 'href="/d/household-police"')

    def html() -> str:
        return db.session.get_one(Text, said).html

    def calls() -> list[str]:
        text = db.session.get_one(Text, said)
        rows = db.session.scalars(select(Mention).where(Mention.text_id == said).order_by(Mention.offset))
        return [text.public[each.offset : each.offset + each.length] for each in rows]

    names = calls()
    assert all(link in html() for link in links)
    with transaction():
        thread_of(world).mask(by=cast.mona, words=["张小明"], reason="private_data")
    assert all(link in html() for link in links)
    assert calls() == names
    with transaction():
        appeal = Appeal.against(last_act(world), by=cast.rita, words="这是店名。").id
        db.session.get_one(Appeal, appeal).decide(by=second(world), decision="overturned", words="是店名。")
    assert "张小明" in html()
    assert all(link in html() for link in links)
    assert calls() == names
    with transaction():
        text = db.session.get_one(Text, said)
        thread_of(world).cover(by=cast.rita, text=text, spans=[(0, text.public.index("会来"))])
    assert links[0] not in html()
    assert links[1] in html()


# --- appeals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hold", "hide", "cover"])
def test_another_moderator_gives_back_what_one_took_and_the_chain_holds(cast, world, kind):
    author = "rita" if kind == "hold" else "vera"
    before = reply_of(world).public
    with transaction():
        thread = thread_of(world)
        if kind == "hold":
            thread.hold(by=cast.mona, reason="private_data")
        elif kind == "hide":
            thread.hide(by=cast.mona, text=reply_of(world), reason="advert")
        else:
            thread.mask(by=cast.mona, words=["张小明"], reason="private_data")
    other = "vera" if author == "rita" else "rita"
    with pytest.raises(NotAllowed), transaction():
        Appeal.against(last_act(world), by=getattr(cast, other), words="不是我的。")
    with transaction():
        appeal_id = Appeal.against(last_act(world), by=getattr(cast, author), words="没有写错。").id
    appeal = db.session.get_one(Appeal, appeal_id)
    assert timedelta(days=1) < appeal.due_at - now() < timedelta(days=4)
    with pytest.raises(WrongState), transaction():
        Appeal.against(last_act(world), by=getattr(cast, author), words="再看一次。")

    assert "appeal" not in [each.source for each in modqueue.listed(cast.mona).items]
    assert "appeal" in [each.source for each in modqueue.listed(second(world)).items]
    with pytest.raises(NotAllowed), transaction():
        db.session.get_one(Appeal, appeal_id).decide(by=cast.mona, decision="upheld", words="维持。")
    with transaction():
        db.session.get_one(Appeal, appeal_id).decide(
            by=second(world), decision="overturned", words="没有个人信息。"
        )
    with pytest.raises(WrongState), transaction():
        db.session.get_one(Appeal, appeal_id).decide(by=second(world), decision="upheld", words="维持。")

    thread = thread_of(world)
    assert thread.is_public
    assert reply_of(world).hidden_at is None
    assert reply_of(world).public == before
    event = thread.events[-1]
    assert (event.kind, event.parameters["decision"], event.visibility) == (
        "appeal.decided",
        "overturned",
        "public",
    )
    whole(world)


def test_an_appeal_lifts_only_the_covers_of_its_own_act(cast, world):
    with transaction():
        text = reply_of(world)
        at = text.public.index("优惠券")
        thread_of(world).cover(by=cast.vera, text=text, spans=[(at, at + 3)])
    with transaction():
        thread_of(world).mask(by=cast.mona, words=["张小明"], reason="private_data")
    with transaction():
        appeal_id = Appeal.against(last_act(world), by=cast.vera, words="这是店名。").id
    with transaction():
        db.session.get_one(Appeal, appeal_id).decide(
            by=second(world), decision="overturned", words="是店名。"
        )
    assert "张小明" in reply_of(world).public
    assert "优惠券" not in reply_of(world).public


def test_each_author_of_covered_words_appeals_for_himself(cast, world):
    with transaction():
        reply(thread_of(world), "张小明我也认识。", by=cast.rita)
        thread_of(world).mask(by=cast.mona, words=["张小明"], reason="private_data")

    def asks(who: Person, words: str) -> int:
        with transaction():
            return Appeal.against(last_act(world), by=who, words=words).id

    veras = asks(cast.vera, "这是店名。")
    assert [act.id for act in appealable(thread_of(world), cast.rita)] == [last_act(world).id]
    ritas = asks(cast.rita, "我说的是店名。")
    for who, words in ((cast.vera, "再问一次。"), (cast.rita, "再问一次。")):
        with pytest.raises(WrongState):
            asks(who, words)
    waiting = [each.row.id for each in modqueue.listed(second(world)).items if each.source == "appeal"]
    assert sorted(waiting) == sorted([veras, ritas])
    with transaction():
        db.session.get_one(Appeal, veras).decide(by=second(world), decision="overturned", words="是店名。")

    def listed() -> list[str]:
        return [row.appeal for row in modlog.entries()[0]]

    clock.advance(timedelta(days=1))
    assert [each.public.count("张小明") for each in replies_of(world)] == [1, 0]
    assert listed() == ["waiting"]
    assert appealable(thread_of(world), cast.vera) == []  # given back: nothing of hers is covered any more
    with transaction():
        db.session.get_one(Appeal, ritas).decide(by=second(world), decision="upheld", words="是人名。")
    assert [each.public.count("张小明") for each in replies_of(world)] == [1, 0]
    assert listed() == ["overturned"]


def replies_of(world) -> list[Text]:
    return list(db.session.scalars(select(Text).where(Text.kind == "reply").order_by(Text.id)))


@pytest.mark.parametrize("kind", ["hold", "hide"])
def test_an_appeal_against_an_earlier_act_lifts_no_later_one(cast, world, kind):
    def take(by: Person) -> str:
        with transaction():
            if kind == "hold":
                thread_of(world).hold(by=by, reason="advert")
            else:
                thread_of(world).hide(by=by, text=reply_of(world), reason="advert")
            return last_act(world).public_id

    def give(by: Person) -> None:
        with transaction():
            if kind == "hold":
                thread_of(world).release(by=by)
            else:
                thread_of(world).show(by=by, text=reply_of(world))

    author = "rita" if kind == "hold" else "vera"
    first = take(cast.mona)
    with transaction():
        asked = Appeal.against(last_act(world), by=getattr(cast, author), words="没有写错。").id
    give(cast.mona)
    later = take(second(world))
    assert [act.public_id for act in appealable(thread_of(world), getattr(cast, author))] == [later]
    with pytest.raises(WrongState), transaction():
        Appeal.against(ModerationAct.by_public_id(first), by=getattr(cast, author), words="还是那一次。")
    with (
        transaction()
    ):  # whoever took it the second time may look at the first time, and lifts nothing of his own
        db.session.get_one(Appeal, asked).decide(
            by=second(world), decision="overturned", words="没有个人信息。"
        )
    assert thread_of(world).is_public == (kind == "hide")
    assert (reply_of(world).hidden_at is not None) == (kind == "hide")


def test_an_act_stands_again_when_its_giving_back_was_taken_back(cast, world):
    with transaction():
        thread_of(world).hold(by=cast.mona, reason="advert")
        held = last_act(world).public_id
    with transaction():
        thread_of(world).release(by=second(world))
    assert appealable(thread_of(world), cast.rita) == []
    with transaction():
        last_act(world).undo(by=second(world))
    assert [act.public_id for act in appealable(thread_of(world), cast.rita)] == [held]


def test_whoever_may_decide_an_appeal_hears_of_it_and_is_reminded_and_whoever_acted_is_not(cast, world):
    with transaction():
        own = staff("own one", "moderator")
        own.appointments.append(
            Appointment(department=Department.by_key("traffic-police"), role="officer", starts_at=now() - timedelta(days=1))
        )  # fmt: skip
        own_id = own.id
    with transaction():
        thread_of(world).hold(by=cast.mona, reason="private_data")
    with transaction():
        appeal_id = Appeal.against(last_act(world), by=cast.rita, words="没有写姓名。").id

    def told() -> dict[int, list[str]]:
        db.session.rollback()
        rows = db.session.execute(
            select(InboxItem.person_id, CaseEvent.kind)
            .join(CaseEvent, InboxItem.event_id == CaseEvent.id)
            .where(CaseEvent.kind.like("appeal.%"), InboxItem.person_id.is_not(None))
            .order_by(InboxItem.id)
        )
        found: dict[int, list[str]] = {}
        for person, kind in rows:
            assert person is not None
            found.setdefault(person, []).append(kind)
        return found

    assert told() == {world.second_id: ["appeal.filed"]}
    appeal = db.session.get_one(Appeal, appeal_id)
    half, due = appeal.reminded_at()
    public_id = appeal.public_id
    appealing.remind(public_id)
    assert told() == {world.second_id: ["appeal.filed"]}, "not before its time"
    for moment, reminders in ((half, 1), (due, 2)):
        clock.advance(moment - now() + timedelta(minutes=1))
        jobs.run_due()
        appealing.remind(public_id)
        assert told() == {world.second_id: ["appeal.filed", *["appeal.reminded"] * reminders]}
    item = db.session.scalars(select(InboxItem).order_by(InboxItem.id.desc())).first()
    assert item is not None
    assert "已超过时限" in sentence(item, {})
    assert place_of(item.event, second(world)) == f"/moderation/appeal/{public_id}"
    assert place_of(item.event, cast.mona) == place_of(item.event, db.session.get_one(Person, own_id)) == ""
    db.session.rollback()
    with transaction():
        db.session.get_one(Appeal, appeal_id).decide(by=second(world), decision="upheld", words="维持。")
    clock.advance(timedelta(days=9))
    jobs.run_due()
    assert sum(kinds.count("appeal.reminded") for kinds in told().values()) == 2


spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: sorted(pair)), max_size=5)


@given(spans, spans)
def test_what_is_taken_from_spans_is_gone_and_nothing_else(ours, taken):
    def places(rows):
        return {at for start, end in rows for at in range(start, end)}

    left = without(ours, taken)
    assert places(left) == places(ours) - places(taken)
    assert left == sorted(left)
    assert without(merged(ours), []) == [each for each in merged(ours) if each[0] < each[1]]


# --- what is looked at ------------------------------------------------------------------------------------


def looked_at() -> list[list[str]]:
    jobs.run_due(kinds=("review-text",))
    return [mark.why for mark in db.session.scalars(select(ReviewMark).order_by(ReviewMark.id))]


def test_a_watched_word_only_marks_and_the_post_stays_public(cast, world):
    jobs.run_due(kinds=("review-text",))
    with transaction():
        WatchedWord.watch(
            "代开发票", reason="常见的广告。", expires_at=now() + timedelta(days=9), by=cast.adam
        )
        quoted = posted(
            cast.rita, title="小区里贴满小广告", body="到处写着「代 开 發票，代开－发票，代开发票」，请清理。"
        )
        quoted_id = quoted.id
    marks = looked_at()
    assert [each for each in marks if "watched" in each] == [["watched"]]
    thread = db.session.get_one(Thread, quoted_id)
    assert (str(thread.visibility), thread.hold_reason) == ("public", None)
    assert thread.case is not None
    assert thread.case.deadlines

    clock.advance(timedelta(days=10))
    with transaction():
        posted(cast.rita, title="又是小广告", body="写着代开发票，麻烦清理一下这些小广告。")
    assert sum("watched" in each for each in looked_at()) == 1


@pytest.mark.parametrize(
    ("word", "until"),
    [("欧阳涛", 9), ("找欧阳涛", 9), ("交警支队", 9), ("交警", 9), ("青松路居民", 9), ("不作为", 9), ("13912345678", 9),
     ("票", 9), ("代开发票", 0), ("代开发票", 181)],
)  # fmt: skip
def test_no_word_is_watched_that_names_people_or_complains_or_never_ends(cast, word, until):
    with pytest.raises(Invalid), transaction():
        WatchedWord.watch(word, reason="常见的广告。", expires_at=now() + timedelta(days=until), by=cast.mona)
    assert WatchedWord.all() == []


@pytest.mark.parametrize("who", ["rita", "otto", "lena", "dana", "ines"])
def test_only_moderators_and_administrators_keep_the_words(cast, who):
    with pytest.raises(NotAllowed), transaction():
        WatchedWord.watch(
            "代开发票", reason="广告。。", expires_at=now() + timedelta(days=9), by=getattr(cast, who)
        )


def test_the_first_that_somebody_posts_is_looked_at_and_the_second_is_not(cast):
    with transaction():
        posted(cast.vera)
        posted(cast.vera, title="另一个路口", body="这里的斑马线看不清了，请补画一下。")
    assert looked_at() == [["first_post"]]
    assert not hasattr(ReviewMark, "person_id")


def test_the_same_words_in_three_threads_of_a_day_are_looked_at(cast):
    with transaction():
        for title in ("一", "二", "三"):
            posted(cast.rita, title=f"广告{title}", body=f"{COPY}{title}")
    marks = looked_at()
    assert [("repeat" in each) for each in marks] == [False, True]  # the first one as a first post
    clock.advance(timedelta(days=1, minutes=1))
    with transaction():
        posted(cast.rita, title="广告四", body=COPY)
    assert len(looked_at()) == 2


@given(
    st.text(alphabet="路口红绿灯坏了请修一下今天早晚高峰堵车危险，。 ", min_size=40, max_size=200), st.data()
)
def test_a_copy_is_known_however_it_is_spaced_and_written(text, data):
    mine = prints(text)
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=6))
    other = text
    for at in sorted(places, reverse=True):
        other = other[:at] + data.draw(st.sampled_from([" ", "\u3000", "\u200b", "，", "！"])) + other[at:]
    assert prints(other) == mine
    assert prints("今天天气很好我们一起去公园散步看花吧明天也去看看花还有小桥流水人家") != mine or not mine


# --- the queue --------------------------------------------------------------------------------------------


def test_the_queue_gives_everything_once_by_the_oldest_promise_however_it_is_paged(cast, world):
    with transaction():
        for number in range(7):
            kind = ("danger", "name", "advert")[number % 3]
            file_report(thread_of(world), kind=kind, words=f"第 {number} 条", contact="", by=None)
        thread = posted(cast.vera, title="要下架的", body="这里写了别人的电话和住址，不合适。")
        thread.hold(by=second(world), reason="private_data")
    jobs.run_due(kinds=("review-text",))
    everything = modqueue.listed(cast.mona, limit=100).items
    assert {each.source for each in everything} == {"report", "text", "held"}
    assert [each.due_at for each in everything] == sorted(each.due_at for each in everything)
    assert sum(modqueue.counts(cast.mona).values()) == len(everything)
    for size in (1, 2, 3, 5):
        found, after = [], ""
        for _page in range(40):
            page = modqueue.listed(cast.mona, after=after, limit=size)
            found += [each.key for each in page.items]
            after = page.after
            if not after:
                break
        assert found == [each.key for each in everything]


def test_the_open_queues_hear_of_whatever_changes_what_waits(cast, world):
    def heard() -> int:
        db.session.rollback()
        return db.session.scalar(select(Stream.seq).where(Stream.name == "moderation:queue")) or 0

    def said(words: str) -> None:
        reply(thread_of(world), words, by=cast.vera)

    def waiting() -> Text:
        return db.session.scalars(select(Text).where(Text.contacts == "waiting")).one()

    acts = {
        "a contact waits": lambda: said("打我 19900003301"),
        "it is kept": lambda: waiting().keep_contacts(by=cast.mona),
        "another one": lambda: said("或者打 19900003302"),
        "it is released": lambda: thread_of(world).release_contacts(by=cast.mona, text=waiting()),
        "held after a look-up": lambda: thread_of(world).hold(by=cast.mona, reason="advert"),
        "held longer": lambda: thread_of(world).keep_held(by=cast.mona),
        "given back": lambda: thread_of(world).release(by=cast.mona),
        "undone": lambda: last_act(world).undo(by=cast.mona),
    }
    for what, act in acts.items():
        before = heard()
        with transaction():
            act()
        assert heard() == before + 1, what
    before = heard()
    with transaction():
        posted(cast.vera, title="另一件", body="这里的路灯不亮了，请派人来修一修。")
        restricted = posted(cast.rita, restrict=True)
        reply(restricted, "打我 19900003303", by=cast.rita)
    assert heard() == before


def test_a_page_of_the_queue_costs_the_same_however_much_stands_on_it(cast, world):
    with transaction():
        mona = cast.mona
        mona.appointments.append(
            Appointment(
                department=Department.by_key("heating"), role="officer", starts_at=now() - timedelta(days=1)
            )
        )

    def more(times: int) -> None:
        for number in range(times):
            with transaction():
                thread = posted(cast.rita, title=f"第 {number} 件", body=f"{number} 号楼的门坏了，请来修。")
                reply(thread, f"打 1990000330{number}", by=cast.vera)
                file_report(thread, kind="advert", words="请看一下", contact="", by=None)
                hidden = reply(thread, "加我好友。", by=cast.vera).public_text
                assert hidden is not None
                thread.hide(by=second(world), text=hidden, reason="advert")
                act = ModerationAct.last_on(thread)
                assert act is not None
                Appeal.against(act, by=cast.vera, words="没有写错。")
                held = posted(cast.rita, title=f"下架 {number}", body=f"{number} 号楼有人卖票。")
                held.hold(by=second(world), reason="advert")
        jobs.run_due(kinds=("review-text",))

    def cost() -> tuple[int, dict[str, int]]:
        person_id = cast.mona.id
        db.session.rollback()
        db.session.expunge_all()
        person = db.session.get_one(Person, person_id)
        asked: list[str] = []

        def note(*args):
            asked.append(args[2])

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            items = modqueue.listed(person, limit=100).items
            assert all(each.thread.title and each.text is not None and each.text.public for each in items)
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        found = [each.source for each in items]
        return len(asked), {name: found.count(name) for name in modqueue.SOURCES}

    more(1)
    few, before = cost()
    assert min(before.values()) >= 1
    more(4)
    many, after = cost()
    assert all(after[name] > before[name] for name in after if name != "text")
    assert many == few


# --- the public list --------------------------------------------------------------------------------------


def test_the_public_list_tells_neither_number_nor_hour_of_what_is_held(cast, world):
    with transaction():
        thread_of(world).hide(by=cast.mona, text=reply_of(world), reason="advert")
        hidden = posted(cast.vera, title="另一件", body="这里写了别人的电话和住址，不合适。")
        hidden.hold(by=cast.mona, reason="private_data")
        assert hidden.case is not None
        number = hidden.case.number
    assert modlog.entries() == ([], "")
    clock.advance(timedelta(days=1))
    rows, more = modlog.entries()
    assert more == ""
    assert {(row.kind, row.reason, bool(row.number)) for row in rows} == {
        ("hide", "advert", True),
        ("hold", "private_data", False),
    }
    assert number not in repr(rows)
    assert {row.day for row in rows} == {"2026-11-17"}
    assert [row.public_id for row in rows] == sorted((row.public_id for row in rows), reverse=True)
    assert modlog.totals() == [("2026-11", [("advert", None), ("private_data", None)])]


def test_a_figure_under_ten_is_not_told_and_what_was_undone_does_not_count(cast, world):
    with transaction():
        for number in range(11):
            thread = posted(cast.rita, title=f"广告 {number}", body=f"{number} 号店开业，欢迎光临。")
            thread.hold(by=cast.mona, reason="advert")
            if number == 10:
                act = ModerationAct.last_on(thread)
                assert act is not None
                act.undo(by=cast.mona)
    clock.advance(timedelta(days=1))
    assert modlog.totals() == [("2026-11", [("advert", 10)])]
    assert db.session.scalars(select(Case)).all()
