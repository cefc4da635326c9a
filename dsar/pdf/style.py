"""
The colours of a company -> those of its documents, and the styles of their text.

Effects: none.
"""

from dataclasses import dataclass

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.units import mm

from dsar.model import Look
from dsar.pdf.text import Style

#: Of a page, in points: sides, above, below.
MARGIN, HEAD_ROOM, FOOT = 22 * mm, 18 * mm, 24 * mm

INK = HexColor("#1d2730")


@dataclass(frozen=True, kw_only=True)
class Palette:
    """The colours of one document."""

    accent: Color  #: Headings, and the lines below the headers of tables.
    tint: Color  #: Grounds of boxes and headers.
    line: Color  #: Lines between rows.

    @classmethod
    def of(cls, look: Look) -> "Palette":
        return cls(accent=HexColor(look.accent), tint=HexColor(look.tint), line=HexColor("#c5ced6"))


BODY = Style(size=9.5, leading=14, color=INK, after=7)
ITEM = Style(size=9.5, leading=14, color=INK, after=4)
BOX = Style(size=9.5, leading=14, color=INK, before=9, after=14, padding=10)
CODE = Style(size=8.5, leading=12, color=INK, after=7)
CELL = Style(size=8.5, leading=11.5, color=INK)
CELL_HEAD = Style(size=8.5, leading=11.5, color=INK, bold=True)
HEAD = Style(size=8, leading=11.5, color=INK, after=1)


def company(palette: Palette) -> Style:
    """Of the first line of a letterhead."""
    return Style(size=13, leading=18, color=palette.accent, after=1, bold=True)


def headings(palette: Palette) -> dict[int, Style]:
    """Level -> its style."""
    return {
        level: Style(size=size, leading=size * 1.3, color=color, bold=True, before=before, after=after)
        for level, size, before, after, color in (
            (1, 17, 8, 12, palette.accent),
            (2, 12.5, 16, 6, palette.accent),
            (3, 10.5, 12, 5, INK),
            (4, 9.5, 9, 3, INK),
            (5, 9.5, 6, 3, INK),
            (6, 9.5, 6, 3, INK),
        )
    }
