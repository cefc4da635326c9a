"""
`dsar queue` and `dsar stats` of a year, as processes, on a database with so many cases; exit 1 above the limits.

A hundredth of the requests is open, the rest was answered, each with its events. The fastest of ROUNDS counts; time of
the processor stands beside it, which on an idle machine is the same and on a busy one says how far from idle it was.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import SQLModel

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parent)]

from frame import Figure, run
from office import open_office

from dsar.model import Right
from dsar.store.tables import CaseFile, Closing, EventRow, Request, SystemRow

ROUNDS = 5

#: Command -> most seconds, as issue 12 promises them.
LIMITS = {("queue",): 0.7, ("stats", "--from", "2026-01-01", "--to", "2026-12-31"): 2.0}

#: Events of every request: (name, of the request and not the case only, state before, state after). Half of the senders
#: were asked who they are besides, and two in three plans were carried out.
_EVENTS = (
    ("case_opened", False, None, None),
    ("sorted", True, "received", "identity"),
    ("identified", True, "identity", "searching"),
    ("searched", False, None, None),
    ("searched", True, "searching", "review"),
    ("approved", True, "review", "approved"),
    ("dispatch_started", True, "approved", "dispatching"),
    ("dispatched", True, "dispatching", "closed"),
)
_FOUND = {"business": "found 3", "webshop": "nothing 0"}
#: An installed program is compiled; who develops may have said that nothing compiled is kept.
_INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_INSTALLED["DSAR_ACTOR"] = "anna"
_YEAR_BEGINS = datetime(2026, 1, 1, 9, tzinfo=UTC)


def rows(number: int, cases: int) -> Iterator[tuple[type[SQLModel], dict[str, object]]]:
    """What one of so many cases of a year leaves in the database; one in a hundred is still open."""
    received = _YEAR_BEGINS + timedelta(days=number * 365 // cases)
    is_open = number % 100 == 0
    answered = received + timedelta(days=number % 35)
    legal_on = received.date() + timedelta(days=31)
    case = {
        "id": number,
        "reference": f"D-2026-{number:06}",
        "opened_at": received,
        "language": "sv",
        "requester": "self",
    }
    yield CaseFile, case | {"search_run": 1, "search_proven": True}
    request = {"id": number, "case_id": number, "right": list(Right)[number % 5], "received_at": received}
    request |= {"send_by_on": legal_on - timedelta(days=3), "legal_on": legal_on, "version": 5}
    ending = {"state": "review"} if is_open else {"state": "closed", "outcome": "fulfilled", "closed_at": answered}
    yield Request, {"outcome": None, "closed_at": None} | request | ending
    if is_open:
        for system, outcome in _FOUND.items():
            found = {"outcome": outcome.partition(" ")[0], "detail": "", "searched_at": received, "sealed_records": b""}
            yield SystemRow, found | {"case_id": number, "run": 1, "system": system}
    else:
        yield Closing, {"request_id": number, "closed_at": answered, "outcome": "fulfilled", "legal_on": legal_on}
    asked = [("identity_asked", False, None, None)] if number % 2 else []
    applied = [("applied", True, "review", "review")] if number % 3 else []
    for name, of_request, before, after in (*_EVENTS, *asked, *applied):
        event = {"at": received, "actor": "dsar", "name": name, "from_state": before, "to_state": after}
        detail = _FOUND if name == "searched" and not of_request else {}
        yield EventRow, event | {"case_id": number, "request_id": number if of_request else None, "detail": detail}


def fill(folder: Path, cases: int) -> None:
    """An installation with so many cases."""
    with open_office(folder) as office, office.app.store.engine.begin() as connection:
        for start in range(1, cases + 1, 2000):
            lots: dict[type[SQLModel], list[dict[str, object]]] = defaultdict(list)
            for number in range(start, min(start + 2000, cases + 1)):
                for table, row in rows(number, cases):
                    lots[table].append(row)
            for table, lot in lots.items():
                connection.execute(sa.insert(table), lot)
        connection.exec_driver_sql("ANALYZE")


def seconds(command: list[str]) -> tuple[float, float]:
    """How long *command* takes, and how long it keeps the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_INSTALLED)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def fastest(command: list[str]) -> tuple[float, float]:
    """The best of ROUNDS, of either time."""
    took, worked = zip(*(seconds(command) for _ in range(ROUNDS)), strict=True)
    return min(took), min(worked)


def measure(given: argparse.Namespace) -> Iterator[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="dsar-bench-"))
    try:
        fill(folder, given.cases)
        program = [sys.executable, "-m", "dsar", "--settings", str(folder / "settings.ini")]
        took = {command: fastest([*program, *command]) for command in LIMITS}
        empty, _ = fastest([sys.executable, "-c", "pass"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for command, (took_s, worked_s) in took.items():
        yield Figure(
            what=f"dsar {command[0]} with {given.cases:,} cases",
            value=took_s,
            unit="s",
            most=LIMITS[command],
            detail=f"{worked_s:.2f} s of processors; {took_s / empty:.0f} times python -c pass",
        )


if __name__ == "__main__":
    run(__doc__, measure, full={"cases": 100_000}, small={"cases": 2_000})
