"""To whom nothing goes out without a person: the loop rules, row by row, for every mail that nobody approves."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from office import Office, open_office, written

from dsar.casework import challenging, identifying, unasked

SENDER = "John Whitfield <john.whitfield@example.com>"
ACCESS = "Please send me a copy of all personal data you hold about me.\n\nJohn Whitfield\n"
STOP = "Please stop sending me advertising.\n\nJohn Whitfield\n"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def went_out(office: Office) -> list[str]:
    """Kinds of the mails that nobody approved, of all cases."""
    with office.app.store.transaction() as tx:
        return [row.kind for row in tx.outgoing_in_state("ready") if row.letter_id is None]


def changed(headers: dict[str, str]) -> bytes:
    """A request whose headers are replaced or added to."""
    mail = message_from_bytes(written(SENDER, ACCESS, finding="mx.xelent.example; none"), policy=policy.SMTP)
    for name, value in headers.items():
        del mail[name]
        mail[name] = value
    return mail.as_bytes()


def run_unasked_steps(office: Office) -> None:
    """Everything that could write to the sender by itself."""
    now = datetime.now(UTC)
    with office.app.store.transaction() as tx:
        cases = sorted({request.case_id for request, _ in tx.open_requests()})
    for case_id in cases:
        identifying.identify(office.app, case_id, now=now)
        challenging.challenge(office.app, case_id, now=now)


def test_a_person_who_asks_gets_acknowledgement_and_identity_letter(office: Office) -> None:
    """What the rules below keep back goes out where none of them holds."""
    office.take(changed({}))
    run_unasked_steps(office)
    assert went_out(office)[:2] == ["acknowledgement", "identity_check"]


SILENT = [
    ("null return path", {"Return-Path": "<>"}),
    ("auto-submitted", {"Auto-Submitted": "auto-generated"}),
    ("precedence bulk", {"Precedence": "bulk"}),
    ("precedence list", {"Precedence": "list"}),
    ("precedence junk", {"Precedence": "junk"}),
    ("list", {"List-Id": "<all.example.com>"}),
    ("daemon", {"From": "MAILER-DAEMON@example.com"}),
    ("postmaster", {"From": "postmaster@example.com"}),
    ("no-reply", {"From": "no-reply@example.com"}),
    ("svara-ej", {"From": "svara-ej@example.com"}),
    ("our own address", {"From": "gdpr@xelent.example"}),
    ("our own address with a tag", {"From": "gdpr+abc@xelent.example"}),
    ("our own Message-ID", {"Message-ID": "<dsar-D-2026-00001-ab@xelent.example>"}),
    ("a Message-ID of our domain", {"Message-ID": "<1234@xelent.example>"}),
    ("forged", {"Authentication-Results": "mx.xelent.example; dmarc=fail header.from=example.com"}),
    ("answers elsewhere", {"Reply-To": "someone@elsewhere.example"}),
    ("no usable sender", {"From": "a@example.com, b@example.com"}),
    ("name of staff", {"From": "Anna Berg <anna.berg@elsewhere.example>"}),
    ("name that shows another address", {"From": '"john@bank.example" <john.whitfield@example.com>'}),
    ("domain that looks like ours", {"From": "John Whitfield <john@xe1ent.example>"}),
]


@pytest.mark.parametrize("headers", [row[1] for row in SILENT], ids=[row[0] for row in SILENT])
def test_nothing_goes_out_by_itself(office: Office, headers: dict[str, str]) -> None:
    """The mail is kept and shown; acknowledgement and identity letter stay away (RFC 3834 s. 2)."""
    message = office.take(changed(headers))
    run_unasked_steps(office)

    assert went_out(office) == []
    assert message.status in {"sorted", "person"}
    assert message.disposition is not None


def test_a_report_gets_no_answer(office: Office) -> None:
    """multipart/report is always a machine's, whatever its text asks."""
    content = changed({}).replace(b"text/plain", b'multipart/report; boundary="b"', 1)
    office.take(content.replace(b"\r\n\r\n", b"\r\n\r\n--b\r\n\r\n", 1) + b"\r\n--b--\r\n")
    run_unasked_steps(office)
    assert went_out(office) == []


def test_a_marketing_stop_of_a_machine_waits_for_a_person(tmp_path: Path) -> None:
    """The standing approval is a machine's word, too: its confirmation could be the other half of a loop."""
    with open_office(tmp_path) as office:
        office.receive(SENDER, STOP, headers={"Precedence": "bulk"})
        office.session.run_due()
        assert {request.state for request in office.requests()} == {"review"}


def test_a_sender_gets_so_many_mails_a_day(office: Office) -> None:
    """The backstop of all rules: whatever two machines invent, it ends (RFC 3834 s. 2)."""
    names = ("Ada", "Bea", "Cia", "Dag", "Eva", "Fia", "Gun", "Hed", "Ida")
    for name in names:  # one mailbox, another person each time, so that each has a case of its own
        text = ACCESS.replace("John", name)
        office.receive(f"{name} Whitfield <shared@example.net>", text, finding="mx.xelent.example; none")
        run_unasked_steps(office)
    assert 0 < len(went_out(office)) <= unasked.MOST_PER_DAY
