"""Chinese is complete: no message without words, none fuzzy, none with placeholders of its own."""

import ast
from collections import defaultdict

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


def test_no_message_has_its_words_in_two_areas():
    """Whichever catalogue is read last would win, for the pages of both."""
    places = defaultdict(list)
    for area, catalogue in messages.catalogues().items():
        for message in catalogue:
            if message.id:
                places[message.id if isinstance(message.id, str) else message.id[0]].append(area)
    assert {message: areas for message, areas in places.items() if len(areas) > 1} == {}


def test_what_is_said_beside_a_field_is_a_whole_sentence():
    words = {
        message.id: message.string
        for catalogue in messages.catalogues().values()
        for message in catalogue
        if isinstance(message.id, str)
    }
    said = [
        str(words.get(str(call.args[0].value)))
        for part in messages.CODE
        for path in sorted((ROOT / part).rglob("*.py"))
        for raised in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(raised, ast.Call)
        and getattr(raised.func, "id", "") == "Invalid"
        and any(keyword.arg == "field" for keyword in raised.keywords)
        for call in raised.args[:1]
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant)
    ]
    assert len(said) > 80
    assert [each for each in said if not each.endswith(("。", "？"))] == []
