"""The open case beside the queue: everything an officer needs to decide, read by a bounded number of statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from board.clock import now
from board.db import db
from board.errors import Invalid, NotFound
from board.i18n import _
from board.jinja import when
from board.permissions import may
from board.seams import provided
from boards import deskforms, wording
from boards.clockface import face
from boards.deskforms import Form
from boards.lines import Scene, department_names, entries, poster_name
from boards.models import Approval, Case, CaseEvent, Instruction, Thread
from boards.models.case import dashed
from boards.models.deadline import calendar
from boards.models.phrase import phrases_of
from boards.models.status import Outcome, Status
from boards.models.text import masked
from boards.photos import addresses, photos_of
from boards.policy import visible_to
from boards.sentences import chips, concluded, outcome_said, outcome_word, say, taken_on, tidy
from people.models import Person

EVENTS = 200  # the newest steps that the pane shows; the case's own page has them all


@dataclass(frozen=True)
class Typed:
    """What an officer sent and the desk could not take: it is drawn again, with what is wrong."""

    verb: str = ""
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=dict)
    message: Any = ""

    def value(self, verb: str, name: str, default: str = "") -> str:
        """What was typed in a field of a verb's form."""
        return self.values.get(name, default) if verb == self.verb else default

    def error(self, verb: str, name: str) -> Any:
        """What is wrong with a field of a verb's form, "" when nothing is."""
        return self.errors.get(name, "") if verb == self.verb else ""


# The verbs of the answer box: they share its one text.
BOXED = ("accept", "answer", "progress", "note", "resolve", "rectify")
WORDS = (
    "text",
    "answer",
    "question",
    "reason",
    "words",
    "note",
    "advice",
    "to",
    "department",
    "into",
    "receipt",
)


@dataclass
class Pane:
    """One case for one officer."""

    case: Case
    officer: Person
    verbs: set[str]
    events: list[CaseEvent]
    photos: dict[int, list[dict[str, Any]]]

    @classmethod
    def read(cls, number: str, officer: Person) -> Pane:
        """The case with this number for this officer; NotFound for what he may not read."""
        case = db.session.scalar(
            select(Case)
            .join(Thread, Case.thread_id == Thread.id)
            .where(Case.number == dashed(number), visible_to(officer))
            .options(
                joinedload(Case.thread).options(
                    joinedload(Thread.title_text),
                    joinedload(Thread.body),
                    joinedload(Thread.place_text),
                    joinedload(Thread.poster),
                ),
                joinedload(Case.handler).selectinload(Person.appointments),
                joinedload(Case.parent),
                selectinload(Case.deadlines),
                selectinload(Case.assists),
                selectinload(Case.handovers),
                selectinload(Case.duplicates),
                selectinload(Case.approvals).joinedload(Approval.asked_by),
                selectinload(Case.instructions).options(
                    joinedload(Instruction.text), joinedload(Instruction.owner), joinedload(Instruction.by)
                ),
            )
        )
        if case is None:
            raise NotFound
        case.thread.open_for(officer)
        events = list(
            db.session.scalars(
                select(CaseEvent)
                .where(CaseEvent.thread_id == case.thread_id)
                .order_by(CaseEvent.seq.desc())
                .limit(EVENTS)
                .options(
                    joinedload(CaseEvent.actor),
                    joinedload(CaseEvent.public_text),
                    joinedload(CaseEvent.internal_text),
                )
            )
        )[::-1]
        texts = [case.thread.body, *(event.public_text for event in events if event.public_text is not None)]
        shown = {
            text_id: [_photo(file) for file in files]
            for text_id, files in photos_of(dict.fromkeys(texts)).items()
        }
        return cls(case, officer, case.open_verbs(officer), events, shown)

    # --- the post ----------------------------------------------------------------------------------------

    @property
    def thread(self) -> Thread:
        """Its thread."""
        return self.case.thread

    def works_on_it(self) -> bool:
        """Whether internal steps are for this officer."""
        return (
            "note" in self.verbs
            or may(self.officer, "case.note", self.case)
            or self.officer.leads(self.case.department)
        )

    def chips(self) -> dict[str, Any]:
        """The chips over the title."""
        return chips(self.case)

    def clock(self) -> dict[str, Any] | None:
        """The clock over the title, as components/clock.html takes it."""
        return face(self.case)

    def sentence(self) -> str:
        """What the public reads now."""
        return say(self.case)

    def poster(self) -> str:
        """Who posted, as the public reads it. The nickname behind it is opened like the telephone, with a reason."""
        return poster_name(self.thread.poster, self.thread.identity)

    def restricted(self) -> str:
        """Why the public does not read this; "" when it does."""
        if self.thread.is_public:
            return ""
        if self.thread.restricted_why == "danger":
            return _("Words of present danger: only the desk and the responsible department read this.")
        if self.thread.is_restricted:
            return _("Only the responsible department reads this; the poster chose so.")
        return _("Taken from the public by a moderator. No clock stops.")

    def can_call(self) -> bool:
        """Whether this officer may open the poster's telephone number."""
        return may(self.officer, "poster.contact", self.case)

    def originals(self) -> list[dict[str, str]]:
        """The texts whose original differs from what the public reads and that this officer may open."""
        named = [
            (self.thread.title_text, _("the title")),
            (self.thread.body, _("the post")),
            (self.thread.place_text, _("the place")),
        ]
        named += [
            (event.public_text, _("what was written %(when)s", when=when(event.at)))
            for event in self.events
            if event.public_text is not None and event.kind != "thread.posted"
        ]
        found: dict[str, dict[str, str]] = {}
        for text, name in named:
            if text is not None and text.in_vault and may(self.officer, "text.original", (text, self.thread)):
                found.setdefault(text.public_id, {"id": text.public_id, "name": name})
        return list(found.values())

    def timeline(self) -> list[dict[str, Any]]:
        """Every step this officer may read, as components/timeline.html takes them."""
        scene = Scene(
            poster_id=self.thread.poster_id,
            identity=self.thread.identity,
            names=department_names(),
            photos=self.photos,
        )
        return entries(self.events, scene, internal=self.works_on_it())

    def similar(self) -> list[dict[str, str]]:
        """Public threads that tell of much the same; never chosen by who posted them."""
        if self.case.status != Status.PENDING or not self.thread.is_public:
            return []
        found = provided("similar_threads", self.thread.title, default=[])
        return [
            {
                "title": each.title,
                "url": f"/cases/{each.case.number}" if each.case is not None else f"/t/{each.public_id}",
                "number": each.case.number if each.case is not None else "",
            }
            for each in found
            if each.id != self.thread.id
        ]

    # --- what waits for somebody ----------------------------------------------------------------------------

    def instructions(self) -> list[dict[str, Any]]:
        """Instructions that are not done yet, newest first; internal ones only for those who work on it."""
        return [
            {
                "who": each.by.duty_name,
                "to": each.owner.duty_name if each.owner is not None else "",
                "words": each.text.markup(),
                "due": when(each.due_at) if each.due_at is not None else "",
                "public": each.is_public,
            }
            for each in reversed(self.case.instructions)
            if each.done_at is None and (each.is_public or self.works_on_it())
        ]

    def handover(self) -> dict[str, Any] | None:
        """The handover that waits, or the desk's sending that may still come back, and what this officer may do."""
        open_one = self.case.open_handover()
        other = open_one or self.case.fresh_routing()
        if other is None:
            return None
        may_take, may_return = open_one is not None and "take" in self.verbs, "return" in self.verbs
        if open_one is None and not may_return:
            return None
        return {
            "id": other.public_id,
            "routed": open_one is None,
            "from": other.from_department.title,
            "to": other.to_department.title,
            "until": when(other.due_at),
            "reason": self._words_of("case.offered")
            if open_one is not None
            else self._words_of("case.routed"),
            "take": may_take,
            "return": may_return,
        }

    def _words_of(self, kind: str) -> str:
        texts = [
            each.public_text for each in self.events if each.kind == kind and each.public_text is not None
        ]
        return texts[-1].public if texts else ""

    def approvals(self) -> list[dict[str, Any]]:
        """What waits for a leader, with what was asked for: for him, and for whoever works on it."""
        titles = {
            "suspend": _("Suspend by law"),
            "decline": _("Do not take it on"),
            "resolve": _("Final answer"),
            "ask": _("Second question to the poster"),
        }
        decides = may(self.officer, "case.approve", self.case)
        if not decides and not self.works_on_it():
            return []
        found = []
        for each in self.case.approvals:
            if not each.is_open:
                continue
            found.append(
                {
                    "id": each.public_id,
                    "title": titles.get(each.verb, each.verb),
                    "by": each.asked_by.duty_name,
                    "when": when(each.asked_at),
                    "facts": _asked_for(each),
                    "decides": decides and each.asked_by_id != self.officer.id,
                }
            )
        return found

    def tasks(self) -> list[dict[str, Any]]:
        """Open tasks of other departments, and what this officer may do about each."""
        return [
            {
                "id": each.public_id,
                "department": each.department.title,
                "when": when(each.asked_at),
                "answers": may(self.officer, "assist.answer", each) and "assist_answer" in self.verbs,
                "waives": "assist_waive" in self.verbs,
            }
            for each in self.case.assists
            if each.is_open
        ]

    def may_propose_release(self) -> bool:
        """Whether the desk may say that everybody may read this."""
        return (
            self.thread.is_restricted
            and not self.thread.release_asked
            and self.thread.section.is_public
            and may(self.officer, "thread.propose_release", self.thread)
        )

    # --- what can be done ------------------------------------------------------------------------------------

    def answer_verb(self) -> str:
        """Which answer this case waits for from this officer: `accept`, `progress`, `rectify`, or "" for none."""
        if "accept" in self.verbs:
            return "accept"
        if self.case.status == Status.RESOLVED:
            return "rectify" if "rectify" in self.verbs and self.case.open_clock("rectification") else ""
        return "progress" if self.verbs & {"progress", "resolve"} else ""

    def acts(self) -> list[dict[str, str]]:
        """The buttons of the answer box, each one press."""
        url = f"/cases/{self.case.number}"
        found: list[dict[str, str]] = []
        if self.answer_verb() == "accept":
            found.append({"label": _("Accept and answer"), "url": f"{url}/acceptance", "verb": "accept"})
            if "answer" in self.verbs:
                found.append({"label": _("Answer and conclude"), "url": f"{url}/answer", "verb": "answer"})
        elif self.answer_verb() == "progress":
            if "progress" in self.verbs:
                found.append({"label": _("Report progress"), "url": f"{url}/notes", "verb": "progress"})
            if "resolve" in self.verbs:
                found.append(
                    {"label": _("Conclude with this answer"), "url": f"{url}/resolution", "verb": "resolve"}
                )
        elif self.answer_verb() == "rectify":
            found.append({"label": _("Answer anew"), "url": f"{url}/rectification", "verb": "rectify"})
        for place, act in enumerate(found):
            act["kind"], act["key"] = ("main", "Ctrl+Enter") if not place else ("plain", "")
        return found

    def note_act(self) -> dict[str, str] | None:
        """The button of the internal tab."""
        if "note" not in self.verbs:
            return None
        return {"label": _("Keep the note"), "url": f"/cases/{self.case.number}/notes"}

    def outcomes(self) -> list[tuple[str, str]]:
        """What may be chosen as having come of it, for the answer that concludes; [] where none does."""
        if "answer" in self.verbs:
            return deskforms.outcomes("answer")
        return deskforms.outcomes("resolve") if "resolve" in self.verbs else []

    def dates(self) -> list[tuple[str, str]]:
        """The dates a next result may be promised for; [] where this answer promises none."""
        return deskforms.result_dates() if self.answer_verb() in ("accept", "progress") else []

    def phrases(self) -> list[dict[str, str]]:
        """The department's stock phrases."""
        if not self.officer.serves(self.case.department):
            return []
        return [{"title": each.title, "text": each.words} for each in phrases_of(self.case.department)]

    def forms(self) -> list[Form]:
        """The forms of everything else that this officer may do now."""
        return deskforms.forms(self.case, self.officer, self.verbs)

    def field_id(self, verb: str, name: str) -> str:
        """Where a field of a verb's form stands in the page."""
        if verb not in BOXED:
            return f"f-{verb}-{name}"
        if name in ("date", "number", "contact", "reason"):
            return f"f-outcome-{name}"
        return "f-outcome" if name == "outcome" else "f-text"

    def kept(self, typed: Typed) -> list[str]:
        """What was typed into a form that is not offered any more: shown, so that it can be copied."""
        if typed.verb in BOXED:
            offered = bool(self.acts() or self.note_act())
        else:
            offered = typed.verb in {form.verb for form in self.forms()}
        return [] if offered else [typed.values[name] for name in WORDS if typed.values.get(name, "").strip()]

    def preview_lines(self, typed: Typed) -> tuple[list[str], list[str]]:
        """What citizens will read, and warnings about what was typed; the box starts without any."""
        words = typed.values.get("text", "") if typed.verb in BOXED else ""
        outcome = typed.values.get("outcome", "")
        known = outcome if outcome in {str(each) for each in Outcome} else str(Outcome.EXPLAINED)
        read = self.preview(words, known, _details(typed) if outcome == known else {})
        return read, wording.warnings(words, self.case) if self.acts() else []

    def preview(
        self,
        words: str = "",
        outcome: str = Outcome.EXPLAINED,
        details: Mapping[str, str] | None = None,
    ) -> list[str]:
        """What citizens will read after each act of the answer box, if it happened now.

        `details` as `Case.outcome_details` would keep them.
        """
        said = {
            "accept": lambda: taken_on(self.case.department.title, now(), self._result_due()),
            "answer": lambda: self._concluded(words, outcome_said(outcome, {})),
            "resolve": lambda: self._concluded(words, outcome_said(outcome, details or {})),
        }
        return [tidy(said[act["verb"]]()) for act in self.acts() if act["verb"] in said]

    def _concluded(self, words: str, outcome: str) -> str:
        until = calendar().end(self.thread.section.span("rating"), now())
        return concluded(self.case.department.title, now(), outcome, masked(words), until)

    def _result_due(self) -> datetime | None:
        section = self.thread.section
        return calendar().end(section.span("resolve"), now()) if section.shows_countdown else None


def _details(typed: Typed) -> dict[str, str]:
    """A plan's date and a transfer's number and contact, as far as they were typed."""
    found = {name: typed.values.get(name, "").strip() for name in ("number", "contact")}
    try:
        date = deskforms.moment(typed.values.get("date"), "date")
    except Invalid:
        date = None  # it says so when it is sent
    return {**found, "date": date.isoformat() if date is not None else ""}


def _asked_for(approval: Approval) -> list[tuple[str, str]]:
    names = {
        "reason": _("Reason"),
        "advice": _("Where to go instead"),
        "until": _("Until"),
        "question": _("Question"),
        "answer": _("Answer"),
        "outcome": _("Outcome"),
        "date": _("Date"),
        "number": _("Outside number"),
        "contact": _("Contact"),
    }
    found = []
    for name, value in approval.arguments.items():
        if name in ("until", "date"):
            value = when(datetime.fromisoformat(value))
        elif name == "outcome":
            value = outcome_word(value)
        if value and name in names:
            found.append((names[name], str(value)))
    return found


def _photo(file: Any) -> dict[str, Any]:
    return {**addresses(file), "width": 120, "height": 88, "caption": file.caption}
