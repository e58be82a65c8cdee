"""How long things are kept: the closed table, what the night removes, what is only counted, and what is published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from board import clock, jobs, retention, roots
from board.clock import now
from board.db import db, transaction
from board.live import StreamEntry, append
from board.once import Once, use
from board.settings import Settings, SettingsError
from boards.models import Text, TextPrint
from notifications.models import AccountNotice, Delivery, Unread, queue
from notifications.models.delivery import Purpose
from people import news, vault
from people.models import Attempt, OneTimeCode, SignIn
from tests.builders import Cast, case_of, posted
from tests.conftest import settings

both = pytest.mark.engines("sqlite", "postgres")
SECRET = "请打 13912345678，QCOVERED 谢谢。"


def removed() -> dict[str, int]:
    """What the night removes, without the kinds of which there was nothing."""
    return {line.name: count for line, count in retention.apply_all() if count}


def test_every_line_of_the_table_is_carried_out_by_somebody(app: Flask) -> None:
    assert retention.complete() == []
    assert {"accounts"} == retention.ON_DEMAND
    with pytest.raises(KeyError):
        retention.removes("anything")


def test_every_choice_has_sane_limits_around_what_stands_without_it() -> None:
    for line in retention.TABLE:
        if line.choice:
            assert 0 < line.least <= line.days <= line.most <= 3650, line.name


@both
def test_the_night_removes_what_is_over_and_nothing_younger(cast: Cast) -> None:
    def fill() -> None:
        with transaction() as session:
            SignIn.begin(cast.rita)[0].revoke()
            session.add(Attempt(lookup="x", at=now()))
            use(f"token {now()}", "/")
            append(cast.rita.stream, kind="changed", at=str(now()))
            news.tell("account.export_ready", cast.rita)
            made = queue(cast.rita, "mail", key=f"mail {now()}", purpose=Purpose.DIGEST)
            assert made is not None
            made.sent_at = now()

    fill()
    assert removed() == {}
    clock.advance(timedelta(days=200))
    fill()
    dry = {line.name: count for line, count in retention.apply_all(dry_run=True) if count}
    gone = removed()

    assert gone == dry
    assert {name: gone[name] for name in ("sign_ins", "attempts", "once", "notices", "deliveries")} == {
        "sign_ins": 1, "attempts": 1, "once": 1, "notices": 1, "deliveries": 1,
    }  # fmt: skip
    assert gone["live"] >= 1
    for model in (SignIn, Attempt, Once, AccountNotice, Delivery):
        assert len(db.session.scalars(select(model)).all()) == 1, model
    assert all(entry.created_at == now() for entry in db.session.scalars(select(StreamEntry)))
    assert retention.counts(clock.today().replace(day=1))["attempts"] == 1
    assert db.session.get_one(Unread, cast.ids["rita"]).count == 1, "what is gone is not unread"


@both
def test_deliveries_of_calls_and_those_still_on_their_way_stay(cast: Cast) -> None:
    with transaction():
        call = queue(cast.otto, "mail", key="call", purpose=Purpose.PAGE)
        waits = queue(cast.rita, "mail", key="waits", purpose=Purpose.DIGEST)
        assert call is not None
        assert waits is not None
        call.sent_at = now()
    clock.advance(timedelta(days=400))
    assert retention.apply("deliveries") == 0


@both
def test_an_original_goes_a_year_after_its_case_was_closed_and_its_cover_stays(cast: Cast) -> None:
    with transaction():
        thread = posted(cast.rita, title="路口", body=SECRET)
        thread_id = thread.public_id
        other = posted(cast.rita, title="还没办完", body=SECRET).public_id
    with transaction():
        thread = case_of(thread_id).thread
        thread.cover(by=cast.rita, text=thread.body, spans=[(16, 24)])
        covered = thread.body.public
    with transaction():
        case_of(thread_id).withdraw(by=cast.rita)
    clock.advance(timedelta(days=364))
    assert retention.apply("originals") == 0
    clock.advance(timedelta(days=2))
    assert retention.apply("originals", dry_run=True) == 1
    assert case_of(thread_id).thread.body.original() != covered
    assert retention.apply("originals") == 1

    body = case_of(thread_id).thread.body
    assert body.public == body.original() == covered
    assert "13912345678" not in covered
    assert vault.get(body.owner, "original") is None
    assert case_of(other).thread.body.original() == SECRET
    with transaction():
        thread = case_of(thread_id).thread
        thread.cover(by=cast.rita, text=thread.body, spans=[(0, 2)])
        assert thread.body.public == "███" + covered[2:], "what was covered stays covered where it was"
    assert retention.apply("originals") == 0


def test_more_rows_than_fit_into_one_transaction_go_too(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 7)
    with transaction() as session:
        session.add_all([Attempt(lookup="x", at=now()) for _each in range(20)])
    clock.advance(timedelta(days=3))
    assert retention.apply("attempts") == 20
    assert retention.counts(date(2026, 11, 1))["attempts"] == 20


def test_codes_take_along_what_the_vault_holds_of_them(app: Flask) -> None:
    from people.codes import start_code

    start_code("19900000123", "127.0.0.1")
    owner = f"code:{db.session.scalars(select(OneTimeCode)).one().public_id}"
    clock.advance(timedelta(days=3))
    assert retention.apply("codes") == 1
    assert vault.get(owner, "code") is vault.get(owner, "phone") is None


def test_the_worker_does_it_every_night(app: Flask) -> None:
    from board.cli import promise_upkeep

    with transaction() as session:
        session.add(Attempt(lookup="x", at=now()))
        session.add(TextPrint(text_id=_text(), thread_id=_thread(), print=1, at=now()))
    promise_upkeep()
    jobs.run_due(kinds=("upkeep",))
    clock.advance(timedelta(days=3))
    jobs.run_due(kinds=("upkeep",))
    assert db.session.scalars(select(Attempt)).all() == []
    assert db.session.scalars(select(TextPrint)).all() == []


def _text() -> int:
    text = Text.write("body", "一句话", by=None, field="body")
    db.session.flush()
    return text.id


def _thread() -> int:
    from people.models import Person

    rita = db.session.scalars(select(Person).where(Person.kind == "member")).first()
    assert rita is not None
    return posted(rita).id


# --- choosing ------------------------------------------------------------------------------------------------


def test_an_installation_chooses_within_limits(app: Flask, tmp_path) -> None:
    from board import create_app

    chosen = create_app(settings(tmp_path / "chosen", BOARD_KEEP="sign_ins=60 originals=730"))
    with chosen.app_context():
        assert retention.kept_for("sign_ins") == timedelta(days=60)
        assert retention.kept_for("originals") == timedelta(days=730)
        assert retention.kept_for("exports") == timedelta(days=7)


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        ("originals=30", "90 to 3650"),
        ("exports=90", "1 to 30"),
        ("codes=30", "no choice for “codes”"),
        ("posts=1", "no choice for “posts”"),
        ("sign_ins", "sign_ins=60"),
        ("sign_ins=-5", "sign_ins=60"),
        ("sign_ins=ten", "sign_ins=60"),
    ],
)
def test_a_wrong_choice_is_refused_at_the_start(app: Flask, tmp_path, keep: str, said: str) -> None:
    from board import create_app

    with pytest.raises(SettingsError, match="BOARD_KEEP") as refused:
        create_app(Settings.from_env({"BOARD_MODE": "test", "BOARD_DATA": str(tmp_path), "BOARD_KEEP": keep}))
    assert said in str(refused.value)


# --- what everybody reads --------------------------------------------------------------------------------------


def test_whole_months_are_published_and_no_figure_below_ten(app: Flask) -> None:
    with transaction():
        retention.noted("attempts", 41)
        retention.noted("exports", 9)
        retention.noted("sign_ins", 10)
    assert roots.removed() == [], "this month is not over"
    clock.advance(timedelta(days=20))

    (month,) = roots.removed()
    assert month.name == "2026-11"
    assert (month.totals["attempts"], month.totals["sign_ins"], month.totals["exports"]) == (41, 10, None)
    assert month.totals["accounts"] is None, "none and nine read alike"


def test_the_page_promises_what_the_night_does(get_as: Callable[..., object], app: Flask) -> None:
    page = get_as(None, "/privacy").text  # type: ignore[attr-defined]
    for what, how_long, why in retention.rules():
        assert what in page
        assert how_long in page
        assert why in page


def test_the_dry_run_says_what_would_go_and_removes_nothing(app: Flask) -> None:
    with transaction() as session:
        session.add_all([Attempt(lookup="x", at=now()) for _each in range(3)])
    clock.advance(timedelta(days=3))
    runner = app.test_cli_runner()

    told = runner.invoke(args=["retention", "--dry-run"]).output
    assert [line.split()[:2] for line in told.splitlines() if "attempts" in line] == [["3", "attempts"]]
    assert len(db.session.scalars(select(Attempt)).all()) == 3
    assert len(told.splitlines()) == len(retention.TABLE)
    runner.invoke(args=["retention"])
    db.session.rollback()
    assert db.session.scalars(select(Attempt)).all() == []
