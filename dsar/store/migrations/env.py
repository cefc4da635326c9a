"""How alembic reaches our tables; run by dsar.store.migrate only."""

from alembic import context
from sqlmodel import SQLModel

import dsar.store.tables  # noqa: F401  # fills the metadata

with context.config.attributes["engine"].connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,  # SQLite cannot alter columns in place
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
