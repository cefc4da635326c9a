"""Erase and update through a colleague's reply: asked, waited for, read back by their word, told."""

from email.message import EmailMessage
from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink

from .company import body
from .people import KARIN, LARS, MARIA, Asking, later, references

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

JOHN = "john.whitfield@example.com"
ERASE = "Hello,\n\nplease delete all personal data you hold about me.\n\nKind regards\nJohn Whitfield\n"
MOVED = (
    "Hej,\n\njag har bytt telefonnummer. Mitt gamla nummer är 070-1740608 och mitt nya är 070-174 06 99. "
    "Kan ni ändra det hos er?\n\n/Maria Öberg\n"
)


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Asking:
    return Asking(tmp_path, dovecot_server, smtp_sink, mail_user)


def order(company: Asking) -> EmailMessage:
    """John wants to be erased, the office holds a card, the plan is approved; the mail that asks for it a day later."""
    question = company.asked(ERASE, f"John Whitfield <{JOHN}>")
    company.reply(question, "", files=[("kort.csv", f"Namn;E-post\nJohn Whitfield;{JOHN}\n".encode())])
    assert "Remove" not in company.ok("show", company.case(), "--plan").out
    company.approve(company.case())
    with later(1):
        company.ok("poll")
    return company.letters_to(KARIN)[-1]


def states(company: Asking) -> list[str]:
    return [line["state"] for line in company.queue() if line["reference"].startswith("D-")]


def test_what_the_colleague_has_removed_is_told_as_erased(company: Asking) -> None:
    """The letter waits for the colleague's word, and is approved anew, because it tells of another day."""
    asked = order(company)
    assert "Ta bort om John Whitfield" in body(asked)
    assert states(company) == ["applying"]
    letters = len(company.letters_to(JOHN))

    with later(1):
        company.reply(asked, "Klart, kortet är rivet.")
        assert states(company) == ["review"]
        assert company.held(company.case()) == []
        assert company.tasks("--all")[-1]["answered"][0].startswith("done, Karin Holm, ")
        assert len(company.letters_to(JOHN)) == letters
        company.approve(company.case())
    told = body(company.letters_to(JOHN)[-1])
    assert "Entry at the office" in told
    assert company.queue() == []


def test_what_cannot_be_removed_is_told_as_still_open_and_becomes_a_duty(company: Asking) -> None:
    company.reply(order(company), "Går inte: pärmen ligger i bankfacket i Göteborg.")

    plan = company.ok("show", company.case(), "--plan").out
    assert "The Kungälv office (branch)" in plan
    assert "Reason: Whoever holds the data has answered that it cannot be done" in plan
    assert "bankfacket" in company.ok("task", "show", company.tasks("--all")[-1]["reference"]).out
    company.approve(company.case())
    assert [line["waits_for"] for line in company.queue()] == ["person: duty"]


def test_nobody_s_answer_leaves_the_change_open(company: Asking) -> None:
    """An unclear word changes nothing; a second one goes before a person, who may write the answer down."""
    asked = order(company)
    company.reply(asked, "Ska titta på det sen.")
    company.reply(asked, "Nej vänta.")
    (line,) = [line for line in company.queue() if line["state"] == "task"]
    assert states(company) == ["applying"]

    with later(1):
        company.ok("task", "answer", line["reference"], "--done")
        assert states(company) == ["review"]


def test_a_new_number_is_written_by_the_colleague_and_read_back(company: Asking) -> None:
    question = company.asked(MOVED)
    company.reply(
        question, "", files=[("kort.csv", f"Namn;E-post;Telefon\nMaria Öberg;{MARIA};070-1740608\n".encode())]
    )
    company.ok("verify", company.case(), "--method", "call_back", "--phone", "070-1740608")
    company.approve(f"{company.case()}/update")
    with later(1):
        company.ok("poll")
    asked = company.letters_to(KARIN)[-1]
    assert "Telefon 070-1740608 → " in body(asked)

    with later(1):
        company.reply(asked, f"{references(asked)[0]}: klart")
        (held,) = company.held(company.case())
        assert str(held["phone"]).replace(" ", "").replace("-", "").endswith("701740699")
        company.approve(f"{company.case()}/update")
    assert "Kontoret i Kungälv" in body(company.letters_to(MARIA)[-1])


# ------------------------------------------------------------------------------------------------------- individuals


def test_an_employee_is_asked_if_a_member_of_staff_names_them(company: Asking) -> None:
    """Until then nobody claims that employees' phones were searched."""
    company.reply(company.asked(), "saknas")
    company.ok("show", company.case(), "--letter", actor="bo")
    assert "telefoner" not in company.ok("show", company.case(), "--letter", actor="bo").out

    company.ok("task", "add", company.case(), "--system", "phones", "--to", "Lars Ström")

    (asked,) = company.letters_to(LARS)
    assert "What do you have about Maria Öberg" in body(asked)
    assert company.outcome(company.case(), "phones") == "waiting"
    company.reply(asked, "nothing", sender=LARS)
    assert company.outcome(company.case(), "phones") == "nothing"
    assert "telefoner" in company.ok("show", company.case(), "--letter", actor="bo").out


def test_an_employee_is_asked_if_a_found_record_names_them(company: Asking) -> None:
    """A field that is declared to name a colleague does."""
    declared = company.data / "branch.toml"
    label = '{sv = "Säljare", en = "Seller"}, category = "organisation", subject = "organisation"'
    seller = f'  {{column = "seller", label = {label}, colleague = true}},\n'
    declared.write_text(declared.read_text("utf-8").replace("fields = [\n", f"fields = [\n{seller}"), "utf-8")
    question = company.asked()

    company.reply(question, "", files=[("kort.csv", f"Namn;E-post;Säljare\nMaria Öberg;{MARIA};Lars Ström\n".encode())])

    (asked,) = company.letters_to(LARS)
    assert company.outcome(company.case(), "phones") == "waiting"
    company.reply(asked, "nothing", sender=LARS)
    assert company.outcome(company.case(), "phones") == "nothing"
