"""Alarms on day 14, 21 and 26 and when it is late: who is told, and that nobody is told twice or by name."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from office import Office, open_office
from servers import SmtpSink, TlsFiles

from dsar.casework import alarms
from dsar.lifecycle import State
from dsar.outbox import Receipt, SmtpAccount, SmtpOutbox
from dsar.store.tables import SystemRow

SENDER = "Maria Öberg <maria.oberg@example.se>"
REQUEST = "Jag vill ha ett registerutdrag.\n\nMaria Öberg\n"


@pytest.fixture
def sink(tls_files: TlsFiles) -> Iterator[SmtpSink]:
    with SmtpSink(tls_files) as opened:
        yield opened


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    more = {
        "health": "alarm_address = chefen@xelent.example\n",
        "system.webshop": "owner = butik@xelent.example\n",
    }
    with open_office(tmp_path, more=more) as opened:
        yield opened


def outbox(sink: SmtpSink) -> SmtpOutbox:
    account = sink.account()
    return SmtpOutbox(
        SmtpAccount(
            host=account.host,
            port=account.port,
            security=account.security,
            user=None,
            credential=None,
            ca_file=account.ca_file,
        )
    )


def told(sink: SmtpSink) -> list[tuple[str, str]]:
    """(recipient, subject) of each mail."""
    return [
        (taken.recipients[0], str(message_from_bytes(taken.content, policy=policy.default)["Subject"]))
        for taken in sink.taken
    ]


def on_day(office: Office, sink: SmtpSink, day: int) -> list[tuple[str, str]]:
    """Who is told of the request when it is so many days old."""
    before = len(sink.taken)
    now = datetime.now(UTC) + timedelta(days=day)
    alarms.alarm(office.app, 1, outbox=outbox(sink), now=now)
    return told(sink)[before:]


def test_more_people_hear_of_it_the_later_it_gets(office: Office, sink: SmtpSink) -> None:
    office.receive(SENDER, REQUEST)
    subject = "dsar: D-2026-00001/access, day"
    handler, approver, chief = "anna@xelent.example", "bo@xelent.example", "chefen@xelent.example"

    assert on_day(office, sink, 13) == []
    assert on_day(office, sink, 14) == [(handler, f"{subject} 14")]
    assert on_day(office, sink, 14) == []
    assert on_day(office, sink, 21) == [(handler, f"{subject} 21"), (approver, f"{subject} 21")]
    assert [to for to, _ in on_day(office, sink, 26)] == [handler, approver, chief]
    assert [to for to, _ in on_day(office, sink, 40)] == [handler, approver, chief]


def test_the_deputy_of_an_absent_handler_hears_of_it_instead(tmp_path: Path, sink: SmtpSink) -> None:
    day = (datetime.now(UTC) + timedelta(days=14)).date()
    with open_office(
        tmp_path, more={"staff.anna": f"deputy = bo\nabsent = {day}..{day + timedelta(days=1)}\n"}
    ) as office:
        office.receive(SENDER, REQUEST)
        assert on_day(office, sink, 14) == [("bo@xelent.example", "dsar: D-2026-00001/access, day 14")]


def test_after_an_outage_only_the_last_alarm_is_raised(office: Office, sink: SmtpSink) -> None:
    office.receive(SENDER, REQUEST)
    assert {subject for _, subject in on_day(office, sink, 27)} == {"dsar: D-2026-00001/access, day 27"}
    assert on_day(office, sink, 27) == []


class _Killed(SmtpOutbox):
    """The program is killed once its mail has left."""

    def send(self, content: bytes, *, sender: str, recipients: Sequence[str]) -> Receipt:
        super().send(content, sender=sender, recipients=recipients)
        raise SystemExit


def test_an_alarm_that_is_sent_again_after_a_kill_is_the_same_mail(office: Office, sink: SmtpSink) -> None:
    """That it may come twice cannot be helped; by its Message-ID mail programs show it once."""
    office.receive(SENDER, REQUEST)
    now = datetime.now(UTC) + timedelta(days=14)
    with pytest.raises(SystemExit):
        alarms.alarm(office.app, 1, outbox=_Killed(outbox(sink)._account), now=now)
    alarms.alarm(office.app, 1, outbox=outbox(sink), now=now + timedelta(minutes=5))
    on_day(office, sink, 21)

    first, again, other, *_ = (message_from_bytes(taken.content)["Message-ID"] for taken in sink.taken)
    assert first == again != other


def test_an_answered_request_raises_no_alarm(office: Office, sink: SmtpSink) -> None:
    office.receive(SENDER, REQUEST)
    office.force(office.requests()[0], state=State.CLOSED)
    assert on_day(office, sink, 14) == []


def test_the_owner_of_a_system_that_does_not_answer_is_told(office: Office, sink: SmtpSink) -> None:
    office.receive(SENDER, REQUEST)
    with office.app.store.transaction() as tx:
        case = tx.case_by_id(1)
        rows = [
            SystemRow(case_id=1, run=0, system=name, outcome=outcome, searched_at=datetime.now(UTC), sealed_records=b"")
            for name, outcome in (("webshop", "failed"), ("business", "found"))
        ]
        tx.save_search(case, rows, proven=True, now=datetime.now(UTC))

    assert on_day(office, sink, 14)[-1] == (
        "butik@xelent.example",
        "dsar: webshop holds up D-2026-00001/access",
    )


def test_alarms_name_nobody(office: Office, sink: SmtpSink) -> None:
    office.receive(SENDER, REQUEST)
    on_day(office, sink, 14)
    (mail,) = sink.taken
    assert not any(secret in mail.content.decode() for secret in ("Maria", "berg@example.se"))


def test_a_request_is_watched_from_its_first_moment(office: Office) -> None:
    office.receive(SENDER, REQUEST)
    with office.app.store.transaction() as tx:
        (due,) = [work.due_at for work in tx.work() if work.step == "alarm"]
    assert timedelta(days=13) < due - datetime.now(UTC) < timedelta(days=15)
