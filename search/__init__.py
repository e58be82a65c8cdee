"""WHO LOOKS: finding threads by what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, current_app

if TYPE_CHECKING:
    from search.engines import Engine


def engine() -> Engine:
    """The engine of this installation."""
    return current_app.extensions["search"]  # type: ignore[no-any-return]


def init_app(app: Flask) -> None:
    from board.seams import provides
    from search import saved, upkeep  # noqa: F401
    from search.cli import search_cli
    from search.views import bp
    from search.whoosh_engine import WhooshEngine

    app.extensions["search"] = WhooshEngine(app.config["SETTINGS"].data / "index")
    app.register_blueprint(bp)
    app.cli.add_command(search_cli)
    provides("similar_threads")(similar_threads)


def similar_threads(title: str) -> list[object]:
    """Up to three public threads that tell of much the same as `title`, the newer first among equals."""
    from search.finding import similar

    return list(similar(engine(), title))
