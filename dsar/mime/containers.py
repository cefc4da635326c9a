"""
Parts that hold other parts in forms of their own -> what they hold.

Effects: none. TNEF (winmail.dat of Outlook), S/MIME signatures around a mail, files uuencoded within a text, and PGP
armour. Nothing is decrypted: what is encrypted is recognised and left to a person.
"""

import binascii
import re
from typing import NamedTuple

import tnefparse.mapi  # type: ignore[import-untyped]
import tnefparse.tnef  # type: ignore[import-untyped]

from dsar.mime.rtf import rtf_text

ENCRYPTED = "the mail is encrypted"
TNEF_UNREAD = "winmail.dat is broken, or its text is in a form that is not read"

#: RFC 5652 s. 5.1, s. 6.1, RFC 5083 s. 2.1, RFC 3274 s. 1.1: types of content as encoded object identifiers.
_PKCS7 = bytes.fromhex("06092a864886f70d0107")
_SIGNED_DATA = _PKCS7 + b"\x02"
_SEALED = (_PKCS7 + b"\x03", _PKCS7 + b"\x06", bytes.fromhex("060b2a864886f70d0109100117"))
_MOST_PROPERTIES = 10_000
_RTF_RING = 4096
_RTF_WORDS = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_MOST_ASN1_ELEMENTS = 100_000
_UU_BEGIN = re.compile(r"begin [0-7]{3,4} (\S.{0,200})")
_PGP_MESSAGE = "-----BEGIN PGP MESSAGE-----"
_PGP_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
_PGP_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"


class File(NamedTuple):
    """A file taken out of a container."""

    filename: str
    content: bytes


class Tnef(NamedTuple):
    """What winmail.dat holds."""

    text: str
    html: str
    files: tuple[File, ...]
    complete: bool  #: False if it holds text that cannot be read.


def _counted(count: int) -> range:
    if count > _MOST_PROPERTIES:
        raise ValueError("more properties than any mail has")
    return range(count)


# tnefparse 1.4 believes each count in the stream: 68 bytes keep it going for hours. Its loops get this range instead.
tnefparse.mapi.range = tnefparse.tnef.range = _counted


def unpack_tnef(content: bytes) -> Tnef:
    """Text and files of a TNEF stream ([MS-OXTNEF])."""
    try:
        read = tnefparse.tnef.TNEF(content, do_checksum=False)
        files = tuple(File(_string(file.long_filename()), bytes(file.data)) for file in read.attachments)
        rtf = bytes(read.rtfbody or b"")
        text = _string(read.body) or rtf_text(rtf if rtf.startswith(b"{\\rtf") else unpack_rtf(rtf))
        html = _string(read.htmlbody)
        return Tnef(text, html, files, complete=bool(text or html or files))
    except Exception:  # noqa: BLE001  # the library reads hostile lengths without checks of its own
        return Tnef("", "", (), complete=False)


def unpack_rtf(packed: bytes) -> bytes:
    """
    Compressed RTF ([MS-OXRTFCP]) -> RTF, as far as it goes.

    s. 2.2.3: references point into a ring of 4,096 bytes that begins with common RTF words; one that points at the
    place of writing ends the text.
    """
    if packed[8:12] != b"LZFu":
        return packed[16:] if packed[8:12] == b"MELA" else b""
    ring = bytearray(_RTF_WORDS.ljust(_RTF_RING, b"\0"))
    place = len(_RTF_WORDS)
    found = bytearray()
    at = 16
    while at < len(packed):
        control = packed[at]
        at += 1
        for bit in range(8):
            size = 2 if control >> bit & 1 else 1
            token = int.from_bytes(packed[at : at + size])
            at += size
            if at > len(packed) or (size == 2 and token >> 4 == place):
                return bytes(found)
            start, count = (token >> 4, (token & 15) + 2) if size == 2 else (place, 1)
            for step in range(count):
                byte = token if size == 1 else ring[(start + step) % _RTF_RING]
                ring[place] = byte
                place = (place + 1) % _RTF_RING
                found.append(byte)
    return bytes(found)


def _string(value: object) -> str:
    if isinstance(value, (list, tuple)):
        value = next(iter(value), "")
    if isinstance(value, bytes):
        value = value.decode("cp1252", "replace")
    return str(value or "").rstrip("\0")


# -------------------------------------------------------------------------------------------------------- S/MIME


def is_sealed(content: bytes) -> bool:
    """Whether a PKCS #7 object is encrypted (enveloped) rather than signed."""
    return any(kind in content[:40] for kind in _SEALED)


def signed_content(content: bytes) -> bytes | None:
    """
    The mail inside an opaque S/MIME signature (RFC 8551 s. 3.5.2); None if it is none. No signature is verified.

    RFC 5652 s. 5.2: the content is the one octet string of the encapsulated content, in one piece or, as BER allows,
    in several; certificates and signatures come after it.
    """
    if _SIGNED_DATA not in content[:40]:
        return None
    pieces: list[bytes] = []
    found_type = False
    at = content.index(_SIGNED_DATA) + len(_SIGNED_DATA)
    for _ in range(_MOST_ASN1_ELEMENTS):
        if at + 2 > len(content):
            break
        tag, start, size = _element(content, at)
        if tag == 0x06 and content[at : at + len(_PKCS7)] == _PKCS7:
            found_type = True
        if tag == 0x04 and found_type:
            pieces.append(content[start : start + size])
        elif pieces and tag != 0x04:
            break  # the end of the string, of its pieces, or of the content
        is_open = tag in (0x24, 0xA0) or (tag == 0x30 and not found_type and not _is_algorithm(content, start))
        at = start if is_open or tag == 0 else start + size
    return b"".join(pieces) if pieces else None


def _is_algorithm(content: bytes, start: int) -> bool:
    """Whether a sequence begins with an identifier that is no type of content: it is stepped over."""
    return content[start : start + 1] == b"\x06" and content[start : start + len(_PKCS7)] != _PKCS7


def _element(content: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start of the value, and size of the value; an indefinite size is 0 (X.690 s. 8.1)."""
    tag, first = content[at], content[at + 1]
    if first < 0x80:
        return tag, at + 2, first
    count = first & 0x7F
    return tag, at + 2 + count, int.from_bytes(content[at + 2 : at + 2 + min(count, 8)])


# ---------------------------------------------------------------------------------------- within a text


def take_uuencoded(text: str) -> tuple[str, list[File]]:
    """*text* without the files that are uuencoded in it, and those files."""
    if "begin" not in text or "\nend" not in text:
        return text, []
    kept: list[str] = []
    files: list[File] = []
    held: list[str] = []  # lines of a file that has begun, in case it is none
    name, data = "", bytearray()
    for line in text.split("\n"):
        begin = None if held else _UU_BEGIN.fullmatch(line.rstrip())
        if begin:
            name, data, held = begin[1], bytearray(), [line]
        elif not held:
            kept.append(line)
        elif line.strip() == "end":
            files.append(File(name, bytes(data)))
            held = []
        elif _add_uu_line(data, line):
            held.append(line)
        else:
            kept += [*held, line]
            held = []
    return "\n".join(kept + held), files


def _add_uu_line(data: bytearray, line: str) -> bool:
    if not line.isascii() or len(line) > 100:
        return False
    try:
        data += binascii.a2b_uu(line)
    except binascii.Error:
        return False
    return True


def is_pgp_message(text: str) -> bool:
    """Whether *text* holds an encrypted message in ASCII armour (RFC 9580 s. 6.2)."""
    return _PGP_MESSAGE in text


def without_armour(text: str) -> str:
    """
    *text* without the lines of a cleartext signature (RFC 9580 s. 7).

    The armour's header ends at the first empty line; lines of the text that begin with a dash carry "- " before it.
    """
    if _PGP_SIGNED not in text:
        return text
    before, _, rest = text.partition(_PGP_SIGNED)
    signed, _, after = rest.partition("\n\n")[2].partition(_PGP_SIGNATURE)
    lines = [line.removeprefix("- ") for line in signed.split("\n")]
    return before + "\n".join(lines) + after.partition("-----END PGP SIGNATURE-----")[2]
