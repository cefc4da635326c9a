"""
An address -> a sheet to print: for the window of an envelope, or the back of one.

Effects: reads the package's fonts. On paper only, so without a structure for screen readers.
"""

import io
from collections.abc import Sequence

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from dsar.pdf.fonts import FAMILY, register, showable

#: Where the right-hand window of Swedish C5 and E65 envelopes shows a folded A4 sheet, in points from the page's
#: lower left corner, and how many lines it shows.
_WINDOW_LEFT, _WINDOW_TOP, _WINDOW_LINES = 112 * mm, A4[1] - 50 * mm, 6
_SIZE, _LEADING = 11, 14
_SMALL, _SMALL_LEADING = 8, 10
_MARGIN = 22 * mm


def address_sheet(lines: Sequence[str], *, sender: Sequence[str], reference: str) -> bytes:
    """
    A sheet that goes on top of a letter: *lines* in the window, who sends it beside, the case reference below the fold.

    Args: lines: plain text, name first; what does not fit in the window is put on its last line.
    """
    shown = list(lines[:_WINDOW_LINES])
    if len(lines) > _WINDOW_LINES:
        shown[-1] = ", ".join(lines[_WINDOW_LINES - 1 :])
    return _page([(_WINDOW_LEFT, _WINDOW_TOP, _SIZE, _LEADING, shown)], sender=sender, reference=reference)


def note_sheet(lines: Sequence[str], *, sender: Sequence[str], reference: str) -> bytes:
    """A sheet with *lines* in the middle of the page, e.g. what goes on the back of an envelope."""
    return _page([(_MARGIN, A4[1] - 120 * mm, _SIZE, _LEADING, list(lines))], sender=sender, reference=reference)


def _page(
    blocks: Sequence[tuple[float, float, float, float, Sequence[str]]], *, sender: Sequence[str], reference: str
) -> bytes:
    register()
    drawn = io.BytesIO()
    canvas = Canvas(drawn, pagesize=A4, invariant=1)
    canvas.setTitle(reference)
    head = (_MARGIN, A4[1] - 20 * mm, _SMALL, _SMALL_LEADING, list(sender))
    foot = (_MARGIN, 20 * mm, _SMALL, _SMALL_LEADING, [reference])
    for left, top, size, leading, lines in (head, *blocks, foot):
        canvas.setFont(FAMILY, size)
        for number, line in enumerate(lines):
            canvas.drawString(left, top - number * leading, showable(line))
    canvas.save()
    return drawn.getvalue()
