"""One connection to a mailbox serves many steps, and is opened anew when it is of no use any more."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from office import open_office
from servers import DovecotServer

from dsar import worker
from dsar.inbox import ImapInbox, Line
from dsar.outbox import Receipt, SmtpOutbox

MESSAGE_ID = "<dsar-D-2026-00042-k3j5@example.org>"
LETTER = f"Message-ID: {MESSAGE_ID}\r\nSubject: D-2026-00042\r\n\r\nHej\r\n".encode()


def test_one_connection_serves_one_block_after_the_other(dovecot_server: DovecotServer, mail_user: str) -> None:
    line = Line(lambda: ImapInbox(dovecot_server.account(mail_user)))
    with line.lent() as first:
        first.append_sent(LETTER)
    with line.lent() as second:
        assert second is first
        assert second.find_sent(MESSAGE_ID)
    line.drop()


def test_a_connection_that_the_server_ended_meanwhile_is_opened_anew(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    line = Line(lambda: ImapInbox(dovecot_server.account(mail_user)))
    with line.lent() as inbox:
        inbox._connection.client.shutdown()
    with line.lent() as inbox:
        assert not inbox.find_sent(MESSAGE_ID)
    line.drop()


def test_a_connection_over_which_something_failed_is_not_used_again(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    line = Line(lambda: ImapInbox(dovecot_server.account(mail_user)))
    with suppress(LookupError), line.lent():
        raise LookupError
    assert line.inbox is None


class TakesAll(SmtpOutbox):
    """A mail server that takes every letter."""

    def __init__(self) -> None:
        pass

    def send(self, content: bytes, *, sender: str, recipients: Sequence[str]) -> Receipt:
        return Receipt(code=250, reply="Ok")


def test_all_letters_of_a_time_are_filed_over_one_connection(
    tmp_path: Path, dovecot_server: DovecotServer, mail_user: str
) -> None:
    opened: list[ImapInbox] = []

    def open_inbox() -> ImapInbox:
        opened.append(ImapInbox(dovecot_server.account(mail_user)))
        return opened[-1]

    with open_office(tmp_path) as office:
        for name in ("maria", "per", "siv"):
            office.receive(f"<{name}@example.se>", "Jag vill veta vilka personuppgifter ni har om mig.")
        worker.run_due(replace(office.session.tools, open_inbox=open_inbox, outbox=TakesAll()))
    assert (len(dovecot_server.flags(mail_user, "Sent")), len(opened)) == (6, 1)
