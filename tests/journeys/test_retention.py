"""Retention as the administrator sees it: a look first, then nothing is left, neither here nor in the mailbox."""

from datetime import datetime, timedelta

import pytest

from .company import Company

pytestmark = pytest.mark.journey

MARIA = "Maria Öberg <maria.oberg@example.se>"
QUESTION = "Hej! Skrivaren på tredje våningen visar felkod 5200, kan ni skicka en tekniker?"


def grow_older(company: Company, days: int) -> None:
    """Let what is stored have happened *days* earlier."""
    for table, column, key in (
        ("request", "closed_at", "id"),
        ("message", "received_at", "id"),
        ("message", "stored_at", "id"),
        ("outbox", "sent_at", "id"),
        ("health_mark", "at", "name"),
    ):
        for row, at in company.rows(f"SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL"):  # noqa: S608
            if row == "clock":
                continue  # as if the program had worked all the time
            then = datetime.fromisoformat(str(at)) - timedelta(days=days)
            company.rows(f"UPDATE {table} SET {column} = :then WHERE {key} = :row", row=row, then=f"{then:%F %T.%f}")  # noqa: S608


def test_after_two_years_nothing_is_left_of_a_case_but_what_names_nobody(company: Company) -> None:
    company.write(MARIA, "Jag vill ha ett registerutdrag över mina personuppgifter.\n\nMaria Öberg\n")
    company.write("Kund <kund@bolag.example>", QUESTION)
    company.ok("poll")
    (reference,) = [line["reference"] for line in company.queue() if line["reference"].startswith("D-")]
    case = reference.removesuffix("/access")
    company.ok("show", reference, "--letter", actor="bo")
    company.ok("approve", reference, actor="bo")
    for line in company.undone():
        company.ok("sort", line["reference"], "--not-request")
    assert (company.mailbox_count("DSAR-Done"), len(company.sent_ids())) == (2, 2)

    assert company.ok("purge", "--dry-run", "--json").lines == []
    grow_older(company, 800)
    planned = company.ok("purge", "--dry-run", "--json").lines
    assert {(line["what"], line["reference"]) for line in planned} >= {("case", case), ("noise", "M-2")}
    assert company.ok("purge", "--json").lines == planned

    assert (company.mailbox_count("DSAR-Done"), company.sent_ids()) == (0, [])
    assert "Maria" not in company.ok("show", case).out
    refused = company.dsar("show", case, "--letter")
    assert (refused.exit_code, "was removed on" in refused.err) == (2, True)
    assert company.ok("audit", "verify", "--json").lines[0]["broken_at"] is None
    assert company.ok("purge", "--json").lines == []
