"""What the query classes share."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


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

    def _insert_all_new(self, kind: type[SQLModel], rows: Sequence[Mapping[str, object]]) -> None:
        """Insert those *rows* whose keys are not taken, by one statement; a row names every column without default."""
        if rows:
            self.session.execute(self._insert(kind).on_conflict_do_nothing(), [dict(row) for row in rows])

    def _insert(self, kind: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
        table: sa.Table = kind.__table__  # type: ignore[attr-defined]
        return sqlite.insert(table) if self._is_sqlite() else postgresql.insert(table)

    def _is_sqlite(self) -> bool:
        return self.session.get_bind().dialect.name == "sqlite"
