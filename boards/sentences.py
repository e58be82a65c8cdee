"""What stands with a case, in one sentence: what happened, who has it now, what comes next and by when.

The sentence names the 发帖人 and never the reader, so the status card, a list row, the search page and a feed all
show the same words (the table of states in the design guide). It is made in the reader's language when it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased

from board.clock import local, now
from board.db import db
from board.facts import facts
from board.i18n import _, is_english
from board.jinja import clock_time, day, duration, when
from boards.models.concluding import REOPEN, REOPEN_ALONE
from boards.models.deadline import DUTIES, Deadline
from boards.models.status import Outcome, Solved, Status
from boards.models.text import Text, masked
from boards.models.timeline import CaseEvent
from people.models import Department, Person

if TYPE_CHECKING:
    from boards.models.case import Case

QUOTE = 46  # characters of somebody's words that a sentence takes over
BRIEF = 8  # characters under which the next sentence is taken as well: 归我们管 alone says too little
S = Status

# Whose words a sentence quotes, by status: the newest public step of these kinds. While a case is offered to another
# department its sentence says why, whatever its status.
OFFER = ("case.offered",)
QUOTED: dict[str, tuple[str, ...]] = {
    S.IN_PROGRESS: (
        "case.accepted",
        "case.progressed",
        "case.assist_answered",
        "case.extended",
        "reply.posted",
    ),
    S.WAITING_POSTER: ("case.asked",),
    S.SUSPENDED: ("case.suspended",),
    S.RESOLVED: ("case.resolved", "case.rectified"),
    S.CLOSED: ("case.declined",),
}


@dataclass(frozen=True)
class Quote:
    """The newest public words that stand for where a case is, and when they were written."""

    words: str = ""
    at: datetime | None = None


NOTHING = Quote()


# --- small words ----------------------------------------------------------------------------------------


def tidy(sentence: str) -> str:
    """Chinese has no space between two Chinese characters, whatever was put into a sentence there."""
    return sentence if is_english() else re.sub(r"(?<=[㐀-鿿、。，；：（）“”]) (?=[㐀-鿿（“])", "", sentence)


def at_moment(moment: datetime) -> str:
    """`08:03`, `昨天 10:05`, `11月18日 09:11`; in English with its preposition: `at 08:03`, `on 18 Nov 09:11`."""
    days = (local(moment).date() - local(now()).date()).days
    if days == 0 and not timedelta(0) <= now() - moment < timedelta(minutes=1):
        return _("at %(time)s", time=clock_time(moment))
    if abs(days) <= 1:
        return when(moment)
    return _("on %(day)s", day=when(moment))


def on_day(moment: datetime) -> str:
    """`11月18日`; `on 18 Nov`."""
    return _("on %(day)s", day=day(moment))


def by_when(moment: datetime) -> str:
    """A deadline: `18:00 前`, `明天 18:00 前`, and from the day after tomorrow on its date, `11月28日前`."""
    days = (local(moment).date() - local(now()).date()).days
    if -1 <= days <= 1:
        return _("by %(time)s", time=clock_time(moment) if days == 0 else when(moment))
    return _("by %(day)s", day=day(moment))


def first_sentence(words: str, limit: int = QUOTE) -> str:
    """The first sentence of `words` that says something, at most `limit` characters, without its full stop."""
    plain = re.sub(r"^(您好|你好|Hello|Dear \w+)[，,！!。.\s]*", "", " ".join(words.split()))
    said = ""
    for part in re.split(r"(?<=[。！？!?；])|(?<=\.)\s", plain):
        said += part
        if len(said.rstrip("。.；; ")) >= BRIEF:
            break
    said = said.strip().rstrip("。.；; ")
    return said if len(said) <= limit else said[: limit - 1].rstrip("，,、 ") + "…"


def officer_words(person: Person, department: Department | None) -> str:
    """Who works on it, as the public reads it: `欧阳警官`, or the number only where no name is shown."""
    police = department is None or department.kind != "city"
    surname = "" if facts().get("officers_by_number_only") else person.surname
    if surname and police:
        return _("Officer %(surname)s", surname=surname)
    if police:
        return _("the officer with %(number)s", number=person.number_words)
    return _("the clerk with %(number)s", number=person.number_words)


def outcome_words(case: Case) -> str:
    """What came of it, as the department says it, with a plan's date or the number of a transfer."""
    return outcome_said(case.outcome, case.outcome_details or {})


def outcome_said(outcome: str | None, details: Mapping[str, Any]) -> str:
    """The same of an outcome and its details, as `Case.outcome_details` keeps them."""
    if outcome == Outcome.PLANNED and details.get("date"):
        return _("planned %(by)s", by=by_when(datetime.fromisoformat(details["date"])))
    if outcome == Outcome.TRANSFERRED and details.get("number"):
        return _(
            "passed outside, number %(number)s, contact %(contact)s",
            number=masked(details["number"]),
            contact=masked(details.get("contact", "")),
        )
    return outcome_word(outcome)


def outcome_word(outcome: str | None) -> str:
    """One word for an outcome."""
    return {
        Outcome.SOLVED: _("solved"),
        Outcome.EXPLAINED: _("explained"),
        Outcome.PLANNED: _("planned"),
        Outcome.TRANSFERRED: _("passed outside"),
        Outcome.IMPOSSIBLE: _("cannot be done"),
        Outcome.DECLINED: _("not taken on"),
        Outcome.DUPLICATE: _("merged"),
        Outcome.WITHDRAWN: _("withdrawn"),
    }.get(Outcome(outcome) if outcome else None, _("closed"))  # type: ignore[arg-type]


def status_word(status: str) -> str:
    """One word for where a case stands, as its chip says it."""
    return {
        S.PENDING: _("Waiting"),
        S.ACCEPTED: _("Accepted"),
        S.IN_PROGRESS: _("In progress"),
        S.WAITING_POSTER: _("Needs reply"),
        S.SUSPENDED: _("Suspended by law"),
        S.RESOLVED: _("Please rate"),
        S.CLOSED: _("Closed"),
    }[S(status)]


def solved_word(solved: str | None) -> str:
    """What the poster says of the problem."""
    return {"yes": _("Yes, it is solved"), "partly": _("Partly solved"), "no": _("No, it is not solved")}.get(
        str(solved), ""
    )


def satisfaction_word(level: str | None) -> str:
    """One of the five official levels."""
    return {
        "very_satisfied": _("Very satisfied"),
        "satisfied": _("Satisfied"),
        "fair": _("Fairly satisfied"),
        "dissatisfied": _("Dissatisfied"),
        "very_dissatisfied": _("Very dissatisfied"),
    }.get(str(level), "")


# --- what a sentence is made of -----------------------------------------------------------------------


def quote_of(cases: Iterable[Case]) -> dict[int, Quote]:
    """The words each case's sentence quotes, by case id: two queries for each state that quotes any."""
    groups: dict[tuple[str, ...], list[Case]] = {}
    for case in cases:
        kinds = _quoted(case)
        if kinds:
            groups.setdefault(kinds, []).append(case)
    found: dict[int, Quote] = {}
    for kinds, wanted in groups.items():
        found |= newest(wanted, kinds)
    return found


def _quoted(case: Case) -> tuple[str, ...]:
    if _is_offered(case):
        return OFFER
    if case.status == S.CLOSED and case.outcome != Outcome.DECLINED:
        return ()
    return QUOTED.get(case.status, ())


def _is_offered(case: Case) -> bool:
    """Whether its sentence tells of a handover that waits: a broken promise is told first."""
    return case.is_open and case.open_handover() is not None and _told_late(case) is None


def _told_late(case: Case) -> Deadline | None:
    return late_clock(case) if case.thread.section.shows_countdown else None


@cache
def _newest_query() -> Any:
    # Built once: making the aliases anew for every page cost more than running the query.
    each, words = aliased(CaseEvent), aliased(Text)
    newest = (
        select(each.id)
        .join(words, each.public_text_id == words.id)
        .where(
            each.thread_id == CaseEvent.thread_id,
            each.kind.in_(bindparam("kinds", expanding=True)),
            each.visibility == "public",
            words.kind == "official",
            words.hidden_at.is_(None),
        )
        .order_by(each.seq.desc())
        .limit(1)
        .correlate(CaseEvent)
        .scalar_subquery()
    )
    # The first step of each thread anchors the search for its newest one, which the index answers from its end.
    return select(CaseEvent.thread_id, newest).where(
        CaseEvent.thread_id.in_(bindparam("threads", expanding=True)), CaseEvent.seq == 1
    )


@cache
def _quoted_query() -> Any:
    return (
        select(CaseEvent.id, CaseEvent.at, CaseEvent.round, Text.public)
        .join(Text, CaseEvent.public_text_id == Text.id)
        .where(CaseEvent.id.in_(bindparam("events", expanding=True)))
    )


def newest(cases: list[Case], kinds: tuple[str, ...]) -> dict[int, Quote]:
    """The newest public words of steps of these kinds in each case's round, by case id, in two queries."""
    threads = [case.thread_id for case in cases]
    rows = db.session.execute(_newest_query(), {"kinds": list(kinds), "threads": threads})
    ids = {event_id: thread_id for thread_id, event_id in rows if event_id is not None}
    if not ids:
        return {}
    rounds = {case.thread_id: (case.id, case.round) for case in cases}
    found: dict[int, Quote] = {}
    for event_id, at, round_, public in db.session.execute(_quoted_query(), {"events": list(ids)}):
        case_id, current = rounds[ids[event_id]]
        if round_ == current:
            found[case_id] = Quote(public, at)
    return found


def late_clock(case: Case) -> Deadline | None:
    """The earliest promise of this round that is broken and still owed."""
    late = [
        each
        for each in case.deadlines
        if each.kind in DUTIES and each.round == case.round and each.is_open and is_late(each)
    ]
    return min(late, key=lambda each: each.breached_at or each.due_at or now(), default=None)


def is_late(clock: Deadline) -> bool:
    """Whether an open clock's time is over, whether or not the worker has said so yet."""
    if clock.breached_at is not None:
        return True
    return clock.is_running and clock.due_at is not None and clock.due_at <= now()


def promised(case: Case, *kinds: str) -> datetime | None:
    """When the first of these clocks that runs is due; None where nothing runs, or a section shows no countdown."""
    if not case.thread.section.shows_countdown:
        return None
    for kind in kinds:
        clock = case.open_clock(kind)
        if clock is not None and clock.is_running and clock.due_at is not None and not is_late(clock):
            return clock.due_at
    return None


def time_used(case: Case) -> timedelta | None:
    """How long this round took, pauses left out; None while it is open."""
    end = case.resolved_at or case.closed_at
    if end is None:
        return None
    still = timedelta(0)
    resolve = case.clock("resolve")
    for segment in resolve.clock.segments if resolve is not None else ():
        if segment.kind == "pause":
            still += max(min(segment.end or end, end) - segment.start, timedelta(0))
    return max(end - case.round_at - still, timedelta(0))


# --- the sentence ---------------------------------------------------------------------------------------


def say(case: Case, quote: Quote | None = None) -> str:
    """The public sentence of a case, in the reader's language. `quote`: from quote_of(), else it is read here."""
    words = quote_of([case]).get(case.id, NOTHING) if quote is None else quote
    late = _told_late(case)
    if late is not None:
        return tidy(_late(case, late, words))
    if _is_offered(case):
        return tidy(_offered(case, words))
    speak = {
        S.PENDING: _pending,
        S.ACCEPTED: _accepted,
        S.IN_PROGRESS: _in_progress,
        S.WAITING_POSTER: _waiting,
        S.SUSPENDED: _suspended,
        S.RESOLVED: _resolved,
        S.CLOSED: _closed,
    }[S(case.status)]
    return tidy(speak(case, words))


def _late(case: Case, late: Deadline, quote: Quote) -> str:
    since = late.breached_at or late.due_at or now()
    said = {
        "unit": case.department.title,
        "span": duration(now() - since),
    }
    following = promised(
        case, *(kind for kind in ("accept", "resolve", "rectification") if kind != late.kind)
    )
    if following is not None:
        return _(
            "%(unit)s is %(span)s over the promised time, its leader has been told; please answer %(by)s.",
            by=by_when(following),
            **said,
        )
    sentence = _("%(unit)s is %(span)s over the promised time, its leader has been told.", **said)
    if case.status == S.IN_PROGRESS and case.handler is not None:
        # Who has it now, and how far: a late case must not say less than one in time.
        who, step = officer_words(case.handler, case.department), first_sentence(quote.words)
        has_it = _("%(who)s has it: %(step)s.", who=who, step=step) if step else _("%(who)s has it.", who=who)
        return _("%(late)s %(now)s", late=sentence, now=has_it)
    return sentence


def _offered(case: Case, quote: Quote) -> str:
    handover = case.open_handover()
    assert handover is not None
    reason = first_sentence(quote.words)
    said = {"unit": handover.from_department.title, "other": handover.to_department.title}
    if reason:
        return _(
            "%(unit)s wants to hand it to %(other)s: %(reason)s. Until %(other)s takes it, %(unit)s stays "
            "responsible; no deadline changes.",
            reason=reason,
            **said,
        )
    return _(
        "%(unit)s wants to hand it to %(other)s. Until %(other)s takes it, %(unit)s stays responsible; no "
        "deadline changes.",
        **said,
    )


def _pending(case: Case, quote: Quote) -> str:
    if case.at_desk:
        return _(
            "Two departments say it is not theirs; the command desk decides, until then %(unit)s stays responsible.",
            unit=case.department.title,
        )
    police = case.department.kind != "city"
    said: dict[str, Any] = {"unit": case.department.title, "when": at_moment(case.lead_since)}
    told = (
        _("Officers on duty at %(unit)s were told %(when)s", **said)
        if police
        else _("The people on duty at %(unit)s were told %(when)s", **said)
    )
    if case.acknowledged_at is not None:
        told = _("%(told)s and saw it %(when)s", told=told, when=at_moment(case.acknowledged_at))
    answer = promised(case, "reply")
    if answer is not None:
        return _("%(told)s; somebody answers %(by)s.", told=told, by=by_when(answer))
    taken = promised(case, "accept")
    if taken is not None:
        return _("%(told)s; they decide %(by)s whether to take it on.", told=told, by=by_when(taken))
    return _("%(told)s.", told=told)


def taken_on(unit: str, at: datetime, result: datetime | None) -> str:
    """A department has taken it on and nobody handles it yet; `result`: by when it is promised, None where nothing is."""
    when = at_moment(at)
    return _with_result(
        _("%(unit)s accepted it %(when)s and is finding an officer", unit=unit, when=when), result
    )


def _and_result(sentence: str, case: Case) -> str:
    return _with_result(sentence, promised(case, "resolve"))


def _with_result(sentence: str, result: datetime | None) -> str:
    if result is None:
        return _("%(sentence)s.", sentence=sentence)
    return _("%(sentence)s; a result %(by)s.", sentence=sentence, by=by_when(result))


def _accepted(case: Case, quote: Quote) -> str:
    unit = case.department.title
    if case.at_desk:
        return _pending(case, quote)
    if case.accepted_at is not None and case.lead_since > case.accepted_at:
        taken = _(
            "%(unit)s took it over %(when)s and is finding an officer",
            unit=unit,
            when=at_moment(case.lead_since),
        )
        return _and_result(taken, case)
    if case.round > 1:
        return _and_result(
            _("The poster says it is not solved, handled again since %(when)s", when=when(case.round_at)),
            case,
        )
    return taken_on(unit, case.accepted_at or case.lead_since, promised(case, "resolve"))


def _in_progress(case: Case, quote: Quote) -> str:
    if case.at_desk:
        return _pending(case, quote)
    unit = case.department.title
    who = officer_words(case.handler, case.department) if case.handler is not None else ""
    step = first_sentence(quote.words)
    if who and step:
        text = _("%(who)s of %(unit)s is working on it: %(step)s", who=who, unit=unit, step=step)
    elif who:
        text = _("%(who)s of %(unit)s is working on it", who=who, unit=unit)
    elif step:
        text = _("%(unit)s is working on it: %(step)s", unit=unit, step=step)
    else:
        text = _("%(unit)s is working on it", unit=unit)
    return _and_result(text, case)


def _waiting(case: Case, quote: Quote) -> str:
    unit, question = case.department.title, first_sentence(quote.words)
    clock = case.open_clock("poster")
    asked = at_moment(quote.at or (clock.started_at if clock else case.lead_since))
    if clock is not None and clock.due_at is not None and case.thread.section.shows_countdown:
        return _(
            "%(unit)s asked the poster %(when)s: %(question)s. The clock stands; without an answer %(by)s the "
            "work goes on.",
            unit=unit,
            when=asked,
            question=question,
            by=by_when(clock.due_at),
        )
    return _(
        "%(unit)s asked the poster %(when)s: %(question)s. The clock stands.",
        unit=unit,
        when=asked,
        question=question,
    )


def _suspended(case: Case, quote: Quote) -> str:
    pause = case.open_clock("resolve")
    since = quote.at or (pause.paused_at if pause is not None else None) or case.lead_since
    return _(
        "Suspended by law since %(since)s: %(reason)s; it goes on by itself %(until)s.",
        since=day(since),
        reason=first_sentence(quote.words),
        until=on_day(case.suspended_until or now()),
    )


def _resolved(case: Case, quote: Quote) -> str:
    unit = case.department.title
    rectification = case.open_clock("rectification")
    if rectification is not None:
        due = promised(case, "rectification")
        said = (
            _("The poster says it is not solved")
            if case.rated_solved == Solved.NO
            else _("The poster is not satisfied")
        )
        if due is None:
            return _("%(said)s; another officer of %(unit)s puts it right.", said=said, unit=unit)
        return _(
            "%(said)s; another officer of %(unit)s puts it right and answers anew %(by)s.",
            said=said,
            unit=unit,
            by=by_when(due),
        )
    clock = case.open_clock("rating")
    until = clock.due_at if clock is not None else None
    return concluded(unit, case.resolved_at or now(), outcome_words(case), quote.words, until)


def concluded(unit: str, at: datetime, outcome: str, answer: str, rating: datetime | None) -> str:
    """A department has given its final answer; `rating`: until when its poster may rate it, None where nobody is asked."""
    done = _("%(unit)s concluded it %(when)s, %(outcome)s", unit=unit, when=at_moment(at), outcome=outcome)
    step = first_sentence(answer)
    if step:
        done = _("%(done)s: %(step)s", done=done, step=step)
    if rating is None:
        return _("%(done)s.", done=done)
    return _(
        "%(done)s. Waiting for the poster to rate it; without a rating %(by)s it is kept as “not rated”.",
        done=done,
        by=by_when(rating),
    )


def can_reopen(case: Case) -> bool:
    """Whether its poster may still ask for another round: within thirty days, twice alone."""
    ended = case.closed_at or case.resolved_at
    return (
        case.outcome not in (None, Outcome.DUPLICATE)
        and ended is not None
        and now() <= ended + REOPEN
        and case.reopened_times < REOPEN_ALONE
    )


def _closed(case: Case, quote: Quote) -> str:
    ended = case.closed_at or now()
    if case.outcome == Outcome.DECLINED:
        reason, _gap, advice = quote.words.partition("\n\n")
        if not advice:
            return _("It was not taken on: %(reason)s.", reason=first_sentence(reason, 80))
        return _(
            "It was not taken on: %(reason)s. You can turn to: %(advice)s.",
            reason=first_sentence(reason, 80),
            advice=first_sentence(advice, 80),
        )
    if case.outcome == Outcome.DUPLICATE and case.parent is not None:
        return _(
            "Merged into %(number)s %(when)s and handled there.",
            number=case.parent.number,
            when=on_day(ended),
        )
    if case.outcome == Outcome.WITHDRAWN:
        return _("The poster withdrew it %(when)s.", when=on_day(ended))
    details = case.outcome_details or {}
    if details.get("asked") and not details.get("answered"):
        return _(
            "Kept as %(outcome)s; the poster has been asked what became of it.", outcome=outcome_words(case)
        )
    used = time_used(case)
    rated = satisfaction_word(case.rated_satisfaction) if case.rated_satisfaction else _("not rated")
    sentence = _(
        "%(outcome)s %(when)s, time used %(span)s, rating: %(rating)s.",
        outcome=chip(case),
        when=on_day(case.resolved_at or ended),
        span=duration(used or timedelta(0)),
        rating=rated,
    )
    if can_reopen(case):
        sentence = _(
            "%(sentence)s If it comes back, the poster can have it handled again.", sentence=sentence
        )
    return sentence


# --- chips and short forms ----------------------------------------------------------------------------------


def chip(case: Case) -> str:
    """The word of its status chip; a closed case shows what came of it (`components/chips.html` draws the same)."""
    if case.status != S.CLOSED:
        return {
            S.PENDING: _("Waiting"),
            S.ACCEPTED: _("Accepted"),
            S.IN_PROGRESS: _("In progress"),
            S.WAITING_POSTER: _("Needs reply"),
            S.SUSPENDED: _("Suspended by law"),
            S.RESOLVED: _("Please rate"),
        }[S(case.status)]
    if case.rated_solved == Solved.NO:
        return _("Not solved, says the poster")
    if case.rated_solved == Solved.PARTLY:
        return _("Partly solved, says the poster")
    return {
        Outcome.SOLVED: _("Solved · confirmed by the poster")
        if case.rated_solved == Solved.YES
        else _("Solved, says the department · not rated"),
        Outcome.EXPLAINED: _("Explained"),
        Outcome.PLANNED: _("Planned"),
        Outcome.TRANSFERRED: _("Passed outside"),
        Outcome.IMPOSSIBLE: _("Cannot be done"),
        Outcome.DECLINED: _("Not taken on"),
        Outcome.DUPLICATE: _("Merged"),
        Outcome.WITHDRAWN: _("Withdrawn"),
    }.get(Outcome(case.outcome) if case.outcome else None, _("Closed"))  # type: ignore[arg-type]


def chips(case: Case) -> dict[str, Any]:
    """What `case_chips` in components/chips.html takes."""
    return {
        "status": str(case.status),
        "outcome": case.outcome,
        "verdict": case.rated_solved if case.status == S.CLOSED else None,
        "overdue": late_clock(case) is not None and case.thread.section.shows_countdown,
        "supervised": case.supervised,
        "round": case.round,
    }


def short(case: Case) -> str:
    """For an SMS, a push or a line of the inbox: number, status word, deadline; never a name or the post's words."""
    due = None
    if case.status == S.PENDING:
        due = promised(case, "reply", "accept")
    elif case.status in (S.ACCEPTED, S.IN_PROGRESS):
        due = promised(case, "resolve")
    elif case.status in (S.WAITING_POSTER, S.RESOLVED):
        kinds = ("poster",) if case.status == S.WAITING_POSTER else ("rectification", "rating")
        due = promised(case, *kinds)
    said = {"number": case.number, "status": chip(case)}
    if due is None:
        return tidy(_("No. %(number)s: %(status)s", **said))
    return tidy(_("No. %(number)s: %(status)s, %(by)s", by=by_when(due), **said))


__all__ = [
    "QUOTED",
    "Quote",
    "at_moment",
    "by_when",
    "can_reopen",
    "chip",
    "chips",
    "concluded",
    "first_sentence",
    "is_late",
    "late_clock",
    "newest",
    "officer_words",
    "on_day",
    "outcome_said",
    "outcome_word",
    "outcome_words",
    "promised",
    "quote_of",
    "satisfaction_word",
    "say",
    "short",
    "solved_word",
    "taken_on",
    "tidy",
    "time_used",
]
