"""Mails: one port, two drivers. A driver carries; it decides nothing and is never called in a transaction."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections import deque
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import Protocol
from urllib.parse import unquote, urlsplit

from flask import current_app

from board.settings import Settings
from board.transports.errors import AT_MOST, CarryError, within

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds for each answer of the mail server
# Enhanced codes (RFC 3463) and answers that speak of the mailbox, not of the letter.
NOBODY_THERE = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1")


@dataclass(frozen=True)
class Mail:
    """One mail, plain text. `reference` makes its Message-ID, the same at each try, so that a mailbox may drop
    repeats. `unsubscribe`: the address for one-tap List-Unsubscribe."""

    to: str
    subject: str
    text: str
    reference: str
    unsubscribe: str = ""


class MailDriver(Protocol):
    """What carries mails."""

    def send(self, mail: Mail) -> None:
        """Hand the mail over; CarryError when it was not taken."""


def letter(mail: Mail, sender: str) -> EmailMessage:
    """The mail as it goes over the line."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, mail.to, mail.subject
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{mail.reference}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text, cte="base64")
    return message


class LogMail:
    """Carries nothing: notes in the log that a mail would have gone out, never its words or its address."""

    def __init__(self, keep: int = 100) -> None:
        self.sent: deque[Mail] = deque(maxlen=keep)

    def send(self, mail: Mail) -> None:
        """Keep the mail in this process's memory and log its size."""
        self.sent.append(mail)
        log.info("mail %s, %d characters", mail.reference, len(mail.text))


class SmtpMail:
    """Hands mails to a server: `smtp://[name:password@]host[:port]`, with TLS where the server offers it, or
    `smtps://` with TLS from the first byte. A password never goes over an open line.

    4xx and a broken line are worth another try, other 5xx are final; so is what the server will never take, and a
    mailbox that is not there is gone.
    """

    def __init__(self, url: str, sender: str, timeout: float = TIMEOUT, at_most: float = AT_MOST) -> None:
        parts = urlsplit(url)
        self.secure = parts.scheme == "smtps"
        self.host = parts.hostname or "localhost"
        self.port = parts.port or (465 if self.secure else 587 if parts.username else 25)
        self.name, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.sender, self.timeout, self.at_most = sender, timeout, at_most

    def send(self, mail: Mail) -> None:
        """Hand the mail over; CarryError when the server did not take it."""
        within(self.at_most, lambda: self._send(mail))

    def _send(self, mail: Mail) -> None:
        try:
            message = letter(mail, self.sender)
        except ValueError:
            raise CarryError("the address cannot stand in a mail", gone=True) from None
        try:
            with self._line() as line:
                line.send_message(message, self.sender, [mail.to])
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()), (0, b""))
            raise _refused(code, said, mailbox=True) from None
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError):
            # Our own set-up is wrong, not this mail: it waits until an administrator has seen to it.
            raise CarryError("the mail server does not let us in") from None
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error, mailbox=False) from None
        except (OSError, smtplib.SMTPException) as error:
            raise CarryError(f"the mail server cannot be reached: {type(error).__name__}") from None

    def _line(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.secure:
            line: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=context)
        else:
            line = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
            line.ehlo()
            if line.has_extn("starttls"):
                line.starttls(context=context)
                line.ehlo()
            elif self.name:
                line.close()
                raise smtplib.SMTPNotSupportedError("no TLS for a password")
        if self.name:
            line.login(self.name, self.password)
        return line


def _refused(code: int, said: bytes | str, *, mailbox: bool) -> CarryError:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    gone = 500 <= code < 600 and (
        any(words.startswith(each) for each in NOBODY_THERE)
        or (mailbox and code in (550, 551, 553) and not words.startswith("5.7"))
    )
    # The server's own words may name the address, so only its numbers are kept.
    return CarryError(f"the mail server answered {code}", final=code >= 500, gone=gone)


def driver_for(settings: Settings) -> MailDriver:
    """The driver these settings ask for: SMTP where BOARD_SMTP_URL is set, else the log."""
    return SmtpMail(settings.smtp_url, settings.mail_from) if settings.smtp_url else LogMail()


def driver() -> MailDriver:
    """The driver of this program; tests may put their own into `app.extensions["mail"]`."""
    if "mail" not in current_app.extensions:
        current_app.extensions["mail"] = driver_for(current_app.config["SETTINGS"])
    chosen: MailDriver = current_app.extensions["mail"]
    return chosen


def can_send() -> bool:
    """Whether mails leave this installation; a demo city shows the link instead."""
    return bool(current_app.config["SETTINGS"].smtp_url)
