"""Persons: members of the public behind a nickname, and staff behind a badge."""

from __future__ import annotations

import logging
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, ColumnElement, String, event, inspect, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId, db
from board.errors import NotFound
from board.facts import facts
from board.i18n import _, is_english
from board.live import append
from people import vault
from people.models.appointment import SERVING, Role

if TYPE_CHECKING:
    from people.models.appointment import Appointment
    from people.models.department import Department

log = logging.getLogger(__name__)

# Two-character surnames still in use; every other Chinese surname is the first character.
DOUBLE_SURNAMES = frozenset(
    [
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "司徒",
        "令狐",
        "夏侯",
        "端木",
        "宇文",
        "长孙",
        "独孤",
        "南宫",
        "万俟",
        "闻人",
        "申屠",
        "淳于",
    ]
)


def nickname_key(nickname: str) -> str:
    """A nickname as it is compared: width, case and spaces make no difference."""
    return "".join(unicodedata.normalize("NFKC", nickname).casefold().split())


def nickname_lookup(nickname: str) -> str:
    """The keyed hash under which a nickname is found, and by which no two members have the same."""
    return vault.keyed_hash("nickname", nickname_key(nickname))


def number_words(badge: str | None) -> str:
    """`badge 021456`; police numbers have six digits, anything else is a staff number of a city office."""
    if badge and len(badge) == 6 and badge.isdecimal():
        return _("badge %(badge)s", badge=badge)
    return _("staff number %(badge)s", badge=badge) if badge else _("Member of staff")


class Person(UserMixin, PublicId, Model):
    """Somebody who can sign in. A member's phone lies in the vault; his nickname is sealed, and found by a keyed hash."""

    __tablename__ = "person"
    __table_args__ = (CheckConstraint("kind IN ('member', 'staff')", name="kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), default="member")
    nickname_sealed: Mapped[str | None] = mapped_column(String(400))
    nickname_lookup: Mapped[str | None] = mapped_column(String(64), unique=True)
    name: Mapped[str | None] = mapped_column(String(40), index=True)
    name_en: Mapped[str | None] = mapped_column(String(80))
    badge: Mapped[str | None] = mapped_column(String(20), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    totp_step: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    erased_at: Mapped[
        datetime | None
    ]  # by himself: nothing is left but this row, to which his cases still point
    signed_out_at: Mapped[datetime | None]  # by an administrator; one-time links made before are void

    appointments: Mapped[list[Appointment]] = relationship(
        back_populates="person", cascade="all, delete-orphan"
    )

    def __repr__(self) -> str:
        return f"<Person {self.kind} {self.public_id}>"

    @property
    def nickname(self) -> str | None:
        """What a member calls himself; opened when it is asked for, so that a list opens only those it shows."""
        return None if self.nickname_sealed is None else vault.unseal(self.nickname_sealed)

    @nickname.setter
    def nickname(self, value: str | None) -> None:
        self.nickname_sealed = None if value is None else vault.seal(value)
        self.nickname_lookup = None if value is None else nickname_lookup(value)

    @classmethod
    def nicknamed(cls, nickname: str) -> ColumnElement[bool]:
        """The condition on a person who bears this nickname, however it was typed."""
        return cls.nickname_lookup == nickname_lookup(nickname)

    @property
    def is_active(self) -> bool:
        """Whether the account may be used at all."""
        return self.active

    def get_id(self) -> str:
        """The public id; table ids never leave the server."""
        return self.public_id

    @property
    def is_staff(self) -> bool:
        """Whether the person signs in as staff."""
        return self.kind == "staff"

    @property
    def owner(self) -> str:
        """How the vault calls this person."""
        return f"person:{self.public_id}"

    @property
    def stream(self) -> str:
        """The live stream that only this person hears."""
        return f"person:{self.public_id}"

    def current_appointments(self, at: datetime | None = None) -> list[Appointment]:
        """The offices held at `at` (default now)."""
        moment = at or now()
        return [appointment for appointment in self.appointments if appointment.holds(moment)]

    def serves(self, department: Department | None) -> bool:
        """Whether the person is officer or leader in exactly this department now."""
        return (
            department is not None
            and self.active
            and any(
                appointment.department_id == department.id and appointment.role in SERVING
                for appointment in self.current_appointments()
            )
        )

    def leads(self, department: Department | None) -> bool:
        """Whether the person leads this department, or any above it, now."""
        if department is None or not self.active:
            return False
        led = {each.department_id for each in self.current_appointments() if each.role == Role.LEADER}
        return bool(led) and (
            department.id in led or any(above.id in led for above in department.ancestors())
        )

    def has_role(self, role: str, department: Department | None = None) -> bool:
        """Whether the person holds `role` now, in `department` where one is given."""
        return self.active and any(
            appointment.role == role and (department is None or appointment.department_id == department.id)
            for appointment in self.current_appointments()
        )

    @property
    def departments(self) -> list[Department]:
        """The departments the person serves now as officer or leader, each once, in the city's order."""
        serving = [each for each in self.current_appointments() if each.role in SERVING and each.department]
        found = {each.department_id: each.department for each in serving if each.department is not None}
        return sorted(found.values(), key=lambda department: (department.position, department.id))

    def on_duty_for(self, department: Department, at: datetime | None = None) -> bool:
        """Whether the person holds a shift in `department` at `at` (default now)."""
        from people.models.shift import is_on_duty

        return is_on_duty(self, department, at)

    @property
    def duties(self) -> list[Department]:
        """The departments the person is on duty for now."""
        return [department for department in self.departments if self.on_duty_for(department)]

    @property
    def surname(self) -> str:
        """The surname in the reader's language; empty for members and for staff known by badge only."""
        if is_english() and self.name_en:
            return self.name_en.split()[-1]
        if not self.name:
            return ""
        return self.name[:2] if self.name[:2] in DOUBLE_SURNAMES and len(self.name) > 2 else self.name[:1]

    @property
    def shown_nickname(self) -> str:
        """The nickname on a page; a plain word where there is none, or where its key is gone: the page is drawn all the same."""
        if self.erased_at is not None:
            return _("Account deleted")
        try:
            return self.nickname or _("Resident")
        except vault.VaultError as error:
            log.error("a nickname is not shown: %s", error)
            return _("Resident")

    @property
    def duty_name(self) -> str:
        """The whole name for colleagues, in the reader's language; the badge where no name is kept."""
        if not self.is_staff:
            return self.shown_nickname
        name = self.name_en if is_english() and self.name_en else self.name
        return name or self.number_words

    @property
    def number_words(self) -> str:
        """`badge 021456`, as `number_words` says it."""
        return number_words(self.badge)

    @property
    def display_name(self) -> str:
        """What the public reads: a member's nickname; of staff surname and number, or the number only where the city wants."""
        if not self.is_staff:
            return self.shown_nickname
        surname = "" if facts().get("officers_by_number_only") else self.surname
        if not surname:
            return self.number_words
        return (
            _("%(surname)s, %(number)s", surname=surname, number=self.number_words) if self.badge else surname
        )

    def erase(self) -> None:
        """Forget who this was, inside the open transaction; what points here points to nobody."""
        vault.erase(self.owner)
        self.nickname = None
        self.active = False
        self.erased_at = self.signed_out_at = now()

    @classmethod
    def by_public_id(cls, public_id: str) -> Person:
        """The person with this public id; NotFound when there is none."""
        person: Person | None = db.session.scalar(select(cls).where(cls.public_id == public_id))
        if person is None:
            raise NotFound
        return person


vault.keeps(Person.nickname_sealed)


@event.listens_for(Person, "after_update")
def close_doors(mapper: Any, connection: Any, person: Person) -> None:
    """An account that is closed loses its sockets at once."""
    if inspect(person).attrs.active.history.has_changes() and not person.active:
        append(person.stream, kind="offices", recheck="all")
