"""WHO: persons, departments, appointments, shifts, sign-in and the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask

if TYPE_CHECKING:
    from people.models import Person


def me() -> Person | None:
    """The person who reads this page, None for a visitor; a real row, loaded once a request."""
    from people.session import reader

    return reader()


def myself() -> Person:
    """The person who reads a page that stands behind login_required."""
    person = me()
    assert person is not None
    return person


def signed_in() -> bool:
    """Whether a person reads this page."""
    return me() is not None


def init_app(app: Flask) -> None:
    from board.errors import database_away
    from people import csrf, erasing, exporting, own_account, policy  # noqa: F401
    from people.cli import people_cli
    from people.confirming import NotConfirmed, ask
    from people.duty_cli import duty_cli
    from people.session import login_manager
    from people.views import bp

    login_manager.init_app(app, add_context_processor=False)
    csrf.init_app(app)
    app.register_blueprint(bp)
    app.register_error_handler(NotConfirmed, ask)
    app.cli.add_command(people_cli)
    app.cli.add_command(duty_cli)

    @app.context_processor
    def the_reader() -> dict[str, Any]:
        return {"me": None if database_away() else me()}
