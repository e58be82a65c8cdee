"""Writing to the city: the form, the check step, the sign-in as the last step, and what bad input gets."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import select

from board.db import db, transaction
from board.seams import _answers
from boards.models import Case, Mention, Section, Thread
from boards.models.timeline import CaseEvent
from people.models import Person
from tests.door.writing import WORDS, hidden_of, look, send, write

PHONE = "19900000042"


def threads() -> list[Thread]:
    db.session.rollback()
    return list(db.session.scalars(select(Thread).order_by(Thread.id)))


def case_in(thread: Thread) -> Case:
    assert thread.case is not None
    return thread.case


def text(answer) -> str:
    return unescape(answer.get_data(as_text=True))


# --- posting ---------------------------------------------------------------------------------------------


def test_rita_posts_in_one_submit_and_comes_to_her_number(client_of):
    answer = write(client_of("rita"))
    assert answer.status_code == 303
    (thread,) = threads()
    assert thread.case is not None
    assert answer.location == f"/received/{case_in(thread).number}"
    assert case_in(thread).department.key == "traffic-police"
    page = text(look(client_of("rita"), answer.location))
    assert case_in(thread).number in page
    assert "10:30" in page
    assert "no-store" in look(client_of("rita"), answer.location).headers["Cache-Control"]


@pytest.mark.parametrize("who", ["vera", "otto", "dana", "ines"])
def test_the_received_page_is_for_its_poster_only(client_of, who):
    target = write(client_of("rita")).location
    assert look(client_of(who), target).status_code == 404


def test_a_visitor_is_asked_to_sign_in_before_the_received_page(client_of):
    target = write(client_of("rita")).location
    answer = look(client_of(None), target)
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in?next=/received/")


def test_a_post_without_a_section_reaches_the_desk(client_of):
    answer = write(client_of("rita"), None, body="路灯坏了，不知道该找谁。")
    assert answer.status_code == 303
    (thread,) = threads()
    assert thread.section.key == "12345"
    assert case_in(thread).department.is_desk


def test_the_picked_department_leads(client_of):
    write(client_of("rita"), body="暖气不热。", departments="heating")
    (thread,) = threads()
    assert case_in(thread).department.key == "heating"


def test_three_departments_are_told_and_the_first_leads(client_of):
    write(
        client_of("rita"),
        body="路口积水结冰。",
        departments=["heating", "traffic-police", "household-police"],
    )
    (thread,) = threads()
    assert case_in(thread).department.key == "heating"


def test_the_place_is_kept_beside_the_post(client_of):
    write(client_of("rita"), place="青松路 12 号门口")
    (thread,) = threads()
    assert thread.place == "青松路 12 号门口"


def test_a_double_submit_posts_once_and_answers_twice_the_same(client_of):
    page = look(client_of("rita"), "/s/traffic/new")
    data = {**hidden_of(text(page)), **WORDS}
    first = send(client_of("rita"), "/s/traffic/threads", data)
    second = send(client_of("rita"), "/s/traffic/threads", data)
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert len(threads()) == 1


def test_two_forms_post_twice(client_of):
    assert write(client_of("rita")).location != write(client_of("rita")).location
    assert len(threads()) == 2


def test_a_page_from_another_site_posts_nothing(client_of):
    data = {**WORDS, "identity": "hidden"}
    answer = client_of("rita").post("/s/traffic/threads", data=data, headers={"Origin": "https://evil.test"})
    assert answer.status_code == 403
    assert threads() == []


# --- what is wrong comes back with everything in it -----------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("title", "", "请写一句话"),
        ("title", "   \u3000\n\t ", "请写一句话"),
        ("title", "\u200b\u200d\ufeff\u2060", "请写一句话"),
        ("title", "红" * 81, "80"),
        ("body", "", "请说说"),
        ("body", "\x00\x07\u200b \n\n", "请说说"),
        ("body", "路" * 5001, "5001"),
        ("body", "路" * 100_000, "100000"),
        ("place", "号" * 81, "80"),
    ],
    ids=["no title", "white title", "invisible title", "long title", "no body", "invisible body", "long body", "paste", "place"],
)  # fmt: skip
def test_a_form_that_cannot_be_taken_comes_back_filled_in(client_of, field, value, says):
    answer = write(client_of("rita"), **{field: value})
    page = text(answer)
    assert answer.status_code == 422
    assert "<title>出错：" in page
    assert f'href="#f-{field}"' in page
    assert says in page or field in ("title", "body")
    kept = hidden_of(answer.get_data(as_text=True))
    other = "body" if field != "body" else "title"
    assert kept[other] == WORDS[other]
    if len(value.strip()) > 10:
        assert kept[field].count(value[0]) == len(value)
    assert threads() == []


def test_every_mistake_is_named_at_once(client_of):
    page = text(write(client_of("rita"), title="", body="", identity="sealed"))
    assert "还差 3 处" in page


def test_control_and_zero_width_characters_are_left_out(client_of):
    write(client_of("rita"), title="红\u200b绿\x07灯\u202e坏了", body="第一行\r\n第二行\x00。")
    (thread,) = threads()
    assert thread.title == "红绿灯坏了"
    assert thread.body.public == "第一行\n第二行。"


def test_markup_in_a_post_is_text(client_of):
    write(client_of("rita"), body="<script>alert(1)</script>灯坏了")
    (thread,) = threads()
    assert "<script" not in thread.body.html


def test_what_was_typed_cannot_break_out_of_the_form(client_of):
    nasty = '"><script>alert(1)</script></textarea>'
    raw = write(client_of("rita"), title="", body=nasty).get_data(as_text=True)
    assert "<script>alert" not in raw
    assert hidden_of(raw)["body"] == nasty


@pytest.mark.parametrize(
    ("forged", "field"),
    [
        ({"identity": "sealed"}, "identity"),
        ({"identity": "admin"}, "identity"),
        ({"departments": "no-such-department"}, "departments"),
        ({"departments": ["heating", "kunhe", "desk", "publicity"]}, "departments"),
    ],
    ids=["sealed where it is not offered", "unknown identity", "unknown department", "four departments"],
)
def test_forged_fields_are_refused(client_of, forged, field):
    answer = write(client_of("rita"), **forged)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in text(answer)
    assert threads() == []


def test_a_forged_poster_number_or_visibility_changes_nothing(client_of, cast):
    write(client_of("rita"), poster_id=str(cast.ids["vera"]), number="20200101-0001", visibility="held")
    (thread,) = threads()
    assert thread.poster_id == cast.ids["rita"]
    assert thread.is_public
    assert case_in(thread).number != "20200101-0001"


@pytest.mark.parametrize("who", ["rita", None])
def test_a_closed_section_gives_the_phone_and_takes_nothing(client_of, who):
    client = client_of(who)
    page = look(client, "/s/complaints/new")
    assert "12389" in text(page)
    assert "<textarea" not in text(page)
    answer = send(client, "/s/complaints/threads", {**WORDS, "identity": "hidden"})
    assert answer.status_code == 409
    assert threads() == []


@pytest.mark.parametrize("who", ["otto", "mona", "adam"])
def test_staff_do_not_post_as_residents(client_of, who):
    assert look(client_of(who), "/s/traffic/new").status_code == 403


@pytest.mark.parametrize("who", ["rita", None])
def test_only_the_department_writes_notices(client_of, who):
    assert look(client_of(who), "/s/notices/new").status_code == 403


def test_an_unknown_section_is_not_there(client_of):
    assert look(client_of("rita"), "/s/nothing/new").status_code == 404


# --- the check step ------------------------------------------------------------------------------------------


def checked(client, answer, section="traffic", **more):
    """Answer the check page."""
    assert answer.status_code in (200, 422)
    data = {**hidden_of(answer.get_data(as_text=True)), "step": "checked", **more}
    return send(client, f"/s/{section}/threads", data)


def test_danger_in_110_shows_the_call_card_then_goes_to_the_desk_alone(client_of):
    answer = write(
        client_of("rita"),
        "110",
        title="有人在砸我家的门",
        body="救命，有人正在撬我家的门，快来人。投诉派出所民警不作为。",
    )
    page = text(answer)
    assert answer.status_code == 200
    assert 'href="tel:110"' in page.split('<form class="card"')[0].split("danger-card")[1]
    assert 'name="complaint"' not in page
    assert threads() == []
    answer = checked(client_of("rita"), answer, "110")
    assert answer.status_code == 303
    (thread,) = threads()
    assert thread.is_restricted
    assert thread.restricted_why == "danger"
    received = text(look(client_of("rita"), answer.location))
    main = received[received.index('id="main"') :]
    assert main.index("还没有人出警。请现在打 110。") < main.index(case_in(thread).number)
    assert look(client_of("vera"), f"/cases/{case_in(thread).number}").status_code == 404


def test_money_just_transferred_shows_96110(client_of):
    page = text(write(client_of("rita"), body="我刚刚被骗转账了五万块给骗子，怎么办"))
    assert 'href="tel:96110"' in page


def test_complaint_words_ask_with_nothing_preselected(client_of):
    client = client_of("rita")
    answer = write(client, body="投诉交警支队民警态度恶劣，乱罚款。")
    page = text(answer)
    assert "这是反映民警的问题吗？" in page
    assert not re.search(r'name="complaint"[^>]* checked', page)
    unanswered = checked(client, answer)
    assert unanswered.status_code == 422
    assert threads() == []
    public = checked(client, unanswered, complaint="no")
    assert public.status_code == 303
    assert len(threads()) == 1


def test_a_complaint_is_not_posted_and_its_text_stays(client_of):
    client = client_of("rita")
    answer = checked(client, write(client, body="投诉交警支队民警态度恶劣，乱罚款。"), complaint="yes")
    page = text(answer)
    assert "12389" in page
    assert "这个板块正在建设" in page
    assert hidden_of(answer.get_data(as_text=True))["body"] == "投诉交警支队民警态度恶劣，乱罚款。"
    assert threads() == []


@pytest.mark.parametrize(("choice", "restricted"), [("department", True), ("public", False)])
def test_delicate_matters_propose_the_department_alone(client_of, choice, restricted):
    client = client_of("rita")
    answer = write(client, title="孩子在学校被人欺负", body="我家孩子被同学长期殴打，未成年，怎么办")
    page = text(answer)
    assert "谁可以看？" in page
    assert re.search(r'name="restrict" value="department"[^>]* checked', page)
    assert checked(client, answer, restrict=choice).status_code == 303
    (thread,) = threads()
    assert thread.is_restricted is restricted


def test_a_forged_restriction_does_not_hide_an_ordinary_post(client_of):
    write(client_of("rita"), restrict="department")
    (thread,) = threads()
    assert thread.is_public


def test_an_unknown_mention_is_answered_with_guesses_and_still_arrives(client_of):
    client = client_of("rita")
    answer = write(client, body="请@昆仑分局看一下信号灯")
    page = text(answer)
    assert "没有“昆仑分局”这个单位" in page
    assert 'value="kunhe"' in page
    assert checked(client, answer, departments="kunhe").status_code == 303
    (thread,) = threads()
    assert case_in(thread).department.key == "kunhe"


def test_a_post_with_an_unknown_mention_reaches_the_section_when_no_guess_is_taken(client_of):
    client = client_of("rita")
    checked(client, write(client, "household", body="请@魔法部看一下户口迁移"), "household")
    (thread,) = threads()
    assert case_in(thread).department.key == "household-police"
    assert db.session.scalars(select(Mention)).all() == []


@pytest.fixture
def similar(client_of, monkeypatch):
    write(client_of("vera"))
    (thread,) = threads()
    monkeypatch.setitem(
        _answers,
        "similar_threads",
        lambda title: [db.session.get(Thread, thread.id)] if "红绿灯" in title else [],
    )
    return thread


def test_without_scripts_similar_matters_stand_on_the_check_page(client_of, similar):
    client = client_of("rita")
    answer = write(client)
    page = text(answer)
    assert similar.title in page
    assert f'formaction="/cases/{case_in(similar).number}/affected"' in page
    assert checked(client, answer).status_code == 303
    assert len(threads()) == 2


def test_who_saw_the_similar_matters_already_is_not_asked_again(client_of, similar):
    assert write(client_of("rita"), similar_seen="1").status_code == 303


def test_the_box_of_similar_matters_is_a_fragment(client_of, similar):
    page = text(look(client_of(None), "/similar?title=青松路红绿灯坏了"))
    assert similar.title in page
    assert "<html" not in page
    assert text(look(client_of(None), "/similar?title=灯")).strip() == ""


def test_going_back_from_the_check_keeps_the_words(client_of):
    client = client_of("rita")
    answer = write(client, body="投诉交警支队民警态度恶劣。")
    data = {**hidden_of(answer.get_data(as_text=True)), "step": "edit"}
    back = send(client, "/s/traffic/threads", data)
    assert hidden_of(back.get_data(as_text=True))["body"] == "投诉交警支队民警态度恶劣。"
    assert "<textarea" in text(back)


def test_what_will_be_covered_is_said_and_is_covered(client_of):
    check = write(client_of("rita"), body="肇事车辆是云A·12345，我的电话 13812345678。")
    answer = send(client_of("rita"), "/s/traffic/threads", hidden_of(text(check)))
    page = text(look(client_of("rita"), answer.location))
    assert "手机号" in page
    (thread,) = threads()
    assert "13812345678" not in thread.body.public
    assert thread.body.original().endswith("13812345678。")


# --- the picker ---------------------------------------------------------------------------------------------


def test_finding_a_department_without_scripts_keeps_what_was_typed(client_of):
    client = client_of("rita")
    page = text(look(client, "/s/traffic/new"))
    data = {**hidden_of(page), **WORDS, "unit_query": "供热", "step": "units"}
    answer = send(client, "/s/traffic/threads", data)
    assert answer.status_code == 200
    assert 'value="heating"' in text(answer)
    assert hidden_of(answer.get_data(as_text=True))["body"] == WORDS["body"]


def test_a_link_can_name_the_department_and_the_search(client_of):
    assert re.search(r'value="heating"[^>]* checked', text(look(client_of(None), "/new?department=heating")))
    assert 'value="kunhe"' in text(look(client_of(None), "/s/traffic/new?unit=昆河"))


@pytest.mark.parametrize(
    ("query", "first"),
    [("交警", "traffic-police"), ("@交警大队", "traffic-police"), ("供热", "heating"), ("kunhe", "kunhe"), ("ＫＵＮＨＥ", "kunhe")],
)  # fmt: skip
def test_the_script_finds_departments_by_any_of_their_names(client_of, query, first):
    found = look(client_of(None), f"/departments.json?q={query}").get_json()
    assert found[0]["key"] == first
    assert set(found[0]) == {"key", "name", "duty", "area", "usual"}


def test_the_picker_says_who_is_on_duty(client_of):
    (found,) = look(client_of(None), "/departments.json?q=交警").get_json()
    assert found["duty"] == "值班中"
    assert look(client_of(None), "/departments.json?q=").get_json() == []
    assert look(client_of(None), "/departments.json?q=" + "交" * 3000).status_code == 200


# --- a visitor writes everything first ------------------------------------------------------------------------


def code_for(phone: str) -> str:
    from people import vault
    from people.models import OneTimeCode

    db.session.rollback()
    row = db.session.scalars(select(OneTimeCode).order_by(OneTimeCode.id.desc())).first()
    assert row is not None
    code = vault.get(f"code:{row.public_id}", "code")
    assert code is not None
    return code


def test_a_visitor_posts_in_seven_acts(client_of):
    client = client_of(None)
    acts = ["write the title", "write the body"]
    answer = write(client)
    acts.append("submit")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert 'name="phone"' in page
    assert threads() == []
    acts.append("phone")
    answer = send(client, "/s/traffic/threads", {**hidden_of(page), "phone": PHONE, "step": "send"})
    acts.append("send")
    page = answer.get_data(as_text=True)
    assert 'autocomplete="one-time-code"' in page
    acts.append("code")
    answer = send(client, "/s/traffic/threads", {**hidden_of(page), "phone": PHONE, "code": code_for(PHONE)})
    acts.append("confirm")
    assert answer.status_code == 303
    assert len(acts) == 7
    (thread,) = threads()
    assert thread.title == WORDS["title"]
    assert answer.location == f"/received/{case_in(thread).number}"
    assert thread.poster is not None
    assert not thread.poster.is_staff
    assert look(client, answer.location).status_code == 200


def test_a_wrong_code_keeps_everything(client_of):
    client = client_of(None)
    page = write(client, place="青松路口").get_data(as_text=True)
    page = send(
        client, "/s/traffic/threads", {**hidden_of(page), "phone": PHONE, "step": "send"}
    ).get_data(as_text=True)  # fmt: skip
    wrong = "000000" if code_for(PHONE) != "000000" else "111111"
    answer = send(client, "/s/traffic/threads", {**hidden_of(page), "phone": PHONE, "code": wrong})
    assert answer.status_code == 422
    kept = hidden_of(answer.get_data(as_text=True))
    assert kept["title"] == WORDS["title"]
    assert kept["body"] == WORDS["body"]
    assert kept["place"] == "青松路口"
    assert kept["phone"] == PHONE
    assert threads() == []
    answer = send(client, "/s/traffic/threads", {**kept, "code": code_for(PHONE)})
    assert answer.status_code == 303
    assert len(threads()) == 1


@pytest.mark.parametrize("phone", ["", "12345", "不是号码", "139" * 40])
def test_a_wrong_phone_keeps_everything(client_of, phone):
    client = client_of(None)
    page = write(client).get_data(as_text=True)
    answer = send(client, "/s/traffic/threads", {**hidden_of(page), "phone": phone, "step": "send"})
    assert answer.status_code == 422
    assert hidden_of(answer.get_data(as_text=True))["body"] == WORDS["body"]


def test_line_breaks_survive_the_way_through_hidden_fields(client_of):
    client = client_of(None)
    body = "第一段。\n\n- 一\n- 二\n\n“引号”与 <尖括号> & 符号"
    page = write(client, body=body).get_data(as_text=True)
    assert hidden_of(page)["body"] == body


def test_without_a_gateway_nothing_is_lost(client_of, monkeypatch):
    monkeypatch.setattr("people.codes.can_send", lambda: False)
    monkeypatch.setattr("boards.views.compose.can_send", lambda: False)
    answer = write(client_of(None))
    assert "还不能发短信" in text(answer)
    assert hidden_of(answer.get_data(as_text=True))["body"] == WORDS["body"]


def test_a_visitor_answers_the_check_before_the_phone(client_of):
    client = client_of(None)
    answer = write(client, body="投诉交警支队民警态度恶劣。")
    assert 'name="complaint"' in text(answer)
    answer = checked(client, answer, complaint="no")
    page = text(answer)
    assert 'name="phone"' in page
    assert hidden_of(answer.get_data(as_text=True))["complaint"] == "no"


def test_a_form_from_before_the_sign_in_is_taken_after_it(client_of, cast):
    visitor = look(client_of(None), "/s/traffic/new").get_data(as_text=True)
    data = {**hidden_of(visitor), **WORDS}
    assert data["csrf_token"] == ""
    assert send(client_of("rita"), "/s/traffic/threads", data).status_code == 303
    (thread,) = threads()
    assert thread.poster_id == cast.ids["rita"]


# --- limits ---------------------------------------------------------------------------------------------------


def test_too_many_posts_get_a_friendly_answer_with_the_words_in_it(client_of, monkeypatch):
    monkeypatch.setattr("boards.views.compose.POSTS", "2 per hour")
    client = client_of("rita")
    assert write(client).status_code == 303
    assert write(client).status_code == 303
    answer = write(client)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert hidden_of(answer.get_data(as_text=True))["body"] == WORDS["body"]
    assert len(threads()) == 2


def test_posting_takes_a_bounded_number_of_queries(client_of, app):
    from sqlalchemy import event

    client = client_of("rita")
    write(client)
    counted: list[str] = []

    def note(connection, cursor, statement, *rest):
        counted.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert write(client).status_code == 303
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(counted) < 120


# --- a closed world stays closed --------------------------------------------------------------------------------


def test_no_section_that_only_some_may_read_takes_an_open_post(client_of, cast):
    with transaction():
        section = Section.by_key("complaints")
        section.closed_text = section.closed_text_en = ""
    answer = write(client_of("rita"), "complaints")
    assert answer.status_code == 303
    (thread,) = threads()
    assert thread.is_restricted
    assert look(client_of(None), f"/t/{thread.public_id}").status_code == 404
    assert db.session.scalar(select(Person).where(Person.id == thread.poster_id)) is not None
    assert db.session.scalars(select(CaseEvent.thread_id)).first() == thread.id


def test_four_copies_of_one_form_at_the_same_moment_post_once(client_of, app):
    from concurrent.futures import ThreadPoolExecutor

    data = {**hidden_of(look(client_of("rita"), "/s/traffic/new").get_data(as_text=True)), **WORDS}
    cookie = client_of("rita").get_cookie("sign_in")
    assert cookie is not None

    def once_more(_n: int) -> tuple[int, str]:
        client = app.test_client()
        client.set_cookie("sign_in", cookie.value)
        answer = send(client, "/s/traffic/threads", data)
        return answer.status_code, answer.location

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(once_more, range(4)))
    assert len(threads()) == 1
    assert answers == {(303, f"/received/{case_in(threads()[0]).number}")}
