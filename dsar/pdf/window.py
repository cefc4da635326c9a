"""
Where the window of an envelope shows a folded A4 sheet, and what fits in it.

Effects: none.
"""

from collections.abc import Sequence

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm

#: The right-hand window of Swedish C5 and E65 envelopes (SS 61 30 05), in points from the page's lower left corner:
#: where the first line begins, and how many lines show.
WINDOW_LEFT, WINDOW_TOP, _LINES = 112 * mm, A4[1] - 50 * mm, 6
#: Points from the lower edge of the page up to which the window shows it; text begins below.
WINDOW_END = A4[1] - 92 * mm


def in_window(lines: Sequence[str]) -> list[str]:
    """*lines* of an address, name first; those that the window does not show are put on its last line."""
    shown = list(lines[:_LINES])
    if len(lines) > _LINES:
        shown[-1] = ", ".join(lines[_LINES - 1 :])
    return shown
