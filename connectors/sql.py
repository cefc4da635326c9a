"""
A database -> what it holds about a person, and approved changes to it.

Effects: reads the database at `url` through a session that cannot write; writes to `write_url` only, one transaction
per step. Table and column names come from the declaration alone, values are always bound parameters. Error texts of
drivers hold values, so only their class and code are passed on (P9).

Options: `url`; `write_url` (without it the system is only searched); `ca_file` (PEM file with the only CAs to trust);
`timeout_seconds` (default 30). A server on another machine is spoken to over proven TLS only.
"""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, NoSuchTableError
from sqlalchemy.pool import NullPool

from connectors import attached, check_options, plans, privileges, residue
from connectors.declared import Row, canary_found, looked_up, search_rows
from connectors.matching import as_text, narrowing
from connectors.residue import CHUNK, bound
from connectors.slots import in_form
from connectors.turns import InTurn
from connectors.unpacking import unpacked
from dsar.connector import LARGEST_DOCUMENT_BYTES, Health, SearchAnswer
from dsar.declaration import Declaration, DeclaredObject, Find
from dsar.errors import (
    DsarError,
    SettingsError,
    SystemContractError,
    SystemRefusedError,
    SystemUnavailableError,
)
from dsar.model import Document, Identifier, PlanStep, Record, StepOutcome
from dsar.tls import libpq_tls, mysql_tls

#: Drivers that our extras install, for URLs that name none.
_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
_OPTIONAL = frozenset({"write_url", "ca_file", "timeout_seconds"})
#: SQLSTATE (PostgreSQL) or error number (MariaDB) -> what the declaration or the role got wrong.
_NOT_AS_DECLARED = frozenset({"42703", "42P01", "42883", "22P02", 1054, 1146})
_REFUSED = frozenset({"42501", "25006", "P0001", 1044, 1142, 1143, 1290, 1644, 1792})


def open_sql(*, name: str, declaration: Declaration, options: Mapping[str, str]) -> "SqlReader":
    """A SqlEditor where `write_url` is set, else a SqlReader. Raises: SettingsError."""
    check_options(name, options, required=frozenset({"url"}), optional=_OPTIONAL)
    timeout, ca_file = options.get("timeout_seconds", "30"), options.get("ca_file", "")
    if not timeout.isdecimal():
        raise SettingsError([f"system {name}: timeout_seconds is no whole number"])
    reading = _engine(name, options["url"], writes=False, timeout_seconds=int(timeout), ca_file=ca_file)
    if "write_url" not in options:
        return SqlReader(name=name, declaration=declaration, reading=reading)
    writing = _engine(name, options["write_url"], writes=True, timeout_seconds=int(timeout), ca_file=ca_file)
    return SqlEditor(name=name, declaration=declaration, reading=reading, writing=writing)


class SqlReader(InTurn):
    """Searches any database that SQLAlchemy speaks, and fetches the documents in it."""

    def __init__(self, *, name: str, declaration: Declaration, reading: sa.Engine) -> None:
        self.name = name
        self._declaration = declaration
        self._reading = reading
        self._bear(declaration.rate)

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        with self._tables(self._reading) as tables:
            records, emits = search_rows(tables, self._declaration, identifiers, system=self.name, read_at=read_at)
        return SearchAnswer(records=records, complete=True, emits=emits)

    def health(self) -> Health:
        try:
            with self._tables(self._reading) as tables:
                found = canary_found(tables, self._declaration)
                notes = tuple(tables.notes(self._declaration))
        except DsarError as error:
            return Health(ok=False, detail=str(error))
        detail = "the canary person is not found" if found is False else ""
        return Health(ok=found is not False, detail=detail, notes=notes)

    def fetch(self, record: Record, document: Document) -> bytes:
        declared = self._declaration.object(record.object, record.key)
        entry = declared.documents[int(document.place)]
        with self._tables(self._reading) as tables:
            content = tables.content(declared, record.key, entry.content or "")
        if content is not None:
            content = attached.opened(self.name, entry, content)
        return attached.checked(record, document, content)

    def look_up(self, object_: str, key: str, *, read_at: datetime) -> Record | None:
        declared = self._declaration.object(object_, key)
        with self._tables(self._reading) as tables:
            row = tables.by_key(declared, key)
            return looked_up(declared, row, system=self.name, read_at=read_at, rows=tables) if row else None

    @contextmanager
    def _tables(self, engine: sa.Engine) -> Iterator["_Tables"]:
        """The declared tables inside one transaction, with the errors of the driver translated."""
        with self._turns.turn(), transaction(self.name, engine) as connection:
            tables = _Tables(self.name, connection)
            tables.check(self._declaration)
            yield tables


class SqlEditor(plans.Planner, SqlReader):
    """Searches, and carries out approved steps through a role of its own."""

    def __init__(self, *, name: str, declaration: Declaration, reading: sa.Engine, writing: sa.Engine) -> None:
        super().__init__(name=name, declaration=declaration, reading=reading)
        self._writing = writing

    def health(self) -> Health:
        health = super().health()
        return replace(health, notes=(*health.notes, *self._notes_on_changes())) if health.ok else health

    def _notes_on_changes(self) -> Iterator[str]:
        """What stands in the way of changes, and of nothing else."""
        try:
            with self._turns.turn(), transaction(self.name, self._writing) as connection:
                lacks = privileges.lacking(connection, self._declaration)
        except DsarError as error:
            yield f"the account that changes cannot be used: {error}"
        else:
            if lacks:
                yield f"the account that changes lacks rights: {', '.join(lacks)}"

    def apply(self, step: PlanStep, *, key: str) -> None:
        declared = self._declaration.object(step.object, step.key)
        with self._tables(self._writing) as tables:
            row = tables.by_key(declared, step.key, lock=True)
            writes = plans.due_writes(self._declaration, step, row)
            if row is not None and writes != {}:
                tables.delete(declared, step.key) if writes is None else tables.update(declared, step.key, writes)
            if step.action in plans.REMOVING:
                residue.remove(tables.connection, declared, step.key, plans.values_before(step))

    def verify(self, step: PlanStep) -> StepOutcome:
        declared = self._declaration.object(step.object, step.key)
        with self._tables(self._reading) as tables:
            outcome = plans.outcome(step, tables.by_key(declared, step.key))
            if step.action not in plans.REMOVING:
                return outcome
            left = residue.count(tables.connection, declared, step.key, plans.values_before(step))
            return plans.with_residue(outcome, left)


class _Tables:
    """The declared tables over one connection."""

    def __init__(self, system: str, connection: sa.Connection) -> None:
        self._system = system
        self.connection = connection

    def check(self, declaration: Declaration) -> None:
        """
        Raises: SystemContractError if a declared table or column is missing.

        SQLite only: it reads an unknown quoted column as a text of that name, where the others raise an error.
        """
        if self.connection.dialect.name != "sqlite":
            return
        inspector = sa.inspect(self.connection)
        for declared in declaration.objects:
            try:
                stored = {column["name"] for column in inspector.get_columns(_table(declared).name)}
            except NoSuchTableError:
                raise SystemContractError(self._system, f"there is no table for {declared.name!r}") from None
            wanted = (*declared.stored_columns, *filter(None, (each.content for each in declared.documents)))
            if missing := [column for column in wanted if column not in stored]:
                raise SystemContractError(self._system, f"{declared.name!r} lacks {', '.join(missing)}")

    def notes(self, declaration: Declaration) -> Iterator[str]:
        """Whether the account that searches could write if its sessions let it."""
        may = privileges.writable(self.connection, declaration)
        if may is None:
            yield f"nobody has checked that the account that searches only reads ({self.connection.dialect.name})"
        elif may:
            yield f"the account that searches may also write: {', '.join(may)}; its sessions do not, but give it less"

    def candidates(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterator[Row]:
        if find.exact:
            return self._exactly(declared, find, identifiers)
        fields = [declared.field(column) for column in find.columns]
        if any(each.packed for each in fields):
            return self._rows(declared, sa.true())  # no database can look into what is packed
        patterns = {_pattern(narrowing(identifier)) for identifier in identifiers}
        columns = [_lower(each.stored_in or each.column) for each in fields]
        likes = [column.like(pattern, escape="!") for column in columns for pattern in patterns]
        return self._rows(declared, sa.or_(*likes))

    def _exactly(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterator[Row]:
        """One query per column, each of which its index answers."""
        forms = sorted({in_form(form, each.value) for each in identifiers for form in find.exact})
        for column in find.columns:
            stored: Any = sa.column(declared.field(column).stored_in or column)
            where = (sa.func.lower(stored) if find.lower else stored).in_([bound(form) for form in forms])
            yield from self._rows(declared, where)

    def having(self, declared: DeclaredObject, column: str, values: Collection[str]) -> Iterator[Row]:
        ordered = sorted(values)
        for start in range(0, len(ordered), CHUNK):
            chunk = [bound(value) for value in ordered[start : start + CHUNK]]
            yield from self._rows(declared, sa.column(column).in_(chunk))

    def combinations(self, declared: DeclaredObject, columns: Sequence[str]) -> Mapping[tuple[str, ...], int] | None:
        if any(declared.field(column).packed for column in columns):
            return Counter(tuple(row.values[column] for column in columns) for row in self._rows(declared, sa.true()))
        stored: Any = [sa.column(declared.field(column).stored_in or column) for column in columns]
        query = sa.select(*stored, sa.func.count()).select_from(_table(declared)).group_by(*stored)
        counts: Counter[tuple[str, ...]] = Counter()  # as text "" and NULL are one
        for *values, count in self.connection.execute(query):
            counts[tuple(map(as_text, values))] += count
        return counts

    def by_key(self, declared: DeclaredObject, key: str, *, lock: bool = False) -> Row | None:
        """The one row with *key*. Raises: SystemContractError if the declared key names several."""
        rows = list(self._rows(declared, _key_is(declared, key), lock=lock))
        if len(rows) > 1:
            raise SystemContractError(self._system, f"the key of {declared.name!r} names several rows")
        return rows[0] if rows else None

    def content(self, declared: DeclaredObject, key: str, column: str) -> bytes | None:
        """What the one row with *key* holds in *column*; None if nothing does. Raises: SystemContractError."""
        stored: Any = sa.column(column)
        own = sa.select(sa.func.length(stored)).select_from(_table(declared)).where(_key_is(declared, key))
        sizes = self.connection.execute(own).scalars().all()
        if len(sizes) != 1 or not sizes[0]:
            return None
        if sizes[0] > 3 * LARGEST_DOCUMENT_BYTES:  # packed at worst; not a byte of it is read
            raise SystemContractError(self._system, "a document is larger than any should be; a person has to bring it")
        query = sa.select(stored).select_from(_table(declared)).where(_key_is(declared, key))
        content = self.connection.execute(query).scalar_one()
        return content.encode() if isinstance(content, str) else bytes(content)

    def update(self, declared: DeclaredObject, key: str, writes: Mapping[str, str]) -> None:
        table = _table(declared)
        nullable = residue.nullable(self.connection, table.name, table.schema)
        values = {
            column: sa.null() if text == "" and nullable.get(column) else bound(text) for column, text in writes.items()
        }
        self.connection.execute(sa.update(table).where(_key_is(declared, key)).values(values))

    def delete(self, declared: DeclaredObject, key: str) -> None:
        self.connection.execute(sa.delete(_table(declared)).where(_key_is(declared, key)))

    def _rows(self, declared: DeclaredObject, where: sa.ColumnElement[bool], *, lock: bool = False) -> Iterator[Row]:
        columns = declared.stored_columns
        # Documents are told by their length and fetched one by one: nobody's search reads a gigabyte of contracts.
        sizes: Any = [sa.func.length(sa.column(each.content or "")) for each in declared.documents]
        query: Any = sa.select(*map(sa.column, columns), *sizes).select_from(_table(declared)).where(where)
        # A stream: who has ten thousand orders must not fill the memory of the driver.
        query = query.with_for_update() if lock else query.execution_options(yield_per=1000)
        packed = [each for each in declared.fields if each.packed or each.stored_in]
        for row in self.connection.execute(query):
            stored = dict(zip(columns, row, strict=False))
            values = {column: as_text(value) for column, value in stored.items()}
            values |= {
                each.column: unpacked(self._system, each, stored[each.stored_in or each.column]) for each in packed
            }
            documents = _documents(declared, values, row[len(columns) :])
            yield Row(key=values[declared.key or ""], values=values, documents=tuple(documents))


def _documents(declared: DeclaredObject, values: Mapping[str, str], sizes: Sequence[Any]) -> Iterator[Document]:
    for number, (each, size) in enumerate(zip(declared.documents, sizes, strict=True)):
        if size:
            yield attached.told(each, values, place=str(number), size=None if each.decode else int(size))


def _table(declared: DeclaredObject) -> sa.TableClause:
    schema, _, table = (declared.table or "").rpartition(".")
    return sa.table(table, *(sa.column(column) for column in declared.stored_columns), schema=schema or None)


def _key_is(declared: DeclaredObject, key: str) -> sa.ColumnElement[bool]:
    return sa.column(declared.key or "") == bound(key)


def _lower(column: str) -> sa.ColumnElement[str]:
    return sa.func.lower(sa.cast(sa.column(column), sa.String))


def _pattern(pieces: Sequence[str]) -> str:
    """A LIKE pattern of *pieces* in order, escaped: % and _ of a requester are only characters (P10)."""
    escaped = (piece.replace("!", "!!").replace("%", "!%").replace("_", "!_") for piece in pieces)
    return "%" + "".join(f"{piece}%" for piece in escaped)


# --------------------------------------------------------------------------------------------- engines and errors


@contextmanager
def transaction(name: str, engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction with the errors of the driver translated, which hold values (P9)."""
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise _translated(name, error) from None


def writing_engine(name: str, url: str, *, ca_file: str | None = None) -> sa.Engine:
    """An engine whose sessions may write. Raises: SettingsError."""
    return _engine(name, url, writes=True, ca_file=ca_file or "")


def reading_engine(name: str, url: str) -> sa.Engine:
    """An engine whose sessions cannot write. Raises: SettingsError."""
    return _engine(name, url, writes=False)


def _engine(name: str, url: str, *, writes: bool, timeout_seconds: int = 30, ca_file: str = "") -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed.database or "", writes=writes, timeout_seconds=timeout_seconds)
        parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
        engine = sa.create_engine(
            parsed,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={
                **_connect_args(parsed.get_backend_name(), writes=writes, timeout_seconds=timeout_seconds),
                **_tls(name, parsed, ca_file),
            },
        )
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise SettingsError([f"system {name}: the database URL cannot be used ({type(error).__name__})"]) from None
    if parsed.get_backend_name() in {"mysql", "mariadb"}:
        _prepare_mariadb(engine, writes=writes, timeout_seconds=timeout_seconds)
    return engine


def _connect_args(backend: str, *, writes: bool, timeout_seconds: int) -> dict[str, object]:
    if backend == "postgresql":
        read_only = "" if writes else "-c default_transaction_read_only=on "
        return {
            "options": f"{read_only}-c statement_timeout={timeout_seconds * 1000}",
            "connect_timeout": timeout_seconds,
        }
    if backend in {"mysql", "mariadb"}:
        return {"connect_timeout": timeout_seconds, "charset": "utf8mb4"}
    return {}


def _tls(name: str, url: sa.URL, ca_file: str) -> Mapping[str, object]:
    """Raises: SettingsError if the server could not be proven."""
    backend = url.get_backend_name()
    try:
        if backend == "postgresql":
            return libpq_tls(url.host, url.query, ca_file=ca_file)
        return mysql_tls(url.host, url.query, ca_file=ca_file) if backend in {"mysql", "mariadb"} else {}
    except OSError:  # ssl.SSLError is one
        raise SettingsError([f"system {name}: ca_file or a file of the database URL cannot be read"]) from None
    except ValueError as error:
        raise SettingsError([f"system {name}: {error}"]) from None


def _prepare_mariadb(engine: sa.Engine, *, writes: bool, timeout_seconds: int) -> None:
    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET SESSION max_statement_time = {timeout_seconds}")
        if not writes:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
        cursor.close()


def _sqlite(path: str, *, writes: bool, timeout_seconds: int) -> sa.Engine:
    uri = f"{Path(path).absolute().as_uri()}?mode={'rw' if writes else 'ro'}"
    engine = sa.create_engine(
        "sqlite://",
        poolclass=NullPool,
        hide_parameters=True,
        creator=lambda: sqlite3.connect(uri, uri=True, timeout=timeout_seconds, isolation_level=None),
    )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # sqlite3 begins no transaction for a SELECT; without one, another writer could slip in before our write.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _translated(system: str, error: DBAPIError) -> DsarError:
    cause = error.orig
    first = cause.args[0] if cause and cause.args else None
    code = first if isinstance(first, int) else getattr(cause, "sqlstate", None) or first
    said = type(cause).__name__ if not isinstance(cause, sqlite3.Error) else getattr(cause, "sqlite_errorname", "")
    if isinstance(code, int):
        said = f"{said} {code}"
    if code in _NOT_AS_DECLARED or (isinstance(code, str) and code.startswith("no such ")):
        return SystemContractError(system, said)
    if isinstance(error, IntegrityError) or code in _REFUSED or said == "SQLITE_READONLY":
        return SystemRefusedError(system, said)
    return SystemUnavailableError(system, said or "database error")
