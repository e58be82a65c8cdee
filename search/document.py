"""What is indexed: the public text of one thread, nothing else."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime

ORDER_BITS = 22


def order_of(posted_at: datetime, public_id: str) -> int:
    """The place of a thread among all others, newest highest: milliseconds since 1970, then a part of its id.

    One whole number serves every engine as sort key and as page cursor; the id keeps threads of one
    moment (an import, say) apart.
    """
    milliseconds = int(posted_at.timestamp() * 1000)
    return (milliseconds << ORDER_BITS) | (zlib.crc32(public_id.encode()) & ((1 << ORDER_BITS) - 1))


@dataclass(frozen=True, slots=True)
class Document:
    """One thread as the engines see it; every text is the public, masked one.

    `names` are further words that find it: its section's and departments' names. `section`, `departments`
    and `status` are keys to filter by. `version` moves with every change of the thread.
    """

    id: str
    title: str
    posted_at: datetime
    body: str = ""
    replies: tuple[str, ...] = ()
    number: str = ""
    names: tuple[str, ...] = ()
    section: str = ""
    departments: tuple[str, ...] = ()
    status: str = ""
    version: int = 0

    @property
    def order(self) -> int:
        """Its place among all threads, newest highest."""
        return order_of(self.posted_at, self.id)

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything a word may be found in."""
        return tuple(filter(None, (self.title, self.body, *self.replies, self.number, *self.names)))
