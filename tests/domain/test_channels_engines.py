"""Contacts, deliveries and one-time links on both engines: what locks, inserts and deletes rows is tried on each."""

from __future__ import annotations

import json
from datetime import timedelta

from board import clock, jobs
from board.db import db, transaction
from board.transports import push
from boards.models import CaseEvent
from notifications.checking import check
from notifications.models import AcknowledgementLink, Delivery, queue
from people import contacts
from tests.builders import case_of, posted
from tests.domain.conftest import at_once
from tests.ends import PushService


def pushing(app, service):
    app.extensions["push"] = push.WebPush(
        app.config["SETTINGS"].vapid_key, "mailto:a@b.example", {"127.0.0.1"}, at_most=5.0
    )


def kept(public_id):
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(db.select(Delivery).where(Delivery.public_id == public_id)).one()


def test_a_delivery_goes_its_whole_way(city):
    app, cast = city
    with PushService() as service:
        pushing(app, service)
        with transaction():
            contact = contacts.add(cast.otto, "push", json.dumps(service.subscription()))
            made = check(contact).public_id
        service.answers = [(503, {}), (201, {})]
        jobs.run_due(kinds=("carry",))
        clock.advance(timedelta(seconds=3))
        jobs.run_due(kinds=("carry",))
        delivery = kept(made)
        assert (delivery.attempts, delivery.sent_at) == (2, clock.now())
        with transaction():
            again = check(contacts.of(cast.otto)[0]).public_id
        service.answers = [(410, {})]
        jobs.run_due(kinds=("carry",))
        assert kept(again).failed_at is not None
        assert contacts.of(cast.otto) == []


def test_two_workers_that_hold_one_delivery_note_it_once(city):
    from notifications.carrying import carry

    app, cast = city
    with PushService() as service:
        pushing(app, service)
        with transaction():
            contact = contacts.add(cast.otto, "push", json.dumps(service.subscription()))
            made = check(contact).public_id
        assert at_once(app, *[lambda: carry(made)] * 2) == [None, None]
        topics = {headers["Topic"] for headers, _body in service.got}
        assert topics == {made}  # a copy, if there was one, has the name of the first
        assert kept(made).attempts == 1


def test_two_who_press_one_link_acknowledge_once(city):
    app, cast = city
    with transaction():
        thread = posted(cast.rita).public_id
    with transaction():
        case = case_of(thread)
        delivery = queue(cast.otto, "sms", key="link", purpose="page", event=case.thread.events[0])
        assert delivery is not None
        token = AcknowledgementLink.make(delivery, case)
        assert AcknowledgementLink.make(delivery, case) == token
    headers = {"Origin": "http://localhost"}
    press = [lambda: app.test_client().post(f"/a/{token}", headers=headers).status_code] * 2
    assert at_once(app, *press) == [303, 303]
    kinds = list(db.session.scalars(db.select(CaseEvent.kind)))
    assert kinds.count("case.acknowledged") == 1
