"""The cast and a small city for tests: departments, sections, and whoever is on duty."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from board.clock import now
from board.db import db
from boards.models import Case, Section, StockPhrase, Thread
from boards.models.posting import Draft, post
from people.models import Appointment, Department, Person, Shift

DEPARTMENTS: tuple[dict[str, Any], ...] = (
    {"key": "bureau", "name": "市公安局", "name_en": "City Police Bureau", "short_name": "市局"},
    {
        "key": "desk",
        "name": "指挥中心",
        "name_en": "Command Centre",
        "is_desk": True,
        "parent": "bureau",
        "aliases": ["110指挥中心"],
    },
    {
        "key": "traffic-police",
        "name": "交警支队",
        "name_en": "Traffic Police",
        "short_name": "交警",
        "aliases": ["交警大队"],
        "parent": "bureau",
        "duty_phone": "0000-110-0122",
    },
    {
        "key": "household-police",
        "name": "户政支队",
        "name_en": "Household Registration",
        "short_name": "户政",
        "parent": "bureau",
    },
    {"key": "kunhe", "name": "昆河分局", "name_en": "Kunhe Branch", "parent": "bureau"},
    {"key": "inspectorate", "name": "警务督察支队", "name_en": "Inspectorate", "kind": "integrity", "short_name": "督察"},
    {"key": "heating", "name": "市供热公司", "name_en": "Heating Company", "kind": "city", "short_name": "供热"},
    {"key": "publicity", "name": "宣传科", "name_en": "Publicity Office", "parent": "bureau"},
)  # fmt: skip

SECTIONS: tuple[dict[str, Any], ...] = (
    {"key": "110", "name": "110 咨询", "name_en": "110 questions", "department": "desk", "shows_countdown": False,
     "clocks": {"reply": "10 min", "resolve": "3 d"}},
    {"key": "traffic", "name": "交管业务", "name_en": "Traffic", "department": "traffic-police",
     "clocks": {"reply": "30 min; night 2 h", "resolve": "7 d"}},
    {"key": "household", "name": "户政业务", "name_en": "Household registration", "department": "household-police",
     "clocks": {"reply": "1 wd", "resolve": "3 wd"}},
    {"key": "12345", "name": "12345 民生", "name_en": "City services", "department": "desk",
     "clocks": {"reply": "2 h", "resolve": "7 d"}},
    {"key": "complaints", "name": "警务投诉", "name_en": "Complaints", "department": "inspectorate",
     "readers": "inspectors", "closed_text": "这个板块正在建设。现在请打 12389。", "closed_text_en": "Coming. Call 12389."},
    {"key": "notices", "name": "通知公告", "name_en": "Notices", "department": "publicity", "makes_cases": False,
     "staff_posts": True, "counts_views": True},
)  # fmt: skip

# name: (name, name_en, badge, department, role, on duty)
STAFF: dict[str, tuple[str, str, str, str | None, str, bool]] = {
    "otto": ("欧阳涛", "Tao Ouyang", "021456", "traffic-police", "officer", True),
    "otis": ("赵强", "Qiang Zhao", "021457", "traffic-police", "officer", False),
    "lena": ("李娜", "Na Li", "021001", "traffic-police", "leader", False),
    "hugo": ("胡刚", "Gang Hu", "031207", "household-police", "officer", True),
    "dana": ("邓丹", "Dan Deng", "011110", "desk", "officer", True),
    "carl": ("高诚", "Cheng Gao", "010001", "bureau", "leader", False),
    "ines": ("尹思", "Si Yin", "090001", "inspectorate", "inspector", True),
    "ida": ("艾达", "Da Ai", "090002", "inspectorate", "inspector", False),
    "mona": ("莫楠", "Nan Mo", "080001", None, "moderator", False),
    "adam": ("安冬", "Dong An", "080002", None, "administrator", False),
}


@dataclass
class Cast:
    """The people of the tests, by their ids; each access gives the row of the session at hand."""

    ids: dict[str, int] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Person:
        try:
            person = db.session.get(Person, self.ids[name])
        except KeyError:
            raise AttributeError(name) from None
        assert person is not None
        return person

    def names(self) -> list[str]:
        """Everybody's name."""
        return list(self.ids)


def small_city() -> Cast:
    """Departments, sections, shifts and the cast, inside the open transaction."""
    departments: dict[str, Department] = {}
    for position, given in enumerate(DEPARTMENTS):
        values = dict(given)
        parent = values.pop("parent", None)
        department = Department(position=position, **values)
        department.parent = departments.get(parent) if parent else None
        departments[department.key] = department
        db.session.add(department)
    for position, given in enumerate(SECTIONS):
        values = dict(given)
        owner = departments[values.pop("department")]
        db.session.add(Section(position=position, department=owner, **values))
    ids: dict[str, int] = {}
    for name, nickname in (("rita", "青松路居民"), ("vera", "爱散步的银杏")):
        person = Person(kind="member", nickname=nickname, created_at=now() - timedelta(days=30))
        db.session.add(person)
        db.session.flush()
        ids[name] = person.id
    for name, (chinese, english, badge, key, role, on_duty) in STAFF.items():
        person = Person(kind="staff", name=chinese, name_en=english, badge=badge)
        office = departments[key] if key else None
        db.session.add(person)
        person.appointments.append(
            Appointment(department=office, role=role, starts_at=now() - timedelta(days=30))
        )
        if office is not None and on_duty:
            db.session.add(
                Shift(
                    department=office,
                    person=person,
                    starts_at=now() - timedelta(hours=1),
                    ends_at=now() + timedelta(days=60),
                )
            )
        db.session.flush()
        ids[name] = person.id
    db.session.add(
        StockPhrase(
            department=departments["traffic-police"], title="已收到", words="您好，已收到，正在安排。"
        )
    )
    return Cast(ids)


def posted(
    by: Person,
    *,
    section: str = "traffic",
    title: str = "青松路与建设街路口红绿灯一直闪黄灯",
    body: str = "早高峰很危险，请@交警支队看一下。",
    **draft: Any,
) -> Thread:
    """A thread by `by`, inside the open transaction."""
    return post(Section.by_key(section), Draft(title=title, body=body, **draft), by=by)


def case_of(thread_id: str, reader: Person | None = None) -> Case:
    """The case of the thread with this public id, read for change."""
    thread = db.session.scalar(db.select(Thread).where(Thread.public_id == thread_id))
    assert thread is not None
    assert thread.case is not None
    return thread.case
