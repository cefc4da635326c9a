"""A fixed slice of the fault laboratory; `make test-hard` plays as many other scenarios as one has time for."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import Server
from servers import DovecotServer, TlsFiles

from .scenario import Servers, play

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]

#: Seed -> where the program's data lie.
_SLICE = {1: "sqlite", 2: "postgresql"}


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dsar-faults-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.mark.parametrize("seed", _SLICE)
def test_after_any_faults_every_promise_is_kept(
    seed: int, folder: Path, dovecot_server: DovecotServer, tls_files: TlsFiles, postgresql: Server
) -> None:
    """Killed, cut off, lied to, out of room and out of time: nothing is lost, doubled, unapproved or untold."""
    servers = Servers(dovecot=dovecot_server, tls=tls_files, postgresql=postgresql)
    report = play(servers, seed, folder, faults=8, kind=_SLICE[seed], days=0)
    assert report.broken == [], f"again: make test-hard SEED={seed} SCENARIOS=1 DATABASE={_SLICE[seed]}"
    assert report.faults.total() >= 4
