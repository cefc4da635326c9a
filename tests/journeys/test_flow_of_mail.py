"""A difference between mailbox and database, and a mailbox that was not read, are told by exit code and by check."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink

from .company import Company
from .quick import QuickCompany

pytestmark = pytest.mark.journey


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Company:
    return QuickCompany(tmp_path, dovecot_server, smtp_sink, mail_user)


def test_a_mail_deleted_from_the_done_folder_is_told_once(company: Company) -> None:
    settings = company.settings.read_text("utf-8")
    company.settings.write_text(settings + "[health]\nalarm_address = it@xelent.example\n", "utf-8")
    company.write("kim@example.se", "Hej! Tack för senast.")
    company.ok("poll", "--reconcile")
    with company.dovecot.session(company.user) as session:
        session.select("DSAR-Done")
        session.store("1", "+FLAGS", r"(\Deleted)")
        session.expunge()

    found = company.dsar("poll", "--reconcile")

    assert (found.exit_code, "1 gone differs from what is stored" in found.out) == (3, True)
    assert "Mailbox 'privacy' differs from what is stored: 1 gone." in found.err
    assert "Mailbox 'privacy' differs" in company.dsar("check").out
    assert len(company.letters_to("it@xelent.example")) == 1
    company.ok("poll", "--reconcile")
    assert "Mailbox 'privacy' differs" not in company.dsar("check").out
    assert len(company.letters_to("it@xelent.example")) == 1


def test_check_fails_for_a_mailbox_that_has_not_been_read_for_hours(company: Company) -> None:
    company.ok("poll")
    assert company.dsar("check").exit_code == 0
    company.rows("UPDATE folder SET polled_at = :then", then=f"{datetime.now(UTC) - timedelta(hours=5):%F %T.%f}")

    found = company.dsar("check")

    assert (found.exit_code, "Mailbox 'privacy' has not been read since" in found.out) == (1, True)


def test_a_mail_over_eight_megabytes_becomes_a_case(company: Company) -> None:
    """Fetched in pieces, sealed in pieces, read whole."""
    text = "Hej! Jag begär ett registerutdrag enligt artikel 15 i GDPR.\n\n" + "Bakgrund: allt. \n" * 500_000
    company.write("Maria Öberg <maria.oberg@example.se>", text)
    company.ok("poll")
    assert [line["reference"].partition("/")[2] for line in company.queue()] == ["access"]
