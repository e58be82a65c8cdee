"""What must be true of a city beyond each value by itself: names, trees, rosters, sections, people, threads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from board.errors import Invalid
from board.i18n import _l
from boards.cityfile.directory import Directory
from boards.cityfile.entries import CityFile, DepartmentEntry, Rotation, SectionEntry, ThreadEntry
from boards.cityfile.lines import Path
from boards.cityfile.problems import Message, Mistake, instead_of
from boards.cityfile.walk import CaseWalk
from boards.scenes import SCENES

FORMAT = 1
TITLE_LONGEST = 80
BODY_LONGEST = 5000
_DAY = 24 * 60
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_BADGE = re.compile(r"[0-9]{4,10}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_HOTLINE = re.compile(r"[0-9]{3,8}")
_DUTY_PHONE = re.compile(r"[0-9][0-9-]{2,19}")

Nickname = Callable[[str, Collection[str]], Any]


class Checking:
    """One check of one city file; `mistakes` has what it found.

    `icons` are the names the sprite knows (None: any), `nickname` raises Invalid for a name nobody may bear,
    `spoiled` are paths already complained of.
    """

    def __init__(
        self,
        city: CityFile,
        *,
        icons: Collection[str] | None,
        nickname: Nickname,
        spoiled: Collection[Path] = (),
    ) -> None:
        self.city = city
        self.directory = Directory(city)
        self.mistakes: list[Mistake] = []
        self._icons = icons
        self._nickname = nickname
        self._spoiled = set(spoiled)

    def run(self) -> list[Mistake]:
        """Everything at once."""
        if self.city.format != FORMAT:
            self._wrong(
                ("format",), _l("This format is not known"), _l("Write format = %(number)d", number=FORMAT)
            )
        self._facts()
        self._rotations()
        self._departments()
        self._tree()
        self._sections()
        self._people()
        self._threads()
        return self.mistakes

    def _wrong(self, path: Path, message: Message, remedy: Message, first: Path | None = None) -> None:
        if not any(path[:length] in self._spoiled for length in range(len(path) + 1)):
            self.mistakes.append(Mistake(path, message, remedy, first))

    def _known(self, path: Path, name: str, known: Collection[str]) -> bool:
        if name in known:
            return True
        self._wrong(path, _l("“%(key)s” is not known here", key=name), instead_of(name, known))
        return False

    def _once(self, named: Iterable[tuple[Path, str]]) -> None:
        """Complain of every value that stands twice."""
        first: dict[str, Path] = {}
        for path, name in named:
            folded = "".join(unicodedata.normalize("NFKC", name).casefold().split())
            if folded and folded in first:
                self._wrong(
                    path, _l("“%(key)s” stands twice", key=name), _l("Choose another one"), first[folded]
                )
            elif folded:
                first[folded] = path

    def _form(self, path: Path, value: str, pattern: re.Pattern[str], remedy: Message) -> None:
        if not pattern.fullmatch(value):
            self._wrong(path, _l("“%(text)s” cannot be read", text=value[:60]), remedy)

    # --- the city ---------------------------------------------------------------------------------

    def _facts(self) -> None:
        facts = self.city.city
        try:
            ZoneInfo(facts.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._wrong(
                ("city", "zone"),
                _l("There is no time zone “%(zone)s”", zone=facts.zone),
                _l("Write an IANA name such as “Asia/Shanghai”"),
            )
        for index, number in enumerate(facts.hotlines):
            self._form(
                ("city", "hotlines", index), number, _HOTLINE, _l("Write the digits only, such as “110”")
            )
        for key in ("days", "back_days"):
            if not 0 <= getattr(self.city.duty, key) <= 366:
                self._wrong(("duty", key), _l("Not a number of days"), _l("Write 0 to 366"))

    def _rotations(self) -> None:
        self._once(((*each.path, "key"), each.key) for each in self.city.duty.rotation)
        for rotation in self.city.duty.rotation:
            self._turns(rotation)

    def _turns(self, rotation: Rotation) -> None:
        """The turns of a rotation must fill the day: the desk is never empty."""
        path = (*rotation.path, "turns")
        turns = [turn for turn in rotation.turns if turn.start is not None]
        if len(turns) < len(rotation.turns):
            return
        if not turns:
            self._wrong(path, _l("There are no turns"), _l("Write at least one, with “start” and “hours”"))
            return
        spans = sorted((turn.start.hour * 60 + turn.start.minute, turn.hours * 60) for turn in turns)
        for (start, length), (following, _) in zip(spans, [*spans[1:], (spans[0][0] + _DAY, 0)], strict=True):
            end = start + length
            if end != following:
                message = (
                    _l(
                        "Nobody is on duty from %(start)s to %(end)s",
                        start=_clock(end),
                        end=_clock(following),
                    )
                    if end < following
                    else _l(
                        "Two turns overlap from %(start)s to %(end)s",
                        start=_clock(following),
                        end=_clock(end),
                    )
                )
                self._wrong(path, message, _l("Let each turn end where the next begins"))

    # --- departments ------------------------------------------------------------------------------

    def _departments(self) -> None:
        entries = self.city.department
        self._once(((*each.path, "key"), each.key) for each in entries)
        self._once(
            ((*each.path, key), name)
            for each in entries
            for key, name in [
                ("name", each.name),
                ("short_name", each.short_name),
                *(("aliases", alias) for alias in each.aliases),
            ]
        )
        self._once(((*each.path, "places"), place) for each in entries for place in each.places)
        rotations = {each.key for each in self.city.duty.rotation}
        for entry in entries:
            self._form(
                (*entry.path, "key"), entry.key, _SLUG, _l("Use small letters, digits and single hyphens")
            )
            self._form(
                (*entry.path, "duty_phone"),
                entry.duty_phone,
                _DUTY_PHONE,
                _l("Write digits and hyphens only"),
            )
            self._known((*entry.path, "rotation"), entry.rotation, rotations)
            self._once(((*entry.path, "stock", n, "key"), each.key) for n, each in enumerate(entry.stock))
            self._staff(entry)

    def _staff(self, entry: DepartmentEntry) -> None:
        path = (*entry.path, "staff")
        for role, who in entry.staff.roles():
            if who not in self.directory.cast and not _BADGE.fullmatch(who):
                self._wrong(
                    (*path, role),
                    _l("“%(who)s” is nobody's key and no badge number", who=who),
                    instead_of(who, self.directory.cast),
                )
        if not entry.staff.leader:
            self._wrong(path, _l("Nobody leads the department"), _l("Add “leader” to “staff”"))
        if not entry.staff.officer:
            self._wrong(path, _l("Nobody can be on duty"), _l("Add “officer” to “staff”"))
        for index, group in enumerate(entry.groups):
            here = (*entry.path, "groups", index)
            if not group:
                self._wrong(
                    here, _l("The group is empty: its turns have nobody on duty"), _l("Name somebody")
                )
            for who in group:
                if who not in entry.staff.acting():
                    self._wrong(
                        here,
                        _l("“%(who)s” does not serve here as leader or officer", who=who),
                        instead_of(who, entry.staff.acting()),
                    )

    def _tree(self) -> None:
        keys = {each.key for each in self.city.department}
        for entry in self.city.department:
            if entry.parent and self._known((*entry.path, "parent"), entry.parent, keys):
                top = self.directory.departments[self.directory.above(entry.key)[-1]]
                if top.parent in keys:
                    self._wrong(
                        (*entry.path, "parent"),
                        _l("Going up from “%(key)s” never ends", key=entry.key),
                        _l("Take “parent” away from the topmost of them"),
                    )
        self._authority()
        desks = [each for each in self.city.department if each.is_desk]
        if self.city.department and not desks:
            self._wrong(
                ("department", 0),
                _l("No department is the dispatch desk"),
                _l("Add is_desk = true to the one that sorts what nobody was asked for"),
            )
        for entry in desks[1:]:
            self._wrong(
                (*entry.path, "is_desk"), _l("There is a dispatch desk already"), _l("Only one can be it")
            )

    def _authority(self) -> None:
        """Who takes a complaint that nobody here may read: one office, that nobody here leads and that leads nobody."""
        found = [each for each in self.city.department if each.kind == "authority"]
        for entry in found[1:]:
            self._wrong(
                (*entry.path, "kind"), _l("There is a superior authority already"), _l("Only one can be it")
            )
        for entry in self.city.department:
            if "authority" in (entry.kind, self._kind_of(entry.parent)) and entry.parent:
                self._wrong(
                    (*entry.path, "parent"),
                    _l("The superior authority stands beside the others, not above or below them"),
                    _l("Take “parent” out: it must not depend on whom it looks into"),
                )
        for entry in found:
            for role, who in entry.staff.roles():
                if any(who in each.staff.acting() for each in self.city.department if each is not entry):
                    self._wrong(
                        (*entry.path, "staff", role),
                        _l("“%(who)s” serves in another department, too", who=who),
                        _l("Name somebody who serves nowhere else"),
                    )
        for section in self.city.section:
            if section.readers == "inspectorate" and section.post == "members" and not found:
                self._wrong(
                    (*section.path, "readers"),
                    _l("Nobody could take a complaint about the inspectors themselves"),
                    _l('Add a department with kind = "authority"'),
                )

    def _kind_of(self, key: str) -> str:
        entry = self.directory.departments.get(key)
        return entry.kind if entry is not None else ""

    # --- sections ---------------------------------------------------------------------------------

    def _sections(self) -> None:
        self._once(((*each.path, "key"), each.key) for each in self.city.section)
        self._once(((*each.path, "name"), each.name) for each in self.city.section)
        for section in self.city.section:
            path = section.path
            self._form((*path, "key"), section.key, _SLUG, _l("Use small letters, digits and single hyphens"))
            self._known((*path, "default_department"), section.default_department, self.directory.departments)
            if self._icons is not None:
                self._known((*path, "icon"), section.icon, self._icons)
            if section.default_identity not in section.identities:
                self._wrong(
                    (*path, "default_identity"),
                    _l("“identities” does not offer “%(key)s”", key=section.default_identity),
                    _l("Use one of: %(names)s", names=", ".join(section.identities)),
                )
            self._identities(section)
            self._promise(section)
            self._once(((*path, "reasons", n, "key"), each.key) for n, each in enumerate(section.reasons))

    def _identities(self, section: SectionEntry) -> None:
        path = section.path
        self._once(((*path, "identities", n), each) for n, each in enumerate(section.identities))
        if not section.identities:
            self._wrong(
                (*path, "identities"),
                _l("Nobody could post here"),
                _l("Offer at least one of: %(names)s", names="hidden, open, sealed, receipt"),
            )
        if "receipt" in section.identities and section.readers == "public":
            self._wrong(
                (*path, "identities"),
                _l("A section that everybody reads cannot take posts without an account"),
                _l("Leave “receipt” to sections that only a department reads"),
            )
        if section.default_identity == "receipt":
            self._wrong(
                (*path, "default_identity"),
                _l(
                    "A receipt that is lost cannot be replaced, so it is never what one gets without choosing"
                ),
                _l("Use another one of “identities”"),
            )

    def _promise(self, section: SectionEntry) -> None:
        path = section.path
        if section.post == "closed":
            for key in ("closed_until", "closed_until_en"):
                if not getattr(section, key):
                    self._wrong(
                        path,
                        _l("A closed section needs “%(key)s”", key=key),
                        _l("Say what is coming and where to turn now"),
                    )
        elif section.readers == "inspectorate":
            if not section.reasons:
                self._wrong(
                    path,
                    _l("A section for complaints needs “%(key)s”", key="reasons"),
                    _l("List the reasons"),
                )
            home = self.directory.departments.get(section.default_department)
            if home is not None and home.kind != "integrity":
                self._wrong(
                    (*path, "default_department"),
                    _l("Complaints go to inspectors"),
                    _l('Name a department with kind = "integrity"'),
                )
        if section.post == "members":
            for key in ("reply", "resolve"):
                if getattr(section.clocks, key) is None and getattr(self.city.clocks, key) is None:
                    self._wrong(
                        path,
                        _l("The section promises no “%(key)s” time", key=key),
                        _l("Add it to “clocks”"),
                    )

    # --- people -----------------------------------------------------------------------------------

    def _people(self) -> None:
        names = [name for each in self.city.department for name in each.names()]
        people = self.city.person
        citizens = [(("citizens", nickname), nickname) for nickname in self.city.citizens]
        badges: dict[tuple[int, str], Path] = {}
        for number, entry in enumerate(self.city.department):
            for role, who in entry.staff.roles():
                if who not in self.directory.cast:
                    badges.setdefault((number, who), (*entry.path, "staff", role))
        # Whoever acts is named by key, badge number or nickname alone: none may mean two people.
        self._once(
            [
                *(
                    ((*each.path, key), getattr(each, key))
                    for each in people
                    for key in ("key", "badge", "nickname")
                ),
                *((path, who) for (_number, who), path in badges.items()),
                *citizens,
            ]
        )
        self._once(
            [
                *(((*each.path, "phone"), each.phone) for each in people),
                *(((("citizens", nickname)), phone) for nickname, phone in self.city.citizens.items()),
            ]
        )
        for person in people:
            self._phone((*person.path, "phone"), person.phone)
            if person.badge:
                self._form((*person.path, "badge"), person.badge, _BADGE, _l("Write 4 to 10 digits"))
            elif not person.nickname:
                self._wrong(
                    person.path,
                    _l("Neither staff nor member: there is no “badge” and no “nickname”"),
                    _l("Add one of them"),
                )
            if person.nickname:
                self._borne((*person.path, "nickname"), person.nickname, names)
            if person.key in self.directory.staff and not person.badge:
                self._wrong(person.path, _l("Staff need a “badge”"), _l("Add it"))
        for path, nickname in citizens:
            self._borne(path, nickname, names)
            self._phone(path, self.city.citizens[nickname])

    def _phone(self, path: Path, phone: str) -> None:
        if not _MOBILE.fullmatch(phone.replace(" ", "")):
            self._wrong(
                path,
                _l("“%(text)s” cannot be read", text=phone[:60]),
                _l("Write a mobile number of 11 digits; demo numbers begin 199 0000"),
            )

    def _borne(self, path: Path, nickname: str, names: list[str]) -> None:
        try:
            self._nickname(nickname, names)
        except Invalid as refused:
            self._wrong(path, refused.message, _l("Choose another nickname"))

    # --- threads ----------------------------------------------------------------------------------

    def _threads(self) -> None:
        self._once(((*each.path, "key"), each.key) for each in self.city.thread)
        for thread in self.city.thread:
            section = self.directory.sections.get(thread.section)
            if section is None:
                self._known((*thread.path, "section"), thread.section, self.directory.sections)
                continue
            self._post(thread, section)
            walk = CaseWalk(self.directory, thread, section, section.clocks.rating or self.city.clocks.rating)
            for mistake in walk.follow():
                self._wrong(mistake.path, mistake.message, mistake.remedy)

    def _post(self, thread: ThreadEntry, section: SectionEntry) -> None:
        path = thread.path
        self._form((*path, "key"), thread.key, _SLUG, _l("Use small letters, digits and single hyphens"))
        self._words(thread)
        for scene in thread.photos:
            self._known((*path, "photos"), scene, SCENES)
        if thread.at is not None and (thread.at.minute() or 0) >= 0:
            self._wrong(
                (*path, "at"), _l("The post lies in the future"), _l("Begin with a minus, such as “-2h”")
            )
        if not self._known((*path, "by"), thread.by, self.directory.people()):
            return
        official = thread.kind not in (None, "post")
        if official and not self.directory.publishes(thread.by, section):
            self._wrong(
                (*path, "by"),
                _l("Only the section's department, those below it, and moderators publish here"),
                _l("Name one of them"),
            )
        if not official and thread.by not in self.directory.members:
            self._wrong((*path, "by"), _l("Only members post"), _l("Name a nickname or a member's key"))
        if section.post == "closed":
            self._wrong(
                (*path, "section"),
                _l("“%(key)s” takes no posts yet", key=section.key),
                _l("Choose another section"),
            )
        elif section.post == "staff" and not official:
            self._wrong(
                (*path, "kind"),
                _l("Only notices hang in “%(key)s”", key=section.key),
                _l('Write kind = "notice", or choose another section'),
            )
        if thread.identity is not None and thread.identity not in section.identities:
            self._wrong(
                (*path, "identity"),
                _l("“identities” does not offer “%(key)s”", key=thread.identity),
                _l("Use one of: %(names)s", names=", ".join(section.identities)),
            )
        if section.place == "required" and not official and not thread.place:
            self._wrong(path, _l("“%(key)s” is missing", key="place"), _l("Say where it is"))
        if thread.reads and not section.count_reads:
            self._wrong(
                (*path, "reads"),
                _l("“%(key)s” counts no readers", key=section.key),
                _l("Take it out: elsewhere a counter arms people against the poster"),
            )
        self._about(thread, section)
        if thread.restricted and official:
            self._wrong((*path, "restricted"), _l("Everybody reads a notice"), _l("Take it out"))

    def _about(self, thread: ThreadEntry, section: SectionEntry) -> None:
        """What a complaint's form asks beside the words; no other post has it."""
        path = thread.path
        given = bool(thread.about_reason or thread.about_whom or thread.about_units)
        if section.readers != "inspectorate":
            if given:
                self._wrong(
                    path,
                    _l("Only a complaint says whom it is about"),
                    _l("Take “about_…” out, or choose a section that inspectors read"),
                )
            return
        self._known((*path, "about_reason"), thread.about_reason, [each.key for each in section.reasons])
        for unit in thread.about_units:
            self._known((*path, "about_units"), unit, self.directory.departments)
        if not (thread.about_whom or thread.about_units):
            self._wrong(
                path, _l("“%(key)s” is missing", key="about_units"), _l("Say whom the complaint is about")
            )

    def _words(self, thread: ThreadEntry) -> None:
        for key, longest in (("title", TITLE_LONGEST), ("body", BODY_LONGEST)):
            length = len(getattr(thread, key))
            if not length:
                self._wrong((*thread.path, key), _l("Nothing is written there"), _l("Write something"))
            elif length > longest:
                self._wrong(
                    (*thread.path, key),
                    _l("The text has %(length)d characters", length=length),
                    _l("At most %(longest)d are allowed", longest=longest),
                )


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
