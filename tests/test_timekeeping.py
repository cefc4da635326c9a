"""A clock that leaps erases nothing: what becomes due by the calendar waits until a person says that it is right."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import Office, open_office
from servers import SmtpSink
from sqlmodel import select

from dsar.casework import health, purging, timekeeping
from dsar.errors import ClockLeaptError
from dsar.outbox import SmtpOutbox
from dsar.store.tables import EventRow

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def may_erase(office: Office, *, at: datetime) -> bool:
    with office.app.store.transaction(read_only=True) as tx:
        try:
            timekeeping.demand_believable(tx, now=at)
        except ClockLeaptError:
            return False
        return True


def test_a_new_installation_believes_its_clock(office: Office) -> None:
    assert may_erase(office, at=NOW)


def test_a_clock_that_leapt_is_not_believed_however_long_the_program_goes_on(office: Office) -> None:
    timekeeping.beat(office.app, now=NOW)
    for hours in range(100):
        timekeeping.beat(office.app, now=NOW + 100 * DAY + hours * HOUR)
    assert not may_erase(office, at=NOW + 104 * DAY)


def test_a_clock_that_is_set_right_again_is_believed(office: Office) -> None:
    timekeeping.beat(office.app, now=NOW)
    timekeeping.beat(office.app, now=NOW + 100 * DAY)
    timekeeping.beat(office.app, now=NOW + 2 * HOUR)
    assert may_erase(office, at=NOW + 3 * HOUR)


def test_a_clock_that_was_put_back_counts_from_there(office: Office) -> None:
    timekeeping.beat(office.app, now=NOW)
    timekeeping.beat(office.app, now=NOW - 300 * DAY)
    assert not may_erase(office, at=NOW)


def test_a_week_without_the_program_is_no_leap(office: Office) -> None:
    timekeeping.beat(office.app, now=NOW)
    timekeeping.beat(office.app, now=NOW + 7 * DAY)
    assert may_erase(office, at=NOW + 14 * DAY)


def test_a_person_says_that_the_clock_is_right_and_the_trail_keeps_who(office: Office) -> None:
    timekeeping.beat(office.app, now=NOW)
    timekeeping.believe(office.app, actor="anna", now=NOW + 60 * DAY)
    assert may_erase(office, at=NOW + 61 * DAY)
    with office.app.store.transaction() as tx:
        (event,) = tx.session.exec(select(EventRow).where(EventRow.name == "clock_believed"))
    assert (event.actor, event.detail) == ("anna", {"before": "2026-03-02"})


def test_the_daily_purge_waits_and_somebody_is_told(office: Office) -> None:
    timekeeping.beat(office.app, now=NOW)
    assert purging.is_due(office.app, now=NOW)
    assert not purging.is_due(office.app, now=NOW + 60 * DAY)
    with SmtpSink(None) as sink:
        outbox = SmtpOutbox(sink.account(user=None, credential=None))
        found = health.look_after(office.app, outbox, now=NOW + 60 * DAY)
    assert "clock" in {problem.name for problem in found}


@given(steps=st.lists(st.integers(-200, 200), min_size=1, max_size=12))
def test_no_walk_of_the_clock_brings_a_day_forward_by_more_than_the_leap_at_a_time(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int]
) -> None:
    """However it jumps, between two times that were believed lie eight days at most."""
    with open_office(tmp_path_factory.mktemp("office")) as office:
        timekeeping.beat(office.app, now=NOW)
        believed = at = NOW
        for days in steps:
            at += days * DAY
            timekeeping.beat(office.app, now=at)
            if may_erase(office, at=at):
                assert at - believed <= 8 * DAY
                believed = at
