"""Whoever may be the victim of an attack is warned at their address on file, and nobody else hears of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from office import Office, open_office
from servers import SmtpSink
from servers.smtp import Fault
from test_attacks import CLAIM, MALLORY, ON_FILE, PLAIN, SECRETS, VICTIM, work

from dsar.casework import sending, views, warning
from dsar.casework.context import case_key
from dsar.casework.thread import STRANGER
from dsar.errors import ApprovalError, UsageError
from dsar.model import Identifier, IdentifierType, IdentityLevel
from dsar.outbox import SmtpOutbox
from dsar.store.tables import OutboxRow

FORGED = "mx.xelent.example; dmarc=fail header.from=example.se"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def now() -> datetime:
    return datetime.now(UTC)


def warned(office: Office, to: str | None = None) -> str:
    """Anna looks at the warning and sends it; its words."""
    contact = Identifier(type=IdentifierType.EMAIL, value=to) if to else None
    case = office.only_case()
    shown = warning.show(office.app, case, contact, actor="anna", now=now())
    warning.send(office.app, case, contact, actor="anna", now=now())
    return " ".join(shown.letter.text.split())


def warnings(office: Office) -> list[OutboxRow]:
    with office.app.store.transaction() as tx:
        return [row for row in tx.outgoing_of_case(1) if row.kind == "identity_warning"]


def opened(office: Office, row: OutboxRow) -> tuple[str, str]:
    """(to whom a mail goes, the whole of it)"""
    unseal, key = office.app.vault.unseal, case_key(office.only_case())
    return (
        unseal(key, f"outbox.recipient:{row.message_id}", row.sealed_recipient).decode(),
        unseal(key, f"outbox.mime:{row.message_id}", row.sealed_mime).decode(),
    )


def test_the_person_is_warned_at_the_address_on_file(office: Office) -> None:
    office.receive(MALLORY, CLAIM)
    work(office)
    text = warned(office)
    (row,) = warnings(office)
    assert opened(office, row)[0] == ON_FILE
    assert "Vi har inte lämnat ut några uppgifter" in text
    assert not any(secret in text for secret in ("K20004", "mallory", *SECRETS))


def test_the_warning_shows_nothing_of_who_asked(office: Office) -> None:
    """Not even the Message-ID of their mail, which a reply would name."""
    office.receive(MALLORY, CLAIM, headers={"X-Mailer": "mallory"})
    work(office)
    warned(office)
    content = opened(office, warnings(office)[0])[1]
    assert not any(
        sign in content for sign in ("mallory", "other.example", "In-Reply-To", "References", "sender.example")
    )


def test_whoever_asks_hears_nothing_of_the_warning(office: Office) -> None:
    office.receive(MALLORY, CLAIM)
    work(office)
    with office.app.store.transaction() as tx:
        before = len(tx.outgoing_of_case(1))
    warned(office)
    with office.app.store.transaction() as tx:
        rows = tx.outgoing_of_case(1)
    assert [opened(office, row)[0] for row in rows[before:]] == [ON_FILE]


def test_the_victim_of_a_forged_sender_is_warned(office: Office) -> None:
    office.receive(VICTIM, PLAIN, finding=FORGED)
    work(office)
    warned(office)
    assert opened(office, warnings(office)[0])[0] == ON_FILE


def test_nobody_is_warned_of_themselves(office: Office) -> None:
    office.receive(VICTIM, PLAIN)
    work(office)
    assert office.only_case().identity_level == IdentityLevel.L1
    with pytest.raises(UsageError, match="No address"):
        warning.show(office.app, office.only_case(), None, actor="anna", now=now())


@pytest.mark.parametrize("address", ["mallory@other.example", "erik.nystrom@example.se"])
def test_no_address_is_warned_that_is_not_on_file_for_whom_it_is_about(office: Office, address: str) -> None:
    office.receive(MALLORY, CLAIM)
    work(office)
    with pytest.raises(ApprovalError, match="not on file"):
        warned(office, to=address)
    assert warnings(office) == []


def test_a_warning_is_seen_before_it_is_sent(office: Office) -> None:
    office.receive(MALLORY, CLAIM)
    work(office)
    with pytest.raises(ApprovalError, match="you have not seen"):
        warning.send(office.app, office.only_case(), None, actor="anna", now=now())


def test_one_warning_is_enough(office: Office) -> None:
    office.receive(MALLORY, CLAIM)
    work(office)
    warned(office)
    with pytest.raises(ApprovalError, match="warned already"):
        warned(office)


def test_nothing_is_mailed_to_who_lives_with_protected_identity(office: Office) -> None:
    office.receive(MALLORY, "Jag lever med skyddade personuppgifter. " + CLAIM)
    with pytest.raises(ApprovalError, match="nothing about this person is mailed"):
        warned(office)


def test_a_victim_who_answers_joins_the_case_and_changes_nothing(office: Office) -> None:
    """They may be in a hurry to tell us; a person reads it."""
    office.receive(MALLORY, CLAIM)
    work(office)
    warned(office)
    office.receive(VICTIM, "Det var inte jag som skrev!\n", in_reply_to=warnings(office)[0].message_id)
    case = office.only_case()
    assert (case.identity_level, STRANGER in case.flags) == (IdentityLevel.L0, True)


def test_a_warning_that_no_server_takes_goes_before_a_person(office: Office, smtp_sink: SmtpSink) -> None:
    office.receive(MALLORY, CLAIM)
    work(office)
    warned(office)
    smtp_sink.faults.append(Fault.NEVER_AT_RCPT)
    (row,) = warnings(office)
    outbox = SmtpOutbox(smtp_sink.account())
    sending.dispatch_mail(office.app, row.id or 0, outbox=outbox, now=now())
    lines = [line for line in views.queue(office.app, now=now()) if line.state == "failed"]
    assert [line.waits_for for line in lines] == ["person: mail failed"]
