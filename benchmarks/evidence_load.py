"""
A campaign day: thousands of mails ask for erasure within an hour. Run by hand; prints figures for docs/evidence.md.

    nice -n 10 .venv/bin/python benchmarks/evidence_load.py --mails 2000 --minutes 6 --workers 2

The mails lie in Dovecot in lots over so many minutes while `dsar run` works; one in a hundred wants marketing to stop,
one in a hundred all data. Before them an ordinary case of last week stands whose reminder falls due in the middle.
Every two seconds the work that waits, its age and the memory of all processes are looked at. Exit 1 if a mail has no
case, a letter left twice, marketing stops came last, the reminder left late, or not all was done in time.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from itertools import starmap
from pathlib import Path
from statistics import median

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parent)]

import mailboxes
from databases import Own, running_postgresql
from journeys.company import PRIVACY, Company
from servers import SmtpSink, dovecot

from dsar.store import Store, migrate

LOTS = 60
#: Until the reminder has left: what is under way on two processors ends first, a lot of mails at most.
MOST_REMINDED_S = 180
#: What is asked for: how many in a hundred ask it, and how.
ASKED = {
    "object": (1, "Sluta skicka reklam till mig. Jag vill inte ha några fler erbjudanden från er."),
    "access": (1, "Jag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack."),
    "erase": (98, "Radera alla personuppgifter som ni har om mig, enligt artikel 17 i GDPR."),
}
#: When a request came, and when its person had the first letter but the acknowledgement: the stop is confirmed, or the
#: question asked who they are.
_ANSWERED = """
SELECT "right", received_at, min(outbox.sent_at) FROM request JOIN outbox ON outbox.case_id = request.case_id
WHERE kind != 'acknowledgement' AND outbox.state = 'sent' GROUP BY request.id, "right", received_at
"""
_REMINDED = "SELECT sent_at FROM outbox WHERE kind = 'identity_reminder' AND state = 'sent'"


@dataclass
class Seen:
    """What the looks brought."""

    memory_mb: float = 0.0  #: Of all processes together, at most.
    waiting: int = 0  #: Steps that were due, at most.
    age_s: float = 0.0  #: Of the oldest step that was due, at most.
    waits: dict[str, list[float]] = field(default_factory=dict)  #: {right: seconds of each until its first letter}
    reminded_s: float | None = None  #: Until the ordinary case's reminder left, from when it was due.
    seconds: float = 0.0
    left: int = 0  #: Steps still due when it was given up.


def mails(count: int) -> Iterator[bytes]:
    """The same for every run."""
    dice = random.Random(20)
    rights = list(ASKED)
    for number in range(count):
        (right,) = dice.choices(rights, [ASKED[each][0] for each in rights])
        yield _mail(f"person{number}@example.se", f"{ASKED[right][1]}\r\n\r\nMvh\r\nPerson {number}\r\n", number)


def _mail(sender: str, text: str, number: int) -> bytes:
    head = (
        f"Authentication-Results: mx.xelent.example; dmarc=pass header.from=example.se\r\nFrom: <{sender}>\r\n"
        f"To: {PRIVACY}\r\nSubject: Mina uppgifter\r\nMessage-ID: <{number}.campaign@example.se>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return (head + text).encode()


def lived_through(company: Company, given: argparse.Namespace) -> Seen:
    """Deliver, work, look, until nothing is due any more."""
    seen, contents = Seen(), list(mails(given.mails))
    reminder_at = datetime.now(UTC) + timedelta(seconds=20 + given.minutes * 30)
    ((reminder,),) = company.rows("SELECT id FROM work WHERE step = 'remind'")
    company.rows("UPDATE work SET due_at = :at WHERE id = :id", at=reminder_at.isoformat(" "), id=reminder)
    company.rows("UPDATE case_file SET opened_at = :at", at=(reminder_at - timedelta(days=7)).isoformat(" "))
    with working(company, given.workers) as process:
        began, delivered = time.monotonic(), 0
        while True:
            passed = time.monotonic() - began
            seen.seconds = passed
            due = min(given.mails, int(given.mails * passed / (given.minutes * 60 or 1)) // LOTS * LOTS + LOTS)
            if due > delivered:
                mailboxes.fill(company.dovecot, company.user, iter(contents[delivered:due]), first=delivered)
                delivered = due
            look(company, process.pid, seen)
            if seen.reminded_s is None and (sent_at := company.rows(_REMINDED)):
                seen.reminded_s = (_at(sent_at[0][0]) - reminder_at).total_seconds()
            is_over = passed > (given.minutes + given.patience) * 60
            if is_over or (delivered == given.mails and is_done(company, given.mails) and seen.reminded_s is not None):
                break
            time.sleep(2)
    ((seen.left,),) = company.rows("SELECT count(*) FROM work WHERE due_at <= :now", now=_now())
    for right, received, sent in company.rows(_ANSWERED):
        seen.waits.setdefault(right, []).append((_at(sent) - _at(received)).total_seconds())
    return seen


def look(company: Company, process: int, seen: Seen) -> None:
    """Once."""
    seen.memory_mb = max(seen.memory_mb, memory_mb(process))
    ((count, oldest),) = company.rows("SELECT count(*), min(due_at) FROM work WHERE due_at <= :now", now=_now())
    if count:
        seen.waiting = max(seen.waiting, count)
        seen.age_s = max(seen.age_s, (datetime.now(UTC) - _at(oldest)).total_seconds())


def is_done(company: Company, count: int) -> bool:
    """Whether every mail has its case and nothing is due."""
    ((cases,),) = company.rows("SELECT count(*) FROM case_file")
    ((left,),) = company.rows("SELECT count(*) FROM work WHERE due_at <= :now", now=_now())
    return bool(cases >= count + 1 and left == 0)


def _at(told: object) -> datetime:
    return datetime.fromisoformat(str(told)).replace(tzinfo=UTC)


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(" ")


def memory_mb(first: int) -> float:
    """Of a process and of all that it started, shared pages counted once among them."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parents[int(status.parent.name)] = int(fields[1])
    mine = {first}
    while more := {each for each, parent in parents.items() if parent in mine} - mine:
        mine |= more
    return sum(map(_own_mb, mine))


def _own_mb(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


@contextmanager
def working(company: Company, workers: int) -> Iterator["subprocess.Popen[bytes]"]:
    """`dsar run`."""
    command = ["-m", "dsar", "--settings", str(company.settings), "run", "--interval", "5", "--workers", str(workers)]
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


@contextmanager
def installed(given: argparse.Namespace) -> Iterator[Company]:
    """A company with one ordinary case; its data lie in PostgreSQL where several workers share them."""
    folder = Path(tempfile.mkdtemp(prefix="dsar-load-"))
    folder.chmod(0o755)  # Dovecot reads mail as another user than root
    with ExitStack() as opened:
        opened.callback(shutil.rmtree, folder, ignore_errors=True)
        server = opened.enter_context(dovecot(folder / "dovecot"))
        sink = opened.enter_context(SmtpSink(None))
        at = None
        if given.workers > 1:
            postgresql = opened.enter_context(running_postgresql())
            at = Own(url=postgresql.new_database(), keys_url=postgresql.new_database())
            store = Store(at.url)
            migrate.upgrade(store.engine)
            store.close()
        company = Company(folder / "company", server, sink, "privacy", at=at)
        company.write("Ordinary <ordinary@example.se>", ASKED["access"][1])
        company.ok("poll")
        yield company


def judged(company: Company, given: argparse.Namespace, seen: Seen) -> Iterator[str]:
    """What is not as it should be."""
    ids = [message_from_bytes(mail.content)["Message-ID"] for mail in company.smtp.taken]
    if len(ids) != len(set(ids)):
        yield "a letter left twice"
    ((cases, senders),) = company.rows("SELECT count(*), count(DISTINCT reference) FROM case_file")
    if (cases, senders) != (given.mails + 1, given.mails + 1):
        yield f"{cases} cases for {given.mails + 1} mails"
    stops = seen.waits.get("object", [])
    others = [seconds for right, each in seen.waits.items() if right != "object" for seconds in each]
    if stops and others and (median(stops) > median(others) or max(stops) > max(others)):
        yield "marketing stops did not go first"
    if seen.reminded_s is None or seen.reminded_s > MOST_REMINDED_S:
        yield "the ordinary case was starved"
    if seen.left:
        yield f"{seen.left} steps were due still when it was given up"


def _told(right: str, waits: list[float]) -> str:
    return f"{right} {median(waits):.0f} s, at most {max(waits):.0f} s ({len(waits)})"


def main() -> None:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--mails", type=int, default=20_000)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--patience", type=int, default=60, help="minutes after the last mail until it is given up")
    given = parser.parse_args()
    with installed(given) as company:
        seen = lived_through(company, given)
        wrong = list(judged(company, given, seen))
    answered = sum(map(len, seen.waits.values()))
    reminded = f"{seen.reminded_s:.0f} s" if seen.reminded_s is not None else "not"
    print(
        f"{given.mails} mails in {given.minutes} min, {given.workers} workers, load {os.getloadavg()[0]:.0f}: "
        f"{seen.seconds:.0f} s, {answered / seen.seconds:.1f} mails/s to their first letter; "
        f"at most {seen.waiting} steps due, the oldest for {seen.age_s:.0f} s, {seen.memory_mb:.0f} MB of all; "
        f"until the first letter {', '.join(starmap(_told, sorted(seen.waits.items())))}; "
        f"the ordinary case's reminder left {reminded} after it was due"
    )
    print("\n".join(wrong) or "as it should be")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
