"""An agent, a lawyer, an estate: what they are told, who is asked, and who gets the answer, through real mail."""

from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink

from .company import Company, body
from .quick import QuickCompany
from .test_identity_code import ON_FILE, answer, code_of, only_line

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

AGENT = "lisa@brandtlaw.example"
REQUEST = """Undertecknad är ombud för Maria Öberg. För min klients räkning begär jag ett registerutdrag.
Fullmakt bifogas.

Lisa Brandt
advokat
"""
ESTATE = """Min man Sture Kvist gick bort i mars. Jag företräder dödsboet och vill att ni tar bort hans uppgifter.

Ulla Kvist
"""


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Company:
    return QuickCompany(tmp_path, dovecot_server, smtp_sink, mail_user)


def asked(company: Company, sender: str, text: str, right: str) -> str:
    company.write(sender, text)
    company.ok("poll")
    line = only_line(company)
    if line["state"] == "triage":
        company.ok("sort", str(line["reference"]), "--right", right)
    return str(only_line(company)["reference"])


@pytest.mark.parametrize(("to_agent", "recipient"), [((), ON_FILE), (("--to-agent",), AGENT)])
def test_the_person_confirms_the_agent_and_the_mandate_says_who_gets_the_answer(
    company: Company, to_agent: tuple[str, ...], recipient: str
) -> None:
    case = asked(company, f"Lisa Brandt <{AGENT}>", REQUEST, "access")
    number = case.partition("/")[0]
    company.ok("mandate", number, "--kind", "advokat", "--person", f"email={ON_FILE}", *to_agent)
    # She has bought things, which takes her own word: she is asked at once, at the address on file.
    assert only_line(company)["state"] == "clarifying"
    (code_mail,) = company.letters_to(ON_FILE)
    assert "Någon som säger sig företräda dig" in body(code_mail)
    answer(company, code_mail, code_of(code_mail))
    company.ok("poll")
    company.ok("show", case, "--letter", actor="bo")
    company.ok("approve", case, actor="bo")

    (letter,) = [mail for mail in company.letters_to(recipient) if list(mail.iter_attachments())]
    assert "Ja, vi behandlar personuppgifter" in body(letter).replace("*", "")
    others = {ON_FILE, AGENT} - {recipient}
    assert not any(list(mail.iter_attachments()) for other in others for mail in company.letters_to(other))


def test_an_agent_without_mandate_is_asked_for_it_and_reminded_of_nothing_else(company: Company) -> None:
    case = asked(company, f"Lisa Brandt <{AGENT}>", REQUEST, "access")
    company.ok("ask", case, "--mandate")
    company.ok("ask", case, "--mandate", "--send")

    letter = company.letters_to(AGENT)[-1]
    assert "Skicka gärna fullmakten" in body(letter)
    assert "Öberg" not in body(letter)
    assert company.letters_to(ON_FILE) == []
    assert only_line(company)["state"] == "clarifying"


def test_an_estate_is_answered_kindly_and_learns_nothing(company: Company) -> None:
    case = asked(company, "Ulla Kvist <ulla@other.example>", ESTATE, "erase")
    company.ok("refuse", case, "--deceased")
    company.ok("show", case, "--letter", actor="bo")
    company.ok("approve", case, actor="bo")

    letter = company.letters_to("ulla@other.example")[-1]
    assert "Vi beklagar sorgen" in body(letter)
    (request,) = company.ok("show", case, "--json").lines[0]["requests"]
    assert (request["state"], request["outcome"]) == ("closed", "not_a_request")


def test_who_asked_for_nothing_of_the_kind_is_told_who_has_the_matter_now(company: Company) -> None:
    case = asked(company, "Ulla Kvist <ulla@other.example>", ESTATE, "erase")
    company.ok("refuse", case, "--not-request", "Det rör din beställning. Vi har skickat det vidare till kundtjänst.")
    company.ok("show", case, "--letter", actor="bo")
    company.ok("approve", case, actor="bo")

    letter = body(company.letters_to("ulla@other.example")[-1])
    assert "Vi har skickat det vidare till kundtjänst." in letter
    assert "Gällde det ändå dina personuppgifter?" in letter
    (request,) = company.ok("show", case, "--json").lines[0]["requests"]
    assert (request["state"], request["outcome"]) == ("closed", "not_a_request")
