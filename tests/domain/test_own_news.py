"""Whoever wrote a case hears of it outside the board, without following it: which steps, by what, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from board import clock, jobs
from board.db import db, transaction
from board.transports import mail, sms
from complaints.models import Sealing
from notifications.models import Delivery, InboxItem
from people import contacts, vault
from tests.builders import case_of, posted

pytestmark = pytest.mark.engines("sqlite", "postgres")


@pytest.fixture
def out(app, cast):
    """Rita's telephone and mailbox, and what went to them."""
    app.extensions["sms"], app.extensions["mail"] = sms.LogSms(), mail.LogMail()
    with transaction():
        vault.put(cast.rita.owner, "phone", "19900000001", findable=True)
        contacts.known_phone(cast.rita)
        contacts.verify(contacts.add(cast.rita, "mail", "rita@home.example"))

    class Out:
        @property
        def texts(self):
            jobs.run_due(kinds=("tell-followers", "carry-tidings", "carry"))
            return [each.text for each in app.extensions["sms"].sent]

        @property
        def mails(self):
            jobs.run_due(kinds=("tell-followers", "carry-tidings", "carry"))
            return [each.subject for each in app.extensions["mail"].sent]

    return Out()


@pytest.fixture
def case(cast):
    with transaction():
        thread = posted(cast.rita).public_id
    return lambda: case_of(thread)


def resolved(cast, case):
    with transaction():
        case().accept(by=cast.otto, answer="已派人去看路口的信号灯。")
    with transaction():
        case().resolve(by=cast.otto, answer="信号灯已修好，今天上午恢复。", outcome="solved")


def test_she_hears_of_each_step_by_mail_and_of_the_answer_by_text_message(cast, case, out):
    resolved(cast, case)
    number = case().number
    assert len(out.mails) == 2
    (text,) = out.texts
    assert f"编号 {number} 有新答复" in text
    for word in ("信号灯", "青松路", "王丽", "欧阳"):
        assert word not in text + "".join(out.mails)


def test_she_hears_by_mail_that_her_case_is_kept_from_the_public_and_no_word_why(cast, case, out):
    with transaction():
        Sealing.propose(case(), by=cast.lena, ground="investigation", words="正在布控。")
    (subject,) = out.mails
    for word in ("信号灯", "青松路", "布控", case().number):
        assert word not in subject
    assert out.texts == []


def test_what_she_has_read_meanwhile_is_not_sent(cast, case, out):
    resolved(cast, case)
    with transaction() as session:
        session.execute(db.update(InboxItem).values(read_at=clock.now()))
    assert out.texts == []
    assert out.mails == []


def test_at_night_it_waits_for_the_morning(cast, case, out):
    clock.advance(timedelta(hours=13))  # 23:00 in the city
    resolved(cast, case)
    assert (out.texts, out.mails) == ([], [])
    clock.advance(timedelta(hours=8, minutes=1))
    assert len(out.texts) == 1
    assert len(out.mails) == 1  # both steps in one


def test_her_own_steps_and_colleagues_notes_tell_her_nothing(cast, case, out):
    with transaction():
        case().accept(by=cast.otto, answer="")
    before = len(out.mails)
    with transaction():
        case().note(by=cast.otto, note="先问一下施工单位。")
    assert len(out.mails) == before
    assert out.texts == []


def test_nobody_else_is_told(cast, case, out):
    with transaction():
        contacts.verify(contacts.add(cast.vera, "mail", "vera@home.example"))
    resolved(cast, case)
    out.mails  # noqa: B018
    told = {
        each.person_id for each in db.session.scalars(db.select(Delivery).where(Delivery.purpose == "news"))
    }
    assert told == {cast.rita.id}
