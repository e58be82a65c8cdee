"""`/healthz`: this process answers. `/readyz`: and it can do its work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Flask, Response, jsonify
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from board.clock import now
from board.db import db
from board.jobs import Job
from board.seams import health

bp = Blueprint("health", __name__)
LATE = timedelta(minutes=2)


@bp.get("/healthz")
def alive() -> Response:
    """Answers as long as the process runs."""
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> tuple[Response, int]:
    """503 with the reasons when the database cannot be read or jobs have been waiting for two minutes.

    How many is for the logs of the worker: anybody may ask here, and a number could be counted with.
    """
    checks: dict[str, Any] = {}
    try:
        db.session.execute(text("SELECT 1"))
        waiting = db.session.scalar(
            select(Job.id)
            .where(Job.done_at.is_(None), Job.failed_at.is_(None), Job.due_at < now() - LATE)
            .limit(1)
        )
        checks = {"database": "ok", "worker": "jobs are late" if waiting else "ok", **health()}
    except SQLAlchemyError as error:
        checks = {"database": type(error).__name__}
    good = all(value == "ok" for value in checks.values())
    return jsonify(status="ok" if good else "not ready", checks=checks), 200 if good else 503


def init_app(app: Flask) -> None:
    app.register_blueprint(bp)
