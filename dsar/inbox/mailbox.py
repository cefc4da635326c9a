"""
New mails of a folder -> RawMail; handled mails -> done folder; sent letters -> sent folder.

Effects: one IMAP connection. Nothing is decided here and nothing marked before the caller has committed (promise P1):
reading opens folders read-only and peeks; moving is a call of its own and may be repeated.

UIDs, never sequence numbers: those shift whenever another client deletes. A UID means something only together with the
folder's UIDVALIDITY (RFC 9051 section 2.3.1.1), which is compared before anything is read or moved.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import BinaryIO, Self

from dsar.errors import InboxUnavailableError
from dsar.inbox.connection import Connection, ImapAccount
from dsar.inbox.sent_folder import SentFolder
from dsar.inbox.wire import Items, arrival, compact_set, packed, quoted, stated_size
from dsar.model import RawMail

_BATCH_BYTES = 4 << 20  # bodies fetched by one command
_BIG_MAIL_BYTES = 8 << 20  # from here on a mail is fetched in pieces
_PIECE_BYTES = 1 << 20
_UIDS_PER_COMMAND = 200  # RFC 7162 section 4: commands stay below 8192 octets; 200 UIDs take at most 2,200
_UIDS_PER_MOVE = 1000  # a server with a Maildir reads the whole folder for each command
_LONGEST_SET = 8000  # octets, for the same reason as above
_UIDS_PER_SEARCH = 80_000  # an answer line stays below the 1,000,000 octets that imaplib reads
_IDLE_SECONDS = 300  # RFC 2177 allows 29 minutes; routers and large providers drop silent connections earlier
_POLL_SECONDS = 60  # where IDLE is missing

#: Names under which servers return a body that was asked for as BODY.PEEK[].
_BODY_ITEMS = (b"BODY[]", b"BODY[]<0>", b"RFC822")


@dataclass(frozen=True, kw_only=True)
class Census:
    """Which mails lie in a folder."""

    uid_validity: int
    sizes: Mapping[int, int]  #: {UID: RFC822.SIZE as the server states it, 0 if it does not}


class ImapInbox:
    """
    One mailbox over one connection, open while the `with` block runs. Not for several threads.

    Every method raises InboxUnavailableError when the server cannot be reached, refuses or breaks the protocol; the
    connection is then of no more use.
    """

    def __init__(self, account: ImapAccount) -> None:
        self.unfetchable: list[int] = []  #: UIDs the last `new_mails` saw but could not get; a person must look.
        self.account = account
        self._searched: dict[str, int | None] = {}  #: Folder -> UIDNEXT up to which `new_mails` has looked.
        self._epochs: dict[str, int] = {}  #: Folder -> UIDVALIDITY as last told to the caller.
        self._there: set[str] = set()  #: Folders that this connection has met.
        self._sent = SentFolder()
        self._connection: Connection

    def __enter__(self) -> Self:
        self._connection = Connection(self.account)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close(politely=error is None)

    def answers(self) -> bool:
        """Whether the connection still works; after a while without a command a server may end it."""
        try:
            with self._connection.translated():
                self._connection.client.noop()
        except InboxUnavailableError:
            return False
        return True

    # -------------------------------------------------------------------------------------------------- reading

    def uid_validity(self, folder: str) -> int:
        """UIDVALIDITY of *folder*: when it changes, all UIDs known so far mean nothing."""
        with self._connection.translated():
            self._epochs[folder] = self._connection.select(folder, readonly=True)
            return self._epochs[folder]

    def new_mails(self, folder: str, *, after_uid: int, seen_at: datetime) -> Iterator[tuple[RawMail, ...]]:
        """
        Mails above *after_uid*, ascending, in batches of at most 4 MB; a bigger mail is a batch of its own.

        Nothing is flagged. A mail that cannot be had goes into `unfetchable`; one that vanished meanwhile is left out.
        Other methods may be called between two batches, and the next batch may be asked for in another thread.
        Args: after_uid: 0 for all; belongs to the epoch that `uid_validity` answered. seen_at: now, aware UTC, the
        last resort for the time of arrival.
        Raises: InboxUnavailableError also if the epoch changed since `uid_validity`.
        """
        self.unfetchable = []
        with self._connection.translated():
            epoch = self._connection.select(folder, readonly=True, expected=self._epochs.get(folder))
            uid_next = self._connection.uid_next
            yield from self._batches(folder, epoch, self._uids_above(after_uid), seen_at)
            self._searched[folder] = uid_next

    def mails(self, folder: str, uids: Sequence[int], *, seen_at: datetime) -> Iterator[tuple[RawMail, ...]]:
        """The mails of *uids*, ascending, as `new_mails` gives them; those that are not there are left out."""
        self.unfetchable = []
        with self._connection.translated():
            epoch = self._connection.select(folder, readonly=True, expected=self._epochs.get(folder))
            yield from self._batches(folder, epoch, uids, seen_at)

    def census(self, folder: str) -> Census | None:
        """What lies in *folder*; None if there is no such folder."""
        with self._connection.translated():
            if not self._connection.client.folder_exists(folder):
                return None
            epoch = self._epochs[folder] = self._connection.select(folder, readonly=True)
            uids = self._uids_above(0)
            answers = [self._connection.fetch(block, "(UID RFC822.SIZE)") for block in _blocks(uids, _UIDS_PER_COMMAND)]
        items = {uid: found for answer in answers for uid, found in (answer or {}).items()}
        return Census(uid_validity=epoch, sizes={uid: stated_size(items.get(uid, {})) for uid in uids})

    def wait(self, seconds: float, *, meanwhile: Callable[[], bool] = lambda: False, every: float = 5.0) -> bool:
        """
        Wait until the first folder may hold new mail or *seconds* (at most 5 minutes) have passed.

        Args: meanwhile: called after each *every* seconds of silence; True ends the waiting.
        Returns: whether it is worth looking; True at once if mail came since `new_mails` looked over this connection.
        Over another connection only what comes from now on counts. Without IDLE it sleeps at most a minute and asks.
        """
        watched = self.account.folders[0]
        connection = self._connection
        with connection.translated():
            if connection.selected != watched:
                connection.select(watched, readonly=True)
            if connection.announced() or connection.uid_next != self._searched.get(watched, connection.uid_next):
                return True
            if connection.client.has_capability("IDLE"):
                return connection.idle(min(seconds, _IDLE_SECONDS), meanwhile=meanwhile, every=every)
            deadline = time.monotonic() + min(seconds, _POLL_SECONDS)
            while (left := deadline - time.monotonic()) > 0:
                time.sleep(min(left, every))
                if left > every and meanwhile():
                    return False
            connection.client.noop()  # RFC 9051 section 6.1.2: "a periodic poll for new messages"
            return connection.announced()

    # ------------------------------------------------------------------------------------------- moving, filing

    def move_done(self, folder: str, uid_validity: int, uids: Sequence[int]) -> dict[int, tuple[int, int]]:
        """
        Move committed mails into the done folder, which is made if it is missing; mails no longer there are no error.

        Returns: {UID: (UIDVALIDITY, UID) in the done folder}, as far as the server tells.
        Raises: InboxUnavailableError if the epoch is no longer *uid_validity*: the UIDs may be other mails by now.
        """
        places: dict[int, tuple[int, int]] = {}
        with self._connection.translated():
            self._ensure_folder(self.account.done_folder)
            self._connection.select(folder, readonly=False, expected=uid_validity)
            for block in _blocks(sorted(uids), _UIDS_PER_MOVE):
                for part in _sendable(block):
                    told = self._move(compact_set(part), self.account.done_folder)
                    places |= {uid: told[uid] for uid in part if uid in told}
        return places

    def find_sent(self, message_id: str, *, number: int = 0, newest: Callable[[], int] | None = None) -> bool:
        """
        Whether the sent folder holds the letter with this Message-ID.

        Some providers put an id of their own in its place, so our header X-DSAR-Letter counts as well.
        Args: number: of the letter, newest: tells that of the newest one: with both the server is spared the mails that
        this connection had met there before the letter was made, for it reads all that it is asked about.
        """
        letter = message_id.strip("<>").partition("@")[0]
        either = ("OR", "HEADER", "Message-ID", quoted(message_id), "HEADER", "X-DSAR-Letter", quoted(letter))
        with self._connection.translated():
            if not self._exists(self.account.sent_folder):
                return False
            if self._connection.selected == self.account.sent_folder and newest and self._sent.is_known():
                self._connection.client.noop()  # has the server tell of what has come since
            else:
                epoch = self._connection.select(self.account.sent_folder, readonly=True)
                if newest and self._connection.uid_next:
                    self._sent.met(epoch, self._connection.uid_next, newest())
            first = self._sent.first_of(number)
            return bool(self._connection.search(*(("UID", f"{first}:*") if first > 1 else ()), *either))

    def append_sent(self, content: bytes) -> None:
        r"""File a sent letter as \Seen in the sent folder, which is made if it is missing."""
        with self._connection.translated():
            self._ensure_folder(self.account.sent_folder)
            self._connection.client.append(self.account.sent_folder, content, flags=[rb"\Seen"])

    def expunge(self, folder: str, wanted: Mapping[tuple[int, int], str]) -> list[tuple[int, int]]:
        """
        Remove mails for good whose bytes are what is expected, and nothing else.

        Args: wanted: {(UIDVALIDITY, UID): SHA-256 of the mail}.
        Returns: those that are no longer there; not those of another epoch, whose UIDs mean other mails, nor anything
        on a server without UID EXPUNGE (RFC 4315), for plain EXPUNGE would hit what others have marked.
        """
        census = self.census(folder)
        if census is None:
            return list(wanted)
        epoch = census.uid_validity
        here = {uid: digest for (validity, uid), digest in wanted.items() if validity == epoch}
        found = [uid for uid in here if uid in census.sizes]
        removed = self._expunge(folder, epoch, {uid: here[uid] for uid in found})
        return [(epoch, uid) for uid in here if uid in removed or uid not in census.sizes]

    def expunge_sent(self, message_id: str, sha256: str) -> bool:
        """Remove the copy of a letter, by its bytes, from the sent folder; whether none with this id is left there."""
        with self._connection.translated():
            if not self._connection.client.folder_exists(self.account.sent_folder):
                return True
            epoch = self._connection.select(self.account.sent_folder, readonly=True)
            self._epochs[self.account.sent_folder] = epoch
            uids = self._connection.search("HEADER", "Message-ID", quoted(message_id))
        return self._expunge(self.account.sent_folder, epoch, dict.fromkeys(uids, sha256)) == set(uids)

    def _expunge(self, folder: str, epoch: int, wanted: Mapping[int, str]) -> set[int]:
        if not wanted or not self._connection.client.has_capability("UIDPLUS"):
            return set()
        batches = self.mails(folder, sorted(wanted), seen_at=datetime.now(UTC))
        same = {mail.uid for batch in batches for mail in batch if mail.sha256 == wanted[mail.uid]}
        with self._connection.translated():
            self._connection.select(folder, readonly=False, expected=epoch)
            for block in _blocks(sorted(same), _UIDS_PER_COMMAND):
                self._connection.mark_deleted(compact_set(block))
                self._connection.client.uid_expunge(compact_set(block))
        return same

    def check(self) -> tuple[str, ...]:
        """What works and what this server offers, one sentence each, for `dsar check`."""
        account = self.account
        client = self._connection.client
        found = [f"connected to {account.host}:{account.port} ({account.security}) and logged in"]
        with self._connection.translated():
            for folder in account.folders:
                self._connection.select(folder, readonly=True)
                found.append(f"folder {folder!r} can be read")
            for folder in (account.done_folder, account.sent_folder):
                exists = client.folder_exists(folder)
                found.append(f"folder {folder!r} exists" if exists else f"folder {folder!r} will be made when needed")
            found.append(f"handled mail is moved by {self._way_of_moving()}")
            idle = client.has_capability("IDLE")
            found.append("new mail is announced at once (IDLE)" if idle else "new mail is looked for every minute")
        return tuple(found)

    # ---------------------------------------------------------------------------------------------------- parts

    def _reopen(self, folder: str, epoch: int) -> None:
        """Go back to *folder* if the caller did something else between two batches."""
        if self._connection.selected != folder:
            self._connection.select(folder, readonly=True, expected=epoch)

    def _uids_above(self, after_uid: int) -> list[int]:
        """
        UIDs above *after_uid*, searched in windows. The last window ends in "*", the highest UID of all, which the
        server also returns when it lies below the window (RFC 9051 section 9, seq-range), hence the filter.
        """
        starts = range(after_uid + 1, max(self._connection.uid_next or 0, after_uid + 2), _UIDS_PER_SEARCH)
        found: set[int] = set()
        for start in starts:
            end = "*" if start == starts[-1] else start + _UIDS_PER_SEARCH - 1
            found.update(self._connection.search("UID", f"{start}:{end}"))
        return sorted(uid for uid in found if uid > after_uid)

    def _batches(
        self, folder: str, epoch: int, uids: Sequence[int], seen_at: datetime
    ) -> Iterator[tuple[RawMail, ...]]:
        for block in _blocks(uids, _UIDS_PER_COMMAND):
            self._reopen(folder, epoch)
            items = self._connection.fetch(block, "(UID RFC822.SIZE INTERNALDATE)") or {}
            for pack in packed(block, items, limit_bytes=_BATCH_BYTES):
                self._reopen(folder, epoch)
                contents = self._contents(pack, items)
                if contents:
                    yield tuple(
                        self._mail(folder, epoch, uid, items.get(uid, {}), content, seen_at)
                        for uid, content in contents.items()
                    )

    def _mail(
        self, folder: str, epoch: int, uid: int, items: Items, content: bytes | BinaryIO, seen_at: datetime
    ) -> RawMail:
        """Args: content: the exact bytes, or a file that holds them."""
        whole, spool = (content, None) if isinstance(content, bytes) else (b"", content)
        return RawMail(
            mailbox=self.account.mailbox,
            folder=folder,
            uid_validity=epoch,
            uid=uid,
            received_at=arrival(items.get(b"INTERNALDATE"), _head(content), seen_at=seen_at),
            content=whole,
            spool=spool,
            stated_size=stated_size(items) or None,
        )

    def _contents(self, uids: Sequence[int], items: Mapping[int, Items]) -> Mapping[int, bytes | BinaryIO]:
        """{UID: exact bytes} of one pack; notes in `unfetchable` what is there but cannot be had."""
        contents: Mapping[int, bytes | BinaryIO]
        if stated_size(items.get(uids[0], {})) > _BIG_MAIL_BYTES:
            big = self._in_pieces(uids[0])
            contents = {} if big is None else {uids[0]: big}
        else:
            contents = self._contents_at_once(uids)
        missing = [uid for uid in uids if uid not in contents]
        if missing:
            still_there = self._connection.search("UID", compact_set(missing))
            self.unfetchable += [uid for uid in missing if uid in still_there]
        return contents

    def _contents_at_once(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Bodies by one command; after a refusal each half by itself, so that one bad mail does not hide the others."""
        answer = self._connection.fetch(uids, "(UID BODY.PEEK[])")
        if answer is None:
            middle = len(uids) // 2
            halves = (uids[:middle], uids[middle:]) if middle else ()
            return {uid: body for half in halves for uid, body in self._contents_at_once(half).items()}
        contents = {uid: _body(answer.get(uid, {})) or b"" for uid in uids}
        if len(uids) > 1:  # some servers leave out mails and still say OK
            for uid in [uid for uid, content in contents.items() if not content]:
                contents.update(self._contents_at_once([uid]))
        return {uid: content for uid, content in contents.items() if content}

    def _in_pieces(self, uid: int) -> bytes | BinaryIO | None:
        """
        A mail too big for memory by partial fetches into a temporary file, until a piece comes back empty: the size
        that servers state may be wrong. None if it breaks off; bytes from a server that knows no pieces.
        """
        spool = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the mail
        while True:
            offset = spool.tell()
            answer = self._connection.fetch([uid], f"(UID BODY.PEEK[]<{offset}.{_PIECE_BYTES}>)")
            if answer is None or uid not in answer:
                return None
            if whole := answer[uid].get(b"BODY[]"):
                return whole if isinstance(whole, bytes) else None
            piece = answer[uid].get(f"BODY[]<{offset}>".encode())
            if not isinstance(piece, bytes) or not piece:
                return spool if offset else None
            spool.write(piece)

    def _ensure_folder(self, folder: str) -> None:
        if not self._exists(folder):
            self._connection.client.create_folder(folder)

    def _exists(self, folder: str) -> bool:
        """Asked until it does; should it be removed after that, the next command fails, and with it this connection."""
        if folder not in self._there and self._connection.client.folder_exists(folder):
            self._there.add(folder)
        return folder in self._there

    def _way_of_moving(self) -> str:
        if self._connection.client.has_capability("MOVE"):
            return "MOVE"
        if self._connection.client.has_capability("UIDPLUS"):
            return "COPY and UID EXPUNGE"
        raise self._connection.unavailable(
            "its server offers neither MOVE nor UID EXPUNGE, and plain EXPUNGE would hit others"
        )

    def _move(self, uids: str, folder: str) -> dict[int, tuple[int, int]]:
        connection = self._connection
        if self._way_of_moving() == "MOVE":
            return connection.transfer("MOVE", uids, folder)
        places = connection.transfer("COPY", uids, folder)
        connection.mark_deleted(uids)
        connection.client.uid_expunge(uids)
        return places


def _head(content: bytes | BinaryIO) -> bytes:
    """Where the headers stand."""
    if isinstance(content, bytes):
        return content
    content.seek(0)
    return content.read(_PIECE_BYTES)


def _body(items: Items) -> bytes | None:
    """The body among FETCH items; an empty one is none, since some servers answer so for mails they cannot read."""
    for name in _BODY_ITEMS:
        body = items.get(name)
        if isinstance(body, bytes) and body:
            return body
    return None


def _sendable(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    """*uids* in parts that one command can name."""
    if len(compact_set(uids)) <= _LONGEST_SET:
        yield uids
        return
    middle = len(uids) // 2
    yield from _sendable(uids[:middle])
    yield from _sendable(uids[middle:])


def _blocks(uids: Sequence[int], length: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(uids), length):
        yield uids[start : start + length]
