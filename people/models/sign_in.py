"""Sign-ins: one row each, so that every one of them can be seen and ended."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Select, String, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId, db
from board.live import append

if TYPE_CHECKING:
    from people.models.person import Person

REMEMBERED = timedelta(days=30)
BROWSER_SESSION = timedelta(
    hours=24
)  # a cookie without an age ends with the browser, the row at the latest then
# The first mark that stands in the user agent wins: many browsers also carry the names of others.
BROWSERS = (
    ("MicroMessenger", "WeChat"), ("Edg", "Edge"), ("Firefox", "Firefox"), ("HuaweiBrowser", "Huawei"),
    ("UCBrowser", "UC"), ("QQBrowser", "QQ"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"), ("OpenHarmony", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"),
    ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
HALF_WAY = timedelta(minutes=10)  # between the password and the second factor
CONFIRMED = timedelta(minutes=10)  # how long a sign-in, or a confirmation, opens what is sensitive
METHODS = ("phone", "app", "recovery", "passkey", "link", "invitation", "cast")


def hashed(token: str) -> str:
    """A random token as it is kept: it has 256 bits, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()


class SignIn(PublicId, Model):
    """One device signed in. Its cookie holds a random token; the row holds only the token's hash."""

    __tablename__ = "sign_in"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    remembered: Mapped[bool] = mapped_column(default=False)
    second_factor_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]  # when its person last showed that it is still he
    method: Mapped[str] = mapped_column(String(12), default="")
    revoked_at: Mapped[datetime | None]
    user_agent: Mapped[str] = mapped_column(String(200), default="")

    person: Mapped[Person] = relationship(lazy="joined")

    @property
    def alive(self) -> bool:
        """Whether it still stands: not revoked, not past its end, of an account that may be used."""
        return self.revoked_at is None and now() < self.expires_at and self.person.active

    @property
    def complete(self) -> bool:
        """Whether it opens pages: staff need their second factor as well."""
        return self.alive and (not self.person.is_staff or self.second_factor_at is not None)

    @property
    def device(self) -> str:
        """The browser and system in words such as `Firefox · Android`, guessed from what the browser said."""
        found = (
            next((word for mark, word in marks if mark in self.user_agent), "")
            for marks in (BROWSERS, SYSTEMS)
        )
        return " · ".join(word for word in found if word)

    @property
    def confirmed(self) -> bool:
        """Whether its person showed within the last ten minutes that it is still he, at the sign-in or since."""
        return self.confirmed_at is not None and now() < self.confirmed_at + CONFIRMED

    def revoke(self) -> None:
        """End it: its pages, its cookie and its sockets with it."""
        if self.revoked_at is None:
            self.revoked_at = now()
            append(self.person.stream, kind="sign_ins", recheck=True)

    @classmethod
    def begin(
        cls,
        person: Person,
        *,
        remember: bool = False,
        second_factor: bool = False,
        method: str = "",
        user_agent: str = "",
    ) -> tuple[SignIn, str]:
        """A new sign-in and the token for its cookie, shown this once. Staff without a second factor get 10 minutes.

        `method` is one of METHODS: by what the person showed who he is."""
        token = secrets.token_urlsafe(32)
        moment = now()
        if person.is_staff and not second_factor:
            lasts = HALF_WAY
        else:
            lasts = REMEMBERED if remember else BROWSER_SESSION
        row = cls(
            token_hash=hashed(token),
            person=person,
            created_at=moment,
            expires_at=moment + lasts,
            remembered=remember,
            second_factor_at=moment if second_factor else None,
            confirmed_at=moment if second_factor or not person.is_staff else None,
            method=method,
            user_agent=user_agent[:200],
        )
        db.session.add(row)
        db.session.flush()
        return row, token

    @classmethod
    def by_token(cls, token: str) -> SignIn | None:
        """The sign-in whose cookie this is, alive or not."""
        if not token or len(token) > 100:
            return None
        return db.session.scalar(_by_hash(), {"hash": hashed(token)})

    @classmethod
    def by_public_id(cls, public_id: str) -> SignIn | None:
        """The sign-in with this public id, alive or not; None once it is forgotten."""
        return db.session.scalar(select(cls).where(cls.public_id == public_id))

    @classmethod
    def open_of(cls, person: Person) -> list[SignIn]:
        """A person's sign-ins that still stand, newest first."""
        query = select(cls).where(
            cls.person_id == person.id, cls.revoked_at.is_(None), cls.expires_at > now()
        )
        return list(db.session.scalars(query.order_by(cls.created_at.desc(), cls.id.desc())))


@cache
def _by_hash() -> Select[SignIn]:
    return select(SignIn).where(SignIn.token_hash == bindparam("hash"))
