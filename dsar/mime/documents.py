"""
An attachment -> the text of the document, or why only a person can read it.

Effects: none. What the bytes are decides, not what the mail calls them. Nothing is executed, no archive is unpacked,
and of a Word or OpenDocument file only the one member that holds the text is read, within limits.
"""

import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import NamedTuple
from xml.parsers import expat

from dsar.mime.rtf import rtf_text
from dsar.mime.visible import visible_text
from dsar.mime.words import decode_text, printable

LARGEST_DOCUMENT_BYTES = 25_000_000
LONGEST_TEXT = 100_000
_MOST_PAGES = 50
_MOST_SCANS = 5  #: Pages that are read from pictures; a request stands on the first.
_MOST_FORM_FIELDS = 500
_LARGEST_DIRECTORY_BYTES = 500_000  #: Of a zip file; a document has some twenty members.
_LARGEST_UNPACKED_BYTES = 200_000_000
_LARGEST_MEMBER_BYTES = 30_000_000
#: Office files shrink to a tenth; the format reaches a thousandth with nothing but zeros.
_HIGHEST_RATIO = 200

PASSWORD = "an attachment is protected by a password"  # noqa: S105
MACROS = "an attachment holds macros"
BOMB = "an attachment unpacks to far more than it should"
ARCHIVE = "an attachment is an archive, which is not opened"
SCAN = "an attached PDF has no text, it is a scan or a picture"
OLD = "an attachment is in an old file format, which is not read"
BROKEN = "an attachment is broken"
LARGE = "an attachment is too large to be read"
PICTURE = "an attachment is a picture or a recording, which is not read"

_ARCHIVES = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"BM")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_TEXT_TYPES = frozenset({"text/plain", "text/markdown", "text/enriched"})
_TEXT_ENDINGS = (".txt", ".text", ".md")
_MACRO_ENDINGS = (".docm", ".dotm", ".xlsm", ".xltm", ".xlam", ".pptm", ".potm", ".ppam", ".ppsm")
_ZIP_END = b"PK\x05\x06"


class Reading(NamedTuple):
    """What came of an attachment: text, or a reason, or neither when it is no document."""

    text: str = ""
    unread: str = ""


class _UnreadError(Exception):
    """Only a person can read it; the text says why."""


def read_document(filename: str, content_type: str, content: bytes) -> Reading:
    """
    The visible text of a PDF, DOCX, ODT, RTF, HTML or text file, at most LONGEST_TEXT characters of it.

    Args: content_type: as declared, lower-case; it decides only between kinds of text.
    """
    reader = _reader(filename.lower(), content_type, content)
    if reader is None:
        return Reading()
    if len(content) > LARGEST_DOCUMENT_BYTES:
        return Reading(unread=LARGE)
    try:
        return Reading(text=printable(reader(content)[:LONGEST_TEXT]).strip("\n"))
    except _UnreadError as why:
        return Reading(unread=str(why))
    except Exception:  # noqa: BLE001  # whatever a broken file does to its parser, the mail is read
        return Reading(unread=BROKEN)


def is_picture(content_type: str, content: bytes) -> bool:
    """Whether it is seen or heard rather than read."""
    return content_type.startswith(("image/", "audio/", "video/")) or content.startswith(_PICTURES)


def _reader(filename: str, content_type: str, content: bytes) -> Callable[[bytes], str] | None:
    """What reads such bytes; None if they are no document."""
    if filename.endswith(_MACRO_ENDINGS) or "macroenabled" in content_type:
        return _refuse(MACROS)
    for start, reader in _BY_START:
        if content.startswith(start):
            return reader
    if b"%PDF-" in content[:1024]:
        return _pdf
    if content_type == "text/html" or filename.endswith((".html", ".htm")):
        return _html
    if content_type in _TEXT_TYPES or filename.endswith(_TEXT_ENDINGS):
        return _plain
    return None


def _refuse(why: str) -> Callable[[bytes], str]:
    def refuse(_content: bytes) -> str:
        raise _UnreadError(why)

    return refuse


def _plain(content: bytes) -> str:
    if b"\0" in content[:1000] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _UnreadError(BROKEN)
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return decode_text(content[: 4 * LONGEST_TEXT], "utf-16" if utf16 else "")[0].removeprefix("\ufeff")


def _html(content: bytes) -> str:
    return visible_text(_plain(content)).text


def _ole(content: bytes) -> str:
    """Microsoft's compound file: an old Office file, or a new one under a password ([MS-OFFCRYPTO] s. 2.3.4.4)."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise _UnreadError(PASSWORD)
    if "_VBA_PROJECT".encode("utf-16-le") in content:
        raise _UnreadError(MACROS)
    raise _UnreadError(OLD)


# ----------------------------------------------------------------------------------------------------------- PDF


def _pdf(content: bytes) -> str:
    from pypdf import PdfReader  # few mails need it, and it takes long to import

    reader = PdfReader(BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise _UnreadError(PASSWORD)
    if len(reader.pages) > _MOST_PAGES:
        raise _UnreadError(LARGE)  # half a document would pass for the whole
    pieces: list[str] = []
    for at in range(len(reader.pages)):
        pieces.append(reader.pages[at].extract_text())
        if sum(map(len, pieces)) > LONGEST_TEXT:
            break
    fields = list((reader.get_form_text_fields() or {}).items())[:_MOST_FORM_FIELDS]
    pieces += [f"{name}: {value}" for name, value in fields if value]
    text = "\n".join(pieces)
    if not re.search(r"\w{2}", text):
        raise _UnreadError(SCAN)
    return text


def scanned_pages(content: bytes) -> list[bytes]:
    """The picture of each of the first pages of a scanned PDF, as a file of its own; empty if they cannot be had."""
    from pypdf import PdfReader

    try:
        pages = PdfReader(BytesIO(content)).pages
        pictures = [max(page.images, key=lambda image: len(image.data), default=None) for page in pages[:_MOST_SCANS]]
    except Exception:  # noqa: BLE001  # whatever a broken file does to its parser, a person looks
        return []
    return [picture.data for picture in pictures if picture is not None]


# ------------------------------------------------------------------------------------ zip: DOCX, ODT and archives


def _zip(content: bytes) -> str:
    end = content.rfind(_ZIP_END)
    # APPNOTE.TXT s. 4.3.16: the size of the central directory stands twelve bytes into its end record.
    if end < 0 or int.from_bytes(content[end + 12 : end + 16], "little") > _LARGEST_DIRECTORY_BYTES:
        raise _UnreadError(BROKEN if end < 0 else BOMB)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = {member.filename: member for member in archive.infolist()}
        if any(member.flag_bits & 1 for member in members.values()):
            raise _UnreadError(PASSWORD)
        if _is_bomb(list(members.values()), len(content)):
            raise _UnreadError(BOMB)
        if any(name.lower().endswith("vbaproject.bin") or name.startswith("Basic/") for name in members):
            raise _UnreadError(MACROS)
        if b"encryption-data" in _member(archive, members, "META-INF/manifest.xml"):
            raise _UnreadError(PASSWORD)  # OpenDocument 1.3 part 2 s. 3.4: its members are encrypted one by one
        for name, kind in _TEXT_MEMBERS.items():
            if name in members:
                return _xml_text(_member(archive, members, name), kind)
        if "[Content_Types].xml" in members or "mimetype" in members:
            return ""  # a spreadsheet or presentation: no letter
    raise _UnreadError(ARCHIVE)


def _is_bomb(members: list[zipfile.ZipInfo], packed: int) -> bool:
    unpacked = sum(member.file_size for member in members)
    return unpacked > _LARGEST_UNPACKED_BYTES or unpacked > max(1_000_000, packed * _HIGHEST_RATIO)


def _member(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str) -> bytes:
    """The bytes of one member; its declared size is not believed."""
    if name not in members:
        return b""
    with archive.open(members[name]) as stream:
        content = stream.read(_LARGEST_MEMBER_BYTES + 1)
    if len(content) > _LARGEST_MEMBER_BYTES:
        raise _UnreadError(BOMB)
    return content


class _Kind(NamedTuple):
    """Which elements of an XML document carry its text; names without their namespace."""

    text: frozenset[str]  #: Empty: everything below the body.
    breaks: frozenset[str]
    apart: frozenset[str]  #: With all below them: deleted, hidden or comment.
    body: str


_TEXT_MEMBERS = {
    "word/document.xml": _Kind(
        text=frozenset({"t"}), breaks=frozenset({"p", "br", "cr", "tab"}), apart=frozenset({"del"}), body="body"
    ),
    "content.xml": _Kind(
        text=frozenset(),
        breaks=frozenset({"p", "h", "line-break", "tab", "s"}),
        apart=frozenset({"tracked-changes", "annotation"}),
        body="text",
    ),
}
#: w:strike and friends inside w:rPr make the run unseen, unless switched off by their value.
_UNSEEN_RUN = frozenset({"strike", "dstrike", "vanish"})
_OFF = frozenset({"0", "false", "off"})


class _XmlText:
    """Collects the visible text while expat runs over the document; no tree is built."""

    def __init__(self, kind: _Kind) -> None:
        self._kind = kind
        self._path: list[str] = []
        self._apart = 0
        self._unseen_run = False
        self.pieces: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._path.append(name)
        self._apart += name in self._kind.apart
        if name == "r":
            self._unseen_run = False
        elif name in _UNSEEN_RUN and self._path[-2:-1] == ["rPr"]:
            self._unseen_run = attributes.get("w:val", "1") not in _OFF
        elif name in ("tab", "s"):
            self.pieces.append(" ")

    def end(self, tag: str) -> None:
        name = self._path.pop()
        self._apart -= name in self._kind.apart
        if name in self._kind.breaks and name not in ("tab", "s"):
            self.pieces.append("\n")
        elif name == "r":
            self._unseen_run = False

    def data(self, data: str) -> None:
        inside = not self._kind.text or self._path[-1] in self._kind.text
        if inside and not self._apart and not self._unseen_run and self._kind.body in self._path[:4]:
            self.pieces.append(data)


def _xml_text(content: bytes, kind: _Kind) -> str:
    reader = _XmlText(kind)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.Parse(content, True)  # noqa: FBT003
    return "".join(reader.pieces)


def _no_doctype(*_declared: object) -> None:
    """No Office program writes one; entities that grow, or that fetch, begin here."""
    raise _UnreadError(BROKEN)


_BY_START: tuple[tuple[bytes | tuple[bytes, ...], Callable[[bytes], str]], ...] = (
    (b"%PDF-", _pdf),
    ((b"PK\x03\x04", b"PK\x05\x06"), _zip),
    (_OLE, _ole),
    (b"{\\rtf", rtf_text),
    (_ARCHIVES, _refuse(ARCHIVE)),
)
