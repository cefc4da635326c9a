"""
Machines that are not there: network namespaces with host names of their own, joined by a bridge to this machine.

Only root can make them. Otherwise the processes run side by side on this machine, which proves less, and is said.
"""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Host:
    """A machine on which commands can be run."""

    name: str
    prefix: tuple[str, ...]  #: What stands before a command that is to run there.

    def start(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        """Run *command* there; to kill what it returns kills the command itself."""
        return subprocess.Popen([*self.prefix, *command], stderr=subprocess.DEVNULL)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Two or more machines, and where they reach this one."""

    hosts: tuple[Host, ...]
    address: str  #: Of this machine, as they see it.
    apart: bool  #: Whether they are really machines of their own, as far as the network goes.


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """A network of machines called *names*; gone afterwards."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
        sys.stderr.write("no network namespaces (root only): all processes run on this machine\n")
        yield Network(hosts=tuple(Host(name=name, prefix=()) for name in names), address="127.0.0.1", apart=False)
        return
    tag, part = uuid.uuid4().hex[:6], 1 + uuid.uuid4().int % 250
    bridge, address = f"dsar{tag}", f"10.213.{part}.1"
    with ExitStack() as made:
        _ip("link", "add", bridge, "type", "bridge")
        made.callback(_ip, "link", "delete", bridge)
        _ip("address", "add", f"{address}/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        hosts = [
            _host(made, name, space=f"{bridge}-{number}", bridge=bridge, address=f"10.213.{part}.{number + 2}/24")
            for number, name in enumerate(names)
        ]
        yield Network(hosts=tuple(hosts), address=address, apart=True)


def _host(made: ExitStack, name: str, *, space: str, bridge: str, address: str) -> Host:
    _ip("netns", "add", space)
    made.callback(_ip, "netns", "delete", space)
    _ip("link", "add", space, "type", "veth", "peer", "name", "eth0", "netns", space)
    _ip("link", "set", space, "master", bridge, "up")
    for device in ("lo", "eth0"):
        _ip("-n", space, "link", "set", device, "up")
    _ip("-n", space, "address", "add", address, "dev", "eth0")
    own_name = ("sh", "-c", 'hostname "$0" && exec "$@"', name)
    return Host(name=name, prefix=("ip", "netns", "exec", space, "unshare", "--uts", *own_name))


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
