"""Chinese is complete: no message without words, none fuzzy, none with placeholders of its own."""

from board import messages
from board.i18n import ROOT


def test_every_message_has_its_chinese_words():
    assert messages.missing() == {}


def test_no_translation_is_fuzzy():
    fuzzy = [
        (area, message.id)
        for area, catalogue in messages.catalogues().items()
        for message in catalogue
        if message.id and message.fuzzy
    ]
    assert fuzzy == []


def test_translations_use_the_placeholders_of_their_message():
    assert messages.wrong_placeholders() == []


def test_no_translation_is_left_over():
    assert messages.unused() == {}


def test_the_messages_are_really_read():
    shown = messages.shown()
    assert "This page was not found." in shown
    assert len(shown) > 300


def test_no_list_is_put_together_with_the_comma_of_one_language():
    files = [path for part in messages.CODE for path in sorted((ROOT / part).rglob("*.py"))]
    assert files
    assert [path.name for path in files if '"、"' in path.read_text(encoding="utf-8")] == []
