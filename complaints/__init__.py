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
        forgetting,
        landing,
        lines,
        listeners,
        models,
        own_data,
        policy,
        readings,
        sampling,
        settling,
        supervising,
        supervision_lines,
        weekly,
    )
    from complaints.views import (
        inquiries,
        inspection,
        landed,
        ordering,
        published,
        recusals,
        sealings,
        statements,
        supervision,
        turnings,
    )

    for pages in (
        inquiries,
        inspection,
        landed,
        ordering,
        published,
        recusals,
        sealings,
        statements,
        supervision,
        turnings,
    ):
        app.register_blueprint(pages.bp)
