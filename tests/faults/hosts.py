"""
Two hosts of their own network on this machine, which can be cut from the database, from the servers, or from both.

Effects: as root, makes a bridge and two network namespaces, and removes them. Nothing leaves the machine.
"""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from .place import Network

NETWORK: Final = Network(servers="10.231.7.1", database="10.231.7.2")
HOSTS: Final = ("faults-a", "faults-b")
#: All of them.
ALL: Final = "10.231.7.0/24"
_BRIDGE: Final = "faults-br"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@contextmanager
def two_hosts() -> Iterator[None]:
    """HOSTS, each with a link to the bridge that holds the addresses of NETWORK."""
    with ExitStack() as stack:
        _ip("link", "add", _BRIDGE, "type", "bridge")
        stack.callback(_ip, "link", "del", _BRIDGE)
        for address in (NETWORK.servers, NETWORK.database):
            _ip("address", "add", f"{address}/24", "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")
        for number, host in enumerate(HOSTS):
            _ip("netns", "add", host)
            stack.callback(_ip, "netns", "del", host)
            _ip("link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", host)
            stack.callback(_ip, "link", "del", host)  # a namespace lives on while a process of it does
            _ip("link", "set", host, "master", _BRIDGE, "up")
            _ip("-n", host, "address", "add", f"10.231.7.{11 + number}/24", "dev", "eth0")
            _ip("-n", host, "link", "set", "eth0", "up")
            _ip("-n", host, "link", "set", "lo", "up")
        yield


def cut(host: str) -> None:
    """Pull the cable."""
    _ip("link", "set", host, "down")


def mend(host: str) -> None:
    """Put it back."""
    _ip("link", "set", host, "up")


def cut_from(host: str, address: str) -> None:
    """Lose every packet to one address."""
    _ip("-n", host, "route", "add", "blackhole", f"{address}/32")


def mend_to(host: str, address: str) -> None:
    """Lose none any more."""
    _ip("-n", host, "route", "del", "blackhole", f"{address}/32")
