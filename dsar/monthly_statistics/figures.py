"""
Times of requests -> the figures of a period, per right and in total.

Effects: none.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from dsar.deadlines import add_months, received_on
from dsar.lifecycle import Outcome
from dsar.model import RIGHTS_IN_ORDER, ClosedOnce, RequestTimes, Right

#: What was no request, or went on in another case, is counted nowhere.
_NOT_COUNTED = frozenset({Outcome.NOT_A_REQUEST, Outcome.MERGED})
COUNTED_OUTCOMES = tuple(outcome for outcome in Outcome if outcome not in _NOT_COUNTED)

#: With fewer closed requests of a right than this a percentile says nothing; then each stands by itself.
FEW = 10

_SHOWN_MONTHS = 12


@dataclass(frozen=True, kw_only=True)
class Days:
    """How long something took: calendar days, both as counted and as a person waited."""

    n: int
    median: float | None  #: None if there are too few to say anything.
    p90: int | None  #: Nine of ten took so many or fewer (nearest rank); None as above.
    longest: int | None  #: None if there are none.


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
    one_by_one: tuple[OneByOne, ...]  #: The closed requests of every right of which there are fewer than FEW.
    months: tuple[MonthCounts, ...]  #: The last twelve up to the period's end, oldest first.
    held_up: tuple[HeldUp, ...]  #: Systems that cases waited for, the worst first.
    outages: tuple[Outage, ...]  #: That touch the period.


def summarise(
    times: Iterable[RequestTimes],
    *,
    first_on: date,
    last_on: date,
    today: date,
    held_up: Sequence[HeldUp] = (),
    outages: Sequence[Outage] = (),
) -> MonthlyStatistics:
    """Figures for the Stockholm days *first_on* to *last_on*. Args: times: looked at once, one after the other."""
    #: A day has passed when the next one has begun.
    passed_before = min(last_on + timedelta(days=1), today)
    tallies: dict[Right | None, _Tally] = defaultdict(_Tally)
    closed: dict[Right | None, list[_Looked]] = defaultdict(list)
    months = _Months()
    for request in times:
        if not _is_counted(request):
            continue
        each = _Looked(request, first_on, last_on)
        tallies[request.right].add(each, passed_before)
        months.add(each)
        if each.last is not None and len(closed[request.right]) < FEW:
            closed[request.right].append(each)
    by_right = {right: tallies[right].figures() for right in RIGHTS_IN_ORDER}
    few = [each for some in closed.values() if len(some) < FEW for each in some]
    return MonthlyStatistics(
        first_on=first_on,
        last_on=last_on,
        as_of=today,
        by_right=by_right,
        total=_Tally.of_all(tallies.values()).figures(),
        one_by_one=tuple(_one_by_one(few)),
        months=months.up_to(last_on),
        held_up=tuple(sorted(held_up, key=lambda each: (-each.days, each.system))),
        outages=tuple(outages),
    )


def _is_counted(request: RequestTimes) -> bool:
    return not request.closings or request.closings[-1].outcome not in _NOT_COUNTED


class _Looked:
    """One request as the period sees it; days are computed once, for they cost most."""

    __slots__ = (
        "closed",
        "gross_days",
        "is_late",
        "is_open",
        "last",
        "net_days",
        "received",
        "received_on",
        "request",
        "was_closed",
    )

    def __init__(self, request: RequestTimes, first_on: date, last_on: date) -> None:
        self.request = request
        self.received_on = began_on = received_on(request.received_at)
        self.received = first_on <= began_on <= last_on
        self.closed: list[tuple[date, bool]] = []  #: Each closing: when, and whether it was late.
        self.last: ClosedOnce | None = None  #: The last closing in the period.
        self.was_closed = False
        self.is_open = began_on <= last_on
        for closing in request.closings:
            on = received_on(closing.at)
            is_late = on > closing.legal_on
            self.closed.append((on, is_late))
            if on > last_on:
                continue
            self.was_closed = True
            self.is_open = closing.reopened_at is not None and received_on(closing.reopened_at) <= last_on
            if on >= first_on:
                self.last = closing
                self.gross_days = (on - began_on).days
                self.is_late = is_late
                self.net_days = max(0, self.gross_days - closing.paused_days)


@dataclass(kw_only=True)
class _Tally:
    """The counts of one right, or of all, while requests are added; the fields are those of Figures."""

    received: int = 0
    open_at_end: int = 0
    overdue: int = 0
    unsorted: int = 0
    reopened: int = 0
    late: int = 0
    asked: int = 0
    paused_days: int = 0
    extended: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    grounds: Counter[str] = field(default_factory=Counter)
    gross: Counter[int] = field(default_factory=Counter)  #: {days: how many requests took them}
    net: Counter[int] = field(default_factory=Counter)
    stop_hours: Counter[int] = field(default_factory=Counter)

    def add(self, each: _Looked, passed_before: date) -> None:
        request = each.request
        if each.received:
            self.received += 1
            self.asked += request.asked_on is not None
            if request.stopped_at is not None:
                self.stop_hours[_hours(request.stopped_at - request.received_at)] += 1
        if each.is_open:
            self.open_at_end += 1
            self.overdue += request.legal_on < passed_before
            self.unsorted += not request.is_sorted
            self.reopened += each.was_closed
        if each.last is not None:
            self._add_closing(each, each.last)
        if each.is_open or each.last is not None:
            self.paused_days += request.paused_days
            if request.extended_because is not None:
                self.extended[request.extended_because] += 1

    def _add_closing(self, each: _Looked, last: ClosedOnce) -> None:
        self.gross[each.gross_days] += 1
        self.net[each.net_days] += 1
        self.late += each.is_late
        self.outcomes[last.outcome] += 1
        if last.outcome is Outcome.REFUSED:
            self.grounds[last.ground] += 1

    @classmethod
    def of_all(cls, tallies: Iterable["_Tally"]) -> "_Tally":
        total = cls()
        for tally in tallies:
            for name, value in vars(tally).items():
                setattr(total, name, getattr(total, name) + value)
        return total

    def figures(self) -> Figures:
        return Figures(
            received=self.received,
            open_at_end=self.open_at_end,
            overdue=self.overdue,
            unsorted=self.unsorted,
            reopened=self.reopened,
            closed=self.gross.total(),
            in_time=self.gross.total() - self.late,
            late=self.late,
            asked=self.asked,
            extended=self.extended,
            paused_days=self.paused_days,
            gross=_days(self.gross),
            net=_days(self.net),
            stop_hours=_days(self.stop_hours, least=1),  # they stand nowhere else
            outcomes=self.outcomes,
            grounds=self.grounds,
        )


def _hours(waited: timedelta) -> int:
    return max(0, math.ceil(waited / timedelta(hours=1)))


def _days(counts: Counter[int], *, least: int = FEW) -> Days:
    """Percentiles of few values say nothing: then each stands by itself (OneByOne)."""
    n = counts.total()
    enough = n >= least
    return Days(
        n=n,
        median=_median(counts, n) if enough else None,
        p90=_ranked(counts, math.ceil(n * 9 / 10)) if enough else None,
        longest=max(counts, default=None),
    )


def _median(counts: Counter[int], n: int) -> float:
    middle = _ranked(counts, (n + 1) // 2)
    return middle if n % 2 else (middle + _ranked(counts, n // 2 + 1)) / 2


def _ranked(counts: Counter[int], rank: int) -> int:
    """The value at that place, from 1, if each stood as often as it is counted, the smallest first."""
    passed = 0
    for value in sorted(counts):
        passed += counts[value]
        if passed >= rank:
            return value
    raise ValueError(rank)


def _one_by_one(closed: Iterable[_Looked]) -> Iterable[OneByOne]:
    """The oldest first, whatever their right."""
    for each in sorted(closed, key=lambda each: each.request.received_at):
        yield OneByOne(
            reference=each.request.reference,
            right=each.request.right,
            gross_days=each.gross_days,
            net_days=each.net_days,
            late=each.is_late,
        )


class _Months:
    """The counts of calendar months; each request counts once a month, as in the figures of that month."""

    def __init__(self) -> None:
        self._received: Counter[date] = Counter()
        self._in_time: Counter[date] = Counter()
        self._late: Counter[date] = Counter()

    def add(self, each: _Looked) -> None:
        self._received[each.received_on] += 1
        for on, was_late in _last_of_months(each.closed):
            (self._late if was_late else self._in_time)[on] += 1

    def up_to(self, last_on: date) -> tuple[MonthCounts, ...]:
        firsts = [add_months(last_on.replace(day=1), -back) for back in reversed(range(_SHOWN_MONTHS))]
        received, in_time, late = map(_by_month, (self._received, self._in_time, self._late))
        return tuple(
            MonthCounts(first_on=first, received=received[first], in_time=in_time[first], late=late[first])
            for first in firsts
        )


def _last_of_months(closed: Sequence[tuple[date, bool]]) -> Iterable[tuple[date, bool]]:
    """The last closing of each month."""
    return closed if len(closed) < 2 else {on.replace(day=1): (on, was_late) for on, was_late in closed}.values()


def _by_month(days: Mapping[date, int]) -> Counter[date]:
    """{first day of a month: sum over its days}"""
    months: Counter[date] = Counter()
    for on, count in days.items():
        months[on.replace(day=1)] += count
    return months
