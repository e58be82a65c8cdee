"""WHO MUST HEAR: the inbox, who is told of a step, and by which channel."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    from notifications import followers, heard, listeners, models  # noqa: F401
    from notifications.paging import auditing, listening, ticking  # noqa: F401
    from notifications.views import bp

    app.register_blueprint(bp)
