"""
Figures -> one page of PDF, to be printed or attached.

Effects: reads the fonts. Whoever uses a screen reader gets the page (as_html), which holds the same.
"""

import io
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepInFrame, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from dsar.model import RIGHTS_IN_ORDER
from dsar.monthly_statistics.charts import months_chart
from dsar.monthly_statistics.figures import MonthlyStatistics
from dsar.monthly_statistics.page import RIGHT_NAMES, period, table, words
from dsar.pdf.fonts import BOLD, FAMILY, register

_MARGIN = 18 * mm
_COMPANY = HexColor("#1f4e6b")
_STYLE = TableStyle(
    [
        ("FONT", (0, 0), (-1, -1), FAMILY, 7.5),
        ("FONT", (0, 0), (-1, 0), BOLD, 7),
        ("BACKGROUND", (0, 0), (-1, 0), HexColor("#eef3f7")),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor("#c9d3da")),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.8),
    ]
)


def as_pdf(result: MonthlyStatistics, *, company: str, language: str) -> bytes:
    """The sheet in "sv" or "en": the figures per right, and the last twelve months as a drawing."""
    register()
    said = words(language)
    body = ParagraphStyle("body", fontName=FAMILY, fontSize=8, leading=11)
    head = ParagraphStyle("head", fontName=BOLD, fontSize=15, leading=20, textColor=_COMPANY, spaceAfter=4)
    small = ParagraphStyle("small", parent=head, fontSize=10, leading=14, spaceBefore=8)
    title = f"{said['title']}, {period(result, language)}"
    header = [said["figure"], *(RIGHT_NAMES[right].in_language(language) for right in RIGHTS_IN_ORDER), said["total"]]
    rows = [[f"   {label}" if part else label, *cells] for label, part, cells in table(result, language)]
    story: list[Flowable] = [
        Paragraph(escape(company), body),
        Paragraph(escape(title), head),
        Paragraph(escape(f"{said['as_of']} {result.as_of}. {said['how']}"), body),
        Spacer(1, 8),
        Table([header, *rows], colWidths=[54 * mm, *[20 * mm] * 6], style=_STYLE, hAlign="LEFT"),
        Paragraph(escape(said["months"]), small),
        months_chart(result, language),
    ]
    drawn = io.BytesIO()
    document = SimpleDocTemplate(
        drawn,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=14 * mm,
        bottomMargin=12 * mm,
        title=title,
        author=company,
        lang=language,
        initialFontName=FAMILY,
        invariant=1,
    )
    document.build([KeepInFrame(document.width, document.height - 12, story, mode="shrink")])
    return drawn.getvalue()
