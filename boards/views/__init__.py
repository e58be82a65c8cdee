"""The pages of the board, one noun a file: each module has a blueprint `bp`."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

VIEWS: tuple[str, ...] = (
    # what officers, leaders, the desk and moderators do
    "desk", "acknowledgements", "acceptances", "answers", "assignments", "claims", "notes", "questions", "suspensions",
    "resumptions", "handovers", "assists", "instructions", "relays", "extensions", "declinations", "approvals", "merges",
    "resolutions", "rectifications", "routings", "moderation", "moderation_acts", "watched_words", "originals", "identities", "phrases", "release_proposals", "shift_changes",
    # what everybody reads
    "home", "sections", "threads", "departments", "verifications", "photos", "revisions", "lookups", "guides", "moderation_log",
    # what residents do
    "compose", "received", "replies", "supplements", "ratings", "reopenings", "nudges", "withdrawals", "watches",
    "receipts", "unmergings", "follow_ups", "releases", "edits", "covers", "reports", "appeals", "mine",
)  # fmt: skip


def register(app: Flask) -> None:
    """Register every view's blueprint."""
    for name in VIEWS:
        app.register_blueprint(import_module(f"boards.views.{name}").bp)
