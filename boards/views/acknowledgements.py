"""The department on duty says that it has seen a case."""

from __future__ import annotations

from flask import Blueprint, Response

from board.i18n import _l
from boards.views.duty import take_step
from people.session import login_required

bp = Blueprint("acknowledgements", __name__)


@bp.post("/cases/<number>/acknowledgement")
@login_required
def create(number: str) -> Response:
    """Paging stops and the public reads 已查看; it is not a reply."""
    return take_step(
        number,
        "acknowledge",
        lambda case, officer: case.acknowledge(by=officer),
        _l("Acknowledged: everybody reads that you have seen it"),
    )
