"""Who may know who posted: the levels of a thread, and every time somebody opened one.

`open`: everybody reads the nickname. `hidden`: the department that handles it can reach the poster. `sealed`: the
inspectors alone. `receipt`: nobody, there is no account behind it (domain.md §6).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from board import audit
from board.clock import now
from board.db import Model, db
from board.errors import Invalid, WrongState
from board.i18n import _l
from board.permissions import may, require
from boards.models.text import clean, masked
from boards.models.timeline import Audience
from people import vault
from people.models import Department, Person

if TYPE_CHECKING:
    from boards.models.case import Case
    from boards.models.thread import Thread

# Each one is known to fewer than the one before it.
LEVELS = ("open", "hidden", "sealed", "receipt")
REASON = 300  # characters


def levels_for(thread: Thread) -> list[str]:
    """What its poster may change it to, the most open first: what the section offers, and always what fewer know.

    A receipt is neither given nor taken away afterwards: it means that there never was an account.
    """
    if thread.identity == "receipt" or thread.poster is None or thread.poster.is_staff:
        return []
    offered = {*thread.section.identities, thread.identity, "hidden"} - {"receipt"}
    return [level for level in LEVELS if level in offered]


class IdentityOpening(Model):
    """Somebody in office looked up who posted: who, for which department, when and why. Its poster reads all of it."""

    __tablename__ = "identity_opening"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    role: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(400))
    at: Mapped[datetime] = mapped_column(default=now)

    by: Mapped[Person] = relationship()
    department: Mapped[Department | None] = relationship()

    @classmethod
    def of(cls, case: Case) -> list[IdentityOpening]:
        """Every opening of this case's poster, oldest first."""
        return list(
            db.session.scalars(
                select(cls)
                .where(cls.case_id == case.id)
                .order_by(cls.id)
                .options(joinedload(cls.by), joinedload(cls.department))
            )
        )


@dataclass(frozen=True)
class Opened:
    """What an opening shows, once: how he calls himself and his telephone, "" where none is known."""

    nickname: str
    phone: str


def open_identity(case: Case, *, by: Person, reason: str) -> Opened:
    """Look up who posted, for this case and a written reason; the poster is told who did it, when and why.

    Raises NotAllowed for whoever may not, WrongState where it is over or taken back, Invalid without a reason.
    """
    require(by, "poster.contact", case)
    thread, poster = case.thread, case.thread.poster
    if poster is None:
        raise WrongState(_l("There is no account behind this: nobody knows who posted it."))
    words = clean(reason, field="reason", lines=False, empty=_l("Write down why you need to know."))
    if len(words) > REASON:
        raise Invalid(_l("At most %(most)s characters, please.", most=REASON), field="reason")
    kept = masked(words)
    sealed = thread.identity == "sealed"
    role = "inspector" if sealed else thread.role_of(by)
    office = _inspectorate(by) if sealed else thread.office_of(by)
    db.session.add(IdentityOpening(case_id=case.id, by=by, department=office, role=role, reason=kept))
    audit.note(
        "identity.opened",
        by=by.public_id,
        thing=f"case:{case.number}",
        reason=kept,
        level=thread.identity,
        role=role,
        department=office.key if office is not None else None,
    )
    audience = Audience(followers=False)
    audience.add(poster, reason="uncovered")
    case.record("identity.opened", by=by, role=role, office=office, visibility="internal", audience=audience)
    return Opened(poster.display_name, vault.get(poster.owner, "phone") or "")


def _inspectorate(person: Person) -> Department | None:
    """The office by which an inspector inspects."""
    held = [each for each in person.current_appointments() if each.role == "inspector" and each.department]
    return held[0].department if held else None


def may_change(thread: Thread, person: Person | None) -> bool:
    """Whether this person has another level to choose for the thread."""
    return may(person, "thread.change_identity", thread) and len(levels_for(thread)) > 1
