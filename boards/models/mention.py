"""Mentions: a department named in a text with @, kept as an entity with its place in the words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, db
from board.markup import Chip
from boards.grammar import MAX_DEPARTMENTS, NameBook, Unknown, departments, find_mentions, has_sign
from boards.grammar import Mention as Found
from boards.models.text import Text
from boards.models.timeline import CaseEvent
from people.models import Department

if TYPE_CHECKING:
    from boards.models.thread import Thread
    from boards.models.timeline import Audience

# As whom a reply's mentions call anybody; a stranger's reach the inbox (domain.md §4).
TRUSTED = ("poster", "officer", "leader", "dispatcher", "moderator")


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


def calls_in(words: str) -> list[Found | Unknown]:
    """Every call in these words, of the departments there are now."""
    return find_mentions(words, name_book()) if has_sign(words) else []


def mentioned(words: str) -> list[str]:
    """The keys of the departments that `words` mention, each once, in their order, at most three."""
    return list(departments(calls_in(words))[:MAX_DEPARTMENTS])


def mention_departments(
    thread: Thread,
    text: Text,
    *,
    audience: Audience,
    pages: bool = True,
    calls: bool = True,
    limit: int = MAX_DEPARTMENTS,
) -> list[Department]:
    """Find the mentions in a text's public words, draw their chips, keep them and tell whoever was not told yet.

    In a restricted thread, and where `pages` is false, nobody is told; else at most `limit` departments. Nobody is
    ever un-told; whoever a stranger's words told is told once more by words that call (`calls`). Returns the
    departments newly told.
    """
    found = calls_in(text.public)
    if not found:
        return []  # its words were drawn when they were written, and hold no chip
    offices = _by_key(departments(found))
    told = called_departments(thread) if calls else told_departments(thread)
    _draw(text, found, offices)
    return _keep(thread, text, found, offices, told, audience=audience, limit=limit if pages else 0)


@dataclass(frozen=True)
class Calls:
    """Whom a post calls: in its title, in its body, and picked beside them. Found and drawn once, and then kept."""

    title: list[Found | Unknown]
    body: list[Found | Unknown]
    picked: Sequence[str]
    offices: dict[str, Department]

    @classmethod
    def of(cls, title: Text, body: Text, picked: Sequence[str] = ()) -> Calls:
        """Find the calls in the public words of a title and a body, and draw their chips; `picked` are keys."""
        with db.session.no_autoflush:  # the texts are written once, with their chips
            found, more = calls_in(title.public), calls_in(body.public)
            offices = _by_key({*picked, *departments([*found, *more])})
        _draw(title, found, offices)
        _draw(body, more, offices)
        return cls(found, more, picked, offices)

    @property
    def keys(self) -> list[str]:
        """The departments called: those picked first, then as they stand in the words; may be more than three."""
        return list(dict.fromkeys([*self.picked, *departments([*self.title, *self.body])]))

    @property
    def first(self) -> Department | None:
        """The department that leads, None where none is called."""
        return next((self.offices[key] for key in self.keys if key in self.offices), None)


def mention_in_post(thread: Thread, calls: Calls, *, audience: Audience) -> list[Department]:
    """Keep the mentions of a post, in its title and its body, and the departments picked beside it: three in all.

    The first one leads the case; the others are told, and nothing waits for them.
    """
    told = set() if _is_new(thread) else called_departments(thread)
    before = _keys_of(told)
    wanted = list(dict.fromkeys([*before, *calls.keys]))[: max(MAX_DEPARTMENTS, len(before))]
    new: list[Department] = []
    for text, found in ((thread.body, calls.body), (thread.title_text, calls.title)):
        more = _keep(thread, text, found, calls.offices, told, audience=audience, only=wanted)
        told |= {department.id for department in more}
        new += more
    tells = _tells(thread)
    written = {*departments(calls.body)[:MAX_DEPARTMENTS], *departments(calls.title)[:MAX_DEPARTMENTS]}
    for key in calls.picked:
        if key in written or key not in calls.offices:
            continue
        department = calls.offices[key]
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


def _keep(
    thread: Thread,
    text: Text,
    found: list[Found | Unknown],
    offices: dict[str, Department],
    told: set[int],
    *,
    audience: Audience,
    only: Collection[str] | None = None,
    limit: int = MAX_DEPARTMENTS,
) -> list[Department]:
    """Keep these mentions of one text; the departments newly told, at most `limit` of those in `only`."""
    first = {each.department: each for each in reversed(found) if isinstance(each, Found)}
    if not first:
        return []
    here = {} if _is_new(thread) else _kept_in(text)
    tells = _tells(thread)
    new: list[Department] = []
    for key in (key for key in departments(found)[:MAX_DEPARTMENTS] if key in offices):
        department, each = offices[key], first[key]
        wanted = department.id not in told and (only is None or department.key in only)
        if tells and wanted and len(new) < limit:
            new.append(department)
            audience.add_department(department, "mentioned")
        mention = here.get(department.id)
        if mention is None:
            mention = Mention(thread_id=thread.id, text_id=text.id, department=department, told=False)
            db.session.add(mention)
        mention.offset, mention.length = each.start, each.end - each.start
        mention.name = text.public[each.start : each.end]
        mention.told = mention.told or department.id in told or department in new
    return new


def _draw(text: Text, found: list[Found | Unknown], offices: dict[str, Department]) -> None:
    """Put chips in the place of these calls; of more departments than a text may call the others stay words."""
    if not found:
        return
    named = departments(found)[:MAX_DEPARTMENTS]
    chips: list[Chip] = []
    for each in found:
        words = text.public[each.start : each.end]
        if isinstance(each, Unknown):
            chips.append(Chip(each.start, each.end, "mention mention--unknown", None, words))
        elif each.department in named and each.department in offices:
            chips.append(Chip(each.start, each.end, "mention", f"/d/{each.department}", words))
    text.render(chips)


def redraw(text: Text) -> None:
    """Draw the chips of a text anew whose public words were masked again; nobody is told."""
    found = calls_in(text.public)
    if not found:
        return
    _draw(text, found, _by_key(departments(found)))
    first = {each.department: each for each in reversed(found) if isinstance(each, Found)}
    for mention in _kept_in(text).values():
        each = first.get(mention.department.key)
        if each is not None and mention.length:
            mention.offset, mention.length = each.start, each.end - each.start


def told_departments(thread: Thread) -> set[int]:
    """The departments that a mention in this thread told: they may answer, too."""
    return set(
        db.session.scalars(select(Mention.department_id).where(Mention.thread_id == thread.id, Mention.told))
    )


def called_departments(thread: Thread) -> set[int]:
    """The departments that somebody called here whose mentions call: the poster, or an officer."""
    return set(
        db.session.scalars(
            select(Mention.department_id).where(Mention.thread_id == thread.id, Mention.told, ~quiet(Mention))
        )
    )


def quiet(mention: Any) -> ColumnElement[bool]:
    """Whether a mention stands in a stranger's reply, which reaches the inbox and nobody's pocket (domain.md §4).

    `mention` is the class or an alias of it.
    """
    said = select(CaseEvent.id).where(
        CaseEvent.thread_id == mention.thread_id,
        CaseEvent.public_text_id == mention.text_id,
        CaseEvent.kind == "reply.posted",
        CaseEvent.actor_role.not_in(TRUSTED),
    )
    return said.correlate(mention).exists()


def _tells(thread: Thread) -> bool:
    return not thread.is_restricted and thread.section.is_public


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
