"""What the query classes share."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, select

from dsar.lifecycle import State
from dsar.store.tables import Request

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

_Open = aliased(Request)

#: Of requests that are not closed: the index of states finds them first, since of many cases few are open.
IS_OPEN = col(Request.id).in_(
    select(_Open.id).where(col(_Open.state).in_([state for state in State if state is not State.CLOSED]))
)


def insert_into(table: sa.Table, dialect: sa.Dialect) -> "sqlite.Insert | postgresql.Insert":
    """An insertion that can leave out rows whose keys are taken."""
    if dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # slow to load, and not needed elsewhere

    return postgresql.insert(table)


class Queries:
    """Queries over the session of one transaction."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def _insert_new(self, row: SQLModel) -> bool:
        """
        Insert *row* unless its key is taken; False if it was.

        Of two processes that insert the same key one waits for the other and then gets False, never an error.
        """
        values = {name: value for name, value in row.model_dump().items() if value is not None}
        result = self.session.execute(
            self._insert(type(row)).values(values).on_conflict_do_nothing(),
            execution_options={"preserve_rowcount": True},
        )
        return bool(result.rowcount == 1)  # type: ignore[attr-defined]

    def _write(self, row: SQLModel) -> None:
        """Insert *row*, or write it over the one that has its key, also if another inserts it just now."""
        if not self._insert_new(row):
            self.session.merge(row)
            self.session.flush()

    def _insert_all_new(self, kind: type[SQLModel], rows: Sequence[Mapping[str, object]]) -> None:
        """Insert those *rows* whose keys are not taken, by one statement; a row names every column without default."""
        if rows:
            self.session.execute(self._insert(kind).on_conflict_do_nothing(), [dict(row) for row in rows])

    def _insert(self, kind: type[SQLModel]) -> "sqlite.Insert | postgresql.Insert":
        return insert_into(kind.__table__, self.session.get_bind().dialect)  # type: ignore[attr-defined]

    def _is_sqlite(self) -> bool:
        return self.session.get_bind().dialect.name == "sqlite"
