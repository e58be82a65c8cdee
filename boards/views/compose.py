"""Writing to the city: one page with four questions, a second one only when there is something to ask, and for a
visitor the sign-in as the last step of the same form."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import TooManyRequests

from board import once
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, NotFound, WrongState
from board.i18n import _l
from board.limits import spend
from board.permissions import may
from board.seams import provided
from board.web import client_address
from boards import coach, known
from boards.addresses import thread_path
from boards.composition import ABOUT, Check, Composition, token_of, unsorted_section
from boards.models.case import Case
from boards.models.mention import mentioned
from boards.models.posting import Draft, post
from boards.models.receipt import Fresh, Receipt, given_to_form, keep_for_form
from boards.models.section import Section
from boards.models.text import LONGEST
from boards.models.thread import Thread
from boards.newcomers import expect_post
from boards.sentences import chips, say
from boards.units import units_called, units_like, units_of
from boards.views.acting import myself
from boards.views.receipts import issued, issued_before
from boards.words import URGENT
from people import consenting, me
from people.codes import Started, can_send
from people.csrf import visitors_too
from people.models import Department
from people.signing_in import sign_in, start_code, verify_phone

bp = Blueprint("compose", __name__)

POSTS = "30 per hour"  # by one person
LOOKS = "3000 per hour"  # at what is being typed, from one address
RECEIPTS = "10 per hour"  # posted without an account, from one address
ALL_RECEIPTS = "300 per hour"  # from everywhere
FORMS = "300 per hour"  # from one address, behind which a whole office may sit


@bp.get("/new")
@bp.get("/s/<key>/new")
def new(key: str | None = None) -> Response:
    """The empty form; `?unit=` looks for a department, `?department=` picks one, `?origin=` names an earlier case."""
    section = _section(key)
    composition = Composition(
        identity=section.default_identity,
        departments=[each for each in request.args.getlist("department") if each][:3]
        or provided("prefilled_departments", section, request.args.get("about", "")[:24], me(), default=[]),
        unit_query=request.args.get("unit", "")[:40],
        origin=request.args.get("origin", "")[:24],
        about={"about_case": request.args["about"][:24]} if request.args.get("about") else {},
    )
    if section.is_closed:
        return _closed(section)
    _not_as_staff(section)
    return _form(key, section, composition)


@bp.post("/threads")
@bp.post("/s/<key>/threads")
@visitors_too
def create(key: str | None = None) -> Response:
    """Post it; or give the form back with what is wrong (422), ask what must be asked, or ask who you are."""
    section = _section(key)
    done = once.used(token_of(request.form))
    if done is not None:
        return redirect(done, 303)  # type: ignore[return-value]
    number = given_to_form(token_of(request.form))
    if number is not None:
        return _issued_again(number)
    if section.is_closed:
        return _closed(section, status=409)
    _not_as_staff(section)
    spend("compose", FORMS, client_address())
    composition = Composition.read(request.form, request.files.getlist("files"))
    if composition.step in ("units", "edit"):
        return _form(key, section, composition)
    if composition.step == "cover":
        composition.cover()
        composition.step = "checked"
    errors = _errors(composition, section)
    if errors:
        return _form(key, section, composition, errors=errors, status=422)
    check = Check.of(composition, section)
    complaints = _complaints() if check.complaint and composition.complaint == "yes" else None
    if complaints is not None and complaints.is_closed:
        return _form(key, section, composition, complaints=complaints)
    if complaints is not None:
        return _as_complaint(complaints, composition)
    if check.is_open(composition):
        return _check(key, section, composition, check)
    if me() is None and composition.identity != "receipt":
        refused = _door(key, section, composition)
        if refused is not None:
            return refused
        _not_as_staff(section)
    if _must_agree_first(composition):
        return consenting.ask(myself())
    try:
        return _post(key, composition, restrict=bool(check.delicate) and composition.restrict == "department")
    except Invalid as error:
        return _form(key, section, composition, errors=error.errors, status=422)
    except TooManyRequests as error:
        message = _l("That was a lot at once. What you wrote is still here; please try again a little later.")
        response = _form(key, section, composition, errors={"": message}, status=429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response


def _must_agree_first(composition: Composition) -> bool:
    """Whether the privacy page has changed since this member agreed to it; present danger does not wait for that."""
    if composition.identity == "receipt" or composition.draft().dangers() & URGENT:
        return False
    return consenting.asks_again(me())


def _post(key: str | None, composition: Composition, *, restrict: bool) -> Response:
    if composition.identity == "receipt":
        return _post_by_receipt(key, composition)
    person = myself()
    spend("post", POSTS, person.public_id)
    try:
        with transaction():
            done = once.used(composition.once)
            if done is not None:
                return redirect(done, 303)  # type: ignore[return-value]
            section = _section(key)
            expect_post(myself(), composition.title, composition.body)
            draft: Draft = composition.draft(restrict=restrict)
            if composition.origin:
                draft = _linked(draft, composition.origin)
            thread = post(
                section, draft, by=myself(), attach=lambda thread: composition.photos.hang_on(thread.body)
            )
            target = f"/received/{thread.case.number}" if thread.case is not None else thread_path(thread)
            consenting.note_first(myself(), "post")
            once.use(composition.once, target)
    except IntegrityError:
        # Two copies of one form met: the other one was first.
        done = once.used(composition.once)
        if done is None:
            raise
        target = done
    return redirect(target, 303)  # type: ignore[return-value]


def _post_by_receipt(key: str | None, composition: Composition) -> Response:
    """Nobody is asked who he is, and whoever is signed in is not noted: what is answered are sixteen digits."""
    spend("post-by-receipt", RECEIPTS, client_address())
    spend("posts-by-receipt", ALL_RECEIPTS, "")
    db.session.rollback()  # Argon2 takes its time; hold nothing meanwhile
    fresh = Fresh.draw()
    try:
        with transaction():
            once.used(composition.once)  # of two copies the second waits here
            before = given_to_form(composition.once)
            if before is not None:
                return _issued_again(before)
            thread = post(
                _section(key),
                composition.draft(),
                by=None,
                attach=lambda thread: composition.photos.hang_on(thread.body),
            )
            Receipt.hang(fresh, thread)
            keep_for_form(composition.once, fresh.number)
    except IntegrityError:
        return _issued_again(given_to_form(composition.once) or "")
    return issued(fresh.number, thread=thread)


def _issued_again(number: str) -> Response:
    return issued(number, thread=None) if number else issued_before()


def _linked(draft: Draft, number: str) -> Draft:
    from dataclasses import replace

    try:
        origin = Case.numbered(number, reader=me())
    except NotFound:
        return draft
    person = me()
    mine = person is not None and origin.thread.poster_id == person.id
    return replace(draft, origin=origin) if mine else draft


def _section(key: str | None) -> Section:
    return unsorted_section() if key is None else Section.by_key(key)


def _not_as_staff(section: Section) -> None:
    person = me()
    if person is not None and not may(person, "section.post", section):
        if section.staff_posts:
            raise NotAllowed(_l("Only the department writes in this section."))
        raise NotAllowed(
            _l(
                "You are signed in as staff. To write to the city yourself, sign out and use your own phone number."
            )
        )
    if person is None and section.staff_posts:
        raise NotAllowed(_l("Only the department writes in this section."))


def _errors(composition: Composition, section: Section) -> dict[str, Any]:
    errors: dict[str, Any] = {}
    try:
        composition.draft().checked(section)
    except Invalid as error:
        errors.update(error.errors)
    if composition.photos.error:
        errors["files"] = composition.photos.error
    order = ("title", "body", "place", "departments", "files", "identity")
    return {name: errors[name] for name in (*order, *ABOUT) if name in errors}


def _complaints() -> Section | None:
    # Also one that is not open yet: its page says whom to call meanwhile.
    sections = [each for each in Section.all() if not each.is_public and each.department is not None]
    return next((each for each in sections if each.department.kind == "integrity"), None)  # type: ignore[union-attr]


def _as_complaint(complaints: Section, composition: Composition) -> Response:
    """The complaint form with everything that was written; nothing was sent, and nobody was told."""
    composition.complaint = composition.restrict = ""
    if composition.identity not in complaints.identities:
        composition.identity = complaints.identities[0]
    return _form(complaints.key, complaints, composition, moved=True)


# --- the four pages ------------------------------------------------------------------------------------


def _names(key: str | None, section: Section) -> dict[str, Any]:
    return {
        "section": section,
        "action": "/threads" if key is None else f"/s/{key}/threads",
        "here": "/new" if key is None else f"/s/{key}/new",
        "draft_key": f"compose:{key or 'any'}",
        "chosen": key is not None,
    }


def _form(
    key: str | None,
    section: Section,
    composition: Composition,
    *,
    errors: dict[str, Any] | None = None,
    complaints: Section | None = None,
    moved: bool = False,
    status: int = 200,
) -> Response:
    found = units_like(composition.unit_query)
    picked = units_called(composition.departments)
    offered = found or units_of(section)
    keys = {unit.key for unit in offered}
    person = me()
    html = render_template(
        "compose/form.html",
        **_names(key, section),
        it=composition,
        errors=errors or {},
        complaints=complaints,
        moved=moved,
        units=[unit for unit in picked if unit.key not in keys] + offered,
        picked=picked,
        nothing_found=bool(composition.unit_query and not found),
        # What is for few is not left lying on a device that others use.
        drafts=section.is_public and not (person is not None and person.is_staff),
        reaches=known.choices(section, _nickname()),
    )
    return make_response(html, status)


def _check(key: str | None, section: Section, composition: Composition, check: Check) -> Response:
    unanswered: dict[str, Any] = {}
    if composition.step == "checked":
        if check.complaint and not composition.complaint:
            unanswered["complaint"] = _l("Please choose one: is this about the police?")
        if check.delicate and not composition.restrict:
            unanswered["restrict"] = _l("Please choose who may read it.")
    html = render_template(
        "compose/check.html",
        **_names(key, section),
        it=composition,
        check=check,
        errors=unanswered,
        masked=coach.kind_words(check.masked),
        coaching=composition.coaching() if check.asks_to_cover else None,
        to_desk=check.to_desk,
        similar=[similar_row(thread) for thread in check.similar],
        lead=_lead(section, composition),
        reach=_reach(section, composition, check),
    )
    return make_response(html, 422 if unanswered else 200)


def _nickname() -> str:
    person = me()
    return person.shown_nickname if person is not None and not person.is_staff else ""


def _reach(section: Section, composition: Composition, check: Check) -> known.Reach | None:
    """Who will be able to read it, in the words of the form; None where the writer has yet to say who may."""
    if check.delicate and not check.to_desk:
        return None
    return known.reach(
        section,
        composition.identity,
        nickname=_nickname(),
        public=section.is_public and not check.to_desk,
        unit=Department.desk() if check.to_desk else None,
    )


def _lead(section: Section, composition: Composition) -> Department:
    keys = composition.departments or mentioned(f"{composition.title}\n{composition.body}")
    return Department.by_key(keys[0]) if keys else section.department or Department.desk()


def _door(key: str | None, section: Section, composition: Composition) -> Response | None:
    """Ask who is writing; None when the code was right and the writer is signed in."""
    if not composition.phone.strip() and composition.step != "send":
        return _door_page(key, section, composition)
    try:
        if composition.step == "send" or not composition.code.strip():
            started = start_code(composition.phone, client_address())
            return _door_page(key, section, composition, started=started)
        member = verify_phone(composition.phone, composition.code, client_address())
        sign_in(member, remember=composition.remember, method="phone")
    except Invalid as error:
        return _door_page(key, section, composition, errors=error.errors, status=422)
    except WrongState as error:
        return _door_page(key, section, composition, errors={"": error.message}, status=409)
    return None


def _door_page(
    key: str | None,
    section: Section,
    composition: Composition,
    *,
    started: Started | None = None,
    errors: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    html = render_template(
        "compose/door.html",
        **_names(key, section),
        it=composition,
        started=started,
        errors=errors or {},
        can_send=can_send(),
        waits_for_code=started is not None or "code" in request.form,
    )
    return make_response(html, status)


def _closed(section: Section, status: int = 200) -> Response:
    html = render_template("compose/closed.html", section=section, here=f"/s/{section.key}/new")
    return make_response(html, status)


# --- what the scripts ask ---------------------------------------------------------------------------------


@bp.post("/coaching")
@visitors_too
def coaching() -> Response:
    """What the board will cover in the words being typed, as the inside of a box; they are looked at and forgotten."""
    spend("coach", LOOKS, client_address())
    fields = {name: request.form.get(name, "").replace("\r\n", "\n") for name in ("title", "body", "place")}
    if max(map(len, fields.values())) > 2 * LONGEST:
        fields = {}  # it cannot be sent, so it need not be looked at
    reply = request.form.get("reply") == "1"
    found = coach.look({name: words for name, words in fields.items() if words}, reply=reply)
    response = make_response(render_template("compose/coach.html", coaching=found, reply=reply))
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/departments.json")
def departments() -> Response:
    """The departments whose name or area holds `q`, as the picker shows them."""
    response = jsonify([unit.json() for unit in units_like(request.args.get("q", ""))])
    response.headers["Cache-Control"] = "private, max-age=30"
    return response


@bp.get("/similar")
def similar() -> Response:
    """Up to three matters like the title being typed, as the inside of a box."""
    title = request.args.get("title", "")[:200]
    threads = provided("similar_threads", title, default=()) if len(title.strip()) >= 6 else ()
    html = render_template("compose/similar.html", rows=[similar_row(thread) for thread in threads])
    return make_response(html)


def similar_row(thread: Thread) -> dict[str, Any]:
    """A thread as the box of similar matters shows it."""
    case = thread.case
    row: dict[str, Any] = {
        "url": thread_path(thread),
        "title": thread.title,
        "followers": thread.followers_count,
        "say": "",
        "status": "",
        "outcome": None,
        "watch_url": "",
    }
    if case is not None:
        row |= chips(case) | {"say": say(case)}
        row["watch_url"] = f"/cases/{case.number}/affected"
    return row
