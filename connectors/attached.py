"""
(what a declaration and a row tell of a document) -> Document; (Document, bytes) -> the bytes, checked.

Effects: none.
"""

import base64
import binascii
import hashlib
import mimetypes
from collections.abc import Callable, Mapping

from dsar.connector import LARGEST_DOCUMENT_BYTES
from dsar.declaration import DeclaredDocument
from dsar.errors import SystemContractError, SystemDriftError
from dsar.model import Document, Record

_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": lambda content: base64.b64decode(content, validate=False),
    "hex": lambda content: bytes.fromhex(content.decode("ascii").removeprefix("\\x").removeprefix("0x")),
}


def told(
    declared: DeclaredDocument,
    values: Mapping[str, str],
    *,
    place: str,
    name: str = "",
    size: int | None = None,
    sha256: str | None = None,
) -> Document:
    """
    What is known of a document before it is fetched.

    Args: values: column or path -> text; name, size, sha256: where the declaration names no column for them.
    """
    name = values.get(declared.name or "", "") or name
    size_text = values.get(declared.size or "", "")
    return Document(
        label=declared.label,
        name=name,
        media_type=values.get(declared.media_type or "", "") or media_type_of(name),
        place=place,
        size=int(size_text) if size_text.isascii() and size_text.isdecimal() else size,
        sha256=values.get(declared.sha256 or "", "").lower() or sha256,
    )


def media_type_of(name: str) -> str:
    """By the ending alone."""
    return mimetypes.guess_type(name, strict=True)[0] or "application/octet-stream"


def opened(system: str, declared: DeclaredDocument, content: bytes) -> bytes:
    """*content* without what it is packed in. Raises: SystemContractError."""
    try:
        for encoding in declared.decode:
            content = _DECODERS[encoding](content)
    except (ValueError, binascii.Error):
        raise SystemContractError(system, "a document is not packed as declared") from None
    return content


def checked(record: Record, document: Document, content: bytes | None) -> bytes:
    """
    *content* as it was fetched for *document*; None: it is not there any more.

    Raises: SystemDriftError if it is another one than was told; SystemContractError if it is too large.
    """
    if content is None or (document.size is not None and len(content) != document.size):
        raise SystemDriftError(record.system, record.object)
    if document.sha256 and hashlib.sha256(content).hexdigest() != document.sha256:
        raise SystemDriftError(record.system, record.object)
    return within_limit(record.system, content)


def within_limit(system: str, content: bytes) -> bytes:
    """Raises: SystemContractError."""
    if len(content) > LARGEST_DOCUMENT_BYTES:
        raise SystemContractError(system, "a document is larger than any should be; a person has to bring it")
    return content
