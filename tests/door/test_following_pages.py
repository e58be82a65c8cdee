"""The pages of a follower: buttons that do what they say, without scripts; lists, hours, and the end of a mail."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import select

from board import jobs
from board.db import db, transaction
from boards.models import Thread
from boards.models.watch import watch_of
from notifications import following, unsubscribing
from notifications.models import Follow, Rhythm
from notifications.targets import target
from people import contacts
from people.models import Person
from tests.builders import case_of
from tests.conftest import fields_of
from tests.door.test_desk import statements

pytestmark = pytest.mark.engines("sqlite", "postgres")


def follows_of(person):
    db.session.rollback()
    rows = db.session.scalars(select(Follow).where(Follow.person_id == person.id).order_by(Follow.id))
    return [(row.kind, row.target, row.how) for row in rows]


def forms_of(html: str) -> list[tuple[str, dict[str, str]]]:
    """(action, fields) of every POST form, as a browser without scripts sends it with its only or first button."""
    found = []
    for action, body in re.findall(r'<form[^>]*method="post" action="([^"]+)"[^>]*>(.*?)</form>', html, re.S):
        fields = {}
        for tag in re.findall(r"<(?:input|button)[^>]*>", body):
            name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
            kind = re.search(r'type="([^"]+)"', tag)
            if name and not (kind and kind[1] in ("radio", "checkbox") and "checked" not in tag):
                fields[name[1]] = unescape(value[1]) if value else ""
        for name, body_of in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', body, re.S):
            chosen = re.search(r'<option value="([^"]*)" selected', body_of)
            fields[name] = unescape(chosen[1]) if chosen else ""
        found.append((unescape(action), fields))
    return found


def link_in(html: str) -> str:
    """The way to follow what a page is about."""
    found = re.search(r'href="(/follows/new[^"]+)"', html)
    assert found is not None
    return unescape(found[1])


def how_of(thread: Thread, person: Person) -> str | None:
    """How a person hears of a thread he follows."""
    db.session.rollback()
    watch = watch_of(thread, person)
    return watch.how if watch is not None else None


def rhythm_of(person: Person) -> Rhythm:
    db.session.rollback()
    return db.session.get_one(Rhythm, person.id)


def form(html: str, action: str, **wanted: str) -> dict[str, str]:
    """The fields of the form that goes to `action` and holds these fields."""
    for where, fields in forms_of(html):
        if where == action and wanted.items() <= fields.items():
            return fields
    raise AssertionError(f"no form to {action} with {wanted} in {[each[0] for each in forms_of(html)]}")


@pytest.mark.parametrize("act", ["watch", "affected"])
def test_the_buttons_of_a_case_follow_and_end_following(get_as, post_as, reported, cast, act):
    page = f"/cases/{reported().number}"
    followed = []
    for _press in range(2):
        post_as("vera", f"{page}/{act}", **form(get_as("vera", page).text, f"{page}/{act}"))
        db.session.rollback()
        watch = watch_of(reported().thread, cast.vera)
        followed.append(watch is not None and (act == "watch" or watch.affected))

    assert followed == [True, False]


@pytest.mark.parametrize(
    ("page", "kind", "key"),
    [
        ("/s/traffic", "section", "traffic"),
        ("/d/traffic-police", "department", "traffic-police"),
        ("/search?q=路口&section=traffic", "search", "q=%E8%B7%AF%E5%8F%A3&section=traffic"),
        ("/cases/{number}", "place", "青松路口"),
    ],
)
def test_from_the_button_of_a_page_to_the_list_and_back(
    get_as, post_as, thread_posted, cast, page, kind, key
):
    thread = thread_posted(place="青松路口")
    jobs.run_due(kinds=("index-thread",))
    page = page.replace("{number}", case_of(thread).number)
    link = link_in(get_as("vera", page).text)
    question = get_as("vera", link)
    assert "每周约" in question.text or "数不出来" in question.text
    assert follows_of(cast.vera) == []  # nothing before it is confirmed

    fields = form(question.text, "/follows")
    assert fields["how"] == "daily"
    answer = post_as("vera", "/follows", **fields)
    assert (answer.status_code, answer.location) == (303, "/follows")
    assert follows_of(cast.vera) == [(kind, key, "daily")]

    listed = get_as("vera", "/follows").text
    follow = db.session.scalars(select(Follow)).one().public_id
    post_as("vera", f"/follows/{follow}", **{**form(listed, f"/follows/{follow}"), "how": "at_once"})
    assert follows_of(cast.vera) == [(kind, key, "at_once")]
    gone = post_as("vera", f"/follows/{follow}/removal", **form(listed, f"/follows/{follow}/removal"))
    assert follows_of(cast.vera) == []

    after = get_as("vera", gone.location).text
    post_as("vera", "/follows", **form(after, "/follows", kind=kind))
    assert follows_of(cast.vera) == [(kind, key, "at_once")]


def test_visitors_are_led_to_the_sign_in_and_back(get_as):
    for page in ("/s/traffic", "/d/traffic-police"):
        link = link_in(get_as(None, page).text)
        answer = get_as(None, link)
        assert answer.status_code == 303
        assert answer.location.startswith("/sign-in?next=/follows/new")


def test_a_followed_case_is_changed_and_ended_on_the_list_and_that_taken_back(
    get_as, post_as, reported, cast
):
    page = f"/cases/{reported().number}/watch"
    post_as("vera", page)
    db.session.rollback()
    listed = get_as("vera", "/follows").text
    post_as("vera", page, **{**form(listed, page, next="/follows"), "how": "inbox"})
    assert how_of(reported().thread, cast.vera) == "inbox"

    answer = post_as("vera", page, **form(get_as("vera", "/follows").text, page, follow="0"))
    db.session.rollback()
    assert watch_of(reported().thread, cast.vera) is None
    after = get_as("vera", answer.location).text
    post_as("vera", page, **form(after, page))
    assert how_of(reported().thread, cast.vera) == "inbox"


def test_what_one_follows_does_not_name_what_was_hidden_since(get_as, post_as, reported, cast):
    page = f"/cases/{reported().number}/watch"
    post_as("vera", page)
    with transaction():
        reported().thread.hold(by=cast.mona, reason="advert")
    title = reported().thread.title
    for path in ("/follows", f"/follows?undo=case:{reported().thread.public_id}&how=daily"):
        assert title not in get_as("vera", path).text


@pytest.mark.parametrize(
    "undo",
    ["section:nothing", "person:rita", "case:zzzzzzzzzz", "place:路", "search:", ":", "<b>", "x" * 5000],
)
def test_an_invented_undo_shows_nothing(get_as, undo):
    answer = get_as("vera", "/follows", query_string={"undo": undo, "how": "daily"})
    assert answer.status_code == 200
    assert "撤销" not in answer.text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"kind": "place", "target": "路", "how": "daily"}, 422),
        ({"kind": "place", "target": "很长" * 30, "how": "daily"}, 422),
        ({"kind": "place", "target": "青松路", "how": "by_pigeon"}, 422),
        ({"kind": "place", "target": "青松路"}, 422),
        ({"kind": "search", "target": "section=traffic", "how": "daily"}, 422),
        ({"kind": "section", "target": "complaints", "how": "daily"}, 404),
        ({"kind": "person", "target": "rita", "how": "daily"}, 404),
        ({}, 404),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_typed(post_as, cast, fields, status):
    answer = post_as("vera", "/follows", **fields)

    assert answer.status_code == status
    assert follows_of(cast.vera) == []
    if status == 422 and fields["kind"] == "place":
        assert fields["target"] in answer.text


def test_the_hundred_and_first_follow_says_what_to_do(post_as, cast):
    with transaction():
        for number in range(100):
            following.begin(target("place", f"第{number}号大街"), by=cast.vera)
    answer = post_as("vera", "/follows", kind="section", target="traffic", how="daily")

    assert answer.status_code == 422
    assert "100" in answer.text
    assert len(follows_of(cast.vera)) == 100


def test_nobody_changes_or_ends_what_others_follow(post_as, cast):
    with transaction():
        follow = following.begin(target("section", "traffic"), by=cast.rita).public_id
    assert post_as("vera", f"/follows/{follow}", how="at_once").status_code == 404
    assert post_as("vera", f"/follows/{follow}/removal").status_code == 404
    assert follows_of(cast.rita) == [("section", "traffic", "daily")]


def test_hours_are_kept_and_nonsense_is_refused(get_as, post_as, cast):
    fields = form(get_as("vera", "/follows").text, "/settings/following")
    assert (fields["digest_hour"], fields["quiet_from"], fields["quiet_until"]) == ("8", "22", "7")
    wanted = {
        **fields,
        "digest_hour": "18",
        "quiet": "1",
        "quiet_from": "23",
        "quiet_until": "6",
        "language": "en",
    }
    assert post_as("vera", "/settings/following", **wanted).status_code == 303
    row = rhythm_of(cast.vera)
    kept = (row.digest_hour, row.quiet_from, row.quiet_until, row.language, row.mails)
    assert kept == (18, 23, 6, "en", True)

    for name, value in (
        ("digest_hour", "24"),
        ("digest_hour", "-1"),
        ("quiet_from", "七"),
        ("quiet_until", ""),
    ):
        assert post_as("vera", "/settings/following", **{**wanted, name: value}).status_code == 422
    assert (
        post_as("vera", "/settings/following", **{**wanted, "mails": None, "quiet": None}).status_code == 303
    )
    row = rhythm_of(cast.vera)
    assert (row.mails, row.quiet_from == row.quiet_until) == (False, True)


def test_who_has_no_proven_mail_address_is_told_so(get_as, cast):
    assert "还没有验证过的邮箱" in get_as("vera", "/follows").text
    with transaction():
        contacts.verify(contacts.add(cast.vera, "mail", "vera@example.org"))
    assert "还没有验证过的邮箱" not in get_as("vera", "/follows").text


# --- the link at the end of a mail --------------------------------------------------------------------------------


def mails(person) -> bool:
    db.session.rollback()
    return following.rhythm_of(person).mails


@pytest.mark.parametrize("who", [None, "vera", "rita"])
def test_looking_at_the_link_changes_nothing_and_its_button_ends_the_mails(get_as, post_as, cast, who):
    path = f"/unsubscribe/{unsubscribing.token_of(cast.vera)}"
    page = get_as(who, path)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "private, no-store"
    assert mails(cast.vera) is True

    answer = post_as(who, path, **form(page.text, path))
    assert answer.status_code == 200
    assert mails(cast.vera) is False
    assert mails(cast.rita) is True
    post_as(who, path, **form(answer.text, path))
    assert mails(cast.vera) is True


def test_a_mail_programs_own_button_needs_no_page(client_of, cast):
    """RFC 8058: a POST with one field, without cookies, origin or referrer."""
    path = f"/unsubscribe/{unsubscribing.token_of(cast.vera)}"
    answer = client_of(None).post(path, data={"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert mails(cast.vera) is False


def test_other_sites_cannot_press_it_for_a_signed_in_reader(client_of, cast):
    path = f"/unsubscribe/{unsubscribing.token_of(cast.vera)}"
    answer = client_of("vera").post(path, headers={"Origin": "https://elsewhere.example"})

    assert answer.status_code == 403
    assert mails(cast.vera) is True


def test_the_page_names_nobody(get_as, cast):
    page = get_as(None, f"/unsubscribe/{unsubscribing.token_of(cast.vera)}").text

    assert cast.vera.nickname not in page
    assert fields_of(page).get("csrf_token") is None


def test_the_list_costs_the_same_however_much_is_followed(get_as, cast):
    def follow(*words: str) -> int:
        with transaction():
            for word in words:
                for kind, key in (
                    ("place", word),
                    ("search", f"q={word}&section=traffic&department=heating"),
                ):
                    following.begin(target(kind, key), by=cast.vera)
        return statements(lambda: get_as("vera", "/follows"))

    get_as("vera", "/follows")
    few = follow("青松路")
    assert follow("滨河路", "建设街", "人民路") <= few
    assert "人民路 · 交管业务 · 市供热公司" in get_as("vera", "/follows").text
