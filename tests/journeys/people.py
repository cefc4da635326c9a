"""A company with an office and employees who are asked by mail."""

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path
from secrets import token_hex
from typing import Any

import time_machine
from servers import DovecotServer, SmtpSink

from dsar.deadlines import STOCKHOLM

from .company import PRIVACY, body
from .quick import QuickCompany

KARIN, LARS, BOSS = "karin@xelent.example", "lars@xelent.example", "chef@xelent.example"
MARIA = "maria.oberg@example.se"

_PEOPLE = f"""
[system.branch]
connector = manual
declaration = data/branch.toml
owner = {KARIN}
[system.phones]
connector = manual
declaration = data/phones.toml
individuals = on
[colleague.karin]
name = Karin Holm
email = {KARIN}
deputy = lars
manager = {BOSS}
[colleague.lars]
name = Lars Ström
email = {LARS}
language = en
"""

ACCESS = "Hej!\n\nJag vill veta vilka personuppgifter ni har om mig.\n\nVänliga hälsningar\nMaria Öberg\n"


def later(days: int) -> time_machine.travel:
    """The program's clock, put forward to the noon of that day; the mail server keeps its own."""
    day = datetime.now(STOCKHOLM).date() + timedelta(days=days)
    return time_machine.travel(datetime.combine(day, time(12), STOCKHOLM), tick=True)


def references(mail: EmailMessage) -> list[str]:
    """The tasks that a mail is about."""
    return re.findall(r"^(TASK-\w+)  ", body(mail), re.MULTILINE)


class Asking(QuickCompany):
    """A company whose office and employees are asked."""

    def __init__(self, folder: Path, dovecot: DovecotServer, smtp: SmtpSink, mailbox_user: str) -> None:
        super().__init__(folder, dovecot, smtp, mailbox_user)
        self.settings.write_text(self.settings.read_text("utf-8") + _PEOPLE, "utf-8")

    def asked(self, text: str = ACCESS, sender: str = f"Maria Öberg <{MARIA}>") -> EmailMessage:
        """Let somebody make a request; the latest mail that the office got about it."""
        self.write(sender, text)
        self.ok("poll")
        return self.letters_to(KARIN)[-1]

    def reply(
        self,
        to: EmailMessage,
        text: str,
        *,
        sender: str = KARIN,
        finding: str = "pass",
        files: Sequence[tuple[str, bytes]] = (),
        headers: Sequence[tuple[str, str]] = (),
        quoted: bool = True,
    ) -> None:
        """Answer a mail as people do, with the mail quoted below, and let the program read it."""
        mail = EmailMessage(policy=policy.SMTP)
        mail["Authentication-Results"] = f"mx.xelent.example; dmarc={finding} header.from={sender.partition('@')[2]}"
        mail["From"], mail["To"], mail["Subject"] = sender, PRIVACY, f"Sv: {to['Subject']}"
        mail["Message-ID"], mail["In-Reply-To"] = f"<{token_hex(8)}@xelent.example>", to["Message-ID"]
        for name, value in headers:
            mail[name] = value
        below = "".join(f"> {line}\n" for line in body(to).splitlines())
        mail.set_content(f"{text}\n\nDen 26 nov. 2026 09:12 skrev Xelent <{PRIVACY}>:\n\n{below}" if quoted else text)
        for name, content in files:
            mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
        self.dovecot.deliver(mail.as_bytes(), self.user)
        self.ok("poll")

    def outcome(self, case: str, system: str = "branch") -> str:
        """How the search of a system ended."""
        systems = self.ok("show", case, "--data", "--json").lines[0]["systems"]
        return str({each["system"]: each["outcome"] for each in systems}[system])

    def held(self, case: str, system: str = "branch") -> list[dict[str, Any]]:
        """Records of a system, {path: value} with strength and number."""
        return [
            {each["path"]: each["value"] for each in line["record"]["values"]}
            | {"strength": line["record"]["strength"], "number": line["number"]}
            for line in self.ok("show", case, "--data", "--json").lines[1:]
            if line["record"]["system"] == system
        ]

    def case(self) -> str:
        """The reference of the first case."""
        return "D-2026-00001"

    def approve(self, reference: str) -> None:
        """Bo reads the letter and approves it."""
        self.ok("show", reference, "--letter", actor="bo")
        self.ok("approve", reference, actor="bo")

    def tasks(self, *arguments: str) -> list[dict[str, Any]]:
        """`dsar task list` as JSON."""
        return self.ok("task", "list", "--json", *arguments).lines
