"""Where receipts come in: from the browser that showed a push, and from the gateway of text messages."""

from __future__ import annotations

import hashlib
import hmac

from flask import Blueprint, Response, current_app, make_response, request

from board.db import transaction
from board.errors import Invalid, NotFound
from board.i18n import _l
from notifications import receipts
from notifications.models.delivery import Delivery
from people import contacts

bp = Blueprint("receipts", __name__)

DELIVERED = frozenset({"delivered"})
LOST = frozenset({"failed", "undelivered", "rejected", "expired"})


@bp.post("/receipts/push/<delivery>/<contact>/<signature>")
def push_shown(delivery: str, contact: str, signature: str) -> Response:
    """The service worker has shown it. Twice says nothing new; 404 for a receipt that this board never handed out."""
    if not receipts.fits(delivery, contact, signature):
        raise NotFound
    with transaction():
        found = Delivery.by_public_id(delivery)
        if found is None or found.person is None:
            raise NotFound
        receipts.arrived(found, contacts.own(found.person, contact))
    return make_response("", 204)


@bp.post("/receipts/sms")
def sms_ended() -> Response:
    """The gateway says how a message ended: `{"reference", "status": "delivered"|"failed", "reason"}`, signed like ours.

    404 without a secret or with a wrong signature; 204 also for messages that are no deliveries, such as codes.
    """
    secret = current_app.config["SETTINGS"].sms_secret
    body = request.get_data(cache=True)[:10_000]
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    given = request.headers.get("X-Signature", "")
    if not secret or not hmac.compare_digest(given.encode(), expected.encode()):
        raise NotFound
    said = request.get_json(silent=True)
    if not isinstance(said, dict) or not isinstance(said.get("reference"), str):
        raise Invalid(_l("A receipt names its reference and its status."))
    with transaction():
        found = Delivery.by_public_id(said["reference"])
        if found is not None and found.person is not None and found.channel == "sms":
            status = str(said.get("status", "")).lower()
            if status in DELIVERED:
                receipts.arrived(found, next(iter(contacts.of(found.person, kind="phone")), None))
            elif status in LOST:
                receipts.lost(found, found.person, status)
    return make_response("", 204)
