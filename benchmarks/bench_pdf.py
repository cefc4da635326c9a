"""
How much longer our tagged PDF of a long table takes than ReportLab's bare LongTable; exit 1 above the limit.

An access answer may hold thousands of rows. Ours is also parsed from Markdown, tagged and given an outline; what must
not happen is that the time grows faster than the rows. Both are made in turns, the fastest round of each counts.
"""

import io
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate

from dsar.pdf import render

LIMIT = 3.0
ROUNDS = 3
ROWS = [(f"rad {number}", "lång text " * (number % 20)) for number in range(2000)]
MARKDOWN = "| Nummer | Innehåll |\n|---|---|\n" + "".join(f"| {left} | {right} |\n" for left, right in ROWS)


def ours() -> None:
    """The table as an access answer shows it."""
    render(MARKDOWN, title="Svar", language="sv", footer="Svar", created_at=datetime(2026, 3, 2, tzinfo=UTC))


def reference() -> None:
    """The same cells in a bare LongTable."""
    style = ParagraphStyle("cell")
    cells = [[Paragraph(text, style) for text in row] for row in [("Nummer", "Innehåll"), *ROWS]]
    SimpleDocTemplate(io.BytesIO(), pagesize=A4).build([LongTable(cells, colWidths=[80, 350], repeatRows=1)])


def seconds(make: Callable[[], None]) -> float:
    """How long *make* takes."""
    began = time.perf_counter()
    make()
    return time.perf_counter() - began


def main() -> None:
    """Measure, print, judge."""
    rounds = [(seconds(ours), seconds(reference)) for _ in range(ROUNDS)]
    ours_s, reference_s = (min(times) for times in zip(*rounds, strict=True))
    ratio = ours_s / reference_s
    print(f"{len(ROWS)} rows: ours {ours_s:.2f} s, LongTable {reference_s:.2f} s, ratio {ratio:.2f}, limit {LIMIT}")
    sys.exit(ratio > LIMIT)


if __name__ == "__main__":
    main()
