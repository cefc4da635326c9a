"""What the program still does after the answer: it looks again, erases what was kept, and heeds a restored backup."""

import sqlite3
from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink

from .company import Company
from .people import later
from .quick import QuickCompany

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

JOHN = "John Whitfield <john.whitfield@example.com>"
ERASE = "Hello,\n\nplease delete all personal data you hold about me.\n\nKind regards\nJohn Whitfield\n"


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Company:
    """A company that has erased John's data, and told him which invoices it keeps."""
    made = QuickCompany(tmp_path, dovecot_server, smtp_sink, mail_user)
    for name in ("business", "webshop"):
        (made.data / f"{name}.backup").write_bytes((made.data / f"{name}.db").read_bytes())
    made.write(JOHN, ERASE, subject="My data")
    made.ok("poll")
    case = made.queue()[0]["reference"]
    made.ok("show", case, "--letter", actor="bo")
    made.ok("approve", case, actor="bo")
    assert made.queue() == []
    return made


def rows(company: Company, system: str, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(company.data / f"{system}.db") as connection:
        return connection.execute(statement).fetchall()


def restore(company: Company) -> None:
    """The host of the systems restores both from a backup."""
    for name in ("business", "webshop"):
        (company.data / f"{name}.db").write_bytes((company.data / f"{name}.backup").read_bytes())


def test_the_morning_after_a_transfer_brought_the_person_back_the_case_is_open_again(company: Company) -> None:
    with later(1):
        company.ok("poll")
        assert company.queue() == []
    rows(
        company,
        "webshop",
        "INSERT INTO accounts (account_no, username, name, email, email_confirmed_at, newsletter) "
        "VALUES ('W-999', 'johnw', 'John Whitfield', 'john.whitfield@example.com', '2020-01-01', 1)",
    )

    with later(7):
        company.ok("poll")
        (line,) = company.queue()

    assert (line["reference"], line["state"]) == ("D-2026-00001/erase", "review")
    assert "data_returned" in line["flags"]
    assert "W-999" in company.ok("show", "D-2026-00001", "--plan").out


def test_kept_invoices_go_when_their_law_has_passed_and_the_trail_says_so(company: Company) -> None:
    kept = [duty for duty in company.ok("duties", "--json").lines if duty["kind"] == "erase_later"]
    assert len(kept) == 3
    with later(800):
        company.dsar("check", "--clock-is-right")
        company.ok("purge")
    with later(8 * 366):
        company.dsar("poll")
        waiting = {duty["problem"] for duty in company.ok("duties", "--json").lines if duty["kind"] == "erase_later"}
        company.dsar("check", "--clock-is-right")
    with later(8 * 366 + 1):
        company.ok("poll")
        owed = company.ok("duties", "--json").lines
        timeline = company.ok("show", "D-2026-00001", "--timeline").out
        assert company.queue() == []

    assert waiting == {"the clock has leapt: 'dsar check' tells more"}
    assert [duty["kind"] for duty in owed] == []
    assert rows(company, "business", "SELECT count(*) FROM invoices WHERE recipient LIKE '%Whitfield%'") == [(0,)]
    assert timeline.count("kept_data_erased") == 3
    assert "Whitfield" not in timeline


def test_a_restored_backup_is_made_clean_again(company: Company) -> None:
    restore(company)
    told = company.dsar("replay", "--since", "2026-01-01", "--dry-run", "--json", actor="bo")
    assert {line["result"] for line in told.lines} == {"has come back"}
    assert rows(company, "business", "SELECT count(*) FROM customers WHERE last_name = 'Whitfield'") == [(1,)]

    done = company.ok("replay", "--since", "2026-01-01", "--json", actor="bo")

    assert {line["result"] for line in done.lines} == {"done again"}
    assert rows(company, "business", "SELECT count(*) FROM customers WHERE last_name = 'Whitfield'") == [(0,)]
    assert rows(company, "business", "SELECT count(*) FROM invoices WHERE recipient = 'John Whitfield'") == [(2,)]
