"""The timeline in words: each step as one line, and what people wrote as cards, oldest first.

Events keep kinds and parameters, never a finished sentence; here the sentence is made, in the reader's language.
Steps marked internal are given only to those who work on the case: the caller asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup
from sqlalchemy import select

from board.db import db
from board.i18n import _, is_english
from board.jinja import day, duration, iso, when
from boards.models.report import ABOUT_TEXT
from boards.models.status import Outcome
from boards.models.text import Text, masked
from boards.models.timeline import CaseEvent
from boards.reckoning import kind_words
from boards.sentences import by_when, outcome_word, satisfaction_word, solved_word, tidy
from people.models import Department, Person
from people.models.person import number_words


@dataclass(frozen=True)
class Line:
    """One step: an icon of the sprite, a tone ("", done, alert, insp) and its sentence."""

    icon: str
    say: Markup
    tone: str = ""


@dataclass
class Scene:
    """What the lines of one thread need to know: who posted and how, names of departments, photos, who may read what."""

    poster_id: int | None
    identity: str
    names: Mapping[str, str]
    photos: Mapping[int, list[dict[str, Any]]] = field(default_factory=dict)
    experts: frozenset[int] = frozenset()

    def unit(self, key: Any) -> Markup:
        """A department's name in bold."""
        return Markup("<b>{}</b>").format(self.names.get(str(key), str(key or "")))

    def actor(self, event: CaseEvent) -> Markup:
        """Who did it, as the public reads it: the department, else the person's shown name."""
        if event.actor_role == "poster":
            return Markup("<b>{}</b>").format(_("The poster"))
        if event.department is not None and event.actor_role not in ("moderator",):
            return Markup("<b>{}</b>").format(event.department.title)
        if event.actor_role == "moderator":
            return Markup("<b>{}</b>").format(_("A moderator"))
        return Markup("<b>{}</b>").format(shown_name(event.actor, self))


def department_names() -> dict[str, str]:
    """Every department's name in the reader's language, by key; one small query."""
    rows = db.session.execute(select(Department.key, Department.name, Department.name_en)).all()
    return {key: (english or name) if is_english() else name for key, name, english in rows}


def shown_name(person: Person | None, scene: Scene) -> str:
    """How a person stands under his words: the poster as he chose, everybody else by nickname or badge."""
    if person is None:
        return _("The board")
    if person.id == scene.poster_id and scene.identity != "open":
        return _("Resident (poster)")
    if person.id == scene.poster_id:
        return _("%(name)s (poster)", name=person.display_name)
    return person.display_name


def poster_name(person: Person | None, identity: str) -> str:
    """The poster in a list row or over his post."""
    if person is None or (identity != "open" and not person.is_staff):
        return _("Resident (poster)")
    return person.display_name


def _put(message: str, **values: Any) -> Markup:
    # `message` is one of our own sentences; what is put into it is escaped.
    return Markup(tidy(str(Markup(message) % values)))


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _words(event: CaseEvent, limit: int = 160) -> str:
    text = event.public_text
    if text is None or text.hidden_at is not None:
        return ""
    plain = " ".join(text.public.split()).rstrip("。.")
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


# --- one sentence a kind --------------------------------------------------------------------------------


def _posted(e: CaseEvent, s: Scene) -> Markup:
    if not e.parameters.get("lead"):
        return _put(_("Published by %(who)s."), who=s.actor(e))
    return _put(_("Posted; the people on duty at %(unit)s were told."), unit=s.unit(e.parameters["lead"]))


def _accepted(e: CaseEvent, s: Scene) -> Markup:
    return _put(_("%(unit)s accepted it."), unit=s.actor(e))


def _handler(e: CaseEvent, s: Scene) -> Markup:
    if e.kind == "case.claimed" and e.actor is not None:
        return _put(_("%(unit)s is working on it: %(who)s."), unit=s.actor(e), who=e.actor.display_name)
    return _put(
        _("%(unit)s gave it to %(who)s."),
        unit=s.actor(e),
        who=number_words(e.parameters.get("badge")),
    )


def _asked(e: CaseEvent, s: Scene) -> Markup:
    until = _moment(e.parameters.get("until"))
    if until is None:
        return _put(_("%(unit)s asked the poster; the clock stands."), unit=s.actor(e))
    return _put(
        _("%(unit)s asked the poster; the clock stands. Without an answer %(by)s the work goes on."),
        unit=s.actor(e),
        by=by_when(until),
    )


def _suspended(e: CaseEvent, s: Scene) -> Markup:
    until = _moment(e.parameters.get("until"))
    return _put(
        _("%(unit)s suspended it by law until %(until)s: %(reason)s."),
        unit=s.actor(e),
        until=day(until) if until else "–",
        reason=_words(e),
    )


def _extended(e: CaseEvent, s: Scene) -> Markup:
    until = _moment(e.parameters.get("until"))
    return _put(
        _("%(unit)s extended the deadline to %(until)s: %(reason)s."),
        unit=s.actor(e),
        until=when(until) if until else "–",
        reason=_words(e),
    )


def _routed(e: CaseEvent, s: Scene) -> Markup:
    words = _words(e)
    said = {"who": s.actor(e), "unit": s.unit(e.parameters.get("to"))}
    if words:
        return _put(_("%(who)s sent it to %(unit)s: %(note)s."), note=words, **said)
    return _put(_("%(who)s sent it to %(unit)s."), **said)


def _offered(e: CaseEvent, s: Scene) -> Markup:
    return _put(
        _(
            "%(unit)s wants to hand it to %(other)s: %(reason)s. Until %(other)s takes it, %(unit)s stays "
            "responsible; no deadline changes."
        ),
        unit=s.actor(e),
        other=s.unit(e.parameters.get("to")),
        reason=_words(e),
    )


def _taken(e: CaseEvent, s: Scene) -> Markup:
    if e.parameters.get("late"):
        return _put(
            _("%(unit)s took it over, with under a fifth of the time left."),
            unit=s.unit(e.parameters.get("to")),
        )
    return _put(_("%(unit)s took it over."), unit=s.unit(e.parameters.get("to")))


def _came_back(e: CaseEvent, s: Scene) -> Markup:
    said = {"other": s.unit(e.parameters.get("before")), "unit": s.unit(e.parameters.get("to"))}
    if e.change.get("department"):
        return _put(
            _("%(other)s sent it back to the command desk: %(reason)s."),
            reason=_words(e),
            other=said["other"],
        )
    if e.kind == "case.handover_expired":
        line = _put(_("%(other)s did not answer in time; %(unit)s stays responsible."), **said)
    else:
        line = _put(
            _("%(other)s gave it back: %(reason)s. %(unit)s stays responsible."), reason=_words(e), **said
        )
    return line + _put(" " + _("The command desk decides.")) if e.parameters.get("desk") else line


def _assist(e: CaseEvent, s: Scene) -> Markup:
    if e.kind == "case.assist_asked":
        return _put(
            _("%(unit)s asked %(other)s to help: %(what)s. %(unit)s stays in charge."),
            unit=s.actor(e),
            other=s.unit(e.parameters.get("to")),
            what=_words(e),
        )
    if e.kind == "case.assist_answered":
        return _put(
            _("%(unit)s answered as the helping department."), unit=s.unit(e.parameters.get("department"))
        )
    return _put(_("%(unit)s no longer has to answer."), unit=s.unit(e.parameters.get("department")))


def _merged(e: CaseEvent, s: Scene) -> Markup:
    number = str(e.parameters.get("into") or e.parameters.get("number") or e.parameters.get("before") or "")
    link = Markup('<a href="/cases/{0}">{0}</a>').format(number)
    if e.kind == "case.merged":
        return _put(_("The same matter as %(number)s: merged, and handled there."), number=link)
    if e.kind == "case.merged_in":
        return _put(_("%(number)s is the same matter and was merged into this case."), number=link)
    if e.kind == "case.unmerged":
        return _put(_("Not the same matter as %(number)s: handled on its own again."), number=link)
    return _put(_("%(number)s is not the same matter and is handled on its own again."), number=link)


def _rated(e: CaseEvent, s: Scene) -> Markup:
    who = (
        s.actor(e)
        if e.actor_id == s.poster_id
        else Markup("<b>{}</b>").format(_("A poster of a merged case"))
    )
    said = {
        "who": who,
        "solved": solved_word(e.parameters.get("solved")),
        "level": satisfaction_word(e.parameters.get("satisfaction")),
    }
    if e.parameters.get("corrected"):
        return _put(_("%(who)s changed the rating: %(solved)s · %(level)s."), **said)
    return _put(_("%(who)s rated it: %(solved)s · %(level)s."), **said)


def _reopened(e: CaseEvent, s: Scene) -> Markup:
    after = e.parameters.get("after")
    if after == "planned":
        return _put(_("The plan was not kept: handled again, round %(n)s."), n=e.round)
    if after == "transferred":
        return _put(
            _("Nobody called from outside: handled again at the command desk, round %(n)s."), n=e.round
        )
    if after == "inspector":
        return _put(_("The inspectors had it handled again, round %(n)s."), n=e.round)
    return _put(_("%(who)s says it is not solved: handled again, round %(n)s."), who=s.actor(e), n=e.round)


def _overdue(e: CaseEvent, s: Scene) -> Markup:
    line = _put(
        _("%(unit)s is over the promised time (%(clock)s); its leader was told."),
        unit=s.unit(e.parameters.get("department")),
        clock=kind_words(str(e.parameters.get("clock", ""))),
    )
    held = e.parameters.get("held") or []
    if len(held) > 1:
        parts = _(", ").join(
            f"{s.names.get(key, key)} {duration(timedelta(seconds=int(seconds)))}" for key, seconds in held
        )
        line += _put(" " + _("Held by: %(parts)s."), parts=parts)
    return line


def _recomputed(e: CaseEvent, s: Scene) -> Markup:
    until = _moment(e.parameters.get("until"))
    return _put(
        _("The working calendar changed; the deadline is now %(until)s."), until=when(until) if until else "–"
    )


def _follow_up(e: CaseEvent, s: Scene) -> Markup:
    if e.kind == "case.follow_up_asked":
        if e.parameters.get("outcome") == Outcome.PLANNED:
            return _put(_("The planned date has come; the poster was asked whether it is done."))
        return _put(
            _("Ten working days since it was passed outside; the poster was asked whether anybody called.")
        )
    return _put(_("%(who)s says that it is done."), who=s.actor(e))


def hold_reason(reason: Any) -> str:
    """A reason of the closed list, as it stands inside a sentence."""
    return {
        "private_data": _("private data"),
        "danger": _("danger to a person"),
        "unlawful": _("unlawful content"),
        "advert": _("an advert"),
        "duplicate_flood": _("many copies of one post"),
    }.get(str(reason), "–")


def _held(e: CaseEvent, s: Scene) -> Markup:
    reason = hold_reason(e.parameters.get("reason"))
    return _put(_("Taken from the public by a moderator: %(reason)s. No clock stops."), reason=reason)


def _moderated(e: CaseEvent, s: Scene) -> Markup:
    reason = hold_reason(e.parameters.get("reason"))
    if e.kind == "text.hidden":
        return _put(
            _("A reply was hidden by a moderator: %(reason)s. The chain of steps still holds."), reason=reason
        )
    if e.kind == "text.shown":
        return _put(_("A hidden reply is open to everybody again."))
    if e.kind == "text.restored":
        return _put(_("Words that a moderator had covered can be read again."))
    if not e.parameters.get("reason"):
        return _put(_("Words were covered; the chain of steps still holds."))
    return _put(
        _("Words were covered by a moderator: %(reason)s. The chain of steps still holds."), reason=reason
    )


def _proposed(e: CaseEvent, s: Scene) -> Markup:
    if e.kind == "thread.moved":
        return _put(_("A moderator moved it to another section."))
    if e.kind == "thread.move_proposed":
        return _put(_("A moderator thinks that it belongs into another section; the command desk decides."))
    number = str(e.parameters.get("into") or "")
    link = Markup('<a href="/cases/{0}">{0}</a>').format(number)
    return _put(
        _("A moderator thinks that it is the same matter as %(number)s; the command desk decides."),
        number=link,
    )


def _appeal(e: CaseEvent, s: Scene) -> Markup:
    if e.kind == "appeal.filed":
        until = _moment(e.parameters.get("due"))
        return _put(
            _("%(who)s asked another moderator to look at it again; answered by %(until)s."),
            who=s.actor(e),
            until=when(until) if until else "–",
        )
    if e.kind == "appeal.reminded":
        if e.details.get("over"):
            return _put(_("An appeal is past its promised time."))
        return _put(_("An appeal still waits for another moderator."))
    said = {"words": _words(e)}
    if e.parameters.get("decision") == "overturned":
        return _put(_("Another moderator looked at it: it is given back. %(words)s."), **said)
    return _put(_("Another moderator looked at it: it stays so. %(words)s."), **said)


def _report(e: CaseEvent, s: Scene) -> Markup:
    about_text = e.details.get("kind") in ABOUT_TEXT
    if e.kind == "report.filed":
        if about_text:
            return _put(_("Somebody reported this to the moderators."))
        return _put(_("Somebody reported that this is about them."))
    if about_text:
        return _put(_("A report to the moderators still waits."))
    return _put(_("A report that this is about somebody still waits."))


def _approval(e: CaseEvent, s: Scene) -> Markup:
    verb = {
        "suspend": _("suspending it"),
        "decline": _("not taking it on"),
        "resolve": _("the final answer"),
        "ask": _("a second question to the poster"),
    }.get(str(e.parameters.get("verb")), "–")
    if e.kind == "approval.asked":
        return _put(_("%(unit)s asked its leader to agree to %(verb)s."), unit=s.actor(e), verb=verb)
    return _put(
        _("The leader did not agree to %(verb)s: %(reason)s."),
        verb=verb,
        reason=e.details.get("reason") or "–",
    )


def _reminded(e: CaseEvent, s: Scene) -> Markup:
    return _put(
        _("Reminder: %(percent)s%% of the promised time is used."), percent=e.parameters.get("percent")
    )


def _uncovered(e: CaseEvent, s: Scene) -> Markup:
    if e.parameters.get("what") == "phone":
        return _put(_("%(who)s looked up the telephone number."), who=s.actor(e))
    reason = e.details.get("reason")
    if reason:
        return _put(_("%(who)s opened the original text. Reason: %(reason)s"), who=s.actor(e), reason=reason)
    return _put(_("%(who)s opened the original text."), who=s.actor(e))


def _plain(message: Callable[[], str]) -> Callable[[CaseEvent, Scene], Markup]:
    def draw(e: CaseEvent, s: Scene) -> Markup:
        return _put(message(), who=s.actor(e))

    return draw


Draw = Callable[[CaseEvent, Scene], Markup]

LINES: dict[str, tuple[str, str, Draw]] = {
    "thread.posted": ("bell", "", _posted),
    "thread.edited": ("pencil-line", "", _plain(lambda: _("%(who)s changed the post."))),
    "thread.held": ("eye-off", "alert", _held),
    "thread.released": ("eye", "", _plain(lambda: _("Open to everybody again."))),
    "thread.release_proposed": (
        "eye", "", _plain(lambda: _("%(who)s has nothing against showing this to everybody; the poster decides."))
    ),
    "thread.identity_changed": ("eye-off", "", _plain(lambda: _("%(who)s chose anew who may know that it is theirs."))),
    "identity.opened": ("eye", "", _plain(lambda: _("%(who)s looked up who posted it."))),
    "thread.erased": (
        "eye-off", "", _plain(lambda: _("The poster has deleted the account; what was written is gone."))
    ),
    "thread.opened": ("eye", "", _plain(lambda: _("The poster agreed; everybody can read this now."))),
    "thread.replies_closed": ("lock", "", _plain(lambda: _("The poster switched off replies of other members."))),
    "thread.replies_opened": ("message-square", "", _plain(lambda: _("The poster lets other members reply again."))),
    "thread.pinned": ("pin", "", _plain(lambda: _("Pinned."))),
    "thread.unpinned": ("pin", "", _plain(lambda: _("No longer pinned."))),
    "thread.moved": ("layout-grid", "", _proposed),
    "thread.move_proposed": ("layout-grid", "", _proposed),
    "thread.merge_proposed": ("git-merge", "", _proposed),
    "text.covered": ("highlighter", "", _moderated),
    "text.restored": ("eye", "", _moderated),
    "text.hidden": ("eye-off", "alert", _moderated),
    "text.shown": ("eye", "", _moderated),
    "appeal.filed": ("gavel", "", _appeal),
    "appeal.decided": ("gavel", "", _appeal),
    "appeal.reminded": ("gavel", "alert", _appeal),
    "text.uncovered": ("eye", "", _uncovered),
    "text.contacts_released": (
        "eye", "", _plain(lambda: _("A moderator looked at the numbers and links of a reply: everybody can read them now."))
    ),
    "text.contacts_kept": ("eye-off", "", _plain(lambda: _("%(who)s left the numbers and links of a reply covered."))),
    "report.filed": ("flag", "", _report),
    "report.reminded": ("flag", "", _report),
    "case.acknowledged": ("eye", "", _plain(lambda: _("%(who)s has seen it."))),
    "case.accepted": ("check", "done", _accepted),
    "case.assigned": ("user-check", "", _handler),
    "case.claimed": ("user-check", "", _handler),
    "case.progressed": ("message-square-text", "done", _plain(lambda: _("%(who)s reported progress."))),
    "case.noted": ("lock", "", _plain(lambda: _("%(who)s left an internal note."))),
    "case.instructed": ("stamp", "", _plain(lambda: _("The leader of %(who)s gave an instruction."))),
    "case.relayed": ("siren", "alert", _plain(lambda: _("%(who)s passed it to 110 and called the poster back."))),
    "case.resolved": ("message-square-text", "done", _plain(lambda: _("%(who)s concluded it."))),
    "case.rectified": ("message-square-text", "done", _plain(lambda: _("Another officer of %(who)s put it right."))),
    "case.declined": ("circle-slash", "", _plain(lambda: _("%(who)s did not take it on."))),
    "case.asked": ("message-circle-question-mark", "", _asked),
    "case.supplemented": ("message-square-plus", "", _plain(lambda: _("%(who)s answered; the clock goes on."))),
    "case.wait_ended": ("clock", "", _plain(lambda: _("No answer came in time; the work goes on."))),
    "case.suspended": ("circle-pause", "", _suspended),
    "case.resumed": ("rotate-ccw", "", _plain(lambda: _("The work goes on."))),
    "case.extended": ("calendar-clock", "", _extended),
    "case.routed": ("corner-up-right", "", _routed),
    "case.offered": ("corner-up-right", "", _offered),
    "case.taken": ("corner-up-right", "done", _taken),
    "case.returned": ("corner-up-left", "", _came_back),
    "case.handover_expired": ("corner-up-left", "alert", _came_back),
    "case.assist_asked": ("users", "", _assist),
    "case.assist_answered": ("users", "", _assist),
    "case.assist_waived": ("users", "", _assist),
    "case.merged": ("git-merge", "", _merged),
    "case.merged_in": ("git-merge", "", _merged),
    "case.unmerged": ("git-merge", "", _merged),
    "case.unmerged_from": ("git-merge", "", _merged),
    "case.rated": ("star", "done", _rated),
    "case.rating_ended": ("star", "", _plain(lambda: _("The time for rating is over: kept as it stands, never as satisfied."))),
    "case.reopened": ("rotate-ccw", "alert", _reopened),
    "case.nudged": ("bell", "", _plain(lambda: _("%(who)s reminded the department; its leader was told."))),
    "case.withdrawn": ("circle-slash", "", _plain(lambda: _("%(who)s withdrew it."))),
    "case.follow_up_asked": ("message-circle-question-mark", "", _follow_up),
    "case.follow_up_answered": ("circle-check", "done", _follow_up),
    "case.overdue": ("circle-alert", "alert", _overdue),
    "case.reminded": ("timer", "", _reminded),
    "case.recomputed": ("calendar-clock", "", _recomputed),
    "approval.asked": ("gavel", "", _approval),
    "approval.refused": ("gavel", "", _approval),
}  # fmt: skip

# Steps whose words say everything: their card needs no line above it.
CARD_ONLY = frozenset({"case.progressed", "case.resolved", "case.rectified", "reply.posted", "case.declined"})
# Steps whose words stand inside their line.
LINE_ONLY = frozenset(
    {"thread.posted", "thread.edited", "case.suspended", "case.extended", "case.routed", "case.offered"}
    | {"case.returned", "case.assist_asked", "appeal.decided"}
)


def line(event: CaseEvent, scene: Scene) -> Line:
    """One step as one line. A kind this file does not know yet says only that something changed."""
    icon, tone, draw = LINES.get(event.kind, ("history", "", _plain(lambda: _("%(who)s changed something."))))
    return Line(icon, draw(event, scene), tone)


# --- cards ------------------------------------------------------------------------------------------------


def _html(text: Text) -> Markup:
    if text.hidden_at is not None:
        return Markup("<p>{}</p>").format(_("These words are hidden."))
    return text.markup()


def _promise(event: CaseEvent) -> Markup:
    # The date an officer gave for the next result stands under his words.
    expected = _moment(event.parameters.get("expected"))
    if expected is None:
        return Markup()
    return Markup('<p class="meta">{}</p>').format(tidy(_("Next result %(by)s.", by=by_when(expected))))


def card(event: CaseEvent, text: Text, scene: Scene) -> tuple[str, dict[str, Any]]:
    """("official" or "citizen", the shape of components/reply.html) for words that somebody wrote."""
    shown = {
        "id": text.public_id,
        "when": when(event.at),
        "when_iso": iso(event.at),
        "html": _html(text) + _promise(event),
        "photos": scene.photos.get(text.id, []),
        "place": "",
    }
    if text.kind == "official" and event.is_official:
        unit = event.department.title if event.department is not None else ""
        result = event.kind in ("case.resolved", "case.rectified", "case.declined")
        outcome = "declined" if event.kind == "case.declined" else event.parameters.get("outcome")
        return "official", {
            **shown,
            "author": unit,
            "initial": unit[:1],
            "line": event.actor.display_name if event.actor is not None else "",
            "tag": None if event.kind == "case.instructed" else "result" if result else "answer",
            "badge": _("Instruction") if event.kind == "case.instructed" else "",
            "outcome_words": _result_words(event, outcome),
        }
    name = shown_name(event.actor, scene)
    if event.actor is None and event.actor_role == "poster":
        name = _("Resident (poster)")  # by a receipt: there is no account
    line_words, badge, note = _("resident"), "", ""
    if text.kind == "internal":
        name = event.department.title if event.department is not None else name
        # Words that a unit gave another one stand under the unit that said them.
        name = scene.names.get(str(event.details.get("spoken_by", "")), name)
        line_words = event.actor.display_name if event.actor is not None else ""
        badge = _("Internal note (the public cannot see it)")
    elif event.actor_role == "expert":
        line_words, badge = "", _("Lawyer or representative")
        note = _("What experts say here is general advice, not a legal opinion.")
    elif event.actor is not None and event.actor.is_staff:
        line_words = event.department.title if event.department is not None else ""
    elif event.actor_role == "poster":
        line_words = ""
    return "citizen", {
        **shown,
        "author": name,
        "initial": name[:1],
        "line": line_words,
        "tag": None,
        "badge": badge,
        "note": note,
    }


def _result_words(event: CaseEvent, outcome: Any) -> str:
    if event.kind == "case.rectified":
        return _("put right")
    words = outcome_word(outcome)
    if outcome == Outcome.PLANNED and event.parameters.get("date"):
        return f"{words} · {day(datetime.fromisoformat(event.parameters['date']))}"
    if outcome == Outcome.TRANSFERRED and event.parameters.get("number"):
        contact = masked(event.parameters.get("contact", ""))
        return f"{words} · {masked(event.parameters['number'])} · {contact}"
    return words


def entries(events: Iterable[CaseEvent], scene: Scene, *, internal: bool = False) -> list[dict[str, Any]]:
    """A thread's steps as components/timeline.html takes them, oldest first; ids `e<seq>`.

    Internal steps and texts are left out unless `internal`. Where a step has a line and words, the card follows
    the line and carries `e<seq>-words`.
    """
    found: list[dict[str, Any]] = []
    for event in events:
        if not event.is_public and not internal:
            continue
        text = event.public_text or (event.internal_text if internal else None)
        anchor = f"e{event.seq}"
        shows_card = text is not None and event.kind not in LINE_ONLY
        drawn = line(event, scene)
        if not shows_card or event.kind not in CARD_ONLY:
            found.append(
                {
                    "id": anchor,
                    "kind": "event",
                    "icon": drawn.icon,
                    "tone": drawn.tone,
                    "when": when(event.at),
                    "when_iso": iso(event.at),
                    "say": drawn.say,
                    "event": event.kind,
                }
            )
            anchor += "-words"
        if shows_card and text is not None:
            kind, reply = card(event, text, scene)
            official = kind == "official"
            found.append(
                {
                    "id": anchor,
                    "kind": kind,
                    "icon": "message-square-text"
                    if official
                    else ("lock" if text.kind == "internal" else "message-square"),
                    "tone": "done" if official else "",
                    "when": when(event.at),
                    "when_iso": iso(event.at),
                    "reply": reply,
                    "event": event.kind,
                }
            )
    return found


__all__ = [
    "LINES",
    "Line",
    "Scene",
    "card",
    "department_names",
    "entries",
    "line",
    "poster_name",
    "shown_name",
]
