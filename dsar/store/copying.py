"""
All rows of a database -> lines that know no product, and back: SQLite or PostgreSQL, from one to the other, too.

Effects: reads a database, in one snapshot; fills an empty one, in one transaction.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from dsar.errors import UsageError
from dsar.store.engine import READ_ONLY, translated

#: Where alembic notes the version of the tables; the first line names it instead.
_VERSION_TABLE = "alembic_version"
#: Rows of one line.
_AT_ONCE = 200


def lines(engine: sa.Engine) -> Iterator[bytes]:
    """
    First what the copy is of, {"revision", "anchor": {"sealed", "head"}}, then {"table", "columns", "rows"}.

    The anchor is the head of the audit trail as copied; None where there is no trail. Raises: DatabaseUnavailableError.
    """
    options: dict[str, object] = {READ_ONLY: True}
    if engine.dialect.name != "sqlite":  # whose read transactions are snapshots anyway
        options["isolation_level"] = "REPEATABLE READ"
    with translated(), engine.execution_options(**options).connect() as connection:
        tables = sa.MetaData()
        tables.reflect(connection)
        yield _line({"revision": _revision(connection, tables), "anchor": _anchor(connection, tables)})
        for table in tables.sorted_tables:
            if table.name != _VERSION_TABLE:
                yield from _lines_of(connection, table)


def _revision(connection: sa.Connection, tables: sa.MetaData) -> str | None:
    table = tables.tables.get(_VERSION_TABLE)
    return None if table is None else connection.scalar(sa.select(table.c.version_num))


def _anchor(connection: sa.Connection, tables: sa.MetaData) -> dict[str, object] | None:
    seals = tables.tables.get("seal")
    if seals is None:
        return None
    query = sa.select(seals.c.position, seals.c.digest).order_by(seals.c.position.desc()).limit(1)
    last = connection.execute(query).one_or_none()
    return None if last is None else {"sealed": last.position, "head": last.digest}


def _lines_of(connection: sa.Connection, table: sa.Table) -> Iterator[bytes]:
    columns = [column.name for column in table.columns]
    query = sa.select(table).order_by(*table.primary_key.columns)
    result = connection.execution_options(yield_per=_AT_ONCE).execute(query)
    for rows in result.partitions():
        yield _line(
            {"table": table.name, "columns": columns, "rows": [[_told(value) for value in row] for row in rows]}
        )


def _line(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def is_empty(engine: sa.Engine) -> bool:
    """Whether no table holds a row. Raises: DatabaseUnavailableError."""
    with translated(), engine.connect() as connection:
        tables = sa.MetaData()
        tables.reflect(connection)
        return not any(
            connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
            for table in tables.sorted_tables
            if table.name != _VERSION_TABLE
        )


def fill(engine: sa.Engine, content: Iterable[bytes]) -> int:
    """
    Write the rows of *content*, lines without the first, into tables of the same revision; how many.

    Raises: UsageError if a table or column is not there; DatabaseUnavailableError.
    """
    count = 0
    with translated(), engine.begin() as connection:
        tables = sa.MetaData()
        tables.reflect(connection)
        for line in content:
            told = json.loads(line)
            table = tables.tables.get(told["table"])
            if table is None or set(told["columns"]) - set(table.columns.keys()):
                raise UsageError(f"The backup has a table {told['table']} that this version does not know.")
            rows = [dict(zip(told["columns"], map(_meant, row), strict=True)) for row in told["rows"]]
            connection.execute(sa.insert(table), rows)
            count += len(rows)
        if engine.dialect.name == "postgresql":
            _count_on(connection, tables)
    return count


def _count_on(connection: sa.Connection, tables: sa.MetaData) -> None:
    """Numbers that the database gives go on after those that were written."""
    for table in tables.sorted_tables:
        for column in table.primary_key.columns:
            sequence = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name)))
            last = connection.scalar(sa.select(sa.func.max(column))) if sequence else None
            if last is not None:
                connection.execute(sa.select(sa.func.setval(sequence, last)))


def _told(value: object) -> object:
    """A value in JSON; what JSON has no form for, and what is JSON itself, under the letter of its kind."""
    match value:
        case bytes() | memoryview():
            return {"b": base64.b64encode(value).decode("ascii")}
        case datetime():
            at = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)  # SQLite keeps no zone
            return {"t": at.isoformat()}
        case date():
            return {"d": value.isoformat()}
        case dict() | list():
            return {"j": value}
    return value


def _meant(told: Any) -> object:  # noqa: ANN401  # whatever JSON holds
    if not isinstance(told, dict):
        return told
    ((kind, value),) = told.items()
    match kind:
        case "b":
            return base64.b64decode(value)
        case "t":
            return datetime.fromisoformat(value)
        case "d":
            return date.fromisoformat(value)
    return value
