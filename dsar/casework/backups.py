"""
Database and key store -> two encrypted files that age differently, and back into an empty installation.

Promise P9: what was purged must not come back. Its keys are destroyed at once, and are gone for good when the last
copy of the key store that held them is; so copies of keys live for days, copies of data may live for weeks. The master
key, which opens both, is in neither.
"""

import json
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from dsar import archive
from dsar.casework import timekeeping
from dsar.casework.context import PROGRAM, App
from dsar.errors import BackupUnavailableError, UsageError, WrongKeyError
from dsar.settings import Settings
from dsar.store import SqlKeyStore, Store, copying
from dsar.store.audit import Anchor, ChainReport

_EVERY = timedelta(days=1)
_DATA, _KEYS = "data", "keys"
_SUFFIX = ".dsar"
_TIME = "%Y%m%dT%H%M%SZ"
#: How long one backup may take before another process begins one.
_LEASE_SECONDS = 3600


#: Is told how much is done, and of how much; None: nobody knows.
_Told = Callable[[int, int | None], None]


@dataclass(frozen=True, kw_only=True)
class Backup:
    """Two files that belong together."""

    data: Path
    keys: Path
    removed: tuple[Path, ...]  #: Older ones whose time was up.


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What came back."""

    rows: int
    keys: int
    report: ChainReport  #: Of the audit trail, against the head that the backup noted.


class _Copy(NamedTuple):
    revision: str | None
    anchor: Anchor | None
    lines: Iterator[bytes]


def is_due(app: App, *, now: datetime) -> bool:
    """Whether backups are wanted and the last one is a day old."""
    if app.settings.backup.data_folder is None:
        return False
    with app.store.transaction(read_only=True) as tx:
        last = tx.mark("backed_up")
    return timekeeping.is_over(last, every=_EVERY, now=now)


def back_up(app: App, *, now: datetime, told: _Told = lambda _done, _total: None) -> Backup:
    """
    Write both files and remove those whose time is up.

    The database comes first: a key made meanwhile is in the second file, so no sealed row is without its key.
    Args: told: is told how many lots of rows are written; nobody knows of how many.
    Raises: UsageError without [backup]; BackupUnavailableError; DatabaseUnavailableError.
    """
    chosen = app.settings.backup
    if chosen.data_folder is None or chosen.keys_folder is None:
        raise UsageError("Settings name no place for backups: set data_folder and keys_folder of [backup].")
    holder = _hold(app, now=now)
    master_key = app.settings.vault.master_key.get_secret_value()
    keys = SqlKeyStore(app.settings.database.keys_url.get_secret_value())
    places = {kind: folder / f"{kind}-{now.astimezone(UTC):{_TIME}}{_SUFFIX}" for kind, folder in _folders(app).items()}
    try:
        for kind, engine in ((_DATA, app.store.engine), (_KEYS, keys.engine)):
            archive.write(
                places[kind], _pressed(_counted(copying.lines(engine), told)), master_key=master_key, kind=kind
            )
    finally:
        keys.close()
        with app.store.transaction() as tx:
            tx.give_lease("backup", holder)
    removed = [
        *_aged(chosen.data_folder, _DATA, chosen.data_days, now),
        *_aged(chosen.keys_folder, _KEYS, chosen.keys_days, now),
    ]
    with app.store.transaction() as tx:
        tx.set_mark("backed_up", at=now)
        tx.record("backed_up", actor=PROGRAM, at=now, detail={"removed": str(len(removed))})
    return Backup(data=places[_DATA], keys=places[_KEYS], removed=tuple(removed))


def _folders(app: App) -> dict[str, Path]:
    chosen = app.settings.backup
    return {kind: folder for kind, folder in ((_DATA, chosen.data_folder), (_KEYS, chosen.keys_folder)) if folder}


def _hold(app: App, *, now: datetime) -> str:
    """Become the one process that makes a backup; under which name."""
    holder = f"{PROGRAM} {secrets.token_hex(8)}"
    with app.store.transaction() as tx:
        if not tx.take_lease("backup", holder, now=now, seconds=_LEASE_SECONDS):
            raise BackupUnavailableError("another process makes one just now")
    return holder


def _aged(folder: Path, kind: str, days: int, now: datetime) -> Iterator[Path]:
    """Files of this kind that are older than *days*, by the time in their names; they are removed."""
    for path in sorted(folder.glob(f"{kind}-*{_SUFFIX}")):
        try:
            made = datetime.strptime(path.name, f"{kind}-{_TIME}{_SUFFIX}").replace(tzinfo=UTC)
        except ValueError:
            continue  # not one of ours
        if now - made > timedelta(days=days):
            path.unlink(missing_ok=True)
            yield path


def restore(settings: Settings, *, data: Path, keys: Path, told: _Told = lambda _done, _total: None) -> Restored:
    """
    Fill an empty database and an empty key store from a backup, bring them to this version, verify the audit trail.

    Args: told: is told how many lots of rows are back, then how many events of the trail hold.
    Raises: UsageError if either is not empty, or the backup is of a later version; WrongKeyError;
    BackupUnavailableError; DatabaseUnavailableError.
    """
    from dsar.store import migrate  # slow to load

    master_key = settings.vault.master_key.get_secret_value()
    for file, kind in ((data, _DATA), (keys, _KEYS)):
        for _ in archive.read(file, master_key=master_key, kind=kind):
            pass  # whole and ours, before anything is written
    store = Store(settings.database.url.get_secret_value())
    key_store = SqlKeyStore(settings.database.keys_url.get_secret_value())
    try:
        for name, engine in (("database", store.engine), ("key store", key_store.engine)):
            if not copying.is_empty(engine):
                raise UsageError(f"The {name} is not empty; a backup is restored into a new one only.")
        copy = _opened(data, master_key, _DATA)
        migrate.upgrade(store.engine, copy.revision or "head")
        rows = copying.fill(store.engine, _counted(copy.lines, told))
        migrate.upgrade(store.engine)
        wraps = copying.fill(key_store.engine, _opened(keys, master_key, _KEYS).lines)
        with store.transaction() as tx:
            tx.free_leases(sorted(tx.lease_holders()), now=datetime.now(UTC))  # of processes of the machine that was
            return Restored(rows=rows, keys=wraps, report=tx.verify_chain(copy.anchor, told=told))
    finally:
        store.close()
        key_store.close()


def _opened(path: Path, master_key: bytes, kind: str) -> _Copy:
    content = _lines(_unpressed(archive.read(path, master_key=master_key, kind=kind)))
    try:
        about = json.loads(next(content))
    except (StopIteration, ValueError):
        raise WrongKeyError(path.name) from None
    anchor = about["anchor"]
    return _Copy(about["revision"], Anchor(**anchor) if anchor else None, content)


def _counted(lots: Iterable[bytes], told: _Told) -> Iterator[bytes]:
    for count, lot in enumerate(lots, 1):
        told(count, None)
        yield lot


def _pressed(parts: Iterable[bytes]) -> Iterator[bytes]:
    press = zlib.compressobj()
    for part in parts:
        yield press.compress(part)
    yield press.flush()


def _unpressed(parts: Iterable[bytes]) -> Iterator[bytes]:
    press = zlib.decompressobj()
    for part in parts:
        yield press.decompress(part)
    yield press.flush()


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for part in parts:
        *whole, held = (held + part).split(b"\n")
        yield from whole
    if held:
        yield held
