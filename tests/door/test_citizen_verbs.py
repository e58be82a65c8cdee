"""What residents do with their cases over HTTP: who may, when it can be done, and what a refusal gives back."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from board import clock, jobs
from board.db import db, transaction
from boards.models import Case, Report, Thread
from boards.models.timeline import CaseEvent
from boards.models.watch import watch_of
from people import vault
from tests.builders import case_of, posted
from tests.conftest import ORIGIN
from tests.door.writing import hidden_of, look, send

pytestmark = pytest.mark.engines("sqlite", "postgres")


def text(answer) -> str:
    return unescape(answer.get_data(as_text=True))


@pytest.fixture
def case(reported):
    """Rita's case as it is now."""

    def give() -> Case:
        db.session.rollback()
        return reported()

    return give


@pytest.fixture
def resolved(case, cast):
    """Rita's case, answered by Otto."""
    with transaction():
        case_of(case_id(case)).answer(
            by=cast.otto, answer="信号机已经换新，四个方向恢复正常。", outcome="solved"
        )
    return case


@pytest.fixture
def asked(case, cast):
    """Rita's case, waiting for her."""
    with transaction():
        it = case_of(case_id(case))
        it.accept(by=cast.otto, answer="已收到，正在查看路口。")
        it.ask(by=cast.otto, question="是早上还是晚上闪？")
    return case


def case_id(case) -> str:
    return case().thread.public_id


def kinds(case) -> list[str]:
    db.session.rollback()
    return [event.kind for event in case().thread.events]


# --- visitors ------------------------------------------------------------------------------------------------

MEMBER_VERBS = (
    "supplements", "rating", "reopening", "nudge", "withdrawal", "watch", "affected", "unmerging", "follow-up",
)  # fmt: skip
THREAD_VERBS = ("replies", "edits", "covers", "release", "replies-switch")


@pytest.mark.parametrize("verb", MEMBER_VERBS)
def test_a_visitor_is_led_to_the_sign_in(client_of, case, verb):
    before = kinds(case)
    answer = send(client_of(None), f"/cases/{case().number}/{verb}", {"body": "x", "done": "yes"})
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in")
    assert kinds(case) == before


@pytest.mark.parametrize("verb", THREAD_VERBS)
def test_a_visitor_is_led_to_the_sign_in_from_threads_too(client_of, case, verb):
    path = f"/t/{case_id(case)}"
    here = {**ORIGIN, "Referer": f"http://localhost{path}"}
    answer = client_of(None).post(f"{path}/{verb}", data={}, headers=here)
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in?next=/t/")
    words = client_of(None).post(f"{path}/{verb}", data={"body": "x"}, headers=here)
    assert words.location == "/sign-in?next=/carried", "what was typed waits behind the sign-in"


def test_a_program_gets_401(client_of, case):
    answer = client_of(None).post(
        f"/cases/{case().number}/nudge", headers={**ORIGIN, "Accept": "application/json"}
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("verb", ["supplements", "reopening", "nudge", "withdrawal", "unmerging"])
@pytest.mark.parametrize("who", ["vera", "otto"])
def test_the_posters_verbs_are_not_for_others(post_as, case, who, verb):
    before = kinds(case)
    answer = post_as(who, f"/cases/{case().number}/{verb}", body="这不是我的", words="这不是我的")
    assert answer.status_code == 403
    assert kinds(case) == before


@pytest.mark.parametrize("verb", MEMBER_VERBS)
def test_a_wrong_number_is_not_there(post_as, case, verb):
    assert post_as("rita", f"/cases/20200101-0001/{verb}", body="x", done="yes").status_code == 404


# --- replies ---------------------------------------------------------------------------------------------------


def test_a_reply_leads_to_itself(post_as, case):
    answer = post_as("rita", f"/t/{case_id(case)}/replies", body="今天早上又闪了。")
    assert answer.status_code == 303
    seq = case().thread.events[-1].seq
    assert answer.location == f"/cases/{case().number}#e{seq}"
    assert "draft_sent=reply:" in answer.headers["Set-Cookie"]


def test_the_posters_reply_ends_a_wait(post_as, asked):
    post_as("rita", f"/t/{case_id(asked)}/replies", body="早上七点到八点。")
    assert asked().status == "in_progress"


def test_an_officers_reply_is_official(post_as, case):
    post_as("otto", f"/t/{case_id(case)}/replies", body="我们十点到路口查看，中午前告诉您。")
    assert case().thread.events[-1].public_text.kind == "official"


def test_a_reply_sent_twice_stands_once(client_of, get_as, case):
    token = hidden_of(get_as("rita", f"/cases/{case().number}").get_data(as_text=True))
    data = {"csrf_token": token["csrf_token"], "once": "a-token-of-this-form-0001", "body": "又闪了。"}
    first = send(client_of("rita"), f"/t/{case_id(case)}/replies", data)
    second = send(client_of("rita"), f"/t/{case_id(case)}/replies", data)
    assert first.location == second.location
    assert kinds(case).count("reply.posted") == 1


@pytest.mark.parametrize("words", ["", "  \n ", "\u200b", "长" * 5001])
def test_a_reply_that_cannot_be_taken_is_given_back(post_as, case, words):
    answer = post_as("rita", f"/t/{case_id(case)}/replies", body=words)
    assert answer.status_code == 422
    assert "<title>出错：" in text(answer)
    if len(words) > 100:
        assert hidden_of(answer.get_data(as_text=True))["body"] == words


def test_a_stranger_may_not_reply_where_the_poster_wants_none_and_keeps_his_words(post_as, case):
    assert post_as("rita", f"/t/{case_id(case)}/replies-switch", closed="1").status_code == 303
    answer = post_as("vera", f"/t/{case_id(case)}/replies", body="我也看到了，写了很多字。")
    assert answer.status_code == 403
    assert "我也看到了，写了很多字。" in text(answer)
    assert post_as("rita", f"/t/{case_id(case)}/replies-switch", closed="1").status_code == 409
    assert post_as("rita", f"/t/{case_id(case)}/replies-switch", closed="0").status_code == 303
    assert post_as("vera", f"/t/{case_id(case)}/replies", body="我也看到了。").status_code == 303


def test_a_thread_that_may_not_be_read_takes_no_reply(post_as, thread_posted):
    hidden = thread_posted(section="110", title="有人砸门", body="救命，有人正在撬我家的门")
    assert post_as("vera", f"/t/{hidden}/replies", body="x").status_code == 404


# --- supplements, rating, reopening ------------------------------------------------------------------------------


def test_a_supplement_starts_the_clock_again(post_as, asked):
    answer = post_as("rita", f"/cases/{asked().number}/supplements", body="早上七点到八点。")
    assert answer.status_code == 303
    assert asked().status == "in_progress"


def test_a_supplement_nobody_waits_for_is_given_back(post_as, case):
    answer = post_as("rita", f"/cases/{case().number}/supplements", body="多写了一段话。")
    assert answer.status_code == 409
    assert "多写了一段话。" in text(answer)


def test_rita_rates_and_the_case_closes(post_as, resolved):
    answer = post_as(
        "rita",
        f"/cases/{resolved().number}/rating",
        solved="yes",
        satisfaction="very_satisfied",
        words="谢谢。",
    )
    assert answer.status_code == 303
    assert resolved().status == "closed"
    assert resolved().rated_satisfaction == "very_satisfied"


@pytest.mark.parametrize(
    ("form", "missing"),
    [({}, ["solved", "satisfaction"]), ({"solved": "yes"}, ["satisfaction"]), ({"solved": "maybe", "satisfaction": "fair"}, ["solved"])],
)  # fmt: skip
def test_a_half_filled_rating_is_given_back(post_as, resolved, form, missing):
    answer = post_as("rita", f"/cases/{resolved().number}/rating", words="写了几句评价", **form)
    page = text(answer)
    assert answer.status_code == 422
    assert all(f'href="#f-{name}"' in page for name in missing)
    assert "写了几句评价" in page
    assert resolved().status == "resolved"


@pytest.mark.parametrize("who", ["vera", "otto"])
def test_others_do_not_rate(post_as, resolved, who):
    answer = post_as(who, f"/cases/{resolved().number}/rating", solved="yes", satisfaction="fair")
    assert answer.status_code == 403


def test_a_rating_before_there_is_an_answer_is_too_early(post_as, case):
    answer = post_as(
        "rita", f"/cases/{case().number}/rating", solved="yes", satisfaction="fair", words="提前写的"
    )
    assert answer.status_code == 409
    assert "提前写的" in text(answer)


def test_not_solved_from_the_same_form_opens_the_next_round(post_as, resolved):
    answer = post_as("rita", f"/cases/{resolved().number}/reopening", words="今天早上又坏了。", solved="no")
    assert answer.status_code == 303
    assert resolved().round == 2


def test_a_reopening_says_why(post_as, resolved):
    answer = post_as("rita", f"/cases/{resolved().number}/reopening", words="  ")
    assert answer.status_code == 422
    assert resolved().round == 1


def test_a_reopening_after_thirty_days_keeps_the_words(post_as, resolved):
    clock.advance(timedelta(days=45))
    with transaction():
        case_of(case_id(resolved)).rating_ended()
    clock.advance(timedelta(days=31))
    answer = post_as("rita", f"/cases/{resolved().number}/reopening", words="又坏了，写了很多。")
    assert answer.status_code == 409
    assert "又坏了，写了很多。" in text(answer)


# --- nudge, withdraw, follow -------------------------------------------------------------------------------------


def test_a_nudge_waits_for_half_of_the_time(post_as, case):
    assert post_as("rita", f"/cases/{case().number}/nudge").status_code == 409
    clock.advance(timedelta(hours=6))
    assert post_as("rita", f"/cases/{case().number}/nudge").status_code == 303
    assert kinds(case)[-1] == "case.nudged"
    assert post_as("rita", f"/cases/{case().number}/nudge").status_code == 409


def test_withdrawing_asks_first_and_the_answer_is_private(get_as, post_as, case):
    page = text(get_as("rita", f"/cases/{case().number}/withdrawal"))
    assert "有人要您撤回吗？" in page
    assert post_as("rita", f"/cases/{case().number}/withdrawal", pressed="yes").status_code == 303
    assert case().outcome == "withdrawn"
    event = case().thread.events[-1]
    assert event.details == {"pressed": "yes"}
    assert "pressed" not in event.parameters
    assert get_as("rita", f"/cases/{case().number}/withdrawal").status_code == 409
    assert post_as("rita", f"/cases/{case().number}/withdrawal").status_code == 409


def test_the_withdrawal_page_is_for_the_poster(get_as, case):
    assert get_as("vera", f"/cases/{case().number}/withdrawal").status_code == 403


def test_following_and_no_longer(post_as, case, cast):
    number = case().number
    assert post_as("vera", f"/cases/{number}/watch").status_code == 303
    assert watch_of(case().thread, cast.vera) is not None
    post_as("vera", f"/cases/{number}/affected")
    assert case().thread.affected_count == 1
    post_as("vera", f"/cases/{number}/affected")
    assert case().thread.affected_count == 1
    post_as("vera", f"/cases/{number}/affected", affected="0")
    assert case().thread.affected_count == 0
    post_as("vera", f"/cases/{number}/watch", follow="0")
    assert watch_of(case().thread, cast.vera) is None


def test_a_visitor_who_wants_to_follow_comes_back_to_the_case(client_of, case):
    answer = send(client_of(None), f"/cases/{case().number}/affected", {"title": "还没写完的内容"})
    assert answer.location == f"/sign-in?next=/cases/{case().number}"


def test_not_the_same_matter_unmerges(post_as, case, cast):
    with transaction():
        main = posted(cast.vera, title="青松路口信号灯坏了").case
        assert main is not None
        number = main.number
    with transaction():
        mine = case_of(case_id(case))
        mine.merge(by=cast.dana, into=Case.numbered(number, reader=cast.dana))
    assert case().parent is not None
    assert post_as("vera", f"/cases/{case().number}/unmerging").status_code == 403
    assert post_as("rita", f"/cases/{case().number}/unmerging").status_code == 303
    assert case().parent is None


def test_a_plan_that_was_not_kept_opens_again(post_as, case, cast):
    with transaction():
        it = case_of(case_id(case))
        it.accept(by=cast.otto, answer="已列入计划，下月施工。")
        it.resolve(
            by=cast.otto, answer="十二月更换信号机。", outcome="planned", date=clock.now() + timedelta(days=3)
        )
    clock.advance(timedelta(days=3, minutes=1))
    assert post_as("rita", f"/cases/{case().number}/follow-up", done="no").status_code == 409
    jobs.run_due(kinds=("ask-follow-up",))
    assert post_as("rita", f"/cases/{case().number}/follow-up", done="perhaps").status_code == 422
    assert post_as("rita", f"/cases/{case().number}/follow-up", done="no").status_code == 303
    assert case().round == 2


# --- sent twice --------------------------------------------------------------------------------------------------

POSTED = "信号机已经换新，四个方向恢复正常。"


def form_at(client, page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that goes to `action`, on the page at `page`."""
    html = text(look(client, page))
    start = html.index(f'action="{action}"')
    return dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html[start:].split("</form>")[0])
    )


def bring(case, cast, verb: str) -> None:
    """Let it come to the point at which Rita can do `verb`."""
    with transaction():
        it = case_of(case_id(case))
        if verb in ("rating", "reopening"):
            it.answer(by=cast.otto, answer=POSTED, outcome="solved")
        elif verb in ("supplements", "follow-up"):
            it.accept(by=cast.otto, answer="已收到，正在查看路口。")
        if verb == "supplements":
            it.ask(by=cast.otto, question="是早上还是晚上闪？")
        elif verb == "follow-up":
            date = clock.now() + timedelta(days=3)
            it.resolve(by=cast.otto, answer="十二月更换信号机。", outcome="planned", date=date)
        elif verb == "unmerging":
            main = posted(cast.vera, title="青松路口信号灯坏了").case
            assert main is not None
            it.merge(by=cast.dana, into=main)
    if verb == "nudge":
        clock.advance(timedelta(hours=6))
    elif verb == "follow-up":
        clock.advance(timedelta(days=3, minutes=1))
        jobs.run_due(kinds=("ask-follow-up",))


@pytest.mark.parametrize(
    ("verb", "page", "fields", "kind"),
    [
        ("edits", "/t/{id}/edits", {"title": "红绿灯坏了", "body": "请@交警支队看一下。"}, "thread.edited"),
        ("covers", "/t/{id}/covers", {"spans": ["0-2", "3-4"]}, "text.covered"),
        (
            "rating",
            "/cases/{number}",
            {"solved": "yes", "satisfaction": "fair", "text": "谢谢。"},
            "case.rated",
        ),
        ("rating", "/cases/{number}/rating", {"solved": "no", "satisfaction": "fair"}, "case.rated"),
        ("reopening", "/cases/{number}/reopening", {"words": "今天早上又坏了。"}, "case.reopened"),
        ("nudge", "/cases/{number}", {}, "case.nudged"),
        ("withdrawal", "/cases/{number}/withdrawal", {"pressed": "no"}, "case.withdrawn"),
        ("follow-up", "/cases/{number}", {"done": "no"}, "case.reopened"),
        ("unmerging", "/cases/{number}", {}, "case.unmerged"),
    ],
)
def test_the_posters_forms_act_once_however_often_they_are_sent(
    client_of, case, cast, verb, page, fields, kind
):
    bring(case, cast, verb)
    client, names = client_of("rita"), {"id": case_id(case), "number": case().number}
    action = (f"/t/{names['id']}" if page.startswith("/t/") else f"/cases/{names['number']}") + f"/{verb}"
    data = {**form_at(client, page.format(**names), action), **fields}
    first = send(client, action, data)
    after = kinds(case)
    second = send(client, action, data)
    assert (first.status_code, second.status_code) == (303, 303)
    assert second.location == first.location
    assert after.count(kind) == 1
    assert kinds(case) == after


def test_a_supplement_sent_again_is_led_to_the_same_place(client_of, case, cast):
    bring(case, cast, "supplements")
    client, action = client_of("rita"), f"/cases/{case().number}/supplements"
    token = form_at(client, f"/cases/{case().number}", f"/t/{case_id(case)}/replies")["csrf_token"]
    refused = send(client, action, {"csrf_token": token, "body": " "})
    assert refused.status_code == 422
    data = {**hidden_of(refused.get_data(as_text=True)), "body": "早上七点到八点。"}
    assert [send(client, action, data).status_code for _ in range(2)] == [303, 303]
    assert kinds(case).count("case.supplemented") == 1


def test_the_token_of_a_refused_form_stays_good_for_what_is_mended_in_it(client_of, case, cast):
    bring(case, cast, "rating")
    client, action = client_of("rita"), f"/cases/{case().number}/rating"
    data = form_at(client, f"/cases/{case().number}", action)
    refused = send(client, action, {**data, "solved": "yes"})
    assert refused.status_code == 422
    assert hidden_of(refused.get_data(as_text=True))["once"] == data["once"]
    assert send(client, action, {**data, "solved": "yes", "satisfaction": "fair"}).status_code == 303
    assert kinds(case).count("case.rated") == 1


def test_whoever_goes_back_and_writes_something_else_has_not_repeated_himself(client_of, case):
    client, action = client_of("rita"), f"/t/{case_id(case)}/edits"
    data = form_at(client, action, action)
    for title in ("红绿灯坏了", "红绿灯还是坏的"):
        assert send(client, action, {**data, "title": title, "body": "请看一下。"}).status_code == 303
    assert case().thread.title == "红绿灯还是坏的"


def test_a_form_from_a_page_without_a_token_is_not_held_for_a_repeat(post_as, case):
    path = f"/t/{case_id(case)}/edits"
    for title in ("红绿灯坏了", "红绿灯还是坏的", "红绿灯坏了"):
        assert post_as("rita", path, title=title, body="请看一下。").status_code == 303
    assert case().thread.title == "红绿灯坏了"


def test_a_rating_sent_again_from_a_fresh_page_tells_nobody_twice(client_of, case, cast):
    bring(case, cast, "rating")
    client, action = client_of("rita"), f"/cases/{case().number}/rating"
    fields = {"solved": "yes", "satisfaction": "fair", "text": "谢谢，\r\n修得很快。"}
    for _turn in range(2):
        data = {**form_at(client, f"/cases/{case().number}", action), **fields}
        assert send(client, action, data).status_code == 303
    assert kinds(case).count("case.rated") == 1


def test_a_change_that_changes_nothing_leaves_no_mark(client_of, get_as, case):
    client, action = client_of("rita"), f"/t/{case_id(case)}/edits"
    before = kinds(case)
    data = hidden_of(look(client, action).get_data(as_text=True))
    data["body"] = f" {data['body']}\r\n"
    assert send(client, action, data).status_code == 303
    assert kinds(case) == before
    assert case().thread.edited_at is None
    assert "已修改" not in text(get_as(None, f"/cases/{case().number}"))


# --- own words ---------------------------------------------------------------------------------------------------


def test_rita_changes_her_words_within_ten_minutes(get_as, post_as, case):
    path = f"/t/{case_id(case)}/edits"
    form = hidden_of(get_as("rita", path).get_data(as_text=True))
    assert form["title"] == case().thread.title
    assert (
        post_as("rita", path, title="新标题：红绿灯", body="新的内容，请@交警支队看一下。").status_code == 303
    )
    assert case().thread.title == "新标题：红绿灯"
    assert case().thread.edited_at is not None
    clock.advance(timedelta(minutes=10))
    assert get_as("rita", path).status_code == 409
    late = post_as("rita", path, title="太晚", body="太晚了还想改")
    assert late.status_code == 409
    assert "太晚了还想改" in text(late)
    assert case().thread.title == "新标题：红绿灯"


@pytest.mark.parametrize("who", ["vera", "otto"])
def test_nobody_else_changes_them(get_as, post_as, case, who):
    path = f"/t/{case_id(case)}/edits"
    assert get_as(who, path).status_code == 403
    assert post_as(who, path, title="x", body="y").status_code == 403


def test_an_edit_that_cannot_be_taken_is_given_back(post_as, case):
    answer = post_as("rita", f"/t/{case_id(case)}/edits", title="题" * 81, body="还在")
    assert answer.status_code == 422
    assert hidden_of(answer.get_data(as_text=True))["body"] == "还在"


def test_words_are_covered_for_good_and_at_any_time(get_as, post_as, thread_posted):
    thread = thread_posted(body="邻居王小明天天半夜放音响，请处理。")
    clock.advance(timedelta(days=400))
    page = get_as("rita", f"/t/{thread}/covers").get_data(as_text=True)
    form = hidden_of(page)
    assert 'value="2-5"' in page
    answer = post_as("rita", f"/t/{thread}/covers", text=form["text"], spans=["2-5"])
    assert answer.status_code == 303
    row = db.session.scalars(select(Thread).where(Thread.public_id == thread)).one()
    assert row.body.public == "邻居███天天半夜放音响，请处理。"
    assert "王小明" not in get_as(None, answer.location).get_data(as_text=True)
    assert "王小明" not in row.body.html


@pytest.mark.parametrize("spans", [[], ["x"], ["5-5"], ["9-2"], ["400-900"], ["-1-3"], ["1-2-3"]])
def test_spans_that_name_nothing_cover_nothing(get_as, post_as, case, spans):
    path = f"/t/{case_id(case)}/covers"
    form = hidden_of(get_as("rita", path).get_data(as_text=True))
    assert post_as("rita", path, text=form["text"], spans=spans).status_code == 422
    assert "███" not in case().thread.body.public


def test_only_ones_own_words_can_be_covered(get_as, post_as, case, cast):
    thread = case_id(case)
    body = case().thread.body.public_id
    assert post_as("vera", f"/t/{thread}/covers", text=body, spans=["0-3"]).status_code == 403
    assert get_as("vera", f"/t/{thread}/covers").status_code == 404
    with transaction():
        case_of(thread).accept(by=cast.otto, answer="已收到，正在查看路口。")
    official = case().thread.events[-1].public_text.public_id
    assert post_as("rita", f"/t/{thread}/covers", text=official, spans=["0-3"]).status_code == 403
    assert get_as("rita", f"/t/{thread}/covers?text={official}").status_code == 404


def test_ones_reply_can_be_covered_too(get_as, post_as, case):
    thread = case_id(case)
    post_as("vera", f"/t/{thread}/replies", body="我叫李四，住在三号楼。")
    page = get_as("vera", f"/t/{thread}/covers").get_data(as_text=True)
    form = hidden_of(page)
    post_as("vera", f"/t/{thread}/covers", text=form["text"], spans=["2-4"])
    assert case().thread.events[-2].public_text.public == "我叫███，住在三号楼。"


def test_the_words_of_the_cover_page_are_exactly_the_text(get_as, thread_posted):
    import re

    body = "第一行：电话 13812345678。\n\n  - 二 <b>不是标签</b> & 😀 e\u0301"
    thread = thread_posted(body=body)
    page = get_as("rita", f"/t/{thread}/covers").get_data(as_text=True)
    original = db.session.scalars(select(Thread).where(Thread.public_id == thread)).one().body.original()
    for at, piece in re.findall(r'<span data-at="(\d+)">(.*?)</span>', page, re.S):
        words = unescape(piece)
        assert original[int(at) : int(at) + len(words)] == words


# --- releases, reports -------------------------------------------------------------------------------------------


def test_a_restricted_post_opens_when_desk_and_poster_agree(get_as, post_as, thread_posted, cast):
    thread = thread_posted(section="110", title="有人砸门", body="救命，有人正在撬我家的门")
    assert post_as("rita", f"/t/{thread}/release").status_code == 409
    with transaction():
        case_of(thread).thread.propose_release(by=cast.dana)
    assert post_as("vera", f"/t/{thread}/release").status_code == 404
    answer = post_as("rita", f"/t/{thread}/release")
    assert answer.status_code == 303
    assert get_as(None, answer.location).status_code == 200


def report(client, thread: str, **fields):
    form = hidden_of(look(client, f"/t/{thread}/reports").get_data(as_text=True))
    answer = send(client, f"/t/{thread}/reports", {**form, **fields})
    db.session.rollback()
    return answer


def test_anybody_can_say_that_a_text_is_about_him(client_of, case, cast):
    answer = report(
        client_of(None), case_id(case), kind="name", words="第二行写了我的名字", contact="199 0000 0055"
    )
    assert answer.status_code == 303
    assert "已收到" in text(look(client_of(None), answer.location))
    row = db.session.scalars(select(Report)).one()
    assert row.due_at - row.at == timedelta(hours=2)
    assert row.by_id is None
    assert vault.get(f"report:{row.public_id}", "contact") == "199 0000 0055"
    event = case().thread.events[-1]
    assert (event.kind, event.visibility, event.actor_id) == ("report.filed", "internal", None)


def test_who_reports_while_signed_in_does_not_stand_in_the_timeline(client_of, case, cast):
    report(client_of("vera"), case_id(case), kind="face", words="照片里是我")
    assert db.session.scalars(select(Report)).one().by_id == cast.ids["vera"]
    assert case().thread.events[-1].actor_id is None


def test_moderators_are_told_and_reminded_until_somebody_decides(client_of, case, cast):
    from board.events import on

    told: list[tuple[str, set[str]]] = []

    @on("report.filed", "report.reminded")
    def note(event):
        told.append((event.kind, {person.public_id for person, _reason in event.audience.persons.values()}))

    report(client_of(None), case_id(case), kind="address", words="门牌号是我家")
    clock.advance(timedelta(hours=1, minutes=1))
    jobs.run_due(kinds=("report-reminder",))
    with transaction():
        row = db.session.scalars(select(Report)).one()
        row.decided_at = clock.now()
    clock.advance(timedelta(hours=1))
    jobs.run_due(kinds=("report-reminder",))
    assert told == [("report.filed", {cast.mona.public_id}), ("report.reminded", {cast.mona.public_id})]


def test_a_report_sent_twice_is_one(client_of, case):
    client = client_of(None)
    form = hidden_of(look(client, f"/t/{case_id(case)}/reports").get_data(as_text=True))
    data = {**form, "kind": "name", "words": "是我"}
    assert send(client, f"/t/{case_id(case)}/reports", data).status_code == 303
    assert send(client, f"/t/{case_id(case)}/reports", data).status_code == 303
    assert len(db.session.scalars(select(Report)).all()) == 1


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [({"words": "是我"}, "kind"), ({"kind": "everything", "words": "是我"}, "kind"), ({"kind": "name", "words": " "}, "words"),
     ({"kind": "name", "words": "字" * 1001}, "words")],
)  # fmt: skip
def test_a_half_filled_report_is_given_back(client_of, case, fields, wrong):
    answer = report(client_of(None), case_id(case), contact="写在这里", **fields)
    assert answer.status_code == 422
    assert f'href="#f-{wrong}"' in text(answer)
    assert hidden_of(answer.get_data(as_text=True))["contact"] == "写在这里"
    assert db.session.scalars(select(Report)).all() == []


def test_too_many_reports_from_one_address_wait(client_of, case):
    answers = [
        report(client_of(None), case_id(case), kind="name", words=f"第 {n} 次").status_code for n in range(11)
    ]
    assert answers == [303] * 10 + [429]


def test_a_restricted_thread_cannot_be_reported_by_strangers(client_of, thread_posted):
    hidden = thread_posted(section="110", title="有人砸门", body="救命，有人正在撬我家的门")
    assert look(client_of("vera"), f"/t/{hidden}/reports").status_code == 404
    assert send(client_of(None), f"/t/{hidden}/reports", {"kind": "name", "words": "x"}).status_code == 404


# --- my cases, settings --------------------------------------------------------------------------------------------


def test_my_cases_begin_with_what_waits_for_me(get_as, thread_posted, asked):
    thread_posted(title="另一件：停车位被占")
    page = text(get_as("rita", "/mine"))
    assert "轮到您了" in page
    assert page.index(asked().thread.title) < page.index("另一件：停车位被占")
    assert page.count(f'id="case-{asked().number}"') == 1


def test_my_cases_are_mine_alone(get_as, case):
    assert case().thread.title not in text(get_as("vera", "/mine"))
    assert "还没有诉求" in text(get_as("vera", "/mine"))
    assert get_as(None, "/mine").status_code == 303


def test_my_restricted_case_stands_among_mine(get_as, thread_posted):
    thread_posted(section="110", title="有人砸门", body="救命，有人正在撬我家的门")
    assert "有人砸门" in text(get_as("rita", "/mine"))


def test_followed_cases_have_their_own_list(get_as, post_as, case):
    assert "还没有关注" in text(get_as("vera", "/mine?show=followed"))
    post_as("vera", f"/cases/{case().number}/watch")
    assert case().thread.title in text(get_as("vera", "/mine?show=followed"))
    assert case().thread.title not in text(get_as("rita", "/mine?show=followed"))


def test_older_cases_come_by_a_link_and_each_once(get_as, thread_posted):
    for n in range(25):
        clock.advance(timedelta(minutes=1))
        thread_posted(title=f"第 {n:02d} 件事情")
    page = text(get_as("rita", "/mine"))
    older = re.search(r'href="(/mine\?before=[^"]+)"', page)
    assert older is not None
    rest = text(get_as("rita", older[1]))
    first = set(re.findall(r"第 \d\d 件事情", page))
    second = set(re.findall(r"第 \d\d 件事情", rest))
    assert not first & second
    assert len(first | second) == 25


def test_settings_hold_for_visitors_too(client_of):
    client = client_of(None)
    assert look(client, "/settings").status_code == 200
    answer = send(client, "/prefs", {"text": "xl", "theme": "dark", "language": "en", "next": "/settings"})
    assert answer.status_code == 303
    page = text(look(client, "/settings"))
    assert 'data-text="xl"' in page
    assert "Settings" in page


def test_no_verb_left_a_step_without_a_chain(case, post_as):
    from boards.models.timeline import verify

    post_as("rita", f"/t/{case_id(case)}/replies", body="又闪了。")
    post_as("vera", f"/cases/{case().number}/watch")
    post_as("rita", f"/cases/{case().number}/withdrawal", pressed="no")
    events = list(db.session.scalars(select(CaseEvent).order_by(CaseEvent.seq)))
    assert all(finding.chain for finding in verify(events))
