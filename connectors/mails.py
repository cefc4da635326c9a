"""
A mail as it lies in an employee's mailbox -> the row that it is searched as.

Effects: none. What others wrote stands in columns of its own, so that it is looked through before anything is
disclosed: what the sender wrote himself, what he quotes, what he attached.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.applications import criminal_record_in
from connectors.declared import Row
from dsar.declaration import DeclaredObject
from dsar.model import Document, InboundMail, Text

_ATTACHED = Text(sv="Bilaga", en="Attachment")

_ADDRESS = re.compile(rb"[\w.+'&/=-]{1,64}@[\w.-]{1,255}")
_LONGEST_HEAD_BYTES = 1_000_000
#: RFC 4021 s. 2.1.55 (Sensitivity: Personal, Private, Company-Confidential).
_SENSITIVE = re.compile(rb"^sensitivity:[ \t]*(?:personal|private)\b", re.IGNORECASE | re.MULTILINE)
_PRIVATE_WORD = re.compile(r"(?:^|[/\[(\s])(?:privat|private|personligt|personal)(?:$|[/\])\s:])", re.IGNORECASE)


def key_of(mailbox: str, folder: str, size: int, content: bytes) -> str:
    """Names a mail by what it is, so that it is found again wherever it was moved within *mailbox*."""
    return f"{mailbox}/{folder}#{size}.{hashlib.sha256(content).hexdigest()}"


def parts_of(key: str) -> tuple[str, int, str]:
    """(mailbox, size, SHA-256) of a key. Raises: ValueError if it is none."""
    place, _, told = key.rpartition("#")
    size, _, sha256 = told.partition(".")
    return place.partition("/")[0], int(size), sha256


def arrived(at: datetime) -> str:
    """When a mail came, as its record tells it: to the minute, in Stockholm."""
    return at.astimezone(ZoneInfo("Europe/Stockholm")).strftime("%Y-%m-%d %H:%M")


def row_of(
    declared: DeclaredObject, mail: InboundMail, content: bytes, *, key: str, folder: str, arrived_at: datetime
) -> Row:
    """*mail*, read from *content*, as a row of *declared*."""
    heads = _heads(content)
    attached = [f"{each.filename}\n{each.text}".strip() for each in mail.attachment_texts]
    values = {
        "mailbox": key.partition("/")[0],
        "folder": folder,
        "arrived": arrived(arrived_at),
        "from": f"{mail.sender_name} <{mail.sender}>".strip() if mail.sender else ", ".join(_addresses(heads, b"from")),
        "to": ", ".join(dict.fromkeys([*mail.to, *mail.cc, *_addresses(heads, b"bcc")])),
        "subject": mail.subject,
        "text": "\n\n".join(filter(None, (mail.own_text, mail.signature))),
        "quoted": mail.quoted_text,
        "attachments": "\n\n".join(attached),
        "thread": thread_of(mail),
        "private": "1" if _is_private(heads, mail.subject, folder) else "",
        "criminal": criminal_record_in(mail.subject, mail.text, *attached),
    }
    values |= _lines(declared, mail.own_text)
    return Row(key=key, values=values, documents=_documents(declared, mail))


def thread_of(mail: InboundMail) -> str:
    """What the mails of one conversation have in common: the Message-ID that it began with."""
    return next(iter((*mail.references, *mail.in_reply_to)), None) or mail.message_id or ""


def _documents(declared: DeclaredObject, mail: InboundMail) -> tuple[Document, ...]:
    label = declared.documents[0].label if declared.documents else _ATTACHED
    return tuple(
        Document(
            label=label,
            name=each.filename,
            media_type=each.content_type,
            place=str(at),
            size=len(each.content),
            sha256=hashlib.sha256(each.content).hexdigest(),
        )
        for at, each in enumerate(mail.attachments)
    )


def _lines(declared: DeclaredObject, text: str) -> Mapping[str, str]:
    """{column: value} of the lines "column: value" that a web form writes into a mail."""
    wanted = {each.column.casefold(): each.column for each in declared.fields if each.stored_in == "text"}
    found: dict[str, str] = dict.fromkeys(wanted.values(), "")
    for line in text.splitlines() if wanted else ():
        name, _, value = line.partition(":")
        column = wanted.get(name.strip().casefold())
        if column and not found[column]:
            found[column] = value.strip()
    return found


def _is_private(heads: bytes, subject: str, folder: str) -> bool:
    """Whether its owner or its sender says that it is private, so that a person decides who may read it."""
    return bool(_SENSITIVE.search(heads) or _PRIVATE_WORD.search(subject) or _PRIVATE_WORD.search(folder))


def _heads(content: bytes) -> bytes:
    """The header block with its folded lines joined (RFC 5322 s. 2.2.3)."""
    head = re.split(rb"\r?\n\r?\n", content[:_LONGEST_HEAD_BYTES], maxsplit=1)[0]
    return re.sub(rb"\r?\n[ \t]+", b" ", head)


def _addresses(heads: bytes, name: bytes) -> list[str]:
    """Every address in the header *name*: of what the reader of mails leaves out (Bcc) or does not trust."""
    lines = (line for line in heads.splitlines() if line.lower().startswith(name + b":"))
    return [found.decode("utf-8", "replace").lower() for line in lines for found in _ADDRESS.findall(line)]
