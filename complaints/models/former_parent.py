"""Where a unit stood before it was moved: who led it then is tied to its officers for 24 months more."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, event, inspect
from sqlalchemy.orm import Mapped, mapped_column

from board.clock import now
from board.db import Model
from people.models import Department


class FormerParent(Model):
    """`department_id` stood right below `parent_id` until that moment."""

    __tablename__ = "former_parent"

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    parent_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    until: Mapped[datetime] = mapped_column(default=now, index=True)


@event.listens_for(Department, "after_update")
def keep_former_parent(mapper: Any, connection: Any, department: Department) -> None:
    """A unit was moved in the tree."""
    for earlier in inspect(department).attrs.parent_id.history.deleted or ():
        if earlier is not None:
            connection.execute(
                FormerParent.__table__.insert(),  # type: ignore[attr-defined]
                {"department_id": department.id, "parent_id": earlier, "until": now()},
            )
