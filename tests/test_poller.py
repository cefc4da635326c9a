"""Polling and reconciling: what is stored, what is asked for again, what is told to whom."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from office import Office, open_office, written
from servers import DovecotServer, ScriptedMailbox
from sqlmodel import col

from dsar import poller
from dsar.casework import intake, reconciling, views
from dsar.errors import InboxUnavailableError, WrongKeyError
from dsar.inbox import ImapInbox
from dsar.store.tables import Message, RawPiece, Sighting

ARRIVED = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
HELLO = b"Subject: hello\r\n\r\nHello\r\n"
OTHER = b"Subject: other\r\n\r\nOther\r\n"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


@pytest.fixture
def box() -> ScriptedMailbox:
    return ScriptedMailbox()


def poll(office: Office, box: ScriptedMailbox) -> poller.Poll:
    with box.server() as server, ImapInbox(server.account()) as inbox:
        return poller.poll(office.app, "privacy", inbox)


def reconcile(office: Office, box: ScriptedMailbox) -> str:
    with box.server() as server, ImapInbox(server.account()) as inbox:
        found = poller.reconcile(office.app, "privacy", inbox)
    assert found is not None
    return found.words()


def sightings(office: Office) -> list[Sighting]:
    with office.app.store.transaction() as tx:
        return list(tx.session.scalars(sa.select(Sighting).order_by(col(Sighting.uid_validity), col(Sighting.uid))))


def messages(office: Office) -> list[Message]:
    with office.app.store.transaction() as tx:
        return list(tx.session.scalars(sa.select(Message).order_by(col(Message.id))))


def time_passes(office: Office, by: timedelta) -> None:
    """Everything that is planned comes so much nearer."""
    with office.app.store.transaction() as tx:
        for row in tx.unfetched():
            if row.retry_at:
                row.retry_at -= by


# --------------------------------------------------------------------------------------------------- unfetchable


def test_a_mail_that_the_server_keeps_back_is_asked_for_again_and_becomes_a_message_with_its_own_arrival(
    office: Office, box: ScriptedMailbox
) -> None:
    uid = box.deliver(HELLO)
    box.deliver(OTHER)
    box.refused = {uid}
    assert (poll(office, box).stored, poll(office, box).stored) == (1, 0)

    box.refused = set()
    time_passes(office, timedelta(minutes=2))
    assert poll(office, box).stored == 1

    assert {(row.sha256, row.received_at) for row in messages(office)} == {
        (hashlib.sha256(mail).hexdigest(), ARRIVED) for mail in (HELLO, OTHER)
    }
    assert box.folders[b"INBOX"] == {}
    assert [line.state for line in views.queue(office.app, now=datetime.now(UTC)) if line.state == "unfetchable"] == []


def test_it_is_not_asked_for_at_every_poll(office: Office, box: ScriptedMailbox) -> None:
    box.refused = {box.deliver(HELLO)}
    for _ in range(3):
        poll(office, box)
    assert [row.attempts for row in sightings(office)] == [1]


def test_after_ten_tries_it_stays_before_a_person(office: Office, box: ScriptedMailbox) -> None:
    box.refused = {box.deliver(HELLO)}
    for _ in range(14):
        poll(office, box)
        time_passes(office, timedelta(days=2))
    (line,) = views.queue(office.app, now=datetime.now(UTC))
    assert (line.state, line.blockers) == ("unfetchable", ("the mail server would not give it, 10 time(s)",))


def test_a_mail_kept_back_does_not_hold_up_the_mark_of_those_behind_it(office: Office, box: ScriptedMailbox) -> None:
    """Had again later, it does not turn the mark back either."""
    box.refused = {box.deliver(HELLO)}
    box.deliver(OTHER)
    poll(office, box)
    box.refused = set()
    time_passes(office, timedelta(days=1))
    poll(office, box)
    with office.app.store.transaction() as tx:
        assert tx.last_uid("privacy", "INBOX", 77) == 6


@pytest.mark.parametrize("renumbered", [True, False])
def test_a_mail_kept_back_that_is_gone_waits_for_nobody(
    office: Office, box: ScriptedMailbox, *, renumbered: bool
) -> None:
    """Somebody has taken it away, or it has another UID by now."""
    uid = box.deliver(HELLO)
    box.refused = {uid}
    poll(office, box)
    if renumbered:
        box.renumber()
        box.refused = set()
    else:
        del box.folders[b"INBOX"][uid]
    time_passes(office, timedelta(days=1))
    assert poll(office, box).stored == renumbered
    assert not [line for line in views.queue(office.app, now=datetime.now(UTC)) if line.state == "unfetchable"]


# ------------------------------------------------------------------------------------------------------ big mails


def test_a_big_mail_is_stored_in_sealed_pieces_and_read_again_whole(
    office: Office, dovecot_server: DovecotServer, mail_user: str
) -> None:
    big = b"Subject: big\r\n\r\n" + b"".join(b"%09d\r\n" % number for number in range(900_000))
    dovecot_server.append(big, mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        assert poller.poll(office.app, "privacy", inbox).stored == 1
    (message,) = messages(office)
    assert message.sha256 == hashlib.sha256(big).hexdigest()
    assert intake.raw_content(office.app, message) == big
    with office.app.store.transaction() as tx:
        pieces = list(tx.session.scalars(sa.select(RawPiece)))
    assert len(pieces) == 10
    assert not [piece for piece in pieces if b"000000123" in piece.sealed_content]


def test_a_big_mail_that_lost_a_piece_is_never_taken_for_a_whole_one(
    office: Office, dovecot_server: DovecotServer, mail_user: str
) -> None:
    dovecot_server.append(b"Subject: big\r\n\r\n" + b"x" * 9_000_000 + b"\r\n", mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        poller.poll(office.app, "privacy", inbox)
    with office.app.store.transaction() as tx:
        tx.session.execute(sa.delete(RawPiece).where(sa.column("position") == 8))
    with pytest.raises(WrongKeyError):
        intake.raw_content(office.app, messages(office)[0])


# --------------------------------------------------------------------------------------------------- where it went


def test_the_place_in_the_done_folder_is_remembered(office: Office, box: ScriptedMailbox) -> None:
    box.next_uid[b"DSAR-Done"] = 901
    for mail in (HELLO, OTHER):
        box.deliver(mail)
    poll(office, box)
    assert [(row.uid, row.done_uid_validity, row.done_uid) for row in sightings(office)] == [(5, 88, 901), (6, 88, 902)]


def test_dovecot_tells_the_place_too(office: Office, dovecot_server: DovecotServer, mail_user: str) -> None:
    for mail in (HELLO, OTHER):
        dovecot_server.append(mail, mail_user)
    with ImapInbox(dovecot_server.account(mail_user)) as inbox:
        poller.poll(office.app, "privacy", inbox)
        census = inbox.census("DSAR-Done")
    assert census is not None
    assert [(row.done_uid_validity, row.done_uid) for row in sightings(office)] == [
        (census.uid_validity, uid) for uid in census.sizes
    ]


# ----------------------------------------------------------------------------------------------------- reconciling


def test_where_nothing_differs_nothing_is_told(office: Office, box: ScriptedMailbox) -> None:
    box.deliver(HELLO)
    poll(office, box)
    assert reconcile(office, box) == ""


def test_a_mail_deleted_from_the_done_folder_is_missed_once_and_stays_stored(
    office: Office, box: ScriptedMailbox
) -> None:
    box.deliver(HELLO)
    poll(office, box)
    box.folders[b"DSAR-Done"].clear()
    assert (reconcile(office, box), reconcile(office, box)) == ("1 gone", "")
    assert intake.raw_content(office.app, messages(office)[0]) == HELLO


def test_a_mail_that_was_passed_over_is_read_after_all(office: Office, box: ScriptedMailbox) -> None:
    """A server that gives a new mail a UID below one that it gave before."""
    box.next_uid[b"INBOX"] = 9
    box.deliver(HELLO)
    poll(office, box)
    box.folders[b"INBOX"][8] = OTHER
    assert poll(office, box).stored == 0
    assert reconcile(office, box) == "1 unread"
    assert len(messages(office)) == 2
    poll(office, box)
    assert reconcile(office, box) == ""


def test_a_mail_that_somebody_put_into_the_done_folder_is_told_once_and_opens_no_case(
    office: Office, box: ScriptedMailbox
) -> None:
    box.deliver(OTHER, b"DSAR-Done")
    assert (reconcile(office, box), reconcile(office, box)) == ("1 unknown", "")
    assert messages(office) == []


def test_a_mail_moved_back_and_handled_again_is_no_difference(office: Office, box: ScriptedMailbox) -> None:
    box.deliver(HELLO)
    poll(office, box)
    box.move(1, b"DSAR-Done", b"INBOX")
    poll(office, box)
    assert reconcile(office, box) == ""


@pytest.mark.parametrize("told", [True, False])
def test_a_done_folder_that_was_renumbered_or_never_told_places_is_known_by_its_bytes(
    office: Office, box: ScriptedMailbox, *, told: bool
) -> None:
    box.tells_places = told
    for mail in (HELLO, OTHER):
        box.deliver(mail)
    poll(office, box)
    box.renumber(b"DSAR-Done")
    assert reconcile(office, box) == ""
    places = {row.sha256: row.done_uid for row in sightings(office)}
    assert places == {hashlib.sha256(mail).hexdigest(): uid for uid, mail in box.folders[b"DSAR-Done"].items()}


def test_a_mail_of_another_size_than_before_is_told(office: Office, box: ScriptedMailbox) -> None:
    box.deliver(HELLO)
    poll(office, box)
    box.folders[b"DSAR-Done"][1] += b"more"
    assert (reconcile(office, box), reconcile(office, box)) == ("1 resized", "")


def test_a_server_that_says_moved_and_keeps_the_mail_is_found_out(office: Office, box: ScriptedMailbox) -> None:
    box.deliver(HELLO)
    poll(office, box)
    box.folders[b"INBOX"][5] = box.folders[b"DSAR-Done"].pop(1)
    assert reconcile(office, box) == "1 unmoved"
    poll(office, box)
    assert (box.folders[b"INBOX"], reconcile(office, box)) == ({}, "")


def test_a_mailbox_is_reconciled_once_a_day(office: Office, box: ScriptedMailbox) -> None:
    now = datetime.now(UTC)
    assert reconciling.is_due(office.app, "privacy", now=now)
    reconcile(office, box)
    assert not reconciling.is_due(office.app, "privacy", now=now + timedelta(hours=23))
    assert reconciling.is_due(office.app, "privacy", now=now + timedelta(hours=25))


def test_a_mailbox_that_another_process_reads_is_left_alone(office: Office, box: ScriptedMailbox) -> None:
    box.deliver(HELLO)
    with office.app.store.transaction() as tx:
        tx.take_lease("mailbox:privacy", "elsewhere:1", now=datetime.now(UTC), seconds=60)
    assert poll(office, box).busy
    with box.server() as server, ImapInbox(server.account()) as inbox:
        assert poller.reconcile(office.app, "privacy", inbox) is None
    assert messages(office) == []


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("command", [b"RFC822.SIZE", b"BODY", b"MOVE"])
def test_a_line_that_drops_at_any_command_loses_and_doubles_nothing(
    office: Office, box: ScriptedMailbox, command: bytes, *, after: bool
) -> None:
    for mail in (HELLO, OTHER):
        box.deliver(mail)
    box.cut, box.cut_after = command, after
    with pytest.raises(InboxUnavailableError):
        poll(office, box)
    poll(office, box)
    assert len(messages(office)) == 2
    assert sorted(box.folders[b"DSAR-Done"].values()) == [HELLO, OTHER]
    assert reconcile(office, box) == ""


def test_a_request_in_the_spam_folder_keeps_its_day_of_arrival(
    office: Office, dovecot_server: DovecotServer, mail_user: str
) -> None:
    """However long it lay there."""
    with dovecot_server.session(mail_user) as session:
        session.create("Junk")
    mail = written("anna@example.org", "Vilka uppgifter har ni om mig?")
    dovecot_server.append(mail, mail_user, "Junk", internal_date='"01-Nov-2026 09:00:00 +0100"')
    with ImapInbox(dovecot_server.account(mail_user, folders=("INBOX", "Junk"))) as inbox:
        assert poller.poll(office.app, "privacy", inbox).stored == 1
    (message,) = messages(office)
    intake.sort(office.app, message.id or 0, now=datetime.now(UTC))
    assert [request.received_at for request in office.requests()] == [datetime(2026, 11, 1, 8, tzinfo=UTC)]
