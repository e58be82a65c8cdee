"""Where a row of the board is found: the page of a case, of a thread, of a step."""

from __future__ import annotations

from boards.models.case import Case
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent


def case_path(case: Case) -> str:
    """The page of a case."""
    return f"/cases/{case.number}"


def thread_path(thread: Thread) -> str:
    """The page of a thread: that of its case where it has one."""
    return f"/t/{thread.public_id}" if thread.case is None else case_path(thread.case)


def step_path(event: CaseEvent) -> str:
    """A step on the page of its thread."""
    return f"{thread_path(event.thread)}#e{event.seq}"
