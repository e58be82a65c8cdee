"""The bars over lists: what moves them, and that they tell nobody about what he may not read."""

from __future__ import annotations

import pytest

from board import live
from board.db import db, transaction
from boards.lists import FRONT
from boards.models.posting import reply
from tests.builders import case_of

SECTION = "section:traffic"


def heads() -> tuple[int, int]:
    db.session.rollback()
    found = live.cursors([SECTION, FRONT])
    return found[SECTION], found[FRONT]


def test_a_post_moves_both_a_reply_only_its_section(cast, reported):
    section, front = heads()
    assert (section, front) == (1, 1)
    with transaction():
        reply(reported().thread, "还在闪。", by=cast.rita)
    assert heads() == (2, 1)
    with transaction():
        reported().answer(by=cast.otto, answer="信号灯今早已经修好，可以正常通行。", outcome="solved")
    assert heads() == (3, 2)  # four steps of one act are one


def test_a_hint_names_nothing(cast, reported):
    for stream in (SECTION, FRONT):
        assert live.backlog({stream: 0})["entries"] == [{"stream": stream, "seq": 1, "kind": "moved"}]


def test_what_the_public_does_not_read_moves_nothing(cast, reported, thread_posted):
    before = heads()
    thread_posted(section="110", title="楼下有人在打人", body="有人拿刀砍人，快来！")
    with transaction():
        reported().note(by=cast.otto, note="内部备注。")
    with transaction():
        reported().thread.hold(by=cast.mona, reason="private_data")
    with transaction():
        reply(reported().thread, "还在闪。", by=cast.rita)
    assert heads() == before


@pytest.mark.parametrize(
    ("stream", "heard"),
    [
        (SECTION, True),
        (FRONT, True),
        ("section:complaints", False),
        ("section:nothing", False),
        ("section:" + "x" * 70, False),
        ("front:other", False),
    ],
)
def test_visitors_hear_the_lists_that_they_read(get_as, reported, stream, heard):
    answer = get_as(None, f"/live?since={stream}:0").get_json()
    assert (answer["refused"] == []) is heard


@pytest.mark.parametrize(
    ("path", "stream"), [("/", FRONT), ("/s/traffic", SECTION), ("/s/traffic?sort=posted", SECTION)]
)
def test_a_list_carries_the_cursor_of_what_it_shows_also_from_the_store(cast, get_as, reported, path, stream):
    def cursor_on(who: str | None) -> bool:
        db.session.rollback()
        at = live.cursors([stream])[stream]
        return f"&#34;{stream}&#34;:{at}" in get_as(who, path).text

    for who in (None, None, "rita"):
        assert cursor_on(who), who
    with transaction():
        reported().answer(by=cast.otto, answer="信号灯今早已经修好，可以正常通行。", outcome="solved")
    for who in (None, None, "rita"):
        assert cursor_on(who), who


@pytest.mark.parametrize("path", ["/s/traffic?status=done", "/s/complaints"])
def test_other_lists_have_no_bar(get_as, reported, path):
    assert "newbar" not in get_as(None, path).text


def test_an_act_on_two_threads_is_one_hint(cast, reported, thread_posted):
    other = thread_posted(title="另一个路口也坏了")
    section, _front = heads()
    with transaction():
        reported().acknowledge(by=cast.otto)
        case_of(other).acknowledge(by=cast.otto)
    assert heads()[0] == section + 1
