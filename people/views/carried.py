"""Back from the sign-in page with what was written before it."""

from __future__ import annotations

from flask import render_template, request

from board.errors import NotFound
from board.i18n import _
from people import carried, me
from people.session import login_required
from people.views import bp


@bp.get(carried.PLACE)
@login_required
def give_back() -> str:
    """The form that was not taken, filled in; sent from here it goes where it was going."""
    person = me()
    assert person is not None
    found = carried.of(person)
    if found is None:
        raise NotFound
    why = _("Your sign-in had ended. Here is what you wrote; send it now.")
    if "confirmed" in request.args:
        why = _("You have confirmed that it is you. Here is what you wrote; send it now.")
    return render_template("people/carried.html", it=found, here=carried.PLACE, why=why)
