"""The figures of a month, mailed to management: when, to whom, what (promise P3(e))."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from office import Office, open_office
from servers import SmtpSink
from test_purging import answered

from dsar import worker
from dsar.casework import reporting
from dsar.errors import OutboxUnavailableError
from dsar.outbox import SmtpOutbox

MANAGEMENT = "ledning@xelent.example"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """One request came and was answered on 2 March 2026."""
    with open_office(tmp_path, more={"statistics": f"management = {MANAGEMENT}, vd@xelent.example"}) as opened:
        answered(opened)
        yield opened


def due(office: Office, *days: str) -> list[int]:
    """Months put on their way when the loop looks on these days."""
    for day in days:
        reporting.enqueue_due(office.app, now=datetime.fromisoformat(f"{day}T08:00:00+00:00"))
    with office.app.store.transaction() as tx:
        return sorted(work.subject_id for work in tx.work() if work.step == reporting.STEP)


def mailed(office: Office, month: int) -> Sequence[EmailMessage]:
    with SmtpSink(None) as sink:
        outbox = SmtpOutbox(sink.account(user=None, credential=None))
        reporting.tell(office.app, month, outbox=outbox, now=datetime(2026, 4, 1, 8, tzinfo=UTC))
        parsed = [message_from_bytes(mail.content, policy=policy.default) for mail in sink.taken]
    return [mail for mail in parsed if isinstance(mail, EmailMessage)]


@pytest.mark.parametrize(
    ("days", "months"),
    [
        (["2026-03-31"], [202602]),  # it has not been told yet
        (["2026-04-01"], [202603]),
        (["2026-04-01", "2026-04-01", "2026-04-02", "2026-04-30"], [202603]),
        (["2026-05-01", "2026-05-03"], []),  # 1 May is a holiday, then comes a weekend
        (["2026-05-04"], [202604]),
        (["2026-04-01", "2026-05-04"], [202603, 202604]),
        (["2026-05-20"], [202604]),  # the program stood still
        (["2027-01-01"], []),
        (["2027-01-04"], [202612]),
    ],
)
def test_each_month_goes_out_once_from_the_first_working_day_of_the_next(
    office: Office, days: list[str], months: list[int]
) -> None:
    assert due(office, *days) == months


def test_nobody_gets_it_unless_settings_name_them(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        assert due(office, "2026-04-01") == []


def test_everybody_named_gets_page_and_sheet_in_a_mail_of_their_own(office: Office) -> None:
    mails = mailed(office, 202603)
    assert [mail["To"] for mail in mails] == [MANAGEMENT, "vd@xelent.example"]
    files = {part.get_filename(): part.get_content() for part in mails[0].iter_attachments()}
    assert list(files) == ["dsar-2026-03.html", "dsar-2026-03.pdf"]
    assert "<h1>Begäranden om personuppgifter, mars 2026</h1>" in files["dsar-2026-03.html"]
    assert files["dsar-2026-03.pdf"].startswith(b"%PDF-")
    assert mails[0]["Auto-Submitted"] == "auto-generated"


def test_the_mail_says_what_came_and_what_was_answered_and_names_nobody(office: Office) -> None:
    (mail, _) = mailed(office, 202603)
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Inkomna: 1. Avslutade: 1, varav 0 för sent." in body.get_content()
    assert "Whitfield" not in str(mail)


def test_a_mail_server_that_is_down_has_it_tried_again(office: Office) -> None:
    (month,) = due(office, "2026-04-01")
    outbox = office.session.tools.outbox
    with pytest.raises(OutboxUnavailableError):
        reporting.tell(office.app, month, outbox=outbox, now=datetime.now(UTC))
    worker.run_due(office.session.tools)
    with office.app.store.transaction() as tx:
        (work,) = [work for work in tx.work() if work.step == reporting.STEP]
    assert (work.attempts, work.last_error) == (1, "OutboxUnavailableError")
