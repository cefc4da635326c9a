"""
(database of a product, record) -> what the product keeps of the record after its own erasure, removed or counted.

Effects: writes to the given connection, inside its transaction. Tables, columns and what overwrites them come from the
declaration alone; the key of the record is always a bound parameter (P10).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jmespath
import sqlalchemy as sa
from sqlalchemy.types import NullType

from connectors.matching import as_text
from dsar.declaration import DeclaredObject, Located, Residue

#: A shorter value stands in texts by chance, and would take the words of others with it.
SHORTEST = 6
#: Most values in one IN list.
CHUNK = 500


def remove(connection: sa.Connection, declared: DeclaredObject, key: str, values: Mapping[str, str]) -> None:
    """
    Remove all that *declared* names as residue of the record with *key*, in the declared order.

    Args: values: {column: what it held when the removal was approved}.
    """
    for residue in declared.residue:
        for row_key in _left(connection, residue, key, values):
            mine = sa.column(residue.key) == bound(row_key)
            table = _table(residue, *residue.set)
            if not residue.set:
                connection.execute(sa.delete(table).where(mine))
                continue
            may_be_null = nullable(connection, table.name, table.schema)
            overwriting: dict[str, Any] = {
                column: sa.null() if text == "" and may_be_null.get(column) else bound(text)
                for column, text in _overwriting(residue, row_key).items()
            }
            connection.execute(sa.update(table).where(mine).values(overwriting))


def count(connection: sa.Connection, declared: DeclaredObject, key: str, values: Mapping[str, str]) -> int:
    """How many rows of residue of the record with *key* are left."""
    return sum(len(_left(connection, residue, key, values)) for residue in declared.residue)


def bound(text: str) -> sa.BindParameter[Any]:
    """*text* as a parameter without a type, so that the database reads it as the type of the column."""
    untyped: Any = NullType()
    return sa.bindparam(None, text, type_=untyped, unique=True)


def nullable(connection: sa.Connection, table: str, schema: str | None) -> dict[str, bool]:
    """{column: whether it may hold nothing}"""
    columns = sa.inspect(connection).get_columns(table, schema=schema)
    return {column["name"]: column["nullable"] for column in columns}


def _left(connection: sa.Connection, residue: Residue, key: str, values: Mapping[str, str]) -> list[str]:
    """Keys of the rows that still hold something; one that is overwritten already is done."""
    if residue.holding:
        return _mentioning(connection, residue, [values.get(column, "") for column in residue.holding])
    rows = _rows(connection, residue, [key], tuple(residue.set))
    if not residue.set:
        return [row_key for row_key, _ in rows]
    return [
        row_key
        for row_key, stored in rows
        if any(stored[column] != text for column, text in _overwriting(residue, row_key).items())
    ]


def _mentioning(connection: sa.Connection, residue: Residue, texts: Iterable[str]) -> list[str]:
    """Keys of the rows in whose text one of *texts* stands by itself; a short one stands there by chance."""
    stored: Any = sa.cast(sa.column(residue.column), sa.Text)
    table = _table(residue)
    constant = [sa.column(column) == bound(text) for column, text in residue.where.items()]
    found: list[str] = []
    for text in dict.fromkeys(each.strip() for each in texts if len(each.strip()) >= SHORTEST):
        alone = re.compile(rf"(?<![\w.+-]){re.escape(text)}(?![\w-])", re.IGNORECASE)
        near = sa.func.lower(stored).contains(text.lower(), autoescape=True)
        rows = connection.execute(sa.select(sa.column(residue.key), stored).select_from(table).where(*constant, near))
        found += [as_text(row_key) for row_key, held in rows if alone.search(held)]
    return list(dict.fromkeys(found))


def _overwriting(residue: Residue, row_key: str) -> dict[str, str]:
    return {column: text.replace("{id}", row_key) for column, text in residue.set.items()}


def _rows(
    connection: sa.Connection, place: Located, keys: Sequence[str], columns: tuple[str, ...] = ()
) -> list[tuple[str, dict[str, str]]]:
    """[(key, {column: text})] of the rows that belong to the record, or to the rows that belong to it."""
    # A row may belong to none, as a customer without an account.
    wanted = [row_key for row_key, _ in _rows(connection, place.of, keys) if row_key] if place.of else list(keys)
    table = _table(place, *columns)
    constant = [sa.column(column) == bound(text) for column, text in place.where.items()]
    found: list[tuple[str, dict[str, str]]] = []
    for chunk in _chunks(wanted):
        # No database can look into what is packed: all that the constants leave is compared here.
        mine = [] if place.path else [sa.column(place.column).in_([bound(text) for text in chunk])]
        query: Any = sa.select(*(sa.column(name) for name in table.columns.keys())).select_from(table)  # noqa: SIM118
        for row in connection.execute(query.where(*constant, *mine)):
            stored = dict(zip(table.columns.keys(), row, strict=True))
            if not place.path or _inside(stored[place.column], place.path) in chunk:
                found.append((as_text(stored[place.key]), {column: as_text(stored[column]) for column in columns}))
    return found


def _inside(stored: object, path: str) -> str:
    whole = json.loads(stored) if isinstance(stored, str | bytes) else stored
    return as_text(jmespath.search(path, whole))


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _table(place: Located, *columns: str) -> sa.TableClause:
    schema, _, table = place.table.rpartition(".")
    names = dict.fromkeys([place.key, place.column, *place.where, *columns])
    return sa.table(table, *map(sa.column, names), schema=schema or None)
