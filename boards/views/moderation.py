"""The moderators' queue as it is read: tabs, rows by the oldest promise, and what is open beside them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from sqlalchemy import or_, select

from board import live
from board.clock import now
from board.db import db
from board.errors import NotFound
from board.i18n import _
from board.jinja import iso, when
from board.noting import opened
from board.permissions import may
from board.presence import tell
from board.seams import provided, slot_html
from board.text import excerpt
from boards.looking import LOOKING, seen_by
from boards.models import Appeal, Case, ModerationAct, ReviewMark, Section, Thread, WatchedWord
from boards.models.case import dashed
from boards.models.moderated import HOLD_REASONS, QUEUE
from boards.models.moderation_act import UNDO
from boards.models.report import texts_of
from boards.modqueue import SOURCES, Item, Listed, Place, counts, listed, source_named
from boards.modwords import act_words, hold_words, why_words
from boards.photos import photos_of
from boards.policy import visible_to
from boards.queuerow import length
from boards.repeats import others_like
from people import me, vault
from people.models import Person
from people.session import login_required

bp = Blueprint("moderation", __name__, url_prefix="/moderation")

EXCERPT = 120  # characters of a text in its row
# Where the field of a form stands whose name several forms of the pane have.
PLACES = {(form, "reason"): f"{form}-reason" for form in ("covers", "hiding", "hold")}
RECENT = 3  # acts of one's own that a page offers to take back


def moderator() -> Person:
    """Whoever asks, when he is a moderator; NotFound for everybody else."""
    person = me()
    if person is None or not may(person, "moderation.open", None):
        raise NotFound
    return person


@bp.get("")
@login_required
def index() -> Response:
    """The queue, `?kind=` one tab of it; `?thread=` looks up a post by its number or address."""
    return page()


@bp.get("/<source>/<item_id>")
@login_required
def show(source: str, item_id: str) -> Response:
    """One thing that waits, with its texts and what may be done. A colleague sees that it is being looked at."""
    person = moderator()
    item = source_named(source).find(item_id, person)
    thread, public_id = item.thread.public_id, person.public_id
    response = page(item=item)
    # After it was drawn: what is noted here is written in a transaction that forgets what the page had loaded.
    thing = f"moderation:{thread}"
    tell(f"page:{provided('sign_in')}", [(thing, public_id)], {thing})
    return response


def page(
    *,
    item: Item | None = None,
    status: int = 200,
    errors: dict[str, Any] | None = None,
    message: Any = "",
) -> Response:
    """The whole page; what was typed is given back when something is wrong with it."""
    person = moderator()
    live.watching(QUEUE, LOOKING)
    kind = request.values.get("kind", "")
    kind = kind if kind in SOURCES else ""
    after = request.args.get("after", "")
    found = listed(person, kind=kind, after=after)
    waiting = counts(person)
    wanted = (request.values.get("thread") or "").strip()[:120]
    looked_up = _looked_up(wanted, person) if wanted and item is None else None
    thread = item.thread if item is not None else looked_up
    if thread is not None:
        thread.open_for(person)
    failed = request.path.rpartition("/")[2] if request.method == "POST" else ""
    html = render_template(
        "desk/moderation.html",
        person=person,
        kind=kind,
        rows=_rows(found, person, item, kind),
        older=_url(kind, after=found.after) if found.after else "",
        queue_url=_url(kind),
        tabs=_tabs(waiting, kind),
        total=sum(waiting.values()),
        item=item,
        shown=_shown(item, person) if item is not None else None,
        about=_about(thread, person) if thread is not None else None,
        watching=seen_by({"": thread.public_id}, person, "moderation").get("", "")
        if thread is not None
        else "",
        recent=_recent(person),
        wanted=wanted,
        errors=errors or {},
        failed=failed,
        summary={PLACES.get((failed, name), name): words for name, words in (errors or {}).items()},
        message=message,
        typed=request.form,
        badge=slot_html("shell.badge", person),
        open_case=item is not None or bool(wanted),
        queue=QUEUE,
        looking=LOOKING,
    )
    return make_response(html, status)


def _url(kind: str, **more: str) -> str:
    pairs = {**({"kind": kind} if kind else {}), **more}
    return "/moderation" + ("?" + "&".join(f"{key}={value}" for key, value in pairs.items()) if pairs else "")


def _tabs(waiting: dict[str, int], kind: str) -> list[dict[str, Any]]:
    rows = [{"label": _("All"), "url": _url(""), "count": sum(waiting.values()), "current": not kind}]
    for name, source in SOURCES.items():
        rows.append(
            {"label": source.label(), "url": _url(name), "count": waiting[name], "current": name == kind}
        )
    return rows


def _rows(found: Listed, person: Person, open_item: Item | None, kind: str) -> list[dict[str, Any]]:
    seen = seen_by({each.key: each.thread.public_id for each in found.items}, person, "moderation")
    return [
        {
            "id": each.key.replace(":", "-"),
            "url": each.path + (f"?kind={kind}" if kind else ""),
            "title": each.thread.title,
            "label": SOURCES[each.source].label(),
            "why": why_words(each),
            "words": excerpt(each.text.public, EXCERPT) if each.text is not None else "",
            "late": each.due_at <= now(),
            "left": length(abs(each.due_at - now())),
            "due": when(each.due_at),
            "due_iso": iso(each.due_at),
            "thread": each.thread.public_id,
            "watching": seen.get(each.key, ""),
            "open": open_item is not None and each.key == open_item.key,
        }
        for each in found.items
    ]


def _looked_up(wanted: str, person: Person) -> Thread | None:
    reference = wanted.rstrip("/").rpartition("/")[2]
    query = select(Thread).outerjoin(Case, Case.thread_id == Thread.id)
    return db.session.scalar(
        query.where(or_(Thread.public_id == reference, Case.number == dashed(reference)), visible_to(person))
    )


def _shown(item: Item, person: Person) -> dict[str, Any]:
    """What the open item shows beside the thread: the reporter's words, why a text is looked at, the appeal."""
    row = item.row
    shown: dict[str, Any] = {
        "label": SOURCES[item.source].label(),
        "why": why_words(item),
        "waits": source_named(item.source).waits(row, person),
        "contact": "",
        "waiting": [],
        "watched": [],
        "alike": [],
        "act": None,
    }
    if item.source == "contact" and shown["waits"]:
        opened("text.contacts_read", by=person.public_id, thing=row.owner)
        shown["waiting"] = [words for _kind, words in row.contact_words()]
    if item.source == "report":
        shown["contact"] = vault.get(f"report:{row.public_id}", "contact") or ""
    if isinstance(row, ReviewMark):
        words = db.session.scalars(select(WatchedWord).where(WatchedWord.public_id.in_(row.words)))
        shown["watched"] = [(each.word, each.reason) for each in words]
        if "repeat" in row.why:
            shown["alike"] = [(each.public_id, each.title) for each in others_like(row.text, row.thread)]
    if isinstance(row, Appeal):
        act = row.act
        shown["act"] = {
            "say": act_words(act.kind), "reason": hold_words().get(act.reason, ""), "when": when(act.at),
            "texts": _taken(row, person) if shown["waits"] else [],
        }  # fmt: skip
    return shown


def _taken(appeal: Appeal, person: Person) -> list[str]:
    """What everybody would read again of the appellant's own texts: what the act took, and nothing masked besides."""
    words = []
    for text, spans in appeal.own_texts():
        if spans:
            opened("text.covers_read", by=person.public_id, thing=text.owner)
        words.append(text.without_covers(spans) if spans else text.public)
    return words


def _about(thread: Thread, person: Person) -> dict[str, Any]:
    """What stands in a thread, and what this moderator may do with it."""
    texts = texts_of(thread)
    photos = [file.public_id for files in photos_of(texts).values() for file in files]
    own = {thread.title_id, thread.body_id, thread.place_id}
    case = thread.case
    acts = may(person, "thread.hold", thread)
    return {
        "thread": thread,
        "number": case.number if case is not None else "",
        "texts": [
            {
                "id": each.public_id,
                "words": each.public,
                "reply": each.id not in own and each.kind == "reply",
                "hidden": each.hidden_at is not None,
                "why": hold_words().get(each.hidden_reason or "", ""),
            }
            for each in texts
        ],
        "photos": photos,
        "acts": acts,
        "public": thread.is_public,
        "held": str(thread.visibility) == "held",
        "reason": hold_words().get(thread.hold_reason or "", ""),
        "reasons": [(name, hold_words()[name]) for name in HOLD_REASONS],
        "may_pin": may(person, "thread.pin", thread),
        "case": case,
        "sections": [
            (each.key, each.title)
            for each in Section.all()
            if each.is_public and not each.is_closed and each.id != thread.section_id
        ],
    }


def _recent(person: Person) -> list[dict[str, str]]:
    rows = db.session.scalars(
        select(ModerationAct)
        .where(
            ModerationAct.by_id == person.id,
            ModerationAct.at > now() - UNDO,
            ModerationAct.undone_at.is_(None),
        )
        .order_by(ModerationAct.id.desc())
        .limit(RECENT)
    )
    return [
        {
            "id": act.public_id,
            "say": act_words(act.kind),
            "title": act.thread.title,
            "until": when(act.at + UNDO),
        }
        for act in rows
        if act.can_be_undone
    ]


@bp.get("/presence")
@login_required
def presence() -> Response:
    """Which colleagues have these threads open, in words: `?thread=` for each that is in sight."""
    person = moderator()
    wanted = request.args.getlist("thread")[:60]
    visible = db.session.scalars(
        select(Thread.public_id).where(Thread.public_id.in_(wanted), visible_to(person))
    )
    response = jsonify(seen_by({each: each for each in visible}, person, "moderation"))
    response.headers["Cache-Control"] = "private, no-store"
    return response


def next_path(person: Person, item: Item | None, kind: str) -> str:
    """What opens after a decision: the next one of the queue, the queue itself when nothing waits."""
    if item is None:
        return "/moderation"
    behind = listed(person, kind=kind, after=str(Place(item.due_at, item.key)), limit=1).items
    for each in behind or listed(person, kind=kind, limit=1).items:
        if each.key != item.key:
            return each.path + (f"?kind={kind}" if kind else "")
    return _url(kind)
