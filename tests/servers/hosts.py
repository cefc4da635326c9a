"""
Machines that are not there: network namespaces with host names of their own, joined by a bridge to this machine.

They can be cut from all that is not on them, or from one address. Only root can make them. Otherwise the processes run
side by side on this machine, which proves less, and is said.
"""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Host:
    """A machine on which commands can be run."""

    name: str
    space: str = ""  #: Its network; empty: that of this machine.

    @property
    def entered(self) -> tuple[str, ...]:
        """What stands before a command that is to run in its network; its name is not set yet."""
        return ("ip", "netns", "exec", self.space, "unshare", "--uts") if self.space else ()

    def start(self, command: Sequence[str], *, errors: Path) -> "subprocess.Popen[bytes]":
        """Run *command* there, whose standard error goes to the file *errors*; to kill it kills the command itself."""
        named = ("sh", "-c", 'hostname "$0" && exec "$@"', self.name) if self.space else ()
        with errors.open("wb") as log:
            return subprocess.Popen([*self.entered, *named, *command], stderr=log)

    def cut(self) -> None:
        """Pull the cable."""
        _ip("link", "set", self.space, "down")

    def mend(self) -> None:
        """Put it back."""
        _ip("link", "set", self.space, "up")

    def cut_from(self, address: str) -> None:
        """Lose every packet to one address."""
        _ip("-n", self.space, "route", "add", "blackhole", f"{address}/32")

    def mend_to(self, address: str) -> None:
        """Lose none any more."""
        _ip("-n", self.space, "route", "del", "blackhole", f"{address}/32")


@dataclass(frozen=True, kw_only=True)
class Network:
    """Two or more machines, and where they reach this one."""

    hosts: tuple[Host, ...]
    servers: str  #: Address of this machine, as they see it, for what they ask there.
    database: str  #: Another one, so that they can be cut from one of both.
    apart: bool  #: Whether they are really machines of their own, as far as the network goes.


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """A network of machines called *names*; gone afterwards."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
        sys.stderr.write("no network namespaces (root only): all processes run on this machine\n")
        hosts = tuple(Host(name=name) for name in names)
        yield Network(hosts=hosts, servers="127.0.0.1", database="127.0.0.1", apart=False)
        return
    tag, part = uuid.uuid4().hex[:6], 1 + uuid.uuid4().int % 250
    bridge, servers, database = f"dsar{tag}", f"10.213.{part}.1", f"10.213.{part}.2"
    made_hosts: list[Host] = []
    with ExitStack() as made:
        _ip("link", "add", bridge, "type", "bridge")
        made.callback(_ip, "link", "delete", bridge)
        for address in (servers, database):
            _ip("address", "add", f"{address}/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for number, name in enumerate(names):
            space = f"{bridge}-{number}"
            _join(made, space, bridge=bridge, address=f"10.213.{part}.{number + 11}/24")
            made_hosts.append(Host(name=name, space=space))
        yield Network(hosts=tuple(made_hosts), servers=servers, database=database, apart=True)


def _join(made: ExitStack, space: str, *, bridge: str, address: str) -> None:
    """Make the network *space*, whose link outside it has the same name, and join it to *bridge*."""
    _ip("netns", "add", space)
    made.callback(_ip, "netns", "delete", space)
    _ip("link", "add", space, "type", "veth", "peer", "name", "eth0", "netns", space)
    made.callback(_ip, "link", "delete", space)  # a network lives on while a process of it does
    _ip("link", "set", space, "master", bridge, "up")
    for device in ("lo", "eth0"):
        _ip("-n", space, "link", "set", device, "up")
    _ip("-n", space, "address", "add", address, "dev", "eth0")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
