"""An IMAP server that says whatever a test wants."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Any, Self

from dsar.inbox import ImapAccount
from servers.parts import password


@dataclass(frozen=True, kw_only=True)
class ImapCommand:
    """One command of a client, to be answered."""

    text: bytes  #: Without tag and line end.
    tag: bytes
    stream: BufferedReader  #: What the client sends next.
    connection: socket.socket = field(repr=False)

    @property
    def ok(self) -> bytes:
        return self.tag + b" OK done\r\n"

    @property
    def no(self) -> bytes:
        return self.tag + b" NO [SERVERBUG] sorry\r\n"

    def send(self, answer: bytes) -> None:
        self.connection.sendall(answer)

    def hang_up(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)


#: Answers one command, truthfully or not.
ImapScript = Callable[[ImapCommand], None]

#: A folder of epoch 77 whose next mail gets UID 9.
SELECTED = b"* FLAGS (\\Seen)\r\n* 9 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 9] x\r\n"


class LyingImapServer:
    """An IMAP server on a plain loopback port that logs everybody in and answers all else by a script."""

    def __init__(
        self,
        script: ImapScript,
        *,
        capabilities: bytes = b"IMAP4rev1 IDLE UIDPLUS MOVE",
        selected: bytes | Callable[[bytes], bytes] = SELECTED,
    ) -> None:
        self.received: list[bytes] = []  #: Every command line without its tag.
        self.selected = selected  #: Untagged answer to SELECT and EXAMINE, or what gives it for a folder's name.
        self._script = script
        self._capabilities = capabilities
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def account(self, **changes: Any) -> ImapAccount:
        values: dict[str, Any] = {
            "mailbox": "privacy",
            "host": "127.0.0.1",
            "port": self.port,
            "security": "plain",
            "user": "user",
            "credential": password,
            "timeout_seconds": 1,
        }
        return ImapAccount(**(values | changes))

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            connection.sendall(b"* OK [CAPABILITY " + self._capabilities + b"] ready\r\n")
            while line := stream.readline():
                tag, _, text = line.strip().partition(b" ")
                self.received.append(text)
                self._answer(ImapCommand(text=text, tag=tag, stream=stream, connection=connection))

    def _answer(self, command: ImapCommand) -> None:
        word = command.text.split()[0].upper()
        selected = b""
        if word in (b"SELECT", b"EXAMINE"):
            name = command.text.split(b" ", 1)[1].strip(b'"')
            selected = self.selected(name) if callable(self.selected) else self.selected
        untagged = {
            b"LOGIN": b"",
            b"CAPABILITY": b"* CAPABILITY " + self._capabilities + b"\r\n",
            b"SELECT": selected,
            b"EXAMINE": selected,
            b"LOGOUT": b"* BYE\r\n",
        }
        if word in untagged:
            command.send(untagged[word] + command.ok)
        else:
            self._script(command)


class ScriptedMailbox:
    """Folders that behave like those of an honest server, except for what a test changes while it runs."""

    def __init__(self) -> None:
        self.folders: dict[bytes, dict[int, bytes]] = {b"INBOX": {}, b"DSAR-Done": {}}  #: {folder: {UID: mail}}
        self.epochs = {b"INBOX": 77, b"DSAR-Done": 88}
        self.next_uid = {b"INBOX": 5, b"DSAR-Done": 1}
        self.refused: set[int] = set()  #: UIDs of the open folder whose bytes it does not give.
        self.tells_places = True  #: COPYUID
        self.cut: bytes | None = None  #: The connection breaks at the first command that holds this.
        self.cut_after = False  #: The command is done, but not answered.
        self._open = b"INBOX"

    def server(self) -> LyingImapServer:
        return LyingImapServer(self._script, selected=self._selected)

    def deliver(self, mail: bytes, folder: bytes = b"INBOX") -> int:
        uid = self.next_uid[folder]
        self.next_uid[folder] += 1
        self.folders[folder][uid] = mail
        return uid

    def renumber(self, folder: bytes = b"INBOX") -> None:
        """Another epoch, in which UIDs begin anew: they name other mails than before."""
        self.epochs[folder] += 1
        mails = list(self.folders[folder].values())[::-1]
        self.folders[folder] = dict(enumerate(mails, start=1))
        self.next_uid[folder] = len(mails) + 1

    def move(self, uid: int, source: bytes, target: bytes) -> int:
        return self.deliver(self.folders[source].pop(uid), target)

    def _selected(self, folder: bytes) -> bytes:
        self._open = folder
        return b"* FLAGS (\\Seen)\r\n* %d EXISTS\r\n* OK [UIDVALIDITY %d] x\r\n* OK [UIDNEXT %d] x\r\n" % (
            len(self.folders[folder]),
            self.epochs[folder],
            self.next_uid[folder],
        )

    def _script(self, command: ImapCommand) -> None:
        cut = self.cut is not None and self.cut in command.text
        if cut:
            self.cut = None
            if not self.cut_after:
                command.hang_up()
                return
        if command.text == b"IDLE":
            command.send(b"+ idling\r\n")
            command.stream.readline()
        answer = self._answered(command)
        if cut:
            command.hang_up()
        else:
            command.send(answer)

    def _answered(self, command: ImapCommand) -> bytes:
        words = command.text.split()
        mails = self.folders[self._open]
        if words[0] == b"LIST":
            return b'* LIST () "/" ' + words[-1] + b"\r\n" + command.ok
        if words[:2] == [b"UID", b"SEARCH"]:
            found = b" ".join(b"%d" % uid for uid in self._named(words[-1]) if uid in mails)
            return b"* SEARCH " + found + b"\r\n" + command.ok
        if words[:2] == [b"UID", b"FETCH"]:
            uids = [uid for uid in self._named(words[2]) if uid in mails]
            if b"BODY" not in command.text:
                line = b'* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE "24-Nov-2026 08:30:00 +0000")\r\n'
                return b"".join(line % (uid, uid, len(mails[uid])) for uid in uids) + command.ok
            bodies = b"".join(
                b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, uid, len(mails[uid]), mails[uid])
                for uid in uids
                if uid not in self.refused
            )
            return bodies + (command.no if self.refused.intersection(uids) else command.ok)
        if words[:2] == [b"UID", b"MOVE"]:
            pairs = [(uid, self.move(uid, self._open, b"DSAR-Done")) for uid in self._named(words[2]) if uid in mails]
            if not pairs:
                return command.ok
            old, new = (b",".join(b"%d" % pair[side] for pair in pairs) for side in (0, 1))
            told = b"* OK [COPYUID %d %s %s] moved\r\n" % (self.epochs[b"DSAR-Done"], old, new)
            return (told if self.tells_places else b"") + command.ok
        return command.ok

    def _named(self, uids: bytes) -> list[int]:
        """UIDs of a sequence-set, "*" being the highest there is."""
        highest = max(self.folders[self._open], default=0)
        spans = [[highest if end == b"*" else int(end) for end in span.split(b":")] for span in uids.split(b",")]
        return [uid for span in spans for uid in range(min(span), max(span) + 1)]
