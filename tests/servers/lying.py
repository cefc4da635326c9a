"""An IMAP server that says whatever a test wants."""

# ruff: noqa: ANN401  # accounts pass on whatever fields a test names

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
        self, script: ImapScript, *, capabilities: bytes = b"IMAP4rev1 IDLE UIDPLUS MOVE", selected: bytes = SELECTED
    ) -> None:
        self.received: list[bytes] = []  #: Every command line without its tag.
        self.selected = selected  #: Untagged answer to SELECT and EXAMINE.
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
        untagged = {
            b"LOGIN": b"",
            b"CAPABILITY": b"* CAPABILITY " + self._capabilities + b"\r\n",
            b"SELECT": self.selected,
            b"EXAMINE": self.selected,
            b"LOGOUT": b"* BYE\r\n",
        }
        if word in untagged:
            command.send(untagged[word] + command.ok)
        else:
            self._script(command)
