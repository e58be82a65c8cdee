"""The rows of this part."""

from notifications.models.inbox import InboxItem, Unread, unread_of

__all__ = ["InboxItem", "Unread", "unread_of"]
