"""A clock that leaps erases nothing: what becomes due by the calendar waits until a person says that it is right."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import Office, open_office
from servers import DovecotServer, Fault, SmtpSink
from sqlmodel import select

from dsar.casework import (
    changing,
    fulfilling,
    health,
    purging,
    sending,
    timekeeping,
)
from dsar.errors import ClockLeaptError
from dsar.inbox import ImapInbox
from dsar.lifecycle import State
from dsar.outbox import SmtpOutbox
from dsar.store.tables import EventRow, Lease, Work

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


JOHN = "John Whitfield <john.whitfield@example.com>"
ERASE = "Please delete all personal data you hold about me.\n\nJohn Whitfield\n"


def test_an_approved_erasure_waits_while_the_calendar_may_be_wrong(office: Office) -> None:
    """By a year that has not come, what the law keeps would be kept no more."""
    timekeeping.beat(office.app, now=NOW)
    request = office.approved(JOHN, ERASE, now=NOW)
    with pytest.raises(ClockLeaptError):
        changing.apply(office.app, request.id or 0, now=NOW + 9 * 366 * DAY)
    changing.apply(office.app, request.id or 0, now=NOW + HOUR)
    assert office.requests()[0].state == State.DISPATCHING


def test_no_duty_is_done_by_a_clock_that_leapt(office: Office) -> None:
    """By a wrong calendar a bill that the law keeps was taken for data that had come back, and a letter was sent."""
    timekeeping.beat(office.app, now=NOW)
    office.carried_out(JOHN, ERASE, now=NOW)
    with office.app.store.transaction() as tx:
        kinds = {duty.kind: duty.id or 0 for duty in tx.open_duties() if duty.due_on < (NOW + 3600 * DAY).date()}
    assert {"verify_again", "erase_later"} <= set(kinds)
    for kind in ("verify_again", "erase_later"):
        with pytest.raises(ClockLeaptError):
            fulfilling.perform(office.app, kinds[kind], now=NOW + 3600 * DAY)


# ------------------------------------------------------------------------------------------ what the leapt time put off


def dues(office: Office) -> dict[str, datetime]:
    """{step: when it is due}"""
    with office.app.store.transaction(read_only=True) as tx:
        return {work.step: work.due_at for work in tx.work()}


def leap_and_return(office: Office, *steps: Work) -> None:
    """The clock leaps by a hundred days, *steps* and a lease are made, and it is set right again."""
    timekeeping.beat(office.app, now=NOW)
    timekeeping.beat(office.app, now=NOW + 100 * DAY)
    with office.app.store.transaction() as tx:
        for step in steps:
            tx.session.add(step)
        tx.take_lease("mailbox:privacy", "elsewhere:17", now=NOW + 100 * DAY, seconds=600)
    timekeeping.beat(office.app, now=NOW + HOUR)


def test_what_came_in_while_the_clock_had_leapt_is_sorted_once_it_is_right(office: Office) -> None:
    leap_and_return(office, Work(step="sort", subject_id=901, due_at=NOW + 100 * DAY))
    assert dues(office) == {"sort": NOW + HOUR}


def test_what_failed_while_the_clock_had_leapt_is_tried_again(office: Office) -> None:
    leap_and_return(office, Work(step="ask", subject_id=902, due_at=NOW + 101 * DAY, attempts=3))
    assert dues(office) == {"ask": NOW + HOUR}


def test_a_step_that_ends_after_the_clock_was_set_right_is_not_put_off_by_the_wrong_one(office: Office) -> None:
    leap_and_return(office)
    with office.app.store.transaction() as tx:
        tx.session.add(Work(step="search", subject_id=905, due_at=NOW + 100 * DAY, attempts=1))
    timekeeping.beat(office.app, now=NOW + HOUR + timedelta(seconds=30))
    assert dues(office) == {"search": NOW + HOUR + timedelta(seconds=30)}


@pytest.mark.parametrize(
    "step",
    [
        Work(step="unwrap", subject_id=906, due_at=NOW + 100 * DAY),
        Work(step="ask", subject_id=907, due_at=NOW + 101 * DAY, attempts=1),
    ],
    ids=lambda step: step.step,
)
def test_a_leap_that_was_over_before_anybody_looked_puts_nothing_off_either(office: Office, step: Work) -> None:
    """It came in the midst of a round: steps were made by it, and nothing else tells of it."""
    timekeeping.beat(office.app, now=NOW)
    with office.app.store.transaction() as tx:
        tx.session.add(step)
    timekeeping.beat(office.app, now=NOW + HOUR)
    assert dues(office) == {step.step: NOW + HOUR}


def test_nor_does_a_lease_of_such_a_leap_keep_others_out(office: Office) -> None:
    timekeeping.beat(office.app, now=NOW)
    with office.app.store.transaction() as tx:
        tx.take_lease("mailbox:privacy", "elsewhere:17", now=NOW + 100 * DAY, seconds=600)
    timekeeping.beat(office.app, now=NOW + HOUR)
    with office.app.store.transaction() as tx:
        assert tx.take_lease("mailbox:privacy", "elsewhere:18", now=NOW + HOUR, seconds=600)


def test_what_waits_for_its_day_goes_on_waiting(office: Office) -> None:
    leap_and_return(office, Work(step="duty", subject_id=903, due_at=NOW + 400 * DAY))
    assert dues(office) == {"duty": NOW + 400 * DAY}


def test_a_worker_that_died_while_the_clock_had_leapt_keeps_nothing_from_others(office: Office) -> None:
    held = Work(
        step="search", subject_id=904, due_at=NOW, lease_until=NOW + 100 * DAY, worker="elsewhere:17", attempts=1
    )
    leap_and_return(office, held)
    with office.app.store.transaction() as tx:
        assert tx.session.exec(select(Lease)).all() == []
        claimed = tx.claim("here:1", now=NOW + HOUR, lease=10 * timedelta(minutes=1))
        assert claimed is not None
        assert claimed.step == "search"


def test_what_is_done_daily_is_done_although_the_last_time_lies_ahead(office: Office) -> None:
    """Else nothing would be backed up or compared for months."""
    with office.app.store.transaction() as tx:
        tx.set_mark("purged", at=NOW + 100 * DAY)
    assert purging.is_due(office.app, now=NOW)


def test_an_uncertain_mail_of_a_clock_that_had_leapt_is_not_looked_for_until_that_day(
    office: Office, dovecot_server: DovecotServer, mail_user: str
) -> None:
    """It goes before a person after ten minutes, as ever: in the laboratory the step stood for five months."""
    office.receive("Maria <maria@example.se>", "Skicka ett registerutdrag, tack.", at=NOW)
    with office.app.store.transaction() as tx:
        (row,) = tx.outgoing_in_state("ready")
    with SmtpSink(None) as sink:
        sink.faults.append(Fault.CUT_BEFORE_STORING)
        outbox = SmtpOutbox(sink.account(user=None, credential=None))
        sending.dispatch_mail(office.app, row.id or 0, outbox=outbox, now=NOW + 100 * DAY)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        assert sending.reconcile(office.app, row.id or 0, inbox=inbox, now=NOW + HOUR)


def test_clocks_of_machines_that_differ_a_little_repeat_nothing(office: Office) -> None:
    with office.app.store.transaction() as tx:
        tx.set_mark("purged", at=NOW + timedelta(seconds=2))
    assert not purging.is_due(office.app, now=NOW)
