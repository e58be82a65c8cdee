"""One photo, large: for whoever may read what it hangs on, with the ones before and behind it."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template

from board.files import StoredFile
from boards.addresses import step_path, thread_path
from boards.photos import OF_TEXT, Hung, addresses, shown_to
from people import me

bp = Blueprint("photos", __name__)


@bp.get("/photos/<public_id>")
def show(public_id: str) -> Response:
    """The picture inside a page; the file itself always comes as an attachment."""
    place = shown_to(me(), public_id)
    row = StoredFile.of(OF_TEXT, place.file.owner_ref)
    at = next(number for number, each in enumerate(row) if each.id == place.file.id)
    html = render_template(
        "boards/photo.html",
        photo={**addresses(place.file), "width": place.file.width, "height": place.file.height},
        caption=place.file.caption,
        thread=place.thread,
        number=at + 1,
        number_of_all=len(row),
        before=addresses(row[at - 1])["page"] if at else "",
        after=addresses(row[at + 1])["page"] if at + 1 < len(row) else "",
        back=_back(place),
        here=f"/photos/{public_id}",
    )
    response = make_response(html)
    if not place.thread.is_public or (place.event is not None and not place.event.is_public):
        response.headers["Cache-Control"] = "private, no-store"
    return response


def _back(place: Hung) -> str:
    """The words it belongs to, on the page of their thread."""
    event = place.event
    return thread_path(place.thread) if event is None or event.kind == "thread.posted" else step_path(event)
