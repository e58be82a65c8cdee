"""Every text that somebody writes: public and masked in the table, the original in the vault where it differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy import Text as Long
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import markup, masking
from board.clock import now
from board.db import Model, PublicId, db, random_id
from board.errors import Invalid
from board.i18n import _l
from board.text import normalise
from people import vault
from people.models import Department, Person

if TYPE_CHECKING:
    from board.markup import Chip

COVER = "███"  # of one width, so that it does not tell how long the covered words are
LENGTHS = {"title": 80, "place": 80}
LONGEST = 5_000


def clean(raw: str, *, field: str, lines: bool = True, empty: Any = None) -> str:
    """`raw` without what cannot be seen; Invalid when nothing is left or it is too long."""
    text = normalise(raw[: 20 * LONGEST], lines=lines)
    longest = LENGTHS.get(field, LONGEST)
    if not text:
        raise Invalid(empty or _l("Please write something here."), field=field)
    if len(text) > longest:
        message = _l(
            "At most %(longest)s characters; this has %(length)s. Please shorten it.",
            longest=longest,
            length=len(text),
        )
        raise Invalid(message, field=field)
    return text


class Text(PublicId, Model):
    """One text. `public` is what everybody reads: masked, with what its author covered."""

    __tablename__ = "text"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    public: Mapped[str] = mapped_column(Long)
    html: Mapped[str] = mapped_column(Long)
    mask_version: Mapped[int] = mapped_column(default=masking.MASK_VERSION)
    masked: Mapped[list[str]] = mapped_column(JSON, default=list)
    covers: Mapped[list[list[int]]] = mapped_column(JSON, default=list)
    in_vault: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)
    edited_at: Mapped[datetime | None]
    hidden_at: Mapped[datetime | None]
    hidden_reason: Mapped[str | None] = mapped_column(String(40))

    author: Mapped[Person | None] = relationship()
    revisions: Mapped[list[TextRevision]] = relationship(
        back_populates="text", order_by="TextRevision.id", cascade="all, delete-orphan"
    )

    @classmethod
    def write(cls, kind: str, raw: str, *, by: Person | None, field: str, lines: bool = True) -> Text:
        """A new text of `kind`, cleaned and masked, in the open transaction. Invalid names `field`."""
        original = clean(raw, field=field, lines=lines)
        text = cls(kind=kind, author=by, public_id=random_id(), covers=[], in_vault=False)
        text.put(original)
        db.session.add(text)
        return text

    @property
    def owner(self) -> str:
        """How the vault calls this text."""
        return f"text:{self.public_id}"

    def put(self, original: str, chips: Sequence[Chip] = ()) -> None:
        """Set the words: mask them, render them, and keep the original apart when it differs."""
        covered = cover(original, self.covers)
        result = masking.mask(covered, allow=public_numbers())
        self.public, self.masked = result.text, sorted({finding.kind for finding in result.findings})
        self.mask_version = masking.MASK_VERSION
        had, self.in_vault = self.in_vault, result.text != original
        if self.in_vault:
            vault.put(self.owner, "original", original)
        elif had:
            vault.erase(self.owner, "original")
        self.render(chips)

    def render(self, chips: Sequence[Chip] = ()) -> None:
        """Make the HTML of the public words anew, `chips` in place of their spans."""
        self.html = str(markup.render(self.public, chips=chips))

    def original(self) -> str:
        """The words as they were typed, from the vault when they differ; the caller checks who asks."""
        kept = vault.get(self.owner, "original") if self.in_vault else None
        return self.public if kept is None else kept

    def markup(self) -> Markup:
        """The public words as safe HTML; a hidden text says that it is hidden."""
        return Markup(self.html)  # made by board.markup, bleached at write time

    def keep_revision(self) -> None:
        """Remember the words as they are before they change."""
        self.revisions.append(TextRevision(public=self.public, html=self.html))

    def cover(self, spans: Iterable[tuple[int, int]]) -> None:
        """Black out `spans` of the original, for good; revisions are covered by leaving them out."""
        original = self.original()
        wanted = [[max(0, start), min(len(original), end)] for start, end in spans]
        self.covers = merged([*self.covers, *(span for span in wanted if span[0] < span[1])])
        self.revisions.clear()
        self.put(original)


class TextRevision(Model):
    """What a text said before it was edited."""

    __tablename__ = "text_revision"

    id: Mapped[int] = mapped_column(primary_key=True)
    text_id: Mapped[int] = mapped_column(ForeignKey("text.id"), index=True)
    public: Mapped[str] = mapped_column(Long)
    html: Mapped[str] = mapped_column(Long)
    at: Mapped[datetime] = mapped_column(default=now)

    text: Mapped[Text] = relationship(back_populates="revisions")


def merged(spans: Iterable[Sequence[int]]) -> list[list[int]]:
    """Spans in order, those that touch made one."""
    result: list[list[int]] = []
    for start, end in sorted((span[0], span[1]) for span in spans):
        if result and start <= result[-1][1]:
            result[-1][1] = max(result[-1][1], end)
        else:
            result.append([start, end])
    return result


def cover(original: str, spans: Sequence[Sequence[int]]) -> str:
    """`original` with each span replaced by a cover of one width."""
    parts, at = [], 0
    for start, end in merged(spans):
        parts += [original[at:start], COVER]
        at = end
    return "".join((*parts, original[at:]))


def masked(words: str) -> str:
    """`words` as the public may read them, for what is kept beside a text (an outcome's reason, a contact)."""
    return masking.mask(words, allow=public_numbers()).text


def public_numbers() -> frozenset[str]:
    """The telephone numbers that departments publish: never masked."""
    info = db.session().info
    if "public_numbers" not in info:
        info["public_numbers"] = frozenset(
            number for number in db.session.scalars(db.select(Department.duty_phone)) if number
        )
    return info["public_numbers"]  # type: ignore[no-any-return]
