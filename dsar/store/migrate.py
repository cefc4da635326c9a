"""
A database of any earlier version -> a database of this version.

Effects: changes the tables. Imported by `dsar init` and `dsar db` only: alembic is slow to load.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from dsar.errors import UsageError
from dsar.store.engine import translated


def _config(engine: sa.Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """
    Bring the database to this version, or to an earlier *revision*; nothing happens if it is there already.

    Raises: UsageError for a revision that this version does not know; DatabaseUnavailableError.
    """
    try:
        with translated():
            command.upgrade(_config(engine), revision)
    except CommandError:
        raise UsageError(f"The revision {revision} of the database is of a later version of dsar.") from None


def is_current(engine: sa.Engine) -> bool:
    """
    Whether the database has the tables of this version.

    Raises: DatabaseUnavailableError.
    """
    head = ScriptDirectory.from_config(_config(engine)).get_current_head()
    with translated(), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


def check_complete(engine: sa.Engine) -> None:
    """Raise if the migrations do not lead to exactly the tables of dsar.store.tables; for tests."""
    command.check(_config(engine))


def write_revision(engine: sa.Engine, message: str) -> None:
    """Write the migration from the database's tables to those of dsar.store.tables; for developers."""
    command.revision(_config(engine), message=message, autogenerate=True)
