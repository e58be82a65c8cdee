"""What the steps of an inquiry, and of what comes to the inspectors from an ordinary case, say in the timeline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from markupsafe import Markup

from board.i18n import _
from board.jinja import when
from boards.lines import LINES, Scene
from boards.models import CaseEvent
from complaints.words import conclusion_word, decision_word, ground_words, measure_words, referral_word


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


def _sealed(e: CaseEvent, s: Scene) -> Markup:
    return _put(
        _("%(unit)s handles it internally: %(ground)s. An inspector from elsewhere decides by %(until)s; if not, everybody reads it again."),
        e,
        s,
        ground=ground_words(e.parameters["ground"]),
        until=_when(e, "until"),
    )  # fmt: skip


def _referred(e: CaseEvent, s: Scene) -> Markup:
    until = _when(e, "due")
    if e.parameters.get("against") == "dissatisfied":
        return _put(
            _("Rated badly twice: put to the inspectors, who answer by %(until)s."), e, s, until=until
        )
    return _put(
        _("The poster put this to the inspectors: %(what)s. They answer by %(until)s."),
        e,
        s,
        what=referral_word(e.parameters["against"]),
        until=until,
    )


def _decided(e: CaseEvent, s: Scene) -> Markup:
    decision = decision_word(e.parameters.get("decision"), e.parameters["against"])
    return _put(_("%(unit)s looked at it: %(decision)s."), e, s, decision=decision)


def _when(event: CaseEvent, name: str) -> str:
    return when(datetime.fromisoformat(event.parameters[name]))


def _plainly(message: Callable[[], str]) -> Callable[[CaseEvent, Scene], Markup]:
    return lambda e, s: _put(message(), e, s)


LINES.update(
    {
        "case.sealed": ("lock", "alert", _sealed),
        "seal.confirmed": (
            "lock",
            "",
            _plainly(lambda: _("%(unit)s confirmed that it is handled internally; the poster may appeal.")),
        ),
        "seal.refused": (
            "eye",
            "done",
            _plainly(
                lambda: _("%(unit)s did not agree that it is handled internally: everybody reads it again.")
            ),
        ),
        "seal.lapsed": (
            "eye",
            "alert",
            _plainly(lambda: _("No inspector agreed within 24 hours: everybody reads it again.")),
        ),
        "seal.lifted": ("eye", "", _plainly(lambda: _("%(unit)s gave it back to the public."))),
        "seal.overturned": (
            "eye",
            "done",
            _plainly(lambda: _("After the poster's appeal everybody reads it again.")),
        ),
        "referral.filed": ("scale", "", _referred),
        "referral.decided": ("scale", "done", _decided),
        "referral.overdue": (
            "circle-alert",
            "alert",
            _plainly(lambda: _("The inspectors owe their answer: the promised time is over.")),
        ),
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
