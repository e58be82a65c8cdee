"""Never lost, never doubled: the real board with two web processes and a worker that is killed, five clients on bad
lines, a hundred mentions. At the end each recipient's set equals the inbox, exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import socketio
from sqlalchemy import select

from board import jobs, live
from board.db import db, transaction
from boards.models import CaseEvent, Thread
from boards.models.watch import follow
from notifications.models import InboxItem, unread_of
from tests.builders import case_of, posted
from tests.journeys.forging import forged_rooms_stay_silent
from tests.journeys.live_clients import Client
from tests.journeys.processes import House
from tests.servers import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MENTIONS = 100


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path)
    yield built
    built.close()


def test_every_recipients_set_equals_the_inbox_exactly_once(house):
    cast = house.cast
    with house.app.app_context():
        with transaction():
            thread = posted(cast.rita)
            follow(thread, by=cast.vera)
            follow(thread, by=cast.adam)
            thread_id, number = thread.public_id, case_of(thread.public_id).number
        streams = {
            "rita": [cast.rita.stream],
            "vera": [cast.vera.stream],
            "adam": [cast.adam.stream],
            "otto": [cast.otto.stream, "department:traffic-police"],
            "hugo": [cast.hugo.stream, "department:household-police"],
        }
        began = {name: live.cursors(names) for name, names in streams.items()}
        first = db.session.scalar(select(db.func.max(InboxItem.id))) or 0
        db.session.rollback()
    clients: dict[str, Client] = {}
    for seed, name in enumerate(streams):
        clients[name] = Client(house.visitor(name), began[name], seed=seed, bad=0.2)
        clients[name].connect()
    rita = clients["rita"].visitor

    for place in range(MENTIONS):
        unit = ("@交警支队", "@户政支队")[place // 2 % 2]
        if place % 2:
            answer = rita.send(
                f"/t/{thread_id}/replies", f"/cases/{number}", body=f"第 {place} 次：{unit} 请看一下。"
            )
            assert answer.status_code == 303, answer.text[:500]
        else:
            with house.app.app_context(), transaction():
                posted(cast.rita, title=f"第 {place} 个路口的灯坏了", body=f"从早上起就闪，{unit} 请看一下。")
        if place == 20:
            house.kill_worker()
        elif place == 40:
            (house.folder / "die-after").touch()  # done, and dies before it is noted
        elif place == 44:
            house.restart_dead_worker()
        elif place == 60:
            (house.folder / "die-before").touch()  # claimed, and dies before it is done
        elif place == 64:
            house.restart_dead_worker()
        elif place == 70:
            house.kill_worker()
        elif place == 80:
            house.kill_web_process()

    with house.app.app_context():
        assert jobs.wait_until_idle(90), house.said()
        # A job that a dead worker held is due again when its lease is over.
        undone = (
            select(db.func.count())
            .select_from(jobs.Job)
            .where(jobs.Job.done_at.is_(None), jobs.Job.kind == "tell-followers")
        )

        def all_done() -> bool:
            db.session.rollback()
            return db.session.scalar(undone) == 0

        assert wait_for(all_done, 90), house.said()
    assert wait_for(lambda: all(client.socket.connected for client in clients.values()), 30)
    for client in clients.values():
        client.hello()

    with house.app.app_context():
        for name, client in clients.items():
            person = getattr(cast, name)
            rows = db.session.execute(
                select(InboxItem.public_id, InboxItem.event_id)
                .where(InboxItem.person_id == person.id, InboxItem.id > first)
                .order_by(InboxItem.id)
            ).all()
            told = [public_id for public_id, _event in rows]
            assert Counter(client.items()) == Counter(told), name
            assert len({event for _id, event in rows}) == len(rows), name
            unread = [hint["unread"] for hint in client.applied if hint["kind"] == "inbox"]
            assert (unread[-1] if unread else 0) == unread_of(person), name
            for stream in streams[name]:
                seqs = [hint["seq"] for hint in client.applied if hint["stream"] == stream]
                assert seqs == list(range(began[name][stream] + 1, live.cursors([stream])[stream] + 1)), (
                    stream
                )
            client.close()
        # The proof is worth nothing on a quiet line.
        assert sum(client.dropped for client in clients.values()) > 20
        assert sum(client.gaps for client in clients.values()) > 10
        replies = db.session.scalar(
            select(db.func.count())
            .select_from(CaseEvent)
            .join(Thread, CaseEvent.thread_id == Thread.id)
            .where(Thread.public_id == thread_id, CaseEvent.kind == "reply.posted")
        )
        assert replies == MENTIONS // 2
        assert len(clients["vera"].items()) == len(clients["adam"].items()) == replies
        assert len(clients["otto"].items()) >= MENTIONS // 4 + replies
        # On duty at the second department: every post that named it, and the first reply that did.
        assert len(clients["hugo"].items()) == MENTIONS // 4 + 1


def test_each_web_process_tells_its_own_clients(house):
    cast = house.cast
    with house.app.app_context():
        with transaction():
            thread = posted(cast.rita)
            stream, thread_id = thread.stream, thread.public_id
        at = live.cursors([stream])
        db.session.rollback()
    vera = house.visitor("vera")
    clients: list[Client] = []
    served: set[int] = set()
    while len(served) < 2 and len(clients) < 40:
        client = Client(vera, at)
        client.connect()
        served.add(client.socket.call("whoami", timeout=10))
        client.hello()
        clients.append(client)
    assert len(served) == 2

    with house.app.app_context(), transaction():
        case_of(thread_id).accept(by=cast.otto, answer="已安排两名民警到路口查看信号灯。")
    assert wait_for(lambda: all(len(client.applied) == 1 for client in clients), 10)
    for client in clients:
        assert [hint["kind"] for hint in client.applied] == ["case.accepted"]
        assert client.gaps == 0
        client.close()


def test_who_forges_his_way_into_a_room_hears_nothing(house):
    forged_rooms_stay_silent(house)


def test_sockets_over_the_limit_are_refused_and_pages_still_answer(tmp_path):
    house = House(tmp_path, workers=1, threads=8, BOARD_LIVE_SOCKETS="3")
    try:
        with house.app.app_context():
            with transaction():
                stream = posted(house.cast.rita).stream
            at = live.cursors([stream, house.cast.otto.stream])
            db.session.rollback()
        otto = house.visitor("otto")
        clients = [Client(otto, at) for _ in range(6)]
        held = []
        for client in clients:
            try:
                client.connect()
                held.append(client)
            except socketio.exceptions.ConnectionError:
                client.close()
        assert len(held) == 3

        for path in ("/", "/inbox", "/live", f"/t/{stream.removeprefix('case:')}"):
            assert otto.http.get(house.url + path, timeout=10).status_code == 200, path
        refused = next(client for client in clients if client not in held)
        with house.app.app_context(), transaction():
            thread = db.session.scalars(
                select(Thread).where(Thread.public_id == stream.removeprefix("case:"))
            ).one()
            thread.record("text.covered", by=house.cast.rita, moves=False)
        refused.ask()
        assert [hint["kind"] for hint in refused.applied if hint["stream"] == stream] == ["text.covered"]

        held.pop().close()

        def another_fits() -> bool:
            client = Client(otto, at)
            try:
                client.connect()
            except socketio.exceptions.ConnectionError:
                return False
            held.append(client)
            return True

        assert wait_for(another_fits, 10)
        for client in held:
            client.close()
    finally:
        house.close()
