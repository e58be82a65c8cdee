"""What somebody is writing, before it is posted: the form as it was filled in, and what it must still be asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from werkzeug.datastructures import FileStorage, MultiDict

from board import once
from board.seams import provided
from board.typed import LONGEST
from boards import coach, words
from boards.grammar import Unknown, find_mentions
from boards.models.mention import name_book
from boards.models.posting import Draft
from boards.models.section import Section
from boards.models.thread import Thread
from boards.photos import Pending
from boards.units import Unit, units_called
from people.models import Department

TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
ABOUT = ("about_reason", "about_badge", "about_whom", "about_case")  # what a section may ask beside the words
UNSORTED = "12345"  # where posts without a section go; its desk sorts them


@dataclass
class Composition:
    """One filled-in form. Everything in it goes on to the next page as it is, so nothing is typed twice."""

    title: str = ""
    body: str = ""
    place: str = ""
    identity: str = "hidden"
    departments: list[str] = field(default_factory=list)
    unit_query: str = ""
    origin: str = ""
    complaint: str = ""
    restrict: str = ""
    about: dict[str, str] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    similar_seen: str = ""
    phone: str = ""
    code: str = ""
    remember: bool = True
    step: str = ""
    photos: Pending = field(default_factory=lambda: Pending(once.fresh()))

    @classmethod
    def read(cls, form: MultiDict[str, str], files: Sequence[FileStorage]) -> Composition:
        """The form as it came; its photos are stored at once, so that they survive whatever is wrong with the rest."""

        def one(name: str, longest: int = 200) -> str:
            return form.get(name, "")[:longest].replace("\r\n", "\n")

        return cls(
            title=one("title", LONGEST),
            body=one("body", LONGEST),
            place=one("place", LONGEST),
            identity=one("identity", 12),
            departments=[each[:60] for each in dict.fromkeys(form.getlist("departments")) if each][:12],
            unit_query=one("unit_query", 40),
            origin=one("origin", 24),
            complaint=one("complaint", 4),
            restrict=one("restrict", 12),
            about={name: one(name, LONGEST) for name in ABOUT if form.get(name)},
            seen=[each[:20] for each in form.getlist("seen")][:20],
            similar_seen=one("similar_seen", 1),
            phone=one("phone", 60),
            code=one("code", 60),
            remember="remember" in form or "phone" not in form,
            step=one("step", 12),
            photos=Pending.of(token_of(form), form.getlist("files_kept"), files),
        )

    @property
    def once(self) -> str:
        """The token under which it acts once."""
        return self.photos.token

    def draft(self, *, restrict: bool = False) -> Draft:
        """What would be posted."""
        return Draft(
            title=self.title,
            body=self.body,
            place=self.place,
            identity=self.identity,
            departments=tuple(self.departments),
            restrict=restrict,
            about=dict(self.about),
        )

    def coaching(self) -> coach.Coaching:
        """What in it the board will cover."""
        return coach.look({"title": self.title, "body": self.body, "place": self.place})

    def cover(self) -> None:
        """Put the covers into what was typed: then nobody reads what lies under them, the department neither."""
        found = self.coaching()
        self.title, self.body, self.place = (found.covered(name) for name in ("title", "body", "place"))

    def carried(self, *, answers: bool = True) -> list[tuple[str, str]]:
        """Its fields as hidden inputs of the next page; without `answers`, the check asks again."""
        pairs = [
            ("title", self.title),
            ("body", self.body),
            ("place", self.place),
            ("identity", self.identity),
            *(("departments", each) for each in self.departments),
            *(("files_kept", each) for each in self.photos.ids),
            ("origin", self.origin),
            ("similar_seen", self.similar_seen),
            *self.about.items(),
        ]
        if answers:
            pairs += [("complaint", self.complaint), ("restrict", self.restrict)]
            pairs += [("seen", each) for each in self.seen]
        return [(name, value) for name, value in pairs if value]


def token_of(form: MultiDict[str, str]) -> str:
    """The form's once-token; a fresh one when it brings none, or something that is none of ours."""
    given = form.get("once", "")
    return given if TOKEN.fullmatch(given) else once.fresh()


@dataclass(frozen=True)
class Check:
    """What has to be asked before a text is sent. Nothing for most."""

    dangers: frozenset[str] = frozenset()
    to_desk: bool = False
    complaint: bool = False
    delicate: str | None = None
    unknown: tuple[tuple[str, list[Unit]], ...] = ()
    similar: tuple[Thread, ...] = ()
    masked: tuple[str, ...] = ()

    @classmethod
    def of(cls, composition: Composition, section: Section) -> Check:
        """What the words of a form give reason to ask, in this section."""
        told = f"{composition.title}\n{composition.body}"
        quiet = bool(composition.similar_seen)  # they stood beside the form already
        dangers = frozenset(words.danger(told))
        masked = composition.coaching().kinds
        if dangers & words.URGENT and (section.department or Department.desk()).is_desk:
            # It goes to the desk alone and at once: whoever needs help now is asked nothing else.
            return cls(dangers=dangers, to_desk=True, masked=masked)
        return cls(
            dangers=dangers,
            complaint=section.is_public and words.complaint(told),
            delicate=words.sensitive(told) if section.is_public else None,
            unknown=tuple(_unknown(told)),
            similar=()
            if dangers or quiet or not section.is_public
            else tuple(provided("similar_threads", composition.title, default=())),
            masked=masked,
        )

    def is_open(self, composition: Composition) -> bool:
        """Whether the poster still has to read or answer something."""
        seen = set(composition.seen)
        return bool(
            self.dangers - seen
            or (self.complaint and composition.complaint not in ("yes", "no"))
            or (self.delicate and composition.restrict not in ("department", "public"))
            or (self.asks_to_cover and "private" not in seen)
            or (self.unknown and "unknown" not in seen)
            or (self.similar and not composition.similar_seen and "similar" not in seen)
        )

    @property
    def asks_to_cover(self) -> bool:
        """Whether the poster is shown what will be covered before he sends it; whoever needs help now is not."""
        return bool(self.masked) and not self.to_desk

    def to_see(self) -> list[str]:
        """The marks that say a page has shown all this."""
        marks = sorted(self.dangers) + (["private"] if self.asks_to_cover else [])
        return marks + [name for name in ("unknown", "similar") if getattr(self, name)]


def _unknown(told: str) -> Iterable[tuple[str, list[Unit]]]:
    calls = [each for each in find_mentions(told, name_book()) if isinstance(each, Unknown)]
    for name in list(dict.fromkeys(each.name for each in calls))[:5]:
        guesses = next(each.suggestions for each in calls if each.name == name)
        yield name, units_called([guess.department for guess in guesses])


def unsorted_section() -> Section:
    """Where a post goes whose writer did not choose a section; its desk sorts it. NotFound without a city."""
    sections = [each for each in Section.all() if each.is_public and each.makes_cases and not each.is_closed]
    for each in sections:
        if each.key == UNSORTED:
            return each
    for each in sections:
        if each.department is not None and each.department.is_desk:
            return each
    return Section.by_key(UNSORTED)
