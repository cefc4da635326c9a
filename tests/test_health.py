"""The flow of mail watched over: self-test, alarm, figures, with real mail servers where mail travels."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from office import Office, open_office, written
from servers import Fault, SmtpSink

from dsar.casework import health
from dsar.outbox import SmtpOutbox

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink(None) as running:
        yield running


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    lines = "self_test = on\nalarm_address = it@xelent.example\nmetrics_file = dsar.prom"
    with open_office(tmp_path, more={"health": lines}) as opened:
        yield opened


def look(office: Office, sink: SmtpSink, *, after: timedelta = timedelta()) -> list[str]:
    """Names of the problems at that time."""
    outbox = SmtpOutbox(sink.account(user=None, credential=None))
    return [problem.name for problem in health.look_after(office.app, outbox, now=NOW + after)]


def polled(office: Office, *, after: timedelta = timedelta()) -> None:
    with office.app.store.transaction() as tx:
        tx.mark_polled("privacy", "INBOX", 1, now=NOW + after)


def sent_to(sink: SmtpSink, address: str) -> list[bytes]:
    return [mail.content for mail in sink.taken if mail.recipients == (address,)]


def arrives(office: Office, mail: bytes, *, after: timedelta = timedelta()) -> str | None:
    """What a mail is filed as."""
    return office.take(mail, at=NOW + after).disposition


# -------------------------------------------------------------------------------------------------------- self-test


def test_a_self_test_goes_to_the_public_address_once_a_day(office: Office, sink: SmtpSink) -> None:
    for hours in (0, 1, 23, 25):
        look(office, sink, after=hours * HOUR)
        for mail in sent_to(sink, "gdpr@xelent.example"):
            arrives(office, mail, after=hours * HOUR)
    assert len(sent_to(sink, "gdpr@xelent.example")) == 2


def test_it_is_filed_as_internal_when_it_arrives_and_proves_that_mail_flows(office: Office, sink: SmtpSink) -> None:
    look(office, sink)
    assert arrives(office, sent_to(sink, "gdpr@xelent.example")[0], after=HOUR) == "internal"
    polled(office, after=5 * HOUR)
    assert look(office, sink, after=5 * HOUR) == []


def test_no_machine_is_to_answer_it(office: Office, sink: SmtpSink) -> None:
    look(office, sink)
    (mail,) = sent_to(sink, "gdpr@xelent.example")
    assert message_from_bytes(mail)["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("forged", ["sender", "id"])
def test_nobody_else_can_write_a_self_test(office: Office, sink: SmtpSink, forged: str) -> None:
    """Filed unread, it would be a way to hide a request, and to keep a dead mailbox looking alive."""
    look(office, sink)
    (mail,) = sent_to(sink, "gdpr@xelent.example")
    if forged == "sender":
        mail = mail.replace(b"From: gdpr@", b"From: evil@")
    else:
        mail = re.sub(rb"(self-test-\d+-)........", rb"\g<1>00000000", mail)
    arrives(office, mail, after=HOUR)
    polled(office, after=5 * HOUR)
    assert look(office, sink, after=5 * HOUR) == ["self_test"]


def test_one_that_does_not_arrive_is_told_after_four_hours_and_tried_every_hour(office: Office, sink: SmtpSink) -> None:
    for hours in (0, 1, 2, 3):
        polled(office, after=hours * HOUR)
        assert look(office, sink, after=hours * HOUR) == []
    polled(office, after=4 * HOUR)
    assert look(office, sink, after=4 * HOUR) == ["self_test"]
    assert len(sent_to(sink, "gdpr@xelent.example")) == 5
    assert len(sent_to(sink, "it@xelent.example")) == 1


def test_a_mail_server_that_takes_no_self_test_is_told_likewise(office: Office, sink: SmtpSink) -> None:
    sink.faults.extend([Fault.NEVER_AT_RCPT] * 3)
    for hours in (0, 1, 2):
        look(office, sink, after=hours * HOUR)
    polled(office, after=5 * HOUR)
    assert look(office, sink, after=5 * HOUR) == ["self_test"]


# ------------------------------------------------------------------------------------------------------------ alarm


def test_a_mailbox_not_read_for_four_hours_raises_one_alarm(office: Office, sink: SmtpSink) -> None:
    polled(office)
    for hours in (1, 3.9, 4, 5, 9):
        look(office, sink, after=hours * HOUR)
    alarms = [mail for mail in sent_to(sink, "it@xelent.example") if b"has not been read" in mail]
    assert len(alarms) == 1
    assert b"'privacy' has not been read since 2026-11-25 12:00 UTC" in alarms[0]


def test_another_incident_raises_another_alarm(office: Office, sink: SmtpSink) -> None:
    polled(office)
    look(office, sink, after=5 * HOUR)
    polled(office, after=6 * HOUR)
    look(office, sink, after=6 * HOUR)
    look(office, sink, after=11 * HOUR)
    assert len([mail for mail in sent_to(sink, "it@xelent.example") if b"has not been read" in mail]) == 2


def test_a_mailbox_that_could_never_be_read_is_told_too(office: Office, sink: SmtpSink) -> None:
    look(office, sink)
    assert "poll:privacy" in look(office, sink, after=4 * HOUR)


def test_an_alarm_that_could_not_leave_is_tried_again(office: Office, sink: SmtpSink) -> None:
    polled(office)
    look(office, sink)
    sink.faults.extend([Fault.LATER_AT_RCPT] * 3)
    for hours in (4, 5, 6, 7):
        look(office, sink, after=hours * HOUR)
    assert [mail for mail in sent_to(sink, "it@xelent.example") if b"has not been read" in mail]


def test_without_an_address_the_alarm_stands_in_the_trail_alone(tmp_path: Path, sink: SmtpSink) -> None:
    with open_office(tmp_path) as office:
        polled(office)
        assert look(office, sink, after=5 * HOUR) == ["poll:privacy"]
        with office.app.store.transaction() as tx:
            assert tx.mark("alarm:poll:privacy")
    assert sink.taken == []


# ---------------------------------------------------------------------------------------------------------- figures


def test_the_figures_are_what_prometheus_reads(office: Office, sink: SmtpSink, tmp_path: Path) -> None:
    office.receive("anna@example.org", "Vilka uppgifter har ni om mig?")
    polled(office)
    look(office, sink)
    lines = (tmp_path / "dsar.prom").read_text("utf-8").splitlines()
    assert f'dsar_last_poll_timestamp_seconds{{mailbox="privacy"}} {NOW.timestamp():.0f}' in lines
    assert {"dsar_poll_ok 1", "dsar_self_test_ok 1", "dsar_queue_waiting 1", "dsar_requests_open 1"} <= set(lines)
    assert all(re.fullmatch(r'# TYPE dsar_\w+ gauge|dsar_\w+(\{mailbox="privacy"\})? \d+', line) for line in lines)


def test_the_figures_show_a_failure(office: Office, sink: SmtpSink, tmp_path: Path) -> None:
    polled(office)
    look(office, sink)
    look(office, sink, after=5 * HOUR)
    lines = (tmp_path / "dsar.prom").read_text("utf-8").splitlines()
    assert {"dsar_poll_ok 0", "dsar_self_test_ok 0"} <= set(lines)


def test_neither_figures_nor_alarms_tell_of_a_person(office: Office, sink: SmtpSink, tmp_path: Path) -> None:
    polled(office)
    office.take(written("Anna Svensson <anna.svensson@example.org>", "Vilka uppgifter har ni om mig?"))
    look(office, sink)
    look(office, sink, after=5 * HOUR)
    told = (tmp_path / "dsar.prom").read_bytes() + b"".join(mail.content for mail in sink.taken)
    assert b"svensson" not in told.lower()


def test_a_figures_file_that_cannot_be_written_stops_nothing(tmp_path: Path, sink: SmtpSink) -> None:
    with open_office(tmp_path, more={"health": "metrics_file = missing/dsar.prom"}) as office:
        polled(office)
        assert look(office, sink) == []


def test_a_self_test_read_later_is_still_one(office: Office, sink: SmtpSink) -> None:
    """It lay in the mailbox while the program was down and others were sent."""
    look(office, sink)
    look(office, sink, after=2 * HOUR)
    first = sent_to(sink, "gdpr@xelent.example")[0]
    assert arrives(office, first, after=30 * HOUR) == "internal"
