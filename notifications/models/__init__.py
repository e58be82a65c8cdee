"""The rows of this part."""

from notifications.models.acknowledgement_link import AcknowledgementLink
from notifications.models.delivery import Delivery, Purpose, queue
from notifications.models.follow import Follow, Rhythm, Tiding
from notifications.models.inbox import InboxItem, Unread, unread_of
from notifications.models.notice import Notice
from notifications.models.page import (
    EscalationPolicy,
    Page,
    PageAlarm,
    PagerBeat,
    PageState,
    PageStep,
    Telling,
)

__all__ = [
    "AcknowledgementLink",
    "Delivery",
    "EscalationPolicy",
    "Follow",
    "InboxItem",
    "Notice",
    "Page",
    "PageAlarm",
    "PageState",
    "PageStep",
    "PagerBeat",
    "Purpose",
    "Rhythm",
    "Telling",
    "Tiding",
    "Unread",
    "queue",
    "unread_of",
]
