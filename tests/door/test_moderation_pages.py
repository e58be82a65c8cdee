"""The moderators' desk and what residents meet of it, through the door: reports, the queue, appeals, first weeks, the list."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from board import clock, jobs, web
from board.audit import AuditEntry
from board.clock import now
from board.db import db, transaction
from boards import modqueue
from boards.filing import file_report
from boards.models import Appeal, ModerationAct, Report, ReviewMark, Text, Thread
from boards.models.posting import reply
from boards.newcomers import POSTS
from people.models import Appointment, Person
from tests.builders import case_of, posted
from tests.conftest import fields_of
from tests.door.writing import WORDS


@pytest.fixture
def more(cast):
    """Rita's public thread with a reply by Vera; and Max, who moderates beside Mona."""
    with transaction():
        thread = posted(cast.rita)
        reply(thread, "加我好友领优惠，店在路口。", by=cast.vera)
        person = Person(kind="staff", badge="080999")
        person.appointments.append(Appointment(role="moderator", starts_at=now() - timedelta(days=1)))
        db.session.add(person)
        db.session.flush()
        cast.ids["max"] = person.id
        return thread.public_id


def row(query):
    """The one row as the requests have left it."""
    db.session.rollback()
    return db.session.scalars(query).one()


def tomorrow() -> None:
    """The next day; pages that were kept for a minute are drawn anew."""
    clock.advance(timedelta(days=1))
    web.forget_pages()


def test_whoever_reports_without_an_account_learns_the_outcome_and_nothing_else(get_as, post_as, more):
    sent = post_as(None, f"/t/{more}/reports", kind="advert", words="这是广告")
    assert sent.status_code == 303
    waiting = get_as(None, sent.location).text
    assert "已收到" in waiting
    report = row(select(Report))
    assert report.due_at - report.at == timedelta(days=1)
    assert report.public_id in sent.location
    assert get_as(None, sent.location[:-1] + ("0" if sent.location[-1] != "0" else "1")).status_code == 404

    text = row(select(Text).where(Text.kind == "reply")).public_id
    page = get_as("mona", f"/moderation/report/{report.public_id}")
    assert page.status_code == 200
    assert "这是广告" in page.text
    done = post_as(
        "mona",
        f"/moderation/threads/{more}/hiding",
        item=f"report:{report.public_id}",
        text=text,
        reason="advert",
    )
    assert done.status_code == 303
    assert "回复已隐藏" in get_as(None, sent.location).text
    with transaction():
        db.session.scalars(select(Thread).where(Thread.public_id == more)).one().hold(
            by=db.session.get_one(Person, db.session.scalar(select(ModerationAct.by_id))),
            reason="private_data",
        )
    outcome = get_as(None, sent.location).text
    assert "青松路" not in outcome
    assert more not in outcome


def test_a_hidden_reply_is_gone_for_everybody_and_the_fact_is_not(get_as, post_as, more, cast):
    number = case_of(more).number
    text = row(select(Text).where(Text.kind == "reply")).public_id
    assert "加我好友" in get_as(None, f"/cases/{number}").text
    assert (
        post_as("mona", f"/moderation/threads/{more}/hiding", text=text, reason="advert").status_code == 303
    )
    for who in (None, "rita", "otto"):
        page = get_as(who, f"/cases/{number}").text
        assert "加我好友" not in page, who
        assert "管理员隐藏了一条回复：广告" in page, who
    verification = get_as(None, f"/cases/{number}/verification").text
    assert "没有一步被改过、删过或加过" in verification
    assert "文字被管理员隐藏" in verification
    assert "广告" in verification
    assert "加我好友" not in get_as(None, f"/cases/{number}/verification?format=json").text
    assert f"/t/{more}/appeals" in get_as("vera", f"/cases/{number}").text
    assert f"/t/{more}/appeals" not in get_as("rita", f"/cases/{number}").text
    inbox = get_as("vera", "/inbox").text
    assert "管理员隐藏了您的一条回复" in inbox


def test_vera_appeals_once_and_another_moderator_decides_in_public(get_as, post_as, more):
    number = case_of(more).number
    text = row(select(Text).where(Text.kind == "reply")).public_id
    post_as("mona", f"/moderation/threads/{more}/hiding", text=text, reason="advert")
    act = row(select(ModerationAct)).public_id
    assert get_as("rita", f"/t/{more}/appeals").status_code == 404
    page = get_as("vera", f"/t/{more}/appeals")
    assert "加我好友" in page.text  # her own words, which nobody else reads
    empty = post_as("vera", f"/t/{more}/appeals", act=act, words=" ", once=fields_of(page.text)["once"])
    assert empty.status_code == 422
    sent = post_as("vera", f"/t/{more}/appeals", act=act, words="只是指路。")
    assert sent.status_code == 303
    assert post_as("vera", f"/t/{more}/appeals", act=act, words="再来一次。").status_code == 409
    assert "请另一名管理员再看一次" in get_as(None, f"/cases/{number}").text

    appeal = row(select(Appeal)).public_id
    assert get_as("mona", f"/moderation/appeal/{appeal}").status_code == 404
    assert "只是指路" not in get_as("mona", "/moderation").text
    assert "只是指路" in get_as("max", f"/moderation/appeal/{appeal}").text
    url = f"/moderation/appeals/{appeal}/decision"
    assert post_as("mona", url, decision="upheld", words="维持。").status_code == 404
    refused = post_as("max", url, decision="", words="写了指路，没有卖东西。")
    assert refused.status_code == 422
    assert "写了指路，没有卖东西。" in refused.text
    assert post_as("max", url, decision="overturned", words="写了指路，没有卖东西。").status_code == 303
    page = get_as(None, f"/cases/{number}").text
    assert "加我好友" in page
    assert "另一名管理员看过：恢复公开。写了指路，没有卖东西。" in page
    assert "只是指路。" not in page
    tomorrow()
    assert "已申诉，恢复公开" in get_as(None, "/moderation-log").text


def test_a_colleague_sees_what_is_looked_at_and_no_desk_does(get_as, more, cast):
    with transaction():
        thread = db.session.scalars(select(Thread).where(Thread.public_id == more)).one()
        report = file_report(thread, kind="advert", words="广告", contact="", by=None).public_id
    assert get_as("max", f"/moderation/presence?thread={more}").get_json() == {}
    get_as("mona", f"/moderation/report/{report}")
    assert "莫" in get_as("max", f"/moderation/presence?thread={more}").get_json()[more]
    assert "正在看" in get_as("max", "/moderation").text
    assert get_as("mona", f"/moderation/presence?thread={more}").get_json() == {}
    number = case_of(more).number
    assert get_as("otto", f"/desk/presence?department=traffic-police&case={number}").get_json() == {}
    for who in ("otto", "rita", "adam"):
        assert get_as(who, f"/moderation/presence?thread={more}").status_code == 404
        assert get_as(who, "/live?since=moderation:queue:0").get_json()["refused"]
        assert get_as(who, "/live?since=moderation:looking:0").get_json()["refused"]
    assert not get_as("mona", "/live?since=moderation:queue:0").get_json().get("refused")


def test_of_two_who_have_it_open_the_second_is_told_and_the_next_one_opens_for_the_first(
    get_as, post_as, more
):
    with transaction():
        thread = db.session.scalars(select(Thread).where(Thread.public_id == more)).one()
        first, second = (
            file_report(thread, kind=kind, words="请看一下", contact="", by=None).public_id
            for kind in ("danger", "advert")
        )
    went = post_as("mona", f"/moderation/report/{first}/keeping")
    assert went.location == f"/moderation/report/{second}"
    late = post_as("max", f"/moderation/report/{first}/keeping")
    assert late.status_code == 409
    assert "同事先处理了" in late.text
    held = post_as("max", f"/moderation/threads/{more}/hold", item=f"report:{first}", reason="advert")
    assert held.status_code == 409
    assert get_as(None, f"/cases/{case_of(more).number}").status_code == 200
    taken = post_as("max", f"/moderation/threads/{more}/hold", item=f"report:{second}", reason="advert")
    assert taken.status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(Report.decision).order_by(Report.id)).all() == ["dismissed", "held"]
    mine = get_as("max", "/moderation").text
    act = row(select(ModerationAct)).public_id
    assert f"/moderation/acts/{act}/undoing" in mine
    assert f"/moderation/acts/{act}/undoing" not in get_as("mona", "/moderation").text
    assert post_as("max", f"/moderation/acts/{act}/undoing").status_code == 303
    assert get_as(None, f"/cases/{case_of(more).number}").status_code == 200


def test_the_queue_shows_words_and_nobodys_name_history_or_number_of_posts(get_as, more, cast):
    jobs.run_due(kinds=("review-text",))
    mark = db.session.scalars(
        select(ReviewMark).join(Text, ReviewMark.text_id == Text.id).where(Text.kind == "reply")
    ).one()
    page = get_as("mona", f"/moderation/text/{mark.public_id}").text
    assert "加我好友" in page
    assert "新注册的人第一次发言" in page
    for secret in ("爱散步的银杏", "青松路居民", cast.vera.public_id, cast.rita.public_id):
        assert secret not in page


@pytest.fixture
def newcomer(cast):
    """Vera has been here for a day."""
    with transaction():
        cast.vera.created_at = now() - timedelta(days=1)


@pytest.mark.parametrize(("language", "says"), [("zh", "注册第一周"), ("en", "In your first week")])
def test_a_new_member_is_told_what_to_do_and_loses_nothing(
    client_of, post_as, cast, newcomer, language, says
):
    with transaction():
        for number in range(POSTS):
            posted(cast.vera, title=f"第 {number} 件事", body="这里的路灯不亮了，请派人来修一修。")
    client_of("vera").set_cookie("prefs", f"auto.m.0.{language}")
    fields = {
        "title": "人行道的地砖松动了",
        "body": "下雨天会溅水，请派人修一修。",
        "identity": "hidden",
        "similar_seen": "1",
    }
    refused = post_as("vera", "/s/traffic/threads", **fields)
    assert refused.status_code == 422
    assert says in refused.text
    assert "下雨天会溅水，请派人修一修。" in refused.text
    danger = {**fields, "title": "救命", "body": "有人正在撬我家的门，救救我", "seen": "danger"}
    assert post_as("vera", "/s/110/threads", **danger).status_code == 303
    with transaction():
        cast.vera.created_at = now() - timedelta(days=7)
    assert post_as("vera", "/s/traffic/threads", **fields).status_code == 303


def test_one_link_fits_into_a_new_members_text_and_any_number_into_others(post_as, cast, more, newcomer):
    words = "看这里 https://a.example/x 和 https://b.example/y ，都写了。"
    refused = post_as("vera", f"/t/{more}/replies", body=words, seen="private")
    assert refused.status_code == 422
    assert words in refused.text
    assert (
        post_as("vera", f"/t/{more}/replies", body="看这里 https://a.example/x", seen="private").status_code
        == 303
    )
    assert post_as("rita", f"/t/{more}/replies", body=words, seen="private").status_code == 303
    posting = {**WORDS, "body": words, "identity": "hidden", "similar_seen": "1", "seen": "private"}
    assert post_as("vera", "/s/traffic/threads", **posting).status_code == 422


@pytest.mark.parametrize(("language", "says"), [("zh", "不足 10"), ("en", "fewer than 10")])
def test_everybody_reads_what_moderators_did_and_not_to_what(
    client_of, get_as, post_as, more, language, says
):
    number = case_of(more).number
    post_as("mona", f"/moderation/threads/{more}/hold", reason="advert")
    client_of(None).set_cookie("prefs", f"auto.m.0.{language}")
    assert says not in get_as(None, "/moderation-log").text
    tomorrow()
    page = get_as(None, "/moderation-log").text
    assert says in page
    for secret in (number, more, "青松路", "莫楠", "080001"):
        assert secret not in page
    with transaction():
        thread = db.session.scalars(select(Thread).where(Thread.public_id == more)).one()
        thread.release(by=db.session.scalars(select(Person).where(Person.badge == "080001")).one())
    assert number in get_as(None, "/moderation-log").text


def test_only_what_waits_shows_a_moderator_how_to_reach_somebody_and_the_look_is_noted(
    get_as, post_as, cast, more
):
    with transaction():
        sealed = posted(cast.rita, body="路口一直红灯，请打 19900002207。")
        sealed.identity = "sealed"
        thread = db.session.scalars(select(Thread).where(Thread.public_id == more)).one()
        event = reply(thread, "也打给我 19900003301，谢谢。", by=cast.vera)
        assert event.public_text is not None
        body, said, vera = sealed.body.public_id, event.public_text.public_id, cast.vera.public_id
        event = reply(thread, "同意楼上。", by=cast.vera)
        assert event.public_text is not None
        plain = event.public_text.public_id
    for other in (body, plain, thread_texts(more)[0]):
        assert get_as("mona", f"/moderation/contact/{other}").status_code == 404
    page = get_as("mona", f"/moderation/contact/{said}").text
    assert "19900003301" in page
    mona = cast.mona.public_id
    looks = select(AuditEntry).where(AuditEntry.act == "text.contacts_read")
    assert (row(looks).actor, row(looks).thing) == (mona, f"text:{said}")
    assert vera not in page
    assert post_as("mona", f"/moderation/contact/{said}/keeping").status_code == 303
    assert "19900003301" not in get_as("max", f"/moderation/contact/{said}").text
    assert row(looks).thing == f"text:{said}"


def thread_texts(public_id: str) -> list[str]:
    """The public ids of title and post."""
    thread = db.session.scalars(select(Thread).where(Thread.public_id == public_id)).one()
    return [thread.title_text.public_id, thread.body.public_id]


def test_an_appeal_shows_what_would_be_public_again_and_no_more(get_as, post_as, cast, more):
    words = "找开店的郑小明，打 19900003301 或者 110101199003074514。"
    with transaction():
        thread = db.session.scalars(select(Thread).where(Thread.public_id == more)).one()
        event = reply(thread, words, by=cast.vera)
        assert event.public_text is not None
        said = event.public_text.public_id
        reply(thread, "郑小明的表亲我认识。", by=cast.rita)
        thread.mask(by=db.session.get_one(Person, cast.ids["mona"]), words=["郑小明"], reason="private_data")
    act = row(select(ModerationAct)).public_id
    assert post_as("vera", f"/t/{more}/appeals", act=act, words="这是店名。").status_code == 303
    appeal = row(select(Appeal)).public_id

    page = get_as("max", f"/moderation/appeal/{appeal}").text
    assert "找开店的郑小明，打 " in page
    assert "郑小明的表亲" not in page
    for private in ("19900003301", "110101199003074514"):
        assert private not in page
    looks = select(AuditEntry).where(AuditEntry.act == "text.covers_read")
    assert (row(looks).actor, row(looks).thing) == (row(person_of(cast, "max")).public_id, f"text:{said}")
    post_as("max", f"/moderation/appeals/{appeal}/decision", decision="upheld", words="是人名。")
    assert "郑小明" not in get_as("max", f"/moderation/appeal/{appeal}").text


def person_of(cast, who: str):
    """The row of somebody of the cast."""
    return select(Person).where(Person.id == cast.ids[who])


def test_what_an_act_answered_waits_again_when_the_act_is_taken_back(get_as, post_as, cast, more):
    jobs.run_due(kinds=("review-text",))
    sent = post_as(None, f"/t/{more}/reports", kind="advert", words="这是广告").location
    with transaction():
        thread = db.session.scalars(select(Thread).where(Thread.public_id == more)).one()
        other = file_report(thread, kind="danger", words="请看一下", contact="", by=None).public_id
    report = row(select(Report).where(Report.kind == "advert")).public_id
    before = modqueue.counts(row(person_of(cast, "max")))
    assert before["report"] == 2
    assert before["text"] >= 1
    post_as("mona", f"/moderation/threads/{more}/hold", item=f"report:{report}", reason="advert")
    assert modqueue.counts(row(person_of(cast, "max")))["report"] == 0
    assert "帖子已暂不公开。" in get_as(None, sent).text
    act = row(select(ModerationAct)).public_id
    assert post_as("mona", f"/moderation/acts/{act}/undoing").status_code == 303
    db.session.rollback()
    after = modqueue.counts(row(person_of(cast, "max")))
    assert {**after, "held": 0} == {**before, "held": 0}
    assert "已收到" in get_as(None, sent).text
    for each in (report, other):
        assert post_as("max", f"/moderation/report/{each}/keeping").status_code == 303


def test_undoing_opens_nothing_again_that_a_colleague_has_decided_since(get_as, post_as, cast, more):
    text = row(select(Text).where(Text.kind == "reply"))
    with transaction():
        thread = db.session.scalars(select(Thread).where(Thread.public_id == more)).one()
        first, second = (
            file_report(thread, kind="advert", words=words, contact="", by=None).public_id
            for words in ("广告", "还是广告")
        )
    url = f"/moderation/threads/{more}/hiding"
    post_as("mona", url, item=f"report:{first}", text=text.public_id, reason="advert")
    act = row(select(ModerationAct)).public_id
    assert post_as("max", f"/moderation/report/{second}/keeping").status_code == 303
    assert post_as("mona", f"/moderation/acts/{act}/undoing").status_code == 303
    db.session.rollback()
    decisions = dict(db.session.execute(select(Report.public_id, Report.decision)).tuples().all())
    assert decisions == {first: None, second: "dismissed"}


def test_a_held_case_that_a_moderator_reads_is_noted_however_he_came_to_it(get_as, post_as, cast, more):
    with transaction():
        thread = db.session.scalars(select(Thread).where(Thread.public_id == more)).one()
        report = file_report(thread, kind="advert", words="广告", contact="", by=None).public_id
    case, public = case_of(more).number, select(AuditEntry).where(AuditEntry.act == "case.read")
    get_as("mona", f"/moderation/report/{report}")
    get_as("mona", f"/moderation?thread={case}")
    db.session.rollback()
    assert db.session.scalars(public).all() == []
    post_as("mona", f"/moderation/threads/{more}/hold", reason="advert")
    get_as("mona", "/moderation")
    db.session.rollback()
    assert db.session.scalars(public).all() == []  # the queue names it, and shows nothing that stands in it
    ways = (f"/moderation/held/{more}", f"/moderation?thread={case}", f"/moderation/report/{report}")
    for hours, way in enumerate(ways, 1):
        assert get_as("mona", way).status_code == 200
        db.session.rollback()
        read = db.session.scalars(public).all()
        assert [(each.actor, each.thing) for each in read] == [(cast.mona.public_id, f"case:{case}")] * hours
        clock.advance(timedelta(hours=1, minutes=1))


@pytest.mark.parametrize("form", ["covers", "hiding", "hold"])
def test_what_is_wrong_stands_in_the_form_that_was_sent_and_leads_there(post_as, more, form):
    refused = post_as(
        "mona", f"/moderation/threads/{more}/{form}", thread=more, words="优惠", text="", reason="no"
    )
    assert refused.status_code == 422
    page = refused.text
    forms = {
        each: re.search(rf'<form [^>]*action="/moderation/threads/{more}/{each}".*?</form>', page, re.S)
        for each in ("covers", "hiding", "hold")
    }
    for each, found in forms.items():
        assert found is not None, each
        assert ("field__error" in found[0]) == (each == form), each
    own, field = forms[form], "text" if form == "hiding" else f"{form}-reason"
    assert own is not None
    assert f'href="#f-{field}"' in page
    assert page.count(f'id="f-{field}"') == 1
    assert f'id="f-{field}"' in own[0]
    assert f'aria-describedby="f-{field}-error' in own[0]
    before = page[: own.start()]
    assert (
        before.rfind("<details") < before.rfind("</details>") or " open" in before[before.rfind("<details") :]
    )
    assert ("优惠</textarea>" in page) == (form == "covers")
