"""Three pages that explain the board: how it works and how its numbers are counted, privacy, accessibility."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, render_template

from board import retention
from board.web import cached_page
from boards.models.section import Section
from people import consenting

bp = Blueprint("guides", __name__)


def _static(name: str, values: Callable[[], dict[str, Any]] = dict) -> Response:
    def build() -> tuple[str, Any]:
        return render_template(f"boards/{name}.html", here=f"/{name}", **values()), None

    return cached_page(("guide", name), lambda: name, build)


@bp.get("/guide")
def guide() -> Response:
    """How it works, and how the numbers are counted."""
    return _static(
        "guide", lambda: {"sections": [each for each in Section.all() if each.is_public and each.makes_cases]}
    )


@bp.get("/privacy")
def privacy() -> Response:
    """What is kept, for how long, who reads it, and what the board never does."""
    return _static("privacy", lambda: {"version": consenting.VERSION, "rules": retention.rules()})


@bp.get("/accessibility")
def accessibility() -> Response:
    """How the board can be used by everybody, and where to say that something does not work."""
    return _static("accessibility")
