"""
Real databases for tests: private PostgreSQL and MariaDB servers on free ports, thrown away afterwards.

DSAR_TEST_DATABASE=postgresql puts dsar's own data there, too, wherever a test does not say what kind it wants.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from servers.parts import free_port, missing
from servers.tls import certificates

from dsar.store import Store, migrate
from dsar.store.engine import open_engine

_POSTGRESQL = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_START_SECONDS = 180  # on a machine that does much else
_MARIADB = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running database server with a superuser that needs no password."""

    url: str  #: SQLAlchemy URL up to and including the slash before the database name.
    maintenance: str  #: Database that always exists.
    crash: Callable[[], None] = lambda: None  #: Ends it without a word to anybody, and starts it again.
    parameters: str = ""  #: What follows the database name in a URL.

    def new_database(self, *, called: str = "", template: str = "") -> str:
        """URL of a fresh database: empty, or a copy of *template*."""
        name = called or f"t{uuid.uuid4().hex[:12]}"
        engine = sa.create_engine(self.url + self.maintenance + self.parameters, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}{f' TEMPLATE {template}' if template else ''}")
        engine.dispose()
        return self.url + name + self.parameters


@dataclass(frozen=True, kw_only=True)
class Own:
    """Where dsar keeps its data and its keys, as its settings say it; the tables are made, and empty."""

    url: str
    keys_url: str

    def rows(self, folder: Path, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """What one statement of SQL answers, behind the back of the program in *folder*; nothing if it writes."""
        engine = open_engine(self.url.replace("sqlite:///", f"sqlite:///{folder}/"))
        try:
            with engine.begin() as connection:
                result = connection.execute(sa.text(statement), values)
                return [tuple(row) for row in result] if result.returns_rows else []
        finally:
            engine.dispose()


#: Where dsar's own data lie in tests that do not say it: what `make test` and `make test-distributed` differ in.
KIND = os.environ.get("DSAR_TEST_DATABASE", "sqlite")


_OWN_SERVER: list[Server] = []


@pytest.fixture(scope="session", autouse=KIND == "postgresql")
def own_server(postgresql: Server) -> None:
    """Have dsar's own data in PostgreSQL: new databases are copies of one whose tables are made."""
    store = Store(postgresql.new_database(called="dsar_template"))
    migrate.upgrade(store.engine)
    store.close()
    _OWN_SERVER.append(postgresql)


def own(folder: Path) -> Own:
    """New databases for the installation in *folder*."""
    if not _OWN_SERVER:
        store = Store(f"sqlite:///{folder}/dsar.db")
        migrate.upgrade(store.engine)
        store.close()
        return Own(url="sqlite:///dsar.db", keys_url="sqlite:///dsar-keys.db")
    (server,) = _OWN_SERVER
    return Own(url=server.new_database(template="dsar_template"), keys_url=server.new_database())


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    if not _POSTGRESQL:
        missing("PostgreSQL")
    with running_postgresql() as server:
        yield server


@contextmanager
def running_postgresql(reached_at: str = "127.0.0.1") -> Iterator[Server]:
    """A private PostgreSQL server, thrown away afterwards. Args: reached_at: our address for machines beside this."""
    tools = _POSTGRESQL[-1]
    port = free_port()
    with _home("postgres") as (home, as_user):
        data = str(home / "data")
        _run([*as_user, str(tools / "initdb"), "-D", data, "-U", "dsar", "-A", "trust", "-E", "UTF8", "--no-sync"])
        with (home / "data" / "pg_hba.conf").open("a", encoding="ascii") as admitted:
            admitted.write("host all all samenet trust\n")
        command = [*as_user, str(tools / "postgres"), "-D", data, "-p", str(port), "-k", str(home), "-F"]
        command += ["-c", f"listen_addresses=127.0.0.1,{reached_at}"]
        url, proven = f"postgresql+psycopg://dsar@{reached_at}:{port}/", ""
        if reached_at != "127.0.0.1":  # dsar speaks to other machines by proven TLS only
            encrypted, proven = _encrypted(home, reached_at)
            command += encrypted
        with _running(command, f"{url}postgres{proven}") as start_again:

            def crash() -> None:
                first = int((home / "data" / "postmaster.pid").read_text().split()[0])
                os.kill(first, signal.SIGQUIT)  # immediate shutdown: every connection is cut
                start_again()

            yield Server(url=url, maintenance="postgres", crash=crash, parameters=proven)


def _encrypted(home: Path, address: str) -> tuple[list[str], str]:
    """What makes PostgreSQL speak TLS at *address*, and what a URL says in order to believe it."""
    ca, pair = certificates(home, address=address), home / "good.pem"
    shutil.chown(pair, home.owner())
    pair.chmod(0o600)
    return ["-c", "ssl=on", "-c", f"ssl_cert_file={pair}", "-c", f"ssl_key_file={pair}"], f"?sslrootcert={ca}"


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    if _MARIADB is None:
        missing("MariaDB")
    port = free_port()
    with _home("mysql") as (home, as_user):
        # a server that starts removes from its --tmpdir what looks like temporary tables, those of others too
        own = ("--no-defaults", f"--datadir={home / 'data'}", f"--tmpdir={home}")
        _run([*as_user, "mariadb-install-db", *own, "--auth-root-authentication-method=normal"])
        command = [
            *as_user, _MARIADB, *own, f"--port={port}", f"--socket={home / 'socket'}",
            "--bind-address=127.0.0.1", f"--pid-file={home / 'pid'}", "--character-set-server=utf8mb4",
            "--innodb-flush-log-at-trx-commit=0",
        ]  # fmt: skip
        url = f"mariadb+pymysql://root@127.0.0.1:{port}/"
        with _running(command, url + "mysql"):
            yield Server(url=url, maintenance="mysql")


@contextmanager
def _home(owner: str) -> Iterator[tuple[Path, Sequence[str]]]:
    """A directory, and the prefix that runs a command as its owner: database servers refuse to run as root."""
    home = Path(tempfile.mkdtemp(prefix="dsar-db-"))
    as_user: Sequence[str] = ()
    if os.geteuid() == 0:
        user = owner if _exists(owner) else "nobody"
        shutil.chown(home, user)
        as_user = ("runuser", "-u", user, "--")
    try:
        yield home, as_user
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(command: Sequence[str], url: str) -> Iterator[Callable[[], None]]:
    """Yields what waits for the server's end and starts it again."""

    def start() -> subprocess.Popen[bytes]:
        started = subprocess.Popen(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_for(url, started)
        return started

    server = start()

    def start_again() -> None:
        nonlocal server
        server.wait()
        server = start()

    try:
        yield start_again
    finally:
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    engine = sa.create_engine(url)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with engine.connect():
                break
        except sa.exc.OperationalError:
            assert server.poll() is None, "the database server ended at once"
            assert time.monotonic() < deadline, "the database server did not start"
            time.sleep(0.1)
    engine.dispose()


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, cwd="/", check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
