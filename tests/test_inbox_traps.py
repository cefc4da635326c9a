"""
Every trap that mail servers are known for, with the test that holds it; those that stood nowhere else are here.

"lib" is what the library does of it, "field" what other programs met. Each test is named by a part of its name.

    lib   ranges and long lists of UIDs fail or are refused             inbox: more_mails_than_one_command
    lib   debug text of every mail eats the processor                   here: no_mail_is_formatted_for_a_log
    lib   a dead connection is taken for silence in IDLE                inbox: a_connection_that_dies
    lib   an IDLE line split over two packets                           inbox: an_announcement_split
    lib   FLAGS of another mail mixed in; EXPUNGE inside FETCH          inbox: what_other_programs_do_meanwhile
    field UIDVALIDITY changes; UIDs used again                          stateful: renumber
    field the wrong mail after a reconnection                           inbox: moved_by_uids_of_another_epoch
    field sequence numbers shift                                        inbox: a_line_about_a_mail_by_its_position
    field a fetch marks as read                                         inbox: reading_opens_a_folder_read_only
    field a crash between storing and moving                            poller: drops_at_any_command
    field one bad mail blocks all                                       inbox: one_mail_that_the_server_refuses
    field a failed mail is never tried again, or for ever               poller: asked_for_again, after_ten_tries
    field archived before it was saved                                  stateful: nothing_leaves_before_it_is_stored
    field a second poll while the first still works                     poller: another_process_reads
    field "n:*" always finds the last mail                              inbox: nothing_new_is_nothing
    field fewer mails than asked for, and OK                            inbox: a_mail_that_the_server_leaves_out
    field some mails, then NO                                           inbox: one_mail_that_the_server_refuses
    field RFC822.SIZE lies, low or high                                 here: a_size_that_lies
    lib   bodies under other names                                      inbox: a_body_under_its_old_name
    lib   SEARCH in two lines with blanks                               inbox: a_search_answer_in_two_lines
    field a SEARCH answer beyond a million octets                       here: a_huge_folder_is_searched_in_windows
    field RECENT or EXISTS never sent during IDLE                       here: what_is_never_announced
    field a server silent for ever, in IDLE or at log-in                here: a_server_that_falls_silent
    field a token that expires while connected                          run: a_token_that_expires
    field a refresh token that is rotated                               oauth: a_rotated_refresh_token
    field Date wrong or missing                                         inbox: time_of_arrival
    lib   COPY tells places in the tagged line, MOVE before             here: places_told
    lib   SELECT without UIDVALIDITY                                    inbox: a_folder_without_uidvalidity
    lib   BODY[] NIL, "", missing                                       inbox: an_empty_mail_goes_before_a_person
    lib   a literal too long, too short, of 8 GB                        inbox: a_broken_answer, a_literal_shorter
    lib   a malformed ENVELOPE beside a body                            here: no_envelope_is_asked_for
    lib   a bad INTERNALDATE                                            inbox: time_of_arrival
    lib   a tagged OK without text                                      here: a_tagged_ok_without_text
    field no MOVE, no UIDPLUS, no keywords                              inbox: without_move
    field a move that the server says it did, and did not               poller: says_moved_and_keeps_the_mail
    field a move that the server refuses                                here: a_refused_move
    field a command longer than 8192 octets                             here: no_command_is_too_long
    field IDLE that a router or the provider forgets                    here: idle_is_begun_anew
    field a server that dies while the next batch is on its way         poller: drops_at_any_command
    lib   the second parser fails on a real bounce                      mime: second_parser_that_fails
    lib   it and ours read a Received differently                       senders: a_server_named_in_a_comment
    field Message-ID missing, twice, rewritten, the same for another    threads: other_words_under, by_another_way
    field From missing, twice, with several mailboxes                   mime: sender_is_the_one, two_from_headers
    field X-Auto-Response-Suppress taken for an automatic reply         mime: auto_response_suppress
    field storms of automatic replies                                   loop_rules: a_sender_gets_so_many
    field anybody's mail joins a case by the reference in its subject   threads: a_case_reference_alone
    field a Sent copy that the provider filed already                   inbox: although_the_provider_gave
"""

import re
import time
from pathlib import Path

import pytest
from servers import ImapCommand, LyingImapServer, ScriptedMailbox
from test_inbox import LETTER, agree, asked_uids, holding, literal, new, numbered, whole

from dsar.errors import InboxUnavailableError
from dsar.inbox import ImapInbox, mailbox
from dsar.inbox.wire import copied_uids


def honest(command: ImapCommand) -> None:
    """Give every body that is asked for."""
    sent = b"".join(literal(uid, numbered(uid)) for uid in asked_uids(command.text))
    command.send(sent + command.ok)


def test_no_mail_is_formatted_for_a_log_that_nobody_reads() -> None:
    with LyingImapServer(agree) as server, ImapInbox(server.account()) as inbox:
        assert inbox._connection.client._imap.debug == 0


@pytest.mark.parametrize("stated", [b"1", b"7999999"])
def test_a_size_that_lies_changes_no_mail(stated: bytes) -> None:
    def script(command: ImapCommand) -> None:
        if command.text.startswith(b"UID SEARCH"):
            command.send(b"* SEARCH 5 6\r\n" + command.ok)
        elif b"RFC822.SIZE" in command.text:
            sizes = b"".join(b"* 1 FETCH (UID %d RFC822.SIZE %s)\r\n" % (uid, stated) for uid in (5, 6))
            command.send(sizes + command.ok)
        else:
            honest(command)

    with LyingImapServer(script) as server, ImapInbox(server.account()) as inbox:
        assert [whole(mail) for mail in new(inbox)] == [numbered(5), numbered(6)]


def test_a_huge_folder_is_searched_in_windows() -> None:
    """The answer of each stays below the million octets that imaplib reads of a line."""
    selected = b"* 9 EXISTS\r\n* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 9000000] x\r\n"
    with LyingImapServer(agree, selected=selected) as server, ImapInbox(server.account()) as inbox:
        assert new(inbox, after_uid=8_800_000) == []
    assert [command for command in server.received if b"SEARCH" in command] == [
        b"UID SEARCH UID 8800001:8880000",
        b"UID SEARCH UID 8880001:8960000",
        b"UID SEARCH UID 8960001:*",
    ]


def test_what_is_never_announced_is_found_by_the_next_poll() -> None:
    """Waiting ends without news, and the poll beside it does not rely on any."""
    box = ScriptedMailbox()

    def script(command: ImapCommand) -> None:
        if command.text == b"IDLE":
            command.send(b"+ idling\r\n")
            box.deliver(LETTER)
            assert command.stream.readline() == b"DONE\r\n"
            command.send(command.ok)
        else:
            box._script(command)

    with LyingImapServer(script, selected=box._selected) as server, ImapInbox(server.account()) as inbox:
        assert new(inbox) == []
        assert not inbox.wait(0.2)
        assert [mail.content for mail in new(inbox)] == [LETTER]


@pytest.mark.parametrize("at", [b"IDLE", b"DONE", b"UID SEARCH", b"NOOP"])
def test_a_server_that_falls_silent_is_noticed_in_time(at: bytes) -> None:
    def script(command: ImapCommand) -> None:
        if command.text.startswith(at):
            return
        if command.text == b"IDLE":
            command.send(b"+ idling\r\n")
            assert command.stream.readline() == b"DONE\r\n"
            return
        agree(command)

    capabilities = b"IMAP4rev1 MOVE" if at == b"NOOP" else b"IMAP4rev1 IDLE MOVE"
    started = time.monotonic()

    def look_and_wait(inbox: ImapInbox) -> None:
        new(inbox)
        inbox.wait(0.2)

    with (
        LyingImapServer(script, capabilities=capabilities) as server,
        pytest.raises(InboxUnavailableError, match="did not answer in time"),
        ImapInbox(server.account(timeout_seconds=0.5)) as inbox,
    ):
        look_and_wait(inbox)
    assert time.monotonic() - started < 20


def test_work_goes_on_while_the_server_has_nothing_to_say() -> None:
    """IDLE is not ended for it; what is due is looked at every so often, and may end the waiting."""
    looks: list[float] = []

    def script(command: ImapCommand) -> None:
        if command.text == b"IDLE":
            command.send(b"+ idling\r\n")
            assert command.stream.readline() == b"DONE\r\n"
        agree(command)

    def look() -> bool:
        looks.append(time.monotonic())
        return len(looks) == 3

    with LyingImapServer(script) as server, ImapInbox(server.account()) as inbox:
        new(inbox)
        assert not inbox.wait(30, meanwhile=look, every=0.05)
    assert (len(looks), server.received.count(b"IDLE")) == (3, 1)


def test_no_envelope_is_asked_for() -> None:
    """A server that quotes it wrongly would spoil the bodies beside it."""
    with LyingImapServer(holding(b"5", honest)) as server, ImapInbox(server.account()) as inbox:
        new(inbox)
    assert not [command for command in server.received if b"ENVELOPE" in command]


def test_a_tagged_ok_without_text_is_temporary() -> None:
    def bodies(command: ImapCommand) -> None:
        command.send(literal(5, LETTER) + command.tag + b" OK\r\n")

    with (
        LyingImapServer(holding(b"5", bodies)) as server,
        ImapInbox(server.account()) as inbox,
        pytest.raises(InboxUnavailableError),
    ):
        new(inbox)


@pytest.mark.parametrize(
    ("capabilities", "told_before"), [(b"IMAP4rev1 UIDPLUS MOVE", True), (b"IMAP4rev1 UIDPLUS", False)]
)
def test_places_told_by_move_and_by_copy_are_understood(capabilities: bytes, *, told_before: bool) -> None:
    def script(command: ImapCommand) -> None:
        if command.text.startswith((b"UID MOVE", b"UID COPY")):
            code = b"OK [COPYUID 88 5:6,9 901:903] done\r\n"
            command.send(b"* " + code + command.ok if told_before else command.tag + b" " + code)
        else:
            agree(command)

    with LyingImapServer(script, capabilities=capabilities) as server, ImapInbox(server.account()) as inbox:
        assert inbox.move_done("INBOX", 77, [5, 6, 9]) == {5: (88, 901), 6: (88, 902), 9: (88, 903)}


@pytest.mark.parametrize("told", [b"88 5:6 901", b"88 x 1", b"88 5", b"88 1:4000000000 1:4000000000", b"\xff"])
def test_places_that_make_no_sense_are_no_places(told: bytes) -> None:
    assert copied_uids([told]) == {}


def test_a_refused_move_is_temporary_and_nothing_is_taken_for_moved() -> None:
    def script(command: ImapCommand) -> None:
        if command.text.startswith(b"UID MOVE"):
            command.send(command.no)
        else:
            agree(command)

    with (
        LyingImapServer(script) as server,
        ImapInbox(server.account()) as inbox,
        pytest.raises(InboxUnavailableError, match="refused to move"),
    ):
        inbox.move_done("INBOX", 77, [5])


def test_no_command_is_too_long_for_a_server() -> None:
    """RFC 7162 section 4 recommends 8192 octets; UIDs have up to ten digits and may lie far apart."""
    uids = range(4_000_000_000, 4_000_004_000, 2)
    with LyingImapServer(agree) as server, ImapInbox(server.account()) as inbox:
        inbox.move_done("INBOX", 77, uids)
    moves = [command for command in server.received if command.startswith(b"UID MOVE")]
    assert max(map(len, moves)) < 8192
    assert sum(command.count(b",") + 1 for command in moves) == len(uids)


def test_idle_is_begun_anew_every_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the caller would wait: RFC 2177 allows 29 minutes, routers and providers forget sooner."""

    def script(command: ImapCommand) -> None:
        if command.text == b"IDLE":
            command.send(b"+ idling\r\n")
            assert command.stream.readline() == b"DONE\r\n"
        agree(command)

    assert mailbox._IDLE_SECONDS <= 300
    monkeypatch.setattr(mailbox, "_IDLE_SECONDS", 0.1)
    started = time.monotonic()
    with LyingImapServer(script) as server, ImapInbox(server.account()) as inbox:
        assert [inbox.wait(3600), inbox.wait(3600)] == [False, False]
    assert server.received.count(b"IDLE") == 2
    assert time.monotonic() - started < 30


def test_every_trap_named_above_has_its_test() -> None:
    """A test that is renamed or removed must be so above, too."""
    sources = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    rows = [line[72:].strip() for line in (__doc__ or "").splitlines() if line.startswith("    ")]
    names = [name for row in rows for part in row.split("; ") for name in part.partition(": ")[2].split(", ")]
    assert len(names) > 30
    assert [name for name in names if not re.search(rf"def \w*{name}", sources)] == []
