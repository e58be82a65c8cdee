"""What the steps of an inquiry say in the timeline of their complaint."""

from __future__ import annotations

from markupsafe import Markup

from board.i18n import _
from boards.lines import LINES, Scene
from boards.models import CaseEvent
from complaints.words import conclusion_word, measure_words


def _put(message: str, event: CaseEvent, scene: Scene, **values: str) -> Markup:
    # `message` is one of our own sentences; what is put into it is escaped.
    return Markup(message) % {"unit": scene.actor(event), **values}


def _concluded(e: CaseEvent, s: Scene) -> Markup:
    return _put(
        _("%(unit)s comes to the conclusion: %(conclusion)s. What follows: %(measures)s."),
        e,
        s,
        conclusion=conclusion_word(e.parameters.get("conclusion")),
        measures=measure_words(e.parameters.get("measures", ())),
    )


def _overdue(e: CaseEvent, s: Scene) -> Markup:
    return {
        "told": lambda: _put(_("%(unit)s owes the poster news: the promised time is over."), e, s),
        "review": lambda: _put(_("%(unit)s owes the second look: the working day is over."), e, s),
        "due": lambda: _put(_("%(unit)s owes the conclusion: the promised time is over."), e, s),
    }[e.details.get("what", "due")]()


def _statement(e: CaseEvent, s: Scene) -> Markup:
    unit = s.unit(e.details.get("asked"))
    if e.kind == "inquiry.statement_asked":
        return Markup(_("%(unit)s asked %(asked)s for a statement.")) % {"unit": s.actor(e), "asked": unit}
    return Markup(_("%(asked)s gave the statement it was asked for.")) % {"asked": unit}


LINES.update(
    {
        "inquiry.accepted": ("check", "", lambda e, s: _put(_("%(unit)s took its task on."), e, s)),
        "inquiry.reviewed": (
            "user-check",
            "",
            lambda e, s: _put(_("A second inspector of %(unit)s agreed that it was taken on."), e, s),
        ),
        "inquiry.sent_back": (
            "rotate-ccw",
            "alert",
            lambda e, s: _put(_("A second inspector of %(unit)s wants it taken on anew."), e, s),
        ),
        "inquiry.told": (
            "message-square-text",
            "done",
            lambda e, s: _put(_("%(unit)s told the poster how far it is."), e, s),
        ),
        "inquiry.statement_asked": ("message-circle-question-mark", "", _statement),
        "inquiry.statement_given": ("message-square-plus", "", _statement),
        "inquiry.proposed": (
            "gavel",
            "",
            lambda e, s: _put(_("%(unit)s proposed a conclusion; a second inspector decides."), e, s),
        ),
        "inquiry.given_back": (
            "corner-up-left",
            "alert",
            lambda e, s: _put(_("A second inspector of %(unit)s did not confirm the conclusion."), e, s),
        ),
        "inquiry.concluded": ("scale", "done", _concluded),
        "inquiry.begun_anew": (
            "rotate-ccw",
            "insp",
            lambda e, s: _put(
                _("%(unit)s has its task to take on anew: whoever worked on it must keep away."), e, s
            ),
        ),
        "inquiry.sent_above": (
            "lock",
            "insp",
            lambda e, s: _put(
                _("%(unit)s has the task now: too few of those who had it may work on it."), e, s
            ),
        ),
        "inquiry.overdue": ("circle-alert", "alert", _overdue),
    }
)
