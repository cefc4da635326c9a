"""Somebody whose data are being erased asks in another case to see them: what is not erased yet waits."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink

from .company import Company, body
from .quick import QuickCompany

pytestmark = pytest.mark.journey

JOHN = "John Whitfield <john.whitfield@example.com>"
ERASE = "Hello,\n\nplease delete all personal data you hold about me.\n\nKind regards\nJohn Whitfield\n"
ACCESS = "Hello,\n\nI want a copy of all data you have about me, john.whitfield@example.com.\n\nJohn Whitfield\n"
REASON = "He rang from his number on file: the copy can wait."


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Company:
    made = QuickCompany(tmp_path, dovecot_server, smtp_sink, mail_user)
    impatient = "declaration = data/business.toml\ntimeout_seconds = 1"
    settings = made.settings.read_text("utf-8").replace("declaration = data/business.toml", impatient)
    made.settings.write_text(settings, "utf-8")
    return made


def count(company: Company, system: str, table: str, column: str) -> int:
    with closing(sqlite3.connect(company.data / f"{system}.db")) as database:
        query = f"SELECT count(*) FROM {table} WHERE {column} LIKE '%hitfield%'"  # noqa: S608  # of this file
        return int(database.execute(query).fetchone()[0])


def put_off(company: Company, day: str) -> None:
    """What is left of the erasure is tried again on that day."""
    company.rows("UPDATE work SET due_at = :due WHERE step = 'apply'", due=f"{day} 00:00:00.000000")


def test_what_is_not_erased_yet_waits_and_staff_see_it_and_let_it_go_on_with_a_reason(company: Company) -> None:
    company.write(JOHN, ERASE, subject="My data")
    company.ok("poll")
    erase = company.queue()[0]["reference"]
    company.ok("show", erase, "--letter", actor="bo")
    with closing(sqlite3.connect(company.data / "business.db", isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")  # can be read and not written
        company.dsar("approve", erase, actor="bo")
    assert count(company, "webshop", "accounts", "email") == 0
    assert count(company, "business", "customers", "last_name") == 1

    put_off(company, "2099-01-01")
    company.write("John <john@elsewhere.example>", ACCESS, subject="My data")
    company.ok("poll")
    put_off(company, "2026-01-01")
    company.ok("poll")

    assert count(company, "business", "customers", "last_name") == 1
    (line,) = [line for line in company.queue() if line["reference"] == erase]
    assert (line["state"], line["waits_for"], line["blockers"]) == ("blocked", "person: release", ["access_elsewhere"])
    assert line["days_left"] > 0
    assert "D-2026-00002" in company.ok("show", erase, "--plan").out
    refused = company.dsar("release", erase, "--continue", actor="bo")
    assert (refused.exit_code, "D-2026-00002" in refused.err, "--reason" in refused.err) == (2, True, True)

    company.ok("release", erase, "--continue", "--reason", REASON, actor="bo")

    assert count(company, "business", "customers", "last_name") == 0
    assert REASON in company.ok("show", "D-2026-00001", "--timeline").out
    assert "erased" in body(company.letters_to("john.whitfield@example.com")[-1])
