"""Before what is sensitive: a fresh sign-in counts, after ten minutes one confirms, and what was written is not lost."""

from __future__ import annotations

import contextvars
import html
import re
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select, update

from board import clock
from board.db import db, transaction
from boards.models.identity import IdentityOpening
from people import passwords, second_factor, vault
from people.links import offer_cast
from people.models import SignIn
from tests.conftest import ORIGIN, fields_of
from tests.people_world import taken

PASSWORD = "青松路口那三棵老槐树"
LATER = timedelta(minutes=10)
WHY = "回电核实地点，<b>路口</b>东侧。"


@pytest.fixture
def otto(cast):
    """Otto has a password and an authenticator."""
    with transaction():
        passwords.set_password(cast.otto, PASSWORD)
        return pyotp.TOTP(second_factor.enrol(cast.otto))


@pytest.fixture
def contact(reported):
    return f"/cases/{reported().number}/contact"


def openings():
    db.session.rollback()
    return [row.reason for row in db.session.scalars(select(IdentityOpening))]


def test_a_fresh_sign_in_counts_for_ten_minutes(post_as, cast, contact):
    assert post_as("otto", contact, reason="回电核实地点。").status_code == 200
    clock.advance(timedelta(minutes=9, seconds=59))
    assert post_as("otto", contact, reason="再次核实地点。").status_code == 200
    clock.advance(timedelta(seconds=1))
    answer = post_as("otto", contact, reason="第三次核实。")
    assert answer.status_code == 303
    assert answer.location.startswith("/me/confirmation?next=")
    assert len(openings()) == 2


def test_what_was_written_comes_back_after_the_confirmation_and_is_sent_then(
    post_as, get_as, client_of, cast, contact, otto
):
    client_of("otto")
    clock.advance(LATER)
    answer = post_as("otto", contact, reason=WHY, desk="queue=mine")
    assert answer.location == "/me/confirmation?next=/carried?confirmed%3D1"
    answer = post_as(
        "otto", "/me/confirmation", way="password", password=PASSWORD, next="/carried?confirmed=1"
    )
    assert answer.location == "/carried?confirmed=1"
    page = get_as("otto", answer.location)
    assert "已确认是您本人" in page.text
    assert html.escape(WHY) in page.text
    assert f'action="{contact}"' in page.text
    assert re.search(r'name="desk" value="queue=mine"', page.text)
    assert openings() == []
    assert post_as("otto", contact, reason=WHY, desk="queue=mine").status_code == 200
    assert len(openings()) == 1


def test_who_may_not_is_refused_and_not_asked_to_confirm(post_as, client_of, cast, contact):
    for who in ("rita", "vera", "hugo"):
        client_of(who)
    clock.advance(LATER)
    for who in ("rita", "vera", "hugo"):
        assert post_as(who, contact, reason="我想知道。").status_code == 403, who


def test_programs_get_a_refusal_and_no_page(post_as, client_of, cast, contact):
    client_of("otto")
    clock.advance(LATER)
    answer = post_as("otto", contact, headers={"Accept": "application/json"}, reason="核实。")
    assert answer.status_code == 403
    assert answer.json["title"] == "请先确认是您本人。"


def test_staff_confirm_by_password_or_by_app(post_as, client_of, cast, contact, otto):
    client_of("otto")
    for fields in (
        {"way": "password", "password": PASSWORD},
        {"way": "app", "code": lambda: otto.at(int(clock.now().timestamp()))},
    ):
        clock.advance(LATER)
        assert post_as("otto", contact, reason="核实。").status_code == 303
        given = {name: value() if callable(value) else value for name, value in fields.items()}
        answer = post_as("otto", "/me/confirmation", next="/desk", **given)
        assert (answer.status_code, answer.location) == (303, "/desk")
        assert post_as("otto", contact, reason="核实。").status_code == 200


def test_a_wrong_password_confirms_nothing_and_guessing_gets_slower(post_as, client_of, cast, contact, otto):
    client_of("otto")
    clock.advance(LATER)
    for turn in range(5):
        answer = post_as("otto", "/me/confirmation", way="password", password=f"guess {turn}")
        assert answer.status_code == 422
        assert "不是" in answer.text
    blocked = post_as("otto", "/me/confirmation", way="password", password=PASSWORD)
    assert blocked.status_code == 422
    assert "再试" in blocked.text
    assert post_as("otto", contact, reason="核实。").status_code == 303
    for _turn in range(5):
        assert post_as("otto", "/me/confirmation", way="app", code="000000").status_code == 422
    assert "再试" in post_as("otto", "/me/confirmation", way="app", code="000000").text


@pytest.mark.parametrize("way", ["", "nothing", "cast", "phone", "password", "app", "passkey"])
def test_whoever_has_none_of_the_ways_confirms_by_none(post_as, client_of, cast, contact, way):
    client_of("otto")  # who has neither password nor app here, and is nobody's cast
    clock.advance(LATER)
    answer = post_as("otto", "/me/confirmation", way=way, password="", code="", passkey="")
    assert answer.status_code in (403, 422)
    assert post_as("otto", contact, reason="核实。").status_code == 303


def test_a_member_confirms_by_a_code_to_his_own_telephone(post_as, get_as, client_of, cast):
    with transaction():
        vault.put(cast.rita.owner, "phone", "19900000001", findable=True)
    client_of("rita")
    clock.advance(LATER)
    assert get_as("rita", "/me/passkeys/new").location == "/me/confirmation?next=/me/passkeys/new"
    page = get_as("rita", "/me/confirmation?next=/me/passkeys/new")
    assert "19900000001" not in page.text
    sent = post_as("rita", "/me/confirmation", way="phone", step="send", next="/me/passkeys/new")
    code = taken(r"data-demo-code>(\d{6})<", sent.text)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    answer = post_as("rita", "/me/confirmation", way="phone", code=wrong, next="/me/passkeys/new")
    assert answer.status_code == 422
    assert 'value="/me/passkeys/new"' in answer.text
    answer = post_as("rita", "/me/confirmation", way="phone", code=code, next="/me/passkeys/new")
    assert answer.location == "/me/passkeys/new"
    assert get_as("rita", "/me/passkeys/new").status_code == 200
    clock.advance(LATER)
    assert post_as("rita", "/me/confirmation", way="phone", code=code).status_code == 422  # it was used


def test_the_cast_of_a_demo_city_confirms_with_one_press(post_as, get_as, client_of, cast, contact):
    with transaction():
        name = {"zh": "欧阳涛", "en": "Otto Ouyang"}
        offer_cast([{"person": cast.otto.public_id, "name": name, "about": {}}])
    client_of("otto")
    client_of("hugo")
    clock.advance(LATER)
    assert 'value="cast"' in get_as("otto", "/me/confirmation").text
    assert post_as("otto", "/me/confirmation", way="cast", next="/desk").location == "/desk"
    assert post_as("otto", contact, reason="核实。").status_code == 200
    assert post_as("hugo", "/me/confirmation", way="cast").status_code == 403


def test_a_confirmation_counts_for_the_browser_it_was_given_on(app, post_as, client_of, cast, contact, otto):
    from people.signing_in import link_for

    client_of("otto")
    with transaction():
        link = link_for(cast.otto)
    other = app.test_client()
    contextvars.Context().run(other.post, f"/sign-in/link/{link}", headers=ORIGIN)
    clock.advance(LATER)
    post_as("otto", "/me/confirmation", way="password", password=PASSWORD)
    page = contextvars.Context().run(other.get, "/me")
    data = {"csrf_token": fields_of(page.text)["csrf_token"], "reason": "核实。"}
    answer = contextvars.Context().run(other.post, contact, data=data, headers=ORIGIN)
    assert answer.location.startswith("/me/confirmation")


def test_the_page_leads_nowhere_but_into_the_house(post_as, client_of, cast, otto):
    client_of("otto")
    answer = post_as(
        "otto", "/me/confirmation", way="password", password=PASSWORD, next="https://evil.example/"
    )
    assert answer.location == "/me"


def test_a_form_without_words_leads_back_to_its_page(client_of, get_as, cast, otto):
    client = client_of("otto")
    token = fields_of(get_as("otto", "/me").text)["csrf_token"]
    clock.advance(LATER)
    answer = contextvars.Context().run(
        client.post,
        "/me/recovery-codes",
        data={"csrf_token": token},
        headers={**ORIGIN, "Referer": "http://localhost/me"},
    )
    assert answer.location == "/me/confirmation?next=/me"


def test_an_old_sign_in_from_before_the_update_is_asked(post_as, client_of, cast, contact):
    client_of("otto")
    with transaction() as session:
        session.execute(update(SignIn).values(confirmed_at=None))
    assert post_as("otto", contact, reason="核实。").status_code == 303
