"""Acknowledging from the telephone without signing in: one link, one person, one case, half an hour."""

from __future__ import annotations

import contextvars
from datetime import timedelta

import pytest

from board import clock, jobs
from board.db import db, transaction
from boards.models import CaseEvent
from notifications.models import AcknowledgementLink, Delivery, queue
from people.models import Appointment, Shift
from people.staff import sign_out_everywhere
from tests.builders import case_of, posted
from tests.conftest import ORIGIN

pytestmark = pytest.mark.engines("sqlite", "postgres")


@pytest.fixture
def case(cast):
    """Rita's case about the traffic light, read anew at each call."""
    with transaction():
        thread = posted(cast.rita).public_id

    def read():
        db.session.rollback()
        db.session.expire_all()
        return case_of(thread)

    return read


@pytest.fixture
def link(cast, case):
    """A link for somebody, as it stands in his message."""

    def make(who="otto"):
        with transaction():
            person, found = getattr(cast, who), case_of(case().thread.public_id)
            delivery = queue(person, "sms", key=f"test:{who}", purpose="page", event=found.thread.events[0])
            assert delivery is not None
            return f"/a/{AcknowledgementLink.make(delivery, found)}"

    return make


@pytest.fixture
def phone(app):
    """A telephone on which nobody is signed in."""
    client = app.test_client()

    class Phone:
        def get(self, path, **options):
            return contextvars.Context().run(client.get, path, **options)

        def press(self, path, **options):
            options.setdefault("headers", ORIGIN)
            return contextvars.Context().run(client.post, path, **options)

    return Phone()


def steps(case):
    return [event.kind for event in case().thread.events]


def test_opening_the_link_changes_nothing(phone, link, case):
    path = link()
    for _preview in range(3):
        page = phone.get(path, headers={"User-Agent": "WeChat link preview"})
        assert page.status_code == 200
        assert phone.get(path, method="HEAD").status_code == 200
    assert case().acknowledged_at is None
    assert "签收" in page.text
    assert page.headers["Cache-Control"] == "private, no-store"


def test_the_button_acknowledges_as_the_one_who_was_paged(phone, link, case, cast):
    path = link()
    answer = phone.press(path)
    assert answer.status_code == 303
    assert case().acknowledged_by.id == cast.otto.id
    assert case().thread.events[-1].actor_id == cast.otto.id
    assert "已签收" in phone.get(path).text
    delivery = db.session.scalars(db.select(Delivery).where(Delivery.key == "test:otto")).one()
    assert delivery.acknowledged_at == clock.now()


def test_pressed_twice_it_says_that_it_is_done(phone, link, case):
    path = link()
    phone.press(path)
    again = phone.press(path)
    assert again.status_code == 303
    assert "已签收" in phone.get(again.headers["Location"]).text
    assert steps(case).count("case.acknowledged") == 1


def test_after_half_an_hour_it_is_over(phone, link, case):
    path = link()
    clock.advance(timedelta(minutes=29, seconds=59))
    assert "data-submit-word" in phone.get(path).text
    clock.advance(timedelta(seconds=1))
    assert "已过期" in phone.get(path).text
    answer = phone.press(path)
    assert answer.status_code == 409
    assert "已过期" in answer.text
    assert case().acknowledged_at is None


def dismissed(cast):
    cast.otto.active = False


def signed_out(cast):
    clock.advance(timedelta(seconds=1))
    sign_out_everywhere(cast.otto)


def moved(cast):
    for office in db.session.scalars(db.select(Appointment).where(Appointment.person_id == cast.otto.id)):
        office.ends_at = clock.now()


def off_duty(cast):
    for shift in db.session.scalars(db.select(Shift).where(Shift.person_id == cast.otto.id)):
        shift.ends_at = clock.now()


@pytest.mark.parametrize("change", [dismissed, signed_out, moved, off_duty])
def test_whoever_left_meanwhile_reads_why_it_does_nothing(phone, link, case, cast, change):
    path = link()
    with transaction():
        change(cast)
    page = phone.get(path)
    assert "data-submit-word" not in page.text
    answer = phone.press(path)
    assert answer.status_code == 409
    assert 'role="status"' in answer.text
    assert case().acknowledged_at is None


def test_a_colleague_was_first(phone, link, case, cast):
    path = link()
    with transaction():
        case_of(case().thread.public_id).acknowledge(by=cast.lena)
    assert "同事" in phone.get(path).text
    assert phone.press(path).status_code == 409
    assert case().acknowledged_by.id == cast.lena.id


def test_the_page_says_no_name_and_no_word_of_the_post(phone, link):
    text = phone.get(link()).text
    for word in ("青松路", "红绿灯", "王丽", "欧阳", "021456"):
        assert word not in text


def test_of_a_restricted_case_it_does_not_say_the_number(phone, link, case, cast):
    path = link()
    with transaction():
        thread = case_of(case().thread.public_id).thread
        thread.visibility = "restricted"
        thread.restricted_to_id = cast.otto.departments[0].id
    assert case().number not in phone.get(path).text


def test_nothing_stored_gives_the_token_back(link):
    token = link().removeprefix("/a/")
    rows = db.session.execute(db.text("select * from acknowledgement_link")).all()
    assert token not in str(rows)
    assert len(token) == 26


def test_a_day_after_its_end_it_is_forgotten_pressed_or_not(phone, link):
    pressed, left = link(), link("lena")
    phone.press(pressed)
    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=("forget-links",))
    assert phone.get(left).status_code == 200
    newest = link("dana")
    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=("forget-links",))
    assert [phone.get(path).status_code for path in (pressed, left)] == [404, 404]
    assert phone.get(newest).status_code == 200


@pytest.mark.parametrize("token", ["nothing", "x" * 300, "%00", "..%2F"])
def test_a_guessed_link_is_not_there(phone, token):
    assert phone.get(f"/a/{token}").status_code == 404
    assert phone.press(f"/a/{token}").status_code == 404


def test_another_site_cannot_press_the_button(phone, link, case):
    assert phone.press(link(), headers={"Origin": "https://evil.example"}).status_code == 403
    assert case().acknowledged_at is None


def test_signed_in_as_somebody_else_it_still_acts_for_the_one_who_was_paged(client_of, link, case, cast):
    path = link()
    answer = contextvars.Context().run(client_of("hugo").post, path, headers=ORIGIN)
    assert answer.status_code == 303
    assert case().acknowledged_by.id == cast.otto.id


def test_two_presses_at_once_acknowledge_once(link, case, app):
    from tests.domain.conftest import at_once

    path = link()
    press = [lambda: app.test_client().post(path, headers=ORIGIN).status_code for _press in range(2)]
    assert at_once(app, *press) == [303, 303]
    assert steps(case).count("case.acknowledged") == 1
    assert db.session.scalar(db.select(db.func.count(CaseEvent.id))) == len(steps(case))
