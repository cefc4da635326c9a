"""
A request by phone, letter, visit or from a colleague -> a case like any other.

What there is of it is kept as one mail that the program writes itself, so that it is sealed, shown and purged like the
others. The clock starts on the day it reached us (law: Art. 12(3); paper: delivery, phone: the call).
"""

import mimetypes
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email import policy
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from dsar import guard
from dsar.casework import intake
from dsar.casework.context import App
from dsar.casework.opening import open_cases
from dsar.errors import UsageError
from dsar.identifiers import normalise
from dsar.locale import said
from dsar.model import (
    Disposition,
    FoundRequest,
    Identifier,
    IdentifierType,
    RawMail,
    Requester,
    Right,
    SenderAuthentication,
    Triage,
    TriageSubject,
)

#: Nobody takes a request by hand that is older: its year is a slip of the keyboard.
_OLDEST = timedelta(days=5 * 365)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What staff know of a request that did not come by mail."""

    channel: str
    received_on: date
    rights: tuple[Right, ...]
    name: str | None
    email: str | None
    phone: str | None
    customer_no: str | None
    language: str
    files: tuple[tuple[str, bytes], ...]  #: (file name, content)


def open_by_hand(app: App, told: Told, *, actor: str, now: datetime) -> str:
    """
    Open the case.

    Returns: its reference. Raises: UsageError for a day in the future or long ago, or a wrong identifier.
    """
    received_at = datetime.combine(told.received_on, time(12), ZoneInfo("Europe/Stockholm")).astimezone(UTC)
    if received_at > now and told.received_on > now.astimezone(ZoneInfo("Europe/Stockholm")).date():
        raise UsageError("The day of receipt lies in the future.")
    if received_at < now - _OLDEST:
        raise UsageError("The day of receipt is more than five years ago.")
    identifiers = _identifiers(told)
    raw = RawMail(
        mailbox=intake.BY_HAND,
        folder=told.channel,
        uid_validity=1,
        uid=int(now.timestamp() * 1_000_000),
        received_at=min(received_at, now),
        content=_as_mail(told, actor),
    )
    intake.store_mails(app, (raw,), now=now)  # its step of sorting finds it done, or puts it before a person
    with app.store.transaction() as tx:
        message = tx.message_of(raw.sha256)
    requests = tuple(FoundRequest(right=right, evidence="", reason=f"taken by {told.channel}") for right in told.rights)
    triage = Triage(
        disposition=Disposition.REQUEST,
        subjects=(TriageSubject(name=told.name, identifiers=identifiers, requests=requests),),
        language=told.language,
        requester=Requester.SELF,
        flags=(told.channel,),
        sender_authentication=SenderAuthentication.NONE,
        needs_person=False,
        reasons=(f"opened by {actor}",),
    )
    mail = guard.read_mail(raw.content, own_domain=app.settings.own_domain)
    references = open_cases(app, message.id or 0, mail, triage, actor=actor, now=now)
    if not references:
        raise UsageError("This request is open already.")
    return references[0]


def _identifiers(told: Told) -> tuple[Identifier, ...]:
    given = (
        (IdentifierType.EMAIL, told.email),
        (IdentifierType.PHONE, told.phone),
        (IdentifierType.CUSTOMER_NO, told.customer_no),
        (IdentifierType.NAME, told.name),
    )
    found = []
    for kind, text in given:
        if text:
            identifier = normalise(kind, text)
            if identifier is None:
                raise UsageError(said("The {kind} given is none.", kind=kind))
            found.append(identifier)
    return tuple(found)


def _as_mail(told: Told, actor: str) -> bytes:
    """The note and the files as one mail without a sender: nobody has proven anything yet."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["Subject"] = f"Request by {told.channel}"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Message-ID"] = f"<by-hand-{secrets.token_hex(8)}@localhost>"  # two alike calls on one day are two requests
    rights = ", ".join(told.rights)
    known = "\n".join(filter(None, (told.name, told.email, told.phone, told.customer_no)))
    mail.set_content(f"Taken by {told.channel} on {told.received_on} by {actor}: {rights}.\n{known}\n")
    for name, content in told.files:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=_clean(name))
    return mail.as_bytes()


def _clean(name: str) -> str:
    """A file name on one line, of characters that can be shown and stored."""
    shown = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(shown.split()) or "file"
