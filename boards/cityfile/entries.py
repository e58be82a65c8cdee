"""What a city file holds, as plain frozen rows: the loader reads these and nothing else.

Every field without a default must stand in the file; unknown keys are mistakes. `path` says where in the file
a row stands. Times of threads count from loading, times of steps from their thread's post.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Literal

from board.spans import Span
from boards.cityfile.lines import Path
from boards.cityfile.times import When
from boards.models.status import Outcome, Satisfaction, Solved

DepartmentKind = Literal["police", "city", "integrity", "authority"]
Readers = Literal["public", "inspectorate", "triage"]
Posting = Literal["members", "staff", "closed"]
Identity = Literal["open", "hidden", "sealed", "receipt"]
CallCard = Literal["alarm", "transfer"]
ThreadKind = Literal["post", "notice", "refutation", "guide"]
Verb = Literal[
    "route",
    "acknowledge",
    "accept",
    "answer",
    "assign",
    "claim",
    "progress",
    "note",
    "ask",
    "supplement",
    "suspend",
    "resume",
    "offer",
    "take",
    "return",
    "assist",
    "assist_answer",
    "assist_waive",
    "instruct",
    "relay",
    "extend",
    "decline",
    "decide",
    "merge",
    "unmerge",
    "resolve",
    "rate",
    "silence",
    "rectify",
    "reopen",
    "nudge",
    "withdraw",
    "watch",
    "affected",
    "reply",
    "hold",
    "release",
    "pin",
]
HoldReason = Literal["private_data", "danger", "unlawful", "advert", "duplicate_flood"]


# In place of a name: whoever is on duty at that moment in the department whose verb it is.
ON_DUTY = "duty"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A table of the file."""

    path: Path = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class CityFacts(Entry):
    """`[city]`: what the pages say of the city. `zone` is an IANA name; `hotlines` are never masked."""

    name: str
    name_en: str
    site_name: str
    site_name_en: str
    short_name: str
    short_name_en: str
    host: str
    host_en: str
    supervised_by: str
    supervised_by_en: str
    zone: str
    area_code: str
    help_phone: str
    emergency_sms: str = ""
    hotlines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Clocks(Entry):
    """`[clocks]` of the city, and those a section sets itself; None means the city's, or no such clock."""

    reply: Span | None = None
    accept: Span | None = None
    update: Span | None = None
    resolve: Span | None = None
    told: Span | None = None
    poster: Span | None = None
    take: Span | None = None
    rating: Span | None = None
    rectification: Span | None = None


@dataclass(frozen=True, kw_only=True)
class Turn(Entry):
    """One turn of a rotation's day: local start and length in hours."""

    start: time
    hours: int


@dataclass(frozen=True, kw_only=True)
class Rotation(Entry):
    """A pattern of turns that fills the day; departments name it and put groups into it."""

    key: str
    name: str
    name_en: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, kw_only=True)
class Duty(Entry):
    """`[duty]`: shifts are published from `back_days` before loading to `days` after it."""

    days: int
    back_days: int
    rotation: tuple[Rotation, ...]


@dataclass(frozen=True, kw_only=True)
class Stock(Entry):
    """A stock phrase (常用语) of a department."""

    key: str
    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Staff(Entry):
    """Who serves in a department as what: keys of `[[person]]`, or badge numbers."""

    leader: tuple[str, ...] = ()
    officer: tuple[str, ...] = ()
    inspector: tuple[str, ...] = ()
    moderator: tuple[str, ...] = ()
    expert: tuple[str, ...] = ()
    administrator: tuple[str, ...] = ()

    def roles(self) -> list[tuple[str, str]]:
        """Pairs of role and person, in the order of the file."""
        names = ("leader", "officer", "inspector", "moderator", "expert", "administrator")
        return [(role, who) for role in names for who in getattr(self, role)]

    def acting(self) -> tuple[str, ...]:
        """Those who serve: they act on the department's cases and can be on duty."""
        return self.leader + self.officer


@dataclass(frozen=True, kw_only=True)
class DepartmentEntry(Entry):
    """`[[department]]`. `groups` take turns on duty; without, every officer is a group."""

    key: str
    name: str
    name_en: str
    kind: DepartmentKind
    area: str
    area_en: str
    duty_phone: str
    rotation: str
    staff: Staff
    short_name: str = ""
    short_name_en: str = ""
    aliases: tuple[str, ...] = ()
    parent: str = ""
    is_desk: bool = False
    places: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    stock: tuple[Stock, ...] = ()

    def names(self) -> list[str]:
        """Every name by which a post may mention it."""
        return [name for name in (self.name, self.short_name, *self.aliases) if name]

    def duty_groups(self) -> tuple[tuple[str, ...], ...]:
        """The groups that take turns, first the one on duty at loading."""
        return self.groups or tuple((who,) for who in self.staff.officer)


@dataclass(frozen=True, kw_only=True)
class Reason(Entry):
    """A class of complaint that the poster chooses."""

    key: str
    name: str
    name_en: str


@dataclass(frozen=True, kw_only=True)
class SectionEntry(Entry):
    """`[[section]]`, in the order of the home page.

    `by_place`: a place in a department's `places` leads to that department; `count_reads`: the page shows how
    often it was read; `replies` "questions": what members write below is a question to the publisher.
    """

    key: str
    name: str
    name_en: str
    icon: str
    examples: str
    examples_en: str
    promise: str
    promise_en: str
    guide: str
    guide_en: str
    default_department: str
    readers: Readers
    identities: tuple[Identity, ...]
    default_identity: Identity
    template: str = ""
    template_en: str = ""
    closed_until: str = ""
    closed_until_en: str = ""
    post: Posting = "members"
    replies: Literal["open", "questions"] = "open"
    place: Literal["optional", "required"] = "optional"
    call_card: CallCard | None = None
    masked: bool = False
    by_place: bool = False
    four_eyes: bool = False
    experts: bool = False
    count_reads: bool = False
    clocks: Clocks = Clocks()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PersonEntry(Entry):
    """`[[person]]`: the cast. Staff have a badge number, members a nickname; nobody has a password here."""

    key: str
    name: str
    name_en: str
    phone: str
    badge: str = ""
    nickname: str = ""


@dataclass(frozen=True, kw_only=True)
class Step(Entry):
    """One act on a thread, replayed through the real verb. Which fields a verb takes: `boards.cityfile.verbs`.

    `by` is a person's key, a badge number, a nickname or "duty" (ON_DUTY); empty means the thread's poster.
    """

    at: When
    verb: Verb
    by: str = ""
    text: str = ""
    to: str = ""
    outcome: Outcome | None = None
    solved: Solved | None = None
    satisfaction: Satisfaction | None = None
    until: When | None = None
    number: str = ""
    contact: str = ""
    instead: str = ""
    legal: str = ""
    into: str = ""
    reason: HoldReason | None = None
    approve: bool | None = None
    internal: bool = False
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ThreadEntry(Entry):
    """`[[thread]]`: a sample post and everything that happened to it.

    `photos` name scenes of `boards.scenes`; `restricted`: only the department reads it; `reads`: the read counter of a notice at loading.
    A complaint says in `about_reason` which of its section's reasons it has, and whom it is about in `about_units` and `about_whom`.
    """

    key: str
    section: str
    by: str
    at: When
    title: str
    body: str
    kind: ThreadKind = "post"
    identity: Identity | None = None
    place: str = ""
    pinned: bool = False
    restricted: bool = False
    reads: int = 0
    about_reason: str = ""
    about_whom: str = ""
    about_units: tuple[str, ...] = ()
    photos: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CityFile(Entry):
    """A whole city. `citizens` maps the nicknames of other members to their demo telephones."""

    format: int
    city: CityFacts
    clocks: Clocks
    duty: Duty
    department: tuple[DepartmentEntry, ...]
    section: tuple[SectionEntry, ...]
    person: tuple[PersonEntry, ...] = ()
    citizens: Mapping[str, str] = field(default_factory=dict)
    thread: tuple[ThreadEntry, ...] = ()
