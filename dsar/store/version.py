"""Which version of the program may work on the tables as they are now."""

from typing import Final

import sqlalchemy as sa

from dsar.errors import WrongVersionError
from dsar.store.base import Queries

#: Revision of the tables of this version: the last one in migrations/versions.
REVISION: Final = "0015"

#: Migrations add and never take away, so that the previous version goes on until it is replaced. One that cannot do
#: without taking away writes its own revision into `schema_floor`: whoever is older stops by itself.
_REVISION = sa.text("SELECT version_num FROM alembic_version")
_FLOOR = sa.text("SELECT max(revision) FROM schema_floor")


class VersionQueries(Queries):
    """What the database says about its own tables."""

    def check_version(self) -> None:
        """Raises: WrongVersionError if the tables are older than this version, or not made for it any more."""
        if self.session.scalar(_REVISION) < REVISION:
            raise WrongVersionError("its tables are of an earlier version; run 'dsar db upgrade'")
        if (self.session.scalar(_FLOOR) or "") > REVISION:
            raise WrongVersionError("its tables are of a later version of dsar; install that one on this machine")
