"""
(what a declaration and a row tell of a document) -> Document; (Document, bytes) -> the bytes, checked.

Effects: none.
"""

import binascii
import hashlib
import mimetypes
from collections.abc import Mapping, Sequence

from connectors.unpacking import DECODERS
from dsar.connector import LARGEST_DOCUMENT_BYTES
from dsar.declaration import DeclaredDocument
from dsar.errors import SystemContractError, SystemDriftError
from dsar.model import Document, Record

#: First bytes of a picture -> the ending of its name.
_PICTURES = {b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png", b"GIF8": ".gif"}


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


def told_by_value(declared: Sequence[DeclaredDocument], held: Mapping[str, Sequence[bytes]]) -> tuple[Document, ...]:
    """
    The documents among values that have neither name nor order, as pictures in a directory or on a card.

    Args: held: {what `content` of a document names, in small letters: the values}.
    """
    return tuple(
        told(each, {}, place=f"{number}:{digest}", name=_picture_name(value), size=len(value), sha256=digest)
        for number, each in enumerate(declared)
        for digest, value in sorted(_by_digest(each, held).items())
    )


def value_at(declared: Sequence[DeclaredDocument], held: Mapping[str, Sequence[bytes]], place: str) -> bytes | None:
    """The value that `told_by_value` has put at *place*; None if it is not there any more."""
    number, _, digest = place.partition(":")
    return _by_digest(declared[int(number)], held).get(digest)


def _by_digest(declared: DeclaredDocument, held: Mapping[str, Sequence[bytes]]) -> dict[str, bytes]:
    values = held.get((declared.content or "").lower(), ())
    return {hashlib.sha256(value).hexdigest(): value for value in values}


def _picture_name(content: bytes) -> str:
    """What a picture without a name may be called; its kind stands in its first bytes."""
    return next((f"photo{ending}" for start, ending in _PICTURES.items() if content.startswith(start)), "")


def media_type_of(name: str) -> str:
    """By the ending alone."""
    return mimetypes.guess_type(name, strict=True)[0] or "application/octet-stream"


def opened(system: str, declared: DeclaredDocument, content: bytes) -> bytes:
    """*content* without what it is packed in. Raises: SystemContractError."""
    try:
        for encoding in declared.decode:
            content = DECODERS[encoding](content)
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
