"""What an inbox says of a step, in the reader's language, made when it is shown.

A person reads what a step means for him (您); every other kind is the line that the timeline itself shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from board.i18n import _
from boards.lines import Scene, line
from boards.models.timeline import CaseEvent
from boards.sentences import first_sentence, tidy
from notifications.models import InboxItem
from notifications.models.inbox import CALLED

Speak = Callable[[CaseEvent, str], str]


def _unit(event: CaseEvent) -> str:
    return event.department.title if event.department is not None else _("The board")


def _words(event: CaseEvent) -> str:
    text = event.public_text
    return first_sentence(text.public) if text is not None and text.hidden_at is None else ""


def _with_words(sentence: str, words: str) -> str:
    return _("%(sentence)s: %(words)s", sentence=sentence, words=words) if words else sentence


# What the poster reads, by kind: these are his own affairs.
TO_POSTER: dict[str, Speak] = {
    "case.acknowledged": lambda e, w: _("%(unit)s has seen what you wrote", unit=_unit(e)),
    "case.accepted": lambda e, w: _with_words(_("%(unit)s takes it on", unit=_unit(e)), w),
    "case.asked": lambda e, w: _with_words(_("%(unit)s asks you", unit=_unit(e)), w),
    "case.progressed": lambda e, w: _with_words(_("News from %(unit)s", unit=_unit(e)), w),
    "case.resolved": lambda e, w: _with_words(_("%(unit)s concluded it; please rate it", unit=_unit(e)), w),
    "case.rectified": lambda e, w: _with_words(_("%(unit)s answered anew; please rate it", unit=_unit(e)), w),
    "case.declined": lambda e, w: _with_words(_("%(unit)s does not take it on", unit=_unit(e)), w),
    "case.extended": lambda e, w: _with_words(_("%(unit)s needs more time", unit=_unit(e)), w),
    "case.follow_up_asked": lambda e, w: _("Please tell us whether it has been done"),
    "case.overdue": lambda e, w: _("The promised time is over; the leader of the department was told"),
    "thread.held": lambda e, w: _("A moderator took your post from the public; it is still being worked on"),
    "text.hidden": lambda e, w: _("A moderator hid a reply of yours; you can ask another moderator"),
    "appeal.decided": lambda e, w: _with_words(
        _("Another moderator gave your words back to the public")
        if e.parameters.get("decision") == "overturned"
        else _("Another moderator looked at it: it stays so"),
        w,
    ),
    "thread.release_proposed": lambda e, w: _("Your post could be shown to everybody, if you agree"),
    "reply.posted": lambda e, w: _with_words(
        _("%(unit)s replied to you", unit=_unit(e)) if e.is_official else _("Somebody replied to you"), w
    ),
}

# Whom a step may come to, by his reason; others only hear what happened, as the timeline says it.
ANSWERING = frozenset({"duty", "handler", "approval", "nudge"})

# What they read of it.
TO_DUTY: dict[str, Speak] = {
    "thread.posted": lambda e, w: (
        _("Urgent: words of danger") if e.parameters.get("urgent") else _("A new post for you")
    ),
    "case.routed": lambda e, w: _("The command desk sent it to you"),
    "case.reopened": lambda e, w: _("The poster says that it is not solved"),
    "case.supplemented": lambda e, w: _with_words(_("The poster answered your question"), w),
    "case.nudged": lambda e, w: _("The poster asks how far it is"),
    "reply.posted": lambda e, w: _with_words(_("A new reply"), w),
    "approval.asked": lambda e, w: _("A decision is asked of the leader"),
    "approval.refused": lambda e, w: _("The leader did not agree"),
    "case.noted": lambda e, w: _("A colleague left an internal note"),
}

# What a moderator reads who may decide an appeal.
TO_JUDGE: dict[str, Speak] = {
    "appeal.filed": lambda e, w: _("An appeal waits for your decision"),
    "appeal.reminded": lambda e, w: (
        _("An appeal is past its time: please decide it now")
        if e.details.get("over")
        else _("An appeal still waits for your decision")
    ),
}

# What somebody reads of a post that came to him because of something he follows, by his reason.
TO_FOLLOWER: dict[str, Speak] = {
    "section": lambda e, w: _("New in a section you follow"),
    "department": lambda e, w: _("New with a department you follow"),
    "place": lambda e, w: _("New at a place you follow"),
    "search": lambda e, w: _("New for a search you follow"),
}


def kind_words(event: CaseEvent, reason: str) -> str:
    """What a step means for the reader, without anybody's words or name in it."""
    table = TO_POSTER if reason in ("poster", "author") else TO_DUTY if reason in ANSWERING else {}
    speak = table.get(event.kind)
    if event.kind == "thread.posted":
        speak = TO_FOLLOWER.get(reason, speak)
    return tidy(speak(event, "")) if speak is not None else _("News of a case")


def sentence(item: InboxItem, names: Mapping[str, str]) -> str:
    """One item in one sentence, plain text; `names`: departments by key, as boards.lines.department_names() gives them."""
    event, thread = item.event, item.event.thread
    reason = item.reasons[0] if item.reasons else ""
    if reason == CALLED:
        # What set the call off: a confirmation that nothing followed, or what nobody has answered.
        if event.kind == "case.acknowledged":
            return _("It was confirmed, but nothing followed: please see to it")
        return _("Nobody has answered yet: please see to it")
    # Whose words a moderator touched reads of it as of his own affairs.
    table = TO_POSTER if reason in ("poster", "author") else TO_DUTY if reason in ANSWERING else {}
    table = TO_JUDGE if reason == "appeal" else table
    speak = table.get(event.kind)
    if event.kind == "thread.posted":
        speak = TO_FOLLOWER.get(reason, speak)
    if speak is None and event.kind == "reply.posted":
        speak = TO_DUTY["reply.posted"]
    if speak is not None:
        return tidy(speak(event, _words(event)))
    # The whole item is a link, so the links inside a timeline's line are left out.
    return line(event, Scene(thread.poster_id, thread.identity, names)).say.striptags().rstrip("。.")
