"""Commands about persons."""

from __future__ import annotations

from typing import Any, TextIO

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import func, or_, select

from board import audit
from board.db import db, transaction
from board.errors import BoardError
from board.i18n import _, ngettext
from board.jinja import when
from board.noting import account
from people import erasing, invitations, passwords, second_factor, vault
from people.links import link_for
from people.models import Department, Invitation, Person, Role
from people.staff import sign_out_everywhere

people_cli = AppGroup("people", help="Accounts, sign-in links and the vault.")


def called(name: str) -> Person:
    """The one person with this name, badge, nickname or English (first) name; ClickException when not exactly one."""
    folded = name.strip().casefold()
    found = db.session.scalars(
        select(Person).where(
            or_(
                Person.badge == name,
                Person.name == name,
                Person.public_id == name,
                Person.nicknamed(name),
                func.lower(Person.name_en) == folded,
                func.lower(Person.name_en).startswith(f"{folded} ", autoescape=True),
            )
        )
    ).all()
    if not found:
        raise click.ClickException(
            _("Nobody is called “%(name)s”: give a name, a badge number or a nickname.", name=name)
        )
    if len(found) > 1:
        badges = ", ".join(person.badge or person.public_id for person in found)
        raise click.ClickException(
            _(
                "%(count)s persons are called “%(name)s”; say which: %(badges)s",
                count=len(found),
                name=name,
                badges=badges,
            )
        )
    return found[0]


@people_cli.command("sign-in-link")
@click.argument("name")
@click.option(
    "--base", default="", help="Where the board is; BOARD_PUBLIC_URL or http://127.0.0.1:8000 when not given."
)
def sign_in_link(name: str, base: str) -> None:
    """Print a link that signs NAME in, once, within five minutes."""
    with transaction():
        person = called(name)
        if not person.active:
            raise click.ClickException(_("The account of %(name)s is closed.", name=name))
        token = link_for(person)
        _note("person.link_made", person)
    click.echo(f"{_base(base)}/sign-in/link/{token}")


def _base(given: str) -> str:
    return given.rstrip("/") or current_app.config["SETTINGS"].public_url or "http://127.0.0.1:8000"


@people_cli.command("add-staff")
@click.argument("name")
@click.option("--badge", required=True, help="The number that the public reads.")
@click.option("--name-en", default="", help="The name in English.")
@click.option("--department", "key", default="", help="The key of the department.")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default="officer", show_default=True
)
@click.password_option(help="Asked for when not given.")
def add_staff(name: str, badge: str, name_en: str, key: str, role: str, password: str) -> None:
    """Make an account for NAME and print the secret of its second factor, this once."""
    try:
        with transaction():
            person = _staff_of(name, badge, name_en, key, role)
            passwords.set_password(person, password)
            secret = second_factor.enrol(person)
    except BoardError as error:
        words = _("There is no department %(key)s.", key=key) if error.status == 404 else str(error)
        raise click.ClickException(words) from None
    _show(person, secret)


def _staff_of(name: str, badge: str, name_en: str, key: str, role: str) -> Person:
    department = Department.by_key(key) if key else None
    return invitations.new_account(
        name=name, badge=badge, name_en=name_en, department=department, role=role, by=None, account=account()
    )


@people_cli.command("invite")
@click.argument("name")
@click.option("--badge", default="", help="For a new account: the number that the public reads.")
@click.option("--name-en", default="", help="For a new account: the name in English.")
@click.option("--department", "key", default="", help="For a new account: the key of the department.")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default="officer", show_default=True
)
@click.option("--base", default="", help="Where the board is, as for sign-in-link.")
def invite(name: str, badge: str, name_en: str, key: str, role: str, base: str) -> None:
    """Print a link by which NAME sets password and second factor himself: once, within three days.

    With --badge an account is made for him; without, he has one already, and what he had stands until he uses the link.
    """
    try:
        with transaction():
            if badge:
                person = _staff_of(name, badge, name_en, key, role)
            else:
                person = called(name)
                if not person.is_staff:
                    raise click.ClickException(
                        _("%(name)s signs in by phone and has no password.", name=name)
                    )
            row, token = invitations.invite(person, by=None, account=account())
    except BoardError as error:
        words = _("There is no department %(key)s.", key=key) if error.status == 404 else str(error)
        raise click.ClickException(words) from None
    click.echo(_("The link is good until %(when)s and opens once.", when=when(row.expires_at)))
    click.echo(f"{_base(base)}/sign-in/invitation/{token}")


@people_cli.command("invitations")
def list_invitations() -> None:
    """List the invitations that may still be used."""
    for row in Invitation.open():
        name = row.person.name or row.person.badge
        click.echo(f"{row.public_id}  {name}  {row.person.badge}  {when(row.expires_at)}")


@people_cli.command("revoke-invitation")
@click.argument("invitation")
def revoke_invitation(invitation: str) -> None:
    """Take INVITATION, an id that `invitations` lists, back: its link opens nothing any more."""
    with transaction():
        row = next((each for each in Invitation.open() if each.public_id == invitation), None)
        if row is None:
            raise click.ClickException(_("There is no open invitation %(id)s.", id=invitation))
        invitations.revoke(row, by=None, account=account())
    click.echo(_("The invitation is taken back."))


@people_cli.command("set-password")
@click.argument("name")
@click.password_option(help="Asked for when not given.")
@click.option("--second-factor", is_flag=True, help="Make a new secret for the second factor as well.")
def set_password(name: str, password: str, second_factor: bool) -> None:
    """Give NAME, a member of staff, a new password; every device of his is signed out, as by sign-out."""
    from people.second_factor import enrol

    secret = None
    try:
        with transaction():
            person = called(name)
            if not person.is_staff:
                raise click.ClickException(_("%(name)s signs in by phone and has no password.", name=name))
            passwords.set_password(person, password)
            sign_out_everywhere(person)
            if second_factor:
                secret = enrol(person)
            _note("person.password_set", person, second_factor="new" if second_factor else "kept")
    except BoardError as error:
        raise click.ClickException(str(error)) from None
    click.echo(_("The password is set; every device is signed out."))
    if secret is not None:
        _show(person, secret)


@people_cli.command("sign-out")
@click.argument("name")
def sign_out(name: str) -> None:
    """Sign every device of NAME out; links that were sent to him do nothing any more, nor do his passkeys and the
    address of his calendar, and his browsers are not called until he says so again."""
    with transaction():
        person = called(name)
        count = sign_out_everywhere(person)
        _note("person.signed_out_everywhere", person)
    click.echo(ngettext("Signed out: %(num)d device.", "Signed out: %(num)d devices.", count))


def _note(act: str, person: Person, **details: Any) -> None:
    # At the console nobody is signed in: what is known is the account of the machine.
    audit.note(act, by=None, thing=f"person:{person.public_id}", account=account(), **details)


def _show(person: Person, secret: str) -> None:
    import segno

    uri = second_factor.address(person, secret)
    click.echo(
        _(
            "%(name)s: scan this with an authenticator; it is not shown again.",
            name=person.name or person.badge,
        )
    )
    segno.make(uri).terminal(compact=True)
    click.echo(uri)


@people_cli.command("rotate-vault")
def rotate_vault() -> None:
    """Seal everything in the vault anew with the first key of BOARD_VAULT_KEYS; then the old keys may go."""
    left = vault.stale()
    if not left:
        click.echo(_("Everything is sealed with the newest key."))
        return
    try:
        with click.progressbar(length=left, label=_("Vault")) as bar:
            for done in vault.rotate():
                bar.update(done)
    except vault.VaultError as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        ngettext(
            "%(num)d item is sealed with key %(key)s.",
            "%(num)d items are sealed with key %(key)s.",
            left,
            key=vault.key_id(),
        )
    )


@people_cli.command("erased")
def erased() -> None:
    """Print the public ids of the accounts that were deleted, to be kept beside the backups."""
    for public_id in erasing.erased():
        click.echo(public_id)


@people_cli.command("erase-again")
@click.argument("file", type=click.File())
def erase_again(file: TextIO) -> None:
    """Delete the accounts in FILE once more, after a backup was put back."""
    count = erasing.erase_again([line.strip() for line in file if line.strip()])
    click.echo(
        ngettext("%(num)d account will be deleted again", "%(num)d accounts will be deleted again", count)
    )
