"""The duty desk as a page: its queues and rows, the open case, what it never shows, and what it costs."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from board import clock, jobs
from board.db import db, transaction
from boards.desk import Desk, View, cursor, read_cursor
from boards.models import Case, Thread
from boards.models.phrase import passes_on
from boards.models.posting import reply
from boards.pane import Pane, Typed
from boards.sentences import say
from people.models import Department
from tests.builders import posted

pytestmark = pytest.mark.engines("sqlite", "postgres")

ANSWER = "您好，已派两名民警到路口检查信号机，今天修好。"


def case_of(*args, **draft) -> Case:
    """A case newly posted, inside the open transaction."""
    case = posted(*args, **draft).case
    assert case is not None
    return case


def numbers(page: str) -> list[str]:
    """The numbers of the rows of a page, in their order."""
    return re.findall(r'<li class="queue__row" id="row-([0-9-]+)"', page)


def titles(page: str) -> list[str]:
    """The titles of the rows of a page, in their order."""
    return re.findall(r'queue__title"><a [^>]*>([^<]+)</a>', page)


def counts(page: str) -> dict[str, int]:
    """The queues of a page by their Chinese names, with their counts."""
    found = re.findall(r'<li><a href="/desk\?[^"]*"[^>]*>([^<]+) <span class="count"[^>]*>(\d+)</span>', page)
    return {name: int(number) for name, number in found}


@pytest.fixture
def desk_of(get_as):
    """The desk's page as somebody, its text."""

    def read(who: str, query: str = "", status: int = 200) -> str:
        answer = get_as(who, f"/desk{query}")
        assert answer.status_code == status
        return answer.get_data(as_text=True)

    return read


# --- who ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("otto", 200),
        ("otis", 200),
        ("lena", 200),
        ("carl", 200),
        ("dana", 200),
        ("rita", 404),
        ("vera", 404),
        ("adam", 404),
    ],
)
def test_who_has_a_desk(desk_of, who, status):
    desk_of(who, status=status)


def test_a_visitor_signs_in_first_and_mona_has_a_desk_of_her_own(get_as):
    assert get_as(None, "/desk").location.startswith("/sign-in?next=")
    assert get_as("mona", "/desk").location == "/moderation"


def test_somebody_elses_desk_is_not_found_but_a_leader_opens_those_below(desk_of):
    desk_of("otto", "?department=household-police", status=404)
    desk_of("otto", "?department=nowhere", status=404)
    desk_of("lena", "?department=household-police", status=404)
    page = desk_of("carl", "?department=household-police")
    assert "户政支队" in page
    assert 'name="department" id="f-department"' in page


# --- queues and rows ------------------------------------------------------------------------------------------


def test_a_new_case_stands_in_the_queue_with_its_clock_and_its_buttons(desk_of, reported):
    number = reported().number
    page = desk_of("otto")
    assert counts(page)["待受理"] == 1
    assert numbers(page) == [number]
    row = page[page.index(f'id="row-{number}"') : page.index("</li>", page.index(f'id="row-{number}"'))]
    for verb in ("acknowledgement", "acceptance"):
        assert f'formaction="/cases/{number}/{verb}"' in row
    assert "form=offer" in row
    assert re.search(r"<title>\(1\) 值班台", page)
    assert 'data-state="normal"' in row


def test_a_row_says_what_is_left_and_turns_with_the_time(cast, desk_of, reported):
    number = reported().number  # an answer is promised in 30 minutes
    db.session.rollback()
    assert ">30 分</time>" in desk_of("otto")
    clock.advance(timedelta(minutes=20))
    page = desk_of("otto")
    assert ">10:00</time>" in page
    assert 'data-state="soon"' in page
    assert counts(page)["快到期"] == 1
    clock.advance(timedelta(minutes=40))
    late = desk_of("otto", "?queue=overdue")
    assert numbers(late) == [number]
    assert 'data-state="over"' in late
    assert counts(late)["已超时"] == 1


def test_the_state_of_a_row_is_the_state_of_its_clock(cast, app, reported):
    reported()
    for minutes in (0, 1, 14, 14, 2, 10, 90):
        clock.advance(timedelta(minutes=minutes))
        db.session.rollback()
        desk = Desk.open(cast.otto, View())
        (row,) = desk.rows().rows
        found = desk.promises.state(row.section_id, row.next_due_kind, row.next_due_at, row.overdue)
        assert found == reported().open_clock(row.next_due_kind).state()


def test_each_case_stands_in_the_queues_it_belongs_to(cast, desk_of):
    with transaction():
        waiting, mine, asked, done = (
            case_of(cast.rita, title=f"第 {place} 个路口的灯", body=f"灯 {place} 不亮。")
            for place in range(4)
        )
        for place, each in enumerate((mine, asked, done)):
            each.accept(by=cast.otto, answer=f"已派人去第 {place} 个路口看，今天答复。")
        mine.claim(by=cast.otto)
        asked.ask(by=cast.otto, question="请问是哪个方向？")
        done.resolve(by=cast.otto, answer="灯已经修好，请您看看。", outcome="solved")
        found = {"pending": waiting, "mine": mine, "waiting": asked, "rating": done}
        expected = {queue: each.number for queue, each in found.items()}
    for queue, number in expected.items():
        assert numbers(desk_of("otto", f"?queue={queue}")) == [number], queue
    assert numbers(desk_of("otis", "?queue=mine")) == []
    assert numbers(desk_of("otis", "?queue=working")) == [expected["mine"]]


def test_rows_stand_by_what_is_due_and_an_instruction_stands_first(cast, desk_of):
    with transaction():
        for place in range(3):
            posted(cast.rita, title=f"第 {place} 件", body="灯不亮。")
            clock.advance(timedelta(minutes=1))
    assert titles(desk_of("otto")) == ["第 0 件", "第 1 件", "第 2 件"]
    with transaction():
        last = db.session.scalars(select(Case).join(Thread).where(Thread.title == "第 2 件")).one()
        last.instruct(by=cast.lena, words="这件先办。", owner=cast.otto)
    page = desk_of("otto")
    assert titles(page) == ["第 2 件", "第 0 件", "第 1 件"]
    assert "批示" in page
    assert titles(desk_of("otis")) == ["第 0 件", "第 1 件", "第 2 件"]


def test_filters_by_place_section_and_mine(cast, desk_of):
    with transaction():
        first = case_of(cast.rita, title="灯不亮", body="不亮。", place="建设街与青松路口")
        posted(cast.rita, title="标线磨没了", body="看不清。", place="滨河大道")
        first.accept(by=cast.otto, answer=ANSWER)
        first.claim(by=cast.otto)
    assert titles(desk_of("otto", "?queue=working&place=青松")) == ["灯不亮"]
    assert titles(desk_of("otto", "?queue=working&place=100%")) == []
    assert titles(desk_of("otto", "?queue=pending&section=traffic")) == ["标线磨没了"]
    assert titles(desk_of("otto", "?queue=pending&section=household")) == []
    assert titles(desk_of("otto", "?queue=working&mine=1")) == ["灯不亮"]
    assert titles(desk_of("otis", "?queue=working&mine=1")) == []


def test_a_cleared_queue_says_when_the_next_one_is_due(cast, desk_of, reported):
    with transaction():
        reported().accept(by=cast.otto, answer=ANSWER)
    page = desk_of("otto", "?queue=pending")
    assert "都处理完了" in page
    assert "下一件到期" in page


def test_the_pages_of_a_queue_are_cut_by_key_and_none_is_missed(cast, desk_of):
    with transaction():
        for place in range(65):
            posted(cast.rita, title=f"路口 {place:02d}", body="灯不亮。")
            if place % 7 == 0:
                clock.advance(timedelta(seconds=30))
    seen, page = [], desk_of("otto")
    while True:
        seen += titles(page)
        link = re.search(r'href="/desk(\?[^"]*after=[^"]*)"', page)
        if link is None:
            break
        page = desk_of("otto", html.unescape(link.group(1)))
    assert sorted(seen) == [f"路口 {place:02d}" for place in range(65)]
    assert len(set(seen)) == 65


@pytest.mark.parametrize("junk", ["", "x", "AAAA", "MiB4IHg", "9" * 300])
def test_a_spoilt_cursor_is_the_first_page(desk_of, reported, junk):
    assert numbers(desk_of("otto", f"?after={junk}")) == [reported().number]


def test_a_cursor_comes_back_as_it_went():
    moment = clock.now().replace(microsecond=123456)
    assert read_cursor(cursor(2, moment, "20261117-0042")) == (2, moment, "20261117-0042")


def test_offers_tasks_and_approvals_have_queues_of_their_own(cast, desk_of, reported):
    with transaction():
        reported().offer(by=cast.otto, to=Department.by_key("household-police"), reason="是户籍的事。")
        reported().decline(by=cast.otto, reason="不归我们管。", advice="请找城管。")
        reported().assist(by=cast.otto, department=Department.by_key("kunhe"), words="请看现场。")
        number = reported().number
    assert numbers(desk_of("hugo", "?queue=offers")) == [number]
    assert numbers(desk_of("lena", "?queue=approvals")) == [number]
    assert numbers(desk_of("carl", "?queue=approvals")) == [number]
    assert "要批的" not in counts(desk_of("otto"))
    page = desk_of("lena", f"?queue=approvals&case={number}")
    assert "不归我们管。" in page
    assert 'value="approve"' in page


def test_present_danger_stands_first_at_the_desk_and_nowhere_else(cast, desk_of):
    with transaction():
        posted(cast.rita, section="12345", title="暖气不热", body="家里只有十五度。")
        hidden = case_of(cast.rita, section="110", title="救命", body="有人拿刀在砸我家的门，快来人！").number
    page = desk_of("dana")
    assert titles(page) == ["救命", "暖气不热"]
    assert "data-danger" in page
    assert "不公开" in page
    for who in ("otto", "hugo", "lena"):
        assert hidden not in desk_of(who)
        assert hidden not in desk_of(who, f"?case={hidden}").replace(f"{hidden} 已不在", "")
    assert "救命" in desk_of("dana", f"?case={hidden}")


def test_a_case_out_of_sight_leaves_the_queue_standing(desk_of, reported):
    page = desk_of("otto", "?case=20261117-9999")
    assert "20261117-9999 已不在这个值班台" in page
    assert numbers(page) == [reported().number]


# --- the open case -----------------------------------------------------------------------------------------


def test_the_pane_shows_only_what_may_be_done_now(cast, desk_of, reported):
    number = reported().number
    db.session.rollback()
    page = desk_of("otto", f"?case={number}")
    assert "受理并答复" in page
    assert "答复并办结" in page
    for verb in ("offer", "assist", "decline"):
        assert f'id="do-{verb}"' in page
    for verb in ("ask", "suspend", "extend", "instruct", "assign", "merge", "route"):
        assert f'id="do-{verb}"' not in page
    with transaction():
        reported().accept(by=cast.otto, answer=ANSWER)
    page = desk_of("lena", f"?queue=working&case={number}")
    for verb in ("claim", "assign", "ask", "suspend", "extend", "instruct"):
        assert f'id="do-{verb}"' in page
    assert "发布进展" in page


def test_a_stranger_from_another_department_reads_but_gets_no_box(desk_of, reported):
    page = desk_of("hugo", f"?case={reported().number}")
    assert "青松路与建设街路口红绿灯一直闪黄灯" in page
    assert "answer-box" not in page
    assert "青松路居民" not in page


def test_the_pane_never_shows_who_else_the_poster_is(cast, desk_of, reported):
    with transaction():
        other = case_of(cast.rita, title="另一件很特别的事", body="别的。", section="household").number
    number = reported().number
    db.session.rollback()
    page = desk_of("otto", f"?case={number}")
    assert other not in page
    assert "另一件很特别的事" not in page
    assert cast.rita.public_id not in page


def test_what_citizens_will_read_is_what_they_read(cast, app, reported):
    number = reported().number
    with app.test_request_context():
        accepting, answering = Pane.read(number, cast.otto).preview(ANSWER, "explained")
    with transaction():
        reported().accept(by=cast.otto, answer=ANSWER)
    assert say(reported()) == accepting
    with transaction():
        reported().resolve(by=cast.otto, answer=ANSWER, outcome="explained")
    assert say(reported()) == answering


def test_what_citizens_will_read_is_masked_and_names_the_plan(cast, app, reported):
    with transaction():
        reported().accept(by=cast.otto, answer=ANSWER)
    words = "路灯已列入检修计划，可打 13812345678 询问。"
    typed = Typed("resolve", {"text": words, "outcome": "planned", "date": "2026-11-27 18:00"})
    with app.test_request_context():
        sentences, _warnings = Pane.read(reported().number, cast.otto).preview_lines(typed)
    with transaction():
        due = datetime(2026, 11, 27, 10, tzinfo=UTC)  # 18:00 in the city
        reported().resolve(by=cast.otto, answer=words, outcome="planned", date=due)
    assert say(reported()) == sentences[-1]
    assert "13812345678" not in sentences[-1]


def test_the_preview_warns_and_changes_nothing(post_as, desk_of, reported):
    number = reported().number
    db.session.rollback()
    fragment = post_as("otto", f"/desk/case/{number}/preview", headers={"X-Fragment": "1"}, text="收到")
    assert "不到 15 个字" in fragment.get_data(as_text=True)
    stock = post_as(
        "otto", f"/desk/case/{number}/preview", headers={"X-Fragment": "1"}, text="您好，已收到，正在安排。"
    )
    assert "不算答复" in stock.get_data(as_text=True)
    page = post_as("otto", f"/desk/case/{number}/preview", text=ANSWER, desk="queue=pending")
    assert page.status_code == 200
    assert ANSWER in page.get_data(as_text=True)
    assert counts(desk_of("otto"))["待受理"] == 1


@pytest.mark.parametrize(
    ("words", "alone"),
    [
        ("已转相关部门", True),
        ("您好，您反映的问题已转交相关部门处理，感谢您的支持！", True),
        ("已反馈至责任单位，请耐心等待。", True),
        ("Your case has been forwarded to the relevant department.", True),
        ("已转相关部门，11 月 20 日前答复您。", False),
        ("已转交市供热公司，供热公司李师傅今天下午上门。", False),
        ("我们已派两名民警到路口检查信号机。", False),
        ("", False),
    ],
)
def test_words_that_only_pass_it_on_are_known(words, alone):
    assert passes_on(words) is alone


def test_internal_notes_are_read_by_those_who_work_on_it(cast, desk_of, get_as, reported):
    with transaction():
        reported().note(by=cast.otto, note="信号厂周三来人。")
        number = reported().number
    assert "信号厂周三来人。" in desk_of("otis", f"?case={number}")
    assert "信号厂周三来人。" not in desk_of("hugo", f"?case={number}")
    assert "信号厂周三来人。" not in get_as(None, f"/cases/{number}").get_data(as_text=True)


def test_a_reply_of_the_poster_is_read_at_the_desk(cast, desk_of, reported):
    with transaction():
        reply(reported().thread, "现在连黄灯也不闪了。", by=cast.rita)
        number = reported().number
    assert "现在连黄灯也不闪了。" in desk_of("otto", f"?case={number}")


# --- the pieces for scripts ----------------------------------------------------------------------------------


def test_rows_pane_and_toast_come_alone(get_as, reported):
    number = reported().number
    db.session.rollback()
    rows = get_as("otto", "/desk/rows?queue=pending").get_data(as_text=True)
    assert numbers(rows) == [number]
    assert "<html" not in rows
    pane = get_as("otto", f"/desk/case/{number}").get_data(as_text=True)
    assert f'data-pane="{number}"' in pane
    assert "<html" not in pane
    toast = get_as("otto", f"/desk/toasts?cases={number}")
    assert "新诉求 @交警支队" in toast.get_data(as_text=True)
    for path in ("rows", f"case/{number}", f"toasts?cases={number}"):
        assert get_as("rita", f"/desk/{path}").status_code == 404


def test_no_toast_for_what_a_colleague_has_seen(cast, get_as, reported):
    with transaction():
        reported().acknowledge(by=cast.otto)
        number = reported().number
    assert get_as("otis", f"/desk/toasts?cases={number}").status_code == 204


def test_nobody_is_shown_a_case_of_somebody_elses(cast, get_as, reported):
    number = reported().number
    with transaction():
        held = case_of(cast.rita, title="家里的事", body="请交警支队看一下。", restrict=True).number
    assert get_as("hugo", f"/desk/toasts?cases={number},{held},20990101-0001").status_code == 204
    assert get_as("hugo", "/desk/toasts").status_code == 204


def test_many_new_cases_pop_up_as_one_card_and_none_is_left_out(cast, get_as):
    def cards(query: str) -> list[str]:
        page = get_as("otto", f"/desk/toasts{query}").get_data(as_text=True)
        return re.findall(r"<p><b>([^<]+)</b>", page)

    with transaction():
        found = [case_of(cast.rita, title=f"第 {place} 个路口的灯坏了").number for place in range(12)]
    assert cards(f"?cases={','.join(found[:3])}") == ["新诉求 @交警支队"] * 3
    assert cards(f"?cases={','.join(found)}") == ["12 件新诉求 @交警支队"]
    assert cards(f"?cases={','.join(found)}&more=188") == ["200 件新诉求 @交警支队"]
    assert cards("") == ["12 件新诉求 @交警支队"]
    page = html.unescape(get_as("otto", f"/desk/toasts?cases={','.join(found)}").get_data(as_text=True))
    together = re.search(r'data-cases="([^"]+)"', page)
    assert together is not None
    assert set(together[1].split()) == set(found)
    assert 'href="/desk?department=traffic-police&queue=pending"' in page
    assert "签收" not in page
    assert statements(lambda: cards(f"?cases={','.join(found)}")) <= 12


def test_present_danger_waits_for_an_acknowledgement_in_every_queue_and_after_its_release(
    cast, desk_of, get_as
):
    def waits(who: str, query: str = "") -> str:
        waiting = re.search(r'data-urgent="(\d+)"', desk_of(who, query))
        assert waiting is not None
        return waiting[1]

    with transaction():
        case_of(cast.rita, section="12345", title="暖气不热", body="家里只有十五度。")
    assert waits("dana") == "0"
    with transaction():
        urgent = case_of(cast.rita, section="110", title="救命", body="有人拿刀在砸我家的门，快来人！").number
    assert waits("dana") == waits("dana", "?queue=overdue") == waits("dana", "?place=nowhere") == "1"
    assert waits("otto") == "0"
    with transaction():
        thread = Case.numbered(urgent, for_change=True, reader=cast.dana).thread
        thread.visibility, thread.restricted_why = "public", None
    assert waits("dana", "?queue=working") == "1"
    assert waits("otto") == "0"
    with transaction():
        Case.numbered(urgent, for_change=True, reader=cast.dana).acknowledge(by=cast.dana)
    assert waits("dana") == "0"


def test_the_page_carries_the_cursors_of_its_department_and_case(desk_of, reported):
    case = reported()
    number, stream = case.number, case.thread.stream
    db.session.rollback()
    page = html.unescape(desk_of("otto", f"?case={number}"))
    assert '"department:traffic-police":' in page
    assert f'"{stream}":' in page
    assert (
        "department:"
        not in html.unescape(desk_of("carl", "?department=traffic-police"))
        .split("<main")[0]
        .split("data-department")[0]
    )


def test_the_desk_speaks_english_too(client_of, get_as, reported):
    client_of("otto").set_cookie("prefs", "auto.m.0.en")
    page = get_as("otto", f"/desk?case={reported().number}").get_data(as_text=True)
    assert "Duty desk" in page
    assert "Accept and answer" in page
    words = re.sub(r"<[^>]+>", " ", page[page.index("desk-bar") :])
    for chinese in ("待受理", "转办", "签收", "快捷键"):
        assert chinese not in words


def test_every_form_of_the_desk_works_without_scripts(desk_of, reported):
    page = desk_of("otto", f"?case={reported().number}")
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", page, re.S):
        assert 'name="csrf_token"' in form
        assert "formaction" in form or "action=" in form
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", page)


# --- what it costs --------------------------------------------------------------------------------------------


def statements(act) -> int:
    """How many statements the database is given while `act` runs."""
    return len(asked(act))


def asked(act) -> list[str]:
    """What the database is given while `act` runs."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_more):
        if "FROM fact" not in statement:  # the city's facts are read again every ten seconds
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return seen


def test_an_open_case_alone_counts_no_queue(get_as, reported):
    number = reported().number
    db.session.rollback()
    whole = asked(lambda: get_as("otto", f"/desk?case={number}"))
    pane = asked(lambda: get_as("otto", f"/desk/case/{number}"))
    assert sum("sum(CASE" in each for each in whole) == 1
    assert not any("sum(CASE" in each for each in pane)


@pytest.mark.engines("sqlite")  # the statements are the same ones elsewhere
def test_the_number_of_statements_does_not_grow_with_the_cases(cast, get_as):
    def fill(start: int, stop: int) -> None:
        with transaction():
            for place in range(start, stop):
                case = case_of(cast.rita, title=f"路口 {place}", body="灯不亮。", place=f"街 {place % 9}")
                if place % 3:
                    case.accept(by=cast.otto)
                    case.claim(by=cast.otto)

    def cost() -> list[int]:
        pages = ("/desk", "/desk?queue=working", "/desk?queue=soon", "/desk/rows?queue=mine")
        return [statements(lambda page=page: get_as("otto", page)) for page in pages]

    fill(0, 5)
    get_as("otto", "/desk")
    few = cost()
    fill(5, 300)
    many = cost()
    assert many == few
    assert max(many) <= 20


def test_a_case_with_many_steps_costs_no_more_statements(cast, get_as, reported):
    number = reported().number
    db.session.rollback()
    get_as("otto", f"/desk?case={number}")
    few = statements(lambda: get_as("otto", f"/desk?case={number}"))
    with transaction():
        for place in range(60):
            reply(reported().thread, f"还是这样，第 {place} 天。", by=cast.vera if place % 2 else cast.rita)
    many = statements(lambda: get_as("otto", f"/desk?case={number}"))
    assert many <= few + 2
    assert many <= 40


def test_breaches_stand_overdue_when_the_worker_has_said_so(cast, desk_of, reported):
    clock.advance(timedelta(hours=1))
    jobs.run_due()
    page = desk_of("otto", "?queue=overdue")
    assert numbers(page) == [reported().number]


def test_an_officer_of_two_departments_switches_between_them(cast, desk_of, reported):
    from people.models import Appointment

    with transaction():
        otto, there = cast.otto, Department.by_key("kunhe")
        otto.appointments.append(
            Appointment(department=there, role="officer", starts_at=clock.now() - timedelta(days=1))
        )
    page = desk_of("otto")
    assert numbers(page) == [reported().number]  # on duty here
    assert 'value="kunhe"' in page
    assert numbers(desk_of("otto", "?department=kunhe")) == []


def test_a_moved_case_leaves_no_row_behind(cast, desk_of, reported):
    with transaction():
        db.session.execute(update(Case).values(next_due_at=None, next_due_kind=None))
    page = desk_of("otto")
    assert numbers(page) == [reported().number]
    assert "不计时" in page


def test_a_promised_next_result_stands_under_the_answer(cast, get_as, reported):
    with transaction():
        reported().accept(by=cast.otto, answer=ANSWER, expected=clock.now() + timedelta(hours=30))
        number = reported().number
    assert "明天 16:00 前给下一步结果。" in get_as(None, f"/cases/{number}").get_data(as_text=True)


@pytest.mark.engines("sqlite")  # which is asked for its plan
@pytest.mark.parametrize("who", ["dana", "lena"])
def test_every_queue_is_read_by_its_own_cases_and_never_through_all_threads(cast, app, reported, who):
    reported()
    for queue in Desk.open(getattr(cast, who), View()).queues():
        seen: list[tuple[str, Any]] = []

        def note(_connection, _cursor, statement, parameters, *_more, seen=seen):
            seen.append((statement, parameters))

        desk = Desk.open(getattr(cast, who), View(queue=queue))
        event.listen(db.engine, "before_cursor_execute", note)
        desk.rows()
        desk.counts()
        event.remove(db.engine, "before_cursor_execute", note)
        for statement, parameters in seen:
            if "thread" not in statement:
                continue
            plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row[3] for row in plan if re.search(r"\bthread\b", row[3])]
            assert steps, statement
            assert all("INTEGER PRIMARY KEY" in step for step in steps), (queue, steps)


def test_an_unknown_number_to_call_is_said_and_the_look_at_the_nickname_recorded(cast, post_as, reported):
    number = reported().number
    db.session.rollback()
    answer = post_as("otto", f"/cases/{number}/contact", reason="回电核实地点")
    assert answer.status_code == 200
    assert "没有留联系电话" in answer.get_data(as_text=True)
    assert [each.kind for each in reported().thread.events] == ["thread.posted", "identity.opened"]
