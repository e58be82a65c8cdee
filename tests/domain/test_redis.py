"""Redis shortens waits and counts for everybody; when it is away nothing is lost, and it comes back by itself."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from limits import parse

from board import limits, wakeups
from board.limits import Counts
from board.wakeups import Wakeups
from tests.servers import Redis, own_redis, wait_for

pytestmark = pytest.mark.servers
THREE = parse("3 per hour")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    yield from own_redis(tmp_path_factory.mktemp("redis"))


@pytest.fixture(autouse=True)
def quick(server: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is waited for takes a tenth of its time; Redis runs again afterwards."""
    for place in (limits, wakeups):
        monkeypatch.setattr(place, "AWAY", 0.2)
    monkeypatch.setattr(wakeups, "PING", 0.2)
    monkeypatch.setattr(wakeups, "SILENCE", 0.6)
    yield
    server.send(signal.SIGCONT)
    if not server.answers():
        server.start()


def test_processes_count_together(server: Redis) -> None:
    here, there = Counts(server.url, "together"), Counts(server.url, "together")
    assert [here.hit(THREE, "post", "rita"), there.hit(THREE, "post", "rita")] == [True, True]
    assert here.hit(THREE, "post", "rita")
    assert not there.hit(THREE, "post", "rita")
    assert 3500 < there.free_at(THREE, "post", "rita") - time.time() < 3601
    assert there.hit(THREE, "post", "vera")
    assert Counts(server.url, "another house").hit(THREE, "post", "rita")


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_without_redis_each_process_counts_for_itself_and_waits_for_nobody(server: Redis, how: str) -> None:
    counts = Counts(server.url, f"away-{how}")
    assert counts.hit(THREE, "post", "rita")
    server.kill() if how == "killed" else server.send(signal.SIGSTOP)

    began = time.monotonic()
    answers = [counts.hit(THREE, "post", "rita") for _ in range(4)]
    assert time.monotonic() - began < 1
    assert answers == [True, True, True, False]

    server.start() if how == "killed" else server.send(signal.SIGCONT)
    assert wait_for(lambda: counts.hit(THREE, "post", "rita"), 5), "counted in Redis again"


def test_a_wake_up_reaches_the_others_and_says_which_streams_moved(server: Redis) -> None:
    heard: list[set[str]] = []
    ear, mouth = Wakeups(server.url, "c"), Wakeups(server.url, "c")
    ear.start(heard.append)
    assert wait_for(lambda: ear.well, 5)
    mouth.say(["person:rita", "case:1", "person:rita"])
    Wakeups(server.url, "another house").say(["case:2"])
    assert wait_for(lambda: {"person:rita", "case:1"} in heard, 5)
    assert {"case:2"} not in heard


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_listener_knows_when_redis_is_away_and_hears_again_when_it_is_back(server: Redis, how: str) -> None:
    heard = threading.Event()
    ear, mouth = Wakeups(server.url, "d"), Wakeups(server.url, "d")
    ear.start(lambda names: heard.set() if "case:9" in names else None)
    assert wait_for(lambda: ear.well, 5)

    server.kill() if how == "killed" else server.send(signal.SIGSTOP)
    began = time.monotonic()
    mouth.say(["case:9"])
    assert time.monotonic() - began < 1, "a request waits for nobody"
    assert wait_for(lambda: not ear.well, 10), "so that the database is asked more often"

    server.start() if how == "killed" else server.send(signal.SIGCONT)
    assert wait_for(lambda: ear.well, 10)

    def said() -> bool:
        mouth.say(["case:9"])
        return heard.is_set()

    assert wait_for(said, 10)


def test_that_redis_is_away_is_said_once_and_not_at_every_request(
    server: Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AWAY", 60.0)
    counts = Counts(server.url, "log")
    server.kill()
    with caplog.at_level(logging.WARNING):
        for place in range(20):
            counts.hit(THREE, "post", str(place))
    said = [record.getMessage() for record in caplog.records if record.name == "board.limits"]
    assert said == ["Redis is away, each process counts for itself: ConnectionError"]
