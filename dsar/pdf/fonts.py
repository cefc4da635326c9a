"""
Text -> the fonts that show it, character by character.

Effects: reads the fonts of the package when they are first needed; registers them with ReportLab and mends its
ToUnicode tables, both global to the process. DejaVu Sans shows most of what people write; other scripts and emoji come
from the fonts of `_FALLBACKS`. A character without a glyph anywhere becomes `[U+1F970]` rather than an empty box:
nothing is lost silently.
"""

import functools
import importlib.resources
import io
import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby

from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics, ttfonts

FAMILY = "DejaVuSans"
BOLD = "DejaVuSans-Bold"

#: (bold, italic) -> name of the font, which is also its file name.
_FACES = {
    (False, False): FAMILY,
    (True, False): BOLD,
    (False, True): "DejaVuSans-Oblique",
    (True, True): "DejaVuSans-BoldOblique",
}
#: File name -> the code points that it is asked for; what no other has is looked for among the symbols.
_FALLBACKS: Sequence[tuple[str, range]] = (
    ("NotoSansDevanagari-Regular", range(0x0900, 0x0980)),
    ("NotoSansBengali-Regular", range(0x0980, 0x0A00)),
    ("NotoSansGurmukhi-Regular", range(0x0A00, 0x0A80)),
    ("NotoSansTamil-Regular", range(0x0B80, 0x0C00)),
    ("NotoSansThai-Regular", range(0x0E00, 0x0E80)),
    ("NotoSansEthiopic-Regular", range(0x1200, 0x13A0)),
    ("NotoSansEthiopic-Regular", range(0x2D80, 0x2DE0)),
    ("DroidSansFallbackFull", range(0x2E80, 0xA000)),
    ("DroidSansFallbackFull", range(0xF900, 0xFB00)),
    ("DroidSansFallbackFull", range(0xFE30, 0xFE50)),
    ("DroidSansFallbackFull", range(0xFF00, 0xFFF0)),
    ("SymbolaSymbols", range(0x2000, 0x2E80)),
    ("SymbolaSymbols", range(0x1F000, 0x1FB00)),
)
#: Characters that are not meant to be seen: joiners, variation selectors, ... (Unicode: Default_Ignorable_Code_Point);
#: and colours of skin, which in black and white are boxes.
UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U0001f3fb-\U0001f3ff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_PRESENTATION = re.compile("[\ufb50-\ufdff\ufe70-\ufefc]")


def resource(name: str) -> bytes:
    """A file of `letter_templates/fonts`."""
    return (importlib.resources.files("letter_templates") / "fonts" / name).read_bytes()


@functools.cache
def register() -> None:
    """Make the four faces of the family known to ReportLab."""
    ttfonts.makeToUnicodeCMap = _to_unicode_cmap
    rl_config.useA85 = 0  # else every page is written as text, slowly
    for face in _FACES.values():
        _characters(face)
    normal, bold, italic, bold_italic = _FACES.values()
    pdfmetrics.registerFontFamily(FAMILY, normal=normal, bold=bold, italic=italic, boldItalic=bold_italic)


@functools.cache
def _characters(name: str) -> frozenset[str]:
    """What the font *name* can show; makes it known to ReportLab."""
    font = ttfonts.TTFont(name, io.BytesIO(resource(f"{name}.ttf")))
    pdfmetrics.registerFont(font)
    return frozenset(map(chr, font.face.charToGlyph)) - {"\n"}


@functools.lru_cache(maxsize=8192)
def _font_of(char: str, *, bold: bool, italic: bool) -> str | None:
    """The font that shows *char* in the face asked for, or in the next best."""
    for face in dict.fromkeys((_FACES[bold, italic], _FACES[bold, False], FAMILY)):
        if char in _characters(face):
            return face
    for name, code_points in _FALLBACKS:
        if ord(char) in code_points and char in _characters(name):
            return name
    return None


def showable(text: str) -> str:
    """*text* with every character that no font has written as its code point; line breaks stay."""
    register()
    if (text.isascii() and text.isprintable()) or _characters(FAMILY).issuperset(text):
        return text
    return "".join(
        char
        if char == "\n" or UNSEEN.match(char) or _font_of(char, bold=False, italic=False)
        else f"[U+{ord(char):04X}]"
        for char in text
    )


def divided(text: str, *, bold: bool = False, italic: bool = False) -> list[tuple[str, str]]:
    """(font, part) of *text*, which is `showable` and without UNSEEN."""
    face = _FACES[bold, italic]
    if text.isascii() or _characters(face).issuperset(text):
        return [(face, text)]
    fonts = groupby(text, lambda char: _font_of(char, bold=bold, italic=italic) or FAMILY)
    return [(font, "".join(chars)) for font, chars in fonts]


@functools.lru_cache(maxsize=16384)
def width(text: str, size: float, *, bold: bool = False, italic: bool = False) -> float:
    """Width of *text* on one line, in points."""
    parts = divided(text, bold=bold, italic=italic)
    return float(sum(pdfmetrics.stringWidth(part, font, size) for font, part in parts))


def _to_unicode_cmap(fontname: str, subset: Sequence[int]) -> str:  # noqa: ARG001  # ReportLab passes it
    """
    Table from the glyph codes of a font subset to the characters they stand for.

    ReportLab 5.1 writes characters beyond U+FFFF as five hex digits, so that they are copied as others, and blocks
    longer than the 100 rows that are allowed (Adobe Technical Note 5411, section 1.4.1: UTF-16BE). The forms that
    Arabic letters take beside each other stand for the letters themselves, so that names can be searched for.
    """
    rows = [f"<{code:02X}> <{_utf16(_letters(chr(value)))}>" for code, value in enumerate(subset)]
    lines = [
        "/CIDInit /ProcSet findresource begin",
        "12 dict begin",
        "begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def",
        "/CMapType 2 def",
        "1 begincodespacerange",
        "<00> <FF>",
        "endcodespacerange",
    ]
    for start in range(0, len(rows), 100):
        block = rows[start : start + 100]
        lines += [f"{len(block)} beginbfchar", *block, "endbfchar"]
    return "\n".join([*lines, "endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end"])


def _letters(char: str) -> str:
    """What a presentation form of Arabic stands for, as the eye meets it; any other character as it is."""
    return unicodedata.normalize("NFKC", char)[::-1] if _PRESENTATION.match(char) else char


def _utf16(text: str) -> str:
    return text.encode("utf-16-be", "surrogatepass").hex().upper()
