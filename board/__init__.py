"""The wall: what any notice board on the web needs. It knows Flask and not one police word."""

from __future__ import annotations

import os
from importlib import import_module, util
from pathlib import Path

from flask import Flask
from jinja2 import StrictUndefined

from board.settings import Settings

__all__ = ["PARTS", "Settings", "create_app"]

ROOT = Path(__file__).resolve().parent.parent

# Strings, so that the wall has no arrow to a part. The order is that of the listeners.
PARTS = ("people", "boards", "complaints", "notifications", "search")
WALL = (
    "logs", "db", "audit", "i18n", "prefs", "web", "wakeups", "limits", "errors", "jinja", "facts", "files", "workdays", "hub", "health", "proxies", "noting", "retention", "roots", "cli", "doctor_cli", "audit_cli",
)  # fmt: skip


def create_app(settings: Settings | None = None) -> Flask:
    """The whole program. Raises SettingsError when the environment cannot be used."""
    settings = settings or Settings.from_env()
    import_module("board.machines").check(settings)
    os.environ.setdefault("BOARD_ZONE", settings.zone)
    app = Flask(
        "board",
        root_path=str(ROOT),
        template_folder="templates",
        static_folder=None,  # or Flask would add an address of its own; ours holds the content hash
    )
    app.static_folder = "static"
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        MAX_CONTENT_LENGTH=9 * 20 * 1024 * 1024 + 2 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SECURE=settings.public_url.startswith("https://"),
        TESTING=settings.mode == "test",
        **settings.extra,
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    for name in (*(f"board.{part}" for part in WALL), *PARTS):
        if util.find_spec(name) is None:
            continue
        module = import_module(name)
        if hasattr(module, "init_app"):
            module.init_app(app)
    return app
