"""Open lists hear that something moved: one hint an act and a list, with no word about which thread.

A hint stays readable after its thread was taken from the public, so it says nothing but that there was something.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from board import live
from board.db import before_commit, db
from board.events import on
from board.seams import stream
from boards.models.section import Section
from boards.models.timeline import CaseEvent
from boards.pulse import kept

FRONT = "front:page"  # the home page: what was posted, and what was concluded
ON_FRONT = frozenset({"thread.posted", "case.resolved"})


def section_stream(key: str) -> str:
    """The stream of a section's list."""
    return f"section:{key}"


@on("*")
def note(event: CaseEvent) -> None:
    """Remember until the commit which lists this step moves."""
    thread = event.thread
    if not (event.is_public and thread.is_public) or event.parameters.get("imported"):
        return
    lists: set[tuple[str, int]] = db.session().info.setdefault("lists", set())
    lists.add((section_stream(thread.section.key), thread.id))
    if event.kind in ON_FRONT:
        lists.add((FRONT, thread.id))


@before_commit
def tell(session: Session) -> None:
    """One hint a list: several threads of one act are counted together."""
    lists: set[tuple[str, int]] = session.info.pop("lists", set())
    for name in sorted({name for name, _thread in lists}):
        live.append(name, kind="moved")


@stream("front")
def may_hear_front(person: Any, ref: str) -> bool:
    """Everybody reads the home page."""
    return ref == "page"


@stream("section")
def may_hear_section(person: Any, ref: str) -> bool:
    """The list of a section that everybody reads."""

    def shown() -> bool:
        section = db.session.scalar(select(Section).where(Section.key == ref))
        return section is not None and section.is_public and not section.is_closed

    return len(ref) <= 60 and kept(("section stream", ref), shown)
