"""The yardstick: a Flask application that does nothing but answer with given bytes, served with the same flags."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as Answer

app = Flask(__name__)
BODIES = {path.name: path.read_bytes() for path in Path(os.environ.get("BENCH_BODIES", ".")).glob("body-*")}


@app.get("/<name>")
def give(name: str) -> Response:
    """The bytes that the board answered with when it was asked for this page."""
    return Response(BODIES[name], mimetype="text/html")


@app.post("/post")
def take() -> Answer:
    """Read a form as the board does and send its writer on."""
    return redirect(f"/received/{len(request.form['body'])}", 303)


@app.get("/healthz")
def well() -> str:
    """Whether it answers."""
    return "ok"
