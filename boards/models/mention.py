"""Mentions: a department named in a text with @, kept as an entity with its place in the words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, db
from board.markup import Chip
from boards.grammar import MAX_DEPARTMENTS, NameBook, Unknown, find_mentions
from boards.grammar import Mention as Found
from boards.models.text import Text
from people.models import Department, Person

if TYPE_CHECKING:
    from boards.models.thread import Thread
    from boards.models.timeline import Audience


class Mention(Model):
    """A department named once in a text. `told` is false where a mention must tell nobody."""

    __tablename__ = "mention"
    __table_args__ = (UniqueConstraint("text_id", "department_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"), index=True)
    text_id: Mapped[int] = mapped_column(ForeignKey("text.id"))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    offset: Mapped[int]
    length: Mapped[int]
    name: Mapped[str] = mapped_column(String(80))
    told: Mapped[bool] = mapped_column(default=True)
    at: Mapped[datetime] = mapped_column(default=now)

    department: Mapped[Department] = relationship(lazy="joined")


def name_book() -> NameBook:
    """The names departments may be mentioned by, built once a transaction."""
    info = db.session().info
    if "name_book" not in info:
        info["name_book"] = _book(tuple(Department.name_book()))
    return info["name_book"]  # type: ignore[no-any-return]


@lru_cache(maxsize=4)
def _book(names: tuple[tuple[str, str], ...]) -> NameBook:
    # Names change once a year; folding all of them costs more than the rest of a mention.
    return NameBook(names)


def mentioned(words: str) -> list[str]:
    """The keys of the departments that `words` mention, each once, in their order, at most three."""
    keys = [found.department for found in find_mentions(words, name_book()) if isinstance(found, Found)]
    return list(dict.fromkeys(keys))[:MAX_DEPARTMENTS]


def mention_departments(
    thread: Thread,
    text: Text,
    *,
    by: Person,
    audience: Audience,
    pages: bool = True,
    only: Collection[str] | None = None,
    limit: int = MAX_DEPARTMENTS,
) -> list[Department]:
    """Find the mentions in a text's public words, draw their chips, keep them and tell whoever was not told yet.

    In a restricted thread, and where `pages` is false, nobody is told; else at most `limit` departments, of those
    with the keys in `only` where it is given. Nobody is ever un-told. Returns the departments newly told.
    """
    found = find_mentions(text.public, name_book())
    if not found and _is_new(thread):
        return []  # its words were drawn already, and hold no chip
    keys = list(dict.fromkeys(each.department for each in found if isinstance(each, Found)))[:MAX_DEPARTMENTS]
    departments = _by_key(keys)
    told = _told(thread)
    tells = pages and not thread.is_restricted and thread.section.is_public
    here = _kept_in(text) if found and not _is_new(thread) else {}
    chips: list[Chip] = []
    new: list[Department] = []
    seen: set[int] = set()
    for each in found:
        words = text.public[each.start : each.end]
        if isinstance(each, Unknown):
            chips.append(Chip(each.start, each.end, "mention mention--unknown", None, words))
            continue
        department = departments.get(each.department)
        if department is None:
            continue
        chips.append(Chip(each.start, each.end, "mention", f"/d/{department.key}", words))
        if department.id in seen:
            continue
        seen.add(department.id)
        wanted = department.id not in told and (only is None or department.key in only)
        if tells and wanted and len(new) < limit:
            new.append(department)
            audience.add_department(department, "mentioned")
        mention = here.get(department.id)
        if mention is None:
            mention = Mention(thread_id=thread.id, text_id=text.id, department=department, told=False)
            db.session.add(mention)
        mention.offset, mention.length, mention.name = each.start, each.end - each.start, words
        mention.told = mention.told or department.id in told or department in new
    text.render(chips)
    return new


def mention_in_post(
    thread: Thread, *, by: Person, audience: Audience, picked: Sequence[str] = ()
) -> list[Department]:
    """The mentions of a post, in its title and its body, and the departments picked beside it: three in all.

    The first one leads the case; the others are told, and nothing waits for them.
    """
    before = [] if _is_new(thread) else _keys_of(_told(thread))
    named = [*before, *picked, *mentioned(f"{thread.title_text.public}\n{thread.body.public}")]
    wanted = list(dict.fromkeys(named))[: max(MAX_DEPARTMENTS, len(before))]
    new = mention_departments(thread, thread.body, by=by, audience=audience, only=wanted)
    new += mention_departments(thread, thread.title_text, by=by, audience=audience, only=wanted)
    tells = not thread.is_restricted and thread.section.is_public
    if not picked:
        return new
    kept = set(db.session.scalars(select(Mention.department_id).where(Mention.thread_id == thread.id)))
    for department in _by_key(picked).values():
        if department.id in kept:
            continue
        db.session.add(
            Mention(
                thread_id=thread.id,
                text_id=thread.body_id,
                department=department,
                offset=0,
                length=0,
                name=department.name,
                told=tells,
            )
        )
        if tells:
            new.append(department)
            audience.add_department(department, "mentioned")
    return new


def _is_new(thread: Thread) -> bool:
    # While it is being posted there is nothing to read of it.
    return thread.events_count == 0


def _by_key(keys: Collection[str]) -> dict[str, Department]:
    if not keys:
        return {}
    rows = db.session.scalars(select(Department).where(Department.key.in_(list(keys))))
    return {department.key: department for department in rows}


def _keys_of(departments: set[int]) -> list[str]:
    if not departments:
        return []
    return list(db.session.scalars(select(Department.key).where(Department.id.in_(departments))))


def _kept_in(text: Text) -> dict[int, Mention]:
    rows = db.session.scalars(select(Mention).where(Mention.text_id == text.id))
    return {mention.department_id: mention for mention in rows}


def _told(thread: Thread) -> set[int]:
    return set(
        db.session.scalars(select(Mention.department_id).where(Mention.thread_id == thread.id, Mention.told))
    )
