"""Hosts that are cut from each other: what one of them held goes on elsewhere, and nothing is done twice."""

import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import Server, running_postgresql
from servers import DovecotServer, TlsFiles
from servers.hosts import Host, Network, network
from servers.parts import unproven

from dsar.store import Store

from . import reader
from .laboratory import Laboratory
from .place import ROOT, Look, Place, open_place
from .place import Network as Addresses

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]

#: From when a host is silent until the others have what it held: crew.SILENT_SECONDS, and a machine that is busy.
_TAKEN_OVER_SECONDS = 60


@pytest.fixture(scope="module")
def far() -> Iterator[Network]:
    """Two hosts, and the addresses at which they find this one."""
    if not ROOT:
        unproven("network namespaces want root")
    with network("faults-a", "faults-b") as made:
        yield made


@pytest.fixture(scope="module")
def far_postgresql(far: Network) -> Iterator[Server]:
    """A database server that is reached over the hosts' network alone."""
    with running_postgresql(far.database) as server:
        yield server


@pytest.fixture
def place(dovecot_server: DovecotServer, tls_files: TlsFiles, far: Network, far_postgresql: Server) -> Iterator[Place]:
    look = Look(database="postgresql", tls=True, epoch="today", workers=1, people=8)
    with tempfile.TemporaryDirectory(prefix="dsar-faults-", ignore_cleanup_errors=True) as made:
        own = Path(made) / "hosts"
        own.mkdir()
        with open_place(
            own,
            dovecot_server,
            tls_files,
            look=look,
            dice=random.Random(3),
            postgresql=far_postgresql,
            hit=lambda _name: None,
            network=Addresses(servers=far.servers, database=far.database),
        ) as opened:
            yield opened


def start(place: Place, host: Host) -> "subprocess.Popen[bytes]":
    with (place.folder.parent / "log").open("ab") as log:
        arguments = ("--settings", str(place.settings), "run", "--interval", "2")
        return place.start("-m", "faults.dying", *arguments, host=host, stdout=log, stderr=log)


def wait_for(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.3)


def workers(place: Place) -> set[str]:
    told = reader.rows(place.folder, place.databases.url, "SELECT name FROM worker")
    return {str(row["name"]).partition(":")[0] for row in told}


def cut_from_everything(_far: Network, host: Host) -> Callable[[], None]:
    host.cut()
    return host.mend


def cut_from_the_database(far: Network, host: Host) -> Callable[[], None]:
    """The worst of them: it still reaches the mail server, and cannot tell anybody what it does there."""
    host.cut_from(far.database)
    return lambda: host.mend_to(far.database)


def cut_from_the_servers(far: Network, host: Host) -> Callable[[], None]:
    host.cut_from(far.servers)
    return lambda: host.mend_to(far.servers)


#: The worst one in every run, all of them in `make test-hard`.
_CUTS: list[Callable[[Network, Host], Callable[[], None]]] = [cut_from_the_database]
if os.environ.get("FAULTS_HARD"):
    _CUTS += [cut_from_everything, cut_from_the_servers]


@pytest.mark.parametrize("cut", _CUTS)
def test_what_a_host_held_that_is_cut_off_goes_on_elsewhere(
    place: Place, far: Network, cut: Callable[[Network, Host], Callable[[], None]]
) -> None:
    lab = Laboratory(place, random.Random(3), postgresql=None, steps=(), faults=Counter())
    running = {host.name: start(place, host) for host in far.hosts}
    try:
        wait_for(lambda: workers(place) == set(running), _TAKEN_OVER_SECONDS)
        for person in place.people:
            if person.wish != "silent":
                place.deliver_from(person)
        wait_for(lambda: reader.rows(place.folder, place.databases.url, "SELECT 1 FROM case_file"), 60)
        mend = cut(far, far.hosts[0])
        lab.finish()
        mend()
        assert lab.judged() == []
    finally:
        lab.close()
        for process in running.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.wait(20)


_HOLDS = """
import sys, time
from datetime import UTC, datetime
from dsar.store import Store
with Store(sys.argv[1]).transaction() as tx:
    tx.take_lease("sealer", "cut off", now=datetime.now(UTC), seconds=1)
    print("held", flush=True)
    time.sleep(600)
"""


def test_what_a_host_has_locked_in_the_database_is_free_soon_after_it_was_cut_off(place: Place, far: Network) -> None:
    """The server would wait two hours for a line that says nothing, and everybody else for what it holds."""
    process = place.start("-c", _HOLDS, place.databases.url, host=far.hosts[0], stdout=subprocess.PIPE, text=True)
    store = Store(place.databases.url)
    try:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        far.hosts[0].cut()
        began = time.monotonic()
        with store.transaction() as tx:
            tx.session.execute(sa.text("SET LOCAL lock_timeout = '100s'"))
            assert tx.take_lease("sealer", "other", now=datetime.now(UTC), seconds=1)
        assert time.monotonic() - began < _TAKEN_OVER_SECONDS
    finally:
        store.close()
        process.kill()
        process.communicate()
