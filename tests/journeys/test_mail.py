"""Mail that is more than a letter from a person: forms, colleagues, machines and doubtful senders, by commands only."""

from datetime import datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from servers import DovecotServer, SmtpSink

from .company import PRIVACY
from .quick import QuickCompany

pytestmark = pytest.mark.journey

REQUEST = "Please send me a copy of all personal data you hold about me.\n\nJohn Whitfield\n"
FORWARDED = """Kan ni ta den här? /Kalle

Från: Maria Öberg <maria.oberg@example.se>
Skickat: i förrgår
Till: Kalle Berg <kalle@xelent.example>
Ämne: Radera mig

Hej, jag vill att ni raderar alla mina uppgifter.

Maria Öberg
"""
FILLED = "Namn: John Whitfield\nE-post: john.whitfield@example.com\nFråga: Vilka personuppgifter har ni om mig?\n"


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> QuickCompany:
    """A company with a web form, whose mail server delivers ADDRESS+TAG."""
    made = QuickCompany(tmp_path, dovecot_server, smtp_sink, mail_user)
    text = made.settings.read_text("utf-8").replace("[smtp]\n", "[smtp]\ntag = on\n")
    form = "[form.contact]\nsender = form@xelent.example\nfields = Namn = name, E-post = email, Fråga = message\n"
    made.settings.write_text(f"{text}\n{form}", "utf-8")
    return made


def deliver(company: QuickCompany, text: str, **headers: str) -> None:
    """A mail with these headers, underscores for hyphens, as the company's mail server delivers it."""
    mail = EmailMessage(policy=policy.SMTP)
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail["Message-ID"] = f"<{len(text)}.{abs(hash(text))}@sender.example>"
    mail.set_content(text)
    company.dovecot.deliver(mail.as_bytes(), company.user)
    company.ok("poll")


def finding(domain: str) -> str:
    """Our own mail server's word about a sender."""
    return f"mx.xelent.example; dmarc=pass header.from={domain}"


def test_a_colleagues_forward_gets_its_day_from_a_person(company: QuickCompany) -> None:
    """The day cannot be read: sorting asks for it, and the clock starts there; nobody gets a mail."""
    company.write("Kalle Berg <kalle@xelent.example>", FORWARDED, subject="VB: Radera mig")
    company.ok("poll")
    (line,) = company.queue()
    case = line["reference"].partition("/")[0]
    assert "nobody knows when the colleague got it" in company.ok("show", case, "--message").out

    refused = company.dsar("sort", case, "--right", "erase")
    assert (refused.exit_code, "--received" in refused.err) == (2, True)
    first_of_month = datetime.now(ZoneInfo("Europe/Stockholm")).date().replace(day=1).isoformat()
    company.ok("sort", case, "--right", "erase", "--received", first_of_month)

    (line,) = company.queue()
    assert (line["received_on"], line["waits_for"]) == (first_of_month, "person: verify")
    assert company.smtp.taken == []


def test_the_web_form_is_read_by_its_layout(company: QuickCompany) -> None:
    """Name and address are those that were typed; the form's own authentication is none of theirs."""
    domain = finding("xelent.example")
    deliver(company, FILLED, From="form@xelent.example", To=PRIVACY, Subject="Formulär", Authentication_Results=domain)

    (line,) = company.queue()
    shown = company.ok("show", line["reference"]).out
    assert "John Whitfield <john.whitfield@example.com>" in shown
    assert "web_form" in shown
    assert line["waits_for"] == "person: verify"
    assert company.smtp.taken == []


def test_an_answer_without_its_thread_comes_back_by_the_tag(company: QuickCompany) -> None:
    """A mail program that drops References still answers to the Reply-To of our letter."""
    company.write("John Whitfield <john.whitfield@example.com>", REQUEST)
    company.ok("poll")
    (letter,) = company.letters_to("john.whitfield@example.com")
    assert letter["Reply-To"].startswith("gdpr+")

    sender = "John Whitfield <john.whitfield@example.com>"
    authentication = finding("example.com")
    deliver(
        company,
        "I forgot: my customer number is K20004.\n",
        From=sender,
        To=letter["Reply-To"],
        Subject="One more thing",
        Authentication_Results=authentication,
    )

    (line,) = company.queue()
    assert "follow_up" in line["flags"]


def test_what_machines_send_is_listed_and_can_be_taken_up(company: QuickCompany) -> None:
    """Kept, listed, never answered; a person may still find a request in it."""
    deliver(
        company,
        "Veckans erbjudande: 20 % på alla kontorsstolar till och med söndag.\n",
        From="news@shop.example",
        To=PRIVACY,
        Subject="Nytt",
        List_Id="<n.shop.example>",
    )

    assert company.queue() == []
    (line,) = company.ok("queue", "--filed", "--json").lines
    assert line["disposition"] == "not_request"
    company.ok("sort", line["reference"], "--right", "object")
    assert company.queue()[0]["reference"].endswith("/object")
    assert company.ok("queue", "--filed", "--json").lines == []
    assert company.smtp.taken == []


@pytest.mark.parametrize(
    ("sender", "flag"),
    [
        ("Anna Berg <anna.berg@elsewhere.example>", "poses_as_staff"),
        ("John Whitfield <john@xe1ent.example>", "look_alike"),
        ('"john.whitfield@example.com" <john@elsewhere.example>', "sender_mismatch"),
    ],
)
def test_a_doubtful_sender_is_shown_and_waits_for_a_person(company: QuickCompany, sender: str, flag: str) -> None:
    """In the queue and beside the mail, with the reason; nothing goes out by itself."""
    company.write(sender, REQUEST)
    company.ok("poll")

    (line,) = company.queue()
    assert flag in line["flags"]
    assert line["waits_for"] == "person: sort"
    assert flag in company.ok("show", line["reference"], "--message").out
    assert company.smtp.taken == []
