"""Kept pages handed out at the door: what nothing can have changed is answered before the program is asked.

A visitor's page lands here with the headers it was first answered with. Whoever sends the very same request (address,
cookies, host) is given it again while it is still the one that `cached_page` keeps, while its time words stand, and
while nobody has committed anything since. Every other request goes in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask, Response, session
from sqlalchemy import Engine

from board.db import commits_of
from board.logs import note_answer, request_id

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from board.web import Kept

HELD = 1024  # answers; bodies are shared with the pages that are kept
LONGEST = 300  # characters of what a request is known by: nobody fills the shelf with long ones


class _Answer(NamedTuple):
    kept: Kept
    full_key: Hashable
    headers: list[tuple[str, str]]
    path: str


class Shelf:
    """A WSGI application around another one."""

    def __init__(self, app: Flask, inner: WSGIApplication, pages: Mapping[Any, Kept], engine: Engine) -> None:
        self.app, self.inner, self.pages, self.engine = app, inner, pages, engine
        self.held: dict[tuple[str, ...], _Answer] = {}
        self.lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "GET" and "HTTP_IF_NONE_MATCH" not in environ:
            answer = self.held.get(_known_by(environ))
            if answer is not None and self._stands(answer):
                return self._give(answer, environ, start_response)
        return self.inner(environ, start_response)

    def put(self, environ: WSGIEnvironment, full_key: Hashable, kept: Kept, response: Response) -> None:
        """Keep the answer that this request was given, when it is a whole page that tells its reader nothing else."""
        known_by = _known_by(environ)
        if response.status_code != 200 or session.modified or sum(map(len, known_by)) > LONGEST:
            return
        headers = [pair for pair in response.get_wsgi_headers(environ) if pair[0].lower() != "x-request-id"]
        if any(name.lower() == "set-cookie" for name, _value in headers):
            return
        with self.lock:
            while len(self.held) >= HELD:
                del self.held[next(iter(self.held))]
            self.held[known_by] = _Answer(kept, full_key, headers, environ.get("PATH_INFO", ""))

    def _stands(self, answer: _Answer) -> bool:
        kept = answer.kept
        return (
            self.app.config["SETTINGS"].page_cache
            and self.pages.get(answer.full_key) is kept
            and kept.fresh_until > time.time()
            and kept.commits is not None
            and kept.commits == commits_of(self.engine)
        )

    def _give(
        self, answer: _Answer, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        began, name = time.perf_counter(), request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        start_response("200 OK", [*answer.headers, ("X-Request-ID", name)])
        note_answer("GET", answer.path, 200, name, began)
        return (answer.kept.body,)


def _known_by(environ: WSGIEnvironment) -> tuple[str, ...]:
    return (
        environ.get("PATH_INFO", ""),
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_COOKIE", ""),
        environ.get("HTTP_HOST", ""),
        environ["wsgi.url_scheme"],
    )
