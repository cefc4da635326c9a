"""
One, three and ten times the work in intake, search, PDF, queue and statistics: time is linear and memory flat.

What that means, with its tolerance, stands in frame.py beside MOST_POWER and MOST_MEMORY_GROWTH.

Every measurement is a process of its own, of which its peak memory counts and the processor time of the work itself,
less what it costs to do nothing. All sizes take turns, so that what else the machine does falls on all of them.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parent)]

import bench_search
import bench_stats
import mailboxes
from frame import Cost, Figure, alone, growth, run, telling_cost
from journeys.company import Company
from servers import SmtpSink, dovecot

from connectors import open_connector
from dsar.declaration import parse_declaration
from dsar.model import Identifier, IdentifierType

#: How often each size is measured.
ROUNDS, COMMAND_ROUNDS = 4, 5
FACTORS = (1, 3, 10)
_STATISTICS = ("stats", "--from", "2026-01-01", "--to", "2026-12-31")


def measure(given: argparse.Namespace) -> Iterator[Figure]:
    for part in (_intake, _searches, _pages, _commands):
        folder = Path(tempfile.mkdtemp(prefix="dsar-bench-"))
        folder.chmod(0o755)  # Dovecot reads mail as another user than root
        try:
            yield from part(given, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _curve(
    what: str, size: int, work: Callable[[int], Cost], *, idle: int = 0, rounds: int = ROUNDS
) -> Iterator[Figure]:
    """Args: work: does so much in a process; idle: so little that it counts for nothing."""
    amounts = idle, *(factor * size for factor in FACTORS)
    turns = [{amount: work(amount) for amount in amounts} for _ in range(rounds)]
    costs = {amount: [turn[amount] for turn in turns] for amount in amounts}
    none = min(costs.pop(idle), key=lambda each: each.seconds)
    yield from growth(what, costs, idle=none)


def _intake(given: argparse.Namespace, folder: Path) -> Iterator[Figure]:
    script = str(Path(__file__).parent / "intake_alone.py")
    with dovecot(folder / "dovecot") as server:
        made = 0

        def take_in(count: int) -> Cost:
            nonlocal made
            made += 1
            user = f"growth{made}"
            mailboxes.fill(server, user, mailboxes.mails(count))
            company = Company(folder / user, server, SmtpSink(None), user)
            return alone([sys.executable, script, "cost", str(company.settings)])

        yield from _curve("intake of mails", given.mails, take_in)


def _searches(given: argparse.Namespace, folder: Path) -> Iterator[Figure]:
    path = folder / "crm.db"
    bench_search.fill_sqlite(path, given.customers)

    def search(count: int) -> Cost:
        return alone([sys.executable, __file__, "--search", str(path), str(given.customers), str(count)])

    yield from _curve("searches", given.searches, search)


def _search(path: str, customers: int, count: int) -> None:
    declaration = parse_declaration(bench_search.DECLARATION, source="bench")
    system = open_connector("sql", name="crm", declaration=declaration, options={"url": f"sqlite:///{path}"})
    with telling_cost():
        for number in range(count):
            value = f"person.{1 + number * 7919 % (customers - 1)}@example.se"
            found = system.search([Identifier(type=IdentifierType.EMAIL, value=value)], read_at=datetime.now(UTC))
            assert len(found.records) == 1


_TABLE = """
from datetime import UTC, datetime
from frame import telling_cost
from dsar.pdf import render
rows = "".join(f"| rad {number} | Värde nummer {number} | {'lång text ' * (number %% 20)} |\\n" for number in range(%d))
with telling_cost():
    render("| Nummer | Innehåll | Anmärkning |\\n|---|---|---|\\n" + rows, title="Svar", language="sv", footer="Svar",
        created_at=datetime(2026, 3, 2, tzinfo=UTC))
"""


def _pages(given: argparse.Namespace, _folder: Path) -> Iterator[Figure]:
    def draw(rows: int) -> Cost:
        return alone([sys.executable, "-c", _TABLE % rows], PYTHONPATH=str(Path(__file__).parent))

    yield from _curve("rows of a PDF", given.rows, draw, idle=1)


def _commands(given: argparse.Namespace, folder: Path) -> Iterator[Figure]:
    made: dict[int, Path] = {}
    for cases in (100, *(factor * given.cases for factor in FACTORS)):
        made[cases] = folder / str(cases)
        made[cases].mkdir()
        bench_stats.fill(made[cases], cases)
    warm, script = str(made[100] / "settings.ini"), str(Path(__file__).parent / "command_alone.py")
    for command in (("queue",), _STATISTICS):

        def run_it(cases: int, command: tuple[str, ...] = command) -> Cost:
            settings = str(made[cases] / "settings.ini")
            return alone([sys.executable, script, warm, settings, *command], DSAR_ACTOR="anna")

        yield from _curve(f"dsar {command[0]}, cases", given.cases, run_it, idle=100, rounds=COMMAND_ROUNDS)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--search"]:
        _search(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        run(
            __doc__,
            measure,
            full={"mails": 1000, "customers": 100_000, "searches": 500, "rows": 1000, "cases": 10_000},
            small={"mails": 100, "customers": 10_000, "searches": 50, "rows": 100, "cases": 1000},
        )
