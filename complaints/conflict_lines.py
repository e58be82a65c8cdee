"""The steps of a conflict of interest in words, for the timeline of those who may read the case."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from board.i18n import _
from board.jinja import when
from boards.lines import LINES, Scene
from boards.models import CaseEvent
from boards.sentences import tidy
from people.models.person import number_words


def reason_words() -> dict[str, str]:
    """Why somebody must keep away, by reason of `complaints.conflicts`."""
    return {
        "accused": _("accused himself"),
        "sealed": _("the case lies with the superior authority"),
        "superior": _("a superior of the accused"),
        "subordinate": _("a subordinate of the accused"),
        "same_unit": _("of the same unit as the accused"),
        "handled": _("handled the matter that the complaint is about"),
        "declared": _("declared a relation"),
        "recused": _("stepped back"),
    }


def _stepped_back(e: CaseEvent, s: Scene) -> Markup:
    who = number_words(e.details.get("badge"))
    if e.details.get("why") == "declared":
        return _line(_("%(who)s declared a relation and keeps away from this case.", who=who))
    return _line(_("%(who)s stepped back and keeps away from this case.", who=who))


def _read_before(e: CaseEvent, s: Scene) -> Markup:
    words = reason_words()
    readers = [
        _(
            "%(who)s (%(why)s), last on %(time)s",
            who=number_words(badge),
            why=words.get(why, ""),
            time=when(datetime.fromisoformat(at)),
        )
        for badge, at, why in e.details.get("readers", [])
    ]
    return _line(
        _("Read before a conflict of interest began: %(readers)s. Now barred.", readers=_("; ").join(readers))
    )


def _handler_left(e: CaseEvent, s: Scene) -> Markup:
    return _line(_("Whoever handled it has a conflict of interest; somebody else must take it on."))


def _sealed_above(e: CaseEvent, s: Scene) -> Markup:
    return Markup(
        tidy(
            str(
                Markup(_("%(unit)s has it now; nobody of the police here can read it."))
                % {"unit": s.unit(e.parameters.get("to"))}
            )
        )
    )


def _line(words: str) -> Markup:
    return Markup("{}").format(tidy(words))


LINES.update(
    {
        "conflict.stepped_back": ("shield-alert", "insp", _stepped_back),
        "conflict.read_before": ("eye", "alert", _read_before),
        "conflict.handler_left": ("shield-alert", "insp", _handler_left),
        "conflict.sealed_above": ("lock", "insp", _sealed_above),
    }
)
