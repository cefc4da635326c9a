"""`dsar run` goes on: through a restarted server, a dropped line and an expired token."""

import base64
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from office import Office, open_office
from servers import DovecotServer, ImapCommand, LyingImapServer, ScriptedMailbox, dovecot
from servers.parts import await_greeting
from test_oauth import TokenServer

from dsar import poller
from dsar.inbox import ImapInbox
from dsar.oauth import AccessTokens, OAuthClient
from dsar.store.tables import Message


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


@contextmanager
def running(office: Office, *, work_seconds: float = 10, **inboxes: Callable[[], ImapInbox]) -> Iterator[None]:
    """The loop of the daemon, with news only by IDLE: the polls beside it are far apart."""
    stopping = threading.Event()
    arguments = {"interval_seconds": 60, "stopped": stopping.is_set, "work_seconds": work_seconds}
    thread = threading.Thread(target=poller.run, args=(office.session.tools, inboxes), kwargs=arguments)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(30)
        assert not thread.is_alive()


def stored(office: Office) -> int:
    with office.app.store.transaction() as tx:
        return tx.session.scalar(sa.select(sa.func.count()).select_from(Message)) or 0


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.05)


def mail(number: int) -> bytes:
    return b"Subject: %d\r\n\r\nHej\r\n" % number


def stop(server: DovecotServer) -> None:
    master = int((server.directory / "run" / "master.pid").read_text())
    os.kill(master, signal.SIGTERM)
    with suppress(OSError):
        while Path(f"/proc/{master}/stat").read_text().split()[2] != "Z":
            time.sleep(0.05)


def untried(office: Office) -> int:
    with office.app.store.transaction() as tx:
        return sum(work.attempts == 0 for work in tx.work())


def test_new_mail_is_read_although_hundreds_of_steps_are_due(
    office: Office, dovecot_server: DovecotServer, mail_user: str
) -> None:
    """It may ask for a marketing stop, which goes first; on a campaign day other steps are due for hours."""
    with office.app.store.transaction() as tx:
        tx.enqueue_new("unwrap", range(1000, 1800), due_at=datetime(2026, 11, 2, tzinfo=UTC))  # of no mail: each fails
    with running(office, work_seconds=0.2, privacy=lambda: ImapInbox(dovecot_server.account(mail_user))):
        wait_for(lambda: untried(office) < 800)
        dovecot_server.deliver(mail(1), mail_user)
        wait_for(lambda: stored(office))
        assert untried(office) > 0


def test_it_survives_a_restart_of_the_mail_server(office: Office) -> None:
    """What came while the server was down is read when it is back, and what comes then, too."""
    directory = Path(tempfile.mkdtemp(prefix="dsar-"))
    directory.chmod(0o755)  # it reads mail as another user than root
    again = None
    try:
        with dovecot(directory) as server, running(office, privacy=lambda: ImapInbox(server.account("anna"))):
            server.deliver(mail(1), "anna")
            wait_for(lambda: stored(office) == 1)
            stop(server)
            time.sleep(1.5)
            command = [shutil.which("dovecot") or "/usr/sbin/dovecot", "-F", "-c", str(directory / "dovecot.conf")]
            again = subprocess.Popen(command)
            await_greeting(server.imap_port, b"* OK")
            server.deliver(mail(2), "anna")
            wait_for(lambda: stored(office) == 2)
            server.deliver(mail(3), "anna")
            wait_for(lambda: stored(office) == 3)
    finally:
        if again is not None:
            again.terminate()
            again.wait(15)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.parametrize("at", [b"LIST", b"SEARCH", b"BODY", b"MOVE", b"IDLE"])
def test_it_survives_a_line_that_drops(office: Office, at: bytes) -> None:
    box = ScriptedMailbox()
    box.deliver(mail(1))
    box.cut = at
    with box.server() as server, running(office, privacy=lambda: ImapInbox(server.account())):
        wait_for(lambda: stored(office) == 1 and not box.folders[b"INBOX"] and box.cut is None)


def test_a_token_that_expires_is_renewed_at_the_next_connection(office: Office) -> None:
    """The mail server ends the connection when the token does, and takes only the new one."""
    box, valid, logins = ScriptedMailbox(), {"token-1"}, []

    def script(command: ImapCommand) -> None:
        if command.text.startswith(b"AUTHENTICATE XOAUTH2"):
            command.send(b"+ \r\n")
            token = base64.b64decode(command.stream.readline()).split(b"Bearer ")[1].strip(b"\1").decode()
            logins.append(token)
            command.send(command.ok if token in valid else command.no)
        elif command.text == b"IDLE" and "token-2" not in valid:
            valid.clear()
            valid.add("token-2")
            box.deliver(mail(1))
            command.send(b"* BYE Session expired\r\n")
            command.hang_up()
        else:
            box._script(command)

    tokens = TokenServer()
    tokens.answers = [
        (200, {"access_token": f"token-{number}", "token_type": "Bearer", "expires_in": 61}) for number in (1, 2)
    ]
    client = OAuthClient(token_url=tokens.url, client_id="dsar", client_secret="x")
    source = AccessTokens("privacy", client)
    capabilities = b"IMAP4rev1 IDLE UIDPLUS MOVE AUTH=XOAUTH2"
    server = LyingImapServer(script, capabilities=capabilities, selected=box._selected)
    with server, running(office, privacy=lambda: ImapInbox(server.account(credential=source))):
        wait_for(lambda: stored(office) == 1)
    tokens.close()
    assert (logins[0], logins[-1]) == ("token-1", "token-2")


def test_one_mailbox_that_is_down_does_not_hold_up_the_other(office: Office) -> None:
    box = ScriptedMailbox()
    box.deliver(mail(1))
    with box.server() as server, LyingImapServer(lambda command: command.hang_up()) as broken:
        down = broken.account(mailbox="privacy")
        with running(
            office, privacy=lambda: ImapInbox(down), second=lambda: ImapInbox(server.account(mailbox="second"))
        ):
            wait_for(lambda: stored(office) == 1)


def test_a_server_whose_idle_breaks_again_and_again_is_not_asked_without_a_pause(office: Office) -> None:
    box = ScriptedMailbox()

    def script(command: ImapCommand) -> None:
        if command.text == b"IDLE":
            command.hang_up()
        else:
            box._script(command)

    server = LyingImapServer(script, selected=box._selected)
    with server, running(office, privacy=lambda: ImapInbox(server.account())):
        time.sleep(3)
    assert 1 <= server.received.count(b"IDLE") <= 3
