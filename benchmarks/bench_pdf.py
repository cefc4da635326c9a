"""
How much longer our tagged PDF of a long table takes than ReportLab's bare LongTable; exit 1 above the limit.

An access answer may hold thousands of rows. Ours is also parsed from Markdown, tagged and given an outline; what must
not happen is that the time grows faster than the rows. Both are made in turns, the fastest round of each counts.
"""

import argparse
import io
from collections.abc import Iterator
from datetime import UTC, datetime

from frame import Figure, run, seconds
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


def measure(_given: argparse.Namespace) -> Iterator[Figure]:
    rounds = [(seconds(ours), seconds(reference)) for _ in range(ROUNDS)]
    ours_s, reference_s = (min(times) for times in zip(*rounds, strict=True))
    yield Figure(
        what=f"PDF of {len(ROWS):,} rows in process: time",
        value=ours_s / reference_s,
        unit="times",
        most=LIMIT,
        against="ReportLab LongTable",
        detail=f"{ours_s:.2f} s, {reference_s:.2f} s",
    )


if __name__ == "__main__":
    run(__doc__, measure)
