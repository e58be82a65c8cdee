"""The inspectors' desk: queues by reason, their rows, and the open case with what an inspector may do to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from board import once
from board.clock import now
from board.errors import BoardError, Invalid, NotFound
from board.i18n import _, _l
from board.jinja import when
from board.permissions import may
from board.seams import provided
from boards import casepage
from boards.models import Case
from boards.models.case import dashed
from boards.queuerow import length
from boards.sentences import chips
from boards.views.acting import myself, once_only
from complaints import landed
from complaints.accusing import accused_units, is_complaint
from complaints.inspecting import LOOKED, QUEUES, Inspection, Listed
from complaints.models.accused import Accused
from complaints.models.complaint import Complaint
from complaints.models.inquiry import CONCLUSIONS, MEASURES, Inquiry
from complaints.models.statement import Statement
from complaints.views.ordering import waiting
from complaints.words import conclusion_word, measure_word, measure_words, reason_word, state_word, task_word
from people import me
from people.models import Department
from people.session import login_required

bp = Blueprint("inspection", __name__)

# A verb calls its argument `words`; on one page each form needs a name of its own for them.
WORDS = {"review": "review_words", "confirm": "confirm_words", "tell": "news", "look": "found"}
TONES = {
    "reprisals": "over",
    "seals": "over",
    "referred": "wait",
    "pressed": "wait",
    "new": "over",
    "second": "wait",
    "late": "over",
    "overdue": "over",
    "dissatisfied": "wait",
}


@dataclass(frozen=True)
class Typed:
    """A form that was refused: of which task, which form, and why; what was typed stands in the request."""

    task: str = ""
    form: str = ""
    error: BoardError | None = None

    def errors(self, task: str, form: str) -> dict[str, Any]:
        """What is wrong in one form."""
        if self.error is None or (self.task, self.form) != (task, form):
            return {}
        said = getattr(self.error, "errors", None) or {"": self.error.message}
        return {(WORDS[form] if name == "words" else name): message for name, message in said.items()}

    def value(self, task: str, form: str, name: str) -> str:
        """What was typed into a field of one form."""
        mine = (self.task, self.form) == (task, form)
        return request.form.get(name, "")[:20_000] if mine else ""

    def values(self, task: str, form: str, name: str) -> list[str]:
        """What was ticked in one form."""
        return request.form.getlist(name)[:20] if (self.task, self.form) == (task, form) else []


NOTHING = Typed()


@bp.get("/inspection")
@login_required
def index() -> Response:
    """The desk; `?queue=` one of its queues, `?case=` a case."""
    if not _inspects():
        raise NotFound
    number = request.args.get("case", "")
    response = show(number, queue=request.args.get("queue", ""))
    if number:
        # After it was drawn: what is noted here is written in a transaction that forgets what the page had loaded.
        thread = Case.numbered(number, reader=me()).thread
        provided("reading", me(), thread)
        provided("thread_opened", me(), thread.id)
    return response


@bp.post("/inspection/looks")
@login_required
def look() -> Response:
    """An inspector went through a case of a queue, and says what he found."""
    if not _inspects():
        raise NotFound
    number, queue = request.form.get("case", "")[:24], request.form.get("queue", "")[:16]

    def looked() -> str:
        case = Case.numbered(number, reader=me(), for_change=True)
        Inspection(myself(), queue).look(case, words=request.form.get("found", "")[:20_000])
        return f"/inspection?queue={queue}"

    try:
        return once_only(looked, _l("Noted. The case left this queue."))
    except Invalid as error:
        return show(number, queue=queue, typed=Typed("look", "look", error), status=error.status)


def _inspects() -> bool:
    return may(me(), "inspection.open")


@dataclass
class Page:
    """What the template of the desk reads."""

    desk: Inspection
    counts: dict[str, int]
    number: str = ""
    case: Case | None = None
    drawn: Any = None
    tasks: list[dict[str, Any]] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    landed: dict[str, Any] = field(default_factory=dict)

    def queues(self) -> list[dict[str, Any]]:
        """The tabs."""
        return [
            {
                "label": queue_name(name),
                "url": f"/inspection?queue={name}",
                "count": self.counts[name],
                "current": name == self.desk.queue,
                "tone": TONES.get(name, "") if self.counts[name] else "",
            }
            for name in QUEUES
        ]

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the open queue as components/queue.html takes them."""
        return [self._row(each) for each in self.desk.rows()]

    def _row(self, row: Listed) -> dict[str, Any]:
        unit, section = self.desk.departments[row.department_id], self.desk.sections[row.section_id]
        return {
            "id": row.number,
            "url": f"/inspection?queue={self.desk.queue}&case={row.number}",
            "title": row.title,
            "box": _box(self.desk.queue, row),
            "meta": [unit.title, section.title, row.number],
            "round": row.round,
            "supervised": row.supervised,
            "restricted": not section.is_public,
            "ticks": "ticks" if row.public and not row.supervised else "",
            "acts": [],
        }

    def units(self) -> list[list[Any]]:
        """The rows of the table of units: late first answers, bad ratings and orders of the last 30 days."""
        return [[unit.title, late, bad, orders] for unit, late, bad, orders in self.desk.units()]

    def waiting(self) -> int:
        """How many drafts, answers and units wait for this inspector."""
        return waiting(self.desk.person)

    def new_order(self) -> str:
        """Where an order over the open case begins; "" where there is none to issue."""
        case = self.case
        if case is None or case.supervised or not may(self.desk.person, "inspection.order", case):
            return ""
        return f"/inspection/supervision/new?case={case.number}&queue={self.desk.queue}"

    @property
    def looks(self) -> bool:
        """Whether the open case can be taken off the open queue by this reader."""
        if self.case is None or self.desk.queue not in LOOKED or self.desk.queue not in self.why:
            return False
        return may(self.desk.person, "look.make", self.case)


def _box(queue: str, row: Listed) -> dict[str, Any]:
    if queue == "pressed":
        return {"word": _("pressed"), "number": _("look"), "state": "soon"}
    if queue == "passed":
        return {"word": _("passed on"), "number": str(max(row.returns, 2)), "state": "soon"}
    if queue in ("dissatisfied", "empty", "sample"):
        word = {"dissatisfied": _("not content"), "empty": _("answer"), "sample": _("drawn")}[queue]
        number = {"dissatisfied": _("twice"), "empty": _("empty?"), "sample": _("look")}[queue]
        return {"word": word, "number": number, "state": "soon" if queue == "dissatisfied" else "paused"}
    if row.due is None:
        return {"word": _("no clock"), "number": "–", "state": "paused"}
    if row.due <= now():
        return {"word": _("overdue"), "number": length(now() - row.due), "state": "over"}
    return {"word": _("left"), "number": length(row.due - now()), "state": "normal"}


def queue_name(name: str) -> str:
    """A queue's name on its tab: the reason why a case is here."""
    return {
        "reprisals": _("Gives the poster trouble"),
        "seals": _("Handled internally: to confirm"),
        "referred": _("Put to the inspectors"),
        "pressed": _("Says he was pressed"),
        "new": _("New complaints"),
        "second": _("Waits for a second inspector"),
        "working": _("Complaints being looked into"),
        "late": _("Complaints past their time"),
        "overdue": _("Cases overdue"),
        "dissatisfied": _("Twice dissatisfied"),
        "passed": _("Passed around"),
        "empty": _("Empty answers"),
        "reopened": _("Opened again"),
        "supervised": _("Under an order"),
        "sample": _("Random sample"),
    }[name]


def empty_words(name: str) -> str:
    """What will stand in a queue that is empty."""
    return {
        "reprisals": _("Reports by posters whom somebody gives trouble will stand here, with their clock."),
        "seals": _("Cases that a leader wants to handle internally will stand here until you decide."),
        "referred": _("What posters appeal against, and what they rated badly twice, will stand here."),
        "pressed": _("Cases whose poster says that somebody pressed him to give up will stand here."),
        "new": _("Complaints that nobody has taken on yet will stand here."),
        "second": _("What another inspector accepted or proposed will stand here until you decide."),
        "working": _("The complaints your department looks into will stand here."),
        "late": _("Complaints whose news, second look or conclusion is late will stand here."),
        "overdue": _("Public cases whose department broke its promise will stand here."),
        "dissatisfied": _("Cases whose second answer did not content their poster either will stand here."),
        "passed": _("Cases that departments pass on to one another will stand here."),
        "empty": _("Answers of a few characters, and answers given to several cases, will stand here."),
        "reopened": _("Cases that their posters opened again will stand here."),
        "supervised": _("Public cases over which an order stands will be here."),
        "sample": _("Two in a hundred of the closed cases are drawn when a month is over."),
    }[name]


def show(number: str = "", *, queue: str = "", typed: Typed = NOTHING, status: int = 200) -> Response:
    """The whole desk."""
    desk = Inspection(me(), queue or request.form.get("queue", ""))
    counts = desk.counts()
    if not desk.queue and not number:
        desk.queue = next((name for name in QUEUES if counts[name]), QUEUES[0])
    page = Page(desk, counts)
    if number:
        page.case = case = Case.numbered(dashed(number), reader=desk.person)
        page.number, page.why = case.number, desk.queues_of(case)
        if not desk.queue:
            desk.queue = page.why[0] if page.why else "working"
        if is_complaint(case):
            for each in Inquiry.of(case):
                row = _task(each, desk)
                if any(before["acts"] for before in page.tasks):
                    row["acts"] = (
                        set()
                    )  # both are this reader's, where a city has one department: one after the other
                page.tasks.append(row)
            page.facts = _facts(case)
        page.landed = landed.of(case, desk.person)
        public_id, version = case.thread.public_id, case.thread.version
        variant = casepage.variant_for(case.thread, desk.person)
        page.drawn = casepage.drawn(public_id, version, variant)
    html = render_template(
        "complaints/inspection.html",
        page=page,
        typed=typed,
        chips=chips(page.case) if page.case is not None else None,
        queue_name=queue_name,
        empty_words=empty_words,
        once=once.fresh(),
        units=_units(page.case),
        conclusions=[(each, conclusion_word(each)) for each in CONCLUSIONS],
        measures=[(each, measure_word(each)) for each in MEASURES],
    )
    response = make_response(html, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _units(case: Case | None) -> list[tuple[str, str]]:
    """The units that may be asked for a statement, those accused first."""
    if case is None or not is_complaint(case):
        return []
    accused = accused_units(case)
    found = [each for each in Department.all() if each.kind != "integrity" or each.id in accused]
    found.sort(key=lambda each: each.id not in accused)
    return [(each.key, each.title) for each in found]


def _task(task: Inquiry, desk: Inspection) -> dict[str, Any]:
    """One task as the pane shows it, with the forms this reader may use now."""
    return {
        "id": task.public_id,
        "title": task_word(task.kind),
        "unit": task.department.title,
        "state": state_word(task.state),
        "late": task.is_late,
        "acts": task.open_acts(desk.person),
        "accepted": _who(task.accepted_by, task.accepted_at),
        "reviewed": _who(task.reviewed_by, task.reviewed_at),
        "review_due": when(task.review_due_at) if task.state == "accepted" else "",
        "told_due": when(task.told_due_at) if task.told_at is None else "",
        "due": when(task.due_at),
        "proposed": _who(task.proposed_by, task.proposed_at),
        "concluded": _who(task.concluded_by, task.concluded_at),
        "conclusion": conclusion_word(task.conclusion),
        "measures": measure_words(task.measures),
        "findings": task.findings.markup() if task.findings is not None else "",
        "returned": task.returned.markup() if task.returned is not None and task.state == "reviewed" else "",
        "statements": [_statement(each) for each in Statement.of(task)],
    }


def _who(person: Any, at: Any) -> str:
    return _("%(who)s, %(when)s", who=person.duty_name, when=when(at)) if person is not None else ""


def _statement(asked: Statement) -> dict[str, Any]:
    return {
        "unit": asked.department.title,
        "officer": asked.person.number_words if asked.person is not None else "",
        "question": asked.question.markup(),
        "due": when(asked.due_at),
        "answer": asked.answer.markup() if asked.answer is not None else "",
        "answered": when(asked.answered_at) if asked.answered_at is not None else "",
    }


def _facts(case: Case) -> list[dict[str, Any]]:
    """What the complaint says beside its words: the reason, and whom it accuses."""
    complaint = Complaint.of(case)
    found = []
    if complaint is not None:
        found.append({"label": _("Reason"), "value": reason_word(case.thread.section, complaint.reason)})
    if case.thread.identity == "receipt":
        words = _("by a receipt: nobody can be called. What you tell is read by whoever has the digits.")
        found.append({"label": _("Who wrote it"), "value": words})
    for each in Accused.of(case):
        if each.department is not None:
            found.append({"label": _("Unit"), "value": each.department.title})
        if each.person is not None:
            found.append({"label": _("Officer complained about"), "value": each.person.number_words})
        if each.description is not None:
            found.append({"label": _("As described"), "value": each.description.public})
    if complaint is not None and complaint.about is not None:
        found.append({"label": _("About the handling of"), "value": complaint.about.number})
    return found
