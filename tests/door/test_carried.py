"""A reply sent after the sign-in ended is not lost: it comes back filled in, to the same browser and the same person."""

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
from tests.conftest import ORIGIN

REPLY = "红绿灯今天早上又黑了，\n路口堵得厉害 <b>&amp;。"


def expire(person_id: int) -> None:
    """Every sign-in of this person has run out."""
    with transaction() as session:
        session.execute(
            update(SignIn)
            .where(SignIn.person_id == person_id)
            .values(expires_at=clock.now() - timedelta(minutes=1))
        )


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
    db.session.rollback()
    assert db.session.scalars(select(CaseEvent.kind).order_by(CaseEvent.id.desc())).first() == "reply.posted"


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


@pytest.mark.parametrize(
    "form", [{}, {"body": "  "}, {"csrf_token": "x"}, {"password": "geheim"}, {"body": "字" * 41_000}]
)
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


def test_nobody_fills_the_shelves(reported, app, monkeypatch):
    from people import carried

    monkeypatch.setattr(carried, "OFTEN", "3 per hour")
    client = app.test_client()
    for _turn in range(5):
        answer = contextvars.Context().run(
            client.post, f"/t/{reported().thread.public_id}/replies", data={"body": "水"}, headers=ORIGIN
        )
        assert answer.status_code == 303
    assert kept() == 3
