"""The assembled program in one process, on the sample systems, without mail servers: for tests of single use cases."""

import base64
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path

import sqlalchemy as sa
from databases import Own, own

from connectors import samples
from dsar.casework import answering, approving, changing, identifying, intake, searching
from dsar.casework.context import App
from dsar.model import RawMail
from dsar.store.tables import CaseFile, Message, Request
from dsar.wiring import Session, open_session

PRIVACY = "gdpr@xelent.example"

_SETTINGS = """
[controller]
name = Xelent Office Sweden AB
orgnr = 556402-9584
address = Annebergsvägen 1B
postcode_city = 432 48 Varberg
country = Sverige
email = gdpr@xelent.example
[vault]
master_key = {key}
[mailbox.privacy]
host = localhost
user = privacy
password = unused
[smtp]
host = localhost
sender = gdpr@xelent.example
[authentication]
trusted = mx.xelent.example
[automatic]
marketing_stop = on
[letters]
handler = anna
backup_days = 30
[register]
activities = data/register.toml
[system.webshop]
connector = sql
declaration = data/webshop.toml
url = sqlite:///data/webshop.db
write_url = sqlite:///data/webshop.db
[system.business]
connector = sql
declaration = data/business.toml
url = sqlite:///data/business.db
write_url = sqlite:///data/business.db
[staff]
separation = off
[staff.anna]
role = handler
name = Anna Berg
email = anna@xelent.example
[staff.bo]
role = approver
name = Bo Ek
email = bo@xelent.example
"""


class Office:
    """One installation whose steps a test runs one by one."""

    def __init__(self, session: Session, folder: Path) -> None:
        self.session = session
        self.app: App = session.app
        self.data = folder / "data"
        self._uid = 0

    def receive(
        self,
        sender: str,
        text: str,
        *,
        in_reply_to: str | None = None,
        finding: str | None = None,
        headers: Mapping[str, str] | None = None,
        subject: str = "Mina uppgifter",
        at: datetime | None = None,
        arrived: datetime | None = None,
    ) -> Message:
        """Take one mail *at* a time; *finding* is our mail server's word about its sender, by default a pass."""
        mail = written(sender, text, in_reply_to=in_reply_to, finding=finding, headers=headers, subject=subject)
        return self.take(mail, at=at, arrived=arrived)

    def take(self, content: bytes, *, at: datetime | None = None, arrived: datetime | None = None) -> Message:
        """Store one mail as the poller does, and sort it; *arrived*: when the server got it, else *at*."""
        now = at or datetime.now(UTC)
        message = self.keep(content, now=now, arrived=arrived)
        intake.sort(self.app, message.id or 0, now=now)
        with self.app.store.transaction() as tx:
            return tx.message_of(message.sha256)

    def keep(self, content: bytes, *, now: datetime, arrived: datetime | None = None) -> Message:
        """Store one mail as the poller does; nobody has sorted it yet."""
        self._uid += 1
        mail = RawMail(
            mailbox="privacy",
            folder="INBOX",
            uid_validity=1,
            uid=self._uid,
            received_at=arrived or now,
            content=content,
        )
        intake.store_mails(self.app, (mail,), now=now)
        with self.app.store.transaction() as tx:
            return tx.message_of(mail.sha256)

    def carried_out(self, sender: str, text: str, *, now: datetime) -> Request:
        """One request from its mail to the change that it asks for, approved by bo; its letter waits to be sent."""
        changing.apply(self.app, self.approved(sender, text, now=now).id or 0, now=now)
        return self.requests()[0]

    def approved(self, sender: str, text: str, *, now: datetime) -> Request:
        """One request from its mail to its approval by bo; nothing is changed yet."""
        self.receive(sender, text, at=now)
        identifying.identify(self.app, 1, now=now)
        searching.collect(self.app, 1, attempt=1, now=now)
        (request,) = self.requests()
        answering.show(self.app, self.only_case(), request, actor="bo", now=now)
        approving.approve(self.app, self.only_case(), request, actor="bo", now=now)
        return self.requests()[0]

    def only_case(self) -> CaseFile:
        """The one case that there is."""
        with self.app.store.transaction() as tx:
            return tx.case_by_id(1)

    def requests(self) -> list[Request]:
        """The requests of the one case."""
        with self.app.store.transaction() as tx:
            return list(tx.requests(1))

    def force(self, request: Request, **columns: object) -> None:
        """Put a request into a state directly, to test what happens from there."""
        with self.app.store.transaction() as tx:
            tx.session.execute(sa.update(Request).where(sa.column("id") == request.id).values(**columns))


def written(
    sender: str,
    text: str,
    *,
    in_reply_to: str | None = None,
    finding: str | None = None,
    headers: Mapping[str, str] | None = None,
    subject: str = "Mina uppgifter",
) -> bytes:
    """A mail as it lies in the mailbox, with what our mail server found out about its sender."""
    mail = EmailMessage(policy=policy.SMTP)
    domain = sender.partition("@")[2].rstrip(">")
    mail["Authentication-Results"] = finding or f"mx.xelent.example; dmarc=pass header.from={domain}"
    mail["From"] = sender
    mail["To"] = PRIVACY
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{os.urandom(8).hex()}@sender.example>"
    if in_reply_to:
        mail["In-Reply-To"] = in_reply_to
    for name, value in (headers or {}).items():
        mail[name] = value
    mail.set_content(text)
    return mail.as_bytes()


@contextmanager
def open_office(folder: Path, *, more: Mapping[str, str] | None = None, at: Own | None = None) -> Iterator[Office]:
    """
    Make an installation in *folder* and assemble it.

    Args: more: {section: further lines of its settings}; at: its databases, where the test makes them.
    """
    samples.create(folder / "data")
    settings = folder / "settings.ini"
    at = at or own(folder)
    key = base64.b64encode(bytes(range(32))).decode()
    text = _SETTINGS.format(key=key)
    for section, lines in {"database": f"url = {at.url}\nkeys_url = {at.keys_url}", **(more or {})}.items():
        head, heading, tail = text.partition(f"[{section}]")
        text = f"{head}[{section}]\n{lines}{tail}" if heading else f"{text}[{section}]\n{lines}\n"
    settings.write_text(text, "utf-8")
    with open_session(settings) as session:
        yield Office(session, folder)
