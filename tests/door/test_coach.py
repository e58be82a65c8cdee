"""The coach: what will be covered is shown to whoever writes it, and an officer says why he opens it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from board.db import db, transaction
from boards.models import Text, Thread
from tests.builders import case_of, posted
from tests.conftest import ORIGIN
from tests.door.writing import hidden_of, look, send, write

PRIVATE = "请打 199 0000 2207，我住3栋2单元501室，微信号：wl_220700"
PUBLIC = "请打 199****2207，我住3栋*单元***室，微信号：******"


def text(answer):
    return answer.get_data(as_text=True)


def threads():
    db.session.rollback()
    return db.session.scalars(select(Thread).order_by(Thread.id)).all()


def test_the_check_marks_what_will_be_covered_and_sends_it_as_typed(client_of):
    client = client_of("rita")
    check = write(client, body=PRIVATE)
    assert check.status_code == 200
    for marked in ("199 0000 2207", "wl_220700", "2单元501"):
        assert f"<mark>{marked}</mark>" in text(check)
    assert threads() == []

    sent = send(client, "/s/traffic/threads", {**hidden_of(text(check)), "step": "checked"})
    assert sent.status_code == 303
    (thread,) = threads()
    assert (thread.body.public, thread.body.original()) == (PUBLIC, PRIVATE)


def test_one_tap_covers_it_for_the_department_too(client_of):
    client = client_of("rita")
    check = write(client, body=PRIVATE, place="青松小区3-2-501")
    sent = send(client, "/s/traffic/threads", {**hidden_of(text(check)), "step": "cover"})
    assert sent.status_code == 303
    (thread,) = threads()
    assert thread.body.original() == PUBLIC
    assert thread.place_text.original() == "青松小区3-*-***"
    assert not thread.body.in_vault


def test_whoever_is_in_danger_is_asked_nothing_about_numbers(client_of):
    client = client_of("rita")
    check = write(client, section="110", title="有人持刀砍人，快来", body=f"他要杀我，救命！{PRIVATE}")
    assert "<mark>" not in text(check)
    data = hidden_of(text(check))
    assert "private" not in data.get("seen", [])


def test_a_reply_is_shown_once_more_and_then_stands_covered(client_of, thread_posted):
    path = f"/t/{thread_posted()}/replies"
    client = client_of("vera")
    check = send(
        client, path, {"body": f"{PRIVATE} https://example.com/a", "once": "a" * 20, **token(client)}
    )
    assert check.status_code == 200
    assert "<mark>https://example.com/a</mark>" in text(check)
    sent = send(client, path, {**hidden_of(text(check)), "step": "keep"})
    assert sent.status_code == 303
    row = db.session.scalars(select(Text).where(Text.kind == "reply")).one()
    assert row.public == f"{PUBLIC} 〔链接，等待查看〕"
    page = text(look(client_of(None), sent.location))
    assert "wl_220700" not in page
    assert "example.com" not in page


def test_a_reply_may_be_covered_for_good(client_of, thread_posted):
    path = f"/t/{thread_posted()}/replies"
    client = client_of("vera")
    check = send(client, path, {"body": PRIVATE, "once": "a" * 20, **token(client)})
    assert send(client, path, {**hidden_of(text(check)), "step": "cover"}).status_code == 303
    assert db.session.scalars(select(Text).where(Text.kind == "reply")).one().original() == PUBLIC


def test_a_reply_without_anything_private_and_one_of_an_officer_are_not_asked(client_of, thread_posted):
    thread = thread_posted()
    for who, words in (("vera", "我也看到了"), ("otto", "请打 19900002207 找我，我在路口等您。")):
        client = client_of(who)
        answer = send(client, f"/t/{thread}/replies", {"body": words, "once": who * 5, **token(client)})
        assert answer.status_code == 303


def token(client):
    return {"csrf_token": hidden_of(text(look(client, "/settings"))).get("csrf_token", "")}


# --- while it is typed -------------------------------------------------------------------------------------


def coach(client, **fields):
    return send(client, "/coaching", fields)


def test_the_box_beside_the_field_says_what_will_be_covered_and_keeps_nothing(client_of, caplog):
    client = client_of(None)
    with caplog.at_level("DEBUG"):
        answer = coach(client, title="漏水", body=PRIVATE)
    page = text(answer)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<mark>199 0000 2207</mark>" in page
    assert f'data-body="{PUBLIC}"' in page
    assert "wl_220700" not in caplog.text
    assert "Set-Cookie" not in answer.headers
    assert db.session.scalars(select(Text)).all() == []
    assert text(coach(client, title="漏水", body="没有私人信息")).strip() == ""
    assert text(coach(client, body="看 https://example.com")).strip() == ""
    assert "<mark>https://example.com</mark>" in text(coach(client, body="看 https://example.com", reply="1"))
    assert text(coach(client, body=PRIVATE + "长" * 20_000)).strip() == ""


def test_the_box_is_asked_by_this_site_only_and_not_without_end(client_of, app, monkeypatch):
    client = client_of(None)
    refused = client.post("/coaching", data={"body": PRIVATE}, headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403
    assert client.get("/coaching", headers=ORIGIN).status_code == 405
    monkeypatch.setattr("boards.views.compose.LOOKS", "2 per hour")
    assert [coach(client, body=PRIVATE).status_code for _ in range(3)] == [200, 200, 429]


# --- an officer opens the original --------------------------------------------------------------------------


@pytest.fixture
def masked(cast):
    """Rita's case with a number in it, and Vera's reply with another one."""
    from boards.models.posting import reply

    with transaction():
        found = case_of(posted(cast.rita, body=f"{PRIVATE}，@交警支队 请看。").public_id)
        said = reply(found.thread, "我的电话 13800000135", by=cast.vera)
        assert said.public_text is not None
        return found.number, found.thread.body.public_id, said.public_text.public_id


@pytest.mark.parametrize("reason", ["", "看", "12345678", " \u200b ", "长" * 201])
def test_no_original_is_opened_without_a_reason(post_as, masked, reason):
    number, body, _reply = masked
    answer = post_as("otto", f"/cases/{number}/originals/{body}", reason=reason)
    assert answer.status_code == 422
    assert "wl_220700" not in text(answer)
    db.session.rollback()
    assert case_of_number(number).thread.events[-1].kind == "reply.posted"


def case_of_number(number):
    from boards.models import Case

    return db.session.scalars(select(Case).where(Case.number == number)).one()


def test_whoever_wrote_the_words_reads_who_opened_them_and_why(post_as, get_as, masked):
    number, _body, said = masked
    seen = post_as("otto", f"/cases/{number}/originals/{said}", reason="给 13800000135 回电话核实")
    assert "13800000135" in text(seen)
    inbox = text(get_as("vera", "/inbox"))
    assert "给 138****0135 回电话核实" in inbox
    assert "13800000135" not in inbox
    assert "138****0135 回电话核实" not in text(get_as(None, f"/cases/{number}"))
    event = case_of_number(number).thread.events[-1]
    assert event.details["reason"] == "给 138****0135 回电话核实"


def test_each_opening_stands_in_the_log_with_its_reason(post_as, masked):
    from board.audit import AuditEntry, AuditReason

    number, body, _reply = masked
    assert post_as("otto", f"/cases/{number}/originals/{body}", reason="回电话核实地址").status_code == 200
    db.session.rollback()
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "text.uncovered")).one()
    assert entry.thing == f"text:{body}"
    assert entry.details == {"case": number}
    assert (
        db.session.scalars(select(AuditReason.words).where(AuditReason.number == entry.number)).one()
        == "回电话核实地址"
    )
