"""The laboratory itself: what it deals out comes, and comes to where it can hit."""

import random
import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest
from servers.web import Asked

from .door import Door, Trouble
from .shop import Shop
from .steps import Turns


@pytest.fixture
def echo() -> Iterator[int]:
    """Port of a server that says what it is told."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while data := self.request.recv(1024):
                self.request.sendall(data)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def said(port: int, words: bytes) -> bytes:
    """What comes back from the door."""
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.settimeout(20)
        try:
            line.sendall(words)
            line.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: line.recv(1024), b""))
        except ConnectionError:
            return b""


def test_a_trouble_that_a_short_connection_never_came_to_hits_a_later_one(echo: int) -> None:
    hit: list[Trouble] = []
    door = Door(echo, happened=hit.append)
    door.troubles.append(Trouble(wrong="cut", after=20))
    try:
        answers = [said(door.port, b"hello") for _ in range(20)]
    finally:
        door.close()
    assert answers[0] == b"hello"
    assert [trouble.wrong for trouble in hit] == ["cut"]


def test_a_door_that_was_mended_lets_everything_pass(echo: int) -> None:
    hit: list[Trouble] = []
    door = Door(echo, happened=hit.append)
    door.troubles.append(Trouble(wrong="cut", after=0))
    door.heal()
    try:
        assert said(door.port, b"hello") == b"hello"
    finally:
        door.close()
    assert hit == []


def test_a_lie_about_a_change_waits_for_a_change() -> None:
    told: list[str] = []
    shop = Shop(happened=told.append, rows={"K1": {"no": "K1", "mail": "a@example.se"}})
    shop.lapses.append("said not done")
    target = "/api/customers/K1"
    shop.answer(Asked(method="GET", target=target, headers={}, body=b""))
    assert told == []
    shop.answer(Asked(method="DELETE", target=target, headers={}, body=b""))
    assert told == ["said not done"]
    assert "K1" in shop.rows


def test_each_kind_comes_before_any_comes_again() -> None:
    turns = Turns(random.Random(1))
    taken = [turns.take("letters", "abc") for _ in range(6)]
    assert sorted(taken[:3]) == sorted(taken[3:]) == ["a", "b", "c"]
