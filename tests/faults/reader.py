"""
An independent reader: what stands in the database, in the mailbox, at the mail server and in the systems.

It knows tables and columns as documents do and shares no code with dsar; it decrypts nothing.
"""

import hashlib
import imaplib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any

import psycopg
from servers import DovecotServer, TakenMail


@dataclass(frozen=True, kw_only=True)
class Lying:
    """One mail in one folder of the mailbox."""

    folder: str
    sha256: str
    message_id: str
    arrived: datetime  #: INTERNALDATE.


#: Columns of an event that go into its digest as they are.
_TOLD = ("id", "actor", "name", "case_id", "request_id", "from_state", "to_state")


def rows(folder: Path, url: str, statement: str) -> list[dict[str, Any]]:
    """What one SELECT answers; a moment of SQLite is made what PostgreSQL gives."""
    if not url.startswith("sqlite"):
        with psycopg.connect(url.replace("+psycopg", ""), connect_timeout=10) as connection:
            cursor = connection.execute(statement.encode())
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    path = folder / url.removeprefix("sqlite:///")
    connection_ = sqlite3.connect(path, timeout=20)
    try:
        cursor_ = connection_.execute(statement)
        columns = [column[0] for column in cursor_.description]
        return [dict(zip(columns, map(_plain, row), strict=True)) for row in cursor_.fetchall()]
    finally:
        connection_.close()


def _plain(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?", value):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value


def mails(server: DovecotServer, user: str, folders: Sequence[str] = ("INBOX", "DSAR-Done", "Sent")) -> list[Lying]:
    """Every mail of the mailbox, by another client."""
    found: list[Lying] = []
    with server.session(user) as session:
        for folder in folders:
            if session.select(folder, readonly=True)[0] != "OK":
                continue
            _, numbers = session.search(None, "ALL")
            for number in numbers[0].split():
                _, data = session.fetch(number.decode(), "(INTERNALDATE BODY.PEEK[])")
                part = data[0]
                assert isinstance(part, tuple)
                told = imaplib.Internaldate2tuple(part[0])
                assert told
                stamp = re.search(rb'INTERNALDATE "([^"]+)"', part[0])
                assert stamp
                arrived = datetime.strptime(stamp[1].decode().strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
                found.append(
                    Lying(
                        folder=folder,
                        sha256=hashlib.sha256(part[1]).hexdigest(),
                        message_id=str(message_from_bytes(part[1])["Message-ID"]),
                        arrived=arrived,
                    )
                )
    return found


def ids(taken: Sequence[TakenMail]) -> Counter[str]:
    """{Message-ID: how often the mail server took it}"""
    return Counter(str(message_from_bytes(mail.content)["Message-ID"]) for mail in taken)


def chain(events: Sequence[dict[str, Any]]) -> list[str]:
    """The digests of the audit trail, computed from what its events say: each over the one before and the event."""
    digests, digest = [], "0" * 64
    for event in events:
        told = {name: event[name] for name in _TOLD}
        told["at"] = event["at"].astimezone(UTC).isoformat()
        told["detail"] = json.loads(event["detail"]) if isinstance(event["detail"], str) else event["detail"]
        line = json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        digest = hashlib.sha256(f"{digest}{line}".encode()).hexdigest()
        digests.append(digest)
    return digests
