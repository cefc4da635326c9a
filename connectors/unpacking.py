"""
(declared field, stored value) -> its text: decoded, and picked out of JSON.

Effects: none. What cannot be unpacked as declared is an error: a value that is skipped would be missing in an answer.
"""

import base64
import binascii
import html
import json
import quopri
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from connectors.matching import as_text
from dsar.declaration import DeclaredField
from dsar.errors import SystemContractError

_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<!--.*?-->|<[^<>]*>", re.DOTALL | re.IGNORECASE)


def _visible(content: bytes) -> bytes:
    return " ".join(html.unescape(_TAG.sub(" ", content.decode("utf-8"))).split()).encode()


def _mail(content: bytes) -> bytes:
    """The heads that name people and what the mail is about, and its text."""
    mail = message_from_bytes(content, policy=default)
    heads = [f"{name}: {mail[name]}" for name in ("From", "To", "Cc", "Subject", "Date") if mail[name]]
    body = mail.get_body(("plain", "html")) if isinstance(mail, EmailMessage) else None
    text = str(body.get_content()) if body is not None else ""
    if body is not None and body.get_content_subtype() == "html":
        text = _visible(text.encode()).decode()
    return "\n".join([*heads, "", text.strip()]).encode()


def _iso(content: bytes) -> bytes:
    """A date or time that stands as an object of numbers (Tryton), as ISO 8601."""
    parts = json.loads(content)
    day = date(parts["year"], parts["month"], parts["day"])
    if "hour" not in parts:
        return day.isoformat().encode()
    at = time(parts["hour"], parts.get("minute", 0), parts.get("second", 0))
    return datetime.combine(day, at).isoformat(sep=" ").encode()


#: How something is packed -> what takes it out.
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": lambda content: base64.b64decode(content, validate=False),
    "hex": lambda content: bytes.fromhex(content.decode("ascii").removeprefix("\\x").removeprefix("0x")),
    "quoted_printable": quopri.decodestring,
    "html": _visible,
    "mail": _mail,
    "date_parts": _iso,
}


def unpacked(system: str, field: DeclaredField, stored: object, *, row: Mapping[str, Any] | None = None) -> str:
    """
    The text of *field*.

    Args: stored: what the column holds; row: the whole JSON row, for a path that starts there (rest).
    Raises: SystemContractError.
    """
    try:
        if row is not None and field.path and not field.stored_in:
            stored = jmespath.search(field.path, row)
        if stored is None or stored == "":
            return ""
        if field.decode:
            content = bytes(stored) if isinstance(stored, bytes | memoryview) else as_text(stored).encode()
            for encoding in field.decode:
                content = DECODERS[encoding](content)
            stored = _text(content)
        if field.path and (row is None or field.stored_in):
            whole = json.loads(as_text(stored)) if isinstance(stored, str | bytes | memoryview) else stored
            stored = jmespath.search(field.path, whole)
    except (ValueError, KeyError, TypeError, LookupError, binascii.Error, JMESPathError, RecursionError):
        raise SystemContractError(system, f"a value of {field.column!r} is not packed as declared") from None
    return as_text(stored)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
