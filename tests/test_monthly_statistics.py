"""The figures of a month, and that they add up."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar.deadlines import month_of
from dsar.lifecycle import Outcome
from dsar.model import ClosedOnce, RequestTimes, Right
from dsar.monthly_statistics import (
    HeldUp,
    MonthlyStatistics,
    Outage,
    as_csv,
    as_json,
    as_rows,
    publish,
    summarise,
)
from dsar.monthly_statistics.page import as_html
from dsar.monthly_statistics.sheet import as_pdf

TODAY = date(2026, 11, 25)


def _request(
    received: str,
    *closed: str,
    legal: str = "2099-12-31",
    right: Right = Right.ACCESS,
    outcome: Outcome = Outcome.FULFILLED,
    extended: str | None = None,
    paused_days: int = 0,
    is_sorted: bool = True,
    reopened: str | None = None,
    ground: str = "",
    asked_on: date | None = None,
    stopped: str | None = None,
    reference: str = "D-2026-00001",
) -> RequestTimes:
    """Args: closed: each time; reopened: after the first of them."""
    closings = tuple(
        ClosedOnce(
            at=_at(text),
            outcome=outcome,
            legal_on=date.fromisoformat(legal),
            ground=ground,
            paused_days=paused_days,
            reopened_at=_moment(reopened) if number == 0 else None,
        )
        for number, text in enumerate(closed)
    )
    return RequestTimes(
        reference=reference,
        right=right,
        received_at=_at(received),
        legal_on=date.fromisoformat(legal),
        closings=closings,
        extended_because=extended,
        paused_days=paused_days,
        is_sorted=is_sorted,
        asked_on=asked_on,
        stopped_at=_moment(stopped),
    )


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _october(*requests: RequestTimes, today: date = TODAY) -> MonthlyStatistics:
    first_on, last_on = month_of(2026, 10)
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
    assert (total.gross.median, total.gross.p90, total.gross.longest) == (9, 16, 30)
    assert (total.net.median, total.net.p90, total.net.longest) == (8, 15, 29)
    assert total.paused_days == 10


def test_without_closed_requests_there_are_no_days() -> None:
    total = _october(_request("2026-10-01")).total
    assert (total.gross.median, total.gross.p90, total.gross.longest) == (None, None, None)


def test_extended_requests_count_by_reason_whether_closed_or_open() -> None:
    total = _october(
        _request("2026-08-01", "2026-10-05", extended="complexity"),
        _request("2026-10-01", extended="number"),
        _request("2026-08-01", "2026-09-05", extended="number"),
    ).total
    assert total.extended == {"complexity": 1, "number": 1}


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
    mail = _request("2026-09-20", legal="2026-10-20", is_sorted=False)._replace(right=None)
    result = _october(mail)
    assert (result.total.open_at_end, result.total.overdue, result.total.unsorted) == (1, 1, 1)
    assert [figures.open_at_end for figures in result.by_right.values()] == [0] * 5


def test_a_late_answer_stays_late_in_its_month_when_the_request_is_taken_up_again() -> None:
    """Closed late in October and reopened in November."""
    late = _request("2026-09-01", "2026-10-10", legal="2026-10-01", reopened="2026-11-05")
    total = _october(late).total
    assert (total.closed, total.late, total.gross.longest, total.open_at_end, total.reopened) == (1, 1, 39, 0, 0)


def test_a_request_that_was_taken_up_again_is_open_and_overdue_now() -> None:
    late = _request("2026-09-01", "2026-10-10", legal="2026-10-01", reopened="2026-11-05")
    first_on, last_on = month_of(2026, 11)
    total = summarise([late], first_on=first_on, last_on=last_on, today=TODAY).total
    assert (total.closed, total.open_at_end, total.overdue, total.reopened) == (0, 1, 1, 1)


def test_a_second_answer_counts_in_its_own_month_with_all_its_days() -> None:
    again = _request("2026-08-01", "2026-08-20", "2026-10-30", legal="2026-09-01", reopened="2026-09-10")
    total = _october(again).total
    assert (total.closed, total.late, total.gross.longest, total.open_at_end) == (1, 1, 90, 0)


# ------------------------------------------------------------------------------------ independent recomputation

_STOCKHOLM = ZoneInfo("Europe/Stockholm")
_moments = st.datetimes(datetime(2026, 8, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def _requests(draw: st.DrawFn) -> RequestTimes:
    """Closed up to three times, and taken up again after each but the last; or open again after that, too."""
    received = draw(_moments)
    gaps = draw(st.lists(st.timedeltas(timedelta(hours=1), timedelta(days=60)), max_size=6))
    moments = [received + sum(gaps[: number + 1], timedelta()) for number in range(len(gaps))]
    outcomes = st.sampled_from([o for o in Outcome if o not in {Outcome.MERGED, Outcome.NOT_A_REQUEST}])
    legal_on = received.date() + timedelta(days=draw(st.integers(28, 95)))
    return RequestTimes(
        reference="D-2026-00001",
        right=draw(st.sampled_from(Right)),
        received_at=received,
        legal_on=legal_on,
        closings=tuple(
            ClosedOnce(
                at=moments[number],
                outcome=draw(outcomes),
                legal_on=legal_on,
                reopened_at=moments[number + 1] if number + 1 < len(moments) else None,
            )
            for number in range(0, len(moments), 2)
        ),
        extended_because=draw(st.sampled_from([None, "complexity", "number"])),
        paused_days=draw(st.integers(0, 20)),
    )


@given(st.lists(_requests(), max_size=30))
def test_the_figures_agree_with_a_day_by_day_recount(requests: list[RequestTimes]) -> None:
    """Lives through October event by event with a pile of open requests, as a clerk would."""
    events: list[tuple[datetime, int, str, int]] = []
    for number, request in enumerate(requests):
        events.append((request.received_at, 0, "received", number))
        for closing in request.closings:
            events.append((closing.at, 1, "closed", number))
            if closing.reopened_at:
                events.append((closing.reopened_at, 2, "reopened", number))
    pile: set[int] = set()
    received = 0
    answered: dict[int, bool] = {}
    for at, _, what, number in sorted(events):
        day = at.astimezone(_STOCKHOLM).date()
        if day > date(2026, 10, 31):
            continue
        in_october = day.month == 10
        if what == "closed":
            pile.discard(number)
            if in_october:
                answered[number] = day <= requests[number].legal_on
        else:
            pile.add(number)
            received += in_october and what == "received"

    total = _october(*requests, today=date(2027, 6, 1)).total

    in_time = sum(answered.values())
    assert (total.received, total.in_time, total.late, total.open_at_end) == (
        received,
        in_time,
        len(answered) - in_time,
        len(pile),
    )
    assert total.overdue == sum(requests[number].legal_on <= date(2026, 10, 31) for number in pile)


@given(st.lists(_requests(), max_size=30), st.dates(date(2026, 7, 1), date(2027, 6, 1)))
def test_the_figures_add_up(requests: list[RequestTimes], today: date) -> None:
    result = _october(*requests, today=today)
    for name in ("received", "open_at_end", "closed", "in_time", "late", "overdue", "paused_days"):
        assert getattr(result.total, name) == sum(getattr(figures, name) for figures in result.by_right.values())
    assert result.total.closed == result.total.in_time + result.total.late == sum(result.total.outcomes.values())
    assert result.total.overdue <= result.total.open_at_end


@given(st.lists(_requests(), max_size=20))
def test_every_request_is_received_in_exactly_one_month(requests: list[RequestTimes]) -> None:
    months = [
        summarise(
            requests, first_on=month_of(year, number)[0], last_on=month_of(year, number)[1], today=date(2028, 1, 1)
        )
        for year in (2026, 2027)
        for number in range(1, 13)
    ]
    assert sum(result.total.received for result in months) == len(requests)


@given(st.lists(_requests(), max_size=20))
def test_the_last_twelve_months_say_what_each_month_says_itself(requests: list[RequestTimes]) -> None:
    shown = _october(*requests).months
    assert [(each.first_on.year, each.first_on.month) for each in shown[-2:]] == [(2026, 9), (2026, 10)]
    for each in shown:
        first_on, last_on = month_of(each.first_on.year, each.first_on.month)
        itself = summarise(requests, first_on=first_on, last_on=last_on, today=TODAY).total
        assert (each.received, each.in_time, each.late) == (itself.received, itself.in_time, itself.late)


def test_who_was_asked_to_confirm_is_counted_where_received() -> None:
    total = _october(_request("2026-10-01", asked_on=date(2026, 10, 2)), _request("2026-10-01")).total
    assert (total.received, total.asked) == (2, 1)


def test_hours_to_the_marketing_stop_are_rounded_up() -> None:
    total = _october(
        _request("2026-10-01T08:00", "2026-10-01", right=Right.OBJECT, stopped="2026-10-01T08:01"),
        _request("2026-10-02T08:00", "2026-10-03", right=Right.OBJECT, stopped="2026-10-03T10:00"),
    ).total
    assert (total.stop_hours.n, total.stop_hours.median, total.stop_hours.longest) == (2, 13.5, 26)


def test_refusals_are_counted_by_the_article_that_they_rest_on() -> None:
    total = _october(
        _request("2026-10-01", "2026-10-02", outcome=Outcome.REFUSED, ground="12(5)"),
        _request("2026-10-01", "2026-10-02", outcome=Outcome.REFUSED, ground="12(5)"),
        _request("2026-10-01", "2026-10-02", outcome=Outcome.REFUSED),
    ).total
    assert dict(total.grounds) == {"12(5)": 2, "": 1}


@pytest.mark.parametrize(("closed", "shown", "median"), [(9, 9, None), (10, 0, 5.5)])
def test_fewer_than_ten_stand_one_by_one_in_place_of_percentiles(closed: int, shown: int, median: float | None) -> None:
    requests = [_request("2026-10-01", f"2026-10-{2 + n:02}", reference=f"D-{n}") for n in range(closed)]
    result = _october(*requests)
    found = result.one_by_one
    assert (len(found), result.total.gross.median, result.total.net.median) == (shown, median, median)
    assert [(each.reference, each.gross_days) for each in found[:2]] == ([("D-0", 1), ("D-1", 2)] if shown else [])


def test_a_right_with_few_cases_stands_one_by_one_whatever_the_total() -> None:
    many = [_request("2026-10-01", f"2026-10-{2 + n:02}", reference=f"D-{n}") for n in range(10)]
    result = _october(*many, _request("2026-10-01", "2026-10-31", right=Right.ERASE, reference="D-77"))
    assert [(each.reference, each.gross_days) for each in result.one_by_one] == [("D-77", 30)]
    assert (result.by_right[Right.ERASE].gross.median, result.by_right[Right.ERASE].gross.longest) == (None, 30)
    assert result.total.gross.median == 6


# ---------------------------------------------------------------------------------------------------- publishing


def _published(*requests: RequestTimes) -> list[tuple[str, str, str, int | None, int | None, int | None]]:
    result = publish(requests, first_on=date(2026, 1, 1), last_on=date(2026, 3, 31), today=TODAY)
    return [
        (f"{row.first_on:%m}", f"{row.last_on:%m}", " ".join(row.rights), row.received, row.in_time, row.late)
        for row in result.rows
    ]


def _many(count: int, month: int, *, right: Right = Right.ACCESS, late: bool = False) -> list[RequestTimes]:
    legal = f"2026-{month:02}-02" if late else "2099-01-01"
    return [_request(f"2026-{month:02}-01", f"2026-{month:02}-10", right=right, legal=legal) for _ in range(count)]


def test_counts_of_five_and_more_are_published_month_by_month() -> None:
    rows = _published(*_many(5, 1), *_many(6, 2), *_many(7, 3))
    assert [row for row in rows if row[2] == "access"] == [
        ("01", "01", "access", 5, 5, 0),
        ("02", "02", "access", 6, 6, 0),
        ("03", "03", "access", 7, 7, 0),
    ]


def test_small_counts_are_merged_over_time_first() -> None:
    assert ("01", "02", "access", 6, 6, 0) in _published(*_many(2, 1), *_many(4, 2), *_many(7, 3))


def test_where_nothing_happened_the_months_are_one() -> None:
    assert ("01", "03", "object", 0, 0, 0) in _published(*_many(5, 1))


def test_then_over_rights() -> None:
    rows = _published(*_many(9, 1), *_many(2, 1, right=Right.ERASE), *_many(3, 2, right=Right.UPDATE))
    assert ("01", "02", "update erase", 5, 5, 0) in rows


def test_what_is_still_too_small_is_withheld_with_what_would_give_it_away() -> None:
    """One late among nine: "eight in time" would tell it."""
    (row,) = _published(*_many(8, 1), *_many(1, 1, late=True))
    assert row == ("01", "03", "object restrict access update erase", 9, None, None)


@given(st.lists(_requests(), max_size=60))
def test_no_published_count_tells_of_one_to_four(requests: list[RequestTimes]) -> None:
    result = publish(requests, first_on=date(2026, 8, 1), last_on=date(2027, 3, 31), today=date(2028, 1, 1))
    for row in result.rows:
        assert all(count is None or count == 0 or count >= 5 for count in (row.received, row.in_time, row.late))
        assert (row.in_time is None) == (row.late is None)
    shown = sum(row.received or 0 for row in result.rows)
    hidden = sum(row.received is None for row in result.rows)
    assert shown <= len(requests) <= shown + 4 * hidden


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
    assert ["  longest", "-", "-", "10", "-", "11", "11"] in rows


def test_json_holds_the_same_figures() -> None:
    answer = json.loads(as_json(RESULT))
    assert (answer["from"], answer["to"], answer["as_of"]) == ("2026-10-01", "2026-10-31", "2026-11-25")
    assert answer["total"]["gross_days"] == {"n": 2, "median": None, "p90": None, "max": 11}
    assert answer["rights"]["erase"]["outcomes"]["partly"] == 1
    assert answer["rights"]["restrict"]["gross_days"]["median"] is None


def test_csv_holds_the_same_figures() -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(RESULT))))
    assert [line["right"] for line in lines] == ["object", "restrict", "access", "update", "erase", "total"]
    assert (lines[-1]["received"], lines[-1]["max_days"], lines[-1]["outcome_partly"]) == ("3", "11", "1")
    assert lines[1]["median_days"] == ""


# -------------------------------------------------------------------------------------------- page and sheet

SHOWN = summarise(
    [
        _request("2026-10-01", "2026-10-11"),
        _request(
            "2026-09-01", "2026-10-12", right=Right.ERASE, legal="2026-10-01", outcome=Outcome.REFUSED, ground="12(5)"
        ),
    ],
    first_on=date(2026, 10, 1),
    last_on=date(2026, 10, 31),
    today=TODAY,
    held_up=[HeldUp(system="<erp>", owner="Åsa Öst", cases=2, days=9)],
    outages=[Outage(what="poll:privacy", began_at=datetime(2026, 10, 4, 2, 30, tzinfo=UTC), ended_at=None)],
)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "sv",
            [
                "oktober 2026",
                "Avslutade",
                "för sent",
                "41",
                "12(5)",
                "Åsa Öst",
                "Hämtning av post (privacy)",
                "pågår",
                "D-2026-00001",
            ],
        ),
        (
            "en",
            [
                "October 2026",
                "Closed",
                "late",
                "41",
                "12(5)",
                "Åsa Öst",
                "Fetching mail (privacy)",
                "still lasts",
                "D-2026-00001",
            ],
        ),
    ],
)
def test_the_page_holds_every_figure_as_text(language: str, said: list[str]) -> None:
    page = as_html(SHOWN, company="Xelent & Co", language=language)
    assert [words for words in said if words not in page] == []
    assert f'<html lang="{language}">' in page


def test_nothing_on_the_page_is_markup_or_comes_from_elsewhere() -> None:
    page = as_html(SHOWN, company="Xelent <b>& Co</b>", language="sv")
    assert "<b>" not in page
    assert "&lt;erp&gt;" in page
    assert "<script" not in page
    assert re.findall(r"(?:src|href)=.https?:", page) == []
    assert "default-src 'none'" in page


def test_every_table_of_the_page_has_headers_with_a_scope() -> None:
    page = as_html(SHOWN, company="Xelent", language="sv")
    assert page.count("<th ") == page.count('<th scope="')
    assert page.count("<table>") == page.count("<thead>") == 6


def test_the_sheet_is_one_page_with_embedded_fonts_and_the_same_bytes_each_time() -> None:
    sheet = as_pdf(SHOWN, company="Xelent", language="sv")
    assert sheet == as_pdf(SHOWN, company="Xelent", language="sv")
    with pikepdf.open(io.BytesIO(sheet)) as document:
        assert len(document.pages) == 1
        assert document.Root.Lang == "sv"
        fonts = document.pages[0].Resources.Font
        assert all("+DejaVuSans" in str(font.BaseFont) for font in fonts.values())
