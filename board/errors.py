"""The four ways an act can be refused, and the one place where they become HTTP answers.

A message is a lazy translation, so that a verb can be refused far from any request and still
be read in the reader's language.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, cast

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from board import typed
from board.db import is_away, let_go
from board.i18n import _, _l

log = logging.getLogger(__name__)

Message = Any  # str or a lazy translation


class BoardError(Exception):
    """What every refusal has: an HTTP status and a sentence for the reader."""

    status = 500
    default: Message = _l("Something went wrong here.")

    def __init__(self, message: Message | None = None) -> None:
        self.message = self.default if message is None else message
        super().__init__(self.message)

    def __str__(self) -> str:
        return str(self.message)


class NotAllowed(BoardError):
    """You can read this, but this act is somebody else's (403)."""

    status = 403
    default = _l("This step is for the department in charge.")


class NotFound(BoardError):
    """There is nothing here for you (404): missing and restricted look alike."""

    status = 404
    default = _l("This page was not found.")


class WrongState(BoardError):
    """The act is yours, but it cannot be done now (409): somebody was first, or the time is over."""

    status = 409
    default = _l("Somebody was quicker: the case has moved on since you opened the page.")


class Invalid(BoardError):
    """What was typed cannot be taken (422). `errors` maps a field's name to what to do about it."""

    status = 422
    default = _l("Some things still need filling in.")

    def __init__(
        self,
        message: Message | None = None,
        *,
        field: str | None = None,
        errors: Mapping[str, Message] | None = None,
    ) -> None:
        self.errors: dict[str, Message] = dict(errors or {})
        if field is not None:
            self.errors.setdefault(field, message if message is not None else self.default)
        if message is None and self.errors:
            message = next(iter(self.errors.values()))
        super().__init__(message)


PAGES = {status: status for status in (403, 404, 409, 413, 422, 429, 500, 503)} | {405: 404, 410: 404}
# What werkzeug and the wall refuse, in the reader's language. What is not here is said as 400 or 500.
SAID: dict[int, Message] = {
    400: _l("The board could not read what your browser sent."),
    401: _l("Please sign in first."),
    403: NotAllowed.default,
    404: NotFound.default,
    405: NotFound.default,
    408: _l("That took too long on its way here. Please send it again."),
    409: WrongState.default,
    410: NotFound.default,
    413: _l("That is too large: at most 9 photos of 20 MB each."),
    414: _l("This address is too long."),
    415: _l("What was sent is of a kind that cannot be taken here."),
    422: Invalid.default,
    429: _l("That was a lot at once. Please wait a little and try again."),
    500: BoardError.default,
    503: _l("The board cannot answer right now. Please try again in a moment."),
}
TOO_MUCH_TEXT = _l("That is too much text for one form. Please send it in several parts.")
CANNOT_SAVE = _l("The board cannot save right now. Please try again in a moment.")


def database_away() -> bool:
    """Whether this request has found the database away: what is drawn now must do without it."""
    return bool(g.get("database_away"))


def without_the_database() -> None:
    """What is drawn from now on in this request asks the database nothing, and finds no transaction that broke."""
    g.database_away = True
    let_go()


def wants_json() -> bool:
    """Whether the reader is a program: it asks for JSON and not for a page."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"])
    return best is not None and best != "text/html"


def answer(status: int, message: Message, errors: Mapping[str, Message] | None = None) -> Response:
    """An error as a page, or as RFC 9457 problem JSON, never cached.

    The page of a form that was not taken holds what was written in it, to be copied.
    """
    if wants_json():
        body: dict[str, Any] = {"type": "about:blank", "status": status, "title": str(message)}
        if errors:
            body["errors"] = {name: str(text) for name, text in errors.items()}
        response = jsonify(body)
        response.mimetype = "application/problem+json"
    else:
        name = PAGES.get(status, 500 if status >= 500 else 400)
        words = typed.words()
        response = make_response(
            render_template(f"errors/{name}.html", message=str(message), errors=errors or {}, written=words)
        )
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def _in_short(error: DBAPIError) -> str:
    """What the database says, without the row that PostgreSQL goes on to quote."""
    found = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return str(found or error.orig)


def init_app(app: Flask) -> None:
    @app.errorhandler(BoardError)
    def refused(error: BoardError) -> Response:
        return answer(error.status, error.message, getattr(error, "errors", None))

    @app.errorhandler(StaleDataError)
    def somebody_was_first(error: StaleDataError) -> Response:
        return answer(WrongState.status, WrongState.default)

    @app.errorhandler(HTTPException)
    def by_the_web(error: HTTPException) -> ResponseReturnValue:
        behind = getattr(error, "original_exception", None)
        if behind is not None:  # raised by the page of another error, or behind the view
            return unforeseen(behind)
        code = error.code or 500
        if code < 400 and error.response is not None:
            return error.get_response()  # a redirect that werkzeug raised
        message = SAID.get(code, SAID[500 if code >= 500 else 400])
        if code == 413 and (request.content_length or 0) <= app.config["MAX_CONTENT_LENGTH"]:
            message = TOO_MUCH_TEXT  # the photos would have fitted
        response = answer(code, message)
        for name, value in error.get_headers():
            if name.lower() == "retry-after":
                response.headers[name] = value
        return response

    @app.errorhandler(SQLAlchemyError)
    def database_fails(error: SQLAlchemyError) -> Response:
        if not is_away(error):
            return unforeseen(error)
        # A full disk, a locked file, a server gone: nothing was written, the reader may try again.
        log.error("database: %s", getattr(error, "orig", error), extra={"request_id": g.get("request_id")})
        without_the_database()
        response = answer(503, SAID[503] if request.method in ("GET", "HEAD") else CANNOT_SAVE)
        response.headers["Retry-After"] = "5"
        return response

    @app.errorhandler(DataError)
    def not_to_be_kept(error: DataError) -> Response:
        # Such as the character NUL, which PostgreSQL takes in no text: nothing is called so, and nothing can be.
        log.warning("data: %s", _in_short(error), extra={"request_id": g.get("request_id")})
        if request.method in ("GET", "HEAD"):
            return answer(NotFound.status, NotFound.default)
        return answer(
            Invalid.status,
            _("This holds characters that cannot be kept, or it is too long. Please change it."),
        )

    @app.errorhandler(IntegrityError)
    def crossed(error: IntegrityError) -> Response:
        log.warning("integrity: %s", _in_short(error), extra={"request_id": g.get("request_id")})
        return answer(WrongState.status, WrongState.default)

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        if is_away(error):
            return database_fails(cast(SQLAlchemyError, error))
        log.error("unforeseen error", exc_info=error, extra={"request_id": g.get("request_id")})
        if app.testing and app.config.get("PROPAGATE"):
            raise error
        try:
            return answer(500, BoardError.default)
        except Exception:
            # What broke the page may break the page that says so: both ask who reads it. Then nothing more is asked.
            log.exception("the page of an error was not drawn", extra={"request_id": g.get("request_id")})
            without_the_database()
            return answer(500, BoardError.default)
