"""Structured logs with the request's id; never a body, a name, a phone number or a code."""

from __future__ import annotations

import logging
import secrets
import sys
import time

from flask import Flask, g, has_request_context
from pythonjsonlogger.json import JsonFormatter

log = logging.getLogger("board.web")


def request_id(given: str) -> str:
    """The id a proxy gave this request, where it looks like one; else a new one."""
    return given if given.isalnum() and len(given) <= 40 else secrets.token_hex(8)


def note_answer(method: str, path: str, status: int, name: str | None, began: float) -> None:
    """One line a request; `path` as logs may keep it, `began` by time.perf_counter()."""
    spent = round((time.perf_counter() - began) * 1000, 1)
    log.info(
        "%s %s %s",
        method,
        path,
        status,
        extra={"request_id": name, "status": status, "milliseconds": spent},
    )


class RequestId(logging.Filter):
    """Gives every record the id of the request it belongs to."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not getattr(record, "request_id", None):
            record.request_id = g.get("request_id", "-") if has_request_context() else "-"
        return True


def init_app(app: Flask) -> None:
    settings = app.config["SETTINGS"]
    if settings.mode == "test":
        return  # pytest shows the logs of a failing test
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RequestId())
    if settings.log_format == "json":
        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(request_id)s %(message)s",
                rename_fields={"levelname": "level", "asctime": "at"},
                json_ensure_ascii=False,
            )
        )
    else:
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname).1s %(name)s %(request_id)s %(message)s")
        )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("werkzeug", "engineio", "socketio", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
