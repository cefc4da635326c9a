"""The figures of a month, and that they add up."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dsar.lifecycle import Outcome
from dsar.model import RequestTimes, Right
from dsar.monthly_statistics import MonthlyStatistics, as_csv, as_json, as_rows, month, summarise

TODAY = date(2026, 11, 25)


def _request(
    received: str,
    closed: str | None = None,
    *,
    legal: str = "2099-12-31",
    right: Right = Right.ACCESS,
    outcome: Outcome = Outcome.FULFILLED,
    extended: bool = False,
    paused_days: int = 0,
    is_sorted: bool = True,
    first_closed: str | None = None,
    reopened: str | None = None,
) -> RequestTimes:
    return RequestTimes(
        right=right,
        received_at=datetime.fromisoformat(received).replace(tzinfo=UTC),
        closed_at=_moment(closed),
        outcome=outcome if closed else None,
        legal_on=date.fromisoformat(legal),
        extended=extended,
        paused_days=paused_days,
        is_sorted=is_sorted,
        first_closed_at=_moment(first_closed or closed),
        first_outcome=outcome if first_closed or closed else None,
        reopened_at=_moment(reopened),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _october(*requests: RequestTimes, today: date = TODAY) -> MonthlyStatistics:
    first_on, last_on = month(2026, 10)
    return summarise(requests, first_on=first_on, last_on=last_on, today=today)


def test_a_request_of_september_closed_in_october_is_closed_but_not_received_in_october() -> None:
    total = _october(_request("2026-09-20", "2026-10-05")).total
    assert (total.received, total.closed, total.open_at_end) == (0, 1, 0)


def test_a_request_of_october_closed_in_november_is_received_and_open_at_the_end_of_october() -> None:
    total = _october(_request("2026-10-20", "2026-11-05")).total
    assert (total.received, total.closed, total.open_at_end) == (1, 0, 1)


def test_months_begin_and_end_at_midnight_in_stockholm() -> None:
    """22:30 UTC on 30 September is 1 October, 23:30 UTC on 31 October is 1 November."""
    total = _october(_request("2026-09-30T22:30"), _request("2026-10-31T23:30")).total
    assert total.received == 1


def test_closing_on_the_legal_date_is_in_time_and_a_day_after_it_is_late() -> None:
    total = _october(
        _request("2026-09-05", "2026-10-05", legal="2026-10-05"),
        _request("2026-09-05", "2026-10-06", legal="2026-10-05"),
    ).total
    assert (total.in_time, total.late) == (1, 1)


def test_an_open_request_is_overdue_when_its_legal_date_has_passed() -> None:
    legal_on_last_day = _request("2026-09-30", legal="2026-10-31")
    assert _october(legal_on_last_day, today=date(2026, 10, 31)).total.overdue == 0
    assert _october(legal_on_last_day, today=date(2026, 11, 1)).total.overdue == 1


def test_what_became_overdue_after_the_period_was_not_overdue_in_it() -> None:
    assert _october(_request("2026-10-05", legal="2026-11-05")).total.overdue == 0


def test_days_are_gross_calendar_days_whatever_was_paused() -> None:
    total = _october(
        *(
            _request("2026-10-01", f"2026-10-{1 + days:02}", paused_days=1)
            for days in (0, 2, 4, 6, 8, 10, 12, 14, 16, 30)
        )
    ).total
    assert (total.median_days, total.p90_days, total.max_days) == (9, 16, 30)
    assert total.paused_days == 10


def test_without_closed_requests_there_are_no_days() -> None:
    total = _october(_request("2026-10-01")).total
    assert (total.median_days, total.p90_days, total.max_days) == (None, None, None)


def test_extended_requests_count_whether_closed_or_open() -> None:
    total = _october(
        _request("2026-08-01", "2026-10-05", extended=True),
        _request("2026-10-01", extended=True),
        _request("2026-08-01", "2026-09-05", extended=True),
    ).total
    assert total.extended == 2


def test_what_was_no_request_or_went_on_elsewhere_is_not_counted() -> None:
    total = _october(
        _request("2026-10-01", "2026-10-02", outcome=Outcome.MERGED),
        _request("2026-10-01", "2026-10-02", outcome=Outcome.NOT_A_REQUEST),
        _request("2026-10-01", "2026-10-02", outcome=Outcome.REFUSED),
    ).total
    assert (total.received, total.closed, dict(total.outcomes)) == (1, 1, {Outcome.REFUSED: 1})


def test_what_nobody_has_sorted_is_open_and_overdue_and_named() -> None:
    """Leaving mails unsorted must not make the figures better."""
    total = _october(_request("2026-09-20", legal="2026-10-20", is_sorted=False), _request("2026-10-02")).total
    assert (total.open_at_end, total.overdue, total.unsorted) == (2, 1, 1)


def test_a_mail_of_no_right_yet_counts_in_the_total_only() -> None:
    mail = replace(_request("2026-09-20", legal="2026-10-20", is_sorted=False), right=None)
    result = _october(mail)
    assert (result.total.open_at_end, result.total.overdue, result.total.unsorted) == (1, 1, 1)
    assert [figures.open_at_end for figures in result.by_right.values()] == [0] * 5


def test_a_late_answer_stays_late_in_its_month_when_the_request_is_taken_up_again() -> None:
    """Closed late in October and reopened in November."""
    late = _request("2026-09-01", legal="2026-10-01", first_closed="2026-10-10", reopened="2026-11-05")
    total = _october(late).total
    assert (total.closed, total.late, total.max_days, total.open_at_end, total.reopened) == (1, 1, 39, 0, 0)


def test_a_request_that_was_taken_up_again_is_open_and_overdue_now() -> None:
    late = _request("2026-09-01", legal="2026-10-01", first_closed="2026-10-10", reopened="2026-11-05")
    first_on, last_on = month(2026, 11)
    total = summarise([late], first_on=first_on, last_on=last_on, today=TODAY).total
    assert (total.closed, total.open_at_end, total.overdue, total.reopened) == (0, 1, 1, 1)


def test_a_second_answer_counts_in_its_own_month_with_all_its_days() -> None:
    again = _request("2026-08-01", "2026-10-30", legal="2026-09-01", first_closed="2026-08-20", reopened="2026-09-10")
    total = _october(again).total
    assert (total.closed, total.late, total.max_days, total.open_at_end) == (1, 1, 90, 0)


# ------------------------------------------------------------------------------------ independent recomputation

_STOCKHOLM = ZoneInfo("Europe/Stockholm")
_moments = st.datetimes(datetime(2026, 8, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def _requests(draw: st.DrawFn) -> RequestTimes:
    received = draw(_moments)
    closed = draw(st.none() | st.timedeltas(timedelta(0), timedelta(days=120)).map(lambda after: received + after))
    return RequestTimes(
        right=draw(st.sampled_from(Right)),
        received_at=received,
        closed_at=closed,
        outcome=draw(st.sampled_from([o for o in Outcome if o not in {Outcome.MERGED, Outcome.NOT_A_REQUEST}]))
        if closed
        else None,
        legal_on=received.date() + timedelta(days=draw(st.integers(28, 95))),
        extended=draw(st.booleans()),
        paused_days=draw(st.integers(0, 20)),
        first_closed_at=closed,
    )


@given(st.lists(_requests(), max_size=30))
def test_the_figures_agree_with_a_day_by_day_recount(requests: list[RequestTimes]) -> None:
    """Lives through October day by day with a pile of open requests, as a clerk would."""
    pile: list[RequestTimes] = []
    received = in_time = late = 0
    day = date(2026, 7, 31)
    while (day := day + timedelta(days=1)) <= date(2026, 10, 31):
        for request in requests:
            if request.received_at.astimezone(_STOCKHOLM).date() == day:
                pile.append(request)
                received += day.month == 10
        for request in [*pile]:
            if request.closed_at and request.closed_at.astimezone(_STOCKHOLM).date() == day:
                pile.remove(request)
                in_time += day.month == 10 and day <= request.legal_on
                late += day.month == 10 and day > request.legal_on

    total = _october(*requests, today=date(2027, 6, 1)).total

    assert (total.received, total.in_time, total.late, total.open_at_end) == (received, in_time, late, len(pile))
    assert total.overdue == sum(request.legal_on <= date(2026, 10, 31) for request in pile)


@given(st.lists(_requests(), max_size=30), st.dates(date(2026, 7, 1), date(2027, 6, 1)))
def test_the_figures_add_up(requests: list[RequestTimes], today: date) -> None:
    result = _october(*requests, today=today)
    for name in ("received", "open_at_end", "closed", "in_time", "late", "overdue", "extended", "paused_days"):
        assert getattr(result.total, name) == sum(getattr(figures, name) for figures in result.by_right.values())
    assert result.total.closed == result.total.in_time + result.total.late == sum(result.total.outcomes.values())
    assert result.total.overdue <= result.total.open_at_end


@given(st.lists(_requests(), max_size=20))
def test_every_request_is_received_and_closed_in_exactly_one_month(requests: list[RequestTimes]) -> None:
    months = [
        summarise(requests, first_on=month(year, number)[0], last_on=month(year, number)[1], today=date(2028, 1, 1))
        for year in (2026, 2027)
        for number in range(1, 13)
    ]
    assert sum(result.total.received for result in months) == len(requests)
    assert sum(result.total.closed for result in months) == sum(request.closed_at is not None for request in requests)


# ---------------------------------------------------------------------------------------------------- rendering

RESULT = _october(
    _request("2026-10-01", "2026-10-11"),
    _request("2026-10-01", "2026-10-12", right=Right.ERASE, outcome=Outcome.PARTLY, legal="2026-10-11"),
    _request("2026-10-30", right=Right.OBJECT),
)


def test_table_has_one_column_per_right_and_one_for_the_total() -> None:
    rows = as_rows(RESULT)
    assert rows[0] == ["", "object", "restrict", "access", "update", "erase", "total"]
    assert rows[1] == ["Received", "1", "0", "1", "0", "1", "3"]
    assert ["  late", "0", "0", "0", "0", "1", "1"] in rows
    assert ["Days, median", "-", "-", "10", "-", "11", "10.5"] in rows


def test_json_holds_the_same_figures() -> None:
    answer = json.loads(as_json(RESULT))
    assert (answer["from"], answer["to"], answer["as_of"]) == ("2026-10-01", "2026-10-31", "2026-11-25")
    assert answer["total"]["gross_days"] == {"n": 2, "median": 10.5, "p90": 11, "max": 11}
    assert answer["rights"]["erase"]["outcomes"]["partly"] == 1
    assert answer["rights"]["restrict"]["gross_days"]["median"] is None


def test_csv_holds_the_same_figures() -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(RESULT))))
    assert [line["right"] for line in lines] == ["object", "restrict", "access", "update", "erase", "total"]
    assert (lines[-1]["received"], lines[-1]["median_days"], lines[-1]["outcome_partly"]) == ("3", "10.5", "1")
    assert lines[1]["median_days"] == ""
