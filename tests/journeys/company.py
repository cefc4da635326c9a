"""A whole small company for journeys: mailbox, mail server, business system, web shop, settings, two of staff."""

import base64
import imaplib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pikepdf
from databases import Own, own
from servers import DovecotServer, SmtpSink

from connectors import samples

PRIVACY = "gdpr@xelent.example"


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a command did."""

    exit_code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class Company:
    """Runs the program by its command line only, against real servers."""

    def __init__(
        self, folder: Path, dovecot: DovecotServer, smtp: SmtpSink, mailbox_user: str, *, at: Own | None = None
    ) -> None:
        """Args: at: databases with tables, where others make them."""
        self.folder = folder
        self.dovecot = dovecot
        self.smtp = smtp
        self.user = mailbox_user
        self.data = folder / "data"
        samples.create(self.data)
        self.settings = folder / "settings.ini"
        self.databases = at or own(folder)
        self.settings.write_text(self._settings(self.databases), "utf-8")

    def _settings(self, databases: Own) -> str:
        key = base64.b64encode(bytes(range(32))).decode()
        imap, smtp = self.dovecot.account(self.user), self.smtp.account()
        return f"""
[controller]
name = Xelent Office Sweden AB
orgnr = 556402-9584
address = Annebergsvägen 1B
postcode_city = 432 48 Varberg
country = Sverige
email = {PRIVACY}
[database]
url = {databases.url}
keys_url = {databases.keys_url}
[vault]
master_key = {key}
[mailbox.privacy]
host = {imap.host}
port = {imap.port}
security = {imap.security}
user = {self.user}
password = test
ca_file = {imap.ca_file}
[smtp]
host = {smtp.host}
port = {smtp.port}
security = {smtp.security}
ca_file = {smtp.ca_file}
sender = {PRIVACY}
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

    def dsar(self, *arguments: str, actor: str = "anna", stdin: str = "") -> Done:
        """Run one command of the program as *actor*."""
        done = subprocess.run(
            [sys.executable, "-m", "dsar", "--settings", str(self.settings), *arguments],
            env={**os.environ, "DSAR_ACTOR": actor, "COLUMNS": "80"},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Done(exit_code=done.returncode, out=done.stdout, err=done.stderr)

    def rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """What one statement of SQL answers or does in the program's own database, behind its back."""
        return self.databases.rows(self.folder, statement, **values)

    def ok(self, *arguments: str, actor: str = "anna", stdin: str = "") -> Done:
        """Run one command that must succeed."""
        done = self.dsar(*arguments, actor=actor, stdin=stdin)
        assert done.exit_code == 0, f"dsar {' '.join(arguments)}: {done.exit_code}\n{done.out}\n{done.err}"
        return done

    def write(
        self,
        sender: str,
        text: str,
        *,
        subject: str = "Mina uppgifter",
        authenticated: bool = True,
        forged: bool = False,
        in_reply_to: str | None = None,
        arrives: datetime | None = None,
    ) -> None:
        """
        Deliver a mail to the privacy mailbox, as the company's own mail server would: by LMTP, with its finding.

        Args: arrives: when the mail server has it, where that is not now.
        """
        mail = EmailMessage(policy=policy.SMTP)
        if authenticated:
            domain = sender.partition("@")[2].rstrip(">")
            finding = "fail" if forged else "pass"
            mail["Authentication-Results"] = f"mx.xelent.example; dmarc={finding} header.from={domain}"
        mail["From"] = sender
        mail["To"] = PRIVACY
        mail["Subject"] = subject
        mail["Message-ID"] = f"<{os.urandom(8).hex()}@sender.example>"
        if in_reply_to:
            mail["In-Reply-To"] = in_reply_to
        mail.set_content(text)
        if arrives is None:
            self.dovecot.deliver(mail.as_bytes(), self.user)
        else:
            self.dovecot.append(mail.as_bytes(), self.user, internal_date=imaplib.Time2Internaldate(arrives))

    def letters_to(self, address: str) -> list[EmailMessage]:
        """The mails that the mail server took for *address*, oldest first."""
        parsed = [
            message_from_bytes(taken.content, policy=policy.default)
            for taken in self.smtp.taken
            if address in taken.recipients
        ]
        return [mail for mail in parsed if isinstance(mail, EmailMessage)]

    def queue(self) -> list[dict[str, Any]]:
        """The queue as JSON."""
        return self.ok("queue", "--json").lines

    def undone(self) -> list[dict[str, Any]]:
        """The queue without the pass-phrases that are read out when the person is on the telephone."""
        return [line for line in self.queue() if line["waits_for"] != "person: phrase"]

    def files_of(self, letter: EmailMessage, case: str) -> dict[str, bytes]:
        """What a mailed answer holds once it is opened with its pass-phrase: {file name: content}."""
        (annex,) = letter.iter_attachments()
        phrase = self.ok("show", case, "--passphrase", "--json").lines[-1]["pass_phrase"]
        with pikepdf.open(io.BytesIO(annex.get_content()), password=phrase) as document:
            assert document.encryption.R == 6  # AES-256 as ISO 32000-2 has it
            files = {name: spec.get_file().read_bytes() for name, spec in document.attachments.items()}
            opened = io.BytesIO()
            document.save(opened)
        return {str(annex.get_filename()): opened.getvalue(), **files}

    def mailbox_count(self, folder: str) -> int:
        """Number of mails in a folder of the privacy mailbox."""
        return self.dovecot.count(self.user, folder)

    def sent_ids(self) -> list[str]:
        """Message-IDs in the sent folder of the privacy mailbox."""
        with self.dovecot.session(self.user) as session:
            return _message_ids(session, "Sent")


def _message_ids(session: imaplib.IMAP4, folder: str) -> list[str]:
    session.select(folder, readonly=True)
    _, found = session.search(None, "ALL")
    ids = []
    for number in found[0].split():
        _, data = session.fetch(number.decode(), "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
        part = data[0]
        assert isinstance(part, tuple)
        ids.append(part[1].decode().partition(":")[2].strip())
    return ids


def body(mail: EmailMessage, subtype: str = "plain") -> str:
    """The text of a mail, or its HTML."""
    part = mail.get_body((subtype,))
    assert part is not None, f"the mail has no {subtype} text"
    return str(part.get_content())
