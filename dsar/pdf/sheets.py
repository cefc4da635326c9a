"""
An address -> a sheet to print: for the window of an envelope, or the back of one.

Effects: reads the package's fonts. On paper only, so without a structure for screen readers.
"""

import io
from collections.abc import Sequence
from typing import NamedTuple

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from dsar.pdf.fonts import register
from dsar.pdf.style import INK, MARGIN
from dsar.pdf.tagging import Tags
from dsar.pdf.text import Style, draw_line
from dsar.pdf.window import WINDOW_LEFT, WINDOW_TOP, in_window

_ADDRESS = Style(size=11, leading=14, color=INK)
_SMALL = Style(size=8, leading=10, color=INK)


class _Lines(NamedTuple):
    """Lines below each other, the first with its baseline at *top*."""

    left: float
    top: float
    style: Style
    lines: Sequence[str]


def address_sheet(lines: Sequence[str], *, sender: Sequence[str], reference: str) -> bytes:
    """
    A sheet that goes on top of a letter: *lines* in the window, who sends it beside, the case reference below the fold.

    Args: lines: plain text, name first; what does not fit in the window is put on its last line.
    """
    return _page(_Lines(WINDOW_LEFT, WINDOW_TOP, _ADDRESS, in_window(lines)), sender=sender, reference=reference)


def note_sheet(lines: Sequence[str], *, sender: Sequence[str], reference: str) -> bytes:
    """A sheet with *lines* in the middle of the page, e.g. what goes on the back of an envelope."""
    return _page(_Lines(MARGIN, A4[1] - 120 * mm, _ADDRESS, lines), sender=sender, reference=reference)


def _page(middle: _Lines, *, sender: Sequence[str], reference: str) -> bytes:
    register()
    drawn = io.BytesIO()
    canvas = Canvas(drawn, pagesize=A4, invariant=1)
    canvas.setTitle(reference)
    tags = Tags()
    head = _Lines(MARGIN, A4[1] - 20 * mm, _SMALL, sender)
    foot = _Lines(MARGIN, 20 * mm, _SMALL, [reference])
    for left, top, style, lines in (head, middle, foot):
        for number, line in enumerate(lines):
            draw_line(canvas, line, style, tags, left, top - number * style.leading)
    canvas.save()
    return drawn.getvalue()
