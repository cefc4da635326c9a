"""Mail that somebody else passes on: a web form, and a colleague. Neither proves anything about the person."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from email import message_from_bytes, message_from_string, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import Office, open_office, written

from dsar import deadlines
from dsar.casework import identifying, sorting
from dsar.casework.context import subject_of
from dsar.errors import UsageError
from dsar.model import Right
from dsar.triage.forms import Form, read_form
from dsar.triage.forwards import received_when

FORM = {
    "form.contact": "sender = form@xelent.example\n"
    "fields = Namn = name, E-post = email, Kundnr = customer_no, Fråga = message"
}
FILLED = """Nytt meddelande från webbplatsen

Namn: John Whitfield
E-post: john.whitfield@example.com
Kundnr: K20004
Fråga:
Vilka personuppgifter har ni om mig? Jag vill ha en kopia.

Skickat från webbplatsen
"""
MACHINE = {"Auto-Submitted": "auto-generated", "Reply-To": "john.whitfield@example.com"}
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path, more=FORM) as opened:
        yield opened


def unasked(office: Office) -> int:
    """How many mails wait to leave without approval."""
    with office.app.store.transaction() as tx:
        return len(tx.outgoing_of_case(1))


# ---------------------------------------------------------------------------------------------------------- web form


def test_a_form_is_about_the_person_who_is_named_in_it(office: Office) -> None:
    message = office.receive("Webbplats <form@xelent.example>", FILLED, headers=MACHINE)

    case, subject = office.only_case(), subject_of(office.app, office.only_case())
    assert (message.disposition, case.requester) == ("request", "web_form")
    assert (subject.name, subject.reply_address) == ("John Whitfield", "john.whitfield@example.com")
    assert [(each.type, each.value) for each in subject.identifiers] == [
        ("email", "john.whitfield@example.com"),
        ("customer_no", "K20004"),
    ]
    assert [request.right for request in office.requests()] == ["access"]


def test_a_form_proves_nothing_and_is_not_answered_by_a_machine(office: Office) -> None:
    """The form's own DMARC pass is about the form: the address in it, although on file, is anybody's typing."""
    office.receive("Webbplats <form@xelent.example>", FILLED, headers=MACHINE)
    identifying.identify(office.app, 1, now=datetime.now(UTC))

    assert office.only_case().identity_level == "L0"
    assert subject_of(office.app, office.only_case()).proven == ()
    assert [request.state for request in office.requests()] == ["identity"]
    assert unasked(office) == 0


def test_two_persons_who_fill_in_the_form_have_two_cases(office: Office) -> None:
    """Both mails come from one address, the form's; that makes neither a reminder of the other."""
    office.receive("Webbplats <form@xelent.example>", FILLED, headers=MACHINE)
    other = (
        FILLED.replace("John Whitfield", "Karin Holm").replace("john.whitfield", "karin.holm").replace("K20004", "K3")
    )
    office.receive("Webbplats <form@xelent.example>", other, headers=MACHINE)

    with office.app.store.transaction() as tx:
        assert {case.reference[-1] for _, case in tx.open_requests()} == {"1", "2"}


def test_a_field_that_stands_twice_goes_before_a_person(office: Office) -> None:
    """What somebody types into the message may look like another field; the first counts and a person looks."""
    forged = FILLED.replace("Jag vill ha en kopia.", "Jag vill ha en kopia.\nE-post: someone@elsewhere.example")
    office.receive("Webbplats <form@xelent.example>", forged, headers=MACHINE)

    assert subject_of(office.app, office.only_case()).reply_address == "john.whitfield@example.com"
    assert [request.state for request in office.requests()] == ["triage"]


def test_a_form_that_has_changed_goes_before_a_person(office: Office) -> None:
    text = "Vem: John\nVad: Jag vill att ni raderar mina uppgifter.\n"
    office.receive("Webbplats <form@xelent.example>", text, headers=MACHINE)
    assert [request.state for request in office.requests()] == ["triage"]


LAYOUT = Form(sender="form@xelent.example", fields={"Namn": "name", "E-post": "email", "Fråga": "message"})


@pytest.mark.parametrize(
    "text",
    [
        "Namn: Eva Ek\nE-post: eva@example.se\nFråga: Radera mig.",
        "NAMN = Eva Ek\nE-POST = eva@example.se\nFRÅGA = Radera mig.",
        "Namn\nEva Ek\nE-post\neva@example.se\nFråga\nRadera mig.",
        "*Namn:* Eva Ek\n*E-post:* eva@example.se\n*Fråga:*\n\nRadera mig.\n",
    ],
)
def test_a_form_is_read_by_its_labels(text: str) -> None:
    """With colon or equals sign, on one line or two, whatever the case."""
    filled = read_form(text, LAYOUT)
    assert filled is not None
    assert (filled.name, filled.address, filled.message) == ("Eva Ek", "eva@example.se", "Radera mig.")


@given(st.text(max_size=300))
def test_any_text_is_read_or_is_no_form(text: str) -> None:
    filled = read_form(text, LAYOUT)
    assert filled is None or filled.message in text


# ---------------------------------------------------------------------------------------------------- colleague's mail

COLLEAGUE = "Kalle Berg <kalle@xelent.example>"
FORWARDED = """Kan ni ta den här?

/Kalle

Från: John Whitfield <john.whitfield@example.com>
Skickat: {sent}
Till: Kalle Berg <kalle@xelent.example>
Ämne: Mina uppgifter

Hej Kalle,

jag vill att ni raderar alla mina uppgifter.

John Whitfield
"""


def forward(office: Office, sent: str) -> None:
    office.receive(COLLEAGUE, FORWARDED.format(sent=sent), at=NOW)


def test_a_forward_is_about_who_wrote_it_and_proves_nothing(office: Office) -> None:
    """The colleague's DMARC pass is about the colleague; the writer's address, although on file, is only quoted."""
    forward(office, "den 12 november 2026 10:12")
    sorting.sort_case(office.app, office.only_case(), [Right.ERASE], actor="anna", now=NOW)
    identifying.identify(office.app, 1, now=NOW)

    subject = subject_of(office.app, office.only_case())
    assert office.only_case().requester == "colleague_forward"
    assert "colleague_forward" in office.only_case().flags
    assert (subject.name, subject.reply_address, subject.proven) == ("John Whitfield", "john.whitfield@example.com", ())
    assert office.only_case().identity_level == "L0"
    assert unasked(office) == 0  # neither to the colleague nor to the address that is quoted


def test_the_clock_of_a_forward_starts_when_the_colleague_got_it(office: Office) -> None:
    """Art. 12(3): receipt by the controller, whoever of its staff it was."""
    forward(office, "den 12 november 2026 10:12")

    (request,) = office.requests()
    assert request.received_at == datetime(2026, 11, 12, 9, 12, tzinfo=UTC)
    assert request.legal_on == deadlines.deadlines(date(2026, 11, 12)).legal_on


def test_of_an_attached_mail_the_servers_date_counts(office: Office) -> None:
    """What the colleague's own mail server wrote on top, not the Date that the sender's clock gave."""
    original = message_from_string(
        "Received: from a.example by mx.xelent.example; Thu, 12 Nov 2026 10:12:00 +0100\n"
        "Date: Mon, 2 Nov 2026 10:00:00 +0100\n"
        "From: John Whitfield <john.whitfield@example.com>\n"
        "Subject: Mina uppgifter\n\n"
        "Jag vill att ni raderar alla mina uppgifter.\n",
        policy=policy.SMTP,
    )
    mail = message_from_bytes(written(COLLEAGUE, "Kan ni ta den här?\n"), policy=policy.SMTP)
    assert isinstance(mail, EmailMessage)
    mail.replace_header("Subject", "VB: Mina uppgifter")
    mail.add_attachment(original)

    office.take(mail.as_bytes(), at=NOW)

    (request,) = office.requests()
    assert (request.right, request.received_at) == ("erase", datetime(2026, 11, 12, 9, 12, tzinfo=UTC))


def test_the_clock_never_starts_after_our_own_receipt(office: Office) -> None:
    """A date that lies ahead is somebody's wrong clock, or somebody's trick."""
    forward(office, "den 12 december 2026 10:12")
    (request,) = office.requests()
    assert request.received_at == NOW


@pytest.mark.parametrize("sent", ["i torsdags", "3/4/2026 10:12", "den 12 november 2019 10:12"])
def test_a_person_says_when_the_colleague_got_what_has_no_believable_date(office: Office, sent: str) -> None:
    forward(office, sent)
    case = office.only_case()
    with pytest.raises(UsageError, match="--received"):
        sorting.sort_case(office.app, case, [Right.ERASE], actor="anna", now=NOW)

    sorting.sort_case(office.app, case, [Right.ERASE], received_on=date(2026, 11, 10), actor="anna", now=NOW)

    (request,) = office.requests()
    assert deadlines.received_on(request.received_at) == date(2026, 11, 10)
    assert request.legal_on == deadlines.deadlines(date(2026, 11, 10)).legal_on
    assert request.state == "identity"


def test_nobody_can_say_that_it_came_later_than_to_our_mail_server(office: Office) -> None:
    """The clock is never flattered (P12)."""
    forward(office, "i torsdags")
    with pytest.raises(UsageError, match="before that day"):
        sorting.sort_case(
            office.app, office.only_case(), [Right.ERASE], received_on=date(2026, 11, 21), actor="anna", now=NOW
        )


def test_two_forwards_by_one_colleague_are_two_cases(office: Office) -> None:
    forward(office, "den 12 november 2026 10:12")
    office.receive(COLLEAGUE, FORWARDED.format(sent="den 13 november 2026").replace("ohn", "ean"), at=NOW)
    with office.app.store.transaction() as tx:
        assert len({case.reference for _, case in tx.open_requests()}) == 2


def test_who_wrote_what_was_forwarded_may_write_again(office: Office) -> None:
    """The writer's own mail joins the case that the colleague's forward opened."""
    forward(office, "den 12 november 2026 10:12")
    office.receive("John Whitfield <john.whitfield@example.com>", "Jag vill att ni raderar alla mina uppgifter.\n")
    with office.app.store.transaction() as tx:
        assert len({case.reference for _, case in tx.open_requests()}) == 1


@pytest.mark.parametrize(
    ("head", "when"),
    [
        ("Skickat: den 3 mars 2026 10:12", datetime(2026, 3, 3, 9, 12, tzinfo=UTC)),
        ("> Date: tis 3 mars 2026 kl 10:12", datetime(2026, 3, 3, 9, 12, tzinfo=UTC)),
        ("*Sent:* Tuesday, March 3, 2026 10:12 PM", datetime(2026, 3, 3, 21, 12, tzinfo=UTC)),
        ("Date: Tue, 3 Mar 2026 10:12:00 +0000", datetime(2026, 3, 3, 10, 12, tzinfo=UTC)),
        ("Datum: 2026-07-03 10:12", datetime(2026, 7, 3, 8, 12, tzinfo=UTC)),
        ("Gesendet: Dienstag, 3. März 2026 10:12", datetime(2026, 3, 3, 9, 12, tzinfo=UTC)),
        ("Lähetetty: maanantai 2. marraskuuta 2026 10.12", datetime(2026, 11, 2, 9, 12, tzinfo=UTC)),
        ("Date: 3 mars 2026", datetime(2026, 3, 3, 11, 0, tzinfo=UTC)),
        ("Sent: 3/24/2026 10:12 AM", datetime(2026, 3, 24, 9, 12, tzinfo=UTC)),
        ("Sent: 3/4/2026 10:12 AM", None),
        ("Sendt: 31. februar 2026 10:12", None),
        ("Skickat: i går", None),
    ],
)
def test_dates_of_forwarded_heads(head: str, when: datetime | None) -> None:
    """As mail programs write them; what could be two days is none."""
    assert received_when(f"Från: Eva <eva@example.se>\n{head}\nTill: Kalle\n\nHej") == when


@given(st.text(max_size=200))
def test_any_head_gives_a_time_or_none(text: str) -> None:
    found = received_when(f"Date: {text}")
    assert found is None or found.tzinfo is not None
