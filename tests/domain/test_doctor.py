"""What the doctor sees: each fault alone, in one sentence with what to do, and a sound board without any."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import text, update

from board import clock, doctor, files, jobs, livecheck
from board.db import db, transaction
from board.i18n import speaking


def wrong() -> dict[str, str]:
    """The findings that are not well, in English."""
    with speaking("en"):
        found = [each for each in doctor.examine() if not each.well]
    assert all(each.says and each.todo for each in found)
    return {each.name: each.says for each in found}


@pytest.fixture
def at_head(app):
    """The tables of this test are made without migrations: say that they are the newest."""
    from alembic.script import ScriptDirectory

    (head,) = ScriptDirectory("migrations").get_heads()
    with transaction() as session:
        session.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32))"))
        session.execute(text("DELETE FROM alembic_version"))
        session.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": head})


@pytest.fixture
def well(app, at_head):
    """A board in which nothing is wrong: the frozen clock is nobody's fault here, nor the index that nobody made."""
    clock_check = doctor._checks.pop("clock")
    search_check = doctor._checks.pop("search")
    yield
    doctor._checks["clock"], doctor._checks["search"] = clock_check, search_check


def test_a_sound_board_has_no_faults(well):
    assert wrong() == {}


def test_tables_of_another_version_are_told(well):
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert "0001" in wrong()["Tables"]


def test_without_its_tables_a_board_says_only_that(well, monkeypatch):
    with transaction() as session:
        session.execute(text("DROP TABLE job"))
        session.execute(text("DELETE FROM alembic_version"))
    assert list(wrong()) == ["Tables"]


def test_a_redis_that_does_not_answer_is_told(well, app, monkeypatch):
    monkeypatch.setitem(
        app.config, "SETTINGS", replace(app.config["SETTINGS"], redis_url="redis://127.0.0.1:1/0")
    )
    assert "does not answer" in wrong()["Redis"]


def test_a_full_disk_is_told_before_it_is_full(well, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10_000_000))
    assert "10 MB" in wrong()["Disk"]


def test_a_folder_that_cannot_be_written_is_told(well, app, monkeypatch):
    (app.config["SETTINGS"].data / "blocked").write_text("a file where a folder should be")
    monkeypatch.setattr(files, "store", lambda: files.FolderStore(app.config["SETTINGS"].data / "blocked"))
    assert "cannot be stored" in wrong()["Files"]


def test_work_that_nobody_does_is_told(well, cast):
    with transaction():
        jobs.put("doctor", key="doctor:test", nonce="x")
    assert wrong() == {}
    clock.advance(timedelta(minutes=5))
    assert "5 minutes" in wrong()["Jobs"]


def test_given_up_work_is_told(well, cast):
    with transaction():
        jobs.put("doctor", key="doctor:test", nonce="x")
    with transaction() as session:
        session.execute(update(jobs.Job).values(failed_at=clock.now()))
    assert "given up" in wrong()["Jobs"]


def test_a_clock_that_is_off_is_told(app, at_head):
    clock.advance(timedelta(days=400))  # the frozen clock of the program against that of the database
    assert "apart" in wrong()["Clock"]


def test_a_check_that_breaks_is_a_finding(well, monkeypatch):
    def broken() -> doctor.Finding:
        raise RuntimeError("out of order")

    monkeypatch.setitem(doctor._checks, "disk", broken)
    assert any("RuntimeError" in says for says in wrong().values())


def test_a_worker_is_seen_at_work_and_missed_when_there_is_none(app, cast):
    with speaking("en"):
        assert not doctor.worker(within=0.2).well
        assert db.session.query(jobs.Job).filter(jobs.Job.kind == "doctor").count() == 0


def test_a_pass_opens_one_room_and_only_for_a_minute(app, monkeypatch):
    given = livecheck._signer().dumps("abc")
    assert livecheck.room_of({"check": given}) == "check:abc"
    for junk in (
        None,
        {},
        "x",
        {"check": None},
        {"check": given + "x"},
        {"check": "x" * 5000},
        {"other": given},
    ):
        assert livecheck.room_of(junk) is None
    monkeypatch.setattr(livecheck, "LASTS", -1)
    assert livecheck.room_of({"check": given}) is None
