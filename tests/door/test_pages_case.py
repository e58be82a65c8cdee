"""The page of a case: the same story for everybody, his own strip for the poster, 404 for what one may not read."""

from __future__ import annotations

import contextvars
import hashlib
import json
import re
from datetime import timedelta

import pytest

from board import web
from board.clock import advance, now
from board.db import db, transaction
from boards import cards, casepage, pulse
from boards.models import Section, Thread
from boards.models.posting import Draft, post, reply
from boards.models.timeline import verify
from tests.builders import case_of


@pytest.fixture(autouse=True)
def nothing_kept(app):
    """Pages and rows are drawn anew in every test."""
    for store in (web.forget_pages, cards.forget, casepage.forget, pulse.forget):
        store()


def text_of(answer) -> str:
    return answer.get_data(as_text=True)


def page_of(get_as, who, case) -> str:
    answer = get_as(who, f"/cases/{case.number}")
    assert answer.status_code == 200
    return text_of(answer)


def resolved(cast, reported):
    with transaction():
        reported().answer(by=cast.otto, answer="红绿灯修好了，四个方向都正常。", outcome="solved")


def test_the_title_begins_with_the_status_and_the_card_says_the_sentence(get_as, reported):
    page = page_of(get_as, None, reported())

    assert re.search(r"<title>待受理 · 青松路", page)
    assert "已通知交警支队值班民警" in page
    assert reported().number in page
    assert page.count("<h1") == 1


def test_a_thread_leads_to_the_address_of_its_case(get_as, reported):
    answer = get_as(None, f"/t/{reported().thread.public_id}")

    assert answer.status_code == 301
    assert answer.location == f"/cases/{reported().number}"


def test_a_number_without_its_dash_leads_to_the_one_address(get_as, reported):
    answer = get_as(None, f"/cases/{reported().number.replace('-', '')}")

    assert answer.status_code == 301
    assert answer.location == f"/cases/{reported().number}"


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 404), ("vera", 404), ("otto", 404), ("hugo", 404), ("ines", 404), ("rita", 200), ("dana", 200)],
)
def test_a_restricted_case_is_for_its_poster_and_its_department_only(get_as, thread_posted, who, status):
    case = case_of(thread_posted(section="110", body="有人拿刀砍人，快来人。"))
    public_id = case.thread.public_id
    for path in (f"/cases/{case.number}", f"/cases/{case.number}/verification"):
        assert get_as(who, path).status_code == status
    assert get_as(who, f"/t/{public_id}").status_code == (301 if status == 200 else 404)


def test_a_restricted_page_and_a_missing_one_are_one_page(get_as, thread_posted):
    case = case_of(thread_posted(section="110", body="有人拿刀砍人，快来人。"))
    restricted, missing = get_as(None, f"/cases/{case.number}"), get_as(None, "/cases/20261117-123456789")

    def plain(answer) -> str:
        return re.sub(r"/cases/[\d-]+", "", text_of(answer))

    assert plain(restricted) == plain(missing)


def test_a_held_case_is_gone_for_the_public_at_once_although_it_was_kept(cast, get_as, reported):
    page_of(get_as, None, reported())
    with transaction():
        reported().thread.hold(by=cast.mona, reason="private_data")

    assert get_as(None, f"/cases/{reported().number}").status_code == 404
    assert "管理员暂时没有公开这一页" in page_of(get_as, "rita", reported())


def test_only_the_poster_is_told_that_it_is_his_turn(cast, get_as, reported):
    with transaction():
        reported().accept(by=cast.otto)
    with transaction():
        reported().ask(by=cast.otto, question="请补充具体时间。")

    assert "轮到您了" in page_of(get_as, "rita", reported())
    for who in (None, "vera", "otto"):
        assert "轮到您了" not in page_of(get_as, who, reported())


def test_the_rating_form_is_for_the_poster_of_an_answered_case(cast, get_as, reported):
    assert 'id="rate"' not in page_of(get_as, "rita", reported())
    resolved(cast, reported)

    page = page_of(get_as, "rita", reported())
    form = page[page.index('id="rate"') :].split("</form>")[0]
    assert "checked" not in form  # nothing is preselected
    assert 'id="rate"' not in page_of(get_as, "vera", reported())


def test_buttons_of_the_poster_are_those_whose_verbs_would_be_taken(cast, get_as, reported):
    page = page_of(get_as, "rita", reported())
    assert f"/cases/{reported().number}/withdrawal" in page
    assert f"/cases/{reported().number}/nudge" not in page  # half of the time is not over

    advance(timedelta(hours=7))
    assert f"/cases/{reported().number}/nudge" in page_of(get_as, "rita", reported())
    assert f"/cases/{reported().number}/withdrawal" not in page_of(get_as, "vera", reported())


def test_a_merged_case_points_to_the_main_one_and_lets_its_poster_object(
    cast, get_as, reported, thread_posted
):
    main = case_of(thread_posted(title="同一个路口的另一件"))
    with transaction():
        reported().merge(by=cast.dana, into=case_of(main.thread.public_id))
    page = page_of(get_as, "rita", reported())

    assert f'href="/cases/{main.number}"' in page
    assert f"/cases/{reported().number}/unmerging" in page
    assert f'/t/{reported().thread.public_id}/replies"' not in page


def test_internal_steps_stand_on_the_page_of_those_who_work_on_it_only(cast, get_as, reported):
    with transaction():
        reported().note(by=cast.otto, note="先打电话核实。")

    assert "先打电话核实" in page_of(get_as, "otto", reported())
    for who in (None, "rita", "vera", "hugo"):
        assert "先打电话核实" not in page_of(get_as, who, reported())


def test_officers_of_the_case_are_led_to_the_desk_and_nobody_else_is(get_as, reported):
    link = f"/desk?case={reported().number}"

    assert link in page_of(get_as, "otto", reported())
    for who in (None, "rita", "hugo"):
        assert link not in page_of(get_as, who, reported())


def test_a_visitor_reads_all_and_is_led_to_the_sign_in_to_reply(get_as, reported):
    page = page_of(get_as, None, reported())

    assert "/sign-in?next=" in page
    assert "csrf_token" not in page
    assert "once" not in re.findall(r'name="([^"]+)"', page)


def test_the_posters_nickname_and_id_stand_nowhere_on_a_hidden_post(cast, get_as, reported):
    page = page_of(get_as, None, reported())

    assert "青松路居民" not in page
    assert cast.rita.public_id not in page
    assert "市民（发帖人）" in page


def test_a_kept_page_shows_the_next_step_at_once(cast, get_as, reported):
    before = get_as(None, f"/cases/{reported().number}")
    with transaction():
        reported().accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
    after = text_of(get_as(None, f"/cases/{reported().number}"))

    assert "两名民警正赶往路口" not in text_of(before)
    assert "两名民警正赶往路口" in after


def test_the_fragment_holds_the_card_and_the_timeline_and_no_frame(cast, get_as, reported):
    page = text_of(get_as(None, f"/cases/{reported().number}?fragment=timeline"))

    assert 'data-part="now"' in page
    assert 'data-part="timeline"' in page
    assert "<html" not in page


def test_the_page_explains_how_its_deadlines_were_counted(cast, get_as, reported):
    with transaction():
        reported().accept(by=cast.otto)
    page = page_of(get_as, None, reported())

    assert "时限怎么算的" in page
    assert "所以时限是 2026年11月24日 10:00。" in page


EARLIER = re.compile(r'href="(/t/\w+/earlier)"')


def changed(cast, reported, before: str) -> str:
    """Rita's post said `before` once; gives where that is read."""
    with transaction():
        thread = reported().thread
        thread.edit(by=cast.rita, title=thread.title, body=before)
    with transaction():
        thread = reported().thread
        thread.edit(by=cast.rita, title="改过的标题", body="改过的内容，请@交警支队看一下。")
        return f"/t/{thread.public_id}/earlier"


def test_earlier_words_of_an_edited_post_are_for_the_poster_and_the_department(cast, get_as, reported):
    title = reported().thread.title
    address = changed(cast, reported, "原来写的话，请打 13912345678。")

    for who in ("rita", "otto", "lena"):
        assert EARLIER.findall(page_of(get_as, who, reported())) == [address], who
        answer = get_as(who, address)
        assert answer.status_code == 200, who
        assert "原来写的话，请打" in text_of(answer)
        assert "13912345678" not in text_of(answer), "masked, as everywhere"
        assert title in text_of(answer), "the title was changed, too"
    for other in (None, "vera", "hugo", "dana", "carl", "mona"):
        page = page_of(get_as, other, reported())
        assert "已修改" in page
        assert EARLIER.findall(page) == [], other
        assert get_as(other, address).status_code == 404, other


def test_earlier_words_are_gone_for_the_department_when_it_answers_for_them_no_more(cast, get_as, reported):
    address = changed(cast, reported, "原来写的话。")
    with transaction():
        reported().withdraw(by=cast.rita)

    assert EARLIER.findall(page_of(get_as, "otto", reported())) == []
    assert get_as("otto", address).status_code == 404
    assert get_as("rita", address).status_code == 200


def test_nothing_leads_to_earlier_words_that_were_covered_or_never_were(cast, get_as, reported):
    public_id = reported().thread.public_id
    assert get_as("rita", f"/t/{public_id}/earlier").status_code == 404
    with transaction():
        thread = reported().thread
        thread.edit(by=cast.rita, title=thread.title, body="改过的内容，我叫王丽。")
    with transaction():
        thread = reported().thread
        thread.cover(by=cast.rita, text=thread.body, spans=[(8, 10)])

    page = page_of(get_as, "rita", reported())
    assert "已修改" in page
    assert EARLIER.findall(page) == []
    assert get_as("rita", f"/t/{public_id}/earlier").status_code == 404


@pytest.fixture
def notice(cast):
    """What Mona published, and changed."""
    with transaction():
        draft = Draft(title="元旦办证时间", body="一月一日不办证，找王小明。", identity="open")
        thread = post(Section.by_key("notices"), draft, by=cast.mona)
    with transaction():
        thread.edit(by=cast.mona, title=thread.title, body="一月一日和二日不办证。")
        return thread.public_id


def test_what_officers_post_can_be_read_by_everybody_as_it_stood_before(get_as, notice):
    for who in (None, "vera", "otto", "mona"):
        page = text_of(get_as(who, f"/t/{notice}"))
        assert EARLIER.findall(page) == [f"/t/{notice}/earlier"], who
        answer = get_as(who, f"/t/{notice}/earlier")
        assert answer.status_code == 200, who
        assert "一月一日不办证，找王小明。" in text_of(answer)


def test_a_private_persons_name_is_taken_out_of_earlier_words_too(cast, get_as, notice):
    with transaction():
        thread = Thread.by_public_id(notice, reader=cast.mona)
        thread.mask(by=cast.mona, words=["王小明"], reason="private_data")

    assert get_as(None, f"/t/{notice}/earlier").status_code == 404
    assert all(
        finding.chain and finding.text != "altered"
        for finding in verify(Thread.by_public_id(notice, reader=None).events)
    )


def test_two_hundred_replies_cost_no_more_queries_than_two(app, cast, client_of, reported):
    from sqlalchemy import event

    sent: list[str] = []

    def note(conn, cursor, statement, *rest):
        sent.append(statement)

    def measure() -> int:
        for store in (web.forget_pages, casepage.forget, cards.forget):
            store()
        sent.clear()
        contextvars.Context().run(client_of(None).get, f"/cases/{number}")
        return len(sent)

    number = reported().number
    with transaction():
        for place in range(2):
            reply(reported().thread, f"第 {place} 条", by=cast.vera)
    event.listen(db.engine, "before_cursor_execute", note)
    few = measure()
    with transaction():
        thread = reported().thread
        for place in range(200):
            reply(thread, f"后来的第 {place} 条", by=cast.vera)
    many = measure()
    event.remove(db.engine, "before_cursor_execute", note)

    assert many <= few
    assert many < 25


# --- the chain ------------------------------------------------------------------------------------------


def test_the_chain_of_a_case_is_found_unbroken(cast, get_as, reported):
    resolved(cast, reported)
    page = text_of(get_as(None, f"/cases/{reported().number}/verification"))

    assert "没有一步被改过、删过或加过" in page


def test_a_changed_step_is_shown_as_broken(cast, get_as, reported):
    resolved(cast, reported)
    with transaction() as session:
        event = reported().thread.events[1]
        session.execute(
            event.__table__.update()
            .where(event.__table__.c.id == event.id)
            .values(at=now() - timedelta(hours=1))
        )

    assert "记录链对不上" in text_of(get_as(None, f"/cases/{reported().number}/verification"))


def test_anybody_can_recompute_the_chain_from_the_file(cast, get_as, reported):
    resolved(cast, reported)
    with transaction():
        reported().note(by=cast.otto, note="内部的话。")
    document = get_as(None, f"/cases/{reported().number}/verification?format=json").get_json()

    previous = document["genesis"]
    opened = 0
    for step in document["steps"]:
        fields = step["fields"]
        assert fields["previous"] == previous
        written = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        assert hashlib.sha256(written).hexdigest() == step["hash"]
        if "salt" in step:
            opened += 1
            sealed = hashlib.sha256(bytes.fromhex(step["salt"]) + step["text"].encode()).hexdigest()
            assert sealed == fields["public"]
        previous = step["hash"]
    assert opened == 2  # the post and the answer
    assert "内部的话" not in json.dumps(document, ensure_ascii=False)


def test_covered_words_leave_the_file_with_their_salt_and_the_chain_holds(cast, get_as, reported):
    with transaction():
        thread = reported().thread
        thread.cover(by=cast.rita, text=thread.body, spans=[(0, 3)])
    first = get_as(
        None, f"/cases/{reported().number}/verification", headers={"Accept": "application/json"}
    ).get_json()["steps"][0]
    page = text_of(get_as(None, f"/cases/{reported().number}/verification"))

    assert "salt" not in first
    assert "文字后来被遮住" in page
    assert "没有一步被改过、删过或加过" in page
