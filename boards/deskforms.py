"""The forms behind the desk's verbs, as data: which fields each has, where it is sent, and what its button says.

Only verbs in `case.open_verbs()` are offered, so a page never shows a form whose rule would refuse it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from board.clock import local, now, zone
from board.db import db
from board.errors import Invalid, NotFound
from board.i18n import _, _l
from board.jinja import clock_time, day
from boards.models import Case
from boards.models.deadline import calendar
from boards.models.mention import name_book
from boards.models.status import Outcome
from people.models import Appointment, Department, Person
from people.models.appointment import SERVING
from people.models.shift import on_duty

RESULT_DAYS = 10  # working days ahead that the next result may be chosen from
EVENING = time(18)


@dataclass(frozen=True)
class Field:
    """One field: `kind` is text, area, select, unit (a department by name), when (date and time) or check."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    options: Sequence[tuple[str, str]] = ()
    optional: bool = False
    value: str = ""


@dataclass(frozen=True)
class Form:
    """One verb's form. `verb` is also its anchor, `do-<verb>`; `get` leads to a page of its own instead."""

    verb: str
    title: str
    url: str
    button: str
    fields: tuple[Field, ...] = ()
    note: str = ""
    get: bool = False
    kind: str = "plain"


def forms(case: Case, officer: Person, verbs: set[str]) -> list[Form]:
    """The forms of the verbs that this officer may do now, in the order of a desk's day."""
    url = f"/cases/{case.number}"
    made = {
        "route": _route,
        "claim": _claim,
        "assign": _assign,
        "ask": _ask,
        "offer": _offer,
        "assist": _assist,
        "suspend": _suspend,
        "resume": _resume,
        "extend": _extend,
        "decline": _decline,
        "instruct": _instruct,
        "merge": _merge,
        "unmerge": _unmerge,
        "relay": _relay,
    }
    return [make(case, officer, url) for verb, make in made.items() if verb in verbs]


def _unit(label: str, name: str = "to") -> Field:
    return Field(name, label, "unit", _("Type part of its name and choose it."))


def _route(case: Case, officer: Person, url: str) -> Form:
    return Form(
        "route",
        _("Send to a department"),
        f"{url}/routing",
        _("Send it there"),
        (_unit(_("Department")), Field("note", _("Note that everybody reads"), optional=True)),
        note=_("This binds: that department is responsible from now on."),
    )


def _claim(case: Case, officer: Person, url: str) -> Form:
    return Form("claim", _("Work on it yourself"), f"{url}/claim", _("I work on it"))


def _assign(case: Case, officer: Person, url: str) -> Form:
    return Form(
        "assign",
        _("Give it to an officer"),
        f"{url}/assignment",
        _("Give it to this officer"),
        (Field("to", _("Officer"), "select", options=colleagues(case.department)),),
    )


def _ask(case: Case, officer: Person, url: str) -> Form:
    second = case.asked_round >= case.round
    note = (
        _("The second question of a round needs the leader's consent.")
        if second
        else _("The result's clock stands still until the poster answers, at most five working days a round.")
    )
    return Form(
        "ask",
        _("Ask the poster"),
        f"{url}/questions",
        _("Ask"),
        (Field("question", _("One exact question"), "area", _("Say what you need and how to give it.")),),
        note=note,
    )


def _offer(case: Case, officer: Person, url: str) -> Form:
    return Form(
        "offer",
        _("Hand over"),
        f"{url}/handovers",
        _("Offer it"),
        (_unit(_("To which department")), Field("reason", _("Why, for everybody to read"), "area")),
        note=_("Until it is taken, your department stays responsible and no deadline changes."),
    )


def _assist(case: Case, officer: Person, url: str) -> Form:
    return Form(
        "assist",
        _("Ask another department to help"),
        f"{url}/assists",
        _("Ask for help"),
        (_unit(_("Which department"), "department"), Field("words", _("What it should do"), "area")),
        note=_("Your department stays in charge; the case is concluded after the answer."),
    )


def _suspend(case: Case, officer: Person, url: str) -> Form:
    return Form(
        "suspend",
        _("Suspend by law"),
        f"{url}/suspension",
        _("Suspend it"),
        (
            Field("reason", _("Legal reason, for everybody to read"), "area"),
            Field("until", _("Until when"), "when", _("Within 30 days; then it goes on by itself.")),
        ),
        note=_("Once a round, and the leader decides."),
    )


def _resume(case: Case, officer: Person, url: str) -> Form:
    return Form("resume", _("Go on"), f"{url}/resumption", _("Go on with it"))


def _extend(case: Case, officer: Person, url: str) -> Form:
    return Form(
        "extend",
        _("Extend the deadline"),
        f"{url}/extension",
        _("Extend it"),
        (
            Field("until", _("New date"), "when"),
            Field("reason", _("Why, for everybody to read"), "area"),
        ),
        note=_("Once a round, before the date is over."),
    )


def _decline(case: Case, officer: Person, url: str) -> Form:
    return Form(
        "decline",
        _("Do not take it on"),
        f"{url}/declination",
        _("Propose not to take it on"),
        (
            Field("reason", _("Why your department cannot take it"), "area"),
            Field("advice", _("Where the poster can go instead"), "area"),
        ),
        note=_("A leader confirms before anything changes."),
    )


def _instruct(case: Case, officer: Person, url: str) -> Form:
    return Form(
        "instruct",
        _("Give an instruction"),
        f"{url}/instructions",
        _("Give the instruction"),
        (
            Field("words", _("What is to be done"), "area"),
            Field(
                "owner",
                _("By whom"),
                "select",
                options=[("", _("Whoever is on duty")), *colleagues(case.department)],
            ),
            Field("due", _("By when"), "when", optional=True),
            Field("public", _("Everybody may read it"), "check", value="1"),
        ),
        note=_("It stands first on that desk and changes no outcome."),
    )


def _merge(case: Case, officer: Person, url: str) -> Form:
    return Form(
        "merge",
        _("Merge into another case"),
        f"{url}/merge",
        _("Merge it"),
        (Field("into", _("Number of the main case"), hint=_("Same matter, same place.")),),
        note=_(
            "Its poster follows the main case and may say within seven days that it is not the same matter."
        ),
    )


def _unmerge(case: Case, officer: Person, url: str) -> Form:
    return Form(
        "unmerge",
        _("Not the same matter"),
        f"{url}/unmerging",
        _("Undo the merge"),
        note=_("Everything stands again as it stood."),
    )


def _relay(case: Case, officer: Person, url: str) -> Form:
    return Form("relay", _("Pass to 110"), f"{url}/relay", _("Pass to 110 …"), get=True)


# --- what fields offer and bring back --------------------------------------------------------------------


def colleagues(department: Department) -> list[tuple[str, str]]:
    """Who serves in a department: (public id, name and whether on duty), those on duty first."""
    here = {each.id for each in on_duty(department)}
    people = db.session.scalars(
        select(Person)
        .join(Appointment, Appointment.person_id == Person.id)
        .where(Appointment.department_id == department.id, Appointment.role.in_(SERVING), Person.active)
        .options(selectinload(Person.appointments))
        .order_by(Person.badge, Person.id)
    ).unique()
    serving = [each for each in people if each.serves(department)]
    serving.sort(key=lambda each: each.id not in here)
    return [
        (
            each.public_id,
            _("%(name)s (on duty)", name=each.duty_name) if each.id in here else each.duty_name,
        )
        for each in serving
    ]


def result_dates() -> list[tuple[str, str]]:
    """The dates a next result may be promised for: none, tonight, and the evenings of the coming working days."""
    found = [("", _("No date"))]
    date = local(now()).date()
    work = calendar()
    for ahead in range(3 * RESULT_DAYS):
        moment = datetime.combine(date + timedelta(days=ahead), EVENING, zone())
        if moment > now() and (ahead == 0 or work.is_workday(moment.date())):
            found.append((moment.strftime("%Y-%m-%dT%H:%M"), f"{day(moment)} {clock_time(moment)}"))
        if len(found) > RESULT_DAYS:
            break
    return found


def outcomes(verb: str) -> list[tuple[str, str]]:
    """The outcomes that may be chosen when answering (`answer`) or concluding (`resolve`)."""
    words = {
        Outcome.SOLVED: _("Solved"),
        Outcome.EXPLAINED: _("Explained"),
        Outcome.PLANNED: _("Planned, with a date"),
        Outcome.TRANSFERRED: _("Passed outside, with number and contact"),
        Outcome.IMPOSSIBLE: _("Cannot be done, with the reason"),
    }
    if verb == "answer":
        return [(str(each), words[each]) for each in (Outcome.EXPLAINED, Outcome.SOLVED)]
    return [(str(each), text) for each, text in words.items()]


def moment(raw: str | None, field: str) -> datetime | None:
    """A date and time typed in the city's zone, None for an empty field; Invalid for what is no date of our days."""
    if not raw or not raw.strip():
        return None
    try:
        typed = datetime.fromisoformat(raw.strip().replace("/", "-"))
        if not 1900 <= typed.year < 3000:
            raise ValueError  # the first and the last year there is cannot be shown in every zone
    except ValueError:
        raise Invalid(_l("Write the date like 2026-11-23 18:00."), field=field) from None
    if typed.tzinfo is None:
        if typed.time() == time(0) and len(raw.strip()) <= 10:
            typed = datetime.combine(typed.date(), EVENING)
        typed = typed.replace(tzinfo=zone())
    return typed


def unit(raw: str | None, field: str) -> Department:
    """The department that somebody typed: its key, or any of its names; Invalid says what comes near."""
    typed = (raw or "").strip().lstrip("@＠")
    if not typed:
        raise Invalid(_l("Choose a department."), field=field)
    wanted = typed.casefold()
    for each in Department.all():
        names = [each.key, *each.names, each.name_en]
        if any(name and name.casefold() == wanted for name in names):
            return each
    near = [suggestion.name for suggestion in name_book().nearest(wanted[:40])[0]]
    if near:
        raise Invalid(
            _l("There is no “%(name)s”. Did you mean %(near)s?", name=typed[:40], near=_(", ").join(near)),
            field=field,
        )
    raise Invalid(
        _l("There is no “%(name)s”. Choose a department from the list.", name=typed[:40]), field=field
    )


def officer_named(raw: str | None, field: str) -> Person:
    """The colleague chosen from a list; Invalid for none and for a forged one."""
    try:
        return Person.by_public_id((raw or "").strip()[:16])
    except NotFound:
        raise Invalid(_l("Choose an officer from the list."), field=field) from None


def typed_lines(raw: Any) -> list[str]:
    """The lines of a field that takes one thing a line, empty ones left out."""
    return [line.strip() for line in str(raw or "").splitlines() if line.strip()]
