"""
Bytes -> stdlib message and its leaf parts, within limits.

Effects: none. The limits keep one hostile mail from holding a worker; they are far beyond what people send.
"""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

from dsar.errors import MalformedMailError

MAX_DEPTH = 50
MAX_PARTS = 500
MAX_HEADER_BLOCK_BYTES = 1_000_000
MAX_HEADER_BYTES = 64_000

_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_HEADER_LINE = re.compile(rb"(?:From |[!-9;-~]{1,80}:)")
_UTF8_BOM = b"\xef\xbb\xbf"

#: What a mail program shows as part of the message itself.
_SHOWN = ("text/plain", "text/html", "text/enriched")


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One part without parts of its own."""

    content_type: str  #: Lower-case.
    charset: str  #: As declared, "" if not.
    filename: str  #: As declared, encoded words and all.
    payload: bytes  #: Transfer encoding undone.
    is_text: bool  #: Shown as text of the mail.
    flowed: bool  #: RFC 3676 format=flowed.
    del_space: bool  #: RFC 3676 DelSp=yes.
    alternative: int | None  #: Number of the multipart/alternative that holds it.
    starts_forwarded: Message | None  #: The attached mail whose first part this is.


def parse(content: bytes) -> tuple[Message, list[str]]:
    """
    Parse *content*; the second value tells what was wrong with it.

    Raises: MalformedMailError if it is no mail or beyond the limits.
    """
    content = content.removeprefix(_UTF8_BOM).lstrip(b"\r\n")
    if not content.strip():
        raise MalformedMailError("it is empty")
    if not _HEADER_LINE.match(content):
        if b"\0" in content[:4096]:
            raise MalformedMailError("it is no mail but binary data")
        content = b"\n" + content
    end = _BLANK_LINE.search(content)
    if (end.start() if end else len(content)) > MAX_HEADER_BLOCK_BYTES:
        raise MalformedMailError("its headers are larger than 1 MB")
    try:
        message = message_from_bytes(content)
    except RecursionError:
        raise MalformedMailError("its parts are nested too deeply") from None
    if any(len(value) > MAX_HEADER_BYTES for _, value in message.raw_items()):
        raise MalformedMailError("one of its headers is larger than 64 kB")
    defects = [] if message.keys() else ["it has no headers"]
    return message, defects + [_in_words(type(defect).__name__) for defect in message.defects]


def leaves(message: Message) -> list[Leaf]:
    """
    The leaf parts of *message* in reading order; parts of attached mails follow where they are attached.

    Raises: MalformedMailError beyond MAX_DEPTH or MAX_PARTS.
    """
    found: list[Leaf] = []
    waiting: list[tuple[Message, int, int | None, Message | None]] = [(message, 0, None, None)]
    seen = 0
    while waiting:
        part, depth, alternative, forwarded = waiting.pop()
        seen += 1
        if seen > MAX_PARTS:
            raise MalformedMailError("it has more than 500 parts")
        if depth > MAX_DEPTH:
            raise MalformedMailError("its parts are nested too deeply")
        children = part.get_payload()
        if not isinstance(children, list):
            found.append(_leaf(part, alternative, forwarded))
            continue
        if part.get_content_type() == "multipart/alternative":
            alternative = seen
        is_mail = part.get_content_maintype() == "message"
        for place, child in reversed(list(enumerate(children))):
            if isinstance(child, Message):
                starts = child if is_mail else forwarded if place == 0 else None
                waiting.append((child, depth + 1, None if is_mail else alternative, starts))
    return found


def _leaf(part: Message, alternative: int | None, forwarded: Message | None) -> Leaf:
    content_type = part.get_content_type()
    return Leaf(
        content_type=content_type,
        charset=_parameter(part, "charset"),
        filename=_filename(part),
        payload=_payload(part),
        is_text=content_type in _SHOWN and part.get_content_disposition() != "attachment",
        flowed=_parameter(part, "format").lower() == "flowed",
        del_space=_parameter(part, "delsp").lower() == "yes",
        alternative=alternative,
        starts_forwarded=forwarded,
    )


def _payload(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        payload = None
    if isinstance(payload, bytes):
        return payload
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def _parameter(part: Message, name: str) -> str:
    try:
        value = part.get_param(name)
    except (ValueError, LookupError):
        return ""
    if isinstance(value, tuple):  # RFC 2231: charset, language, value
        value = value[2]
    return str(value).strip() if value else ""


def _filename(part: Message) -> str:
    try:
        return part.get_filename("") or ""
    except (ValueError, LookupError):
        return ""


def _in_words(defect_name: str) -> str:
    """ "StartBoundaryNotFoundDefect" -> "start boundary not found"."""
    return re.sub(r"(?<!^)([A-Z])", r" \1", defect_name.removesuffix("Defect")).lower()
