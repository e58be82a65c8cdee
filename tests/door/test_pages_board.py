"""Home, sections, departments, look-up and the pages that explain: what everybody reads, and what nobody may."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from board import jobs, web
from board.clock import advance
from board.db import db, transaction
from boards import cards, casepage, pulse, units
from boards.models import Section, Thread
from boards.models.posting import Draft, post
from people.models import Department, Person
from tests.builders import Cast, case_of, posted


@pytest.fixture(autouse=True)
def nothing_kept(app):
    """Pages, rows and numbers are counted anew in every test."""
    for store in (web.forget_pages, cards.forget, casepage.forget, pulse.forget):
        store()


def text_of(answer) -> str:
    return answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/sections",
        "/s/traffic",
        "/s/notices",
        "/d",
        "/d/traffic-police",
        "/lookup",
        "/guide",
        "/privacy",
        "/accessibility",
        "/transparency",
    ],
)
@pytest.mark.parametrize("who", [None, "rita", "otto"])
def test_everybody_reads_the_public_pages(get_as, reported, path, who):
    answer = get_as(who, path)

    assert answer.status_code == 200
    assert text_of(answer).count("<h1") == 1


@pytest.mark.parametrize(
    "path", ["/", "/sections", "/s/traffic", "/d", "/guide", "/privacy", "/accessibility", "/transparency"]
)
def test_english_pages_hold_no_chinese_of_ours(client_of, reported, path):
    client = client_of(None)
    client.set_cookie("prefs", "auto.m.0.en")
    page = text_of(client.get(path))

    assert 'lang="en"' in page
    for words in ("您要办什么事", "办理中", "刚刚有结果", "使用说明", "我要反映"):
        assert words not in page


def test_the_home_page_of_an_empty_database_says_how_a_city_is_loaded(app, get_as):
    with transaction() as session:
        for table in reversed(db.metadata.sorted_tables):
            session.execute(table.delete())
    page = text_of(get_as(None, "/"))

    assert "还没有载入城市" in page
    assert "flask city load" in page


def answered_after(minutes: int, cast: Cast, nicknames: str) -> None:
    """Each of these residents posts once, and all are answered together."""
    ids = []
    for nickname in nicknames:
        with transaction() as session:
            member = session.scalar(select(Person).where(Person.nicknamed(nickname)))
            member = member or Person(kind="member", nickname=nickname)
            session.add(member)
            session.flush()
            ids.append(posted(member).public_id)
    advance(timedelta(minutes=minutes))
    for thread_id in ids:
        with transaction():
            case_of(thread_id).accept(by=cast.otto, answer=f"已收到，{thread_id}路口今天去看。")
    pulse.forget()
    web.forget_pages()


def pulses(page: str) -> list[tuple[str, ...]]:
    return re.findall(r"<dt>([^<]+)</dt><dd><b>([^<]+)</b> ([^<]*)</dd>", page)


def test_the_duty_board_counts_open_cases_first_answers_and_who_is_on_duty(cast, get_as):
    answered_after(20, cast, "甲乙丙丁戊己庚辛壬癸")
    page = text_of(get_as(None, "/"))

    assert pulses(page) == [("正在办理", "10", "件"), ("多久有回应", "20", "分钟"), ("按时回应", "100", "%")]
    assert "3 人正在值班" in page  # an inspector on call serves no department


def test_no_usual_time_is_worked_out_for_fewer_than_ten_people_however_much_they_write(cast, get_as):
    answered_after(20, cast, "甲乙丙丁戊己庚辛壬甲甲乙")

    assert pulses(text_of(get_as(None, "/")))[1] == ("多久有回应", "–", "")
    assert "不足 10 人，不计算" in text_of(get_as(None, "/d/traffic-police"))
    assert units.usual_answers() == {}

    answered_after(20, cast, "癸")

    assert pulses(text_of(get_as(None, "/")))[1] == ("多久有回应", "20", "分钟")
    page = text_of(get_as(None, "/d/traffic-police"))
    assert "<dd>20 分钟</dd>" in page
    assert list(units.usual_answers().values()) == [timedelta(minutes=20)]


def test_a_late_first_answer_lowers_the_share_of_today(cast, get_as, thread_posted):
    first, _second = thread_posted(), thread_posted()
    advance(timedelta(minutes=10))
    with transaction():
        case_of(first).accept(by=cast.otto, answer="马上安排人到路口查看信号灯。")
    advance(timedelta(minutes=30))
    jobs.run_due()

    assert pulse.on_time_today() == 50


def test_sections_that_may_not_be_counted_show_no_numbers(get_as):
    page = text_of(get_as(None, "/sections"))
    complaints = page[page.index('href="/s/complaints"') :].split("</a>")[0]

    assert "section-card__counts" not in complaints
    assert "section-card__counts" in page


def test_a_closed_section_gives_12389_and_takes_no_post(get_as):
    page = text_of(get_as(None, "/s/complaints"))

    assert "tel:12389" in page
    assert "/s/complaints/new" not in page


def test_filters_of_a_section_count_and_show_their_cases(cast, get_as, thread_posted):
    waiting, taken = thread_posted(title="等着的一件"), thread_posted(title="受理的一件")
    with transaction():
        case_of(taken).accept(by=cast.otto)
    everything = text_of(get_as(None, "/s/traffic"))
    pending = text_of(get_as(None, "/s/traffic?status=pending"))

    counts = dict(re.findall(r">([^<>]+) <b class=\"num\">(\d+)</b>", everything))
    assert counts == {"全部": "2", "待受理": "1", "办理中": "1", "待补充": "0", "已办结": "0", "已超时": "0"}
    assert "等着的一件" in pending
    assert "受理的一件" not in pending
    assert waiting


def test_an_overdue_case_stands_under_overdue(get_as, thread_posted):
    thread_posted(title="超时的一件")
    advance(timedelta(hours=1))
    jobs.run_due()

    assert "超时的一件" in text_of(get_as(None, "/s/traffic?status=overdue"))


def test_older_pages_follow_each_other_without_gap_or_double(get_as, thread_posted):
    for place in range(45):
        if place % 3 == 0:
            advance(timedelta(seconds=1))  # threads of one moment are told apart as well
        thread_posted(title=f"第{place:02d}号路灯")
    seen: list[str] = []
    path = "/s/traffic"
    while path:
        page = text_of(get_as(None, path))
        seen += re.findall(r"第(\d\d)号路灯", page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert seen == [f"{place:02d}" for place in reversed(range(45))]


def test_the_cursor_of_older_pages_shows_no_table_id_and_junk_is_the_first_page(get_as, thread_posted):
    thread_posted(title="唯一的一件")
    for junk in ("x", "0", "%00", "9" * 70, "MTIz"):
        assert "唯一的一件" in text_of(get_as(None, f"/s/traffic?before={junk}"))


def test_a_pinned_guide_stands_first_and_once(cast, get_as, thread_posted):
    pinned = thread_posted(title="置顶的一件")
    advance(timedelta(minutes=1))
    thread_posted(title="新来的一件")
    with transaction():
        db.session.scalar(db.select(Thread).where(Thread.public_id == pinned)).pin(by=cast.mona, pinned=True)
    page = text_of(get_as(None, "/s/traffic"))

    assert page.count("置顶的一件") == 1
    assert page.index("置顶的一件") < page.index("新来的一件")


def test_notices_show_how_often_they_were_read_and_posts_never_do(cast, get_as, thread_posted, app):
    from boards import reads

    thread_posted(title="普通的一件")
    with transaction():
        officer = Department.by_key("publicity")
        cast.mona.appointments[0].department = officer
        notice = post(
            Section.by_key("notices"),
            Draft(title="今晚雨雪", body="请减速慢行。", identity="open"),
            by=cast.mona,
        )
        public_id = notice.public_id
    for _ in range(3):
        assert get_as(None, f"/t/{public_id}").status_code == 200
    reads.write(at_once=True)
    web.forget_pages()
    cards.forget()

    notices = text_of(get_as(None, "/s/notices"))
    assert re.search(r"看过 </span>3<", notices)
    assert "看过" not in text_of(get_as(None, "/s/traffic"))


def test_a_department_shows_how_many_are_on_duty_and_names_only_to_colleagues(get_as, reported):
    visitor, colleague = (
        text_of(get_as(None, "/d/traffic-police")),
        text_of(get_as("hugo", "/d/traffic-police")),
    )

    assert "0000-110-0122" in visitor
    assert "欧阳涛" not in visitor
    assert "欧阳涛" in colleague
    assert reported().thread.title in visitor


def test_unknown_sections_and_departments_are_the_same_404(get_as):
    bodies = {
        text_of(get_as(None, path))
        for path in ("/s/nothing", "/d/nothing", "/cases/20261117-9999", "/t/nothing")
    }

    assert len({re.sub(r'value="/[^"]*"| aria-current="page"', "", body) for body in bodies}) == 1
    assert get_as(None, "/d/nothing").status_code == 404


@pytest.mark.parametrize("form", ["{}", "{nodash}", "{wide}", " {} ", "编号{}"])
def test_looking_up_a_number_however_it_is_typed_leads_to_its_case(get_as, reported, form):
    number = reported().number
    typed = form.format(
        number,
        nodash=number.replace("-", ""),
        wide=number.translate(str.maketrans("0123456789-", "０１２３４５６７８９－")),
    )
    answer = get_as(None, "/lookup", query_string={"number": typed})

    assert answer.status_code == 303
    assert answer.location == f"/cases/{number}"


@pytest.mark.parametrize(
    ("typed", "says"),
    [("", "请填您的编号"), ("我的", "编号是 8 位数字"), ("20261117-4711", "没有这个编号的公开诉求")],
)
def test_looking_up_what_is_no_number_says_what_to_check_and_keeps_it(get_as, typed, says):
    answer = get_as(None, "/lookup", query_string={"number": typed})

    assert answer.status_code == 422
    assert says in text_of(answer)
    assert f'value="{typed}"' in text_of(answer)
    assert "<title>出错：" in text_of(answer)


def test_looking_up_a_restricted_case_says_what_a_missing_one_says(cast, get_as, thread_posted):
    hidden = case_of(thread_posted(section="110", body="有人拿刀砍人，快来人。"))
    assert hidden.thread.is_restricted
    restricted = text_of(get_as(None, "/lookup", query_string={"number": hidden.number}))
    missing = text_of(get_as(None, "/lookup", query_string={"number": "20261117-123456789"}))

    assert restricted.replace(hidden.number, "") == missing.replace("20261117-123456789", "")
    assert get_as("rita", "/lookup", query_string={"number": hidden.number}).status_code == 303


def test_public_pages_of_visitors_are_kept_and_equal_and_carry_nothing_personal(get_as, reported):
    first, second = get_as(None, "/s/traffic"), get_as(None, "/s/traffic")

    assert first.data == second.data
    assert "csrf_token" not in text_of(first)
    assert "Set-Cookie" not in first.headers
    assert get_as(None, "/s/traffic", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_a_new_post_stands_in_its_section_at_once_although_the_page_was_kept(get_as, thread_posted):
    get_as(None, "/s/traffic")
    thread_posted(title="刚来的一件")

    assert "刚来的一件" in text_of(get_as(None, "/s/traffic"))


@pytest.mark.parametrize("path", ["/s/traffic", "/d/traffic-police", "/"])
def test_the_number_of_queries_does_not_grow_with_the_rows(client_of, thread_posted, counted, path):
    thread_posted()
    few = counted(lambda: client_of(None).get(path))
    for _ in range(15):
        thread_posted()
    for store in (web.forget_pages, cards.forget, pulse.forget):
        store()
    many = counted(lambda: client_of(None).get(path))

    assert many <= few + 1


def test_the_number_of_queries_does_not_grow_with_the_offers(cast, client_of, thread_posted, counted):
    def offer() -> None:
        thread = thread_posted()
        with transaction():
            case_of(thread).accept(by=cast.otto, answer="已收到，民警正赶往路口。")
        with transaction():
            case_of(thread).offer(by=cast.otto, to=Department.by_key("heating"), reason="路灯杆归供热公司。")

    offer()
    few = counted(lambda: client_of(None).get("/s/traffic"))
    for _ in range(5):
        offer()
    for store in (web.forget_pages, cards.forget, pulse.forget):
        store()
    pages = []
    many = counted(lambda: pages.append(client_of(None).get("/s/traffic")))

    assert many <= few
    assert text_of(pages[0]).count("想转给市供热公司：路灯杆归供热公司") == 6


@pytest.fixture
def counted(app):
    """How many statements a call sends to the database."""
    import contextvars

    from sqlalchemy import event

    def count(call) -> int:
        sent: list[str] = []

        def note(conn, cursor, statement, *rest):
            if statement.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE")):
                sent.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            contextvars.Context().run(call)
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return len(sent)

    return count
