"""The statutory clock: Art. 12(3) GDPR, Regulation 1182/71 and lag (1989:253), example by example."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar.deadlines import (
    add_working_days,
    ask_by,
    deadlines,
    is_eve,
    is_public_holiday,
    is_working_day,
    legal_on,
    pause_days,
    received_on,
    total_pause_days,
)

DAY = timedelta(days=1)

#: received, nominal, legal, send by, extended nominal, extended legal, extended send by; and what the example shows
EXAMPLES = """
 1  2026-03-05 2026-04-05 2026-04-07 2026-04-02 2026-06-05 2026-06-05 2026-06-05  EDPB's own example meets Easter 2026
 2  2026-05-19 2026-06-19 2026-06-19 2026-06-18 2026-08-19 2026-08-19 2026-08-19  Eve: no time gained
 3  2026-08-31 2026-09-30 2026-09-30 2026-09-30 2026-11-30 2026-11-30 2026-11-30  Short month
 4  2026-10-31 2026-11-30 2026-11-30 2026-11-30 2027-01-30 2027-02-01 2027-01-29  Arrival on a holiday counts
 5  2026-11-22 2026-12-22 2026-12-22 2026-12-22 2027-02-22 2027-02-22 2027-02-22  Arrival on Sunday
 6  2026-11-24 2026-12-24 2026-12-24 2026-12-23 2027-02-24 2027-02-24 2027-02-24  Eve
 7  2026-11-25 2026-12-25 2026-12-28 2026-12-23 2027-02-25 2027-02-25 2027-02-25  Holiday + weekend
 8  2026-11-30 2026-12-30 2026-12-30 2026-12-30 2027-02-28 2027-03-01 2027-02-26  Extension to February
 9  2026-12-01 2027-01-01 2027-01-04 2026-12-30 2027-03-01 2027-03-01 2027-03-01  New Year; 31 Dec is closed
10  2026-12-05 2027-01-05 2027-01-05 2027-01-05 2027-03-05 2027-03-05 2027-03-05  Twelfth Night Eve is a working day
11  2026-12-06 2027-01-06 2027-01-07 2027-01-05 2027-03-06 2027-03-08 2027-03-05  Epiphany
12  2026-12-31 2027-01-31 2027-02-01 2027-01-29 2027-03-31 2027-03-31 2027-03-31  Sunday
13  2027-01-16 2027-02-16 2027-02-16 2027-02-16 2027-04-16 2027-04-16 2027-04-16  Plain
14  2027-01-29 2027-02-28 2027-03-01 2027-02-26 2027-04-28 2027-04-28 2027-04-28  29 → 28 Feb
15  2027-01-31 2027-02-28 2027-03-01 2027-02-26 2027-04-28 2027-04-28 2027-04-28  Cautious extension, not 30 April
16  2028-01-29 2028-02-29 2028-02-29 2028-02-29 2028-04-29 2028-05-02 2028-04-28  Leap year; ext. hits weekend + 1 May
17  2028-01-31 2028-02-29 2028-02-29 2028-02-29 2028-04-29 2028-05-02 2028-04-28  Leap year, missing date
18  2028-02-29 2028-03-29 2028-03-29 2028-03-29 2028-05-29 2028-05-29 2028-05-29  Received on leap day
19  2027-02-26 2027-03-26 2027-03-30 2027-03-25 2027-05-26 2027-05-26 2027-05-26  Easter block
20  2027-02-28 2027-03-28 2027-03-30 2027-03-25 2027-05-28 2027-05-28 2027-05-28  28 → 28, not 31
21  2027-03-31 2027-04-30 2027-04-30 2027-04-30 2027-06-30 2027-06-30 2027-06-30  Valborg is a working day
22  2027-04-01 2027-05-01 2027-05-03 2027-04-30 2027-07-01 2027-07-01 2027-07-01  1 May
23  2027-04-06 2027-05-06 2027-05-07 2027-05-05 2027-07-06 2027-07-06 2027-07-06  Bridge Friday is a working day
24  2027-05-06 2027-06-06 2027-06-07 2027-06-04 2027-08-06 2027-08-06 2027-08-06  Monday after National Day is none
25  2027-05-25 2027-06-25 2027-06-25 2027-06-24 2027-08-25 2027-08-25 2027-08-25  Eve
26  2027-05-26 2027-06-26 2027-06-28 2027-06-24 2027-08-26 2027-08-26 2027-08-26  Midsummer Day
27  2027-10-06 2027-11-06 2027-11-08 2027-11-05 2028-01-06 2028-01-07 2028-01-05  All Saints; ext. Epiphany
28  2027-11-24 2027-12-24 2027-12-24 2027-12-23 2028-02-24 2028-02-24 2028-02-24  Christmas Eve, Friday
29  2027-11-30 2027-12-30 2027-12-30 2027-12-30 2028-02-29 2028-02-29 2028-02-29  Ext. to leap day
30  2027-12-31 2028-01-31 2028-01-31 2028-01-31 2028-03-31 2028-03-31 2028-03-31  Year change
"""

#: Published dates of Easter Sunday, as the second source beside the algorithm.
EASTER = """
2020-04-12 2021-04-04 2022-04-17 2023-04-09 2024-03-31 2025-04-20 2026-04-05 2027-03-28 2028-04-16 2029-04-01 2030-04-21
2031-04-13 2032-03-28 2033-04-17 2034-04-09 2035-03-25 2036-04-13 2037-04-05 2038-04-25 2039-04-10 2040-04-01
"""


def _day(text: str) -> date:
    return date.fromisoformat(text)


# ------------------------------------------------------------------------------------------ the worked examples


@pytest.mark.parametrize("example", EXAMPLES.strip().splitlines(), ids=lambda line: line[:14].strip())
def test_worked_example(example: str) -> None:
    _, received, nominal, legal, send_by, ext_nominal, ext_legal, ext_send_by, *_ = example.split(maxsplit=8)

    clock = deadlines(_day(received))

    assert (clock.received_on, clock.nominal_on, clock.legal_on, clock.send_by_on) == (
        _day(received),
        _day(nominal),
        _day(legal),
        _day(send_by),
    )
    assert (clock.extended_nominal_on, clock.extended_legal_on, clock.extended_send_by_on) == (
        _day(ext_nominal),
        _day(ext_legal),
        _day(ext_send_by),
    )


@pytest.mark.parametrize(
    ("arrival", "received", "nominal", "legal"),
    [
        ("2027-02-28T23:30+00:00", "2027-03-01", "2027-04-01", "2027-04-01"),  # 31: the UTC date would give 28 March
        ("2026-07-31T22:15+00:00", "2026-08-01", "2026-09-01", "2026-09-01"),  # 32: the UTC date would give 31 August
        ("2026-10-25T00:30+00:00", "2026-10-25", "2026-11-25", "2026-11-25"),  # 33: the night the clocks change
        ("2026-12-31T23:30+00:00", "2027-01-01", "2027-02-01", "2027-02-01"),  # 34: New Year
    ],
)
def test_the_day_of_receipt_is_the_day_in_stockholm(arrival: str, received: str, nominal: str, legal: str) -> None:
    """Examples 31-34."""
    day = received_on(datetime.fromisoformat(arrival))
    clock = deadlines(day)
    assert (day, clock.nominal_on, clock.legal_on) == (_day(received), _day(nominal), _day(legal))


def test_a_question_answered_after_a_week_moves_every_date_by_seven_days() -> None:
    """Example 35."""
    clock = deadlines(_day("2027-01-11"), paused_days=pause_days(_day("2027-01-13"), _day("2027-01-20")))
    assert clock.nominal_on == _day("2027-02-18")
    assert clock.extended_nominal_on == _day("2027-04-18")
    assert clock.extended_legal_on == _day("2027-04-19")
    assert clock.extended_send_by_on == _day("2027-04-16")


def test_a_question_asked_after_three_weeks_is_too_late_to_pause() -> None:
    """Example 36."""
    assert ask_by(_day("2027-01-11")) == _day("2027-01-13")
    assert _day("2027-02-01") > ask_by(_day("2027-01-11"))


def test_a_question_without_an_answer_ends_within_the_original_month() -> None:
    """Example 37."""
    assert deadlines(_day("2027-01-11")).send_by_on == _day("2027-02-11")


def test_pause_and_extension_together() -> None:
    """Example 38."""
    clock = deadlines(_day("2027-03-15"), paused_days=pause_days(_day("2027-03-16"), _day("2027-03-23")))
    assert (clock.nominal_on, clock.extended_nominal_on) == (_day("2027-04-22"), _day("2027-06-22"))
    assert deadlines(_day("2027-03-15")).nominal_on == _day("2027-04-15")


def test_a_short_pause_over_a_weekend_counts_calendar_days() -> None:
    """Example 39."""
    clock = deadlines(_day("2027-05-20"), paused_days=pause_days(_day("2027-05-21"), _day("2027-05-24")))
    assert clock.nominal_on == _day("2027-06-23")


def test_an_extension_letter_sent_a_day_late_has_no_effect() -> None:
    """Example 40."""
    clock = deadlines(_day("2027-01-11"))
    assert legal_on(clock, extended_on=_day("2027-02-12")) == _day("2027-02-11")
    assert legal_on(clock, extended_on=_day("2027-02-11")) == clock.extended_legal_on
    assert legal_on(clock, extended_on=None) == _day("2027-02-11")


def test_a_marketing_stop_received_on_saturday_is_due_on_monday() -> None:
    """Example 41."""
    assert add_working_days(_day("2027-01-16"), 1) == _day("2027-01-18")
    assert deadlines(_day("2027-01-16")).nominal_on == _day("2027-02-16")


def test_a_request_found_late_in_the_spam_folder_has_two_days_left() -> None:
    """Example 42."""
    clock = deadlines(received_on(datetime(2027, 2, 3, 9, 0, tzinfo=UTC)))
    assert clock.legal_on == _day("2027-03-03")
    assert clock.legal_on == add_working_days(_day("2027-03-01"), 2)


# ---------------------------------------------------------------------------------------------------- receipt


def test_a_minute_to_midnight_in_stockholm_still_counts_that_day() -> None:
    assert received_on(datetime(2026, 11, 25, 22, 59, tzinfo=UTC)) == _day("2026-11-25")
    assert received_on(datetime(2026, 11, 25, 23, 0, tzinfo=UTC)) == _day("2026-11-26")


def test_the_offset_of_the_sender_does_not_matter() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert received_on(datetime(2026, 11, 26, 7, 0, tzinfo=tokyo)) == _day("2026-11-25")


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(TypeError, match="aware"):
        received_on(datetime(2026, 11, 25, 12, 0))  # noqa: DTZ001


# --------------------------------------------------------------------------------------------------- holidays


@pytest.mark.parametrize("easter", EASTER.split())
def test_easter_and_the_days_that_follow_from_it(easter: str) -> None:
    sunday = _day(easter)
    for distance in (-2, 0, 1, 39, 49):
        assert is_public_holiday(sunday + distance * DAY), distance
    for distance in (-3, 2, 38, 40, 50):
        assert is_public_holiday(sunday + distance * DAY) == (
            (sunday + distance * DAY).isoformat()[5:] in {"05-01", "06-06"}
        ), distance


@pytest.mark.parametrize("eve", ["2026-06-19", "2026-12-24", "2026-12-31", "2027-06-25"])
def test_the_eves_are_working_days_in_law(eve: str) -> None:
    assert is_eve(_day(eve))
    assert is_working_day(_day(eve))


@pytest.mark.parametrize("day", ["2026-01-05", "2026-04-30", "2026-05-15", "2027-06-07", "2026-10-30", "2026-04-02"])
def test_days_that_people_take_for_holidays(day: str) -> None:
    """Twelfth Night Eve, Valborg, the Friday after Ascension, a Monday after National Day, and the like."""
    assert is_working_day(_day(day))
    assert not is_eve(_day(day))


# ------------------------------------------------------------------------------- a second, independent computation


def _month_later_by_walking(day: date, months: int) -> date:
    """Walks day by day into the wanted month and stops at the same date or before the month runs out."""
    found = day
    for _ in range(months):
        found = found.replace(day=28) + 4 * DAY  # into the next month
        found = found.replace(day=1)
    while found.day < day.day and (found + DAY).month == found.month:
        found += DAY
    return found


def _holiday_by_rules(day: date) -> bool:
    """Lag (1989:253) read as sentences: fixed dates, distances from published Easter, and two Saturdays."""
    fixed = day.strftime("%m-%d") in {"01-01", "01-06", "05-01", "06-06", "12-25", "12-26"}
    from_easter = any((day - _day(easter)).days in {-2, 0, 1, 39, 49} for easter in EASTER.split())
    midsummer = day.strftime("%a") == "Sat" and "06-20" <= day.strftime("%m-%d") <= "06-26"
    all_saints = day.strftime("%a") == "Sat" and "10-31" <= day.strftime("%m-%d") <= "11-06"
    return day.strftime("%a") == "Sun" or fixed or from_easter or midsummer or all_saints


#: All 21 years for which EASTER is given.
days = st.dates(_day("2020-01-01"), _day("2040-08-31"))


def test_every_day_of_twenty_years_is_a_holiday_by_both_computations_or_by_none() -> None:
    day = _day("2020-01-01")
    while day <= _day("2040-12-31"):
        assert is_public_holiday(day) == _holiday_by_rules(day), day
        day += DAY


@given(received=days, pause=st.integers(0, 60))
def test_the_dates_agree_with_the_second_computation(received: date, pause: int) -> None:
    nominal = _month_later_by_walking(received, 1) + pause * DAY
    legal = nominal
    while legal.strftime("%a") == "Sat" or _holiday_by_rules(legal):
        legal += DAY

    clock = deadlines(received, paused_days=pause)

    assert (clock.nominal_on, clock.legal_on) == (nominal, legal)
    assert clock.extended_nominal_on - pause * DAY in {
        _month_later_by_walking(received, 3),
        _month_later_by_walking(_month_later_by_walking(received, 1), 2),
    }


@given(received=days, pause=st.integers(0, 60), closures=st.frozensets(days, max_size=20))
def test_the_order_of_the_dates(received: date, pause: int, closures: frozenset[date]) -> None:
    clock = deadlines(received, paused_days=pause, closures=closures)
    assert received < clock.send_by_on <= clock.nominal_on <= clock.legal_on
    assert clock.nominal_on < clock.extended_send_by_on <= clock.extended_nominal_on <= clock.extended_legal_on
    assert is_working_day(clock.legal_on)
    assert is_working_day(clock.send_by_on)
    assert clock.send_by_on not in closures


@given(received=days, closures=st.frozensets(days, max_size=20))
def test_closures_never_move_what_the_law_says(received: date, closures: frozenset[date]) -> None:
    with_closures, without = deadlines(received, closures=closures), deadlines(received)
    assert (with_closures.legal_on, with_closures.nominal_on) == (without.legal_on, without.nominal_on)


@given(day=days, n=st.integers(-30, 30))
def test_working_days_counted_there_and_back(day: date, n: int) -> None:
    def passed(after: date, until: date) -> int:
        return sum(is_working_day(after + number * DAY) for number in range(1, (until - after).days + 1))

    reached = add_working_days(day, n)
    assert n == 0 or is_working_day(reached)
    if n > 0:
        assert passed(day, reached) == n
    elif n < 0:
        assert passed(reached - DAY, day - DAY) == -n


# ---------------------------------------------------------------------------------------------------- details


def test_closures_of_the_company_bring_the_planning_date_forward() -> None:
    week = frozenset(_day("2026-12-28") + n * DAY for n in range(5))
    assert deadlines(_day("2026-11-30"), closures=week).send_by_on == _day("2026-12-23")


def test_closures_that_cover_the_whole_period_are_disregarded() -> None:
    summer = frozenset(_day("2026-06-01") + n * DAY for n in range(90))
    assert deadlines(_day("2026-07-01"), closures=summer).send_by_on == _day("2026-07-31")


def test_pauses_that_overlap_count_once() -> None:
    first, second = (_day("2027-01-13"), _day("2027-01-20")), (_day("2027-01-15"), _day("2027-01-22"))
    inside = (_day("2027-01-16"), _day("2027-01-17"))
    assert total_pause_days([second, inside, first]) == 9


def test_an_answer_before_the_question_is_an_error() -> None:
    with pytest.raises(ValueError, match="before it was asked"):
        pause_days(_day("2027-01-20"), _day("2027-01-13"))


def test_a_negative_pause_is_an_error() -> None:
    with pytest.raises(ValueError, match="negative"):
        deadlines(_day("2027-01-20"), paused_days=-1)


def test_the_explanation_quotes_the_source_of_each_step() -> None:
    explanation = "\n".join(deadlines(_day("2026-11-25"), paused_days=1).explanation)
    assert "Art. 12(3) GDPR" in explanation
    assert "Reg. 1182/71 art. 3(2)(c)" in explanation
    assert "EDPB 01/2022 s. 5.3" in explanation
    assert "Saturday 2026-12-26 is a public holiday (lag 1989:253)" in explanation
    assert "the next working day, Monday 2026-12-28 (Reg. 1182/71 art. 3(4))" in explanation
