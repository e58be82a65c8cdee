"""What pages say of who posted: at once everywhere what the poster chose, and to a receipt's holder as little as to anybody."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from board import audit
from board.clock import advance, now
from board.db import db, transaction
from boards.models import Receipt, Section, Thread
from boards.models import receipt as receipts
from boards.models.posting import reply
from people import vault
from tests.builders import case_of, posted
from tests.door.writing import hidden_of, look, photo, send

NICKNAME = "青松路居民"
PHONE = "19900001234"
SHOWN = re.compile(r"receipt__digits\">(.*?)</p>", re.S)
EVERYBODY = (None, "vera", "otto", "lena", "hugo", "dana", "carl", "mona", "adam", "ines")


def text(answer: Any) -> str:
    return unescape(answer.get_data(as_text=True))


@pytest.fixture
def open_case(cast: Any) -> Any:
    """Rita's open post under her nickname, with a reply of hers; the section offers all but receipts."""
    with transaction():
        Section.by_key("traffic").identities = ["hidden", "open", "sealed"]
        vault.put(cast.rita.owner, "phone", PHONE, findable=True)
        thread = posted(cast.rita, identity="open")
        reply(thread, "今天早上还是这样。", by=cast.rita)
        case = thread.case
        assert case is not None
        case.accept(by=cast.otto, answer="已收到，民警正赶往路口查看。")
        return case.number, thread.public_id


# --- raising and lowering -----------------------------------------------------------------------------------


def places(number: str, thread: str) -> list[str]:
    return [
        "/", "/s/traffic", "/s/traffic?sort=posted", "/d/traffic-police", f"/cases/{number}", f"/cases/{number}?fragment=timeline",
        f"/cases/{number}/verification", f"/cases/{number}/verification?format=json", f"/t/{thread}/earlier", "/search?q=红绿灯",
        "/desk", f"/desk?case={number}", f"/desk?department=traffic-police&case={number}", "/inbox", "/mine", "/moderation", f"/moderation?thread={number}",
    ]  # fmt: skip


def test_a_poster_who_seals_himself_is_gone_from_every_page_at_once(get_as, post_as, open_case):
    number, thread = open_case

    def shown() -> set[tuple[str | None, str]]:
        return {
            (who, path)
            for path in places(number, thread)
            for who in EVERYBODY
            if NICKNAME in text(get_as(who, path))
        }

    before = shown()
    assert {(None, f"/cases/{number}"), (None, "/s/traffic"), ("otto", f"/desk?case={number}")} <= before
    for level in ("hidden", "sealed"):
        assert post_as("rita", f"/t/{thread}/identity", identity=level).status_code == 303
        assert shown() == set(), level
    assert NICKNAME not in text(post_as("otto", f"/cases/{number}/contact", reason="回电"))
    assert PHONE not in text(get_as("otto", f"/desk?case={number}"))
    assert "查看发帖人" not in text(get_as("otto", f"/desk?case={number}"))

    for who, status in (("otto", 403), ("ines", 403), ("vera", 403)):
        assert post_as(who, f"/t/{thread}/identity", identity="open").status_code == status
    assert post_as("rita", f"/t/{thread}/identity", identity="receipt").status_code == 422
    assert shown() == set()
    assert post_as("rita", f"/t/{thread}/identity", identity="open").status_code == 303
    assert shown() == before


def test_a_sealed_posters_own_numbers_are_not_uncovered_for_the_department(cast, get_as, post_as, open_case):
    number, thread = open_case
    with transaction():
        found = case_of(thread).thread
        said = reply(found, "我的手机 13912345678。", by=cast.rita)
        assert said.public_text is not None
        text_id = said.public_text.public_id
    address = f"/cases/{number}/originals/{text_id}"
    assert "13912345678" in text(post_as("otto", address, reason="回电核实"))
    post_as("rita", f"/t/{thread}/identity", identity="sealed")
    assert post_as("otto", address, reason="回电核实").status_code == 403
    assert text_id not in text(get_as("otto", f"/desk?case={number}"))
    assert "13912345678" in text(post_as("ines", address, reason="回电核实"))


# --- looking up ------------------------------------------------------------------------------------------


def test_a_look_wants_a_reason_and_the_poster_reads_who_why_and_when(get_as, post_as, open_case):
    number, thread = open_case
    post_as("rita", f"/t/{thread}/identity", identity="sealed")
    assert f"/cases/{number}/contact" in text(get_as("ines", f"/cases/{number}"))
    asked = post_as("ines", f"/cases/{number}/contact", reason=" ")
    assert asked.status_code == 422
    assert "请写明为什么需要知道" in text(asked)
    assert NICKNAME not in text(asked)
    seen = post_as("ines", f"/cases/{number}/contact", reason="核实威胁短信，电话 13800138000")
    assert seen.status_code == 200
    assert seen.headers["Cache-Control"] == "no-store"
    assert NICKNAME in text(seen)
    assert PHONE in text(seen)
    page = text(get_as("rita", f"/cases/{number}"))
    for words in ("警务督察支队", "090001", "核实威胁短信", "督察"):
        assert words in page
    assert "13800138000" not in page
    assert "警务督察支队查看了发帖人" in text(get_as("rita", "/inbox"))
    for who in ("otto", "lena", None):
        assert "核实威胁短信" not in text(get_as(who, f"/cases/{number}"))
    assert "核实威胁短信" not in text(get_as("otto", f"/desk?case={number}"))
    post_as("rita", f"/cases/{number}/withdrawal", pressed="no")
    assert post_as("ines", f"/cases/{number}/contact", reason="再看一次").status_code == 403


def test_the_poster_of_a_restricted_case_reads_which_offices_had_it_and_no_names(cast, get_as, post_as):
    with transaction():
        thread = posted(cast.rita, restrict=True, body="孩子的事，请@交警支队看一下。")
        assert thread.case is not None
        number = thread.case.number
    page = text(get_as("rita", f"/cases/{number}"))
    assert "还没有工作人员打开过" in page
    assert "其他群众、访客、管理员和系统管理员都看不到" in page
    for person in (cast.otto, cast.otis, cast.lena, cast.otto):
        with transaction():
            audit.note("case.read", by=person.public_id, thing=f"case:{number}")
    page = text(get_as("rita", f"/cases/{number}"))
    part = page[page.index("谁看过") : page.index("谁看过") + 900]
    assert re.search(r"交警支队</b> · 值班民警 · 2 人", part)
    assert re.search(r"交警支队</b> · 负责人 · 1 人", part)
    for name in ("021456", "欧阳", "赵", "李娜"):
        assert name not in part
    assert "谁看过" not in text(get_as("otto", f"/cases/{number}"))


# --- before posting ------------------------------------------------------------------------------------------


@pytest.fixture
def complaints(app: Flask, cast: Any) -> None:
    app.config["SETTINGS"].__dict__["receipt_cost"] = (1, 8)
    with transaction():
        section = Section.by_key("complaints")
        section.identities, section.closed_text = ["sealed", "hidden", "receipt"], ""


WORDS = {"title": "报警后两个小时没有人来", "body": "昨晚十点在桥下，打了三次。", "similar_seen": "1"}


def test_the_form_says_for_each_choice_who_will_know_and_the_check_for_the_chosen_one(
    client_of, complaints, cast
):
    page = text(look(client_of(None), "/s/complaints/new"))
    parts = dict(re.findall(r'data-level="(\w+)">(.*?)</div>', page, re.S))
    assert list(parts) == ["sealed", "hidden", "receipt"]
    assert "只有督察可以查您" in parts["sealed"]
    assert "警务督察支队在办理期间可以查您" in parts["hidden"]
    assert "谁也不知道" in parts["receipt"]
    assert re.search(r'value="sealed"[^>]* checked', page)
    assert "compose draft" not in page, "nothing stays on a shared device"
    assert "compose draft" in text(look(client_of(None), "/s/traffic/new"))
    form = {**hidden_of(page), **WORDS, "identity": "receipt", "body": "请@不存在的单位看。"}
    check = text(send(client_of(None), "/s/complaints/threads", form))
    assert "没有" in check
    assert "谁也不知道，本站也不知道" in check
    assert "只有督察可以查您" not in check


# --- receipts -------------------------------------------------------------------------------------------------


def give(client: FlaskClient, **more: Any) -> tuple[Any, str]:
    page = text(look(client, "/s/complaints/new"))
    form = {**hidden_of(page), **WORDS, "identity": "receipt", **more}
    answer = send(client, "/s/complaints/threads", form)
    return answer, "".join(re.findall(r"\d", SHOWN.findall(text(answer))[0]))


def enter(client: FlaskClient, number: str) -> Any:
    return send(client, "/receipt", {"number": number})


def test_a_visitor_posts_without_an_account_and_comes_back_with_sixteen_digits(
    app, cast, client_of, post_as, get_as, complaints
):
    visitor = client_of(None)
    page = text(look(visitor, "/s/complaints/new"))
    form = {**hidden_of(page), **WORDS, "identity": "receipt", "files": []}
    answer = send(visitor, "/s/complaints/threads", form)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    number = "".join(re.findall(r"\d", SHOWN.findall(text(answer))[0]))
    assert len(number) == 16
    again = send(visitor, "/s/complaints/threads", form)
    assert "".join(re.findall(r"\d", SHOWN.findall(text(again))[0])) == number, (
        "a second press shows the same"
    )
    assert len(list(db.session.scalars(select(Thread)))) == 1
    advance(receipts.AGAIN * 2)
    late = send(visitor, "/s/complaints/threads", form)
    assert late.status_code == 409
    assert SHOWN.findall(text(late)) == []
    assert not [cookie for cookie in (answer, again, late) if cookie.headers.get("Set-Cookie")]

    wide = " ".join(number[at : at + 4] for at in range(0, 16, 4)).translate(
        str.maketrans("0123456789", "０１２３４５６７８９")
    )
    opened = enter(visitor, f" {wide}　")
    assert opened.status_code == 200
    assert opened.headers["Cache-Control"] == "no-store"
    assert opened.headers.get("Set-Cookie") is None
    assert number not in text(opened), "the digits do not stand in the page"
    assert WORDS["title"] in text(opened)
    said = {**hidden_of(text(opened)), "body": "补充：车牌云A12345，我在场。"}
    for _press in range(2):
        done = send(visitor, "/receipt/messages", said)
        assert done.status_code == 200
    db.session.rollback()
    thread = db.session.scalars(select(Thread)).one()
    assert [event.kind for event in thread.events] == ["thread.posted", "reply.posted"]
    assert text(done).count("我在场") == 1
    empty = send(visitor, "/receipt/messages", {**hidden_of(text(done)), "body": " "})
    assert empty.status_code == 422
    advance(receipts.PASS)
    over = send(visitor, "/receipt/messages", {**hidden_of(text(done)), "body": "还有。"})
    assert over.status_code == 409
    assert "还有" not in text(enter(visitor, number))
    for who in (None, "rita", "otto", "mona", "adam"):
        assert get_as(who, f"/t/{thread.public_id}").status_code == 404


def test_wrong_over_and_never_issued_are_one_answer(client_of, complaints):
    _answer, number = give(client_of(None))
    with transaction() as session:
        thread = session.scalars(select(Thread)).one()
        assert thread.case is not None
        thread.case.status, thread.case.closed_at = "closed", now()
    assert enter(client_of(None), number).status_code == 200
    advance(receipts.KEPT)
    off = f"{(int(number) + 1) % 10**16:016d}"

    def answer(digits: str) -> tuple[int, bytes, list[tuple[str, str]]]:
        found = enter(client_of(None), digits)
        return found.status_code, found.data, sorted(h for h in found.headers if h[0] != "X-Request-ID")

    over, never = answer(number), answer(off)
    assert over == never
    with transaction() as session:
        session.scalars(select(Receipt)).one().lookup = vault.keyed_hash("receipt", off)
    assert answer(off) == never, "found by its hash, wrong by its digits"
    receipts.sweep()
    assert answer(number) == never
    assert over[0] == 404
    short = enter(client_of(None), number[:15])
    assert short.status_code == 422
    assert "这里有 15 位" in text(short)


def test_who_is_signed_in_is_not_noted_and_guessing_is_slow(app, cast, client_of, complaints):
    page = text(look(client_of("vera"), "/s/complaints/new"))
    picture = (__import__("io").BytesIO(photo()), "IMG_2041.jpg")
    form = {**hidden_of(page), **WORDS, "identity": "receipt", "files": picture}
    answer = send(client_of("vera"), "/s/complaints/threads", form)
    assert len(SHOWN.findall(text(answer))) == 1
    thread = db.session.scalars(select(Thread)).one()
    assert (thread.poster_id, thread.followers_count) == (None, 0)
    assert WORDS["title"] not in text(look(client_of("vera"), "/mine"))
    assert look(client_of("vera"), f"/t/{thread.public_id}").status_code == 404

    found = [enter(client_of(None), f"{number:016d}").status_code for number in range(12)]
    assert found == [404] * 10 + [429] * 2


def test_no_receipt_where_the_public_reads(client_of, complaints, cast):
    with transaction():
        Section.by_key("traffic").identities = ["hidden", "receipt"]
    page = text(look(client_of(None), "/s/traffic/new"))
    form = {**hidden_of(page), **WORDS, "identity": "receipt"}
    assert send(client_of(None), "/s/traffic/threads", form).status_code == 403
    assert db.session.scalar(select(Thread.id)) is None
