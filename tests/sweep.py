"""
Everything that a system can still read -> the places in which a person's strings stand, whatever they are packed in.

Text is compared without case, as it is and once unpacked: quoted-printable, base64, JSON escapes, hexadecimal, folded
lines of cards and mails, the parts of office documents. What a database keeps in freed pages, or a product in
other compressed files of its own, is not seen.
"""

import base64
import binascii
import io
import os
import quopri
import re
import sqlite3
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{12,}(?:\r?\n[A-Za-z0-9+/]+)*={0,2}")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}){8,}")
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})")


def holds(content: bytes, texts: Iterable[str]) -> set[str]:
    """Which of *texts* stand in *content*, packed or not."""
    forms = [_plain(form) for form in _unpacked(content)]
    return {text for text in texts if any(text.casefold() in form for form in forms)}


def _unpacked(content: bytes) -> Iterator[bytes]:
    yield content
    yield re.sub(rb"\r?\n[ \t]", b"", content)  # RFC 6350 section 3.2, RFC 5322 section 2.2.3
    yield quopri.decodestring(content)
    for found in _BASE64.finditer(content):
        packed = re.sub(rb"\s", b"", found[0])
        try:
            yield base64.b64decode(packed + b"=" * (-len(packed) % 4))
        except binascii.Error:
            continue
    yield from (bytes.fromhex(found[0].decode()) for found in _HEX.finditer(content))
    if content.startswith(b"PK\x03\x04"):
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(content)) as parts:
            yield from (parts.read(name) for name in parts.namelist())


def _plain(content: bytes) -> str:
    for encoding in ("utf-8", "utf-16"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or "\x00" not in text:
            break
    else:
        text = content.decode("latin-1")
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).casefold()


def in_database(engine: sa.Engine, texts: Sequence[str]) -> Mapping[str, set[str]]:
    """{table.column: which of *texts* it holds} over every table and column, whatever its type."""
    found: dict[str, set[str]] = {}
    seen: dict[bytes, set[str]] = {}  # a product's own texts stand in thousands of rows
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        for table in inspector.get_table_names():
            for row in connection.execute(sa.select(sa.text("*")).select_from(sa.table(table))).mappings():
                for column, value in row.items():
                    content = value if isinstance(value, bytes) else str(value).encode()
                    if value is None or len(content) < min(map(len, texts)):  # packed, text is longer yet
                        continue
                    if content not in seen:
                        seen[content] = holds(content, texts)
                    if hits := seen[content]:
                        found.setdefault(f"{table}.{column}", set()).update(hits)
    return found


def in_sqlite(path: Path, texts: Sequence[str]) -> Mapping[str, set[str]]:
    """As in_database, of a file."""
    engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(path))
    try:
        return in_database(engine, texts)
    finally:
        engine.dispose()


def in_folder(folder: Path, texts: Sequence[str], *, without: Collection[str] = ()) -> Mapping[str, set[str]]:
    """{file below *folder*: which of *texts* it holds, in its name too}; *without* names files and folders to pass."""
    found = {}
    for above, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - set(without))
        for name in sorted(set(names) - set(without)):
            path = Path(above) / name
            if path.is_file() and (hits := holds(path.read_bytes(), texts) | holds(name.encode(), texts)):
                found[path.relative_to(folder).as_posix()] = hits
    return found
