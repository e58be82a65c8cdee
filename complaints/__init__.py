"""WHO WATCHES: the integrity inspectors' desk, complaints about the police, conflicts of interest."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    from complaints import (  # noqa: F401
        authority,
        conflict_lines,
        conflicts,
        doors,
        filing,
        lines,
        listeners,
        models,
        own_data,
        policy,
        readings,
        sampling,
        settling,
    )
    from complaints.views import inquiries, inspection, published, recusals, statements

    for pages in (inquiries, inspection, published, recusals, statements):
        app.register_blueprint(pages.bp)
