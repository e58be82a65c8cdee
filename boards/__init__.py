"""WHAT HANGS ON THE WALL: sections, threads, replies, mentions, cases, deadlines, timeline, ratings."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    from boards import (  # noqa: F401
        clockwork,
        counting,
        forgetting,
        lists,
        looking,
        models,
        modsources,
        own_data,
        policy,
        reviewing,
        views,
    )
    from boards.cityfile_cli import city_cli
    from boards.importing_cli import import_cli
    from boards.texts_cli import texts_cli

    app.cli.add_command(city_cli)
    app.cli.add_command(import_cli)
    app.cli.add_command(texts_cli)
    views.register(app)
