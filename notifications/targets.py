"""What can be followed besides a case: what its words are, where it stands, how much comes of it, and what it matches."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from sqlalchemy import func, or_, select

from board.clock import now
from board.db import db
from board.errors import Invalid, NotFound
from board.i18n import _, _l
from board.seams import provided
from board.text import normalise
from boards.models import Case, Section, Thread
from boards.policy import visible_to
from notifications.models.follow import KINDS, LONGEST, Follow
from people.models import Department

SHORTEST_PLACE, LONGEST_PLACE = 2, 40  # characters
WEEKS = 4  # looked back upon for an estimate
LATELY = timedelta(weeks=WEEKS)


def folded(words: str) -> str:
    """A place as it is compared: composed, case-folded, without spaces."""
    return "".join(unicodedata.normalize("NFKC", normalise(words, lines=False)).casefold().split())


@dataclass(frozen=True)
class Target:
    """One thing to be followed: `kind`, its canonical `key`, its name for the reader, its address."""

    kind: str
    key: str
    name: str
    address: str

    @property
    def words(self) -> str:
        """`板块“交管业务”`: what it is and what it is called."""
        return {
            "section": _("Section: %(name)s", name=self.name),
            "department": _("Department: %(name)s", name=self.name),
            "place": _("Place: %(name)s", name=self.name),
            "search": _("Search: %(what)s", what=self.name),
        }[self.kind]

    def weekly(self) -> int | None:
        """About how many posts a week everybody could read of it lately; None when nobody can tell just now."""
        since = now() - LATELY
        if self.kind == "search":
            found = provided("search.count_since", self.key, since)
            return None if found is None else math.ceil(found / WEEKS)
        query = select(func.count()).select_from(Thread).where(Thread.posted_at > since, visible_to(None))
        if self.kind == "section":
            query = query.where(Thread.section_id == Section.by_key(self.key).id)
        elif self.kind == "department":
            query = query.join(Case, Case.thread_id == Thread.id)
            query = query.where(Case.department_id == Department.by_key(self.key).id)
        else:
            holds = [
                column.contains(self.key, autoescape=True)
                for column in (func.lower(Thread.place), func.lower(Thread.title))
            ]
            query = query.where(or_(*holds))
        return math.ceil((db.session.scalar(query) or 0) / WEEKS)


def target(kind: str, key: str) -> Target:
    """What `kind` and `key` name, in its canonical form. NotFound for what is not there, Invalid for a place or a
    search that cannot be followed."""
    if kind == "section":
        section = Section.by_key(key)
        if not section.is_public or section.is_closed:
            raise NotFound
        return Target(kind, section.key, section.title, f"/s/{section.key}")
    if kind == "department":
        department = Department.by_key(key)
        return Target(kind, department.key, department.title, f"/d/{department.key}")
    if kind == "place":
        word = folded(key)
        if not SHORTEST_PLACE <= len(word) <= LONGEST_PLACE:
            raise Invalid(
                _l("Write the name of a street, a crossing or an estate, in 2 to 40 characters."),
                field="target",
            )
        return Target(kind, word, word, f"/search?q={quote(word)}")
    if kind == "search":
        read = provided("search.saved", [key], default={}).get(key)
        if read is None or len(read[0]) > LONGEST:
            raise Invalid(_l("This search cannot be followed. Use fewer words."), field="target")
        return Target(kind, read[0], read[1], f"/search?{read[0]}")
    raise NotFound


def targets_of(follows: Sequence[Follow]) -> dict[int, Target]:
    """What each of these follows is of, by table id; what is gone or closed by now is left out."""
    sections = {each.key: each for each in Section.all()}
    departments = {each.key: each for each in Department.all()}
    searches = [follow.target for follow in follows if follow.kind == "search"]
    read = provided("search.saved", searches, default={}) if searches else {}
    found: dict[int, Target] = {}
    for follow in follows:
        key = follow.target
        if follow.kind == "section" and key in sections:
            found[follow.id] = Target("section", key, sections[key].title, f"/s/{key}")
        elif follow.kind == "department" and key in departments:
            found[follow.id] = Target("department", key, departments[key].title, f"/d/{key}")
        elif follow.kind == "place":
            found[follow.id] = Target("place", key, key, f"/search?q={quote(key)}")
        elif follow.kind == "search" and key in read:
            found[follow.id] = Target("search", key, read[key][1], f"/search?{key}")
    return found


def matching(thread: Thread, kinds: Iterable[str] = KINDS) -> dict[str, list[str]]:
    """By kind, the targets that this thread belongs to and that somebody follows.

    A thread that not everybody may read belongs to none.
    """
    if not thread.is_public:
        return {}
    wanted, found = set(kinds), dict[str, list[str]]()
    if "section" in wanted:
        found["section"] = [thread.section.key]
    if "department" in wanted and thread.case is not None:
        found["department"] = [thread.case.department.key]
    if "place" in wanted:
        said = (folded(thread.place), folded(thread.title))
        found["place"] = [word for word in _followed("place") if any(word in each for each in said)]
    if "search" in wanted and (saved := _followed("search")):
        found["search"] = provided("search.matching", thread.public_id, saved, default=[])
    return {kind: keys for kind, keys in found.items() if keys}


def _followed(kind: str) -> list[str]:
    return list(db.session.scalars(select(Follow.target).where(Follow.kind == kind).distinct()))


__all__ = ["LONGEST_PLACE", "Target", "folded", "matching", "target", "targets_of"]
