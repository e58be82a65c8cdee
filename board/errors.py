"""The four ways an act can be refused, and the one place where they become HTTP answers.

A message is a lazy translation, so that a verb can be refused far from any request and still
be read in the reader's language.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

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


PAGES = {403, 404, 409, 413, 422, 429, 500, 503}


def database_away() -> bool:
    """Whether this request has found the database away: what is drawn now must do without it."""
    return bool(g.get("database_away"))


def wants_json() -> bool:
    """Whether the reader is a program: it asks for JSON and not for a page."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"])
    return best is not None and best != "text/html"


def answer(status: int, message: Message, errors: Mapping[str, Message] | None = None) -> Response:
    """An error as a page, or as RFC 9457 problem JSON, never cached."""
    if wants_json():
        body: dict[str, Any] = {"type": "about:blank", "status": status, "title": str(message)}
        if errors:
            body["errors"] = {name: str(text) for name, text in errors.items()}
        response = jsonify(body)
        response.mimetype = "application/problem+json"
    else:
        name = status if status in PAGES else (500 if status >= 500 else 404)
        response = make_response(
            render_template(f"errors/{name}.html", message=str(message), errors=errors or {})
        )
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def init_app(app: Flask) -> None:
    @app.errorhandler(BoardError)
    def refused(error: BoardError) -> Response:
        return answer(error.status, error.message, getattr(error, "errors", None))

    @app.errorhandler(StaleDataError)
    def somebody_was_first(error: StaleDataError) -> Response:
        return answer(WrongState.status, WrongState.default)

    @app.errorhandler(HTTPException)
    def by_the_web(error: HTTPException) -> ResponseReturnValue:
        code = error.code or 500
        if code < 400 and error.response is not None:
            return error.get_response()  # a redirect that werkzeug raised
        if code == 405:
            response = answer(404, NotFound.default)
            response.status_code = 405
            return response
        words = {
            413: _("That is too large: at most 9 photos of 20 MB each."),
            429: _("That was a lot at once. Please wait a little and try again."),
        }
        response = answer(code, words.get(code, NotFound.default if code == 404 else error.description))
        for name, value in error.get_headers():
            if name.lower() == "retry-after":
                response.headers[name] = value
        return response

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    @app.errorhandler(NoConnection)
    @app.errorhandler(NoFreeConnection)
    @app.errorhandler(PendingRollbackError)  # asked again after a query whose connection was cut
    def database_fails(error: SQLAlchemyError) -> Response:
        # A full disk, a locked file, a server gone: nothing was written, the reader may try again.
        log.error("database: %s", getattr(error, "orig", error), extra={"request_id": g.get("request_id")})
        g.database_away = True
        response = answer(
            503,
            _("The board cannot save right now. What you wrote is kept on this device; please try again."),
        )
        response.headers["Retry-After"] = "5"
        return response

    @app.errorhandler(DBAPIError)
    def cut_off(error: DBAPIError) -> ResponseReturnValue:
        # A server that stops under a running query is named in many ways; the lost connection tells it.
        return database_fails(error) if error.connection_invalidated else unforeseen(error)

    @app.errorhandler(IntegrityError)
    def crossed(error: IntegrityError) -> Response:
        log.warning("integrity: %s", error.orig, extra={"request_id": g.get("request_id")})
        return answer(WrongState.status, WrongState.default)

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        log.error("unforeseen error", exc_info=error, extra={"request_id": g.get("request_id")})
        if app.testing and app.config.get("PROPAGATE"):
            raise error
        return answer(500, BoardError.default)
