"""The real processes: what runs when they are told to stop is finished, and each request leaves one line of JSON."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from board import jobs
from board.db import db, transaction
from boards.models import CaseEvent
from tests.builders import case_of, posted
from tests.journeys.processes import House
from tests.servers import wait_for

JOBS = 5


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path, workers=1, threads=8)
    yield built
    built.close()


# --- told to stop --------------------------------------------------------------------------------------


def test_a_post_under_way_is_kept_and_answered_before_the_web_server_ends(house: House) -> None:
    with house.app.app_context():
        with transaction():
            thread_id = posted(house.cast.rita).public_id
        number = case_of(thread_id).number
        db.session.rollback()
    rita = house.visitor("rita")
    (house.folder / "slow-post").touch()

    with ThreadPoolExecutor(1) as hand:
        sent = hand.submit(rita.send, f"/t/{thread_id}/replies", f"/cases/{number}", body="刚才灯又灭了。")
        assert wait_for((house.folder / "slow-post-began").exists, 30), house.said()
        house.web.send_signal(signal.SIGTERM)
        assert sent.result(30).status_code == 303, house.said()

    assert house.web.wait(20) == 0, house.said()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{house.url}/healthz", timeout=5)
    with house.app.app_context():
        replies = select(db.func.count()).where(CaseEvent.kind == "reply.posted")
        assert db.session.scalar(replies) == 1
        db.session.rollback()


def noted(house: House) -> list[str]:
    """What the workers did, in their order; a job that was done twice stands here twice."""
    return (house.folder / "noted").read_text().split()


def promises(house: House) -> list[tuple[bool, bool, int]]:
    """Of each job of the test: whether it is done, whether a worker holds it, how often it was tried."""
    with house.app.app_context():
        rows = db.session.scalars(select(jobs.Job).where(jobs.Job.kind == "note-down").order_by(jobs.Job.key))
        found = [(job.done_at is not None, job.lease_until is not None, job.attempts) for job in rows]
        db.session.rollback()
    return found


def test_a_job_under_way_is_finished_and_the_next_worker_does_the_others_once(house: House) -> None:
    (house.folder / "slow-job").touch()
    with house.app.app_context(), transaction():
        for number in range(JOBS):
            jobs.put("note-down", key=f"note-down:{number}", number=number)
    assert wait_for((house.folder / "slow-job-began").exists, 30), house.said()

    house.worker.send_signal(signal.SIGTERM)

    assert house.worker.wait(20) == 0, house.said()
    assert noted(house) == ["0"]
    assert promises(house) == [(True, False, 1)] + [(False, False, 0)] * (JOBS - 1)
    house.next_worker()
    assert wait_for(lambda: all(done for done, _held, _tried in promises(house)), 30), house.said()
    assert sorted(noted(house)) == [str(number) for number in range(JOBS)]
    assert promises(house) == [(True, False, 1)] * JOBS


# --- what they write -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def logging_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    built = House(
        tmp_path_factory.mktemp("logging"), workers=1, threads=8, BOARD_MODE="demo", BOARD_LOG_FORMAT="json"
    )
    yield built
    built.close()


def lines_of(house: House, request_id: str, number: int) -> list[dict[str, Any]]:
    """The log lines of one request, waited for; fails when anything was written that is not one line of JSON."""

    def found() -> list[dict[str, Any]]:
        text = (house.folder / "log").read_text()
        written = [line for line in text.splitlines() if line and not line.startswith("worker: ")]
        return [line for line in map(json.loads, written) if line["request_id"] == request_id]

    assert wait_for(lambda: len(found()) >= number, 10), house.said()
    return found()


def test_a_request_is_one_line_of_json_with_the_id_of_its_answer(logging_house: House) -> None:
    given = requests.get(f"{logging_house.url}/", headers={"X-Request-ID": "fromtheproxy24"}, timeout=20)
    made = requests.get(f"{logging_house.url}/s/traffic?q=secret", timeout=20).headers["X-Request-ID"]

    assert given.headers["X-Request-ID"] == "fromtheproxy24"
    assert made not in ("", "-", "fromtheproxy24")
    for request_id, path in (("fromtheproxy24", "/"), (made, "/s/traffic")):
        (line,) = lines_of(logging_house, request_id, 1)
        assert (line["level"], line["name"]) == ("INFO", "board.web")
        assert (line["message"], line["status"]) == (f"GET {path} 200", 200)
        assert line["milliseconds"] > 0
        assert line["at"]


def test_an_error_and_its_request_bear_the_id_that_the_reader_was_given(logging_house: House) -> None:
    answer = requests.get(f"{logging_house.url}/-/breaks", timeout=20)

    assert answer.status_code == 500
    request_id = answer.headers["X-Request-ID"]
    fault, request = lines_of(logging_house, request_id, 2)
    assert (fault["level"], fault["name"]) == ("ERROR", "board.errors")
    assert "the lamp post fell over" in fault["exc_info"]
    assert "lamp post" not in answer.text
    assert (request["level"], request["status"]) == ("INFO", 500)
