"""
Bytes -> stdlib message and its leaf parts, within limits.

Effects: none. The limits keep one hostile mail from holding a worker; they are far beyond what people send.
"""

import re
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import Message
from typing import NamedTuple

from dsar.errors import MalformedMailError
from dsar.mime.containers import ENCRYPTED, TNEF_UNREAD, is_sealed, signed_content, unpack_tnef

MAX_DEPTH = 50
MAX_PARTS = 500
MAX_HEADER_BLOCK_BYTES = 1_000_000
MAX_HEADER_BYTES = 64_000

_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_HEADER_LINE = re.compile(rb"(?:From |[!-9;-~]{1,80}:)")
_UTF8_BOM = b"\xef\xbb\xbf"

#: What a mail program shows as part of the message itself.
_SHOWN = ("text/plain", "text/html", "text/enriched")
_MAIL_TYPES = ("message/rfc822", "message/global")
_PKCS7_TYPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_TNEF_TYPES = ("application/ms-tnef", "application/vnd.ms-tnef")


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
    mail: int  #: Number of the attached mail that holds it; 0 for the mail itself.
    starts_forwarded: Message | None  #: The attached mail whose first part this is.
    again: bool = False  #: Says again, in another form, what other parts may have said (TNEF).
    unread: str = ""  #: Why only a person can read it; "" if it can be read.


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
    message = _parsed(content)
    defects = [] if message.keys() else ["it has no headers"]
    return message, defects + [_in_words(type(defect).__name__) for defect in message.defects]


def _parsed(content: bytes) -> Message:
    try:
        message = message_from_bytes(content)
    except RecursionError:
        raise MalformedMailError("its parts are nested too deeply") from None
    _check_headers(message)
    return message


def _check_headers(message: Message) -> None:
    if any(len(value) > MAX_HEADER_BYTES for _, value in message.raw_items()):
        raise MalformedMailError("one of its headers is larger than 64 kB")


class _Place(NamedTuple):
    """Where a part stands."""

    depth: int = 0
    alternative: int | None = None
    mail: int = 0
    forwarded: Message | None = None


def leaves(message: Message) -> list[Leaf]:
    """
    The leaf parts of *message* in reading order; parts of attached mails follow where they are attached.

    Raises: MalformedMailError beyond MAX_DEPTH or MAX_PARTS.
    """
    found: list[Leaf] = []
    waiting: list[tuple[Message, _Place]] = [(message, _Place())]
    seen = 0
    while waiting:
        part, place = waiting.pop()
        seen += 1
        if max(seen, len(found)) > MAX_PARTS:
            raise MalformedMailError("it has more than 500 parts")
        if place.depth > MAX_DEPTH:
            raise MalformedMailError("its parts are nested too deeply")
        children, are_mails = _children(part)
        if not children:
            found += _leaf(part, place)
            continue
        inner = place._replace(depth=place.depth + 1)
        if part.get_content_type() == "multipart/alternative":
            inner = inner._replace(alternative=seen)
        for at, child in reversed(list(enumerate(children))):
            if are_mails:
                _check_headers(child)
                waiting.append((child, inner._replace(alternative=None, mail=seen, forwarded=child)))
            else:
                waiting.append((child, inner._replace(forwarded=place.forwarded if at == 0 else None)))
    return found


def _children(part: Message) -> tuple[list[Message], bool]:
    """The parts within *part*, and whether they are mails of their own, attached to this one."""
    payload = part.get_payload()
    is_mail = part.get_content_type() in _MAIL_TYPES
    if isinstance(payload, list):
        children = [child for child in payload if isinstance(child, Message)]
        encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
        if is_mail and children and encoding in ("base64", "quoted-printable") and not children[0].keys():
            # RFC 2046 s. 5.2.1 forbids it, mail programs do it: the parser took the encoded mail for a body.
            children[0]["Content-Transfer-Encoding"] = encoding
            return [_parsed(_payload(children[0]))], True
        return children, is_mail
    if part.get_content_type() in _PKCS7_TYPES:
        signed = signed_content(_payload(part))
        return ([_parsed(signed)], False) if signed else ([], False)
    if _filename(part).lower().endswith(".eml"):
        content = _payload(part)
        return ([_parsed(content)], True) if _HEADER_LINE.match(content) else ([], False)
    return [], False


def _leaf(part: Message, place: _Place) -> list[Leaf]:
    """One leaf, or several if it is a container of another kind."""
    content_type = part.get_content_type()
    declared = _parameters(part)
    leaf = Leaf(
        content_type=content_type,
        charset=declared.get("charset", ""),
        filename=_filename(part),
        payload=_payload(part),
        is_text=content_type in _SHOWN and part.get_content_disposition() != "attachment",
        flowed=declared.get("format", "").lower() == "flowed",
        del_space=declared.get("delsp", "").lower() == "yes",
        alternative=place.alternative,
        mail=place.mail,
        starts_forwarded=place.forwarded,
    )
    # RFC 3156 s. 4: the first part of an encrypted mail. RFC 8551 s. 3.2: the type of both forms of S/MIME.
    if content_type == "application/pgp-encrypted" or (content_type in _PKCS7_TYPES and is_sealed(leaf.payload)):
        return [replace(leaf, unread=ENCRYPTED)]
    if content_type in _TNEF_TYPES or leaf.filename.lower() == "winmail.dat":
        return _tnef_leaves(leaf)
    return [leaf]


def _tnef_leaves(leaf: Leaf) -> list[Leaf]:
    held = unpack_tnef(leaf.payload)
    inside = replace(leaf, charset="utf-8", filename="", flowed=False, alternative=None, starts_forwarded=None)
    html, text = held.html.encode("utf-8", "replace"), held.text.encode("utf-8", "replace")
    found = [] if held.complete else [replace(leaf, unread=TNEF_UNREAD)]
    if held.html:
        found.append(replace(inside, content_type="text/html", payload=html, is_text=True, again=True))
    elif held.text:
        found.append(replace(inside, content_type="text/plain", payload=text, is_text=True, again=True))
    found += [
        replace(inside, content_type="application/octet-stream", filename=file.filename, payload=file.content)
        for file in held.files[:MAX_PARTS]
    ]
    return found or [leaf]


def _payload(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        payload = None
    if isinstance(payload, bytes):
        return payload
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def _parameters(part: Message) -> dict[str, str]:
    """Parameters of its Content-Type by lower-case name; of several with one name the first counts."""
    try:
        declared = part.get_params([])
    except (ValueError, LookupError):
        return {}
    found: dict[str, str] = {}
    for name, value in declared:
        plain = value[2] if isinstance(value, tuple) else value  # RFC 2231: charset, language, value
        found.setdefault(name.lower(), str(plain).strip() if plain else "")
    return found


def _filename(part: Message) -> str:
    try:
        return part.get_filename("") or ""
    except (ValueError, LookupError):
        return ""


def _in_words(defect_name: str) -> str:
    """ "StartBoundaryNotFoundDefect" -> "start boundary not found"."""
    return re.sub(r"(?<!^)([A-Z])", r" \1", defect_name.removesuffix("Defect")).lower()
