"""The sockets: who listens here, and the hints they get.

Only officers and signed-in readers of an open case hold a socket; everybody else polls `GET /live`.
Each worker refuses sockets past a limit, so that open sockets can never use up the threads that pages need;
a refused client polls. The server joins the rooms, after the same check as the page, then sends the backlog.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask_socketio import SocketIO, disconnect, join_room, leave_room
from sqlalchemy.exc import SQLAlchemyError

from board import live, livecheck, presence
from board.db import db, let_go
from board.proxies import own_origins
from board.seams import may_follow, provided

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

RECHECK = 30.0  # seconds after which every socket's rights are asked again

socketio = SocketIO()
bp = Blueprint("live", __name__)

_lock = threading.Lock()
# socket id -> {"sign_in": public id, "own": the stream of its person, "names": set of streams}
_rooms: dict[str, dict[str, Any]] = {}


def reader() -> Any:
    """The person at the other end, None for a visitor (answered by the part that knows people)."""
    return provided("reader")


def joined() -> set[str]:
    """Every stream that somebody connected to this process listens to, and each person's own: there it is said when
    he is signed out or loses an office, whether or not his page asked for it."""
    with _lock:
        return set().union(*(entry["names"] | entry["own"] for entry in _rooms.values()))


def sockets() -> int:
    """How many signed-in sockets this process holds."""
    with _lock:
        return len(_rooms)


def _own_origin(origin: str | None, environ: WSGIEnvironment) -> bool:
    # The library's own rule believes forwarding headers from anybody.
    app: Flask = environ["flask.app"]
    return origin in own_origins(environ, app.config["SETTINGS"].public_url)


def _emit(name: str, hint: dict[str, Any]) -> None:
    which = hint.pop("recheck", False)
    if which:
        # Somebody may have lost the right to this stream, or to all of his: he is taken out before it says anything.
        recheck(name, everything=which == "all")
    socketio.emit("hint", hint, to=name)


@socketio.on("connect")
def connect(auth: Any = None) -> None:
    """Let signed-in readers in, and whoever tests the way; visitors poll."""
    sid: str = request.sid  # type: ignore[attr-defined]
    try:
        _let_in(sid, livecheck.room_of(auth))
    except SQLAlchemyError as error:
        # The library swallows what is raised here: the client would wait for its answer for ever.
        log.warning("a socket comes while the database is away: %s", type(error).__name__)
        with _lock:
            _rooms.pop(sid, None)
        let_go()
        _refuse(sid, "not now")


def _let_in(sid: str, room: str | None) -> None:
    if room is not None:
        _hear_only(sid, room)
        return
    person = reader()
    sign_in, own = (provided("sign_in"), {person.stream}) if person is not None else (None, set())
    db.session.remove()
    if sign_in is None:
        _refuse(sid, "sign in first")
    with _lock:
        _rooms[sid] = {"sign_in": sign_in, "own": own, "names": set()}
    start_pump(current_app._get_current_object())  # type: ignore[attr-defined]
    current_app.extensions["live_pump"].follow(live.cursors(sorted(own)))
    db.session.remove()


def _refuse(sid: str, why: str) -> NoReturn:
    socketio.start_background_task(_close_soon, socketio.server.manager.eio_sid_from_sid(sid, "/"))
    raise ConnectionRefusedError(why)


def _hear_only(sid: str, room: str) -> None:
    # A socket of nobody: the next round of rights puts it out.
    with _lock:
        _rooms[sid] = {"sign_in": None, "own": set(), "names": {room}}
    start_pump(current_app._get_current_object())  # type: ignore[attr-defined]
    current_app.extensions["live_pump"].follow(live.cursors([room]))
    db.session.remove()
    join_room(room)


def _close_soon(connection: str) -> None:
    # A refused client is told so and closes; one that does not would keep a thread of ours for ever.
    socketio.sleep(1)
    with suppress(KeyError):
        socketio.server.eio.disconnect(connection)


@socketio.on("disconnect")
def gone(reason: Any = None) -> None:
    sid: str = request.sid  # type: ignore[attr-defined]
    with _lock:
        _rooms.pop(sid, None)
    presence.here().leave(sid)
    db.session.remove()


@socketio.on("looking")
def looking(thing: Any = None) -> None:
    """What this reader has open now, None for nothing; only whose work it is may be seen with it."""
    sid: str = request.sid  # type: ignore[attr-defined]
    person = reader()
    here = presence.here()
    seen = isinstance(thing, str) and provided("may_be_seen", person, thing, default=False)
    public_id = person.public_id if person is not None else ""
    db.session.remove()
    with _lock:
        there = sid in _rooms
    if seen and there:
        here.look(sid, public_id, thing)
    else:
        here.leave(sid)


@socketio.on("hello")
def hello(since: Any = None) -> dict[str, Any]:
    """The client's cursors; answers with the backlog after joining the rooms. Called again every 60 s."""
    sid: str = request.sid  # type: ignore[attr-defined]
    if reader() is None:
        db.session.remove()
        disconnect()
        return {"entries": [], "reset": [], "refused": [], "signed_out": True}
    good, refused = live.allowed(reader(), since if isinstance(since, dict) else {})
    with _lock:
        entry = _rooms.get(sid)
        before = set(entry["names"]) if entry else set()
        if entry is not None:
            entry["names"] = set(good)
    db.session.rollback()
    current_app.extensions["live_pump"].follow(live.cursors(sorted(good)))
    try:
        for name in before - set(good):
            leave_room(name)
        for name in set(good) - before:
            join_room(name)
    except (KeyError, ValueError):
        # It hung up while we looked: nobody is there to be told anything.
        with _lock:
            _rooms.pop(sid, None)
        db.session.remove()
        return {"entries": [], "reset": [], "refused": []}
    # Joined first, read second: what is committed in between arrives twice, never not at all.
    db.session.rollback()
    answer = live.backlog(good)
    db.session.remove()
    return {**answer, "refused": refused}


def recheck(name: str | None = None, *, everything: bool = False) -> None:
    """Take this process's sockets out of the rooms that their persons may no longer hear.

    With `name` only those in that room, or whose own stream it is, are asked, and only about it unless `everything`
    is to be asked.
    """
    with _lock:
        held = [
            (sid, entry["sign_in"], {name} if name and not everything else set(entry["names"]))
            for sid, entry in _rooms.items()
            if name is None or name in entry["names"] | entry["own"]
        ]
    db.session.rollback()
    for sid, sign_in, names in held:
        person = provided("signed_in_as", sign_in)
        lost = {each for each in names if person is None or not may_follow(person, each)}
        for each in lost:
            with suppress(KeyError, ValueError):  # it hung up meanwhile
                socketio.server.leave_room(sid, each, namespace="/")
            presence.here().leave(sid, each)
        if lost:
            with _lock:
                if sid in _rooms:
                    _rooms[sid]["names"] -= lost
        if person is None:
            socketio.server.disconnect(sid, namespace="/")
    db.session.rollback()


@bp.get("/live")
def catch_up() -> Response:
    """`?since=stream:seq` (repeatable): what came after each cursor, for whoever has no socket.

    A stream's name holds one colon, so the cursor is what follows the last one.
    """
    since: dict[str, int] = {}
    for raw in request.args.getlist("since")[:50]:
        name, _colon, number = raw.rpartition(":")
        if number.isascii() and number.isdigit() and len(number) < 16:
            since[name] = int(number)
    good, refused = live.allowed(reader(), since)
    response = jsonify({**live.backlog(good), "refused": refused})
    response.headers["Cache-Control"] = "no-store" if reader() is not None else "no-cache"
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]


def _recheck_forever(app: Flask) -> None:
    while True:
        time.sleep(RECHECK)
        try:
            with app.app_context():
                recheck()
        except Exception:  # this thread must live
            log.exception("rooms could not be checked; they are checked again soon")


class Door:
    """Counts the threads that sockets hold here and refuses one too many before it costs anything."""

    def __init__(self, app: Flask, inner: WSGIApplication) -> None:
        self.app, self.inner = app, inner
        self.held = 0
        self.lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith("/socket.io/"):
            return self.inner(environ, start_response)
        with self.lock:
            full = self.held >= self.app.config["LIVE_SOCKETS"]
            self.held += 0 if full else 1
        if full:
            start_response("503 Service Unavailable", [("Content-Length", "0"), ("Connection", "close")])
            return []
        try:
            # In threads a WebSocket is served inside this call, so the count is that of the threads taken.
            return self.inner(environ, start_response)
        finally:
            with self.lock:
                self.held -= 1


def init_app(app: Flask) -> None:
    settings = app.config["SETTINGS"]
    app.config["LIVE_SOCKETS"] = settings.live_sockets
    app.register_blueprint(bp)
    socketio.init_app(
        app,
        async_mode=settings.live_async,
        transports=["websocket"],
        cors_allowed_origins=_own_origin,
        ping_interval=25,
        ping_timeout=20,
        manage_session=False,
        logger=False,
        engineio_logger=False,
    )
    app.wsgi_app = Door(app, app.wsgi_app)  # type: ignore[method-assign]
    app.jinja_env.globals["live_body"] = live.live_body


_started = threading.Lock()


def start_pump(app: Flask) -> None:
    """Start this process's pump once; called at its first socket, hence after gunicorn's fork."""
    if app.extensions.get("live_pump"):
        return
    with _started:
        if not app.extensions.get("live_pump"):
            pump = live.Pump(app, _emit, joined, app.config["SETTINGS"].live_poll)
            app.extensions["live_pump"] = pump
            pump.start()
            presence.here().start()
            threading.Thread(target=_recheck_forever, args=(app,), name="live-recheck", daemon=True).start()
