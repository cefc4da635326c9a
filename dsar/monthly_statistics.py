"""
Times of requests -> figures for a period, per right and in total, as table, JSON or CSV.

Effects: none. The figures cannot be read as flattering: time is counted gross from receipt to closing, pauses are shown
and not subtracted, and what is open or overdue stands beside what was closed.
"""

import calendar
import csv
import io
import json
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dsar.deadlines import received_on
from dsar.lifecycle import Outcome
from dsar.model import RIGHTS_IN_ORDER, RequestTimes, Right

#: What was no request, or went on in another case, is counted nowhere.
_NOT_COUNTED = frozenset({Outcome.NOT_A_REQUEST, Outcome.MERGED})
_COUNTED_OUTCOMES = tuple(outcome for outcome in Outcome if outcome not in _NOT_COUNTED)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What happened in a period to the requests of one right, or of all."""

    received: int  #: In the period.
    open_at_end: int  #: Received by then and not closed; in a period that goes on, as of today.
    closed: int  #: In the period, whenever received.
    in_time: int  #: Of *closed*: on or before the last day that the law allowed, extension included.
    late: int  #: Of *closed*: after it.
    overdue: int  #: Of *open_at_end*: that day has passed.
    extended: int  #: Of *closed* and *open_at_end*: extended by up to two months (Art. 12(3)).
    paused_days: int  #: Sum over *closed* and *open_at_end*.
    median_days: float | None  #: Gross calendar days from receipt to closing, over *closed*; None if there are none.
    p90_days: int | None  #: Nine of ten were closed within so many days (nearest rank).
    max_days: int | None  #: The slowest.
    outcomes: Mapping[Outcome, int]  #: Of *closed*; sums up to it.


@dataclass(frozen=True, kw_only=True)
class MonthlyStatistics:
    """Figures for one period; both ends are included."""

    first_on: date
    last_on: date
    as_of: date  #: The day they were computed.
    by_right: Mapping[Right, Figures]  #: All rights, in the order of RIGHTS_IN_ORDER.
    total: Figures


def month(year: int, number: int) -> tuple[date, date]:
    """
    First and last day of a calendar month.

    Raises: ValueError if there is no such month.
    """
    first = date(year, number, 1)
    return first, first.replace(day=calendar.monthrange(year, number)[1])


def summarise(times: Sequence[RequestTimes], *, first_on: date, last_on: date, today: date) -> MonthlyStatistics:
    """Figures for the Stockholm days *first_on* to *last_on*."""
    counted = [request for request in times if request.outcome not in _NOT_COUNTED]
    return MonthlyStatistics(
        first_on=first_on,
        last_on=last_on,
        as_of=today,
        by_right={
            right: _figures([request for request in counted if request.right is right], first_on, last_on, today)
            for right in RIGHTS_IN_ORDER
        },
        total=_figures(counted, first_on, last_on, today),
    )


def _figures(times: Sequence[RequestTimes], first_on: date, last_on: date, today: date) -> Figures:
    closed = [request for request in times if _is_closed(request, first_on, last_on)]
    still_open = [request for request in times if _is_open_after(request, last_on)]
    #: A day has passed when the next one has begun.
    passed_before = min(last_on + timedelta(days=1), today)
    days = sorted(_gross_days(request) for request in closed)
    return Figures(
        received=sum(first_on <= received_on(request.received_at) <= last_on for request in times),
        open_at_end=len(still_open),
        closed=len(closed),
        in_time=sum(not _is_late(request) for request in closed),
        late=sum(_is_late(request) for request in closed),
        overdue=sum(request.legal_on < passed_before for request in still_open),
        extended=sum(request.extended for request in (*closed, *still_open)),
        paused_days=sum(request.paused_days for request in (*closed, *still_open)),
        median_days=statistics.median(days) if days else None,
        p90_days=days[math.ceil(len(days) * 9 / 10) - 1] if days else None,
        max_days=days[-1] if days else None,
        outcomes=Counter(request.outcome for request in closed if request.outcome is not None),
    )


def _closed_on(request: RequestTimes) -> date | None:
    return None if request.closed_at is None else received_on(request.closed_at)


def _is_closed(request: RequestTimes, first_on: date, last_on: date) -> bool:
    closed_on = _closed_on(request)
    return closed_on is not None and first_on <= closed_on <= last_on


def _is_open_after(request: RequestTimes, last_on: date) -> bool:
    closed_on = _closed_on(request)
    return received_on(request.received_at) <= last_on and (closed_on is None or closed_on > last_on)


def _is_late(request: RequestTimes) -> bool:
    closed_on = _closed_on(request)
    return closed_on is not None and closed_on > request.legal_on


def _gross_days(request: RequestTimes) -> int:
    closed_on = _closed_on(request)
    return 0 if closed_on is None else (closed_on - received_on(request.received_at)).days


# ---------------------------------------------------------------------------------------------------- rendering

_Number = int | float | None

#: (key in CSV, label in the table)
_MEASURES = (
    ("received", "Received"),
    ("open_at_end", "Open at the end"),
    ("overdue", "  of these overdue"),
    ("closed", "Closed"),
    ("in_time", "  in time"),
    ("late", "  late"),
    ("extended", "Extended"),
    ("paused_days", "Paused days"),
    ("median_days", "Days, median"),
    ("p90_days", "Days, 90 of 100"),
    ("max_days", "Days, longest"),
    *((f"outcome_{outcome}", f"  {outcome.replace('_', ' ')}") for outcome in _COUNTED_OUTCOMES),
)


def as_rows(result: MonthlyStatistics) -> list[list[str]]:
    """Table with a header: one line per measure, one column per right and one for the total."""
    columns = [_flat(figures) for figures in (*result.by_right.values(), result.total)]
    header = ["", *result.by_right, "total"]
    return [header, *([label, *(_shown(column[key]) for column in columns)] for key, label in _MEASURES)]


def as_csv(result: MonthlyStatistics) -> str:
    """One line per right and one for the total, with a header; RFC 4180."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["from", "to", "as_of", "right", *(key for key, _ in _MEASURES)])
    period = [result.first_on.isoformat(), result.last_on.isoformat(), result.as_of.isoformat()]
    for name, figures in (*result.by_right.items(), ("total", result.total)):
        flat = _flat(figures)
        writer.writerow([*period, name, *(flat[key] for key, _ in _MEASURES)])
    return out.getvalue()


def as_json(result: MonthlyStatistics) -> str:
    """One JSON object on one line: {"from", "to", "as_of", "rights": {right: figures}, "total": figures}."""
    return json.dumps(
        {
            "from": result.first_on.isoformat(),
            "to": result.last_on.isoformat(),
            "as_of": result.as_of.isoformat(),
            "rights": {right: _nested(figures) for right, figures in result.by_right.items()},
            "total": _nested(result.total),
        }
    )


def _flat(figures: Figures) -> dict[str, _Number]:
    outcomes = {f"outcome_{outcome}": figures.outcomes.get(outcome, 0) for outcome in _COUNTED_OUTCOMES}
    return {key: getattr(figures, key) for key, _ in _MEASURES if key not in outcomes} | outcomes


def _nested(figures: Figures) -> dict[str, object]:
    return {
        "received": figures.received,
        "open_at_end": figures.open_at_end,
        "overdue": figures.overdue,
        "closed": figures.closed,
        "in_time": figures.in_time,
        "late": figures.late,
        "extended": figures.extended,
        "paused_days": figures.paused_days,
        "gross_days": {
            "n": figures.closed,
            "median": figures.median_days,
            "p90": figures.p90_days,
            "max": figures.max_days,
        },
        "outcomes": {outcome: figures.outcomes.get(outcome, 0) for outcome in _COUNTED_OUTCOMES},
    }


def _shown(number: _Number) -> str:
    return "-" if number is None else f"{number:g}"
