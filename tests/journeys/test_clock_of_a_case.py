"""The statutory clock of real cases: questions, extensions and what moves nothing, seen through `dsar show --clock`."""

import sqlite3
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import time_machine
from servers import DovecotServer, SmtpSink

from .company import Company, body
from .quick import QuickCompany
from .test_identity_code import ON_FILE, REQUEST, UNKNOWN, answer, ask, code_of, only_line

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

DAY = timedelta(days=1)
REASONS = "Begäran omfattar nio system med handskrivna anteckningar som måste granskas en och en."


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Company:
    return QuickCompany(tmp_path, dovecot_server, smtp_sink, mail_user)


def clock(company: Company, case: str) -> dict[str, Any]:
    (shown,) = company.ok("show", case, "--clock", "--json").lines
    return shown


def days_later(days: int) -> time_machine.travel:
    """The program's clock, put forward; the mail server keeps its own."""
    return time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=True)


def test_the_time_until_a_code_comes_back_is_no_day_of_ours(company: Company) -> None:
    """Asked at once, answered at once: nothing is paused by a day, and the question stands in the explanation."""
    ask(company)
    code_mail = company.letters_to(ON_FILE)[0]
    answer(company, code_mail, code_of(code_mail))
    company.ok("poll")

    shown = clock(company, only_line(company)["reference"])

    assert shown["paused_days"] == 0
    assert any("question about identity" in said and "was answered" in said for said in shown["explanation"])


def test_the_letter_says_that_the_time_does_not_run_while_we_wait(company: Company) -> None:
    ask(company)
    *_, options = company.letters_to(UNKNOWN)
    assert "räknas inte mellan i dag" in body(options)


def test_a_question_that_nobody_answers_moves_nothing_and_ends_neutrally(company: Company) -> None:
    """A reminder after a week; on the day of sending the closing waits, with IMY and court, disclosing nothing."""
    ask(company, text=REQUEST)
    line = only_line(company)
    before = clock(company, line["reference"])

    with days_later(8):
        company.dsar("check", "--clock-is-right")
        company.ok("poll")
    reminders = [mail for mail in company.letters_to(UNKNOWN) if "För en vecka sedan" in body(mail)]
    assert len(reminders) == 1

    with days_later(35):
        company.dsar("check", "--clock-is-right")
        company.ok("poll")
        line = only_line(company)
        assert (line["state"], line["waits_for"]) == ("review", "person: approve")
        company.ok("show", line["reference"], "--letter", actor="bo")
        company.ok("approve", line["reference"], actor="bo")
    assert clock(company, line["reference"])["legal"] == before["legal"]

    closing = company.letters_to(UNKNOWN)[-1]
    assert "Det betyder inte att vi har tagit ställning" in body(closing)
    assert "Integritetsskyddsmyndigheten" in body(closing)
    assert "tingsrätt" in body(closing)
    for secret in ("Bäckagårdsvägen", ON_FILE, "K20004", "070-1740608"):
        assert secret not in body(closing)


def test_an_extension_counts_from_the_letter_that_left(company: Company) -> None:
    ask(company, sender=ON_FILE)
    case = only_line(company)["reference"]
    before = clock(company, case)

    given = ("extend", case, "--because", "complexity", "--reasons", REASONS)
    company.ok(*given, actor="bo")
    assert clock(company, case)["legal"] == before["legal"]  # shown is not sent
    company.ok(*given, "--send", actor="bo")

    after = clock(company, case)
    assert (after["extended"], after["nominal"]) == (True, before["ext_nominal"])
    assert after["refuse_by"] == before["refuse_by"]
    notice = company.letters_to(ON_FILE)[-1]
    assert REASONS in " ".join(body(notice).split())
    assert "Integritetsskyddsmyndigheten" in body(notice)
    again = company.dsar(*given, "--send", actor="bo")
    assert (again.exit_code, "extended already" in again.err) == (1, True)


def test_an_extension_after_the_month_is_refused(company: Company) -> None:
    ask(company, sender=ON_FILE)
    case = only_line(company)["reference"]
    with days_later(40):
        refused = company.dsar("extend", case, "--because", "number", "--reasons", REASONS, actor="bo")
    assert refused.exit_code == 1
    assert "Art. 12(3)" in refused.err


def test_a_lack_of_staff_is_no_reason_and_a_phrase_is_none_either(company: Company) -> None:
    ask(company, sender=ON_FILE)
    case = only_line(company)["reference"]
    assert company.dsar("extend", case, "--because", "staff", "--reasons", REASONS).exit_code == 2
    assert company.dsar("extend", case, "--because", "number", "--reasons", "många").exit_code == 2


def test_a_small_register_is_answered_in_full_and_not_asked_about(company: Company) -> None:
    """Recital 63: "a large quantity of information"; one customer's history is none."""
    ask(company, sender=ON_FILE)
    case = only_line(company)["reference"]
    refused = company.dsar("ask", case, "--overview", "köp och service", "--choices", "ett år", actor="bo")
    assert refused.exit_code == 1
    assert "no large quantity" in refused.err


OVERVIEW, CHOICES = "200 fakturor sedan 2019, service och köp", "ett visst år, eller allt"


def a_month_after(received: date) -> date:
    """Reg. 1182/71 art. 3(2)(c), counted here day by day: the same date, or the last day of a shorter month."""
    first_of_next = next(day for n in range(1, 32) if (day := received + n * DAY).day == 1)
    month = [first_of_next + n * DAY for n in range(31) if (first_of_next + n * DAY).month == first_of_next.month]
    return next((day for day in month if day.day == received.day), month[-1])


def asked_for_scope(company: Company) -> tuple[str, EmailMessage]:
    """A customer of whom a large quantity is held is asked what of it they want: (request, our letter)."""
    with sqlite3.connect(company.data / "business.db") as database:
        rows = [(f"F-{number}", "K20004", "2026-01-02", "Maria", "Gatan", "Stol", "10", "B") for number in range(200)]
        database.executemany("INSERT INTO invoices VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    company.write(f"Maria Öberg <{ON_FILE}>", REQUEST.format(number="K20004"), arrives=datetime.now(UTC))
    company.ok("poll")
    case = str(only_line(company)["reference"])
    given = ("ask", case, "--overview", OVERVIEW, "--choices", CHOICES)
    company.ok(*given, actor="bo")
    company.ok(*given, "--send", actor="bo")
    return case, company.letters_to(ON_FILE)[-1]


def test_a_question_about_scope_stops_the_clock_until_it_is_answered(company: Company) -> None:
    """Recital 63; "everything" is everything (EDPB 01/2022 s. 2.3), and the week before it came is not ours."""
    with days_later(-7):
        case, question = asked_for_scope(company)
        before = clock(company, case)
    assert "200 fakturor sedan 2019" in body(question)
    assert "räknas inte från i dag" in body(question)
    assert only_line(company)["state"] == "clarifying"

    subject, thread = f"Sv: {question['Subject']}", question["Message-ID"]
    company.write(ON_FILE, "Allt, tack.\n", subject=subject, in_reply_to=thread)
    company.ok("poll")
    assert only_line(company)["state"] == "review"
    after = clock(company, case)
    company.ok("show", case, "--letter", actor="bo")
    company.ok("approve", case, actor="bo")

    assert (before["paused_days"], after["paused_days"]) == (0, 7)
    assert date.fromisoformat(after["nominal"]) == a_month_after(date.fromisoformat(before["received"])) + 7 * DAY
    assert (after["gross_days"], after["net_days"]) == (7, 0)
    assert any("question about scope" in said and "did not run for 7 days" in said for said in after["explanation"])
    (data,) = [
        content
        for name, content in company.files_of(company.letters_to(ON_FILE)[-1], case).items()
        if name.endswith(".json")
    ]
    assert b"F-199" in data


def test_a_question_about_scope_that_nobody_answers_moves_nothing_and_is_answered_in_full(company: Company) -> None:
    case, _ = asked_for_scope(company)
    before = clock(company, case)
    with days_later(16):
        company.dsar("check", "--clock-is-right")
        company.ok("poll")
        assert only_line(company)["state"] == "review"
        after = clock(company, case)
    assert (after["paused_days"], after["nominal"], after["legal"]) == (0, before["nominal"], before["legal"])


def test_a_question_by_staff_waits_and_its_answer_goes_on(company: Company) -> None:
    """It pauses nothing, and the letter says nothing else."""
    ask(company, sender=ON_FILE)
    case = only_line(company)["reference"]
    given = ("ask", case, "--question", "Vilket år gällde leasingavtalet som du nämner?")
    company.ok(*given, actor="bo")
    company.ok(*given, "--send", actor="bo")
    assert only_line(company)["state"] == "clarifying"
    question = company.letters_to(ON_FILE)[-1]
    assert "räknas inte" not in body(question)

    company.write(ON_FILE, "Det var 2021.\n", subject=f"Sv: {question['Subject']}", in_reply_to=question["Message-ID"])
    company.ok("poll")

    assert only_line(company)["state"] == "review"
    assert clock(company, case)["paused_days"] == 0


def test_a_doubt_needs_a_reason_of_its_own(company: Company) -> None:
    """Art. 12(6)."""
    ask(company, sender=ON_FILE)
    case = only_line(company)["reference"]
    assert company.dsar("ask", case, "--doubt", "oklart").exit_code == 2


def test_marketing_stops_although_nobody_was_confirmed(company: Company) -> None:
    """Harmless to the true person (Art. 21(3)); the closing says so, and nothing else."""
    ask(company, text="Sluta skicka reklam till mig. Jag vill också ha ett registerutdrag.\n\nMaria Öberg\n")
    number = str(company.queue()[0]["reference"]).partition("/")[0]
    requests = {each["right"]: each for each in company.ok("show", number, "--json").lines[0]["requests"]}
    assert requests["object"]["outcome"] == "fulfilled"

    with days_later(35):
        company.dsar("check", "--clock-is-right")
        company.ok("poll")
        company.ok("show", f"{number}/access", "--letter", actor="bo")
        company.ok("approve", f"{number}/access", actor="bo")

    closing = " ".join(body(company.letters_to(UNKNOWN)[-1]).split())
    assert "har vi stoppat ändå" in closing
    assert "Det betyder inte att vi har tagit ställning" in closing
