"""So many mails in a minute and a day as the provider allows; one more waits, and is not given up for that."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from office import Office, open_office
from servers import SmtpSink

from dsar import worker
from dsar.casework import sending
from dsar.errors import TooManyMailsError
from dsar.outbox import SmtpOutbox
from dsar.store.tables import OutboxRow

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
REQUEST = "Jag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack."


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink(None) as server:
        yield server


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Three acknowledgements wait; two mails may leave in a minute, and three in a day."""
    with open_office(tmp_path, more={"smtp": "per_minute = 2\nper_day = 3\n"}) as opened:
        for number in range(4):
            opened.receive(f"Person {number} <person{number}@example.se>", REQUEST, at=NOW)
        yield opened


def waiting(office: Office) -> list[OutboxRow]:
    with office.app.store.transaction() as tx:
        return list(tx.outgoing_in_state("ready"))


def send(office: Office, sink: SmtpSink, *, at: datetime) -> None:
    (row, *_) = waiting(office)
    outbox = SmtpOutbox(sink.account(user=None, credential=None))
    sending.dispatch_mail(office.app, row.id or 0, outbox=outbox, now=at)


def seconds(number: int) -> datetime:
    return NOW + timedelta(seconds=number)


def test_the_third_mail_of_a_minute_waits_until_the_first_is_a_minute_old(office: Office, sink: SmtpSink) -> None:
    send(office, sink, at=seconds(0))
    send(office, sink, at=seconds(20))
    with pytest.raises(TooManyMailsError) as refused:
        send(office, sink, at=seconds(30))
    assert (refused.value.until, len(sink.taken)) == (seconds(60), 2)


def test_after_that_it_leaves(office: Office, sink: SmtpSink) -> None:
    for moment in (0, 20, 60):
        send(office, sink, at=seconds(moment))
    assert len(sink.taken) == 3


def test_the_fourth_mail_of_a_day_waits_until_the_next(office: Office, sink: SmtpSink) -> None:
    for moment in (0, 20, 60):
        send(office, sink, at=seconds(moment))
    with pytest.raises(TooManyMailsError) as refused:
        send(office, sink, at=seconds(600))
    assert refused.value.until == NOW + timedelta(days=1)


def test_mails_sent_while_the_clock_had_leapt_hold_up_nothing_once_it_is_right(office: Office, sink: SmtpSink) -> None:
    for moment in (0, 20):
        send(office, sink, at=seconds(moment) + timedelta(days=100))
    send(office, sink, at=NOW)
    assert len(sink.taken) == 3


def test_waiting_is_no_failed_attempt(office: Office, sink: SmtpSink) -> None:
    """Else a busy week would put letters before a person that nobody ever tried to send."""
    for moment in (0, 20):
        send(office, sink, at=seconds(moment))
    (row, *_) = waiting(office)
    for _ in range(30):
        with office.app.store.transaction() as tx:
            tx.free_leases(["w"], now=NOW)
            found = [tx.claim("w", now=NOW + timedelta(days=2), lease=timedelta(hours=1)) for _ in tx.work()]
        (work,) = [each for each in found if each and (each.step, each.subject_id) == ("dispatch", row.id)]
        worker.run_step(office.session.tools, work, now=seconds(30))
    with office.app.store.transaction() as tx:
        (left,) = [each for each in tx.work() if (each.step, each.subject_id) == ("dispatch", row.id)]
    assert (left.due_at, left.attempts, left.last_error) == (seconds(60), 0, "TooManyMailsError")
