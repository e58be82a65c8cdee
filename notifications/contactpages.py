"""怎么提醒我: where a reader wants to be told, proven by himself; and the service worker that shows what is pushed."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
)
from markupsafe import Markup
from sqlalchemy import select

from board import limits
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, NotFound, wants_json
from board.facts import site
from board.i18n import _, _l
from board.permissions import require, rule
from board.seams import fill
from board.transports import chat, push
from board.web import asset, client_address, safe_next
from notifications import checking
from notifications.reaching import can_send
from people import codes, contacts, me, myself
from people.csrf import visitors_too
from people.models import Appointment, Contact, Person
from people.models.appointment import SERVING
from people.models.contact import Kind
from people.session import login_required

bp = Blueprint("contacts", __name__)

MOST = 12  # contacts of one person
CHECKS = "10 per hour"
BACK = "/settings#reach"
BOARD_COLOUR = "#0b2350"  # that of layouts/head.html


@rule("contact.add")
def may_add(person: Person | None, kind: str) -> bool:
    """Everybody may be told in his browser and by mail; chat robots and another telephone are for staff."""
    return person is not None and person.active and (kind in (Kind.PUSH, Kind.MAIL) or person.is_staff)


def _own(public_id: str) -> Contact:
    contact = contacts.own(myself(), public_id)
    if contact is None:
        raise NotFound
    return contact


def _back(message: str) -> Response:
    # To the settings; to the desk when it was pressed there.
    flash(message)
    return redirect(safe_next(request.form.get("back"), BACK), 303)  # type: ignore[return-value]


def hint(contact: Contact) -> str:
    """An address as its owner recognises it, and nobody over his shoulder learns it."""
    address = contact.address or ""
    if contact.kind == Kind.PHONE:
        return f"…{address[-4:]}"
    if contact.kind == Kind.MAIL:
        name, _at, host = address.partition("@")
        return f"{name[:2]}…@{host}"
    return contact.label or (address.partition("://")[0] if contact.kind == Kind.CHAT else "")


def failing_under(leader: Person) -> list[Contact]:
    """The contacts that fail of those who serve where `leader` leads: he must know whom no call will reach."""
    led = [each.department_id for each in leader.current_appointments() if each.role == "leader"]
    if not led:
        return []
    serving = select(Appointment.person_id).where(
        Appointment.department_id.in_(led), Appointment.role.in_(SERVING), Appointment.ends_at.is_(None)
    )
    query = select(Contact).where(
        Contact.failing_since.is_not(None), Contact.person_id.in_(serving), Contact.person_id != leader.id
    )
    return list(db.session.scalars(query.order_by(Contact.failing_since)))


@fill("settings.reach")
def section(person: Person | None) -> Markup:
    """The section of the settings page; nothing for visitors."""
    if person is None:
        return Markup()
    driver = push.driver()
    return Markup(
        render_template(
            "notifications/reach.html",
            person=person,
            rows=[(each, hint(each)) for each in contacts.of(person)],
            push_key=driver.public_key if driver is not None else "",
            can_mail=can_send(Kind.MAIL),
            can_text=can_send(Kind.PHONE),
            under=failing_under(person),
            demo_link=checking.demo_link,
        )
    )


@fill("desk.duty")
def at_the_switch() -> Markup:
    """`手机提醒我` beside the on-duty switch; nothing where this board cannot push. What stands is asked by its script."""
    driver = push.driver()
    if driver is None:
        return Markup()
    return Markup(render_template("notifications/remind.html", push_key=driver.public_key))


@bp.post("/contacts")
@login_required
def add() -> Response:
    """Take a new address and send it what proves it; 422 with the reason for what cannot be one."""
    kind = request.form.get("kind", "")
    if kind not in (Kind.PUSH, Kind.MAIL, Kind.CHAT) or not can_send(kind):
        raise NotFound
    require(me(), "contact.add", kind)
    try:
        address = READ[kind](request.form.get("address", ""))
        limits.spend("contact-check", CHECKS, myself().public_id)
        with transaction():
            person = myself()
            if len(contacts.of(person)) >= MOST:
                raise Invalid(_l("You have twelve already. Please remove one first."), field="address")
            contact = contacts.add(person, kind, address, label=_device() if kind == Kind.PUSH else "")
            checking.check(contact)
    except Invalid as error:
        if wants_json():
            raise
        return _again(kind, error)
    words = {
        Kind.PUSH: _("A test is on its way. When this device has shown it, it counts."),
        Kind.MAIL: _("A mail is on its way. Open its link and press the button there."),
        Kind.CHAT: _("A code is on its way to the chat. Enter it here."),
    }
    return _back(words[Kind(kind)])


@bp.post("/contacts/device")
@login_required
def device() -> Response:
    """Whether the reader is told in the browser that names this address: its contact and whether it counts yet."""
    try:
        address = _push_address(request.form.get("address", ""))
    except Invalid:
        address = ""
    lookup = contacts.lookup_of(Kind.PUSH, address)
    found = next((each for each in contacts.of(myself(), kind=Kind.PUSH) if each.lookup == lookup), None)
    response = jsonify(
        contact=found.public_id if found is not None else "", counts=found is not None and found.counts
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _device() -> str:
    from people.models import SignIn

    return SignIn(user_agent=request.user_agent.string[:200]).device


def _push_address(raw: str) -> str:
    try:
        return push.subscription(raw, current_app.config["SETTINGS"].carry_hosts)
    except (ValueError, KeyError, TypeError):
        raise Invalid(
            _l("This browser's push service is not known here. Please use another way."), field="address"
        ) from None


def _mail_address(raw: str) -> str:
    address = raw.strip()
    name, at, host = address.rpartition("@")
    good = (
        at
        and name
        and len(address) <= 200
        and "." in host.strip(".")
        and address.isascii()
        and address.isprintable()
        and not any(each in address for each in ' ,;:<>()[]"\\')
        and "@" not in name
    )
    if not good:
        raise Invalid(_l("Please enter one mail address, such as name@example.cn"), field="address")
    return f"{name}@{host.lower()}"


def _chat_address(raw: str) -> str:
    try:
        return chat.address(raw, current_app.config["SETTINGS"].carry_hosts)
    except ValueError:
        raise Invalid(
            _l(
                "This address is not taken. Please enter one such as wecombot://…, dingtalk://…, feishu://… or "
                "barks://…; for others ask the administrator."
            ),
            field="address",
        ) from None


READ = {Kind.PUSH.value: _push_address, Kind.MAIL.value: _mail_address, Kind.CHAT.value: _chat_address}


def _again(kind: str, error: Invalid) -> Response:
    html = render_template(
        "notifications/contact.html",
        kind=kind,
        value=request.form.get("address", "")[:500] if kind != Kind.PUSH else "",
        errors=error.errors or {"address": error.message},
    )
    return make_response(html, 422)


@bp.post("/contacts/phone")
@login_required
def phone() -> Response:
    """Staff: send a code to a telephone, then take it on with the right one. The old one counts until then."""
    if not can_send(Kind.PHONE):
        raise NotFound
    require(me(), "contact.add", Kind.PHONE)
    number, code = request.form.get("phone", ""), request.form.get("code", "")
    errors: dict[str, Any] = {}
    started: codes.Started | None = None
    try:
        digits = codes.normalise_phone(number)
        if code:
            with transaction():
                fits = codes.confirm(digits, code)
                if fits:
                    contacts.verify(contacts.add(myself(), Kind.PHONE, digits))
            if fits:
                return _back(_("This telephone counts now."))
            errors["code"] = _(
                "This code does not fit, or its five minutes are over. Check the digits or ask for a new one."
            )
        else:
            started = codes.start_code(digits, client_address())
    except Invalid as error:
        if wants_json():
            raise
        errors = dict(error.errors)
    html = render_template(
        "notifications/phone.html",
        number=number[:30],
        asked=started is not None or bool(code),
        shown=started.shown if started is not None else None,
        errors=errors,
    )
    return make_response(html, 422 if errors else 200)


@bp.post("/contacts/<public_id>/check")
@login_required
def check(public_id: str) -> Response:
    """Send a test, or what proves it once more."""
    limits.spend("contact-check", CHECKS, myself().public_id)
    with transaction():
        contact = _own(public_id)
        if not can_send(contact.kind):
            raise NotFound
        checking.check(contact)
    return _back(_("A test is on its way."))


@bp.post("/contacts/<public_id>/code")
@login_required
def prove(public_id: str) -> Response:
    """The code that was shown in the chat; 422 for a wrong one."""
    with transaction():
        contact = _own(public_id)
        fits = contact.kind == Kind.CHAT and contacts.prove(
            contact, codes.normalise_code(request.form.get("code"))
        )
    if fits:
        return _back(_("It counts now."))
    error = Invalid(_l("This code does not fit, or its time is over. Ask for a new one."), field="code")
    if wants_json():
        raise error
    html = render_template("notifications/code.html", contact=_own(public_id), errors=error.errors)
    return make_response(html, 422)


@bp.post("/contacts/<public_id>/removal")
@login_required
def remove(public_id: str) -> Response:
    """Tell me nothing there any more. A member's telephone is how he signs in, so it stays (403)."""
    with transaction():
        contact = _own(public_id)
        if contact.kind == Kind.PHONE and not myself().is_staff:
            raise NotAllowed(_l("You sign in with this telephone, so it stays."))
        contacts.remove(contact)
    return _back(_("Nothing is sent there any more."))


@bp.get("/contacts/link/<token>")
def show_link(token: str) -> Response:
    """One button; opening changes nothing, because mail programs open links by themselves."""
    contact = contacts.by_link(token)
    if contact is None:
        raise NotFound(_l("This link was used already, or it is older than a day."))
    return make_response(render_template("notifications/confirm.html", token=token, hint=hint(contact)))


@bp.post("/contacts/link/<token>")
@visitors_too
def use_link(token: str) -> Response:
    """The address is proven."""
    with transaction():
        contact = contacts.by_link(token, for_change=True)
        if contact is None:
            raise NotFound(_l("This link was used already, or it is older than a day."))
        contacts.verify(contact)
    return make_response(render_template("notifications/confirmed.html"))


@bp.get("/service-worker.js")
def service_worker() -> Response:
    """The script that shows what is pushed. It keeps no page and answers no request."""
    response = send_from_directory(current_app.static_folder or "static", "js/service-worker.js")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Service-Worker-Allowed"] = "/"
    return response


@bp.get("/manifest.webmanifest")
def manifest() -> Response:
    """What a telephone needs to keep this board on its home screen; an iPhone shows notices only from there."""
    icons = [
        {"src": asset(f"img/{name}.png"), "sizes": sizes, "type": "image/png", "purpose": purpose}
        for name, sizes, purpose in (
            ("icon-192", "192x192", "any"),
            ("icon-512", "512x512", "any"),
            ("icon-maskable-512", "512x512", "maskable"),
        )
    ]
    name = str(site()["name"])
    response = jsonify(
        name=name,
        short_name=name[:12],
        id="/",
        start_url="/",
        scope="/",
        display="standalone",
        theme_color=BOARD_COLOUR,
        background_color=BOARD_COLOUR,
        icons=icons,
    )
    response.mimetype = "application/manifest+json"
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
