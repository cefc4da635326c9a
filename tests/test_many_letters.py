"""
Many mails, a mail server that cuts the connection before and after storing, a program that is killed at random.

None is lost and none leaves twice (promise P2); of which nobody can know, a person is asked. DSAR_LETTERS=1000 is the
whole proof, which takes minutes; without it the same is shown with fewer.
"""

import hashlib
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
import sqlalchemy as sa
from office import Office, open_office
from servers import Fault, SmtpSink, TlsFiles

from dsar.casework.context import case_key
from dsar.casework.sending.queueing import commit_mail
from dsar.store.tables import OutboxRow, Work

COUNT = int(os.environ.get("DSAR_LETTERS", "100"))
CUTS = COUNT * 6 // 100
KILLS = max(3, COUNT // 80)
FAULTS = (Fault.CUT_BEFORE_STORING, Fault.CUT_AFTER_STORING, Fault.NONSENSE_AFTER_STORING, Fault.LATER_AFTER_DATA)
ACCESS = "Hej!\n\nJag vill veta vilka personuppgifter ni har om mig.\n\nMaria Öberg\n"

#: What `dsar run` does with what is due, without mail that comes in.
_PROGRAM = """
import sys
from pathlib import Path
from dsar import worker
from dsar.wiring import open_session
with open_session(Path(sys.argv[1])) as session:
    worker.free_dead(session.app)
    session.run_due()
"""


@pytest.fixture
def sink(tls_files: TlsFiles) -> Iterator[SmtpSink]:
    with SmtpSink(tls_files) as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, sink: SmtpSink) -> Iterator[Office]:
    account = sink.account()
    smtp = f"port = {account.port}\nsecurity = {account.security}\nca_file = {account.ca_file}\n"
    with open_office(tmp_path, more={"smtp": smtp}) as opened:
        yield opened


def message_id(number: int) -> str:
    return f"<letter.{number}@xelent.example>"


def fill(office: Office) -> None:
    """One case, and all mails of it in the outbox."""
    office.receive("Maria Öberg <maria.oberg@example.se>", ACCESS)
    case, now = office.only_case(), datetime.now(UTC)
    with office.app.store.transaction() as tx:
        tx.session.execute(sa.delete(Work))  # the case itself goes no further here
        tx.session.execute(sa.delete(OutboxRow))
        for number in range(COUNT):
            mail = EmailMessage(policy=SMTP)
            mail["From"], mail["To"] = "gdpr@xelent.example", f"p{number}@example.se"
            mail["Subject"], mail["Message-ID"] = f"Case {number}", message_id(number)
            mail.set_content("Hej!\n")
            commit_mail(
                office.app,
                tx,
                mail.as_bytes(),
                key=case_key(case),
                message_id=message_id(number),
                recipient=f"p{number}@example.se",
                kind="acknowledgement",
                case_id=case.id,
                now=now,
            )


def make_due(office: Office) -> None:
    """What waits for its next attempt is due now: hours pass."""
    with office.app.store.transaction() as tx:
        tx.session.execute(sa.update(Work).where(sa.column("step") == "dispatch").values(due_at=datetime.now(UTC)))


def states(office: Office) -> dict[str, str]:
    """{Message-ID: state in the outbox}."""
    with office.app.store.transaction(read_only=True) as tx:
        return {row.message_id: row.state for row in tx.session.execute(sa.select(OutboxRow)).scalars()}


def test_mails_survive_cut_connections_and_kills(office: Office, sink: SmtpSink, tmp_path: Path) -> None:
    fill(office)
    dice, kills, rounds = random.Random(11), 0, 0
    sink.faults.extend(dice.choice(FAULTS) for _ in range(CUTS))
    while {"ready", "sending"} & set(states(office).values()):
        rounds += 1
        assert rounds < 10 * KILLS, Counter(states(office).values())
        make_due(office)
        before = len(sink.taken)
        process = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(tmp_path / "settings.ini")], env=os.environ)
        while (
            kills < KILLS
            and process.poll() is None
            and len(sink.taken) < before + dice.randrange(COUNT // 50, COUNT // 12)
        ):
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        if kills < KILLS and process.poll() is None:
            process.kill()
            kills += 1
        assert process.wait() in {0, -9}

    assert kills == KILLS
    taken = Counter(str(message_from_bytes(mail.content)["Message-ID"]) for mail in sink.taken)
    outcome = states(office)
    assert [each for each, times in taken.items() if times > 1] == [], "none left twice"
    lost = [each for each, state in outcome.items() if each not in taken and state != "uncertain"]
    assert lost == [], "what did not leave is before a person"
    assert set(outcome.values()) == {"sent", "uncertain"}
    assert len(outcome) == COUNT
    assert all(outcome[each] in {"sent", "uncertain"} for each in taken)
    assert Counter(outcome.values())["uncertain"] <= CUTS + kills
    assert {hashlib.sha256(mail.content).hexdigest() for mail in sink.taken} <= sealed_hashes(office)


def sealed_hashes(office: Office) -> set[str]:
    """SHA-256 of every mail as it was committed."""
    with office.app.store.transaction(read_only=True) as tx:
        return {row.mime_sha256 for row in tx.session.execute(sa.select(OutboxRow)).scalars()}
