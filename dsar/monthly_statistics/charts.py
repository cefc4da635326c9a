"""
Figures -> drawings, the same for the page and the sheet.

Effects: none. Whatever a colour says, a pattern of place or a number says too (WCAG 1.4.1).
"""

from collections.abc import Sequence

from babel.dates import format_date
from reportlab.graphics import shapes
from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.charts.legends import Legend
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor

from dsar.model import Text
from dsar.monthly_statistics.figures import MonthlyStatistics
from dsar.pdf.fonts import FAMILY

WIDTH, HEIGHT = 480, 170

_INK, _LINE = HexColor("#1d2730"), HexColor("#c9d3da")
_COLOURS = (HexColor("#7f93a1"), HexColor("#1f4e6b"), HexColor("#b3261e"))

RECEIVED = Text(sv="Inkomna", en="Received")
IN_TIME = Text(sv="Avslutade i tid", en="Closed in time")
LATE = Text(sv="Avslutade för sent", en="Closed late")


def months_chart(result: MonthlyStatistics, language: str) -> Drawing:
    """Received, closed in time and closed late in each of the last twelve months."""
    shapes.STATE_DEFAULTS["fontName"] = FAMILY  # else Helvetica is referenced without being embedded
    names = [format_date(each.first_on, "MMM yy", locale=language).replace(".", "") for each in result.months]
    series = [
        [each.received for each in result.months],
        [each.in_time for each in result.months],
        [each.late for each in result.months],
    ]
    labels = [text.in_language(language) for text in (RECEIVED, IN_TIME, LATE)]
    return _bars(names, series, labels)


def _bars(names: Sequence[str], series: Sequence[Sequence[int]], labels: Sequence[str]) -> Drawing:
    drawing = Drawing(WIDTH, HEIGHT)
    chart = VerticalBarChart()
    chart.x, chart.y, chart.width, chart.height = 28, 42, WIDTH - 40, HEIGHT - 62
    chart.data = [tuple(values) for values in series]
    chart.groupSpacing, chart.barSpacing, chart.barWidth = 8, 1, 8
    chart.categoryAxis.categoryNames = list(names)
    chart.categoryAxis.labels.fontName, chart.categoryAxis.labels.fontSize = FAMILY, 7
    chart.categoryAxis.strokeColor = chart.valueAxis.strokeColor = _LINE
    chart.valueAxis.labels.fontName, chart.valueAxis.labels.fontSize = FAMILY, 7
    chart.valueAxis.valueMin = 0
    highest = max((value for values in series for value in values), default=0)
    chart.valueAxis.valueStep = max(1, -(-highest // 5))
    chart.valueAxis.valueMax = max(
        chart.valueAxis.valueStep, -(-highest // chart.valueAxis.valueStep) * chart.valueAxis.valueStep
    )
    chart.valueAxis.labelTextFormat = "%d"
    chart.barLabels.fontName, chart.barLabels.fontSize, chart.barLabels.nudge = FAMILY, 6, 6
    chart.barLabelFormat = lambda value: f"{value:d}" if value else ""
    for number, colour in enumerate(_COLOURS[: len(series)]):
        chart.bars[number].fillColor, chart.bars[number].strokeColor = colour, None
    drawing.add(chart)
    drawing.add(_legend(labels))
    return drawing


def _legend(labels: Sequence[str]) -> Legend:
    legend = Legend()
    legend.x, legend.y, legend.boxAnchor = 28, 14, "w"
    legend.fontName, legend.fontSize, legend.fillColor = FAMILY, 7, _INK
    legend.alignment, legend.columnMaximum, legend.deltax = "right", 1, 90
    legend.dx = legend.dy = 7
    legend.strokeWidth = 0
    legend.colorNamePairs = list(zip(_COLOURS, labels, strict=False))
    return legend
