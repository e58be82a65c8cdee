"""Every text that somebody writes: public and masked in the table, the original in the vault where it differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import current_app
from markupsafe import Markup
from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy import Text as Long
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit, markup, masking
from board.clock import now
from board.db import Model, PublicId, db, random_id
from board.errors import Invalid, WrongState
from board.i18n import DEFAULT, _, _l, speaking
from board.live import append
from board.permissions import require
from board.text import normalise
from people import vault
from people.models import Department, Person

if TYPE_CHECKING:
    from board.markup import Chip
    from board.masking import Kind
    from boards.models.timeline import CaseEvent

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
    __table_args__ = (
        Index(
            "ix_text_contacts",
            "contacts",
            sqlite_where=sql("contacts = 'waiting'"),
            postgresql_where=sql("contacts = 'waiting'"),
        ),
    )

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
    erased_at: Mapped[datetime | None]  # with its author's account: one sentence stands in its place
    # In a member's reply: "waiting" while what is covered holds a way to reach somebody, then "released" or "kept".
    contacts: Mapped[str | None] = mapped_column(String(10))

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
        result = self.mask(original)
        kinds = {finding.kind for finding in result.findings}
        self.public, self.masked = result.text, sorted(kinds)
        self.mask_version = masking.MASK_VERSION
        if self.is_members_reply and self.contacts != "released":
            self.contacts = (self.contacts or "waiting") if kinds & masking.CONTACTS else None
        had, self.in_vault = self.in_vault, result.text != original
        if self.in_vault:
            vault.put(self.owner, "original", original)
        elif had:
            vault.erase(self.owner, "original")
        self.render(chips)

    def mask(self, original: str, covers: Sequence[Sequence[int]] | None = None) -> masking.Masked:
        """What `original` would be in public under `covers`: those that lie on it, unless others are given."""
        covered = cover(original, self.covers if covers is None else covers)
        # Most texts hold no number, and need not be compared with those that departments publish.
        allow = public_numbers() if any(map(str.isnumeric, covered)) else ()
        return masking.mask(covered, allow=allow, leave=self.leaves(), own=own_hosts())

    def mask_public(self) -> None:
        """Mask what the public reads once more, where the original cannot be opened just now; the vault stays as it is."""
        result = self.mask(self.public, covers=())
        self.public, self.mask_version = result.text, masking.MASK_VERSION
        self.masked = sorted({*self.masked, *(finding.kind for finding in result.findings)})
        self.render()

    def leaves(self) -> frozenset[Kind]:
        """The kinds that stay readable: what an office says of itself; what a moderator released; links, but in replies."""
        if self.kind == "official" or (self.author is not None and self.author.is_staff):
            return masking.OFFICE
        if self.kind != "reply":
            return masking.LINK
        return masking.CONTACTS if self.contacts == "released" else frozenset()

    @property
    def is_members_reply(self) -> bool:
        """Whether ways to reach somebody wait in it for a moderator (domain.md §6)."""
        return self.kind == "reply" and (self.author is None or not self.author.is_staff)

    def contact_words(self) -> list[tuple[Kind, str]]:
        """Each covered way to reach somebody, as it was typed; the caller checks who asks and notes the look."""
        covered = cover(self.original(), self.covers)
        found = self.mask(self.original()).findings
        return [
            (each.kind, covered[each.start : each.end]) for each in found if each.kind in masking.CONTACTS
        ]

    def release_contacts(self, *, by: Person) -> CaseEvent:
        """Let everybody read how to reach somebody in this reply; what says who somebody is stays covered."""
        from boards.models.contacts import thread_of
        from boards.models.mention import redraw

        require(by, "text.release_contacts", self)
        if self.contacts not in ("waiting", "kept"):
            raise WrongState(_l("A colleague has already looked at this."))
        self.keep_revision()  # so that the chain still opens to what stood there
        self.contacts = "released"
        self.put(self.original())
        redraw(self)
        audit.note("text.contacts_released", by=by.public_id, thing=self.owner)
        return thread_of(self).record("text.contacts_released", by=by, role="moderator", moves=False)

    def keep_contacts(self, *, by: Person) -> CaseEvent:
        """Looked at: how to reach somebody stays covered in this reply."""
        from boards.models.contacts import thread_of
        from boards.models.moderated import QUEUE

        require(by, "text.release_contacts", self)
        if self.contacts != "waiting":
            raise WrongState(_l("A colleague has already looked at this."))
        self.contacts = "kept"
        append(QUEUE, kind="changed")
        audit.note("text.contacts_kept", by=by.public_id, thing=self.owner)
        return thread_of(self).record(
            "text.contacts_kept", by=by, role="moderator", visibility="internal", moves=False
        )

    def without_covers(self, spans: Iterable[Sequence[int]]) -> str:
        """What everybody would read if these covers were taken away; the caller checks who asks and notes the look."""
        return self.mask(self.original(), without(self.covers, spans)).text

    def render(self, chips: Sequence[Chip] = ()) -> None:
        """Make the HTML of the public words anew, `chips` in place of their spans."""
        self.html = str(markup.render(self.public, chips=chips))

    def original(self) -> str:
        """The words as they were typed, from the vault when they differ; the caller checks who asks."""
        kept = vault.get(self.owner, "original") if self.in_vault else None
        return self.public if kept is None else kept

    def markup(self) -> Markup:
        """The public words as safe HTML. Whoever shows them asks before whether the text is hidden."""
        if self.erased_at is not None:
            return Markup("<p>{}</p>").format(erased_words())
        return Markup(self.html)  # made by board.markup, bleached at write time

    def erase(self) -> None:
        """Forget the words for good, with all that was kept of them; whoever calls it deletes its author's account."""
        vault.erase(self.owner)
        with speaking(DEFAULT):
            self.public = str(erased_words())
        self.masked, self.covers, self.in_vault, self.contacts = [], [], False, None
        self.revisions.clear()
        self.mask_version, self.erased_at = masking.MASK_VERSION, now()
        self.render()

    def drop_original(self) -> None:
        """Forget the words as they were typed; what everybody reads stays as it is, covers and all."""
        vault.erase(self.owner, "original")
        self.covers, self.in_vault = [], False  # they lay over words that are no longer there

    def keep_revision(self) -> None:
        """Remember the words as they are before they change."""
        self.revisions.append(TextRevision(public=self.public, html=self.html))

    def forget_earlier(self, words: Iterable[str]) -> int:
        """Leave out the earlier versions in which any of `words` stands; how many."""
        wanted = [each for each in words if each]
        gone = [each for each in self.revisions if any(word in each.public for word in wanted)]
        for revision in gone:
            self.revisions.remove(revision)
        return len(gone)

    def cover(self, spans: Iterable[tuple[int, int]]) -> None:
        """Black out `spans` of the original, for good; revisions are covered by leaving them out."""
        original = self.original()
        wanted = [[max(0, start), min(len(original), end)] for start, end in spans]
        self.covers = merged([*self.covers, *(span for span in wanted if span[0] < span[1])])
        self.revisions.clear()
        self.put(original)

    def uncover(self, spans: Iterable[Sequence[int]]) -> None:
        """Take covers away from `spans` of the original; what else was covered stays so."""
        original = self.original()
        self.covers = without(self.covers, spans)
        self.put(original)


def erased_words() -> str:
    """What stands in the place of words whose author has gone."""
    return _("The author has deleted the account and this text")


class TextRevision(Model):
    """What a text said before it was edited."""

    __tablename__ = "text_revision"

    id: Mapped[int] = mapped_column(primary_key=True)
    text_id: Mapped[int] = mapped_column(ForeignKey("text.id"), index=True)
    public: Mapped[str] = mapped_column(Long)
    html: Mapped[str] = mapped_column(Long)
    at: Mapped[datetime] = mapped_column(default=now)

    text: Mapped[Text] = relationship(back_populates="revisions")

    def put(self, public: str) -> None:
        """Set what it says in public, drawn anew when that is something else."""
        if public != self.public:
            self.public, self.html = public, str(markup.render(public))

    def markup(self) -> Markup:
        """The public words of then as safe HTML."""
        return Markup(self.html)  # copied from Text.html, which was bleached at write time


def merged(spans: Iterable[Sequence[int]]) -> list[list[int]]:
    """Spans in order, those that touch made one."""
    result: list[list[int]] = []
    for start, end in sorted((span[0], span[1]) for span in spans):
        if result and start <= result[-1][1]:
            result[-1][1] = max(result[-1][1], end)
        else:
            result.append([start, end])
    return result


def without(spans: Iterable[Sequence[int]], taken: Iterable[Sequence[int]]) -> list[list[int]]:
    """The parts of `spans` that do not lie in `taken`, in order."""
    left = [span for span in merged(spans) if span[0] < span[1]]
    for start, end in merged(taken):
        left = [
            part
            for begin, stop in left
            for part in ([begin, min(stop, start)], [max(begin, end), stop])
            if part[0] < part[1]
        ]
    return left


def cover(original: str, spans: Sequence[Sequence[int]]) -> str:
    """`original` with each span replaced by a cover of one width."""
    parts, at = [], 0
    for start, end in merged(spans):
        parts += [original[at:start], COVER]
        at = end
    return "".join((*parts, original[at:]))


def masked(words: str, *, leave: frozenset[Kind] = masking.OFFICE) -> str:
    """An office's `words` as the public may read them, for what is kept beside a text (an outcome's reason, a contact)."""
    return masking.mask(words, allow=public_numbers(), leave=leave).text


def own_hosts() -> frozenset[str]:
    """The host of this board, to which links in replies may lead."""
    host = urlsplit(current_app.config["SETTINGS"].public_url).hostname
    return frozenset({host}) if host else frozenset()


def public_numbers() -> frozenset[str]:
    """The telephone numbers that departments publish: never masked."""
    info = db.session().info
    if "public_numbers" not in info:
        info["public_numbers"] = frozenset(
            number for number in db.session.scalars(db.select(Department.duty_phone)) if number
        )
    return info["public_numbers"]  # type: ignore[no-any-return]
