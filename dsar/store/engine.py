"""
A database URL -> Store -> Transaction.

SQLite runs in WAL mode with full synchronous commits (a committed mail survives a power cut) and takes its write lock
when the transaction begins, so that two processes queue up instead of failing half-way; what only reads takes none.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlmodel import Session

from dsar.errors import DatabaseUnavailableError
from dsar.store.audit import AuditQueries
from dsar.store.cases import CaseQueries
from dsar.store.challenges import ChallengeQueries
from dsar.store.health import HealthQueries
from dsar.store.letters import LetterQueries
from dsar.store.mail import MailQueries
from dsar.store.plans import PlanQueries
from dsar.store.retention import RetentionQueries
from dsar.store.statistics import StatisticsQueries
from dsar.store.tasks import TaskQueries
from dsar.store.turns import TurnQueries
from dsar.store.version import VersionQueries
from dsar.tls import libpq_tls

_SQLITE_PRAGMAS = (
    "PRAGMA page_size=16384",  # of a new file: a mail of 20 kB takes two pages instead of six; first, to count
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=15000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
)


#: Execution option of a transaction that only reads.
READ_ONLY = "dsar_read_only"


def open_engine(url: str) -> sa.Engine:
    """
    Engine for *url* with the settings that our promises need.

    Raises: DatabaseUnavailableError if the URL cannot be understood, would travel unproven, or its driver is missing.
    """
    try:
        parsed = sa.make_url(url)
        is_server = parsed.get_backend_name() != "sqlite"
        arguments: dict[str, object] = {**_LOST_LINE, "connect_timeout": 10, **_tls(parsed)} if is_server else {}
        engine = sa.create_engine(parsed, connect_args=arguments, pool_pre_ping=is_server)  # a file does not hang up
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise DatabaseUnavailableError(f"its URL is wrong or its driver is missing ({type(error).__name__})") from None
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        sa.event.listen(engine, "connect", _notice_lost_lines)
        sa.event.listen(engine, "begin", _begun_elsewhere)
    return engine


def _tls(url: sa.URL) -> dict[str, str]:
    try:
        return libpq_tls(url.host, url.query)
    except ValueError as error:
        raise DatabaseUnavailableError(str(error)) from None


#: Without a word of the other side for about 20 s a line is lost, for us and for the server alike. Left to themselves
#: both wait for hours: we for an answer, and everybody else for what our transaction has locked.
_LOST_LINE = {"keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
_SERVERS_SIDE = "".join(
    f"SET {name.replace('keepalives_', 'tcp_keepalives_')} = {value};" for name, value in _LOST_LINE.items()
)


def _notice_lost_lines(connection: DBAPIConnection, _record: object) -> None:
    connection.autocommit = True
    connection.cursor().execute(_SERVERS_SIDE)
    connection.autocommit = False


def _begun_elsewhere(connection: sa.Connection) -> None:
    if connection.get_execution_options().get(READ_ONLY):
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _prepare_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "do_connect")
    def connecting(*_details: object) -> None:
        _create_private(engine.url.database or "")

    @sa.event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, below
        for pragma in _SQLITE_PRAGMAS:
            connection.execute(pragma)

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        reads = bool(connection.get_execution_options().get(READ_ONLY))
        connection.exec_driver_sql(f"PRAGMA query_only={reads:d}")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _create_private(path: str) -> None:
    """
    Create a database file that only its owner may read; SQLite gives what it writes beside it the same mode.

    One that is there is never opened: to close it would end all locks that this process holds on it through SQLite
    (https://sqlite.org/howtocorrupt.html section 2.2), and the next process that closes the database would take itself
    for the last one and remove the log that we still write to. Where creating fails, SQLite says so in its own words.
    """
    if path and not path.startswith((":memory:", "file:")):
        with suppress(OSError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


@contextmanager
def translated() -> Iterator[None]:
    """Foreign errors of an unreachable, locked, full, damaged or unprepared database: DatabaseUnavailableError."""
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.DataError):
        raise  # our own mistakes
    except (sa.exc.DatabaseError, sa.exc.InterfaceError) as error:
        raise DatabaseUnavailableError(_cause(error)) from error


def _cause(error: sa.exc.DBAPIError) -> str:
    text = str(error.orig).lower()
    known = {
        "no such table": "it has no tables yet; run 'dsar db upgrade'",
        "no such column": "its tables are of an earlier version; run 'dsar db upgrade'",
        "does not exist": "it has no tables yet, or does not exist; run 'dsar db upgrade'",
        "unable to open": "the file cannot be opened",
        "readonly": "it is read-only",
        "not a database": "the file is damaged or no database",
        "malformed": "the file is damaged or no database",
        "disk is full": "the disk is full",
        "locked": "another process holds it for too long",
        "refused": "the server does not answer",
        "password": "the login was refused",
    }
    return next((words for sign, words in known.items() if sign in text), type(error.orig).__name__)


class Transaction(
    MailQueries,
    CaseQueries,
    ChallengeQueries,
    LetterQueries,
    PlanQueries,
    TaskQueries,
    TurnQueries,
    AuditQueries,
    StatisticsQueries,
    HealthQueries,
    RetentionQueries,
    VersionQueries,
):
    """Everything that can be asked of and written to the database in one transaction."""


class Store:
    """The database of dsar."""

    def __init__(self, url: str) -> None:
        """Args: url: SQLAlchemy URL of a SQLite file or a PostgreSQL database. Nothing is opened yet."""
        self.engine = open_engine(url)
        self._engines = {only: self.engine.execution_options(**{READ_ONLY: only}) for only in (False, True)}
        self._thread = threading.local()

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[Transaction]:
        """
        One transaction: committed at the end of the block, rolled back if it raises.

        Args: read_only: the database refuses whatever would write; on SQLite others may write meanwhile.
        Raises: DatabaseUnavailableError; RuntimeError inside another one, for which it would wait in vain.
        """
        if getattr(self._thread, "busy", False):
            raise RuntimeError("a transaction is open already; pass it on")
        self._thread.busy = True
        try:
            with translated(), Session(self._engines[read_only], expire_on_commit=False) as session, session.begin():
                yield Transaction(session)
        finally:
            self._thread.busy = False

    def truncate_log(self) -> None:
        """Leave no trace of deleted rows in SQLite's write-ahead log; deleted cells themselves are overwritten."""
        truncate_log(self.engine)

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def truncate_log(engine: sa.Engine) -> None:
    """Write a SQLite database's log into it and empty the log; nothing elsewhere. Raises: DatabaseUnavailableError."""
    if engine.dialect.name == "sqlite":
        with translated(), closing(engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")  # outside any transaction
