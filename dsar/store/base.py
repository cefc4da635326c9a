"""What the query classes share."""

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
        table: sa.Table = row.__table__  # type: ignore[attr-defined]
        insert = sqlite.insert(table) if self._is_sqlite() else postgresql.insert(table)
        values = {name: value for name, value in row.model_dump().items() if value is not None}
        result = self.session.execute(
            insert.values(values).on_conflict_do_nothing(), execution_options={"preserve_rowcount": True}
        )
        return bool(result.rowcount == 1)  # type: ignore[attr-defined]

    def _is_sqlite(self) -> bool:
        return self.session.get_bind().dialect.name == "sqlite"
