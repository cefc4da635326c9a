"""The outbox against a real SMTP server over TLS that takes letters, refuses them, or breaks off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import DovecotServer, Fault, SmtpSink, TlsFiles, make_tls

from dsar.errors import (
    DispatchRefusedError,
    DispatchUncertainError,
    MalformedMailError,
    OutboxUnavailableError,
    UndeliverableAddressError,
)
from dsar.mailserver import Credential
from dsar.outbox import Receipt, SmtpAccount, SmtpOutbox

LETTER = b"Subject: D-2026-00042\r\nMessage-ID: <dsar-D-2026-00042-k3j5@xelent.example>\r\n\r\n.\r\n..hej\r\n"


def send(account: SmtpAccount, content: bytes = LETTER, *recipients: str) -> Receipt:
    return SmtpOutbox(account).send(
        content, sender="gdpr@xelent.example", recipients=recipients or ("anna@example.org",)
    )


@pytest.fixture
def starttls_sink(tls_files: TlsFiles) -> Iterator[SmtpSink]:
    with SmtpSink(tls_files, starttls=True) as sink:
        yield sink


# ------------------------------------------------------------------------------------------------------------ taken


def test_a_letter_arrives_byte_for_byte(smtp_sink: SmtpSink) -> None:
    send(smtp_sink.account(), LETTER, "anna@example.org", "journal@xelent.example")
    (taken,) = smtp_sink.taken
    assert (taken.sender, taken.recipients) == ("gdpr@xelent.example", ("anna@example.org", "journal@xelent.example"))
    assert taken.content == LETTER


def test_the_receipt_repeats_what_the_server_said(smtp_sink: SmtpSink) -> None:
    assert send(smtp_sink.account()) == Receipt(code=250, reply="2.0.0 Ok: queued as 1")


def test_starttls_works(starttls_sink: SmtpSink) -> None:
    send(starttls_sink.account())
    assert len(starttls_sink.taken) == 1


def test_an_access_token_works_in_place_of_a_password(smtp_sink: SmtpSink) -> None:
    send(smtp_sink.account(credential=lambda: Credential(kind="xoauth2", secret="token")))
    assert len(smtp_sink.taken) == 1


def test_a_relay_on_this_machine_needs_neither_tls_nor_log_in() -> None:
    with SmtpSink(None) as relay:
        send(relay.account(user=None, credential=None))
        assert len(relay.taken) == 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from([b".", b"..", b"", b"a", b".\x00", b"QUIT", b"\xff"]), max_size=8))
def test_no_line_of_a_letter_ends_it_early(smtp_sink: SmtpSink, lines: list[bytes]) -> None:
    content = b"Subject: x\r\n\r\n" + b"".join(line + b"\r\n" for line in lines)
    send(smtp_sink.account(), content)
    assert smtp_sink.taken[-1].content == content


def test_a_letter_lands_in_the_mailbox_of_its_recipient(
    tls_files: TlsFiles, dovecot_server: DovecotServer, mail_user: str
) -> None:
    address = f"{mail_user}@example.org"
    with SmtpSink(tls_files, deliver=dovecot_server.deliver) as sink:
        send(sink.account(), LETTER, address)
    assert dovecot_server.count(address) == 1


# -------------------------------------------------------------------------------------------------------- not taken


@pytest.mark.parametrize("fault", [Fault.LATER_AT_RCPT, Fault.LATER_AFTER_DATA, Fault.CUT_AT_RCPT])
def test_a_letter_not_taken_now_may_be_offered_again(smtp_sink: SmtpSink, fault: Fault) -> None:
    smtp_sink.faults.append(fault)
    with pytest.raises(OutboxUnavailableError):
        send(smtp_sink.account())
    assert smtp_sink.taken == []
    send(smtp_sink.account())
    assert len(smtp_sink.taken) == 1


@pytest.mark.parametrize(("fault", "code"), [(Fault.NEVER_AT_RCPT, 550), (Fault.NEVER_AFTER_DATA, 554)])
def test_a_letter_refused_for_good_says_so_without_naming_anybody(smtp_sink: SmtpSink, fault: Fault, code: int) -> None:
    smtp_sink.faults.append(fault)
    with pytest.raises(DispatchRefusedError) as caught:
        send(smtp_sink.account())
    assert str(caught.value) == f"The mail server refused the letter for good (SMTP {code})."


def test_one_refused_recipient_stops_the_letter_for_all(smtp_sink: SmtpSink) -> None:
    smtp_sink.faults.append(Fault.NEVER_AT_RCPT)
    with pytest.raises(DispatchRefusedError):
        send(smtp_sink.account(), LETTER, "nobody@example.org", "anna@example.org")
    assert smtp_sink.taken == []


# -------------------------------------------------------------------------------------------------------- uncertain


@pytest.mark.parametrize(
    ("fault", "stored"),
    [(Fault.CUT_BEFORE_STORING, 0), (Fault.CUT_AFTER_STORING, 1), (Fault.NONSENSE_AFTER_STORING, 1)],
)
def test_a_break_between_content_and_reply_is_uncertain(smtp_sink: SmtpSink, fault: Fault, stored: int) -> None:
    """From here both look the same, so that neither "sent" nor "not sent" would be true."""
    smtp_sink.faults.append(fault)
    with pytest.raises(DispatchUncertainError):
        send(smtp_sink.account())
    assert len(smtp_sink.taken) == stored


# ------------------------------------------------------------------------------------------------- before the letter


@pytest.mark.parametrize("kind", ["password", "xoauth2"])
def test_a_wrong_secret_is_temporary_and_said_plainly(smtp_sink: SmtpSink, kind: str) -> None:
    secret = Credential(kind=kind, secret="hemligt-å")  # type: ignore[arg-type]
    with pytest.raises(OutboxUnavailableError) as caught:
        send(smtp_sink.account(credential=lambda: secret))
    assert str(caught.value) == (
        "The mail server for outgoing mail cannot be used: the user name or the password was refused (SMTP 535)."
    )


def test_a_log_in_that_the_server_demands_is_not_the_letters_fault(tls_files: TlsFiles) -> None:
    with SmtpSink(tls_files, starttls=True, login_required=True) as sink:
        with pytest.raises(OutboxUnavailableError, match="SMTP 530"):
            send(sink.account(user=None, credential=None))
        assert sink.taken == []


@pytest.mark.parametrize("starttls", [False, True])
def test_a_server_that_our_ca_did_not_sign_gets_nothing(tls_files: TlsFiles, tmp_path: Path, *, starttls: bool) -> None:
    with SmtpSink(tls_files, starttls=starttls) as sink:
        with pytest.raises(OutboxUnavailableError, match="certificate is not trusted"):
            send(sink.account(ca_file=make_tls(tmp_path).ca_file))
        assert sink.taken == []


def test_a_server_without_starttls_gets_nothing() -> None:
    with SmtpSink(None) as sink:
        with pytest.raises(OutboxUnavailableError):
            send(sink.account(security="starttls"))
        assert sink.taken == []


def test_no_letter_crosses_a_network_unencrypted() -> None:
    with pytest.raises(OutboxUnavailableError, match="unencrypted"):
        send(SmtpAccount(host="mail.example.org", port=25, security="plain"))


def test_nobody_listening_is_temporary() -> None:
    with pytest.raises(OutboxUnavailableError, match="refused the connection"):
        send(SmtpAccount(host="127.0.0.1", port=1, security="plain"))


@pytest.mark.parametrize(
    "recipient", ["åsa@example.org", "anna@example.org>\r\nRCPT TO:<evil@example.org", "a b@example.org", "anna", ""]
)
def test_an_address_that_an_envelope_cannot_carry_is_never_tried(smtp_sink: SmtpSink, recipient: str) -> None:
    with pytest.raises(UndeliverableAddressError):
        send(smtp_sink.account(), LETTER, recipient)
    assert smtp_sink.taken == []


@pytest.mark.parametrize("content", [b"a: b\n\nx\r\n", b"a: b\r\n\r\nx\r.\r\n"])
def test_a_lone_cr_or_lf_is_never_sent(smtp_sink: SmtpSink, content: bytes) -> None:
    """Servers differ in where they see a line end, which lets one mail hold another."""
    with pytest.raises(MalformedMailError):
        send(smtp_sink.account(), content)
    assert smtp_sink.taken == []


def test_check_says_what_works_and_sends_nothing(smtp_sink: SmtpSink) -> None:
    account = smtp_sink.account()
    assert SmtpOutbox(account).check() == (
        f"connected to localhost:{account.port} (tls)",
        "logged in as privacy",
        "mails up to 33 MB are taken",
    )
    assert smtp_sink.taken == []
