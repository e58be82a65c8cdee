"""The pages of one's own data: the copy, the consent, and the way out of the board."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from board import clock, jobs
from board.db import db, transaction
from board.errors import NotFound
from board.files import store
from board.i18n import speaking
from boards.models import Text
from people import consenting, vault
from people.models import Consent, Deletion, Export
from people.models.deletion import GRACE
from people.models.sign_in import CONFIRMED
from tests.builders import Cast, case_of, posted
from tests.complaining import complain, open_complaints
from tests.conftest import ORIGIN, fields_of
from tests.people_world import taken

Get = Callable[..., TestResponse]
NICKNAME = "青松路居民"


def post_of(get_as: Get, post_as: Get, who: str = "rita", **more: str) -> TestResponse:
    once = fields_of(get_as(who, "/s/traffic/new").text)["once"]
    form = {
        "title": "人行道的地砖松动了",
        "body": "下雨天会溅水，请派人修一修。",
        "identity": "hidden",
        "similar_seen": "1",
    }
    return post_as(who, "/s/traffic/threads", once=once, **form, **more)


# --- the copy ------------------------------------------------------------------------------------------------


def test_she_asks_for_a_copy_is_told_and_fetches_it(
    get_as: Get, post_as: Get, thread_posted, cast: Cast
) -> None:
    thread_posted()
    assert post_as("rita", "/me/exports").status_code == 303
    page = get_as("rita", "/me/data").text
    assert "正在制作" in page
    assert "<progress" in page
    jobs.run_due()
    inbox = get_as("rita", "/inbox").text
    assert "您的个人数据副本已经做好" in inbox
    notice = inbox.partition("/inbox/account/")[2].partition('"')[0]
    opened = get_as("rita", f"/inbox/account/{notice}")
    assert (opened.status_code, opened.headers["Location"]) == (303, "/me/data")
    page = get_as("rita", "/me/data").text
    path = "/me/exports/" + page.partition('href="/me/exports/')[2].partition('"')[0]
    answer = get_as("rita", path)

    assert answer.status_code == 200
    assert answer.mimetype == "application/zip"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=my-data-2026-11-17.zip")
    with ZipFile(BytesIO(answer.data)) as archive:
        told = json.loads(archive.read("my-data.json"))
    assert told["chapters"]["threads"][0]["title"] == "青松路与建设街路口红绿灯一直闪黄灯"
    for who in ("vera", "otto", "adam", "ines"):
        assert get_as(who, path).status_code == 404, who
    assert get_as(None, path).status_code == 303
    again = post_as("rita", "/me/exports")
    assert again.status_code == 422
    assert "一天只能申请一份" in again.text
    assert db.session.scalars(select(Export)).one().fetched_at is not None
    clock.advance(timedelta(days=7, minutes=1))
    with pytest.raises(NotFound):  # its time is over, also before the night
        Export.own(cast.rita, path.rpartition("/")[2])


def test_two_presses_make_one_copy(get_as: Get, post_as: Get) -> None:
    get_as("rita", "/me/data")
    assert [post_as("rita", "/me/exports").status_code for _press in range(2)] == [303, 422]
    assert len(db.session.scalars(select(Export)).all()) == 1


def test_a_copy_speaks_the_language_of_its_owner(get_as: Get, post_as: Get) -> None:
    post_as("rita", "/prefs", language="en")
    assert post_as("rita", "/me/exports").status_code == 303
    jobs.run_due()
    export = db.session.scalars(select(Export)).one()
    assert export.language == "en"
    with ZipFile(store().open(f"{export.file.key}.full")) as archive:  # type: ignore[union-attr]
        page = archive.read("my-data.html").decode()
    assert '<html lang="en">' in page
    assert "What I posted" in page


# --- whoever was signed in a while ago shows that it is still he -------------------------------------------------


def confirm(post_as: Get, next_page: str) -> str:
    """Rita confirms by a code to her telephone; where that leads her."""
    sent = post_as("rita", "/me/confirmation", way="phone", step="send", next=next_page)
    code = taken(r"data-demo-code>(\d{6})<", sent.text)
    return str(post_as("rita", "/me/confirmation", way="phone", code=code, next=next_page).location)


def test_a_telephone_that_was_left_unlocked_hands_out_no_copy(get_as: Get, post_as: Get, cast: Cast) -> None:
    with transaction():
        vault.put(cast.rita.owner, "phone", "19900000777", findable=True)
    for who in ("rita", "vera"):
        get_as(who, "/me/data")
    post_as("rita", "/me/exports")
    jobs.run_due()
    path = f"/me/exports/{db.session.scalars(select(Export)).one().public_id}"
    clock.advance(CONFIRMED)
    asked = get_as("rita", path)
    assert (asked.status_code, asked.location) == (303, f"/me/confirmation?next={path}")
    assert get_as("vera", path).status_code == 404, "who may not is not asked"
    assert db.session.scalars(select(Export)).one().fetched_at is None
    assert confirm(post_as, path) == path
    assert get_as("rita", path).mimetype == "application/zip"


def test_nor_deletes_it_an_account(get_as: Get, post_as: Get, cast: Cast) -> None:
    with transaction():
        vault.put(cast.rita.owner, "phone", "19900000777", findable=True)
    get_as("rita", "/me/deletion")
    clock.advance(CONFIRMED)
    form = {**ORIGIN, "Referer": "http://localhost/me/deletion"}
    asked = post_as("rita", "/me/deletion", headers=form, typed=NICKNAME, pressed="yes")
    assert (asked.status_code, asked.location) == (303, "/me/confirmation?next=/me/deletion")
    assert db.session.scalars(select(Deletion)).all() == []
    assert confirm(post_as, "/me/deletion") == "/me/deletion"
    assert 'name="typed"' in get_as("rita", "/me/deletion").text, "typed once more: nothing happens by a slip"
    assert post_as("rita", "/me/deletion", typed=NICKNAME, pressed="yes").status_code == 303
    clock.advance(CONFIRMED)
    assert post_as("rita", "/me/deletion/undoing").status_code == 303, "taking it back asks for nothing"


# --- deleting ------------------------------------------------------------------------------------------------


def test_she_reads_what_goes_and_stays_types_her_nickname_and_can_take_it_back(
    get_as: Get, post_as: Get, cast: Cast
) -> None:
    page = get_as("rita", "/me/deletion").text
    for words in ("会删除什么", "会保留什么", "没办完的诉求怎么办", "7 天内可以反悔", NICKNAME):
        assert words in page
    wrong = post_as("rita", "/me/deletion", typed="别人", pressed="yes")
    assert wrong.status_code == 422
    assert 'value="别人"' in wrong.text
    assert 'value="yes" id="f-pressed" checked' in wrong.text or "checked" in wrong.text
    assert post_as("rita", "/me/deletion", typed=f" {NICKNAME} ").status_code == 303
    for path in ("/me/deletion", "/me/data"):
        assert "11月24日" in get_as("rita", path).text
    assert post_as("rita", "/me/deletion", typed=NICKNAME).status_code == 409
    assert post_as("rita", "/me/deletion/undoing").status_code == 303
    assert post_as("rita", "/me/deletion/undoing").status_code == 409
    clock.advance(GRACE + timedelta(days=1))
    jobs.run_due()
    assert cast.rita.nickname == NICKNAME


def test_when_the_time_is_over_she_is_out_and_her_page_says_it_to_everybody(
    get_as: Get, post_as: Get, thread_posted, cast: Cast
) -> None:
    thread_id = thread_posted(
        title="很好认的标题", body="很好认的内容，请@交警支队看一下。", identity="hidden"
    )
    number = case_of(thread_id).number
    assert "很好认" in get_as(None, f"/cases/{number}").text
    post_as("rita", "/me/deletion", typed=NICKNAME)
    clock.advance(GRACE + timedelta(minutes=1))
    jobs.run_due()

    for who in (None, "vera", "otto"):
        page = get_as(who, f"/cases/{number}").text
        assert "作者已注销并删除" in page, who
        assert "很好认" not in page, who
        assert "发帖人已注销账号" in page, who
    verification = get_as(None, f"/cases/{number}/verification")
    assert verification.status_code == 200
    assert "很好认" not in verification.text
    assert 'data-good="false"' not in verification.text
    steps = get_as(None, f"/cases/{number}/verification?format=json").json["steps"]  # type: ignore[index]
    assert all("很好认" not in json.dumps(step, ensure_ascii=False) for step in steps)
    assert get_as("rita", "/me").status_code == 303, "signed out everywhere"
    for path in ("/", "/s/traffic", "/search?q=很好认的标题"):
        assert "很好认的内容" not in get_as(None, path).text, path
        assert 'href="/cases/' + number not in get_as(None, "/search?q=很好认的标题").text


def test_in_english_the_words_that_stand_there_are_english(
    get_as: Get, post_as: Get, thread_posted, client_of
) -> None:
    thread_id = thread_posted(identity="hidden")
    number = case_of(thread_id).number
    with transaction():
        text: Text = case_of(thread_id).thread.body
        text.erase()
        with speaking("en"):
            assert "The author has deleted the account" in text.markup()
        assert "作者已注销并删除" in text.markup()
    assert number


def test_a_new_account_of_the_same_telephone_is_another_one(cast: Cast, post_as: Get) -> None:
    from people.members import join

    with transaction():
        vault.put(cast.rita.owner, "phone", "19900000777", findable=True)
    post_as("rita", "/me/deletion", typed=NICKNAME)
    clock.advance(GRACE + timedelta(minutes=1))
    jobs.run_due()
    with transaction():
        new = join("19900000777")
        assert new.id != cast.ids["rita"]
        assert Consent.of(new) == []


def test_an_open_complaint_is_named_and_holds_the_account(get_as: Get, post_as: Get, cast: Cast) -> None:
    with transaction():
        open_complaints(cast)
    with transaction():
        thread_id = complain(cast.rita).public_id
    page = get_as("rita", "/me/deletion").text
    assert case_of(thread_id).number in page
    assert 'name="typed"' not in page
    assert post_as("rita", "/me/deletion", typed=NICKNAME).status_code == 409
    assert db.session.scalars(select(Deletion)).all() == []


@pytest.mark.parametrize("who", ["otto", "lena", "mona", "adam", "ines"])
def test_staff_cannot_delete_themselves(get_as: Get, post_as: Get, who: str) -> None:
    assert get_as(who, "/me/deletion").status_code == 403
    assert post_as(who, "/me/deletion", typed="").status_code == 403
    assert "/me/deletion" not in get_as(who, "/me/data").text


# --- agreeing ------------------------------------------------------------------------------------------------


def test_the_first_post_notes_what_its_form_says(get_as: Get, post_as: Get, cast: Cast) -> None:
    assert "首次发布即表示您同意" in get_as("rita", "/s/traffic/new").text
    assert post_of(get_as, post_as).status_code == 303
    (row,) = Consent.of(cast.rita)
    assert (row.version, row.place) == (consenting.VERSION, "post")
    assert consenting.VERSION in get_as("rita", "/me/data").text
    assert consenting.VERSION in get_as("rita", "/privacy").text


def test_signing_in_by_telephone_notes_it_once(app, post_as: Get, client_of, get_as: Get) -> None:
    from people.codes import start_code
    from people.members import verify_phone

    for _time in range(2):
        started = start_code("19900000321", "127.0.0.1")
        person = verify_phone("19900000321", started.shown or "", "127.0.0.1")
        clock.advance(timedelta(hours=2))
    assert [row.place for row in Consent.of(person)] == ["sign-in"]


def test_a_new_version_is_asked_before_the_next_post_and_what_was_written_comes_back(
    get_as: Get, post_as: Get, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post_of(get_as, post_as).status_code == 303
    monkeypatch.setattr(consenting, "VERSION", "2027-01-01")
    asked = post_of(get_as, post_as)
    assert asked.status_code == 303
    assert asked.headers["Location"].startswith("/me/consent?next=")
    page = get_as("rita", asked.headers["Location"]).text
    assert "隐私说明有更新" in page
    assert "您写的内容已保留" in page
    assert post_as("rita", "/me/consents", version="2026-11-22").status_code == 422, "that is not what stands"
    agreed = post_as("rita", "/me/consents", version="2027-01-01", next="/carried")
    assert agreed.headers["Location"] == "/carried"
    assert "下雨天会溅水" in get_as("rita", "/carried").text
    assert [row.version for row in Consent.of(cast.rita)] == ["2026-11-22", "2027-01-01"]
    assert post_of(get_as, post_as).headers["Location"].startswith("/received/")


def test_replies_wait_for_it_too_and_present_danger_does_not(
    get_as: Get, post_as: Get, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction():
        thread_id = posted(cast.vera).public_id
        consenting.note(cast.rita, "post")
    monkeypatch.setattr(consenting, "VERSION", "2027-01-01")
    once = fields_of(get_as("rita", f"/cases/{case_of(thread_id).number}").text)["once"]
    asked = post_as("rita", f"/t/{thread_id}/replies", body="我也看到了", once=once)
    assert asked.headers["Location"].startswith("/me/consent")
    once = fields_of(get_as("rita", "/s/110/new").text)["once"]
    sent = post_as(
        "rita", "/s/110/threads", once=once, title="有人持刀砍人", body="他要杀我，救命", identity="hidden",
        similar_seen="1", seen="danger", step="checked",
    )  # fmt: skip
    assert "/me/consent" not in sent.headers.get("Location", "")


def test_reading_taking_along_and_deleting_need_no_new_agreement(
    get_as: Get, post_as: Get, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction():
        consenting.note(cast.rita, "post")
    monkeypatch.setattr(consenting, "VERSION", "2027-01-01")
    for path in ("/", "/mine", "/me/data", "/me/deletion"):
        assert get_as("rita", path).status_code == 200, path
    assert post_as("rita", "/me/exports").status_code == 303
    assert post_as("rita", "/me/deletion", typed=NICKNAME).status_code == 303
