"""
Text -> text that the embedded fonts can show.

Effects: reads the fonts of the package once; registers them with ReportLab and mends its ToUnicode tables, both global
to the process. A character without a glyph becomes `[U+1F680]` rather than an empty box: nothing is lost silently.
"""

import functools
import importlib.resources
import io
from collections.abc import Sequence

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


def resource(name: str) -> bytes:
    """A file of `letter_templates/fonts`."""
    return (importlib.resources.files("letter_templates") / "fonts" / name).read_bytes()


@functools.cache
def register() -> dict[str, frozenset[str]]:
    """Make the four faces of the family known to ReportLab; answers the characters that each of them can show."""
    faces = {face: ttfonts.TTFont(face, io.BytesIO(resource(f"{face}.ttf"))) for face in _FACES.values()}
    for font in faces.values():
        pdfmetrics.registerFont(font)
    normal, bold, italic, bold_italic = _FACES.values()
    pdfmetrics.registerFontFamily(FAMILY, normal=normal, bold=bold, italic=italic, boldItalic=bold_italic)
    ttfonts.makeToUnicodeCMap = _to_unicode_cmap
    rl_config.useA85 = 0  # else every page is written as text, slowly, and then read back
    return {face: frozenset({"\n", *map(chr, font.face.charToGlyph)}) for face, font in faces.items()}


def showable(text: str, *, bold: bool = False, italic: bool = False) -> str:
    """*text* with every character that the face lacks written as its code point; line breaks stay."""
    if text.isascii() and text.isprintable():
        return text
    shown = register()[_FACES[bold, italic]]
    if shown.issuperset(text):
        return text
    return "".join(char if char in shown else f"[U+{ord(char):04X}]" for char in text)


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of *text* on one line, in points."""
    return float(pdfmetrics.stringWidth(text, BOLD if bold else FAMILY, size))


def _to_unicode_cmap(fontname: str, subset: Sequence[int]) -> str:  # noqa: ARG001  # ReportLab passes it
    """
    Table from the glyph codes of a font subset to the characters they stand for.

    ReportLab 5.1 writes characters beyond U+FFFF as five hex digits, so that they are copied as others, and blocks
    longer than the 100 rows that are allowed (Adobe Technical Note 5411, section 1.4.1: UTF-16BE).
    """
    rows = [f"<{code:02X}> <{_utf16(value)}>" for code, value in enumerate(subset)]
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


def _utf16(code_point: int) -> str:
    return chr(code_point).encode("utf-16-be", "surrogatepass").hex().upper()
