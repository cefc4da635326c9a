"""
Searching connected systems, measured; exit 1 above a limit.

1. A round over N systems beside each other: at most 1.2 times its slowest system.
2. One of ten million customers in a database, by e-mail, phone, personnummer and customer number through their indexes:
   under a second each, on SQLite and PostgreSQL. `--customers 1000000` makes a smaller one.
3. A person with 20,000 records out of a database: under 150 MB more memory.
"""

import argparse
import os
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

import psycopg
from databases import running_postgresql
from frame import Figure, run

from connectors import open_connector
from dsar.connector import Health, SearchAnswer, Searches
from dsar.declaration import parse_declaration
from dsar.model import Identifier, IdentifierType
from dsar.search import search

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
ROUND_LIMIT = 1.2  #: Times the slowest system.
FIND_LIMIT_SECONDS = 1.0
MEMORY_LIMIT_MB = 150
CUSTOMERS = 10_000_000
RECORDS = 20_000
ROUND_SECONDS = (0.2, 0.4, 0.6, 0.8, 1.0, 0.9, 0.5, 0.3)


class Slow:
    """A system that takes its time; the first of them leads on, so that there are two rounds."""

    def __init__(self, seconds: float, emits: tuple[Identifier, ...]) -> None:
        self._seconds, self._emits = seconds, emits

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        time.sleep(self._seconds)
        return SearchAnswer(records=(), complete=True, emits=self._emits)

    def health(self) -> Health:
        return Health(ok=True, detail="")


DECLARATION = """
name = "crm"
kind = "sql"
label = {sv = "Kunder", en = "Customers"}
[[object]]
name = "customer"
label = {sv = "Kund", en = "Customer"}
table = "customer"
key = "no"
activities = ["A1"]
person_name = ["name"]
find = [
  {by = "email", columns = ["email"], exact = ["plain"]},
  {by = "phone", columns = ["phone"], exact = ["plain", "national"]},
  {by = "personnummer", columns = ["pnr"], exact = ["plain", "long"]},
  {by = "customer_no", columns = ["no"], exact = ["plain"]},
]
fields = [
  {column = "no", label = {sv = "Nummer", en = "Number"}, category = "identity", asserted_by = "company"},
  {column = "name", label = {sv = "Namn", en = "Name"}, category = "identity", asserted_by = "company"},
  {column = "email", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
  {column = "phone", label = {sv = "Telefon", en = "Phone"}, category = "contact", asserted_by = "company"},
  {column = "pnr", label = {sv = "Personnummer", en = "Number"}, category = "identity", asserted_by = "company"},
]
[[object]]
name = "order"
label = {sv = "Order", en = "Order"}
table = "purchase"
key = "id"
activities = ["A1"]
reached_from = [{object = "customer", their = "no", ours = "customer"}]
fields = [
  {column = "customer", label = {sv = "Kund", en = "Customer"}, category = "identity", asserted_by = "company"},
  {column = "what", label = {sv = "Vara", en = "Goods"}, category = "order", asserted_by = "company"},
  {column = "note", label = {sv = "Notering", en = "Note"}, category = "note", free_text = true},
]
"""


def measure(given: argparse.Namespace) -> Iterator[Figure]:
    yield _rounds()
    for name, database in _DATABASES.items():
        if name == "postgresql" and given.small:
            continue
        with database(given.customers) as url:
            yield from _finds(url, given.customers, name)


def _rounds() -> Figure:
    email = Identifier(type=IdentifierType.EMAIL, value="asa@example.se")
    number = Identifier(type=IdentifierType.CUSTOMER_NO, value="K1")
    systems = {str(at): Slow(seconds, (number,)) for at, seconds in enumerate(ROUND_SECONDS)}
    factor = min(_timed(lambda: search(systems, [email], now=NOW)) for _ in range(3)) / (2 * max(ROUND_SECONDS))
    return Figure(
        what=f"search: two rounds over {len(systems)} systems",
        value=factor,
        unit="times",
        most=ROUND_LIMIT,
        against="the slowest system",
    )


def _finds(url: str, customers: int, database: str) -> Iterator[Figure]:
    system = open_connector(
        "sql", name="crm", declaration=parse_declaration(DECLARATION, source="bench"), options={"url": url}
    )
    for type_, value in _row_identifiers(customers // 2, customers):
        identifier = Identifier(type=type_, value=value)
        taken = min(_timed(partial(_one, system, identifier)) for _ in range(3))
        what = f"search: one of {customers:,} by {type_.value}, {database}"
        yield Figure(what=what, value=taken * 1000, unit="ms", most=FIND_LIMIT_SECONDS * 1000)
    yield _streams(system, database)


def _one(system: Searches, identifier: Identifier) -> None:
    answer = system.search([identifier], read_at=NOW)
    assert len(answer.records) == 1, "the customer must be found"


def _streams(system: Searches, database: str) -> Figure:
    """The customer with number 0 has RECORDS orders."""
    before = _resident_mb()
    peak = [before]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak.append(_resident_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    result = search({"crm": system}, [Identifier(type=IdentifierType.CUSTOMER_NO, value="K0")], now=NOW)
    done.set()
    watcher.join()
    count = len(result.records)
    more = max(peak) - before
    assert count == RECORDS + 1
    what = f"search: more memory for a person with {count:,} records, {database}"
    return Figure(what=what, value=more, unit="MB", most=MEMORY_LIMIT_MB)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _row_identifiers(number: int, customers: int) -> list[tuple[IdentifierType, str]]:
    no, _, email, phone, pnr = _row(number, customers)
    return [
        (IdentifierType.CUSTOMER_NO, no),
        (IdentifierType.EMAIL, email),
        (IdentifierType.PHONE, phone),
        (IdentifierType.PERSONNUMMER, pnr.replace("-", "")),
    ]


def _row(number: int, customers: int) -> tuple[str, str, str, str, str]:
    """Made up by arithmetic: ten million of them need no checking."""
    pnr = f"20{number % 100:02}{1 + number % 12:02}{1 + number % 28:02}-{number // 1000 % 10000:04}"
    if number == customers // 2:
        pnr = "19121212-1212"
    return f"K{number}", f"Person {number}", f"person.{number}@example.se", f"+467{number:08}", pnr


def _rows(customers: int) -> Iterator[tuple[str, str, str, str, str]]:
    return (_row(number, customers) for number in range(customers))


def _orders() -> Iterator[tuple[int, str, str, str]]:
    dice = random.Random(1)
    for number in range(RECORDS):
        yield number, "K0", f"Toner {dice.randrange(1000)}", f"Levererad till receptionen, kolli {number}"


_INDEXES = (
    *(f"CREATE INDEX customer_{column} ON customer ({column})" for column in ("email", "phone", "pnr")),
    "CREATE INDEX purchase_customer ON purchase (customer)",
)


@contextmanager
def _sqlite(customers: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crm.db"
        fill_sqlite(path, customers)
        yield f"sqlite:///{path}"


def fill_sqlite(path: Path, customers: int) -> None:
    """So many customers, and the orders of the first."""
    with sqlite3.connect(path) as database:
        database.executescript("""
            PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
            CREATE TABLE customer (no TEXT PRIMARY KEY, name TEXT, email TEXT, phone TEXT, pnr TEXT) WITHOUT ROWID;
            CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer TEXT, what TEXT, note TEXT);
        """)
        database.executemany("INSERT INTO customer VALUES (?, ?, ?, ?, ?)", _rows(customers))
        database.executemany("INSERT INTO purchase VALUES (?, ?, ?, ?)", _orders())
        for statement in _INDEXES:
            database.execute(statement)
    database.close()


@contextmanager
def _postgresql(customers: int) -> Iterator[str]:
    with running_postgresql() as server:
        url = server.new_database()
        with psycopg.connect(url.replace("+psycopg", "")) as database:
            _fill_postgresql(database, customers)
        yield url


def _fill_postgresql(database: psycopg.Connection[tuple[int]], customers: int) -> None:
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE customer (no text PRIMARY KEY, name text, email text, phone text, pnr text)")
        cursor.execute("CREATE TABLE purchase (id bigint PRIMARY KEY, customer text, what text, note text)")
        for table, rows in (("customer", _rows(customers)), ("purchase", _orders())):
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        for statement in _INDEXES:
            cursor.execute(statement)
    database.commit()


_DATABASES = {"sqlite": _sqlite, "postgresql": _postgresql}


if __name__ == "__main__":
    run(__doc__, measure, full={"customers": CUSTOMERS}, usual={"customers": 1_000_000}, small={"customers": 10_000})
