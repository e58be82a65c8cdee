"""The page of a department's policy: who is called when, in words, and a plain form to change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from markupsafe import Markup

from board.db import transaction
from board.errors import Invalid, NotFound
from board.i18n import _, _l
from board.permissions import may
from board.seams import fill
from boards.models import Case
from boards.policy import sees, whispered
from notifications.models.page import PageAlarm
from notifications.paging import policies, words
from notifications.paging.auditing import open_alarms
from notifications.paging.policies import change_policy, own_policy, restore_defaults, steps_of
from notifications.paging.rooms import told_rooms
from notifications.paging.steps import LATEST_MINUTES, LATEST_SHARE, Step, Who, checked
from notifications.paging.ticking import silent_since
from people import contacts, me, myself
from people.models import Department, Person
from people.session import login_required

bp = Blueprint("paging", __name__, url_prefix="/desk/paging")

URGENCIES = {"urgent": True, "ordinary": False}


@dataclass(frozen=True)
class Side:
    """One half of the page: the steps of urgent or of ordinary calls, and the form that was typed for them."""

    key: str
    urgent: bool
    own: bool
    steps: tuple[Step, ...]
    lines: list[words.Line]
    examples: list[str]
    typed: dict[Who, Step]
    errors: dict[str, Any]
    draft: bool = False

    @property
    def latest(self) -> int:
        """The largest number that its form takes."""
        return LATEST_MINUTES if self.urgent else LATEST_SHARE


@bp.get("")
@login_required
def index() -> str:
    """Every department whose policy the reader may see; alarms for those who look after the board."""
    person = myself()
    departments = [each for each in Department.all() if may(person, "paging.read", each)]
    alarms = may(person, "paging.alarms")
    if not departments and not alarms:
        raise NotFound
    own = policies.with_own_steps()
    rows = [(each, each.id in own) for each in departments]
    return render_template(
        "paging/index.html",
        rows=rows,
        shows_alarms=alarms,
        alarms=_alarms(person) if alarms else [],
        silent=silent_since(),
    )


def _alarms(person: Person) -> list[tuple[PageAlarm, str, str]]:
    """What the auditor found; a case that the reader may not see stays without its number, a complaint unmentioned."""
    found = []
    for each in open_alarms():
        seen = each.case is not None and sees(person, each.case.thread)
        if seen or each.case is None or not whispered(each.case.thread):
            found.append((each, words.alarm_words(each), each.case.number if each.case and seen else ""))
    return found


@bp.get("/<key>")
@login_required
def show(key: str) -> Response:
    """Who is called when, for urgent and for ordinary calls."""
    return _page(_department(key))


@bp.post("/<key>/<any(urgent, ordinary):urgency>")
@login_required
def change(key: str, urgency: str) -> Response:
    """Look at what was typed, keep it, or go back to the station's steps."""
    urgent = URGENCIES[urgency]
    department = _department(key)
    do = request.form.get("do", "")
    if do == "look":
        try:
            steps = checked(_typed(), urgent=urgent)
        except Invalid as error:
            return _page(department, status=422, urgent=urgent, errors=error.errors)
        return _page(department, urgent=urgent, draft=steps)
    try:
        with transaction():
            person, department = myself(), _department(key)
            if do == "default":
                restore_defaults(department, urgent=urgent, by=person)
            else:
                change_policy(department, _typed(), urgent=urgent, by=person)
    except Invalid as error:
        return _page(_department(key), status=422, urgent=urgent, errors=error.errors)
    flash(_("Kept. Calls from now on go by it."), "ok")
    return redirect(f"/desk/paging/{key}", 303)  # type: ignore[return-value]


def _department(key: str) -> Department:
    department = Department.by_key(key)
    if not may(me(), "paging.read", department):
        raise NotFound
    return department


def _ticked() -> Iterator[tuple[Who, int | None, tuple[str, ...]]]:
    """Each step that was ticked: who, after how long (None for what is no number), by which channels."""
    for who in Who:
        if request.form.get(f"{who}") == "1":
            text = request.form.get(f"{who}_after", "").strip()
            after = int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else None
            by = request.form.getlist(f"{who}_by")
            yield who, after, tuple(each for each in words.CHANNEL_ORDER if each in by)


def _typed() -> list[Step]:
    """The steps that were ticked; Invalid where a time is no number."""
    chosen = []
    for who, after, channels in _ticked():
        if after is None:
            raise Invalid(_l("Write the time as a whole number."), field="steps")
        chosen.append(Step(who, after, channels))
    return chosen


def _page(
    department: Department,
    *,
    status: int = 200,
    urgent: bool | None = None,
    errors: dict[str, Any] | None = None,
    draft: tuple[Step, ...] | None = None,
) -> Response:
    sides = []
    for key, each in URGENCIES.items():
        here = urgent is not None and each == urgent
        kept = steps_of(department, urgent=each)
        steps = draft if here and draft is not None else kept
        typed = _loosely() if here and errors else steps
        sides.append(
            Side(
                key=key,
                urgent=each,
                own=own_policy(department, urgent=each) is not None,
                steps=steps,
                lines=words.preview(department, steps, urgent=each),
                examples=[] if each else words.examples(department, steps),
                typed={step.who: step for step in typed},
                errors=errors or {} if here else {},
                draft=here and draft is not None,
            )
        )
    html = render_template(
        "paging/policy.html",
        department=department,
        sides=sides,
        everybody=[(who, words.who_words(who)) for who in Who],
        channels=[(each, words.channel_words(each)) for each in words.CHANNEL_ORDER],
        edits=may(me(), "paging.edit", department),
        rooms=contacts.rooms_of(department),
    )
    return make_response(html, status)


def _loosely() -> list[Step]:
    """What was typed, for the form that comes back."""
    return [Step(who, after or 0, channels) for who, after, channels in _ticked()]


# --- places of other pages --------------------------------------------------------------------------------


@fill("desk.links")
def policy_link(department: Department, person: Person) -> Markup:
    """The way from a desk to the policy of its department."""
    if not policies.may_read(person, department):
        return Markup()
    return Markup('<p><a href="/desk/paging/{}">{}</a></p>').format(department.key, _("Who is called when"))


@fill("mine.links")
def paging_link(person: Person) -> Markup:
    """The way to all policies and the alarms, for those who look after the board."""
    if not policies.may_see_alarms(person):
        return Markup()
    return Markup('<a href="/desk/paging">{}</a>').format(_("Calls and alarms"))


@fill("desk.notices")
def pager_notice() -> Markup:
    """`呼叫停了`: shown at once when the pager is silent; a script shows it later."""
    return Markup(render_template("paging/notice.html", silent=silent_since()))


@fill("desk.case")
def climb_box(case: Case) -> Markup:
    """How far the call of the open case has climbed, and what the chat rooms were told."""
    page = words.standing_page(case.id)
    climbed = Markup('<p class="meta">{}</p>').format(words.climbed(page)) if page is not None else Markup()
    told = told_rooms(case)
    return climbed + (Markup(render_template("paging/told_rooms.html", told=told)) if told else Markup())
