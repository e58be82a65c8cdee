"""The mails of a follower as a mail server gets them: one a day, ended by one tap, none lost or doubled by a kill."""

from __future__ import annotations

import contextvars
import signal
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from board import clock, jobs
from board.db import db, transaction
from board.transports import mail
from boards.models import CaseEvent
from boards.models.watch import follow as watch
from notifications import following
from notifications.models import Delivery, InboxItem
from notifications.targets import target
from people import contacts
from people.models import Person
from tests import forked
from tests.builders import Cast, case_of
from tests.conftest import environment_of
from tests.ends import Mailbox

pytestmark = pytest.mark.engines("sqlite", "postgres")

WORK = ("tell-followers", "carry-tidings", "carry")
PUBLIC = "https://board.example"


@pytest.fixture
def mailbox(app: Flask) -> Iterator[Mailbox]:
    """A mail server; the board knows its own address."""
    object.__setattr__(app.config["SETTINGS"], "public_url", PUBLIC)
    with Mailbox() as box:
        app.extensions["mail"] = mail.SmtpMail(box.url, "board@police.example", timeout=5)
        yield box


def follows(person: Person, kind: str, key: str, how: str) -> None:
    contacts.verify(contacts.add(person, "mail", f"{person.public_id}@home.example"))
    following.begin(target(kind, key), by=person, how=how)


def text_of(message: EmailMessage) -> str:
    return str(message.get_content())


def work() -> None:
    jobs.run_due(kinds=WORK)
    clock.advance(timedelta(seconds=5))
    jobs.run_due(kinds=WORK)


def test_the_daily_mail_arrives_once_with_addresses_and_a_way_to_end_it(
    app: Flask, cast: Cast, mailbox: Mailbox, thread_posted: Any
) -> None:
    with transaction():
        follows(cast.vera, "section", "traffic", "daily")
    numbers = [case_of(thread_posted(title=f"第 {n} 个路口的灯坏了")).number for n in range(3)]
    work()
    assert mailbox.got == []
    clock.advance(timedelta(days=1))
    work()
    work()

    (message,) = mailbox.got
    text = text_of(message)
    assert all(f"{PUBLIC}/cases/{number}#e1" in text for number in numbers)
    assert message["Subject"] == "您关注的有 3 条新消息"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = str(message["List-Unsubscribe"]).strip("<>")
    assert link in text

    # The reader's mail program presses its button: no cookie, no origin.
    path = link.removeprefix(PUBLIC)
    answer = contextvars.Context().run(app.test_client().post, path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    db.session.rollback()
    thread_posted(title="又一个路口")
    work()
    clock.advance(timedelta(days=1))
    work()
    assert len(mailbox.got) == 1


def test_what_was_hidden_after_it_was_promised_is_in_no_mail(
    cast: Cast, mailbox: Mailbox, thread_posted: Any
) -> None:
    with transaction():
        follows(cast.vera, "section", "traffic", "daily")
    kept, held = thread_posted(), thread_posted(title="第二个路口")
    work()
    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=("carry-tidings",))
    with transaction():
        case_of(held).thread.hold(by=cast.mona, reason="advert")
    work()

    (message,) = mailbox.got
    assert case_of(kept).number in text_of(message)
    assert case_of(held).number not in text_of(message)


def test_a_mail_in_which_nothing_is_left_is_not_sent(
    cast: Cast, mailbox: Mailbox, thread_posted: Any
) -> None:
    with transaction():
        follows(cast.vera, "section", "traffic", "daily")
    held = thread_posted()
    work()
    clock.advance(timedelta(days=1))
    jobs.run_due(kinds=("carry-tidings",))
    with transaction():
        case_of(held).thread.hold(by=cast.mona, reason="advert")
    work()

    assert mailbox.got == []
    assert (
        db.session.scalars(select(Delivery.dropped_at).where(Delivery.purpose == "digest")).one() is not None
    )


def test_at_once_is_at_once(cast: Cast, mailbox: Mailbox, thread_posted: Any) -> None:
    with transaction():
        follows(cast.vera, "section", "traffic", "at_once")
    number = case_of(thread_posted()).number
    jobs.run_due(kinds=WORK)

    (message,) = mailbox.got
    assert number in text_of(message)
    assert "List-Unsubscribe" in message


def test_an_answer_in_one_press_is_one_mail_to_each(cast: Cast, mailbox: Mailbox, thread_posted: Any) -> None:
    """Four steps: acknowledged, accepted, claimed, resolved; the last says it all."""
    number = case_of(thread := thread_posted()).number
    jobs.run_due(kinds=WORK)
    with transaction():
        follows(cast.vera, "section", "traffic", "at_once")
        contacts.verify(contacts.add(cast.rita, "mail", "rita@home.example"))
        watch(case_of(thread).thread, by=cast.lena, how="at_once")
        contacts.verify(contacts.add(cast.lena, "mail", "lena@home.example"))
    with transaction():
        case_of(thread).answer(by=cast.otto, answer="这里的信号灯夜里闪黄灯，白天恢复。", outcome="explained")
    work()

    assert sorted(str(message["To"]) for message in mailbox.got) == sorted(
        ["rita@home.example", "lena@home.example", f"{cast.vera.public_id}@home.example"]
    )
    assert all(f"编号 {number} 有新答复" in text_of(message) for message in mailbox.got)


KILLED = """
import os, signal, sys
from datetime import datetime
from sqlalchemy import event
from board import clock, create_app
from board.db import db
from board.settings import Settings
from notifications import followers, tidings
app = create_app(Settings.from_env())
followers.CHUNK = tidings.CHUNK = 3
left = int(sys.argv[3])
with app.app_context(), clock.freeze(datetime.fromisoformat(sys.argv[4])):
    def count(_c, _cursor, sql, *_rest):
        global left
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE")):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    event.listen(db.engine, "before_cursor_execute", count)
    followers.tell_followers(sys.argv[2]) if sys.argv[1] == "tell" else tidings.carry_tidings()
"""


def killed(app: Flask, act: str, event: str, statement: int) -> int:
    """Let a worker of its own process be killed with -9 before its so-manieth writing statement; its exit code."""
    db.session.rollback()
    moment = clock.now().isoformat()
    return forked.run(KILLED, act, event, str(statement), moment, env=environment_of(app)).returncode


@pytest.mark.parametrize("statement", [4, pytest.param(9, marks=pytest.mark.slow)])
def test_workers_killed_between_the_chunks_tell_and_mail_everybody_once(
    app: Flask, cast: Cast, mailbox: Mailbox, thread_posted: Any, statement: int
) -> None:
    with transaction():
        people = [Person(kind="member", nickname=f"邻居{n}") for n in range(8)]
        db.session.add_all(people)
        db.session.flush()
        for person in people:
            follows(person, "section", "traffic", "daily")
        ids = [person.id for person in people]
    thread_posted()
    event = db.session.scalars(select(CaseEvent.public_id).where(CaseEvent.kind == "thread.posted")).one()
    assert killed(app, "tell", event, statement) == -signal.SIGKILL
    work()
    clock.advance(timedelta(days=1))
    assert killed(app, "carry", event, statement) == -signal.SIGKILL
    work()
    work()

    told = select(func.count()).select_from(InboxItem).where(InboxItem.person_id.in_(ids))
    assert db.session.scalar(told) == 8
    addresses = [str(message["To"]) for message in mailbox.got]
    assert len(addresses) == len(set(addresses)) == 8
