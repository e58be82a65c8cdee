"""Who may do what at a desk besides the verbs of a case: its stock phrases, and the poster's telephone."""

from __future__ import annotations

from board.permissions import rule
from board.seams import vetoed
from boards.models import Case, Report
from boards.models.status import OPEN, Status
from boards.policy import may_hold, sees
from people.models import Department, Person


@rule("phrase.keep")
def may_keep_phrases(person: Person | None, department: Department) -> bool:
    """A department's leader, or one above it."""
    return person is not None and person.is_staff and person.leads(department)


@rule("poster.contact")
def may_call_poster(person: Person | None, case: Case) -> bool:
    """The responsible department while the case is with it, and the desk for what lies there; who is sealed, the
    inspectors alone. Nobody once it is over. Each look wants a reason and is told to the poster."""
    if person is None or not person.is_staff or not sees(person, case.thread):
        return False
    if case.status not in (*OPEN, Status.RESOLVED) or case.thread.poster is None:
        return False
    if case.thread.identity == "sealed":
        return person.has_role("inspector") and not vetoed("case.inspect", person, case)
    desk = case.at_desk or case.relayed_at is not None or case.thread.restricted_why == "danger"
    return person.serves(case.department) or (desk and any(each.is_desk for each in person.departments))


@rule("report.settle")
def may_settle_report(person: Person | None, report: Report) -> bool:
    """A moderator; never a text about his own department, and never what only a department may read."""
    return may_hold(person, report.thread)
