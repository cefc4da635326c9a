"""
Times of requests -> figures for a period, per right and in total, as table, JSON or CSV.

Effects: none. The figures cannot be read as flattering: time is counted gross from receipt to closing, pauses are shown
and not subtracted, and what is open or overdue stands beside what was closed. What nobody has sorted counts as open;
an answer stays counted in its month, in time or late, when its request is taken up again later.
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
from datetime import date, datetime, timedelta

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
    unsorted: int  #: Of *open_at_end*: as of today nobody has said what it asks for; mails of no right in total only.
    reopened: int  #: Of *open_at_end*: it had been closed, and was taken up again.
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
    closed = [closing for request in times if (closing := _closing(request, first_on, last_on))]
    still_open = [request for request in times if _is_open_after(request, last_on)]
    #: A day has passed when the next one has begun.
    passed_before = min(last_on + timedelta(days=1), today)
    days = sorted((each.on - received_on(each.request.received_at)).days for each in closed)
    concerned = [*(each.request for each in closed), *still_open]
    return Figures(
        received=sum(first_on <= received_on(request.received_at) <= last_on for request in times),
        open_at_end=len(still_open),
        closed=len(closed),
        in_time=sum(each.on <= each.request.legal_on for each in closed),
        late=sum(each.on > each.request.legal_on for each in closed),
        overdue=sum(request.legal_on < passed_before for request in still_open),
        unsorted=sum(not request.is_sorted for request in still_open),
        reopened=sum(_is_by(request.first_closed_at, last_on) for request in still_open),
        extended=sum(request.extended for request in concerned),
        paused_days=sum(request.paused_days for request in concerned),
        median_days=statistics.median(days) if days else None,
        p90_days=days[math.ceil(len(days) * 9 / 10) - 1] if days else None,
        max_days=days[-1] if days else None,
        outcomes=Counter(each.outcome for each in closed if each.outcome is not None),
    )


@dataclass(frozen=True, kw_only=True)
class _Closing:
    """A request that was closed in the period; of several times the last one in it."""

    request: RequestTimes
    on: date
    outcome: Outcome | None


def _closing(request: RequestTimes, first_on: date, last_on: date) -> _Closing | None:
    times = ((request.first_closed_at, request.first_outcome), (request.closed_at, request.outcome))
    closings = [
        _Closing(request=request, on=received_on(at), outcome=outcome) for at, outcome in times if at is not None
    ]
    within = [each for each in closings if first_on <= each.on <= last_on]
    return within[-1] if within else None


def _is_open_after(request: RequestTimes, last_on: date) -> bool:
    if received_on(request.received_at) > last_on or _is_by(request.closed_at, last_on):
        return False
    return not _is_by(request.first_closed_at, last_on) or _is_by(request.reopened_at, last_on)


def _is_by(at: datetime | None, day: date) -> bool:
    return at is not None and received_on(at) <= day


# ---------------------------------------------------------------------------------------------------- rendering

_Number = int | float | None

#: (key in CSV, label in the table)
_MEASURES = (
    ("received", "Received"),
    ("open_at_end", "Open at the end"),
    ("overdue", "  of these overdue"),
    ("unsorted", "  of these unsorted"),
    ("reopened", "  of these reopened"),
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
        "unsorted": figures.unsorted,
        "reopened": figures.reopened,
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
