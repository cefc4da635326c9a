"""What comes round by the clock happens once, however many machines run `dsar run` against one database."""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from email import message_from_bytes

import pytest
from databases import Server

from .company import PRIVACY, Company
from .test_crew import REQUEST, asker, cases, is_done, move, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

CALENDAR = """
[health]
self_test = on
[statistics]
management = chef@xelent.example
[backup]
data_folder = backups/data
keys_folder = backups/keys
"""


@contextmanager
def daemons(company: Company, count: int) -> Iterator[None]:
    """So many `dsar run`, each as on a machine of its own; their log lines lie in company.folder afterwards."""
    command = [sys.executable, "-m", "dsar", "--settings", str(company.settings), "run", "--interval", "1"]
    with ExitStack() as opened:
        logs = [opened.enter_context((company.folder / f"{number}.log").open("wb")) for number in range(count)]
        processes = [subprocess.Popen(command, stderr=log, cwd=company.folder) for log in logs]
        try:
            wait_for(lambda: len(company.rows("SELECT 1 FROM worker")) == count)
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            ended = [process.wait(90) for process in processes]
    assert ended == [0] * count


def told(company: Company) -> Counter[str]:
    """{message: how often any of the daemons has logged it}"""
    lines = [line for log in company.folder.glob("*.log") for line in log.read_text("utf-8").splitlines()]
    return Counter(json.loads(line)["message"] for line in lines)


def recipients(company: Company) -> Counter[str]:
    return Counter(address for mail in company.smtp.taken for address in mail.recipients)


def ids(company: Company) -> Sequence[str]:
    return [message_from_bytes(mail.content)["Message-ID"] for mail in company.smtp.taken]


def test_three_daemons_do_once_what_is_due_by_the_calendar(company: Company, postgresql: Server) -> None:
    """Purge, backup, self-test, figures of the month, and the mailbox itself."""
    company.settings.write_text(company.settings.read_text("utf-8") + CALENDAR, "utf-8")
    move(company, postgresql)
    for number in range(6):
        company.write(asker(number), REQUEST)
    with daemons(company, 3):
        wait_for(lambda: cases(company) == 6 and is_done(company))
        wait_for(lambda: company.rows("SELECT count(*) FROM event WHERE name = 'statistics_told'") == [(1,)])
        wait_for(lambda: is_done(company) and told(company)["backup made"])
    done, got = told(company), recipients(company)
    assert (done["purged"], done["backup made"]) == (1, 1)
    assert [len(list((company.folder / "backups" / part).iterdir())) for part in ("data", "keys")] == [1, 1]
    assert (got[PRIVACY], got["chef@xelent.example"]) == (1, 1)
    assert company.rows("SELECT count(*), count(DISTINCT sha256) FROM message WHERE mailbox = 'privacy'") == [(6, 6)]
    assert len(ids(company)) == len(set(ids(company)))
    assert [got[f"person{number}@example.se"] for number in range(6)] == [2] * 6  # acknowledged, asked who it is
