"""What everybody reads of complaints: the monthly list, how they ended, and the seeds of the samples."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template
from sqlalchemy import select

from board.clock import now
from board.db import db
from board.errors import NotFound
from board.web import cached_page
from complaints import publishing, sampling
from complaints.models.draw import Draw
from complaints.words import conclusion_word, published_state_word, reason_word
from people.models import Department

bp = Blueprint("complaints_published", __name__)


@bp.get("/complaints")
def index() -> Response:
    """Month, reason class and state; conclusions by class; the seed of each sample once its month is over."""
    month = sampling.month_of(now())

    def version() -> Any:
        if publishing.complaints_section() is None:
            raise NotFound
        return month, tuple((each.month, each.drawn_at) for each in _draws())

    def build() -> tuple[str, Any]:
        section = publishing.complaints_section()
        assert section is not None  # version
        figures = [
            {
                "month": each.month,
                "reason": reason_word(section, each.reason),
                "state": published_state_word(each.state),
                "count": each.count,
            }
            for each in publishing.merged(publishing.stubs(section))
        ]
        names = {each.key: each.title for each in Department.all()}
        sealed = [
            {"month": each.month, "unit": names.get(each.reason, ""), "count": each.count}
            for each in publishing.sealings()
        ]
        ended = [
            {"conclusion": conclusion_word(each.reason), "count": each.count}
            for each in publishing.conclusions(section)
        ]
        html = render_template(
            "complaints/published.html",
            section=section,
            here="/complaints",
            figures=figures,
            ended=ended,
            sealed=sealed,
            fewest=publishing.FEWEST,
            draws=[_draw(each) for each in _draws()],
        )
        return html, sampling.first_of(sampling.next_month(month))

    return cached_page("complaints", version, build)


def _draws() -> list[Draw]:
    return list(db.session.scalars(select(Draw).order_by(Draw.month.desc()).limit(24)))


def _draw(row: Draw) -> dict[str, Any]:
    return {
        "month": row.month,
        "commitment": sampling.commitment(row.seed),
        "seed": row.seed if row.drawn_at is not None else "",
        "closed": row.closed,
        "chosen": row.chosen,
    }
