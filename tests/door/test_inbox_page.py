"""The inbox as a page: what it says, whose it is, and how opening an item reads it."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from board import clock
from board.db import db, transaction
from board.i18n import speaking
from boards.lines import LINES, department_names
from boards.models import CaseEvent
from boards.models.posting import reply
from boards.models.watch import follow
from notifications import views
from notifications.followers import tell_followers
from notifications.models import InboxItem, unread_of
from notifications.sentences import TO_DUTY, TO_POSTER, sentence
from people.models import Department


def items_of(person) -> list[InboxItem]:
    return list(
        db.session.scalars(select(InboxItem).where(InboxItem.person_id == person.id).order_by(InboxItem.id))
    )


@pytest.fixture
def accepted(cast, reported):
    """Rita's case, accepted by Otto with an answer."""
    with transaction():
        reported().accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
    return reported


def test_visitors_are_asked_to_sign_in(get_as):
    answer = get_as(None, "/inbox")
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in")


def test_an_empty_inbox_says_what_will_appear(get_as):
    page = get_as("vera", "/inbox")
    assert page.status_code == 200
    assert "还没有消息" in page.text
    assert "全部标为已读" not in page.text


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh", "交警支队已受理：已收到，两名民警正赶往路口"), ("en", "Traffic Police takes it on")],
)
def test_it_says_in_the_readers_language_what_a_step_means_for_him(
    get_as, client_of, accepted, language, words
):
    client_of("rita").set_cookie("prefs", f"light.m.0.{language}")
    page = get_as("rita", "/inbox")
    assert words in page.text
    assert "青松路与建设街路口红绿灯一直闪黄灯" in page.text


def test_the_badge_counts_on_every_page(get_as, accepted):
    page = get_as("rita", "/sections")
    assert re.search(r'class="badge"[^>]*data-count="1"', page.text)
    assert re.search(r'data-cursors="\{&#34;person:[^"]+&#34;:\d+\}"', page.text)
    assert "data-cursors" not in get_as(None, "/sections").text
    nothing = get_as("vera", "/sections")
    assert re.search(r'class="badge"[^>]*data-count="0" hidden', nothing.text)


def test_opening_an_item_reads_all_about_that_thread_and_leads_to_the_step(cast, get_as, accepted):
    with transaction():
        accepted().claim(by=cast.otto)
        accepted().progress(by=cast.otto, note="信号灯控制板烧坏，配件明天到。")
    assert unread_of(cast.rita) == 2  # one act of two steps is one item
    item = items_of(cast.rita)[-1]

    answer = get_as("rita", f"/inbox/{item.public_id}")
    assert answer.status_code == 303
    assert answer.location == f"/cases/{accepted().number}#e{item.event.seq}"
    db.session.rollback()
    assert unread_of(cast.rita) == 0
    assert f'id="e{item.event.seq}"' in get_as("rita", f"/cases/{accepted().number}").text


def test_an_item_is_its_recipients_alone(cast, get_as, accepted):
    item = items_of(cast.rita)[0].public_id
    assert get_as("vera", f"/inbox/{item}").status_code == 404
    assert get_as("otto", f"/inbox/{item}").status_code == 404
    assert get_as("rita", "/inbox/zzzzzzzzzz").status_code == 404
    db.session.rollback()
    assert unread_of(cast.rita) == 1


def test_the_list_notes_what_was_seen(cast, get_as, accepted):
    assert items_of(cast.rita)[0].seen_at is None
    get_as("rita", "/inbox")
    db.session.rollback()
    db.session.expire_all()
    (item,) = items_of(cast.rita)
    assert item.seen_at == clock.now()
    assert item.read_at is None


def test_everything_is_marked_read_at_once(cast, post_as, accepted):
    answer = post_as("rita", "/inbox/reading")
    assert (answer.status_code, answer.location) == (303, "/inbox")
    db.session.rollback()
    assert unread_of(cast.rita) == 0
    assert post_as("rita", "/inbox/reading", csrf_token="forged").status_code == 403


def test_it_goes_on_page_by_page_without_a_gap(cast, get_as, reported, monkeypatch):
    monkeypatch.setattr(views, "PAGE", 3)
    for number in range(8):
        with transaction():
            reply(reported().thread, f"第 {number} 次路过，还在闪。", by=cast.vera)
    found, path = [], "/inbox"
    while path:
        page = get_as("otto", path).text
        found += re.findall(r'href="/inbox/(\w{10})"', page)
        following = re.search(r'href="(/inbox\?before=\w+)"', page)
        path = following.group(1) if following else ""
    assert found == [item.public_id for item in reversed(items_of(cast.otto))]
    assert len(found) == 9
    assert get_as("otto", "/inbox?before=zzzzzzzzzz").status_code == 404
    assert get_as("otto", f"/inbox?before={items_of(cast.rita)[0].public_id}").status_code == 404


def test_what_may_not_be_read_any_more_shows_neither_title_nor_words(cast, get_as, reported):
    with transaction():
        follow(reported().thread, by=cast.vera)
    with transaction():
        event = reported().accept(by=cast.otto, answer="已收到，两名民警正赶往路口。").public_id
    tell_followers(event)
    with transaction():
        reported().thread.hold(by=cast.mona, reason="private_data")
    page = get_as("vera", "/inbox").text
    assert "这个帖子现在不公开" in page
    assert "青松路" not in page
    assert "赶往路口" not in page
    item = items_of(cast.vera)[0].public_id
    assert get_as("vera", f"/inbox/{item}").status_code == 404


def test_only_whom_a_case_was_sent_to_reads_that_it_was(cast, get_as, reported):
    with transaction():
        follow(reported().thread, by=cast.vera)
    with transaction():
        event = reported().route(by=cast.dana, to=Department.by_key("household-police")).public_id
    tell_followers(event)
    assert "指挥中心派来一件诉求" in get_as("hugo", "/inbox").text
    for name in ("vera", "otto"):  # who follows it; who was on duty where it lay before
        page = get_as(name, "/inbox").text
        assert "派来一件诉求" not in page
        assert "交给户政支队办理" in page


# What steps carry that cannot be told without it.
SAID = {
    "ground": "secret", "against": "declined", "demand": "answer",
    "until": "2026-11-18T10:00:00+08:00", "due": "2026-11-18T10:00:00+08:00",
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_of_step_has_a_sentence(app, cast, accepted, language):
    event = db.session.scalars(select(CaseEvent).where(CaseEvent.kind == "case.accepted")).one()
    told = {
        name: getattr(event, name)
        for name in ("thread", "actor", "department", "public_text", "actor_id", "at")
    }
    with app.test_request_context(), speaking(language):
        for kind in {*LINES, *TO_DUTY, *TO_POSTER}:
            for reason in ("poster", "handler", "duty", "was_lead", "follower"):
                step = SimpleNamespace(
                    **told,
                    kind=kind,
                    actor_role="officer",
                    is_official=True,
                    round=1,
                    parameters=SAID,
                    details={},
                    change={},
                )
                item: Any = SimpleNamespace(reasons=[reason], event=step)
                said = sentence(item, department_names())
                assert said, kind
                assert "<" not in said, kind


def test_the_case_page_says_who_was_told_and_when_it_was_seen(cast, get_as, reported):
    page = get_as(None, f"/cases/{reported().number}").text
    assert "已通知交警支队值班民警" in page
    assert "已查看" not in page.split("已通知交警支队值班民警")[1].split("</ul>")[0]
    with transaction():
        reported().acknowledge(by=cast.otto)
    page = get_as(None, f"/cases/{reported().number}").text
    assert "已查看" in page.split("已通知交警支队值班民警")[1].split("</ul>")[0]
