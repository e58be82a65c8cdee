"""The yardstick of live delivery: Flask-SocketIO and nothing else. A post is told to everybody connected here."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, redirect, request
from flask_socketio import SocketIO
from werkzeug.wrappers import Response

app = Flask(__name__)
socketio = SocketIO(
    app,
    async_mode=os.environ.get("BENCH_ASYNC", "threading"),
    transports=["websocket"],
    cors_allowed_origins=[],
)


@socketio.on("hello")
def hello(since: Any = None) -> dict[str, Any]:
    """What the board's client says first."""
    return {"entries": [], "reset": [], "refused": []}


@app.post("/post")
def post() -> Response:
    """Tell everybody, then answer."""
    number = request.form["number"]
    socketio.emit("hint", {"kind": "thread.posted", "case": number})
    return redirect(f"/t/{number}", 303)


@app.get("/healthz")
def well() -> str:
    """Whether it answers."""
    return "ok"
