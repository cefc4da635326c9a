"""
One employee's mailbox -> its folders, and every mail in them, whole or with an error.

Effects: the network, by IMAP over verified TLS. Folders are opened with EXAMINE for reading, so that no mail becomes
"read" by it; a folder is opened for changes only to remove one mail by its UID. What the server says is not believed
where it can be counted: a mail that it has and does not hand over makes the read fail (P5).
"""

import hashlib
import imaplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from imapclient import DELETED, IMAPClient, SocketTimeout  # type: ignore[import-untyped]  # ships no types
from imapclient.exceptions import LoginError  # type: ignore[import-untyped]

from connectors.mails import arrived as told
from dsar.errors import DsarError, SystemRefusedError, SystemUnavailableError
from dsar.tls import tls_context

_FOREIGN_ERRORS = (imaplib.IMAP4.error, OSError, ValueError, LookupError)  # imapclient's errors derive from imaplib's
#: UIDs of one command; servers refuse lists that are too long.
_MOST_AT_ONCE = 500
#: UIDs that one SEARCH may answer with: imaplib takes no line of more than a megabyte.
_SEARCH_WINDOW = 50_000
_BATCH_BYTES = 8_000_000
#: No mail server of ours takes a larger one.
_LARGEST_MAIL_BYTES = 100_000_000
#: RFC 3501 s. 7.2.2, RFC 5258 s. 3.5: a name without a mailbox behind it.
_NO_MAILBOX = frozenset({b"\\noselect", b"\\nonexistent"})
#: RFC 6154 s. 2. Mails are removed from these last: some servers put what is removed elsewhere into the trash.
_TRASH = b"\\trash"


@dataclass(frozen=True, kw_only=True)
class Account:
    """How to get into the mailboxes of one server."""

    host: str
    port: int
    user: str  #: Logs in; with *on_behalf* a master user.
    password: str
    on_behalf: bool  #: Opens mailboxes of others by SASL PLAIN (RFC 4616, authorization identity).
    ca_file: Path | None
    plain: bool  #: Without TLS, to this machine only.
    timeout_seconds: float


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder that can be opened."""

    name: str  #: As the server calls it, decoded from modified UTF-7 (RFC 3501 s. 5.1.3).
    shown: str  #: With "/" between its levels, whatever the server's own separator is.
    trash: bool


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A mail of the open folder before its bytes are fetched."""

    uid: int
    size: int  #: As the server says; only ever compared with what it said before.
    arrived_at: datetime


class Mailbox:
    """
    One mailbox, open while the `with` block runs.

    Raises in every method: SystemUnavailableError, SystemRefusedError; their texts name neither the mailbox nor what
    the server said (P9).
    """

    def __init__(self, system: str, account: Account, name: str) -> None:
        self._system, self._account, self._name = system, account, name
        self._client: Any = None

    def __enter__(self) -> Self:
        with self._translated():
            self._client = _connected(self._account)
            self._log_in()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(*_FOREIGN_ERRORS):
            self._client.logout()

    def folders(self) -> list[Folder]:
        """Every folder that can be opened, the trash last."""
        with self._translated():
            told = self._client.list_folders("", "*")
        found = []
        for flags, separator, name in told:
            folded = {flag.lower() for flag in flags}
            if not folded & _NO_MAILBOX:
                shown = str(name).replace(separator.decode(), "/") if separator else str(name)
                found.append(Folder(name=str(name), shown=shown, trash=_TRASH in folded))
        if not found:
            raise SystemUnavailableError(self._system, "a mailbox shows no folder")
        return sorted(found, key=lambda folder: folder.trash)

    def examine(self, folder: Folder) -> list[Listed]:
        r"""Open *folder* so that nothing in it changes, and list all its mails, those marked \Deleted too."""
        with self._translated():
            status = self._client.select_folder(folder.name, readonly=True)
            next_uid = int(status.get(b"UIDNEXT", 0)) or _SEARCH_WINDOW
            uids: list[int] = []
            for start in range(1, next_uid + 1, _SEARCH_WINDOW):
                uids += self._client.search(["UID", f"{start}:{start + _SEARCH_WINDOW - 1}"])
            listed = list(self._listed(sorted({*uids})))
        # RFC 3501 s. 7.3.1: EXISTS is the number of mails in the folder; a search may give fewer, and then it lies.
        if len(listed) < int(status.get(b"EXISTS", 0)):
            raise SystemUnavailableError(self._system, "its server lists fewer mails than it has")
        return listed

    def search(self, text: str) -> set[int]:
        """UIDs of the open folder in whose decoded heads or text its server finds *text*; it may be wrong."""
        with self._translated():
            return {*self._client.search(["TEXT", text], "UTF-8")}

    def contents(self, mails: Sequence[Listed]) -> Iterator[tuple[Listed, bytes]]:
        """The exact bytes of each of *mails* in the open folder."""
        for batch in _batches(mails):
            with self._translated():
                told = self._client.fetch([mail.uid for mail in batch], ["BODY.PEEK[]"])
            for mail in batch:
                content = told.get(mail.uid, {}).get(b"BODY[]")
                if content is None:
                    raise SystemUnavailableError(self._system, "its server does not hand over every mail that it has")
                yield mail, content

    def structures(self, mails: Sequence[Listed]) -> dict[int, object]:
        """{UID: BODYSTRUCTURE} of *mails* in the open folder, of those that the server can describe."""
        found: dict[int, object] = {}
        for batch in _lots(mails):
            with self._translated():
                told = self._client.fetch([mail.uid for mail in batch], ["BODYSTRUCTURE"])
            found |= {uid: items[b"BODYSTRUCTURE"] for uid, items in told.items() if b"BODYSTRUCTURE" in items}
        return found

    def copies(self, folder: Folder, *, size: int, sha256: str, arrived: str | None) -> list[Listed]:
        """
        The mails in *folder*, which is opened, whose bytes have this digest.

        Args: size, arrived: as its server and its record told; a server that tells another size now is believed in
        neither, so those that came then are looked at, too, all if that is not known (""); None: none.
        """
        alike = [mail for mail in self.examine(folder) if mail.size == size or arrived in ("", told(mail.arrived_at))]
        return [mail for mail, content in self.contents(alike) if hashlib.sha256(content).hexdigest() == sha256]

    def remove(self, folder: Folder, mail: Listed, *, sha256: str) -> None:
        r"""
        Remove one mail for good, and no other that somebody has marked \Deleted.

        Raises: SystemRefusedError too if the server cannot do that, or gives other bytes than the digest says.
        """
        with self._translated():
            # RFC 4315 s. 2.1: UID EXPUNGE; a plain EXPUNGE takes everything that is marked in the folder.
            if not self._client.has_capability("UIDPLUS"):
                raise SystemRefusedError(self._system, "its server cannot remove single mails (RFC 4315)")
            self._client.select_folder(folder.name, readonly=False)
        ((_, content),) = self.contents([mail])
        if hashlib.sha256(content).hexdigest() != sha256:
            raise SystemRefusedError(self._system, "a mail is another one than was approved")
        with self._translated():
            self._client.add_flags([mail.uid], [DELETED], silent=True)
            self._client.uid_expunge([mail.uid])

    # --------------------------------------------------------------------------------------------------- inside

    def _listed(self, uids: Sequence[int]) -> Iterator[Listed]:
        for at in range(0, len(uids), _MOST_AT_ONCE):
            lot = uids[at : at + _MOST_AT_ONCE]
            told = self._client.fetch(lot, ["RFC822.SIZE", "INTERNALDATE"])
            for uid in lot:
                items = told.get(uid, {})
                if not {b"RFC822.SIZE", b"INTERNALDATE"} <= {*items}:
                    raise SystemUnavailableError(self._system, "mails were removed while it was read")
                size = int(items[b"RFC822.SIZE"])
                if size > _LARGEST_MAIL_BYTES:
                    raise SystemUnavailableError(self._system, "a mail is larger than any should be")
                yield Listed(uid=uid, size=size, arrived_at=items[b"INTERNALDATE"])

    def _log_in(self) -> None:
        account = self._account
        try:
            if account.on_behalf:
                self._client.plain_login(account.user, account.password, self._name)
            else:
                self._client.login(account.user, account.password)
        except LoginError:
            raise SystemRefusedError(self._system, "the user name or the password was refused") from None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DsarError:
            raise
        except ssl.SSLCertVerificationError:
            raise SystemUnavailableError(self._system, "its certificate is not trusted") from None
        except _FOREIGN_ERRORS as error:
            raise SystemUnavailableError(self._system, type(error).__name__) from None


def _connected(account: Account) -> Any:  # noqa: ANN401  # an untyped library
    client = IMAPClient(
        account.host,
        account.port,
        ssl=not account.plain,
        ssl_context=None if account.plain else tls_context(account.ca_file),
        timeout=SocketTimeout(account.timeout_seconds, account.timeout_seconds),
    )
    client.normalise_times = False  # times keep their zone
    client._imap.debug = 0  # noqa: SLF001  # else every mail is formatted for a log that nobody reads
    return client


def _lots(mails: Sequence[Listed]) -> Iterator[Sequence[Listed]]:
    for at in range(0, len(mails), _MOST_AT_ONCE):
        yield mails[at : at + _MOST_AT_ONCE]


def _batches(mails: Sequence[Listed]) -> Iterator[Sequence[Listed]]:
    """As many mails at once as fit into memory easily."""
    batch: list[Listed] = []
    held = 0
    for mail in mails:
        if batch and (held + mail.size > _BATCH_BYTES or len(batch) == _MOST_AT_ONCE):
            yield batch
            batch, held = [], 0
        batch.append(mail)
        held += mail.size
    if batch:
        yield batch
