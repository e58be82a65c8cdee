"""What a machine must not do to the data: refused at start, each time with what to do instead."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from board import clock, leases, machines
from board.clock import now
from board.db import db, transaction
from board.machines import Machine, file_system, this_machine
from board.settings import SettingsError
from tests.builders import Cast
from tests.conftest import settings
from tests.domain.conftest import at_once
from tests.servers import Program, free_port, wait_for

City = tuple[Flask, Cast]
ROOT = Path(__file__).resolve().parents[2]
POSTGRES = "postgresql://nobody@127.0.0.1:1/none"  # only read, never reached

MOUNTS = """\
/dev/vda1 / ext4 rw 0 0
proc /proc proc rw 0 0
10.0.0.5:/export /srv/station nfs4 rw 0 0
//nas/city /mnt/my\\040share cifs rw 0 0
/dev/vdb1 /srv/station/local ext4 rw 0 0
share /mnt/host 9p rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/board", "ext4"),
        ("/srv/station", "nfs4"),
        ("/srv/station/data", "nfs4"),
        ("/srv/stationery", "ext4"),
        ("/srv/station/local/data", "ext4"),
        ("/mnt/my share/board", "cifs"),
        ("/mnt/host/board", "9p"),
    ],
)
def test_a_folder_is_looked_up_under_the_nearest_mount(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


def test_a_database_file_on_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machines, "file_system", lambda path, mounts: "nfs4")
    with pytest.raises(SettingsError, match=r"network file system \(nfs4\).*BOARD_DATABASE_URL"):
        machines.check(settings(tmp_path))
    machines.check(settings(tmp_path, BOARD_DATABASE_URL=POSTGRES))


def test_a_live_board_of_another_machine_on_the_same_database_is_refused(app: Flask, tmp_path: Path) -> None:
    def seen(host: str, ago: timedelta, machine: str = "0123456789abcdef") -> None:
        with transaction() as session:
            session.merge(Machine(id=machine, host=host, seen_at=now() - ago))

    seen("old-pc", timedelta(minutes=5))
    seen(socket.gethostname(), timedelta(0), this_machine())
    machines.check(settings(tmp_path))

    seen("front-desk", timedelta(seconds=20))
    with pytest.raises(SettingsError, match=r"front-desk.*seen 20 s ago.*Stop it there"):
        machines.check(settings(tmp_path))
    clock.advance(machines.ALIVE)
    machines.check(settings(tmp_path))


def test_a_worker_shows_that_its_machine_is_alive_and_takes_the_sign_away_when_it_stops(city: City) -> None:
    application, _cast = city
    stop = threading.Event()
    beating = threading.Thread(target=machines.beat_until, args=(stop, application))

    def rows() -> list[tuple[str, str]]:
        db.session.rollback()
        return [(each.id, each.host) for each in db.session.scalars(db.select(Machine))]

    beating.start()
    for _ in range(200):
        if rows():
            break
        stop.wait(0.02)
    assert rows() == [(this_machine(), socket.gethostname())]
    stop.set()
    beating.join(20)
    assert rows() == []


def start(folder: Path, code: str, *, path: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOARD_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**kept, "BOARD_MODE": "test", "BOARD_DATA": str(folder), "PYTHONPATH": path, **env},
        capture_output=True,
        text=True,
        timeout=120,
    )


CHECK = "from board import machines; from board.settings import Settings; machines.check(Settings.from_env())"
PATCHED = f"from gevent import monkey; monkey.patch_all(); {CHECK}"


def test_gevent_and_sqlite_are_never_started_together(tmp_path: Path) -> None:
    for code, env in ((CHECK, {"BOARD_ROLE": "live"}), (PATCHED, {})):
        answer = start(tmp_path, code, **env)
        assert answer.returncode == 1
        assert "gevent does not go with SQLite" in answer.stderr
        assert "BOARD_DATABASE_URL=postgresql://" in answer.stderr


@pytest.mark.parametrize(
    ("command", "env"),
    [
        (("gunicorn", "-c", "gunicorn.conf.py", "-k", "gevent", "-w", "1"), {}),
        (("gunicorn", "-c", "gunicorn.live.conf.py"), {}),
        (("flask", "--app", "wsgi", "worker"), {"BOARD_ROLE": "live"}),
    ],
    ids=["pages", "sockets", "worker"],
)
def test_no_program_of_the_board_starts_with_gevent_on_sqlite(
    tmp_path: Path, command: tuple[str, ...], env: dict[str, str]
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOARD_")}
    given = {"BOARD_MODE": "test", "BOARD_DATA": str(tmp_path), "PORT": str(free_port()), **env}
    log = tmp_path / "log"
    started = Program(command[0], [sys.executable, "-m", *command], log, {**kept, **given})
    started.start()
    try:
        assert started.process is not None
        assert wait_for(lambda: started.process and started.process.poll() is not None), log.read_text()
        assert started.process.returncode != 0
    finally:
        started.end()
    assert "SettingsError: gevent does not go with SQLite" in log.read_text()
    assert not (tmp_path / "board.db").exists()


def test_gevent_serves_sockets_alone_and_never_pages(tmp_path: Path) -> None:
    answer = start(tmp_path, PATCHED, BOARD_DATABASE_URL=POSTGRES)
    assert "gunicorn.live.conf.py" in answer.stderr
    answer = start(tmp_path, PATCHED, BOARD_DATABASE_URL=POSTGRES, BOARD_ROLE="live")
    assert (answer.returncode, answer.stderr) == (0, "")


def test_gevent_websocket_beside_gevent_is_refused(tmp_path: Path) -> None:
    (tmp_path / "geventwebsocket").mkdir()
    (tmp_path / "geventwebsocket" / "__init__.py").touch()
    answer = start(tmp_path, PATCHED, path=str(tmp_path), BOARD_DATABASE_URL=POSTGRES, BOARD_ROLE="live")
    assert answer.returncode == 1
    assert "pip uninstall gevent-websocket" in answer.stderr


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("BOARD_ROLE", "sockets"),
        ("BOARD_REDIS_URL", "127.0.0.1:6379"),
        ("BOARD_FILES_URL", "/srv/files"),
        ("BOARD_FILES_URL", "s3:///folder"),
        ("BOARD_FILES_URL", "s3://key:secret@bucket"),
    ],
)
def test_a_setting_of_the_scaled_engine_that_cannot_be_used_is_named(
    tmp_path: Path, name: str, wrong: str
) -> None:
    with pytest.raises(SettingsError, match=name):
        settings(tmp_path, **{name: wrong})


@pytest.mark.parametrize(("role", "sockets"), [("both", 340), ("pages", 0), ("live", 3900)])
def test_a_process_holds_as_many_sockets_as_its_role_allows(tmp_path: Path, role: str, sockets: int) -> None:
    assert settings(tmp_path, BOARD_ROLE=role).live_sockets == sockets
    assert settings(tmp_path, BOARD_ROLE=role, BOARD_LIVE_SOCKETS="7").live_sockets == 7


# --- leases -----------------------------------------------------------------------------------------------


def take(holder: str, name: str = "auditor") -> bool:
    with transaction():
        return leases.take(name, holder, timedelta(seconds=60))


def test_a_lease_has_one_holder_until_he_lets_go_or_dies(city: City) -> None:
    assert take("first")
    assert not take("second")
    assert take("second", "another")
    assert take("first"), "who holds it may take it again"
    with transaction():
        leases.let_go("first")
    assert take("second")
    clock.advance(timedelta(seconds=61))
    assert take("third"), "the second died"


def test_a_prolonged_lease_outlives_its_first_end(city: City) -> None:
    assert take("first")
    clock.advance(timedelta(seconds=50))
    with transaction():
        leases.prolong("first", timedelta(seconds=60))
    clock.advance(timedelta(seconds=50))
    assert not take("second")


def test_of_many_who_ask_at_once_one_gets_the_lease(city: City) -> None:
    application, _cast = city
    answers = at_once(application, *(lambda name=f"hand-{place}": take(name) for place in range(4)))
    assert sorted(answers) == [False, False, False, True]
