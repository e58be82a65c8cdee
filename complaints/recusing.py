"""Stepping back from a case: by a button, with a reason, for good."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from board import audit
from board.db import db
from board.errors import Invalid, WrongState
from board.i18n import _, _l
from board.jinja import when
from board.permissions import require, rule
from boards.models import Case
from boards.models.text import clean
from boards.models.timeline import Audience
from boards.policy import sees, whispered
from complaints import authority, conflicts
from complaints.models import Recusal
from complaints.models.recusal import KINDS
from people import vault
from people.models import Person, Role


@rule("case.step_back")
def may_step_back(person: Person | None, case: Case) -> bool:
    """Whoever may read a complaint in office, and inspectors from any open case they may read."""
    if person is None or not person.is_staff or not case.is_open or not sees(person, case.thread):
        return False
    return whispered(case.thread) or person.has_role(Role.INSPECTOR)


def step_back(case: Case, *, by: Person, kind: str, words: str) -> Recusal:
    """Keep away from this case from now on: you can neither read it nor act on it, and your colleagues are told.

    `kind`: `declared` (a relation to somebody in it) or `recused` (another reason). It cannot be taken back. Raises
    Invalid for what was typed, WrongState where nobody would be left to read it.
    """
    require(by, "case.step_back", case)
    if kind not in KINDS:
        raise Invalid(_l("Choose why you step back."), field="kind")
    reason = clean(words, field="words", empty=_l("Write in one sentence why you step back."))
    if conflicts.conflicted(by, case) is not None:
        raise WrongState(_l("You keep away from this case already."))
    if whispered(case.thread) and _nobody_left(case, by):
        raise WrongState(
            _l("Nobody would be left who may read it. Please call the superior authority first.")
        )
    recusal = Recusal(case=case, person=by, kind=kind)
    db.session.add(recusal)
    db.session.flush()
    vault.put(recusal.owner, "words", reason)
    if case.handler is not None and case.handler.id == by.id:
        case.handler = None
    audit.note("conflict.stepped_back", by=by.public_id, thing=case.thread.thing, why=kind)
    case.record(
        "conflict.stepped_back",
        by=by,
        visibility="internal",
        audience=colleagues(case),
        details={"recusal": recusal.public_id, "badge": by.badge, "why": kind},
    )
    return recusal


def _nobody_left(case: Case, person: Person) -> bool:
    others = [each for each in authority.free_in_lead(case) if each.id != person.id]
    above = authority.authority()
    return not others and (above is None or above.id == case.department_id)


def colleagues(case: Case) -> Audience:
    """Whoever is free among those who lead the case, each by name; of a public case the inspectors who are free."""
    audience = Audience(followers=False)
    free = authority.free_in_lead(case) if whispered(case.thread) else authority.free_inspectors(case)
    audience.add(*free, reason="lead")
    return audience


@dataclass(frozen=True)
class Said:
    """Who stepped back, how and when in one line, and what he wrote."""

    title: str
    words: str


def said(case: Case) -> list[Said]:
    """Everybody who stepped back from this case, in their order: for those who may read it."""
    rows = db.session.scalars(
        select(Recusal)
        .where(Recusal.case_id == case.id)
        .order_by(Recusal.id)
        .options(joinedload(Recusal.person))
    )
    return [Said(_title(each), each.words) for each in rows]


def _title(recusal: Recusal) -> str:
    values = {"who": recusal.person.duty_name, "time": when(recusal.declared_at)}
    if recusal.kind == "declared":
        return _("%(who)s declared a relation on %(time)s:", **values)
    return _("%(who)s stepped back on %(time)s:", **values)
