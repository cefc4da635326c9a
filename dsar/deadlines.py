"""
Date of receipt -> the statutory dates, each with its source.

Effects: none. One month is a calendar month counted by Regulation 1182/71, never "30 days". All dates are Stockholm
dates; a deadline ends with the last hour of its day.
"""

import calendar
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dsar.locale import Said, said
from dsar.model import Deadlines

STOCKHOLM = ZoneInfo("Europe/Stockholm")

_DAY = timedelta(days=1)
_SATURDAY = 5  #: date.weekday()

#: Working days within which a question must leave: EDPB 01/2022 s. 5.3 says "without undue delay", the number is ours.
_ASK_WITHIN = 2


def received_on(received_at: datetime) -> date:
    """
    Stockholm date on which the period begins.

    Args: received_at: arrival at our mail server, never the sender's Date header.
    Raises: TypeError if *received_at* has no time zone.
    """
    if received_at.tzinfo is None:
        raise TypeError("received_at must be an aware datetime")
    at = received_at if received_at.tzinfo is UTC else received_at.astimezone(UTC)
    return _stockholm_date(at.year, at.month, at.day, at.hour)


@lru_cache(maxsize=20_000)
def _stockholm_date(year: int, month: int, day: int, hour: int) -> date:
    """Stockholm has been whole hours ahead of UTC since 1900, so that no hour of UTC lies in two of its days."""
    return datetime(year, month, day, hour, tzinfo=UTC).astimezone(STOCKHOLM).date()


def moment(day: date, hour: time) -> datetime:
    """*hour* of the Stockholm date *day*, as an aware UTC time."""
    return datetime.combine(day, hour, STOCKHOLM).astimezone(UTC)


# ------------------------------------------------------------------------------------------------------- calendar


@lru_cache(maxsize=64)
def _public_holidays(year: int) -> frozenset[date]:
    """Allmänna helgdagar of *year* that can fall on another day than Sunday, and Easter (lag 1989:253, 1 §)."""
    easter = _easter_sunday(year)
    return frozenset(
        {
            date(year, 1, 1),  # nyårsdagen
            date(year, 1, 6),  # trettondedag jul
            easter - 2 * _DAY,  # långfredagen
            easter,  # påskdagen
            easter + _DAY,  # annandag påsk
            date(year, 5, 1),  # första maj
            easter + 39 * _DAY,  # Kristi himmelsfärdsdag
            easter + 49 * _DAY,  # pingstdagen
            date(year, 6, 6),  # nationaldagen
            _saturday_from(date(year, 6, 20)),  # midsommardagen, Saturday 20-26 June
            _saturday_from(date(year, 10, 31)),  # alla helgons dag, Saturday 31 October - 6 November
            date(year, 12, 25),  # juldagen
            date(year, 12, 26),  # annandag jul
        }
    )


def _easter_sunday(year: int) -> date:
    """Gregorian Easter by the Meeus/Jones/Butcher algorithm."""
    golden = year % 19
    century, year_of_century = divmod(year, 100)
    skipped_leaps, century_rest = divmod(century, 4)
    moon = (19 * golden + century - skipped_leaps - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    leaps, year_rest = divmod(year_of_century, 4)
    weekday = (32 + 2 * century_rest + 2 * leaps - moon - year_rest) % 7
    correction = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)


def _saturday_from(day: date) -> date:
    """First Saturday on or after *day*."""
    return day + (_SATURDAY - day.weekday()) % 7 * _DAY


def is_public_holiday(day: date) -> bool:
    """Whether *day* is an allmän helgdag, every Sunday included (lag 1989:253); the three eves are none."""
    return day.weekday() > _SATURDAY or day in _public_holidays(day.year)


def is_working_day(day: date) -> bool:
    """Whether *day* is neither public holiday, Sunday nor Saturday (Reg. 1182/71 art. 2(2))."""
    return day.weekday() < _SATURDAY and not is_public_holiday(day)


def is_eve(day: date) -> bool:
    """Whether *day* is Midsummer, Christmas or New Year's Eve: working days in law, but the office is closed."""
    midsummer_eve = _saturday_from(date(day.year, 6, 20)) - _DAY
    return day == midsummer_eve or (day.month, day.day) in {(12, 24), (12, 31)}


def add_working_days(day: date, n: int) -> date:
    """The *n*-th working day after *day*, or before it if *n* is negative; *day* itself for 0."""
    step = _DAY if n > 0 else -_DAY
    for _ in range(abs(n)):
        day += step
        while not is_working_day(day):
            day += step
    return day


# --------------------------------------------------------------------------------------------------------- pauses


def ask_by(received_on: date) -> date:
    """Last day on which a question about identity or scope can still pause the clock of a request."""
    return add_working_days(received_on, _ASK_WITHIN)


def pause_days(asked_on: date, answered_on: date) -> int:
    """
    Whole days by which one question moves the dates: EDPB 01/2022 s. 5.3, suspended until the answer arrives.

    Raises: ValueError if *answered_on* lies before *asked_on*.
    """
    if answered_on < asked_on:
        raise ValueError("a question cannot be answered before it was asked")
    return (answered_on - asked_on).days


def total_pause_days(pauses: Sequence[tuple[date, date]]) -> int:
    """
    Days of all (asked on, answered on) *pauses*; days on which two overlap count once.

    Raises: ValueError as pause_days.
    """
    total, counted_until = 0, date.min
    for asked_on, answered_on in sorted(pauses):
        overlap = max(0, (min(counted_until, answered_on) - asked_on).days)
        total += pause_days(asked_on, answered_on) - overlap
        counted_until = max(counted_until, answered_on)
    return total


# ------------------------------------------------------------------------------------------------------ deadlines


def deadlines(received_on: date, *, paused_days: int = 0, closures: frozenset[date] = frozenset()) -> Deadlines:
    """
    The statutory clock of a request: Art. 12(3) GDPR counted by Reg. 1182/71.

    Args:
        received_on: Stockholm date of receipt.
        paused_days: sum of valid pauses.
        closures: days on which the company is closed; they bring the planning dates forward, never the legal ones.
    Raises: ValueError if *paused_days* is negative; OverflowError or ValueError past the year 9999.
    """
    if paused_days < 0:
        raise ValueError("paused_days cannot be negative")
    pause = paused_days * _DAY
    month_later = add_months(received_on, 1)
    nominal = month_later + pause
    # "extended by two further months" can be read in two ways that differ at month ends only: take the earlier.
    extended = min(add_months(received_on, 3), add_months(month_later, 2)) + pause
    return Deadlines(
        received_on=received_on,
        nominal_on=nominal,
        legal_on=_forward(nominal),
        send_by_on=_backward(nominal, received_on, closures),
        extended_nominal_on=extended,
        extended_legal_on=_forward(extended),
        extended_send_by_on=_backward(extended, received_on, closures),
        explanation=(
            said(
                "Received {day} in Stockholm; that day is not counted (Reg. 1182/71 art. 3(1)).",
                day=name_of(received_on),
            ),
            _explain_month(received_on, month_later),
            *_explain_pause(paused_days, nominal),
            *_explain_legal(nominal),
            *_explain_send_by(nominal, received_on, closures),
            _explain_extension(nominal, extended),
            *_explain_legal(extended),
            *_explain_send_by(extended, received_on, closures),
        ),
    )


def legal_on(clock: Deadlines, *, extended_on: date | None) -> date:
    """
    Last day that the law allows, given when an extension letter left.

    Art. 12(3): the person is informed "within one month of receipt", so a later extension has no effect.
    """
    if extended_on is not None and extended_on <= clock.legal_on:
        return clock.extended_legal_on
    return clock.legal_on


def around(nominal: date, received_on: date, *, closures: frozenset[date] = frozenset()) -> tuple[date, date]:
    """(outer limit, planning date) of a period that ends on *nominal*; see deadlines()."""
    return _forward(nominal), _backward(nominal, received_on, closures)


def month_of(year: int, number: int) -> tuple[date, date]:
    """
    First and last day of a calendar month.

    Raises: ValueError if there is no such month.
    """
    first = date(year, number, 1)
    return first, first.replace(day=calendar.monthrange(year, number)[1])


def add_months(day: date, months: int) -> date:
    """Reg. 1182/71 art. 3(2)(c): the same date in the last month or, where there is none, its last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _forward(day: date) -> date:
    """Reg. 1182/71 art. 3(4): a period that would end on a non-working day ends on the next working day."""
    return day if is_working_day(day) else add_working_days(day, 1)


def _backward(day: date, received: date, closures: frozenset[date]) -> date:
    """Last day on or before *day* when the office is open; closures that cover the whole period are disregarded."""
    planned = day
    while planned > received and not _is_open(planned, closures):
        planned -= _DAY
    return planned if _is_open(planned, closures) or not closures else _backward(day, received, frozenset())


def _is_open(day: date, closures: frozenset[date]) -> bool:
    return is_working_day(day) and not is_eve(day) and day not in closures


# ---------------------------------------------------------------------------------------------------- explanation


#: By date.weekday().
WEEKDAYS = (
    "Monday {day}",
    "Tuesday {day}",
    "Wednesday {day}",
    "Thursday {day}",
    "Friday {day}",
    "Saturday {day}",
    "Sunday {day}",
)


def name_of(day: date) -> Said:
    """Weekday and date."""
    return said(WEEKDAYS[day.weekday()], day=day.isoformat())


def days_told(count: int) -> Said:
    """ "1 day", "4 days"."""
    return said("1 day") if count == 1 else said("{count} days", count=count)


def _explain_month(received: date, month_later: date) -> str:
    if month_later.day == received.day:
        how = said("the same date of the next month (Reg. 1182/71 art. 3(2)(c))")
    else:
        how = said("the last day of the next month, which has no such date (Reg. 1182/71 art. 3(2)(c))")
    return said("One month from receipt (Art. 12(3) GDPR): {day}, {how}.", day=name_of(month_later), how=how)


def _explain_pause(paused_days: int, nominal: date) -> tuple[str, ...]:
    if not paused_days:
        return ()
    sentence = "Paused for {days} while a question waited for its answer (EDPB 01/2022 s. 5.3): {until}."
    return (said(sentence, days=days_told(paused_days), until=name_of(nominal)),)


def _explain_legal(nominal: date) -> tuple[str, ...]:
    if is_working_day(nominal):
        return ()
    why = said("a public holiday (lag 1989:253)") if is_public_holiday(nominal) else said("a Saturday")
    sentence = "{day} is {why}: the period ends on the next working day, {next} (Reg. 1182/71 art. 3(4))."
    return (said(sentence, day=name_of(nominal), why=why, next=name_of(_forward(nominal))),)


def _explain_extension(nominal: date, extended: date) -> str:
    return said(
        "If extended by two further months for complexity and number, with reasons sent by {legal} "
        "(Art. 12(3) GDPR): {until}, counted from the unshifted date.",
        legal=name_of(_forward(nominal)),
        until=name_of(extended),
    )


def _explain_send_by(nominal: date, received: date, closures: frozenset[date]) -> tuple[str, ...]:
    send_by = _backward(nominal, received, closures)
    if send_by == nominal:
        return ()
    if is_eve(nominal):
        sentence = (
            "Plan to send by {day}, the last day on which the office is open. An eve gains no time: it is not a public "
            "holiday (lag 1989:253)."
        )
    else:
        sentence = "Plan to send by {day}, the last day on which the office is open."
    return (said(sentence, day=name_of(send_by)),)
