"""Several machines, one board: nodes behind nginx, PostgreSQL and Redis, killed and started again in turn."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import requests
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from board import clock, jobs, live
from board.db import db, transaction
from boards.models import CaseEvent, Thread
from boards.models.watch import follow
from notifications.models import InboxItem, Page, PageStep, Telling
from notifications.paging import ticking
from tests.builders import case_of, posted
from tests.journeys.live_clients import Client
from tests.journeys.scaled import Scaled
from tests.servers import wait_for

pytestmark = [
    pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(900), pytest.mark.xdist_group("browser"),
]  # fmt: skip
MENTIONS = int(os.environ.get("TEST_CHAOS_MENTIONS", "100"))


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaled]:
    built = Scaled(tmp_path_factory.mktemp("scaled"))
    yield built
    built.close()


@pytest.fixture
def reported(scaled: Scaled) -> tuple[str, str, str]:
    """Rita's case: its thread's public id, its number, its stream."""
    with scaled.app.app_context():
        with transaction():
            thread = posted(scaled.cast.rita)
            found = thread.public_id, str(case_of(thread.public_id).number), thread.stream
        db.session.remove()
    return found


def accept(scaled: Scaled, thread_id: str) -> None:
    with scaled.app.app_context():
        with transaction():
            case_of(thread_id).accept(by=scaled.cast.otto, answer="已安排两名民警到路口查看信号灯。")
        db.session.remove()


# --- through nginx --------------------------------------------------------------------------------------------


def test_pages_and_sockets_have_processes_of_their_own(scaled: Scaled) -> None:
    processes = {scaled.seen()["process"] for _ in range(12)}
    assert processes == {scaled.seen(web)["process"] for web in scaled.pages}
    vera = scaled.visitor("vera")
    clients = [Client(vera, {}) for _ in range(2)]
    for client in clients:
        client.connect()
    held = {client.socket.call("whoami", timeout=10) for client in clients}
    assert held == {scaled.seen(web)["process"] for web in scaled.live}
    for client in clients:
        client.close()
    for web in scaled.pages:
        url = f"http://127.0.0.1:{scaled.port_of(web)}/socket.io/?EIO=4&transport=websocket"
        assert requests.get(url, timeout=10).status_code == 503, "pages take no sockets"


def test_a_reader_is_known_by_his_own_address_whatever_he_claims(scaled: Scaled) -> None:
    forged = {
        "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=203.0.113.9",
    }  # fmt: skip
    seen = requests.get(f"{scaled.url}/-/seen", headers=forged, timeout=10).json()
    assert seen["address"] == "127.0.0.1"
    assert seen["url"] == f"{scaled.url}/-/seen"
    assert seen["forwarded"] == ""


def test_what_the_board_marks_as_public_is_kept_and_packed_and_nothing_else(scaled: Scaled) -> None:
    home = requests.get(f"{scaled.url}/", timeout=10)
    assert home.headers["Content-Encoding"] == "gzip"
    sheet = re.search(r'href="(/static/[^"]+\.css)"', home.text)
    assert sheet is not None
    first = requests.get(scaled.url + sheet[1], timeout=10)
    assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert first.headers["Content-Security-Policy"]
    again = requests.get(scaled.url + sheet[1], headers={"If-None-Match": first.headers["ETag"]}, timeout=10)
    assert again.status_code == 304
    # Kept by nginx: the answer of the first request, with its number.
    kept = requests.get(scaled.url + sheet[1], timeout=10)
    assert kept.headers["X-Request-ID"] == first.headers["X-Request-ID"]
    otto = scaled.visitor("otto")
    one, two = (otto.http.get(f"{scaled.url}/inbox", timeout=10) for _ in range(2))
    assert one.headers["X-Request-ID"] != two.headers["X-Request-ID"]
    assert otto.http.get(f"{scaled.url}/", timeout=10).text != home.text


def test_too_large_an_upload_is_refused_before_it_is_sent(scaled: Scaled) -> None:
    answer = requests.post(
        f"{scaled.url}/s/traffic/threads",
        headers={"Content-Length": str(400 * 1024 * 1024)},
        data=b"",
        timeout=10,
    )
    assert answer.status_code in (400, 413)


@pytest.mark.browser
def test_two_browsers_on_two_nodes_see_each_others_steps(
    scaled: Scaled, browser: Browser, reported: tuple[str, str, str]
) -> None:
    _thread_id, number, _stream = reported
    pages = []
    for who in ("rita", "otto"):
        context = browser.new_context(
            base_url=scaled.url, viewport={"width": 1280, "height": 900}, locale="zh-CN"
        )
        cookies = scaled.visitor(who).http.cookies
        context.add_cookies(
            [{"name": each.name, "value": each.value or "", "url": scaled.url} for each in cookies]
        )
        page = context.new_page()
        page.goto(f"/cases/{number}")
        pages.append(page)

    def one_on_each_node() -> bool:
        return [scaled.seen(web)["sockets"] for web in scaled.live] == [1, 1]

    for writer, reader, words in (
        (pages[0], pages[1], "刚才又看了一眼，还是这样。"), (pages[1], pages[0], "已安排民警到路口查看。"),
    ):  # fmt: skip
        assert wait_for(one_on_each_node, 30)
        form = writer.locator("form[action$='/replies']")
        form.locator("textarea").first.fill(words)
        with writer.expect_navigation():
            form.locator("button:not([type=button])").first.click()
        bar = reader.locator('.newbar[data-stream^="case:"]')
        expect(bar).to_contain_text("有 1 条新进展", timeout=10_000)
        reader.reload()
        expect(reader.get_by_text(words)).to_be_visible()
    for page in pages:
        page.context.close()


# --- what goes away and comes back ----------------------------------------------------------------------------


def test_redis_stopped_and_back_loses_nothing(scaled: Scaled, reported: tuple[str, str, str]) -> None:
    thread_id, _number, stream = reported
    vera = scaled.visitor("vera")
    with scaled.app.app_context():
        at = live.cursors([stream])
        db.session.remove()
    clients = [Client(vera, at) for _ in range(2)]
    for client in clients:
        client.connect()
        client.hello()
    scaled.redis.kill()
    began = time.monotonic()
    accept(scaled, thread_id)
    assert wait_for(lambda: all(client.applied for client in clients), 10), "by the database alone"
    assert vera.http.get(f"{scaled.url}/inbox", timeout=10).status_code == 200
    assert time.monotonic() - began < 10
    scaled.redis.start()
    with scaled.app.app_context():
        with transaction():
            case_of(thread_id).claim(by=scaled.cast.otto)
        db.session.remove()
    assert wait_for(lambda: all(len(client.applied) == 2 for client in clients), 10)
    for client in clients:
        assert [hint["kind"] for hint in client.applied] == ["case.accepted", "case.claimed"]
        client.close()


def test_postgres_restarted_under_load_answers_503_in_the_readers_language_and_comes_back(
    scaled: Scaled, reported: tuple[str, str, str]
) -> None:
    _thread_id, number, _stream = reported
    rita = scaled.visitor("rita")
    stop = threading.Event()
    answers: Counter[int] = Counter()
    bodies: list[str] = []

    def load(language: str) -> None:
        while not stop.is_set():
            answer = requests.get(
                f"{scaled.url}/cases/{number}?n={time.monotonic()}",
                cookies={**rita.http.cookies, "prefs": f"light.m.0.{language}"},
                timeout=30,
            )
            answers[answer.status_code] += 1
            if answer.status_code != 200:
                bodies.append(answer.text)

    threads = [threading.Thread(target=load, args=(each,)) for each in ("zh", "en", "zh", "en")]
    for each in threads:
        each.start()
    assert wait_for(lambda: answers[200] > 5, 30)
    scaled.postgres.stop_now()
    assert wait_for(lambda: answers[503] > 8, 30), (answers, bodies[:1])
    scaled.postgres.start()
    assert wait_for(lambda: requests.get(f"{scaled.url}/readyz", timeout=20).status_code == 200, 30)
    good = answers[200]
    assert wait_for(lambda: answers[200] > good + 5, 30)
    stop.set()
    for each in threads:
        each.join(40)
    assert set(answers) == {200, 503}, answers
    assert any("The board cannot save right now" in body for body in bodies)
    assert any('lang="zh' in body and "110" in body for body in bodies)
    # The workers went on by themselves.
    with scaled.app.app_context():
        with transaction():
            jobs.put("upkeep", key=f"upkeep:after-{time.monotonic()}")
        assert jobs.wait_until_idle(30)
        db.session.remove()


def test_every_recipients_set_equals_the_inbox_whatever_is_killed(
    scaled: Scaled, reported: tuple[str, str, str]
) -> None:
    cast, app = scaled.cast, scaled.app
    thread_id, number, _stream = reported
    with app.app_context():
        with transaction():
            thread = db.session.scalars(select(Thread).where(Thread.public_id == thread_id)).one()
            follow(thread, by=cast.vera)
            follow(thread, by=cast.adam)
        streams = {
            "rita": [cast.rita.stream],
            "vera": [cast.vera.stream],
            "adam": [cast.adam.stream],
            "otto": [cast.otto.stream, "department:traffic-police"],
            "hugo": [cast.hugo.stream, "department:household-police"],
        }
        began = {name: live.cursors(names) for name, names in streams.items()}
        first = db.session.scalar(select(db.func.max(InboxItem.id))) or 0
        db.session.remove()
    clients: dict[str, Client] = {}
    for seed, name in enumerate(streams):
        clients[name] = Client(scaled.visitor(name), began[name], seed=seed, bad=0.1)
        clients[name].connect()
    writer = scaled.visitor("rita")

    def redis_away() -> None:
        scaled.redis.kill()

    def postgres_restarted() -> None:
        scaled.postgres.stop_now()
        threading.Timer(1.5, scaled.postgres.start).start()

    def killed(group: list, place: int) -> Callable[[], None]:  # type: ignore[type-arg]
        def act() -> None:
            group[place].kill()
            threading.Timer(1.0, group[place].start).start()

        return act

    accidents = [
        killed(scaled.workers, 0), killed(scaled.live, 0), killed(scaled.pages, 1), redis_away,
        killed(scaled.workers, 1), scaled.redis.start, postgres_restarted, killed(scaled.live, 1),
        killed(scaled.pages, 0),
    ]  # fmt: skip
    every = MENTIONS // (len(accidents) + 1)
    for place in range(MENTIONS):
        unit = ("@交警支队", "@户政支队")[place % 2]
        answer = writer.send(
            f"/t/{thread_id}/replies", f"/cases/{number}", body=f"第 {place} 次：{unit} 请看一下。"
        )
        assert answer.status_code == 303, answer.text[:500]
        if place % every == every - 1 and place // every < len(accidents):
            accidents[place // every]()

    assert wait_for(lambda: all(scaled.answers(each) for each in (*scaled.pages, *scaled.live)), 60), (
        scaled.said()
    )
    with app.app_context():
        # A job that a dead worker held is due again when its lease is over.
        undone = select(db.func.count()).select_from(jobs.Job).where(
            jobs.Job.done_at.is_(None), jobs.Job.kind == "tell-followers"
        )  # fmt: skip

        def all_done() -> bool:
            db.session.rollback()
            return db.session.scalar(undone) == 0

        assert wait_for(all_done, 90), scaled.said()
        assert jobs.wait_until_idle(60), scaled.said()
    assert wait_for(lambda: all(client.socket.connected for client in clients.values()), 60)
    for client in clients.values():
        client.hello()
    with app.app_context():
        for name, client in clients.items():
            rows = db.session.execute(
                select(InboxItem.public_id, InboxItem.event_id)
                .where(InboxItem.person_id == getattr(cast, name).id, InboxItem.id > first)
                .order_by(InboxItem.id)
            ).all()
            assert Counter(client.items()) == Counter(public_id for public_id, _event in rows), name
            assert len({event for _id, event in rows}) == len(rows), name
            for stream in streams[name]:
                seqs = [hint["seq"] for hint in client.applied if hint["stream"] == stream]
                assert seqs == list(range(began[name][stream] + 1, live.cursors([stream])[stream] + 1)), (
                    stream
                )
            client.close()
        replies = db.session.scalar(
            select(db.func.count())
            .select_from(CaseEvent)
            .join(Thread, CaseEvent.thread_id == Thread.id)
            .where(Thread.public_id == thread_id, CaseEvent.kind == "reply.posted")
        )
        db.session.remove()
    assert replies == MENTIONS, "none lost, none twice"
    with app.app_context():
        db.session.rollback()
        with clock.freeze(clock.now() + timedelta(days=4)):
            ticking.drain()
        heard = set(db.session.scalars(select(Telling.person_id)))
        assert heard >= {cast.otto.id, cast.hugo.id, cast.dana.id}, (
            "whoever is on duty, and in the end the desk"
        )
        climbed = select(PageStep.page_id).where(PageStep.who == "desk")
        lost = select(Page.public_id).where(Page.state == "open", Page.id.not_in(climbed))
        assert list(db.session.scalars(lost)) == [], "every call is answered or at the desk"
        assert db.session.scalar(select(Page.id).where(Page.state == "open", Page.id.in_(climbed)).limit(1))
        db.session.remove()
    assert len(clients["vera"].items()) == len(clients["adam"].items()) == MENTIONS
    assert len(clients["otto"].items()) >= MENTIONS // 2
    # The proof is worth nothing on a quiet day.
    assert writer.away > 0
    assert sum(client.dropped for client in clients.values()) > 10
