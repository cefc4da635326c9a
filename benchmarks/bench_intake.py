"""
Durable intake of mails from Dovecot against a plain imaplib loop that stores nothing; exit 1 above the limit.

dsar fetches, seals, commits and moves to the done folder (`poller.poll`, without sorting); the reference logs in and
fetches the same mails one by one with BODY.PEEK[]. Both speak TLS to the same server, in turns, and the fastest of
each counts, so that a busy machine disturbs little.
"""

import imaplib
import shutil
import smtplib
import ssl
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from journeys.company import Company
from servers import DovecotServer, SmtpSink, dovecot

from dsar import poller
from dsar.wiring import open_session

MAILS = 2000
ROUNDS = 3
LIMIT = 3.0


def fill(server: DovecotServer, user: str) -> None:
    """Deliver MAILS mails of about 5 kB each."""
    text = "Jag vill veta vilka uppgifter ni har om mig.\r\n" * 100
    with smtplib.LMTP("127.0.0.1", server.lmtp_port) as lmtp:
        for number in range(MAILS):
            head = f"From: p{number}@example.se\r\nMessage-ID: <{number}@example.se>\r\nSubject: {number}\r\n\r\n"
            lmtp.sendmail("p@example.se", [user], (head + text).encode())


def with_dsar(server: DovecotServer, folder: Path, user: str) -> float:
    """Seconds to make all mails of *user* durable."""
    company = Company(folder, server, SmtpSink(None), user)
    with open_session(company.settings) as session, session.inboxes["privacy"]() as inbox:
        began = time.perf_counter()
        found = poller.poll(session.app, "privacy", inbox)
        seconds = time.perf_counter() - began
    assert found.stored == MAILS
    return seconds


def with_imaplib(server: DovecotServer, user: str) -> float:
    """Seconds to read all mails of *user* and forget them."""
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with imaplib.IMAP4_SSL("localhost", server.imaps_port, ssl_context=context) as client:
        client.login(user, "test")
        client.select("INBOX", readonly=True)
        began = time.perf_counter()
        uids = client.uid("SEARCH", "ALL")[1][0].split()
        sizes = [len(client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1][0][1]) for uid in uids]
        seconds = time.perf_counter() - began
    assert len(sizes) == MAILS
    return seconds


def main() -> None:
    """Measure, print, judge."""
    folder = Path(tempfile.mkdtemp(prefix="dsar-bench-"))
    folder.chmod(0o755)  # Dovecot reads mail as another user than root
    try:
        with dovecot(folder / "dovecot") as server:
            rounds = []
            for number in range(ROUNDS):
                user = f"round{number}"
                fill(server, user)
                plain = with_imaplib(server, user)
                rounds.append((with_dsar(server, folder / user, user), plain))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ours, plain = (min(times) for times in zip(*rounds, strict=True))
    ratio = ours / plain
    print(
        f"{MAILS} mails: dsar stored and moved {MAILS / ours:.0f}/s, imaplib read {MAILS / plain:.0f}/s, "
        f"ratio of the times {ratio:.2f}, limit {LIMIT}"
    )
    sys.exit(ratio > LIMIT)


if __name__ == "__main__":
    main()
