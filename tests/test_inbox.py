"""The inbox against a real Dovecot over TLS, and against a server that lies where no honest one would."""

import hashlib
import imaplib
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import SELECTED, DovecotServer, ImapCommand, ImapScript, LyingImapServer, make_tls, pymap_server

from dsar.errors import InboxUnavailableError
from dsar.inbox import ImapInbox
from dsar.inbox.sent_folder import SentFolder
from dsar.inbox.wire import arrival, compact_set, fetched_items, found_uids, packed, quoted
from dsar.mailserver import Credential
from dsar.model import RawMail

SEEN_AT = datetime(2030, 1, 1, tzinfo=UTC)
LETTER = b"From: anna@example.org\r\nSubject: Begaran\r\n\r\nVilka uppgifter har ni om mig?\r\n"
EIGHT_BIT = b"Subject: r\xe4tt\r\nContent-Type: text/plain\r\n\r\nBeg\xe4ran fr\xc3\xa5n \xff\xfe h\xe4r\r\n.\r\n..\r\n"


def new(inbox: ImapInbox, after_uid: int = 0, folder: str = "INBOX") -> list[RawMail]:
    return [mail for batch in inbox.new_mails(folder, after_uid=after_uid, seen_at=SEEN_AT) for mail in batch]


def whole(mail: RawMail) -> bytes:
    return b"".join(mail.pieces())


def numbered(number: int, size: int = 0) -> bytes:
    return f"Subject: {number}\r\n\r\n".encode() + b"x" * size + b"\r\n"


# ---------------------------------------------------------------------------------------------------- reading mail


def test_a_delivered_mail_is_read_with_its_place_and_time(dovecot_server: DovecotServer, mail_user: str) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    dovecot_server.deliver(LETTER, mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        epoch = inbox.uid_validity("INBOX")
        (mail,) = new(inbox)
    assert (mail.mailbox, mail.folder, mail.uid_validity, mail.uid) == ("privacy", "INBOX", epoch, 1)
    assert before <= mail.received_at <= datetime.now(UTC)
    assert mail.content.endswith(LETTER)


def test_bytes_are_exact_even_where_they_are_no_text(dovecot_server: DovecotServer, mail_user: str) -> None:
    dovecot_server.append(EIGHT_BIT, mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        assert [mail.content for mail in new(inbox)] == [EIGHT_BIT]


def test_the_clock_starts_at_the_time_of_arrival_at_the_server(dovecot_server: DovecotServer, mail_user: str) -> None:
    dovecot_server.append(LETTER, mail_user, internal_date='"25-Nov-2026 00:30:00 +0100"')
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        assert new(inbox)[0].received_at == datetime(2026, 11, 24, 23, 30, tzinfo=UTC)


def test_reading_never_marks_a_mail_as_seen(dovecot_server: DovecotServer, mail_user: str) -> None:
    """Staff see in their own mail program what no person has opened yet."""
    dovecot_server.append(LETTER, mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        new(inbox)
    assert [flags for flags in dovecot_server.flags(mail_user) if "Seen" in flags] == []


def test_reading_opens_a_folder_read_only() -> None:
    """Some servers set \\Seen even on PEEK, but not there."""
    with LyingImapServer(agree) as server, ImapInbox(server.account()) as inbox:
        inbox.uid_validity("INBOX")
        new(inbox)
    assert [command for command in server.received if b"INBOX" in command] == [b'EXAMINE "INBOX"'] * 2


def test_only_mails_above_the_mark_are_read(dovecot_server: DovecotServer, mail_user: str) -> None:
    for number in (1, 2, 3):
        dovecot_server.append(numbered(number), mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        assert [mail.uid for mail in new(inbox, after_uid=1)] == [2, 3]


def test_nothing_new_is_nothing_although_the_server_names_its_last_mail(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    """`UID SEARCH UID 2:*` finds mail 1 where 1 is the last: the star means the highest there is."""
    dovecot_server.append(LETTER, mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        assert new(inbox, after_uid=1) == []


def test_batches_stay_within_four_megabytes(dovecot_server: DovecotServer, mail_user: str) -> None:
    for number in range(5):
        dovecot_server.append(numbered(number, 1_500_000), mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        batches = list(inbox.new_mails("INBOX", after_uid=0, seen_at=SEEN_AT))
    assert [[mail.uid for mail in batch] for batch in batches] == [[1, 2], [3, 4], [5]]


def test_more_mails_than_one_command_names_are_all_read(dovecot_server: DovecotServer, mail_user: str) -> None:
    with dovecot_server.session(mail_user) as other:
        for number in range(450):
            other.append("INBOX", "", "", numbered(number))
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        assert [mail.uid for mail in new(inbox)] == list(range(1, 451))


def test_a_mail_over_eight_megabytes_arrives_whole(dovecot_server: DovecotServer, mail_user: str) -> None:
    big = b"Subject: big\r\n\r\n" + b"".join(b"%09d\r\n" % number for number in range(900_000))
    dovecot_server.append(big, mail_user)
    dovecot_server.append(LETTER, mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        assert [whole(mail) == expected for mail, expected in zip(new(inbox), [big, LETTER], strict=True)] == [True] * 2


def test_between_two_batches_the_inbox_may_be_used_for_something_else(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    for number in range(4):
        dovecot_server.append(numbered(number, 3_000_000), mail_user)
    contents = []
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        for (mail,) in inbox.new_mails("INBOX", after_uid=0, seen_at=SEEN_AT):
            contents.append(mail.content)
            inbox.move_done("INBOX", mail.uid_validity, [mail.uid])
            inbox.append_sent(LETTER)
            assert not inbox.find_sent("<nothing@example.org>")
    assert contents == [numbered(number, 3_000_000) for number in range(4)]


# ------------------------------------------------------------------------------------------------------ numbering


def test_a_renumbered_folder_shows_itself(dovecot_server: DovecotServer, mail_user: str) -> None:
    dovecot_server.append(LETTER, mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        before = inbox.uid_validity("INBOX")
    dovecot_server.renumber(mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        assert inbox.uid_validity("INBOX") != before


def test_nothing_is_moved_by_uids_of_another_epoch(dovecot_server: DovecotServer, mail_user: str) -> None:
    dovecot_server.append(LETTER, mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        epoch = inbox.uid_validity("INBOX")
    dovecot_server.renumber(mail_user)
    with (
        ImapInbox(dovecot_server.account(mail_user)) as inbox,
        pytest.raises(InboxUnavailableError, match="UIDVALIDITY changed"),
    ):
        inbox.move_done("INBOX", epoch, [1])
    assert dovecot_server.count(mail_user) == 1


def test_a_folder_renumbered_between_two_looks_is_read_anew_not_on() -> None:
    """Its mails below the mark of the old epoch would never be read."""
    with LyingImapServer(agree) as server, ImapInbox(server.account()) as inbox:
        inbox.uid_validity("INBOX")
        server.selected = SELECTED.replace(b"77", b"78")
        with pytest.raises(InboxUnavailableError, match="UIDVALIDITY changed"):
            new(inbox, after_uid=5)


def test_a_folder_without_uidvalidity_is_refused() -> None:
    with (
        LyingImapServer(refuse, selected=b"* 9 EXISTS\r\n") as server,
        ImapInbox(server.account()) as inbox,
        pytest.raises(InboxUnavailableError, match="UIDVALIDITY"),
    ):
        inbox.uid_validity("INBOX")


# -------------------------------------------------------------------------------------------------- moving, filing


def test_done_mails_move_to_a_folder_that_is_made_for_them(dovecot_server: DovecotServer, mail_user: str) -> None:
    for number in (1, 2, 3):
        dovecot_server.append(numbered(number), mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        inbox.move_done("INBOX", inbox.uid_validity("INBOX"), [1, 3])
        assert [mail.uid for mail in new(inbox)] == [2]
        assert [mail.content for mail in new(inbox, folder="DSAR-Done")] == [numbered(1), numbered(3)]


def test_moving_again_after_a_crash_changes_nothing(dovecot_server: DovecotServer, mail_user: str) -> None:
    dovecot_server.append(LETTER, mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        for _ in range(2):
            inbox.move_done("INBOX", inbox.uid_validity("INBOX"), [1])
    assert (dovecot_server.count(mail_user), dovecot_server.count(mail_user, "DSAR-Done")) == (0, 1)


def test_a_folder_name_with_swedish_letters_and_blanks_works(dovecot_server: DovecotServer, mail_user: str) -> None:
    dovecot_server.append(LETTER, mail_user)
    with ImapInbox(dovecot_server.account(mail_user, done_folder="Behandlat åäö")) as inbox:
        inbox.move_done("INBOX", inbox.uid_validity("INBOX"), [1])
        assert len(new(inbox, folder="Behandlat åäö")) == 1


def test_a_sent_letter_is_filed_as_read_and_found_again(dovecot_server: DovecotServer, mail_user: str) -> None:
    letter = b"Message-ID: <dsar-D-2026-00042-k3j5@example.org>\r\nSubject: D-2026-00042\r\n\r\nHej\r\n"
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        assert not inbox.find_sent("<dsar-D-2026-00042-k3j5@example.org>")
        inbox.append_sent(letter)
        assert inbox.find_sent("<dsar-D-2026-00042-k3j5@example.org>")
        assert not inbox.find_sent("<dsar-D-2026-00042-q8q8@example.org>")
    assert "Seen" in dovecot_server.flags(mail_user, "Sent")[0]


def test_a_sent_letter_is_found_although_the_provider_gave_it_another_message_id(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    letter = b"Message-ID: <0100@mail.provider.example>\r\nX-DSAR-Letter: dsar-D-2026-00042-k3j5\r\n\r\nHej\r\n"
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        inbox.append_sent(letter)
        assert inbox.find_sent("<dsar-D-2026-00042-k3j5@example.org>")


SENT_LETTER = b"Message-ID: <dsar-D-2026-00042-k3j5@example.org>\r\nSubject: D-2026-00042\r\n\r\nHej\r\n"
SENT_ID = "<dsar-D-2026-00042-k3j5@example.org>"


def test_a_copy_that_the_provider_files_meanwhile_is_found(dovecot_server: DovecotServer, mail_user: str) -> None:
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        inbox.append_sent(LETTER)
        assert not inbox.find_sent(SENT_ID, number=7, newest=lambda: 6)
        dovecot_server.append(SENT_LETTER, mail_user, "Sent")
        assert inbox.find_sent(SENT_ID, number=7, newest=lambda: 7)


@pytest.mark.parametrize(
    ("number", "found"), [(6, True), (7, False)], ids=["the letter was there", "the letter is newer than the folder"]
)
def test_a_copy_is_not_looked_for_among_mails_that_were_there_before_its_letter(
    dovecot_server: DovecotServer, mail_user: str, number: int, *, found: bool
) -> None:
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        inbox.append_sent(SENT_LETTER)
        inbox.append_sent(LETTER)  # servers look at the last one whatever the range
        inbox.find_sent("<another@example.org>", number=5, newest=lambda: 6)
        assert inbox.find_sent(SENT_ID, number=number, newest=lambda: 7) is found


def test_in_a_folder_that_was_numbered_anew_a_copy_is_looked_for_everywhere() -> None:
    seen = SentFolder()
    seen.met(1, 40, newest=6)
    assert seen.first_of(7) == 40
    seen.met(2, 10, newest=8)
    assert (seen.first_of(7), seen.first_of(9)) == (1, 10)


def test_without_move_mails_are_copied_and_expunged_by_their_uids() -> None:
    """A plain EXPUNGE would remove what other people marked as deleted."""
    with (
        LyingImapServer(agree, capabilities=b"IMAP4rev1 UIDPLUS") as server,
        ImapInbox(server.account()) as inbox,
    ):
        inbox.move_done("INBOX", 77, [5, 6, 7, 9])
    sent = [command for command in server.received if command.startswith((b"UID", b"EXPUNGE"))]
    assert sent == [
        b'UID COPY 5:7,9 "DSAR-Done"',
        rb"UID STORE 5:7,9 +FLAGS.SILENT (\Deleted)",
        b"UID EXPUNGE 5:7,9",
    ]


def test_without_move_and_uid_expunge_nothing_is_touched() -> None:
    with (
        LyingImapServer(agree, capabilities=b"IMAP4rev1") as server,
        ImapInbox(server.account()) as inbox,
        pytest.raises(InboxUnavailableError, match="plain EXPUNGE"),
    ):
        inbox.move_done("INBOX", 77, [5])
    assert [command for command in server.received if command.startswith(b"UID")] == []


# -------------------------------------------------------------------------------------------------------- waiting


def test_waiting_ends_when_a_mail_comes(dovecot_server: DovecotServer, mail_user: str) -> None:
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        new(inbox)
        threading.Timer(0.3, dovecot_server.deliver, (LETTER, mail_user)).start()
        started = time.monotonic()
        assert inbox.wait(30)
    assert time.monotonic() - started < 20


def test_waiting_without_mail_ends_in_time(dovecot_server: DovecotServer, mail_user: str) -> None:
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        new(inbox)
        assert not inbox.wait(0.2)
        assert new(inbox) == []


def test_a_mail_that_came_while_others_were_moved_is_not_waited_for() -> None:
    """Opening the folder again counts it as known, so that nothing would announce it any more."""
    with LyingImapServer(agree) as server, ImapInbox(server.account()) as inbox:
        new(inbox)
        server.selected = SELECTED.replace(b"UIDNEXT 9", b"UIDNEXT 10")
        inbox.move_done("INBOX", 77, [5])
        assert inbox.wait(30)
    assert b"IDLE" not in server.received


def test_a_connection_that_has_not_looked_yet_waits(dovecot_server: DovecotServer, mail_user: str) -> None:
    """It would otherwise be asked again and again without a pause."""
    dovecot_server.append(LETTER, mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        assert not inbox.wait(0.1)


@pytest.mark.parametrize("hangs_up", [True, False], ids=["end of stream", "BYE"])
def test_a_connection_that_dies_while_waiting_is_an_error_at_once(*, hangs_up: bool) -> None:
    """Taken for silence, it would be waited on for ever, or asked again without a pause."""

    def die(command: ImapCommand) -> None:
        if command.text == b"IDLE":
            command.send(b"+ idling\r\n")
            time.sleep(0.1)
            if hangs_up:
                command.hang_up()
            else:
                command.send(b"* BYE Connection is closed\r\n")
        else:
            agree(command)

    with LyingImapServer(die) as server, ImapInbox(server.account()) as inbox:
        new(inbox)
        started = time.monotonic()
        with pytest.raises(InboxUnavailableError, match="ended the connection"):
            inbox.wait(30)
    assert time.monotonic() - started < 20


def test_an_announcement_split_over_two_packets_is_understood() -> None:
    def split(command: ImapCommand) -> None:
        if command.text == b"IDLE":
            command.send(b"+ idling\r\n* 10 EXI")
            time.sleep(0.2)
            command.send(b"STS\r\n")
            assert command.stream.readline() == b"DONE\r\n"
        agree(command)

    with LyingImapServer(split) as server, ImapInbox(server.account(timeout_seconds=5)) as inbox:
        new(inbox)
        assert inbox.wait(5)


def test_an_announcement_in_the_same_packet_as_the_answer_to_idle_is_heard() -> None:
    def both(command: ImapCommand) -> None:
        if command.text == b"IDLE":
            command.send(b"+ idling\r\n* 10 EXISTS\r\n")
            assert command.stream.readline() == b"DONE\r\n"
        agree(command)

    with LyingImapServer(both) as server, ImapInbox(server.account()) as inbox:
        new(inbox)
        started = time.monotonic()
        assert inbox.wait(30)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(("answer", "worth_looking"), [(b"", False), (b"* 10 EXISTS\r\n", True)])
def test_without_idle_waiting_sleeps_and_then_asks(answer: bytes, *, worth_looking: bool) -> None:
    def script(command: ImapCommand) -> None:
        command.send((answer if command.text == b"NOOP" else b"") + command.ok)

    with LyingImapServer(script, capabilities=b"IMAP4rev1") as server, ImapInbox(server.account()) as inbox:
        new(inbox)
        assert inbox.wait(0.1) is worth_looking
    assert b"IDLE" not in server.received


# ------------------------------------------------------------------------------------------- connecting, logging in


def test_starttls_works(dovecot_server: DovecotServer, mail_user: str) -> None:
    account = dovecot_server.account(mail_user, port=dovecot_server.imap_port, security="starttls")
    with ImapInbox(account) as inbox:
        assert inbox.check()[0] == f"connected to localhost:{account.port} (starttls) and logged in"


def test_an_access_token_works_in_place_of_a_password(dovecot_server: DovecotServer, mail_user: str) -> None:
    token = dovecot_server.access_token(mail_user)
    account = dovecot_server.account(mail_user, credential=lambda: Credential(kind="xoauth2", secret=token))
    with ImapInbox(account) as inbox:
        assert new(inbox) == []


@pytest.mark.parametrize("kind", ["password", "xoauth2"])
def test_a_wrong_secret_is_said_plainly_and_never_repeated(
    dovecot_server: DovecotServer, mail_user: str, kind: str
) -> None:
    secret = Credential(kind=kind, secret="hemligt")  # type: ignore[arg-type]
    with (
        pytest.raises(InboxUnavailableError) as caught,
        ImapInbox(dovecot_server.account(mail_user, credential=lambda: secret)),
    ):
        pass
    assert str(caught.value) == "Mailbox 'privacy' cannot be read: the user name or the password was refused."
    assert "hemligt" not in repr(secret)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_server_that_our_ca_did_not_sign_is_refused(
    dovecot_server: DovecotServer, mail_user: str, tmp_path: Path, security: str
) -> None:
    port = dovecot_server.imaps_port if security == "tls" else dovecot_server.imap_port
    other_ca = make_tls(tmp_path).ca_file
    account = dovecot_server.account(mail_user, port=port, security=security, ca_file=other_ca)
    with pytest.raises(InboxUnavailableError, match="certificate is not trusted"), ImapInbox(account):
        pass


def test_no_password_crosses_a_network_unencrypted(dovecot_server: DovecotServer) -> None:
    asked: list[str] = []
    account = dovecot_server.account("anna", host="mail.example.org", security="plain", credential=lambda: asked.append)
    with pytest.raises(InboxUnavailableError, match="unencrypted"), ImapInbox(account):
        pass
    assert asked == []


def test_a_server_without_starttls_gets_no_password() -> None:
    with (
        LyingImapServer(agree) as server,
        pytest.raises(InboxUnavailableError, match="lacks a capability"),
        ImapInbox(server.account(security="starttls")),
    ):
        pass
    assert [command for command in server.received if command.startswith(b"LOGIN")] == []


def test_nobody_listening_is_said_plainly(dovecot_server: DovecotServer) -> None:
    with (
        pytest.raises(InboxUnavailableError, match="refused the connection"),
        ImapInbox(dovecot_server.account("anna", port=1)),
    ):
        pass


def test_check_says_what_the_server_offers(dovecot_server: DovecotServer, mail_user: str) -> None:
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        assert inbox.check()[1:] == (
            "folder 'INBOX' can be read",
            "folder 'DSAR-Done' will be made when needed",
            "folder 'Sent' will be made when needed",
            "handled mail is moved by MOVE",
            "new mail is announced at once (IDLE)",
        )


def test_the_server_of_the_demo_is_good_enough() -> None:
    with pymap_server() as port, LyingImapServer(agree) as any_server:
        account = any_server.account(port=port, user="demouser", timeout_seconds=5)
        with ImapInbox(account) as inbox:
            inbox.append_sent(EIGHT_BIT)
            assert [mail.content for mail in new(inbox, folder="Sent")][-1] == EIGHT_BIT
            first = new(inbox)[0]
            inbox.move_done("INBOX", first.uid_validity, [first.uid])
            assert [mail.content for mail in new(inbox, folder="DSAR-Done")] == [first.content]


# --------------------------------------------------------------------------------------------------- lying servers


def agree(command: ImapCommand) -> None:
    """Say OK to everything, without data; every folder exists."""
    if command.text.startswith(b"LIST"):
        command.send(b'* LIST () "/" "' + command.text.split(b'"')[-2] + b'"\r\n')
    command.send(command.ok)


def refuse(command: ImapCommand) -> None:
    command.send(command.no)


def literal(uid: int, body: bytes, name: bytes = b"BODY[]") -> bytes:
    return b"* %d FETCH (UID %d %s {%d}\r\n%s)\r\n" % (uid, uid, name, len(body), body)


def holding(uids: bytes, bodies: ImapScript) -> ImapScript:
    """A server with these UIDs that answers for sizes honestly with nothing and for bodies by *bodies*."""

    def script(command: ImapCommand) -> None:
        if command.text.startswith(b"UID SEARCH"):
            command.send(b"* SEARCH " + uids + b"\r\n" + command.ok)
        elif b"BODY.PEEK" in command.text:
            bodies(command)
        else:
            agree(command)

    return script


def asked_uids(command: bytes) -> list[int]:
    """UIDs of a FETCH command."""
    spans = [span.split(b":") for span in command.split()[2].split(b",")]
    return [uid for span in spans for uid in range(int(span[0]), int(span[-1]) + 1)]


def test_one_mail_that_the_server_refuses_does_not_hide_the_others() -> None:
    """The server answers NO to every command that names mail 6, having sent some of the others or not."""

    def bodies(command: ImapCommand) -> None:
        uids = asked_uids(command.text)
        sent = b"".join(literal(uid, numbered(uid)) for uid in uids if uid != 6)
        command.send(sent + (command.no if 6 in uids else command.ok))

    with LyingImapServer(holding(b"5 6 7 8", bodies)) as server, ImapInbox(server.account()) as inbox:
        assert {mail.uid: mail.content for mail in new(inbox)} == {uid: numbered(uid) for uid in (5, 7, 8)}
        assert inbox.unfetchable == [6]


def test_a_mail_that_the_server_leaves_out_is_asked_for_alone() -> None:
    def bodies(command: ImapCommand) -> None:
        uid = asked_uids(command.text)[0]
        command.send(literal(uid, numbered(uid)) + command.ok)

    with LyingImapServer(holding(b"5 6 7", bodies)) as server, ImapInbox(server.account()) as inbox:
        assert [mail.uid for mail in new(inbox)] == [5, 6, 7]
        assert inbox.unfetchable == []


def in_pieces(mail: bytes, *, broken_from: int | None = None) -> ImapScript:
    """A server with one mail of 9 MB, by its own account, that hands out pieces of *mail*."""

    def script(command: ImapCommand) -> None:
        if command.text.startswith(b"UID SEARCH"):
            command.send(b"* SEARCH 5\r\n" + command.ok)
        elif b"RFC822.SIZE" in command.text:
            command.send(b"* 1 FETCH (UID 5 RFC822.SIZE 9000000)\r\n" + command.ok)
        else:
            start, length = (int(number) for number in command.text.split(b"<")[1].rstrip(b">)").split(b"."))
            if broken_from is not None and start >= broken_from:
                command.send(command.no)
            else:
                command.send(literal(5, mail[start : start + length], b"BODY[]<%d>" % start) + command.ok)

    return script


def test_a_big_mail_is_asked_for_in_pieces_until_nothing_follows() -> None:
    mail = numbered(5, 2_500_000)
    with LyingImapServer(in_pieces(mail)) as server, ImapInbox(server.account()) as inbox:
        assert [whole(found) == mail for found in new(inbox)] == [True]
    offsets = [0, 1 << 20, 2 << 20, len(mail)]
    assert [command for command in server.received if b"PEEK" in command] == [
        b"UID FETCH 5 (UID BODY.PEEK[]<%d.1048576>)" % offset for offset in offsets
    ]


def test_a_big_mail_that_breaks_off_is_never_taken_for_a_whole_one() -> None:
    script = in_pieces(numbered(5, 2_500_000), broken_from=2 << 20)
    with LyingImapServer(script) as server, ImapInbox(server.account()) as inbox:
        assert (new(inbox), inbox.unfetchable) == ([], [5])


@pytest.mark.parametrize("empty", [b"BODY[] NIL", b'BODY[] ""', b"FLAGS ()"])
def test_an_empty_mail_goes_before_a_person(empty: bytes) -> None:
    def bodies(command: ImapCommand) -> None:
        command.send(b"* 1 FETCH (UID 5 " + empty + b")\r\n" + command.ok)

    with LyingImapServer(holding(b"5", bodies)) as server, ImapInbox(server.account()) as inbox:
        assert (new(inbox), inbox.unfetchable) == ([], [5])


def test_a_mail_that_vanished_meanwhile_is_nobodys_business() -> None:
    searches: Iterator[bytes] = iter([b"5", b""])

    def script(command: ImapCommand) -> None:
        if command.text.startswith(b"UID SEARCH"):
            command.send(b"* SEARCH " + next(searches) + b"\r\n")
        agree(command)

    with LyingImapServer(script) as server, ImapInbox(server.account()) as inbox:
        assert (new(inbox), inbox.unfetchable) == ([], [])


def test_what_other_programs_do_meanwhile_is_not_mixed_into_a_mail() -> None:
    """Sequence number 5 in a FLAGS line is another mail than UID 5; EXPUNGE renumbers in the middle."""

    def bodies(command: ImapCommand) -> None:
        command.send(
            b"* 5 FETCH (FLAGS (\\Deleted))\r\n"
            + b"* 1 FETCH (UID 5 BODY[] {%d}\r\n%s FLAGS (\\Seen))\r\n" % (len(LETTER), LETTER)
            + b"* 3 EXPUNGE\r\n* 8 EXISTS\r\n"
            + b"* 1 FETCH (UID 6 BODY[] {%d}\r\n%s)\r\n" % (len(EIGHT_BIT), EIGHT_BIT)
            + b"* 9 FETCH (UID 99 BODY[] {3}\r\nabc)\r\n"
            + command.ok
        )

    with LyingImapServer(holding(b"5 6", bodies)) as server, ImapInbox(server.account()) as inbox:
        assert {mail.uid: mail.content for mail in new(inbox)} == {5: LETTER, 6: EIGHT_BIT}


def test_a_body_under_its_old_name_is_a_body() -> None:
    def bodies(command: ImapCommand) -> None:
        command.send(literal(5, LETTER, b"RFC822") + literal(6, LETTER, b"BODY[]<0>") + command.ok)

    with LyingImapServer(holding(b"5 6", bodies)) as server, ImapInbox(server.account()) as inbox:
        assert [mail.content for mail in new(inbox)] == [LETTER, LETTER]


def test_a_search_answer_in_two_lines_with_stray_blanks_is_understood() -> None:
    def bodies(command: ImapCommand) -> None:
        sent = b"".join(literal(uid, LETTER) for uid in asked_uids(command.text))
        command.send(sent + command.ok)

    with LyingImapServer(holding(b"5 6 \r\n* SEARCH 7", bodies)) as server, ImapInbox(server.account()) as inbox:
        assert [mail.uid for mail in new(inbox)] == [5, 6, 7]


@pytest.mark.parametrize(
    ("answer", "stays_open"),
    [
        pytest.param(b"* 1 FETCH (UID 5 BODY[] {5000}\r\nSubject: x", False, id="closed in the middle of a literal"),
        pytest.param(b"* 1 FETCH (UID 5 BODY[] {5000}\r\nSubject: x", True, id="silent in the middle of a literal"),
        pytest.param(b"* 1 FETCH (UID 5 BODY[] {8000000000}\r\nSubject: x", True, id="announces 8 GB"),
        pytest.param(b"what?\r\n", True, id="no IMAP at all"),
    ],
)
def test_a_broken_answer_is_temporary_and_yields_no_mail(answer: bytes, *, stays_open: bool) -> None:
    def bodies(command: ImapCommand) -> None:
        command.send(answer)
        if not stays_open:
            command.hang_up()

    with LyingImapServer(holding(b"5", bodies)) as server, ImapInbox(server.account()) as inbox:
        with pytest.raises(InboxUnavailableError) as caught:
            new(inbox)
        assert "Subject" not in str(caught.value)
        assert caught.value.__suppress_context__


def test_a_literal_shorter_than_the_mail_is_temporary_too() -> None:
    def bodies(command: ImapCommand) -> None:
        command.send(b"* 1 FETCH (UID 5 BODY[] {10}\r\n" + LETTER + b")\r\n" + command.ok)

    with (
        LyingImapServer(holding(b"5", bodies)) as server,
        ImapInbox(server.account()) as inbox,
        pytest.raises(InboxUnavailableError),
    ):
        new(inbox)


# ------------------------------------------------------------------------------------------------- the wire format


@given(st.sets(st.integers(1, 60)))
def test_a_compact_set_names_exactly_the_uids(uids: set[int]) -> None:
    spans = [span.split(":") for span in compact_set(sorted(uids)).split(",") if span]
    assert [uid for span in spans for uid in range(int(span[0]), int(span[-1]) + 1)] == sorted(uids)


def test_a_line_about_a_mail_by_its_position_says_nothing_about_the_uid_of_that_number() -> None:
    assert fetched_items([rb"5 (FLAGS (\Deleted))", rb"1 (UID 6 FLAGS ())"]) == {6: {b"UID": 6, b"FLAGS": ()}}


def test_a_compact_set_is_short() -> None:
    assert compact_set([1, 2, 3, 7, 9, 10]) == "1:3,7,9:10"


@given(st.lists(st.binary(max_size=40)))
def test_whatever_a_server_answers_is_read_or_refused(lines: list[bytes]) -> None:
    for read in (fetched_items, found_uids):
        try:
            read(lines)
        except (ValueError, imaplib.IMAP4.error):
            continue


@given(st.lists(st.integers(0, 9_000_000), max_size=30))
def test_packs_hold_every_mail_once_and_overflow_only_with_a_single_mail(sizes: list[int]) -> None:
    items: dict[int, dict[bytes, object]] = {uid: {b"RFC822.SIZE": size} for uid, size in enumerate(sizes, start=1)}
    packs = list(packed(list(items), items, limit_bytes=4_000_000))
    assert [uid for pack in packs for uid in pack] == list(items)
    assert all(len(pack) == 1 or sum(sizes[uid - 1] for uid in pack) <= 4_000_000 for pack in packs)


@pytest.mark.parametrize("text", ["a\r\nA1 LOGOUT", "å", "\0"])
def test_a_quoted_string_cannot_smuggle_a_command(text: str) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        quoted(text)


RECEIVED = (
    b"Received: from a by b; Tue, 24 Nov 2026 10:00:00 +0100\r\nReceived: from x; Mon, 2 Mar 1998 1:1:1 +0000\r\n\r\n"
)


@pytest.mark.parametrize(
    ("internal_date", "content", "expected"),
    [
        pytest.param(
            b"24-Nov-2026 08:30:00 +0000", RECEIVED, datetime(2026, 11, 24, 8, 30, tzinfo=UTC), id="INTERNALDATE"
        ),
        pytest.param(b" 1-Nov-2026 08:30:00 -0500", b"", datetime(2026, 11, 1, 13, 30, tzinfo=UTC), id="one digit"),
        pytest.param(None, RECEIVED, datetime(2026, 11, 24, 9, tzinfo=UTC), id="topmost Received"),
        pytest.param(b"99-Foo-2026 25:61:00 +9999", RECEIVED, datetime(2026, 11, 24, 9, tzinfo=UTC), id="nonsense"),
        pytest.param(None, b"Date: Tue, 24 Nov 2026 10:00:00 +0100\r\n\r\n", SEEN_AT, id="Date is the sender's word"),
        pytest.param(b"24-Nov-2099 08:30:00 +0000", b"", SEEN_AT, id="never in the future"),
    ],
)
def test_time_of_arrival(internal_date: bytes | None, content: bytes, expected: datetime) -> None:
    assert arrival(internal_date, content, seen_at=SEEN_AT) == expected


@given(st.binary(max_size=60), st.binary(max_size=200))
def test_every_mail_has_a_time_of_arrival(internal_date: bytes, content: bytes) -> None:
    found = arrival(internal_date, b"Received: x;" + content, seen_at=SEEN_AT)
    assert found.tzinfo is UTC
    assert found <= SEEN_AT


# ------------------------------------------------------------------------------------------- removing for good


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_mail_is_removed_for_good_where_its_bytes_are_the_expected_ones(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    for number in (1, 2, 3):
        dovecot_server.append(numbered(number), mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        epoch = inbox.uid_validity("INBOX")
        wanted = {(epoch, 1): digest(numbered(1)), (epoch, 2): digest(b"something else"), (epoch, 9): digest(b"")}
        assert inbox.expunge("INBOX", wanted) == [(epoch, 1), (epoch, 9)]  # 9 is not there at all
        assert [mail.uid for mail in new(inbox)] == [2, 3]


def test_what_another_client_marked_as_deleted_is_not_removed_along_with_it(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    for number in (1, 2):
        dovecot_server.append(numbered(number), mail_user)
    with dovecot_server.session(mail_user) as other:
        other.select("INBOX")
        other.uid("STORE", "2", "+FLAGS", r"(\Deleted)")
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        epoch = inbox.uid_validity("INBOX")
        inbox.expunge("INBOX", {(epoch, 1): digest(numbered(1))})
        assert [mail.uid for mail in new(inbox)] == [2]


def test_the_uids_of_another_epoch_remove_nothing(dovecot_server: DovecotServer, mail_user: str) -> None:
    dovecot_server.append(numbered(1), mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        epoch = inbox.uid_validity("INBOX")
        assert inbox.expunge("INBOX", {(epoch - 1, 1): digest(numbered(1))}) == []
        assert len(new(inbox)) == 1


def test_the_copy_of_a_letter_is_removed_by_its_id_and_bytes(dovecot_server: DovecotServer, mail_user: str) -> None:
    letter = b"Message-ID: <a@x.example>\r\nSubject: Svar\r\n\r\nHej\r\n"
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        inbox.append_sent(letter)
        assert inbox.expunge_sent("<a@x.example>", digest(b"as the provider rewrote it")) is False
        assert inbox.find_sent("<a@x.example>")
        assert inbox.expunge_sent("<a@x.example>", digest(letter)) is True
        assert not inbox.find_sent("<a@x.example>")
        assert inbox.expunge_sent("<a@x.example>", digest(letter)) is True  # nothing of it is left
