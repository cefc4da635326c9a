"""
A year of a far larger controller: 100,000 cases, a million mails, 200 systems. Run by hand, for docs/evidence.md.

    nice -n 10 .venv/bin/python benchmarks/evidence_year.py --cases 20000 --mails 200000

Of the systems 150 are people who are asked by mail. One day of work is done on an empty installation, and the same on
one in whose database the year lies; so is each command that staff use. Every figure is processor time and most memory
of the program on its own, and how many times what the empty installation took. Exit 1 where the year makes something
take more than three times as long beyond a second, or a quarter more memory, leaves a step undone, or other mails go.

The year's rows are put in behind the program's back: cases, requests and their events as bench_stats.py makes them,
each with a sealed mail; of all other mails only that they came, as it is after thirty days (their keys are gone then).
"""

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parent)]

import bench_stats
import sqlalchemy as sa
from frame import MOST_MEMORY_GROWTH, Cost, Figure, cost, seconds, table
from journeys.company import Company
from servers import SmtpSink, dovecot
from sqlmodel import SQLModel

from dsar import settings
from dsar.store.engine import open_engine
from dsar.store.tables import Message, RawContent

#: The year's rows come after those of the first day.
FIRST = 1_000
#: Times what the empty installation takes; a second more is never worth a word.
MOST, LEAST_SECONDS = 3.0, 1.0
ACCESS = "Jag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack."
ERASE = "Radera alla personuppgifter som ni har om mig, enligt artikel 17 i GDPR."
#: On file in the sample systems; the others of a day are known to none.
KNOWN = "John Whitfield <john.whitfield@example.com>"
COMMANDS = {
    "dsar queue": ("queue",),
    "dsar stats of the year": ("stats", "--from", "2026-01-01", "--to", "2026-12-31"),
    "dsar show": ("show", "D-2026-00001"),
    "dsar work": ("work",),
    "dsar search in all systems": ("search", "--email", "nobody@example.se"),
    "dsar purge --dry-run": ("purge", "--dry-run"),
}


def day(company: Company, others: int) -> Cost:
    """What one `dsar poll` takes over a day's mails: access by one who is on file, erasure by *others* who are not."""
    company.write(KNOWN, ACCESS)
    for other in range(others):
        company.write(f"person{other}@example.se", ERASE)
    return _cost(company, "poll")


def _cost(company: Company, *command: str) -> Cost:
    program = [sys.executable, "-m", "dsar", "--settings", str(company.settings)]
    # 3: the search is not complete, for people are systems whom it does not ask
    return cost([*program, *command], ends_with=("0", "3") if command[0] == "search" else ("0",), DSAR_ACTOR="anna")


def measured(company: Company, others: int) -> dict[str, Cost]:
    """{what: its cost}"""
    found = {f"a day of {others + 1} mails, {1 + others} cases": day(company, others)}
    return found | {what: _cost(company, *command) for what, command in COMMANDS.items()}


@contextmanager
def installed(given: argparse.Namespace) -> Iterator[Company]:
    """A company with so many systems, in SQLite."""
    folder = Path(tempfile.mkdtemp(prefix="dsar-year-"))
    folder.chmod(0o755)  # Dovecot reads mail as another user than root
    with ExitStack() as opened:
        opened.callback(shutil.rmtree, folder, ignore_errors=True)
        server = opened.enter_context(dovecot(folder / "dovecot"))
        company = Company(folder / "company", server, opened.enter_context(SmtpSink(None)), "privacy")
        text = company.settings.read_text("utf-8")
        for number in range(given.systems - given.people - 2):
            text += f"[system.shop{number}]\nconnector = sql\ndeclaration = data/webshop.toml\n"
            text += "url = sqlite:///data/webshop.db\n"
        for number in range(given.people):
            text += f"[system.office{number}]\nconnector = manual\ndeclaration = data/branch.toml\n"
            text += f"owner = person{number}@xelent.example\n"
            text += f"[colleague.person{number}]\nname = Person {number}\nemail = person{number}@xelent.example\n"
        company.settings.write_text(text, "utf-8")
        yield company


# ------------------------------------------------------------------------------------------------------- the year


def fill(company: Company, cases: int, mails: int) -> None:
    """Put the year into the database."""
    engine = open_engine(settings.load(company.settings, {}).database.url.get_secret_value())
    with engine.begin() as connection:
        _insert(
            connection,
            (row for number in range(FIRST, FIRST + cases) for row in bench_stats.rows(number, FIRST + cases)),
        )
        _insert(connection, (row for number in range(mails) for row in _mail(number, mails, cases)))
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def _mail(number: int, mails: int, cases: int) -> Iterator[tuple[type[SQLModel], dict[str, object]]]:
    digest = hashlib.sha256(b"%d" % number).hexdigest()
    of_case = number < cases
    at = datetime(2026, 1, 1, 9, tzinfo=UTC) + timedelta(days=(number * 365 // mails) % 330)
    yield (
        Message,
        {
            "sha256": digest,
            "mailbox": "privacy",
            "received_at": at,
            "status": "sorted",
            "disposition": "request" if of_case else "not_request",
            "flags": [],
            "case_id": FIRST + number if of_case else None,
            "attempts": 1,
            "last_error": "",
            "purged_at": None if of_case else at + timedelta(days=30),
        },
    )
    if of_case:
        yield RawContent, {"sha256": digest, "size": 3000, "sealed_content": bytes(3000)}


def _insert(connection: sa.Connection, rows: Iterator[tuple[type[SQLModel], dict[str, object]]]) -> None:
    lots: dict[type[SQLModel], list[dict[str, object]]] = defaultdict(list)
    for kind, row in rows:
        lots[kind].append(row)
        if len(lots[kind]) == 5000:
            for each in list(lots):  # in the order in which they came, for cases stand before what is of them
                connection.execute(sa.insert(each), lots.pop(each))
    for kind, lot in lots.items():
        connection.execute(sa.insert(kind), lot)


# ------------------------------------------------------------------------------------------------------- judging


def figures(empty: dict[str, Cost], full: dict[str, Cost]) -> Iterator[Figure]:
    """One for each thing done, and one for its memory."""
    for what, before in empty.items():
        after = full[what]
        yield Figure(
            what=what,
            value=after.seconds / before.seconds,
            unit="times",
            most=max(MOST, (before.seconds + LEAST_SECONDS) / before.seconds),
            against="empty installation",
            detail=f"{before.seconds:.2f} s, {after.seconds:.2f} s",
        )
        yield Figure(
            what=f"{what}: memory",
            value=after.memory_mb / before.memory_mb,
            unit="times",
            most=MOST_MEMORY_GROWTH,
            against="empty installation",
            detail=f"{before.memory_mb:.0f} MB, {after.memory_mb:.0f} MB",
        )


def main() -> None:
    """Measure, fill, measure, judge."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--mails", type=int, default=1_000_000)
    parser.add_argument("--systems", type=int, default=200)
    parser.add_argument("--people", type=int, default=150, help="of the systems, those that are people who are asked")
    parser.add_argument("--others", type=int, default=30, help="mails of a day beside the one of a known person")
    given = parser.parse_args()
    with installed(given) as company:
        empty = measured(company, given.others)
        asked = len(company.smtp.taken)
    with installed(given) as company:
        filling = seconds(lambda: fill(company, given.cases, given.mails))
        size = sum(each.stat().st_size for each in company.folder.glob("*.db*")) / 1e6
        _cost(company, "poll")  # chains the events that were put in, which is work of the year and not of the day
        full = measured(company, given.others)
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
        ((left,),) = company.rows("SELECT count(*) FROM work WHERE due_at <= :now", now=now)
        more = abs(len(company.smtp.taken) - asked)
    told = [
        *figures(empty, full),
        Figure(what="steps left undone", value=left, unit="steps", most=0),
        Figure(what="mails more or fewer than of the empty installation", value=more, unit="mails", most=0),
    ]
    print(
        f"{given.cases:,} cases, {given.mails:,} mails ({size:,.0f} MB, filled in {filling:.0f} s), {given.systems} "
        f"systems, {given.people} of them people; {asked} mails went out; load {os.getloadavg()[0]:.0f}"
    )
    print("\n".join(table(told)))
    sys.exit(any(each.missed for each in told))


if __name__ == "__main__":
    main()
