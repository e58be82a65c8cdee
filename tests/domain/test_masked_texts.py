"""Stored texts: what an office says of itself, what waits in members' replies, and masking again after an update."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from board import markup, masking
from board.db import db, transaction
from board.errors import NotAllowed, WrongState
from boards import modqueue, remasking
from boards.models import CaseEvent, Text, Thread
from boards.models.posting import reply
from boards.models.timeline import verify
from people import vault
from people.models import Department, Person
from tests.builders import Cast, posted

pytestmark = pytest.mark.engines("sqlite", "postgres")

WORDS = (
    "我也遇到了，微信号：wl_220700，电话 19900002207，图在 https://example.com/a。身份证 110101199003074514"
)
COVERED = "我也遇到了，微信号：******，电话 199****2207，图在 〔链接，等待查看〕。身份证 "


def said(cast: Cast, who: str, thread: str, words: str) -> str:
    """Reply as somebody; gives the text's public id."""
    with transaction():
        event = reply(
            Thread.by_public_id(thread, reader=getattr(cast, who), for_change=True),
            words,
            by=getattr(cast, who),
        )
        assert event.public_text is not None
        return event.public_text.public_id


def waiting(person: Person) -> list[Text]:
    """The replies in which a way to reach somebody waits for this moderator; none for who moderates nothing."""
    found = modqueue.listed(person, kind="contact").items
    return [each.text for each in found if each.text is not None]


def text_of(public_id: str) -> Text:
    return db.session.scalars(select(Text).where(Text.public_id == public_id)).one()


def test_an_office_may_name_its_room_and_line_and_a_member_may_not(cast: Cast, thread_posted: Any) -> None:
    words = "请带身份证到 3号楼501室，座机 0871-63120456，或打 19900002207"
    thread = thread_posted("rita", body=words)
    answer = text_of(said(cast, "otto", thread, words))

    body = db.session.scalars(select(Thread)).one().body
    assert body.public == "请带身份证到 3号楼***室，座机 ********，或打 199****2207"
    assert answer.public == words.replace("19900002207", "199****2207")
    assert body.masked == ["landline", "mobile", "room"]


def test_ways_to_reach_somebody_wait_in_a_members_reply_until_a_moderator_releases_them(
    cast: Cast, thread_posted: Any
) -> None:
    thread = thread_posted()
    one, other = said(cast, "vera", thread, WORDS), said(cast, "vera", thread, "我也是")
    assert text_of(one).public.startswith(COVERED)
    assert "example.com" not in text_of(one).html
    assert [each.public_id for each in waiting(cast.mona)] == [one]
    assert text_of(other).contacts is None
    assert waiting(cast.otto) == waiting(cast.vera) == []
    assert text_of(one).contact_words() == [
        ("chat_id", "wl_220700"),
        ("mobile", "19900002207"),
        ("link", "https://example.com/a"),
    ]

    for who in ("otto", "vera", "adam"):
        with pytest.raises(NotAllowed), transaction():
            text_of(one).release_contacts(by=getattr(cast, who))
    with transaction():
        text_of(one).release_contacts(by=cast.mona)

    released = text_of(one)
    assert released.public.startswith(WORDS[:-18])
    assert "110101199003074514" not in released.public
    assert '<a href="https://example.com/a"' in released.html
    assert waiting(cast.mona) == []
    with pytest.raises(WrongState), transaction():
        text_of(one).release_contacts(by=cast.mona)
    events = db.session.scalars(select(CaseEvent).order_by(CaseEvent.seq)).all()
    assert events[-1].kind == "text.contacts_released"
    assert {(each.chain, each.text) for each in verify(events)} <= {(True, "open"), (True, "none")}


def test_a_moderator_may_leave_them_covered_and_change_his_mind(cast: Cast, thread_posted: Any) -> None:
    one = said(cast, "vera", thread_posted(), WORDS)
    with transaction():
        text_of(one).keep_contacts(by=cast.mona)
    assert waiting(cast.mona) == []
    assert "19900002207" not in text_of(one).public
    with transaction():
        text_of(one).release_contacts(by=cast.mona)
    assert "19900002207" in text_of(one).public


def test_nothing_waits_where_a_moderator_may_not_look(cast: Cast, thread_posted: Any) -> None:
    thread = thread_posted("rita", restrict=True)
    one = said(cast, "rita", thread, WORDS)
    assert text_of(one).contacts == "waiting"
    assert waiting(cast.mona) == []
    with pytest.raises(NotAllowed), transaction():
        text_of(one).release_contacts(by=cast.mona)


# --- masked again ------------------------------------------------------------------------------------------


@pytest.fixture
def old(cast: Cast, thread_posted: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A thread written when masking knew mobile numbers only, with a reply and an earlier version."""
    known = masking.mask

    def knew(text: str, **options: Any) -> masking.Masked:
        return known(text, **{**options, "leave": frozenset(masking.KINDS) - {"mobile"}})

    with monkeypatch.context() as patched:
        patched.setattr(masking, "mask", knew)
        patched.setattr(masking, "MASK_VERSION", 1)
        thread: str = thread_posted(
            "rita",
            title="3栋2单元501室漏水",
            body="微信号：wl_220700，@交警支队，打 19900002207",
            place="青松小区3栋2单元501室",
        )
        with transaction():
            found = Thread.by_public_id(thread, reader=cast.rita, for_change=True)
            found.edit(
                by=cast.rita, title=found.title, body="改为微信号：wl_220700，@交警支队，打 19900002207"
            )
        said(cast, "vera", thread, "请看 https://example.com/a")
    return thread


def test_texts_of_an_earlier_version_are_masked_again(app: Flask, cast: Cast, old: str) -> None:
    before = db.session.scalars(select(Thread)).one()
    version = before.version
    assert before.title == "3栋2单元501室漏水"
    assert sum(step.changed for step in remasking.remask(dry_run=True)) == 4
    assert db.session.scalars(select(Thread)).one().title == "3栋2单元501室漏水"

    steps = list(remasking.remask(chunk=2))

    assert sum(step.changed for step in steps) == 4
    assert {kind for step in steps for kind in step.kinds} == {"room", "chat_id", "link"}
    thread = db.session.scalars(select(Thread)).one()
    assert (thread.title, thread.place) == ("3栋*单元***室漏水", "青松小区3栋*单元***室")
    assert thread.version > version
    assert thread.body.public == "改为微信号：******，@交警支队，打 199****2207"
    assert 'class="mention"' in thread.body.html
    assert [each.public for each in thread.body.revisions] == ["微信号：******，@交警支队，打 199****2207"]
    assert "wl_220700" not in thread.body.revisions[0].html
    assert thread.body.original() == "改为微信号：wl_220700，@交警支队，打 19900002207"
    assert [each.public for each in waiting(cast.mona)] == ["请看 〔链接，等待查看〕"]
    assert {(each.chain, each.text) for each in verify(thread.events)} <= {
        (True, "open"),
        (True, "covered"),
        (True, "none"),
    }
    assert list(remasking.remask()) == []
    assert remasking.waiting() == 0


def test_a_run_that_was_stopped_goes_on_where_it_stood_and_holds_no_lock_meanwhile(
    cast: Cast, old: str
) -> None:
    first = remasking.remask(chunk=1)
    next(first)
    left = remasking.waiting()
    with transaction():
        posted(cast.vera)  # somebody posts while it runs
    first.close()
    assert left > 0
    assert remasking.waiting() == left
    assert sum(step.looked for step in remasking.remask(chunk=1)) == left


def closed(*_anything: Any) -> str:
    """As the vault answers where the key is missing for now."""
    raise vault.VaultError("gone")


def test_a_text_whose_key_is_gone_is_masked_as_the_public_reads_it(
    cast: Cast, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(vault, "get", closed)
        list(remasking.remask())
    body = db.session.scalars(select(Thread)).one().body
    assert "wl_220700" not in body.public
    assert "wl_220700" not in body.html
    assert 'class="mention"' in body.html
    assert remasking.waiting() == 0
    assert (
        body.original() == "改为微信号：wl_220700，@交警支队，打 19900002207"
    )  # when the key is there again
    assert body.masked == ["chat_id", "mobile"]


def test_covers_of_a_text_whose_key_is_gone_are_not_laid_over_words_that_stand_elsewhere(
    cast: Cast, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "改为微信号：wl_220700，@交警支队，打 19900002207"
    with transaction():
        thread = Thread.by_public_id(old, reader=cast.rita, for_change=True)
        at = words.index("打")
        with monkeypatch.context() as patched:
            known = masking.mask
            patched.setattr(
                masking,
                "mask",
                lambda text, **options: known(
                    text, **{**options, "leave": frozenset(masking.KINDS) - {"mobile"}}
                ),
            )
            thread.cover(by=cast.rita, text=thread.body, spans=[(0, 2), (at, at + 1)])
        thread.body.mask_version = 1
    with monkeypatch.context() as patched:
        patched.setattr(vault, "get", closed)
        list(remasking.remask())
    assert (
        db.session.scalars(select(Thread)).one().body.public
        == "███微信号：******，@交警支队，███ 199****2207"
    )


def test_an_earlier_version_that_is_masked_again_is_no_change_of_what_was_said(
    cast: Cast, thread_posted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = public_number()
    with monkeypatch.context() as patched:
        known = masking.mask
        patched.setattr(
            masking,
            "mask",
            lambda text, **options: known(text, **{**options, "leave": frozenset(masking.KINDS)}),
        )
        patched.setattr(masking, "MASK_VERSION", 1)
        thread = thread_posted("rita", body=f"微信号：wl_220700，也打过 {number}。")
        with transaction():
            found = Thread.by_public_id(thread, reader=cast.rita, for_change=True)
            found.edit(by=cast.rita, title=found.title, body="路口的灯一直不亮，请派人看看。")
    list(remasking.remask())
    found = db.session.scalars(select(Thread)).one()
    assert [each.public for each in found.body.revisions] == [f"微信号：******，也打过 {number}。"]
    assert {(each.chain, each.text) for each in verify(found.events)} <= {
        (True, "open"),
        (True, "covered"),
        (True, "none"),
    }
    assert "altered" not in {each.text for each in verify(found.events)}


def public_number() -> str:
    """A telephone number that a department publishes, of a kind that is masked otherwise."""
    with transaction():
        department = Department.by_key("traffic-police")
        department.duty_phone = "0871-63120456"
    return "0871-63120456"


def test_the_command_says_what_it_did(app: Flask, old: str) -> None:
    dry = app.test_cli_runner().invoke(args=["texts", "remask", "--dry-run"])
    assert dry.exit_code == 0, dry.output
    assert "wl_220700" not in dry.output
    assert remasking.waiting() > 0
    real = app.test_cli_runner().invoke(args=["texts", "remask"])
    assert real.exit_code == 0, real.output
    assert remasking.waiting() == 0


def test_html_of_an_earlier_version_is_what_its_words_say(cast: Cast, old: str) -> None:
    list(remasking.remask())
    for text in db.session.scalars(select(Text)):
        for revision in text.revisions:
            assert revision.html == str(markup.render(revision.public))
