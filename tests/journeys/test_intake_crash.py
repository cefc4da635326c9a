"""1,500 mails, a program killed again and again, mails moved back, a mailbox numbered anew: each mail exactly once."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink

from .company import Company
from .killed_intake import POLL, await_or_kill, move_back, tally

pytestmark = pytest.mark.journey

MAILS, KILLS, LOTS = 1500, 15, 5


def deliver(server: DovecotServer, user: str, numbers: range) -> None:
    """Put mails into the Maildir itself, which is how a mail server delivers."""
    maildir = server.directory / "home" / user / "Maildir"
    for name in ("cur", "tmp", "new"):
        (maildir / name).mkdir(parents=True, exist_ok=True)
    for number in numbers:
        text = f"From: p{number}@example.se\r\nMessage-ID: <{number}@example.se>\r\nSubject: {number}\r\n\r\n"
        path = maildir / "new" / f"{1_760_000_000 + number}.M{number}P1.test"
        path.write_bytes(text.encode() + b"x" * (number * 37 % 9000) + b"\r\n")
    if os.geteuid() == 0:
        for path in (maildir.parent, maildir, *maildir.rglob("*")):
            shutil.chown(path, "nobody", "nogroup")


def test_every_mail_is_stored_and_moved_exactly_once(
    tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str
) -> None:
    company = Company(tmp_path, dovecot_server, smtp_sink, mail_user)
    dice, kills = random.Random(11), 0
    for lot in range(LOTS):
        deliver(dovecot_server, mail_user, range(lot * MAILS // LOTS, (lot + 1) * MAILS // LOTS))
        while kills < KILLS * (lot + 1) / LOTS:
            if await_or_kill(company, dice.uniform(0.4, 1.2)):
                kills += 1
            else:
                move_back(company, "1:*")  # there must be something to do for the next one
    subprocess.run([*POLL, str(company.settings)], check=True)
    move_back(company, "1:*")
    dovecot_server.renumber(mail_user)
    subprocess.run([*POLL, str(company.settings)], check=True)

    found = tally(company)

    assert (found.messages, found.distinct, found.works) == (MAILS, MAILS, MAILS)
    assert (found.inbox, found.done, found.unmoved) == (0, MAILS, 0)
    assert found.epochs == 2
