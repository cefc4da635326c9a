"""
Figures -> table, CSV, JSON.

Effects: none.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from dsar.model import Text
from dsar.monthly_statistics.figures import COUNTED_OUTCOMES, Days, Figures, MonthlyStatistics
from dsar.monthly_statistics.lines import LINES, shown
from dsar.monthly_statistics.publishing import Published, PublishedRow

_TOTAL = Text(sv="alla", en="total")

_PUBLISHED = ("from", "to", "rights", "received", "in_time", "late")


def as_rows(result: MonthlyStatistics, language: str = "en") -> list[list[str]]:
    """Table with a header: one line per figure, one column per right and one for the total."""
    columns = (*result.by_right.values(), result.total)
    rows = [["", *result.by_right, _TOTAL.in_language(language)]]
    for line in LINES:
        label = line.label.in_language(language)
        cells = (shown(line.value(figures), language) for figures in columns)
        rows.append([f"  {label}" if line.part else label, *cells])
    return rows


def as_csv(result: MonthlyStatistics) -> str:
    """One line per right and one for the total, with a header; RFC 4180."""
    period = [result.first_on.isoformat(), result.last_on.isoformat(), result.as_of.isoformat()]
    rows = [
        [*period, name, *(line.value(figures) for line in LINES)]
        for name, figures in (*result.by_right.items(), ("total", result.total))
    ]
    return _csv(["from", "to", "as_of", "right", *(line.key for line in LINES)], rows)


def as_json(result: MonthlyStatistics) -> str:
    """
    One JSON object on one line: {"from", "to", "as_of", "rights": {right: figures}, "total": figures, "one_by_one",
    "months", "held_up", "outages"}.
    """
    return json.dumps(
        {
            "from": result.first_on.isoformat(),
            "to": result.last_on.isoformat(),
            "as_of": result.as_of.isoformat(),
            "rights": {right: _nested(figures) for right, figures in result.by_right.items()},
            "total": _nested(result.total),
            "one_by_one": [asdict(each) for each in result.one_by_one],
            "months": [asdict(each) for each in result.months],
            "held_up": [asdict(each) for each in result.held_up],
            "outages": [asdict(each) for each in result.outages],
        },
        default=str,
    )


def published_rows(result: Published) -> list[list[str]]:
    """Table with a header."""
    return [["From", "To", "Rights", "Received", "In time", "Late"], *map(_published_cells, result.rows)]


def published_csv(result: Published) -> str:
    """The same as RFC 4180; an empty cell is withheld."""
    return _csv(_PUBLISHED, [_published_values(row) for row in result.rows])


def published_json(result: Published) -> str:
    """One JSON object on one line; null is withheld."""
    rows = [dict(zip(_PUBLISHED, _published_values(row), strict=True)) for row in result.rows]
    return json.dumps({"from": result.first_on.isoformat(), "to": result.last_on.isoformat(), "rows": rows})


def _published_values(row: PublishedRow) -> tuple[object, ...]:
    rights = " ".join(row.rights)
    return (row.first_on.isoformat(), row.last_on.isoformat(), rights, row.received, row.in_time, row.late)


def _published_cells(row: PublishedRow) -> list[str]:
    return ["withheld" if value is None else str(value) for value in _published_values(row)]


def _nested(figures: Figures) -> dict[str, object]:
    return {
        "received": figures.received,
        "asked": figures.asked,
        "open_at_end": figures.open_at_end,
        "overdue": figures.overdue,
        "unsorted": figures.unsorted,
        "reopened": figures.reopened,
        "closed": figures.closed,
        "in_time": figures.in_time,
        "late": figures.late,
        "extended": sum(figures.extended.values()),
        "extended_because": dict(figures.extended),
        "paused_days": figures.paused_days,
        "gross_days": _days(figures.gross),
        "net_days": _days(figures.net),
        "stop_hours": _days(figures.stop_hours),
        "outcomes": {outcome: figures.outcomes.get(outcome, 0) for outcome in COUNTED_OUTCOMES},
        "grounds": {ground or "other": count for ground, count in figures.grounds.items()},
    }


def _days(days: Days) -> dict[str, object]:
    return {"n": days.n, "median": days.median, "p90": days.p90, "max": days.longest}


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
