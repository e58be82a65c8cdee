"""A reply sent after the sign-in ended, or from a page of an earlier one, is not lost: it comes back filled in, to the
same browser and the same person."""

from __future__ import annotations

import contextvars
import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from board import clock, jobs
from board.db import db, transaction
from boards.models import CaseEvent
from people.models import SignIn
from people.vault import VaultItem
from tests.conftest import ORIGIN, fields_of

REPLY = "红绿灯今天早上又黑了，\n路口堵得厉害 <b>&amp;。"


def expire(person_id: int) -> None:
    """Every sign-in of this person has run out."""
    with transaction() as session:
        session.execute(
            update(SignIn)
            .where(SignIn.person_id == person_id)
            .values(expires_at=clock.now() - timedelta(minutes=1))
        )


def kinds() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(CaseEvent.kind).order_by(CaseEvent.id)))


def kept() -> int:
    db.session.rollback()
    return len(db.session.scalars(select(VaultItem).where(VaultItem.owner.like("carried:%"))).all())


@pytest.fixture
def sent(cast, reported, client_of, post_as):
    """Rita's reply, sent after her sign-in ended."""
    token = {"once": "a-token-of-the-form"}
    client_of("rita")
    expire(cast.rita.id)
    path = f"/t/{reported().thread.public_id}/replies"
    answer = contextvars.Context().run(
        client_of("rita").post, path, data={"body": REPLY, "csrf_token": "x" * 64, **token}, headers=ORIGIN
    )
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in?next=/carried")
    return path


def back(client, app, person_id):
    """Sign somebody in again in this browser, and open what it carries."""
    from people.models import Person
    from people.signing_in import link_for

    def token() -> str:
        with app.app_context(), transaction() as session:
            return link_for(session.get_one(Person, person_id))

    link = contextvars.Context().run(token)
    contextvars.Context().run(client.post, f"/sign-in/link/{link}", headers=ORIGIN)
    return contextvars.Context().run(client.get, "/carried")


def test_the_words_come_back_and_can_be_sent(app, cast, reported, client_of, sent):
    client = client_of("rita")
    assert "写的内容" in contextvars.Context().run(client.get, "/sign-in?next=/carried").text
    page = back(client, app, cast.rita.id)
    assert page.status_code == 200
    found = re.search(r'<textarea[^>]*name="body"[^>]*>\n(.*?)</textarea>', page.text, re.S)
    assert found is not None
    assert html.unescape(found[1]) == REPLY
    assert f'action="{sent}"' in page.text
    assert 'name="once" value="a-token-of-the-form"' in page.text
    assert "x" * 64 not in page.text  # the token of the earlier sign-in is worth nothing

    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    answer = contextvars.Context().run(
        client.post, sent, data={**fields, "body": html.unescape(found[1])}, headers=ORIGIN
    )
    assert answer.status_code == 303
    assert kinds()[-1] == "reply.posted"


def test_nobody_else_is_shown_them_in_the_same_browser(app, cast, client_of, sent):
    page = back(client_of("rita"), app, cast.vera.id)
    assert page.status_code == 404
    assert "红绿灯今天早上" not in page.text


def test_another_browser_has_nothing(cast, get_as, client_of, sent):
    assert get_as("vera", "/carried").status_code == 404
    vera = client_of("vera")
    vera.set_cookie("carried", "x" * 32, path="/carried")
    assert get_as("vera", "/carried").status_code == 404
    vera.set_cookie("carried", "x" * 3000, path="/carried")
    assert get_as("vera", "/carried").status_code == 404


def test_they_are_sealed_and_forgotten_after_an_hour(app, cast, client_of, sent):
    assert kept() == 1
    (item,) = db.session.scalars(select(VaultItem).where(VaultItem.owner.like("carried:%")))
    assert "红绿灯".encode() not in item.cipher
    clock.advance(timedelta(minutes=61))
    jobs.run_due(kinds=("forget-carried",))
    assert kept() == 0
    assert back(client_of("rita"), app, cast.rita.id).status_code == 404


@pytest.mark.parametrize("form", [{}, {"body": "  "}, {"csrf_token": "x"}, {"password": "geheim"}])
def test_a_press_without_words_leads_back_as_ever(cast, reported, app, form):
    answer = contextvars.Context().run(
        app.test_client().post,
        f"/cases/{reported().number}/watch",
        data=form,
        headers={**ORIGIN, "Referer": f"http://localhost/cases/{reported().number}"},
    )
    assert answer.status_code == 303
    assert "carried" not in answer.location
    assert kept() == 0


@pytest.mark.parametrize("many", [41_000, 100_000])
def test_long_words_come_back_as_well(app, cast, reported, client_of, many):
    client = client_of("rita")
    expire(cast.rita.id)
    path, words = f"/t/{reported().thread.public_id}/replies", "字" * many
    answer = contextvars.Context().run(client.post, path, data={"body": words}, headers=ORIGIN)
    assert answer.location.startswith("/sign-in?next=/carried")
    assert words in back(client, app, cast.rita.id).text


def test_words_that_are_too_long_to_keep_are_given_back_at_once(reported, app):
    words = "字" * 210_000
    answer = contextvars.Context().run(
        app.test_client().post,
        f"/t/{reported().thread.public_id}/replies",
        data={"body": words},
        headers=ORIGIN,
    )
    assert answer.status_code == 409
    assert "登录刚才过期了" in answer.text
    assert words in answer.text
    assert kept() == 0


def test_nobody_fills_the_shelves(reported, app, monkeypatch):
    from people import carried

    monkeypatch.setattr(carried, "OFTEN", "3 per hour")
    client = app.test_client()
    for turn in range(5):
        answer = contextvars.Context().run(
            client.post, f"/t/{reported().thread.public_id}/replies", data={"body": "水"}, headers=ORIGIN
        )
        assert answer.status_code == (303 if turn < 3 else 409)
    assert "水</textarea>" in answer.text, "what is not kept is given back"
    assert kept() == 3


# --- signed in again in another tab -----------------------------------------------------------------------


def sign_in_again(client, app, person_id):
    """The other tab of this browser: somebody signs in, and the page that stood open has an old token."""
    back(client, app, person_id)


def fields_in(page) -> dict[str, str]:
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    areas = re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\n(.*?)</textarea>', page.text, re.S)
    return {name: html.unescape(value) for name, value in [*found.items(), *areas]}


def test_a_page_from_before_the_last_sign_in_gives_the_words_back(app, cast, reported, client_of, get_as):
    path = f"/t/{reported().thread.public_id}/replies"
    old = fields_of(get_as("rita", f"/cases/{reported().number}").text)
    client = client_of("rita")
    sign_in_again(client, app, cast.rita.id)
    here = {**ORIGIN, "Referer": f"http://localhost/cases/{reported().number}"}
    page = contextvars.Context().run(client.post, path, data={**old, "body": REPLY}, headers=here)

    assert page.status_code == 403
    assert "reply.posted" not in kinds()
    given = fields_in(page)
    assert given["body"] == REPLY
    assert given["once"] == old["once"]
    assert given["csrf_token"] != old["csrf_token"]
    assert f'action="{path}"' in page.text
    assert f'href="/cases/{reported().number}"' in page.text
    assert kept() == 0, "they go back at once"

    answer = contextvars.Context().run(client.post, path, data=given, headers=ORIGIN)
    assert answer.status_code == 303
    assert kinds().count("reply.posted") == 1


def test_an_officers_answer_comes_back_too(app, cast, reported, client_of, get_as):
    path = f"/cases/{reported().number}/acceptance"
    old = fields_of(get_as("otto", f"/desk?case={reported().number}").text)
    client = client_of("otto")
    sign_in_again(client, app, cast.otto.id)
    data = {**old, "text": "已收到，两名民警正赶往路口。", "audience": "public"}
    page = contextvars.Context().run(client.post, path, data=data, headers=ORIGIN)

    assert page.status_code == 403
    given = fields_in(page)
    assert (given["text"], given["audience"]) == ("已收到，两名民警正赶往路口。", "public")
    assert contextvars.Context().run(client.post, path, data=given, headers=ORIGIN).status_code == 303
    assert "case.accepted" in kinds()


def test_whoever_signed_in_meanwhile_reads_as_whom_it_would_be_sent(app, cast, reported, client_of, get_as):
    path = f"/t/{reported().thread.public_id}/replies"
    old = fields_of(get_as("rita", f"/cases/{reported().number}").text)
    sign_in_again(client_of("rita"), app, cast.vera.id)
    data = {**old, "body": REPLY}
    page = contextvars.Context().run(client_of("rita").post, path, data=data, headers=ORIGIN)

    assert page.status_code == 403
    assert f"您现在登录的是：{cast.vera.duty_name}" in page.text


@pytest.mark.parametrize(
    ("more", "headers"),
    [
        ({"body": "  "}, {}),
        ({"password": "geheim", "code": "123456"}, {}),
        ({"body": "写好的话"}, {"Accept": "application/json"}),
        ({"body": "写好的话"}, {"Origin": "https://elsewhere.example"}),
    ],
)
def test_nothing_is_given_back_where_nothing_was_written_and_to_no_other_site(
    reported, client_of, more, headers
):
    path = f"/t/{reported().thread.public_id}/replies"
    data = {"csrf_token": "x" * 64, **more}
    page = contextvars.Context().run(client_of("rita").post, path, data=data, headers={**ORIGIN, **headers})

    assert page.status_code == 403
    for words in ("geheim", "123456", "写好的话"):
        assert words not in page.text


def test_what_is_secret_does_not_come_back_with_the_words(reported, client_of):
    path = f"/t/{reported().thread.public_id}/replies"
    data = {"csrf_token": "x" * 64, "body": "写好的话", "password": "geheim", "phone": "19900000042"}
    page = contextvars.Context().run(client_of("rita").post, path, data=data, headers=ORIGIN)

    assert "写好的话" in page.text
    for words in ("geheim", "19900000042", "x" * 64):
        assert words not in page.text
