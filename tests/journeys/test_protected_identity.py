"""A person with protected identity: few may open the case, no address is shown, and the answer goes by post."""

import sqlite3
from pathlib import Path

import pytest
from pypdf import PdfReader
from servers import DovecotServer, SmtpSink

from .company import Company
from .quick import QuickCompany
from .test_identity_code import ON_FILE, only_line

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

STREET = "Bäckagårdsvägen"
REQUEST = "Jag lever med skyddade personuppgifter och vill veta vilka personuppgifter ni har om mig.\n\nMaria Öberg\n"


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Company:
    made = QuickCompany(tmp_path, dovecot_server, smtp_sink, mail_user)
    text = made.settings.read_text("utf-8")
    extra = "[identity]\nprotected_staff = anna, bo\n"
    extra += "[staff.cai]\nrole = approver\nname = Cai Dahl\nemail = cai@xelent.example\n"
    made.settings.write_text(text + extra, "utf-8")
    return made


def asked(company: Company) -> str:
    company.write(f"Maria Öberg <{ON_FILE}>", REQUEST)
    company.ok("poll")
    case = str(only_line(company)["reference"])
    if only_line(company)["state"] == "triage":
        company.ok("sort", case, "--right", "access")
    return case


def test_the_answer_goes_by_post_without_an_address_and_no_mail_leaves(company: Company, tmp_path: Path) -> None:
    case = asked(company)
    number = case.partition("/")[0]
    company.ok("verify", number, "--method", "id_shown", "--contact", ON_FILE)
    assert only_line(company)["state"] == "review"

    shown = company.ok("show", number, "--data").out
    assert STREET not in shown
    assert "[skyddade personuppgifter]" in shown
    letter = company.ok("show", case, "--letter", "--save", str(tmp_path / "look"), actor="bo").out
    assert "To       post" in " ".join(letter.split("\n")) or "post" in letter.splitlines()[0]
    company.ok("approve", case, actor="bo")

    assert any(line["waits_for"] == "person: post" for line in company.queue())
    printed = company.ok("post", number, "--save", str(tmp_path / "print")).out
    assert "Skatteverket, Box 2820, 403 20 Göteborg" in printed
    files = sorted((tmp_path / "print").iterdir())
    sheets = {f"{number}-outer-envelope.pdf", f"{number}-inner-envelope-back.pdf"}
    assert len(files) == 6  # letter, the export as PDF, JSON and CSV, and the sheets for two envelopes
    assert {file.name for file in files} >= sheets
    for file in files:
        text = (
            "".join(page.extract_text() for page in PdfReader(file).pages)
            if file.suffix == ".pdf"
            else file.read_text("utf-8-sig")
        )
        assert STREET not in text, file.name
        assert file.stat().st_mode & 0o077 == 0

    company.ok("post", number, "--posted")
    (request,) = company.ok("show", number, "--json").lines[0]["requests"]
    assert (request["state"], request["outcome"]) == ("closed", "fulfilled")
    assert company.letters_to(ON_FILE) == []  # no acknowledgement, no code, no answer


def test_only_named_staff_open_the_case(company: Company) -> None:
    case = asked(company)
    for command in (
        ("show", case),
        ("show", case, "--data"),
        ("approve", case),
        ("assign", case.partition("/")[0], "cai"),
    ):
        refused = company.dsar(*command, actor="cai")
        assert refused.exit_code == 1, command
        assert "restricted" in refused.err
    assert company.dsar("show", case, actor="anna").exit_code == 0


def test_staff_restrict_a_case_and_choose_its_channel(company: Company) -> None:
    company.write(f"Maria Öberg <{ON_FILE}>", "Jag vill ha ett registerutdrag.\n\nMaria Öberg\n")
    company.ok("poll")
    number = str(only_line(company)["reference"]).partition("/")[0]
    company.ok("protect", number, "--reason", "personen ringde")

    assert company.dsar("show", number, actor="cai").exit_code == 1
    assert "personen ringde" in company.ok("show", number, "--timeline").out
    company.ok("channel", number, "mail")  # the person asks for e-mail
    assert f"{ON_FILE}" in company.ok("show", number, "--letter", actor="bo").out.splitlines()[0]


MARKED = "UPDATE customers SET source = 'Sekretessmarkering' WHERE customer_no = 'K20004'"


def test_a_search_outside_a_case_that_meets_a_restricted_person_is_for_named_staff(company: Company) -> None:
    """By whatever leads to them: the case knows the address, the search asks for the customer number."""
    asked(company)
    for by in (("--email", ON_FILE), ("--customer-no", "K20004"), ("--phone", "070-174 06 08")):
        refused = company.dsar("search", *by, actor="cai")
        assert (refused.exit_code, refused.out) == (1, "")
        assert "protected identity" in refused.err
        assert "Öberg" not in refused.err
    (line,) = company.ok("search", "--customer-no", "K20004", "--json").lines
    assert (line["protected"], STREET in str(line), bool(line["records"])) == (True, False, True)
    assert "Protected identity" in company.ok("search", "--email", ON_FILE).out
    assert company.ok("search", "--email", "erik.nystrom@example.se", "--json", actor="cai").lines[0]["records"]


def test_a_record_that_says_so_itself_is_for_named_staff_without_any_case(company: Company) -> None:
    with sqlite3.connect(company.data / "business.db") as database:
        database.execute(MARKED)
    assert company.dsar("search", "--name", "Maria Öberg", actor="cai").exit_code == 1
    assert STREET not in company.ok("search", "--name", "Maria Öberg").out


def test_a_case_about_somebody_marked_in_a_system_is_restricted_although_nobody_said_so(company: Company) -> None:
    """And the sender learns nothing of it: the same mail leaves, but no code to anybody."""
    with sqlite3.connect(company.data / "business.db") as database:
        database.execute(MARKED)
    company.write("Maria Öberg <maria@other.example>", "Jag vill ha ett registerutdrag. Kundnummer K20004.\n")
    company.ok("poll")
    assert "protected_identity" in only_line(company)["flags"]
    assert company.letters_to(ON_FILE) == []
    assert len(company.letters_to("maria@other.example")) == 2  # as anybody: acknowledgement, options
    number = str(only_line(company)["reference"]).partition("/")[0]
    assert "named staff" in company.dsar("show", number, actor="cai").err
