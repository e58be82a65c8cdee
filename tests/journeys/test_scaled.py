"""Several machines, one board: nodes behind nginx, PostgreSQL and Redis, killed and started again in turn."""

from __future__ import annotations

import itertools
import os
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from board import clock, jobs, live
from board.db import db, transaction
from boards.models import CaseEvent, Section, Thread
from boards.models.watch import follow
from notifications.models import AccountNotice, Delivery, InboxItem, Page, PageStep, Telling
from notifications.paging.policies import change_policy
from notifications.paging.steps import Step, Who
from people import contacts
from people.models import Shift
from tests.builders import case_of, posted
from tests.ends import Mailbox
from tests.journeys.forging import forged_rooms_stay_silent
from tests.journeys.live_clients import Client
from tests.journeys.scaled import Scaled
from tests.servers import ROOT, wait_for

pytestmark = [
    pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(900), pytest.mark.xdist_group("scaled"),
]  # fmt: skip
MEGABYTE = 1024 * 1024
MENTIONS = int(os.environ.get("TEST_CHAOS_MENTIONS", "100"))


@pytest.fixture(scope="module")
def post_office() -> Iterator[Mailbox]:
    """The mail server of this board, a real one."""
    with Mailbox() as box:
        yield box


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory, post_office: Mailbox) -> Iterator[Scaled]:
    mail = {"BOARD_SMTP_URL": post_office.url, "BOARD_MAIL_FROM": "board@police.example"}
    built = Scaled(tmp_path_factory.mktemp("scaled"), **mail)
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
    head = (
        f"POST /s/traffic/threads HTTP/1.1\r\nHost: 127.0.0.1:{scaled.port}\r\nOrigin: {scaled.url}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {400 * MEGABYTE}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", scaled.port), timeout=10) as line:
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("language", "lang", "words"),
    [("zh", 'lang="zh', "太大了：最多 9 张照片，每张不超过 20 MB。"), ("en", 'lang="en', "at most 9 photos of 20 MB each")],
)  # fmt: skip
def test_an_upload_that_only_the_board_finds_too_large_is_refused_in_the_readers_language(
    scaled: Scaled, tmp_path: Path, language: str, lang: str, words: str
) -> None:
    limit = re.search(r"client_max_body_size (\d+)m;", (ROOT / "deploy" / "nginx.conf").read_text())
    assert limit is not None
    ours, theirs = scaled.app.config["MAX_CONTENT_LENGTH"], int(limit[1]) * MEGABYTE
    rita = scaled.visitor("rita")
    with (tmp_path / "photos").open("w+b") as body:
        body.truncate((ours + theirs) // 2)
        answer = rita.http.post(
            f"{scaled.url}/s/traffic/threads",
            data=body,
            headers={"Content-Type": "multipart/form-data; boundary=b", "Accept": "text/html"},
            cookies={"prefs": f"light.m.0.{language}"},
            timeout=60,
        )
    assert answer.status_code == 413
    assert "X-Request-ID" in answer.headers, "the board's own page"
    assert lang in answer.text
    assert words in answer.text


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


def test_who_forges_his_way_into_a_room_of_either_node_hears_nothing(scaled: Scaled) -> None:
    forged_rooms_stay_silent(scaled)


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
    # Those that a browser sends to a case's page.
    kept = {each.name: str(each.value) for each in rita.http.cookies if each.path == "/"}
    stop = threading.Event()
    answers: Counter[int] = Counter()
    bodies: list[str] = []
    others: list[str] = []

    def load(language: str) -> None:
        while not stop.is_set():
            answer = requests.get(
                f"{scaled.url}/cases/{number}?n={time.monotonic()}",
                cookies={**kept, "prefs": f"light.m.0.{language}"},
                timeout=30,
            )
            answers[answer.status_code] += 1
            if answer.status_code not in (200, 503):
                others.append(answer.text[:500])
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
    assert set(answers) == {200, 503}, (answers, others[:2], scaled.said())
    assert any("The board cannot answer right now" in body for body in bodies)
    assert any('lang="zh' in body and "110" in body for body in bodies)
    # The workers went on by themselves.
    with scaled.app.app_context():
        with transaction():
            jobs.put("upkeep", key=f"upkeep:after-{time.monotonic()}")
        assert jobs.wait_until_idle(30)
        db.session.remove()


# Calls climb in seconds: one, two and three per cent of ten minutes.
STEPS = (Step(Who.DUTY, 0), Step(Who.NEXT_ON_ROSTER, 1), Step(Who.LEADER, 2), Step(Who.DESK, 3))
# Where a post is written, whom it names, and who is on duty there.
OFFICES = (
    ("traffic", "@交警支队", "otto"), ("household", "@户政支队", "hugo"), ("12345", "@指挥中心", "dana"),
)  # fmt: skip
WITH_MAIL = ("otto", "otis", "lena", "hugo", "dana")
EACH = 8  # mentions from one accident to the next
# What had been read from the database when somebody acknowledged may still arrive.
UNDER_WAY = timedelta(seconds=5)


def make_ready(scaled: Scaled) -> str:
    """Let calls climb by STEPS and ring by mail, and give a case that Vera and Adam follow: its thread's public id."""
    cast = scaled.cast
    with scaled.app.app_context():
        with transaction() as session:
            for key, _unit, _who in OFFICES:
                section = Section.by_key(key)
                section.clocks = {**section.clocks, "reply": "10 min"}
                assert section.department is not None
                change_policy(section.department, STEPS, urgent=False, by=cast.adam)
            session.add(
                Shift(
                    department=Section.by_key("traffic").department, person=cast.otis,
                    starts_at=clock.now() + timedelta(days=1), ends_at=clock.now() + timedelta(days=2),
                )
            )  # fmt: skip
            for who in WITH_MAIL:
                contacts.verify(contacts.add(getattr(cast, who), "mail", f"{who}@police.example"))
        with transaction():
            thread = posted(cast.rita)
            follow(thread, by=cast.vera)
            follow(thread, by=cast.adam)
            public_id = thread.public_id
        db.session.remove()
    return public_id


class Mentions:
    """What Rita writes, in turns an answer below the case that is followed and a new case, and who acknowledges what."""

    def __init__(self, scaled: Scaled, thread_id: str, number: str) -> None:
        self.writer = scaled.visitor("rita")
        self.officers = {who: scaled.visitor(who) for _key, _unit, who in OFFICES}
        self.thread_id, self.number = thread_id, number
        self.made: list[tuple[str, str]] = []  # number, who is on duty there
        self.replies = 0
        self.acknowledged: set[str] = set()

    def write(self, place: int) -> None:
        """Mention number `place`, and sometimes an officer's hand."""
        if place % 2:
            self.reply(place)
        else:
            self.post()
        # A third is acknowledged at once, a third when it has begun to climb, a third by nobody.
        if place % 6 == 5:
            self.acknowledge(*self.made[-1])
        elif place % 6 == 2 and len(self.made) >= 8:
            self.acknowledge(*self.made[-8])

    def reply(self, place: int) -> None:
        """One more below the case that is followed."""
        unit = OFFICES[place // 2 % 2][1]
        answer = self.writer.send(
            f"/t/{self.thread_id}/replies", f"/cases/{self.number}", body=f"第 {place} 次：{unit} 请看一下。"
        )
        assert answer.status_code == 303, answer.text[:500]
        self.replies += 1

    def post(self) -> None:
        """A new case, of each department two in a row."""
        turn = len(self.made)
        section, unit, who = OFFICES[turn // 2 % len(OFFICES)]
        answer = self.writer.send(
            f"/s/{section}/threads", f"/s/{section}/new", title=f"青松路 {turn + 1} 号门前的灯不亮",
            body=f"从昨天晚上开始就不亮，请{unit} 看一下。这是第 {turn + 1} 处。", identity="hidden", similar_seen="1",
            step="checked",
        )  # fmt: skip
        assert answer.status_code == 303, answer.text[:500]
        self.made.append((answer.headers["Location"].rpartition("/")[2], who))

    def acknowledge(self, number: str, who: str) -> None:
        """签收, by whoever is on duty."""
        answer = self.officers[who].send(f"/cases/{number}/acknowledgement", f"/cases/{number}")
        # 409: the first try was committed, and its answer was lost with the process that gave it.
        assert answer.status_code in (303, 409), answer.text[:500]
        self.acknowledged.add(number)


@pytest.mark.timeout(900 + 2 * MENTIONS)
def test_every_recipients_set_equals_the_inbox_whatever_is_killed(
    scaled: Scaled, post_office: Mailbox
) -> None:
    cast, app = scaled.cast, scaled.app
    with app.app_context():
        first_page = db.session.scalar(select(db.func.max(Page.id))) or 0
        db.session.remove()
    thread_id = make_ready(scaled)
    with app.app_context():
        number = str(case_of(thread_id).number)
        streams = {
            "rita": [cast.rita.stream],
            "vera": [cast.vera.stream],
            "adam": [cast.adam.stream],
            "otto": [cast.otto.stream, "department:traffic-police"],
            "lena": [cast.lena.stream],
            "hugo": [cast.hugo.stream, "department:household-police"],
            "dana": [cast.dana.stream, "department:desk"],
        }
        began = {name: live.cursors(names) for name, names in streams.items()}
        first = db.session.scalar(select(db.func.max(InboxItem.id))) or 0
        first_notice = db.session.scalar(select(db.func.max(AccountNotice.id))) or 0
        db.session.remove()
    clients: dict[str, Client] = {}
    for seed, name in enumerate(streams):
        clients[name] = Client(scaled.visitor(name), began[name], seed=seed, bad=0.1)
        clients[name].connect()
    mentions = Mentions(scaled, thread_id, number)
    a_mail_is_doubled = scaled.folder / "die-after-mail"
    coming_back: list[threading.Timer] = []

    def postgres_restarted() -> None:
        scaled.postgres.stop_now()
        coming_back.append(threading.Timer(1.5, scaled.postgres.start))
        coming_back[-1].start()

    accidents = itertools.cycle(
        (
            scaled.workers[0].kill, scaled.live[0].kill, a_mail_is_doubled.touch, scaled.pages[1].kill,
            scaled.redis.kill, scaled.workers[1].kill, scaled.redis.start, postgres_restarted,
            scaled.workers[0].kill, scaled.live[1].kill, a_mail_is_doubled.touch, scaled.pages[0].kill,
        )
    )  # fmt: skip
    chaos_began = clock.now()
    for place in range(MENTIONS):
        scaled.revive()
        mentions.write(place)
        if place % EACH == EACH - 1:
            next(accidents)()
    for timer in coming_back:
        timer.join()
    if not scaled.redis.answers():
        scaled.redis.start()
    chaos_ended = clock.now()
    # One more that nobody acknowledges: the worker that mails it dies before it can say so.
    a_mail_is_doubled.touch()
    mentions.post()

    def comes_true(what: Callable[[], bool], seconds: float) -> bool:
        def revived() -> bool:
            scaled.revive()
            with app.app_context():
                try:
                    return what()
                finally:
                    db.session.remove()

        return wait_for(revived, seconds)

    def none_waits() -> bool:
        # A job that a dead worker held is due again when its lease is over; nothing climbs any more.
        undone = select(jobs.Job.id).where(
            jobs.Job.done_at.is_(None), jobs.Job.kind.in_(("tell-followers", "carry")),
            jobs.Job.due_at < clock.now() + timedelta(minutes=1),
        )  # fmt: skip
        climbing = select(Page.id).where(
            Page.id > first_page, Page.state == "open", Page.next_at.is_not(None)
        )
        return not any(db.session.scalar(query.limit(1)) for query in (undone, climbing))

    assert comes_true(lambda: all(scaled.answers(each) for each in (*scaled.pages, *scaled.live)), 60), (
        scaled.said()
    )
    assert comes_true(lambda: not a_mail_is_doubled.exists(), 30), "no mail left the house"
    assert comes_true(none_waits, 120), scaled.said()
    assert wait_for(lambda: all(client.socket.connected for client in clients.values()), 60)

    differ: list[str] = []

    def all_are_equal() -> bool:
        """Whether each set is the inbox, and no hints have a hole or a double; else `differ` says whose."""
        differ.clear()
        for name, client in clients.items():
            client.hello()
            rows = db.session.execute(
                select(InboxItem.public_id, InboxItem.event_id)
                .where(InboxItem.person_id == getattr(cast, name).id, InboxItem.id > first)
                .order_by(InboxItem.id)
            ).all()
            # A sign-in on a new device is told among the messages, too.
            notices = db.session.scalars(
                select(AccountNotice.public_id).where(
                    AccountNotice.person_id == getattr(cast, name).id, AccountNotice.id > first_notice
                )
            )
            told = [public_id for public_id, _event in rows] + list(notices)
            whole = Counter(client.items()) == Counter(told)
            once = len({event for _id, event in rows}) == len(rows)
            in_order = all(
                [hint["seq"] for hint in client.applied if hint["stream"] == stream]
                == list(range(began[name][stream] + 1, live.cursors([stream])[stream] + 1))
                for stream in streams[name]
            )
            if not (whole and once and in_order):
                differ.append(f"{name}: set {whole}, once {once}, order {in_order}")
        return not differ

    # What is told just now arrives a moment later; what is lost or doubled stays so.
    assert comes_true(all_are_equal, 60), differ
    for client in clients.values():
        client.close()
    with app.app_context():
        replies = db.session.scalar(
            select(db.func.count())
            .select_from(CaseEvent)
            .join(Thread, CaseEvent.thread_id == Thread.id)
            .where(Thread.public_id == thread_id, CaseEvent.kind == "reply.posted")
        )
        assert replies == mentions.replies, "none lost, none twice"
        numbers = {each for each, _who in mentions.made}
        assert len(numbers) == len(mentions.made), "no post twice"
        cases = select(db.func.count()).select_from(Page).where(Page.id > first_page, Page.owed)
        assert db.session.scalar(cases) == len(mentions.made) + 1, "each case calls its department once"
        each_call_is_answered_or_at_the_desk(first_page, mentions.acknowledged, chaos_began, chaos_ended)
        each_mail_arrived_once(post_office, first_page)
        for follower in (cast.vera, cast.adam):
            steps = db.session.execute(
                select(CaseEvent.kind, CaseEvent.actor_id)
                .join(InboxItem, InboxItem.event_id == CaseEvent.id)
                .where(InboxItem.person_id == follower.id, InboxItem.id > first)
            )
            # A long run outlasts the case's first clock, and that is told as well.
            by_people = [kind for kind, actor in steps if actor is not None]
            assert by_people == ["reply.posted"] * mentions.replies
        db.session.remove()
    for who in mentions.officers:
        assert len(clients[who].items()) >= sum(1 for _number, there in mentions.made if there == who)
    # The proof is worth nothing on a quiet day.
    assert mentions.writer.away > 0
    assert sum(client.dropped for client in clients.values()) > 10


def each_call_is_answered_or_at_the_desk(
    first_page: int, acknowledged: set[str], began: datetime, ended: datetime
) -> None:
    """The workers took every step, in the midst of the accidents too, and none after an acknowledgement."""
    pages = db.session.scalars(select(Page).where(Page.id > first_page, Page.owed)).all()
    at_desk = set(
        db.session.scalars(select(PageStep.page_id).where(PageStep.who == "desk", PageStep.told > 0))
    )
    for page in pages:
        if page.case.number in acknowledged:
            assert page.acknowledged_at is not None, page.case.number
        else:
            assert (page.state, page.id in at_desk) == ("open", True), page.case.number
    taken = db.session.execute(
        select(PageStep.page_id, PageStep.leg, PageStep.step).where(PageStep.page_id > first_page)
    ).all()
    assert len(set(taken)) == len(taken), "no step twice"
    amid = select(db.func.count()).where(
        PageStep.page_id > first_page, PageStep.step > 0, PageStep.told_at.between(began, ended)
    )
    assert (db.session.scalar(amid) or 0) > 0, "nothing climbed while anything was killed"
    after = (
        select(Telling.id)
        .join(Page, Telling.page_id == Page.id)
        .where(Page.id > first_page, Telling.at > Page.acknowledged_at)
    )
    assert db.session.scalars(after).all() == [], "told after somebody had acknowledged"
    early = [page for page in pages if page.acknowledged_at is not None and page.step < len(page.steps)]
    assert early, "every acknowledgement came after the last step"


def each_mail_arrived_once(post_office: Mailbox, first_page: int) -> None:
    """Each event, person and channel took effect once: under the one name of its delivery, at its person."""
    letters = [
        (str(letter["Message-ID"]).strip("<>").partition("@")[0], str(letter["To"]), came)
        for letter, came in zip(post_office.got, post_office.came, strict=True)
    ]
    arrived = Counter(name for name, _to, _came in letters)
    people = {
        delivery.public_id: delivery.person
        for delivery in db.session.scalars(select(Delivery).where(Delivery.channel == "mail"))
    }
    for name, to, _came in letters:
        person = people[name]
        assert person is not None
        assert to == contacts.of(person, kind="mail")[0].address
    tellings = db.session.scalars(
        select(Telling).where(Telling.page_id > first_page, Telling.channel == "mail")
    ).all()
    assert len({(each.event_id, each.person_id) for each in tellings}) == len(tellings) > 0
    rides: dict[str, list[Page]] = {}
    for each in tellings:
        assert each.delivery.person_id == each.person_id
        rides.setdefault(each.delivery.public_id, []).append(each.page)
        if each.page.acknowledged_at is None:
            assert each.delivery.sent_at is not None, each.delivery
            assert arrived[each.delivery.public_id] >= 1, "a call that stands reached its person"
    for name, _to, came in letters:
        answers = [page.acknowledged_at for page in rides.get(name, [])]
        known = [each for each in answers if each is not None]
        if answers and len(known) == len(answers):
            assert came <= max(known) + UNDER_WAY, "mailed after somebody had acknowledged"
    assert sum(arrived.values()) > len(arrived), "a worker died between a mail and its row: there is a copy"
