"""
(file, row, values) -> the file with that one row changed or gone and everything else as it was.

Effects: replaces the file in one step, after a backup beside it; holds a lock meanwhile. A file that an office program
has open, or that would lose something by being written, is left alone.
"""

import csv
import fcntl
import io
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from connectors.tables import OPEN_XML, SPREADSHEETS, read_csv
from dsar.errors import SystemRefusedError, SystemUnavailableError

OUR_PREFIX = ".dsar-"  #: Of every file that we make beside others.
_BACKUP_PREFIX = f"{OUR_PREFIX}backup-"
_LOCK = f"{OUR_PREFIX}lock"
#: A spreadsheet program takes a text that begins like this for a formula, but for a number alone, as of a phone.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d\s().-]*\Z)")


@contextmanager
def locked(system: str, path: Path) -> Iterator[None]:
    """Keep other processes of ours out. Raises: SystemUnavailableError if an office program has the file open."""
    with suppress(FileNotFoundError):
        lock = os.open(path.parent / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if any((path.parent / each).exists() for each in (f"~${path.name}", f".~lock.{path.name}#")):
                raise SystemUnavailableError(system, "somebody has the file open")
            yield
        finally:
            os.close(lock)


def rewrite(system: str, path: Path, *, sheet: str, row: int, writes: Mapping[str, str] | None) -> None:
    """
    Set *writes* ({column: text}) in the row with number *row* from 1, or take it out (None).

    Raises: SystemRefusedError if the file would not survive it; SystemUnavailableError if it changed meanwhile.
    """
    if writes and any(map(_FORMULA.match, writes.values())):
        raise SystemRefusedError(system, "a value would be taken for a formula")
    before = path.stat()
    beside = path.with_name(f"{OUR_PREFIX}new-{path.name}")
    try:
        if path.suffix.lower() in OPEN_XML:
            from connectors import workbooks  # openpyxl is slow to load, and every command opens the connectors

            workbooks.write(system, path, beside, sheet=sheet, row=row, writes=writes)
        elif path.suffix.lower() in SPREADSHEETS:
            raise SystemRefusedError(system, f"{path.suffix.lower()} files are only read; save it as .xlsx")
        else:
            beside.write_bytes(_csv_with(system, path.read_bytes(), row=row, writes=writes))
        shutil.copystat(path, beside)
        shutil.copy2(path, backup_of(path))
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        after = path.stat()
        if (before.st_mtime_ns, before.st_size, before.st_ino) != (after.st_mtime_ns, after.st_size, after.st_ino):
            raise SystemUnavailableError(system, "the file was changed meanwhile")
        beside.replace(path)
        os.utime(path)
    finally:
        beside.unlink(missing_ok=True)


def backup_of(path: Path) -> Path:
    return path.with_name(f"{_BACKUP_PREFIX}{path.name}")


def remove_backup(path: Path) -> None:
    backup_of(path).unlink(missing_ok=True)


def _csv_with(system: str, content: bytes, *, row: int, writes: Mapping[str, str] | None) -> bytes:
    text = read_csv(content)
    records = list(text.records())
    start, end, cells = records[row - 1]
    if writes is None:
        text.lines[start:end] = []
    else:
        header = next(cells for _, _, cells in records if any(cells))
        changed = [writes.get(column, cell) for column, cell in zip(header, cells, strict=False)]
        changed += [writes.get(column, "") for column in header[len(cells) :]]
        old = "".join(text.lines[start:end])
        ending = old[len(old.rstrip("\r\n")) :]
        quoted = old.lstrip().startswith('"')
        out = io.StringIO(newline="")
        writer = csv.writer(
            out,
            delimiter=text.delimiter,
            quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL,
            lineterminator=ending,
        )
        writer.writerow(changed)
        text.lines[start:end] = [out.getvalue()]
    try:
        return text.encoded()
    except UnicodeEncodeError:
        raise SystemRefusedError(system, "the encoding of the file lacks a character of the value") from None
