"""
Times of requests -> figures for a period: for the terminal, for a program, for a page and a sheet, and to be published.

Effects: none. The figures cannot be read as flattering: time is counted gross from receipt to closing and stands beside
the time net of pauses, and what is open or overdue stands beside what was closed. What nobody has sorted counts as
open; an answer stays counted in its month, in time or late, when its request is taken up again later.

    figures.py     times -> figures of a period, per right and in total
    lines.py       figures -> named lines with labels: what every form shows
    texts.py       lines -> table, JSON, CSV
    charts.py      figures -> drawings
    page.py        all of it -> one accessible HTML page: as_html, loaded by who draws
    sheet.py       all of it -> one page of PDF: as_pdf, likewise
    publishing.py  times -> counts that tell of no single person
"""

from dsar.monthly_statistics.figures import Figures, HeldUp, MonthlyStatistics, Outage, summarise
from dsar.monthly_statistics.publishing import Published, publish
from dsar.monthly_statistics.texts import as_csv, as_json, as_rows, published_csv, published_json, published_rows

__all__ = [
    "Figures",
    "HeldUp",
    "MonthlyStatistics",
    "Outage",
    "Published",
    "as_csv",
    "as_json",
    "as_rows",
    "publish",
    "published_csv",
    "published_json",
    "published_rows",
    "summarise",
]
