"""What tests of killed intake share: a poll that can be killed, and a count of what came of it."""

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass

from .company import Company

_PROGRAM = """
import sys
from pathlib import Path
from dsar import poller, worker
from dsar.wiring import open_session
with open_session(Path(sys.argv[1])) as session, session.inboxes["privacy"]() as inbox:
    worker.free_dead(session.app)
    poller.poll(session.app, "privacy", inbox)
"""

#: A poll without anything that follows from it; the settings file comes behind.
POLL = (sys.executable, "-c", _PROGRAM)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Numbers of mails."""

    messages: int
    distinct: int  #: By their bytes.
    works: int  #: Due steps of sorting them.
    sightings: int
    epochs: int
    unmoved: int
    inbox: int
    done: int


def await_or_kill(company: Company, seconds: float) -> bool:
    """Let a poll run for so long; whether it had to be killed."""
    process = subprocess.Popen([*POLL, str(company.settings)])
    with suppress(subprocess.TimeoutExpired):
        assert process.wait(seconds) == 0
    if process.returncode is not None:
        return False
    process.kill()
    process.wait(10)
    return True


def move_back(company: Company, uids: str) -> None:
    """Somebody puts handled mails into the inbox again."""
    with company.dovecot.session(company.user) as session:
        session.select("DSAR-Done")
        answer, _ = session.uid("MOVE", uids, "INBOX")
        assert answer == "OK"


def tally(company: Company) -> Tally:
    """What is stored, and what lies on the server."""
    queries = {
        "messages": "SELECT count(*) FROM message",
        "distinct": "SELECT count(DISTINCT sha256) FROM message",
        "works": "SELECT count(*) FROM work WHERE step = 'sort'",
        "sightings": "SELECT count(*) FROM sighting",
        "epochs": "SELECT count(DISTINCT uid_validity) FROM sighting",
        "unmoved": "SELECT count(*) FROM sighting WHERE moved_at IS NULL",
    }
    counts = {name: company.rows(query)[0][0] for name, query in queries.items()}
    return Tally(**counts, inbox=company.mailbox_count("INBOX"), done=company.mailbox_count("DSAR-Done"))
