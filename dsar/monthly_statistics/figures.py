"""
Times of requests -> the figures of a period, per right and in total.

Effects: none.
"""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dsar.deadlines import add_months, received_on
from dsar.lifecycle import Outcome
from dsar.model import RIGHTS_IN_ORDER, ClosedOnce, RequestTimes, Right

#: What was no request, or went on in another case, is counted nowhere.
_NOT_COUNTED = frozenset({Outcome.NOT_A_REQUEST, Outcome.MERGED})
COUNTED_OUTCOMES = tuple(outcome for outcome in Outcome if outcome not in _NOT_COUNTED)

#: With fewer closed requests than this a percentile says nothing; then each stands by itself.
FEW = 10

_SHOWN_MONTHS = 12


@dataclass(frozen=True, kw_only=True)
class Days:
    """How long something took: calendar days, both as counted and as a person waited."""

    n: int
    median: float | None  #: None if there are none.
    p90: int | None  #: Nine of ten took so many or fewer (nearest rank).
    longest: int | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What happened in a period to the requests of one right, or of all."""

    received: int  #: In the period.
    open_at_end: int  #: Received by then and not closed; in a period that goes on, as of today.
    overdue: int  #: Of *open_at_end*: the last day that the law allows has passed.
    unsorted: int  #: Of *open_at_end*: as of today nobody has said what it asks for; mails of no right in total only.
    reopened: int  #: Of *open_at_end*: it had been closed, and was taken up again.
    closed: int  #: In the period, whenever received.
    in_time: int  #: Of *closed*: on or before the last day that the law allowed, extension included.
    late: int  #: Of *closed*: after it.
    asked: int  #: Of *received*: the sender was asked to confirm who they are.
    extended: Mapping[str, int]  #: Of *closed* and *open_at_end*, by reason (Art. 12(3)).
    paused_days: int  #: Sum over *closed* and *open_at_end*.
    gross: Days  #: From receipt to closing, over *closed*.
    net: Days  #: The same without the days that were paused.
    stop_hours: Days  #: Hours from receipt until marketing was stopped, of objections received in the period.
    outcomes: Mapping[Outcome, int]  #: Of *closed*; sums up to it.
    grounds: Mapping[str, int]  #: Of the refusals among *closed*: the article that they rest on.


@dataclass(frozen=True, kw_only=True)
class OneByOne:
    """A closed request by itself, where they are too few for percentiles."""

    reference: str
    right: Right | None
    gross_days: int
    net_days: int
    late: bool


@dataclass(frozen=True, kw_only=True)
class MonthCounts:
    """One calendar month among the last ones, for comparison."""

    first_on: date
    received: int
    in_time: int
    late: int


@dataclass(frozen=True, kw_only=True)
class HeldUp:
    """A system that did not answer, and how long cases waited for it."""

    system: str
    owner: str | None  #: Who answers for it.
    cases: int
    days: int  #: Sum over the cases.


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A time in which mail did not flow."""

    what: str  #: e.g. "poll:privacy", "self_test"
    began_at: datetime
    ended_at: datetime | None  #: None: it still lasts.


@dataclass(frozen=True, kw_only=True)
class MonthlyStatistics:
    """Figures for one period; both ends are included."""

    first_on: date
    last_on: date
    as_of: date  #: The day they were computed.
    by_right: Mapping[Right, Figures]  #: All rights, in the order of RIGHTS_IN_ORDER.
    total: Figures
    one_by_one: tuple[OneByOne, ...]  #: The closed requests if there are fewer than FEW, else none.
    months: tuple[MonthCounts, ...]  #: The last twelve up to the period's end, oldest first.
    held_up: tuple[HeldUp, ...]  #: Systems that cases waited for, the worst first.
    outages: tuple[Outage, ...]  #: That touch the period.


def summarise(
    times: Sequence[RequestTimes],
    *,
    first_on: date,
    last_on: date,
    today: date,
    held_up: Sequence[HeldUp] = (),
    outages: Sequence[Outage] = (),
) -> MonthlyStatistics:
    """Figures for the Stockholm days *first_on* to *last_on*."""
    looked_at = [_Looked(request, first_on, last_on) for request in times if _is_counted(request)]
    of_right: dict[Right | None, list[_Looked]] = defaultdict(list)
    for each in looked_at:
        of_right[each.request.right].append(each)
    total = _figures(looked_at, last_on, today)
    return MonthlyStatistics(
        first_on=first_on,
        last_on=last_on,
        as_of=today,
        by_right={right: _figures(of_right[right], last_on, today) for right in RIGHTS_IN_ORDER},
        total=total,
        one_by_one=tuple(_one_by_one(looked_at)) if total.closed < FEW else (),
        months=_months(looked_at, last_on),
        held_up=tuple(sorted(held_up, key=lambda each: (-each.days, each.system))),
        outages=tuple(outages),
    )


def _is_counted(request: RequestTimes) -> bool:
    return not request.closings or request.closings[-1].outcome not in _NOT_COUNTED


class _Looked:
    """One request as the period sees it; days are computed once, for they cost most."""

    __slots__ = ("closing", "closings", "is_open", "received", "received_on", "request")

    def __init__(self, request: RequestTimes, first_on: date, last_on: date) -> None:
        self.request = request
        self.received_on = received_on(request.received_at)
        self.closings = [(received_on(closing.at), closing) for closing in request.closings]
        until = [(on, closing) for on, closing in self.closings if on <= last_on]
        within = [each for each in until if each[0] >= first_on]
        self.received = first_on <= self.received_on <= last_on
        self.closing = within[-1] if within else None
        self.is_open = self.received_on <= last_on and (not until or _is_by(until[-1][1].reopened_at, last_on))

    def gross_days(self) -> int:
        """Of a request that was closed in the period."""
        return (self.closed()[0] - self.received_on).days

    def net_days(self) -> int:
        """Of a request that was closed in the period."""
        return max(0, self.gross_days() - self.closed()[1].paused_days)

    def is_late(self) -> bool:
        """Of a request that was closed in the period."""
        on, closing = self.closed()
        return on > closing.legal_on

    def closed(self) -> tuple[date, ClosedOnce]:
        """The last closing in the period, of a request that was closed in it."""
        if self.closing is None:
            raise ValueError("the request was not closed in the period")
        return self.closing


def _is_by(at: datetime | None, day: date) -> bool:
    return at is not None and received_on(at) <= day


def _figures(looked_at: Sequence[_Looked], last_on: date, today: date) -> Figures:
    closed = [each for each in looked_at if each.closing is not None]
    still_open = [each for each in looked_at if each.is_open]
    received = [each.request for each in looked_at if each.received]
    concerned = {id(each): each.request for each in (*closed, *still_open)}.values()
    #: A day has passed when the next one has begun.
    passed_before = min(last_on + timedelta(days=1), today)
    late = sum(each.is_late() for each in closed)
    endings = [each.closed()[1] for each in closed]
    return Figures(
        received=len(received),
        open_at_end=len(still_open),
        overdue=sum(each.request.legal_on < passed_before for each in still_open),
        unsorted=sum(not each.request.is_sorted for each in still_open),
        reopened=sum(any(on <= last_on for on, _ in each.closings) for each in still_open),
        closed=len(closed),
        in_time=len(closed) - late,
        late=late,
        asked=sum(request.asked_on is not None for request in received),
        extended=Counter(each.extended_because for each in concerned if each.extended_because is not None),
        paused_days=sum(request.paused_days for request in concerned),
        gross=_days(each.gross_days() for each in closed),
        net=_days(each.net_days() for each in closed),
        stop_hours=_days(_stop_hours(received)),
        outcomes=Counter(ending.outcome for ending in endings),
        grounds=Counter(ending.ground for ending in endings if ending.outcome is Outcome.REFUSED),
    )


def _stop_hours(received: Iterable[RequestTimes]) -> Iterable[int]:
    for request in received:
        if request.stopped_at is not None:
            yield max(0, math.ceil((request.stopped_at - request.received_at) / timedelta(hours=1)))


def _days(values: Iterable[int]) -> Days:
    days = sorted(values)
    return Days(
        n=len(days),
        median=statistics.median(days) if days else None,
        p90=days[math.ceil(len(days) * 9 / 10) - 1] if days else None,
        longest=days[-1] if days else None,
    )


def _one_by_one(looked_at: Sequence[_Looked]) -> Iterable[OneByOne]:
    for each in looked_at:
        if each.closing is not None:
            yield OneByOne(
                reference=each.request.reference,
                right=each.request.right,
                gross_days=each.gross_days(),
                net_days=each.net_days(),
                late=each.is_late(),
            )


def _months(looked_at: Sequence[_Looked], last_on: date) -> tuple[MonthCounts, ...]:
    """Each request counts once a month, as in the figures of that month."""
    received: Counter[tuple[int, int]] = Counter()
    in_time: Counter[tuple[int, int]] = Counter()
    late: Counter[tuple[int, int]] = Counter()
    for each in looked_at:
        received[each.received_on.year, each.received_on.month] += 1
        last = {(on.year, on.month): on > closing.legal_on for on, closing in each.closings}
        for place, was_late in last.items():
            (late if was_late else in_time)[place] += 1
    firsts = [add_months(last_on.replace(day=1), -back) for back in reversed(range(_SHOWN_MONTHS))]
    return tuple(
        MonthCounts(
            first_on=first,
            received=received[first.year, first.month],
            in_time=in_time[first.year, first.month],
            late=late[first.year, first.month],
        )
        for first in firsts
    )
