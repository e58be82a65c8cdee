"""The commands, as somebody types them: backup and restore, a city, old threads, keys, and the worker."""

from __future__ import annotations

import csv
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from board import create_app, facts, jobs
from board.clock import now
from board.db import db, transaction
from board.i18n import speaking
from board.settings import KEYS, Settings, SettingsError
from boards import cityload
from boards.models import Case, Thread
from people import vault
from people.models import Person
from tests import forked
from tests.conftest import settings
from tests.domain.test_cityfile import SMALL
from tests.towns import SqliteTown

HOUSE = Path(__file__).resolve().parents[2]


# What `python -m flask` does; how it is really started, `begin` and the tests of its end show.
FLASK = "import sys; from flask.cli import main; sys.argv[0] = 'flask'; main()"


def flask(*words: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi", *words]


def environment(data: Path, **env: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BOARD_", "FLASK_"))}
    return kept | {"BOARD_MODE": "test", "BOARD_DATA": str(data), "PYTHONIOENCODING": "utf-8"} | env


def run(data: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A command as a process of its own; words and environment as somebody would type them."""
    return forked.run(FLASK, *flask(*words)[3:], env=environment(data, **env), timeout=170)


def begin(data: Path, *words: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        flask(*words),
        cwd=HOUSE,
        env=environment(data, **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def value(data: Path, query: str) -> object:
    """One value of the database, read beside the board."""
    connection = sqlite3.connect(data / "board.db", timeout=10)
    try:
        return connection.execute(query).fetchone()[0]
    finally:
        connection.close()


def kill_when(process: subprocess.Popen[str], reached: Callable[[], bool], seconds: float = 60) -> None:
    """Kill -9 `process` the moment `reached()` holds; fails when it ends or hangs before."""
    end = time.monotonic() + seconds
    while not reached():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert process.returncode == -signal.SIGKILL


@pytest.fixture
def board(tmp_path: Path, sqlite_town: SqliteTown) -> Path:
    """The data folder of a board with the small city, as processes of their own find it."""
    data = tmp_path / "data"
    data.mkdir()
    sqlite_town.settle(data)
    connection = sqlite3.connect(data / "board.db")
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    connection.execute("INSERT INTO alembic_version VALUES ('test')")
    connection.commit()
    connection.close()
    return data


# --- backup and restore --------------------------------------------------------------------------------


@pytest.fixture
def writing(app: Flask) -> Iterator[list[int]]:
    """Somebody writes all the time: two facts that are always equal. Gives how often it was done."""
    with transaction() as session:
        session.execute(
            db.text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)")
        )
        session.execute(db.text("INSERT INTO alembic_version VALUES ('test')"))
    done, stop = [0], threading.Event()

    def write() -> None:
        with app.app_context():
            while not stop.is_set():
                with transaction():
                    facts.put({"left": done[0]})
                    facts.put({"right": done[0]})
                done[0] += 1
            db.session.remove()

    thread = threading.Thread(target=write)
    thread.start()
    yield done
    stop.set()
    thread.join()


def test_a_backup_taken_while_somebody_writes_is_one_whole_moment(app, writing, tmp_path: Path):
    runner = app.test_cli_runner()
    for number in range(4):
        before = writing[0]
        kept = tmp_path / f"kept-{number}.db"

        answer = runner.invoke(args=["backup", str(kept)])

        assert answer.exit_code == 0, answer.output
        connection = sqlite3.connect(kept)
        sides = dict(connection.execute("SELECT key, value FROM fact WHERE key IN ('left', 'right')"))
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        assert sides == {} or sides["left"] == sides["right"]
        moved = time.monotonic() + 10
        while writing[0] <= before and time.monotonic() < moved:
            time.sleep(0.01)
        assert writing[0] > before, "writing stood still"
    assert not list(tmp_path.glob("*.part"))


def test_a_restore_beside_the_log_of_a_killed_board_brings_the_backup_and_keeps_what_the_log_held(
    board: Path,
):
    kept = board.parent / "kept.db"
    assert run(board, "backup", str(kept)).returncode == 0
    # A writer that dies before its log was merged into the file.
    dying = (
        "import os, sqlite3; c = sqlite3.connect('board.db'); c.execute('PRAGMA journal_mode=WAL');"
        "c.execute('PRAGMA wal_autocheckpoint=0');"
        "c.execute(\"INSERT INTO fact VALUES ('late', '1')\"); c.commit(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", dying], cwd=board, check=False)
    assert (board / "board.db-wal").stat().st_size > 0

    answer = run(board, "restore", str(kept), "--yes")

    assert answer.returncode == 0, answer.stderr
    assert value(board, "SELECT count(*) FROM fact WHERE key = 'late'") == 0
    assert value(board, "PRAGMA integrity_check") == "ok"
    aside = next(board.glob("board.db.before-*"))
    connection = sqlite3.connect(aside)
    assert connection.execute("SELECT count(*) FROM fact WHERE key = 'late'").fetchone() == (1,)
    connection.close()


def test_a_restore_asks_first_and_a_no_changes_nothing(board: Path):
    kept = board.parent / "kept.db"
    assert run(board, "backup", str(kept)).returncode == 0
    before = (board / "board.db").read_bytes()

    answer = subprocess.run(
        flask("restore", str(kept)),
        cwd=HOUSE, env=environment(board), input="n\n", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert answer.returncode == 1
    assert (board / "board.db").read_bytes() == before
    assert not list(board.glob("board.db.before-*"))


def test_a_backup_where_nobody_can_write_says_so_and_leaves_nothing(board: Path):
    answer = run(board, "backup", str(board / "no such folder" / "kept.db"))

    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "备份没有写成" in answer.stderr


@pytest.mark.parametrize(
    ("language", "taken", "done", "nobody"),
    [
        ("zh", "已经存在，请换一个文件名", "项任务已完成", "没有叫“nobody”的人"),
        ("en", "is there already; name a new file", "jobs? done", "Nobody is called “nobody”"),
    ],
)
def test_the_commands_speak_the_language_of_whoever_reads(
    app, cast, tmp_path: Path, language: str, taken: str, done: str, nobody: str
):
    kept = tmp_path / "kept.db"
    kept.touch()
    runner = app.test_cli_runner()

    with speaking(language):
        backup = runner.invoke(args=["backup", str(kept)])
        worker = runner.invoke(args=["worker", "--once"])
        person = runner.invoke(args=["people", "sign-out", "nobody"])

    assert taken in backup.output
    assert re.search(done, worker.output)
    assert nobody in person.output


# --- a city --------------------------------------------------------------------------------------------


TABLES = (
    "department",
    "section",
    "person",
    "appointment",
    "shift",
    "thread",
    "case_event",
    "fact",
    "stock_phrase",
)


def counts(data: Path) -> dict[str, object]:
    return {table: value(data, f"SELECT count(*) FROM {table}") for table in TABLES}


@pytest.fixture
def empty_board(tmp_path: Path) -> Path:
    """A board without a city, and the small city's file beside it."""
    data = tmp_path / "data"
    app = create_app(settings(data))
    with app.app_context():
        db.create_all()
        db.engine.dispose()
    (tmp_path / "city.toml").write_text(SMALL, encoding="utf-8")
    return data


def test_a_city_that_is_loaded_twice_hangs_there_once(empty_board: Path):
    file = str(empty_board.parent / "city.toml")
    load = create_app(settings(empty_board)).test_cli_runner().invoke
    first = load(args=["city", "load", file])
    assert first.exit_code == 0, first.output
    once = counts(empty_board)
    assert once["thread"]

    again = load(args=["city", "load", file])
    third = load(args=["city", "load", "--if-empty", file])

    assert (again.exit_code, third.exit_code) == (0, 0), again.output + third.output
    assert counts(empty_board) == once


@pytest.mark.slow
def test_a_load_that_was_killed_is_finished_by_the_next_one(empty_board: Path):
    thread = SMALL[SMALL.index("[[thread]]") :]
    many = SMALL + "".join(
        thread.replace('key = "signal"', f'key = "signal-{number}"') for number in range(40)
    )
    file = empty_board.parent / "city.toml"
    file.write_text(many, encoding="utf-8")

    process = begin(empty_board, "city", "load", str(file))
    kill_when(process, lambda: value(empty_board, "SELECT count(*) FROM case_event") >= 60)  # type: ignore[operator]
    between = value(empty_board, "SELECT count(*) FROM case_event")
    answer = run(empty_board, "city", "load", "--if-empty", str(file))

    assert answer.returncode == 0, answer.stderr
    assert value(empty_board, "SELECT count(*) FROM thread") == 41
    for kind in ("posted", "accepted", "assist_answered", "resolved", "rated"):
        assert value(empty_board, f"SELECT count(*) FROM case_event WHERE kind LIKE '%.{kind}'") == 41, kind
    assert value(empty_board, "SELECT count(*) FROM case_event") > between  # type: ignore[operator]
    third = run(empty_board, "city", "load", "--if-empty", str(file))
    assert third.returncode == 0
    assert value(empty_board, "SELECT count(*) FROM thread") == 41


@pytest.mark.parametrize(
    ("department", "says"),
    [("nonsense", "nonsense"), ("command-centre", "指挥中心"), ("municipal", "换一个单位")],
)
def test_a_department_that_cannot_be_given_cases_is_told_in_a_sentence(
    empty_board: Path, department: str, says: str
):
    file = str(empty_board.parent / "city.toml")
    invoke = create_app(settings(empty_board)).test_cli_runner().invoke
    answer = invoke(args=["city", "load", file, "--busy", department])

    assert answer.exit_code == 1
    assert isinstance(answer.exception, SystemExit), answer.exception
    assert says in answer.output.splitlines()[-1]
    assert value(empty_board, "SELECT count(*) FROM thread WHERE source LIKE 'busy:%'") == 0


def test_a_department_is_given_its_cases_once(empty_board: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cityload, "busy", partial(cityload.busy, new=3, working=4))
    file = str(empty_board.parent / "city.toml")
    invoke = create_app(settings(empty_board)).test_cli_runner().invoke
    for _turn in range(2):
        answer = invoke(args=["city", "load", file, "--busy"])
        assert answer.exit_code == 0, answer.output
        assert value(empty_board, "SELECT count(*) FROM thread WHERE source LIKE 'busy:%'") == 7


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"format = 1\n[[department]]\nkey = 3", None])
def test_a_city_file_with_mistakes_loads_nothing_and_is_explained(empty_board: Path, content: bytes | None):
    file = empty_board.parent / "wrong.toml"
    if content is not None:
        file.write_bytes(content)

    invoke = create_app(settings(empty_board)).test_cli_runner().invoke
    loaded, checked = (invoke(args=["city", verb, str(file)]) for verb in ("load", "check"))

    assert (loaded.exit_code, checked.exit_code) == (1, 1)
    assert isinstance(loaded.exception, SystemExit)
    assert isinstance(checked.exception, SystemExit)
    assert "wrong.toml:" in checked.output
    assert value(empty_board, "SELECT count(*) FROM department") == 0


# --- old threads ---------------------------------------------------------------------------------------


HEADER = ["id", "user", "title", "posted_at", "body", "reply", "replied_at"]
ROWS = [
    [
        "1",
        "A001",
        "\t　路灯不亮　\t",
        "2019-03-01 08:05:00",
        "\r\n\t\t　　东门路灯坏了。\n\n请派人来修。\t",
        "",
        "",
    ],
    [
        "2",
        "A001",
        "红绿灯太短",
        "2019/3/2 8:05",
        "老人走不过去。",
        "　　已调整为 40 秒。",
        "2019/3/5 16:20:10",
    ],
    ["3", "A002", "请给我回电话", "2019-03-03 09:00:00", "我的手机 13900001111，车牌云A12345。", "", ""],
]


def write_csv(
    file: Path, rows: list[list[str]], *, header: list[str] | None = None, mark: bytes = b""
) -> Path:
    with file.open("wb") as raw:
        raw.write(mark)
    with file.open("a", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER if header is None else header)
        writer.writerows(rows)
    return file


@pytest.fixture
def bring_in(app: Flask, cast, tmp_path: Path) -> Callable[..., str]:
    """Import rows into `traffic`; gives what the command said."""

    def bring(rows: list[list[str]], *words: str, code: int = 0, mark: bytes = b"\xef\xbb\xbf") -> str:
        file = write_csv(tmp_path / "old.csv", rows, mark=mark)
        answer = app.test_cli_runner().invoke(
            args=["import", "threads", str(file), "--section", "traffic", *words]
        )
        assert answer.exit_code == code, answer.output
        return answer.output

    return bring


def reasons(tmp_path: Path) -> dict[str, str]:
    """What the report says of each row that was not taken, by id."""
    with (tmp_path / "old-not-taken.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["reason"] for row in csv.DictReader(file)}


def titles() -> list[str]:
    return list(db.session.scalars(select(Thread.title).order_by(Thread.posted_at)))


def test_rows_with_a_byte_order_mark_tabs_and_wide_spaces_come_in_clean(bring_in):
    bring_in(ROWS)

    assert titles() == ["路灯不亮", "红绿灯太短", "请给我回电话"]
    first = db.session.scalars(select(Thread).order_by(Thread.posted_at)).first()
    assert first is not None
    assert first.body.public == "东门路灯坏了。\n\n请派人来修。"
    assert first.posted_at.isoformat() == "2019-03-01T00:05:00+00:00", "times are those of the city's clocks"


def test_an_answered_row_is_an_archived_case_and_an_unanswered_one_owes_nothing(bring_in):
    bring_in(ROWS)

    cases = list(db.session.scalars(select(Case)))
    assert [(case.thread.title, case.status, case.rated_solved) for case in cases] == [
        ("红绿灯太短", "closed", None)
    ]
    assert [row.kind for row in db.session.scalars(select(jobs.Job)) if "overdue" in row.kind] == []


def test_what_comes_in_is_masked_like_any_post_and_its_writer_has_a_name_of_the_boards_own(bring_in):
    bring_in(ROWS)

    private = db.session.scalar(select(Thread).where(Thread.title == "请给我回电话"))
    assert private is not None
    assert private.poster is not None
    assert "13900001111" not in private.body.public + private.body.html
    assert "A12345" not in private.body.public + private.body.html
    assert "13900001111" in private.body.original()
    assert "A002" not in (private.poster.nickname or "")
    assert vault.lookup("import_user", "A002") == private.poster.owner


def test_the_same_writer_is_one_person_and_the_same_file_twice_changes_nothing(bring_in):
    members = select(func.count()).select_from(Person).where(Person.kind == "member")
    before = db.session.scalar(members) or 0
    bring_in(ROWS)
    assert db.session.scalar(members) == before + 2

    bring_in([*ROWS, ["4", "A003", "新的一条", "2019-03-04 10:00:00", "后来加的。", "", ""]])

    assert titles() == ["路灯不亮", "红绿灯太短", "请给我回电话", "新的一条"]
    assert db.session.scalar(members) == before + 3


def test_every_row_is_in_or_in_the_report_with_its_reason(bring_in, tmp_path: Path):
    wrong = [
        ["11", "A", "没有日期", "", "正文", "", ""],
        ["12", "A", "不是日期", "昨天", "正文", "", ""],
        ["13", "A", "不存在的日子", "2019-02-30 10:00:00", "正文", "", ""],
        ["14", "A", "还没到", "2999-01-01 00:00:00", "正文", "", ""],
        ["15", "A", " 　\u200b", "2019-03-01 08:05:00", "没有标题", "", ""],
        ["16", "A", "没有正文", "2019-03-01 08:05:00", "\t　\r\n", "", ""],
        ["17", "A", "题" * 81, "2019-03-01 08:05:00", "标题太长", "", ""],
        ["18", "A", "正文太长", "2019-03-01 08:05:00", "字" * 100_000, "", ""],
        ["19", "A", "巨大的一行", "2019-03-01 08:05:00", "字" * 1_500_000, "", ""],
        ["20", "A", "答复太早", "2019-03-01 08:05:00", "正文", "答复", "2018-03-01 08:05:00"],
        ["21", "A", "答复没有日期", "2019-03-01 08:05:00", "正文", "答复", ""],
        ["", "A", "没有编号", "2019-03-01 08:05:00", "正文", "", ""],
        ["x" * 41, "A", "编号太长", "2019-03-01 08:05:00", "正文", "", ""],
        ["22"],
    ]

    bring_in(wrong + ROWS)

    assert titles() == ["路灯不亮", "红绿灯太短", "请给我回电话"]
    told = reasons(tmp_path)
    assert set(told) == {row[0] for row in wrong}
    assert all(told.values())
    assert "5000" in told["19"].replace(",", "")


OTHERS = [
    ["1", "A009", "同一个编号", "2019-03-09 10:00:00", "另一段话。", "", ""],
    [*ROWS[0][:5], "后来有了答复。", "2019-03-05 16:20:10"],
]


@pytest.mark.parametrize("other", OTHERS, ids=["other words", "answered since"])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_second_row_with_an_id_already_taken_does_not_hang_twice_and_stands_in_the_report(
    bring_in, tmp_path: Path, other: list[str], at_once: bool
):
    if not at_once:
        bring_in(ROWS)
    said = bring_in([*ROWS, ROWS[0], other, ROWS[1]])

    assert titles() == ["路灯不亮", "红绿灯太短", "请给我回电话"]
    assert reasons(tmp_path) == {"1": "这个编号以前收过别的内容，没有改动"}
    assert f"新收 {3 if at_once else 0}，已有 {2 if at_once else 5}，没收 1" in said


def test_what_its_writer_changed_since_is_no_other_row(bring_in, tmp_path: Path):
    bring_in(ROWS)
    with transaction():
        thread = db.session.scalars(select(Thread).order_by(Thread.posted_at)).first()
        assert thread is not None
        thread.body.put("我改过了。")
        thread.body.edited_at = now()
    bring_in(ROWS)
    assert not (tmp_path / "old-not-taken.csv").exists()


def test_a_dry_run_says_the_same_and_writes_nothing(bring_in, tmp_path: Path):
    wrong = ["9", "A", "没有日期", "", "正文", "", ""]

    bring_in([*ROWS, wrong], "--dry-run")

    assert titles() == []
    assert set(reasons(tmp_path)) == {"9"}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"id,user,title\n1,A,x\n", "posted_at, body"),
        (b"", "id, user, title, posted_at, body"),
        ("id,user,title,posted_at,body\n1,甲,标题,2019-03-01 08:05:00,正文\n".encode("gb18030"), "UTF-8"),
        (None, "old.csv"),
    ],
    ids=["columns missing", "empty", "not UTF-8", "no file"],
)
def test_a_file_that_cannot_be_read_is_refused_whole_in_one_sentence(
    app, cast, tmp_path: Path, content, named
):
    file = tmp_path / "old.csv"
    if content is not None:
        file.write_bytes(content)

    answer = app.test_cli_runner().invoke(args=["import", "threads", str(file), "--section", "traffic"])

    assert answer.exit_code == 1
    assert named in answer.output
    assert answer.exception is None or isinstance(answer.exception, SystemExit)
    assert titles() == []


@pytest.mark.parametrize("section", ["no-such-section", "complaints"])
def test_old_threads_come_into_no_section_that_is_missing_or_not_everybodys(
    app, cast, tmp_path: Path, section: str
):
    file = write_csv(tmp_path / "old.csv", ROWS)

    answer = app.test_cli_runner().invoke(args=["import", "threads", str(file), "--section", section])

    assert answer.exit_code == 1
    assert section in answer.output
    assert titles() == []


@pytest.mark.slow
def test_an_import_killed_in_the_middle_is_finished_by_the_next_one_and_nothing_hangs_twice(board: Path):
    rows = [
        [
            str(number),
            f"A{number % 50}",
            f"第 {number} 条",
            "2019-03-01 08:05:00",
            f"正文 {number}",
            "答复",
            "2019-03-02",
        ]
        for number in range(400)
    ]
    file = str(write_csv(board.parent / "old.csv", rows))

    process = begin(board, "import", "threads", file, "--section", "traffic")
    kill_when(process, lambda: value(board, "SELECT count(*) FROM thread") >= 30)  # type: ignore[operator]
    between = value(board, "SELECT count(*) FROM thread")
    answer = run(board, "import", "threads", file, "--section", "traffic")

    assert answer.returncode == 0, answer.stderr
    assert isinstance(between, int)
    assert between < 400
    assert value(board, "SELECT count(*) FROM thread") == 400
    assert value(board, "SELECT count(*) FROM \"case\" WHERE status = 'closed'") == 400
    assert value(board, "SELECT count(DISTINCT source) FROM thread") == 400


# --- keys and production -------------------------------------------------------------------------------


def test_production_does_not_start_without_keys_of_its_own_and_says_which(tmp_path: Path):
    answer = run(tmp_path, "board", "failed-jobs", BOARD_MODE="")

    assert answer.returncode != 0
    for name in KEYS:
        assert name in answer.stdout + answer.stderr
    assert not (tmp_path / "keys.json").exists(), "production makes no keys by itself"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("BOARD_SECRET_KEY", "secret"),
        ("BOARD_LOOKUP_KEY", "changeme"),
        ("BOARD_VAULT_KEYS", "not a key"),
        ("BOARD_VAULT_KEYS", ""),
    ],
)
def test_production_refuses_a_key_that_is_too_short_or_none(tmp_path: Path, name: str, wrong: str):
    keys = made_keys(tmp_path)

    with pytest.raises(SettingsError, match=name):
        Settings.from_env({"BOARD_DATA": str(tmp_path), **keys, name: wrong})


def made_keys(folder: Path) -> dict[str, str]:
    answer = run(folder, "board", "make-keys")
    assert answer.returncode == 0, answer.stderr
    return dict(line.split("=", 1) for line in answer.stdout.split())


def test_keys_that_were_made_open_a_production_board_and_no_two_sets_are_alike(tmp_path: Path):
    first, second = made_keys(tmp_path), made_keys(tmp_path)

    assert set(first) == {*KEYS, "BOARD_VAPID_KEY"}
    assert not set(first.values()) & set(second.values())
    env = {"BOARD_DATA": str(tmp_path / "board"), "BOARD_PUBLIC_URL": "https://24.example.gov.cn", **first}
    app = create_app(Settings.from_env(env))
    assert app.config["SETTINGS"].mode == "production"
    assert not app.config["SETTINGS"].demo


# --- the worker ----------------------------------------------------------------------------------------


def test_the_worker_does_what_is_due_once_and_goes_home(board: Path):
    first = run(board, "worker", "--once")
    assert first.returncode == 0, first.stderr
    assert value(board, "SELECT count(*) FROM job WHERE kind = 'upkeep' AND done_at IS NOT NULL") == 1

    # After the last thing it did it looked once more. On a busy machine it goes home long after that.
    ended = value(board, "SELECT max(done_at) FROM job")
    second = run(board, "worker", "--once")

    assert second.returncode == 0
    assert re.match(r"\d+ ", second.stdout)
    # What comes again and again may have fallen due since, and nothing else.
    again = f"SELECT count(*) FROM job WHERE done_at > '{ended}' AND due_at <= '{ended}'"
    assert value(board, again) == 0
    assert value(board, "SELECT max(attempts) FROM job WHERE kind = 'upkeep'") == 1


def test_a_job_that_nobody_knows_how_to_do_keeps_no_other_from_being_done(board: Path):
    connection = sqlite3.connect(board / "board.db")
    connection.execute(
        "INSERT INTO job (key, kind, ids, due_at, attempts, created_at)"
        " VALUES ('odd', 'no such kind', '{}', '2020-01-01 00:00:00', 0, '2020-01-01 00:00:00')"
    )
    connection.commit()
    connection.close()

    answer = run(board, "worker", "--once")

    assert answer.returncode == 0, answer.stderr
    assert value(board, "SELECT count(*) FROM job WHERE kind = 'upkeep' AND done_at IS NOT NULL") == 1
    assert value(board, "SELECT done_at IS NULL AND last_error IS NOT NULL FROM job WHERE key = 'odd'") == 1


def test_a_worker_that_is_told_to_stop_ends_by_itself(board: Path):
    process = begin(board, "worker")
    try:
        end = time.monotonic() + 30
        while value(board, "SELECT count(*) FROM job WHERE done_at IS NOT NULL") == 0:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
