"""How alembic reaches our tables; run by dsar.store.migrate only."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import context
from sqlmodel import SQLModel

from dsar.store import tables

tables.load_all()  # into the metadata


@contextmanager
def _without_foreign_keys(connection: sa.Connection) -> Iterator[None]:
    """
    SQLite alters a column by making the table anew, and dropping the old one must not touch the rows that point to it.

    See sqlite.org/lang_altertable.html, section 7. It can only be switched outside a transaction, which the plain
    connection does.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    plain = connection.connection.driver_connection
    assert plain is not None  # noqa: S101  # it has just been opened
    plain.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        plain.execute("PRAGMA foreign_keys=ON")


def _check_foreign_keys(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite" and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
        raise RuntimeError(f"the migrations would leave a row of {lost[0]} that points to nothing")


with context.config.attributes["engine"].connect() as opened, _without_foreign_keys(opened):
    context.configure(
        connection=opened,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,  # SQLite cannot alter columns in place
        compare_type=True,
        transactional_ddl=True,  # all of it or nothing, on SQLite, too: our connections begin transactions themselves
    )
    with context.begin_transaction():
        context.run_migrations()
        _check_foreign_keys(opened)
