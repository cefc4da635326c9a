"""Many cases whose search is due, and workers on two simulated machines that share them; see tests/servers/hosts.py."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import Popen

import sqlalchemy as sa
from databases import Own, running_postgresql
from office import open_office
from servers.hosts import Network, network

from dsar.casework import identifying
from dsar.store import Store, migrate

_DECLARATION = """
name = "crm"
kind = "sql"
label = {sv = "Kunder", en = "Customers"}
[[object]]
name = "customer"
label = {sv = "Kund", en = "Customer"}
table = "customer"
key = "no"
activities = ["A1"]
find = [{by = "email", columns = ["email"], exact = ["plain"]}]
fields = [
  {column = "no", label = {sv = "Nummer", en = "Number"}, category = "identity", asserted_by = "company"},
  {column = "email", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
]
"""
_REQUEST = "Hej! Jag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack."
_WORKER = """
import signal, sys, threading
from pathlib import Path
from dsar import crew
from dsar.wiring import open_session
asked = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: asked.set())
with open_session(Path(sys.argv[1])) as session, crew.beating(session.app):
    crew.work(session.tools, stopped=asked.is_set)
"""


@dataclass
class Crowd:
    """An installation whose cases wait for a system that lets one wait."""

    settings: Path
    store: Store
    network: Network
    cases: int

    @contextmanager
    def workers(self, count: int) -> Iterator[Sequence["Popen[bytes]"]]:
        """So many workers, on the machines in turns, once all of them live."""
        command = [sys.executable, "-c", _WORKER, str(self.settings)]
        hosts = self.network.hosts
        logs = [self.settings.parent / f"worker{number}.log" for number in range(count)]
        processes = [hosts[number % len(hosts)].start(command, errors=log) for number, log in enumerate(logs)]

        def all_live() -> bool:
            ended = [log.read_text() for log, each in zip(logs, processes, strict=True) if each.poll() is not None]
            assert not ended, f"a worker ended by itself: {ended}"
            return self.count("SELECT count(*) FROM worker") == count

        try:
            self.wait_for(all_live)
            yield processes
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(60)

    def make_due(self) -> None:
        """Every search is due, anew; all else waits for another day."""
        with self.store.engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM work"))
            connection.execute(sa.text("UPDATE request SET state = 'searching'"))
        with self.store.transaction() as tx:
            tx.enqueue_new("search", range(1, self.cases + 1), due_at=datetime.now(UTC) - timedelta(seconds=1))

    def await_end(self) -> None:
        """Until no search is due or under way."""
        self.wait_for(lambda: self.count("SELECT count(*) FROM work WHERE step = 'search'") == 0)

    def searched(self) -> list[int]:
        """Of every case, how often the end of a search was recorded."""
        query = "SELECT count(*) FROM event WHERE name = 'searched' AND request_id IS NULL GROUP BY case_id"
        with self.store.engine.connect() as connection:
            return list(connection.scalars(sa.text(query)))

    def count(self, statement: str) -> int:
        """What a statement counts."""
        with self.store.engine.connect() as connection:
            return int(connection.scalar(sa.text(statement)) or 0)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """A busy machine takes long."""
        deadline = time.monotonic() + 600
        while not condition():
            assert time.monotonic() < deadline, "what was waited for did not happen"
            time.sleep(0.02)


@contextmanager
def crowd(folder: Path, *, cases: int, seconds: float) -> Iterator[Crowd]:
    """Args: seconds: that the system takes for an answer."""
    with network("alpha", "beta") as hosts, running_postgresql(hosts.database) as server:
        own = Own(url=server.new_database(), keys_url=server.new_database())
        crm = server.new_database()
        _fill(crm, cases)
        store = Store(own.url)
        migrate.upgrade(store.engine)
        (folder / "crm.toml").write_text(_DECLARATION, "utf-8")
        more = {"system.crm": f"connector = sql\ndeclaration = {folder}/crm.toml\nurl = {crm}"}
        with open_office(folder, more=more, at=own) as office:
            for number in range(1, cases + 1):
                office.receive(f"Person {number} <person{number}@example.se>", _REQUEST)
                identifying.identify(office.app, number, now=datetime.now(UTC))
        _slow_down(crm, seconds)
        yield Crowd(settings=folder / "settings.ini", store=store, network=hosts, cases=cases)
        store.close()


_VIEW = """
CREATE VIEW customer AS
WITH waited AS MATERIALIZED (SELECT pg_sleep(seconds) FROM pace) SELECT person.* FROM person, waited
"""


def _fill(url: str, count: int) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE person (no text PRIMARY KEY, email text)"))
        rows = [{"no": f"K{number}", "email": f"person{number}@example.se"} for number in range(1, count + 1)]
        connection.execute(sa.text("INSERT INTO person VALUES (:no, :email)"), rows)
        connection.execute(sa.text("CREATE TABLE pace AS SELECT CAST(0 AS double precision) AS seconds"))
        connection.execute(sa.text(_VIEW))
    engine.dispose()


def _slow_down(url: str, seconds: float) -> None:
    """Every question takes *seconds*; while the cases were made, none did."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE pace SET seconds = :seconds"), {"seconds": seconds})
    engine.dispose()
