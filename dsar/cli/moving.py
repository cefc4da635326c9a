"""`dsar db move`: an installation into another database, with its keys and its audit trail."""

from typing import NamedTuple

from dsar.errors import RefusedError
from dsar.settings import Settings
from dsar.store import SqlKeyStore, Store, migrate, moving
from dsar.store.audit import ChainReport
from dsar.store.keys import TABLES


class Moved(NamedTuple):
    """What was moved."""

    rows: int
    keys: int
    events: int  #: In the chain of the audit trail.


def move(old: Settings, new: Settings) -> Moved:
    """
    Copy data and keys; the old ones are left as they are. What was cut off half-way is done by the same call again.

    Raises: RefusedError if somebody works on the old database, the new one is not empty or the same, the master keys
    differ, or the audit trail does not verify; DatabaseUnavailableError.
    """
    if old.vault.master_key != new.vault.master_key:
        raise RefusedError("The other settings have another master key, which would open nothing of what is moved.")
    source, target = (Store(each.database.url.get_secret_value()) for each in (old, new))
    old_keys, new_keys = (SqlKeyStore(each.database.keys_url.get_secret_value()) for each in (old, new))
    try:
        if source.engine.url == target.engine.url or old_keys.engine.url == new_keys.engine.url:
            raise RefusedError("The other settings name the same database, or the same key store.")
        before = _report(source)
        migrate.upgrade(target.engine)
        moving.demand_empty(target.engine)
        for table in TABLES:
            moving.take_back(old_keys.engine, new_keys.engine, table)
        keys = moving.move(old_keys.engine, new_keys.engine, TABLES)  # first: data without keys say nothing
        rows = moving.move(source.engine, target.engine)
        after = _report(target)
    finally:
        for each in (source, target, old_keys, new_keys):
            each.close()
    if (after.head, after.sealed, after.broken_at) != (before.head, before.sealed, None):
        raise RefusedError("The audit trail does not verify in the new database; go on with the old one.")
    return Moved(rows, keys, after.sealed)


def _report(store: Store) -> ChainReport:
    with store.transaction() as tx:
        if tx.workers() or tx.lease_holders():
            raise RefusedError("Somebody works on the database: stop 'dsar run' everywhere, then try again.")
        return tx.verify_chain()
