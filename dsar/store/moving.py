"""
One database -> another, of whatever kind: every row, with its keys.

Effects: reads one, writes the other; the one is left as it is. All or nothing: what fails half-way leaves the other
empty, and one that holds rows already is refused, but for keys that an earlier move left which was cut off before the
data followed.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import SQLModel

from dsar.errors import RefusedError
from dsar.store.engine import translated
from dsar.store.tables import Row, load_all

#: Rows in memory at one time; some hold a mail of 25 MB.
_ROWS_AT_ONCE = 50


def move(source: sa.Engine, target: sa.Engine, tables: Sequence[sa.Table] | None = None) -> int:
    """
    Copy every row of *tables* in one transaction; how many rows.

    Args: source, target: with the tables of this version. tables: None:
    those of Store.
    Raises: RefusedError if the target is not empty; DatabaseUnavailableError.
    """
    chosen = _own_tables() if tables is None else tables
    with translated(), source.begin() as old, target.begin() as new:  # which locks out whoever would write to SQLite
        _demand_empty(new, chosen)
        moved = sum(_copy(old, new, table) for table in chosen)
        if new.dialect.name == "postgresql":
            _count_on(new, chosen)
    return moved


def demand_empty(target: sa.Engine) -> None:
    """Raises: RefusedError if the tables of Store hold anything; DatabaseUnavailableError."""
    with translated(), target.begin() as new:
        _demand_empty(new, _own_tables())


def take_back(source: sa.Engine, target: sa.Engine, table: sa.Table) -> None:
    """
    Empty *table* of the target if it is a copy of the source's, from a move that was cut off.

    A copy shares rows with it, whose bytes are random; what was removed at the source since must not stay here.
    """
    with translated(), source.begin() as old, target.begin() as new:
        some = new.execute(sa.select(table).limit(_ROWS_AT_ONCE)).mappings().all()
        theirs = (sa.and_(*(column == row[column.name] for column in table.columns)) for row in some)
        if some and old.execute(sa.select(sa.literal(1)).select_from(table).where(sa.or_(*theirs))).first():
            new.execute(table.delete())


def _demand_empty(new: sa.Connection, tables: Sequence[sa.Table]) -> None:
    taken = [table.name for table in tables if new.execute(sa.select(sa.literal(1)).select_from(table)).first()]
    if taken:
        raise RefusedError(f"The other database is not empty: rows stand in {', '.join(taken)}.")


def _own_tables() -> Sequence[sa.Table]:
    """Tables in an order in which each row finds what it refers to."""
    load_all()
    own = {kind.__table__ for kind in Row.__subclasses__()}  # type: ignore[attr-defined]
    return [table for table in SQLModel.metadata.sorted_tables if table in own]


def _copy(old: sa.Connection, new: sa.Connection, table: sa.Table) -> int:
    copied = 0
    rows = old.execution_options(yield_per=_ROWS_AT_ONCE).execute(sa.select(table)).mappings()
    for some in rows.partitions():
        new.execute(table.insert(), [dict(row) for row in some])
        copied += len(some)
    return copied


def _count_on(new: sa.Connection, tables: Sequence[sa.Table]) -> None:
    """PostgreSQL numbers rows by sequences of its own, which know nothing of what was copied."""
    for table in tables:
        numbered = table.autoincrement_column
        if numbered is not None:
            name = sa.func.pg_get_serial_sequence(table.name, numbered.name)
            last = sa.select(sa.func.max(numbered)).scalar_subquery()
            new.execute(sa.select(sa.func.setval(name, last)).where(name.is_not(None), last.is_not(None)))
