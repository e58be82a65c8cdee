"""The steps of a supervision order in words, for the timelines of the cases that it covers. They name units alone."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from board.i18n import _
from boards.lines import LINES, Scene
from boards.models import CaseEvent
from boards.sentences import by_when, tidy
from complaints.supervision_words import demand_word, number_word


def _link(number: object) -> Markup:
    return Markup('<a href="/supervision/{}">{}</a>').format(str(number), number_word(str(number)))


def _put(message: str, event: CaseEvent, scene: Scene, **values: object) -> Markup:
    # `message` is one of our own sentences; what is put into it is escaped.
    said = {
        "office": scene.actor(event),
        "unit": scene.unit(event.parameters.get("unit")),
        "order": _link(event.parameters.get("order")),
        **values,
    }
    return Markup(tidy(str(Markup(message) % said)))


def _issued(e: CaseEvent, s: Scene) -> Markup:
    said = {
        "demand": demand_word(str(e.parameters.get("demand"))),
        "by": by_when(datetime.fromisoformat(e.parameters["due"])),
    }
    if e.parameters.get("previous"):
        return _put(
            _(
                "%(office)s: %(previous)s was not fulfilled, %(order)s follows: %(unit)s must %(demand)s %(by)s."
            ),
            e,
            s,
            previous=_link(e.parameters["previous"]),
            **said,
        )
    return _put(_("%(office)s issued %(order)s: %(unit)s must %(demand)s %(by)s."), e, s, **said)


def _answered(e: CaseEvent, s: Scene) -> Markup:
    if e.parameters.get("late"):
        return _put(_("%(unit)s answered %(order)s, late."), e, s)
    return _put(_("%(unit)s answered %(order)s."), e, s)


LINES.update(
    {
        "supervision.issued": ("scale", "insp", _issued),
        "supervision.read": (
            "eye",
            "",
            lambda e, s: _put(_("The leader of %(unit)s has read %(order)s."), e, s),
        ),
        "supervision.answered": ("message-square-text", "done", _answered),
        "supervision.overdue": (
            "circle-alert",
            "alert",
            lambda e, s: _put(
                _("%(unit)s did not answer %(order)s in time; its leader and the inspectors were told."), e, s
            ),
        ),
        "supervision.fulfilled": (
            "circle-check",
            "done",
            lambda e, s: _put(_("%(office)s: what %(order)s demanded is done."), e, s),
        ),
    }
)
