"""
One IMAP connection whose answers can be relied on.

Effects: the network. Wraps imapclient, works around what it gets wrong (ranges, dead connections in IDLE, debug text of
every mail) and turns all foreign errors into InboxUnavailableError without the server's words.
"""

import imaplib
import re
import select
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from imapclient import IMAPClient, SocketTimeout  # type: ignore[import-untyped]
from imapclient.exceptions import CapabilityError, LoginError, ProtocolError  # type: ignore[import-untyped]

from dsar.errors import InboxUnavailableError
from dsar.inbox.wire import Items, compact_set, copied_uids, fetched_items, found_uids
from dsar.mailserver import CredentialSource, Security, cause_of, plain_is_refused
from dsar.tls import tls_context

_FOREIGN_ERRORS = (imaplib.IMAP4.error, OSError, ValueError, LookupError)  # imapclient's errors derive from imaplib's


@dataclass(frozen=True, kw_only=True)
class ImapAccount:
    """A mailbox and how to reach it."""

    mailbox: str  #: Name in settings; the only thing about the account that errors mention.
    host: str
    port: int
    security: Security  #: "plain" is accepted for loopback only.
    user: str
    credential: CredentialSource  #: Asked at every connection.
    ca_file: Path | None = None  #: PEM; None: the CAs of the operating system.
    folders: tuple[str, ...] = ("INBOX",)  #: Read for new mail; the first one is watched.
    done_folder: str = "DSAR-Done"
    sent_folder: str = "Sent"
    timeout_seconds: float = 30  #: For connecting and for each answer.


class Connection:
    """
    Logged in from the start, of no more use after an error.

    Methods raise imaplib, OS and value errors as they come; callers put them inside `translated()`.
    """

    def __init__(self, account: ImapAccount) -> None:
        self._account = account
        self._broken = False
        self.selected: str | None = None  #: Folder that is open.
        self.uid_next: int | None = None  #: Its UIDNEXT when it was opened.
        if plain_is_refused(account.host, account.security):
            raise self.unavailable("an unencrypted connection is allowed to this machine only")
        with self.translated():
            self.client = self._connect()
            try:
                self._log_in()
            except _FOREIGN_ERRORS:
                self.client.shutdown()
                raise

    def close(self, *, politely: bool) -> None:
        """End the connection, with a LOGOUT if *politely* and nothing went wrong."""
        with suppress(*_FOREIGN_ERRORS):
            if politely and not self._broken:
                self.client.logout()
            else:
                self.client.shutdown()

    def unavailable(self, cause: str) -> InboxUnavailableError:
        """The error of this mailbox."""
        return InboxUnavailableError(self._account.mailbox, cause)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Foreign errors as ours, cut off from their texts, which repeat what the server sent (P9)."""
        try:
            yield
        except _FOREIGN_ERRORS as error:
            self._broken = True
            raise self.unavailable(cause_of(error, otherwise=_refusal(error))) from None

    # ------------------------------------------------------------------------------------------------- commands

    def select(self, folder: str, *, readonly: bool, expected: int | None = None) -> int:
        """
        Open *folder* and answer its UIDVALIDITY.

        Args: expected: the UIDVALIDITY it must have.
        """
        self.selected = None
        # RFC 9051 section 6.3.3, EXAMINE: "No changes to the permanent state of the mailbox ... are permitted", which
        # also keeps those servers from setting \Seen that do so on PEEK
        answer = self.client.select_folder(folder, readonly=readonly)
        if b"UIDVALIDITY" not in answer:
            raise self.unavailable("its server gives no UIDVALIDITY, without which mails cannot be told apart")
        epoch: int = answer[b"UIDVALIDITY"]
        if expected not in (None, epoch):
            raise self.unavailable("the folder was renumbered meanwhile (UIDVALIDITY changed); read it anew")
        self.selected, self.uid_next = folder, answer.get(b"UIDNEXT")
        self.announced()
        return epoch

    def search(self, *criteria: str) -> list[int]:
        """UIDs in the open folder that fit, ascending."""
        self._imap.untagged_responses.pop("SEARCH", None)
        status, lines = self._imap.uid("SEARCH", *criteria)
        if status != "OK":
            raise self.unavailable("its server refused to search")
        return found_uids(lines)

    def fetch(self, uids: Sequence[int], names: str) -> dict[int, Items] | None:
        """{UID: items} for those of *uids* that were answered; None if the server refused or garbled the answer."""
        self._imap.untagged_responses.pop("FETCH", None)
        try:
            status, lines = self._imap.uid("FETCH", compact_set(uids), names)
            return fetched_items(lines) if status == "OK" else None
        except imaplib.IMAP4.abort:  # the connection is gone
            raise
        except (imaplib.IMAP4.error, ValueError):  # BAD, or lines that cannot be read
            return None

    def mark_deleted(self, uids: str) -> None:
        r"""Set \Deleted; imapclient's add_flags sends a range and then fails on its own answer."""
        status, _ = self._imap.uid("STORE", uids, "+FLAGS.SILENT", r"(\Deleted)")
        if status != "OK":
            raise self.unavailable("its server refused to mark mails that were copied")

    def transfer(self, verb: Literal["MOVE", "COPY"], uids: str, folder: str) -> dict[int, tuple[int, int]]:
        """
        Move or copy mails of the open folder.

        Returns: {UID: (UIDVALIDITY, UID) in *folder*}, as far as the server tells; imapclient drops that.
        """
        self._imap.untagged_responses.pop("COPYUID", None)
        encoded = self.client._normalise_folder(folder)  # noqa: SLF001  # modified UTF-7, quoted
        status, lines = self._imap._simple_command("UID", verb, uids, encoded)  # noqa: SLF001
        if status != "OK":
            raise self.unavailable("its server refused to move mails")
        told = self._imap.untagged_responses.pop("COPYUID", [])  # RFC 6851 section 4.3: before the tagged OK
        tagged = re.findall(rb"^\[COPYUID ([^\]]*)\]", lines[0] or b"")
        return copied_uids([*told, *tagged])

    # ----------------------------------------------------------------------------------------------------- IDLE

    def idle(self, seconds: float, *, meanwhile: Callable[[], bool], every: float) -> bool:
        """
        True once the server announces mail. imapclient's own idle_check takes a dead connection for silence.

        Args: meanwhile: called after each *every* seconds of silence; True ends the waiting.
        """
        self.client.idle()
        deadline = time.monotonic() + seconds
        announced = False
        while not announced and (left := deadline - time.monotonic()) > 0:
            if not self._has_line(time.monotonic() + min(left, every)):
                if left > every and meanwhile():
                    break
                continue
            self._imap._get_response()  # noqa: SLF001  # waits for the rest of a split line, aborts at end of stream
            if "BYE" in self._imap.untagged_responses:
                raise self.unavailable("its server ended the connection")
            announced = self.announced()
        self.client.idle_done()
        return self.announced() or announced

    def announced(self) -> bool:
        """Whether EXISTS or RECENT came since the last look."""
        answers = [self._imap.untagged_responses.pop(name, None) for name in ("EXISTS", "RECENT")]
        return any(answers)

    def _has_line(self, deadline: float) -> bool:
        """Whether a line, or the end of the stream, comes before *deadline*."""
        poller = select.poll()
        poller.register(self._imap.sock, select.POLLIN)
        if self._peek():  # came along with an earlier line and lies in the buffer already
            return True
        while (remaining := deadline - time.monotonic()) > 0:
            if poller.poll(remaining * 1000) and self._peek() is not None:
                return True
        return False

    def _peek(self) -> bytes | None:
        """What can be read without waiting; None if what came is TLS's own business."""
        self._imap.sock.settimeout(0)
        try:
            peeked: bytes = self._imap.file.peek(1)
        except ssl.SSLWantReadError:
            return None
        else:
            return peeked
        finally:
            self._imap.sock.settimeout(self._account.timeout_seconds)

    # ----------------------------------------------------------------------------------------------- connecting

    def _connect(self) -> IMAPClient:
        account = self._account
        context = None if account.security == "plain" else tls_context(account.ca_file)
        client = IMAPClient(
            account.host,
            account.port,
            ssl=account.security == "tls",
            ssl_context=context if account.security == "tls" else None,
            timeout=SocketTimeout(account.timeout_seconds, account.timeout_seconds),
        )
        client._imap.debug = 0  # noqa: SLF001  # else every mail is formatted for a log that nobody reads
        if account.security == "starttls":
            client.starttls(context)
        return client

    def _log_in(self) -> None:
        credential = self._account.credential()
        if credential.kind == "xoauth2":
            self.client.oauth2_login(self._account.user, credential.secret)
        elif self.client.has_capability("AUTH=PLAIN"):
            self.client.plain_login(self._account.user, credential.secret)  # RFC 4616: UTF-8, unlike LOGIN
        else:
            self.client.login(self._account.user, credential.secret)

    @property
    def _imap(self) -> Any:  # noqa: ANN401  # untyped library
        """The imaplib connection inside imapclient, which can send neither ranges nor long lists of UIDs itself."""
        return self.client._imap  # noqa: SLF001


def _refusal(error: BaseException) -> str:
    """What an error of the protocol itself means, in words that hold no server text."""
    if isinstance(error, LoginError) and not isinstance(error.__context__, imaplib.IMAP4.abort):
        return "the user name or the password was refused"
    if isinstance(error, CapabilityError):
        return "its server lacks a capability that is needed"
    if isinstance(error, (imaplib.IMAP4.abort, LoginError)):
        return "its server ended the connection or broke the protocol"
    if isinstance(error, (ProtocolError, ValueError, LookupError)):
        return "its server's answer makes no sense"
    return "its server refused a command"
