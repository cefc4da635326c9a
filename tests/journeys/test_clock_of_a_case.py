"""The statutory clock of real cases: questions, extensions and what moves nothing, seen through `dsar show --clock`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from servers import DovecotServer, SmtpSink, TlsFiles

from .company import Company
from .quick import QuickCompany
from .test_identity_code import ON_FILE, REQUEST, UNKNOWN, answer, ask, body, code_of, only_line

pytestmark = pytest.mark.journey

REASONS = "Begäran omfattar nio system med handskrivna anteckningar som måste granskas en och en."


@pytest.fixture
def smtp_sink(tls_files: TlsFiles) -> Iterator[SmtpSink]:
    with SmtpSink(tls_files) as sink:
        yield sink


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
        company.ok("poll")
    reminders = [mail for mail in company.letters_to(UNKNOWN) if "För en vecka sedan" in body(mail)]
    assert len(reminders) == 1

    with days_later(35):
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
