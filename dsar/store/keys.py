"""
The key store: wrapped keys in a database of their own, so that its backups can rotate faster than the data's.

What stands here is useless without the master key; what is removed here makes the data it sealed unreadable.
"""

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from dsar.store.base import insert_into
from dsar.store.engine import READ_ONLY, open_engine, translated, truncate_log

_METADATA = sa.MetaData()
_WRAPPED_KEY = sa.Table(
    "wrapped_key",
    _METADATA,
    sa.Column("key_id", sa.String(200), primary_key=True),
    sa.Column("wrapped_by", sa.String(200), primary_key=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)

#: All that a key store is.
TABLES = (_WRAPPED_KEY,)

_NEW_ID = sa.bindparam("new_id", type_=sa.String)

#: A wrap of a key that has none.
_INSERT_NEW = sa.insert(_WRAPPED_KEY).from_select(
    ["key_id", "wrapped_by", "wrapped"],
    sa.select(_NEW_ID, sa.bindparam("by", type_=sa.String), sa.bindparam("key", type_=sa.LargeBinary)).where(
        ~sa.exists().where(_WRAPPED_KEY.c.key_id == _NEW_ID)
    ),
)

#: On PostgreSQL: nobody else makes one of these keys until this transaction ends. A lock for each, taken in one order,
#: so that nobody waits in a circle; one on the table would keep others from all keys while a lot of mails is sorted.
_HOLD_EACH = sa.text(
    "SELECT pg_advisory_xact_lock(number) FROM (SELECT DISTINCT hashtextextended(key_id, 0) AS number"
    " FROM unnest(CAST(:key_ids AS text[])) AS key_id ORDER BY number) AS numbers"
)


class SqlKeyStore:
    """A vault.KeyStore in SQLite or PostgreSQL; its one table is made on first use."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self._readers = self.engine.execution_options(**{READ_ONLY: True})
        self._thread = threading.local()
        with translated():
            try:
                _METADATA.create_all(self.engine)
            except sa.exc.DatabaseError:  # perhaps another process made the table between our look and our making it
                _METADATA.create_all(self.engine)

    @contextmanager
    def one_commit(self) -> Iterator[None]:
        with translated(), self.engine.begin() as connection:
            self._thread.connection = connection
            try:
                yield
            finally:
                self._thread.connection = None

    def get(self, key_id: str) -> dict[str, bytes]:
        query = sa.select(_WRAPPED_KEY.c.wrapped_by, _WRAPPED_KEY.c.wrapped).where(_WRAPPED_KEY.c.key_id == key_id)
        with self._reading() as connection:
            return {row.wrapped_by: row.wrapped for row in connection.execute(query)}

    def get_many(self, key_ids: Collection[str]) -> dict[str, dict[str, bytes]]:
        found: dict[str, dict[str, bytes]] = {}
        with self._reading() as connection:
            for block in _blocks(list(key_ids)):
                for row in connection.execute(sa.select(_WRAPPED_KEY).where(_WRAPPED_KEY.c.key_id.in_(block))):
                    found.setdefault(row.key_id, {})[row.wrapped_by] = row.wrapped
        return found

    def put_new(self, wraps: Sequence[tuple[str, str, bytes]]) -> None:
        if not wraps:
            return
        rows = [{"new_id": key_id, "by": by, "key": wrapped} for key_id, by, wrapped in wraps]
        with self._writing() as connection:
            if self.engine.dialect.name == "postgresql":  # SQLite lets one process write at a time anyway
                connection.execute(_HOLD_EACH, {"key_ids": [f"wrapped_key:{key_id}" for key_id, _, _ in wraps]})
            connection.execute(_INSERT_NEW, rows)

    def put(self, key_id: str, wrapped_by: str, wrapped: bytes) -> bool:
        row = insert_into(_WRAPPED_KEY, self.engine.dialect).values(
            key_id=key_id, wrapped_by=wrapped_by, wrapped=wrapped
        )
        with self._writing() as connection:
            inserted = connection.execute(row.on_conflict_do_nothing(), execution_options={"preserve_rowcount": True})
            return bool(inserted.rowcount == 1)

    def remove(self, key_id: str, wrapped_by: str | None = None) -> None:
        delete = sa.delete(_WRAPPED_KEY).where(_WRAPPED_KEY.c.key_id == key_id)
        if wrapped_by is not None:
            delete = delete.where(_WRAPPED_KEY.c.wrapped_by == wrapped_by)
        with self._writing() as connection:
            connection.execute(delete)

    def truncate_log(self) -> None:
        truncate_log(self.engine)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """A connection that only reads, so that nobody waits for it, or that of `one_commit`."""
        if (held := getattr(self._thread, "connection", None)) is not None:
            yield held
            return
        with translated(), self._readers.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A connection whose transaction is committed at the end, of this block or of `one_commit`."""
        if (held := getattr(self._thread, "connection", None)) is not None:
            yield held
            return
        with translated(), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def _blocks(key_ids: list[str]) -> Iterator[list[str]]:
    """Databases bound the number of parameters of a statement."""
    for start in range(0, len(key_ids), 500):
        yield key_ids[start : start + 500]
