"""Somebody who asks over a real socket for rooms that are not his, and what he hears: nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

import socketio
from flask import Flask

from board import live
from board.db import db, transaction
from tests.builders import Cast, case_of, posted
from tests.journeys.live_clients import Client, Visitor
from tests.servers import wait_for

# What servers of other houses listen to.
GUESSES = ("join", "join_room", "enter_room", "subscribe", "room", "hint")


class Board(Protocol):
    """A board of real processes."""

    app: Flask
    cast: Cast

    def visitor(self, who: str) -> Visitor:
        """Somebody signed in."""


class Forger:
    """A socket that says everything by which a room could be entered, and keeps whatever it is told."""

    def __init__(self, visitor: Visitor, names: Sequence[str]) -> None:
        self.heard: list[Any] = []
        self.socket = socketio.Client(reconnection=False)
        self.socket.on("*", lambda *said: self.heard.append(said))
        self.socket.connect(
            visitor.url,
            headers={"Cookie": visitor.cookies},
            auth={"check": names[0], "room": names[0], "rooms": list(names)},
            transports=["websocket"],
            wait_timeout=20,
        )
        self.refused = set(self._hello(names)["refused"])
        for name in names:
            for guess in GUESSES:
                self.socket.emit(guess, name)
                self.socket.emit(guess, {"room": name, "stream": name})
        self.answer = self._hello(names)  # answered last, so all of it was read

    def _hello(self, names: Sequence[str]) -> dict[str, Any]:
        answer: dict[str, Any] = self.socket.call("hello", dict.fromkeys(names, 0), timeout=10)
        return answer


def forged_rooms_stay_silent(board: Board) -> None:
    """Those whose rooms they are hear each step; whoever forged his way to them hears none."""
    cast = board.cast
    with board.app.app_context():
        with transaction():
            danger = posted(cast.rita, section="110", title="楼下有人在打人", body="有人拿刀砍人，快来！")
            closed, danger_id = danger.stream, danger.public_id
        rooms = {"otto": ["department:traffic-police", cast.otto.stream], "rita": [cast.rita.stream, closed]}
        began = {who: live.cursors(names) for who, names in rooms.items()}
        db.session.remove()
    owners = {who: Client(board.visitor(who), at) for who, at in began.items()}
    for owner in owners.values():
        owner.connect()
        owner.hello()
    names = [name for each in rooms.values() for name in each]
    forgers = {who: Forger(board.visitor(who), names) for who in ("vera", "hugo", "adam")}
    for who, forger in forgers.items():
        assert forger.refused == set(names), who
        assert (forger.answer["entries"], forger.answer["reset"]) == ([], []), who

    with board.app.app_context():
        with transaction():
            thread_id = posted(cast.rita).public_id
        with transaction():
            case_of(thread_id).accept(by=cast.otto, answer="已安排两名民警到路口查看信号灯。")
        with transaction():
            case_of(danger_id).acknowledge(by=cast.dana)
        db.session.remove()

    def heard_by_its_owner() -> bool:
        return all(
            {hint["stream"] for hint in owner.applied} == set(rooms[who]) for who, owner in owners.items()
        )

    assert wait_for(heard_by_its_owner, 20), {who: owner.applied for who, owner in owners.items()}
    time.sleep(1.0)  # what goes astray may be late
    for who, forger in forgers.items():
        assert forger.socket.connected, "put out, he would hear nothing anyway"
        assert forger.heard == [], who
        forger.socket.disconnect()
    for owner in owners.values():
        owner.close()
