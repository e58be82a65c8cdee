"""One's own data: take a copy along, see what one agreed to, and delete the account."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, send_file, url_for
from werkzeug.exceptions import ServiceUnavailable

from board.clock import local, now
from board.db import transaction
from board.errors import Invalid, NotFound, WrongState, wants_json
from board.files import StoreAway, store
from board.i18n import _
from board.permissions import require
from board.web import safe_next
from people import consenting, me, myself, own_data
from people.confirming import require_confirmed
from people.models import Consent, Deletion, Export
from people.models.deletion import GRACE
from people.models.export import OFTEN
from people.session import login_required
from people.views import bp


def _page(status: int = 200, errors: dict[str, Any] | None = None) -> Response:
    person = myself()
    export = Export.last_of(person)
    html = render_template(
        "people/own_data/index.html",
        errors=errors or {},
        here=url_for("people.own_data"),
        person=person,
        export=export,
        may_ask=export is None or now() >= export.asked_at + OFTEN,
        wish=Deletion.open_of(person),
        consents=Consent.of(person),
        asks_again=consenting.asks_again(person),
    )
    return make_response(html, status)


@bp.get("/me/data", endpoint="own_data")
@login_required
def index() -> Response:
    """What I can do with what the board holds about me."""
    return _page()


@bp.post("/me/exports")
@login_required
def ask_for_copy() -> Response:
    """Ask for a copy; a job makes it. 422 within a day of the last one."""
    try:
        with transaction():
            Export.ask(by=myself())
    except Invalid as error:
        if wants_json():
            raise
        return _page(422, error.errors)
    flash(_("Your copy is being made. You will find a message when it is ready."))
    return redirect(url_for("people.own_data"), 303)  # type: ignore[return-value]


@bp.get("/me/exports/<public_id>")
@login_required
def fetch_copy(public_id: str) -> Response:
    """The copy as a ZIP, for its owner alone and while its time lasts; for everybody else there is none."""
    with transaction():
        export = Export.own(myself(), public_id)
        require_confirmed()  # a telephone that was left unlocked hands nothing out
        export.fetched_at = export.fetched_at or now()
        file, name = export.file, f"my-data-{local(export.asked_at):%Y-%m-%d}.zip"
    try:
        data = store().open_large(f"{file.key}.full") if file is not None else None
    except FileNotFoundError:
        data = None
    except StoreAway:
        raise ServiceUnavailable(retry_after=5) from None
    if data is None:
        raise NotFound
    response = send_file(data, mimetype="application/zip", as_attachment=True, download_name=name)
    response.headers["Cache-Control"] = "private, no-store"
    return response


# --- deleting the account ---------------------------------------------------------------------------------


def _deletion_page(status: int = 200, errors: dict[str, Any] | None = None) -> Response:
    person = myself()
    require(person, "person.delete", person)
    html = render_template(
        "people/own_data/deletion.html",
        errors=errors or {},
        form=request.form,
        here=url_for("people.deletion"),
        person=person,
        wish=Deletion.open_of(person),
        held=own_data.held_by(person),
        days=GRACE.days,
    )
    return make_response(html, status)


@bp.get("/me/deletion")
@login_required
def deletion() -> Response:
    """What goes and what stays when I delete my account; or until when I can take it back."""
    return _deletion_page()


@bp.post("/me/deletion")
@login_required
def delete_account() -> Response:
    """Wish it, with the nickname typed; 422 when it is not that, 409 while a matter of mine must end first."""
    try:
        with transaction():
            person = myself()
            require(person, "person.delete", person)
            if own_data.held_by(person):
                raise WrongState(_("A matter of yours must end first; it stands on this page."))
            require_confirmed()  # nor does it delete anything
            Deletion.ask(
                by=person, typed=request.form.get("typed", ""), pressed=request.form.get("pressed", "")
            )
    except Invalid as error:
        if wants_json():
            raise
        return _deletion_page(422, error.errors)
    return redirect(url_for("people.deletion"), 303)  # type: ignore[return-value]


@bp.post("/me/deletion/undoing")
@login_required
def keep_account() -> Response:
    """Take the wish back; 409 when there is none, or it has begun."""
    with transaction():
        person = myself()
        require(person, "person.delete", person)
        wish = Deletion.open_of(person)
        if wish is None:
            raise WrongState(_("There is nothing to take back."))
        wish.undo(by=person)
    flash(_("Your account stays. Nothing was deleted."))
    return redirect(url_for("people.own_data"), 303)  # type: ignore[return-value]


# --- agreeing -----------------------------------------------------------------------------------------------


@bp.get("/me/consent")
@login_required
def consent() -> Response:
    """The privacy page has changed: read it, and agree before you write again."""
    html = render_template(
        "people/own_data/consent.html",
        here=url_for("people.consent"),
        next=safe_next(request.args.get("next"), url_for("people.own_data")),
        version=consenting.VERSION,
        asks_again=consenting.asks_again(me()),
    )
    return make_response(html)


@bp.post("/me/consents")
@login_required
def agree() -> Response:
    """Agree to the version that was shown; 422 when a newer one stands by now."""
    with transaction():
        consenting.agree(myself(), request.form.get("version", ""))
    flash(_("Thank you. It is noted."))
    return redirect(safe_next(request.form.get("next"), url_for("people.own_data")), 303)  # type: ignore[return-value]
