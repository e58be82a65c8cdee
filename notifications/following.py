"""To follow, to hear in another way, to follow no more: the verbs of a follower, inside the open transaction."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Select, bindparam, func, select

from board.clock import now
from board.db import db, is_sqlite
from board.errors import Invalid, NotAllowed, NotFound
from board.i18n import LANGUAGES, _l, language
from boards.models import Thread, Watch
from boards.models.watch import AT_ONCE, DAILY, INBOX, checked_how
from boards.policy import visible_to
from notifications.models.follow import DIGEST_HOUR, MOST, QUIET_FROM, QUIET_UNTIL, Follow, Rhythm
from notifications.targets import Target
from people.models import Person


def follow_of(person: Person | None, kind: str, key: str) -> Follow | None:
    """How `person` follows this target (canonical key), None when he does not."""
    if person is None:
        return None
    return db.session.scalar(_of(), {"person": person.id, "kind": kind, "target": key})


@cache
def _of() -> Select[Follow]:
    return select(Follow).where(
        Follow.person_id == bindparam("person"),
        Follow.kind == bindparam("kind"),
        Follow.target == bindparam("target"),
    )


def own(person: Person, public_id: str) -> Follow:
    """The person's own follow with this public id; NotFound for those of others."""
    found = db.session.scalar(
        select(Follow).where(Follow.public_id == public_id, Follow.person_id == person.id)
    )
    if found is None:
        raise NotFound
    return found


def begin(target: Target, *, by: Person, how: str = DAILY) -> Follow:
    """Follow a section, department, place or search. Again with another `how` changes that and nothing else.

    Invalid when `by` follows 100 already.
    """
    if not by.active:
        raise NotAllowed
    how = checked_how(how)
    _hold(by)
    rhythm_of(by, make=True)
    found = follow_of(by, target.kind, target.key)
    if found is not None:
        found.how = how
        return found
    count = db.session.scalar(select(func.count()).select_from(Follow).where(Follow.person_id == by.id)) or 0
    if count >= MOST:
        raise Invalid(
            _l("You follow 100 things already. Please stop following one of them first."), field="target"
        )
    found = Follow(person_id=by.id, kind=target.kind, target=target.key, how=how, since=now())
    db.session.add(found)
    db.session.flush()
    return found


def _hold(person: Person) -> None:
    """Let nobody else begin or choose for this person before the open transaction ends."""
    if not is_sqlite():  # there the transaction itself is the lock
        db.session.execute(select(Person.id).where(Person.id == person.id).with_for_update(key_share=True))


def change(follow: Follow, how: str) -> None:
    """Hear of it in another way."""
    follow.how = checked_how(how)


def end(follow: Follow) -> None:
    """Follow it no more; what waits and is heard of by this way alone is not carried."""
    db.session.delete(follow)
    db.session.flush()


def rhythm_of(person: Person, *, make: bool = False) -> Rhythm:
    """When `person` wants to hear; the usual hours for whoever never chose. `make`: a row to be changed, which
    takes over the language of the page at hand."""
    found = db.session.get(Rhythm, person.id)
    if found is None and make:
        _hold(person)
        found = db.session.get(Rhythm, person.id)
    if found is None:
        found = usual(person.id)
        if make:
            found.language = language() if language() in LANGUAGES else "zh"
            db.session.add(found)
            db.session.flush()
    return found


def usual(person_id: int) -> Rhythm:
    """The hours of whoever never chose."""
    return Rhythm(
        person_id=person_id,
        digest_hour=DIGEST_HOUR,
        quiet_from=QUIET_FROM,
        quiet_until=QUIET_UNTIL,
        language="zh",
        mails=True,
    )


def switch_mails(person: Person, *, on: bool) -> None:
    """Mails about what he follows, or none from this moment on: not even what waits for its hour."""
    rhythm_of(person, make=True).mails = on


def ways_of(person: Person) -> dict[str, str]:
    """Every way in which `person` hears of steps now, with how: `section:traffic`, `case:<thread's public id>`."""
    follows = select(Follow.kind, Follow.target, Follow.how).where(Follow.person_id == person.id)
    found = {f"{kind}:{key}": how for kind, key, how in db.session.execute(follows)}
    watches = (
        select(Thread.public_id, Watch.how)
        .join(Watch, Watch.thread_id == Thread.id)
        .where(Watch.person_id == person.id, Watch.how != INBOX, visible_to(person))
    )
    found |= {f"case:{public_id}": how for public_id, how in db.session.execute(watches)}
    found["own"] = AT_ONCE  # what one wrote oneself, as notifications/own.py names it
    return found
