"""WHO MUST HEAR: the inbox, who is told of a step, and by which channel."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    from notifications import (  # noqa: F401
        accounts,
        acknowledging,
        carrying,
        contactpages,
        deadletters,
        followers,
        forgetting,
        heard,
        listeners,
        models,
        own,
        own_data,
        receiving,
        seeing,
        settling,
    )
    from notifications.followpages import bp as follows
    from notifications.paging import auditing, listening, standing, ticking  # noqa: F401
    from notifications.paging.rooms import bp as rooms
    from notifications.paging.views import bp as paging
    from notifications.views import bp

    app.register_blueprint(bp)
    app.register_blueprint(paging)
    app.register_blueprint(rooms)
    app.register_blueprint(follows)
    for pages in (accounts, acknowledging, contactpages, deadletters, receiving):
        app.register_blueprint(pages.bp)
