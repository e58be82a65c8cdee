"""Anybody can check that no step of a case was changed: the chain as a page, and as JSON to recompute it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload, lazyload

from board.commitments import GENESIS, opens
from board.db import db
from board.i18n import _
from board.jinja import iso, when
from boards import lines
from boards.models.case import Case
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent, Finding, verify
from boards.modwords import hold_words
from people import me

bp = Blueprint("verifications", __name__)


@bp.get("/cases/<number>/verification")
def show(number: str) -> Response:
    """Each step's hash, whether it holds, and whether its words are those that were written."""
    case = Case.numbered(number, reader=me())
    events = _events(case.thread)
    findings = verify(events)
    if request.args.get("format") == "json" or _wants_json():
        response = jsonify(_document(case, events))
        response.headers["Content-Disposition"] = f'attachment; filename="{case.number}.json"'
        return response
    hidden = _moderated(events)
    scene = lines.Scene(case.thread.poster_id, case.thread.identity, lines.department_names())
    response = make_response(
        render_template(
            "boards/verification.html",
            here=f"/cases/{case.number}/verification",
            case=case,
            rows=[
                _row(event, finding, scene, hidden) for event, finding in zip(events, findings, strict=True)
            ],
            good=all(finding.chain and finding.text != "altered" for finding in findings),
            hidden=sum(
                event.public_text is not None and event.public_text.hidden_at is not None for event in events
            ),
            covered=sum(finding.text == "covered" for finding in findings),
        )
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _wants_json() -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def _events(thread: Thread) -> list[CaseEvent]:
    return list(
        db.session.scalars(
            select(CaseEvent)
            .where(CaseEvent.thread_id == thread.id)
            .order_by(CaseEvent.seq)
            .options(
                joinedload(CaseEvent.actor),
                joinedload(CaseEvent.public_text).selectinload(Text.revisions),
                lazyload(CaseEvent.case),
            )
        ).unique()
    )


def _moderated(events: list[CaseEvent]) -> dict[str, tuple[datetime, str]]:
    """When and for which reason a moderator hid or covered words, by the public id of their text; from the chain itself."""
    found: dict[str, tuple[datetime, str]] = {}
    for event in events:
        texts = event.parameters.get("texts") or [event.parameters.get("text")]
        if event.kind in ("text.hidden", "text.covered") and event.parameters.get("reason"):
            found |= {each: (event.at, str(event.parameters["reason"])) for each in texts if each}
        elif event.kind in ("text.shown", "text.restored"):
            for each in texts:
                found.pop(each, None)
    return found


def _by_moderator(text: Text | None, hidden: dict[str, tuple[datetime, str]]) -> str:
    """`hidden by a moderator on 17 November: advert`; "" for words that no moderator touched."""
    if text is None or text.public_id not in hidden:
        return ""
    at, reason = hidden[text.public_id]
    said = {"day": when(at), "reason": hold_words().get(reason, reason)}
    if text.hidden_at is not None:
        return _("words hidden by a moderator, %(day)s: %(reason)s", **said)
    return _("words covered by a moderator, %(day)s: %(reason)s", **said)


def _row(
    event: CaseEvent, finding: Finding, scene: lines.Scene, hidden: dict[str, tuple[datetime, str]]
) -> dict[str, Any]:
    words = {
        "none": _("no words"),
        "open": _("words unchanged"),
        "covered": _("words covered since"),
        "altered": _("words changed"),
    }
    return {
        "seq": event.seq,
        "when": when(event.at),
        "when_iso": iso(event.at),
        "say": lines.line(event, scene).say
        if event.is_public
        else _("An internal step; its words are not public."),
        "hash": event.hash,
        "chain": finding.chain,
        "text": " · ".join(
            each
            for each in (
                words[finding.text],
                _by_moderator(event.public_text, hidden) if event.is_public else "",
            )
            if each
        ),
        "good": finding.chain and finding.text != "altered",
    }


def _document(case: Case, events: list[CaseEvent]) -> dict[str, Any]:
    """Everything one needs to recompute the chain: the hashed fields, and salt and words where both are open."""
    return {
        "case": case.number,
        "thread": case.thread.public_id,
        "format": 1,
        "genesis": GENESIS,
        "how": "hash = SHA-256 of `fields` as JSON with sorted keys, no spaces, UTF-8; fields.previous is the hash "
        "before it; fields.public = SHA-256(bytes of salt + UTF-8 of text)",
        "steps": [_step(event) for event in events],
    }


def _step(event: CaseEvent) -> dict[str, Any]:
    step: dict[str, Any] = {"fields": event.public_fields(), "hash": event.hash}
    text = event.public_text
    if (
        text is not None
        and event.is_public
        and event.public_salt
        and event.public_commitment
        and text.hidden_at is None
        # A poster's earlier words are not for everybody; then neither is the salt they could be guessed with.
        and opens(event.public_salt, text.public, event.public_commitment)
    ):
        step |= {"salt": event.public_salt, "text": text.public}
    return step
