"""
Times of requests -> counts that may be published: no cell tells of fewer than five people.

Effects: none. A count of one to four is merged with its neighbours, first over time, then over rights; what is still
too small is withheld together with the count that would give it away.
"""

import functools
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from dsar.deadlines import month_of
from dsar.model import RIGHTS_IN_ORDER, RequestTimes, Right
from dsar.monthly_statistics.figures import summarise

#: A count of fewer than this, other than none, may point at a person.
LEAST = 5

_Counts = tuple[int, int, int]  # received, in time, late


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """Some rights in some months."""

    first_on: date
    last_on: date
    rights: tuple[Right, ...]
    received: int | None  #: None: withheld.
    in_time: int | None
    late: int | None


@dataclass(frozen=True, kw_only=True)
class Published:
    """All that is told of a period, in whole months."""

    first_on: date
    last_on: date
    rows: tuple[PublishedRow, ...]


@dataclass(frozen=True)
class _Span:
    first_on: date
    last_on: date
    counts: _Counts

    def __add__(self, other: "_Span") -> "_Span":
        counts = tuple(map(sum, zip(self.counts, other.counts, strict=True)))
        return _Span(self.first_on, other.last_on, (counts[0], counts[1], counts[2]))

    def is_safe(self) -> bool:
        return all(count == 0 or count >= LEAST for count in self.counts)


def publish(times: Sequence[RequestTimes], *, first_on: date, last_on: date, today: date) -> Published:
    """The months that *first_on* to *last_on* touch."""
    months = list(_months(first_on, last_on))
    by_month = [summarise(times, first_on=first, last_on=last, today=today).by_right for first, last in months]
    series = {
        right: [
            _Span(*span, (figures[right].received, figures[right].in_time, figures[right].late))
            for span, figures in zip(months, by_month, strict=True)
        ]
        for right in RIGHTS_IN_ORDER
    }
    rows = [row for rights, spans in _grouped(series) for row in _rows(rights, spans)]
    return Published(first_on=months[0][0], last_on=months[-1][1], rows=tuple(rows))


def _months(first_on: date, last_on: date) -> Iterable[tuple[date, date]]:
    year, number = first_on.year, first_on.month
    while (year, number) <= (last_on.year, last_on.month):
        yield month_of(year, number)
        year, number = (year, number + 1) if number < 12 else (year + 1, 1)


def _grouped(series: dict[Right, list[_Span]]) -> list[tuple[tuple[Right, ...], list[_Span]]]:
    """Rights whose spans are safe by themselves; the others together, joined by the smallest until they are safe."""
    merged = {right: _over_time(spans) for right, spans in series.items()}
    safe = [right for right in series if all(span.is_safe() for span in merged[right])]
    others = [right for right in series if right not in safe]
    together = _over_time(_sum([series[right] for right in others])) if others else []
    safe.sort(key=lambda right: sum(span.counts[0] for span in series[right]))
    while safe and not all(span.is_safe() for span in together):
        others.append(safe.pop(0))
        together = _over_time(_sum([series[right] for right in others]))
    alone: list[tuple[tuple[Right, ...], list[_Span]]] = [
        ((right,), merged[right]) for right in RIGHTS_IN_ORDER if right in safe
    ]
    return [*alone, (tuple(right for right in RIGHTS_IN_ORDER if right in others), together)] if others else alone


def _sum(series: Sequence[Sequence[_Span]]) -> list[_Span]:
    """The spans of several rights, month by month."""
    return [functools.reduce(operator.add, spans) for spans in zip(*series, strict=True)]


def _over_time(spans: Sequence[_Span]) -> list[_Span]:
    """
    As few months together as make every span safe; a rest that is not joins the span before it.

    Where nothing happened in any month, they are one.
    """
    if not any(any(span.counts) for span in spans):
        return [functools.reduce(operator.add, spans)]
    found: list[_Span] = []
    for span in spans:
        if found and not found[-1].is_safe():
            found[-1] += span
        else:
            found.append(span)
    while len(found) > 1 and not found[-1].is_safe():
        last = found.pop()
        found[-1] += last
    return found


def _rows(rights: tuple[Right, ...], spans: Iterable[_Span]) -> Iterable[PublishedRow]:
    for span in spans:
        received, in_time, late = span.counts
        parts_hidden = any(0 < count < LEAST for count in (in_time, late))
        yield PublishedRow(
            first_on=span.first_on,
            last_on=span.last_on,
            rights=rights,
            received=None if 0 < received < LEAST else received,
            in_time=None if parts_hidden else in_time,
            late=None if parts_hidden else late,
        )
