"""A lease: one holder at a time of something that many processes could do, until it lets go or dies."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import String, delete, or_, update
from sqlalchemy.orm import Mapped, mapped_column

from board.clock import now
from board.db import Model, db, insert, writing


class Lease(Model):
    """Who holds what, and until when."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    holder: Mapped[str] = mapped_column(String(32))
    until: Mapped[datetime]


def take(name: str, holder: str, span: timedelta) -> bool:
    """Hold `name` for `span` inside the open transaction; False while somebody else does. Who holds it may prolong."""
    if not writing():
        raise RuntimeError("a lease is taken inside transaction()")
    moment = now()
    wanted = insert(Lease)
    # One statement, so that of two who ask at once the row decides, on both engines.
    taken = db.session.execute(
        wanted.values(name=name, holder=holder, until=moment + span)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"holder": wanted.excluded.holder, "until": wanted.excluded.until},
            where=or_(Lease.until < moment, Lease.holder == holder),
        )
        .returning(Lease.name)
    ).scalar()
    return taken is not None


def prolong(holder: str, span: timedelta) -> None:
    """Everything that `holder` holds stays his for `span` from now, inside the open transaction."""
    db.session.execute(
        update(Lease).where(Lease.holder == holder).values(until=now() + span),
        execution_options={"synchronize_session": False},
    )


def let_go(holder: str) -> None:
    """What `holder` held is free, inside the open transaction."""
    db.session.execute(
        delete(Lease).where(Lease.holder == holder), execution_options={"synchronize_session": False}
    )
