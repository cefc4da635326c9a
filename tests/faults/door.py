"""
A door between the program and a server, through which every connection can be made to go wrong.

Effects: listens on a free loopback port; one thread for each direction of each connection.
"""

import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

#: What can go wrong with one connection after so many bytes in one direction; "outlasted": it stalls until the client
#: has given up.
Wrong = Literal["refused", "cut", "stalled", "outlasted", "late", "garbled", "expired"]
Direction = Literal["up", "down"]

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER for no time: the other side gets RST, as from a machine that is gone


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What will happen to one connection."""

    wrong: Wrong
    direction: Direction = "down"  #: "up": what the program sends; "down": what the server answers.
    after: int = 0  #: Bytes in that direction before it happens.
    seconds: float = 0.0  #: How long it stalls before it is cut, or before what was held back goes on.


class Door:
    """Passes connections on to a port of this machine, each with the next trouble that is waiting, if any."""

    def __init__(
        self,
        port: int,
        *,
        happened: Callable[[Trouble], None],
        expired: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        """Args: happened: told of each trouble that hit; expired: a server's side of TLS that nobody should trust."""
        self.target = port
        self.troubles: deque[Trouble] = deque()
        self._happened, self._expired = happened, expired
        self._open: set[socket.socket] = set()
        self._counting = threading.Lock()
        self._healed = False
        self._held_back = 0  #: Connections whose bytes go on later, also if who sent them is dead by then.
        self._went_on_at = float("-inf")
        self._listener = socket.create_server((address, 0), backlog=64)
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()

    def heal(self) -> None:
        """Nothing goes wrong here any more."""
        self._healed = True
        self.troubles.clear()

    def cut_all(self) -> int:
        """Cut what stands open just now; how many connections."""
        standing = list(self._open)
        for each in standing:
            _cut(each)
        return len(standing) // 2

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        trouble = None
        with suppress(IndexError):
            trouble = self.troubles.popleft()
        if trouble and trouble.wrong in {"refused", "expired"}:
            self._turn_away(client, trouble)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            _cut(client)
            return
        self._open |= {client, server}
        for source, sink, direction in ((client, server, "up"), (server, client, "down")):
            mine = trouble if trouble and trouble.direction == direction else None
            threading.Thread(target=self._pump, args=(source, sink, mine), daemon=True).start()

    def _turn_away(self, client: socket.socket, trouble: Trouble) -> None:
        self._happened(trouble)
        if trouble.wrong == "expired" and self._expired:
            client.settimeout(5)
            with suppress(OSError, ssl.SSLError):
                self._expired.wrap_socket(client, server_side=True).close()
        _cut(client)

    def is_holding(self, seconds: float) -> bool:
        """Whether bytes are held back here, or went on less than so long ago."""
        with self._counting:
            return self._held_back > 0 or time.monotonic() - self._went_on_at < seconds

    def _hold_back(self, trouble: Trouble) -> None:
        with self._counting:
            self._held_back += 1
        time.sleep(trouble.seconds)
        with self._counting:
            self._held_back -= 1
            self._went_on_at = time.monotonic()

    def _pump(self, source: socket.socket, sink: socket.socket, trouble: Trouble | None) -> None:
        passed, broken = 0, True
        with suppress(OSError):
            while data := source.recv(65536):
                if trouble and passed + len(data) > trouble.after:
                    early, late = data[: trouble.after - passed], data[trouble.after - passed :]
                    sink.sendall(early)
                    hit, trouble = trouble, None
                    self._happened(hit)
                    if hit.wrong == "garbled":
                        sink.sendall(bytes(byte ^ 0x55 for byte in late))
                    self._hold_back(hit)
                    if hit.wrong != "late":
                        break
                    data = late
                sink.sendall(data)
                passed += len(data)
            else:
                sink.shutdown(socket.SHUT_WR)  # it ended as it should; the other direction may still have something
                broken = False
        if trouble and not self._healed:  # it ended before: the next one, and sooner
            self.troubles.append(replace(trouble, after=trouble.after // 2))
        for each in (source, sink) if broken else (source,) if sink not in self._open else ():
            _cut(each)
        self._open.discard(source)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
